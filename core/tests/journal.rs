//! What a run with a journal pays for again after kills, power cuts, damaged files and new versions: nothing that
//! lies on disk with its note, and nothing else in silence.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nanobanana::{
    Case, Client, ClientOptions, EditOptions, Emulator, GenerateOptions, Image, Input, Item, ManyOptions,
    Outcome, Reference, Region, Retry,
};
use serde_json::{Value, json};

fn emulator() -> Emulator {
    let emulator = Emulator::start(0).unwrap();
    script(&emulator, &[]);
    emulator
}

fn script(emulator: &Emulator, first: &[Value]) {
    let steps = first.iter().cloned().chain(vec![json!({ "image": "png 8x8" }); 2000]);
    emulator.script(&steps.collect::<Vec<_>>()).unwrap();
}

fn client(emulator: &Emulator, options: ClientOptions) -> Client {
    Client::new(options.base_url(emulator.url()).api_key("test-key-0123").retry(Retry::from(false))).unwrap()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn many(&self) -> ManyOptions {
        self.many_at("run.jsonl", "out")
    }

    fn many_at(&self, journal: &str, folder: &str) -> ManyOptions {
        let path = |name: &str| self.at(name).to_str().unwrap().to_owned();
        ManyOptions::new().journal(path(journal)).save_to(path(folder)).concurrency(1u32).ordered(true)
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.at("run.jsonl")).unwrap();
        text.lines().map(|line| format!("{line}\n")).collect()
    }

    fn write(&self, lines: &[String]) {
        std::fs::write(self.at("run.jsonl"), lines.concat()).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.at("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

async fn run(client: &Client, many: ManyOptions, items: Vec<Item>) -> Vec<Outcome> {
    let run = client.generate_many(GenerateOptions::new(), many).unwrap();
    let (mut items, mut outcomes) = (items.into_iter(), Vec::new());
    while let Some(outcome) = run.next(&mut items).await.unwrap() {
        outcomes.push(outcome);
    }
    outcomes
}

fn named(count: usize) -> Vec<Item> {
    (0..count).map(|number| Item::new(format!("p{number}")).id(format!("i{number}"))).collect()
}

fn prompts(count: usize) -> Vec<Item> {
    (0..count).map(|number| Item::new(format!("p{}", number / 2))).collect()
}

fn cached(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.cached).count()
}

fn warned(outcome: &Outcome) -> String {
    match (&outcome.result, &outcome.error) {
        (Some(result), _) => result.warnings.join("; "),
        (_, Some(error)) => error.to_string(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn lines_that_are_lost_are_found_by_their_notes() {
    for items in [named, prompts] {
        let (emulator, place) = (emulator(), Place::new());
        let client = client(&emulator, ClientOptions::new());
        run(&client, place.many(), items(6)).await;
        let lines = place.lines();
        assert_eq!(lines.len(), 14);
        let without = |drop: &dyn Fn(usize) -> bool| -> Vec<String> {
            let left = lines.iter().enumerate().filter(|(at, _)| !drop(*at));
            left.map(|(_, line)| line.clone()).collect()
        };
        let mut damaged = vec![
            // The end, also within a line, and with the zeros that a file system leaves.
            without(&|at| at > 7),
            without(&|at| at > 0),
            [&lines[..7], &[lines[7][..20].to_owned()]].concat(),
            [&lines[..7], &["\0".repeat(4096)]].concat(),
            // Lines in the middle, and the first.
            without(&|at| (4..9).contains(&at)),
            without(&|at| at % 2 == 1),
            without(&|at| at == 0),
            without(&|at| at < 2),
            // All of it, and the file itself.
            vec![String::new()],
            vec!["\0".repeat(300)],
            vec![lines[0][..15].to_owned()],
        ];
        damaged.push(lines.iter().map(|line| line.replace("\"done\"", "\"dune\"")).collect());
        for lines in damaged {
            place.write(&lines);
            let outcomes = run(&client, place.many(), items(6)).await;
            assert_eq!((cached(&outcomes), emulator.requests().len()), (6, 6), "{lines:#?}");
            assert!(outcomes.iter().all(|outcome| warned(outcome).is_empty()), "{outcomes:#?}");
        }
        std::fs::remove_file(place.at("run.jsonl")).unwrap();
        assert_eq!(cached(&run(&client, place.many(), items(6)).await), 6);
        // A journal of another name is another run.
        assert_eq!(cached(&run(&client, place.many_at("other.jsonl", "out"), items(6)).await), 0);
        assert_eq!(emulator.requests().len(), 12);
    }
}

#[tokio::test]
async fn a_note_is_taken_for_its_own_item_and_journal_only() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    let item = |prompt: &str| vec![Item::new(prompt).id("same")];
    run(&client, place.many(), item("a")).await;
    // The id asks for something else, and no line says that it was done.
    std::fs::remove_file(place.at("run.jsonl")).unwrap();
    let other = run(&client, place.many(), item("b")).await;
    assert_eq!((other[0].cached, emulator.requests().len()), (false, 2));
    // Both are there now, each for what was asked.
    std::fs::remove_file(place.at("run.jsonl")).unwrap();
    let journal = place.many_at("second.jsonl", "out");
    let sent = run(&client, journal.clone(), item("a")).await;
    assert_eq!((sent[0].cached, emulator.requests().len()), (false, 3));
    // Its own note is lost, and that of another journal for the same item lies there.
    std::fs::remove_file(place.at("out/same-3.json")).unwrap();
    let text = std::fs::read_to_string(place.at("second.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("{\"done\"")).collect();
    std::fs::write(place.at("second.jsonl"), lines.join("\n") + "\n").unwrap();
    let again = run(&client, journal, item("a")).await;
    assert!(!again[0].cached && warned(&again[0]).contains("may have been paid for"), "{again:?}");
}

#[tokio::test]
async fn a_picture_that_is_cut_or_another_is_no_result() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("is gone", |path| std::fs::remove_file(path).unwrap()),
        ("has 100 bytes", |path| std::fs::write(path, &std::fs::read(path).unwrap()[..100]).unwrap()),
        ("SHA-256", |path| {
            let mut bytes = std::fs::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(path, bytes).unwrap();
        }),
        ("SHA-256", |path| {
            let zeros = vec![0; path.metadata().unwrap().len() as usize];
            std::fs::write(path, zeros).unwrap();
        }),
    ];
    for (index, (why, damage)) in damages.into_iter().enumerate() {
        for has_line in [true, false] {
            let item = || vec![Item::new(format!("{index} {has_line}"))];
            let first = run(&client, place.many(), item()).await;
            damage(Path::new(&first[0].files[0]));
            if !has_line {
                place.write(
                    &place.lines().into_iter().filter(|line| !line.contains("\"done\"")).collect::<Vec<_>>(),
                );
            }
            let before = emulator.requests().len();
            let again = run(&client, place.many(), item()).await;
            let warned = warned(&again[0]);
            assert!(!again[0].cached && emulator.requests().len() == before + 1, "{again:?}");
            assert!(warned.contains(if has_line { why } else { "may have been paid for" }), "{warned}");
            assert!(run(&client, place.many(), item()).await[0].cached);
        }
    }
}

/// A file that cannot be read now may be there: it is not paid for again.
#[cfg(unix)]
#[tokio::test]
async fn an_item_whose_files_cannot_be_read_is_not_sent_again() {
    let (emulator, place) = (emulator(), Place::new());
    let watched = Arc::new(Mutex::new(Vec::new()));
    let to = watched.clone();
    let client =
        client(&emulator, ClientOptions::new()).on_event(move |event| to.lock().unwrap().push(event.name));
    let items = || vec![Item::new("x").id("x"), Item::new("y").id("y")];
    let again = async || {
        let outcomes = run(&client, place.many(), items()).await;
        outcomes.into_iter().find(|outcome| outcome.id.as_deref() == Some("x")).unwrap()
    };
    let picture = PathBuf::from(&again().await.files[0]);
    for path in [picture.clone(), picture.with_extension("json")] {
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        // Reading a link that leads to itself is an error for root, too.
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let outcome = again().await;
        let message = outcome.error.as_ref().unwrap().message();
        assert!(message.contains("cannot be read") && message.contains("Nothing was sent"), "{message}");
        assert_eq!(emulator.requests().len(), 2);
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&aside, &path).unwrap();
        assert!(again().await.cached);
    }
    // Without its line, too.
    place.write(
        &place.lines().into_iter().filter(|line| !line.contains("\"done\":\"x\"")).collect::<Vec<_>>(),
    );
    for path in [picture.clone(), picture.with_extension("json")] {
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let error = client.generate_many(GenerateOptions::new(), place.many()).unwrap_err();
        assert!(error.message().contains("cannot be read"), "{error}");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&aside, &path).unwrap();
    }
    assert!(again().await.cached && emulator.requests().len() == 2);
    // The warning that an item is drawn again is an event, too.
    watched.lock().unwrap().clear();
    std::fs::remove_file(&picture).unwrap();
    assert!(warned(&again().await).contains("done again"));
    assert!(watched.lock().unwrap().contains(&"warning".to_owned()));
}

