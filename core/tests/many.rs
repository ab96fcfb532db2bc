//! Many calls at once, against the emulator: what comes out when, what is on disk, and what a second
//! run pays for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nanobanana::{
    Budget, Case, Client, ClientOptions, Door, Emulator, Error, GenerateOptions, Image, Item, Kind, Many,
    ManyOptions, Outcome, Retry, Step,
};
use serde_json::{Map, Value, json};

const KEY: &str = "canary-key-0123456789";

/// An emulator that answers at once, with a small picture.
fn emulator() -> Emulator {
    let emulator = Emulator::start(0).unwrap();
    quick(&emulator, &[]);
    emulator
}

/// A test that waits longer than this has failed.
const LONG: Duration = Duration::from_secs(30);

/// Waits until something holds.
async fn come_true(holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < LONG, "it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// First these steps, then quick answers.
fn quick(emulator: &Emulator, first: &[Value]) {
    let steps = first.iter().cloned().chain(vec![json!({ "image": "png 8x8" }); 2000]);
    emulator.script(&steps.collect::<Vec<_>>()).unwrap();
}

fn client(emulator: &Emulator) -> Client {
    let options = ClientOptions::new().base_url(emulator.url()).api_key(KEY).retry(Retry::from(false));
    Client::new(options).unwrap()
}

fn run(emulator: &Emulator, many: ManyOptions) -> Many {
    client(emulator).generate_many(GenerateOptions::new(), many).unwrap()
}

/// All outcomes, and the error that ended the run.
async fn all(run: &Many, items: Vec<Item>) -> (Vec<Outcome>, Option<Error>) {
    let (mut items, mut outcomes) = (items.into_iter(), Vec::new());
    loop {
        match run.next(&mut items).await {
            Ok(Some(outcome)) => outcomes.push(outcome),
            Ok(None) => return (outcomes, None),
            Err(error) => return (outcomes, Some(error)),
        }
    }
}

/// A run that ends well, its outcomes in the order of its items.
async fn done(emulator: &Emulator, many: &ManyOptions, items: Vec<Item>) -> Vec<Outcome> {
    let (mut outcomes, error) = all(&run(emulator, many.clone()), items).await;
    assert!(error.is_none(), "{error:?}");
    outcomes.sort_by_key(|outcome| outcome.index);
    outcomes
}

fn items<const N: usize>(prompts: [&str; N]) -> Vec<Item> {
    prompts.map(Item::new).into()
}

fn indexes(outcomes: &[Outcome]) -> Vec<u64> {
    outcomes.iter().map(|outcome| outcome.index).collect()
}

fn warnings(outcome: &Outcome) -> String {
    outcome.result.as_ref().unwrap().warnings.join("; ")
}

fn prompt_of(request: &Value) -> String {
    request["json"]["contents"][0]["parts"][0]["text"].as_str().unwrap_or_default().to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn lines(journal: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Takes the lines of this name out of a journal, as if the run had been killed before them.
fn forget(journal: &Path, name: &str) {
    let kept: Vec<_> = lines(journal).into_iter().filter(|line| line.get(name).is_none()).collect();
    std::fs::write(journal, kept.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("run.jsonl")
    }

    fn saving(&self) -> ManyOptions {
        ManyOptions::new().save_to(self.out().to_str().unwrap())
    }

    fn journalled(&self) -> ManyOptions {
        self.saving().journal(self.journal().to_str().unwrap())
    }
}

#[tokio::test]
async fn outcomes_come_as_they_finish_or_in_the_items_order() {
    let emulator = emulator();
    let fine = |outcome: &Outcome| outcome.ok && outcome.result.is_some() && !outcome.cached;
    quick(&emulator, &[json!({ "match": { "prompt": "slow" }, "image": "png 8x8", "delay": 1.0 })]);
    let many = ManyOptions::new().ordered(true).concurrency(2u32);
    let (outcomes, error) = all(&run(&emulator, many), items(["slow", "b", "c"])).await;
    assert!(error.is_none() && outcomes.iter().all(fine), "{error:?}");
    assert_eq!(indexes(&outcomes), [0, 1, 2]);
    // The first one never ends: the others do not wait for it.
    quick(&emulator, &[json!({ "match": { "prompt": "slow" }, "hang": true })]);
    let run = run(&emulator, ManyOptions::new().concurrency(2u32));
    let mut given = items(["slow", "b", "c"]).into_iter();
    for wanted in [1, 2] {
        let outcome = run.next(&mut given).await.unwrap().unwrap();
        assert!(fine(&outcome) && outcome.index == wanted, "{outcome:?}");
    }
}

#[tokio::test]
async fn items_are_taken_as_there_is_room_and_a_slow_reader_does_not_stop_the_work() {
    let emulator = emulator();
    for ordered in [false, true] {
        quick(&emulator, &[]);
        let run = run(&emulator, ManyOptions::new().concurrency(3u32).ordered(ordered));
        let taken = AtomicUsize::new(0);
        let mut endless = std::iter::repeat_with(|| {
            taken.fetch_add(1, Ordering::SeqCst);
            Item::new("a boat")
        });
        let before = emulator.requests().len();
        for read in 1..=10 {
            run.next(&mut endless).await.unwrap().unwrap();
            let ahead = taken.load(Ordering::SeqCst) - read;
            assert!(ahead < 6, "{ahead} items are read ahead");
        }
        // All that was taken is done, though nobody reads on.
        let all = taken.load(Ordering::SeqCst) as u64;
        come_true(async || (run.progress().waiting, run.progress().done) == (0, all)).await;
        assert_eq!(emulator.requests().len() - before, taken.load(Ordering::SeqCst));
        assert!(taken.load(Ordering::SeqCst) > 10);
    }
}

#[tokio::test]
async fn no_more_outcomes_are_held_than_there_is_room_for() {
    let emulator = emulator();
    let run = run(&emulator, ManyOptions::new().concurrency(2u32));
    let mut given = 0;
    while let Step::NeedItem = run.step(true).await.unwrap() {
        run.give(Item::new("a boat"));
        given += 1;
        assert!(given <= 4, "{given} items without an outcome that was read");
        // Each is done before the next one is given.
        come_true(async || run.progress().done == given).await;
    }
    assert_eq!(given, 4);
}

#[test]
fn items_can_be_given_from_outside_of_the_runtime() {
    let emulator = emulator();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let begun = runtime.block_on(async { run(&emulator, ManyOptions::new()) });
    begun.give(Item::new("a boat"));
    begun.end();
    let step = runtime.block_on(begun.step(true)).unwrap();
    assert!(matches!(step, Step::Outcome(outcome) if outcome.ok));
    // Where there is no runtime at all, nothing hangs and nothing is lost in silence.
    let begun = run(&emulator, ManyOptions::new());
    begun.give(Item::new("a boat"));
    let error = runtime.block_on(begun.step(true)).unwrap_err();
    assert_eq!((error.kind(), emulator.requests().len()), (Kind::ConfigError, 1));
}

#[tokio::test]
async fn items_can_be_fed_beside_waiting_for_outcomes() {
    let emulator = emulator();
    let run = run(&emulator, ManyOptions::new().concurrency(2u32));
    let feeder = run.clone();
    let feeding = async move {
        for number in 0..20 {
            assert!(feeder.room().await.unwrap());
            feeder.give(Item::new(format!("boat {number}")));
        }
        feeder.end();
        assert!(!feeder.room().await.unwrap());
    };
    let reading = async {
        let mut read = 0;
        while let Step::Outcome(outcome) = run.step(false).await.unwrap() {
            assert!(outcome.ok);
            read += 1;
        }
        read
    };
    let ((), read) = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(feeding, reading) })
        .await
        .expect("the run stands still");
    assert_eq!(read, 20);
}

#[tokio::test]
async fn a_failure_is_an_outcome() {
    let emulator = emulator();
    quick(&emulator, &[json!({ "match": { "prompt": "bad" }, "status": 400, "error": { "message": "no" } })]);
    let mut given = items(["a", "bad", ""]);
    given.push(Item::new("d").options(GenerateOptions::new().n(0u32)).id("nought"));
    given.push(Item::new("e").images(Path::new("no-such.png")));
    let outcomes = done(&emulator, &ManyOptions::new(), given).await;
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.error.as_ref().map(Error::kind)).collect();
    let invalid = Some(Kind::InvalidOptionError);
    assert_eq!(kinds, [None, Some(Kind::BadRequestError), invalid, invalid, Some(Kind::ImageError)]);
    assert_eq!(outcomes[3].id.as_deref(), Some("nought"));
    assert!(outcomes.iter().all(|outcome| outcome.ok == outcome.error.is_none()));
    assert_eq!(emulator.requests().len(), 2);
}

