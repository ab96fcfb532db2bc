//! Every way in which a call can fail, as one type.
//!
//! The table of kinds below is the error tree of all three languages: a kind's name is the name of
//! its class in Python and in JavaScript, its fields are that class's attributes. A message says
//! what was wrong, what is allowed and what to do; it never holds a key or the bytes of a picture.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::message::{Message, OptionName, counted, message};
use crate::schema::{Case, Field, Seconds, Typed, Veil, Write, record, veiled};
use crate::secrets::Secrets;

mod field;

use field::FieldValue;

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

/// Whether a failed call was paid for, as far as is known.
///
/// In Python, JavaScript and JSON it is the word that [`Billed::name`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Billed {
    /// The service charged nothing.
    No,
    /// The service charged for it.
    Yes,
    /// The outcome is not known: the request may have been served and charged.
    Unknown,
}

impl Billed {
    /// The word for it: "no", "yes" or "unknown".
    pub fn name(self) -> &'static str {
        match self {
            Billed::No => "no",
            Billed::Yes => "yes",
            Billed::Unknown => "unknown",
        }
    }

    /// The one with this word; none if there is no such word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Billed::No, Billed::Yes, Billed::Unknown].into_iter().find(|billed| billed.name() == name)
    }

    /// How bad it is for the caller, from 0: a possible charge is worse than none, and a certain charge is the worst.
    pub fn rank(self) -> u8 {
        match self {
            Billed::No => 0,
            Billed::Unknown => 1,
            Billed::Yes => 2,
        }
    }

    /// The worst of these; none if there are none.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().max_by_key(|billed| billed.rank())
    }
}

impl Typed for Billed {
    fn python() -> String {
        String::python()
    }
    fn typescript() -> String {
        String::typescript()
    }
}

