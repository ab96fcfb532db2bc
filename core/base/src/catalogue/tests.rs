#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::options::GenerateOptions;

const MODELS: [&str; 5] =
    ["nano-banana-2.1", "nano-banana-pro", "nano-banana-2", "nano-banana-2-lite", "nano-banana"];

fn options(map: Value) -> GenerateOptions {
    GenerateOptions::read(map.as_object().unwrap(), Case::Snake).unwrap()
}

fn check(model: &str, map: Value, pictures: usize) -> Result<Checked, Error> {
    let catalogue = Catalogue::builtin();
    catalogue.check(&catalogue.resolve(model), &options(map), pictures)
}

type Change = fn(&mut Value);

/// The built-in file with one change.
fn changed(change: impl Fn(&mut Value)) -> Result<Catalogue, Error> {
    let mut file: Value = serde_json::from_str(BUILTIN).unwrap();
    change(&mut file);
    Catalogue::parse(&file.to_string(), "mine.json")
}

#[test]
fn the_built_in_file_is_whole() {
    let catalogue = Catalogue::parse(BUILTIN, "models.json").unwrap();
    // A new model is a change to the data alone, so more of them are no error here.
    for name in MODELS {
        assert_eq!(catalogue.find(name).map(|model| model.aliases[0].as_str()), Some(name));
    }
    assert_eq!(Catalogue::builtin().models.len(), catalogue.models.len());
    assert_eq!(catalogue.default, "nano-banana-2.1");
}

#[test]
fn every_cell_of_the_pixel_tables_is_of_its_ratio_and_size() {
    let mut cells = Vec::new();
    for model in &Catalogue::builtin().models {
        let mut count = 0;
        for size in &model.sizes {
            for ratio in &model.aspect_ratios {
                let (width, height) = model.pixels(ratio, size).unwrap();
                let (w, h) = ratio.split_once(':').unwrap();
                let wanted = w.parse::<f64>().unwrap() / h.parse::<f64>().unwrap();
                let got = f64::from(width) / f64::from(height);
                // The documentation's own figures are up to 3 % off.
                assert!((got / wanted - 1.0).abs() < 0.03, "{} {ratio} {size}: {width}x{height}", model.id);
                let edge = check::edge(size);
                let area = f64::from(width) * f64::from(height) / (edge * edge);
                assert!((0.95..1.2).contains(&area), "{} {ratio} {size}: {area}", model.id);
                // Larger sizes are whole multiples, and a ratio turned is the picture turned.
                let base = model.pixels(ratio, "1K").unwrap();
                let times = edge / 1024.0;
                let scaled = (f64::from(base.0) * times, f64::from(base.1) * times);
                assert_eq!(scaled, (f64::from(width), f64::from(height)), "{} {ratio} {size}", model.id);
                if let Some(turned) = model.pixels(&format!("{h}:{w}"), size) {
                    assert_eq!(turned, (height, width), "{} {ratio} {size}", model.id);
                }
                count += 1;
            }
        }
        cells.push(count);
    }
    assert_eq!(cells.get(..5), Some(&[14 * 3, 10 * 3, 14 * 4, 14, 10][..]));
}

#[test]
fn pixels_are_those_of_the_documentation() {
    let table = [
        ("nano-banana-pro", "16:9", "2K", Some((2752, 1536))),
        ("nano-banana-2.1", "3:4", "4K", Some((3584, 4800))),
        ("nano-banana-2.1", "1:8", "4K", Some((1536, 12288))),
        ("nano-banana-2", "21:9", "512", Some((792, 336))),
        ("nano-banana-2-lite", "9:16", "1K", Some((768, 1376))),
        ("nano-banana", "9:16", "1K", Some((768, 1344))),
        // Disputed: if the server lets it through, this is what to expect.
        ("nano-banana-2.1", "1:1", "512", Some((512, 512))),
        ("nano-banana-pro", "1:1", "512", None),
        ("nano-banana-pro", "1:8", "2K", None),
        ("nano-banana", "1:1", "2K", None),
        ("nano-banana-2", "1:1", "1k", None),
    ];
    for (model, ratio, size, pixels) in table {
        let model = Catalogue::builtin().find(model).unwrap();
        assert_eq!(model.pixels(ratio, size), pixels, "{} {ratio} {size}", model.id);
    }
}

