//! The vocabulary: what a caller can set, on a client and on a call.
//!
//! Each table below gives the Rust struct, its setters, the reader for a JSON map that both bindings
//! use, and the types and docs of Python and TypeScript. To add an option, add one row (and the
//! place that acts on it). Every value may be left out; `null` and `None` mean "not set".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Error, InvalidOption};
use crate::message::{Message, OptionName, message, time_unit};
use crate::schema::{Case, Field, Seconds, Table, Typed, Write};

mod foreign;
mod head;
mod readings;
mod unknown;
mod words;

#[doc(hidden)]
pub use head::{check_api_version, read_base_url};
pub use readings::{Reading, Readings};
pub use unknown::nearest;
#[doc(hidden)]
pub use unknown::unknown_flag;
use words::Wire;
pub use words::{
    AspectRatio, Attachments, EncodeFormat, ImageSize, Masks, Modalities, Model, OnUnsupported, OutputFormat,
    Record, Role, Safety, Secret, ServiceTier, Thinking, Unit, Upload,
};

/// Where a value stands in what the caller wrote, for messages.
#[derive(Debug, Clone)]
pub struct At {
    /// How the caller writes names and counts time.
    case: Case,
    name: OptionName,
}

impl At {
    /// The top of a map written in this case.
    pub fn top(case: Case) -> Self {
        At { case, name: OptionName::default() }
    }

    /// The option with this name of a table.
    #[doc(hidden)]
    pub fn option(name: &'static str) -> Self {
        At::top(Case::Snake).key(name)
    }

    /// The value under this key of a table.
    fn key(&self, name: &'static str) -> At {
        At { case: self.case, name: self.name.known(name) }
    }

    /// The value under a key that no table has.
    fn given(&self, name: &str) -> At {
        At { case: self.case, name: self.name.given(name) }
    }

    /// An error about this value.
    pub fn invalid(&self, problem: impl Into<Message>) -> Error {
        self.refused(problem, self.detail())
    }

    /// An error about this value that says more about it.
    fn refused(&self, problem: impl Into<Message>, detail: InvalidOption) -> Error {
        Error::invalid_option(message!("option {} {}", self.name, problem.into()), detail)
    }

    fn detail(&self) -> InvalidOption {
        InvalidOption::of(self.name.clone())
    }

    /// An error about an option that holds inputs, set where no input is taken.
    #[doc(hidden)]
    pub fn misplaced(&self) -> Error {
        self.invalid(
            "goes with a prompt: give it to each call, each turn of a conversation, each item of many calls",
        )
    }

    fn wrong_type(&self, wants: &str, got: &Value) -> Error {
        let got = match got {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        self.invalid(format!("takes {wants}, not {got}"))
    }

    fn not_one_of(&self, got: &str, allowed: &[&str]) -> Error {
        let hint = nearest(got, allowed.iter().copied());
        let listed = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let mut problem = format!("is {got:?}; allowed are {listed}");
        if let Some(hint) = hint {
            problem.push_str(&format!(". Did you mean `{hint}`?"));
        }
        self.refused(problem, self.detail().allowed(allowed.iter().copied()).hint(hint))
    }
}

/// Reads one option from what the caller wrote.
pub trait Read: Sized {
    /// The value, or an [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) that says what is allowed.
    fn read(value: &Value, at: &At) -> Result<Self, Error>;

    /// What holds if it may be set in two places: the first one counts. Settings that have parts are laid
    /// over each other part by part.
    fn layered(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        first.or(second)
    }
}

impl Read for String {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        value.as_str().map(str::to_owned).ok_or_else(|| at.wrong_type("a text", value))
    }
}

impl Read for bool {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        value.as_bool().ok_or_else(|| at.wrong_type("true or false", value))
    }
}

/// JavaScript has one type of number, so 2.0 is a whole number too.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}

impl Read for i64 {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        whole(value).ok_or_else(|| at.wrong_type("a whole number", value))
    }
}

