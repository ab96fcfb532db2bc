//! Written by core/tests/generated/pages.rs from docs: change the pages; the test rewrites this file.

mod bulk_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions, Item, ManyOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new().budget(20.0))?;
    let many = ManyOptions::new().concurrency(8u32).journal("run.jsonl").save_to("out");
    let run = client.generate_many(GenerateOptions::new(), many)?;
    let mut items = (0..30).map(|n| Item::new(format!("A banana, style {n}")));
    while let Some(outcome) = run.next(&mut items).await? {
        println!("{} {:?} {:?}", outcome.index, outcome.files, outcome.error);
    }
    Ok(())
}
}

mod chat_and_streams_0 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, GenerateOptions, Input};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let chat = client.chat(GenerateOptions::new().model("nano-banana-pro"))?;
    chat.send("A mascot for a bakery", GenerateOptions::new()).await?;
    let turn = [Input::from("Same mascot, now waving"), Input::from(Path::new("logo.png"))];
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
    let options = GenerateOptions::new().model("nano-banana-pro").thoughts(true);
    let mut stream = client.generate_stream("An infographic about tides", options);
    while let Some(event) = stream.next().await? {
        match event {
            Event::Thought(thought) => println!("thinks: {:?}", thought.text),
            Event::Text(text) => print!("{}", text.text),
            Event::Image(image) => println!("{}", image.image.save("tides")?.display()),
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
    let client = Client::new(ClientOptions::new())?;
    let options = GenerateOptions::new();
    let night = client.edit("Make it night, keep the boat", Path::new("boat.jpg"), options).await?;
    night.image()?.save("night")?;
    Ok(())
}
}

mod edit_1 {
use std::path::Path;

use nanobanana::{Client, ClientOptions, EditOptions, GenerateOptions, Input, Region};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new())?;
    let mask = Input::mask(Region::fraction(0.0, 0.0, 1.0, 0.4), EditOptions::new());
    let images = [Input::from(Path::new("boat.jpg")), mask];
    let sky = client.edit("A stormy sky", images, GenerateOptions::new()).await?;
    println!("{:?}", sky.leak());
    Ok(())
}
}

mod index_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::offline(ClientOptions::new())?; // Client::new asks Google with your key
    let options = GenerateOptions::new().aspect_ratio("16:9");
    let result = client.generate("A banana-shaped sailboat at dusk", options).await?;
    result.image()?.save("boat")?;
    Ok(())
}
}

mod models_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new().model("nano-banana-pro"))?; // for every call of this client
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
    println!("{:?} {:?} {:?}", estimate.low, estimate.typical, estimate.high); // nothing is sent
    let result = client.generate("A poster", options).await?;
    println!("{:?} {}", result.cost, client.spent().usd);
    Ok(())
}
}

mod network_0 {
use nanobanana::{Client, ClientOptions};

fn main() -> Result<(), nanobanana::Error> {
    let options = ClientOptions::new().proxy("http://user:password@proxy.example:3128").ca_bundle("company-ca.pem");
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
    println!("{} {} {} {}", image.mime_type(), image.width(), image.height(), url.len());
    Ok(())
}
}

mod start_0 {
use nanobanana::{Client, ClientOptions, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::offline(ClientOptions::new())?;
    let options = GenerateOptions::new().aspect_ratio("16:9").image_size("2K");
    let result = client.generate("A banana-shaped sailboat at dusk", options).await?;
    let path = result.image()?.save("boat")?; // the right extension is added: boat.jpg
    println!("{} {:?}", path.display(), result.cost);
    Ok(())
}
}

mod testing_0 {
use nanobanana::{Client, ClientOptions, Emulator, GenerateOptions};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let emulator = Emulator::start(0)?;
    let client = Client::new(ClientOptions::new().base_url(emulator.url()).api_key("offline"))?;
    let options = GenerateOptions::new().aspect_ratio("2:3");
    let result = client.generate("A poster: Tides", options).await?;
    let image = result.image()?;
    assert_eq!((image.width(), image.height()), (848, 1264));
    assert_eq!(emulator.requests().len(), 1);
    Ok(())
}
}

mod timeouts_0 {
use std::time::Duration;

use nanobanana::{Client, ClientOptions, GenerateOptions, Timeout};

#[tokio::main]
async fn main() -> Result<(), nanobanana::Error> {
    let client = Client::new(ClientOptions::new().timeout(Duration::from_secs(120)))?; // for every call
    let timeout = Timeout::new().total(300.0).idle(30.0); // for one call
    client.generate("A map of tides", GenerateOptions::new().timeout(timeout)).await?;
    Ok(())
}
}
