//! `nanobanana models`: the models, what they take and what they cost.

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, Command, ValueHint};
use serde_json::Value;

use super::out::listing;
use nanobanana::catalogue::Catalogue;
use nanobanana::client::Client;
use nanobanana::error::Error;
use nanobanana::options::ClientOptions;
use nanobanana::schema::{Case, Write as _};
use nanobanana_base::message::counted;

pub(super) fn command(json: Arg) -> Command {
    Command::new("models").about("List the models, what they take and what they cost").arg(json).arg(
        Arg::new("catalogue")
            .long("catalogue")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .help("A catalogue to use instead of the built-in one: a file or an http(s): URL"),
    )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Error> {
    let list = match matches.get_one::<String>("catalogue") {
        Some(place) => {
            // It asks for no model, and sends no key.
            let client = Client::new(ClientOptions::new().api_key("none").catalogue(place.as_str()))?;
            client.ready().await?;
            client.models()
        }
        None => Catalogue::builtin().list(),
    };
    if matches.get_flag("json") {
        return listing(&list.write(Case::Shell).to_string());
    }
    let mut out = String::new();
    for model in list {
        let price = |size: &String| match model.price_per_image.0.get(size).and_then(Value::as_f64) {
            Some(price) => format!("{size} ${price:.4}"),
            None => size.clone(),
        };
        let ends = model.shutdown.as_ref().map(|day| format!(", may end from {day}")).unwrap_or_default();
        let _ = writeln!(out, "{}  {} ({}{ends})", model.id, model.name, model.state);
        let _ = writeln!(out, "    also      {}", model.aliases.join(", "));
        let _ = writeln!(
            out,
            "    sizes     {}",
            model.image_sizes.iter().map(price).collect::<Vec<_>>().join(", ")
        );
        let _ = writeln!(out, "    ratios    {}", model.aspect_ratios.join(" "));
        let skills = [
            ("thinking", !model.thinking.is_empty()),
            ("search", model.search),
            ("image search", model.image_search),
        ];
        let skills: Vec<_> = skills.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
        let pictures = match (model.max_images, model.soft_max_images) {
            (Some(most), _) => format!("up to {}", counted(most, "picture", "pictures")),
            (None, Some(best)) => format!("pictures, best up to {best}"),
            (None, None) => "pictures".to_owned(),
        };
        let _ = writeln!(
            out,
            "    takes     {pictures}{}{}",
            if skills.is_empty() { "" } else { "; " },
            skills.join(", ")
        );
    }
    listing(out.trim_end())
}
