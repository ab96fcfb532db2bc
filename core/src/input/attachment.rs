//! What goes with a prompt and is no picture: documents and videos. Of which type they are, and how they
//! are sent.
//!
//! Which types the service takes stands in the Gemini API documentation, "Document processing" and "Video
//! understanding"; any kind of text goes as plain text.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use url::Url;

use super::prepare::{Found, Picture, Reach, SMALL_FILE, blocking, cannot, found, may_open, uploaded};
use super::{File, Input, Part, Place, Source, bad, is_scheme};
use crate::codec::{self, Format};
use crate::error::{Error, Kind};
use crate::http::json::field;
use crate::local;
use crate::message::{Message, message, option};
use crate::options::Attachment;
use crate::schema::Seconds;

/// The option that they stand in.
pub(super) const OPTION: &str = "attachments";

/// Where they stand, for messages.
pub(super) const PLACE: Place = Place::Option(OPTION);

const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain";

/// What a part is beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Picture,
    Pdf,
    Text,
    Video,
    Unknown,
}

impl Media {
    /// By its type.
    pub fn of(mime_type: &str) -> Self {
        match mime_type.split('/').next().unwrap_or_default() {
            "image" => Media::Picture,
            "video" => Media::Video,
            "text" => Media::Text,
            _ if mime_type == PDF => Media::Pdf,
            _ => Media::Unknown,
        }
    }

    /// That of a part of a conversation, spelt either way; none for words. What does not say its type is a
    /// picture.
    pub fn of_part(part: &Value) -> Option<Self> {
        let inline = field(part, "inlineData", "inline_data");
        let data = inline.or_else(|| field(part, "fileData", "file_data"))?;
        let uri = field(data, "fileUri", "file_uri").and_then(Value::as_str).unwrap_or_default();
        let kind =
            field(data, "mimeType", "mime_type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        Some(match kind {
            Some(kind) => Media::of(kind),
            None if is_youtube(uri) => Media::Video,
            None => Media::Picture,
        })
    }
}

/// What of a video is seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Clip {
    start: Option<f64>,
    end: Option<f64>,
    fps: Option<f64>,
}

impl Clip {
    fn of(about: &Attachment) -> Self {
        let seconds = |time: Seconds| time.0;
        Clip { start: about.start.map(seconds), end: about.end.map(seconds), fps: about.fps }
    }

