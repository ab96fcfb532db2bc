//! Splits a reply while it arrives: bytes of JSON in, in any cut; out come the values, each as its
//! own text with the pictures taken out and decoded.
//!
//! A byte machine without recursion checks the whole grammar. Two things run faster than a byte at
//! a time: the inside of strings, and base64, which goes in blocks from the bytes that came
//! straight into the one buffer that the picture keeps. What it does, and every error, depends on
//! the bytes alone and never on where they were cut.

mod mend;
mod picture;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr2, memchr3};

pub use self::mend::Damage;
use self::mend::Degree;
use self::picture::{Decoder, Trouble};
use crate::error::{Billed, Error, Kind};
use crate::http::json::{self, Cut};
use crate::memory;
use crate::message::counted;

const MIB: u64 = 1 << 20;

/// What is set aside for a picture whose size cannot be guessed; untouched pages cost nothing.
const RESERVE: usize = 64 * MIB as usize;

/// How large a reply may be. Whatever passes a limit is a `ResponseError` that names it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How deep arrays and objects may be nested.
    pub depth: usize,
    /// Bytes of JSON text in the whole reply, the pictures left out.
    pub text: u64,
    /// Bytes of memory of the values of one JSON text, without their text. Small values take a multiple of their text.
    pub values: usize,
    /// Bytes of one decoded picture.
    pub picture: usize,
    /// Pictures in the whole reply.
    pub pictures: usize,
    /// Bytes of the whole reply as they are fed.
    pub total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: json::DEPTH,
            text: 16 * MIB,
            values: 16 * MIB as usize,
            picture: 256 * MIB as usize,
            pictures: 32,
            total: 1024 * MIB,
        }
    }
}

/// Cuts one reply into values. Elements of a top-level array are values of their own.
///
/// ```text
/// while !bytes.is_empty() {
///     let eaten = splitter.feed(bytes)?;
///     bytes = &bytes[eaten..];
///     if let Some(cut) = splitter.take() { … }
/// }
/// ```
pub struct Splitter {
    limits: Limits,
    expected: Option<u64>,
    /// How many bytes were eaten.
    offset: u64,
    state: State,
    /// Whether we are in a top-level array. It is no part of any value, so it has no frame.
    listed: bool,
    frames: Vec<Frame>,
    /// The text of the value under way.
    text: Vec<u8>,
    /// Bytes of text of the values before it.
    text_before: u64,
    /// Bytes of memory of the current value, without its text.
    weight: usize,
    string: StringStart,
    picture: Option<Decoder>,
    /// The pictures of the value under way.
    pictures: Vec<Bytes>,
    /// Pictures begun in the whole reply.
    begun: usize,
    done: Option<Cut>,
    broken: Option<Error>,
    /// True if damage is repaired where possible.
    is_lenient: bool,
    damage: Damage,
}