macro_rules! naturals {
    ($($type:ty),*) => {$(
        impl Read for $type {
            fn read(value: &Value, at: &At) -> Result<Self, Error> {
                let number = whole(value).ok_or_else(|| at.wrong_type("a whole number", value))?;
                <$type>::try_from(number)
                    .map_err(|_| at.invalid(format!("is {number}; it takes 0 to {}", <$type>::MAX)))
            }
        }
    )*};
}

naturals!(u16, u32);

impl Read for u64 {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        let number = whole(value).ok_or_else(|| at.wrong_type("a whole number", value))?;
        u64::try_from(number).map_err(|_| at.invalid(format!("is {number}; it takes a whole number from 0")))
    }
}

impl Read for f64 {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        value.as_f64().ok_or_else(|| at.wrong_type("a number", value))
    }
}

impl Read for Seconds {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        let unit = at.case.time_unit();
        let number = value.as_f64().ok_or_else(|| at.wrong_type(&format!("a number of {unit}"), value))?;
        if !(number.is_finite() && number >= 0.0) {
            return Err(at.invalid(format!("is {number}; it takes a number of {unit} from 0")));
        }
        Ok(Seconds(number / at.case.units_per_second()))
    }
}

impl Read for Map<String, Value> {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        value.as_object().cloned().ok_or_else(|| at.wrong_type("a map", value))
    }
}

impl Read for BTreeMap<String, String> {
    fn read(value: &Value, at: &At) -> Result<Self, Error> {
        let map = value.as_object().ok_or_else(|| at.wrong_type("a map of texts", value))?;
        map.iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| Ok((key.clone(), String::read(value, &at.given(key))?)))
            .collect()
    }
}

/// One table of options. A row may say where in the request's JSON its value stands; what is more
/// than a place, `request` does.
macro_rules! options {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident $(as $public:literal)? {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty $(=> $path:literal)?, )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: Option<$type>, )*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::schema::veiled(out, |out| {
                    out.debug_struct(stringify!($name))
                        $( .field(stringify!($field), &$crate::schema::Veil(stringify!($field), &self.$field)) )*
                        .finish()
                })
            }
        }

        impl $name {
            /// The names of the options, in the order of the table.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// Nothing set.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[doc = $field_doc])+
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*

            /// The table that this struct was made from.
            pub fn table() -> Table {
                Table {
                    name: [$($public,)? stringify!($name)][0],
                    doc: concat!($($doc, "\n"),+),
                    fields: vec![$( Field {
                        name: stringify!($field),
                        doc: concat!($($field_doc, "\n"),+),
                        python: <$type as Typed>::python(),
                        typescript: <$type as Typed>::typescript(),
                        is_time: <$type as Typed>::IS_TIME,
                    } ),*],
                }
            }

            /// What is set here, and where nothing is, what is set in `defaults`; of settings that have
            /// parts each part by itself.
            #[must_use]
            pub fn over(self, defaults: Self) -> Self {
                $name { $( $field: <$type as Read>::layered(self.$field, defaults.$field), )* }
            }

            /// What is set and goes into the request's JSON as it is: where, and what.
            #[doc(hidden)]
            pub fn wire(&self) -> Vec<(&'static str, Value)> {
                #[allow(unused_mut)]
                let mut placed = Vec::new();
                $( $( if let Some(value) = &self.$field {
                    placed.push(($path, Wire::wire(value)));
                } )? )*
                placed
            }

            fn read_map(map: &Map<String, Value>, at: &At) -> Result<Self, Error> {
                let mut options = Self::default();
                for (key, value) in map {
                    let is_it = |name: &&str| at.case.name(name) == key.as_str();
                    let known = Self::NAMES.iter().enumerate().find(|(_, name)| is_it(name));
                    let Some((index, name)) = known else {
                        return Err(at.unknown(key, stringify!($name), Self::NAMES));
                    };
                    if value.is_null() {
                        continue;
                    }
                    let at = at.key(name);
                    let mut row = 0;
                    $(
                        if row == index {
                            options.$field = Some(<$type as Read>::read(value, &at)?);
                        }
                        row += 1;
                    )*
                    let _ = row;
                }
                options.validate(at)?;
                Ok(options)
            }

            /// Reads what a caller wrote, names compared in their own case.
            ///
            /// # Errors
            /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for an unknown name and
            /// for a value of the wrong type or form.
            pub fn read(map: &Map<String, Value>, case: Case) -> Result<Self, Error> {
                Self::read_map(map, &At::top(case))
            }
        }

        impl Write for $name {
            fn write(&self, case: Case) -> Value {
                let mut map = Map::new();
                $( if let Some(value) = &self.$field {
                    map.insert(case.name(stringify!($field)).into_owned(), value.write(case));
                } )*
                Value::Object(map)
            }
        }
    };
}

