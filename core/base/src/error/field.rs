//! Values of errors' fields at the border: read from JSON, and with secrets cut out.

use std::borrow::Cow;

use serde_json::Value;

use super::{Attempt, Billed, Usage};
use crate::message::{Message, OptionName};
use crate::schema::{Case, Seconds, Write};
use crate::secrets::Secrets;

/// The type of an error's field.
pub(super) trait FieldValue: Write + Sized {
    /// Reads what [`Write::write`] wrote; none if it is of another type.
    fn read(json: &Value, case: Case) -> Option<Self>;

    /// Cuts every secret out of its texts.
    fn clean(&mut self, _secrets: &Secrets) {}
}

impl FieldValue for String {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_str().map(str::to_owned)
    }
    fn clean(&mut self, secrets: &Secrets) {
        if let Cow::Owned(clean) = secrets.clean(self) {
            *self = clean;
        }
    }
}

impl FieldValue for Message {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_str().map(Message::from)
    }
    fn clean(&mut self, secrets: &Secrets) {
        *self = self.cleaned(|text| secrets.clean(text));
    }
}

impl FieldValue for OptionName {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_str().map(OptionName::from)
    }
    fn clean(&mut self, secrets: &Secrets) {
        let name = self.write(Case::Snake);
        if let Some(Cow::Owned(clean)) = name.as_str().map(|name| secrets.clean(name)) {
            *self = OptionName::from(clean);
        }
    }
}

impl FieldValue for Value {
    fn read(json: &Value, _: Case) -> Option<Self> {
        Some(json.clone())
    }
    fn clean(&mut self, secrets: &Secrets) {
        *self = secrets.clean_json(std::mem::take(self));
    }
}

impl FieldValue for u16 {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_u64()?.try_into().ok()
    }
}

impl FieldValue for u64 {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_u64()
    }
}

impl FieldValue for f64 {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_f64()
    }
}

impl FieldValue for bool {
    fn read(json: &Value, _: Case) -> Option<Self> {
        json.as_bool()
    }
}

impl FieldValue for Billed {
    fn read(json: &Value, _: Case) -> Option<Self> {
        Billed::from_name(json.as_str()?)
    }
}

impl FieldValue for Usage {
    fn read(json: &Value, case: Case) -> Option<Self> {
        let count = |name: &str| json.get(&*case.name(name)).and_then(Value::as_u64).unwrap_or(0);
        json.is_object().then(|| Usage {
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            image_tokens: count("image_tokens"),
            thought_tokens: count("thought_tokens"),
            cached_tokens: count("cached_tokens"),
            total_tokens: count("total_tokens"),
        })
    }
}

impl FieldValue for Attempt {
    fn read(json: &Value, case: Case) -> Option<Self> {
        let text = |name: &str| json.get(&*case.name(name)).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| json.get(&*case.name(name));
        Some(Attempt {
            when: text("when").unwrap_or_default(),
            status: number("status").and_then(Value::as_u64).and_then(|status| status.try_into().ok()),
            reason: text("reason").map(Message::from),
            wait: Seconds(number("wait").and_then(Value::as_f64).unwrap_or(0.0) / case.units_per_second()),
            request_id: text("request_id"),
        })
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    fn read(json: &Value, case: Case) -> Option<Self> {
        Some(T::read(json, case))
    }
    fn clean(&mut self, secrets: &Secrets) {
        if let Some(value) = self {
            value.clean(secrets);
        }
    }
}

impl<T: FieldValue> FieldValue for Vec<T> {
    fn read(json: &Value, case: Case) -> Option<Self> {
        Some(json.as_array()?.iter().filter_map(|value| T::read(value, case)).collect())
    }
    fn clean(&mut self, secrets: &Secrets) {
        self.iter_mut().for_each(|value| value.clean(secrets));
    }
}
