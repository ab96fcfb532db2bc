//! Pictures in the form of another library or of a service's JSON: which are taken, and what to do instead of the others.
//!
//! A value is taken only where its meaning is certain. A text is base64 of a picture only if its first bytes, decoded, are
//! those of a picture's file: no path begins so.

use base64::Engine as _;
use bytes::Bytes;

use super::{Input, MASK, Place, bad, data_url, is_scheme};
use crate::codec::Format;
use crate::error::{Error, InvalidOption};
use crate::message::{Message, message, option};

/// Base64 characters that hold enough bytes to recognize every format.
const HEAD: usize = 64;
/// A shorter text of base64's characters may be a path.
const LONG: usize = 120;

/// Endings of the names of picture files.
const ENDINGS: &[&str] =
    &["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl", "svg", "psd"];
/// The longest name of a file that Linux, macOS and Windows take.
const LONGEST_PATH: usize = 4096;

/// A value that a binding found where a picture is expected.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// The result of a call, which holds pictures.
    Result,
    /// The outcome of one item of a run.
    Outcome,
    /// An open file whose content must be awaited. It is read by this expression.
    Awaited(&'static str),
    /// An HTTP response with a status of failure.
    Failed(u16),
    /// An open file without anything after its position.
    AtEnd,
    /// A picture of another library that was closed before its pixels were read.
    Closed,
    /// A number, as of a list of a box's edges.
    Number,
}

impl Stranger {
    /// The error that names what to do instead; `named` is the type of the value in the caller's language.
    pub fn refuse(self, place: Place, named: &str) -> Error {
        let problem = match self {
            Stranger::Result => "is the result of a call; give its picture, `result.image`".to_owned(),
            Stranger::Outcome => {
                "is the outcome of an item; give the picture of its result, `outcome.result.image`".to_owned()
            }
            Stranger::Awaited(how) => format!("is read asynchronously; give its bytes, `{how}`"),
            Stranger::Failed(status) => {
                format!("is a response with the status {status}; its content is not the picture")
            }
            Stranger::AtEnd => {
                "has nothing to read: its position is at its end. Set it to the start (seek) first".to_owned()
            }
            Stranger::Closed => {
                "is closed, and its pixels were not read before; use it before it is closed, or call its load() there"
                    .to_owned()
            }
            Stranger::Number if place == Place::Option(MASK) => {
                "is a number; a box of a picture is a `Box(left, top, right, bottom)`".to_owned()
            }
            Stranger::Number => "is a number; give pixels as an array, or a picture".to_owned(),
        };
        place.refuse(named, problem).with_input(named.to_owned())
    }
}

impl Input {
    /// The picture that stands in JSON as base64, as in `inlineData` of the Gemini API.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it is not base64.
    #[doc(hidden)]
    pub fn of_base64(text: &str, place: Place) -> Result<Self, Error> {
        decoded(text).map(Input::Bytes).map_err(|error| place.refuse("base64", error.words().clone()))
    }
}

/// The bytes of a text that is base64 of a picture's file; none for any other text.
pub(super) fn base64_picture(text: &str) -> Option<Result<Bytes, Error>> {
    is_base64_picture(text).then(|| decoded(text))
}

fn decoded(text: &str) -> Result<Bytes, Error> {
    data_url(&format!("data:;base64,{text}")).map_err(|_| bad("it is not valid base64"))
}

/// True if a text begins like base64 of a picture's file.
pub(super) fn is_base64_picture(text: &str) -> bool {
    let head: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(HEAD)
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    let whole = head.len() / 4 * 4;
    let head = head.get(..whole).unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(head).unwrap_or_default();
    bytes.len() >= 24 && Format::sniff(&bytes).is_some()
}

/// True if a text is too long for a name and has base64 characters alone: it may hold a picture, and is not shown.
pub(super) fn is_base64_like(text: &str) -> bool {
    let is_its =
        |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte) || byte.is_ascii_whitespace();
    text.len() > LONG && text.bytes().all(is_its)
}

/// Refuses words that are a picture: the service would be sent, and bill, its base64 as text.
///
/// # Errors
/// [`Kind::InvalidOptionError`] if a text of the prompt is a `data:` URL of a picture, or base64 of its file.
pub(crate) fn check_words(inputs: &[Input]) -> Result<(), Error> {
    let is_picture = |text: &str| {
        let text = text.trim_start();
        (is_scheme(text, "data:image/") && text.contains(',')) || is_base64_picture(text)
    };
    let holds_one = |input: &Input| matches!(input, Input::Text(text) if is_picture(text));
    if !inputs.iter().any(holds_one) {
        return Ok(());
    }
    let problem = "the prompt holds a picture as a text (base64); give the picture as bytes, or among the pictures of an edit";
    Err(Error::invalid_option(problem, InvalidOption::of(option("prompt"))))
}

/// True if a text of a prompt may be the name of a picture's file.
pub(super) fn names_a_picture(text: &str) -> bool {
    let name = text.trim();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    name.len() <= LONGEST_PATH
        && !name.contains(['\n', '\r', '\0'])
        && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The warning for a text of a prompt that is also the name of a file.
pub(super) fn sent_as_words(name: &str) -> Message {
    message!(
        "the text {name:?} of the prompt is sent as words, and there is a file of that name; to send the picture, give it as a \
         path or an opened picture"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXEL: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    #[test]
    fn base64_of_a_picture_is_told_from_paths_and_words() {
        assert!(is_base64_picture(PIXEL));
        assert!(is_base64_picture(&format!("\n{}\n{}", &PIXEL[..20], &PIXEL[20..])));
        assert!(is_base64_picture(&PIXEL.replace('+', "-").replace('/', "_")));
        for other in
            ["", "a cat", "iVBORw0KGgo", "/9j/pictures/cat.jpg", "Qk0/photos/holiday/at/the/sea/side/one"]
        {
            assert!(!is_base64_picture(other), "{other}");
        }
        assert!(
            is_base64_like(&"QUJD".repeat(40)) && !is_base64_like(&format!("/home/{}.png", "a".repeat(200)))
        );
    }

    #[test]
    fn names_of_pictures_are_told_from_sentences() {
        assert!(names_a_picture("cat.png") && names_a_picture("/tmp/A photo.JPEG"));
        assert!(
            !names_a_picture("Draw a cat.") && !names_a_picture("a cat\nas.png") && !names_a_picture("png")
        );
    }
}
