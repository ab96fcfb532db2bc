//! What is estimated, against what the emulator bills, and what is counted in the end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use nanobanana::options::{Modalities, Retry, Thinking};
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions, Input, Kind};
use serde_json::{Value, json};

/// The emulator thinks and says about as much as live models are seen to.
#[tokio::test]
async fn what_the_emulator_bills_lies_within_the_estimate() {
    let client = Client::offline(ClientOptions::new()).unwrap();
    let mut calls = 0;
    for model in client.models() {
        let levels = [Thinking::Minimal, Thinking::Low, Thinking::Medium, Thinking::High];
        let levels =
            levels.into_iter().filter(|level| model.thinking.iter().any(|known| known == level.as_str()));
        for level in levels.map(Some).chain([None]) {
            for modalities in [Modalities::Image, Modalities::TextImage] {
                let mut options = GenerateOptions::new().model(model.id.as_str()).modalities(modalities);
                options.thinking = level;
                let picture =
                    Input::Path(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/media/dot.png").into());
                let prompt =
                    vec![Input::from("A banana-shaped sailboat at dusk, seen from the pier"), picture];
                let estimate = client.estimate(prompt.clone(), options.clone()).unwrap();
                let result = client.generate(prompt, options).await.unwrap();
                let (low, cost, high) = (estimate.low.unwrap(), result.cost.unwrap(), estimate.high.unwrap());
                assert!(
                    (low..=high).contains(&cost),
                    "{} {level:?}: {cost} is not in {low} to {high}",
                    model.id
                );
                // Near enough to hold a budget against it.
                let far = (cost / estimate.typical.unwrap() - 1.0).abs();
                assert!(far < 0.1, "{} {level:?}: {cost}, expected {:?}", model.id, estimate.typical);
                assert_eq!(estimate.image_tokens, Some(result.usage.image_tokens), "{}", model.id);
                let input = result.usage.input_tokens.abs_diff(estimate.input_tokens.unwrap());
                assert!(input < 20, "{}: {:?}, expected {:?}", model.id, result.usage, estimate.input_tokens);
                calls += 1;
            }
        }
    }
    assert!(calls > 20, "{calls}");
}

#[tokio::test]
async fn what_ends_before_it_is_sent_costs_nothing() {
    // It takes connections, and never shakes hands.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let options = ClientOptions::new().base_url(url).api_key("test-key-0123").budget(1.0);
    let client = Client::new(options.retry(Retry::from(false)).timeout(1.0)).unwrap();
    let error = client.generate("a banana", GenerateOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.field("billed")), (Kind::APITimeoutError, Some("no".into())), "{error}");
    let given_up = client.generate("a banana", GenerateOptions::new());
    assert!(tokio::time::timeout(Duration::from_millis(300), given_up).await.is_err());
    let spent = client.spent();
    assert_eq!((spent.unknown, spent.remaining_usd), (0, Some(1.0)), "{spent:?}");
}

#[tokio::test]
async fn an_answer_in_pieces_comes_back_from_the_cache_as_it_was() {
    let emulator = Emulator::start(0).unwrap();
    let piece = |part: Value, reason: &str| {
        json!({ "json": {
            "candidates": [{ "content": { "parts": [part] }, "finishReason": reason, "continuationToken": "go-on" }],
            "usageMetadata": {
                "promptTokenCount": 100,
                "candidatesTokenCount": 1120,
                "totalTokenCount": 1220,
                "candidatesTokensDetails": [{ "modality": "IMAGE", "tokenCount": 1120 }],
            },
        } })
    };
    let picture = json!({ "inlineData": { "mimeType": "image/png", "data": { "$image": "png 8x8" } } });
    emulator.script(&[piece(json!({ "text": "A bo" }), "CONTINUATION"), piece(picture, "STOP")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = ClientOptions::new().base_url(emulator.url()).api_key("test-key-0123");
    let client = Client::new(options.cache(folder.path().to_str().unwrap())).unwrap();
    let first = client.generate("a boat", GenerateOptions::new()).await.unwrap();
    let again = client.generate("a boat", GenerateOptions::new()).await.unwrap();
    assert_eq!((emulator.requests().len(), first.usage.total_tokens), (2, 2440));
    assert_eq!((first.cached, again.cached, again.cost), (false, true, Some(0.0)));
    assert_eq!((again.usage.total_tokens, again.text, again.warnings), (2440, first.text, first.warnings));
}
