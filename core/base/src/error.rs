//! Every way in which a call can fail, as one type.
//!
//! The table of kinds below is the error tree of all three languages: a kind's name is the name of
//! its class in Python and in JavaScript, its fields are that class's attributes. A message says
//! what was wrong, what is allowed and what to do; it never holds a key or the bytes of a picture.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::message::{Message, counted, message};
use crate::schema::{Case, Field, Seconds, Typed, Write, record, veiled};
use crate::secrets::Secrets;

record! {
    /// One request that was sent, or tried, on behalf of a call.
    pub struct Attempt {
        /// When it began, in UTC, as `2026-11-24T20:44:39.123Z`.
        when: String,
        /// The HTTP status of its answer; none if no answer came.
        status: Option<u16>,
        /// Why it failed, in a few words; none if it succeeded.
        reason: Option<Message>,
        /// How long was waited after it, before the next one.
        wait: Seconds,
        /// The service's id of this request, if it sent one.
        request_id: Option<String>,
    }
}

record! {
    /// What a call used, in tokens as the service counted them.
    pub struct Usage {
        /// Tokens of the prompt, its pictures included.
        input_tokens: u64,
        /// Tokens of the answer, its pictures included, thoughts left out.
        output_tokens: u64,
        /// Those of the answer's tokens that are pictures.
        image_tokens: u64,
        /// Tokens spent on thinking; billed like text of the answer.
        thought_tokens: u64,
        /// Those of the prompt's tokens that the service had cached.
        cached_tokens: u64,
        /// All tokens together, as the service added them.
        total_tokens: u64,
    }
}

impl Usage {
    /// The usage that an error's field tells of.
    fn read(written: Value) -> Self {
        let count = |name: &str| written.get(name).and_then(Value::as_u64).unwrap_or(0);
        Usage {
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            image_tokens: count("image_tokens"),
            thought_tokens: count("thought_tokens"),
            cached_tokens: count("cached_tokens"),
            total_tokens: count("total_tokens"),
        }
    }

    /// Adds what another call used.
    pub fn add(&mut self, other: &Usage) {
        let sums: [(&mut u64, u64); 6] = [
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.image_tokens, other.image_tokens),
            (&mut self.thought_tokens, other.thought_tokens),
            (&mut self.cached_tokens, other.cached_tokens),
            (&mut self.total_tokens, other.total_tokens),
        ];
        for (sum, more) in sums {
            // Counts come from outside: absurd ones must not end the process.
            *sum = sum.saturating_add(more);
        }
    }

    /// Whether anything was used at all, as far as the service says.
    #[doc(hidden)]
    pub fn is_any(&self) -> bool {
        self.total_tokens > 0 || self.input_tokens > 0 || self.output_tokens > 0 || self.thought_tokens > 0
    }
}

/// Pictures as they arrived, with their types; whole ones only.
#[derive(Clone, Default)]
pub struct Arrived(pub(crate) Vec<(String, bytes::Bytes, (u32, u32))>);

impl fmt::Debug for Arrived {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = |(mime_type, bytes, (width, height)): &(String, bytes::Bytes, (u32, u32))| {
            format!("Image({mime_type}, {width}x{height}, {})", counted(bytes.len(), "byte", "bytes"))
        };
        veiled(out, |out| out.debug_list().entries(self.0.iter().map(described)).finish())
    }
}

impl Typed for Arrived {
    fn python() -> String {
        "list[Image]".into()
    }
    fn typescript() -> String {
        "Array<Image>".into()
    }
}

impl Write for Arrived {
    fn write(&self, case: Case) -> Value {
        let described = |(mime_type, bytes, (width, height)): &(String, bytes::Bytes, (u32, u32))| serde_json::json!({ case.name("mime_type"): mime_type, "width": width, "height": height, "bytes": bytes.len() });
        self.0.iter().map(described).collect()
    }
}

record! {
    /// What had arrived when a reply broke off.
    pub struct Partial {
        /// The text; empty if none came.
        text: String,
        /// The final pictures, whole ones only.
        images: Arrived,
        /// The thoughts in words; empty if none came.
        thoughts: String,
        /// Addresses of pictures that the reply names and that could not be fetched.
        links: Vec<String>,
    }
}

impl Partial {
    /// What had arrived of several calls together; none if that is nothing.
    #[doc(hidden)]
    pub fn of_all<'a>(all: impl IntoIterator<Item = &'a Partial>) -> Option<Partial> {
        all.into_iter().cloned().reduce(|mut one, other| {
            one.text.push_str(&other.text);
            one.thoughts.push_str(&other.thoughts);
            one.images.0.extend(other.images.0);
            one.links.extend(other.links);
            one
        })
    }
}