#[test]
fn names_resolve_to_what_is_sent() {
    let table = [
        ("nano-banana-2.1", "gemini-nano-banana-2.1", ""),
        ("gemini-nano-banana-2.1", "gemini-nano-banana-2.1", ""),
        ("models/gemini-3-pro-image", "gemini-3-pro-image", ""),
        (" Nano-Banana-Pro ", "gemini-3-pro-image", ""),
        ("gemini-3-pro-image-preview", "gemini-3-pro-image", "2026-06-25"),
        ("nano-banana-pro-preview", "gemini-3-pro-image", "former id"),
        ("gemini-2.5-flash-image-preview", "gemini-2.5-flash-image", "2026-01-15"),
        ("gemini-3.1-flash-lite-image-preview", "gemini-3.1-flash-lite-image", "former id"),
        ("nano-banana-2", "gemini-3.1-flash-image", "from 2026-10-29; use `nano-banana-2.1`"),
        ("nano-banana", "gemini-2.5-flash-image", "on 2027-03-15; use `nano-banana-2-lite`"),
    ];
    let catalogue = Catalogue::builtin();
    for (name, id, warning) in table {
        let resolved = catalogue.resolve(name);
        assert_eq!((resolved.id.as_str(), resolved.model.unwrap().id.as_str()), (id, id), "{name}");
        let warnings = resolved.warnings.join(" ");
        assert!(warnings.contains(warning), "{name}: {warnings}");
        assert_eq!(warnings.is_empty(), warning.is_empty(), "{name}: {warnings}");
    }
    let unknown = catalogue.resolve("models/Gemini-9-Image");
    assert!(unknown.model.is_none() && unknown.warnings.is_empty());
    assert_eq!(unknown.id, "Gemini-9-Image");
    let gone = catalogue.resolve("imagen-4.0-ultra-generate-001");
    assert!(gone.model.is_none());
    assert_eq!(
        gone.warnings,
        ["`imagen-4.0-ultra-generate-001` was shut down on 2026-08-17; use `nano-banana-2.1` instead"]
    );
}

#[test]
fn advice_names_the_way_out() {
    let table = [
        ("gemini-2.5-flash-image", "closed to projects that never used it"),
        ("gemini-2.5-flash-image", "use `nano-banana-2-lite` instead"),
        ("gemini-3.1-flash-image", "use `nano-banana-2.1` instead"),
        ("gemini-3-pro-image-preview", "use `nano-banana-pro` instead"),
        ("gemini-2.0-flash-exp-image-generation", "use `nano-banana-2.1` instead"),
        ("nano-bannana-pro", "did you mean `nano-banana-pro`?"),
    ];
    for (id, text) in table {
        let advice = Catalogue::builtin().advice(id).unwrap();
        assert!(advice.contains(text), "{id}: {advice}");
    }
    assert!(Catalogue::builtin().advice("gemini-3-pro-image").is_none());
    let advice = Catalogue::builtin().advice("totally-else").unwrap();
    assert!(advice.ends_with("; `models` lists those that are"), "{advice}");
    assert!(advice.render(Case::Shell).ends_with("; `nanobanana models` lists those that are"));
}

