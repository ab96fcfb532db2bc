#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::{Map, json};

use super::*;
use crate::schema::Case;

fn refused(name: &str, case: Case) -> Error {
    let map = Map::from_iter([(name.to_owned(), json!("x"))]);
    GenerateOptions::read(&map, case).unwrap_err()
}

fn hint(error: &Error) -> Option<String> {
    error.field("hint").and_then(|hint| hint.as_str().map(str::to_owned))
}

#[test]
fn the_nearest_name_is_a_typing_error_away_or_there_is_none() {
    let names = ["aspect_ratio", "image_size", "seed", "model", "search", "system", "top_p", "output_format"];
    let cases = [
        ("aspect_rato", Some("aspect_ratio")),
        ("aspectration", Some("aspect_ratio")),
        ("aspcet_ratio", Some("aspect_ratio")),
        ("ASPECT-RATIO", Some("aspect_ratio")),
        ("imagesize", Some("image_size")),
        ("sede", Some("seed")),
        ("modle", Some("model")),
        ("serach", Some("search")),
        ("topp", Some("top_p")),
        ("out_format", None),
        ("size", None),
        ("image", None),
        ("ratio", None),
        ("image_size_in_pixels", None),
        ("research_mode", None),
        ("x", None),
        ("", None),
        ("ssed", Some("seed")),
        ("sxxd", None),
    ];
    for (word, wanted) in cases {
        assert_eq!(nearest(word, names.into_iter()), wanted, "{word}");
    }
}

#[test]
fn a_name_in_another_spelling_is_answered_with_ours() {
    let error = refused("aspectRatio", Case::Snake);
    assert_eq!(error.message(), "option `aspectRatio` is written `aspect_ratio` here");
    let error = refused("aspect_ratio", Case::Camel);
    assert_eq!(
        error.words().render(Case::Camel),
        "option `aspect_ratio` is written `aspectRatio` in JavaScript"
    );
    assert_eq!(error.to_json(Case::Camel)["hint"], "aspectRatio");
    assert_eq!(error.to_json(Case::Camel)["option"], "aspect_ratio");
    let nested =
        GenerateOptions::read(json!({ "retry": { "max_attempts": 1 } }).as_object().unwrap(), Case::Camel);
    assert_eq!(
        nested.unwrap_err().words().render(Case::Camel),
        "option `retry.max_attempts` is written `retry.maxAttempts` in JavaScript"
    );
}

#[test]
fn a_name_of_another_table_says_where_it_belongs() {
    let error = refused("budget", Case::Camel);
    assert_eq!(error.message(), "option `budget` belongs to the client, where it is `budget`");
    let map = json!({ "aspect_ratio": "1:1" });
    let error = ClientOptions::read(map.as_object().unwrap(), Case::Snake).unwrap_err();
    assert_eq!(error.message(), "option `aspect_ratio` belongs to each call, where it is `aspect_ratio`");
    let error = refused("maxWait", Case::Camel);
    assert_eq!(error.words().render(Case::Camel), "option `maxWait` is a part of an option: `retry.maxWait`");
}

#[test]
fn every_remedy_names_options_that_exist() {
    let tables: [&[&str]; 10] = [
        GenerateOptions::NAMES,
        EditOptions::NAMES,
        ManyOptions::NAMES,
        ClientOptions::NAMES,
        Retry::NAMES,
        Timeout::NAMES,
        Encode::NAMES,
        Budget::NAMES,
        Cache::NAMES,
        &["raw", "bytes", "generate_stream()", "generate_many()", "edit()", "chat()", "@cancel", "@offline"],
    ];
    let exists = |name: &str| tables.iter().any(|table| table.contains(&name));
    for (names, scope, remedy) in FOREIGN {
        let named: Vec<&str> = match remedy {
            Remedy::Called(name) => vec![*name],
            Remedy::Do(template) => {
                template.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect()
            }
        };
        for name in named.into_iter().flat_map(|name| name.split(['.', '=']).filter(|part| !part.is_empty()))
        {
            assert!(exists(name) || name.chars().all(|letter| letter.is_ascii_digit()), "{names:?}: {name}");
        }
        // A row that one of our own names hides is never read.
        let own: &[&str] = match scope {
            Scope::Call => GenerateOptions::NAMES,
            Scope::Client => ClientOptions::NAMES,
            Scope::Both => &[],
            Scope::Retry => Retry::NAMES,
            Scope::Timeout => Timeout::NAMES,
        };
        for name in *names {
            assert!(!own.contains(name), "{name} is one of our own");
        }
    }
}

#[test]
fn a_remedy_is_in_the_words_of_the_caller_and_the_value_is_not_in_it() {
    let told = |name: &str, case: Case| refused(name, case).words().render(case).into_owned();
    assert_eq!(
        told("response_modalities", Case::Snake),
        "option `response_modalities` is called `modalities` here"
    );
    assert_eq!(
        told("imageConfig", Case::Camel),
        "option `imageConfig` does not exist: give `aspectRatio` and `imageSize` as options of the call"
    );
    assert_eq!(
        told("max_retries", Case::Snake),
        "option `max_retries` does not exist: give `retry=Retry(max_attempts=3)`, which counts calls and not retries: \
         the first call is one of the 3"
    );
    assert!(told("maxRetries", Case::Camel).contains("`retry: { maxAttempts: 3 }`"));
    assert!(told("abortSignal", Case::Camel).contains("`signal`"));
    assert!(told("abort_signal", Case::Snake).contains("cancel the task"));
    assert_eq!(hint(&refused("system_instruction", Case::Snake)).as_deref(), Some("system"));
    assert_eq!(told("api_base", Case::Snake), "option `api_base` is called `base_url` of the client here");
    assert_eq!(hint(&refused("zzzzzz", Case::Snake)), None);
}