/// What a kind of error is, as the generators and the bindings see it.
#[derive(Debug, Clone)]
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// The class it derives from; none for the root.
    pub parent: Option<Kind>,
    /// Python's own classes that it is also an instance of.
    pub python_bases: &'static [&'static str],
    /// The command's exit code for it.
    pub exit_code: u8,
    /// Its documentation.
    pub doc: &'static str,
    /// The attributes that it adds to those of its parent.
    pub fields: Vec<Field>,
}

macro_rules! errors {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident: $($parent:ident)? $([$($base:literal),*])? => $exit:literal {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty, )*
        }
    )*) => {
        /// What went wrong, as a class: the same names in Rust, Python and JavaScript.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $( $(#[doc = $doc])+ $kind, )*
        }

        impl Kind {
            /// The name of the class.
            pub fn name(self) -> &'static str {
                match self { $( Kind::$kind => stringify!($kind), )* }
            }

            /// The whole table, parents before children.
            pub fn table() -> Vec<KindRow> {
                vec![$( KindRow {
                    kind: Kind::$kind,
                    parent: errors!(@parent $($parent)?),
                    python_bases: &[$($($base),*)?],
                    exit_code: $exit,
                    doc: concat!($($doc, "\n"),+),
                    fields: vec![$( Field {
                        name: stringify!($field),
                        doc: concat!($($field_doc, "\n"),+),
                        python: <$type as Typed>::python(),
                        typescript: <$type as Typed>::typescript(),
                        is_time: <$type as Typed>::IS_TIME,
                    } ),*],
                } ),*]
            }

            /// The kind that this one is a special case of; none for the root.
            pub fn parent(self) -> Option<Kind> {
                match self { $( Kind::$kind => errors!(@parent $($parent)?), )* }
            }

            /// The exit code of the command when a call ends so.
            pub fn exit_code(self) -> u8 {
                match self { $( Kind::$kind => $exit, )* }
            }
        }
    };
    (@parent) => { None };
    (@parent $parent:ident) => { Some(Kind::$parent) };
}

