//! Options that have options of their own: each is a table, and most can be written as one plain value.

use serde_json::{Map, Value};

use super::{At, EncodeFormat, Read, Role, Unit};
use crate::error::Error;
use crate::message::{counted, field, message, setting, time};
use crate::schema::{Case, Field, Seconds, Table, Typed, Write};

/// Two settings laid over each other part by part.
fn parts<T>(first: Option<T>, second: Option<T>, over: fn(T, T) -> T) -> Option<T> {
    match (first, second) {
        (Some(first), Some(second)) => Some(over(first, second)),
        (first, second) => first.or(second),
    }
}

options! {
    /// How long things may take.
    pub struct Timeout {
        /// The whole call, waits and retries included. Default: 10 minutes.
        total: Seconds,
        /// Making one connection. Default: 10 seconds.
        connect: Seconds,
        /// The longest silence between two pieces of an answer that has begun. Default: no limit.
        idle: Seconds,
    }
}

impl Timeout {
    pub(super) fn validate(&self, at: &At) -> Result<(), Error> {
        for (name, value) in [("total", self.total), ("connect", self.connect), ("idle", self.idle)] {
            if value.is_some_and(|value| value.0 <= 0.0) {
                return Err(at.key(name).invalid("must be more than 0; leave it out to get the default"));
            }
        }
        Ok(())
    }
}

impl From<f64> for Timeout {
    fn from(total: f64) -> Self {
        Timeout::new().total(total)
    }
}

impl From<std::time::Duration> for Timeout {
    fn from(total: std::time::Duration) -> Self {
        Timeout::new().total(total)
    }
}

impl Typed for Timeout {
    const IS_TIME: bool = true;
    fn python() -> String {
        "Timeout | float".into()
    }
    fn typescript() -> String {
        "Timeout | number".into()
    }
}

impl Read for Timeout {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        match value {
            Value::Number(_) => {
                let total = Seconds::read(value, at)?;
                let timeout = Timeout::new().total(total);
                if total.0 <= 0.0 {
                    return Err(at.invalid("must be more than 0; leave it out to get the default"));
                }
                Ok(timeout)
            }
            Value::Object(map) => Timeout::read_map(map, at),
            _ => Err(at.wrong_type(&format!("a number of {} or a Timeout", at.case.time_unit()), value)),
        }
    }

    fn layered(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        parts(first, second, Self::over)
    }
}

options! {
    /// When and how a failed attempt is made again.
    pub struct Retry {
        /// How many requests a call may make in all, the first included. One that follows a wait
        /// which the service named does not count, unless this is 1: then nothing is sent again.
        /// Default: 4.
        max_attempts: u32,
        /// The longest wait after the first failure, when the service names none; it doubles each
        /// time. How much of it is waited is left to chance. Default: 1 second.
        initial: Seconds,
        /// The longest single wait. If the service asks for a longer one, the call fails at once.
        /// Default: 60 seconds.
        max_wait: Seconds,
        /// How many more times a call may be paid for when the model draws nothing (NO_IMAGE,
        /// IMAGE_OTHER). Default: 0.
        no_image: u32,
        /// Whether a request is sent again when its answer was lost, so that it may have been billed
        /// already. If it is, a warning says so. Default: true.
        resend_unknown: bool,
    }
}

impl Retry {
    pub(super) fn validate(&self, at: &At) -> Result<(), Error> {
        if self.max_attempts == Some(0) {
            return Err(at.key("max_attempts").invalid("must be at least 1: it counts the first call too"));
        }
        Ok(())
    }
}

impl From<bool> for Retry {
    fn from(on: bool) -> Self {
        if on { Retry::new() } else { Retry::new().max_attempts(1u32) }
    }
}

impl Typed for Retry {
    fn python() -> String {
        "Retry | bool".into()
    }
    fn typescript() -> String {
        "Retry | boolean".into()
    }
}

