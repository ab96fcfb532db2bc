//! The values that options take: words of closed and open lists, secrets, filters, and how each
//! stands in the request's JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::{At, Read};
use crate::error::Error;
use crate::schema::{Case, Typed, Write};

/// A word of a closed list; read in any case of letters.
macro_rules! choice {
    ($(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $variant_doc:literal])+ $variant:ident $word:literal, )* }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant, )* }

        impl $name {
            /// Every word, in the order of the list.
            pub const WORDS: &[&str] = &[$($word),*];

            /// The word that stands for it.
            pub fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $word, )* }
            }
        }

        impl Typed for $name {
            fn python() -> String {
                format!("Literal[{}]", [$(concat!("\"", $word, "\"")),*].join(", "))
            }
            fn typescript() -> String { [$(concat!("'", $word, "'")),*].join(" | ") }
        }

        impl Write for $name {
            fn write(&self, _: Case) -> Value { self.as_str().into() }
        }

        impl Read for $name {
            fn read(value: &Value, at: &At) -> Result<Self, Error> {
                let word = value.as_str().ok_or_else(|| at.wrong_type("a text", value))?;
                match word.to_lowercase().as_str() {
                    $( $word => Ok($name::$variant), )*
                    _ => Err(at.not_one_of(word, Self::WORDS)),
                }
            }
        }
    };
}

choice! {
    /// How hard the model thinks before it draws.
    Thinking {
        /// As little as the model can.
        Minimal "minimal",
        /// A little.
        Low "low",
        /// Some.
        Medium "medium",
        /// As much as it finds useful.
        High "high",
    }
}

choice! {
    /// What the answer may hold.
    Modalities {
        /// Pictures only.
        Image "image",
        /// Text and pictures; what the service does when nothing is said.
        TextImage "text+image",
    }
}

choice! {
    /// The type of a picture's file.
    OutputFormat {
        /// Loses nothing.
        Png "png",
        /// Small; what shows through becomes white.
        Jpeg "jpeg",
        /// Loses nothing, or with a quality is smaller than JPEG.
        Webp "webp",
    }
}

choice! {
    /// How urgently the service works, and at what price.
    ServiceTier {
        /// The usual.
        Standard "standard",
        /// Half the price, no promise of when.
        Flex "flex",
        /// About 1.8 times the price, served first.
        Priority "priority",
    }
}

choice! {
    /// What a box's edges are told in.
    Unit {
        /// Pixels, from the left and from the top.
        Px "px",
        /// Parts of the picture's sides, 0 to 1.
        Fraction "fraction",
    }
}

choice! {
    /// What a picture is there for.
    Role {
        /// Someone who should look the same.
        Character "character",
        /// Something that should look the same.
        Object "object",
        /// How the picture should be drawn.
        Style "style",
        /// Where it takes place.
        Scene "scene",
    }
}

impl Role {
    /// What one such is called, and what the model is to do with it.
    pub(super) fn told(self) -> (&'static str, &'static str) {
        match self {
            Role::Character => ("a character", "keep the face and figure the same"),
            Role::Object => ("an object", "keep its shape, colours and details the same"),
            Role::Style => ("a style", "draw in this style, and take nothing else from the picture"),
            Role::Scene => ("a scene", "keep the place, its layout and its light the same"),
        }
    }
}

/// An option that is an input, or a list of them, and stands among these; the last name is that of its type in
/// both languages. No value of its type can be made.
macro_rules! input {
    ($(#[doc = $doc:literal])+ $name:ident, $of:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(());

        impl Typed for $name {
            fn python() -> String {
                concat!($of, " | Sequence[", $of, "]").into()
            }
            fn typescript() -> String {
                concat!($of, " | ReadonlyArray<", $of, ">").into()
            }
        }

        impl Write for $name {
            fn write(&self, _: Case) -> Value {
                Value::Null
            }
        }

        impl Read for $name {
            fn read(_: &Value, at: &At) -> Result<Self, Error> {
                Err(at.misplaced())
            }
        }
    };
}

input!(
    /// Documents and videos that go with the prompt: in Rust `Input::Attachment`.
    Attachments,
    "AttachmentInput"
);

input!(
    /// What of a picture may change: in Rust `Input::Mask`.
    Masks,
    "MaskInput"
);

choice! {
    /// Which pictures go to the service by way of the Files API, instead of in the request.
    Upload {
        /// The largest ones, until the rest fits into one request.
        Auto "auto",
        /// None: a request that is too large is an `ImageError` before anything is sent.
        Never "never",
        /// All but the smallest.
        Always "always",
    }
}

choice! {
    /// Which calls an emulator passes on to the real service, to keep them.
    Record {
        /// Those that its cassette does not hold.
        Missing "missing",
        /// All of them; what the cassette held is dropped.
        Always "always",
        /// None: what the cassette does not hold is refused.
        Never "never",
    }
}

choice! {
    /// What pictures are encoded as.
    EncodeFormat {
        /// The smallest that is faithful.
        Auto "auto",
        /// Without loss.
        Png "png",
        /// With loss, and without transparency.
        Jpeg "jpeg",
        /// Without loss, or with it if a quality is set.
        WebP "webp",
    }
}

choice! {
    /// What happens to an option that the model does not have.
    OnUnsupported {
        /// An `UnsupportedOptionError` before anything is sent.
        Error "error",
        /// It is left out, and `result.warnings` says so.
        Warn "warn",
    }
}

/// A word of a list that may grow: the catalogue knows the present ones, any other is let through.
macro_rules! open_word {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl $name {
            /// The word itself.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self { $name(word.to_owned()) }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self { $name(word) }
        }

        impl Typed for $name {
            fn python() -> String { stringify!($name).into() }
            fn typescript() -> String { stringify!($name).into() }
        }

        impl Write for $name {
            fn write(&self, _: Case) -> Value { self.as_str().into() }
        }

        impl Read for $name {
            fn read(value: &Value, at: &At) -> Result<Self, Error> {
                let word = String::read(value, at)?;
                if word.trim().is_empty() {
                    return Err(at.invalid("is empty; leave it out to get the default"));
                }
                Ok($name(word.trim().to_owned()))
            }
        }
    };
}

