//! What was said in the latest calls, word for word, while somebody looks at the page.
//!
//! Nobody looks most of the time, and then nothing is kept: an emulator in a test holds no pictures. Bodies are
//! shared with the line, not copied; their pictures are made small when the page first asks for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::proto;
use nanobanana_base::image::Image;
use nanobanana_base::secrets::Secrets;

/// For so long after the last look somebody is there.
const LOOKING: Duration = Duration::from_secs(30);
/// The most that bodies may take, and for how long and of how many calls they are kept.
const MOST: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(600);
const CALLS: usize = 200;

/// What a piece of a body takes beside its bytes.
const PIECE: usize = 64;

/// Pieces of fewer bytes are put together: each would take more than it holds.
const SMALL: usize = 4 << 10;

/// Pixels on a thumbnail's longer side.
const SIDE: u32 = 320;

#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    looked: Option<Instant>,
    calls: VecDeque<Call>,
    weight: usize,
}

#[derive(Debug)]
struct Call {
    number: usize,
    since: Instant,
    request: Bytes,
    /// The secrets that it was sent with.
    sent: Arc<Secrets>,
    reply: Vec<Bytes>,
    /// The last bytes of the reply, while they are few.
    rest: Vec<u8>,
    weight: usize,
    has_ended: bool,
    seen: Option<Arc<Seen>>,
}

/// What there is to see in a call.
#[derive(Debug)]
pub(super) struct Seen {
    pub pictures: Vec<Thumb>,
    /// Why there may be no picture: the reason of the end, if it is none of the usual ones.
    pub reason: Option<String>,
}

/// A picture of a call, small.
#[derive(Debug)]
pub(super) struct Thumb {
    /// Whether it was sent to the emulator.
    pub is_input: bool,
    pub mime_type: String,
    pub width: u32,
    pub height: u32,
    pub small: Image,
}

impl Kept {
    fn is_watched(&self) -> bool {
        self.looked.is_some_and(|looked| looked.elapsed() < LOOKING)
    }

    fn find(&mut self, number: usize) -> Option<&mut Call> {
        self.calls.iter_mut().rev().find(|call| call.number == number)
    }

    fn add(&mut self, number: usize, bytes: usize, put: impl FnOnce(&mut Call)) {
        let Some(call) = self.find(number) else { return };
        put(call);
        call.weight += bytes;
        self.weight += bytes;
        self.forget();
    }

    fn forget(&mut self) {
        let is_over = |kept: &Kept, first: &Call| {
            kept.weight > MOST || kept.calls.len() > CALLS || first.since.elapsed() > LONGEST
        };
        while self.calls.front().is_some_and(|first| is_over(self, first)) {
            let gone = self.calls.pop_front();
            self.weight -= gone.map_or(0, |call| call.weight);
        }
    }
}

impl Call {
    fn replied(&self) -> Vec<Bytes> {
        let rest = (!self.rest.is_empty()).then(|| Bytes::copy_from_slice(&self.rest));
        self.reply.iter().cloned().chain(rest).collect()
    }
}

impl Watch {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody looks.
    pub fn look(&self) {
        let mut kept = self.kept();
        kept.looked = Some(Instant::now());
        kept.forget();
    }

    pub fn request(&self, number: usize, body: &Bytes, sent: &Arc<Secrets>) {
        let mut kept = self.kept();
        if !kept.is_watched() {
            if !kept.calls.is_empty() {
                *kept = Kept { looked: kept.looked, ..Kept::default() };
            }
            return;
        }
        kept.calls.push_back(Call {
            number,
            since: Instant::now(),
            request: Bytes::new(),
            sent: sent.clone(),
            reply: Vec::new(),
            rest: Vec::new(),
            weight: 0,
            has_ended: false,
            seen: None,
        });
        kept.add(number, body.len() + PIECE, |call| call.request = body.clone());
    }

    pub fn reply(&self, number: usize, piece: &Bytes) {
        let is_small = piece.len() < SMALL;
        let weight = piece.len() + if is_small { 0 } else { PIECE };
        self.kept().add(number, weight, |call| {
            if is_small {
                call.rest.extend_from_slice(piece);
            }
            if !call.rest.is_empty() && (!is_small || call.rest.len() >= SMALL) {
                call.reply.push(std::mem::take(&mut call.rest).into());
            }
            if !is_small {
                call.reply.push(piece.clone());
            }
        });
    }

    pub fn ended(&self, number: usize) {
        self.kept().add(number, 0, |call| call.has_ended = true);
    }

    /// The reply of a call; none if it was not kept.
    pub fn replied(&self, number: usize) -> Option<Vec<Value>> {
        let (pieces, sent) = {
            let mut kept = self.kept();
            let call = kept.find(number)?;
            (call.replied(), call.sent.clone())
        };
        Some(messages(&pieces.concat()).into_iter().map(|message| sent.clean_json(message)).collect())
    }

