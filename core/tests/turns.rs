//! Calls of one client that wait for each other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use nanobanana::options::Retry;
use nanobanana::{
    Case, Client, ClientOptions, Door, Emulator, Event, EventStream, GenerateOptions, Input, Kind,
};
use serde_json::{Map, Value, json};

fn start(script: &[Value], options: ClientOptions) -> (Emulator, Client) {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(script).unwrap();
    let client = Client::new(options.base_url(emulator.url()).api_key("test-key-0123")).unwrap();
    (emulator, client)
}

fn numbered(seed: i64) -> GenerateOptions {
    GenerateOptions::new().seed(seed).model("nano-banana-pro")
}

async fn first_picture(stream: &mut EventStream) {
    while !matches!(stream.next().await.unwrap().unwrap(), Event::Image(_)) {}
}

/// Makes a call in the middle of a stream, as a loop over its events may, and reads the rest.
async fn between_events(client: &Client) {
    let mut stream = client.generate_stream("a banana", numbered(1));
    first_picture(&mut stream).await;
    let call = client.generate("an apple", numbered(2));
    tokio::time::timeout(Duration::from_secs(20), call).await.expect("it waits for ever").unwrap();
    while stream.next().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_stream_that_nobody_reads_does_not_hold_up_whoever_could() {
    let (_emulator, client) = start(&[], ClientOptions::new().max_concurrency(1u32));
    between_events(&client).await;
}

#[tokio::test]
async fn nor_when_the_service_was_busy_before() {
    let retry = Retry::new().initial(0.01);
    let (_emulator, client) = start(&[json!({ "status": 503 })], ClientOptions::new().retry(retry));
    between_events(&client).await;
}

#[tokio::test]
async fn a_common_pause_beyond_the_deadline_is_not_begun() {
    let script = [
        json!({ "match": { "seed": 1 }, "status": 429, "error": { "status": "RESOURCE_EXHAUSTED",
            "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "50s" }] } }),
        json!({ "match": { "seed": 2 }, "status": 503, "delay": 0.5 }),
    ];
    let options = ClientOptions::new().retry(Retry::new().initial(0.01)).timeout(30.0);
    let (emulator, client) = start(&script, options);
    let patient = numbered(1).timeout(300.0);
    let other = client.clone();
    let other = tokio::spawn(async move { other.generate("a banana", patient).await });
    let begun = Instant::now();
    let error = client.generate("an apple", numbered(2)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(error.kind(), Kind::APITimeoutError, "{error}");
    assert_eq!(error.field("billed"), Some("no".into()), "nothing was made: {error}");
    assert_eq!((error.attempts().len(), emulator.requests().len()), (1, 2));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("503"), "{cause}");
    other.abort();
}

#[tokio::test]
async fn an_error_whose_body_does_not_end_is_told_all_the_same() {
    let script = [
        json!({ "status": 503, "error": { "status": "UNAVAILABLE", "message": "too much to do" }, "stall": 20 }),
    ];
    let (_emulator, client) = start(&script, ClientOptions::new().retry(Retry::from(false)));
    let call = client.generate("a banana", GenerateOptions::new());
    let error = tokio::time::timeout(Duration::from_secs(30), call).await.expect("it hangs").unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::InternalServerError, Some(503)), "{error}");
    assert_eq!(error.field("billed"), Some("no".into()));
}

#[tokio::test]
async fn sends_to_a_chat_are_served_in_the_order_of_their_calls_whichever_begins_first() {
    let (_emulator, client) = start(&[], ClientOptions::new());
    let chat = client.chat(GenerateOptions::new()).unwrap();
    let door = Door::Chat(chat.clone());
    let send = |said: &str| {
        door.call("send", vec![Input::Text(said.to_owned())], Vec::new(), Map::new(), Case::Snake)
    };
    let (one, two, given_up, three) = (send("one"), send("two"), send("given up"), send("three"));
    let three = tokio::spawn(three);
    tokio::task::yield_now().await;
    drop(given_up);
    let (two, one) = tokio::join!(two, one);
    two.and(one).and(three.await.unwrap()).unwrap();
    let said: Vec<String> =
        chat.history().into_iter().filter(|turn| turn.role == "user").map(|turn| turn.text).collect();
    assert_eq!(said, ["one", "two", "three"]);
}
