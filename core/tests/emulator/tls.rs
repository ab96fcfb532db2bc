//! TLS and HTTP/2, by this library's own client and, where the frames matter, by a bare one; and the faults
//! that a script makes on such a line.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nanobanana::{
    Client, ClientOptions, Emulator, EmulatorOptions, Error, Event, GenerateOptions, Image, Kind, Pixels,
    Retry, Timeout,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::line::FLASH;

/// A test that waits longer than this has failed.
const LONG: Duration = Duration::from_secs(30);

fn start() -> Emulator {
    Emulator::start_with(EmulatorOptions::new().tls(true)).unwrap()
}

fn options(emulator: &Emulator) -> ClientOptions {
    let options = ClientOptions::new().base_url(emulator.url()).api_key("k");
    let options = options.retry(Retry::new().initial(0.01)).timeout(LONG);
    match emulator.ca_bundle() {
        Some(bundle) => options.ca_bundle(bundle.to_str().unwrap()),
        None => options,
    }
}

fn client(emulator: &Emulator) -> Client {
    Client::new(options(emulator)).unwrap()
}

/// Makes no call twice.
fn once(emulator: &Emulator) -> Client {
    Client::new(options(emulator).retry(false)).unwrap()
}

async fn ask(client: &Client) -> Result<nanobanana::Generation, Error> {
    client.generate("a boat", GenerateOptions::new()).await
}

/// Waits until something holds; the client goes on meanwhile.
async fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < LONG, "it never came to be");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A PNG that does not shrink: `side` × `side` × 3 bytes.
fn noise(side: u32) -> Image {
    let mut random = fastrand::Rng::with_seed(7);
    let data = std::iter::repeat_with(|| random.u8(..)).take((side * side * 3) as usize).collect();
    Image::from_pixels(&Pixels { width: side, height: side, channels: 3, data }).unwrap()
}

fn answer(image: &Image) -> Value {
    let data = STANDARD.encode(image.bytes().unwrap());
    let part = json!({"inlineData": {"mimeType": image.mime_type(), "data": data}});
    json!({"candidates": [{"content": {"parts": [part], "role": "model"}, "finishReason": "STOP"}]})
}

/// Stands before an emulator and counts its connections.
async fn counted(emulator: &Emulator) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let behind = emulator.url().rsplit('/').next().unwrap().to_owned();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = count.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            let behind = behind.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(behind).await.unwrap();
                // Either side may break it.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_client_that_trusts_the_bundle_speaks_http_2_and_no_other_speaks_at_all() {
    let emulator = start();
    assert!(emulator.url().starts_with("https://127.0.0.1:"));
    assert_eq!(ask(&client(&emulator)).await.unwrap().image().unwrap().width(), 1024);
    assert_eq!(emulator.requests()[0]["http_version"], "2");
    // The certificate names the machine in other ways, too.
    let named = options(&emulator).base_url(emulator.url().replace("127.0.0.1", "localhost"));
    ask(&Client::new(named).unwrap()).await.unwrap();
    let distrustful = ClientOptions::new().base_url(emulator.url()).api_key("k").retry(false);
    let error = ask(&Client::new(distrustful).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::APIConnectionError);
    assert!(error.message().contains("certificate"), "{error}");
    // Another emulator's authority does not vouch for this one.
    let other = start();
    let error = ask(&Client::new(options(&emulator).base_url(other.url())).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::APIConnectionError);
    assert_eq!((emulator.requests().len(), other.requests().len()), (2, 0));
}

