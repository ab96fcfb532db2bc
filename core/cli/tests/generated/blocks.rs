//! Written by core/cli/tests/generated/pages.rs from docs: change the pages; the test rewrites this file.

mod bulk_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions, Item, ManyOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new().budget(20.0))?;
    let many = ManyOptions::new().concurrency(8u32).journal("run.jsonl");
    let many = many.save_to("out");
    let run = client.generate_many(GenerateOptions::new(), many)?;
    let mut items = (0..30).map(|n| Item::new(format!("A banana, style {n}")));
    while let Some(outcome) = run.next(&mut items).await? {
        println!("{} {:?} {:?}", outcome.index, outcome.files, outcome.error);
    }
    Ok(())
}
}

mod bulk_1 {
use nanobanana::{Budget, Client, ClientOptions, GenerateOptions};

fn main() -> Result<(), nanobanana::Error> {
    let budget = Budget::new().usd(20.0).per_call(0.30);
    let client = Client::new(ClientOptions::new().budget(budget))?;
    let options = GenerateOptions::new().model("nano-banana-pro").image_size("4K");
    println!("{:?}", client.estimate("A poster", options)?.typical);
    println!("{:?}", client.spent());
    Ok(())
}
}

mod bulk_2 {
use nanobanana::{Client, ClientOptions};

fn main() -> Result<(), nanobanana::Error> {
    let _client = Client::new(ClientOptions::new().cache("answers"))?;
    Ok(())
}
}

mod chat_and_streams_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, GenerateOptions, Input};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let chat = client.chat(GenerateOptions::new().model("nano-banana-pro"))?;
    chat.send("A mascot for a bakery", GenerateOptions::new()).await?;
    let logo = Input::from(Path::new("logo.png"));
    let turn = [Input::from("Same mascot, now waving"), logo];
    let waving = chat.send(turn, GenerateOptions::new()).await?;
    waving.image()?.save("waving")?;
    chat.save("mascot")?; // mascot.chat.json
    Ok(())
}
}

mod chat_and_streams_1 {
use nanobanana::{Client, ClientOptions, Event, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let options = GenerateOptions::new().thoughts(true);
    let mut stream = client.generate_stream("A chart of tides", options);
    while let Some(event) = stream.next().await? {
        match event {
            Event::Thought(thought) => println!("thinks: {:?}", thought.text),
            Event::Text(text) => print!("{}", text.text),
            Event::Image(event) => println!("{}", event.image.save("tides")?.display()),
            Event::Done(done) => println!("{:?}", done.result.cost),
            _ => {}
        }
    }
    Ok(())
}
}

mod edit_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let options = GenerateOptions::new();
    let boat = Path::new("boat.jpg");
    let night = client.edit("Make it night, keep the boat", boat, options).await?;
    night.image()?.save("night")?;
    Ok(())
}
}

mod edit_1 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, EditOptions, GenerateOptions};
use nanobanana::{Input, Region};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let upper = Region::fraction(0.0, 0.0, 1.0, 0.4); // left, top, right, bottom
    let mask = Input::mask(upper, EditOptions::new());
    let images = [Input::from(Path::new("boat.jpg")), mask];
    let sky = client.edit("A stormy sky", images, GenerateOptions::new()).await?;
    println!("{:?}", sky.leak());
    Ok(())
}
}

mod edit_2 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, GenerateOptions, Input, Reference, Role};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    for (name, place) in [("cafe", "in a café, with a book"), ("rain", "in the rain")] {
        let about = Reference::new().name("Mia").role(Role::Character);
        let mia = Input::Reference(Box::new(Path::new("mia.jpg").into()), about);
        let prompt = [Input::from("Draw"), mia, Input::from(place)];
        let result = client.generate(prompt, GenerateOptions::new()).await?;
        result.image()?.save(format!("mia {name}"))?;
    }
    Ok(())
}
}

mod errors_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions, Kind};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let options = GenerateOptions::new().image_size("2K");
    match client.generate("A boat", options).await {
        Ok(result) => println!("{}", result.image()?.save("boat")?.display()),
        Err(error) if error.is(Kind::BlockedError) => {
            println!("{:?} {:?}", error.field("stage"), error.field("reason"));
        }
        Err(error) if error.is(Kind::RateLimitError) => {
            println!("{:?} seconds", error.retry_after());
        }
        Err(error) if error.is(Kind::APIError) => {
            println!("{:?} {}", error.billed(), error.retryable());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
}

mod index_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // Client::new asks Google with your key
    let client = Client::offline(ClientOptions::new())?;
    let options = GenerateOptions::new().aspect_ratio("16:9");
    let result = client.generate("A banana sailboat at dusk", options).await?;
    result.image()?.save("boat")?;
    Ok(())
}
}

