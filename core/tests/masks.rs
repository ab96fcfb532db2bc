//! Edits with a mask, against the emulator, whose model drifts outside of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use nanobanana::options::{OutputFormat, Upload};
use nanobanana::{
    Client, ClientOptions, EditOptions, Emulator, Encode, Event, GenerateOptions, Image, Input, Item, Kind,
    ManyOptions, Pixels, Reference, Region, Retry, Role,
};
use serde_json::{Value, json};

fn client(emulator: &Emulator) -> Client {
    let options =
        ClientOptions::new().base_url(emulator.url()).api_key("test-key-0123").retry(Retry::from(false));
    Client::new(options).unwrap()
}

/// The smallest pictures that there are.
fn small() -> GenerateOptions {
    GenerateOptions::new().model("nano-banana-2").image_size("512")
}

/// A picture with something to see in it.
async fn source(client: &Client) -> Image {
    let drawn = client.generate("a harbour with hills", small().aspect_ratio("4:3").seed(5)).await.unwrap();
    drawn.image().unwrap().resize(360, 270).unwrap().convert("png", None).unwrap()
}

fn mask(random: &mut fastrand::Rng, width: u32, height: u32) -> Pixels {
    let mut data = vec![0u8; (width * height) as usize];
    for _ in 0..random.u32(1..4) {
        let (left, top) = (random.u32(0..width - 20), random.u32(0..height - 20));
        let (right, bottom) = (random.u32(left + 5..width), random.u32(top + 5..height));
        let (soft, is_round) = (random.u8(120..=255), random.bool());
        for y in top..bottom {
            for x in left..right {
                let off = |at: u32, start: u32, end: u32| {
                    (f64::from(at - start) + 0.5) / f64::from(end - start) * 2.0 - 1.0
                };
                if !is_round || off(x, left, right).hypot(off(y, top, bottom)) < 1.0 {
                    data[(y * width + x) as usize] = soft;
                }
            }
        }
    }
    Pixels { width, height, channels: 1, data }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_of_a_mask_not_one_pixel_changes() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let mut random = fastrand::Rng::with_seed(11);
    let sources = ["png", "jpeg", "webp"].map(|format| source.convert(format, None).unwrap());
    for case in 0..20 {
        let mask = mask(&mut random, source.width(), source.height());
        let calls = sources.iter().map(|source| {
            let inputs = vec![Input::from(source), Input::mask(mask.clone(), EditOptions::new())];
            client.edit("a banana", inputs, small().seed(case))
        });
        let results = futures_util::future::try_join_all(calls).await.unwrap();
        for (source, result) in sources.iter().zip(results) {
            let (own, new) = (source.pixels().unwrap(), result.image().unwrap().pixels().unwrap());
            assert_eq!((own.width, own.height, own.channels), (new.width, new.height, new.channels));
            let pixels = own.data.chunks(3).zip(new.data.chunks(3)).zip(&mask.data);
            let changed = pixels.filter(|((own, new), cover)| own != new && **cover == 0).count();
            assert_eq!(changed, 0, "case {case}: {result:?}");
            assert_ne!(own.data, new.data, "case {case}");
            assert!(
                result.leak().is_none_or(|leak| leak > 0.0 && leak < 0.1),
                "case {case}: {:?}",
                result.leak()
            );
            assert_eq!(result.image().unwrap().mime_type(), "image/png");
            assert_ne!(result.model_image().unwrap(), result.image().unwrap());
            let map = result.change_map().unwrap();
            assert_eq!((map.width(), map.height()), (own.width, own.height));
        }
    }
}

