//! What one row of a table knows about itself.
//!
//! Options, records and errors are each declared once, as a table of rows. A row's Rust type says
//! here what it is called in Python and in TypeScript and how it is written as JSON, so that the
//! generated files and the border of each binding can never disagree with the Rust struct.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

mod veil;

#[doc(hidden)]
pub use veil::{Veil, veiled};

/// How the caller's language spells names and counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `aspect_ratio`, durations in seconds: Rust and Python.
    Snake,
    /// `aspectRatio`, durations in milliseconds: JavaScript.
    Camel,
    /// JSON as in [`Case::Snake`], and `--aspect-ratio` in messages: the command line.
    Shell,
}

impl Case {
    /// A table's name (always snake case) as this language has it in its code and JSON.
    pub fn name(self, snake: &str) -> Cow<'_, str> {
        if self != Case::Camel || !snake.contains('_') {
            return Cow::Borrowed(snake);
        }
        let mut words = snake.split('_');
        let mut name = words.next().unwrap_or_default().to_owned();
        for word in words {
            let mut letters = word.chars();
            if let Some(first) = letters.next() {
                name.extend(first.to_uppercase());
                name.push_str(letters.as_str());
            }
        }
        Cow::Owned(name)
    }

    /// How many of this language's time units make one second.
    pub fn units_per_second(self) -> f64 {
        match self {
            Case::Snake | Case::Shell => 1.0,
            Case::Camel => 1000.0,
        }
    }

    /// The name of that unit, for messages.
    pub fn time_unit(self) -> &'static str {
        match self {
            Case::Snake | Case::Shell => "seconds",
            Case::Camel => "milliseconds",
        }
    }
}

/// One row of a table, as the generators see it.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name in snake case.
    pub name: &'static str,
    /// The row's documentation.
    pub doc: &'static str,
    /// Its type in Python.
    pub python: String,
    /// Its type in TypeScript.
    pub typescript: String,
    /// True if it is a time, which is a number in the caller's unit.
    pub is_time: bool,
}

impl Field {
    /// The documentation for a caller in this language, with the unit of a time.
    pub fn doc_in(&self, case: Case) -> String {
        let doc = self.doc.trim();
        match (self.is_time, self.python.contains(" | ") && !self.python.ends_with("| None")) {
            (false, _) => doc.to_owned(),
            (true, false) => format!("{doc}\nIn {}.", case.time_unit()),
            (true, true) => format!("{doc}\nA number is in {}.", case.time_unit()),
        }
    }
}

/// One table, as the generators see it.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name of the class or interface.
    pub name: &'static str,
    /// The table's documentation.
    pub doc: &'static str,
    /// Its rows in order.
    pub fields: Vec<Field>,
}

/// What a Rust type is called in the other two languages.
pub trait Typed {
    /// The Python annotation.
    fn python() -> String;
    /// The TypeScript type.
    fn typescript() -> String;
    /// True for a time.
    const IS_TIME: bool = false;
}

/// How a value is written as JSON at a binding's border.
pub trait Write {
    /// The JSON value, its record fields named and its durations counted in `case`.
    fn write(&self, case: Case) -> Value;
}

macro_rules! plain {
    ($($rust:ty => $python:literal, $typescript:literal;)*) => {$(
        impl Typed for $rust {
            fn python() -> String { $python.into() }
            fn typescript() -> String { $typescript.into() }
        }
        impl Write for $rust {
            fn write(&self, _: Case) -> Value { serde_json::json!(self) }
        }
    )*};
}

plain! {
    String => "str", "string";
    bool => "bool", "boolean";
    u16 => "int", "number";
    u32 => "int", "number";
    u64 => "int", "number";
    i64 => "int", "number";
    f64 => "float", "number";
    Value => "Any", "unknown";
    Map<String, Value> => "dict[str, Any]", "Record<string, unknown>";
    BTreeMap<String, String> => "dict[str, str]", "Record<string, string>";
    BTreeMap<String, u32> => "dict[str, int]", "Record<string, number>";
}