#[test]
fn what_a_model_has_passes_and_is_spelt_for_the_service() {
    let table = [
        ("nano-banana-pro", json!({"image_size": "2k"}), json!({"image_size": "2K"})),
        ("nano-banana-2", json!({"image_size": "512"}), json!({"image_size": "512"})),
        ("nano-banana-2-lite", json!({"image_size": "1k"}), json!({})),
        ("nano-banana", json!({"image_size": "1K", "thoughts": false, "search": false}), json!({})),
        ("nano-banana", json!({"aspect_ratio": "16/9"}), json!({"aspect_ratio": "16:9"})),
        ("nano-banana", json!({"aspect_ratio": "21 x 9"}), json!({"aspect_ratio": "21:9"})),
        ("nano-banana", json!({"aspect_ratio": "1920×1080"}), json!({"aspect_ratio": "16:9"})),
        ("nano-banana-2.1", json!({"aspect_ratio": "1:8"}), json!({"aspect_ratio": "1:8"})),
        ("nano-banana-2.1", json!({"thinking": "MEDIUM"}), json!({"thinking": "medium"})),
        ("nano-banana-2", json!({"thinking": "high"}), json!({"thinking": "high"})),
        ("nano-banana-pro", json!({"service_tier": "flex"}), json!({"service_tier": "flex"})),
        (
            "nano-banana-pro",
            json!({"temperature": 0.5, "top_p": 0.9, "seed": 7, "thoughts": true, "search": true}),
            json!({"temperature": 0.5, "top_p": 0.9, "seed": 7, "thoughts": true, "search": true}),
        ),
        ("nano-banana-2", json!({"image_search": true}), json!({"image_search": true})),
        ("nano-banana-2-lite", json!({"max_output_tokens": 4096}), json!({"max_output_tokens": 4096})),
        (
            "gemini-9-image",
            json!({"image_size": "8k", "aspect_ratio": "7x5", "thinking": "low"}),
            json!({"image_size": "8K", "aspect_ratio": "7x5", "thinking": "low"}),
        ),
        ("gemini-9-image", json!({"image_size": "huge"}), json!({"image_size": "huge"})),
    ];
    for (model, asked, sent) in table {
        let checked = check(model, asked.clone(), 3).unwrap();
        assert_eq!(checked.options, options(sent), "{model} {asked}");
        assert!(checked.warnings.is_empty(), "{model} {asked}: {:?}", checked.warnings);
    }
    assert!(check("gemini-9-image", json!({}), 500).unwrap().warnings.is_empty());
}

#[test]
fn what_a_model_lacks_is_refused_with_a_hint() {
    let table = [
        ("nano-banana-pro", json!({"aspect_ratio": "1:8"}), "aspect_ratio", "9:16"),
        ("nano-banana-pro", json!({"aspect_ratio": "1.9/1"}), "aspect_ratio", "16:9"),
        ("nano-banana-2.1", json!({"aspect_ratio": "wide"}), "aspect_ratio", ""),
        ("nano-banana-pro", json!({"image_size": "512"}), "image_size", "1K"),
        ("nano-banana-2.1", json!({"image_size": "8k"}), "image_size", "4K"),
        ("nano-banana-2.1", json!({"image_size": "large"}), "image_size", ""),
        ("nano-banana", json!({"image_size": "2K"}), "image_size", "1K"),
        ("nano-banana-2.1", json!({"thinking": "low"}), "thinking", "minimal"),
        ("nano-banana-2", json!({"thinking": "medium"}), "thinking", "high"),
        ("nano-banana", json!({"thinking": "high"}), "thinking", "nano-banana-2.1"),
        ("nano-banana", json!({"thoughts": true}), "thoughts", "nano-banana-2.1"),
        ("nano-banana-2-lite", json!({"search": true}), "search", "nano-banana-2.1"),
        ("nano-banana-pro", json!({"image_search": true}), "image_search", "nano-banana-2.1"),
        ("nano-banana-2.1", json!({"service_tier": "flex"}), "service_tier", "nano-banana-pro"),
        ("nano-banana-2-lite", json!({"max_output_tokens": 4097}), "max_output_tokens", "4096"),
    ];
    for (model, asked, option, hint) in table {
        let error = check(model, asked.clone(), 0).unwrap_err();
        assert_eq!(error.kind(), Kind::UnsupportedOptionError);
        assert_eq!(error.field("option"), Some(option.into()), "{asked}");
        assert_eq!(error.field("model"), Some(Catalogue::builtin().find(model).unwrap().id.clone().into()));
        assert_eq!(error.field("value"), Some(asked[option].clone()), "{asked}");
        let expected = if hint.is_empty() { Value::Null } else { hint.into() };
        assert_eq!(error.field("hint"), Some(expected), "{model} {asked}: {error}");
        assert!(error.message().contains(option) && error.message().contains(hint), "{error}");

        // With "warn", the same call goes without it and says so.
        let mut lenient = asked.clone();
        lenient["on_unsupported"] = "warn".into();
        let checked = check(model, lenient, 0).unwrap();
        assert_eq!(checked.options, options(json!({"on_unsupported": "warn"})), "{asked}");
        assert_eq!(checked.warnings.len(), 1, "{asked}");
        assert!(checked.warnings[0].contains(option) && checked.warnings[0].contains("left out"));
    }
}

