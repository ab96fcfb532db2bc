//! Uploaded files, and large requests that go by way of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use nanobanana::options::Upload;
use nanobanana::{
    Attachment, Case, Client, ClientOptions, Emulator, EmulatorOptions, Error, File, FileOptions,
    GenerateOptions, Image, Input, Item, Kind, ManyOptions, Pixels, Retry, Timeout, UploadOptions,
};
use serde_json::{Value, json};

const CHUNK: usize = 8 << 20;

fn options(emulator: &Emulator) -> ClientOptions {
    let options = ClientOptions::new().base_url(emulator.url()).api_key("test-key-0123");
    options.retry(Retry::new().initial(0.01))
}

fn client(emulator: &Emulator) -> Client {
    Client::new(options(emulator)).unwrap()
}

/// A client that takes requests of so many bytes for too large.
fn narrow(emulator: &Emulator, folder: &Path, limit: u64) -> Client {
    Client::new(options(emulator).catalogue(limited(folder, limit))).unwrap()
}

fn limited(folder: &Path, limit: u64) -> String {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("base/models.json")).unwrap();
    let mut catalogue: Value = serde_json::from_str(&text).unwrap();
    catalogue["inline_limit_bytes"] = json!(limit);
    let path = folder.join(format!("{limit}.json"));
    std::fs::write(&path, catalogue.to_string()).unwrap();
    path.display().to_string()
}

fn noise(seed: u64, side: u32) -> Image {
    let mut random = fastrand::Rng::with_seed(seed);
    let data = std::iter::repeat_with(|| random.u8(..)).take((side * side * 3) as usize).collect();
    Image::from_pixels(&Pixels { width: side, height: side, channels: 3, data }).unwrap()
}

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; len];
    random.fill(&mut bytes);
    bytes[..9].copy_from_slice(b"%PDF-1.7\n");
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(digest::digest(&digest::SHA256, bytes))
}

/// The requests by what they are: "start", "upload 0", "upload, finalize 8388608", "query", "GET files/abc" …
fn asked(emulator: &Emulator) -> Vec<String> {
    let told = |request: Value| {
        let header = |name: &str| request["headers"][name].as_str().unwrap_or_default().to_owned();
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        match (path.starts_with("/upload/"), path.rsplit_once(':')) {
            (true, _) => {
                let offset = header("x-goog-upload-offset");
                format!("{} {offset}", header("x-goog-upload-command")).trim().to_owned()
            }
            (_, Some((_, verb))) => verb.to_owned(),
            _ => format!("{method} {}", path.trim_start_matches("/v1beta/")),
        }
    };
    emulator.requests().into_iter().map(told).collect()
}

fn uploads(emulator: &Emulator) -> usize {
    asked(emulator).iter().filter(|asked| *asked == "start").count()
}

fn uris(request: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for content in request["json"]["contents"].as_array().unwrap() {
        for part in content["parts"].as_array().unwrap() {
            found.extend(part["fileData"]["fileUri"].as_str().map(str::to_owned));
        }
    }
    found
}

fn none() -> UploadOptions {
    UploadOptions::new()
}

#[tokio::test]
async fn a_file_is_uploaded_found_listed_and_deleted() {
    let emulator = Emulator::start(0).unwrap();
    let files = client(&emulator).files();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.md");
    std::fs::write(&path, "# Tides").unwrap();
    let options = none().display_name("Tides, in short").name("files/tides-1");
    let file = files.upload(path.as_path(), options).await.unwrap();
    assert_eq!((file.name.as_str(), file.mime_type.as_str()), ("files/tides-1", "text/plain"));
    assert_eq!((file.size_bytes, file.state.as_str()), (Some(7), "ACTIVE"));
    assert_eq!(file.display_name.as_deref(), Some("Tides, in short"));
    assert_eq!(file.sha256, Some(sha256(b"# Tides")));
    assert_eq!(file.uri, format!("{}/v1beta/files/tides-1", emulator.url()));
    let start = &emulator.requests()[0];
    assert_eq!(start["headers"]["x-goog-upload-header-content-length"], "7");
    assert_eq!(start["headers"]["x-goog-upload-file-name"], "notes.md");
    assert_eq!(
        start["json"],
        json!({"file": {"name": "files/tides-1", "displayName": "Tides, in short", "mimeType": "text/plain", "sizeBytes": "7"}})
    );
    for name in ["tides-1", "files/tides-1", &file.uri] {
        assert_eq!(files.get(name, FileOptions::new()).await.unwrap().create_time, file.create_time);
    }
    // More than one page.
    for number in 0..100 {
        files.upload(vec![b'%', b'P', b'D', b'F', b'-', number], none()).await.unwrap();
    }
    let listed = files.list(FileOptions::new()).await.unwrap();
    assert_eq!((listed.len(), listed[100].name.as_str()), (101, "files/tides-1"));
    files.delete(&file, FileOptions::new()).await.unwrap();
    let error = files.get("tides-1", FileOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_billed_no()), (Kind::PermissionDeniedError, true));
    assert!(error.message().contains("live 48 hours"), "{error}");
    let error = files.delete(&file, FileOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::PermissionDeniedError);
}