mod inputs_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, FileOptions, GenerateOptions, UploadOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let source = Path::new("boat.jpg"); // also a PDF, a video, bytes
    let boat = client.files().upload(source, UploadOptions::new()).await?;
    client.edit("Make it night", &boat, GenerateOptions::new()).await?;
    client.files().delete(&boat, FileOptions::new()).await?;
    Ok(())
}
}

mod masks_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, EditOptions, GenerateOptions};
use nanobanana::{Input, Region};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let mask = Input::mask(Path::new("sky-mask.png"), EditOptions::new());
    let images = [Input::from(Path::new("boat.jpg")), mask];
    let sky = client.edit("A stormy sky", images, GenerateOptions::new()).await?;
    sky.image()?.save("stormy")?; // a PNG; outside of the mask it is boat.jpg
    println!("{:?}", sky.leak()); // how much the model had changed outside: 0 to 1

    let head = Region::fraction(0.3, 0.05, 0.7, 0.3);
    let mask = Input::mask(head, EditOptions::new());
    let images = [Input::from(Path::new("mia.jpg")), mask];
    client.edit("A red hat", images, GenerateOptions::new()).await?;
    Ok(())
}
}

mod masks_1 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, EditOptions, GenerateOptions, Input};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let options = EditOptions::new().mask_feather(20u32); // pixels
    let mask = Input::mask(Path::new("sky-mask.png"), options);
    let images = [Input::from(Path::new("boat.jpg")), mask];
    let soft = client.edit("A stormy sky", images, GenerateOptions::new()).await?;
    if let (Some(model), Some(changes)) = (soft.model_image(), soft.change_map()) {
        model.save("model")?; // what the model drew, as it came
        changes.save("changes")?; // grey: how much each pixel changed
    }
    Ok(())
}
}

mod models_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let options = ClientOptions::new().model("nano-banana-pro"); // for every call
    let client = Client::new(options)?;
    client.generate("A poster of the water cycle", GenerateOptions::new()).await?;
    let lite = GenerateOptions::new().model("nano-banana-2-lite"); // for one call
    client.generate("A quick sketch", lite).await?;
    Ok(())
}
}

mod money_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new().budget(20.0))?;
    let options = GenerateOptions::new().model("nano-banana-pro").image_size("4K");
    let estimate = client.estimate("A poster", options.clone())?;
    println!("{:?} {:?}", estimate.low, estimate.high); // nothing is sent
    let result = client.generate("A poster", options).await?;
    println!("{:?} {}", result.cost, client.spent().usd);
    Ok(())
}
}

mod network_0 {
use nanobanana::{Client, ClientOptions};

fn main() -> Result<(), nanobanana::Error> {
    let proxy = "http://user:password@proxy.example:3128";
    let options = ClientOptions::new().proxy(proxy).ca_bundle("company-ca.pem");
    let _client = Client::new(options)?;
    Ok(())
}
}

mod network_1 {
use nanobanana::{Client, ClientOptions, Key};

fn main() -> Result<(), nanobanana::Error> {
    let key = Key::asked(|| async { Ok(Some("key-from-your-vault".to_owned())) });
    let _client = Client::with_key(ClientOptions::new(), key)?;
    Ok(())
}
}

mod output_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let result = client.generate("A boat", GenerateOptions::new()).await?;
    let image = result.image()?;
    let url = image.to_data_url()?; // data:image/jpeg;base64,…
    println!("{} {} {}", image.width(), image.height(), url.len());
    Ok(())
}
}

mod output_1 {
use nanobanana::options::OutputFormat;
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let result = client.generate("A boat", GenerateOptions::new()).await?;
    let image = result.image()?;
    image.save("boat")?; // boat.jpg, untouched
    image.convert("webp", Some(80))?.save("small")?;
    image.resize(512, 512)?.save("tiny.png")?;
    let options = GenerateOptions::new().output_format(OutputFormat::Webp);
    let webp = client.generate("A boat", options.output_quality(80u32)).await?;
    println!("{}", webp.image()?.mime_type());
    Ok(())
}
}

mod output_2 {
use nanobanana::Image;

fn main() -> Result<(), nanobanana::Error> {
    let found = Image::open("boat.jpg")?.provenance()?;
    println!("{} {} {:?}", found.c2pa, found.ai, found.marks);
    Ok(())
}
}

mod references_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, GenerateOptions, Input, Reference, Role};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let about = Reference::new().name("Mia").role(Role::Character);
    let mia = Input::Reference(Box::new(Path::new("mia.jpg").into()), about);
    let images = [mia, Input::from(Path::new("cafe.jpg"))];
    let options = GenerateOptions::new();
    client.edit("Mia in this café with a book", images, options).await?;
    Ok(())
}
}

mod references_1 {
use std::path::Path;

use nanobanana::{Attachment, Client, ClientOptions, GenerateOptions, Input};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let file = Box::new(Path::new("plan.pdf").into());
    let plan = Input::Attachment(file, Attachment::new());
    let prompt = [Input::from("A poster of this plan"), plan];
    client.generate(prompt, GenerateOptions::new()).await?;
    Ok(())
}
}