impl Read for Retry {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        match value {
            Value::Bool(on) => Ok(Retry::from(*on)),
            Value::Object(map) => Retry::read_map(map, at),
            // Half of the libraries count calls, and half retries.
            Value::Number(number) => {
                let count = number.as_u64().filter(|count| (1..1_000_000).contains(count)).unwrap_or(3);
                let attempts = |count: u64| setting("retry", "max_attempts", &count.to_string());
                let (calls, again) = (counted(count, "call", "calls"), counted(count, "time", "times"));
                Err(at.invalid(message!(
                    "is {number}, which may count calls or retries: {} makes {calls} at most, the first included, {} \
                     retries {again} at most, and false makes one call",
                    attempts(count),
                    attempts(count + 1)
                )))
            }
            _ => Err(at.wrong_type("true, false or a Retry", value)),
        }
    }

    fn layered(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        parts(first, second, Self::over)
    }
}

options! {
    /// A picture that the prompt speaks of, and in words what it shows.
    pub struct Reference {
        /// What the prompt calls it, for example "Mia".
        name: String,
        /// What it is there for. Default: nothing is said of it.
        role: Role,
    }
}

impl Reference {
    /// What the model is told right before the picture; none if there is nothing to say.
    pub fn words(&self) -> Option<String> {
        let name = self.name.as_deref().map(str::trim);
        Some(match (name, self.role.map(Role::told)) {
            (None, None) => return None,
            (Some(name), None) => format!("The next picture shows {name}."),
            (None, Some((one, wanted))) => format!("The next picture shows {one}: {wanted}."),
            (Some(name), Some((one, wanted))) => format!("The next picture shows {name}, {one}: {wanted}."),
        })
    }

    /// Checks what was set by setters as [`Reference::read`] checks what it reads.
    ///
    /// # Errors
    /// [`crate::error::Kind::InvalidOptionError`] for an empty name.
    pub fn check(&self) -> Result<(), Error> {
        self.validate(&At::top(Case::Snake))
    }

    fn validate(&self, at: &At) -> Result<(), Error> {
        match self.name.as_deref().map(str::trim) {
            Some("") => Err(at
                .key("name")
                .invalid("is empty; leave it out, or say what the prompt calls the picture")),
            _ => Ok(()),
        }
    }
}

options! {
    /// A box of a picture, as a mask: what lies in it may change.
    pub struct Region as "Box" {
        /// Its left edge, in the `unit`.
        left: f64,
        /// Its top edge, in the `unit`.
        top: f64,
        /// Its right edge, in the `unit`; pixels from there on are outside.
        right: f64,
        /// Its bottom edge, in the `unit`; rows from there on are outside.
        bottom: f64,
        /// The unit of these numbers. Default: px.
        unit: Unit,
    }
}

impl Region {
    fn validate(&self, at: &At) -> Result<(), Error> {
        let edges = [("left", self.left), ("top", self.top), ("right", self.right), ("bottom", self.bottom)];
        match edges.iter().find(|(_, edge)| edge.is_none()) {
            Some((name, _)) => {
                Err(at.key(name).invalid("is missing; a box has a left, top, right and bottom edge"))
            }
            None => Ok(()),
        }
    }

    /// A box by its edges in pixels.
    pub fn px(left: u32, top: u32, right: u32, bottom: u32) -> Self {
        Region::new().left(left).top(top).right(right).bottom(bottom).unit(Unit::Px)
    }

    /// A box by its edges in parts of the picture's sides, 0 to 1.
    pub fn fraction(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Region::new().left(left).top(top).right(right).bottom(bottom).unit(Unit::Fraction)
    }

    /// Its edges, in the order of the fields; what is not set is no number.
    #[doc(hidden)]
    pub fn edges(&self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom].map(|edge| edge.unwrap_or(f64::NAN))
    }
}

options! {
    /// A document or a video, and what of it the model is to see.
    pub struct Attachment {
        /// Its type, for example "application/pdf". Default: seen in its first bytes, or in the end of its
        /// name if the service fetches it itself.
        mime_type: String,
        /// From where on a video is seen. Default: its start.
        start: Seconds,
        /// Up to where a video is seen. Default: its end.
        end: Seconds,
        /// How many pictures of each second of a video are seen: more than 0, at most 24. Default: the
        /// service's, 1.
        fps: f64,
    }
}

