//! What a picture of 30 MB costs its reader over TLS and HTTP/2, beside plain HTTP and beside what the cipher
//! alone would take: `cargo bench --bench tls`. Linux only: it asks the kernel for one thread's CPU time.
//!
//! The emulator is a process of its own, and all that a call does is done by this thread, on a runtime that has
//! no other. On loopback the kernel counts some of the sender's work as the reader's all the same: what answers
//! an acknowledgement is done where it was sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use nanobanana::{Client, ClientOptions, Emulator, EmulatorOptions, GenerateOptions, Image, Pixels};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio_rustls::rustls::{CipherSuite, ClientConfig, RootCertStore};

const MODEL: &str = "gemini-2.5-flash-image";

/// How much a TLS record holds.
const RECORD: usize = 16 << 10;

/// A prompt that is answered in frames of 16 KB, as a server sends that does not ask for the client's limit.
const SMALL: &str = "in small frames";

/// A prompt that is answered as over a fast line, and not as fast as memory is copied: at most 130 MB a second.
const PACED: &str = "over a line";

/// The emulator's process: answers until its standard input ends.
fn serve(tls: bool) {
    let data = std::iter::repeat_with(|| fastrand::u8(..)).take(3200 * 3200 * 3).collect();
    let image = Image::from_pixels(&Pixels { width: 3200, height: 3200, channels: 3, data }).unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(image.bytes().unwrap());
    let part = json!({"inlineData": {"mimeType": "image/png", "data": data}});
    let reply =
        json!({"candidates": [{"content": {"parts": [part], "role": "model"}, "finishReason": "STOP"}]});
    let reply = reply.to_string();
    let emulator = Emulator::start_with(EmulatorOptions::new().tls(tls).keep(0_u32)).unwrap();
    let small = json!({"body": reply, "match": {"prompt": SMALL}, "chunk": RECORD, "times": 1_000_000});
    let paced = json!({"body": reply, "match": {"prompt": PACED}, "chunk": 128 << 10, "pause": 0.001, "times": 1_000_000});
    emulator.script(&[small, paced, json!({"body": reply, "times": 1_000_000})]).unwrap();
    let bundle = emulator.ca_bundle().map(|path| path.to_str().unwrap().to_owned());
    println!("{}", json!({"url": emulator.url(), "bundle": bundle, "size": reply.len()}));
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A running emulator. It ends when its standard input does.
struct Server {
    child: Child,
    url: String,
    bundle: Option<String>,
    size: usize,
}

impl Server {
    fn start(form: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", form])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        Server {
            child,
            url: told["url"].as_str().unwrap().to_owned(),
            bundle: told["bundle"].as_str().map(str::to_owned),
            size: told["size"].as_u64().unwrap() as usize,
        }
    }

    fn client(&self) -> Client {
        let options = ClientOptions::new().base_url(&*self.url).api_key("k").retry(false);
        let options = options.timeout(Duration::from_secs(60));
        Client::new(match &self.bundle {
            Some(bundle) => options.ca_bundle(&**bundle),
            None => options,
        })
        .unwrap()
    }

    /// The HTTP client below this library's, with what it does by itself.
    fn bare(&self) -> reqwest::ClientBuilder {
        let builder = reqwest::Client::builder().no_proxy();
        let pem = self.bundle.as_ref().map(|path| std::fs::read(path).unwrap());
        builder.tls_certs_only(pem.map(|pem| reqwest::Certificate::from_pem(&pem).unwrap()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What this thread has used, in nanoseconds.
fn used() -> u64 {
    // The kernel brings its count up to date when the thread gives way.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    told.split(' ').next().unwrap().parse().unwrap()
}

/// A way to fetch the picture.
enum Way {
    Ours(Client, &'static str),
    Bare(reqwest::Client, String),
}

impl Way {
    async fn fetch(&self) -> usize {
        match self {
            Way::Ours(client, prompt) => {
                let result = client.generate(*prompt, GenerateOptions::new().model(MODEL)).await.unwrap();
                result.image().unwrap().bytes().unwrap().len()
            }
            Way::Bare(client, url) => {
                let mut reply = client.post(url).body("{}").send().await.unwrap();
                let mut size = 0;
                while let Some(piece) = reply.chunk().await.unwrap() {
                    size += piece.len();
                }
                size
            }
        }
    }
}

/// What client and emulator agree upon: its cost is what is measured below.
async fn negotiated(server: &Server) -> CipherSuite {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.bundle.as_ref().unwrap()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let line = tokio::net::TcpStream::connect(server.url.trim_start_matches("https://")).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let line = TlsConnector::from(Arc::new(config)).connect(name, line).await.unwrap();
    line.get_ref().1.negotiated_cipher_suite().unwrap().suite()
}

/// Opens as many records as `size` bytes fill.
fn open(size: usize) {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let nonce = || Nonce::assume_unique_for_key([7; 12]);
    // The kind of the content is a record's last byte.
    let mut sealed = vec![7; RECORD + 1];
    let head = [0x17, 3, 3, 0x40, 0x11];
    let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(head), &mut sealed).unwrap();
    let mut opened = vec![0; sealed.len()];
    for _ in 0..size.div_ceil(RECORD) {
        key.open_separate_gather(nonce(), Aad::from(head), &sealed, tag.as_ref(), &mut opened).unwrap();
        std::hint::black_box(&mut opened);
    }
}

fn median(times: &mut [u64]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2] as f64 / 1e6
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["serve", form] = words[..] {
        return serve(form == "tls");
    }
    let rounds: usize = words.first().map_or(31, |rounds| rounds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (plain, tls) = (Server::start("plain"), Server::start("tls"));
    let suite = runtime.block_on(negotiated(&tls));
    assert_eq!(suite, CipherSuite::TLS13_AES_256_GCM_SHA384, "the cipher measured here is another one");
    let bare = |server: &Server, builder: reqwest::ClientBuilder| {
        let url = format!("{}/v1beta/models/{MODEL}:generateContent", server.url);
        Way::Bare(builder.build().unwrap(), url)
    };
    let mut rows = [
        ("nanobanana, HTTP/1.1", Way::Ours(plain.client(), "x")),
        ("nanobanana, TLS + HTTP/2", Way::Ours(tls.client(), "x")),
        ("nanobanana, TLS + HTTP/2, 16 KB frames", Way::Ours(tls.client(), SMALL)),
        ("nanobanana, HTTP/1.1, paced", Way::Ours(plain.client(), PACED)),
        ("nanobanana, TLS + HTTP/2, paced", Way::Ours(tls.client(), PACED)),
        ("reqwest, HTTP/1.1", bare(&plain, plain.bare())),
        ("reqwest, TLS + HTTP/1.1", bare(&tls, tls.bare().http1_only())),
        ("reqwest, TLS + HTTP/2", bare(&tls, tls.bare())),
    ]
    .map(|(name, way)| (name, way, Vec::new()));
    let mut cipher = Vec::new();
    // By turns, so that all see the same machine; the first round opens the connections.
    for round in 0..=rounds {
        for (_, way, times) in &mut rows {
            let start = used();
            let size = runtime.block_on(way.fetch());
            let spent = used() - start;
            assert!(size > 30_000_000);
            times.extend((round > 0).then_some(spent));
        }
        let start = used();
        open(tls.size);
        let spent = used() - start;
        cipher.extend((round > 0).then_some(spent));
    }
    let cipher = median(&mut cipher);
    let mut out = std::io::stdout().lock();
    let size = tls.size as f64 / 1e6;
    writeln!(out, "a reply of {size:.1} MB, CPU time of the reading thread, median of {rounds}").unwrap();
    writeln!(out, "{:<40} {cipher:>6.1} ms", "the cipher alone (AES-256-GCM)").unwrap();
    let mut base = 0.0;
    for (name, _, times) in &mut rows {
        let time = median(times);
        write!(out, "{name:<40} {time:>6.1} ms").unwrap();
        // Each plain row is what those after it are held against.
        if !name.contains("TLS") {
            base = time;
            writeln!(out).unwrap();
        } else {
            writeln!(out, ", without the cipher {:.2} times plain HTTP", (time - cipher) / base).unwrap();
        }
    }
}
