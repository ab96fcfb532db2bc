//! Pictures that are read from disk while they are sent: again for each attempt, and never another
//! file than the one that was looked at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use nanobanana::{
    Array, Attachment, Client, ClientOptions, Emulator, Encode, GenerateOptions, Image, Input, Kind, Opened,
    Pixels, Reference, Retry, Role, Sample,
};
use serde_json::{Value, json};

/// A PNG of about 3 MB: large enough to be read while it is sent.
fn large(folder: &Path) -> PathBuf {
    let (width, height) = (1000, 1000);
    let data = std::iter::repeat_with(|| fastrand::u8(..)).take(width * height * 3).collect();
    let pixels = Pixels { width: width as u32, height: height as u32, channels: 3, data };
    Image::from_pixels(&pixels).unwrap().save(folder.join("large.png")).unwrap()
}

fn client(emulator: &Emulator) -> Client {
    let options = ClientOptions::new().base_url(emulator.url()).api_key("test-key-0123");
    Client::new(options.retry(Retry::new().initial(0.01))).unwrap()
}

/// A server that says first that it is busy and then that it will not; gives the requests as they came: their heads, in
/// lower case, and their bodies.
async fn overheard(server: tokio::net::TcpListener) -> Vec<(String, Vec<u8>)> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut all = Vec::new();
    for status in ["503 Service Unavailable", "400 Bad Request"] {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut read = Vec::new();
        let mut wanted = usize::MAX;
        while read.len() < wanted {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ended after {} bytes", read.len());
            let end = read.windows(4).take(8192).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end.filter(|_| wanted == usize::MAX) {
                let head = String::from_utf8(read[..end].to_vec()).unwrap().to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                wanted = end + 4 + length.parse::<usize>().unwrap();
                all.push((head, Vec::new()));
            }
        }
        all.last_mut().unwrap().1 = read.split_off(read.len() - (wanted - all.last().unwrap().0.len() - 4));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    all
}