#[test]
fn a_refusal_says_it_all_in_the_callers_spelling() {
    let catalogue = Catalogue::builtin();
    let asked = options(json!({"aspect_ratio": "4:1"}));
    let error = catalogue.check(&catalogue.resolve("nano-banana"), &asked, 0).unwrap_err();
    assert_eq!(error.to_json(Case::Camel)["option"], "aspectRatio");
    assert_eq!(error.field("allowed").unwrap().as_array().unwrap().len(), 10);
    assert_eq!(
        error.words().render(Case::Camel),
        "model `gemini-2.5-flash-image` does not take \"4:1\" for `aspectRatio`; it takes `1:1`, `2:3`, `3:2`, \
         `3:4`, `4:3`, `4:5`, `5:4`, `9:16`, `16:9`, `21:9`; the nearest is `21:9`; `nano-banana-2.1` takes \"4:1\". \
         Nothing was sent; leave it out, or set `onUnsupported` to \"warn\""
    );
    let error = check("nano-banana", json!({"thinking": "high"}), 0).unwrap_err();
    assert_eq!(
        error.message(),
        "model `gemini-2.5-flash-image` does not have the option `thinking`: it does not think; `nano-banana-2.1` has it. \
         Nothing was sent; leave it out, or set `on_unsupported` to \"warn\""
    );
    // A model that goes is named only where no other has it.
    let error = check("nano-banana-pro", json!({"image_size": "512"}), 0).unwrap_err();
    assert!(error.message().contains("`nano-banana-2` takes \"512\""), "{error}");
}

#[test]
fn what_sources_disagree_on_passes_with_a_warning() {
    let table = [
        ("nano-banana-2.1", json!({"image_size": "512"}), "image_size"),
        ("nano-banana-2.1", json!({"aspect_ratio": "9:21"}), "aspect_ratio"),
        ("nano-banana-2.1", json!({"temperature": 0.5}), "temperature"),
        ("nano-banana-2.1", json!({"top_p": 0.5}), "top_p"),
        ("nano-banana-2.1", json!({"seed": 7}), "seed"),
        ("nano-banana-2.1", json!({"service_tier": "priority"}), "service_tier"),
        ("nano-banana-pro", json!({"thinking": "high"}), "thinking"),
        ("nano-banana-2-lite", json!({"image_size": "512"}), "image_size"),
        ("nano-banana-2-lite", json!({"service_tier": "flex"}), "service_tier"),
    ];
    for (model, asked, option) in table {
        let checked = check(model, asked.clone(), 0).unwrap();
        assert_eq!(checked.options, options(asked.clone()), "{model} {asked}");
        assert_eq!(checked.warnings.len(), 1, "{model} {asked}");
        assert!(checked.warnings[0].contains(option) && checked.warnings[0].contains("the service decides"));
    }
    let checked = check("nano-banana-2.1", json!({"aspect_ratio": "9x21"}), 0).unwrap();
    assert_eq!(checked.options.aspect_ratio.unwrap().as_str(), "9:21");
}

#[test]
fn pictures_are_counted() {
    for model in MODELS.iter().take(4) {
        assert!(check(model, json!({}), 14).unwrap().warnings.is_empty());
        // Even leniently: which picture to drop is the caller's choice.
        for asked in [json!({}), json!({"on_unsupported": "warn"})] {
            let error = check(model, asked, 15).unwrap_err();
            assert_eq!(error.kind(), Kind::UnsupportedOptionError);
            assert_eq!(error.field("option"), Some("images".into()));
            assert_eq!(error.field("value"), Some(15.into()));
            assert_eq!(error.field("allowed"), Some(json!(["0 to 14"])));
            assert!(error.message().contains("send fewer"), "{error}");
        }
    }
    assert!(check("nano-banana", json!({}), 3).unwrap().warnings.is_empty());
    let warnings = check("nano-banana", json!({}), 4).unwrap().warnings;
    assert_eq!(warnings, ["4 pictures were sent; `gemini-2.5-flash-image` works best with at most 3"]);
}

