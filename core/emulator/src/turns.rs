//! The conversation of a request: its words, its pictures, and whether the model's own parts came back
//! as they were given.

use serde_json::Value;

use super::check::{Refusal, at, bad, list, text};
use super::draw;
use super::fields::{Fault, Service};
use super::files::{self, Library};
use super::models;
use super::proto;
use super::rules::Rules;
use super::sign::{self, Held};
use nanobanana_base::catalogue::Model;
use nanobanana_base::codec;
use nanobanana_base::image::Pixels;
use nanobanana_base::options::Reading;

/// The most that one file within a request to Vertex AI may have.
const MOST_INLINE: usize = 7 << 20;

/// How large the pictures of a call are kept, on their longer side.
const KEPT: u32 = 1600;

/// What the conversation holds.
#[derive(Default)]
pub(super) struct Turns {
    /// The words of the last turn.
    pub prompt: String,
    /// What the answer builds on: the model's latest picture, if it has drawn one, then the pictures of
    /// the latest turn of the user that has any.
    pub pictures: Vec<Pixels>,
    /// The shape of the first of them that is known, which the answer takes if no ratio is asked for.
    pub shape: Option<(u32, u32)>,
    pub images: usize,
    pub documents: usize,
    pub videos: usize,
    /// What was attached to the last turn, in words.
    pub attached: Vec<String>,
    pub letters: u64,
    pub salt: u64,
}

/// A picture of the request, reduced, and the shape it came in.
struct Shown {
    pixels: Pixels,
    shape: Option<(u32, u32)>,
}

/// A part that was taken in.
struct Taken {
    picture: Option<Shown>,
    held: Held,
}

