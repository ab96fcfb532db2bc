//! What each model is called, takes and costs.
//!
//! All of it is data: `models.json`, built in, or a newer file of the same form. Nothing in the code
//! knows a model by name, so a new model is one new entry in that file. Here the file is read and
//! looked up; `check` holds a call against it before anything is sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, Kind, Usage};
use crate::local;
use crate::message::{Message, message, method};
use crate::options::{Role, ServiceTier, Thinking, nearest};
use crate::schema::{Case, Typed, Write, record};

mod age;
mod check;
mod estimate;
mod identity;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use age::{day_of, days};
pub use check::Checked;
#[doc(hidden)]
pub use check::plain;
pub use estimate::{Estimate, Expected, Range};
#[doc(hidden)]
pub use identity::is_same;

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
    /// How many bytes one request may have, whatever the model; more goes through the Files API.
    #[serde(default = "inline_limit")]
    pub inline_limit_bytes: u64,
    /// Where that number is from.
    #[serde(default)]
    pub inline_limit_source: String,
    /// The models, the recommended one first. Calls share them: one holds hundreds of texts.
    pub models: Vec<Arc<Model>>,
    /// Models that no longer exist and have no living twin.
    pub gone: Vec<Gone>,
}

/// What a file without this number means.
fn inline_limit() -> u64 {
    Catalogue::builtin().inline_limit_bytes
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
    /// How many videos a call may send; none if no limit is known.
    #[serde(default)]
    pub max_videos: Option<u32>,
    /// How many references of a role it keeps alike from picture to picture, where that is known.
    #[serde(default)]
    pub references: BTreeMap<String, u32>,
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
    /// The same by another source, for the sizes of which one gives more.
    #[serde(default)]
    pub image_tokens_at_most: BTreeMap<String, u64>,
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
    /// Whether it thinks in every call, whatever is asked for: its thinking is paid for and cannot be switched off.
    #[serde(default)]
    pub always: bool,
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
    /// How many searches a month are free before that.
    pub searches_free_per_month: Option<u64>,
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
        let text =
            local::read(path).and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        let text = text.map_err(|error| {
            let problem = format!(
                "the catalogue file {name} cannot be read: {error}; give the path of a models.json, or leave `catalogue` out to use the built-in one"
            );
            Error::new(Kind::ConfigError, problem).because(error)
        })?;
        Self::parse(&text, &name)
    }

    /// A catalogue from the bytes of such a file; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    #[doc(hidden)]
    pub fn read(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|cause| {
            Error::new(Kind::ConfigError, format!("the catalogue file {name} is wrong: {cause}"))
        })?;
        Self::parse(text, name)
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

    /// Puts shared lists and tables in the place of their names, and looks for contradictions.
    fn link(&mut self) -> Result<(), String> {
        // Nobody else has them yet.
        for (index, model) in self.models.iter_mut().filter_map(Arc::get_mut).enumerate() {
            let at = |field: &str| format!("models[{index}] ({}): `{field}`", model.id);
            model.aspect_ratios = linked(&model.ratios_as_written, &self.ratio_sets, || at("aspect_ratios"))?;
            model.pixel_table = linked(&model.pixels_as_written, &self.pixel_tables, || at("pixels"))?;
            model.validate().map_err(|(field, problem)| format!("{} {problem}", at(field)))?;
        }
        self.validate()
    }

    /// What concerns more than one entry.
    fn validate(&self) -> Result<(), String> {
        day(&self.checked).map_err(|problem| format!("`checked` {problem}"))?;
        if self.models.is_empty() {
            return Err("`models` is empty; it must list at least one".into());
        }
        let mut owners = BTreeMap::new();
        for model in &self.models {
            let retired = model.retired_ids.iter().map(|retired| retired.id.as_str());
            for name in model.names().chain(retired) {
                if name.trim().is_empty() {
                    return Err(format!("`{}` has an empty id or alias", model.name));
                }
                if let Some(other) = owners.insert(name.to_lowercase(), &model.id) {
                    return Err(format!(
                        "the name `{name}` is given twice, in {other} and in {}; ids, aliases and retired ids must differ",
                        model.id
                    ));
                }
            }
        }
        for gone in &self.gone {
            if let Some(owner) = owners.get(&gone.id.to_lowercase()) {
                return Err(format!("`gone` lists `{}`, which stands for {owner} too", gone.id));
            }
            day(&gone.shutdown).map_err(|problem| format!("gone ({}): `shutdown` {problem}", gone.id))?;
        }
        let ids = || self.models.iter().map(|model| model.id.as_str());
        let named = self.models.iter().filter_map(|model| Some((&model.id, model.successor.as_ref()?)));
        let gone = self.gone.iter().map(|gone| (&gone.id, &gone.successor));
        for (id, successor) in named.chain(gone) {
            if !ids().any(|known| known == successor) {
                return Err(format!(
                    "the `successor` of {id} is `{successor}`; it must be the id of a model in the file: {}",
                    listed(ids())
                ));
            }
        }
        match self.find(&self.default) {
            Some(_) => Ok(()),
            None => Err(format!(
                "`default` is `{}`; it must be an id or alias in the file: {}",
                self.default,
                listed(self.names())
            )),
        }
    }

    /// The model with this id or alias, spelt exactly.
    pub fn find(&self, id_or_alias: &str) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| model.names().any(|name| name == id_or_alias))
    }

    /// The same in any case of letters: the service wants ids exactly, people write `Nano-Banana`.
    fn find_loosely(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.iter().find(|model| model.names().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// What a caller's name for a model stands for. A name that is not known is sent as it is.
    pub fn resolve(&self, name: &str) -> Resolved<'_> {
        let name = name.trim();
        let name = name.strip_prefix("models/").unwrap_or(name);
        let mut warnings = Vec::new();
        let model = self.find_loosely(name).or_else(|| {
            let (model, retired) = self.retired(name)?;
            let when = retired.shutdown.as_ref().map(|day| format!(" (shut down on {day})"));
            warnings.push(message!(
                "`{name}` is a former id{}; its twin `{}` was asked instead",
                when.unwrap_or_default(),
                model.id
            ));
            Some(model)
        });
        warnings.extend(match model {
            Some(model) => {
                model.end().map(|end| message!("{end}; {}", self.instead(model.successor.as_deref())))
            }
            None => self.gone(name).map(|gone| self.farewell(name, gone).into()),
        });
        Resolved { model, id: model.map_or_else(|| name.to_owned(), |model| model.id.clone()), warnings }
    }

    /// What to tell someone whom the service told that it has no such model; none if nothing is
    /// known that could help.
    pub fn advice(&self, id: &str) -> Option<Message> {
        let id = id.strip_prefix("models/").unwrap_or(id);
        if let Some(model) = self.find_loosely(id) {
            let closed = (model.closed_to_new_projects.as_ref())
                .map(|day| format!("since {day} `{}` is closed to projects that never used it", model.id));
            let known: Vec<String> = closed.into_iter().chain(model.end()).collect();
            let successor = model.successor.as_deref();
            return (!known.is_empty())
                .then(|| format!("{}; {}", known.join("; "), self.instead(successor)).into());
        }
        if let Some((model, _)) = self.retired(id) {
            return Some(format!("`{id}` is a former id; {}", self.instead(Some(&model.id))).into());
        }
        if let Some(gone) = self.gone(id) {
            return Some(self.farewell(id, gone).into());
        }
        let meant = match nearest(id, self.names().into_iter()) {
            Some(meant) => message!("did you mean `{meant}`?"),
            None => message!("{} lists those that are", method("models", "nanobanana models")),
        };
        Some(message!("`{id}` is not in the catalogue of {}; {}", self.checked, meant))
    }

    fn retired(&self, id: &str) -> Option<(&Arc<Model>, &RetiredId)> {
        self.models.iter().find_map(|model| {
            let retired = model.retired_ids.iter().find(|retired| retired.id.eq_ignore_ascii_case(id))?;
            Some((model, retired))
        })
    }

    fn gone(&self, id: &str) -> Option<&Gone> {
        self.gone.iter().find(|gone| match gone.id.strip_suffix('*') {
            Some(start) => id.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)),
            None => gone.id.eq_ignore_ascii_case(id),
        })
    }

    fn farewell(&self, id: &str, gone: &Gone) -> String {
        format!("`{id}` was shut down on {}; {}", gone.shutdown, self.instead(Some(&gone.successor)))
    }

    fn instead(&self, successor: Option<&str>) -> String {
        let successor = successor.unwrap_or(&self.default);
        match self.find(successor) {
            Some(model) => format!("use `{}` instead", model.nickname()),
            None => format!("use `{successor}` instead"),
        }
    }

    /// Every alias and id, model by model.
    pub fn names(&self) -> Vec<&str> {
        self.models.iter().flat_map(|model| model.names()).collect()
    }

    /// Every aspect ratio that some model takes.
    pub fn aspect_ratios(&self) -> Vec<&str> {
        union(self.models.iter().map(|model| model.aspect_ratios.as_slice()))
    }

    /// Every size that some model takes, small to large.
    pub fn image_sizes(&self) -> Vec<&str> {
        let mut sizes = union(self.models.iter().map(|model| model.sizes.as_slice()));
        sizes.sort_by(|a, b| check::edge(a).total_cmp(&check::edge(b)));
        sizes
    }

    /// What `client.models()` tells.
    pub fn list(&self) -> Vec<ModelInfo> {
        self.models.iter().map(|model| ModelInfo::from(&**model)).collect()
    }
}

