//! May this model be asked for this? Held against the catalogue before anything is sent.
//!
//! Each option of a call meets one of three fates: the model has it; sources disagree, so it is sent
//! with a warning; the model does not have it, which is an error or, if the caller wishes, a warning
//! and the call goes without it.

use std::fmt;

use serde_json::Value;

use super::{Catalogue, Model, Resolved, listed};
use crate::error::{Error, UnsupportedOption};
use crate::message::{Message, counted, message, option as named};
use crate::options::{AspectRatio, GenerateOptions, ImageSize, OnUnsupported, Role, Thinking};
use crate::schema::veiled;

/// The options that a model's `sampling` may list.
pub(super) const SAMPLING: &[&str] = &["temperature", "top_p", "seed"];

/// The options that a model's `disputed` may name.
pub(super) const OPTIONS: &[&str] = &[
    "aspect_ratio",
    "image_size",
    "thinking",
    "thoughts",
    "search",
    "image_search",
    "service_tier",
    "temperature",
    "top_p",
    "seed",
];

/// A call's options as its model can take them.
#[derive(Clone)]
pub struct Checked {
    /// The options, spelt as the service wants them, without what is left out.
    pub options: GenerateOptions,
    /// What the caller should know, in sentences; those of [`Resolved`] are not among them.
    pub warnings: Vec<Message>,
}

impl fmt::Debug for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        veiled(out, |out| {
            out.debug_struct("Checked")
                .field("options", &self.options)
                .field("warnings", &self.warnings)
                .finish()
        })
    }
}

impl Catalogue {
    /// Holds a call's options and its number of pictures against its model. A model that is not known is sent what was asked.
    ///
    /// # Errors
    /// [`Kind::UnsupportedOptionError`](crate::error::Kind::UnsupportedOptionError) for an option or value that the
    /// model does not have, unless `on_unsupported` says to leave it out; for too many pictures always.
    pub fn check(
        &self,
        resolved: &Resolved<'_>,
        options: &GenerateOptions,
        pictures: usize,
    ) -> Result<Checked, Error> {
        let mut options = options.clone();
        let Some(model) = resolved.model else {
            options.image_size = options.image_size.map(|size| ImageSize(plain_size(size.as_str())));
            return Ok(Checked { options, warnings: Vec::new() });
        };
        let lenient = options.on_unsupported == Some(OnUnsupported::Warn);
        let mut check = Check { catalogue: self, model, lenient, warnings: Vec::new() };

        check.pictures(pictures)?;
        options.aspect_ratio = check.aspect_ratio(options.aspect_ratio)?;
        options.image_size = check.image_size(options.image_size)?;
        options.thinking = match options.thinking {
            Some(level) => check.word("thinking", level, level.as_str(), |model| &model.thinking.levels)?,
            None => None,
        };
        options.service_tier = match options.service_tier {
            Some(tier) => check.word("service_tier", tier, tier.as_str(), |model| &model.service_tiers)?,
            None => None,
        };
        options.thoughts = check.switch("thoughts", options.thoughts, |model| model.thinking.thoughts)?;
        options.search = check.switch("search", options.search, |model| model.search)?;
        options.image_search =
            check.switch("image_search", options.image_search, |model| model.image_search)?;
        options.temperature = check.sampling("temperature", options.temperature)?;
        options.top_p = check.sampling("top_p", options.top_p)?;
        options.seed = check.sampling("seed", options.seed)?;
        options.max_output_tokens = check.max_output_tokens(options.max_output_tokens)?;
        Ok(Checked { options, warnings: check.warnings })
    }
}

impl Catalogue {
    /// Holds the number of videos that go with a call against its model.
    ///
    /// # Errors
    /// [`Kind::UnsupportedOptionError`](crate::error::Kind::UnsupportedOptionError) if it takes none, or fewer.
    pub fn check_videos(&self, resolved: &Resolved<'_>, videos: usize) -> Result<(), Error> {
        let Some(model) = resolved.model.filter(|_| videos > 0) else { return Ok(()) };
        let check = Check { catalogue: self, model, lenient: false, warnings: Vec::new() };
        let fits =
            |model: &Model| model.video_input && model.max_videos.is_none_or(|most| videos <= most as usize);
        if fits(model) {
            return Ok(());
        }
        let (value, allowed) = match model.max_videos.filter(|_| model.video_input) {
            Some(most) => {
                let most = if most == 1 { "0 or 1 video".to_owned() } else { format!("0 to {most} videos") };
                (counted(videos, "video", "videos"), vec![most])
            }
            None => ("video".to_owned(), vec!["PDF".to_owned(), "text".to_owned()]),
        };
        // Never left out, as pictures are not: the prompt speaks of them.
        let value = value.into();
        Err(check.lack(Lack { option: "attachments", value, allowed, nearest: None, takes: &fits }).1)
    }