impl Attachment {
    /// The most pictures of each second that the service takes (Gemini API reference, `VideoMetadata`).
    const MOST_FPS: f64 = 24.0;

    /// The first of the options that only a video has, if one is set.
    #[doc(hidden)]
    pub fn of_video(&self) -> Option<&'static str> {
        let set = [("start", self.start.is_some()), ("end", self.end.is_some()), ("fps", self.fps.is_some())];
        set.into_iter().find(|(_, is_set)| *is_set).map(|(name, _)| name)
    }

    /// Checks what was set by setters as [`Attachment::read`] checks what it reads.
    ///
    /// # Errors
    /// [`crate::error::Kind::InvalidOptionError`] for a value out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.validate(&At::top(Case::Snake))
    }

    fn validate(&self, at: &At) -> Result<(), Error> {
        let of = |name: &'static str| at.key(name);
        if let Some(kind) = &self.mime_type {
            let plain = |word: &str| {
                !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
            };
            if !kind.split_once('/').is_some_and(|(class, one)| plain(class) && plain(one)) {
                let problem = format!("is {kind:?}; it takes a type like \"application/pdf\"");
                return Err(of("mime_type").invalid(problem));
            }
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && start.0 >= end.0
        {
            let problem = message!("is {}, not before `end`, {}", time(start.0), time(end.0));
            return Err(of("start").invalid(problem));
        }
        if let Some(fps) = self.fps
            && !(fps > 0.0 && fps <= Self::MOST_FPS)
        {
            let most = Self::MOST_FPS;
            return Err(
                of("fps").invalid(format!("is {fps}; it takes a number more than 0 and at most {most}"))
            );
        }
        Ok(())
    }
}

options! {
    /// How pictures are encoded before they are sent. Without it a picture goes as it is wherever it can. With
    /// it, one that has a longer side, more bytes or another type than this says is encoded anew; all others
    /// still go as they are. Every loss is a warning.
    pub struct Encode {
        /// The longest side in pixels; larger pictures are scaled down. Default: no limit.
        max_side: u32,
        /// The most bytes of one picture. Quality goes down first, and then the size in pixels, until it
        /// fits. Default: no limit.
        max_bytes: u64,
        /// What is written: "png", "jpeg", "webp", or "auto": the smallest that is faithful, so PNG or
        /// lossless WebP for drawings, text and what is transparent, else JPEG. Default: auto.
        format: EncodeFormat,
        /// How good what is lossy is made, 1 (smallest) to 100. With "webp" it asks for a lossy one.
        /// Default: 92; a WebP is lossless.
        quality: u32,
    }
}

impl Encode {
    pub(super) fn validate(&self, at: &At) -> Result<(), Error> {
        let of = |name: &'static str| at.key(name);
        if self.max_side == Some(0) {
            return Err(of("max_side").invalid("must be at least 1; leave it out to keep the size"));
        }
        if self.max_bytes == Some(0) {
            return Err(of("max_bytes").invalid("must be at least 1; leave it out for no limit"));
        }
        if let Some(quality) = self.quality {
            if !(1..=100).contains(&quality) {
                return Err(of("quality").invalid(format!("is {quality}; it takes 1 to 100")));
            }
            if self.format == Some(EncodeFormat::Png) {
                return Err(of("quality").invalid("does not fit the format `png`, which loses nothing"));
            }
        }
        Ok(())
    }
}

impl Typed for Encode {
    fn python() -> String {
        "Encode".into()
    }
    fn typescript() -> String {
        "Encode".into()
    }
}

impl Read for Encode {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        match value {
            Value::Object(map) => Encode::read_map(map, at),
            _ => Err(at.wrong_type("an Encode", value)),
        }
    }

    fn layered(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        parts(first, second, Self::over)
    }
}