trait Billed {
    fn is_billed_no(&self) -> bool;
}

impl Billed for Error {
    fn is_billed_no(&self) -> bool {
        self.field("billed") == Some(json!("no"))
    }
}

#[tokio::test]
async fn a_lost_chunk_goes_on_from_where_the_service_has_it() {
    let emulator = Emulator::start(0).unwrap();
    let content = bytes(1, 2 * CHUNK + 77);
    let chunk = |step: Value| {
        let mut step = step;
        step["match"] = json!({ "call": "upload_chunk" });
        step
    };
    // The first one is refused, then taken; of the second one the answer is lost; the third has none at all.
    let steps = [
        chunk(json!({ "status": 503 })),
        chunk(json!({})),
        chunk(json!({ "cut": "headers" })),
        chunk(json!({ "status": 200, "json": {} })),
        json!({ "match": { "call": "upload_query" } }),
        json!({ "match": { "call": "upload_query" }, "status": 500 }),
    ];
    emulator.script(&steps).unwrap();
    let file = client(&emulator).files().upload(content.clone(), none()).await.unwrap();
    assert_eq!(file.sha256, Some(sha256(&content)));
    let (first, second) = (CHUNK, 2 * CHUNK);
    let wanted = [
        "start".to_owned(),
        "upload 0".to_owned(),
        "query".to_owned(),
        "upload 0".to_owned(),
        format!("upload {first}"),
        "query".to_owned(),
        "query".to_owned(),
        format!("upload, finalize {second}"),
        "query".to_owned(),
        format!("upload, finalize {second}"),
    ];
    assert_eq!(asked(&emulator), wanted);
    let sent: Vec<_> = emulator.requests().iter().map(|request| request["json"]["$bytes"].clone()).collect();
    assert_eq!((sent[3].as_u64(), sent[9].as_u64()), (Some(CHUNK as u64), Some(77)));
}

#[tokio::test]
async fn a_lost_last_answer_is_no_second_upload() {
    let emulator = Emulator::start(0).unwrap();
    let lost = json!({ "match": { "call": "upload_chunk" }, "cut": "headers" });
    // The service may not tell the file a second time: then its name finds it.
    let silent = json!({
        "match": { "call": "upload_query" }, "json": {}, "headers": { "x-goog-upload-status": "final" },
    });
    for steps in [vec![lost.clone()], vec![lost, silent]] {
        emulator.script(&steps).unwrap();
        let file = client(&emulator).files().upload(bytes(2, 1000), none()).await.unwrap();
        assert_eq!(file.size_bytes, Some(1000));
    }
    assert_eq!(client(&emulator).files().list(FileOptions::new()).await.unwrap().len(), 2);
    assert_eq!(uploads(&emulator), 2);
}