mod safety_0 {
use std::collections::BTreeMap;

use nanobanana::options::Safety;
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let category = "HARM_CATEGORY_DANGEROUS_CONTENT".to_owned();
    let strict = Safety(BTreeMap::from([(category, "BLOCK_ONLY_HIGH".to_owned())]));
    for safety in [strict, Safety::off()] {
        let options = GenerateOptions::new().safety(safety);
        client.generate("A battle of toy knights", options).await?;
    }
    Ok(())
}
}

mod safety_1 {
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions, Kind};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let emulator = Emulator::start(0)?;
    emulator.script(&[json!({ "finish_reason": "IMAGE_SAFETY" })])?;
    let options = ClientOptions::new().base_url(emulator.url()).api_key("any");
    let client = Client::new(options)?;
    match client.generate("A battle", GenerateOptions::new()).await {
        Err(error) if error.is(Kind::BlockedError) => {
            println!("{:?} {:?}", error.field("stage"), error.field("reason"));
        }
        other => println!("{}", other?.images.len()),
    }
    Ok(())
}
}

mod servers_0 {
use nanobanana::{Client, ClientOptions};

fn main() -> Result<(), nanobanana::Error> {
    // allow_private_urls stays off
    let options = ClientOptions::new().local_files(false).budget(50.0);
    let _client = Client::new(options.max_concurrency(20u32))?;
    Ok(())
}
}

mod start_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::offline(ClientOptions::new())?;
    let options = GenerateOptions::new().aspect_ratio("16:9").image_size("2K");
    let result = client.generate("A banana sailboat at dusk", options).await?;
    let path = result.image()?.save("boat")?; // with the right extension: boat.jpg
    println!("{} {:?}", path.display(), result.cost);
    Ok(())
}
}

mod testing_0 {
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let emulator = Emulator::start(0)?;
    let options = ClientOptions::new().base_url(emulator.url()).api_key("any");
    let client = Client::new(options)?;
    let options = GenerateOptions::new().aspect_ratio("2:3");
    let result = client.generate("A poster: Tides", options).await?;
    let image = result.image()?;
    assert_eq!((image.width(), image.height()), (848, 1264));
    assert_eq!(emulator.requests().len(), 1);
    Ok(())
}
}

mod testing_1 {
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions, Kind, Retry};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let emulator = Emulator::start(0)?;
    let steps = [json!({ "status": 503 }), json!({ "finish_reason": "NO_IMAGE" })];
    emulator.script(&steps)?;
    let options = ClientOptions::new().base_url(emulator.url()).api_key("any");
    let client = Client::new(options.retry(Retry::new().initial(0.0)))?; // no waits
    match client.generate("a boat", GenerateOptions::new()).await {
        Err(error) if error.is(Kind::NoImageError) => {
            println!("{:?} {}", error.finish_reason(), error.attempts().len());
        }
        other => println!("{}", other?.images.len()),
    }
    Ok(())
}
}

mod threads_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    // It needs a key; Client::offline needs none.
    let client = Client::new(ClientOptions::new())?;
    let tasks = ["A cat", "A boat", "A tree"].map(|prompt| {
        let client = client.clone(); // shares connections, limits and budget
        let options = GenerateOptions::new();
        tokio::spawn(async move { client.generate(prompt, options).await })
    });
    for task in tasks {
        if let Ok(result) = task.await {
            println!("{}", result?.images.len());
        }
    }
    Ok(())
}
}

mod threads_1 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let (first, second) = tokio::join!(
        client.generate("A cat", GenerateOptions::new()),
        client.generate("A boat", GenerateOptions::new()),
    );
    println!("{} {}", first?.images.len(), second?.images.len());
    let mut stream = client.generate_stream("A tree", GenerateOptions::new());
    while let Some(event) = stream.next().await? {
        println!("{event:?}");
    }
    Ok(())
}
}

mod timeouts_0 {
use std::time::Duration;

use nanobanana::{Client, ClientOptions, GenerateOptions, Timeout};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let options = ClientOptions::new().timeout(Duration::from_secs(120));
    let client = Client::new(options)?;
    let timeout = Timeout::new().total(300.0).idle(30.0); // seconds, for one call
    let longer = GenerateOptions::new().timeout(timeout);
    client.generate("A map of tides", longer).await?;
    Ok(())
}
}

mod timeouts_1 {
use nanobanana::{Client, ClientOptions, GenerateOptions, Retry};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    for retry in [
        Retry::from(false),                 // one request
        Retry::new().max_attempts(2u32),    // at most two
        Retry::new().no_image(1u32),        // pay once more if nothing is drawn
        Retry::new().resend_unknown(false), // never pay twice unknowingly
    ] {
        client.generate("A map", GenerateOptions::new().retry(retry)).await?;
    }
    Ok(())
}
}