#[tokio::test]
async fn what_would_fail_every_item_stops_the_run_after_those_under_way() {
    let emulator = emulator();
    // The refusal comes when all three are under way, and the other two are answered long after it.
    let refused =
        json!({ "match": { "prompt": "x" }, "status": 403, "error": { "message": "no" }, "delay": 2.0 });
    let slow = json!({ "image": "png 8x8", "delay": 6.0 });
    let stopped = async |ordered: bool| {
        let emulator = Emulator::start(0).unwrap();
        quick(&emulator, &[refused.clone(), slow.clone(), slow.clone()]);
        let run = run(&emulator, ManyOptions::new().concurrency(3u32).ordered(ordered));
        let (outcomes, error) = all(&run, items(["a", "x", "b", "c", "d"])).await;
        let mut seen = indexes(&outcomes);
        seen.sort_unstable();
        assert_eq!((seen, emulator.requests().len()), (vec![0, 2], 3));
        assert_eq!(error.map(|error| error.kind()), Some(Kind::PermissionDeniedError));
        assert!(matches!(run.step(true).await, Ok(Step::Done)), "the error is told once");
    };
    tokio::join!(stopped(false), stopped(true));
    let keyless = ClientOptions::new().base_url(emulator.url()).api_key("bad");
    quick(&emulator, &[json!({ "match": { "prompt": "y" } })]);
    let run = Client::new(keyless).unwrap();
    let run = run.generate_many(GenerateOptions::new(), ManyOptions::new().concurrency(1u32)).unwrap();
    let (outcomes, error) = all(&run, items(["y", "z"])).await;
    assert_eq!((outcomes.len(), error.map(|error| error.kind())), (0, Some(Kind::AuthenticationError)));
}