errors! {
    /// Anything that this library raises.
    NanoBananaError: => 1 {
        /// What was wrong, what is allowed and what to do.
        message: Message,
        /// The number of the call, as its events have it; none if it failed before it was ready to be made.
        call: Option<u64>,
    }
    /// The client cannot be used as it was set up, for example because no API key was found.
    ConfigError: NanoBananaError => 3 {}
    /// An option that does not exist, or a value of the wrong type or form. Nothing was sent.
    InvalidOptionError: NanoBananaError ["TypeError", "ValueError"] => 2 {
        /// The option's name as it was given.
        option: Option<String>,
        /// The values that are allowed, if they can be listed.
        allowed: Option<Vec<String>>,
        /// The nearest thing that would have been right.
        hint: Option<String>,
    }
    /// The chosen model does not have this option, or not with this value. Nothing was sent.
    UnsupportedOptionError: NanoBananaError ["ValueError"] => 2 {
        /// The id of the model.
        model: Option<String>,
        /// The option's name as it was given.
        option: Option<String>,
        /// The value that was given.
        value: Value,
        /// The values that this model takes; empty if it does not have the option at all.
        allowed: Option<Vec<String>>,
        /// The nearest value that this model takes, or a model that takes the value given.
        hint: Option<String>,
    }
    /// A picture cannot be used: which one and why.
    ImageError: NanoBananaError ["ValueError"] => 2 {
        /// Which of the call's pictures it is, counted from 0; none outside of a call.
        index: Option<u64>,
        /// The picture as it was named: a path, a URL or a type, never bytes.
        input: Option<String>,
    }
    /// The client's budget has no room for a request, which was not sent. What was spent stays spent.
    BudgetExceededError: NanoBananaError => 5 {
        /// The most that may be spent in all, in USD; none if only single requests are limited.
        budget: Option<f64>,
        /// The most that one request may be expected to cost, in USD; none if that is not limited.
        per_call: Option<f64>,
        /// What is spent, and kept for requests whose outcome is not known, in USD.
        spent: Option<f64>,
        /// What is set aside for requests under way, in USD.
        held: Option<f64>,
        /// What this would typically have cost, in USD.
        needed: Option<f64>,
        /// What was sent on behalf of this call before, in order.
        attempts: Vec<Attempt>,
    }
    /// The service, or the way to it, failed.
    APIError: NanoBananaError => 1 {
        /// What was sent on behalf of this call, in order.
        attempts: Vec<Attempt>,
        /// Whether the failed call was paid for: "no", "yes" or "unknown".
        billed: Option<String>,
        /// Whether the same call may succeed later.
        retryable: bool,
        /// What had arrived before the reply broke off; none if nothing had.
        partial: Option<Partial>,
        /// What was known about the options before the call was sent, in sentences, as the warnings of a result; empty if
        /// nothing was.
        warnings: Vec<Message>,
    }
    /// No answer came: the connection could not be made, or it broke.
    APIConnectionError: APIError => 6 {}
    /// The time allowed for the call ran out.
    APITimeoutError: APIConnectionError => 6 {}
    /// The service answered with an error.
    APIStatusError: APIError => 1 {
        /// The HTTP status.
        status: Option<u16>,
        /// The service's own name of the error, for example "RESOURCE_EXHAUSTED".
        code: Option<String>,
        /// What the service said beside the message.
        details: Value,
        /// The service's id of the request, if it sent one.
        request_id: Option<String>,
    }
    /// The service found the request wrong (400, 413 and other 4xx).
    BadRequestError: APIStatusError => 1 {}
    /// The service does not know the API key.
    AuthenticationError: APIStatusError => 3 {}
    /// The key is missing, or may not do this.
    PermissionDeniedError: APIStatusError => 3 {}
    /// The model or file does not exist, or not any more.
    NotFoundError: APIStatusError => 1 {}
    /// Too many requests, or a quota is used up.
    RateLimitError: APIStatusError => 5 {
        /// After how many seconds the service wants to be asked again, if it said so.
        retry_after: Option<f64>,
        /// The quota that is used up, as the service names it.
        quota: Option<String>,
        /// Whether waiting is of no use: true for a daily or a zero quota.
        permanent: Option<bool>,
    }
    /// The service failed (any 5xx).
    InternalServerError: APIStatusError => 6 {}
    /// A reply that is not what the API promises: cut off, not JSON, damaged.
    ResponseError: APIError => 6 {}
    /// The service refused the prompt or the picture for a reason of policy.
    BlockedError: APIError => 4 {
        /// What was refused: "prompt" or "output".
        stage: Option<String>,
        /// The service's reason, for example "IMAGE_SAFETY".
        reason: Option<String>,
        /// The service's ratings of the content by category.
        ratings: Value,
        /// Why the answer ended, as the service names it.
        finish_reason: Option<String>,
        /// The service's sentence about that.
        finish_message: Option<String>,
        /// The text that came instead.
        text: Option<String>,
        /// What the call used.
        usage: Option<Usage>,
        /// What the call cost in USD, if the model's prices are known.
        cost: Option<f64>,
        /// The service's id of the answer.
        response_id: Option<String>,
    }
    /// The call succeeded, but no picture came.
    NoImageError: APIError => 1 {
        /// Why the answer ended, as the service names it.
        finish_reason: Option<String>,
        /// The service's sentence about that.
        finish_message: Option<String>,
        /// The text that came instead.
        text: Option<String>,
        /// What the call used.
        usage: Option<Usage>,
        /// What the call cost in USD, if the model's prices are known.
        cost: Option<f64>,
        /// The service's id of the answer.
        response_id: Option<String>,
    }
}

impl Kind {
    /// Whether this kind is `other` or a special case of it, like `instanceof`.
    pub fn is(self, other: Kind) -> bool {
        self == other || self.parent().is_some_and(|parent| parent.is(other))
    }
}

type FieldValue = Arc<dyn Write + Send + Sync>;
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call failed. Cheap to clone.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: Message,
    fields: Vec<(&'static str, FieldValue)>,
    attempts: Vec<Attempt>,
    partial: Option<Partial>,
    source: Option<Source>,
}

/// A field of no kind: it never crosses to another language.
const FOREIGN: &str = "foreign";