/// A run of one item of three pictures, closed when two of them are there.
async fn cut_off(emulator: &Emulator, client: &Client, place: &Place, item: &Item) {
    script(
        emulator,
        &[json!({ "image": "png 8x8" }), json!({ "hang": true }), json!({ "image": "png 16x16" })],
    );
    let run = client.generate_many(GenerateOptions::new(), place.many()).unwrap();
    run.give(item.clone());
    let there = || {
        let names = std::fs::read_dir(place.at("out")).into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().ends_with(".call.json")).count()
    };
    while there() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run.closed().await;
}

#[tokio::test]
async fn an_item_of_several_pictures_that_was_cut_off_keeps_those_it_has() {
    for (id, loses_lines) in [(Some("cut"), false), (None, false), (Some("cut"), true)] {
        let (emulator, place) = (emulator(), Place::new());
        let client = client(&emulator, ClientOptions::new());
        let mut item = Item::new("three").options(GenerateOptions::new().n(3u32));
        item.id = id.map(str::to_owned);
        cut_off(&emulator, &client, &place, &item).await;
        assert_eq!(emulator.requests().len(), 3);
        let stem = id.unwrap_or("00000");
        if loses_lines {
            place.write(&place.lines()[..1]);
        }
        script(&emulator, &[json!({ "image": "png 24x24" })]);
        let strict = GenerateOptions::new().n(3u32).retry(Retry::new().resend_unknown(false));
        let mut refusing = item.clone();
        refusing.options = strict;
        if !loses_lines {
            let refused = run(&client, place.many(), vec![refusing]).await;
            assert!(warned(&refused[0]).contains("2 of its 3 calls"), "{refused:?}");
        }
        let outcomes = run(&client, place.many(), vec![item.clone()]).await;
        assert_eq!(emulator.requests().len(), 4, "only the missing one is sent");
        let result = outcomes[0].result.as_ref().unwrap();
        let mut sides: Vec<u32> = result.images.iter().map(Image::width).collect();
        sides.sort_unstable();
        assert_eq!((sides, outcomes[0].files.len()), (vec![8, 16, 24], 3));
        assert!(warned(&outcomes[0]).contains("2 of its 3 calls"), "{outcomes:?}");
        let wanted = [".json", "-1.png", "-2.png", "-3.png"].map(|end| format!("{stem}{end}"));
        let mut wanted = wanted.to_vec();
        wanted.sort();
        assert_eq!(place.files(), wanted, "notes of single calls are gone");
        for (image, file) in result.images.iter().zip(&outcomes[0].files) {
            assert_eq!(&Image::open(file).unwrap(), image);
        }
        let again = run(&client, place.many(), vec![item]).await;
        assert!(again[0].cached && again[0].files == outcomes[0].files, "{again:?}");
        assert_eq!(emulator.requests().len(), 4);
    }
}