#[tokio::test]
async fn an_upload_that_keeps_failing_ends_as_the_policy_says() {
    let emulator = Emulator::start(0).unwrap();
    let broken = |call: &str| json!({ "match": { "call": call }, "status": 503, "times": 100 });
    emulator.script(&[broken("upload_chunk"), broken("upload_query")]).unwrap();
    let files =
        client(&emulator).with_options(ClientOptions::new().retry(Retry::new().max_attempts(3u32))).unwrap();
    let error = files.files().upload(bytes(3, 1000), none()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_billed_no()), (Kind::InternalServerError, true));
    assert_eq!(asked(&emulator), ["start", "upload, finalize 0", "query", "query"]);
    assert_eq!(error.attempts().len(), 3);
    let once = files.with_options(ClientOptions::new().retry(false)).unwrap();
    once.files().upload(bytes(3, 1000), none()).await.unwrap_err();
    assert_eq!(asked(&emulator).len(), 6);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_uploaded_is_an_error() {
    let emulator = Emulator::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.pdf");
    std::fs::write(&path, bytes(4, 2 * CHUNK)).unwrap();
    emulator.script(&[json!({ "match": { "call": "upload_chunk" }, "delay": 4.0 })]).unwrap();
    let (files, named) = (client(&emulator).files(), path.clone());
    let call = tokio::spawn(async move { files.upload(named, none()).await });
    while asked(&emulator).len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // As long as before: only its identity tells.
    std::fs::write(&path, bytes(44, 2 * CHUNK)).unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError, "{error:?}");
    assert!(error.message().contains("large.pdf") && error.message().contains("changed"), "{error}");
}

#[tokio::test]
async fn cancel_and_deadline_leave_nothing_under_way() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "match": { "call": "upload_chunk" }, "hang": true, "times": 3 })]).unwrap();
    let files = client(&emulator).files();
    let given_up =
        tokio::time::timeout(Duration::from_millis(200), files.upload(bytes(5, 1000), none())).await;
    assert!(given_up.is_err());
    let gone = async {
        while emulator.active() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    let late = none().timeout(Timeout::new().total(0.2));
    let error = files.upload(bytes(5, 1000), late).await.unwrap_err();
    assert_eq!(error.kind(), Kind::APITimeoutError, "{error:?}");
    // A call ends with its own deadline, and has spent nothing; nor has one that is given up.
    let client = client(&emulator);
    let always = || GenerateOptions::new().upload(Upload::Always);
    let options = always().timeout(Timeout::new().total(0.2));
    let error = client.edit("at night", noise(1, 100), options).await.unwrap_err();
    assert_eq!((error.kind(), error.is_billed_no()), (Kind::APITimeoutError, true), "{error:?}");
    emulator.script(&[json!({ "match": { "call": "upload_chunk" }, "hang": true, "times": 9 })]).unwrap();
    let call = client.edit("at night", noise(1, 100), always());
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    let spent = client.spent();
    assert_eq!((spent.unknown, spent.calls, spent.pending_usd), (0, 0, 0.0));
    // Another one that wants the same picture does not wait for it.
    emulator.script(&[]).unwrap();
    client.edit("at night", noise(1, 100), always()).await.unwrap();
}

