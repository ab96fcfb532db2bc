//! Files that earlier versions wrote (`tests/golden`): they load, and runs go on with them and pay for nothing
//! again in silence.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use nanobanana::{
    Attachment, Client, ClientOptions, EditOptions, Emulator, EmulatorOptions, Encode, GenerateOptions,
    Input, Item, ManyOptions, Outcome, Reference, Region, Retry, Role,
};
use serde_json::{Value, json};

/// The address that the clients of the cache had. Nobody listens there.
const CACHED_AT: &str = "http://127.0.0.1:47113";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/0.1.0")
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of the golden files, so that runs can go on with it.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copied(&golden(), folder.path());
    folder
}

fn client(url: &str) -> Client {
    let options = ClientOptions::new().base_url(url).api_key("golden-key-0000").retry(Retry::from(false));
    Client::new(options).unwrap()
}

fn boat(place: &Path) -> Input {
    Input::Path(place.join("inputs/boat.png"))
}

/// The items of `make.py`.
fn items(place: &Path) -> Vec<Item> {
    let options = GenerateOptions::new;
    let masked = Input::mask(Region::new().left(0.0).top(0.0).right(4.0).bottom(4.0), EditOptions::new());
    let prices = Input::Attachment(Box::new(place.join("inputs/prices.csv").into()), Attachment::new());
    let mia = Reference::new().name("Mia").role(Role::Character);
    let turned = Item::new("a banana on its side").images(place.join("inputs/turned.jpg"));
    vec![
        Item::new("a plain banana"),
        Item::new("a plain banana"),
        Item::new("a named banana")
            .id("named")
            .options(options().aspect_ratio("16:9").seed(7).temperature(0.5)),
        // By its bytes now, not by its path.
        Item::new("a banana in a boat").images(std::fs::read(place.join("inputs/boat.png")).unwrap()),
        turned.options(options().image_size("2K").model("nano-banana-pro")),
        Item::new("two bananas").options(options().n(2u32).system("draw flat")),
        Item::new("a masked banana").images(boat(place)).images(masked),
        Item::new("a banana with a text")
            .images(prices)
            .options(options().timeout(60.0).retry(Retry::new().max_attempts(2u32))),
        Item::new("a banana of Mia").images(Input::Reference(Box::new(boat(place)), mia)),
        Item::new("a small boat").images(boat(place)).options(
            options().encode(Encode::new().max_side(4u32).format(nanobanana::options::EncodeFormat::Png)),
        ),
        Item::new("done, and its line is gone").id("no line"),
        Item::new("refused banana"),
        Item::new("lost banana").id("lost"),
        Item::new("cut off bananas").id("cut").options(options().n(3u32)),
    ]
}

async fn run(client: &Client, place: &Path, items: Vec<Item>) -> Vec<Outcome> {
    let many = ManyOptions::new()
        .journal(place.join("run.jsonl").to_str().unwrap())
        .save_to(place.join("out").to_str().unwrap())
        .concurrency(1u32)
        .ordered(true);
    let run = client.generate_many(GenerateOptions::new(), many).unwrap();
    let (mut items, mut outcomes) = (items.into_iter(), Vec::new());
    while let Some(outcome) = run.next(&mut items).await.unwrap() {
        outcomes.push(outcome);
    }
    outcomes
}

fn emulator() -> Emulator {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&vec![json!({ "image": "png 8x8" }); 100]).unwrap();
    emulator
}

fn warned(outcome: &Outcome) -> String {
    outcome.result.as_ref().map(|result| result.warnings.join("; ")).unwrap_or_default()
}

#[tokio::test]
async fn a_journal_of_0_1_0_goes_on_and_nothing_is_paid_for_again_in_silence() {
    let (emulator, place) = (emulator(), place());
    let client = client(&emulator.url());
    let outcomes = run(&client, place.path(), items(place.path())).await;
    assert!(outcomes.iter().all(|outcome| outcome.ok), "{outcomes:#?}");
    let again: Vec<u64> =
        outcomes.iter().filter(|outcome| !outcome.cached).map(|outcome| outcome.index).collect();
    // One was refused, one was lost, and one was cut off.
    assert_eq!((again, emulator.requests().len()), (vec![11, 12, 13], 5));
    assert_eq!(warned(&outcomes[11]), "");
    for index in [12, 13] {
        assert!(warned(&outcomes[index]).contains("may have been paid for"), "{:?}", outcomes[index]);
    }
    for outcome in &outcomes[..11] {
        let files: Vec<_> = outcome.files.iter().map(|file| Path::new(file).exists()).collect();
        assert!(!files.is_empty() && files.iter().all(|there| *there), "{outcome:?}");
        assert!(!warned(outcome).contains("done before"), "{outcome:?}");
    }
    assert_eq!(outcomes[6].result.as_ref().unwrap().masked.len(), 1);
    // What was recognised stays so by what the caller gave, and version 0.1.0 does not open it any more.
    let lines = std::fs::read_to_string(place.path().join("run.jsonl")).unwrap();
    assert!(lines.starts_with("{\"journal\":2,"), "{lines}");
    assert_eq!(lines.matches("\"was\":\"sha256:").count(), 9, "{lines}");
    let outcomes = run(&client, place.path(), items(place.path())).await;
    assert!(outcomes.iter().all(|outcome| outcome.ok && outcome.cached));
    assert_eq!(emulator.requests().len(), 5);
}