#[tokio::test]
async fn of_an_item_of_several_pictures_only_the_call_is_made_again_whose_picture_is_lost() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    let items = || vec![Item::new("three").id("x").options(GenerateOptions::new().n(3u32))];
    run(&client, place.many(), items()).await;
    std::fs::remove_file(place.at("out/x-2.png")).unwrap();
    let again = run(&client, place.many(), items()).await;
    assert_eq!((again[0].cached, emulator.requests().len()), (false, 4));
    assert!(
        warned(&again[0]).contains("x-2.png is gone")
            && warned(&again[0]).contains("2 of its calls are kept")
    );
    assert_eq!(again[0].result.as_ref().unwrap().images.len(), 3);
    assert!(run(&client, place.many(), items()).await[0].cached);
}

#[tokio::test]
async fn ids_of_any_length_and_character_work() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    let long = "x".repeat(5000);
    let longer = "ü/".repeat(40_000);
    let ids = [
        "",
        "a",
        "a",
        "a#2",
        "..",
        ".",
        "/",
        "/etc/passwd",
        "..\\..\\x",
        "a\nb",
        "a\r\nb",
        "\0",
        "a\0b",
        "CON",
        "con.png",
        "NUL",
        "\u{202e}txt",
        "\u{feff}",
        "\u{fffd}",
        "🍌",
        "e\u{301}",
        "é",
        " ",
        "\"",
        "{\"done\":\"a\"}",
        "~",
        "$HOME",
        "%s",
        "new",
        "probe",
        "sha256:ab",
        &long,
        &longer,
        &longer,
    ];
    let items = || ids.iter().map(|id| Item::new("boat").id(*id)).collect::<Vec<_>>();
    let first = run(&client, place.many(), items()).await;
    let bad: Vec<_> = first.iter().filter(|outcome| !outcome.ok).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(emulator.requests().len(), ids.len());
    let mut files: Vec<_> = first.iter().flat_map(|outcome| &outcome.files).collect();
    assert!(files.iter().all(|file| Path::new(file).parent() == Some(&place.at("out"))), "{files:?}");
    files.sort();
    files.dedup();
    assert_eq!(files.len(), ids.len());
    let check = |outcomes: Vec<Outcome>| {
        assert_eq!((cached(&outcomes), emulator.requests().len()), (ids.len(), ids.len()));
        for (before, now) in first.iter().zip(&outcomes) {
            assert_eq!((&before.id, &before.files, &before.key), (&now.id, &now.files, &now.key));
        }
    };
    check(run(&client, place.many(), items()).await);
    // And by their notes alone.
    place.write(&place.lines()[..1]);
    check(run(&client, place.many(), items()).await);
}