mod settings;

pub use settings::{Attachment, Budget, Cache, Encode, Reference, Region, Retry, Timeout};

options! {
    /// What one call can be told.
    pub struct GenerateOptions {
        /// The model, by id or alias. Default: the client's, else `nano-banana-2.1`.
        model: Model,
        /// Width to height. Default: the shape of the first picture sent, else 1:1.
        aspect_ratio: AspectRatio => "generationConfig.imageConfig.aspectRatio",
        /// How large the picture will be. Default: 1K.
        image_size: ImageSize => "generationConfig.imageConfig.imageSize",
        /// How many pictures: that many calls side by side. Default: 1.
        n: u32,
        /// How hard the model thinks before it draws. Default: the model's own.
        thinking: Thinking => "generationConfig.thinkingConfig.thinkingLevel",
        /// Whether the model's thoughts come back, as text and as drafts, in `result.thoughts`.
        /// Default: false.
        thoughts: bool => "generationConfig.thinkingConfig.includeThoughts",
        /// Whether the model may search the web first. Default: false.
        search: bool,
        /// Whether the model may look at pictures of the web first. Default: false.
        image_search: bool,
        /// What the model is told before the prompt, for the whole call.
        system: String,
        /// What the answer may hold. Default: the service's, text and pictures.
        modalities: Modalities => "generationConfig.responseModalities",
        /// A seed, sent as it is; the service does not promise the same picture for the same seed.
        /// With `n`, call i sends `seed + i`.
        seed: i64 => "generationConfig.seed",
        /// How freely the model chooses, 0 to 2. Default: the service's, 1.
        temperature: f64 => "generationConfig.temperature",
        /// The share of likely continuations to choose from, 0 to 1. Default: the service's, 0.95.
        top_p: f64 => "generationConfig.topP",
        /// The most tokens that the answer may take. Default: the model's limit.
        max_output_tokens: u32 => "generationConfig.maxOutputTokens",
        /// The adjustable filters: a threshold by category, short or full names, or "off".
        /// Default: the service's.
        safety: Safety => "safetySettings",
        /// The type that pictures are to have. What came is converted here if it is of another one, and
        /// kept as the picture's `original`; what a conversion loses is a warning. Default: as it comes.
        output_format: OutputFormat,
        /// How good a converted picture is to be, 1 to 100, with the `output_format` "jpeg" or "webp".
        /// Default: 92 for JPEG; WebP without it loses nothing.
        output_quality: u32,
        /// Whether pictures that are encoded anew here, for a mask or an `output_format`, say in XMP that AI made them, by
        /// IPTC's DigitalSourceType. Default: true.
        mark_ai: bool,
        /// How urgently the service works, and at what price. Default: standard.
        service_tier: ServiceTier => "serviceTier",
        /// How pictures are encoded before they are sent. Default: they go as they are wherever they can.
        encode: Encode,
        /// Documents (PDF, plain text) and videos that go with the prompt, behind its pictures: paths, bytes,
        /// URLs (YouTube's too), files of the API. An `Attachment` says more of one. Default: none.
        attachments: Attachments,
        /// Which pictures are uploaded first, to be sent by reference: with "auto" the largest ones of a request
        /// that would be too large (100 MB), with "always" all above 16 kB, with "never" none. Each is
        /// uploaded once while it lives there, which is 48 hours. Default: auto.
        upload: Upload,
        /// What happens to an option that the model does not have. Default: error.
        on_unsupported: OnUnsupported,
        /// How long the call may take. Default: the client's.
        timeout: Timeout,
        /// When and how a failed attempt is made again. Default: the client's.
        retry: Retry,
        /// HTTP headers to send beside our own. Those that belong to the connection or the body, such as Host and
        /// Content-Length, are refused.
        headers: BTreeMap<String, String>,
        /// Labels for the bill: keys and values of at most 63 lower case characters.
        labels: BTreeMap<String, String> => "labels",
        /// Merged deeply into the request's JSON, last; for what the service has and we have not.
        extra: Map<String, Value>,
    }
}