/// Makes a call that is sent twice: both requests hold this file byte for byte, and tell their length first.
async fn sends_twice(file: &Path, inputs: Vec<Input>) {
    use base64::Engine as _;
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let requests = tokio::spawn(overheard(server));
    let options =
        ClientOptions::new().base_url(url).api_key("test-key-0123").retry(Retry::new().initial(0.01));
    let client = Client::new(options).unwrap();
    let error = client.generate(inputs, GenerateOptions::new()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 2, "{error}");
    let file = std::fs::read(file).unwrap();
    for (head, body) in requests.await.unwrap() {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let data = body["contents"][0]["parts"][1]["inlineData"]["data"].as_str().unwrap();
        let sent = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        assert!(sent == file, "{} bytes were sent of {}, or others", sent.len(), file.len());
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

#[tokio::test]
async fn a_file_is_sent_whole_and_again_with_a_known_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = large(folder.path());
    sends_twice(&path, vec!["at night".into(), path.as_path().into()]).await;
}

/// What is cut off, or of a type that is not taken, is told before anything is sent; a missing end mark alone is harmless.
#[tokio::test]
async fn a_file_that_is_cut_off_is_told_before_it_is_sent() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/real");
    let folder = tempfile::tempdir().unwrap();
    let refused = async |bytes: &[u8], name: &str, words: &[&str]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        for input in [Input::Bytes(bytes.to_vec().into()), Input::Path(path)] {
            let error = client.edit("at night", input, GenerateOptions::new()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::ImageError, "{name}: {error}");
            assert!(words.iter().all(|word| error.message().contains(word)), "{name}: {error}");
        }
    };
    for name in [
        "plain.jpg",
        "progressive.jpg",
        "plain.png",
        "interlaced.png",
        "lossy.webp",
        "lossless.webp",
        "photo.heic",
        "photo.avif",
    ] {
        let whole = std::fs::read(media.join(name)).unwrap();
        for part in [2, 3, 9] {
            let cut = &whole[..whole.len() - whole.len() / part];
            refused(cut, name, &["cut off"]).await;
        }
        let cut = &whole[..whole.len() - 40];
        let length = cut.len().to_string();
        // A decoder says of some only that their pixels end too early.
        let words = if matches!(name, "plain.jpg" | "progressive.jpg" | "photo.heic" | "photo.avif") {
            &["cut off", &*length][..]
        } else {
            &["cut off"]
        };
        refused(cut, name, words).await;
    }
    for (name, words) in [
        ("apple.png", "CgBI"),
        ("arithmetic.jpg", "arithmetic"),
        ("photo.jls", "JPEG-LS"),
        ("preview-first.tiff", "smaller copy"),
        ("photo.jxl", "JPEG XL"),
        ("big.tiff", "BigTIFF"),
    ] {
        refused(&std::fs::read(media.join(name)).unwrap(), name, &[words]).await;
    }
    // The same of one that is so large that its file is not read at once.
    let path = large(folder.path());
    let whole = std::fs::read(&path).unwrap();
    refused(&whole[..whole.len() - 1000], "large-cut.png", &["cut off"]).await;
    let pixels = Image::from_bytes(whole.clone()).unwrap().pixels().unwrap();
    let jpeg =
        Image::from_pixels(&pixels).unwrap().convert("jpeg", Some(100)).unwrap().bytes().unwrap().clone();
    assert!(jpeg.len() > 1 << 20);
    refused(&jpeg[..jpeg.len() - 1000], "large-cut.jpg", &["cut off", &(jpeg.len() - 1000).to_string()])
        .await;
    assert_eq!(emulator.requests(), Vec::<Value>::new());
    for (name, missing) in [
        ("plain.jpg", 2),
        ("progressive.jpg", 2),
        ("plain.png", 12),
        ("more-behind.jpg", 0),
        ("sampled-oddly.jpg", 0),
    ] {
        let whole = std::fs::read(media.join(name)).unwrap();
        let bytes = whole[..whole.len() - missing].to_vec();
        let plan =
            client.explain("at night", Input::Bytes(bytes.into()), GenerateOptions::new()).await.unwrap();
        assert_eq!(plan.inputs[0].action, "as it is", "{name}");
    }
    let bytes = jpeg[..jpeg.len() - 2].to_vec();
    let path = folder.path().join("no-end.jpg");
    std::fs::write(&path, bytes).unwrap();
    client.explain("at night", path.as_path(), GenerateOptions::new()).await.unwrap();
}

/// A client between whose attempts this file changes.
fn changing(emulator: &Emulator, path: PathBuf) -> Client {
    client(emulator).on_event(move |event| {
        if event.name == "retry" {
            std::fs::write(&path, "something else").unwrap();
        }
    })
}

#[tokio::test]
async fn a_file_that_changes_between_attempts_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = large(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "error": { "message": "later" } })]).unwrap();
    let client = changing(&emulator, path.clone());
    let error = client.edit("at night", path.as_path(), GenerateOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError, "{error:?}");
    assert_eq!(error.field("index"), Some(json!(0)));
    assert!(error.message().contains("large.png") && error.message().contains("changed"), "{error}");
}

/// A text of about 3 MB: large enough to be read while it is sent.
fn long(folder: &Path) -> PathBuf {
    let path = folder.join("long.csv");
    std::fs::write(&path, "banana,1\n".repeat(350_000)).unwrap();
    path
}

fn attached(path: &Path) -> Vec<Input> {
    vec!["a banana".into(), Input::Attachment(Box::new(path.into()), Attachment::new())]
}

#[tokio::test]
async fn an_attached_file_is_sent_from_disk_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "error": { "message": "later" } })]).unwrap();
    let options = GenerateOptions::new().model("nano-banana");
    let result = client(&emulator).generate(attached(&path), options).await.unwrap();
    assert!(result.text.contains("With it came: text/plain."), "{}", result.text);
    for request in emulator.requests() {
        let sent = &request["json"]["contents"][0]["parts"][1]["inlineData"];
        assert_eq!((&sent["mimeType"], &sent["data"]["$bytes"]), (&json!("text/plain"), &json!(3_150_000)));
    }
    sends_twice(&path, attached(&path)).await;
}