#[tokio::test]
async fn a_video_is_waited_for_and_a_broken_one_tells_why() {
    let emulator = Emulator::start_with(EmulatorOptions::new().file_processing(1.0)).unwrap();
    let files = client(&emulator).files();
    let video = b"\0\0\0\x18ftypmp42 and so on".to_vec();
    let file = files.upload(video.clone(), none()).await.unwrap();
    assert_eq!((file.mime_type.as_str(), file.state.as_str()), ("video/mp4", "ACTIVE"));
    assert!(asked(&emulator).iter().filter(|asked| asked.starts_with("GET files/")).count() >= 2);
    let error = files.upload(b"no video".to_vec(), none().mime_type("video/mp4")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::APIError);
    assert!(error.message().contains("it is no MP4 file"), "{error}");
    // One that takes long enough for everything before it.
    let slow = Emulator::start_with(EmulatorOptions::new().file_processing(600.0)).unwrap();
    let late = none().timeout(Timeout::new().total(3.0));
    let error = self::client(&slow).files().upload(video, late).await.unwrap_err();
    assert!(error.is(Kind::APITimeoutError) && error.message().contains("PROCESSING"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_uploaded_says_why() {
    let emulator = Emulator::start(0).unwrap();
    let files = client(&emulator).files();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.bin");
    std::fs::write(&path, [1, 2, 3]).unwrap();
    let file = files.upload(bytes(6, 100), none()).await.unwrap();
    let before = emulator.requests().len();
    for (source, options, kind, says) in [
        (Input::Path(path), none(), Kind::InvalidOptionError, "`mime_type`"),
        (Input::Bytes(vec![1, 2].into()), none(), Kind::InvalidOptionError, "these bytes"),
        (Input::Bytes(vec![].into()), none().mime_type("text/plain"), Kind::ImageError, "empty"),
        (Input::Path(folder.path().to_owned()), none(), Kind::ImageError, "it is a folder"),
        (Input::Path(PathBuf::from("nowhere.pdf")), none(), Kind::ImageError, "nowhere.pdf"),
        (Input::Named("https://example.com/a.pdf".into()), none(), Kind::ImageError, "are not uploaded"),
        (Input::from(file), none(), Kind::ImageError, "uploaded already"),
        (Input::Bytes(bytes(6, 9).into()), none().name("No!"), Kind::InvalidOptionError, "`name`"),
        (Input::Bytes(bytes(6, 9).into()), none().mime_type("pdf"), Kind::InvalidOptionError, "`mime_type`"),
        (
            Input::Bytes(bytes(6, 9).into()),
            none().mime_type("applicati\u{f3}n/pdf"),
            Kind::InvalidOptionError,
            "`mime_type`",
        ),
        (
            Input::Bytes(bytes(6, 9).into()),
            none().display_name("é".repeat(513)),
            Kind::InvalidOptionError,
            "512 characters",
        ),
    ] {
        let error = files.upload(source, options).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(says), "{error}");
    }
    assert_eq!(emulator.requests().len(), before);
}

#[tokio::test]
async fn an_uploaded_picture_is_as_good_as_one_in_the_request() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let picture = noise(7, 60);
    let seeded = || {
        GenerateOptions::new()
            .model("nano-banana-pro")
            .extra(json!({ "generationConfig": { "seed": 5 } }).as_object().unwrap().clone())
    };
    let inline = client.edit("at night", &picture, seeded()).await.unwrap();
    let file = client.files().upload(&picture, none()).await.unwrap();
    let id = file.name.clone();
    for image in [Input::from(&file), Input::Named(id), Input::Named(file.uri.clone())] {
        let result = client.edit("at night", image, seeded()).await.unwrap();
        assert!(result.image().unwrap() == inline.image().unwrap());
        assert_eq!(uris(emulator.requests().last().unwrap()), vec![file.uri.clone()]);
    }
    let counted =
        client.count_tokens(vec![Input::Text("eight ..".into()), (&file).into()], seeded()).await.unwrap();
    assert_eq!((counted.total_tokens, counted.text_tokens, counted.image_tokens), (562, 2, 560));

    let count = emulator.requests().len();
    let mut slow = file.clone();
    slow.state = "PROCESSING".to_owned();
    let mut old = file.clone();
    old.expiration_time = Some("2020-01-01T00:00:00Z".to_owned());
    let mut failed = File::read(&nanobanana::schema::Write::write(&file, Case::Camel), Case::Camel);
    (failed.state, failed.error) = ("FAILED".to_owned(), Some("too dark".to_owned()));
    for (file, says) in [(slow, "still PROCESSING"), (old, "live 48 hours"), (failed, "too dark")] {
        let error = client.edit("at night", file, GenerateOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.field("index")), (Kind::ImageError, Some(json!(0))));
        assert!(error.message().contains(says), "{error}");
    }
    assert_eq!(emulator.requests().len(), count, "nothing was sent");
}