open_word! {
    /// The id or an alias of a model.
    Model
}
open_word! {
    /// Width to height, for example "16:9".
    AspectRatio
}
open_word! {
    /// "512", "1K", "2K" or "4K", in any case of letters.
    ImageSize
}

/// An API key. Its debug output never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Secret(secret.to_owned())
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Secret(secret)
    }
}

impl Typed for Secret {
    fn python() -> String {
        "str | Callable[[], str]".into()
    }
    fn typescript() -> String {
        "string | (() => string | Promise<string>)".into()
    }
}

impl Write for Secret {
    /// Never written.
    fn write(&self, _: Case) -> Value {
        Value::Null
    }
}

impl Read for Secret {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        String::read(value, at).map(Secret)
    }
}

/// Which contents the service's adjustable filters let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety(pub BTreeMap<String, String>);

const HARMS: &[&str] =
    &["harassment", "hate_speech", "sexually_explicit", "dangerous_content", "civic_integrity", "jailbreak"];
const THRESHOLDS: &[&str] = &["off", "none", "only_high", "medium_and_above", "low_and_above"];

impl Safety {
    /// Every adjustable filter off. The service's core filters stay on whatever is asked.
    pub fn off() -> Self {
        let off = |harm: &&str| (format!("HARM_CATEGORY_{}", harm.to_uppercase()), "OFF".to_owned());
        Safety(HARMS.iter().take(4).map(off).collect())
    }
}

impl Typed for Safety {
    fn python() -> String {
        "dict[str, str] | Literal[\"off\"]".into()
    }
    fn typescript() -> String {
        "Record<string, string> | 'off'".into()
    }
}

impl Write for Safety {
    fn write(&self, case: Case) -> Value {
        self.0.write(case)
    }
}

impl Read for Safety {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        if let Some(word) = value.as_str() {
            return match word.to_lowercase().as_str() {
                "off" => Ok(Safety::off()),
                _ => Err(at.not_one_of(word, &["off"])),
            };
        }
        let mut safety = BTreeMap::new();
        for (harm, threshold) in BTreeMap::<String, String>::read(value, at)? {
            let at = at.given(&harm);
            // Full names go as they are: the service may know some that we do not.
            let category = if harm.starts_with("HARM_CATEGORY_") {
                harm
            } else {
                let word = harm.to_lowercase();
                if !HARMS.contains(&word.as_str()) {
                    return Err(at.not_one_of(&harm, HARMS));
                }
                format!("HARM_CATEGORY_{}", word.to_uppercase())
            };
            let full = threshold.to_uppercase();
            let threshold = if full.starts_with("BLOCK_") || full == "OFF" {
                full
            } else if THRESHOLDS.contains(&threshold.to_lowercase().as_str()) {
                format!("BLOCK_{full}")
            } else {
                return Err(at.not_one_of(&threshold, THRESHOLDS));
            };
            safety.insert(category, threshold);
        }
        Ok(Safety(safety))
    }
}

/// How an option's value stands in the request's JSON (levels in capitals, the rest as it is).
pub(super) trait Wire {
    fn wire(&self) -> Value;
}

macro_rules! wired_as_written {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn wire(&self) -> Value { self.write(Case::Snake) }
        }
    )*};
}

wired_as_written!(String, bool, u32, i64, f64, BTreeMap<String, String>, AspectRatio, ImageSize, ServiceTier);

impl Wire for Thinking {
    fn wire(&self) -> Value {
        self.as_str().to_uppercase().into()
    }
}

impl Wire for Modalities {
    fn wire(&self) -> Value {
        self.as_str().split('+').map(str::to_uppercase).collect()
    }
}

impl Wire for Safety {
    fn wire(&self) -> Value {
        let setting =
            |(category, threshold)| serde_json::json!({ "category": category, "threshold": threshold });
        self.0.iter().map(setting).collect()
    }
}
