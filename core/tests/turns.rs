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
        // Until then the other call has its answer, on the busiest machine too.
        json!({ "match": { "seed": 2 }, "status": 503, "delay": 8.0 }),
    ];
    let options = ClientOptions::new().retry(Retry::new().initial(0.01)).timeout(40.0);
    let (emulator, client) = start(&script, options);
    let patient = numbered(1).timeout(300.0);
    let other = client.clone();
    let other = tokio::spawn(async move { other.generate("a banana", patient).await });
    let begun = Instant::now();
    let error = client.generate("an apple", numbered(2)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(35), "{:?}", begun.elapsed());
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

/// A client that says when one of its calls is to be made again, and its emulator.
fn watched(
    script: &[Value],
    options: ClientOptions,
) -> (Emulator, Client, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let (emulator, client) = start(script, options);
    let (send, retries) = tokio::sync::mpsc::unbounded_channel();
    let client = client.on_event(move |event| {
        if event.name == "retry" {
            let _ = send.send(());
        }
    });
    (emulator, client, retries)
}

fn asked_for(emulator: &Emulator, seed: i64) -> usize {
    let is_it = |request: &&Value| request["json"]["generationConfig"]["seed"] == seed;
    emulator.requests().iter().filter(is_it).count()
}

#[tokio::test]
async fn a_wait_that_the_service_names_holds_up_that_model_and_nothing_else() {
    for status in [429, 503] {
        let script = [json!({ "match": { "seed": 1 }, "status": status, "headers": { "retry-after": "4" } })];
        let (emulator, client, mut retries) = watched(&script, ClientOptions::new());
        let other =
            Client::new(ClientOptions::new().base_url(emulator.url()).api_key("another-key")).unwrap();
        let copy = client.with_options(ClientOptions::new().timeout(60.0)).unwrap();
        let begun = Instant::now();
        let asking = client.clone();
        let first = tokio::spawn(async move { asking.generate("a banana", numbered(1)).await });
        retries.recv().await.unwrap();
        let held_up = tokio::spawn(async move { copy.generate("an apple", numbered(2)).await });
        tokio::task::yield_now().await;
        client.generate("a pear", numbered(3).model("nano-banana")).await.unwrap();
        other.generate("a plum", numbered(4)).await.unwrap();
        assert_eq!((asked_for(&emulator, 2), asked_for(&emulator, 1)), (0, 1), "{status}: it did not wait");
        held_up.await.unwrap().unwrap();
        first.await.unwrap().unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(3900), "{status}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_wait_that_its_own_call_does_not_sit_through_holds_up_no_other() {
    let quota = json!([{ "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{ "quotaValue": "0" }] }]);
    for (named, error) in [
        ("300", json!({ "status": "RESOURCE_EXHAUSTED" })),
        // Waiting is of no use.
        ("20", json!({ "status": "RESOURCE_EXHAUSTED", "details": quota })),
    ] {
        let refusal = json!({ "match": { "seed": 1 }, "status": 429, "error": error, "headers": { "retry-after": named } });
        let (_emulator, client) = start(&[refusal], ClientOptions::new());
        client.generate("a banana", numbered(1)).await.unwrap_err();
        let next = client.generate("an apple", numbered(2));
        tokio::time::timeout(Duration::from_secs(15), next).await.expect("it waits").unwrap();
    }
}

#[tokio::test]
async fn a_service_that_is_busy_gets_fewer_calls_at_once_and_one_that_failed_does_not() {
    for (status, is_throttled) in [(503, true), (429, true), (500, false)] {
        let script = [
            json!({ "match": { "seed": 1 }, "status": status }),
            json!({ "match": { "seed": 2 }, "delay": 4 }),
        ];
        let options = ClientOptions::new().retry(Retry::new().initial(0.001));
        let (emulator, client) = start(&script, options);
        let slow = client.clone();
        let mut slow = tokio::spawn(async move { slow.generate("an apple", numbered(2)).await });
        while asked_for(&emulator, 2) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let again = client.generate("a banana", numbered(1));
        let is_first = tokio::select! {
            outcome = again => {
                outcome.unwrap();
                true
            }
            outcome = &mut slow => {
                outcome.unwrap().unwrap();
                false
            }
        };
        assert_eq!(is_first, !is_throttled, "{status}");
    }
}

/// A reply that names its picture by this address, and a step that gives the picture there.
fn by_address(uri: &str, picture: Value) -> [Value; 2] {
    let part = json!({ "fileData": { "mimeType": "image/png", "fileUri": uri } });
    let usage = json!({ "promptTokenCount": 2, "candidatesTokenCount": 1120, "totalTokenCount": 1122,
        "candidatesTokensDetails": [{ "modality": "IMAGE", "tokenCount": 1120 }] });
    let reply = json!({ "candidates": [{ "content": { "parts": [part] }, "finishReason": "STOP" }], "usageMetadata": usage });
    let mut step = picture;
    step["match"] = json!({ "call": "file_download" });
    [json!({ "json": reply }), step]
}

const DOT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mNkYGioZ2BgYahnYGBgAAANKQGEzakDZwAAAABJRU5ErkJggg==";

#[tokio::test]
async fn a_picture_that_the_service_keeps_is_fetched_with_the_key_and_kept_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let options = ClientOptions::new().cache(folder.path().display().to_string());
    let (emulator, client) = start(&[], options);
    let uri = format!("{}/v1beta/files/abc:download?alt=media", emulator.url());
    emulator.script(&by_address(&uri, json!({ "body_base64": DOT }))).unwrap();
    for is_cached in [false, true] {
        let result = client.generate("a banana", numbered(1)).await.unwrap();
        assert_eq!((result.images.len(), result.images[0].width()), (1, 2));
        assert_eq!((result.cached, result.warnings.len()), (is_cached, 0), "{:?}", result.warnings);
        assert_eq!(result.raw["candidates"][0]["content"]["parts"][0]["fileData"]["fileUri"], uri);
    }
    let asked = emulator.requests();
    assert_eq!(asked.len(), 2);
    assert!(asked[1]["headers"].get("x-goog-api-key").is_some(), "{}", asked[1]);

    // One that is not there is paid for all the same; its address is kept.
    emulator.script(&by_address(&uri, json!({ "status": 404 }))).unwrap();
    let error = client.generate("another banana", numbered(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.field("billed")), (Kind::NoImageError, Some("yes".into())), "{error}");
    assert_eq!(error.partial().unwrap().links, [uri]);
    assert!(!error.retryable() && error.message().contains("404"), "{error}");
}

/// It is paid for: a host that is busy for a moment does not lose it.
#[tokio::test]
async fn a_picture_that_a_reply_names_is_asked_for_again() {
    let (emulator, client) = start(&[], ClientOptions::new().retry(Retry::new().initial(0.001)));
    let uri = format!("{}/v1beta/files/abc:download?alt=media", emulator.url());
    let busy = json!({ "status": 503, "match": { "call": "file_download" } });
    let [reply, picture] = by_address(&uri, json!({ "body_base64": DOT }));
    emulator.script(&[reply, busy.clone(), busy, picture]).unwrap();
    let result = client.generate("a banana", numbered(1)).await.unwrap();
    assert_eq!((result.images.len(), emulator.requests().len()), (1, 4));
}

#[tokio::test]
async fn a_picture_of_another_host_is_fetched_without_the_key() {
    let other = Emulator::start(0).unwrap();
    let uri =
        format!("{}/v1beta/files/abc:download?alt=media", other.url().replace("127.0.0.1", "localhost"));
    let (_emulator, client) =
        start(&by_address(&uri, json!({}))[..1], ClientOptions::new().allow_private_urls(true));
    other.script(&by_address(&uri, json!({ "body_base64": DOT }))[1..]).unwrap();
    let fetched = client.generate("a banana", numbered(1)).await;
    let asked = other.requests();
    assert!(asked.iter().all(|request| request["headers"].get("x-goog-api-key").is_none()), "{asked:?}");
    assert_eq!(asked.len(), 1);
    // Without a key the emulator refuses what it would give to its own client.
    assert!(fetched.is_ok() || fetched.is_err_and(|error| error.message().contains("fetched")));
}

#[tokio::test]
async fn a_reply_of_too_many_parts_is_refused_and_may_be_billed() {
    let parts = [r#"{"text":"a","thought":true}"#, r#"{"text":"a"}"#].repeat(3000).join(",");
    let event = format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{parts}]}}}}]}}\r\n\r\n");
    let script = [json!({ "body": event.repeat(12) })];
    let (_emulator, client) = start(&script, ClientOptions::new().retry(Retry::from(false)));
    let mut stream = client.generate_stream("a banana", GenerateOptions::new());
    let error = loop {
        match stream.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("72,000 parts are no trouble"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::ResponseError, "{error}");
    assert!(error.message().contains("its parts pass the limit of 32 MiB of memory"), "{error}");
    assert_eq!(error.field("billed"), Some("unknown".into()));
}
