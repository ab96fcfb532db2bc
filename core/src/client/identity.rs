//! The identity of a call: a digest of the caller's inputs and options that determine the picture. Journal items and
//! cache entries are found by it, so that new encoders, wordings and default models do not invalidate them.

use serde_json::{Value, json};

use crate::catalogue::plain;
use crate::digest::Digest;
use crate::options::{EditOptions, GenerateOptions, Model};
use crate::schema::{Case, Write as _};

/// The version of the digest's form. A change makes users pay again, so a new form gets a new number and the old form
/// stays readable, as [`crate::client::Plan::first_digest`] does for the first one.
const FORM: &[u8] = b"nanobanana identity 2\n";

/// The prefix of the keys of items.
const ITEM: &str = "item2:";

/// The digests of one call.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The request without the model.
    asked: Digest,
    /// The request with the model, if one was set, and with the options of masks.
    item: Digest,
    has_model: bool,
}

impl Identity {
    /// Makes the identity from the contents of the inputs, and from the options as the caller set them. `model` is the
    /// one set for the call or for the client.
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

    /// The key of an item of `generate_many`.
    pub fn item(&self) -> String {
        format!("{ITEM}{}", self.item)
    }

    /// True if a model was set.
    pub fn has_model(&self) -> bool {
        self.has_model
    }

    /// The digest of the request without the model.
    pub fn asked(&self) -> Digest {
        self.asked
    }
}

/// The options that determine the picture. Timeouts, retries, price tiers and output formats are left out: an item
/// that is done stays done when they change. docs/bulk.md lists them.
fn of_picture(options: &GenerateOptions) -> Value {
    let mut counted = options.clone();
    // These two are in `item`.
    counted.model = None;
    counted.n = None;
    counted.timeout = None;
    counted.retry = None;
    counted.headers = None;
    counted.upload = None;
    counted.on_unsupported = None;
    counted.labels = None;
    counted.service_tier = None;
    counted.output_format = None;
    counted.output_quality = None;
    counted.mark_ai = None;
    plain(counted).write(Case::Snake)
}