impl Error {
    /// An error of this kind with this message.
    pub fn new(kind: Kind, message: impl Into<Message>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            fields: Vec::new(),
            attempts: Vec::new(),
            partial: None,
            source: None,
        }))
    }

    /// An error that the caller's own code raised, which is its source: a binding raises that as it is.
    #[doc(hidden)]
    pub fn foreign(message: impl Into<Message>) -> Self {
        Error::new(Kind::ConfigError, message).with(FOREIGN, true)
    }

    /// Whether it is one of the caller's own code.
    #[doc(hidden)]
    pub fn is_foreign(&self) -> bool {
        self.field(FOREIGN).is_some()
    }

    /// Sets a field of the error's kind; the last value given wins.
    pub fn with(mut self, name: &'static str, value: impl Write + Send + Sync + 'static) -> Self {
        self.0.fields.retain(|(known, _)| *known != name);
        self.0.fields.push((name, Arc::new(value)));
        self
    }

    /// Names what caused it.
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Sets what had been sent when it happened.
    pub fn attempted(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets what had arrived when it happened.
    pub fn saving(mut self, partial: Option<Partial>) -> Self {
        self.0.partial = partial;
        self
    }

    /// What had arrived before the reply broke off.
    pub fn partial(&self) -> Option<&Partial> {
        self.0.partial.as_ref()
    }

    /// The same error with another message.
    pub fn reworded(mut self, message: impl Into<Message>) -> Self {
        self.0.message = message.into();
        self
    }

    /// The same error of a call about whose options something was known before it was sent. A refusal says so in its
    /// message, since that may be the reason.
    #[doc(hidden)]
    pub fn noted(self, notes: &[Message]) -> Self {
        if notes.is_empty() || !self.is(Kind::APIError) {
            return self;
        }
        let error = self.with("warnings", notes.to_vec());
        if !error.is(Kind::BadRequestError) {
            return error;
        }
        let message = notes.iter().fold(error.words().clone(), |message, note| {
            message!("{}. Known before it was sent: {}", message, note)
        });
        error.reworded(message)
    }

    /// The same error with every secret cut out of its texts.
    #[doc(hidden)]
    pub fn censored(mut self, secrets: &Secrets) -> Self {
        self.0.message = self.0.message.cleaned(|text| secrets.clean(text));
        for (_, field) in &mut self.0.fields {
            let written = field.write(Case::Snake);
            let clean = secrets.clean_json(written.clone());
            if clean != written {
                *field = Arc::new(clean);
            }
        }
        self
    }

    /// What went wrong, as a class.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the error is of this kind or of a special case of it.
    pub fn is(&self, kind: Kind) -> bool {
        self.0.kind.is(kind)
    }

    /// What was wrong, what is allowed and what to do.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The message with its fragments, for another language.
    pub fn words(&self) -> &Message {
        &self.0.message
    }

    /// What was sent on behalf of the call.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// A field of the error's kind, by its name in the table.
    pub fn field(&self, name: &str) -> Option<Value> {
        let (_, value) = self.0.fields.iter().find(|(known, _)| *known == name)?;
        Some(value.write(Case::Snake))
    }

    /// The HTTP status, if the service answered with an error.
    pub fn status(&self) -> Option<u16> {
        self.field("status")?.as_u64()?.try_into().ok()
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.field("retryable").and_then(|value| value.as_bool()).unwrap_or(false)
    }

    /// Whether the failed call was paid for, as far as is known: "no", "yes" or "unknown".
    #[doc(hidden)]
    pub fn is_billed(&self, how: &str) -> bool {
        self.field("billed").is_some_and(|billed| billed == how)
    }

    /// What the failed call cost in USD, if its kind tells and it is known.
    #[doc(hidden)]
    pub fn cost(&self) -> Option<f64> {
        self.field("cost")?.as_f64()
    }

    /// What the failed call used, if its kind tells.
    #[doc(hidden)]
    pub fn usage(&self) -> Usage {
        Usage::read(self.field("usage").unwrap_or_default())
    }

    /// After how many seconds the service wants to be asked again, if it said so.
    pub fn retry_after(&self) -> Option<f64> {
        self.field("retry_after")?.as_f64()
    }

    /// The error as it crosses to another language: `kind`, every field of that kind, `cause`.
    pub fn to_json(&self, case: Case) -> Value {
        let mut map = Map::new();
        map.insert("kind".into(), self.0.kind.name().into());
        for row in Kind::table().iter().filter(|row| self.is(row.kind)) {
            for field in &row.fields {
                let value = match field.name {
                    "message" => self.0.message.write(case),
                    "attempts" => self.0.attempts.write(case),
                    "partial" => self.0.partial.write(case),
                    name => (self.0.fields.iter())
                        .find(|(known, _)| *known == name)
                        .map_or(Value::Null, |(_, value)| value.write(case)),
                };
                let value = match &*field.python {
                    "bool" if value.is_null() => false.into(),
                    kind if value.is_null() && kind.starts_with("list[") && kind.ends_with(']') => json!([]),
                    _ => value,
                };
                map.insert(case.name(field.name).into_owned(), value);
            }
        }
        if let Some(source) = &self.0.source {
            let cause = match source.downcast_ref::<Error>() {
                Some(error) => error.words().write(case),
                None => source.to_string().into(),
            };
            map.insert("cause".into(), cause);
        }
        Value::Object(map)
    }

    /// The error for a file that a program in another language may read.
    #[doc(hidden)]
    pub fn to_saved_json(&self) -> Value {
        let mut json = self.to_json(Case::Snake);
        let names = self.0.message.saved_names();
        if let (Some(map), false) = (json.as_object_mut(), names.is_null()) {
            map.insert(MESSAGE_NAMES.to_owned(), names);
        }
        json
    }
}

