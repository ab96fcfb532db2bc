//! What each model is called, takes and costs.
//!
//! All of it is data: `models.json`, built in, or a newer file of the same form. Nothing in the code
//! knows a model by name, so a new model is one new entry in that file. Here the file is read and
//! looked up; `check` holds a call against it before anything is sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Kind};

const BUILTIN: &str = include_str!("../models.json");

/// The form of the file that this version reads.
const FORMAT: u64 = 1;

/// Width and height by aspect ratio, by size.
pub type PixelTable = BTreeMap<String, BTreeMap<String, (u32, u32)>>;

/// Every model that is known, and those that are gone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "format")]
    _format: u64,
    /// The day on which its facts were last checked, as `2026-11-24`.
    pub checked: String,
    /// The alias or id of the model that a call uses when it names none.
    pub default: String,
    #[serde(rename = "aspect_ratios")]
    ratio_sets: BTreeMap<String, Vec<String>>,
    #[serde(rename = "pixels")]
    pixel_tables: BTreeMap<String, PixelTable>,
    /// The models, the recommended one first.
    pub models: Vec<Model>,
    /// Models that no longer exist and have no living twin.
    pub gone: Vec<Gone>,
}

/// Whether a model is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Generally available.
    Stable,
    /// Offered for trial; may change or go at short notice.
    Preview,
    /// Still served, or may be; to be replaced.
    Deprecated,
}

impl State {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Stable => "stable",
            State::Preview => "preview",
            State::Deprecated => "deprecated",
        }
    }
}

/// One model. Dates are `2026-11-24`, or `2026-11` where the day is not known.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What is sent.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Short names that stand for the id here; the service does not know them.
    pub aliases: Vec<String>,
    /// Former ids that the service refuses; this model is their twin.
    pub retired_ids: Vec<RetiredId>,
    /// Whether it is to be used.
    pub state: State,
    /// Since when it is generally available.
    pub released: Option<String>,
    /// Since when it is deprecated.
    pub deprecated: Option<String>,
    /// When it is shut down.
    pub shutdown: Option<String>,
    /// Whether `shutdown` is the earliest day, not a fixed one.
    #[serde(default)]
    pub shutdown_is_earliest: bool,
    /// The id of the model to move to.
    pub successor: Option<String>,
    /// Since when projects that never used it are refused.
    pub closed_to_new_projects: Option<String>,
    /// The name of a shared list, or a list of its own.
    #[serde(rename = "aspect_ratios")]
    ratios_as_written: Value,
    /// The aspect ratios it takes.
    #[serde(skip)]
    pub aspect_ratios: Vec<String>,
    /// The sizes it takes, small to large.
    pub sizes: Vec<String>,
    /// The size it draws when none is asked for.
    pub default_size: String,
    /// The name of a shared table, or a table of its own.
    #[serde(rename = "pixels")]
    pixels_as_written: Value,
    #[serde(skip)]
    pixel_table: PixelTable,
    /// How it thinks.
    pub thinking: ThinkingData,
    /// Whether it can search the web.
    pub search: bool,
    /// Whether it can search for pictures.
    pub image_search: bool,
    /// Whether it takes videos.
    pub video_input: bool,
    /// The sampling options it takes: `temperature`, `top_p`, `seed`.
    pub sampling: Vec<String>,
    /// The service tiers it is offered in.
    pub service_tiers: Vec<String>,
    /// How many pictures a call may send; none if no limit is known.
    pub max_images: Option<u32>,
    /// Beyond how many pictures its results get worse.
    pub soft_max_images: Option<u32>,
    /// How many tokens one picture sent counts, about.
    pub tokens_per_input_image: u64,
    /// How many tokens a call may send.
    pub max_input_tokens: u64,
    /// How many tokens an answer may have.
    pub max_output_tokens: u64,
    /// How many tokens one picture drawn counts, by size.
    pub image_tokens: BTreeMap<String, u64>,
    /// What it costs.
    pub prices: Prices,
    /// The type of file that it mostly answers with. Only an expectation: the bytes decide.
    pub output_mime: String,
    /// Whether its parts carry thought signatures, and want them back.
    pub signatures: bool,
    /// What else is worth knowing, in sentences.
    pub notes: Vec<String>,
    /// What sources disagree about: let through with a warning.
    pub disputed: Vec<Disputed>,
}

/// A former id of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetiredId {
    /// The id.
    pub id: String,
    /// When it was shut down, if that is known.
    pub shutdown: Option<String>,
}

/// How a model thinks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingData {
    /// The levels that can be asked for, least first; empty if none can.
    pub levels: Vec<String>,
    /// The level used when none is asked for.
    pub default: Option<String>,
    /// Whether its thoughts can be asked for.
    pub thoughts: bool,
}

/// What a model costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The day on which they were last checked.
    pub checked: String,
    /// Where they are from.
    pub source: String,
    /// The rates by service tier.
    pub tiers: BTreeMap<String, Rate>,
    /// USD per 1,000 searches, once the month's free ones are used up. No part of a call's cost.
    pub search_per_1000: Option<f64>,
}