options! {
    /// Where answers are kept, so that a request that was answered before is answered from there: at
    /// once, and at no cost. Several clients and processes may use one folder. Requests are the same if
    /// the service's address, the model and all that the caller gave are: headers and the key do not count.
    pub struct Cache {
        /// The folder. It is made if it is not there, for its owner alone: prompts and pictures stand in it.
        path: String,
        /// The most bytes that its answers may take; those that were not used for the longest time go
        /// first. Default: 5,000,000,000 (5 GB).
        max_bytes: u64,
        /// How old an answer may be. Default: no limit.
        max_age: Seconds,
    }
}

impl Cache {
    pub(super) fn validate(&self, at: &At) -> Result<(), Error> {
        let of = |name: &'static str| at.key(name);
        match self.path.as_deref().map(str::trim) {
            None => return Err(of("path").invalid("is missing; name the folder in which answers are kept")),
            Some("") => {
                return Err(of("path").invalid("is empty; name a folder, \".\" for the one you are in"));
            }
            Some(_) => {}
        }
        if self.max_bytes == Some(0) {
            return Err(of("max_bytes").invalid("must be more than 0; leave it out to get the default"));
        }
        if self.max_age.is_some_and(|age| age.0 <= 0.0) {
            return Err(of("max_age").invalid("must be more than 0; leave it out for answers of any age"));
        }
        Ok(())
    }
}

impl From<&str> for Cache {
    fn from(path: &str) -> Self {
        Cache::new().path(path)
    }
}

impl From<String> for Cache {
    fn from(path: String) -> Self {
        Cache::new().path(path)
    }
}

impl Typed for Cache {
    fn python() -> String {
        "Cache | str | os.PathLike[str]".into()
    }
    fn typescript() -> String {
        "Cache | string".into()
    }
}

impl Read for Cache {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        match value {
            Value::String(path) if path.trim().is_empty() => {
                Err(at.invalid("is empty; name a folder, \".\" for the one you are in"))
            }
            Value::String(path) => Ok(Cache::from(path.as_str())),
            Value::Object(map) => Cache::read_map(map, at),
            _ => Err(at.wrong_type("the name of a folder or a Cache", value)),
        }
    }
}

options! {
    /// How much may be spent, in USD. What a request costs is known only once it is answered: before
    /// it is sent its typical price is set aside, and one for which there is no room is not sent. So
    /// what is spent can pass the limit by no more than what the requests under way cost beyond that.
    pub struct Budget {
        /// The most that the client and its copies may spend in all, in USD; each process counts for itself.
        /// Default: no limit.
        usd: f64,
        /// The most that one request may be expected to cost, in USD; also what is set aside for a request to
        /// a model whose price is not known. Default: no limit, and such a model is refused.
        per_call: f64,
    }
}

impl Budget {
    pub(super) fn validate(&self, at: &At) -> Result<(), Error> {
        for (name, value) in [("usd", self.usd), ("per_call", self.per_call)] {
            if let Some(value) = value {
                Self::sum(value, &at.key(name))?;
            }
        }
        if self.usd.is_none() && self.per_call.is_none() {
            return Err(at.invalid(message!("is empty; set its `usd`, its {}, or both", field("per_call"))));
        }
        Ok(())
    }

    fn sum(usd: f64, at: &At) -> Result<f64, Error> {
        if usd.is_finite() && usd > 0.0 {
            return Ok(usd);
        }
        Err(at.invalid(format!("is {usd}; it takes a number of USD more than 0")))
    }
}

impl From<f64> for Budget {
    fn from(usd: f64) -> Self {
        Budget::new().usd(usd)
    }
}

impl Typed for Budget {
    fn python() -> String {
        "Budget | float".into()
    }
    fn typescript() -> String {
        "Budget | number".into()
    }
}

impl Read for Budget {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        match value {
            Value::Number(_) => Ok(Budget::from(Self::sum(f64::read(value, at)?, at)?)),
            Value::Object(map) => Budget::read_map(map, at),
            _ => Err(at.wrong_type("a number of USD or a Budget", value)),
        }
    }

    fn layered(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        parts(first, second, Self::over)
    }
}