/// What a saved error has beside its message, if there are names in it.
const MESSAGE_NAMES: &str = "message_names";

impl Error {
    /// The error that was written by [`Error::to_json`], without its pictures. One of a kind that is
    /// not known here is a plain [`Kind::NanoBananaError`].
    pub fn from_json(json: &Value, case: Case) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = json.get("kind").and_then(Value::as_str).unwrap_or_default();
        let table = Kind::table();
        let kind =
            table.iter().find(|row| row.kind.name() == name).map_or(Kind::NanoBananaError, |row| row.kind);
        let message = json.get("message").and_then(Value::as_str).unwrap_or("it failed for no known reason");
        let message = Message::read(message, json.get(MESSAGE_NAMES));
        let mut error = Error::new(kind, message);
        for field in table.iter().filter(|row| kind.is(row.kind)).flat_map(|row| &row.fields) {
            let value = json.get(&*case.name(field.name)).filter(|value| !value.is_null());
            match (field.name, value) {
                (_, None) | ("message" | "partial", _) => {}
                ("attempts", Some(value)) => {
                    let attempts = value.as_array().into_iter().flatten();
                    error.0.attempts = attempts.map(|attempt| Attempt::read(attempt, case)).collect();
                }
                (name, Some(value)) => error.0.fields.push((name, Arc::new(value.clone()))),
            }
        }
        error.0.source = json.get("cause").and_then(text).map(|cause| Arc::new(Told(cause)) as Source);
        error
    }
}

/// A cause of which only its words are known.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

impl Attempt {
    fn read(json: &Value, case: Case) -> Self {
        let text = |name: &str| json.get(&*case.name(name)).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| json.get(&*case.name(name));
        Attempt {
            when: text("when").unwrap_or_default(),
            status: number("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok()),
            reason: text("reason").map(Message::from),
            wait: Seconds(number("wait").and_then(Value::as_f64).unwrap_or(0.0) / case.units_per_second()),
            request_id: text("request_id"),
        }
    }
}

/// This moment, as an attempt's `when` and all other records have it.
#[doc(hidden)]
pub fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        veiled(out, |out| {
            write!(out, "{}: {}", self.0.kind.name(), self.0.message)?;
            match &self.0.source {
                Some(source) => write!(out, " ({source})"),
                None => Ok(()),
            }
        })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl Typed for Error {
    fn python() -> String {
        Kind::NanoBananaError.name().into()
    }
    fn typescript() -> String {
        Kind::NanoBananaError.name().into()
    }
}

impl Write for Error {
    fn write(&self, case: Case) -> Value {
        self.to_json(case)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_read_as_each_language_writes_it() {
        let attempt = Attempt {
            when: "2026-11-24T20:44:39.123Z".to_owned(),
            status: Some(503),
            wait: Seconds(1.5),
            ..Attempt::default()
        };
        for (case, wait) in [(Case::Snake, 1.5), (Case::Camel, 1500.0)] {
            let error = Error::new(Kind::APIError, "busy").attempted(vec![attempt.clone()]);
            let json = error.to_json(case);
            assert_eq!(json["attempts"][0]["wait"], wait);
            let read = Error::from_json(&json, case);
            assert_eq!(read.attempts()[0].wait.0, 1.5, "{json}");
        }
    }

    #[test]
    fn debug_output_names_the_cause() {
        let cause = std::io::Error::other("the line is dead");
        let error = Error::new(Kind::APIConnectionError, "no answer came").because(cause);
        assert_eq!(format!("{error:?}"), "APIConnectionError: no answer came (the line is dead)");
    }
}
