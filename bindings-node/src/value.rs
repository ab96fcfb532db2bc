//! JavaScript values as JSON: plain data only, and a refusal names the key.

use nanobanana::error::InvalidOption;
use nanobanana::{Error, Kind};
use napi::bindgen_prelude::{JsObjectValue, JsValue, Object, Unknown};
use napi::{JsString, ValueType};
use serde_json::{Map, Number, Value};

use crate::error::Refused;

/// How deep a value may nest; one that holds itself ends here.
const DEPTH: usize = 100;

/// The largest whole number that a JavaScript number holds exactly.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// The options of a call or a client. What is `undefined` is left out.
pub fn map(object: &Object) -> Result<Map<String, Value>, Refused> {
    let mut path = Path::default();
    plain(object, &path)?;
    path.map(object)
}

/// What is said of a text with half of a surrogate pair.
pub const NOT_UNICODE: &str = "holds a text that is not valid Unicode";

/// A text as the core holds it; `None` if it has half of a surrogate pair, in whose place another text would be sent.
pub fn text(text: JsString) -> napi::Result<Option<String>> {
    let plain = text.into_utf8()?.into_owned()?;
    // Where a half stood, U+FFFD stands now; the text may also have had one of its own.
    let is_lossy = plain.contains('\u{fffd}') && String::from_utf16(text.into_utf16()?.as_slice()).is_err();
    Ok((!is_lossy).then_some(plain))
}

/// Where a value stands, for messages.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn invalid(&self, problem: &str) -> Refused {
        let name = self.0.concat();
        if name.is_empty() {
            return Error::new(Kind::InvalidOptionError, format!("the options {problem}")).into();
        }
        Error::invalid_option(format!("option `{name}` {problem}"), InvalidOption::of(name)).into()
    }

    fn within<T>(
        &mut self,
        step: String,
        read: impl FnOnce(&mut Self) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        if self.0.len() >= DEPTH {
            self.0.truncate(3);
            return Err(self.invalid(&format!("nests deeper than {DEPTH} levels, or holds itself")));
        }
        self.0.push(step);
        let value = read(self)?;
        self.0.pop();
        Ok(value)
    }

    fn map(&mut self, object: &Object) -> Result<Map<String, Value>, Refused> {
        let mut map = Map::new();
        let names = object.get_property_names()?;
        for index in 0..names.get_array_length_unchecked()? {
            // As JavaScript's own text: one with a NUL in it would not pass as a C string.
            let key: JsString = names.get_element(index)?;
            if !object.has_own_property_js(key)? {
                continue;
            }
            let value: Unknown = object.get_property_unchecked(key)?;
            let Some(name) = text(key)? else {
                return Err(self.invalid("has a name that is not valid Unicode"));
            };
            if value.get_type()? == ValueType::Undefined {
                continue;
            }
            let step = if self.0.is_empty() { name.clone() } else { format!(".{name}") };
            let value = self.within(step, |path| path.value(value))?;
            map.insert(name, value);
        }
        Ok(map)
    }

    fn list(&mut self, array: &Object) -> Result<Vec<Value>, Refused> {
        let length = array.get_array_length_unchecked()?;
        (0..length)
            .map(|index| {
                let value: Unknown = array.get_element(index)?;
                self.within(format!("[{index}]"), |path| path.value(value))
            })
            .collect()
    }

    fn value(&mut self, value: Unknown) -> Result<Value, Refused> {
        match value.get_type()? {
            ValueType::Null => Ok(Value::Null),
            ValueType::Boolean => Ok(Value::Bool(value.coerce_to_bool()?)),
            ValueType::Number => self.number(value.coerce_to_number()?.get_double()?),
            ValueType::String => match text(value.coerce_to_string()?)? {
                Some(text) => Ok(Value::String(text)),
                None => Err(self.invalid(NOT_UNICODE)),
            },
            ValueType::Object => {
                let object = value.coerce_to_object()?;
                if object.is_array()? {
                    return self.list(&object).map(Value::Array);
                }
                plain(&object, self)?;
                self.map(&object).map(Value::Object)
            }
            ValueType::BigInt => Err(self.invalid("is a BigInt; it takes a number")),
            ValueType::Undefined => Err(self.invalid("is undefined; inside a list that has no meaning")),
            ValueType::Function => Err(self.invalid("is a function; it takes plain data")),
            ValueType::Symbol => Err(self.invalid("is a symbol; it takes plain data")),
            ValueType::External | ValueType::Unknown => {
                Err(self.invalid("is not plain data, which is what it takes"))
            }
        }
    }

    fn number(&self, number: f64) -> Result<Value, Refused> {
        if number.fract() == 0.0 && number.abs() <= EXACT {
            return Ok(Value::from(number as i64));
        }
        Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| self.invalid(&format!("is {number}; it takes a finite number")))
    }
}

/// Refuses what only looks empty: a `Map`, a `Headers` or a `Date` has no keys of its own, and would
/// be sent as `{}`.
fn plain(object: &Object, path: &Path) -> Result<(), Refused> {
    let prototype = object.get_prototype()?;
    if prototype.get_type()? == ValueType::Null {
        return Ok(());
    }
    let next = prototype.coerce_to_object()?.get_prototype()?;
    if next.get_type()? == ValueType::Null && !object.is_array()? {
        return Ok(());
    }
    let kind = if object.is_array()? { "a list" } else { "an object of a class" };
    Err(path.invalid(&format!("must be a plain object, like {{ name: value }}, not {kind}")))
}
