//! Whether two names are those of one model: the service answers with a version's name.

use super::Model;

/// Whether the model that answered is the one that was asked. `model` is what is known of it.
#[doc(hidden)]
pub fn is_same(asked: &str, model: Option<&Model>, answered: &str) -> bool {
    let answered = base(answered);
    let known = model.into_iter().flat_map(|model| {
        let former = model.retired_ids.iter().map(|former| &former.id);
        std::iter::once(&model.id).chain(&model.aliases).chain(former)
    });
    std::iter::once(asked).chain(known.map(String::as_str)).any(|name| base(name) == answered)
}

/// A model's name without where it is served and which version of it.
fn base(name: &str) -> String {
    // An unusual name comes back as it stands in the address.
    let name = percent_encoding::percent_decode_str(name.trim()).decode_utf8_lossy();
    let name = name.to_lowercase().replace('@', "-");
    let mut name = name.rsplit('/').next().unwrap_or_default();
    while let Some((rest, last)) = name.rsplit_once('-')
        && is_version(last)
    {
        name = rest;
    }
    name.to_owned()
}

/// Whether a word of a name says a version: "001", a part of a date, "preview". A single digit does not:
/// "nano-banana-2" is another model than "nano-banana".
fn is_version(word: &str) -> bool {
    let is_number = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        || matches!(
            word,
            "preview" | "exp" | "experimental" | "latest" | "stable" | "default" | "beta" | "ga"
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn versions_aliases_and_twins_are_the_same_model() {
        let resolved = Catalogue::builtin().resolve("nano-banana-pro");
        let model = resolved.model.map(|model| &**model);
        for same in [
            "gemini-3-pro-image",
            "gemini-3-pro-image-001",
            "models/gemini-3-pro-image-preview",
            "publishers/google/models/Gemini-3-Pro-Image@002",
            "gemini-3-pro-image-preview-11-2025",
            "nano-banana-pro",
        ] {
            assert!(is_same(&resolved.id, model, same), "{same}");
        }
        for other in [
            "gemini-3-pro",
            "gemini-3.1-flash-image",
            "gemini-2.5-flash-image",
            "nano-banana",
            "gemini-3-pro-image-lite",
        ] {
            assert!(!is_same(&resolved.id, model, other), "{other}");
        }
        assert!(is_same("my-own", None, "my-own-001") && !is_same("my-own", None, "gemini-3-pro-image"));
        assert!(!is_same("nano-banana", None, "nano-banana-2"));
    }
}