/// What the next byte may be.
#[derive(Clone, Copy)]
enum State {
    /// Outside of any value.
    Between,
    /// The rest of a byte order mark.
    Bom(&'static [u8]),
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    /// A value ended: a comma or the end of what it stands in.
    After,
    String,
    Escape,
    /// Hexadecimal digits of an escape; `low` if it must be the second half of a surrogate pair.
    Hex {
        left: u8,
        value: u16,
        low: bool,
    },
    /// The rest of `\u`, which must follow the first half of a surrogate pair.
    Pair(&'static [u8]),
    /// The rest of `true`, `false` or `null`. Like a number it ends with the byte after it.
    Literal(&'static [u8]),
    Number(Number),
    /// The inside of a picture's base64 string.
    Picture,
    /// The rest of an invalid word, which was replaced by null.
    Junk,
    /// The rest of a string that was replaced by null.
    Skipped {
        escaped: bool,
    },
}

/// Which part of a number came last.
#[derive(Clone, Copy)]
enum Number {
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Number {
    fn is_whole(self) -> bool {
        matches!(self, Number::Zero | Number::Digits | Number::Fraction | Number::ExponentDigits)
    }
}

/// Where the string under way began.
#[derive(Clone, Copy, Default)]
struct StringStart {
    is_key: bool,
    /// After its opening quote, in `text`.
    text: usize,
    /// The same place, in the reply.
    offset: u64,
}

/// An array or object that is open.
#[derive(Default)]
struct Frame {
    is_object: bool,
    /// Whether it is an object under the key `inlineData`.
    holds_picture: bool,
    /// The key under way: its place in `text`, still escaped.
    key: Range<usize>,
    meaning: Meaning,
    /// How many pictures there were when this key came.
    pictures_before: usize,
    /// Keys that came before, with the pictures that stand under them: a duplicate frees those.
    held: Vec<(String, Range<usize>)>,
}

/// What a key says about the value after it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Meaning {
    #[default]
    Other,
    InlineData,
    Picture,
}

impl Splitter {
    /// A splitter for one reply, which is `expected` bytes long if that is known.
    pub fn new(limits: Limits, expected: Option<u64>) -> Self {
        Splitter {
            limits,
            expected,
            offset: 0,
            state: State::Between,
            listed: false,
            frames: Vec::new(),
            text: Vec::new(),
            text_before: 0,
            weight: 0,
            string: StringStart::default(),
            picture: None,
            pictures: Vec::new(),
            begun: 0,
            done: None,
            broken: None,
            is_lenient: false,
            damage: Damage::default(),
        }
    }

    /// Eats bytes up to the end of a value, or of a top-level array, and tells how many. Eats
    /// nothing while a value waits to be taken, nor, again and again with the same error, after one.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.eat(bytes).inspect_err(|error| self.breaks(error))
    }

    /// The value that was completed, if one was.
    pub fn take(&mut self) -> Option<Cut> {
        self.done.take()
    }

    /// Whether a value waits to be taken.
    pub fn has_value(&self) -> bool {
        self.done.is_some()
    }

    /// Whether the next byte stands outside of any value and any top-level array.
    pub fn is_between(&self) -> bool {
        matches!(self.state, State::Between)
    }

    /// Counts bytes of the reply that are not JSON and stand around or between what is fed.
    pub fn skip(&mut self, bytes: usize) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if bytes as u64 > self.limits.total - self.offset {
            return Err(over(format!("{} in all", size(self.limits.total))))
                .inspect_err(|error| self.breaks(error));
        }
        self.offset += bytes as u64;
        Ok(())
    }

    /// Says that no value goes beyond this place, because `whole`, a part of the reply, ends here.
    /// Completes a number that stands alone; an error within anything else.
    pub fn end_here(&mut self, whole: &str) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        self.number_ends()?;
        if self.is_between() {
            return Ok(());
        }
        let told = format!(
            "the reply is damaged: {whole} ends in the middle {} at byte {}",
            self.place(),
            self.offset
        );
        if self.is_lenient {
            self.damaged(Degree::Broken, |_| refused(told))?;
            self.done = self.rescue();
            return Ok(());
        }
        Err(refused(told)).inspect_err(|error| self.breaks(error))
    }