/// What is sent of these is another picture: turned, of eight bits, in sRGB, smaller, or by way of the Files API.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pixels_that_stay_are_those_of_the_picture_as_it_was_given() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let media = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/media/real"));
    let shrunk = || small().encode(Encode::new().max_side(16u32).quality(30u32));
    for (name, options) in [
        ("exif-6.jpg", small()),
        ("exif-7-lossless.webp", small()),
        ("exif-8.tiff", small()),
        ("cmyk-profile.jpg", small()),
        ("p3.jpg", small()),
        ("rgb-16.png", small()),
        ("palette-alpha.png", small()),
        ("grey.jpg", small()),
        ("still.gif", small()),
        ("plain.jpg", shrunk()),
        ("exif-5.jpg", shrunk()),
        ("plain.png", small().upload(Upload::Always)),
    ] {
        let path = media.join(name);
        let own = Image::open(&path).unwrap().pixels().unwrap();
        let box_of = Region::px(10, 6, 22, 18);
        let inputs = [Input::Path(path), Input::mask(box_of, EditOptions::new().mask_feather(0u32))];
        let result = client.edit("a banana", inputs.to_vec(), options).await.unwrap();
        let new = result.image().unwrap().pixels().unwrap();
        assert_eq!((new.width, new.height), (own.width, own.height), "{name}");
        let (of_own, of_new) = (usize::from(own.channels), usize::from(new.channels));
        let mut changed = 0;
        for at in 0..(own.width * own.height) as usize {
            let (x, y) = (at as u32 % own.width, at as u32 / own.width);
            let inside = (10..22).contains(&x) && (6..18).contains(&y);
            let before = &own.data[at * of_own..][..of_own];
            let before = if of_own == 1 && of_new == 3 { &[before[0]; 3] } else { before };
            let same = before == &new.data[at * of_new..][..of_new];
            assert!(same || inside, "{name}: {x}, {y} lies outside");
            changed += usize::from(!same);
        }
        assert!(changed > 0, "{name}: nothing changed");
    }
    // Neither does it matter that a picture is told of, or that it is pixels.
    let own = Image::open(media.join("plain.png")).unwrap().pixels().unwrap();
    let mut all = Vec::new();
    for source in [
        Input::Pixels(own.clone()),
        Input::Reference(
            Box::new(Input::Pixels(own.clone())),
            Reference::new().name("Mia").role(Role::Object),
        ),
    ] {
        let mask = Input::mask(Region::px(10, 6, 22, 18), EditOptions::new());
        let result = client.edit("a banana", vec![source, mask], small().seed(1)).await.unwrap();
        all.push(result.image().unwrap().pixels().unwrap());
    }
    assert!(all.iter().all(|new| new.data[..30] == own.data[..30] && *new != own));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_format_that_loses_nothing_keeps_the_outside_too() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let own = source.pixels().unwrap();
    let inputs = |keep: bool| {
        let options = EditOptions::new().keep_outside(keep);
        vec![Input::from(&source), Input::mask(Region::px(100, 100, 200, 200), options)]
    };
    let result =
        client.edit("a banana", inputs(true), small().output_format(OutputFormat::Webp)).await.unwrap();
    let image = result.image().unwrap();
    assert_eq!(image.mime_type(), "image/webp");
    assert!(image.pixels().unwrap().data[..360 * 3 * 100] == own.data[..360 * 3 * 100]);
    assert!(image.original().unwrap().is(result.model_image().unwrap()));

    let mut stream = client.edit_stream("a banana", inputs(true), small().output_format(OutputFormat::Webp));
    let mut seen = Vec::new();
    while let Some(event) = stream.next().await.unwrap() {
        match event {
            Event::Image(event) => seen.push(event.image),
            Event::Done(done) => assert_eq!(seen, done.result.images),
            _ => {}
        }
    }
    assert_eq!((seen.len(), seen[0].mime_type(), seen[0].width()), (1, "image/webp", 360));

    for (options, name) in [
        (small().output_format(OutputFormat::Jpeg), "output_format"),
        (small().output_format(OutputFormat::Webp).output_quality(90u32), "output_quality"),
    ] {
        let sent = emulator.requests().len();
        let error = client.edit("a banana", inputs(true), options.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.field("option")), (Kind::InvalidOptionError, Some(json!(name))));
        assert!(error.message().contains("`keep_outside`"), "{error}");
        assert_eq!(emulator.requests().len(), sent, "nothing was paid for");
        client.edit("a banana", inputs(false), options).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_model_moved_is_found_and_undone() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let inputs =
        || vec![Input::from(&source), Input::mask(Region::px(120, 80, 240, 190), EditOptions::new())];
    emulator.script(&[json!({ "drift": 0 }), json!({}), json!({ "drift": 3 })]).unwrap();
    let mut leaks = Vec::new();
    for drift in [0.0, 1.0, 3.0] {
        let result = client.edit("a banana", inputs(), small().seed(3)).await.unwrap();
        let masked = &result.masked[0];
        let far = masked.shift[0].hypot(masked.shift[1]);
        let scale = (masked.scale.unwrap() - 1.0).abs();
        if drift == 0.0 {
            assert!(far < 0.3 && scale < 0.002, "{masked:?}");
        } else {
            assert!(far > 1.0 * drift && scale > 0.001 * drift && scale < 0.014 * drift, "{masked:?}");
        }
        leaks.push(masked.leak.unwrap());
        assert!(leaks.iter().all(|leak| *leak < 0.03), "what was moved and recoloured is no leak: {leaks:?}");
    }
    assert!(leaks.is_sorted(), "{leaks:?}");
}