#[tokio::test]
async fn one_item_that_is_too_dear_does_not_end_the_run_and_a_budget_that_is_used_up_does() {
    let emulator = emulator();
    let limited = |budget: Budget| {
        let options = ClientOptions::new().base_url(emulator.url()).api_key(KEY).budget(budget);
        let many = ManyOptions::new().concurrency(1u32);
        let model = GenerateOptions::new().model("nano-banana-pro");
        Client::new(options).unwrap().generate_many(model, many).unwrap()
    };
    let given = || {
        let dear = Item::new("b").options(GenerateOptions::new().image_size("4K"));
        vec![Item::new("a"), dear, Item::new("c")]
    };
    let refused = |error: &Error| error.kind() == Kind::BudgetExceededError;
    for budget in [Budget::new().per_call(0.2), Budget::new().per_call(0.2).usd(5.0)] {
        let (outcomes, error) = all(&limited(budget), given()).await;
        assert!(error.is_none() && outcomes[1].error.as_ref().is_some_and(refused), "{error:?} {outcomes:?}");
        assert!(outcomes[0].ok && outcomes[2].ok);
    }
    let (outcomes, error) = all(&limited(Budget::new().usd(0.2)), given()).await;
    assert!(outcomes.len() == 1 && error.as_ref().is_some_and(refused), "{error:?} {outcomes:?}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_what_was_not_sent() {
    let (emulator, place) = (emulator(), Place::new());
    // A server that takes connections and says nothing: a picture that is being fetched for ever.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sky.png", silent.local_addr().unwrap());
    quick(&emulator, &[json!({ "status": 403, "error": { "message": "no" }, "delay": 0.2 })]);
    let options = ClientOptions::new().base_url(emulator.url()).api_key(KEY).allow_private_urls(true);
    let client = Client::new(options).unwrap();
    let run = client.generate_many(GenerateOptions::new(), place.journalled()).unwrap();
    let given = vec![Item::new("a"), Item::new("b").images(vec![nanobanana::Input::Named(url)])];
    let (outcomes, error) = tokio::time::timeout(LONG, all(&run, given)).await.unwrap();
    assert_eq!((outcomes.len(), error.map(|error| error.kind())), (0, Some(Kind::PermissionDeniedError)));
}

#[tokio::test]
async fn a_run_stops_after_so_many_errors() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&vec![json!({ "status": 400, "error": { "message": "odd" } }); 9]).unwrap();
    let run = run(&emulator, ManyOptions::new().concurrency(1u32).stop_after_errors(2u32));
    let (outcomes, error) = all(&run, items(["a", "b", "c", "d"])).await;
    assert_eq!((outcomes.len(), emulator.requests().len()), (2, 2));
    let error = error.unwrap();
    assert!(error.message().contains("2 items") && error.message().contains("odd"), "{error}");
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(cause.kind(), Kind::BadRequestError);
}

#[tokio::test]
async fn pictures_are_saved_over_nothing() {
    let (emulator, place) = (emulator(), Place::new());
    std::fs::create_dir(place.out()).unwrap();
    std::fs::write(place.out().join("00000.png"), "mine").unwrap();
    let two = GenerateOptions::new().n(2u32);
    let given = vec![
        Item::new("a"),
        Item::new("b").id("x/y"),
        Item::new("c").options(two.clone()).id("two"),
        Item::new("d").id("x/y"),
    ];
    let outcomes = done(&emulator, &place.saving().concurrency(1u32), given).await;
    let wanted = [
        "00000-2.json",
        "00000-2.png",
        "00000.png",
        "two-1.png",
        "two-2.png",
        "two.json",
        "x_y-2.json",
        "x_y-2.png",
        "x_y.json",
        "x_y.png",
    ];
    assert_eq!(files(&place.out()), wanted);
    assert_eq!(std::fs::read(place.out().join("00000.png")).unwrap(), b"mine");
    for outcome in &outcomes {
        let result = outcome.result.as_ref().unwrap();
        assert_eq!(result.images.len(), outcome.files.len());
        for (image, file) in result.images.iter().zip(&outcome.files) {
            assert_eq!(&Image::open(file).unwrap(), image);
        }
    }
    // Many at once find a name each, and none is lost.
    let same = (0..40).map(|_| Item::new("e").id("same")).collect();
    done(&emulator, &place.saving().concurrency(20u32), same).await;
    let count = |end: &str| {
        files(&place.out()).iter().filter(|name| name.starts_with("same") && name.ends_with(end)).count()
    };
    assert_eq!((count(".png"), count(".json"), count(".part")), (40, 40, 0));
}

