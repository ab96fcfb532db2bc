//! What a request will cost, before it is sent.
//!
//! How many tokens a picture counts and what they cost, the catalogue knows. How much a model thinks
//! and says, nobody does: those figures are assumptions of ours, and each estimate says so.

use serde_json::Value;

use super::{Catalogue, Model, Resolved, check};
use crate::error::Usage;
use crate::message::{Message, counted, message, option};
use crate::options::{GenerateOptions, Modalities, Thinking};
use crate::schema::record;

/// A cheap, a typical and a dear case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The cheap one.
    pub low: f64,
    /// The typical one.
    pub typical: f64,
    /// The dear one.
    pub high: f64,
}

/// Tokens in the cheap, the typical and the dear case.
type Three = [u64; 3];

/// How many letters make a token. English has a little more than 4, Chinese about 1.
const LETTERS: Three = [5, 4, 1];

/// The words that come beside a picture. Our assumption.
const WORDS: Three = [0, 60, 600];

/// What a model spends on thinking. Our assumption: the service names no figures, and live ones
/// differ from call to call.
fn thinking(level: Option<Thinking>) -> Three {
    match level {
        Some(Thinking::Minimal) => [30, 80, 400],
        Some(Thinking::Low) => [60, 140, 800],
        // A model that always thinks, and cannot be told how hard.
        Some(Thinking::Medium) | None => [100, 260, 2000],
        Some(Thinking::High) => [250, 660, 6000],
    }
}

/// What one request is expected to use and to cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The tokens of the prompt and its pictures, typically.
    pub input_tokens: u64,
    /// The tokens of the picture drawn, typically.
    pub image_tokens: u64,
    /// The price in USD; none if the model, or its service tier, has no known one.
    pub price: Option<Range>,
    /// What was assumed, in sentences.
    pub assumes: Vec<Message>,
}

impl Model {
    /// What one request is expected to use and to cost. `letters` and `pictures` count what is sent,
    /// a conversation's history included; `options` have been checked against the model.
    pub fn expected(&self, letters: usize, pictures: usize, options: &GenerateOptions) -> Expected {
        let mut assumes = vec![message!(
            "The words sent count one token for {} letters; in `low` one for {}, in `high` one for each.",
            LETTERS[1],
            LETTERS[0]
        )];
        let letters = letters + options.system.as_ref().map_or(0, |text| text.chars().count());
        let of_pictures = self.tokens_per_input_image.saturating_mul(pictures as u64);
        if pictures > 0 {
            let each = counted(self.tokens_per_input_image, "token", "tokens");
            assumes.push(message!("Each picture sent counts {each}."));
        }
        let images = self.drawn(options, &mut assumes);
        let words = match options.modalities {
            Some(Modalities::Image) => [0; 3],
            _ => WORDS,
        };
        if words != [0; 3] {
            assumes.push(message!("The words beside the picture are {}.", assumed(words)));
        }
        let thoughts = self.thought(options, &mut assumes);
        let limit = options.max_output_tokens.map_or(u64::MAX, u64::from).min(self.max_output_tokens);
        let case = |(((letters_each, image), words), thoughts): (((u64, u64), u64), u64)| {
            // The picture goes first: an answer that is cut off before it is none.
            let words = words.min(limit.saturating_sub(image));
            Usage {
                input_tokens: (letters as u64).div_ceil(letters_each).saturating_add(of_pictures),
                output_tokens: image + words,
                image_tokens: image,
                thought_tokens: thoughts.min(limit.saturating_sub(image + words)),
                ..Usage::default()
            }
        };
        let cases = LETTERS.into_iter().zip(images).zip(words).zip(thoughts).map(case);
        let cases: Vec<Usage> = cases.collect();
        let tier = options.service_tier.map_or("standard", |tier| tier.as_str());
        let prices: Option<Vec<f64>> = cases.iter().map(|usage| self.cost(usage, Some(tier))).collect();
        let price = match prices.as_deref() {
            Some([low, typical, high]) => Some(Range { low: *low, typical: *typical, high: *high }),
            _ => None,
        };
        let checked = &self.prices.checked;
        assumes.push(match price {
            Some(_) => message!("Prices are those of the {tier} tier as of {checked}."),
            None => message!("The catalogue has no price of a picture in the {tier} tier."),
        });
        let typical = cases.get(1).cloned().unwrap_or_default();
        Expected { input_tokens: typical.input_tokens, image_tokens: typical.image_tokens, price, assumes }
    }

    /// What one request typically costs in USD; none if that is not known. See [`Model::expected`].
    pub fn typical(&self, letters: usize, pictures: usize, options: &GenerateOptions) -> Option<f64> {
        Some(self.expected(letters, pictures, options).price?.typical)
    }