#[tokio::test]
async fn the_largest_pictures_are_uploaded_until_the_rest_fits_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let client = narrow(&emulator, folder.path(), 60_000);
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = events.clone();
    let client = client.on_event(move |event| told.lock().unwrap().push(event));
    // About 30 kB, 12 kB and 67 kB.
    let path = noise(9, 150).save(folder.path().join("large")).unwrap();
    let images = || [Input::Image(noise(8, 100)), Input::Image(noise(10, 62)), Input::Path(path.clone())];
    let result = client.edit("at night", images(), GenerateOptions::new().n(3u32)).await.unwrap();
    assert_eq!((result.images.len(), result.warnings.len()), (3, 0));
    assert_eq!(uploads(&emulator), 1);
    let request = emulator.requests().pop().unwrap();
    let parts = &request["json"]["contents"][0]["parts"];
    assert_eq!(parts[3]["fileData"]["mimeType"], "image/png");
    assert!(parts[1]["inlineData"].is_object() && parts[2]["inlineData"].is_object());
    let names: Vec<_> = events.lock().unwrap().iter().map(|event| event.name.clone()).collect();
    assert_eq!(names.iter().filter(|name| *name == "upload").count(), 3);
    // The same picture by another name, by a copy of the client.
    let copy = client.with_options(ClientOptions::new().model("nano-banana-pro")).unwrap();
    let options = GenerateOptions::new();
    copy.edit("at dawn", [noise(9, 150), noise(8, 100)], options.clone()).await.unwrap();
    assert_eq!(uploads(&emulator), 1);
    // With another key it may be another project.
    let other = client.with_options(ClientOptions::new().api_key("another-key")).unwrap();
    other.edit("at dawn", [noise(9, 150), noise(8, 100)], options.clone()).await.unwrap();
    assert_eq!(uploads(&emulator), 2);

    let count = emulator.requests().len();
    let never = options.clone().upload(Upload::Never);
    let error = client.edit("at night", images(), never.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError);
    assert!(error.message().contains("`upload`"), "{error}");
    let error = client.generate("long ".repeat(20_000), options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ImageError, "{error}");
    assert_eq!(emulator.requests().len(), count, "nothing was sent");
    client.edit("at night", noise(10, 62), never).await.unwrap();
    let always = options.upload(Upload::Always);
    client.edit("at night", [noise(8, 100), noise(11, 20)], always).await.unwrap();
    assert_eq!(uploads(&emulator), 3, "all but the smallest");
    assert_eq!(uris(emulator.requests().last().unwrap()).len(), 1);
}

#[tokio::test]
async fn a_file_that_is_gone_is_uploaded_again_once() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let always = || GenerateOptions::new().upload(Upload::Always);
    client.edit("at night", noise(12, 100), always()).await.unwrap();
    let files = client.files().list(FileOptions::new()).await.unwrap();
    client.files().delete(&files[0], FileOptions::new()).await.unwrap();
    let result = client.edit("at night", noise(12, 100), always()).await.unwrap();
    let statuses: Vec<_> = result.attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!((statuses, uploads(&emulator)), (vec![Some(403), Some(200)], 2));
    assert_eq!(client.spent().calls, 2);
    // Whoever is refused twice stays refused.
    let refused = |request: &Value| {
        let uri = uris(request)[0].clone();
        uri.rsplit_once('/').unwrap().1.to_owned()
    };
    let id = refused(emulator.requests().last().unwrap());
    let message = format!("You do not have permission to access the File {id} or it may not exist.");
    let step = json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": message } });
    emulator.script(&[step.clone(), json!({ "status": 403 })]).unwrap();
    let error = client.edit("at night", noise(12, 100), always()).await.unwrap_err();
    assert_eq!((error.kind(), uploads(&emulator)), (Kind::PermissionDeniedError, 3));
}