impl Turns {
    pub fn read(model: &Model, request: &Value, files: &Library, rules: Rules) -> Result<Self, Refusal> {
        // Vertex AI has no files of its own: what is there is named by gs:// or by any address on the web.
        let service = rules.service;
        let files = (service == Service::Gemini).then_some(files);
        let wants_signatures = service == Service::Gemini || rules.has(Reading::SignaturesOnVertex);
        let mut turns = Turns::default();
        for part in list(at(at(request, "systemInstruction"), "parts")) {
            let words = text(at(part, "text"))
                .ok_or_else(|| bad("System instruction should have text content only."))?;
            turns.letters += words.chars().count() as u64;
            turns.salt = draw::hash(words.as_bytes(), turns.salt);
        }
        let contents = list(at(request, "contents"));
        if contents.is_empty() {
            return Err(bad("* GenerateContentRequest.contents: contents is not specified\n"));
        }
        let mut shown: Vec<Shown> = Vec::new();
        let mut builds = false;
        // A model's turn may come in several contents, as a stream gave them.
        let mut is_first = true;
        for (turn, content) in contents.iter().enumerate() {
            let role = text(at(content, "role"));
            if !(matches!(role, Some("user" | "model")) || role.is_none() && contents.len() == 1) {
                return Err(bad("Please use a valid role: user, model."));
            }
            let is_model = role == Some("model");
            let parts = list(at(content, "parts"));
            if parts.is_empty() {
                return Err(bad(format!(
                    "* GenerateContentRequest.contents[{turn}].parts: contents.parts must not be empty.\n"
                )));
            }
            turns.salt = draw::hash(turns.prompt.as_bytes(), turns.salt);
            turns.prompt.clear();
            turns.attached.clear();
            is_first |= !is_model;
            let mut pictures = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                // The model does not read its thoughts again.
                if at(part, "thought") == true {
                    continue;
                }
                let taken = turns.part(model, files, part, &format!("contents[{turn}].parts[{index}]"))?;
                if is_model && model.signatures {
                    let signature = text(at(part, "thoughtSignature"));
                    // Vertex AI does not insist on them.
                    if wants_signatures || signature.is_some() {
                        taken.check_signature(signature, is_first, (turn, index))?;
                    }
                }
                is_first &= !is_model;
                pictures.extend(taken.picture);
            }
            if is_model {
                if let Some(last) = pictures.pop() {
                    shown = vec![last];
                    builds = true;
                }
            } else if !pictures.is_empty() {
                most_images(model, pictures.len(), service)?;
                shown.truncate(usize::from(builds));
                shown.extend(pictures);
            }
        }
        if contents.last().is_some_and(|content| at(content, "role") == "model") {
            return Err(bad("Please ensure that multiturn requests end with a user role."));
        }
        let tokens = turns.letters / 4 + turns.images as u64 * model.tokens_per_input_image;
        if tokens > model.max_input_tokens {
            return Err(bad(format!(
                "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({}).",
                model.max_input_tokens
            )));
        }
        turns.shape = shown.iter().find_map(|shown| shown.shape);
        turns.pictures = shown.into_iter().map(|shown| shown.pixels).collect();
        Ok(turns)
    }

    /// Takes one part in.
    fn part(
        &mut self,
        model: &Model,
        files: Option<&Library>,
        part: &Value,
        place: &str,
    ) -> Result<Taken, Refusal> {
        for tool in [
            "functionCall",
            "functionResponse",
            "executableCode",
            "codeExecutionResult",
            "toolCall",
            "toolResponse",
        ] {
            if !at(part, tool).is_null() {
                if !models::draws(model) {
                    return Ok(Taken { picture: None, held: Held::Words(String::new()) });
                }
                return Err(bad(format!("Function calling is not enabled for models/{}.", model.id)));
            }
        }
        let kinds = ["text", "inlineData", "fileData"];
        let given = kinds.iter().filter(|kind| !at(part, kind).is_null()).count();
        if given != 1 {
            let problem =
                if given == 0 { "must have one initialized field" } else { "has more than one field set" };
            return Err(bad(format!(
                "* GenerateContentRequest.{place}.data: required oneof field 'data' {problem}\n"
            )));
        }
        if let Some(words) = text(at(part, "text")) {
            self.letters += words.chars().count() as u64;
            if !self.prompt.is_empty() {
                self.prompt.push('\n');
            }
            self.prompt.push_str(words);
            return Ok(Taken { picture: None, held: Held::Words(words.to_owned()) });
        }
        let (inline, file) = (at(part, "inlineData"), at(part, "fileData"));
        let mime = text(at(inline, "mimeType")).or(text(at(file, "mimeType")));
        let clip = Clip::read(part, place)?;
        if let Some(uri) = text(at(file, "fileUri")) {
            if !["http://", "https://", "gs://"].iter().any(|scheme| uri.starts_with(scheme)) {
                return Err(bad(format!(
                    "Invalid or unsupported file uri: {}",
                    uri.chars().take(80).collect::<String>()
                )));
            }
            // One that was uploaded here is as good as one in the request.
            let uploaded = match files {
                Some(files) => files.read(uri)?,
                None if files::is_file(uri) => {
                    return Err(bad(format!(
                        "Cannot fetch content from the provided URL at {place}: files of the Gemini API are not served to Vertex AI; use gs:// or inline data."
                    )));
                }
                None if mime.is_none() => {
                    return Err(bad(format!(
                        "* GenerateContentRequest.{place}.file_data.mime_type: must not be empty\n"
                    )));
                }
                None => None,
            };
            if let Some((known, bytes)) = uploaded {
                return self.content(model, mime.unwrap_or(&known), &bytes, &clip, place);
            }
            self.salt = draw::hash(uri.as_bytes(), self.salt);
            let kind = match mime {
                Some(mime) => media(model, mime)?,
                None if uri.contains("youtu") => media(model, "video/mp4")?,
                None => Media::Image,
            };
            let picture = match kind {
                Media::Image => {
                    clip.none(place)?;
                    Some(unseen(self.salt))
                }
                Media::Document | Media::Video => None,
            };
            self.images += usize::from(picture.is_some());
            if picture.is_none() {
                self.attach(model, kind, mime.unwrap_or("video"), &clip, place)?;
            }
            return Ok(Taken { picture, held: Held::Bytes(sign::of_bytes(uri.as_bytes())) });
        }
        if !file.is_null() {
            return Err(bad(format!(
                "* GenerateContentRequest.{place}.file_data.file_uri: must not be empty\n"
            )));
        }
        let mime = mime.filter(|mime| !mime.is_empty()).ok_or_else(|| {
            bad(format!("* GenerateContentRequest.{place}.inline_data.mime_type: must not be empty\n"))
        })?;
        media(model, mime)?;
        let data = text(at(inline, "data")).unwrap_or_default();
        let bytes = proto::base64(data).ok_or_else(|| {
            let field = format!("{place}.inline_data.data");
            let description = format!("Invalid value at '{field}' (TYPE_BYTES): Base64 decoding failed");
            Refusal::of(vec![Fault { field, description }])
        })?;
        if bytes.is_empty() {
            return Err(bad(format!(
                "* GenerateContentRequest.{place}.inline_data.data: must not be empty\n"
            )));
        }
        if files.is_none() && bytes.len() > MOST_INLINE {
            return Err(bad(format!(
                "The inline data at {place} is too large: at most {MOST_INLINE} bytes; use gs:// for more."
            )));
        }
        self.content(model, mime, &bytes, &clip, place)
    }

    /// Takes the bytes of a part in.
    fn content(
        &mut self,
        model: &Model,
        mime: &str,
        bytes: &[u8],
        clip: &Clip,
        place: &str,
    ) -> Result<Taken, Refusal> {
        let kind = media(model, mime)?;
        self.salt = draw::hash(bytes, self.salt);
        let held = Held::Bytes(sign::of_bytes(bytes));
        if !matches!(kind, Media::Image) {
            if mime == "application/pdf" && !bytes.windows(5).take(1024).any(|start| start == b"%PDF-") {
                return Err(bad("The document has no pages."));
            }
            self.attach(model, kind, mime, clip, place)?;
            return Ok(Taken { picture: None, held });
        }
        clip.none(place)?;
        self.images += 1;
        let picture = decode(bytes, mime).ok_or_else(|| {
            bad(format!(
                "Unable to process input image at {place}: it is not a whole picture of a supported type."
            ))
        })?;
        // What cannot be decoded here (HEIC) has a shape that is not known.
        let picture = picture.map_or_else(
            || unseen(self.salt),
            |pixels| Shown {
                shape: Some((pixels.width, pixels.height)),
                pixels: draw::reduced(pixels, KEPT),
            },
        );
        Ok(Taken { picture: Some(picture), held })
    }
}