/// What a caller's name for a model stands for.
#[derive(Debug, Clone)]
pub struct Resolved<'a> {
    /// The model; none if the catalogue does not know it.
    pub model: Option<&'a Arc<Model>>,
    /// What is sent.
    pub id: String,
    /// What the caller should know, in sentences.
    pub warnings: Vec<Message>,
}

fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn union<'a>(lists: impl Iterator<Item = &'a [String]>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for word in lists.flatten() {
        if !all.contains(&word.as_str()) {
            all.push(word);
        }
    }
    all
}

/// Refuses what is not a date of the form `2026-11-24` or `2026-11`.
fn day(text: &str) -> Result<(), String> {
    let form = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter });
    match form.collect::<String>().as_str() {
        "0000-00-00" | "0000-00" => Ok(()),
        _ => Err(format!("is {text:?}; it must be a date like 2026-11-24 or 2026-11")),
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
    /// Its aliases and its id.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().chain([&self.id]).map(String::as_str)
    }

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

    /// The size that need not and may not be asked for, because the model has no other.
    pub fn only_size(&self) -> Option<&str> {
        match self.sizes.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Its first alias, else its id: what to call it in a sentence to a caller.
    pub fn nickname(&self) -> &str {
        self.aliases.first().unwrap_or(&self.id)
    }

    /// The price in USD of what a call used, in the service tier that served it (none: standard).
    /// None if that tier, or the pictures in it, have no known price.
    pub fn cost(&self, usage: &Usage, tier: Option<&str>) -> Option<f64> {
        let tier = tier.filter(|tier| !tier.is_empty()).unwrap_or("standard").to_lowercase();
        let rate = self.prices.tiers.get(&tier)?;
        let image_rate = match usage.image_tokens {
            0 => 0.0,
            _ => rate.image?,
        };
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let text =
            usage.output_tokens.saturating_sub(usage.image_tokens).saturating_add(usage.thought_tokens);
        let of = |tokens: u64, rate: f64| tokens as f64 * rate;
        let millionths = of(usage.input_tokens - cached, rate.input)
            + of(cached, rate.cached.unwrap_or(rate.input))
            + of(text, rate.text)
            + of(usage.image_tokens, image_rate);
        Some(millionths / 1e6)
    }

    /// The price in USD of one picture of this size alone, in the standard tier.
    pub fn price_per_image(&self, size: &str) -> Option<f64> {
        let tokens = *self.image_tokens.get(size)?;
        self.cost(&Usage { output_tokens: tokens, image_tokens: tokens, ..Usage::default() }, None)
    }

    /// How the model nears its end, if it does.
    fn end(&self) -> Option<String> {
        let by = if self.shutdown_is_earliest { "from" } else { "on" };
        match (&self.deprecated, &self.shutdown) {
            (Some(since), Some(day)) => {
                Some(format!("`{}` is deprecated since {since} and to be shut down {by} {day}", self.id))
            }
            (Some(since), None) => Some(format!("`{}` is deprecated since {since}", self.id)),
            (None, Some(day)) => Some(format!("`{}` is to be shut down {by} {day}", self.id)),
            (None, None) => None,
        }
    }

    /// The first field that contradicts another one, and how.
    fn validate(&self) -> Result<(), (&'static str, String)> {
        let known = |field: &'static str, words: &[String], known: &[&str]| match words
            .iter()
            .find(|word| !known.contains(&word.as_str()))
        {
            Some(word) => Err((field, format!("has `{word}`; known are {}", listed(known.iter().copied())))),
            None => Ok(()),
        };
        let sizes: Vec<&str> = self.sizes.iter().map(String::as_str).collect();
        if self.aspect_ratios.is_empty() {
            return Err(("aspect_ratios", "is empty; it must name at least one ratio".into()));
        }
        if !sizes.contains(&self.default_size.as_str()) {
            let problem = format!("is `{}`; it must be one of `sizes`: {}", self.default_size, listed(sizes));
            return Err(("default_size", problem));
        }
        for size in &self.sizes {
            if !self.image_tokens.contains_key(size) {
                return Err(("image_tokens", format!("has no number for the size `{size}`")));
            }
            for ratio in &self.aspect_ratios {
                if self.pixels(ratio, size).is_none_or(|(width, height)| width == 0 || height == 0) {
                    return Err(("pixels", format!("has no width and height for {ratio} at `{size}`")));
                }
            }
        }
        for (size, most) in &self.image_tokens_at_most {
            if self.image_tokens.get(size).is_none_or(|tokens| tokens > most) {
                return Err((
                    "image_tokens_at_most",
                    format!(
                        "has {most} for `{size}`; `image_tokens` must have a number for it that is no larger"
                    ),
                ));
            }
        }
        known("thinking.levels", &self.thinking.levels, Thinking::WORDS)?;
        known("sampling", &self.sampling, check::SAMPLING)?;
        known("references", &self.references.keys().cloned().collect::<Vec<_>>(), Role::WORDS)?;
        known("service_tiers", &self.service_tiers, ServiceTier::WORDS)?;
        if let Some(default) = &self.thinking.default
            && !self.thinking.levels.contains(default)
        {
            return Err(("thinking.default", format!("is `{default}`, which is not one of `levels`")));
        }
        for disputed in &self.disputed {
            known("disputed", std::slice::from_ref(&disputed.option), check::OPTIONS)?;
        }
        for tier in &self.service_tiers {
            if !self.prices.tiers.contains_key(tier) {
                return Err(("prices.tiers", format!("has no prices for the service tier `{tier}`")));
            }
        }
        for rate in self.prices.tiers.values() {
            let prices = [Some(rate.input), Some(rate.text), rate.image, rate.cached];
            if prices.into_iter().flatten().any(|price| !(price.is_finite() && price >= 0.0)) {
                return Err(("prices.tiers", "has a price that is not a number from 0".into()));
            }
        }
        if let (Some(soft), Some(max)) = (self.soft_max_images, self.max_images)
            && soft > max
        {
            return Err(("soft_max_images", format!("is {soft}, more than `max_images`, {max}")));
        }
        if !self.output_mime.starts_with("image/") {
            let problem = format!("is `{}`; it must be a type like image/png", self.output_mime);
            return Err(("output_mime", problem));
        }
        let dates = [
            ("released", &self.released),
            ("deprecated", &self.deprecated),
            ("shutdown", &self.shutdown),
            ("closed_to_new_projects", &self.closed_to_new_projects),
        ];
        for (field, date) in dates {
            if let Some(date) = date {
                day(date).map_err(|problem| (field, problem))?;
            }
        }
        day(&self.prices.checked).map_err(|problem| ("prices.checked", problem))
    }
}