#[test]
fn one_picture_costs_what_the_price_pages_say() {
    let table = [
        ("nano-banana-2.1", "1K", 0.0336),
        ("nano-banana-2.1", "2K", 0.0504),
        ("nano-banana-2.1", "4K", 0.0756),
        ("nano-banana-pro", "1K", 0.1344),
        ("nano-banana-pro", "2K", 0.1344),
        ("nano-banana-pro", "4K", 0.24),
        ("nano-banana-2", "512", 0.04482),
        ("nano-banana-2", "1K", 0.0672),
        ("nano-banana-2", "2K", 0.1008),
        ("nano-banana-2", "4K", 0.1512),
        ("nano-banana-2-lite", "1K", 0.0336),
        ("nano-banana", "1K", 0.0387),
    ];
    for (model, size, price) in table {
        let got = Catalogue::builtin().find(model).unwrap().price_per_image(size).unwrap();
        assert!((got - price).abs() < 1e-12, "{model} {size}: {got}");
    }
}

#[test]
fn a_call_costs_its_tokens_by_kind_and_tier() {
    let usage = Usage {
        input_tokens: 1_000_000,
        output_tokens: 1_500_000,
        image_tokens: 1_000_000,
        thought_tokens: 500_000,
        cached_tokens: 400_000,
        total_tokens: 0,
    };
    let table = [
        ("nano-banana-2.1", None, Some(0.6 * 1.5 + 0.4 * 0.15 + 7.5 + 30.0)),
        ("nano-banana-2.1", Some("priority"), Some(2.7 + 13.5 + 54.0)),
        ("nano-banana-2.1", Some("flex"), None),
        ("nano-banana-pro", Some(""), Some(2.0 + 12.0 + 120.0)),
        ("nano-banana-pro", Some("STANDARD"), Some(2.0 + 12.0 + 120.0)),
        ("nano-banana-pro", Some("flex"), Some(1.0 + 6.0 + 60.0)),
        ("nano-banana-pro", Some("priority"), Some(3.6 + 21.6 + 216.0)),
        ("nano-banana-2", Some("priority"), Some(0.9 + 5.4 + 108.0)),
        ("nano-banana-2-lite", Some("flex"), Some(0.125 + 0.75 + 15.0)),
        ("nano-banana-2-lite", Some("priority"), Some(0.45 + 2.7 + 54.0)),
        ("nano-banana", Some("flex"), Some(0.15 + 1.25 + 15.0)),
        // No source prices its pictures in this tier.
        ("nano-banana", Some("priority"), None),
        ("nano-banana-pro", Some("unheard-of"), None),
    ];
    for (model, tier, cost) in table {
        let got = Catalogue::builtin().find(model).unwrap().cost(&usage, tier);
        let same = match (got, cost) {
            (Some(got), Some(cost)) => (got - cost).abs() < 1e-9,
            (got, cost) => got == cost,
        };
        assert!(same, "{model} {tier:?}: {got:?}, not {cost:?}");
    }
    let words = Usage { image_tokens: 0, ..usage.clone() };
    let cost = Catalogue::builtin().find("nano-banana").unwrap().cost(&words, Some("priority")).unwrap();
    assert!((cost - (0.54 + 2.0 * 4.5)).abs() < 1e-9);
    // Numbers that contradict each other are no reason to panic.
    let odd = Usage {
        image_tokens: 9,
        cached_tokens: 9,
        thought_tokens: u64::MAX,
        output_tokens: u64::MAX,
        ..Usage::default()
    };
    assert!(Catalogue::builtin().find("nano-banana").unwrap().cost(&odd, None).is_some());
}