    /// What the caller should know of that many references, in sentences. Sources differ by one or two, so
    /// the service decides.
    pub fn references(&self, resolved: &Resolved<'_>, roles: &[Role]) -> Vec<Message> {
        let Some(model) = resolved.model else { return Vec::new() };
        let told = |(role, most): (&String, &u32)| {
            let given = roles.iter().filter(|given| given.as_str() == role).count();
            (given > *most as usize).then(|| {
                message!(
                    "{} sent; `{}` is said to keep at most {most} alike",
                    counted(
                        given,
                        &format!("reference of the role \"{role}\" was"),
                        &format!("references of the role \"{role}\" were")
                    ),
                    model.id
                )
            })
        };
        model.references.iter().filter_map(told).collect()
    }
}

struct Check<'a> {
    catalogue: &'a Catalogue,
    model: &'a Model,
    lenient: bool,
    warnings: Vec<Message>,
}

/// What a model does not have, and what comes near.
struct Lack<'a> {
    option: &'static str,
    value: Value,
    allowed: Vec<String>,
    nearest: Option<String>,
    /// Whether another model would do.
    takes: &'a dyn Fn(&Model) -> bool,
}

impl Check<'_> {
    /// Whether the value is disputed; then it is sent, with a warning.
    fn disputed(&mut self, option: &'static str, value: &str) -> bool {
        let Some(disputed) = self.model.dispute(option, value) else { return false };
        self.warnings.push(message!(
            "sources disagree whether `{}` takes {} {value}: {}; it was sent, the service decides",
            self.model.id,
            named(option),
            disputed.why
        ));
        true
    }

    /// Leaves the option out with a warning, or makes an error of it.
    fn refuse(&mut self, lack: Lack<'_>) -> Result<(), Error> {
        let (problem, error) = self.lack(lack);
        if self.lenient {
            self.warnings.push(message!("{}. It was left out", problem));
            return Ok(());
        }
        Err(error)
    }

    fn lack(&self, lack: Lack<'_>) -> (Message, Error) {
        let Lack { option, value, allowed, nearest, takes } = lack;
        let id = &self.model.id;
        let name = named(option);
        let mut problem = match allowed.as_slice() {
            [] => {
                let why = match option {
                    "thinking" if self.model.thinking.always => {
                        ": it always thinks, and how much cannot be chosen"
                    }
                    "thinking" | "thoughts" if !self.model.thinking.thoughts => ": it does not think",
                    _ => "",
                };
                message!("model `{id}` does not have the option {}{}", name, why)
            }
            [only] => message!("model `{id}` does not take {value} for {}; it takes {only}", name),
            some => message!(
                "model `{id}` does not take {value} for {}; it takes {}",
                name,
                listed(some.iter().map(String::as_str))
            ),
        };
        if let Some(nearest) = &nearest
            && allowed.len() > 1
        {
            problem.push(format_args!("; the nearest is `{nearest}`"));
        }
        // One that stays is the better advice; one that goes is better than none.
        let others = || self.catalogue.models.iter().filter(|model| model.id != *id && takes(model));
        let other = others().find(|model| model.end().is_none()).or_else(|| others().next());
        if let Some(other) = other {
            let which = if allowed.is_empty() { "has it".to_owned() } else { format!("takes {value}") };
            problem.push(format_args!("; `{}` {which}", other.nickname()));
        }
        let hint = nearest.or_else(|| other.map(|other| other.nickname().to_owned()));
        let way = match option {
            "images" => "send fewer".into(),
            "attachments" => "leave them out".into(),
            _ => message!("leave it out, or set {} to \"warn\"", named("on_unsupported")),
        };
        let message = message!("{}. Nothing was sent; {}", problem, way);
        let detail = UnsupportedOption {
            model: Some(id.clone()),
            option: Some(name),
            value,
            allowed: Some(allowed),
            hint,
        };
        let error = Error::unsupported_option(message, detail);
        (problem, error)
    }

    /// A word of the model's list.
    fn word<T>(
        &mut self,
        option: &'static str,
        value: T,
        word: &str,
        list: fn(&Model) -> &Vec<String>,
    ) -> Result<Option<T>, Error> {
        let takes = |model: &Model| list(model).iter().any(|known| known == word);
        if takes(self.model) || self.disputed(option, word) {
            return Ok(Some(value));
        }
        let allowed = list(self.model).clone();
        // Thinking levels have an order; of service tiers none is near another.
        let rank = |word: &str| Thinking::WORDS.iter().position(|known| *known == word);
        let nearest = rank(word).and_then(|wanted| {
            let far = |level: &&String| rank(level).map_or(usize::MAX, |rank| rank.abs_diff(wanted));
            allowed.iter().min_by_key(far).cloned()
        });
        self.refuse(Lack { option, value: word.into(), allowed, nearest, takes: &takes })?;
        Ok(None)
    }

    /// Something that a model has or has not.
    fn switch(
        &mut self,
        option: &'static str,
        value: Option<bool>,
        has: fn(&Model) -> bool,
    ) -> Result<Option<bool>, Error> {
        match value {
            _ if has(self.model) => Ok(value),
            Some(true) if self.disputed(option, "true") => Ok(value),
            Some(true) => {
                let lack =
                    Lack { option, value: true.into(), allowed: Vec::new(), nearest: None, takes: &has };
                self.refuse(lack)?;
                Ok(None)
            }
            // Even "no" can be refused by a model that does not know the question.
            Some(false) | None => Ok(None),
        }
    }

    fn sampling<T: Copy + Into<Value> + ToString>(
        &mut self,
        option: &'static str,
        value: Option<T>,
    ) -> Result<Option<T>, Error> {
        let takes = |model: &Model| model.sampling.iter().any(|known| known == option);
        match value {
            Some(given) if !takes(self.model) && !self.disputed(option, &given.to_string()) => {
                let lack =
                    Lack { option, value: given.into(), allowed: Vec::new(), nearest: None, takes: &takes };
                self.refuse(lack)?;
                Ok(None)
            }
            value => Ok(value),
        }
    }

    fn aspect_ratio(&mut self, ratio: Option<AspectRatio>) -> Result<Option<AspectRatio>, Error> {
        let Some(ratio) = ratio else { return Ok(None) };
        let known = ratio_in(ratio.as_str(), &self.model.aspect_ratios);
        if let Some(known) = known {
            return Ok(Some(known.into()));
        }
        let plain = plain_ratio(ratio.as_str());
        if self.disputed("aspect_ratio", &plain) {
            return Ok(Some(AspectRatio(plain)));
        }
        let allowed = self.model.aspect_ratios.clone();
        let nearest = quotient(&plain).and_then(|wanted| {
            closest(&allowed, wanted, |ratio| quotient(ratio).unwrap_or(f64::INFINITY)).cloned()
        });
        let takes = |model: &Model| ratio_in(ratio.as_str(), &model.aspect_ratios).is_some();
        let value = ratio.as_str().into();
        self.refuse(Lack { option: "aspect_ratio", value, allowed, nearest, takes: &takes })?;
        Ok(None)
    }

    fn image_size(&mut self, size: Option<ImageSize>) -> Result<Option<ImageSize>, Error> {
        let Some(size) = size else { return Ok(None) };
        let plain = plain_size(size.as_str());
        let takes = |model: &Model| model.sizes.contains(&plain);
        if self.model.only_size() == Some(plain.as_str()) {
            return Ok(None);
        }
        if takes(self.model) || self.disputed("image_size", &plain) {
            return Ok(Some(ImageSize(plain)));
        }
        let allowed = self.model.sizes.clone();
        let nearest = match edge(&plain) {
            wanted if wanted > 0.0 => closest(&allowed, wanted, edge).cloned(),
            _ => None,
        };
        let value = size.as_str().into();
        self.refuse(Lack { option: "image_size", value, allowed, nearest, takes: &takes })?;
        Ok(None)
    }

    fn max_output_tokens(&mut self, tokens: Option<u32>) -> Result<Option<u32>, Error> {
        let limit = self.model.max_output_tokens;
        match tokens {
            Some(asked) if u64::from(asked) > limit => {
                let lack = Lack {
                    option: "max_output_tokens",
                    value: asked.into(),
                    allowed: vec![format!("1 to {limit}")],
                    nearest: Some(limit.to_string()),
                    takes: &|model| model.max_output_tokens >= u64::from(asked),
                };
                self.refuse(lack)?;
                Ok(None)
            }
            tokens => Ok(tokens),
        }
    }

    fn pictures(&mut self, pictures: usize) -> Result<(), Error> {
        let fits = |model: &Model| model.max_images.is_some_and(|max| pictures <= max as usize);
        if let Some(max) = self.model.max_images
            && pictures > max as usize
        {
            // Never left out: which pictures to drop is not for us to choose.
            let (_, error) = self.lack(Lack {
                option: "images",
                value: pictures.into(),
                allowed: vec![format!("0 to {max}")],
                nearest: Some(max.to_string()),
                takes: &fits,
            });
            return Err(error);
        }
        if let Some(soft) = self.model.soft_max_images
            && pictures > soft as usize
        {
            self.warnings.push(message!(
                "{} sent; `{}` works best with at most {soft}",
                counted(pictures, "picture was", "pictures were"),
                self.model.id
            ));
        }
        let tokens = self.model.tokens_per_input_image.saturating_mul(pictures as u64);
        if tokens > self.model.max_input_tokens {
            self.warnings.push(message!(
                "{} about {}, and `{}` takes {} in all; the service may refuse them",
                counted(pictures, "picture is", "pictures are"),
                counted(tokens, "token", "tokens"),
                self.model.id,
                self.model.max_input_tokens
            ));
        }
        Ok(())
    }
}