#[tokio::test]
async fn without_keep_outside_the_models_picture_is_the_result() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let keep = EditOptions::new().keep_outside(false);
    let inputs =
        vec![Input::from(&source(&client).await), Input::mask(Region::fraction(0.2, 0.2, 0.6, 0.7), keep)];
    let result = client.edit("a banana", inputs, small()).await.unwrap();
    assert_eq!(result.image().unwrap(), result.model_image().unwrap());
    assert!(result.leak().unwrap() > 0.0 && result.change_map().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_and_several_pictures_are_laid_in_place_too() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let inputs = || vec![Input::from(&source), Input::mask(Region::px(50, 50, 200, 200), EditOptions::new())];
    let result = client.edit("a banana", inputs(), small().n(2u32)).await.unwrap();
    assert_eq!((result.images.len(), result.masked.len()), (2, 2));
    assert!(result.images.iter().all(|image| (image.width(), image.height()) == (360, 270)));
    assert_eq!(result.pictures().count(), 2 + 4);

    let mut stream = client.edit_stream("a banana", inputs(), small().thoughts(true));
    let (mut seen, mut done) = (Vec::new(), None);
    while let Some(event) = stream.next().await.unwrap() {
        match event {
            Event::Image(event) => seen.push(event.image),
            Event::Done(event) => done = Some(event.result),
            _ => {}
        }
    }
    let done = done.unwrap();
    assert_eq!(seen, done.images);
    assert_eq!((seen[0].width(), done.masked.len()), (360, 1));
    assert_ne!(done.model_image(), Some(&seen[0]));
}

#[tokio::test]
async fn an_answer_that_cannot_be_laid_in_place_is_given_as_it_came() {
    use base64::Engine as _;
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let mut cut = source.bytes().unwrap().to_vec();
    cut.truncate(cut.len() / 2);
    let data = base64::engine::general_purpose::STANDARD.encode(&cut);
    let part = json!({ "inlineData": { "mimeType": "image/png", "data": data } });
    let reply = json!({ "candidates": [{ "content": { "role": "model", "parts": [part] }, "finishReason": "STOP" }] });
    emulator.script(&[json!({ "json": reply })]).unwrap();
    let inputs = vec![Input::from(&source), Input::mask(Region::px(5, 5, 50, 50), EditOptions::new())];
    let result = client.edit("a banana", inputs, small()).await.unwrap();
    assert_eq!(result.image().unwrap().bytes().unwrap(), &cut);
    assert_eq!(result.image().unwrap(), result.model_image().unwrap());
    assert!(result.leak().is_none() && result.change_map().is_none());
    assert!(result.warnings.iter().any(|warning| warning.contains("as it came")), "{:?}", result.warnings);
}

#[tokio::test]
async fn a_model_that_draws_something_else_is_told_of() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    emulator.script(&[json!({ "image": "jpeg 512x512" })]).unwrap();
    let inputs = vec![Input::from(&source), Input::mask(Region::px(100, 100, 200, 200), EditOptions::new())];
    let result = client.edit("a banana", inputs, small()).await.unwrap();
    assert!(result.leak().unwrap() > 0.05);
    assert!(
        result.warnings.iter().any(|warning| warning.contains("outside of the mask")),
        "{:?}",
        result.warnings
    );
}