/// A price in USD by size, small to large.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceBySize(pub Map<String, Value>);

impl Typed for PriceBySize {
    fn python() -> String {
        "dict[str, float]".into()
    }
    fn typescript() -> String {
        "Record<string, number>".into()
    }
}

impl Write for PriceBySize {
    fn write(&self, _: Case) -> Value {
        Value::Object(self.0.clone())
    }
}

record! {
    /// What is known of one model. Dates are texts like `2026-11-24`.
    pub struct ModelInfo {
        /// The model's id.
        id: String,
        /// What people call it.
        name: String,
        /// Short names that stand for the id.
        aliases: Vec<String>,
        /// "stable", "preview" or "deprecated".
        state: String,
        /// The aspect ratios it takes.
        aspect_ratios: Vec<String>,
        /// The sizes it takes, small to large.
        image_sizes: Vec<String>,
        /// The size it draws when none is asked for.
        default_image_size: String,
        /// The thinking levels it takes; empty if none can be asked for.
        thinking: Vec<String>,
        /// Whether its thoughts can be asked for.
        thoughts: bool,
        /// Whether it thinks in every call, which is paid for and cannot be switched off.
        always_thinks: bool,
        /// Whether it can search the web.
        search: bool,
        /// Whether it can search for pictures.
        image_search: bool,
        /// The service tiers it is offered in.
        service_tiers: Vec<String>,
        /// How many pictures a call may send; none if no limit is known.
        max_images: Option<u32>,
        /// Beyond how many pictures its results get worse; none if that is not known.
        soft_max_images: Option<u32>,
        /// How many references of a role it keeps alike from picture to picture, where that is known.
        references: BTreeMap<String, u32>,
        /// Whether it takes videos.
        video_input: bool,
        /// How many tokens an answer may have.
        max_output_tokens: u64,
        /// What one picture costs in USD by size, in the standard tier, prompt not counted.
        price_per_image: PriceBySize,
        /// The day on which the prices were last checked.
        prices_checked: String,
        /// Since when it is generally available.
        released: Option<String>,
        /// Since when it is deprecated.
        deprecated: Option<String>,
        /// When it is shut down, or the earliest day for that.
        shutdown: Option<String>,
        /// The id of the model to move to.
        successor: Option<String>,
        /// Since when projects that never used it are refused.
        closed_to_new_projects: Option<String>,
        /// What else is worth knowing, in sentences.
        notes: Vec<String>,
    }
}

