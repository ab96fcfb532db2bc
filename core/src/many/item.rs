//! One call of a run, as it is asked for.

use std::fmt;

use serde_json::{Map, Value};

use crate::client::IntoInputs;
use crate::error::{Error, Kind};
use crate::input::{self, Input};
use crate::options::{EditOptions, GenerateOptions, nearest};
use crate::schema::{Case, veiled};

/// What an item that comes as a map may hold.
const NAMES: [&str; 4] = ["prompt", "images", "options", "id"];

/// One call of a run.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Item {
    /// Identifies the item in the journal, and names its files. Without an id the item is identified by its prompt,
    /// pictures and options, and its files are numbered.
    pub id: Option<String>,
    /// The prompt, then the pictures.
    pub inputs: Vec<Input>,
    /// Go before the run's options.
    pub options: GenerateOptions,
}

impl fmt::Debug for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        veiled(out, |out| {
            out.debug_struct("Item")
                .field("id", &self.id)
                .field("inputs", &self.inputs)
                .field("options", &self.options)
                .finish()
        })
    }
}

impl Item {
    /// An item that draws this: words, or words and pictures in turn.
    pub fn new(prompt: impl IntoInputs) -> Self {
        Item { inputs: prompt.into_inputs(), ..Self::default() }
    }

    /// Adds pictures behind the prompt.
    #[must_use]
    pub fn images(mut self, images: impl IntoInputs) -> Self {
        self.inputs.extend(images.into_inputs());
        self
    }

    /// Names it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// An item of these inputs, whose other parts came as a map.
    #[doc(hidden)]
    pub fn read(inputs: Vec<Input>, map: &Map<String, Value>, case: Case) -> Result<Self, Error> {
        let wrong = |problem: String| Error::new(Kind::InvalidOptionError, problem);
        if let Some(name) = map.keys().find(|name| !NAMES.contains(&name.as_str())) {
            let tables = [GenerateOptions::table(), EditOptions::table()];
            let is_option =
                tables.iter().flat_map(|table| &table.fields).any(|field| case.name(field.name) == *name);
            let meant = match (is_option, nearest(name, NAMES.into_iter())) {
                (true, _) => format!(" Put `{name}` into `options`."),
                (false, Some(hint)) => format!(" Did you mean `{hint}`?"),
                (false, None) => String::new(),
            };
            return Err(wrong(format!("`{name}` does not exist; there are {}.{meant}", NAMES.join(", "))));
        }
        let get = |name: &str| map.get(name).filter(|value| !value.is_null());
        let (told, options) = match get("options") {
            None => Default::default(),
            Some(Value::Object(map)) => EditOptions::read_with_calls(map, case)?,
            Some(_) => return Err(wrong("`options` takes names and values".to_owned())),
        };
        let id = Self::id_in(map);
        if id.is_none() && get("id").is_some() {
            return Err(wrong("`id` takes a text or a number".to_owned()));
        }
        let inputs = input::told_of_masks(inputs, told)?;
        Ok(Item { id, inputs, options })
    }

    /// The id in such a map, also in one that cannot be read otherwise.
    #[doc(hidden)]
    pub fn id_in(map: &Map<String, Value>) -> Option<String> {
        match map.get("id")? {
            Value::String(id) => Some(id.clone()),
            // Node's 1 is Python's 1.0.
            Value::Number(id) => match id.as_f64() {
                Some(number) if id.is_f64() => Some(number.to_string()),
                _ => Some(id.to_string()),
            },
            _ => None,
        }
    }

    /// Sets options of its own.
    #[must_use]
    pub fn options(mut self, options: GenerateOptions) -> Self {
        self.options = options;
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_the_same_from_every_language() {
        let id = |id: Value| Item::id_in(json!({ "id": id }).as_object().unwrap());
        let cases = [
            (json!(1), "1"),
            (json!(1.0), "1"),
            (json!(-2.0), "-2"),
            (json!(0.1), "0.1"),
            (json!("1.0"), "1.0"),
        ];
        for (given, known) in cases {
            assert_eq!(id(given).as_deref(), Some(known));
        }
        assert_eq!(
            (id(json!(u64::MAX)).unwrap(), id(json!([1])), id(Value::Null)),
            (u64::MAX.to_string(), None, None)
        );
    }
}