#[tokio::test]
async fn an_attached_file_that_changes_between_attempts_is_named_by_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "error": { "message": "later" } })]).unwrap();
    let client = changing(&emulator, path.clone());
    let error = client.generate(attached(&path), GenerateOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidOptionError, "{error:?}");
    assert_eq!(error.field("option"), Some(json!("attachments")));
    assert!(error.message().contains("long.csv") && error.message().contains("changed"), "{error}");
}

#[test]
fn the_words_of_references_are_those_that_the_documentation_tells() {
    let told =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/references.md")).unwrap();
    let roles = [Role::Character, Role::Object, Role::Style, Role::Scene];
    assert_eq!(roles.map(Role::as_str), Role::WORDS);
    let mut words = roles.map(|role| Reference::new().name("Mia").role(role).words().unwrap()).to_vec();
    words.push(Reference::new().name("Mia").words().unwrap());
    for words in words {
        assert!(told.contains(&format!("| {words} |")), "{words}");
    }
}

/// What goes in: in words, as a file of `tests/media`, and what may be asked for.
type Row = (&'static str, &'static str, fn() -> GenerateOptions);

const TABLE: &[Row] = &[
    ("PNG, JPEG, WebP: also grey, with a palette, transparent", "dot.png", GenerateOptions::new),
    ("PNG of 16 bits a channel", "plan/deep.png", GenerateOptions::new),
    ("HEIC, HEIF", "plan/phone.heic", GenerateOptions::new),
    ("A WebP or PNG that moves", "plan/moving.webp", GenerateOptions::new),
    ("A photo that lies on its side", "plan/turned.jpg", GenerateOptions::new),
    ("A JPEG of inks (CMYK)", "plan/inks.jpg", GenerateOptions::new),
    ("A colour profile other than sRGB, such as Display P3", "real/adobe-rgb.jpg", GenerateOptions::new),
    ("BMP", "old.bmp", GenerateOptions::new),
    ("TIFF", "plan/page.tiff", GenerateOptions::new),
    ("GIF", "plan/moving.gif", GenerateOptions::new),
    ("With `max_side=32`: a photo of 64x48", "plan/photo.png", || encode(Encode::new().max_side(32u32))),
    ("The same, drawn", "plan/drawing.png", || encode(Encode::new().max_side(32u32))),
    ("With `max_bytes=3500`: a photo of 4228 bytes", "plan/photo.jpg", || {
        encode(Encode::new().max_bytes(3500u64))
    }),
];

fn encode(encode: Encode) -> GenerateOptions {
    GenerateOptions::new().encode(encode)
}

/// The table of the documentation is what `explain` says.
#[tokio::test]
async fn the_documentation_says_what_happens() {
    let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media");
    let mut table = String::from("| what goes in | what happens |\n| --- | --- |\n");
    for (words, file, options) in TABLE {
        let explained = client.explain("", media.join(file), options()).await.unwrap();
        let plan = &explained.inputs[0];
        let loses = if plan.lossy { "; a warning says so" } else { "" };
        table.push_str(&format!("| {words} | **{}**: {}{loses} |\n", plan.action, plan.why.join("; ")));
    }
    let path = media.join("../../docs/inputs.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- table -->\n").unwrap();
    let (old, after) = rest.split_once("<!-- end -->").unwrap();
    if old != table {
        std::fs::write(&path, format!("{before}<!-- table -->\n{table}<!-- end -->{after}")).unwrap();
        panic!(
            "docs/inputs.md was out of date and has been rewritten; look at the difference, run again, commit it"
        );
    }
}

#[tokio::test]
async fn many_pictures_are_worked_on_a_few_at_a_time_and_come_in_order() {
    let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
    let grey =
        |side: u32| Pixels { width: side, height: side, channels: 1, data: vec![7; (side * side) as usize] };
    let pictures: Vec<Pixels> = (1..=40).map(grey).collect();
    let explained =
        client.explain("a banana", pictures, GenerateOptions::new().model("my-own-model")).await.unwrap();
    let widths: Vec<_> = explained.inputs.iter().map(|plan| plan.sent.width.unwrap()).collect();
    assert_eq!(widths, (1..=40).collect::<Vec<_>>());
    assert!(explained.inputs.iter().all(|plan| plan.action == "encoded" && !plan.lossy));
}

