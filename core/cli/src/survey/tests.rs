//! Each probe against the emulator: it finds which reading that follows.

use super::*;
use nanobanana::Emulator;
use nanobanana::options::{ClientOptions, EmulatorOptions, Reading};

/// The findings of a run at an emulator that follows these readings.
async fn found(readings: &[Reading], of: &[Reading]) -> Run {
    let options = EmulatorOptions::new().readings(readings.to_vec());
    let emulator = Emulator::start_with(options).unwrap();
    let client = ClientOptions::new().api_key("test-key-0123456789").base_url(emulator.url());
    let client = Client::new(client).unwrap();
    let plan = Plan::new(of.iter().copied().collect(), Catalogue::builtin());
    let most = plan.most();
    let mut run = Run::begin(client, plan, most, Duration::from_secs(60)).await.unwrap();
    while run.next().await.is_some() {}
    let asked = emulator.requests().len();
    // The list of models comes first.
    assert_eq!(asked, run.plan.requests() + 1, "every question is sent once");
    run
}

fn row(run: &Run, reading: Reading) -> &Row {
    run.plan.rows.iter().find(|row| row.probe.reading == reading).unwrap()
}

/// Why a reading cannot be asked about.
fn reason(reading: Reading) -> Option<&'static str> {
    match table::probe(reading).way {
        Way::Not(why) => Some(why),
        Way::Ask(..) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_names_the_side_that_the_service_follows() {
    let usual = found(&[], Reading::ALL).await;
    assert_eq!(usual.plan.rows.len(), Reading::ALL.len());
    for reading in Reading::ALL.iter().copied() {
        let wanted = if reason(reading).is_some() { Side::Undecided } else { Side::Usual };
        let row = row(&usual, reading);
        assert_eq!(row.side, wanted, "{}: {} {:?}", row.name(), row.why, row.answers);
    }
    assert!(usual.spent > 0.2 && usual.spent < usual.plan.most(), "{}", usual.spent);
    assert!(!usual.is_unsure);
    for reading in Reading::ALL.iter().copied().filter(|reading| reason(*reading).is_none()) {
        let other = found(&[reading], &[reading]).await;
        let row = row(&other, reading);
        assert_eq!(row.side, Side::Other, "{}: {} {:?}", row.name(), row.why, row.answers);
    }
}

#[test]
fn every_reading_has_a_probe_or_a_reason() {
    let reasons: Vec<_> = Reading::ALL.iter().filter(|reading| reason(**reading).is_some()).collect();
    assert_eq!(reasons, [&Reading::SignaturesOnVertex], "those that need another service");
    let mut usual: Vec<&str> = Reading::ALL.iter().map(|reading| table::probe(*reading).usual).collect();
    usual.sort_unstable();
    usual.dedup();
    assert_eq!(usual.len(), Reading::ALL.len(), "each says what holds otherwise");
    for reading in Reading::ALL.iter().copied() {
        let probe = table::probe(reading);
        assert!(probe.reading == reading && probe.usual.ends_with('.'), "{}", probe.usual);
        match probe.way {
            Way::Ask(questions, _) => assert!((1..=2).contains(&questions.len())),
            Way::Not(why) => assert!(why.len() > 20),
        }
    }
}

#[test]
fn free_questions_come_first_and_a_shared_one_is_paid_once() {
    let plan = Plan::new(Reading::ALL.iter().copied().collect(), Catalogue::builtin());
    let ranks: Vec<u8> = plan.rows.iter().map(Row::rank).collect();
    assert!(ranks.is_sorted() && ranks.contains(&0) && ranks.contains(&2), "{ranks:?}");
    assert!(plan.rows.iter().filter(|row| row.rank() == 0).all(|row| row.most == 0.0));
    let of =
        |readings: &[Reading]| Plan::new(readings.iter().copied().collect(), Catalogue::builtin()).most();
    let (pixels, drafts) = (of(&[Reading::Low21By9]), of(&[Reading::InterimCounts]));
    assert!(pixels > 0.0 && (of(&[Reading::Low21By9, Reading::InterimCounts]) - pixels).abs() < 1e-9);
    assert!((pixels - drafts).abs() < 1e-9);
    assert_eq!(plan.requests(), plan.rows.iter().map(|row| row.questions().len()).sum::<usize>() - 1);
    assert!(plan.most() < 3.0, "{}", plan.most());
}

/// A run at an emulator with a script of answers.
async fn scripted(steps: &[Value], of: &[Reading], most: f64) -> (Run, usize) {
    let emulator = Emulator::start(0).unwrap();
    let client = ClientOptions::new().api_key("test-key-0123456789").base_url(emulator.url());
    let client = Client::new(client).unwrap();
    let plan = Plan::new(of.iter().copied().collect(), Catalogue::builtin());
    let mut run = Run::begin(client, plan, most, Duration::from_secs(2)).await.unwrap();
    emulator.script(steps).unwrap();
    while run.next().await.is_some() {}
    (run, emulator.requests().len() - 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_decides_nothing_is_undecided_and_is_not_asked_again() {
    use serde_json::json;
    let reading = Reading::SamplingRefused;
    let error = |status: u16, message: &str| json!({ "status": status, "error": { "message": message } });
    for (step, why) in [
        (error(400, "The project is not ready."), "does not name the field"),
        (error(404, "no such model"), "does not have the model"),
        (error(429, "Quota exceeded for projects/my-project-7 of me@example.com"), "quota"),
        (error(503, "overloaded"), "failed"),
        (error(403, "forbidden"), "may not ask"),
        (json!({ "hang": true }), "no answer"),
    ] {
        let (run, asked) = scripted(&[step], &[reading], 5.0).await;
        let row = row(&run, reading);
        assert_eq!((row.side, asked), (Side::Undecided, 1), "{why}");
        assert!(row.why.contains(why), "{}: {why}", row.why);
        assert_eq!(run.is_unsure, why == "no answer", "only a lost answer may have been billed");
        let report = format!("{}{}", run.markdown(), run.json());
        assert!(!report.contains("my-project-7") && !report.contains("example.com"), "{report}");
    }
    // Words about the field are a refusal.
    let (run, _) = scripted(&[error(400, "Unsupported parameter: top_p")], &[reading], 5.0).await;
    assert_eq!(row(&run, reading).side, Side::Other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_is_used_ends_the_paid_questions() {
    use serde_json::json;
    // The service reports far more tokens than were expected.
    let dear = json!({ "json": {
        "candidates": [{ "content": { "parts": [] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 1, "candidatesTokenCount": 100_000, "candidatesTokensDetails": [
            { "modality": "IMAGE", "tokenCount": 100_000 }
        ] },
    }, "times": 9 });
    let readings = [Reading::SamplingRefused, Reading::NewTakes512, Reading::MissingFile404];
    let plan = Plan::new(readings.iter().copied().collect(), Catalogue::builtin());
    // The free one takes the first answer, and has no use for it.
    let (run, asked) = scripted(&[dear], &readings, plan.most()).await;
    assert!(run.spent > plan.most());
    let not_asked = run.plan.rows.iter().filter(|row| row.side == Side::NotAsked).count();
    assert_eq!((asked, not_asked), (2, 1));
    assert!(run.markdown().contains("the budget has no room for it"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_gone_is_not_asked_on_and_on() {
    let readings = [
        Reading::SamplingRefused,
        Reading::NewTakes512,
        Reading::NewTakes9By21,
        Reading::NewTakesAuto,
        Reading::LiteTakesSizes,
    ];
    let (run, asked) = scripted(&[serde_json::json!({ "cut": "headers", "times": 9 })], &readings, 5.0).await;
    let not_asked = run.plan.rows.iter().filter(|row| row.side == Side::NotAsked).count();
    assert_eq!((asked, not_asked, run.code()), (3, 2, 6));
    assert!(run.is_unsure && run.spent > 0.1, "what was sent may have been billed: {}", run.spent);
}