#[tokio::test]
async fn a_line_without_an_end_is_read_past() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    run(&client, place.many(), named(2)).await;
    // Zeros, as file systems leave them; more than any line has.
    let file = std::fs::OpenOptions::new().write(true).open(place.at("run.jsonl")).unwrap();
    file.set_len(file.metadata().unwrap().len() + (70 << 20)).unwrap();
    assert_eq!(cached(&run(&client, place.many(), named(3)).await), 2);
    assert_eq!((cached(&run(&client, place.many(), named(3)).await), emulator.requests().len()), (3, 3));
}

#[tokio::test]
async fn a_folder_that_moved_between_note_and_line_is_found() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    run(&client, place.many(), named(3)).await;
    place.write(&place.lines().into_iter().filter(|line| !line.contains("\"done\"")).collect::<Vec<_>>());
    std::fs::rename(place.at("out"), place.at("moved")).unwrap();
    let outcomes = run(&client, place.many_at("run.jsonl", "moved"), named(3)).await;
    assert_eq!((cached(&outcomes), emulator.requests().len()), (3, 3));
    assert!(outcomes[0].files[0].contains("moved"), "{outcomes:?}");
}

/// A catalogue with another model as the default one.
fn other_default(place: &Place) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("base/models.json");
    let text = std::fs::read_to_string(path).unwrap();
    let mut catalogue: Value = serde_json::from_str(&text).unwrap();
    assert_ne!(catalogue["default"], "nano-banana-pro");
    catalogue["default"] = "nano-banana-pro".into();
    std::fs::write(place.at("models.json"), catalogue.to_string()).unwrap();
    place.at("models.json").to_str().unwrap().to_owned()
}

#[tokio::test]
async fn another_default_model_is_no_other_item() {
    let (emulator, place) = (emulator(), Place::new());
    let boat = |name: &str| Item::new("boat").options(GenerateOptions::new().model(name));
    let items = || {
        vec![
            Item::new("boat"),
            boat("nano-banana-2"),
            boat("gemini-3.1-flash-image"),
            boat("models/nano-banana-2"),
        ]
    };
    run(&client(&emulator, ClientOptions::new()), place.many(), items()).await;
    assert_eq!(emulator.requests().len(), 4);
    let later = client(&emulator, ClientOptions::new().catalogue(other_default(&place)));
    let outcomes = run(&later, place.many(), items()).await;
    assert_eq!((cached(&outcomes), emulator.requests().len()), (4, 4));
    // A client's own model was set by the caller, too.
    let own = client(&emulator, ClientOptions::new().model("nano-banana-pro"));
    let outcomes = run(&own, place.many(), items()).await;
    assert_eq!((outcomes[0].cached, cached(&outcomes)), (false, 3));
}