#[test]
fn lists_for_the_generators() {
    let catalogue = Catalogue::builtin();
    assert_eq!(
        catalogue.names().len(),
        catalogue.models.iter().map(|model| model.names().count()).sum::<usize>()
    );
    assert_eq!(catalogue.names()[..2], ["nano-banana-2.1", "gemini-nano-banana-2.1"]);
    assert_eq!(catalogue.aspect_ratios().len(), 14);
    assert_eq!(catalogue.image_sizes(), ["512", "1K", "2K", "4K"]);
    let list = catalogue.list().write(Case::Camel);
    assert_eq!(list[1]["id"], "gemini-3-pro-image");
    assert_eq!(list[1]["pricePerImage"], json!({"1K": 0.1344, "2K": 0.1344, "4K": 0.24}));
    assert_eq!(list[2]["shutdown"], "2026-10-29");
    assert_eq!(list[4]["maxImages"], Value::Null);
    assert_eq!(list[4]["closedToNewProjects"], "2026-09-18");
}

#[test]
fn a_new_model_is_one_entry() {
    let catalogue = changed(|file| {
        let mut model = file["models"][1].clone();
        model["id"] = "Gemini-9-image".into();
        model["aliases"] = json!(["nano-banana-9"]);
        model["retired_ids"] = json!([]);
        model["aspect_ratios"] = json!(["1:1", "7:1"]);
        model["sizes"] = json!(["8K"]);
        model["default_size"] = "8K".into();
        model["pixels"] = json!({"8K": {"1:1": [8192, 8192], "7:1": [21504, 3072]}});
        model["image_tokens"] = json!({"8K": 5000});
        file["models"].as_array_mut().unwrap().push(model);
    })
    .unwrap();
    let resolved = catalogue.resolve("nano-banana-9");
    assert_eq!(resolved.id, "Gemini-9-image");
    assert_eq!(catalogue.resolve("gemini-9-Image").id, "Gemini-9-image");
    let asked = options(json!({"aspect_ratio": "14/2", "image_size": "8k"}));
    let checked = catalogue.check(&resolved, &asked, 0).unwrap();
    assert_eq!(checked.options, options(json!({"aspect_ratio": "7:1"})));
    assert_eq!(resolved.model.unwrap().pixels("7:1", "8K"), Some((21504, 3072)));
    assert_eq!(resolved.model.unwrap().price_per_image("8K"), Some(0.6));
    assert!(catalogue.image_sizes().contains(&"8K") && catalogue.aspect_ratios().contains(&"7:1"));
}