#[tokio::test]
async fn the_same_picture_always_becomes_the_same_bytes() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/plan/turned.jpg");
    for _ in 0..2 {
        client.edit("at night", path.as_path(), encode(Encode::new().max_side(9u32))).await.unwrap();
    }
    let sent = emulator.requests();
    assert_eq!(sent[0]["json"], sent[1]["json"]);
}

#[tokio::test]
async fn pictures_are_made_within_the_time_of_the_call() {
    let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
    let pixels = Pixels { width: 8000, height: 8000, channels: 1, data: vec![7; 64_000_000] };
    let error = client.explain("a banana", pixels, GenerateOptions::new().timeout(0.001)).await.unwrap_err();
    assert!(error.message().contains("within 0.001 s"), "{error}");
}

#[tokio::test]
async fn what_an_array_loses_is_told() {
    let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
    for (sample, loses) in [(Sample::U8, false), (Sample::U16, true)] {
        let data = vec![7; 6 * sample.bytes()].into();
        let array = Array { shape: vec![2, 3], sample, data };
        let explained = client.explain("a banana", array, GenerateOptions::new()).await.unwrap();
        assert_eq!(explained.inputs[0].lossy, loses);
        let told = explained.warnings.iter().any(|warning| warning.contains("16 bits"));
        assert_eq!(told, loses, "{:?}", explained.warnings);
    }
}

#[tokio::test]
async fn what_is_added_to_a_conversation_is_encoded_as_it_says_and_losses_are_told() {
    let emulator = Emulator::start(0).unwrap();
    let chat = client(&emulator).chat(encode(Encode::new().max_side(9u32))).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/plan/turned.jpg");
    let told = chat.add_and_tell("user", vec![Input::Path(path)]).await.unwrap();
    assert!(told.len() == 1 && told[0].contains("upright") && told[0].contains("`max_side`"), "{told:?}");
    let history = chat.history();
    let picture = &history[0].images[0];
    assert_eq!(picture.width().max(picture.height()), 9);
}

/// What another library opened is told of as a file with the same properties is.
#[tokio::test]
async fn a_picture_that_was_opened_elsewhere_becomes_what_a_person_sees() {
    let client = Client::new(ClientOptions::new().api_key("test-key-0123")).unwrap();
    let plain = |shape: &[usize], sample: Sample| {
        let data = vec![7; shape.iter().product::<usize>() * sample.bytes()].into();
        Opened::from(Array { shape: shape.to_vec(), sample, data })
    };
    let cases = [
        (plain(&[2, 3, 2], Sample::U8), "encoded", ""),
        (Opened { orientation: 1, ..plain(&[2, 3], Sample::U8) }, "encoded", ""),
        (Opened { orientation: 9, ..plain(&[2, 3], Sample::U8) }, "encoded", ""),
        (Opened { profile: Some("no profile".into()), ..plain(&[2, 3, 3], Sample::U8) }, "encoded", ""),
        (Opened { is_inks: true, ..plain(&[2, 3, 4], Sample::U8) }, "encoded", "are inks (CMYK)"),
        (plain(&[2, 3], Sample::U16), "encoded", "its 16 bits a channel become 8"),
        (
            Opened { orientation: 3, ..plain(&[2, 3], Sample::U8) },
            "turned",
            "as its EXIF orientation (3) says",
        ),
    ];
    for (opened, action, told) in cases {
        let named = format!("{opened:?} {told}");
        let explained =
            client.explain("a banana", Input::Opened(opened), GenerateOptions::new()).await.unwrap();
        let plan = &explained.inputs[0];
        assert_eq!((plan.action.as_str(), plan.given.width), (action, Some(3)), "{named}");
        assert_eq!(explained.warnings.len(), usize::from(!told.is_empty()), "{named} {explained:?}");
        assert!(explained.warnings.iter().all(|warning| warning.contains(told)), "{explained:?}");
    }
}
