//! Parts of an answer that are neither text nor inline pictures, and pictures outside of the answer's parts.

use serde_json::Value;

use super::{Fold, get, shortened, text};
use crate::http::json::{Cut, Piece};
use crate::image::Image;

/// A picture that the answer gives by URL.
#[derive(Clone)]
pub(crate) struct Link {
    pub uri: String,
    pub mime_type: String,
    pub is_thought: bool,
}

/// Fields of a part that are metadata and no content.
const BESIDE: [&str; 5] =
    ["thought", "thought_signature", "video_metadata", "media_resolution", "part_metadata"];

impl Fold {
    /// Records links, and warns about parts of unknown kinds.
    pub(super) fn note_part(&mut self, part: &Value, is_thought: bool) {
        if let Some(file) = get(part, "file_data") {
            let uri = text(file, "file_uri").or_else(|| text(file, "uri")).unwrap_or_default();
            let mime_type = text(file, "mime_type").unwrap_or_default();
            if mime_type.is_empty() || mime_type.starts_with("image/") {
                self.links.push(Link { uri, mime_type, is_thought });
            } else {
                let place = shortened(without_query(&uri), 200);
                self.warn(format!(
                    "the answer names a file that is no picture ({mime_type}, {place}); `raw` has it"
                ));
            }
            return;
        }
        if get(part, "text").is_some() || get(part, "inline_data").is_some() {
            return;
        }
        let kind = match part.as_object() {
            Some(fields) => {
                fields.iter().find_map(|(name, value)| is_content(name, value).then_some(name.as_str()))
            }
            None => Some("no object"),
        };
        if let Some(kind) = kind {
            let kind = shortened(kind, 60);
            self.warn(format!("the answer has a part that is not read here ({kind}); `raw` has it"));
        }
    }

    /// Takes the links that are not fetched yet.
    pub fn take_links(&mut self) -> Vec<Link> {
        std::mem::take(&mut self.links)
    }

    /// Adds the picture of a link.
    pub fn add_linked(&mut self, link: &Link, image: Image) {
        match link.is_thought {
            true => self.result.thoughts.images.push(image),
            false => self.result.images.push(image),
        }
    }

    /// Records a link whose download failed.
    pub fn lose_link(&mut self, link: Link, why: &str) {
        self.lost_because = why.to_owned();
        self.lost.push(link.uri);
    }

    /// True if a picture or a link to one was received.
    pub fn is_of_worth(&self) -> bool {
        self.has_picture() || !self.strays.is_empty() || !self.links.is_empty() || !self.lost.is_empty()
    }
}

/// A URI without its query, which may be a signature.
pub(crate) fn without_query(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

fn is_content(name: &str, value: &Value) -> bool {
    let is_beside = |known: &&str| name == *known || name == &*crate::schema::Case::Camel.name(known);
    let is_known = matches!(name, "text" | "inlineData" | "inline_data" | "fileData" | "file_data");
    !value.is_null() && !is_known && !BESIDE.iter().any(is_beside)
}

/// The complete pictures of a value that are in no part of the answer.
pub(super) fn strays(cut: &Cut, used: &[usize]) -> Vec<Image> {
    let others =
        cut.pictures.iter().enumerate().filter(|(place, bytes)| !used.contains(place) && !bytes.is_empty());
    others.filter_map(|(_, bytes)| Image::from_bytes(bytes.clone()).ok()).collect()
}

/// True if a part can be sent back in a conversation. A part whose picture is damaged cannot: what is left of its data is
/// text that the service refuses.
pub(super) fn can_go_back(piece: &Piece) -> bool {
    piece.picture.is_some() || get(&piece.value(""), "inline_data").is_none()
}