#[tokio::test]
async fn a_mask_belongs_to_edits() {
    let client = Client::offline(ClientOptions::new()).unwrap();
    let source = source(&client).await;
    let inputs = || {
        vec!["a banana".into(), Input::from(&source), Input::mask(Region::px(1, 1, 5, 5), EditOptions::new())]
    };
    let refused = [
        client.generate(inputs(), small()).await.unwrap_err(),
        client.generate_stream(inputs(), small()).next().await.unwrap_err(),
        client.chat(small()).unwrap().send(inputs(), GenerateOptions::new()).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!((error.kind(), error.field("option")), (Kind::InvalidOptionError, Some(json!("mask"))));
        assert!(error.message().contains("`edit`"), "{error}");
    }
    let more = client.estimate(inputs(), small()).unwrap();
    let less = client.estimate(inputs()[..2].to_vec(), small()).unwrap();
    assert!(more.input_tokens > less.input_tokens, "the mask is shown to the model");
}

#[tokio::test]
async fn a_run_keeps_the_models_picture_beside_the_edit() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let many = || {
        let many = ManyOptions::new().journal(folder.path().join("run.jsonl").display().to_string());
        many.save_to(folder.path().join("out").display().to_string())
    };
    let item = |keep: bool| {
        let mask = Input::mask(Region::px(50, 50, 200, 200), EditOptions::new().keep_outside(keep));
        Item::new(vec![Input::from("a banana"), Input::from(&source), mask])
    };
    let mut sent = emulator.requests().len();
    let mut first = None;
    for again in [false, true] {
        let run = client.generate_many(small().n(2u32), many()).unwrap();
        let mut items = vec![item(true)].into_iter();
        let outcome = run.next(&mut items).await.unwrap().unwrap();
        assert!(run.next(&mut items).await.unwrap().is_none());
        let result = outcome.result.unwrap();
        assert_eq!(
            (outcome.cached, outcome.files.len(), result.masked.len()),
            (again, 2, 2),
            "{:?}",
            result.warnings
        );
        assert_eq!(emulator.requests().len() - sent, if again { 0 } else { 2 });
        sent = emulator.requests().len();
        let models: Vec<_> =
            result.masked.iter().map(|masked| (masked.model_image.clone(), masked.leak)).collect();
        let all = (result.images.clone(), models);
        assert_eq!(*first.get_or_insert(all.clone()), all);
    }
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let extension = if first.unwrap().1[0].0.mime_type() == "image/png" { "png" } else { "jpg" };
    let models = [1, 2].map(|number| format!("00000-{number}-model.{extension}"));
    assert_eq!(
        names,
        ["00000-1-model", "00000-1.png", "00000-2-model", "00000-2.png", "00000.json"].map(|name| {
            models
                .iter()
                .find(|model| model.starts_with(name) && name.ends_with("model"))
                .cloned()
                .unwrap_or(name.to_owned())
        })
    );
    // The same request for another result is another item.
    let run = client.generate_many(small().n(2u32), many()).unwrap();
    let outcome = run.next(&mut vec![item(false)].into_iter()).await.unwrap().unwrap();
    assert!(!outcome.cached);
}