/// The keys of these items.
async fn keys(client: &Client, items: Vec<Item>) -> Vec<String> {
    let outcomes = run(client, ManyOptions::new().ordered(true).concurrency(1u32), items).await;
    outcomes
        .into_iter()
        .map(|outcome| {
            assert!(outcome.ok, "{outcome:?}");
            outcome.key
        })
        .collect()
}

#[tokio::test]
async fn an_item_is_known_by_the_options_that_decide_on_the_picture() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new().model("nano-banana-2.1"));
    // Every option, and whether it makes another item.
    let options = json!({
        "model": ["nano-banana-2", true], "aspect_ratio": ["16:9", true], "image_size": ["2K", true],
        "n": [2, true], "thinking": ["high", true], "thoughts": [true, true], "search": [true, true],
        "image_search": [true, true], "system": ["flat", true], "modalities": ["image", true], "seed": [7, true],
        "temperature": [0.5, true], "top_p": [0.5, true], "max_output_tokens": [9000, true],
        "safety": ["off", true], "encode": [{ "max_side": 4 }, true], "extra": [{ "x": 1 }, true],
        "output_format": ["webp", false], "output_quality": [Value::Null, false], "mark_ai": [false, false], "service_tier": ["flex", false],
        "upload": ["never", false], "on_unsupported": ["warn", false], "timeout": [60, false],
        "retry": [{ "max_attempts": 2 }, false], "headers": [{ "x-a": "b" }, false], "labels": [{ "a": "b" }, false],
        "attachments": [Value::Null, true],
    });
    let options = options.as_object().unwrap();
    let known: Vec<_> = GenerateOptions::table().fields.iter().map(|field| field.name).collect();
    assert!(
        known.iter().all(|name| options.contains_key(*name)),
        "{known:?}: is a new one part of the identity?"
    );
    let given = |name: &str| {
        let map = json!({ name: options[name][0] });
        let options = GenerateOptions::read(map.as_object().unwrap(), Case::Snake).unwrap();
        Item::new("boat").options(options.on_unsupported(nanobanana::options::OnUnsupported::Warn))
    };
    let named: Vec<&String> = options.keys().filter(|name| options[*name][0] != Value::Null).collect();
    let items = [vec![Item::new("boat")], named.iter().map(|name| given(name)).collect()].concat();
    let written = |ratio: &str, size: &str| {
        Item::new("boat").options(GenerateOptions::new().aspect_ratio(ratio).image_size(size))
    };
    let ways =
        keys(&client, vec![written("16:9", "2K"), written("16x9", " 2k"), written("16 / 9", "2K ")]).await;
    assert!(ways.iter().all(|key| *key == ways[0]), "{ways:?}");
    let keys = keys(&client, items).await;
    let mut seen = BTreeMap::new();
    for (name, key) in named.iter().zip(&keys[1..]) {
        if options[*name][1] == true {
            assert_ne!(*key, keys[0], "{name} makes another item");
            assert!(seen.insert(key, *name).is_none(), "{name}");
        } else {
            assert_eq!(*key, keys[0], "{name} makes no other item");
        }
    }
    drop(place);
}

#[tokio::test]
async fn an_item_is_known_by_the_contents_of_its_inputs() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new());
    let pixels = nanobanana::Pixels { width: 8, height: 8, channels: 3, data: (0..192).collect() };
    let image = Image::from_pixels(&pixels).unwrap();
    let path = image.save(place.at("boat.png")).unwrap();
    let bytes = image.bytes().unwrap().clone();
    let url = image.to_data_url().unwrap();
    let other = Image::from_pixels(&nanobanana::Pixels { data: vec![7; 192], ..pixels.clone() }).unwrap();
    let mask = |of: Input| Input::mask(of, EditOptions::new());
    let region = Region::px(0, 0, 4, 4);
    let half = Region::fraction(0.0, 0.0, 0.5, 0.5);
    let array = |channels: usize, sample| nanobanana::Array {
        shape: vec![8, 8, channels],
        sample,
        data: vec![9; 64 * channels].into(),
    };
    let with = |input: Input| Item::new("boat").images(input);
    let masked = |of: Input| Item::new("boat").images(&image).images(mask(of));
    let reference = |name: &str| Input::Reference(Box::new((&image).into()), Reference::new().name(name));
    let same =
        vec![with(path.as_path().into()), with(bytes.into()), with((&image).into()), with(Input::Named(url))];
    let different = vec![
        Item::new("boat"),
        Item::new("Boat"),
        Item::new(vec!["boat".to_owned(), String::new()]),
        with((&other).into()),
        Item::new(vec![Input::from(&image), "boat".into()]),
        Item::new("boat").images([&image, &other]),
        Item::new("boat").images([&other, &image]),
        with(pixels.into()),
        with(Input::Array(array(3, nanobanana::Sample::U8))),
        with(Input::Array(array(1, nanobanana::Sample::U8))),
        with(Input::Array(array(1, nanobanana::Sample::Bool))),
        with(reference("Mia")),
        with(reference("Tom")),
        masked(region.clone().into()),
        masked(half.into()),
        Item::new("boat").images(&image).images(Input::mask(region, EditOptions::new().mask_feather(3u32))),
    ];
    let count = same.len();
    let keys = keys(&client, [same, different].concat()).await;
    assert!(keys[..count].iter().all(|key| *key == keys[0]), "{keys:?}");
    let mut seen: Vec<_> = keys[count - 1..].to_vec();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), keys.len() - count + 1, "{keys:?}");
}