#[test]
fn the_bundle_is_its_owners_alone_and_goes_with_the_emulator() {
    assert_eq!(Emulator::start(0).unwrap().ca_bundle(), None);
    let emulator = start();
    let path = emulator.ca_bundle().unwrap().to_owned();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let clone = emulator.clone();
    drop(emulator);
    assert!(path.exists());
    drop(clone);
    assert!(!path.parent().unwrap().exists());
    let emulator = start();
    let path = emulator.ca_bundle().unwrap().to_owned();
    emulator.close();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_picture_of_30_mb_goes_both_ways() {
    let emulator = start();
    let image = noise(3200);
    assert!(image.bytes().unwrap().len() > 30_000_000);
    emulator.script(&[json!({ "json": answer(&image) })]).unwrap();
    let result = client(&emulator).edit("again", image.clone(), GenerateOptions::new()).await.unwrap();
    assert!(result.image().unwrap().bytes().unwrap() == image.bytes().unwrap());
    let asked = &emulator.requests()[0];
    assert_eq!(asked["http_version"], "2");
    let sent = &asked["json"]["contents"][0]["parts"][1]["inlineData"]["data"]["$bytes"];
    assert_eq!(*sent, image.bytes().unwrap().len());
}

#[tokio::test]
async fn a_connection_carries_64_calls_at_once_and_starves_none() {
    let emulator = start();
    let (url, connections) = counted(&emulator).await;
    let client = Client::new(options(&emulator).base_url(url)).unwrap();
    let image = noise(600);
    let json = answer(&image);
    emulator
        .script(&[json!({"image": "png 8x8"}), json!({ "json": json, "delay": 0.3, "times": 64 })])
        .unwrap();
    ask(&client).await.unwrap();
    let calls: Vec<_> = std::iter::repeat_with(|| {
        let client = client.clone();
        tokio::spawn(async move { ask(&client).await })
    })
    .take(64)
    .collect();
    until(|| emulator.active() == 64).await;
    for call in calls {
        let result = call.await.unwrap().unwrap();
        assert!(result.image().unwrap().bytes().unwrap() == image.bytes().unwrap());
        assert_eq!(result.attempts.len(), 1);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_no_other_call_up() {
    let emulator = start();
    let (url, connections) = counted(&emulator).await;
    let client = Client::new(options(&emulator).base_url(url)).unwrap();
    let image = noise(1200);
    let words = json!({"candidates": [{"content": {"parts": [{"text": "hm"}]}}]});
    emulator
        .script(&[
            json!({"image": "png 8x8"}),
            json!({"json": [words, answer(&image)], "match": {"prompt": "slowly"}, "times": 8}),
            json!({"json": answer(&image)}),
        ])
        .unwrap();
    ask(&client).await.unwrap();
    let mut unread = Vec::new();
    for _ in 0..8 {
        let mut stream = client.generate_stream("slowly", GenerateOptions::new());
        assert!(matches!(stream.next().await.unwrap(), Some(Event::Text(_))));
        unread.push(stream);
    }
    let result = tokio::time::timeout(LONG, ask(&client)).await;
    let result = result.expect("an answer beside those that are not read").unwrap();
    assert!(result.image().unwrap().bytes().unwrap() == image.bytes().unwrap());
    for mut stream in unread {
        assert!(matches!(stream.next().await.unwrap(), Some(Event::Image(_))));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_cut_ends_the_stream_and_not_the_connection() {
    let emulator = start();
    let (url, connections) = counted(&emulator).await;
    let client = Client::new(options(&emulator).base_url(url).retry(false)).unwrap();
    emulator
        .script(&[
            json!({"image": "png 64x64", "cut": "headers"}),
            json!({"image": "png 64x64", "cut": 0}),
            json!({"image": "png 64x64", "cut": 200}),
            json!({"image": "png 64x64", "cut": 1_000_000}),
            json!({"image": "png 64x64"}),
        ])
        .unwrap();
    for place in 0..3 {
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.kind(), Kind::APIConnectionError, "{place}: {error}");
    }
    // Of one that is cut after its last byte nothing is missing.
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert!(emulator.requests().iter().all(|request| request["cancelled"] == false));
}

#[tokio::test]
async fn a_goaway_is_survived_by_another_try_on_another_connection() {
    let emulator = start();
    let (url, connections) = counted(&emulator).await;
    let client = Client::new(options(&emulator).base_url(url).retry(Retry::new().initial(0.0))).unwrap();
    emulator
        .script(&[
            json!({"image": "png 8x8"}),
            json!({"image": "png 16x16", "delay": 0.5, "match": {"prompt": "slow"}}),
            json!({"goaway": true}),
            json!({"image": "png 8x8", "times": 2}),
        ])
        .unwrap();
    ask(&client).await.unwrap();
    // What is under way on the same connection is ended in peace.
    let (slow, asked) = (client.clone(), GenerateOptions::new());
    let slow = tokio::spawn(async move { slow.generate("slow", asked).await });
    until(|| emulator.requests().len() == 2).await;
    let result = ask(&client).await.unwrap();
    assert_eq!(result.attempts.len(), 2);
    assert_eq!(slow.await.unwrap().unwrap().image().unwrap().width(), 16);
    ask(&client).await.unwrap();
    assert_eq!((emulator.requests().len(), connections.load(Ordering::SeqCst)), (5, 2));
}

#[test]
fn with_http_1_a_goaway_closes_the_connection_after_its_answer() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({"image": "png 8x8"}), json!({"image": "png 8x8", "goaway": true})]).unwrap();
    let mut line = super::line::connect(&emulator);
    let ask = format!(
        "POST /v1/models/{FLASH}:generateContent HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    );
    line.write_all(ask.repeat(2).as_bytes()).unwrap();
    // The first answer leaves the line open, or the second would not come.
    let mut replies = String::new();
    line.read_to_string(&mut replies).unwrap();
    assert_eq!(replies.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(replies.matches("connection: close").count(), 1);
}

#[tokio::test]
async fn a_body_that_stalls_is_ended_by_the_idle_limit() {
    for emulator in [start(), Emulator::start(0).unwrap()] {
        let timeout = Timeout::new().total(60.0).idle(1.0);
        let client = Client::new(options(&emulator).retry(false).timeout(timeout)).unwrap();
        // In the middle, and before an end that is not told: then nothing is missing.
        for stall in [100, 1_000_000] {
            emulator.script(&[json!({"image": "png 64x64", "stall": stall})]).unwrap();
            let begin = Instant::now();
            match ask(&client).await {
                Ok(_) => assert_eq!(stall, 1_000_000),
                Err(error) => assert_eq!((error.kind(), stall), (Kind::APITimeoutError, 100), "{error}"),
            }
            assert!(begin.elapsed() >= Duration::from_secs(1) && begin.elapsed() < LONG);
            until(|| emulator.active() == 0).await;
            assert_eq!(emulator.requests().last().unwrap()["cancelled"], true, "{stall}");
        }
    }
}

#[tokio::test]
async fn a_length_that_is_wrong_never_makes_half_a_picture() {
    for emulator in [start(), Emulator::start(0).unwrap()] {
        let client = once(&emulator);
        // A body that ends before its length, but not before its picture's end, is taken, unless HTTP/2
        // refuses it before the end was read.
        for length in [1, 5000] {
            emulator.script(&[json!({"image": "png 64x64", "length": length})]).unwrap();
            match ask(&client).await {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), Kind::APIConnectionError, "{length} → {error}");
                    assert!(emulator.ca_bundle().is_some(), "{length} → {error}");
                }
            }
        }
        for length in [-1, -5000, -1_000_000] {
            emulator.script(&[json!({"image": "png 64x64", "length": length})]).unwrap();
            match ask(&client).await {
                // The cut is behind the picture: it came whole, and a warning says what is missing.
                Ok(result) => {
                    assert_ne!(length, -1_000_000);
                    let whole = result.image().and_then(|image| image.pixels()).map(|pixels| pixels.width);
                    assert_eq!(whole.ok(), Some(64), "{length}");
                    assert!(
                        result.warnings.iter().any(|text| text.contains("cut off")),
                        "{:?}",
                        result.warnings
                    );
                }
                Err(error) => {
                    let kinds = [Kind::APIConnectionError, Kind::ResponseError];
                    assert!(kinds.contains(&error.kind()), "{length} → {error}");
                }
            }
        }
        emulator.script(&[json!({"image": "png 64x64"})]).unwrap();
        ask(&client).await.unwrap();
        assert!(emulator.requests().iter().all(|request| request["cancelled"] == false));
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_resets_its_stream_at_once() {
    let emulator = start();
    let (url, connections) = counted(&emulator).await;
    let client = Client::new(options(&emulator).base_url(url)).unwrap();
    let steps =
        [json!({"hang": true}), json!({"image": "png 64x64", "stall": 50}), json!({"image": "png 8x8"})];
    emulator.script(&steps).unwrap();
    for number in 0..2 {
        let calling = client.clone();
        let call = tokio::spawn(async move { ask(&calling).await });
        until(|| emulator.requests().get(number).is_some_and(|request| request["size"] != 0)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(emulator.requests()[number]["cancelled"], false);
        call.abort();
        until(|| emulator.active() == 0).await;
        assert_eq!(emulator.requests()[number]["cancelled"], true);
    }
    ask(&client).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 1, "the others on this connection do not notice");
}

/// What a bare HTTP/2 client without TLS sees: the code of a reset, and whether the connection goes on.
#[tokio::test]
async fn frames_are_as_they_are_told() {
    let emulator = Emulator::start(0).unwrap();
    let steps = [
        json!({"text": "x", "cut": "headers"}),
        json!({"text": "x", "cut": 3}),
        json!({"text": "x"}),
        json!({"goaway": true}),
    ];
    emulator.script(&steps).unwrap();
    let line = TcpStream::connect(emulator.url().trim_start_matches("http://")).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(line).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut outcomes = Vec::new();
    for _ in &steps {
        let request = hyper::Request::post(format!("{}/v1/models/{FLASH}:generateContent", emulator.url()));
        let (reply, _) = sender.send_request(request.body(()).unwrap(), true).unwrap();
        let outcome = async {
            let mut body = reply.await?.into_body();
            while let Some(data) = body.data().await {
                body.flow_control().release_capacity(data?.len())?;
            }
            Ok::<_, h2::Error>(())
        };
        outcomes.push(outcome.await.map_err(|error| (error.is_reset(), error.reason())));
        sender = match sender.ready().await {
            Ok(sender) => sender,
            Err(_) => break,
        };
    }
    let reset = |reason| Err((true, Some(reason)));
    let broken = reset(h2::Reason::INTERNAL_ERROR);
    assert_eq!(outcomes, [broken, broken, Ok(()), reset(h2::Reason::REFUSED_STREAM)]);
    let closed = tokio::time::timeout(LONG, connection).await.expect("the connection to close");
    closed.unwrap().unwrap();
    assert!(emulator.requests().iter().all(|request| request["http_version"] == "2"));
}

#[tokio::test]
async fn requests_are_told_with_their_time_and_as_many_as_are_kept() {
    let emulator = Emulator::start_with(EmulatorOptions::new().keep(3_u32)).unwrap();
    let client = once(&emulator);
    emulator.script(&[json!({"status": 429, "times": 4})]).unwrap();
    for _ in 0..4 {
        assert_eq!(ask(&client).await.unwrap_err().kind(), Kind::RateLimitError);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ask(&client).await.unwrap();
    let requests = emulator.requests();
    assert_eq!(requests.len(), 3);
    let times: Vec<f64> = requests.iter().map(|request| request["at"].as_f64().unwrap()).collect();
    assert!(times[0] >= 0.1 && times[1] >= times[0] + 0.05 && times[2] >= times[1] + 0.05, "{times:?}");
    assert!(requests.iter().all(|request| request["http_version"] == "1.1" && request["size"] != 0));
    let none = Emulator::start_with(EmulatorOptions::new().keep(0_u32)).unwrap();
    ask(&once(&none)).await.unwrap();
    assert_eq!((none.requests().len(), none.active()), (0, 0));
}