impl GenerateOptions {
    fn validate(&self, at: &At) -> Result<(), Error> {
        let at = |name: &'static str| at.key(name);
        if self.n == Some(0) {
            return Err(at("n").invalid("must be at least 1"));
        }
        if let Some(seed) = self.seed
            && i32::try_from(seed.saturating_add(i64::from(self.n.unwrap_or(1)) - 1)).is_err()
        {
            return Err(at("seed").invalid(format!("is {seed}; it takes {} to {}", i32::MIN, i32::MAX)));
        }
        for (name, value, most) in [("temperature", self.temperature, 2.0), ("top_p", self.top_p, 1.0)] {
            if let Some(value) = value
                && !(0.0..=most).contains(&value)
            {
                return Err(at(name).invalid(format!("is {value}; it takes 0 to {most}")));
            }
        }
        if self.max_output_tokens == Some(0) {
            return Err(at("max_output_tokens").invalid("must be at least 1"));
        }
        if let Some(quality) = self.output_quality
            && !(1..=100).contains(&quality)
        {
            return Err(at("output_quality").invalid(format!("is {quality}; it takes 1 to 100")));
        }
        let headers = self.headers.as_ref().map_or(Ok(()), head::check_headers);
        headers.map_err(|problem| at("headers").invalid(problem))?;
        for (key, value) in self.labels.iter().flatten() {
            let bad = |word: &String| word.chars().count() > 63 || word.chars().any(char::is_uppercase);
            if key.is_empty() || bad(key) || bad(value) {
                return Err(at("labels").invalid(format!(
                    "has the label {key:?}; keys and values take at most 63 characters and no capitals"
                )));
            }
        }
        Ok(())
    }

    /// Checks what was set by setters as [`GenerateOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value out of range.
    pub fn check(&self) -> Result<(), Error> {
        let at = At::top(Case::Snake);
        self.validate(&at)?;
        if let Some(timeout) = &self.timeout {
            timeout.validate(&at.key("timeout"))?;
        }
        if let Some(encode) = &self.encode {
            encode.validate(&at.key("encode"))?;
        }
        match &self.retry {
            Some(retry) => retry.validate(&at.key("retry")),
            None => Ok(()),
        }
    }
}

options! {
    /// What an edit can be told of what it may change.
    pub struct EditOptions {
        /// What of the first picture may change: a picture of its size whose transparent parts, or if it has
        /// none its white ones, may change (grey means partly); an array of bool; a Box; or a list of these,
        /// of which each adds to what may change. Default: all of it.
        mask: Masks,
        /// Whether only what lies in the mask is taken from the model: every pixel outside stays exactly as
        /// it is, and the result is PNG, or WebP without loss if `output_format` says so. Otherwise the
        /// model's picture is the result as it came. Default: true.
        keep_outside: bool,
        /// Over how many pixels the mask's edge is soft, towards its inside. Default: a hundredth of the
        /// picture's shorter side, at least 2.
        mask_feather: u32,
    }
}

impl EditOptions {
    /// Every value of these types is one that can be done.
    fn validate(&self, _: &At) -> Result<(), Error> {
        Ok(())
    }

    /// Reads these and the other options of a call from one map, as a caller writes them.
    ///
    /// # Errors
    /// As [`EditOptions::read`] and [`GenerateOptions::read`].
    pub fn read_with_calls(map: &Map<String, Value>, case: Case) -> Result<(Self, GenerateOptions), Error> {
        let (ours, calls) = apart(map, case, &Self::table());
        Ok((Self::read(&ours, case)?, GenerateOptions::read(&calls, case)?))
    }
}