/// The same options, with words that can be written in several ways as the service writes them.
#[doc(hidden)]
pub fn plain(mut options: GenerateOptions) -> GenerateOptions {
    options.image_size = options.image_size.map(|size| ImageSize(plain_size(size.as_str())));
    options.aspect_ratio = options.aspect_ratio.map(|ratio| AspectRatio(plain_ratio(ratio.as_str())));
    options
}

/// A size as the service spells it: capital K.
fn plain_size(size: &str) -> String {
    let upper = size.trim().to_uppercase();
    match upper.strip_suffix('K') {
        Some(number) if !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()) => upper,
        _ => size.trim().to_owned(),
    }
}

/// About how many pixels a size's square is wide, to compare sizes; 0 for a word that names none.
pub(super) fn edge(size: &str) -> f64 {
    let number: String = size.chars().take_while(|digit| digit.is_ascii_digit()).collect();
    let unit = if size.to_uppercase().ends_with('K') { 1024.0 } else { 1.0 };
    number.parse::<f64>().unwrap_or_default() * unit
}

/// A ratio with a colon between its numbers, however it was written: 16/9, 16x9, 16 : 9.
fn plain_ratio(ratio: &str) -> String {
    let parts: Vec<&str> = ratio.split([':', '/', 'x', 'X', '×']).map(str::trim).collect();
    match parts.as_slice() {
        [width, height] if width.parse::<f64>().is_ok() && height.parse::<f64>().is_ok() => {
            format!("{width}:{height}")
        }
        _ => ratio.trim().to_lowercase(),
    }
}

fn quotient(ratio: &str) -> Option<f64> {
    let (width, height) = ratio.split_once(':')?;
    let quotient = width.parse::<f64>().ok()? / height.parse::<f64>().ok()?;
    (quotient.is_finite() && quotient > 0.0).then_some(quotient)
}

/// The ratio of the list that this one equals, be it 16x9 or 1920:1080.
fn ratio_in<'a>(ratio: &str, list: &'a [String]) -> Option<&'a str> {
    let plain = plain_ratio(ratio);
    let wanted = quotient(&plain);
    let same = |known: &&String| {
        **known == plain
            || matches!((wanted, quotient(known)), (Some(a), Some(b)) if (a / b - 1.0).abs() < 1e-9)
    };
    list.iter().find(same).map(String::as_str)
}

/// The word whose measure is the fewest times larger or smaller than the one wanted.
fn closest(words: &[String], wanted: f64, measure: impl Fn(&str) -> f64) -> Option<&String> {
    let far = |word: &str| (measure(word) / wanted).ln().abs();
    words.iter().min_by(|a, b| far(a).total_cmp(&far(b)))
}