#[test]
fn a_wrong_file_is_refused_with_the_place() {
    let table: [(&str, Change); 21] = [
        ("its `format` is 2, this version reads 1", |file| file["format"] = 2.into()),
        ("`checked` is \"today\"; it must be a date", |file| file["checked"] = "today".into()),
        ("`default` is `x`; it must be an id or alias", |file| file["default"] = "x".into()),
        ("`models` is empty", |file| file["models"] = json!([])),
        ("unknown field `sucessor`", |file| file["models"][0]["sucessor"] = "x".into()),
        ("missing field `search`", |file| {
            file["models"][0].as_object_mut().unwrap().remove("search");
        }),
        ("unknown variant `beta`, expected one of `stable`", |file| {
            file["models"][0]["state"] = "beta".into()
        }),
        ("(gemini-3-pro-image): `pixels` names `x`, which the file does not define", |file| {
            file["models"][1]["pixels"] = "x".into()
        }),
        ("`aspect_ratios` names `x`", |file| file["models"][1]["aspect_ratios"] = "x".into()),
        ("models[1] (gemini-3-pro-image): `aspect_ratios`: invalid type", |file| {
            file["models"][1]["aspect_ratios"] = 7.into()
        }),
        ("`pixels` has no width and height for 5:1 at `1K`", |file| {
            file["models"][0]["aspect_ratios"] = json!(["5:1"])
        }),
        ("`pixels` has no width and height for 1:1 at `1K`", |file| {
            file["pixels"]["gemini-2.5"]["1K"]["1:1"] = json!([0, 1])
        }),
        ("the name `nano-banana` is given twice", |file| {
            file["models"][0]["aliases"] = json!(["nano-banana"])
        }),
        ("`default_size` is `8K`; it must be one of `sizes`", |file| {
            file["models"][0]["default_size"] = "8K".into()
        }),
        ("`image_tokens` has no number for the size `2K`", |file| {
            file["models"][0]["image_tokens"] = json!({"1K": 1})
        }),
        ("`thinking.levels` has `extreme`; known are `minimal`", |file| {
            file["models"][0]["thinking"]["levels"] = json!(["extreme"])
        }),
        ("`disputed` has `sise`", |file| file["models"][0]["disputed"][0]["option"] = "sise".into()),
        ("`prices.tiers` has no prices for the service tier `flex`", |file| {
            file["models"][0]["service_tiers"] = json!(["flex"])
        }),
        ("has a price that is not a number from 0", |file| {
            file["models"][0]["prices"]["tiers"]["standard"]["input"] = (-1).into()
        }),
        ("the `successor` of gemini-3.1-flash-image is `x`", |file| {
            file["models"][2]["successor"] = "x".into()
        }),
        ("`shutdown` is \"soon\"", |file| file["models"][2]["shutdown"] = "soon".into()),
    ];
    for (expected, change) in table {
        let error = changed(change).expect_err(expected);
        assert_eq!(error.kind(), Kind::ConfigError);
        assert!(error.message().contains("mine.json"), "{error}");
        assert!(error.message().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn files_are_loaded_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.json");
    std::fs::write(&path, BUILTIN).unwrap();
    assert_eq!(Catalogue::load(&path).unwrap().models.len(), Catalogue::builtin().models.len());

    std::fs::write(&path, "{\n\"format\": 1,\n oops").unwrap();
    let error = Catalogue::load(&path).unwrap_err();
    assert!(error.message().contains("newer.json") && error.message().contains("line 3"), "{error}");

    let error = Catalogue::load(folder.path().join("none.json")).unwrap_err();
    assert_eq!(error.kind(), Kind::ConfigError);
    assert!(error.message().contains("none.json cannot be read"), "{error}");
}

#[test]
fn an_estimate_is_a_range_for_every_model_size_and_tier() {
    let catalogue = Catalogue::builtin();
    for model in &catalogue.models {
        for size in &model.sizes {
            for tier in model.prices.tiers.keys() {
                let asked = options(json!({ "image_size": size, "service_tier": tier }));
                let expected = model.expected(400, 2, &asked);
                assert_eq!(expected.image_tokens, model.image_tokens[size], "{} {size}", model.id);
                assert_eq!(expected.input_tokens, 100 + 2 * model.tokens_per_input_image, "{}", model.id);
                let Some(price) = expected.price else {
                    assert_eq!(model.prices.tiers[tier].image, None, "{} {tier}", model.id);
                    continue;
                };
                assert!(price.low < price.typical && price.typical < price.high, "{} {price:?}", model.id);
                assert!(price.high < 4.0 * price.low, "{} {size} {tier}: {price:?}", model.id);
                let picture = model.image_tokens[size] as f64 * model.prices.tiers[tier].image.unwrap() / 1e6;
                assert!(price.low > picture, "{} {size} {tier}: {price:?}", model.id);
                assert_eq!(model.typical(400, 2, &asked), Some(price.typical));
            }
        }
    }
}

#[test]
fn a_second_count_of_tokens_is_for_a_known_size_and_larger() {
    for odd in [json!({ "4K": 2519 }), json!({ "8K": 9000 })] {
        let wrong = changed(|file| file["models"][0]["image_tokens_at_most"] = odd.clone()).unwrap_err();
        assert!(wrong.message().contains("`image_tokens_at_most`"), "{wrong}");
    }
    changed(|file| file["models"][0]["image_tokens_at_most"] = json!({ "4K": 2520 })).unwrap();
}

#[test]
fn searches_without_a_price_are_named_too() {
    let catalogue = changed(|file| file["models"][0]["prices"]["search_per_1000"] = Value::Null).unwrap();
    let resolved = catalogue.resolve("nano-banana-2.1");
    let estimate = catalogue.estimate(&resolved, 8, 0, &options(json!({ "search": true })));
    assert_eq!(estimate.not_included[0], "Searches, whose price is not known.");
    let estimate = catalogue.estimate(&resolved, 8, 0, &options(json!({ "search": false })));
    assert_eq!(estimate.not_included.len(), 1);
}
