//! Pictures from the web: what a server may answer, where it may lead, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nanobanana::{Client, ClientOptions, Emulator, EmulatorOptions, Error, GenerateOptions, Kind, Retry};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server of pictures, or a proxy: it answers each request by its target, and notes what it was sent.
struct Server {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` gets what stands behind the method, and the connection.
    async fn start<F, W>(answer: F) -> Self
    where
        F: Fn(String, TcpStream) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut line, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match line.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                noted.lock().unwrap().push(head);
                tokio::spawn(answer(target, line));
            }
        });
        Server { url, heads }
    }

    /// One that answers with a status, headers and a body.
    async fn plain(answer: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Server::start(move |target, mut line| {
            let answer = answer.clone();
            async move {
                let (status, headers, body) = answer(&target);
                let len = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {len}\r\nconnection: close\r\n\r\n"
                );
                let _ = line.write_all(head.as_bytes()).await;
                let _ = line.write_all(&body).await;
                let _ = line.shutdown().await;
            }
        })
        .await
    }

    fn targets(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        heads.iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }
}

fn dot() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/dot.png")).unwrap()
}

fn picture(_: &str) -> (u16, String, Vec<u8>) {
    (200, "content-type: image/png\r\n".to_owned(), dot())
}

fn to(place: &str) -> (u16, String, Vec<u8>) {
    (302, format!("location: {place}\r\n"), Vec::new())
}

/// No base URL is set: nothing but pictures is asked for.
fn client(options: ClientOptions) -> Client {
    Client::new(options.api_key("test-key-0123").headers(
        [("x-team".to_owned(), "blue".to_owned())].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    ))
    .unwrap()
}

/// Asks once.
fn near() -> Client {
    client(ClientOptions::new().allow_private_urls(true).retry(false))
}

/// Asks again, after short waits of its own.
fn patient() -> Client {
    let retry = Retry::new().max_attempts(3u32).initial(0.001).max_wait(2.0);
    client(ClientOptions::new().allow_private_urls(true).retry(retry))
}

/// A server that fails once for each target, as this says, and gives the picture then.
async fn failing_once(failure: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + Sync + 'static) -> Server {
    let seen = Mutex::new(BTreeSet::new());
    Server::plain(move |target| {
        let is_first = seen.lock().unwrap().insert(target.to_owned());
        if is_first { failure(target) } else { picture(target) }
    })
    .await
}

/// The bytes of the picture at a URL, as the call would send them.
async fn fetched(client: &Client, url: &str) -> Result<u64, Error> {
    fetched_within(client, url, 20.0).await
}

async fn fetched_within(client: &Client, url: &str, seconds: f64) -> Result<u64, Error> {
    let options = GenerateOptions::new().timeout(seconds);
    let explained = client.explain("a banana", nanobanana::Input::Named(url.to_owned()), options).await?;
    Ok(explained.inputs[0].given.bytes.unwrap())
}

async fn refused(client: &Client, url: &str, words: &str) {
    let error = fetched(client, url).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError, "{url}: {error:?}");
    assert!(error.message().contains(words), "{url}: {error}");
}

const PRIVATE: &str = "private or local address";

#[tokio::test]
async fn a_picture_is_fetched_without_the_key_and_the_clients_headers() {
    let server = Server::plain(picture).await;
    let url = format!("{}/a/b.png?sig=1", server.url);
    assert_eq!(fetched(&near(), &url).await.unwrap(), dot().len() as u64);
    assert_eq!(server.targets(), ["/a/b.png?sig=1"]);
    let head = server.heads.lock().unwrap()[0].to_lowercase();
    assert!(!head.contains("test-key-0123") && !head.contains("x-team"), "{head}");
}

#[tokio::test]
async fn a_compressed_picture_is_unpacked() {
    let server = Server::plain(|_| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&dot()).unwrap();
        (200, "content-encoding: gzip\r\n".to_owned(), packed.finish().unwrap())
    })
    .await;
    assert_eq!(fetched(&near(), &server.url).await.unwrap(), dot().len() as u64);
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let server = Server::plain(|target| match target {
        "/end" => picture(target),
        "/0" => to("end"),
        "/loop" => to("/loop"),
        "/nowhere" => (302, String::new(), Vec::new()),
        "/304" => (304, String::new(), Vec::new()),
        "/odd" => to("http://[::1"),
        _ => {
            let left: u32 = target.trim_start_matches('/').parse().unwrap();
            to(&format!("./{}", left - 1))
        }
    })
    .await;
    let client = near();
    assert_eq!(fetched(&client, &format!("{}/4", server.url)).await.unwrap(), dot().len() as u64);
    assert_eq!(server.targets(), ["/4", "/3", "/2", "/1", "/0", "/end"]);
    refused(&client, &format!("{}/5", server.url), "redirected more than 5 times").await;
    refused(&client, &format!("{}/loop", server.url), "redirected more than 5 times").await;
    for (path, words) in [("nowhere", "302"), ("304", "304"), ("odd", "without a place to go")] {
        refused(&client, &format!("{}/{path}", server.url), words).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_picture_is_named() {
    let server = Server::plain(|target| match target {
        "/text" => (200, "content-type: image/png\r\n".to_owned(), b"no picture".to_vec()),
        "/empty" => (200, String::new(), Vec::new()),
        _ => (target.trim_start_matches('/').parse().unwrap(), String::new(), dot()),
    })
    .await;
    let client = near();
    for status in [400, 403, 404, 410, 500, 503] {
        refused(&client, &format!("{}/{status}?sig=canary", server.url), &status.to_string()).await;
    }
    refused(&client, &format!("{}/text", server.url), "not a picture").await;
    refused(&client, &format!("{}/empty", server.url), "empty").await;
    let error = fetched(&client, &format!("{}/403?sig=canary", server.url)).await.unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", error.field("input")).contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_failure_that_passes_is_asked_again() {
    let server = failing_once(|target| {
        let (status, named) = target.trim_start_matches('/').split_once('-').unwrap();
        let headers = if named.is_empty() { String::new() } else { format!("retry-after: {named}\r\n") };
        (status.parse().unwrap(), headers, b"busy".to_vec())
    })
    .await;
    let client = patient();
    let mut wanted = Vec::new();
    for failure in ["/408-", "/429-", "/500-", "/502-", "/503-", "/504-", "/503-0"] {
        wanted.extend([failure, failure]);
        assert_eq!(fetched(&client, &format!("{}{failure}", server.url)).await.unwrap(), dot().len() as u64);
    }
    assert_eq!(server.targets(), wanted);
    for status in [400, 401, 403, 404, 410, 501] {
        let before = server.targets().len();
        refused(&client, &format!("{}/{status}-", server.url), &status.to_string()).await;
        assert_eq!(server.targets().len(), before + 1, "{status}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let number = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |_, mut line| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            let len = dot().len();
            let head = format!("HTTP/1.1 200 X\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n");
            match number {
                0 => drop(line),
                1 => {
                    let _ = line.write_all(head.as_bytes()).await;
                    let _ = line.write_all(&dot()[..20]).await;
                }
                _ => {
                    let _ = line.write_all(head.as_bytes()).await;
                    let _ = line.write_all(&dot()).await;
                    let _ = line.shutdown().await;
                }
            }
        }
    })
    .await;
    assert_eq!(fetched(&patient(), &server.url).await.unwrap(), dot().len() as u64);
    assert_eq!(server.targets().len(), 3);
    // Nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/a.png", listener.local_addr().unwrap());
    drop(listener);
    refused(&patient(), &gone, "(the last of 3 attempts)").await;
}

#[tokio::test]
async fn the_wait_that_a_server_names_is_kept_or_not_begun() {
    let server = failing_once(|target| {
        let named = target.trim_start_matches('/');
        (503, format!("retry-after: {named}\r\n"), Vec::new())
    })
    .await;
    let since = Instant::now();
    fetched(&patient(), &format!("{}/1", server.url)).await.unwrap();
    assert!(since.elapsed() >= Duration::from_secs(1), "{:?}", since.elapsed());
    refused(&patient(), &format!("{}/90", server.url), "not tried again").await;
    let error = fetched_within(&patient(), &format!("{}/2", server.url), 1.0).await.unwrap_err();
    assert!(error.message().contains("timeout"), "{error}");
    assert_eq!(server.targets(), ["/1", "/1", "/90", "/2"]);
}

#[tokio::test]
async fn every_try_of_a_picture_is_an_event() {
    let server = failing_once(|_| (429, String::new(), b"slow down".to_vec())).await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let noted = events.clone();
    let client = patient().on_event(move |event| noted.lock().unwrap().push(event));
    fetched(&client, &format!("{}/a.png?sig=canary", server.url)).await.unwrap();
    let events = events.lock().unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (event.name.as_str(), event.attempt, event.status)).collect();
    assert_eq!(told, [("fetch", 1, Some(429)), ("retry", 1, None), ("fetch", 2, Some(200))]);
    assert_eq!((events[0].size, events[2].size), (None, Some(dot().len() as u64)));
    assert!(events[1].wait.is_some() && events[1].reason.as_deref() == Some("HTTP status 429"));
    assert!(
        events.iter().all(|event| event.call == events[0].call && !format!("{event:?}").contains("canary"))
    );
    assert!(events[0].message.contains("127.0.0.1"), "{}", events[0].message);
}

#[tokio::test]
async fn no_more_than_100_mb_are_taken() {
    let sent = Arc::new(Mutex::new(0_u64));
    let counted = sent.clone();
    let server = Server::start(move |target, mut line| {
        let sent = counted.clone();
        async move {
            if target == "/said" {
                let head = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", (100_u64 << 20) + 1);
                let _ = line.write_all(head.as_bytes()).await;
            } else {
                let _ = line.write_all(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n").await;
            }
            let piece = [b"100000\r\n".as_slice(), &vec![7; 1 << 20], b"\r\n"].concat();
            while line.write_all(&piece).await.is_ok() {
                *sent.lock().unwrap() += 1 << 20;
            }
        }
    })
    .await;
    let client = near();
    refused(&client, &format!("{}/said", server.url), "larger than 100 MB").await;
    let early = *sent.lock().unwrap();
    assert!(early < 50 << 20, "{early} bytes were sent of a picture whose length was said");
    refused(&client, &format!("{}/endless", server.url), "larger than 100 MB").await;
    let all = *sent.lock().unwrap() - early;
    assert!((100 << 20..150 << 20).contains(&all), "{all}");
}

#[tokio::test]
async fn a_packed_picture_counts_as_it_is_unpacked() {
    let server = Server::plain(|_| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..101 {
            packed.write_all(&vec![0; 1 << 20]).unwrap();
        }
        (200, "content-encoding: gzip\r\n".to_owned(), packed.finish().unwrap())
    })
    .await;
    refused(&near(), &server.url, "larger than 100 MB").await;
}

#[tokio::test]
async fn a_slow_picture_ends_with_the_time_of_the_call() {
    let server = Server::start(|_, mut line| async move {
        let _ = line.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n\x89PNG").await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let started = Instant::now();
    let error = fetched_within(&near(), &server.url, 0.5).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError, "{error:?}");
    assert!(error.message().contains("0.5 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_picture_that_breaks_off_is_no_picture() {
    let server = Server::start(|_, mut line| async move {
        let _ = line.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n").await;
        let _ = line.write_all(&dot()).await;
        let _ = line.shutdown().await;
    })
    .await;
    refused(&near(), &server.url, "cannot be fetched").await;
}

/// The public internet, as a proxy shows it: names lead where they say.
async fn internet() -> Server {
    Server::plain(|target| {
        let url = url::Url::parse(target).unwrap();
        match (url.host_str().unwrap(), url.path()) {
            ("pictures.example.com", "/a.png") => picture(target),
            ("pictures.example.com", "/moved") => to("http://other.example.com/a.png"),
            ("other.example.com", "/a.png") => picture(target),
            ("pictures.example.com", "/to") => to(url.query().unwrap()),
            // All that must not be asked for is there, and would be a picture.
            _ => picture(target),
        }
    })
    .await
}

fn behind(proxy: &Server, host: &str) -> ClientOptions {
    ClientOptions::new().proxy(proxy.url.replace("127.0.0.1", host))
}

#[tokio::test]
async fn a_picture_is_fetched_through_the_proxy_wherever_the_proxy_is() {
    let proxy = internet().await;
    for host in ["localhost", "127.0.0.1"] {
        let client = client(behind(&proxy, host));
        for path in ["a.png", "moved"] {
            let url = format!("http://pictures.example.com/{path}");
            assert_eq!(fetched(&client, &url).await.unwrap(), dot().len() as u64, "{host} {path}");
        }
    }
    let once = [
        "http://pictures.example.com/a.png",
        "http://pictures.example.com/moved",
        "http://other.example.com/a.png",
    ];
    assert_eq!(proxy.targets(), [once, once].concat());
}

/// Hosts that lead to this machine or its network, as a URL may write them.
const LOCAL: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[2002:7f00:1::]",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "metadata.google.internal",
    "printer.local",
    "db",
    "db.",
    "nas.lan",
    "router.home.arpa",
];

#[tokio::test]
async fn private_hosts_are_refused_behind_a_proxy_and_behind_redirects_too() {
    let proxy = internet().await;
    let (through, direct) = (client(behind(&proxy, "localhost")), client(ClientOptions::new()));
    for host in LOCAL {
        let url = format!("http://{host}/secret.png");
        refused(&through, &url, PRIVATE).await;
        refused(&direct, &url, PRIVATE).await;
        assert!(proxy.targets().is_empty(), "{:?}", proxy.targets());
    }
    for host in LOCAL {
        refused(&through, &format!("http://pictures.example.com/to?http://{host}/secret.png"), PRIVATE).await;
    }
    for target in proxy.targets() {
        assert!(target.starts_with("http://pictures.example.com/to?"), "{target}");
    }
    refused(&through, "http://[fe80::1%25eth0]/a.png", "not a URL").await;
}

#[tokio::test]
async fn redirects_lead_to_the_web_alone() {
    let proxy = internet().await;
    let client = client(behind(&proxy, "localhost"));
    for (place, scheme) in [
        ("file:///etc/passwd", "file"),
        ("data:image/png;base64,AAAA", "data"),
        ("ftp://a.example.com/", "ftp"),
        ("gs://a/b", "gs"),
    ] {
        let url = format!("http://pictures.example.com/to?{place}");
        refused(&client, &url, &format!("leads to a URL of the scheme {scheme};")).await;
    }
}

/// Its name passes the check of addresses for the connection to it, and for nothing else.
#[tokio::test]
async fn the_proxys_own_name_is_no_way_past_the_check() {
    let proxy = internet().await;
    let port = proxy.url.rsplit(':').next().unwrap().to_owned();
    // A name of two parts that leads to this machine, on the systems that have it.
    let name = "localhost.localdomain";
    if tokio::net::lookup_host((name, 0)).await.is_ok() {
        let client = client(ClientOptions::new().proxy(format!("http://{name}:{port}")));
        refused(&client, &format!("http://{name}:{port}/a.png"), PRIVATE).await;
        assert!(proxy.targets().is_empty());
    }
}

#[tokio::test]
async fn with_private_urls_allowed_this_machine_is_asked_past_the_proxy() {
    let (proxy, server) = (internet().await, Server::plain(picture).await);
    let client = client(behind(&proxy, "127.0.0.1").allow_private_urls(true));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("{}/{host}.png", server.url.replace("127.0.0.1", host));
        assert_eq!(fetched(&client, &url).await.unwrap(), dot().len() as u64);
    }
    assert_eq!(fetched(&client, "http://db/a.png").await.unwrap(), dot().len() as u64);
    assert_eq!((proxy.targets().len(), server.targets().len()), (1, 2));
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    let plain = Server::plain(picture).await;
    let secure = Emulator::start_with(EmulatorOptions::new().tls(true)).unwrap();
    let bundle = secure.ca_bundle().unwrap().display().to_string();
    let client = client(ClientOptions::new().allow_private_urls(true).ca_bundle(bundle));
    let url = format!("{}/v1beta/files/abc", secure.url());
    let step = |place: &str| json!({ "status": 302, "headers": { "location": place }, "match": { "call": "file_get" } });
    secure.script(&[step(&format!("{}/a.png", plain.url))]).unwrap();
    refused(&client, &url, "redirects from https to http").await;
    assert!(plain.targets().is_empty());
    // From http to https it may lead.
    let server = Server::plain({
        let url = url.clone();
        move |_| to(&url)
    })
    .await;
    secure.script(&[step("nowhere")]).unwrap();
    refused(&client, &server.url, "40").await;
}

fn catalogue() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/catalogue.json")).unwrap()
}

#[tokio::test]
async fn a_catalogue_of_the_web_is_fetched_once_when_it_is_needed() {
    let asked = Arc::new(Mutex::new(0));
    let counted = asked.clone();
    let server = Server::plain(move |_| {
        let mut asked = counted.lock().unwrap();
        *asked += 1;
        if *asked == 1 { (503, String::new(), Vec::new()) } else { (200, String::new(), catalogue()) }
    })
    .await;
    let options = || {
        let retry = Retry::new().initial(0.001);
        ClientOptions::new()
            .allow_private_urls(true)
            .retry(retry)
            .catalogue(format!("{}/models.json?key=canary", server.url))
    };
    let client = client(options());
    let before = client.models();
    assert!(before.len() > 1 && server.targets().is_empty(), "nothing is asked before a call");
    let bytes = nanobanana::Input::from(dot());
    let explained = client.explain("a banana", bytes.clone(), GenerateOptions::new()).await.unwrap();
    assert_eq!(explained.model, "gemini-star-image");
    client.ready().await.unwrap();
    let copy = client.with_options(ClientOptions::new().model("star")).unwrap();
    copy.ready().await.unwrap();
    assert_eq!(client.models()[0].id, "gemini-star-image");
    assert_eq!(server.targets(), ["/models.json?key=canary", "/models.json?key=canary"]);
    let head = server.heads.lock().unwrap()[0].to_lowercase();
    assert!(!head.contains("test-key-0123") && !head.contains("x-team"), "{head}");
}

#[tokio::test]
async fn what_is_no_catalogue_is_refused_and_so_is_a_private_place() {
    let server = Server::plain(|target| match target.split('?').next().unwrap() {
        "/large" => (200, String::new(), vec![b' '; (4 << 20) + 1]),
        "/newer" => (200, String::new(), br#"{"format": 2}"#.to_vec()),
        "/page" => (200, String::new(), b"<html>".to_vec()),
        "/bytes" => (200, String::new(), vec![0xff; 9]),
        _ => (404, String::new(), Vec::new()),
    })
    .await;
    for (path, says) in [
        ("large", "larger than 4 MB"),
        ("newer", "its `format` is 2"),
        ("page", "is wrong"),
        ("bytes", "utf-8"),
        ("gone", "its server answered 404"),
    ] {
        let place = format!("{}/{path}?sig=canary", server.url);
        let client = client(ClientOptions::new().allow_private_urls(true).retry(false).catalogue(place));
        let error = client.ready().await.unwrap_err();
        assert_eq!(error.kind(), Kind::ConfigError);
        assert!(error.message().contains(says) && error.message().contains(&server.url), "{path}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    let near = client(ClientOptions::new().catalogue(format!("{}/models.json", server.url)));
    assert!(near.ready().await.unwrap_err().message().contains(PRIVATE));
}

#[tokio::test]
async fn an_old_catalogue_says_so_once_in_a_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.json");
    let mut json: serde_json::Value = serde_json::from_slice(&catalogue()).unwrap();
    json["checked"] = "2019-02-03".into();
    std::fs::write(&file, json.to_string()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..2 {
        let noted = told.clone();
        let client = client(ClientOptions::new().catalogue(file.to_str().unwrap()))
            .on_event(move |event| noted.lock().unwrap().push(event));
        for _ in 0..2 {
            client.explain("a banana", nanobanana::Input::from(dot()), GenerateOptions::new()).await.unwrap();
        }
    }
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let reason = told[0].reason.clone().unwrap();
    assert!(told[0].name == "warning" && reason.contains("checked on 2019-02-03"), "{reason}");
}
