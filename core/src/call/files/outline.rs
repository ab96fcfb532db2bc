//! Which pictures of a request go through the Files API, and the request that refers to them.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use tokio::time::timeout_at;

use super::{AT_ONCE, Line};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::http::body::Body;
use crate::http::json::Piece;
use crate::input::{Part, Source};
use crate::message::{Message, field, message, option};
use crate::options::{GenerateOptions, Upload};
use crate::records::File;
use crate::service::gemini::request::{self, Turn};

/// Pictures of fewer bytes are quicker sent than uploaded.
const TRIVIAL: u64 = 16_000;

/// What a reference takes in the JSON, about.
const REFERENCE: u64 = 256;

/// One picture of a request that is to be sent by reference.
pub(crate) struct Picture {
    place: Place,
    /// Which it is, for messages.
    pub(super) label: String,
    pub(super) mime_type: String,
    pub(super) source: Source,
    pub(super) digest: OnceCell<Digest>,
}

enum Place {
    /// A piece of a turn.
    Turn(usize, usize),
    Part(usize),
}

/// Chooses the pictures of a request that go through the Files API, so that the rest is no more than `limit`
/// bytes: none, if nothing has to. What the model drew itself is never among them.
///
/// # Errors
/// [`Kind::ImageError`] if it would be too large all the same.
pub(crate) fn choose(
    history: &[Turn],
    parts: &[Part],
    how: Upload,
    len: u64,
    limit: u64,
) -> Result<Vec<Picture>, Error> {
    if how != Upload::Always && len <= limit {
        return Ok(Vec::new());
    }
    let too_large = |len: u64, advice: Message| {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let (len, limit) = (mega(len), mega(limit));
        let problem =
            message!("the request has {len:.1} MB, and the service takes {limit:.1} MB in one; {}", advice);
        Error::new(Kind::ImageError, problem)
    };
    if how == Upload::Never {
        return if len <= limit {
            Ok(Vec::new())
        } else {
            Err(too_large(
                len,
                message!(
                    "set {} to \"auto\" so that large pictures are uploaded first, or send less",
                    option("upload")
                ),
            ))
        };
    }
    let mut all = pictures(history, parts);
    all.sort_by_key(|picture| std::cmp::Reverse(picture.source.len()));
    let mut left = len;
    let mut chosen = Vec::new();
    for picture in all {
        let size = picture.source.len();
        let saved = (size.div_ceil(3) * 4).saturating_sub(REFERENCE);
        let is_wanted = left > limit || (how == Upload::Always && size >= TRIVIAL);
        if saved > 0 && is_wanted {
            left = left.saturating_sub(saved);
            chosen.push(picture);
        }
    }
    if left > limit {
        let advice = message!(
            "what can be uploaded is not counted. In a conversation, {} lets go of older pictures",
            field("drop_images")
        );
        return Err(too_large(left, advice));
    }
    Ok(chosen)
}

fn pictures(history: &[Turn], parts: &[Part]) -> Vec<Picture> {
    let mut found = Vec::new();
    for (turn, said) in history.iter().enumerate().filter(|(_, turn)| turn.role == "user") {
        for (place, piece) in said.pieces.iter().enumerate() {
            let Some((bytes, mime_type)) = piece.picture.clone().zip(mime_type(piece)) else { continue };
            found.push((Place::Turn(turn, place), mime_type, Source::Memory(bytes)));
        }
    }
    let words = |part: &&Part| matches!(part, Part::Text(_));
    for (place, part) in parts.iter().enumerate() {
        if let Part::Picture { mime_type, source, .. } = part {
            found.push((Place::Part(place), mime_type.to_string(), source.clone()));
        }
    }
    let label = |place: &Place| match place {
        Place::Turn(..) => "a picture of an earlier turn".to_owned(),
        Place::Part(place) => {
            let before = parts.iter().take(*place);
            format!("picture {}", before.clone().count() - before.filter(words).count())
        }
    };
    (found.into_iter())
        .map(|(place, mime_type, source)| Picture {
            label: label(&place),
            place,
            mime_type,
            source,
            digest: OnceCell::new(),
        })
        .collect()
}