    /// The tokens of the picture.
    fn drawn(&self, options: &GenerateOptions, assumes: &mut Vec<Message>) -> Three {
        let asked = options.image_size.as_ref().map_or(self.default_size.as_str(), |size| size.as_str());
        // A size that sources disagree about has no number of its own: the next larger one stands for it.
        let larger = |size: &&String| check::edge(size) >= check::edge(asked);
        let size = match self.image_tokens.contains_key(asked) {
            true => asked,
            false => self.sizes.iter().find(larger).or(self.sizes.last()).map_or(asked, String::as_str),
        };
        let tokens = self.image_tokens.get(size).copied().unwrap_or_default();
        let most = self.image_tokens_at_most.get(size).copied().unwrap_or(tokens);
        let mut said = format!(
            "One picture of {asked} is drawn for each request: {}",
            counted(tokens, "token", "tokens")
        );
        if most > tokens {
            said.push_str(&format!("; in `high` {most}, which another source gives"));
        }
        if size != asked {
            said.push_str(&format!(", those of {size}, since none are known of {asked}"));
        }
        assumes.push((said + ".").into());
        [tokens, tokens, most]
    }

    /// The tokens of its thoughts.
    fn thought(&self, options: &GenerateOptions, assumes: &mut Vec<Message>) -> Three {
        if self.thinking.levels.is_empty() && !self.thinking.thoughts {
            return [0; 3];
        }
        let default = || {
            let word = self.thinking.default.as_ref()?;
            [Thinking::Minimal, Thinking::Low, Thinking::Medium, Thinking::High]
                .into_iter()
                .find(|level| level.as_str() == word)
        };
        let level = options.thinking.or_else(default);
        let tokens = thinking(level);
        let at = level.map(|level| format!(" at the level {}", level.as_str()));
        assumes.push(message!("Thinking{} takes {}.", at.unwrap_or_default(), assumed(tokens)));
        tokens
    }

    /// What searches cost, if the call may make some.
    fn searches(&self, options: &GenerateOptions) -> Option<Message> {
        if options.search != Some(true) && options.image_search != Some(true) {
            return None;
        }
        let Some(price) = self.prices.search_per_1000 else {
            return Some("Searches, whose price is not known.".into());
        };
        let free = self
            .prices
            .searches_free_per_month
            .map(|free| format!(" once the month's {free} free ones are used up"));
        Some(message!(
            "Searches: ${price} for 1,000 queries{} ({}, {}). One request may make several, and what they find adds to its tokens.",
            free.unwrap_or_default(),
            self.prices.source,
            self.prices.checked,
        ))
    }
}

fn assumed([low, typical, high]: Three) -> String {
    let typical = counted(typical, "token", "tokens");
    format!("{typical} ({low} to {high}), which we assume: the service does not say")
}

record! {
    /// What a call is expected to cost, in USD for all of its requests together.
    pub struct Estimate {
        /// The id of the model.
        model: String,
        /// The price in USD if everything goes cheaply; none if the model, or its service tier, has no known price.
        low: Option<f64>,
        /// The price in USD that is most likely.
        typical: Option<f64>,
        /// The price in USD if everything goes dearly; no limit that the service keeps.
        high: Option<f64>,
        /// How many requests it is: `n`.
        calls: u32,
        /// The tokens of the prompts and their pictures; none if the model is not known.
        input_tokens: Option<u64>,
        /// The tokens of the pictures that are drawn; none if the model is not known.
        image_tokens: Option<u64>,
        /// What was assumed, in sentences.
        assumes: Vec<Message>,
        /// What may be billed beside it, in sentences.
        not_included: Vec<Message>,
        /// What the caller should know about the options, in sentences.
        warnings: Vec<Message>,
    }
}

impl Catalogue {
    /// What a call is expected to cost; `options` have been checked against its model.
    pub fn estimate(
        &self,
        resolved: &Resolved<'_>,
        letters: usize,
        pictures: usize,
        options: &GenerateOptions,
    ) -> Estimate {
        let calls = options.n.unwrap_or(1);
        let expected = resolved.model.map(|model| model.expected(letters, pictures, options));
        let price = expected.as_ref().and_then(|expected| expected.price);
        let all = |one: fn(&Range) -> f64| price.as_ref().map(|price| one(price) * f64::from(calls));
        let tokens = |one: fn(&Expected) -> u64| {
            expected.as_ref().map(|expected| one(expected).saturating_mul(u64::from(calls)))
        };
        let mut estimate = Estimate {
            model: resolved.id.clone(),
            low: all(|price| price.low),
            typical: all(|price| price.typical),
            high: all(|price| price.high),
            calls,
            input_tokens: tokens(|expected| expected.input_tokens),
            image_tokens: tokens(|expected| expected.image_tokens),
            ..Estimate::default()
        };
        estimate.assumes = match expected {
            Some(expected) => expected.assumes,
            None => vec![message!(
                "`{}` is not in the catalogue of {}, so nothing is known of its price.",
                resolved.id,
                self.checked
            )],
        };
        if options
            .extra
            .as_ref()
            .is_some_and(|extra| extra.values().any(|value| !matches!(value, Value::Null)))
        {
            estimate.assumes.push(message!("What {} holds changes nothing.", option("extra")));
        }
        estimate.not_included.extend(resolved.model.and_then(|model| model.searches(options)));
        estimate.not_included.push(
            "Requests that are sent again: one that was answered without a picture was paid for, one whose answer was lost may have been.".into(),
        );
        estimate
    }
}
