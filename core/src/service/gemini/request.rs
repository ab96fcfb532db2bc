//! The body of a request to generateContent.
//!
//! It is JSON text with holes where pictures belong; [`crate::http::body`] fills them while the body is sent.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::http::body::{Body, Segment};
use crate::http::json::{self, Piece};
use crate::input::{Clip, Part, Source};
use crate::options::GenerateOptions;

/// The body that asks for what `parts` and `options` say, after the turns of a conversation.
/// `options` have been checked against the model, so all that is set is sent.
pub(crate) fn body(history: &[Turn], parts: &[Part], options: &GenerateOptions) -> Body {
    let mut holes = Holes::new();
    let parts: Vec<Value> = parts.iter().map(|part| part_json(part, &mut holes)).collect();
    let mut contents: Vec<Value> = vec![json!({ "role": "user", "parts": parts })];
    if !history.is_empty() {
        contents.insert(0, holes.mark(Hole::Turns(history.to_vec())).into());
    }
    let mut body = json!({ "contents": contents });
    if let Some(map) = body.as_object_mut() {
        fill(map, options);
    }
    if let Some(extra) = &options.extra {
        json::merge(&mut body, extra);
    }
    holes.cut(body.to_string())
}

/// The same request, for the rest of an answer.
pub(crate) fn continued(body: &Body, token: &str) -> Body {
    let mut segments = body.segments().to_vec();
    if let Some(Segment::Text(end)) = segments.pop() {
        let open = end.slice(..end.len().saturating_sub(1));
        segments.push(Segment::Text(open));
        segments.push(Segment::Text(format!(",\"continuationToken\":{}}}", json!(token)).into()));
    }
    Body::of(segments)
}

/// The same request to this model, for the number of its tokens alone.
pub(crate) fn counted(body: &Body, model: &str) -> Body {
    let start = format!("{{\"generateContentRequest\":{{\"model\":{},", json!(format!("models/{model}")));
    let mut segments = vec![Segment::Text(start.into())];
    for (place, segment) in body.segments().iter().enumerate() {
        segments.push(match segment {
            Segment::Text(text) if place == 0 => Segment::Text(text.slice(1.min(text.len())..)),
            other => other.clone(),
        });
    }
    segments.push(Segment::Text(Bytes::from_static(b"}")));
    Body::of(segments)
}

/// One turn of a conversation, as it goes back to the service.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// "user" or "model".
    pub role: String,
    pub pieces: Arc<[Piece]>,
}

impl Turn {
    pub fn new(role: &str, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Turn { role: role.to_owned(), pieces: pieces.into_iter().collect() }
    }

    fn segments(&self) -> Vec<Segment> {
        let mut text = format!("{{\"role\":{},\"parts\":[", json!(self.role));
        let mut segments = Vec::new();
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(&piece.before);
            if let Some(picture) = &piece.picture {
                segments.push(Segment::Text(std::mem::take(&mut text).into()));
                segments.push(Segment::Base64(Source::Memory(picture.clone())));
            }
            text.push_str(&piece.after);
        }
        text.push_str("]}");
        segments.push(Segment::Text(text.into()));
        segments
    }
}

/// A part that was made here, as a piece of a conversation. Only what is in memory becomes one.
pub(crate) fn piece(part: &Part) -> Piece {
    let mut holes = Holes::new();
    let text = part_json(part, &mut holes).to_string();
    match holes.marks.pop() {
        Some((mark, Hole::Picture(Source::Memory(bytes)))) => match text.split_once(&mark) {
            Some((before, after)) => {
                Piece { before: before.to_owned(), picture: Some(bytes), after: after.to_owned() }
            }
            None => Piece { before: text, ..Piece::default() },
        },
        _ => Piece { before: text, ..Piece::default() },
    }
}

/// What goes into a marked place.
enum Hole {
    /// Base64, within the quotes.
    Picture(Source),
    /// Turns with commas between them, in place of the string.
    Turns(Vec<Turn>),
}

/// Marks places in the JSON until it is text.
struct Holes {
    marks: Vec<(String, Hole)>,
    nonce: u128,
}

impl Holes {
    fn new() -> Self {
        Holes { marks: Vec::new(), nonce: fastrand::u128(..) }
    }

    fn mark(&mut self, hole: Hole) -> String {
        // Random, so that no text of a prompt can be taken for it.
        let mark = format!("hole-{:032x}-{}", self.nonce, self.marks.len());
        self.marks.push((mark.clone(), hole));
        mark
    }