    /// Ends the reply: an error if it breaks off within a value. Gives the value that was not taken
    /// yet, or one that only the end completes: a number that stands alone.
    pub fn finish(mut self) -> Result<Option<Cut>, Error> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.number_ends()?;
        if self.is_between() {
            return Ok(self.done);
        }
        Err(self.cut_off())
    }

    fn cut_off(&self) -> Error {
        let place = self.place();
        let came = match self.expected {
            Some(expected) if expected > self.offset => {
                format!("{} of {}", self.offset, counted(expected, "byte", "bytes"))
            }
            _ => counted(self.offset, "byte", "bytes"),
        };
        let told = format!("the reply was cut off in the middle {place} after {came}");
        refused(told).with_retryable(true)
    }

    fn breaks(&mut self, error: &Error) {
        self.broken = Some(error.clone());
        if self.is_lenient {
            return;
        }
        // What is left over serves nobody, and the caller may keep the splitter.
        self.picture = None;
        self.pictures = Vec::new();
        self.text = Vec::new();
    }

    /// Completes a number, `true`, `false` or `null` if it stands alone.
    fn number_ends(&mut self) -> Result<(), Error> {
        let is_whole = match self.state {
            State::Literal(rest) => rest.is_empty(),
            State::Number(number) => number.is_whole(),
            _ => false,
        };
        if is_whole && self.frames.is_empty() && !self.listed { self.value_ends() } else { Ok(()) }
    }

    fn place(&self) -> String {
        match self.picture {
            Some(_) => format!("of picture {}", self.number_of_picture()),
            None => "of its JSON".to_owned(),
        }
    }

    fn eat(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let allowed = usize::try_from(self.limits.total - self.offset).unwrap_or(usize::MAX);
        let (mut rest, beyond) = bytes.split_at(allowed.min(bytes.len()));
        let whole = rest.len();
        while !rest.is_empty() && self.done.is_none() {
            let was_listed = self.listed;
            let eaten = self.step(rest)?;
            self.offset += eaten as u64;
            rest = rest.get(eaten..).unwrap_or_default();
            if was_listed && !self.listed {
                return Ok(whole - rest.len());
            }
        }
        if self.done.is_none() && !beyond.is_empty() {
            return Err(over(format!("{} in all", size(self.limits.total))));
        }
        Ok(whole - rest.len())
    }

    /// Takes one step and tells how many bytes it ate; 0 if it only closed a number.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Error> {
        match (self.state, rest) {
            (State::String, _) => return self.string(rest),
            (State::Picture, _) => return self.picture(rest),
            (_, []) => return Ok(0),
            (State::Number(number), [byte, ..]) => return self.number(number, *byte),
            (State::Literal([]), [byte, ..]) if delimits(*byte) => {
                self.value_ends()?;
                return Ok(0);
            }
            (State::Between, [0xef, ..]) if self.offset == 0 => self.state = State::Bom(b"\xbb\xbf"),
            (State::Between, [b'[', ..]) => {
                self.check_depth()?;
                self.listed = true;
                self.state = State::ValueOrEnd;
            }
            (
                State::Between
                | State::Value
                | State::ValueOrEnd
                | State::Key
                | State::KeyOrEnd
                | State::Colon
                | State::After,
                [byte @ (b' ' | b'\t' | b'\n' | b'\r'), ..],
            ) => {
                if !self.frames.is_empty() {
                    self.keep(&[*byte])?;
                }
            }
            (State::ValueOrEnd, [b']', ..]) | (State::KeyOrEnd, [b'}', ..]) => self.close(rest)?,
            (State::Between | State::Value | State::ValueOrEnd, [byte, ahead @ ..]) => {
                return self.value_begins(*byte, ahead);
            }
            (State::Key | State::KeyOrEnd, [b'"', ..]) => self.string_begins(true)?,
            (State::Colon, [b':', ..]) => {
                self.keep(b":")?;
                self.state = State::Value;
            }
            (State::After, [byte, ..]) => match (self.frames.last(), byte) {
                (Some(frame), b',') => {
                    let next = if frame.is_object { State::Key } else { State::Value };
                    self.keep(b",")?;
                    self.state = next;
                }
                (None, b',') => self.state = State::Value,
                (Some(Frame { is_object: true, .. }), b'}')
                | (Some(Frame { is_object: false, .. }) | None, b']') => self.close(rest)?,
                (Some(Frame { is_object: true, .. }), _) => {
                    return self.out_of_place(*byte, "should be a comma or }");
                }
                _ => return self.out_of_place(*byte, "should be a comma or ]"),
            },
            (State::Escape, [byte, ..]) => return self.escape(*byte),
            (State::Hex { left, value, low }, [byte, ..]) => return self.hex(left, value, low, *byte),
            (State::Bom([next, more @ ..]), [byte, ..]) if byte == next => {
                self.state = if more.is_empty() { State::Between } else { State::Bom(more) };
            }
            (State::Pair([next, more @ ..]), [byte, ..]) if byte == next => {
                self.keep(&[*byte])?;
                self.state = match more {
                    [] => State::Hex { left: 4, value: 0, low: true },
                    _ => State::Pair(more),
                };
            }
            (State::Literal([next, more @ ..]), [byte, ..]) if byte == next => {
                self.keep(&[*byte])?;
                self.state = State::Literal(more);
            }
            (State::Bom(_), [byte, ..]) => return self.out_of_place(*byte, "should be the start of a value"),
            (State::Pair(rest), _) => return self.half_pair(rest.len()),
            (State::Literal(_), _) => return self.bad_token("does not belong to true, false or null"),
            (State::Key, [byte, ..]) => return self.out_of_place(*byte, "should be a key in quotes"),
            (State::KeyOrEnd, [byte, ..]) => {
                return self.out_of_place(*byte, "should be a key in quotes or }");
            }
            (State::Colon, [byte, ..]) => return self.out_of_place(*byte, "should be a colon"),
            (State::Junk, [byte, ..]) if delimits(*byte) => {
                self.value_ends()?;
                return Ok(0);
            }
            (State::Junk, _) => {}
            (State::Skipped { escaped: false }, [b'"', ..]) => self.value_ends()?,
            (State::Skipped { escaped }, [byte, ..]) => {
                self.state = State::Skipped { escaped: !escaped && *byte == b'\\' };
            }
        }
        Ok(1)
    }

    fn value_begins(&mut self, byte: u8, ahead: &[u8]) -> Result<usize, Error> {
        let meaning = self.frames.last().map_or(Meaning::Other, |frame| frame.meaning);
        // A growing list doubles its capacity.
        self.weigh(2 * memory::VALUE)?;
        let state = match byte {
            b'"' if meaning == Meaning::Picture => return self.picture_begins(ahead).map(|()| 1),
            b'"' => return self.string_begins(false).map(|()| 1),
            b'{' | b'[' => {
                self.check_depth()?;
                if byte == b'{' { State::KeyOrEnd } else { State::ValueOrEnd }
            }
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Digits),
            b't' => State::Literal(b"rue"),
            b'f' => State::Literal(b"alse"),
            b'n' => State::Literal(b"ull"),
            _ => return self.out_of_place(byte, "should be the start of a value"),
        };
        self.keep(&[byte])?;
        if matches!(byte, b'{' | b'[') {
            let is_object = byte == b'{';
            let holds_picture = is_object && meaning == Meaning::InlineData;
            self.frames.push(Frame { is_object, holds_picture, ..Frame::default() });
        }
        self.state = state;
        Ok(1)
    }

    /// Closes what is open with the byte that comes next.
    fn close(&mut self, rest: &[u8]) -> Result<(), Error> {
        if self.frames.is_empty() {
            self.listed = false;
            self.state = State::Between;
            return Ok(());
        }
        self.keep(rest.get(..1).unwrap_or_default())?;
        self.frames.pop();
        self.value_ends()
    }

    fn value_ends(&mut self) -> Result<(), Error> {
        self.state = State::After;
        if let Some(frame) = self.frames.last_mut() {
            let under = frame.pictures_before..self.pictures.len();
            if frame.is_object && !under.is_empty() {
                let key = key_text(&self.text, &frame.key).into_owned();
                frame.held.push((key, under));
            }
            return Ok(());
        }
        if !self.listed {
            self.state = State::Between;
        }
        self.text_before += self.text.len() as u64;
        self.weight = 0;
        let text = String::from_utf8(std::mem::take(&mut self.text))
            .map_err(|_| self.not_json(0, "ends a value that is not UTF-8"))?;
        self.done = Some(Cut { text, pictures: std::mem::take(&mut self.pictures) });
        Ok(())
    }

    fn string_begins(&mut self, is_key: bool) -> Result<(), Error> {
        self.keep(b"\"")?;
        self.string = StringStart { is_key, text: self.text.len(), offset: self.offset + 1 };
        self.state = State::String;
        Ok(())
    }

    fn string(&mut self, rest: &[u8]) -> Result<usize, Error> {
        let (run, tail) = rest.split_at(memchr2(b'"', b'\\', rest).unwrap_or(rest.len()));
        // Without an early exit this is a vector loop; the exact place is looked for only if needed.
        if run.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
            let at = run.iter().position(|byte| *byte < 0x20).unwrap_or_default();
            self.keep_what_fits(run.get(..at).unwrap_or_default())?;
            return self.control(at, run.get(at).copied().unwrap_or_default());
        }
        self.keep_what_fits(run)?;
        match tail.first() {
            None => return Ok(run.len()),
            Some(b'"') => self.string_ends()?,
            Some(_) => {
                self.keep(b"\\")?;
                self.state = State::Escape;
            }
        }
        Ok(run.len() + 1)
    }

    fn string_ends(&mut self) -> Result<(), Error> {
        let StringStart { is_key, text: start, offset } = self.string;
        if let Err(bad) = std::str::from_utf8(self.text.get(start..).unwrap_or_default()) {
            let at = offset + bad.valid_up_to() as u64;
            let error = || refused(format!("the reply is not JSON: byte {at} is not UTF-8"));
            self.damaged(Degree::Mended, |_| error())?;
            self.make_utf8(start);
        }
        let end = self.text.len();
        self.keep(b"\"")?;
        if !is_key {
            return self.value_ends();
        }
        self.state = State::Colon;
        let is_first = self.frames.last().is_some_and(|frame| frame.key.is_empty());
        self.weigh(memory::MEMBER + if is_first { memory::MAP } else { 0 })?;
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        frame.key = start..end;
        frame.pictures_before = self.pictures.len();
        let name = key_text(&self.text, &frame.key);
        frame.meaning = match &*name {
            "inlineData" | "inline_data" => Meaning::InlineData,
            "data" if frame.holds_picture => Meaning::Picture,
            _ => Meaning::Other,
        };
        let pictures = &mut self.pictures;
        let is_damaged = self.damage.mended.is_some() || self.damage.broken.is_some();
        frame.held.retain(|(known, under)| {
            let is_replaced = *known == name;
            // In a damaged reply it is unknown which of the two was meant.
            if is_replaced && !is_damaged {
                pictures.get_mut(under.clone()).unwrap_or_default().fill(Bytes::new());
            }
            !is_replaced
        });
        Ok(())
    }

    fn escape(&mut self, byte: u8) -> Result<usize, Error> {
        let means = match byte {
            b'u' => {
                self.keep_of_string(byte)?;
                self.state = State::Hex { left: 4, value: 0, low: false };
                return Ok(1);
            }
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return self.bad_escape(),
        };
        self.keep_of_string(byte)?;
        self.escape_ends(means.into())
    }

    fn hex(&mut self, left: u8, value: u16, low: bool, byte: u8) -> Result<usize, Error> {
        let Some(digit) = char::from(byte).to_digit(16) else {
            return self.bad_hex(left, low);
        };
        self.keep_of_string(byte)?;
        let value = value << 4 | digit as u16;
        self.state = match (left, value, low) {
            (2.., ..) => State::Hex { left: left - 1, value, low },
            (_, 0xdc00..=0xdfff, true) => State::String,
            (_, 0xdc00..=0xdfff, false) if self.picture.is_none() => return self.lone_surrogate(value),
            (.., true) => return self.lone_surrogate(value),
            (_, 0xd800..=0xdbff, _) if self.picture.is_none() => State::Pair(b"\\u"),
            _ => return self.escape_ends(value),
        };
        Ok(1)
    }

    fn escape_ends(&mut self, means: u16) -> Result<usize, Error> {
        let Some(picture) = &mut self.picture else {
            self.state = State::String;
            return Ok(1);
        };
        self.state = State::Picture;
        // What is no byte is no base64 either.
        let byte = u8::try_from(means).unwrap_or(b'\\');
        match picture.push(byte) {
            Ok(()) => Ok(1),
            Err(trouble) => self.picture_fails(0, trouble, Some(means)).map(|_| 1),
        }
    }

    fn number(&mut self, number: Number, byte: u8) -> Result<usize, Error> {
        use Number as N;
        let next = match (number, byte) {
            (N::Minus, b'0') => N::Zero,
            (N::Minus, b'1'..=b'9') | (N::Digits, b'0'..=b'9') => N::Digits,
            (N::Zero | N::Digits, b'.') => N::Point,
            (N::Point | N::Fraction, b'0'..=b'9') => N::Fraction,
            (N::Zero | N::Digits | N::Fraction, b'e' | b'E') => N::Exponent,
            (N::Exponent, b'+' | b'-') => N::ExponentSign,
            (N::Exponent | N::ExponentSign | N::ExponentDigits, b'0'..=b'9') => N::ExponentDigits,
            _ if number.is_whole() && delimits(byte) => {
                self.value_ends()?;
                return Ok(0);
            }
            _ => return self.bad_token("does not belong to a number"),
        };
        self.keep(&[byte])?;
        self.state = State::Number(next);
        Ok(1)
    }

    fn picture_begins(&mut self, ahead: &[u8]) -> Result<(), Error> {
        if self.begun >= self.limits.pictures {
            return Err(over(counted(self.limits.pictures, "picture", "pictures")));
        }
        self.begun += 1;
        self.keep(self.pictures.len().to_string().as_bytes())?;
        let characters = match (memchr::memchr(b'"', ahead), self.expected) {
            (Some(length), _) => length as u64,
            (None, Some(expected)) => expected.saturating_sub(self.offset),
            (None, None) => RESERVE as u64 / 3 * 4,
        };
        self.picture = Some(Decoder::new(characters, self.limits.picture));
        self.state = State::Picture;
        Ok(())
    }

    fn picture(&mut self, rest: &[u8]) -> Result<usize, Error> {
        let (run, tail) = rest.split_at(memchr3(b'"', b'\\', b'=', rest).unwrap_or(rest.len()));
        let Some(picture) = &mut self.picture else { return Ok(0) };
        if let Err((at, trouble)) = picture.extend(run) {
            return self.picture_fails(at, trouble, None);
        }
        match tail.first() {
            None => return Ok(run.len()),
            Some(b'"') => {
                match picture.finish() {
                    Ok(picture) => self.pictures.push(picture),
                    Err(trouble) => return self.picture_fails(run.len(), trouble, None),
                }
                self.picture = None;
                self.value_ends()?;
            }
            Some(b'\\') => self.state = State::Escape,
            Some(other) => {
                if let Err(trouble) = picture.push(*other) {
                    return self.picture_fails(run.len(), trouble, None);
                }
            }
        }
        Ok(run.len() + 1)
    }

    /// Adds all of `bytes` to the value's text, or none of them if they pass the limit. The state changes after this
    /// call, because [`Splitter::rescue`] completes the text by the state.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() as u64 > self.room_for_text() {
            return Err(over(format!("{} of JSON text", size(self.limits.text))));
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds a run of plain characters of a string up to the limit, so that the rescued text does not depend on the
    /// pieces in which the run arrived.
    fn keep_what_fits(&mut self, run: &[u8]) -> Result<(), Error> {
        let room = usize::try_from(self.room_for_text()).unwrap_or(usize::MAX);
        let (fits, beyond) = run.split_at(room.min(run.len()));
        self.text.extend_from_slice(fits);
        if beyond.is_empty() { Ok(()) } else { self.keep(beyond) }
    }

    fn room_for_text(&self) -> u64 {
        self.limits.text.saturating_sub(self.text_before + self.text.len() as u64)
    }

    /// Adds to the memory of the current value.
    fn weigh(&mut self, bytes: usize) -> Result<(), Error> {
        self.weight += bytes;
        if self.weight <= self.limits.values {
            return Ok(());
        }
        Err(over(format!("{} of memory for small values", size(self.limits.values as u64))))
    }

    /// Adds a byte of an escape to the text, unless it belongs to a picture.
    fn keep_of_string(&mut self, byte: u8) -> Result<(), Error> {
        if self.picture.is_some() { Ok(()) } else { self.keep(&[byte]) }
    }

    fn check_depth(&self) -> Result<(), Error> {
        if self.frames.len() + usize::from(self.listed) < self.limits.depth {
            return Ok(());
        }
        Err(over(counted(self.limits.depth, "level of nesting", "levels of nesting")))
    }

    fn number_of_picture(&self) -> usize {
        self.begun.saturating_sub(1)
    }

    /// An error at the byte that is `ahead` of those eaten.
    fn not_json(&self, ahead: usize, why: &str) -> Error {
        refused(format!("the reply is not JSON: byte {} {why}", self.offset + ahead as u64))
    }

    fn bad_picture(&self, ahead: usize, trouble: Trouble) -> Error {
        let number = self.number_of_picture();
        match trouble {
            Trouble::Base64 => {
                let at = self.offset + ahead as u64;
                refused(format!("the reply is damaged: bad base64 in picture {number} at byte {at}"))
            }
            Trouble::Control => self.not_json(ahead, CONTROL),
            Trouble::Large => over(format!("{} for one picture", size(self.limits.picture as u64))),
            Trouble::Memory => refused(format!("there is not enough memory for picture {number}")),
        }
    }
}

const CONTROL: &str = "is a control character inside a string";
const LONE_SURROGATE: &str = "leaves half a surrogate pair, which is no character";

/// What may stand right after a number, `true`, `false` or `null`.
fn delimits(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'[' | b']' | b'{' | b'}' | b',' | b':')
}

fn key_text<'a>(text: &'a [u8], key: &Range<usize>) -> Cow<'a, str> {
    let raw = text.get(key.clone()).unwrap_or_default();
    json::unescape(std::str::from_utf8(raw).unwrap_or_default())
}

/// The error of a reply that cannot be used.
pub(crate) fn refused(message: String) -> Error {
    // The service had begun to answer, so it may well count the call.
    Error::new(Kind::ResponseError, message).with_billed(Billed::Unknown)
}

fn over(limit: String) -> Error {
    refused(format!("the reply was refused: it passes the limit of {limit}"))
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1024 * MIB) => format!("{} GiB", bytes / (1024 * MIB)),
        _ if bytes > 0 && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ => counted(bytes, "byte", "bytes"),
    }
}

#[cfg(test)]
mod tests;