#[tokio::test]
async fn a_note_says_how_a_picture_was_made_and_no_secret() {
    let (emulator, place) = (emulator(), Place::new());
    let picture = place.folder.path().join("sky.png");
    let pixels = nanobanana::Pixels { width: 4, height: 4, channels: 3, data: vec![7; 48] };
    Image::from_pixels(&pixels).unwrap().save(&picture).unwrap();
    let headers = BTreeMap::from([("x-secret".to_owned(), "canary-header".to_owned())]);
    let options = GenerateOptions::new().image_size("2k").headers(headers).model("nano-banana-pro");
    let item = Item::new("a boat").images(picture.as_path()).id("boat").options(options);
    let many = place.journalled();
    let outcomes = done(&emulator, &many, vec![item]).await;
    let note = std::fs::read_to_string(place.out().join("boat.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    assert_eq!(note["prompt"], json!(["a boat"]));
    assert_eq!(note["images"], json!([picture.to_str().unwrap()]));
    assert_eq!((&note["id"], &note["index"], &note["key"]), (&json!("boat"), &json!(0), &json!("boat")));
    assert_eq!(note["options"]["image_size"], "2K");
    assert_eq!(note["options"]["headers"], Value::Null);
    let result = outcomes[0].result.as_ref().unwrap();
    assert_eq!(note["cost"], json!(result.cost));
    assert_eq!(note["usage"]["total_tokens"], json!(result.usage.total_tokens));
    assert_eq!(note["response_id"], json!(result.response_id));
    let file = &note["files"][0];
    assert_eq!((&file["name"], &file["width"]), (&json!("boat.png"), &json!(8)));
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    humantime::parse_rfc3339(note["time"].as_str().unwrap()).unwrap();
    for file in [place.journal(), place.out().join("boat.json")] {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("canary"), "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_run_sends_only_what_is_missing() {
    let (emulator, place) = (emulator(), Place::new());
    quick(&emulator, &[json!({ "match": { "prompt": "c" }, "status": 400, "error": { "message": "no" } })]);
    let given = || {
        let mut given = items(["a", "b", "c"]);
        given.push(Item::new("d").id("named"));
        given.push(Item::new("e").options(GenerateOptions::new().n(2u32)));
        given
    };
    let journal = ManyOptions::new().journal(place.journal().to_str().unwrap());
    let first = done(&emulator, &journal, given()).await;
    assert_eq!(emulator.requests().len(), 6);
    let beside = place.folder.path().join("run.jsonl.d");
    assert!(first[0].files[0].starts_with(beside.to_str().unwrap()), "{:?}", first[0].files);
    let second = done(&emulator, &journal, given()).await;
    assert_eq!(emulator.requests().len(), 7);
    assert_eq!(prompt_of(&emulator.requests()[6]), "c");
    for (before, now) in first.iter().zip(&second).filter(|(before, _)| before.ok) {
        let (old, new) = (before.result.as_ref().unwrap(), now.result.as_ref().unwrap());
        assert!(now.ok && now.cached && new.cached && !before.cached);
        assert_eq!((new.cost, &new.images, &new.text), (Some(0.0), &old.images, &old.text));
        assert_eq!((new.usage.total_tokens, &new.response_id), (old.usage.total_tokens, &old.response_id));
        assert_eq!((&before.files, &before.key, &before.id), (&now.files, &now.key, &now.id));
    }
    let redone = &second[2];
    // The service said no: nothing was paid for, and there is nothing to warn of.
    assert!(redone.ok && !redone.cached && warnings(redone).is_empty(), "{redone:?}");
    // The journal and its folder can move.
    let moved = place.folder.path().join("elsewhere");
    std::fs::create_dir(&moved).unwrap();
    for name in ["run.jsonl", "run.jsonl.d"] {
        std::fs::rename(place.folder.path().join(name), moved.join(name)).unwrap();
    }
    let journal = ManyOptions::new().journal(moved.join("run.jsonl").to_str().unwrap());
    assert!(done(&emulator, &journal, given()).await.iter().all(|outcome| outcome.cached));
    assert_eq!(emulator.requests().len(), 7);
}

#[tokio::test]
async fn what_was_sent_and_not_done_is_found_or_told() {
    let (emulator, place) = (emulator(), Place::new());
    let many = place.journalled();
    done(&emulator, &many, items(["a", "b"])).await;
    forget(&place.journal(), "done");
    let adopted = done(&emulator, &many, items(["a", "b"])).await;
    assert!(adopted.iter().all(|outcome| outcome.cached && warnings(outcome).is_empty()));
    assert_eq!(emulator.requests().len(), 2);
    assert_eq!(lines(&place.journal()).iter().filter(|line| line.get("done").is_some()).count(), 2);
    // A picture that is not what was written is not taken for it.
    forget(&place.journal(), "done");
    let mut bytes = std::fs::read(&adopted[0].files[0]).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&adopted[0].files[0], bytes).unwrap();
    let strict = GenerateOptions::new().retry(Retry::new().resend_unknown(false));
    let given = || vec![Item::new("a").options(strict.clone()), Item::new("b")];
    let refused = done(&emulator, &many, given()).await;
    assert_eq!((refused[0].ok, refused[1].cached, emulator.requests().len()), (false, true, 2));
    let error = refused[0].error.as_ref().unwrap();
    assert_eq!(error.field("billed"), Some(json!("unknown")), "{error:?}");
    let again = done(&emulator, &many, items(["a", "b"])).await;
    assert_eq!(emulator.requests().len(), 3);
    assert!(!again[0].cached && warnings(&again[0]).contains("may have been paid for"), "{again:?}");
    assert!(done(&emulator, &many, items(["a", "b"])).await.iter().all(|outcome| outcome.cached));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_a_warning() {
    let (emulator, place) = (emulator(), Place::new());
    quick(&emulator, &[json!({ "image": "png 8x8", "cut": "headers" })]);
    let first = done(&emulator, &place.journalled(), items(["a"])).await;
    assert_eq!(first[0].error.as_ref().unwrap().kind(), Kind::APIConnectionError);
    let second = done(&emulator, &place.journalled(), items(["a"])).await;
    assert!(second[0].ok && warnings(&second[0]).contains("may have been paid for"), "{second:?}");
}

#[tokio::test]
async fn a_picture_that_is_gone_is_drawn_again() {
    let (emulator, place) = (emulator(), Place::new());
    let first = done(&emulator, &place.journalled(), items(["a", "b"])).await;
    std::fs::remove_file(&first[0].files[0]).unwrap();
    std::fs::remove_file(place.out().join("00001.json")).unwrap();
    let second = done(&emulator, &place.journalled(), items(["a", "b"])).await;
    for outcome in &second {
        assert!(!outcome.cached && warnings(outcome).contains("done again"), "{outcome:?}");
    }
    assert_eq!(emulator.requests().len(), 4);
}

#[tokio::test]
async fn pictures_that_were_moved_are_found_and_are_not_paid_for_again() {
    let (emulator, place) = (emulator(), Place::new());
    done(&emulator, &place.journalled(), items(["a", "b"])).await;
    let moved = place.folder.path().join("moved");
    std::fs::rename(place.out(), &moved).unwrap();
    let refused = client(&emulator).generate_many(GenerateOptions::new(), place.journalled()).unwrap_err();
    assert_eq!(refused.kind(), Kind::ConfigError);
    assert!(refused.message().contains("2 items") && refused.message().contains("`save_to`"), "{refused}");
    let many = place.journalled().save_to(moved.to_str().unwrap());
    assert!(done(&emulator, &many, items(["a", "b"])).await.iter().all(|outcome| outcome.cached));
    // Both with another name, and in another place.
    let home = place.folder.path().join("x/y");
    let journal = |name: &str| ManyOptions::new().journal(home.join(name).to_str().unwrap());
    done(&emulator, &journal("one.jsonl"), items(["a"])).await;
    for end in ["", ".d"] {
        let name = |name: &str| home.join(format!("{name}.jsonl{end}"));
        std::fs::rename(name("one"), name("two")).unwrap();
    }
    assert!(done(&emulator, &journal("two.jsonl"), items(["a"])).await[0].cached);
    assert_eq!(emulator.requests().len(), 3);
}

#[tokio::test]
async fn another_items_note_in_its_place_is_not_taken_for_its_own() {
    let (emulator, place) = (emulator(), Place::new());
    done(&emulator, &place.journalled(), items(["a"])).await;
    std::fs::remove_dir_all(place.out()).unwrap();
    let other = done(&emulator, &place.saving(), items(["b"])).await;
    assert!(other[0].files[0].ends_with("00000.png"));
    let again = done(&emulator, &place.journalled(), items(["a"])).await;
    assert!(!again[0].cached && warnings(&again[0]).contains("another item"), "{again:?}");
}

#[tokio::test]
async fn a_note_is_adopted_from_where_it_was_put_and_only_for_what_was_asked() {
    let (emulator, place) = (emulator(), Place::new());
    let named = |prompt: &str| vec![Item::new(prompt).id("1")];
    done(&emulator, &place.journalled(), named("a")).await;
    forget(&place.journal(), "done");
    let elsewhere = place.journalled().save_to(place.folder.path().join("new").to_str().unwrap());
    let adopted = done(&emulator, &elsewhere, named("a")).await;
    assert!(adopted[0].cached && adopted[0].files[0].ends_with("out/1.png"), "{adopted:?}");
    // Another journal's item has the same id, and its notes go to the same folder.
    let path = place.folder.path().join("other.jsonl");
    let other = place.saving().journal(path.to_str().unwrap());
    let first = done(&emulator, &other, named("b")).await;
    forget(&path, "done");
    std::fs::remove_file(&first[0].files[0]).unwrap();
    let again = done(&emulator, &other, named("b")).await;
    assert!(!again[0].cached && warnings(&again[0]).contains("may have been paid for"), "{again:?}");
    assert_eq!(emulator.requests().len(), 3);
}

#[tokio::test]
async fn a_note_whose_line_is_lost_needs_nothing_from_the_web_either() {
    let (emulator, place) = (emulator(), Place::new());
    let picture = Client::offline(ClientOptions::new()).unwrap();
    let picture = picture.generate("a sky", GenerateOptions::new()).await.unwrap();
    let bytes = picture.image().unwrap().bytes().unwrap().to_vec();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sky.png", listener.local_addr().unwrap());
    let web = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut line, _)) = listener.accept().await {
            let _ = line.read(&mut [0; 4096]).await;
            let head =
                format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _ = line.write_all(&[head.as_bytes(), &bytes].concat()).await;
        }
    });
    let options = ClientOptions::new().base_url(emulator.url()).api_key(KEY).allow_private_urls(true);
    let client = Client::new(options.retry(Retry::from(false))).unwrap();
    let given = || vec![Item::new("a").id("1").images(vec![nanobanana::Input::Named(url.clone())])];
    let outcome = async || {
        let run = client.generate_many(GenerateOptions::new(), place.journalled()).unwrap();
        all(&run, given()).await.0.remove(0)
    };
    let first = outcome().await;
    assert!(first.ok && !first.cached, "{first:?}");
    forget(&place.journal(), "done");
    web.abort();
    assert!(web.await.is_err());
    let again = outcome().await;
    assert!(again.ok && again.cached, "{again:?}");
    assert_eq!(emulator.requests().len(), 1);
}