    fn cut(self, text: String) -> Body {
        let text = Bytes::from(text);
        let place = |mark: &str| memchr::memmem::find(&text, format!("\"{mark}\"").as_bytes());
        // `extra` may have replaced the contents, and the pictures with them.
        let marks = self.marks.into_iter().filter_map(|(mark, hole)| Some((place(&mark)?, mark.len(), hole)));
        let mut marks: Vec<_> = marks.collect();
        marks.sort_by_key(|(at, ..)| *at);
        let mut segments = Vec::new();
        let mut done = 0;
        for (at, len, hole) in marks {
            match hole {
                Hole::Picture(source) => {
                    segments.push(Segment::Text(text.slice(done..at + 1)));
                    segments.push(Segment::Base64(source));
                    done = at + 1 + len;
                }
                Hole::Turns(turns) => {
                    segments.push(Segment::Text(text.slice(done..at)));
                    for (place, turn) in turns.iter().enumerate() {
                        if place > 0 {
                            segments.push(Segment::Text(Bytes::from_static(b",")));
                        }
                        segments.extend(turn.segments());
                    }
                    done = at + len + 2;
                }
            }
        }
        segments.push(Segment::Text(text.slice(done..)));
        Body::of(segments)
    }
}

fn part_json(part: &Part, holes: &mut Holes) -> Value {
    match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Picture { mime_type, source, attached } => {
            let data = holes.mark(Hole::Picture(source.clone()));
            cut_to(attached, json!({ "inlineData": { "mimeType": mime_type, "data": data } }))
        }
        Part::Reference { uri, mime_type: None, attached } => {
            cut_to(attached, json!({ "fileData": { "fileUri": uri } }))
        }
        Part::Reference { uri, mime_type: Some(mime_type), attached } => {
            cut_to(attached, json!({ "fileData": { "mimeType": mime_type, "fileUri": uri } }))
        }
    }
}

/// The part, with what of a video is to be seen.
fn cut_to(clip: &Option<Clip>, mut part: Value) -> Value {
    let told = clip.as_ref().map(Clip::wire).filter(|told| !told.is_empty());
    if let (Some(part), Some(told)) = (part.as_object_mut(), told) {
        part.insert("videoMetadata".to_owned(), Value::Object(told));
    }
    part
}

/// Puts a value where a dotted path leads.
fn place(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = map.entry(first).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                place(inner, rest, value);
            }
        }
    }
}

