//! The digest of a JSON body, in which each picture counts by its content.

use std::collections::HashMap;

use serde_json::Value;

use super::Segment;
use crate::digest::Digest;
use crate::error::{Error, Kind};

/// The form of what is digested. With a new number, what users keep by digests is made anew.
const FORM: &[u8] = b"nanobanana request 1\n";

pub(super) fn digest_of(segments: &[Segment]) -> Result<Digest, Error> {
    let nonce = fastrand::u128(..);
    let mut text = Vec::new();
    let mut pictures = HashMap::new();
    for segment in segments {
        match segment {
            Segment::Text(piece) => text.extend_from_slice(piece),
            Segment::Base64(source) => {
                let mark = format!("hole-{nonce:032x}-{}", pictures.len());
                text.extend_from_slice(mark.as_bytes());
                pictures.insert(mark, source.digest()?);
            }
        }
    }
    let body: Value = serde_json::from_slice(&text).map_err(|cause| {
        let problem = format!("the request's JSON is too deep or has too large a number: {cause}");
        Error::new(Kind::InvalidOptionError, problem).because(cause)
    })?;
    Ok(Digest::with_pictures(FORM, &body, &pictures))
}