/// What of one map belongs to this table, and what to the options of calls.
fn apart(map: &Map<String, Value>, case: Case, table: &Table) -> (Map<String, Value>, Map<String, Value>) {
    let names = |table: &Table| table.fields.iter().map(|field| case.name(field.name).into_owned()).collect();
    let (ours, theirs): (Vec<String>, Vec<String>) = (names(table), names(&GenerateOptions::table()));
    let (mut own, mut calls) = (Map::new(), Map::new());
    for (name, value) in map {
        // A mistyped name goes to the table that holds what was meant.
        let all = || ours.iter().chain(&theirs);
        let meant = nearest(name, all().map(String::as_str)).unwrap_or(name);
        let is_known = all().any(|known| known == name);
        let is_ours = ours.contains(name) || (!is_known && ours.iter().any(|own| own == meant));
        let side = if is_ours { &mut own } else { &mut calls };
        side.insert(name.clone(), value.clone());
    }
    (own, calls)
}

options! {
    /// What `generate_many` can be told beside the options of its calls.
    pub struct ManyOptions {
        /// How many items are under way at once. Default: 8.
        concurrency: u32,
        /// Whether outcomes come in the order of the items. Default: false, as they finish.
        ordered: bool,
        /// A folder for the pictures, made if it is missing. Each gets the name of its item's id, or of
        /// its number, and beside it a JSON file that says how it was made. No file is written over.
        save_to: String,
        /// A file that remembers what is done: run again with it, and only what is missing is sent.
        /// Pictures go to `save_to`, else to a folder of the journal's name with `.d` at its end.
        journal: String,
        /// After so many failed items nothing more is sent, and the run ends with an error. Default: no
        /// limit.
        stop_after_errors: u32,
        /// Whether to show how far the run is, in a terminal or a notebook. Default: false.
        progress: bool,
    }
}

impl ManyOptions {
    fn validate(&self, at: &At) -> Result<(), Error> {
        let at = |name: &'static str| at.key(name);
        for (name, value) in
            [("concurrency", self.concurrency), ("stop_after_errors", self.stop_after_errors)]
        {
            if value == Some(0) {
                return Err(at(name).invalid("must be at least 1"));
            }
        }
        for (name, value) in [("save_to", &self.save_to), ("journal", &self.journal)] {
            if value.as_ref().is_some_and(String::is_empty) {
                return Err(at(name).invalid("is empty; it takes a path"));
            }
        }
        Ok(())
    }

    /// Checks what was set by setters as [`ManyOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.validate(&At::top(Case::Snake))
    }

    /// Reads these and the options of the calls from one map, as a caller writes them.
    ///
    /// # Errors
    /// As [`ManyOptions::read`] and [`GenerateOptions::read`].
    pub fn read_with_calls(map: &Map<String, Value>, case: Case) -> Result<(Self, GenerateOptions), Error> {
        let (many, calls) = apart(map, case, &Self::table());
        Ok((Self::read(&many, case)?, GenerateOptions::read(&calls, case)?))
    }
}