#[tokio::test]
async fn files_that_have_ended_are_not_counted_on() {
    let emulator = Emulator::start_with(EmulatorOptions::new().file_life(4.0)).unwrap();
    let client = client(&emulator);
    let always = || GenerateOptions::new().upload(Upload::Always);
    client.edit("at night", noise(13, 100), always()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(4100)).await;
    let result = client.edit("at night", noise(13, 100), always()).await.unwrap();
    assert_eq!((result.attempts.len(), uploads(&emulator)), (1, 2));
    assert_eq!(client.files().list(FileOptions::new()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn answers_that_are_known_upload_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let kept = options(&emulator)
        .cache(nanobanana::Cache::new().path(folder.path().join("cache").display().to_string()));
    let client = Client::new(kept).unwrap();
    let ask = |how: Upload| client.edit("at night", noise(14, 100), GenerateOptions::new().upload(how));
    assert!(!ask(Upload::Auto).await.unwrap().cached);
    assert!(ask(Upload::Always).await.unwrap().cached, "it is the same call, whichever way its picture goes");
    assert_eq!(uploads(&emulator), 0);

    let journal = folder.path().join("run.jsonl");
    for calls in [1, 1] {
        let options = ManyOptions::new().journal(journal.display().to_string());
        let many = self::client(&emulator);
        let many = many.generate_many(GenerateOptions::new().upload(Upload::Always), options).unwrap();
        let mut items =
            vec![Item::new(vec![Input::Text("at dawn".into()), noise(15, 100).into()])].into_iter();
        while let Some(outcome) = many.next(&mut items).await.unwrap() {
            assert!(outcome.ok);
        }
        assert_eq!(uploads(&emulator), calls);
    }
}

#[tokio::test]
async fn a_conversation_sends_its_users_pictures_by_reference_and_the_models_as_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let client = narrow(&emulator, folder.path(), 60_000);
    emulator.script(&[json!({ "image": "png 8x8", "times": 3 })]).unwrap();
    let chat = client.chat(GenerateOptions::new().model("nano-banana-pro")).unwrap();
    let (first, second) = (noise(16, 110), noise(17, 110));
    chat.send(vec![Input::Text("a logo".into()), (&first).into()], GenerateOptions::new()).await.unwrap();
    assert_eq!(uploads(&emulator), 0);
    chat.send(vec![Input::Text("and this".into()), (&second).into()], GenerateOptions::new()).await.unwrap();
    let request = emulator.requests().pop().unwrap();
    assert_eq!((uris(&request).len(), uploads(&emulator)), (2 - 1, 1), "one of them is enough");
    chat.send("now wave", GenerateOptions::new()).await.unwrap();
    assert_eq!(uploads(&emulator), 1);
    let request = emulator.requests().pop().unwrap();
    let model = &request["json"]["contents"][1];
    assert!(model.to_string().contains("inlineData") && model.to_string().contains("thoughtSignature"));
    // What is kept, and saved, has the pictures themselves.
    let history = chat.history();
    assert!(history[0].images[0] == first && history[2].images[0] == second);
    assert!(history.iter().all(|turn| turn.files.is_empty()));
}

#[tokio::test]
async fn chunks_take_the_clients_own_way_to_the_service() {
    let emulator = Emulator::start(0).unwrap();
    let base = emulator.url().replace("127.0.0.1", "localhost");
    let client = Client::new(options(&emulator).base_url(base)).unwrap();
    client.files().upload(bytes(18, 100), none()).await.unwrap();
    for request in emulator.requests() {
        assert!(request["headers"]["host"].as_str().unwrap().starts_with("localhost:"), "{request}");
    }
    // A key that comes back in an error is not told.
    let step = json!({
        "match": { "call": "file_get" }, "status": 400, "error": { "message": "bad key test-key-0123" },
    });
    emulator.script(&[step]).unwrap();
    let error = client.files().get("abc", FileOptions::new()).await.unwrap_err();
    assert!(!format!("{error:?} {}", error.to_json(Case::Snake)).contains("test-key-0123"), "{error}");
}

#[tokio::test]
async fn an_attachment_that_is_uploaded_keeps_what_was_said_of_it() {
    let emulator = Emulator::start(0).unwrap();
    let mut video = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
    video.resize(40_000, 0);
    let about = Attachment::new().start(1.0).end(2.5).fps(2.0);
    let inputs = vec!["a banana".into(), Input::Attachment(Box::new(video.into()), about)];
    client(&emulator).generate(inputs, GenerateOptions::new().upload(Upload::Always)).await.unwrap();
    let sent = emulator.requests().pop().unwrap();
    let part = &sent["json"]["contents"][0]["parts"][1];
    assert_eq!(uris(&sent).len(), 1, "{part}");
    assert_eq!(part["fileData"]["mimeType"], "video/mp4");
    let clip = json!({ "startOffset": "1s", "endOffset": "2.5s", "fps": 2.0 });
    assert_eq!(part["videoMetadata"], clip);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_before_anything_is_sent() {
    let emulator = Emulator::start(0).unwrap();
    let file = |change: Value| {
        let mut file = json!({ "name": "files/abc", "uri": "https://x/v1beta/files/abc", "mime_type": "image/png", "state": "ACTIVE" });
        file.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        File::read(&file, Case::Snake)
    };
    for (change, told) in [
        (json!({ "state": "PROCESSING" }), "still PROCESSING"),
        (json!({ "state": "FAILED", "error": "no video" }), "no video"),
        (json!({ "expiration_time": "2026-01-02T03:04:05Z" }), "48 hours"),
        (json!({ "uri": "" }), "no `uri`"),
    ] {
        let error = client(&emulator).edit("a", file(change), GenerateOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ImageError, "{error:?}");
        assert!(error.message().contains(told), "{error}");
    }
    assert_eq!(asked(&emulator).len(), 0);
}

#[tokio::test]
async fn an_uploaded_file_is_looked_at_before_it_is_sent_as_a_picture() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media");
    let upload = async |name: &str| client.files().upload(media.join(name), UploadOptions::new()).await;
    let (gif, pdf) = (upload("real/still.gif").await.unwrap(), upload("brief.pdf").await.unwrap());
    let sent = emulator.requests().len();
    for (file, word) in [(gif, "give the picture itself"), (pdf, "`attachments`")] {
        let error = client.edit("at night", file, GenerateOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ImageError);
        assert!(error.message().contains(word), "{error}");
    }
    assert_eq!(emulator.requests().len(), sent);
    // What cannot be done with one that is sent by its address is told.
    let png = upload("real/plain.png").await.unwrap();
    let shrunk = GenerateOptions::new().encode(nanobanana::Encode::new().max_side(8u32));
    let explained = client.explain("at night", png, shrunk).await.unwrap();
    assert!(explained.warnings.iter().any(|warning| warning.contains("`encode`")), "{explained:?}");
}

#[tokio::test]
async fn what_is_uploaded_and_what_is_attached_are_of_the_same_types() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, wanted) in [
        ("a.mov", &b"\0\0\0\x14ftypqt  \0\0\0\0"[..], "video/mov"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "video/avi"),
        ("a.flv", b"FLV\x01\x05", "video/x-flv"),
        ("marked.pdf", b"\xef\xbb\xbf%PDF-1.7", "application/pdf"),
        ("a.json", b"{}", "text/plain"),
        ("notes", b"some words", "text/plain"),
        ("a.m4v", b"\0\0\0\x14ftypM4V \0\0\0\0", "video/mp4"),
        ("a.m4a", b"\0\0\0\x14ftypM4A \0\0\0\0", "audio/mp4"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let file = client.files().upload(path, UploadOptions::new()).await;
        let kind = file.map(|file| file.mime_type).unwrap_or_else(|error| error.to_string());
        // The emulator finds that a video is none only after it has its type.
        assert!(
            kind == wanted || kind.contains("FAILED") && wanted.starts_with("video/mp4"),
            "{name}: {kind}"
        );
    }
    let path = folder.path().join("notes.xyz");
    std::fs::write(&path, [0u8, 1, 2]).unwrap();
    let error = client.files().upload(path.clone(), UploadOptions::new()).await.unwrap_err();
    assert!(error.message().contains("mime_type"), "{error}");
    let said = |about: Attachment| Input::Attachment(Box::new(Input::Path(path.clone())), about);
    let own = said(Attachment::new().mime_type("text/x-own"));
    let file = client.files().upload(own, UploadOptions::new()).await.unwrap();
    assert_eq!(file.mime_type, "text/x-own");
    let error =
        client.files().upload(said(Attachment::new().fps(2.0)), UploadOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.field("option")), (Kind::InvalidOptionError, Some(json!("fps"))));
}

#[tokio::test]
async fn a_reply_is_read_as_far_as_one_may_be_long_and_no_further() {
    let emulator = Emulator::start(0).unwrap();
    let client = Client::new(options(&emulator).retry(Retry::from(false))).unwrap();
    let file = json!({ "name": "files/abc-1", "state": "ACTIVE" }).to_string();
    let refusal =
        json!({ "error": { "status": "INVALID_ARGUMENT", "message": "no such thing" } }).to_string();
    for (status, said, most) in [(200, file, 16 << 20), (400, refusal, 1 << 20)] {
        for (more, is_read) in [(0, true), (1, false)] {
            let body = said.clone() + &" ".repeat(most + more - said.len());
            emulator
                .script(&[json!({ "match": { "call": "file_get" }, "status": status, "body": body })])
                .unwrap();
            let told = match client.files().get("files/abc-1", FileOptions::new()).await {
                Ok(file) => file.name,
                Err(error) => error.message().to_owned(),
            };
            let is_told = told == "files/abc-1" || told.contains("no such thing");
            assert_eq!(is_told, is_read, "{status}: {told}");
            if status == 200 && !is_read {
                assert!(told.contains("is longer than 16777216 bytes"), "{told}");
            }
        }
    }
}