impl Write for Billed {
    fn write(&self, _: Case) -> Value {
        self.name().into()
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

/// A record at the border: its fields by their names in the table.
trait Fields {
    /// The field as JSON; none if there is no such field.
    fn field(&self, name: &str, case: Case) -> Option<Value>;
    /// Takes the fields from an error's JSON; what is of a wrong type is left out.
    fn read(&mut self, json: &Value, case: Case);
    /// Cuts every secret out of its texts.
    fn clean(&mut self, secrets: &Secrets);
}

// A row is `Class: Parent ["base classes in Python"] => exit code`, then `fn` with the constructor and the record that it
// takes, and `struct` with the record that holds the row's fields, `in` the one that it extends. A field marked
// `= shared` is no part of a record: `Inner` has it, for errors of every kind.
macro_rules! errors {
    (@record [] $kind:ident [$($done:tt)*] $($field:tt)*) => {};
    (@record $names:tt $kind:ident [$($done:tt)*]
        $(#[doc = $doc:literal])+ $field:ident: $type:ty = shared, $($more:tt)*
    ) => {
        errors!(@record $names $kind [$($done)*] $($more)*);
    };
    (@record $names:tt $kind:ident [$($done:tt)*]
        $(#[doc = $doc:literal])+ $field:ident: $type:ty, $($more:tt)*
    ) => {
        errors!(@record $names $kind [$($done)* { $(#[doc = $doc])+ $field: $type }] $($more)*);
    };
    (@record [$record:ident $($base:ident: $above:ident)?] $kind:ident [
        $({ $(#[doc = $doc:literal])+ $field:ident: $type:ty })*
    ]) => {
        #[doc = concat!("What a [`Kind::", stringify!($kind), "`] says beside its message.")]
        ///
        /// More fields may come: a literal ends with `..Default::default()`.
        #[derive(Clone, Default)]
        pub struct $record {
            $( #[doc = concat!("What every [`Kind::APIStatusError`] says.")] pub $base: $above, )?
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl fmt::Debug for $record {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                veiled(out, |out| {
                    out.debug_struct(stringify!($record))
                        $( .field(stringify!($base), &self.$base) )?
                        $( .field(stringify!($field), &Veil(stringify!($field), &self.$field)) )*
                        .finish()
                })
            }
        }

        impl Fields for $record {
            fn field(&self, name: &str, case: Case) -> Option<Value> {
                match name {
                    $( stringify!($field) => Some(self.$field.write(case)), )*
                    _ => errors!(@above None, $(self.$base.field(name, case))?),
                }
            }

            fn read(&mut self, json: &Value, case: Case) {
                $( self.$base.read(json, case); )?
                $( self.$field = read(json, stringify!($field), case); )*
            }

            fn clean(&mut self, secrets: &Secrets) {
                $( self.$base.clean(secrets); )?
                $( self.$field.clean(secrets); )*
            }
        }
    };
    (@above $none:expr,) => { $none };
    (@above $none:expr, $above:expr) => { $above };
    (@detail) => { Detail::None };
    (@detail $record:ident) => { Detail::$record($record::default()) };
    (@parent) => { None };
    (@parent $parent:ident) => { Some(Kind::$parent) };
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident: $($parent:ident)? $([$($base:literal),*])? => $exit:literal
        $(fn $make:ident($takes:ident))? $(struct $record:ident $(in $above:ident: $over:ident)?)? {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty $(= $shared:ident)?, )*
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

            /// The names of the fields that it adds to those of its parent.
            fn own_fields(self) -> &'static [&'static str] {
                match self { $( Kind::$kind => &[$(stringify!($field)),*], )* }
            }
        }

        $( errors!(@record [$($record $($above: $over)?)?] $kind []
            $( $(#[doc = $field_doc])+ $field: $type $(= $shared)?, )*
        ); )*

        /// The fields that errors of one kind have and others do not.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum Detail {
            /// The kind has no such fields.
            None,
            $($( #[doc = concat!("Those of [`Kind::", stringify!($kind), "`].")] $record($record), )?)*
        }

        impl Detail {
            /// The fields of this kind, none of them set.
            fn of(kind: Kind) -> Self {
                match kind { $( Kind::$kind => errors!(@detail $($takes)?), )* }
            }

            fn fields(&self) -> Option<&dyn Fields> {
                match self {
                    Detail::None => None,
                    $($( Detail::$record(record) => Some(record), )?)*
                }
            }

            fn fields_mut(&mut self) -> Option<&mut dyn Fields> {
                match self {
                    Detail::None => None,
                    $($( Detail::$record(record) => Some(record), )?)*
                }
            }
        }

        impl Error {
            $($(
                #[doc = concat!("A [`Kind::", stringify!($kind), "`].")]
                pub fn $make(message: impl Into<Message>, detail: $takes) -> Self {
                    let mut error = Error::new(Kind::$kind, message);
                    error.inner().detail = Detail::$takes(detail);
                    error
                }
            )?)*
        }
    };
}

errors! {
    /// Anything that this library raises.
    NanoBananaError: => 1 {
        /// What was wrong, what is allowed and what to do.
        message: Message = shared,
        /// The number of the call, as its events have it; none if it failed before it was ready to be made.
        call: Option<u64> = shared,
    }
    /// The client cannot be used as it was set up, for example because no API key was found.
    ConfigError: NanoBananaError => 3 {}
    /// An option that does not exist, or a value of the wrong type or form. Nothing was sent.
    InvalidOptionError: NanoBananaError ["TypeError", "ValueError"] => 2 fn invalid_option(InvalidOption) struct InvalidOption {
        /// The option's name as it was given.
        option: Option<OptionName>,
        /// The values that are allowed, if they can be listed.
        allowed: Option<Vec<Message>>,
        /// The nearest thing that would have been right.
        hint: Option<Message>,
    }
    /// The chosen model does not have this option, or not with this value. Nothing was sent.
    UnsupportedOptionError: NanoBananaError ["ValueError"] => 2 fn unsupported_option(UnsupportedOption) struct UnsupportedOption {
        /// The id of the model.
        model: Option<String>,
        /// The option's name as it was given.
        option: Option<OptionName>,
        /// The value that was given.
        value: Value,
        /// The values that this model takes; empty if it does not have the option at all.
        allowed: Option<Vec<String>>,
        /// The nearest value that this model takes, or a model that takes the value given.
        hint: Option<String>,
    }
    /// A picture cannot be used: which one and why.
    ImageError: NanoBananaError ["ValueError"] => 2 fn image(WhichImage) struct WhichImage {
        /// Which of the call's pictures it is, counted from 0; none outside of a call.
        index: Option<u64>,
        /// The picture as it was named: a path, a URL or a type, never bytes.
        input: Option<String>,
    }
    /// The client's budget has no room for a request, which was not sent. What was spent stays spent.
    BudgetExceededError: NanoBananaError => 5 fn budget_exceeded(BudgetExceeded) struct BudgetExceeded {
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
        attempts: Vec<Attempt> = shared,
    }
    /// The service, or the way to it, failed.
    APIError: NanoBananaError => 1 {
        /// What was sent on behalf of this call, in order.
        attempts: Vec<Attempt> = shared,
        /// Whether the failed call was paid for: "no", "yes" or "unknown".
        billed: Option<Billed> = shared,
        /// Whether the same call may succeed later.
        retryable: bool = shared,
        /// What had arrived before the reply broke off; none if nothing had.
        partial: Option<Partial> = shared,
        /// What was known about the options before the call was sent, in sentences, as the warnings of a result; empty if
        /// nothing was.
        warnings: Vec<Message> = shared,
    }
    /// No answer came: the connection could not be made, or it broke.
    APIConnectionError: APIError => 6 {}
    /// The time allowed for the call ran out.
    APITimeoutError: APIConnectionError => 6 {}
    /// The service answered with an error.
    APIStatusError: APIError => 1 fn api_status(Status) struct Status {
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
    BadRequestError: APIStatusError => 1 fn bad_request(Status) {}
    /// The service does not know the API key.
    AuthenticationError: APIStatusError => 3 fn authentication(Status) {}
    /// The key is missing, or may not do this.
    PermissionDeniedError: APIStatusError => 3 fn permission_denied(Status) {}
    /// The model or file does not exist, or not any more.
    NotFoundError: APIStatusError => 1 fn not_found(Status) {}
    /// Too many requests, or a quota is used up.
    RateLimitError: APIStatusError => 5 fn rate_limit(RateLimit) struct RateLimit in answer: Status {
        /// After how many seconds the service wants to be asked again, if it said so.
        retry_after: Option<f64> = shared,
        /// The quota that is used up, as the service names it.
        quota: Option<String>,
        /// Whether waiting is of no use: true for a daily or a zero quota.
        permanent: Option<bool>,
    }
    /// The service failed (any 5xx).
    InternalServerError: APIStatusError => 6 fn internal_server(Status) {}
    /// A reply that is not what the API promises: cut off, not JSON, damaged.
    ResponseError: APIError => 6 {}
    /// The service refused the prompt or the picture for a reason of policy.
    BlockedError: APIError => 4 fn blocked(Blocked) struct Blocked {
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
    NoImageError: APIError => 1 fn no_image(NoImage) struct NoImage {
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

    /// The names of all its fields, those of its parents first.
    fn fields(self) -> Vec<&'static str> {
        let mut names = self.parent().map(Kind::fields).unwrap_or_default();
        names.extend(self.own_fields());
        names
    }
}

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call failed. Cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: Message,
    detail: Detail,
    call: Option<u64>,
    attempts: Vec<Attempt>,
    /// Also of errors whose class has no attribute for it, such as a budget that forbids the next attempt.
    billed: Option<Billed>,
    retryable: bool,
    /// Of every status: a 503 may name a wait, too.
    retry_after: Option<f64>,
    partial: Option<Partial>,
    warnings: Vec<Message>,
    source: Option<Source>,
    role: Role,
}

/// What an error is for. It never crosses to another language.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// It is the failure of a call.
    Failure,
    /// The caller's own code raised it.
    Foreign,
    /// It sums up failures that were reported before.
    Summary,
}

/// The field of an error's JSON with this name; what it is by default if it is missing or of a wrong type.
fn read<T: FieldValue + Default>(json: &Value, name: &str, case: Case) -> T {
    let value = json.get(&*case.name(name)).filter(|value| !value.is_null());
    value.and_then(|value| T::read(value, case)).unwrap_or_default()
}

impl Error {
    /// An error of this kind with this message, and none of the kind's own fields set.
    pub fn new(kind: Kind, message: impl Into<Message>) -> Self {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            detail: Detail::of(kind),
            call: None,
            attempts: Vec::new(),
            billed: None,
            retryable: false,
            retry_after: None,
            partial: None,
            warnings: Vec::new(),
            source: None,
            role: Role::Failure,
        }))
    }

    /// An error that the caller's own code raised, which is its source: a binding raises that as it is.
    #[doc(hidden)]
    pub fn foreign(message: impl Into<Message>) -> Self {
        let mut error = Error::new(Kind::ConfigError, message);
        error.inner().role = Role::Foreign;
        error
    }

    /// Whether it is one of the caller's own code.
    #[doc(hidden)]
    pub fn is_foreign(&self) -> bool {
        self.0.role == Role::Foreign
    }

    /// The same error as one that sums up failures which were reported before.
    #[doc(hidden)]
    pub fn as_summary(mut self) -> Self {
        self.inner().role = Role::Summary;
        self
    }

    /// Whether it sums up failures which were reported before.
    #[doc(hidden)]
    pub fn is_summary(&self) -> bool {
        self.0.role == Role::Summary
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Names what caused it.
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.inner().source = Some(Arc::new(source));
        self
    }

    /// Sets the number of the call.
    #[doc(hidden)]
    pub fn with_call(mut self, call: Option<u64>) -> Self {
        self.inner().call = call;
        self
    }

    /// Sets what had been sent when it happened.
    pub fn attempted(mut self, attempts: Vec<Attempt>) -> Self {
        self.inner().attempts = attempts;
        self
    }

    /// Sets what had arrived when it happened.
    pub fn saving(mut self, partial: Option<Partial>) -> Self {
        self.inner().partial = partial;
        self
    }

    /// Sets whether the failed call was paid for.
    pub fn with_billed(mut self, billed: Billed) -> Self {
        self.inner().billed = Some(billed);
        self
    }

    /// Sets whether the same call may succeed later.
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.inner().retryable = retryable;
        self
    }

    /// Sets after how many seconds the service wants to be asked again.
    pub fn with_retry_after(mut self, seconds: Option<f64>) -> Self {
        self.inner().retry_after = seconds;
        self
    }

    /// Sets which of the call's pictures it is about; an error about something else stays as it is.
    #[doc(hidden)]
    pub fn with_index(mut self, index: u64) -> Self {
        if let Detail::WhichImage(which) = &mut self.inner().detail {
            which.index = Some(index);
        }
        self
    }

    /// Sets how the picture was named that it is about; an error about something else stays as it is.
    #[doc(hidden)]
    pub fn with_input(mut self, input: impl Into<String>) -> Self {
        if let Detail::WhichImage(which) = &mut self.inner().detail {
            which.input = Some(input.into());
        }
        self
    }

    /// Sets what the call used and cost, of an answer without a picture; other errors stay as they are.
    #[doc(hidden)]
    pub fn with_usage(mut self, used: Usage, spent: Option<f64>) -> Self {
        if let Detail::Blocked(Blocked { usage, cost, .. }) | Detail::NoImage(NoImage { usage, cost, .. }) =
            &mut self.inner().detail
        {
            (*usage, *cost) = (Some(used), spent);
        }
        self
    }

    /// The same error with another message.
    pub fn reworded(mut self, message: impl Into<Message>) -> Self {
        self.inner().message = message.into();
        self
    }

    /// The same error of a call about whose options something was known before it was sent. A refusal says so in its
    /// message, since that may be the reason.
    #[doc(hidden)]
    pub fn noted(mut self, notes: &[Message]) -> Self {
        if notes.is_empty() || !self.is(Kind::APIError) {
            return self;
        }
        self.inner().warnings = notes.to_vec();
        if !self.is(Kind::BadRequestError) {
            return self;
        }
        let message = notes.iter().fold(self.words().clone(), |message, note| {
            message!("{}. Known before it was sent: {}", message, note)
        });
        self.reworded(message)
    }

    /// The same error with every secret cut out of its texts.
    #[doc(hidden)]
    pub fn censored(mut self, secrets: &Secrets) -> Self {
        let inner = self.inner();
        inner.message.clean(secrets);
        inner.warnings.clean(secrets);
        if let Some(fields) = inner.detail.fields_mut() {
            fields.clean(secrets);
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

    /// The fields that errors of its kind have and others do not.
    pub fn detail(&self) -> &Detail {
        &self.0.detail
    }

    /// The number of the call, as its events have it; none if it failed before it was ready to be made.
    pub fn call(&self) -> Option<u64> {
        self.0.call
    }

    /// What was sent on behalf of the call.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// What had arrived before the reply broke off.
    pub fn partial(&self) -> Option<&Partial> {
        self.0.partial.as_ref()
    }

    /// What was known about the options before the call was sent.
    pub fn warnings(&self) -> &[Message] {
        &self.0.warnings
    }

    /// Whether the failed call was paid for; none if the error does not say so.
    pub fn billed(&self) -> Option<Billed> {
        self.0.billed
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// After how many seconds the service wants to be asked again, if it said so.
    pub fn retry_after(&self) -> Option<f64> {
        self.0.retry_after
    }

    fn answer(&self) -> Option<&Status> {
        match &self.0.detail {
            Detail::Status(answer) | Detail::RateLimit(RateLimit { answer, .. }) => Some(answer),
            _ => None,
        }
    }

    /// The HTTP status, if the service answered with an error.
    pub fn status(&self) -> Option<u16> {
        self.answer()?.status
    }

    /// The service's own name of the error, for example "RESOURCE_EXHAUSTED".
    pub fn code(&self) -> Option<&str> {
        self.answer()?.code.as_deref()
    }

    /// Why the answer ended that has no picture, as the service names it.
    pub fn finish_reason(&self) -> Option<&str> {
        match &self.0.detail {
            Detail::Blocked(Blocked { finish_reason, .. })
            | Detail::NoImage(NoImage { finish_reason, .. }) => finish_reason.as_deref(),
            _ => None,
        }
    }

    /// What the failed call used, if that is known.
    pub fn usage(&self) -> Option<&Usage> {
        match &self.0.detail {
            Detail::Blocked(Blocked { usage, .. }) | Detail::NoImage(NoImage { usage, .. }) => usage.as_ref(),
            _ => None,
        }
    }

    /// What the failed call cost in USD, if that is known.
    pub fn cost(&self) -> Option<f64> {
        match &self.0.detail {
            Detail::Blocked(Blocked { cost, .. }) | Detail::NoImage(NoImage { cost, .. }) => *cost,
            _ => None,
        }
    }

    /// A field as JSON, by its name in the table; null if it is not set, none if the error's kind does not have it.
    /// [`Error::detail`] has the same with types.
    pub fn field(&self, name: &str) -> Option<Value> {
        let value = self.written(name, Case::Snake);
        (!value.is_null() || self.0.kind.fields().contains(&name)).then_some(value)
    }

    /// A field as JSON; null if it is not set.
    fn written(&self, name: &str, case: Case) -> Value {
        let Inner {
            message, detail, call, attempts, billed, retryable, retry_after, partial, warnings, ..
        } = &*self.0;
        match name {
            "message" => message.write(case),
            "call" => call.write(case),
            "attempts" => attempts.write(case),
            "billed" => billed.write(case),
            "retryable" => retryable.write(case),
            "retry_after" => retry_after.write(case),
            "partial" => partial.write(case),
            "warnings" => warnings.write(case),
            name => detail.fields().and_then(|fields| fields.field(name, case)).unwrap_or_default(),
        }
    }

    /// The error as it crosses to another language: `kind`, every field of that kind, `cause`.
    pub fn to_json(&self, case: Case) -> Value {
        let mut map = Map::new();
        map.insert("kind".into(), self.0.kind.name().into());
        for name in self.0.kind.fields() {
            map.insert(case.name(name).into_owned(), self.written(name, case));
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
        let name = json.get("kind").and_then(Value::as_str).unwrap_or_default();
        let kind = (Kind::table().iter().find(|row| row.kind.name() == name))
            .map_or(Kind::NanoBananaError, |row| row.kind);
        let message = json.get("message").and_then(Value::as_str).unwrap_or("it failed for no known reason");
        let mut error = Error::new(kind, Message::read(message, json.get(MESSAGE_NAMES)));
        let inner = error.inner();
        for name in kind.fields() {
            match name {
                "call" => inner.call = read(json, name, case),
                "attempts" => inner.attempts = read(json, name, case),
                "billed" => inner.billed = read(json, name, case),
                "retryable" => inner.retryable = read(json, name, case),
                "retry_after" => inner.retry_after = read(json, name, case),
                "warnings" => inner.warnings = read(json, name, case),
                _ => {}
            }
        }
        if let Some(fields) = inner.detail.fields_mut() {
            fields.read(json, case);
        }
        let cause = json.get("cause").and_then(Value::as_str);
        inner.source = cause.map(|cause| Arc::new(Told(cause.to_owned())) as Source);
        error
    }
}

impl InvalidOption {
    /// What is said of an option with this name.
    pub fn of(name: impl Into<OptionName>) -> Self {
        InvalidOption { option: Some(name.into()), ..InvalidOption::default() }
    }

    /// Lists the values that are allowed.
    pub fn allowed<T: Into<Message>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.allowed = Some(values.into_iter().map(Into::into).collect());
        self
    }

    /// Names the nearest thing that would have been right, if there is one.
    pub fn hint<T: Into<Message>>(mut self, hint: Option<T>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// The part of a block that every answer without a picture has.
impl From<NoImage> for Blocked {
    fn from(answer: NoImage) -> Self {
        let NoImage { finish_reason, finish_message, text, usage, cost, response_id } = answer;
        let blocked = Blocked::default();
        Blocked { finish_reason, finish_message, text, usage, cost, response_id, ..blocked }
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
    fn an_error_is_read_as_each_language_writes_it() {
        let usage = Usage { input_tokens: 3, image_tokens: 1290, ..Usage::default() };
        let answer = NoImage { text: Some("no".to_owned()), usage: Some(usage), ..NoImage::default() };
        let status =
            Status { status: Some(429), details: serde_json::json!([{ "a": 1 }]), ..Status::default() };
        let errors = [
            Error::invalid_option("no", InvalidOption::of("size").allowed(["1K", "2K"]).hint(Some("1K"))),
            Error::image("no", WhichImage { index: Some(1), input: Some("a.png".to_owned()) }),
            Error::budget_exceeded("no", BudgetExceeded { needed: Some(0.5), ..BudgetExceeded::default() }),
            Error::rate_limit(
                "no",
                RateLimit { answer: status, permanent: Some(true), ..RateLimit::default() },
            )
            .with_retry_after(Some(1.5))
            .with_billed(Billed::No),
            Error::blocked("no", Blocked { stage: Some("output".to_owned()), ..Blocked::from(answer) })
                .with_billed(Billed::Yes),
            Error::new(Kind::APIConnectionError, "no").with_retryable(true).with_billed(Billed::Unknown),
        ];
        for (error, case) in errors.iter().flat_map(|error| [(error, Case::Snake), (error, Case::Camel)]) {
            let json = error.to_json(case);
            let read = Error::from_json(&json, case);
            assert_eq!(read.to_json(case), json);
            assert_eq!(read.to_json(Case::Snake), error.to_json(Case::Snake));
        }
    }

    #[test]
    fn a_field_of_a_wrong_type_is_left_out() {
        let json =
            serde_json::json!({ "kind": "RateLimitError", "status": "429", "quota": 1, "billed": "perhaps" });
        let error = Error::from_json(&json, Case::Snake);
        assert_eq!((error.status(), error.billed()), (None, None));
        assert_eq!((error.field("quota"), error.field("stage")), (Some(Value::Null), None));
    }

    #[test]
    fn a_certain_charge_is_the_worst() {
        use Billed::{No, Unknown, Yes};
        for (all, worst) in [([No, Unknown], Unknown), ([Yes, Unknown], Yes), ([No, Yes], Yes)] {
            assert_eq!(Billed::worst(all), Some(worst));
        }
        assert_eq!(Billed::worst([]), None);
    }

    #[test]
    fn debug_output_names_the_cause() {
        let cause = std::io::Error::other("the line is dead");
        let error = Error::new(Kind::APIConnectionError, "no answer came").because(cause);
        assert_eq!(format!("{error:?}"), "APIConnectionError: no answer came (the line is dead)");
    }
}