    /// The fields of `videoMetadata`; none for all of it, as the service chooses.
    pub fn wire(&self) -> Map<String, Value> {
        // The service reads at most nine digits behind the point.
        let time = |seconds: f64| json!(format!("{}s", (seconds * 1e6).round() / 1e6));
        let fields = [
            ("startOffset", self.start.map(time)),
            ("endOffset", self.end.map(time)),
            ("fps", self.fps.map(|fps| json!(fps))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// What was given to be attached, and what was said of it.
pub(super) fn read(of: Input, about: Attachment) -> Result<Input, Error> {
    let label = of.label().unwrap_or_default();
    let is_picture =
        about.mime_type.as_ref().is_some_and(|kind| Media::of(&kind.to_lowercase()) == Media::Picture);
    // One dimension of bytes is a file.
    let of = match of {
        Input::Array(array) => array.file().cloned().map_or(Input::Array(array), Input::Bytes),
        of => of,
    };
    let is_picture = is_picture
        || matches!(&of, Input::File(file) if Media::of(&file.mime_type.to_lowercase()) == Media::Picture);
    match of {
        Input::Named(_) | Input::Path(_) | Input::Bytes(_) | Input::File(_) if !is_picture => {
            Ok(Input::Attachment(Box::new(of), about))
        }
        Input::Attachment(..) if about == Attachment::new() => Ok(of),
        Input::Attachment(..) => {
            Err(PLACE.refuse(&label, "is an Attachment of an Attachment; say all in one"))
        }
        Input::Text(_) => Err(PLACE.refuse("", "takes no words: they go in the prompt")),
        _ => Err(PLACE.refuse(&label, A_PICTURE)),
    }
}

const A_PICTURE: &str = "is a picture; pictures go in `images`, or stand in the prompt";

/// As it is sent.
pub(super) async fn part(of: Input, about: Attachment, reach: &Reach<'_>) -> Result<Part, Error> {
    about.check()?;
    let label = of.label().unwrap_or_default();
    let part = made(of, &about, reach).await.map_err(|error| match error.kind() {
        // What was said of it as of a picture.
        Kind::ImageError => {
            let problem = error.words().without_start("it ");
            PLACE.refuse(&label, problem).with_input(label.clone()).because(error)
        }
        _ => error,
    })?;
    match (about.of_video(), part.media()) {
        (None, _) | (_, Some(Media::Video | Media::Unknown)) => Ok(part),
        (Some(option), _) => {
            Err(PLACE.refuse(&label, format!("is no video, which alone has a `{option}`; leave that out")))
        }
    }
}

async fn made(of: Input, about: &Attachment, reach: &Reach<'_>) -> Result<Part, Error> {
    let said = about.mime_type.as_ref().map(|kind| kind.to_ascii_lowercase());
    let clip = Clip::of(about);
    let found = match of {
        Input::Bytes(bytes) => Found::Here(bytes),
        Input::Path(path) => {
            may_open(reach.local_files)?;
            Found::OnDisk(path)
        }
        Input::Named(name) if is_youtube(&name) => Found::There(name),
        Input::Named(name) => found(name, reach).await?,
        Input::File(file) => {
            let Picture::Address { uri, mime_type } = uploaded(*file)? else { return Err(bad(A_PICTURE)) };
            return Ok(Part::Reference {
                uri,
                mime_type: said.map(Cow::Owned).or(mime_type),
                attached: Some(clip),
            });
        }
        _ => return Err(bad(A_PICTURE)),
    };
    match found {
        Found::Here(bytes) => Ok(held(kind(said, &bytes, true)?, bytes, clip)),
        Found::OnDisk(path) => blocking(move || on_disk(path, said, clip)).await,
        Found::There(uri) => {
            let mime_type = said.map(Cow::Owned).or_else(|| named(&uri).map(Cow::Borrowed));
            // Of an uploaded file the service knows it; a bucket's it must be told.
            if mime_type.is_none() && is_scheme(&uri, "gs://") {
                return Err(bad(message!("has a name that does not tell its type; {}", name_it())));
            }
            Ok(Part::Reference { uri, mime_type, attached: Some(clip) })
        }
    }
}

fn held(mime_type: Cow<'static, str>, bytes: Bytes, clip: Clip) -> Part {
    Part::Picture { mime_type, source: Source::Memory(bytes), attached: Some(clip) }
}

fn on_disk(path: PathBuf, said: Option<String>, clip: Clip) -> Result<Part, Error> {
    use std::io::Read as _;
    let (file, metadata) = local::open(&path).map_err(cannot)?;
    let is_small = !metadata.is_file() || metadata.len() <= SMALL_FILE;
    let mut start = Vec::new();
    if is_small {
        start = local::rest(&file, &metadata).map_err(cannot)?;
    } else {
        file.take(SMALL_FILE).read_to_end(&mut start).map_err(cannot)?;
    }
    let mime_type = kind(said, &start, is_small)?;
    if is_small {
        return Ok(held(mime_type, start.into(), clip));
    }
    let source = Source::File(File::at(path, PLACE, &metadata));
    Ok(Part::Picture { mime_type, source, attached: Some(clip) })
}

fn name_it() -> Message {
    message!("give it as an Attachment with its {}", option("mime_type"))
}

/// The type of what starts so: as it was said, else as it looks.
fn kind(said: Option<String>, start: &[u8], is_whole: bool) -> Result<Cow<'static, str>, Error> {
    match said {
        _ if start.is_empty() => Err(bad("is empty")),
        Some(said) => Ok(said.into()),
        None => sniffed(start, is_whole).map(Cow::Borrowed).map_err(bad),
    }
}

/// The type of what starts so, or why it is none that is taken.
fn sniffed(start: &[u8], is_whole: bool) -> Result<&'static str, Message> {
    if Format::sniff(start).is_some() {
        return Err(A_PICTURE.into());
    }
    if let Some(known) = document(start) {
        return Ok(known);
    }
    if start.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return Err("is a Matroska video, which the service does not take; make it MP4 or WebM".into());
    }
    if is_text(start, is_whole) {
        return Ok(TEXT);
    }
    Err(message!(
        "is of no known type; PDF, text in UTF-8 and videos (MP4, MOV, WebM, MPEG, AVI, FLV, WMV, 3GPP) are. If it \
         is of another one, {}",
        name_it()
    ))
}

/// What a file is that starts so and has this path: a PDF, a video or text; none if it is nothing of these.
pub(crate) fn type_of(start: &[u8], path: Option<&Path>, is_whole: bool) -> Option<&'static str> {
    let by_name = || named(&path?.to_string_lossy());
    let is_text = || !start.is_empty() && is_text(start, is_whole);
    document(start).or_else(by_name).or_else(|| is_text().then_some(TEXT))
}

/// The type of a PDF or a video.
fn document(start: &[u8]) -> Option<&'static str> {
    let begin = start.get(..start.len().min(1024)).unwrap_or_default();
    if Format::sniff(start).is_some() || codec::is_other_picture(start) {
        return None;
    }
    Some(match start {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
            b"qt  " => "video/mov",
            [b'3', b'g', ..] => "video/3gpp",
            // Sound alone.
            b"M4A " | b"M4B " | b"M4P " => return None,
            _ => "video/mp4",
        },
        [_, _, _, _, b'm', b'o', b'o', b'v', ..] | [_, _, _, _, b'w', b'i', b'd', b'e', ..] => "video/mov",
        [0x1a, 0x45, 0xdf, 0xa3, ..] if memchr::memmem::find(begin, b"webm").is_some() => "video/webm",
        [0, 0, 1, 0xba | 0xb3, ..] => "video/mpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => "video/avi",
        [b'F', b'L', b'V', 1, ..] => "video/x-flv",
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => "video/wmv",
        // Some programs write a few bytes of their own before it.
        _ if memchr::memmem::find(begin, b"%PDF-").is_some() => PDF,
        _ => return None,
    })
}