impl From<&Model> for ModelInfo {
    fn from(model: &Model) -> Self {
        let price = |size: &String| Some((size.clone(), model.price_per_image(size)?.into()));
        ModelInfo {
            id: model.id.clone(),
            name: model.name.clone(),
            aliases: model.aliases.clone(),
            state: model.state.as_str().into(),
            aspect_ratios: model.aspect_ratios.clone(),
            image_sizes: model.sizes.clone(),
            default_image_size: model.default_size.clone(),
            thinking: model.thinking.levels.clone(),
            thoughts: model.thinking.thoughts,
            always_thinks: model.thinking.always,
            search: model.search,
            image_search: model.image_search,
            service_tiers: model.service_tiers.clone(),
            max_images: model.max_images,
            soft_max_images: model.soft_max_images,
            references: model.references.clone(),
            video_input: model.video_input,
            max_output_tokens: model.max_output_tokens,
            price_per_image: PriceBySize(model.sizes.iter().filter_map(price).collect()),
            prices_checked: model.prices.checked.clone(),
            released: model.released.clone(),
            deprecated: model.deprecated.clone(),
            shutdown: model.shutdown.clone(),
            successor: model.successor.clone(),
            closed_to_new_projects: model.closed_to_new_projects.clone(),
            notes: model.notes.clone(),
        }
    }
}