options! {
    /// What a client can be told.
    pub struct ClientOptions {
        /// The API key. Default: the variable GOOGLE_API_KEY, else GEMINI_API_KEY.
        api_key: Secret,
        /// The model of calls that name none. Default: `nano-banana-2.1`.
        model: Model,
        /// Where the API is. A version at its end counts as `api_version` if that is not set, and an `/openai` behind it
        /// is left out. Default: the variable GOOGLE_GEMINI_BASE_URL, else Google's.
        base_url: String,
        /// The version of the API. Default: the variable GOOGLE_GENAI_API_VERSION, else v1beta.
        api_version: String,
        /// How long a call may take.
        timeout: Timeout,
        /// When and how a failed attempt is made again.
        retry: Retry,
        /// The most requests under way at once, for each model; more wait for their turn. A stream that is
        /// not read for a second does not count until it is read on. Default: no limit, unless the service
        /// asks to go slower.
        max_concurrency: u32,
        /// The most requests in a minute, for each model, sent evenly: at most a second's worth, or
        /// one, at once. Default: no limit, unless the service asks to go slower.
        rate: f64,
        /// How much may be spent, in USD. Default: no limit.
        budget: Budget,
        /// Where answers are kept, so that the same request is not paid for twice. Default: nowhere.
        cache: Cache,
        /// A catalogue to use instead of the built-in one: the path of its file, or an http(s): URL, which is fetched when a
        /// call first needs it.
        catalogue: String,
        /// HTTP headers to send with every request. Those that belong to the connection or the body, such as Host
        /// and Content-Length, are refused.
        headers: BTreeMap<String, String>,
        /// The proxy's URL. Default: the system's; never for a loopback address.
        proxy: String,
        /// A PEM file of certificates to trust beside the system's and the built-in ones.
        ca_bundle: String,
        /// Whether a picture's URL may lead to a private or local address. Default: false.
        allow_private_urls: bool,
        /// Whether paths and file: URLs among the inputs are opened. A server whose users name pictures sets it to
        /// false: then bytes, other URLs and uploaded files are taken alone. Default: true.
        local_files: bool,
    }
}

impl ClientOptions {
    fn validate(&self, at: &At) -> Result<(), Error> {
        let at = |name: &'static str| at.key(name);
        type Check = fn(&str) -> Result<(), Message>;
        let texts: [(&str, &Option<String>, Check); 3] = [
            ("base_url", &self.base_url, head::check_base_url),
            ("api_version", &self.api_version, head::check_api_version),
            ("proxy", &self.proxy, head::check_proxy),
        ];
        for (name, value, check) in texts {
            value.as_deref().map_or(Ok(()), check).map_err(|problem| at(name).invalid(problem))?;
        }
        let headers = self.headers.as_ref().map_or(Ok(()), head::check_headers);
        headers.map_err(|problem| at("headers").invalid(problem))?;
        if self.max_concurrency == Some(0) {
            return Err(at("max_concurrency").invalid("must be at least 1; leave it out for no limit"));
        }
        if let Some(rate) = self.rate
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(at("rate").invalid(format!(
                "is {rate}; it takes a number of requests per minute above 0, and left out there is no limit"
            )));
        }
        Ok(())
    }

    /// Checks what was set by setters as [`ClientOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value of the wrong form.
    pub fn check(&self) -> Result<(), Error> {
        let at = At::top(Case::Snake);
        self.validate(&at)?;
        if let Some(budget) = &self.budget {
            budget.validate(&at.key("budget"))?;
        }
        match &self.cache {
            Some(cache) => cache.validate(&at.key("cache")),
            None => Ok(()),
        }
    }
}

options! {
    /// What the upload of a file can be told.
    pub struct UploadOptions {
        /// What the file is, for example "application/pdf". Default: as its first bytes or its name say.
        mime_type: String,
        /// What it is called for people, at most 512 characters.
        display_name: String,
        /// What the service calls it: "files/" and up to 40 lower case letters, digits and dashes; a name is
        /// given once. Default: one that is drawn by lot.
        name: String,
        /// How long all of it may take, until the file can be used. Default: the client's.
        timeout: Timeout,
    }
}

impl UploadOptions {
    fn validate(&self, at: &At) -> Result<(), Error> {
        let at = |name: &'static str| at.key(name);
        let plain = |text: &str| text.bytes().all(|letter| letter.is_ascii_graphic() || letter == b' ');
        if let Some(kind) = &self.mime_type
            && !(plain(kind) && kind.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()))
        {
            return Err(at("mime_type").invalid(format!("is {kind:?}; it takes one like application/pdf")));
        }
        if self.display_name.as_ref().is_some_and(|name| name.chars().count() > 512) {
            return Err(at("display_name").invalid("has more than 512 characters"));
        }
        Ok(())
    }

    /// Checks what was set by setters as [`UploadOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value of the wrong form.
    pub fn check(&self) -> Result<(), Error> {
        let at = At::top(Case::Snake);
        self.validate(&at)?;
        self.timeout.as_ref().map_or(Ok(()), |timeout| timeout.validate(&at.key("timeout")))
    }
}