impl Turns {
    /// Takes a document or a video in.
    fn attach(
        &mut self,
        model: &Model,
        kind: Media,
        mime: &str,
        clip: &Clip,
        place: &str,
    ) -> Result<(), Refusal> {
        if !matches!(kind, Media::Video) {
            clip.none(place)?;
            self.documents += 1;
            self.attached.push(mime.to_owned());
            return Ok(());
        }
        self.videos += 1;
        self.salt = draw::hash(clip.words.as_bytes(), self.salt);
        self.attached.push(format!("{mime}{}", clip.words));
        match model.max_videos {
            Some(most) if self.videos > most as usize => Err(bad(format!(
                "Too many videos in the request: models/{} takes at most {most}, got {}.",
                model.id, self.videos
            ))),
            _ => Ok(()),
        }
    }
}

/// What of a video is to be seen, in words; empty if nothing is said.
struct Clip {
    words: String,
}

impl Clip {
    fn read(part: &Value, place: &str) -> Result<Self, Refusal> {
        let told = at(part, "videoMetadata");
        let time = |name: &str| text(at(told, name)).and_then(proto::seconds);
        let wrong = |field: &str, problem: String| {
            let path = format!("GenerateContentRequest.{place}.video_metadata.{field}");
            Err(bad(format!("* {path}: {problem}\n")))
        };
        let (start, end) = (time("startOffset"), time("endOffset"));
        if let Some(start) = start.filter(|start| *start < 0.0) {
            return wrong("start_offset", format!("start_offset must not be negative, got {start}s."));
        }
        if let Some(end) = end.filter(|end| *end <= start.unwrap_or(0.0)) {
            return wrong("end_offset", format!("end_offset must be after start_offset, got {end}s."));
        }
        let fps = at(told, "fps").as_f64();
        if let Some(fps) = fps.filter(|fps| !(*fps > 0.0 && *fps <= 24.0)) {
            return wrong("fps", format!("fps must be in the range (0.0, 24.0], got {fps}."));
        }
        let parts = [("from", start, "s"), ("to", end, "s"), ("at", fps, " fps")];
        let words =
            parts.into_iter().filter_map(|(word, number, unit)| Some(format!(" {word} {}{unit}", number?)));
        Ok(Clip { words: words.collect() })
    }

