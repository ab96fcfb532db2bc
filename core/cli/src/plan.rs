//! `nanobanana estimate`, `explain` and `count-tokens`: the price, the pictures and the tokens of a call that is not made.

use std::fmt::Write as _;

use clap::ArgMatches;

use super::out::{listing, warn};
use super::{NO_FLAGS, call_options, client, inputs, options};
use nanobanana::client::Client;
use nanobanana::error::Error;
use nanobanana::options::ClientOptions;
use nanobanana::records::{Estimate, Explained, InputPlan, PictureFacts, TokenCount};
use nanobanana::schema::Case;
use nanobanana_base::message::{Message, counted};

pub(super) async fn estimate(matches: &ArgMatches) -> Result<(), Error> {
    let client = without_key(matches)?;
    let inputs = inputs::of(matches).await?;
    client.ready().await?;
    let estimate = client.estimate(inputs, call_options(matches)?)?;
    warn(&estimate.warnings);
    show(matches, &estimate, priced)
}

pub(super) async fn explain(matches: &ArgMatches) -> Result<(), Error> {
    let client = without_key(matches)?;
    let inputs = inputs::of(matches).await?;
    let explained = client.explained(inputs, call_options(matches)?).await?;
    warn(&explained.warnings);
    show(matches, &explained, sent)
}

pub(super) async fn count_tokens(matches: &ArgMatches) -> Result<(), Error> {
    let client = client(matches)?;
    let count = client.count_tokens(inputs::of(matches).await?, call_options(matches)?).await?;
    warn(&count.warnings);
    show(matches, &count, counts)
}

/// The client of a command that asks the service nothing: it needs no key.
fn without_key(matches: &ArgMatches) -> Result<Client, Error> {
    let options = ClientOptions::read(&options(&ClientOptions::table(), matches, NO_FLAGS), Case::Shell)?;
    Client::new(options.api_key("none"))
}

fn show<T: nanobanana::schema::Write>(
    matches: &ArgMatches,
    record: &T,
    text: fn(&T) -> String,
) -> Result<(), Error> {
    match matches.get_flag("json") {
        true => listing(&record.write(Case::Shell).to_string()),
        false => listing(text(record).trim_end()),
    }
}

fn priced(estimate: &Estimate) -> String {
    let dollars = |price: Option<f64>| price.map(|price| format!("${price:.4}"));
    let (low, high) = (dollars(estimate.low), dollars(estimate.high));
    let range = match dollars(estimate.typical) {
        None => "price unknown".to_owned(),
        Some(typical) if low == high => typical,
        Some(typical) => {
            format!("{typical} ({} to {})", low.unwrap_or_default(), high.unwrap_or_default())
        }
    };
    let mut out = format!("{}  {range} for {}\n", estimate.model, counted(estimate.calls, "call", "calls"));
    for (name, tokens) in [("input", estimate.input_tokens), ("pictures", estimate.image_tokens)] {
        if let Some(tokens) = tokens {
            row(&mut out, name, &counted(tokens, "token", "tokens"));
        }
    }
    sentences(&mut out, "assumes", &estimate.assumes);
    sentences(&mut out, "without", &estimate.not_included);
    out
}

fn sent(explained: &Explained) -> String {
    let mut out = format!(
        "{}  {}, {} in one request\n",
        explained.model,
        counted(explained.inputs.len(), "picture", "pictures"),
        counted(explained.body_bytes, "byte", "bytes")
    );
    for InputPlan { input, action, given, sent, lossy, why, .. } in &explained.inputs {
        let loss = if *lossy { ", with loss" } else { "" };
        let _ = writeln!(out, "{input}  {action}{loss}");
        row(&mut out, "given", &facts(given));
        row(&mut out, "sent", &facts(sent));
        sentences(&mut out, "why", why);
    }
    out
}

fn facts(picture: &PictureFacts) -> String {
    let size = picture.width.zip(picture.height).map(|(width, height)| format!("{width}×{height}"));
    let bytes = picture.bytes.map(|bytes| counted(bytes, "byte", "bytes"));
    let known: Vec<String> = [picture.mime_type.clone(), size, bytes].into_iter().flatten().collect();
    if known.is_empty() { "not known".to_owned() } else { known.join(", ") }
}

fn counts(count: &TokenCount) -> String {
    let mut out = format!("{}\n", counted(count.total_tokens, "token", "tokens"));
    let parts = [
        ("text", count.text_tokens),
        ("pictures", count.image_tokens),
        ("video", count.video_tokens),
        ("sound", count.audio_tokens),
        ("documents", count.document_tokens),
        ("cached", count.cached_tokens),
    ];
    for (name, tokens) in parts.into_iter().filter(|(_, tokens)| *tokens > 0) {
        row(&mut out, name, &tokens.to_string());
    }
    out
}

fn sentences(out: &mut String, name: &str, sentences: &[Message]) {
    for sentence in sentences {
        row(out, name, &sentence.render(Case::Shell));
    }
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "    {name:<9} {text}");
}