#[tokio::test]
async fn what_the_model_is_told_is_as_documented() {
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let masks = [Region::px(36, 27, 72, 54), Region::fraction(0.5, 0.5, 1.0, 1.0)];
    let masks = masks.map(|region| Input::mask(region, EditOptions::new()));
    let inputs = [vec![Input::from(&source), Input::from(&source)], masks.to_vec()].concat();
    client.edit("a banana", inputs, small()).await.unwrap();
    let request = emulator.requests().pop().unwrap();
    let parts = request["json"]["contents"][0]["parts"].as_array().unwrap().clone();
    let kinds: Vec<&str> =
        parts.iter().map(|part| if part["text"].is_string() { "text" } else { "picture" }).collect();
    assert_eq!(kinds, ["text", "picture", "picture", "text", "picture"]);
    let words = parts[3]["text"].as_str().unwrap();
    assert!(
        words.contains("[500, 500, 1000, 1000] and [100, 100, 200, 200] as [ymin, xmin, ymax, xmax]"),
        "{words}"
    );
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/masks.md")).unwrap();
    let plain = |text: &str| {
        text.split_whitespace()
            .map(|word| word.trim_start_matches('>'))
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (start, end) = words.split_once("[500, 500, 1000, 1000] and [100, 100, 200, 200]").unwrap();
    for half in [start, end] {
        assert!(plain(&docs).contains(&plain(half)), "docs/masks.md does not say: {half}");
    }
    assert_eq!(request["json"].pointer("/generationConfig/imageConfig/aspectRatio"), None::<&Value>);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_for_is_put_away_while_a_run_is_ended() {
    let emulator = Emulator::start(0).unwrap();
    let answered = std::sync::Arc::new(tokio::sync::Notify::new());
    let plain = client(&emulator);
    let source = source(&plain).await.resize(1800, 1350).unwrap();
    let client = {
        let answered = answered.clone();
        plain.on_event(move |event| {
            if event.name == "response" {
                answered.notify_one();
            }
        })
    };
    let item = || {
        let mask = Input::mask(Region::px(50, 50, 900, 900), EditOptions::new());
        vec![Item::new(vec![Input::from("a banana"), Input::from(&source), mask])].into_iter()
    };
    // The answer is read to its end and is then laid in place, which takes longer. A run is to be ended meanwhile:
    // one that is ended too early or too late shows nothing, and another one tries.
    for wait in [20, 40, 80, 160, 320, 640, 1280].repeat(2) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let many = ManyOptions::new().journal(folder.path().join("run.jsonl").display().to_string());
        let run = client.generate_many(small(), many.save_to(out.display().to_string())).unwrap();
        let mut items = item();
        let meanwhile = async {
            answered.notified().await;
            tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        };
        tokio::select! {
            _ = run.next(&mut items) => continue,
            () = meanwhile => {}
        }
        run.close();
        run.closed().await;
        let mut names = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name());
        if names.any(|name| name.to_string_lossy().contains("-model.")) {
            return;
        }
    }
    panic!("nothing was put away by a run that was ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_knows_its_items_by_what_they_keep_and_not_by_their_by_products() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(0).unwrap();
    let client = client(&emulator);
    let source = source(&client).await;
    let mut other = source.pixels().unwrap();
    // Outside of the mask, and gone in what is sent.
    other.data[0] ^= 0x40;
    let other = Image::from_pixels(&other).unwrap();
    let sent_small = || small().encode(Encode::new().max_side(8u32).quality(1u32));
    let outcome = async |picture: &Image| {
        let many = ManyOptions::new().journal(folder.path().join("run.jsonl").display().to_string());
        let many = many.save_to(folder.path().join("out").display().to_string());
        let run = client.generate_many(sent_small(), many).unwrap();
        let mask = Input::mask(Region::px(50, 50, 200, 200), EditOptions::new().mask_feather(7u32));
        let item = Item::new(vec![Input::from("a banana"), Input::from(picture), mask]);
        run.next(&mut vec![item].into_iter()).await.unwrap().unwrap()
    };
    assert!(!outcome(&source).await.cached);
    assert!(outcome(&source).await.cached);
    let different = outcome(&other).await;
    assert!(!different.cached, "its pixels outside are others");
    let kept = different.result.unwrap().image().unwrap().pixels().unwrap();
    assert_eq!(kept.data[..3], other.pixels().unwrap().data[..3]);

    let note = std::fs::read_to_string(folder.path().join("out/00000.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    assert_eq!(note["mask"][0]["right"], json!(200.0), "{note}");
    assert_eq!(note["options"]["mask_feather"], json!(7));

    for entry in std::fs::read_dir(folder.path().join("out")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("-model.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let again = outcome(&source).await;
    assert!(again.cached, "its picture is there: {:?}", again.result.unwrap().warnings);
    let result = again.result.unwrap();
    assert!(
        result.masked.is_empty() && result.warnings.iter().any(|told| told.contains("model")),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_picture_of_deep_colours_is_told_to_lose_them_and_a_conversation_takes_no_mask() {
    let client = Client::offline(ClientOptions::new()).unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/media/real/rgb-16.png");
    let mask = || Input::mask(Region::px(5, 5, 20, 20), EditOptions::new());
    let result = client.edit("a banana", vec![Input::Path(path.clone()), mask()], small()).await.unwrap();
    assert!(result.warnings.iter().any(|told| told.contains("16 bits")), "{:?}", result.warnings);
    let error = client.chat(small()).unwrap().add("user", vec![Input::Path(path), mask()]).await.unwrap_err();
    assert_eq!((error.kind(), error.field("option")), (Kind::InvalidOptionError, Some(json!("mask"))));
}