options! {
    /// What a question about uploaded files can be told.
    pub struct FileOptions {
        /// How long it may take. Default: the client's.
        timeout: Timeout,
    }
}

impl FileOptions {
    fn validate(&self, _: &At) -> Result<(), Error> {
        Ok(())
    }

    /// Checks what was set by setters as [`FileOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value out of range.
    pub fn check(&self) -> Result<(), Error> {
        let at = At::option("timeout");
        self.timeout.as_ref().map_or(Ok(()), |timeout| timeout.validate(&at))
    }
}

options! {
    /// What an emulator can be told.
    pub struct EmulatorOptions {
        /// Where it listens; 0 takes any free one. Default: 0.
        port: u16,
        /// The address it listens at. Any but that of this machine alone lets others in, under any name. Default: 127.0.0.1.
        host: String,
        /// Whether it speaks TLS, with HTTP/2 for those who can, by a throw-away authority. Default: false.
        tls: bool,
        /// How many requests it remembers. Default: 1000.
        keep: u32,
        /// How long an uploaded file lives. Default: 48 hours.
        file_life: Seconds,
        /// How long a video or a sound is PROCESSING before it is ACTIVE. Default: 0.2 seconds.
        file_processing: Seconds,
        /// How long a batch, or an interaction in the background, takes at least. Default: 0.2 seconds.
        batch_processing: Seconds,
        /// How long a batch may be pending or running before it is EXPIRED. Default: 48 hours.
        batch_life: Seconds,
        /// How many requests a minute each model takes before it answers 429. Default: no limit.
        rpm: u32,
        /// How many pictures a minute each model draws before it answers 429. Default: no limit.
        ipm: u32,
        /// How many requests a day each model takes before it answers 429. Default: no limit.
        rpd: u32,
        /// How long a minute of these limits is: tests need not wait for a real one. Default: 60 seconds.
        minute: Seconds,
        /// The folder of recorded calls that it answers with, instead of drawing. Default: none.
        cassette: String,
        /// The base URL of the real service, to which calls go that are to be recorded, with the key that they came with. Default: none.
        upstream: String,
        /// Which calls go there: "missing" ones, "always" all, or "never" any. Default: missing, if there is an `upstream`.
        record: Record,
        /// Where sources conflict, the readings to follow in place of the usual ones; `docs/facts.md` lists them. Default: none.
        readings: Readings,
    }
}

/// What a minute of an emulator's limits may be, in seconds: what a clock can tell, up to a day.
#[doc(hidden)]
pub const MINUTES: std::ops::RangeInclusive<f64> = 1e-9..=24.0 * 3600.0;

impl EmulatorOptions {
    fn validate(&self, at: &At) -> Result<(), Error> {
        if let Some(minute) = &self.minute
            && !MINUTES.contains(&minute.0)
        {
            let problem = message!("takes a number of {} above 0, at most a day", time_unit());
            return Err(at.key("minute").invalid(problem));
        }
        Ok(())
    }

    /// Checks what was set by setters as [`EmulatorOptions::read`] checks what it reads.
    ///
    /// # Errors
    /// [`Kind::InvalidOptionError`](crate::error::Kind::InvalidOptionError) for a value out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.validate(&At::top(Case::Snake))
    }
}

options! {
    /// What a running emulator can be told of recorded calls. What is not set stays as it is; if nothing is set, it
    /// draws again.
    pub struct RecordOptions {
        /// The folder of recorded calls that it answers with, instead of drawing.
        cassette: String,
        /// The base URL of the real service, to which calls go that are to be recorded, with the key that they came with.
        upstream: String,
        /// Which calls go there: "missing" ones, "always" all, or "never" any. Default: missing, if there is an `upstream`.
        mode: Record,
    }
}

impl RecordOptions {
    /// Which of them go together depends on what the emulator was told before.
    fn validate(&self, _: &At) -> Result<(), Error> {
        Ok(())
    }
}