#[tokio::test]
async fn what_runs_that_were_killed_left_unfinished_is_removed_in_time() {
    let (emulator, place) = (emulator(), Place::new());
    std::fs::create_dir(place.out()).unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(7200);
    for (name, time) in [(".new.1-00.part", Some(old)), (".new.2-00.part", None), ("mine.part", Some(old))] {
        let file = std::fs::File::create(place.out().join(name)).unwrap();
        time.into_iter().for_each(|time| file.set_modified(time).unwrap());
    }
    done(&emulator, &place.saving(), items(["a"])).await;
    assert_eq!(files(&place.out()), [".new.2-00.part", "00000.json", "00000.png", "mine.part"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_closed_has_written_what_had_come() {
    let (emulator, place) = (emulator(), Place::new());
    quick(&emulator, &vec![json!({ "image": "png 1024x1024" }); 8]);
    let run = run(&emulator, place.journalled());
    (0..8).for_each(|number| run.give(Item::new(format!("boat {number}"))));
    assert!(matches!(run.step(false).await, Ok(Step::Outcome(_))));
    run.close();
    run.closed().await;
    let (written, known) = (files(&place.out()), lines(&place.journal()).len());
    assert!(written.iter().all(|name| !name.ends_with(".part")), "{written:?}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((files(&place.out()), lines(&place.journal()).len()), (written, known));
}

#[tokio::test]
async fn a_torn_line_is_read_past() {
    let (emulator, place) = (emulator(), Place::new());
    done(&emulator, &place.journalled(), items(["a", "b"])).await;
    let mut text = std::fs::read_to_string(place.journal()).unwrap();
    text.push_str("{\"sent\":\"sha2");
    std::fs::write(place.journal(), text).unwrap();
    let second = done(&emulator, &place.journalled(), items(["a", "b", "c"])).await;
    assert_eq!(second.iter().map(|outcome| outcome.cached).collect::<Vec<_>>(), [true, true, false]);
    assert!(done(&emulator, &place.journalled(), items(["a", "b", "c"])).await[2].cached);
}

#[tokio::test]
async fn one_journal_is_for_one_run_at_a_time() {
    let (emulator, place) = (emulator(), Place::new());
    let first = run(&emulator, place.journalled());
    first.give(Item::new("a"));
    let refused = client(&emulator).generate_many(GenerateOptions::new(), place.journalled()).unwrap_err();
    assert_eq!(refused.kind(), Kind::ConfigError);
    assert!(refused.message().contains("another run"), "{refused}");
    first.closed().await;
    run(&emulator, place.journalled());
}

#[tokio::test]
async fn equal_prompts_are_several_items() {
    let (emulator, place) = (emulator(), Place::new());
    let first = done(&emulator, &place.journalled(), items(["a", "a", "a"])).await;
    assert_eq!(emulator.requests().len(), 3);
    assert!(first[1].key.ends_with("#2") && first[2].key == format!("{}#3", first[0].key), "{first:?}");
    let more = done(&emulator, &place.journalled(), items(["a", "a", "a", "a"])).await;
    assert_eq!(emulator.requests().len(), 4);
    for (before, now) in first.iter().zip(&more) {
        assert_eq!((&before.key, &before.files), (&now.key, &now.files));
    }
}

#[tokio::test]
async fn a_key_is_made_of_what_was_given_and_not_of_how_it_is_written() {
    let (emulator, place) = (emulator(), Place::new());
    let picture = place.folder.path().join("sky.png");
    let pixels = nanobanana::Pixels { width: 4, height: 4, channels: 3, data: vec![7; 48] };
    let image = Image::from_pixels(&pixels).unwrap();
    image.save(&picture).unwrap();
    let item = |options: GenerateOptions| Item::new("a").options(options);
    let pro = GenerateOptions::new().model("nano-banana-pro");
    let given = vec![
        item(pro.clone().image_size("2k")),
        item(GenerateOptions::new().model(" models/nano-banana-pro").image_size("2K").timeout(9.0)),
        item(pro.clone().image_size("4K")),
        item(pro.clone().image_size("2K").n(2u32)),
        item(pro.clone()).images(picture.as_path()),
        item(pro.clone()).images(&image),
        item(pro.clone()).images(image.bytes().unwrap().clone()),
    ];
    let outcomes = done(&emulator, &ManyOptions::new(), given).await;
    let keys: Vec<&str> = outcomes.iter().map(|outcome| outcome.key.as_str()).collect();
    assert_eq!((keys[0], keys[4], keys[5]), (keys[1], keys[5], keys[6]));
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), 4);
}

#[tokio::test]
async fn an_id_that_asks_for_something_else_is_given_what_it_has_with_a_warning() {
    let (emulator, place) = (emulator(), Place::new());
    let given = |prompt: &str| vec![Item::new(prompt).id("boat")];
    let first = done(&emulator, &place.journalled(), given("a boat")).await;
    let second = done(&emulator, &place.journalled(), given("a ship")).await;
    assert!(second[0].cached && warnings(&second[0]).contains("another prompt"), "{second:?}");
    assert_eq!((&first[0].files, emulator.requests().len()), (&second[0].files, 1));
    assert!(warnings(&done(&emulator, &place.journalled(), given("a boat")).await[0]).is_empty());
}

#[tokio::test]
async fn a_disk_that_fails_stops_the_run_and_the_picture_is_handed_over() {
    let (emulator, place) = (emulator(), Place::new());
    // So slow that both are under way before either is answered.
    let slow = json!({ "image": "png 8x8", "delay": 4.0 });
    quick(&emulator, &[slow.clone(), slow]);
    let run = run(&emulator, place.journalled().concurrency(2u32));
    let breaking = async {
        come_true(async || emulator.requests().len() == 2).await;
        std::fs::remove_dir_all(place.out()).unwrap();
    };
    let (_, (outcomes, error)) = tokio::join!(breaking, all(&run, items(["a", "b", "c", "d"])));
    assert_eq!((outcomes.len(), emulator.requests().len()), (2, 2));
    for outcome in &outcomes {
        let result = outcome.result.as_ref().unwrap();
        assert_eq!((result.image().unwrap().width(), outcome.files.len()), (8, 1));
        // It is kept elsewhere, and said where.
        let file = &outcome.files[0];
        let warnings = warnings(outcome);
        assert!(warnings.contains(&format!("The picture is in {file}")), "{outcome:?}");
        assert!(!warnings.contains("not all pictures are on disk"), "{outcome:?}");
        assert!(std::fs::read(file).unwrap() == result.image().unwrap().bytes().unwrap()[..]);
        std::fs::remove_file(file).unwrap();
    }
    let error = error.unwrap();
    assert!(error.message().contains("cannot write"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_folder_that_takes_no_files_is_told_before_anything_is_sent() {
    let (emulator, place) = (emulator(), Place::new());
    std::fs::write(place.out(), "a file").unwrap();
    for many in [place.saving(), ManyOptions::new().journal(place.folder.path().to_str().unwrap())] {
        let error = client(&emulator).generate_many(GenerateOptions::new(), many).unwrap_err();
        assert_eq!(error.kind(), Kind::ConfigError, "{error:?}");
    }
    for many in [ManyOptions::new().concurrency(0u32), ManyOptions::new().stop_after_errors(0u32)] {
        let error = client(&emulator).generate_many(GenerateOptions::new(), many).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidOptionError, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_closed_or_dropped_leaves_nothing_running() {
    for dropped in [false, true] {
        let emulator = Emulator::start(0).unwrap();
        emulator.script(&vec![json!({ "hang": true }); 4]).unwrap();
        let run = run(&emulator, ManyOptions::new().concurrency(4u32));
        items(["a", "b", "c", "d"]).into_iter().for_each(|item| run.give(item));
        come_true(async || emulator.active() == 4).await;
        if dropped {
            drop(run);
        } else {
            let waiting = run.clone();
            let waiting = tokio::spawn(async move { waiting.step(false).await });
            run.close();
            assert!(matches!(waiting.await.unwrap(), Ok(Step::Done)));
            assert!(!run.room().await.unwrap());
        }
        come_true(async || emulator.active() == 0).await;
    }
}

#[test]
fn an_item_whose_runtime_ends_is_a_failed_outcome_that_may_be_billed() {
    let emulator = Emulator::start(0).unwrap();
    emulator.script(&[json!({ "hang": true })]).unwrap();
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let of_the_item = runtime();
    let run = of_the_item.block_on(async { run(&emulator, ManyOptions::new()) });
    of_the_item.block_on(async { run.give(Item::new("a boat").id("boat")) });
    while emulator.active() < 1 {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(of_the_item);
    run.end();
    let (outcomes, error) = runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(20), all(&run, Vec::new())).await.expect("it waits for ever")
    });
    assert!(error.is_none(), "{error:?}");
    let [outcome] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!((outcome.index, outcome.id.as_deref(), outcome.ok), (0, Some("boat"), false));
    let error = outcome.error.as_ref().unwrap();
    assert!(error.message().contains("dropped before its end"), "{error}");
    assert_eq!(error.field("billed"), Some("unknown".into()));
}

#[tokio::test]
async fn the_door_has_the_run_with_its_verbs() {
    let emulator = emulator();
    let door = Door::Client(client(&emulator));
    let map = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    let call = async |door: &Door, verb: &str, prompt: &str, options: Value| {
        let prompt = if prompt.is_empty() { Vec::new() } else { vec![prompt.into()] };
        door.call(verb, prompt, Vec::new(), map(options), Case::Camel).await
    };
    let wrong = call(&door, "generate_many", "", json!({ "stopAfterError": 1 })).await.unwrap_err();
    let words = wrong.words().render(Case::Camel);
    assert!(words.contains("Did you mean `stopAfterErrors`"), "{words}");
    let options = json!({ "stopAfterErrors": 9, "imageSize": "1k", "total": 4, "ordered": true });
    let run = call(&door, "generate_many", "", options).await.unwrap().door.unwrap();
    let step = |want: bool| call(&run, "step", "", json!({ "wantItem": want }));
    assert_eq!(step(true).await.unwrap().json, json!({ "type": "need_item" }));
    call(&run, "give", "a boat", json!({ "id": "one", "options": { "aspectRatio": "16:9" } })).await.unwrap();
    call(&run, "give", "a boat", json!({ "options": { "aspectRatios": "16:9" } })).await.unwrap();
    let told = Error::new(Kind::ImageError, "no such thing").with_index(3).to_json(Case::Camel);
    call(&run, "refuse", "", json!({ "id": "three", "error": told })).await.unwrap();
    call(&run, "end", "", json!({})).await.unwrap();
    let first = step(true).await.unwrap();
    assert_eq!((first.pictures.len(), &first.json["outcome"]["id"]), (1, &json!("one")));
    assert_eq!(first.json["outcome"]["result"]["finishReason"], "STOP");
    let second = step(true).await.unwrap().json;
    assert_eq!(second["outcome"]["error"]["kind"], "InvalidOptionError");
    let third = step(true).await.unwrap().json;
    assert_eq!(third["outcome"]["error"]["index"], 3);
    assert_eq!((&third["progress"]["total"], &third["progress"]["failed"]), (&json!(4), &json!(2)));
    let progress = call(&run, "progress", "", json!({ "width": 60 })).await.unwrap().json;
    assert!(progress["line"].as_str().unwrap().contains("3/4, 2 failed"), "{progress}");
    assert_eq!(step(true).await.unwrap().json["type"], "done");
    call(&run, "close", "", json!({})).await.unwrap();
}

#[tokio::test]
async fn equal_items_are_several_in_a_cache_too() {
    let emulator = Emulator::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().display().to_string();
    let options = ClientOptions::new().base_url(emulator.url()).api_key("k").cache(cache);
    let client = Client::new(options).unwrap();
    let mut pictures = Vec::new();
    for _ in 0..2 {
        let run = client.generate_many(GenerateOptions::new(), ManyOptions::new().ordered(true)).unwrap();
        let (outcomes, error) = all(&run, items(["a", "a", "b"])).await;
        assert!(error.is_none());
        pictures.push(
            outcomes
                .iter()
                .map(|outcome| outcome.result.as_ref().unwrap().image().unwrap().bytes().unwrap().clone())
                .collect::<Vec<_>>(),
        );
    }
    // Each was drawn once, the equal ones too; the second run asked for nothing.
    assert_eq!(emulator.requests().len(), 3);
    assert!(pictures[0] == pictures[1] && pictures[0][0] != pictures[0][1]);
    // Which of them answers a call by itself is told by the first one.
    let alone = client.generate("a", GenerateOptions::new()).await.unwrap();
    assert!(alone.cached && alone.image().unwrap().bytes().unwrap() == &pictures[0][0]);
}

#[tokio::test]
async fn the_bar_is_full_at_the_end_also_of_items_that_nobody_had_counted() {
    let emulator = emulator();
    quick(&emulator, &[]);
    let run = run(&emulator, ManyOptions::new());
    assert_eq!(run.progress().total, None);
    let (outcomes, error) = all(&run, items(["a", "b", "c"])).await;
    assert!(error.is_none() && outcomes.len() == 3);
    let progress = run.progress();
    assert_eq!((progress.total, progress.waiting), (Some(3), 0));
    assert!(progress.html().contains("max=\"3\" value=\"3\""));
    assert!(!progress.line(80).contains('░'));
}
