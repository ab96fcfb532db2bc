//! Where sources conflict: the other readings, each of which an emulator can be told to follow.
//!
//! A row of the table below is all that there is to one: its name, what it changes, and who says so. From it come the
//! option `readings`, its types in Python and TypeScript, and the page `docs/facts.md`.

use std::fmt;

use serde_json::Value;

use super::{At, Read};
use crate::error::Error;
use crate::schema::{Case, Typed, Write};

macro_rules! readings {
    ($( #[doc = $doc:literal] $reading:ident $name:literal from $source:literal, )*) => {
        /// Another reading of what the service does, where sources conflict. `Emulator` follows the better founded one
        /// unless it is told to follow this one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reading {
            $( #[doc = $doc] #[doc = concat!("\n\nFrom ", $source, ".")] $reading, )*
        }

        impl Reading {
            /// Every reading, in the order of the table.
            pub const ALL: &[Reading] = &[$(Reading::$reading),*];

            /// The names of all of them.
            pub const NAMES: &[&str] = &[$($name),*];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $( Reading::$reading => $name, )* }
            }

            /// What it changes, in a sentence.
            pub fn what(self) -> &'static str {
                match self { $( Reading::$reading => $doc.trim_ascii(), )* }
            }

            /// Who says so.
            pub fn source(self) -> &'static str {
                match self { $( Reading::$reading => $source, )* }
            }
        }
    };
}

readings! {
    /// On `v1` of the Gemini API `responseModalities` is an unknown name.
    V1WithoutResponseModalities "v1-without-response-modalities" from "wire 2.1 · issue js-genai #1322",
    /// On `v1` of the Gemini API `imageConfig` is an unknown name: `responseFormat` has taken its place.
    V1WithoutImageConfig "v1-without-image-config" from "wire 7 10. · docs",
    /// Nano Banana 2.1 refuses temperature, topP, topK, seed and logprobs.
    SamplingRefused "sampling-refused" from "wire 7 7. · docs V",
    /// Nano Banana 2.1 draws at 512 too.
    NewTakes512 "nano-banana-2.1-takes-512" from "wire 7 4. · issue",
    /// Nano Banana 2.1 takes the ratio 9:21 too.
    NewTakes9By21 "nano-banana-2.1-takes-9-by-21" from "wire 7 5. · docs V",
    /// Nano Banana 2.1 takes the ratio `auto`, which is as if none were given.
    NewTakesAuto "nano-banana-2.1-takes-auto" from "wire 7 5. · issue",
    /// Nano Banana 2 Lite takes the sizes 512 and 1K, where else it refuses any.
    LiteTakesSizes "lite-takes-sizes" from "wire 7 8. · docs",
    /// Nano Banana Pro takes the thinking level HIGH, where else it refuses any.
    ProTakesLevel "pro-takes-thinking-level" from "wire 7 9. · docs",
    /// `thinkingLevel` is read in capitals alone.
    LevelInCapitals "thinking-level-in-capitals" from "wire 1.3 Field · sdk 3.6.1",
    /// `responseFormat.image` takes plain texts too: `16:9`, `2K`, `image/jpeg`.
    PlainFormat "response-format-in-plain-texts" from "wire 7 10. · docs",
    /// gemini-2.5-flash-image refuses `responseFormat`, in words too.
    OldWithoutFormat "2.5-without-response-format" from "wire 3 imageConfig or responseFormat · issue third-party code notes",
    /// Vertex AI wants thought signatures back as the Gemini API does.
    SignaturesOnVertex "signatures-on-vertex" from "wire 7 12. · inferred",
    /// A file that is missing, or somebody else's, is a 404, not a 403.
    MissingFile404 "missing-file-404" from "wire 2.3 File · issue",
    /// Every model answers PNG.
    PngAnswers "png-answers" from "wire 7 14. · docs",
    /// A picture of Nano Banana 2.1 at 4K counts 3780 tokens, not 2520.
    Tokens3780 "4k-of-3780-tokens" from "wire 7 3. · docs V",
    /// A picture of 21:9 at 512 is 792 by 168 pixels, not 792 by 336.
    Low21By9 "21-by-9-at-512-is-168-high" from "wire 7 16. · docs",
    /// The interim pictures of thoughts count as pictures drawn.
    InterimCounts "interim-pictures-count" from "wire 7 15. · inferred",
    /// gemini-3.1-flash-image is shut down: it is a 404, and not in the list of models.
    SecondGone "nano-banana-2-gone" from "wire 7 1. · docs",
    /// gemini-2.5-flash-image is closed to this project, as to all that did not use it before 2026-09-18: a 404.
    OldClosed "2.5-closed" from "wire 7 2. · docs",
    /// The id nano-banana-pro-preview is still taken for gemini-3-pro-image.
    PreviewAlias "pro-preview-alias" from "wire 1.1 nano-banana-pro-preview · sdk 3.6.1",
    /// Ids that are shut down, previews first, are still answered, by the models that followed them.
    PreviewsAnswer "previews-answer" from "wire 1.1 gemini-3-pro-image-preview · own",
    /// The Gemini API has no service tier that only the Vertex page lists: priority of Nano Banana 2.1, flex of Lite.
    OwnTiers "tiers-of-the-own-page" from "wire 1.5 Batch = half · docs V",
    /// Pictures that a search found have the names of the guide: `uri` and `imageUri`.
    ProseSources "picture-sources-as-in-the-guide" from "wire 4 groundingMetadata · docs",
    /// Interactions take image/png as a type of pictures, too.
    TalksTakePng "interactions-take-png" from "wire 7 13. · inferred",
    /// Interactions refuse the size `512px`, and take `512`.
    TalksWant512 "interactions-want-512" from "wire 7 13. · sdk 3.6.1",
    /// Interactions refuse the size `512`, and take `512px`.
    TalksWant512px "interactions-want-512px" from "wire 7 13. · docs",
    /// Interactions refuse safety settings.
    TalksWithoutSafety "interactions-without-safety-settings" from "wire 7 13. · issue",
    /// Errors of interactions come as a list of one error.
    TalksListErrors "interactions-errors-in-a-list" from "wire 2.5 Quirks · issue",
    /// An interaction with a search for pictures ends in `requires_action`, with a call that nobody ran.
    SearchNotRun "interactions-leave-picture-search" from "wire 2.5 Quirks · issue",
    /// What a batch brings within its request may be 100 MB, not 20.
    LargeBatches "batches-of-100-mb" from "wire 7 18. · docs",
}