/// The type of a piece's picture, if the piece has nothing else that must not be lost.
fn mime_type(piece: &Piece) -> Option<String> {
    let value = piece.value("");
    let fields: &Map<String, Value> = value.as_object()?;
    let data = fields.get("inlineData").filter(|_| fields.len() == 1)?;
    data.get("mimeType")?.as_str().map(str::to_owned)
}

/// A request some of whose pictures are sent by reference.
#[derive(Clone)]
pub(crate) struct Outline {
    pub history: Vec<Turn>,
    pub parts: Vec<Part>,
    pub options: GenerateOptions,
    pub pictures: Arc<Vec<Picture>>,
}

impl Outline {
    /// Sees to it that its pictures are there, up to four at once, and gives their files. `gone` are files
    /// that the service has refused.
    pub async fn files(&self, line: &Line, gone: &[String]) -> Result<Vec<File>, Error> {
        let mut uploads = Vec::new();
        for picture in self.pictures.iter() {
            uploads.push(line.kept(picture, gone));
        }
        let uploads = futures_util::stream::iter(uploads).buffered(AT_ONCE).try_collect();
        // Another call may be uploading the same picture, and have more time.
        let done = timeout_at(line.deadline, uploads).await;
        done.unwrap_or_else(|_| Err(line.too_late("its pictures are not all uploaded")))
    }

    /// The body that refers to these files, in the order of the pictures.
    pub fn body(&self, files: &[File]) -> Body {
        let (mut history, mut parts) = (self.history.clone(), self.parts.clone());
        for (picture, file) in self.pictures.iter().zip(files) {
            let (uri, mime_type) = (file.uri.clone(), Some(picture.mime_type.clone().into()));
            match picture.place {
                Place::Part(place) => {
                    let Some(part) = parts.get_mut(place) else { continue };
                    let Part::Picture { attached, .. } = part else { continue };
                    *part = Part::Reference { uri, mime_type, attached: attached.take() };
                }
                Place::Turn(turn, place) => {
                    let Some(turn) = history.get_mut(turn) else { continue };
                    let mut pieces = turn.pieces.to_vec();
                    if let Some(piece) = pieces.get_mut(place) {
                        *piece = request::piece(&Part::Reference { uri, mime_type, attached: None });
                    }
                    turn.pieces = pieces.into();
                }
            }
        }
        request::body(&history, &parts, &self.options)
    }
}

/// The pictures of a call that are sent by reference.
pub(crate) struct Uploads {
    outline: Option<Outline>,
    files: Vec<File>,
    body: Option<Body>,
    /// Files that the service does not have any more. It is believed once.
    gone: Vec<String>,
}

impl Uploads {
    pub fn of(outline: Option<Outline>) -> Self {
        Uploads { outline, files: Vec::new(), body: None, gone: Vec::new() }
    }

    /// Whether something is still to be uploaded.
    pub fn are_missing(&self) -> bool {
        self.outline.is_some() && self.body.is_none()
    }

    /// Uploads what is missing, and gives the body that refers to it; none if nothing is sent by reference.
    ///
    /// # Errors
    /// As [`Line::upload`].
    pub async fn come(&mut self, line: &Line) -> Result<Option<Body>, Error> {
        if let Some(outline) = self.outline.as_ref().filter(|_| self.body.is_none()) {
            self.files = outline.files(line, &self.gone).await?;
            self.body = Some(outline.body(&self.files));
        }
        Ok(self.body.clone())
    }

    /// What is sent for the whole answer.
    pub fn body<'a>(&'a self, inline: &'a Body) -> &'a Body {
        self.body.as_ref().unwrap_or(inline)
    }

    /// Whether the request failed since files are gone that the client remembers; then they are missing again.
    pub fn are_gone(&mut self, failure: &Error) -> bool {
        if !self.gone.is_empty() || !matches!(failure.status(), Some(403 | 404)) {
            return false;
        }
        let names = self.files.iter().map(|file| &file.name);
        let is_told = |name: &&String| failure.words().contains(name.trim_start_matches("files/"));
        self.gone = names.filter(is_told).cloned().collect();
        if !self.gone.is_empty() {
            self.body = None;
        }
        !self.gone.is_empty()
    }
}
