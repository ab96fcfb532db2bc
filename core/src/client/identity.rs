//! The identity of a call: what the caller gave, as far as it decides on the picture. Items of a journal and
//! answers of the cache are found again by it, whatever becomes of encoders, wordings and default models.

use serde_json::{Value, json};

use crate::catalogue::plain;
use crate::digest::Digest;
use crate::options::{EditOptions, GenerateOptions, Model};
use crate::schema::{Case, Write as _};

/// The form of what is digested. A change of it makes users pay again: it gets a new number, and what the old
/// number stood for stays readable, as [`crate::client::Plan::first_digest`] does for the first one.
const FORM: &[u8] = b"nanobanana identity 2\n";

/// What the keys of items begin with.
const ITEM: &str = "item2:";

/// What the caller gave for a call.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// What the model is asked, without the model.
    asked: Digest,
    /// The same with the model, if one was set, and with what becomes of the answer.
    item: Digest,
    has_model: bool,
}

impl Identity {
    /// That of a call with these inputs, by their contents, and these options, as they were set. `model` is the
    /// one that was set for the call or for the client.
    pub(super) fn new(
        given: &[Value],
        masks: &[Value],
        told: Option<&EditOptions>,
        options: &GenerateOptions,
        model: Option<&Model>,
    ) -> Self {
        let mut asked = json!({ "given": given, "options": of_picture(options) });
        if let (Some(map), false) = (asked.as_object_mut(), masks.is_empty()) {
            map.insert("masks".to_owned(), masks.into());
        }
        let asked = Digest::of_value(FORM, &asked);
        let model = model.map(|model| {
            let name = model.as_str().trim();
            name.strip_prefix("models/").unwrap_or(name).to_owned()
        });
        let has_model = model.is_some();
        let item = json!({
            "asked": asked.to_string(),
            "model": model,
            "n": options.n.unwrap_or(1),
            "masks": told.map(|told| told.write(Case::Snake)),
        });
        Identity { asked, item: Digest::of_value(FORM, &item), has_model }
    }

    /// The key of an item of many calls.
    pub fn item(&self) -> String {
        format!("{ITEM}{}", self.item)
    }

    /// Whether a model was set.
    pub fn has_model(&self) -> bool {
        self.has_model
    }

    /// What the model is asked, whatever model that is.
    pub fn asked(&self) -> Digest {
        self.asked
    }
}

/// The options that decide on the picture. How a call is made, at what price, and in which format its picture is
/// given, does not: an item that is done stays done when these change. docs/bulk.md lists
/// them.
fn of_picture(options: &GenerateOptions) -> Value {
    let counted = GenerateOptions {
        // These count elsewhere.
        model: None,
        n: None,
        timeout: None,
        retry: None,
        headers: None,
        upload: None,
        on_unsupported: None,
        labels: None,
        service_tier: None,
        output_format: None,
        output_quality: None,
        mark_ai: None,
        ..options.clone()
    };
    plain(counted).write(Case::Snake)
}