fn is_text(start: &[u8], is_whole: bool) -> bool {
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last letter may be cut in two.
        Err(error) => !is_whole && error.error_len().is_none(),
    };
    is_utf8 && !start.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f))
}

/// The type that a name's ending tells.
fn named(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "pdf" => PDF,
        "txt" | "md" | "csv" | "json" | "html" | "htm" | "xml" | "yaml" | "yml" => TEXT,
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/mov",
        "webm" => "video/webm",
        "mpeg" | "mpg" => "video/mpeg",
        "avi" => "video/avi",
        "flv" => "video/x-flv",
        "wmv" => "video/wmv",
        "3gp" | "3gpp" => "video/3gpp",
        _ => return None,
    })
}

/// Whether it is the address of a video there, which the service looks at itself.
pub(super) fn is_youtube(name: &str) -> bool {
    if !(is_scheme(name, "https://") || is_scheme(name, "http://")) {
        return false;
    }
    let url = Url::parse(name).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host == "youtu.be" || host == "youtube.com" || host.ends_with(".youtube.com")
}

/// What to say of something that was given as a picture and starts so, if it can be attached.
pub(super) fn instead(start: &[u8]) -> Option<Error> {
    document(start).map(no_picture)
}

/// The same of one whose type is known.
pub(super) fn no_picture(kind: &str) -> Error {
    bad(format!("it is no picture but {kind}; give it in the option `{OPTION}`"))
}

/// How many letters it has, if that is known without reading it: of text at most one for each byte.
pub(super) fn letters(of: &Input, about: &Attachment) -> usize {
    let Input::Bytes(bytes) = of else { return 0 };
    match kind(about.mime_type.clone(), bytes, true).map(|kind| Media::of(&kind)) {
        Ok(Media::Text) => bytes.len(),
        _ => 0,
    }
}

/// What an estimate of these inputs leaves out.
pub(crate) fn uncounted(inputs: &[Input]) -> Option<Message> {
    let is_uncounted =
        |input: &Input| matches!(input, Input::Attachment(of, about) if letters(of, about) == 0);
    inputs.iter().any(is_uncounted).then(|| {
        "What is attached: about 258 tokens for a page of a PDF, 70 for each picture of a video (one a second if \
         `fps` says nothing else), one for 4 letters of text."
            .into()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_first_bytes() {
        let cases: &[(&[u8], &str)] = &[
            (b"%PDF-1.7\n", PDF),
            (b"\xef\xbb\xbf%PDF-1.4\n", PDF),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", "video/mp4"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/mov"),
            (b"\0\0\0\x08wide\0\0\0\0mdat", "video/mov"),
            (b"\0\0\0\x18ftyp3gp5\0\0\0\0", "video/3gpp"),
            (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
            (b"\0\0\x01\xba\x44", "video/mpeg"),
            (b"RIFF\x10\0\0\0AVI LIST", "video/avi"),
            (b"FLV\x01\x05", "video/x-flv"),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "video/wmv"),
            (b"name,price\r\nbanana,1\n", TEXT),
            ("Größe\t1\n".as_bytes(), TEXT),
        ];
        for (start, wanted) in cases {
            assert_eq!(sniffed(start, true).as_deref(), Ok(*wanted), "{start:?}");
        }
        for (start, problem) in [
            (&b"\0\0\0\x18ftypM4A \0\0\0\0"[..], "no known type"),
            (b"\x1a\x45\xdf\xa3\x9fB\x82\x88matroska", "Matroska"),
            (b"\xff\xfeh\0i\0", "no known type"),
            (b"\x89PNG\r\n\x1a\n", "is a picture"),
            (b"GIF89a", "is a picture"),
            (b"caf\xe9", "UTF-8"),
        ] {
            assert!(sniffed(start, true).unwrap_err().contains(problem), "{start:?}");
        }
    }

    #[test]
    fn text_that_is_cut_within_a_letter_is_text() {
        let cut = "Größe".as_bytes().get(..3).unwrap();
        assert!(is_text(cut, false) && !is_text(cut, true));
        assert!(!is_text(b"Gr\xc3\xc3\xb6", false));
    }

    #[test]
    fn links_to_videos_are_known_by_their_host() {
        for link in
            ["https://youtu.be/abc", "https://www.youtube.com/watch?v=abc", "http://m.youtube.com/shorts/a"]
        {
            assert!(is_youtube(link), "{link}");
        }
        for other in
            ["https://notyoutube.com/a", "https://example.com/youtu.be/", "youtu.be/abc", "gs://youtu.be/a"]
        {
            assert!(!is_youtube(other), "{other}");
        }
    }

    #[test]
    fn times_are_written_as_the_service_reads_them() {
        let about = Attachment::new().start(1.0 / 3.0).end(12.0).fps(0.5);
        let told = json!({ "startOffset": "0.333333s", "endOffset": "12s", "fps": 0.5 });
        assert_eq!(Value::Object(Clip::of(&about).wire()), told);
        assert!(Clip::default().wire().is_empty());
    }
}