    /// What is to be seen of a call; none while it runs, or if it was not kept.
    pub fn seen(&self, number: usize) -> Option<Arc<Seen>> {
        let (request, reply) = {
            let mut kept = self.kept();
            let call = kept.find(number)?;
            if let Some(seen) = &call.seen {
                return Some(seen.clone());
            }
            if !call.has_ended {
                return None;
            }
            (call.request.clone(), call.replied())
        };
        let mut pictures = Vec::new();
        messages(&request).iter().for_each(|json| gather(json, true, &mut pictures));
        let reply = messages(&reply.concat());
        reply.iter().for_each(|json| gather(json, false, &mut pictures));
        let reason = reply.iter().rev().find_map(reason);
        let small = |thumb: &Thumb| thumb.small.bytes().map_or(0, |bytes| bytes.len()) + 4 * PIECE;
        let weight = pictures.iter().map(small).sum();
        let seen = Arc::new(Seen { pictures, reason });
        self.kept().add(number, weight, |call| call.seen = Some(seen.clone()));
        Some(seen)
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        let mut kept = self.kept();
        *kept = Kept { looked: kept.looked, ..Kept::default() };
    }
}

/// The JSON of a body: one value, or one of each event.
fn messages(body: &[u8]) -> Vec<Value> {
    if body.trim_ascii().is_empty() {
        return Vec::new();
    }
    if let Ok(json) = proto::parse(body) {
        return match json {
            Value::Array(list) => list,
            json => vec![json],
        };
    }
    let lines = body.split(|byte| *byte == b'\n' || *byte == b'\r');
    lines.filter_map(|line| serde_json::from_slice(line.strip_prefix(b"data: ")?).ok()).collect()
}

/// Why an answer ended, if that is worth a look.
fn reason(message: &Value) -> Option<String> {
    let places = ["/promptFeedback/blockReason", "/candidates/0/finishReason", "/error/status"];
    let told = places.iter().find_map(|place| message.pointer(place)?.as_str())?;
    (told != "STOP").then(|| told.to_owned())
}

/// The pictures in a message, in their order.
fn gather(json: &Value, is_input: bool, thumbs: &mut Vec<Thumb>) {
    match json {
        Value::Object(map) => {
            let told = ["mimeType", "mime_type"].iter().find_map(|name| map.get(*name)?.as_str());
            let data = map.get("data").and_then(Value::as_str);
            if let (Some(mime_type), Some(data)) = (told, data) {
                thumbs.extend(thumb(mime_type, data, is_input));
                return;
            }
            map.values().for_each(|value| gather(value, is_input, thumbs));
        }
        Value::Array(list) => list.iter().for_each(|value| gather(value, is_input, thumbs)),
        _ => {}
    }
}

fn thumb(mime_type: &str, data: &str, is_input: bool) -> Option<Thumb> {
    let image = Image::from_bytes(STANDARD.decode(data).ok()?).ok()?;
    let small = image.thumbnail(SIDE).ok()?;
    let mime_type = mime_type.to_owned();
    Some(Thumb { is_input, mime_type, width: image.width(), height: image.height(), small })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use nanobanana_base::image::Pixels;

    fn body() -> Bytes {
        let image = Image::from_pixels(&Pixels {
            width: 640,
            height: 320,
            channels: 3,
            data: vec![9; 640 * 320 * 3],
        });
        let data = STANDARD.encode(image.unwrap().bytes().unwrap());
        format!("data: {{\"inlineData\": {{\"mimeType\": \"image/png\", \"data\": \"{data}\"}}}}\r\n\r\n")
            .into()
    }

    #[test]
    fn nothing_is_kept_unless_somebody_looks() {
        let watch = Watch::default();
        watch.request(0, &body(), &Arc::default());
        watch.ended(0);
        assert!(watch.replied(0).is_none() && watch.seen(0).is_none());
        watch.look();
        watch.request(1, &body(), &Arc::default());
        watch.reply(1, &body());
        assert!(watch.seen(1).is_none(), "it runs");
        watch.ended(1);
        let seen = watch.seen(1).unwrap();
        let told: Vec<_> = seen.pictures.iter().map(|it| (it.is_input, it.width, it.small.width())).collect();
        assert_eq!(told, [(true, 640, 320), (false, 640, 320)]);
        assert_eq!(watch.replied(1).unwrap().len(), 1);
        watch.kept().looked = Instant::now().checked_sub(LOOKING * 2);
        watch.request(2, &body(), &Arc::default());
        assert!(watch.kept().calls.is_empty() && watch.kept().weight == 0);
    }

    #[test]
    fn a_reply_in_bits_takes_no_more_than_its_bytes_and_loses_what_was_sent() {
        let watch = Watch::default();
        watch.look();
        let mut sent = Secrets::default();
        sent.add_key("canary-0123");
        watch.request(0, &Bytes::new(), &Arc::new(sent));
        let text = format!("{{\"a\":\"{}canary-0123\"}}", "b".repeat(SMALL));
        text.bytes().for_each(|byte| watch.reply(0, &Bytes::from(vec![byte])));
        assert!(watch.kept().calls[0].reply.len() <= 2 && watch.kept().weight <= text.len() + 2 * PIECE);
        assert_eq!(
            watch.replied(0).unwrap(),
            [serde_json::json!({ "a": format!("{}…", "b".repeat(SMALL)) })]
        );
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_weight() {
        let watch = Watch::default();
        watch.look();
        let heavy = Bytes::from(vec![0; MOST / 2 + 1]);
        watch.request(0, &heavy, &Arc::default());
        watch.request(1, &heavy, &Arc::default());
        assert!(watch.replied(0).is_none() && watch.replied(1).is_some());
        watch.reply(1, &heavy);
        assert!(watch.replied(1).is_none() && watch.kept().weight == 0, "not even one may be too heavy");
        (2..CALLS + 10).for_each(|number| watch.request(number, &Bytes::new(), &Arc::default()));
        assert_eq!(watch.kept().calls.len(), CALLS);
    }
}