    /// Only a video has it.
    fn none(&self, place: &str) -> Result<(), Refusal> {
        match self.words.as_str() {
            "" => Ok(()),
            _ => Err(bad(format!(
                "* GenerateContentRequest.{place}.video_metadata: video_metadata is only supported for video data.\n"
            ))),
        }
    }
}

impl Taken {
    /// The first part of a model's turn and every picture in it bring back a signature, and one that is
    /// brought back is the part's own.
    fn check_signature(
        &self,
        signature: Option<&str>,
        is_first: bool,
        (turn, index): (usize, usize),
    ) -> Result<(), Refusal> {
        let place = format!("content position {}, part position {}", turn + 1, index + 1);
        let problem = match signature.filter(|signature| !signature.is_empty()) {
            Some(signature) if sign::is_good(signature, &self.held) => return Ok(()),
            Some(_) => format!("Thought signature is not valid in {place}."),
            None if !is_first && self.picture.is_none() => return Ok(()),
            None => {
                let what = match (&self.picture, &self.held) {
                    (Some(_), _) => "Image",
                    (None, Held::Words(_)) => "Text",
                    (None, Held::Bytes(_)) => "File",
                };
                format!("{what} part is missing a thought_signature in {place}.")
            }
        };
        let advice = "Please refer to the documentation of thought signatures for more details.";
        Err(bad(format!("{problem} {advice}")))
    }
}

/// The model's own pictures of earlier turns do not count.
fn most_images(model: &Model, count: usize, service: Service) -> Result<(), Refusal> {
    // What is only advice with the Gemini API, Vertex AI holds its caller to.
    let soft = model.soft_max_images.filter(|_| service == Service::Vertex);
    match soft.or(model.max_images) {
        Some(most) if count > most as usize => Err(bad(format!(
            "Too many images in the request: models/{} takes at most {most}, got {count}.",
            model.id
        ))),
        _ => Ok(()),
    }
}

enum Media {
    Image,
    Document,
    Video,
}

/// Which types there are stands in the documentation of the Gemini API.
const VIDEOS: &[&str] = &[
    "video/mp4",
    "video/mpeg",
    "video/mov",
    "video/avi",
    "video/x-flv",
    "video/mpg",
    "video/webm",
    "video/wmv",
    "video/3gpp",
];

fn media(model: &Model, mime: &str) -> Result<Media, Refusal> {
    match mime {
        "image/png" | "image/jpeg" | "image/webp" | "image/heic" | "image/heif" => Ok(Media::Image),
        "application/pdf" | "text/plain" => Ok(Media::Document),
        sound if sound.starts_with("audio/") && !models::draws(model) => Ok(Media::Document),
        video if VIDEOS.contains(&video) && model.video_input => Ok(Media::Video),
        other => Err(bad(format!("Unsupported MIME type: {}", other.chars().take(80).collect::<String>()))),
    }
}

/// `None` for what is not a picture, `Some(None)` for one that cannot be decoded here (HEIC).
fn decode(bytes: &[u8], mime: &str) -> Option<Option<Pixels>> {
    if mime == "image/heic" || mime == "image/heif" {
        let is_heif = bytes.get(4..8) == Some(b"ftyp") && bytes.len() > 12;
        if is_heif {
            return Some(None);
        }
    }
    codec::decode(bytes).ok().map(Some)
}

/// Stands for a picture that is only named, or cannot be decoded here: a patch of its own colour.
fn unseen(key: u64) -> Shown {
    let colour = super::canvas::hsl((key % 360) as f32, 45.0, 60.0);
    Shown { pixels: Pixels { width: 4, height: 3, channels: 3, data: colour.repeat(12) }, shape: None }
}