#[tokio::test]
async fn an_item_that_cannot_be_recognised_is_said() {
    let (emulator, place) = (emulator(), place());
    let client = client(&emulator.url());
    // As if another encoder made these bytes, which version 0.1.0 went by.
    let path = place.path().join("run.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = lines.iter().find(|line| line["note"] == "out/00004.json").unwrap()["done"].as_str().unwrap();
    let other = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { 1 } else { 0 });
    assert_ne!(key, other);
    std::fs::write(&path, text.replace(key, &other)).unwrap();
    let note = place.path().join("out/00004.json");
    std::fs::write(&note, std::fs::read_to_string(&note).unwrap().replace(key, &other)).unwrap();
    let outcomes = run(&client, place.path(), items(place.path())).await;
    let outcome = &outcomes[4];
    assert!(!outcome.cached, "{outcome:?}");
    for part in ["run.jsonl", "paid for again"] {
        let warned = warned(outcome);
        assert!(warned.contains(part), "no {part:?} in {warned:?}");
    }
    // An item that nobody drew before is not sent in silence as long as it may be that one.
    let more = run(&client, place.path(), vec![Item::new("another banana")]).await;
    assert!(warned(&more[0]).contains(" 1 item of version 0.1.0 "), "{more:?}");
}

#[tokio::test]
async fn a_cache_of_0_1_0_answers() {
    let place = place();
    let cache = place.path().join("cache").to_str().unwrap().to_owned();
    let at = |url: &str| {
        let options = ClientOptions::new().base_url(url).api_key("k").retry(Retry::from(false));
        Client::new(options.cache(cache.clone())).unwrap()
    };
    let client = at(CACHED_AT);
    let plain = client.generate("a cached banana", GenerateOptions::new()).await.unwrap();
    assert!(plain.cached && plain.images.len() == 1, "{plain:?}");
    let two = client.generate("two cached bananas", GenerateOptions::new().n(2u32)).await.unwrap();
    assert!(two.cached && two.images.len() == 2, "{two:?}");
    let options = GenerateOptions::new().aspect_ratio("16:9").model("nano-banana-pro");
    let edited = client.edit("a cached boat", boat(place.path()), options).await.unwrap();
    assert!(edited.cached, "{edited:?}");
    assert!(
        client.generate("a streamed banana", GenerateOptions::new().thoughts(true)).await.unwrap().cached
    );
    let many = client.generate_many(GenerateOptions::new(), ManyOptions::new().concurrency(1u32)).unwrap();
    let mut items = ["a cached item", "a cached item"].map(Item::new).into_iter();
    while let Some(outcome) = many.next(&mut items).await.unwrap() {
        assert!(outcome.cached, "{outcome:?}");
    }
    // The answers of another service are not among them.
    let emulator = emulator();
    assert!(!at(&emulator.url()).generate("a cached banana", GenerateOptions::new()).await.unwrap().cached);
    assert_eq!(emulator.requests().len(), 1);
}

#[tokio::test]
async fn a_chat_of_0_1_0_goes_on() {
    let (emulator, place) = (emulator(), place());
    let client = client(&emulator.url());
    let chat = client.load_chat(place.path().join("talk.chat.json"), GenerateOptions::new()).unwrap();
    let history = chat.history();
    let pictures: Vec<usize> = history.iter().map(|turn| turn.images.len()).collect();
    assert_eq!(pictures, [0, 1, 1, 1]);
    chat.send("and now in blue", GenerateOptions::new()).await.unwrap();
    let request = &emulator.requests()[0]["json"];
    assert_eq!(request["contents"].as_array().unwrap().len(), 5);
    assert_eq!(request["systemInstruction"]["parts"][0]["text"], "draw flat");
    assert_eq!(request["generationConfig"]["imageConfig"]["aspectRatio"], "1:1");
    assert!(request["contents"][1]["parts"][0]["thoughtSignature"].is_string(), "{request}");
}

#[tokio::test]
async fn a_cassette_of_0_1_0_plays() {
    let place = place();
    let options = EmulatorOptions::new().cassette(place.path().join("cassette").to_str().unwrap());
    let emulator = Emulator::start_with(options).unwrap();
    let client = client(&emulator.url());
    let drawn = client.generate("a recorded banana", GenerateOptions::new()).await.unwrap();
    assert_eq!(drawn.image().unwrap().width(), 8);
    let options = GenerateOptions::new().seed(7);
    let edited = client.edit("a recorded boat", boat(place.path()), options).await.unwrap();
    assert_eq!(edited.image().unwrap().width(), 8);
    assert!(client.generate("another banana", GenerateOptions::new()).await.is_err());
}
