//! Pictures that are read from disk while they are sent: again for each attempt, and never another
//! file than the one that was looked at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use nanobanana::{
    Attachment, Client, ClientOptions, Emulator, GenerateOptions, Image, Input, Kind, Pixels, Reference,
    Retry, Role,
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

#[tokio::test]
async fn a_file_is_sent_whole_and_again_with_a_known_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = large(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "error": { "message": "later" } })]).unwrap();
    let result = client(&emulator).edit("at night", path.as_path(), GenerateOptions::new()).await.unwrap();
    assert_eq!(result.attempts.len(), 2);
    let size = std::fs::metadata(&path).unwrap().len();
    for request in emulator.requests() {
        assert_eq!(request["json"]["contents"][0]["parts"][1]["inlineData"]["data"]["$bytes"], size);
        assert_eq!(request["headers"]["content-length"], request["size"].to_string());
        assert_eq!(request["headers"]["transfer-encoding"], Value::Null);
    }
}

#[tokio::test]
async fn a_file_that_changes_between_attempts_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = large(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "delay": 0.2, "error": { "message": "later" } })]).unwrap();
    let (client, named) = (client(&emulator), path.clone());
    let call =
        tokio::spawn(async move { client.edit("at night", named.as_path(), GenerateOptions::new()).await });
    while emulator.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(&path, "something else").unwrap();
    let error = call.await.unwrap().unwrap_err();
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
}

#[tokio::test]
async fn an_attached_file_that_changes_between_attempts_is_named_by_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "status": 503, "delay": 0.2, "error": { "message": "later" } })]).unwrap();
    let (client, inputs) = (client(&emulator), attached(&path));
    let call = tokio::spawn(async move { client.generate(inputs, GenerateOptions::new()).await });
    while emulator.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(&path, "something else").unwrap();
    let error = call.await.unwrap().unwrap_err();
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