impl<T: Typed> Typed for Option<T> {
    fn python() -> String {
        format!("{} | None", T::python())
    }
    fn typescript() -> String {
        format!("{} | null", T::typescript())
    }
    const IS_TIME: bool = T::IS_TIME;
}

impl<T: Write> Write for Option<T> {
    fn write(&self, case: Case) -> Value {
        self.as_ref().map_or(Value::Null, |value| value.write(case))
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn python() -> String {
        format!("list[{}]", T::python())
    }
    fn typescript() -> String {
        format!("Array<{}>", T::typescript())
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, case: Case) -> Value {
        self.iter().map(|value| value.write(case)).collect()
    }
}

/// A duration: seconds in Rust and Python, milliseconds in JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Seconds(pub f64);

impl Seconds {
    /// The same as a [`std::time::Duration`]; not a number or below zero is zero, and what is longer than
    /// a century is one: clocks cannot count much more.
    pub fn duration(self) -> std::time::Duration {
        let century = std::time::Duration::from_secs(100 * 365 * 86_400);
        std::time::Duration::try_from_secs_f64(self.0.max(0.0)).unwrap_or(century).min(century)
    }
}

impl From<f64> for Seconds {
    fn from(seconds: f64) -> Self {
        Seconds(seconds)
    }
}

impl From<std::time::Duration> for Seconds {
    fn from(duration: std::time::Duration) -> Self {
        Seconds(duration.as_secs_f64())
    }
}

impl Typed for Seconds {
    const IS_TIME: bool = true;
    fn python() -> String {
        "float".into()
    }
    fn typescript() -> String {
        "number".into()
    }
}

impl Write for Seconds {
    fn write(&self, case: Case) -> Value {
        serde_json::json!(self.0 * case.units_per_second())
    }
}

/// Declares what comes back: one row per field gives the struct, its JSON and its schema.
#[doc(hidden)]
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident $(as $public:literal)? $(without $default:ident)? {
            $( $(#[doc = $field_doc:literal])+ $field:ident: $type:ty, )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::schema::veiled(out, |out| {
                    out.debug_struct(stringify!($name))
                        $(.field(stringify!($field), &$crate::schema::Veil(stringify!($field), &self.$field)))*
                        .finish()
                })
            }
        }

        $crate::schema::record!(@default [$($default)?] $name $($field)*);

        impl $name {
            /// The table that this struct was made from.
            pub fn table() -> $crate::schema::Table {
                $crate::schema::Table {
                    name: $crate::schema::record!(@name $name $($public)?),
                    doc: concat!($($doc, "\n"),+),
                    fields: vec![$($crate::schema::Field {
                        name: stringify!($field),
                        doc: concat!($($field_doc, "\n"),+),
                        python: <$type as $crate::schema::Typed>::python(),
                        typescript: <$type as $crate::schema::Typed>::typescript(),
                        is_time: <$type as $crate::schema::Typed>::IS_TIME,
                    }),*],
                }
            }
        }

        impl $crate::schema::Typed for $name {
            fn python() -> String { $crate::schema::record!(@name $name $($public)?).into() }
            fn typescript() -> String { $crate::schema::record!(@name $name $($public)?).into() }
        }

        impl $crate::schema::Write for $name {
            fn write(&self, case: $crate::schema::Case) -> serde_json::Value {
                let mut map = serde_json::Map::new();
                $( map.insert(
                    case.name(stringify!($field)).into_owned(),
                    $crate::schema::Write::write(&self.$field, case),
                ); )*
                serde_json::Value::Object(map)
            }
        }
    };
    (@default [Default] $name:ident $($field:ident)*) => {};
    (@default [] $name:ident $($field:ident)*) => {
        impl Default for $name {
            fn default() -> Self {
                $name { $( $field: Default::default(), )* }
            }
        }
    };
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $public:literal) => { $public };
}

#[doc(hidden)]
pub use record;