const _: () = assert!(Reading::ALL.len() <= u64::BITS as usize, "each has a bit");

/// The readings that an emulator follows in place of its usual ones.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings(u64);

impl Readings {
    /// Whether this one is among them.
    pub fn has(self, reading: Reading) -> bool {
        self.0 & (1 << reading as u64) != 0
    }

    /// Those that a flag of the command names, with commas between them.
    #[doc(hidden)]
    pub fn named(flag: &'static str, names: &str) -> Result<Self, Error> {
        Readings::read(&Value::String(names.to_owned()), &At::top(Case::Shell).key(flag))
    }

    /// These, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Reading> {
        Reading::ALL.iter().copied().filter(move |reading| self.has(*reading))
    }

    /// As one number, for [`Readings::from_bits`] alone.
    #[doc(hidden)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Those of a number that [`Readings::bits`] gave.
    #[doc(hidden)]
    pub fn from_bits(bits: u64) -> Self {
        Readings(bits)
    }
}

impl fmt::Debug for Readings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(Reading::as_str)).finish()
    }
}

impl FromIterator<Reading> for Readings {
    fn from_iter<I: IntoIterator<Item = Reading>>(readings: I) -> Self {
        Readings(readings.into_iter().fold(0, |bits, reading| bits | (1 << reading as u64)))
    }
}

impl<const N: usize> From<[Reading; N]> for Readings {
    fn from(readings: [Reading; N]) -> Self {
        readings.into_iter().collect()
    }
}

impl From<Vec<Reading>> for Readings {
    fn from(readings: Vec<Reading>) -> Self {
        readings.into_iter().collect()
    }
}

impl Typed for Readings {
    fn python() -> String {
        "Sequence[Reading]".into()
    }
    fn typescript() -> String {
        "ReadonlyArray<Reading>".into()
    }
}

impl Write for Readings {
    fn write(&self, _: Case) -> Value {
        self.iter().map(Reading::as_str).collect()
    }
}

impl Read for Readings {
    /// A list of names; a shell has one text with commas between them.
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        let names: Vec<&str> = match value {
            Value::String(text) => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
            Value::Array(list) => (list.iter())
                .map(|name| name.as_str().ok_or_else(|| at.wrong_type("a list of names", name)))
                .collect::<Result<_, _>>()?,
            other => return Err(at.wrong_type("a list of names", other)),
        };
        let read = |name: &&str| {
            let found =
                Reading::ALL.iter().copied().find(|reading| reading.as_str().eq_ignore_ascii_case(name));
            found.ok_or_else(|| at.not_one_of(name, Reading::NAMES))
        };
        names.iter().map(read).collect()
    }
}