fn fill(body: &mut Map<String, Value>, options: &GenerateOptions) {
    if let Some(text) = &options.system {
        place(body, "systemInstruction", json!({ "parts": [{ "text": text }] }));
    }
    for (path, value) in options.wire() {
        place(body, path, value);
    }
    // Plain web search is what the tool does when no type is named.
    let search = match (options.search == Some(true), options.image_search == Some(true)) {
        (false, false) => return,
        (true, false) => json!({}),
        (false, true) => json!({ "searchTypes": { "imageSearch": {} } }),
        (true, true) => json!({ "searchTypes": { "webSearch": {}, "imageSearch": {} } }),
    };
    place(body, "tools", json!([{ "googleSearch": search }]));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::error::{Error, Kind};
    use crate::image::{Image, Pixels};
    use crate::input::{self, Input};
    use crate::options::{Attachment, Reference};
    use crate::schema::Case;

    async fn prepared(inputs: Vec<Input>) -> Result<Vec<Part>, Error> {
        let base = url::Url::parse("https://generativelanguage.googleapis.com").unwrap();
        let fetch = |_| -> Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send>> { unreachable!() };
        let reach = input::Reach { base: &base, fetch: &fetch, local_files: true };
        Ok(input::prepare(inputs, &reach, None, input::Wanted::default()).await?.parts)
    }

    async fn parts(inputs: Vec<Input>) -> Vec<Part> {
        prepared(inputs).await.unwrap()
    }

    fn options(json: Value, case: Case) -> GenerateOptions {
        GenerateOptions::read(json.as_object().unwrap(), case).unwrap()
    }

    async fn digest(inputs: Vec<Input>, options: &GenerateOptions) -> String {
        body(&[], &parts(inputs).await, options).digest().await.unwrap().to_string()
    }

    /// Its PNG is larger than what is read at once.
    fn noise() -> Image {
        let mut random = fastrand::Rng::with_seed(1);
        let data = std::iter::repeat_with(|| random.u8(..)).take(800 * 600 * 3).collect();
        Image::from_pixels(&Pixels { width: 800, height: 600, channels: 3, data }).unwrap()
    }

    /// What users keep by digests (caches, journals) must be found again by every later version.
    #[tokio::test]
    async fn a_digest_never_changes() {
        let asked =
            json!({ "aspect_ratio": "16:9", "seed": 7, "temperature": 0.25, "labels": { "team": "a" } });
        let asked = options(asked, Case::Snake);
        assert_eq!(
            digest(vec!["A banana, “ripe”".into()], &asked).await,
            "42d28fa6e05ec5562818a1b08822599aeb78facbdb7ac2def60ee01829547a64"
        );
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03";
        assert_eq!(
            digest(vec!["Night".into(), Input::Bytes(Bytes::from_static(png))], &asked).await,
            "23ddf04c49640a0eb377c70eba918806d14301791feb0e70f41c8207e62e9f14"
        );
    }

    #[tokio::test]
    async fn a_picture_counts_by_its_content_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let image = noise();
        let path = image.save(folder.path().join("noise")).unwrap();
        assert!(image.len() > 1 << 20, "it is read as it is sent");
        let other = folder.path().join("other name.png");
        std::fs::copy(&path, &other).unwrap();
        let none = GenerateOptions::new();
        let wanted = digest(vec!["Night".into(), Input::Bytes(image.bytes().unwrap().clone())], &none).await;
        let earlier = Image::on_disk(&path, "image/png", 800, 600, image.len() as u64);
        for same in [Input::Image(image.clone()), path.as_path().into(), other.into(), (&earlier).into()] {
            assert_eq!(digest(vec!["Night".into(), same], &none).await, wanted);
        }
        assert_eq!(earlier.held(), 0, "it goes out from its file");
        let mut bytes = image.bytes().unwrap().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_ne!(digest(vec!["Night".into(), bytes.into()], &none).await, wanted);
        assert_ne!(digest(vec![image.clone().into(), "Night".into()], &none).await, wanted);
        assert_ne!(digest(vec!["Night".into(), image.clone().into(), image.into()], &none).await, wanted);
    }

    #[tokio::test]
    async fn what_is_said_of_inputs_counts() {
        let none = GenerateOptions::new();
        let image = || Box::new(Input::Image(noise()));
        let text = || Box::new(Input::Bytes(Bytes::from_static(b"banana,1")));
        let named = |name: &str| Input::Reference(image(), Reference::new().name(name));
        let attached = |about: Attachment| Input::Attachment(text(), about);
        let all = [
            *image(),
            named("Mia"),
            named("Tom"),
            attached(Attachment::new()),
            attached(Attachment::new().mime_type("text/csv")),
            attached(Attachment::new().mime_type("video/mp4")),
            attached(Attachment::new().mime_type("video/mp4").end(5.0)),
        ];
        let mut seen = std::collections::HashSet::new();
        for input in all {
            assert!(seen.insert(digest(vec!["Night".into(), input.clone()], &none).await), "{input:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_changed_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let body = body(&[], &parts(vec![path.as_path().into()]).await, &GenerateOptions::new());
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(2 << 20).unwrap();
        let error = body.digest().await.unwrap_err();
        assert_eq!(error.kind(), Kind::ImageError);
        assert!(error.message().contains("noise.png"), "{error}");
    }

    /// What is sent of a file to which `change` is done when its first block is on its way.
    async fn sent_while(change: impl FnOnce(&std::path::Path)) -> Result<Vec<u8>, Error> {
        use http_body::Body as _;
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let body = body(&[], &parts(vec![path.as_path().into()]).await, &GenerateOptions::new());
        let trouble = Arc::new(Mutex::new(None));
        let mut stream = Box::pin(body.stream(trouble.clone(), Arc::default()));
        let (mut sent, mut change) = (Vec::new(), Some(change));
        while let Some(frame) = std::future::poll_fn(|context| stream.as_mut().poll_frame(context)).await {
            match frame {
                Ok(frame) => sent.extend_from_slice(&frame.into_data().unwrap()),
                Err(error) => {
                    assert!(trouble.lock().unwrap().is_some(), "it is told by the transport's error, too");
                    return Err(error);
                }
            }
            if sent.len() > 1 << 17
                && let Some(change) = change.take()
            {
                change(&path);
            }
        }
        assert!(change.is_none() && sent.len() as u64 == body.len());
        Ok(sent)
    }

    #[tokio::test]
    async fn a_file_that_changes_while_it_is_sent_goes_as_it_was_or_not_at_all() {
        let open = |path: &std::path::Path| std::fs::OpenOptions::new().append(true).open(path).unwrap();
        let whole = sent_while(|_| {}).await.unwrap();
        // In its place stands another one: what was opened is read on.
        let replaced = sent_while(|path| {
            std::fs::write(path.with_extension("new"), b"another").unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        });
        assert!(replaced.await.unwrap() == whole);
        assert!(sent_while(|path| std::fs::remove_file(path).unwrap()).await.unwrap() == whole);
        let grown = sent_while(|path| std::io::Write::write_all(&mut open(path), b"more").unwrap());
        let shrunk = sent_while(|path| open(path).set_len(1 << 20).unwrap());
        let cut = sent_while(|path| open(path).set_len(1).unwrap());
        let written = sent_while(|path| {
            let (len, file) = (std::fs::metadata(path).unwrap().len(), open(path));
            // Of the same length, and of another time.
            file.set_len(len - 1).unwrap();
            file.set_len(len).unwrap();
            file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
        });
        for (changed, how) in
            [(grown.await, "grown"), (shrunk.await, ""), (cut.await, ""), (written.await, "written to")]
        {
            let error = changed.expect_err(how);
            assert_eq!(error.kind(), Kind::ImageError);
            let told = error.message();
            assert!(told.contains("changed while it was being sent") && told.contains(how), "{told}");
        }
    }

    #[tokio::test]
    async fn a_picture_of_an_earlier_run_whose_file_changed_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = noise().save(folder.path().join("noise")).unwrap();
        let image = Image::on_disk(&path, "image/png", 800, 600, 77);
        for how in ["had 77 bytes and now has", "there is no such file"] {
            let error = prepared(vec!["Night".into(), (&image).into()]).await.unwrap_err();
            assert_eq!((error.kind(), error.field("index")), (Kind::ImageError, Some(json!(0))));
            assert!(error.message().contains("noise.png") && error.message().contains(how), "{error}");
            std::fs::remove_file(&path).ok();
        }
    }

    #[tokio::test]
    async fn equal_calls_of_both_languages_are_equal_in_any_order() {
        let python = json!({
            "aspect_ratio": "1:1", "temperature": 1.0, "labels": { "a": "1", "b": "2" },
            "safety": { "harassment": "off", "hate_speech": "none" },
            "extra": { "x": { "one": 1.0, "two": [2, 0.5] }, "y": null },
        });
        let node = json!({
            "extra": { "y": null, "x": { "two": [2, 0.5], "one": 1 } },
            "safety": { "hate_speech": "none", "harassment": "off" },
            "labels": { "b": "2", "a": "1" }, "temperature": 1, "aspectRatio": "1:1",
        });
        let wanted = digest(vec!["a".into()], &options(python, Case::Snake)).await;
        assert_eq!(digest(vec!["a".into()], &options(node, Case::Camel)).await, wanted);
        let more = options(json!({ "extra": { "x": 1 } }), Case::Snake);
        let other = options(json!({ "extra": { "x": "1" } }), Case::Snake);
        assert_ne!(digest(vec!["a".into()], &more).await, digest(vec!["a".into()], &other).await);
    }

    #[tokio::test]
    async fn what_was_said_before_is_part_of_it() {
        let image = noise();
        let piece = |end: &str| Piece {
            before: r#"{"inlineData":{"mimeType":"image/png","data":""#.to_owned(),
            picture: Some(image.bytes().unwrap().clone()),
            after: format!("\"}}{end}}}"),
        };
        let parts = parts(vec!["And now?".into()]).await;
        let of =
            async |history: &[Turn]| body(history, &parts, &GenerateOptions::new()).digest().await.unwrap();
        let signed = of(&[Turn::new("model", [piece(r#","thoughtSignature":"abc""#)])]).await;
        let unsigned = of(&[Turn::new("model", [piece("")])]).await;
        let none = of(&[]).await;
        assert!(signed != unsigned && signed != none && unsigned != none);
        assert_eq!(of(&[Turn::new("model", [piece(r#", "thoughtSignature": "abc""#)])]).await, signed);
    }
}