/// Prices in USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What is sent, text and pictures alike.
    pub input: f64,
    /// Text that is written, thoughts included.
    pub text: f64,
    /// Pictures that are drawn; none if not known.
    pub image: Option<f64>,
    /// What is sent and was cached; none if it has no price of its own.
    pub cached: Option<f64>,
}

/// Something that sources disagree about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disputed {
    /// The option, in snake case.
    pub option: String,
    /// The value; none if it is about every value of the option.
    pub value: Option<String>,
    /// Who says what.
    pub why: String,
}

/// A model that no longer exists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// Its id; a `*` at the end stands for any ending.
    pub id: String,
    /// When it was shut down.
    pub shutdown: String,
    /// The id of the model to move to.
    pub successor: String,
}

impl Catalogue {
    /// The catalogue that is built in.
    pub fn builtin() -> &'static Catalogue {
        // The file is part of the build, and a test reads it: the empty default is never seen.
        static CATALOGUE: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::parse(BUILTIN, "models.json").unwrap_or_default());
        &CATALOGUE
    }

    /// A catalogue from a file of the form of the built-in `models.json`.
    ///
    /// # Errors
    /// [`Kind::ConfigError`] that names the file and the place if it cannot be read, is not of that
    /// form, or contradicts itself.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let problem = format!(
                "the catalogue file {name} cannot be read: {error}; give the path of a models.json, or leave `catalogue` out to use the built-in one"
            );
            Error::new(Kind::ConfigError, problem).because(error)
        })?;
        Self::parse(&text, &name)
    }

    /// Reads a catalogue's text; `name` is what messages call it.
    fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let wrong = |problem: String| {
            Error::new(Kind::ConfigError, format!("the catalogue file {name} is wrong: {problem}"))
        };
        #[derive(Deserialize)]
        struct Head {
            format: u64,
        }
        // A newer form has fields that this version does not know: say so before tripping over one.
        let head: Head = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if head.format != FORMAT {
            return Err(wrong(format!(
                "its `format` is {}, this version reads {FORMAT}; use the file that belongs to this version, or another version of nanobanana",
                head.format
            )));
        }
        let mut catalogue: Catalogue =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        catalogue.link().map_err(wrong)?;
        Ok(catalogue)
    }

    /// Puts shared lists and tables in the place of their names.
    fn link(&mut self) -> Result<(), String> {
        for (index, model) in self.models.iter_mut().enumerate() {
            let at = |field: &str| format!("models[{index}] ({}): `{field}`", model.id);
            model.aspect_ratios = linked(&model.ratios_as_written, &self.ratio_sets, || at("aspect_ratios"))?;
            model.pixel_table = linked(&model.pixels_as_written, &self.pixel_tables, || at("pixels"))?;
        }
        Ok(())
    }

    /// The model with this id or alias, spelt exactly.
    pub fn find(&self, id_or_alias: &str) -> Option<&Model> {
        self.models
            .iter()
            .find(|model| model.id == id_or_alias || model.aliases.iter().any(|alias| alias == id_or_alias))
    }
}

/// A value that is written out, or the shared one whose name is written.
fn linked<T: Clone + for<'de> Deserialize<'de>>(
    written: &Value,
    shared: &BTreeMap<String, T>,
    at: impl Fn() -> String,
) -> Result<T, String> {
    match written {
        Value::String(name) => shared.get(name).cloned().ok_or_else(|| {
            let names: Vec<_> = shared.keys().map(|name| format!("`{name}`")).collect();
            format!(
                "{} names `{name}`, which the file does not define; it defines {}",
                at(),
                names.join(", ")
            )
        }),
        own => T::deserialize(own).map_err(|error| format!("{}: {error}", at())),
    }
}

impl Model {
    /// Width and height of a picture of this ratio and size, both spelt as the service wants them;
    /// none if the model has no such picture. An expectation: the bytes decide.
    pub fn pixels(&self, ratio: &str, size: &str) -> Option<(u32, u32)> {
        let has = |option, list: &[String], word: &str| {
            list.iter().any(|known| known == word) || self.dispute(option, word).is_some()
        };
        if !has("aspect_ratio", &self.aspect_ratios, ratio) || !has("image_size", &self.sizes, size) {
            return None;
        }
        self.pixel_table.get(size)?.get(ratio).copied()
    }

    /// What sources disagree about for this value of this option (snake case), if they do.
    pub fn dispute(&self, option: &str, value: &str) -> Option<&Disputed> {
        self.disputed.iter().find(|disputed| {
            disputed.option == option
                && (disputed.value.as_ref()).is_none_or(|disputed| disputed.eq_ignore_ascii_case(value))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_is_whole() {
        let catalogue = Catalogue::parse(BUILTIN, "models.json").unwrap();
        assert_eq!(catalogue.models.len(), 5);
        let pro = Catalogue::builtin().find("nano-banana-pro").unwrap();
        assert_eq!(pro.id, "gemini-3-pro-image");
        assert_eq!(pro.pixels("16:9", "2K"), Some((2752, 1536)));
        assert_eq!(pro.pixels("1:8", "2K"), None);
    }
}
