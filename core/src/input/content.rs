//! The content of an input as the caller gave it, in a form that every later version makes again: items of many
//! calls and entries of the cache are known by it. No byte that an encoder of ours wrote counts, and no wording.

use base64::Engine as _;
use serde_json::{Value, json};
use url::Url;

use super::prepare::{Picture, blocking};
use super::{Attachment, Reference, Source, is_scheme};
use crate::array::{Array, Opened, Sample};
use crate::digest::Digest;
use crate::error::Error;
use crate::records;
use crate::schema::{Case, Write as _};

/// The picture again, and its content. `base` is the API's own address, whose files go by their names.
pub(super) async fn of_picture(found: Picture, base: &Url) -> Result<(Picture, Value), Error> {
    if let Picture::Address { uri, .. } = &found {
        let content = address(uri, base);
        return Ok((found, content));
    }
    blocking(move || {
        let content = match &found {
            Picture::Address { .. } => Value::Null,
            Picture::File(source, _) => bytes(&source.digest()?),
            Picture::Pixels(pixels) => {
                let shape = [pixels.height as usize, pixels.width as usize, usize::from(pixels.channels)];
                samples(&shape, Sample::U8, &pixels.data)
            }
            Picture::Array(array) => of_array(array),
            Picture::Opened(opened) => of_opened(opened),
        };
        Ok((found, content))
    })
    .await
}

/// The content of a file, or of what the service fetches itself.
pub(super) async fn of_source(source: Source) -> Result<Value, Error> {
    blocking(move || source.digest().map(|digest| bytes(&digest))).await
}

/// An uploaded file by its content, which stays when it is uploaded again; else by its name.
pub(super) fn of_file(file: &records::File, base: &Url) -> Value {
    let sum = || {
        let sum = base64::engine::general_purpose::STANDARD.decode(file.sha256.as_deref()?).ok()?;
        // The service writes the 32 bytes, or their hexadecimal digits, in base64.
        match <[u8; 32]>::try_from(&sum[..]) {
            Ok(sum) => Some(Digest::from(sum).to_string()),
            Err(_) => String::from_utf8(sum)
                .ok()
                .filter(|text| text.len() == 64 && text.bytes().all(|letter| letter.is_ascii_hexdigit())),
        }
    };
    match sum() {
        Some(sum) => json!({ "bytes": sum.to_ascii_lowercase() }),
        None => address(&file.uri, base),
    }
}

/// What the service fetches itself: a file of the API by its name, wherever the API is; all else by its address.
pub(super) fn address(uri: &str, base: &Url) -> Value {
    let ours = uri.strip_prefix(base.as_str().trim_end_matches('/')).map(|rest| rest.trim_start_matches('/'));
    let google = || {
        let rest = uri.strip_prefix("https://generativelanguage.googleapis.com/")?;
        rest.split_once('/').map(|(_, rest)| rest)
    };
    // The API may be asked by another version of its address.
    let elsewhere =
        || is_scheme(uri, "http").then(|| uri.rfind("/files/").and_then(|at| uri.get(at + 1..)))?;
    let name = ours.or_else(google).filter(|name| name.starts_with("files/"));
    let name = name
        .or_else(|| elsewhere().filter(|_| Url::parse(uri).is_ok_and(|url| url.origin() == base.origin())));
    json!({ "address": name.unwrap_or(uri) })
}

/// A reference, as it was described.
pub(super) fn described(mut content: Value, said: Option<&Reference>) -> Value {
    if let (Some(map), Some(said)) = (content.as_object_mut(), said) {
        map.insert("reference".to_owned(), said.write(Case::Snake));
    }
    content
}

/// Something that is attached, and what of it is seen.
pub(super) fn attached(content: Value, about: &Attachment) -> Value {
    json!({ "attachment": content, "about": about.write(Case::Snake) })
}

fn bytes(digest: &Digest) -> Value {
    json!({ "bytes": digest.to_string() })
}

fn samples(shape: &[usize], sample: Sample, data: &[u8]) -> Value {
    // Grey may be written with one channel or without.
    let shape = if let [rest @ .., 1] = shape
        && rest.len() == 2
    {
        rest
    } else {
        shape
    };
    json!({ "samples": Digest::of([data]).to_string(), "of": sample.to_string(), "shape": shape })
}

fn of_array(array: &Array) -> Value {
    match array.file() {
        Some(file) => bytes(&Digest::of([&file[..]])),
        None => samples(&array.shape, array.sample, &array.data),
    }
}

fn of_opened(opened: &Opened) -> Value {
    let Opened { array, is_inks, profile, orientation } = opened;
    let profile = profile.as_ref().map(|profile| Digest::of([&profile[..]]).to_string());
    let mut content = of_array(array);
    if let Some(map) = content.as_object_mut()
        && (*is_inks || profile.is_some() || *orientation != 1)
    {
        map.insert("seen".to_owned(), json!([is_inks, profile, orientation]));
    }
    content
}