#[tokio::test]
async fn the_line_that_an_item_is_sent_stands_before_its_request_leaves() {
    let (emulator, place) = (emulator(), Place::new());
    script(&emulator, &[json!({ "hang": true })]);
    let client = client(&emulator, ClientOptions::new());
    let run = client.generate_many(GenerateOptions::new(), place.many()).unwrap();
    run.give(Item::new("a").id("one"));
    while emulator.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(place.lines().iter().any(|line| line.starts_with("{\"sent\":\"one\"")));
    run.closed().await;
}

#[tokio::test]
async fn a_cache_tells_services_versions_and_models_apart_and_nothing_else() {
    let (one, other, place) = (emulator(), emulator(), Place::new());
    let cache = place.at("cache").to_str().unwrap().to_owned();
    let with = |emulator: &Emulator, options: ClientOptions| client(emulator, options.cache(cache.clone()));
    let plain = GenerateOptions::new;
    let drawn = async |client: &Client, options: GenerateOptions| {
        client.generate("boat", options).await.unwrap().cached
    };
    assert!(!drawn(&with(&one, ClientOptions::new()), plain()).await);
    assert!(drawn(&with(&one, ClientOptions::new()), plain()).await);
    assert!(!drawn(&with(&other, ClientOptions::new()), plain()).await, "another address");
    assert!(!drawn(&with(&one, ClientOptions::new().api_version("v1")), plain()).await, "another version");
    assert!(
        !drawn(&with(&one, ClientOptions::new()), plain().model("nano-banana-pro")).await,
        "another model"
    );
    assert!(!drawn(&with(&one, ClientOptions::new()), plain().aspect_ratio("16:9")).await, "another option");
    let before = one.requests().len();
    let how = plain()
        .timeout(60.0)
        .retry(Retry::new().max_attempts(2u32))
        .upload(nanobanana::options::Upload::Never);
    assert!(drawn(&with(&one, ClientOptions::new().api_key("other")), how).await);
    assert!(drawn(&with(&one, ClientOptions::new().model("nano-banana-pro")), plain()).await);
    assert_eq!(one.requests().len(), before);
    // Another default model is another picture; that one of the former default is there is said.
    let later = with(&one, ClientOptions::new().catalogue(other_default(&place)));
    assert!(drawn(&later, plain()).await, "it was drawn by that model before");
    let later = later.generate("a ship", plain()).await.unwrap();
    assert!(!later.cached && later.warnings.is_empty(), "{later:?}");
    let now = with(&one, ClientOptions::new()).generate("a ship", plain()).await.unwrap();
    assert!(!now.cached && now.warnings.join("; ").contains("was the default model then"), "{now:?}");
}

#[tokio::test]
async fn a_conversation_in_the_cache_goes_by_what_was_said_before() {
    let (emulator, place) = (emulator(), Place::new());
    let client = client(&emulator, ClientOptions::new().cache(place.at("cache").to_str().unwrap()));
    let mut answers = Vec::new();
    for first in ["a boat", "a ship", "a boat"] {
        let chat = client.chat(GenerateOptions::new()).unwrap();
        chat.send(first, GenerateOptions::new()).await.unwrap();
        answers.push(chat.send("in blue", GenerateOptions::new()).await.unwrap().cached);
    }
    assert_eq!((answers, emulator.requests().len()), (vec![false, false, true], 4));
}
