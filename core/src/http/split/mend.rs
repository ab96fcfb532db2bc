//! Continues after damage, so that a complete picture is not lost with the rest of its reply.
//!
//! A lenient splitter returns valid JSON only: an invalid character becomes U+FFFD, an invalid word becomes null, and a
//! missing bracket is added. This code runs only where the strict checks would refuse the reply. Limits still apply,
//! and the result depends on the bytes alone, not on how they were split.

use super::picture::Trouble;
use super::{CONTROL, Degree as D, LONE_SURROGATE, Limits, Splitter, State, StringStart};
use crate::error::Error;
use crate::http::json::Cut;

/// The size limit of a string in the place of a picture that is restored as text.
const MOST_TEXT: usize = 1024;

/// U+FFFD, the replacement for invalid characters.
const REPLACEMENT: &[u8] = b"\\ufffd";

/// The first fault of each degree that a lenient splitter found.
#[derive(Debug, Clone, Default)]
pub struct Damage {
    /// A character or a value was invalid, but no picture.
    pub mended: Option<Error>,
    /// Values may be missing or in the wrong place.
    pub broken: Option<Error>,
}

/// The severity of a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Degree {
    Mended,
    Broken,
}

impl Splitter {
    /// A splitter that continues after damage. Only exceeded limits are errors of [`Splitter::feed`].
    #[must_use]
    pub fn lenient(limits: Limits, expected: Option<u64>) -> Self {
        Splitter { is_lenient: true, ..Splitter::new(limits, expected) }
    }

    /// The damage found so far.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// True if the next byte is within a string, or within a skipped one.
    pub fn is_in_string(&self) -> bool {
        let in_text = matches!(self.state, State::String | State::Picture | State::Skipped { .. });
        in_text || matches!(self.state, State::Escape | State::Hex { .. } | State::Pair(_))
    }

    /// Ends a reply. Returns the value that was not taken yet, or the result of [`Splitter::rescue`] for an incomplete
    /// one.
    pub fn end(&mut self) -> Option<Cut> {
        if self.broken.is_none() && self.number_ends().is_ok() && self.is_between() {
            return self.done.take();
        }
        // A lenient splitter returns no error here.
        let _ = self.damaged(D::Broken, |this| this.broken.clone().unwrap_or_else(|| this.cut_off()));
        self.rescue()
    }

    /// The received part of the current value, completed to valid JSON, if it has a complete picture.
    pub fn rescue(&mut self) -> Option<Cut> {
        if let Some(done) = self.done.take() {
            return Some(done);
        }
        self.text_before += self.text.len() as u64;
        let is_worth_it = self.pictures.iter().any(|picture| !picture.is_empty());
        if is_worth_it {
            self.close_all();
        }
        let text = String::from_utf8(std::mem::take(&mut self.text)).ok().filter(|_| is_worth_it);
        let pictures = std::mem::take(&mut self.pictures);
        self.frames.clear();
        (self.picture, self.listed, self.state, self.weight) = (None, false, State::Between, 0);
        text.map(|text| Cut { text, pictures })
    }

    /// Records a fault. In a strict splitter it is an error.
    pub(super) fn damaged(
        &mut self,
        degree: Degree,
        fault: impl FnOnce(&Self) -> Error,
    ) -> Result<(), Error> {
        let known = match degree {
            D::Mended => &self.damage.mended,
            D::Broken => &self.damage.broken,
        };
        if known.is_some() {
            return Ok(());
        }
        let error = fault(self);
        if !self.is_lenient {
            return Err(error);
        }
        match degree {
            D::Mended => self.damage.mended = Some(error),
            D::Broken => self.damage.broken = Some(error),
        }
        Ok(())
    }

    /// Continues at a misplaced byte. Returns 1 if it was consumed, else 0.
    pub(super) fn out_of_place(&mut self, byte: u8, why: &str) -> Result<usize, Error> {
        let is_word = matches!(self.state, State::Value | State::ValueOrEnd)
            && !matches!(byte, b',' | b':' | b']' | b'}');
        let degree = if is_word && !self.frames.is_empty() { D::Mended } else { D::Broken };
        self.damaged(degree, |this| this.not_json(0, why))?;
        let is_object = self.frames.last().map(|frame| frame.is_object);
        match (self.state, byte) {
            (State::Bom(_), _) => {
                self.state = State::Between;
                return Ok(0);
            }
            (State::Colon, _) => {
                self.keep(b":")?;
                self.state = State::Value;
                return Ok(0);
            }
            (State::Value, b',' | b']' | b'}') | (State::ValueOrEnd, b',') => {
                if self.frames.is_empty() {
                    self.state = State::After;
                    return Ok(0);
                }
                self.keep(b"null")?;
                self.value_ends()?;
                return Ok(0);
            }
            (State::Value | State::ValueOrEnd, _) if is_word => {
                self.keep(b"null")?;
                self.state = State::Junk;
            }
            (State::Key, b'}') => {
                self.drop_comma();
                self.state = State::KeyOrEnd;
                return Ok(0);
            }
            (State::After, b'"') if is_object == Some(true) => {
                self.keep(b",")?;
                self.state = State::Key;
                return Ok(0);
            }
            (State::After, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
                if is_object != Some(true) =>
            {
                if is_object.is_some() {
                    self.keep(b",")?;
                }
                self.state = State::Value;
                return Ok(0);
            }
            (_, b']' | b'}') if !matches!(self.state, State::Between) => return self.crossed(byte),
            _ => {}
        }
        Ok(1)
    }

    /// Continues at a bracket that closes an outer level: the inner levels are closed first.
    fn crossed(&mut self, bracket: u8) -> Result<usize, Error> {
        let is_of_object = bracket == b'}';
        let is_open =
            (self.listed && !is_of_object) || self.frames.iter().any(|frame| frame.is_object == is_of_object);
        let Some(frame) = self.frames.last().filter(|_| is_open) else { return Ok(1) };
        let own: &[u8] = if frame.is_object { b"}" } else { b"]" };
        if matches!(self.state, State::Key) {
            self.drop_comma();
        }
        self.keep(own)?;
        self.frames.pop();
        self.value_ends()?;
        Ok(0)
    }

    /// Removes a trailing comma.
    fn drop_comma(&mut self) {
        while self.text.last().is_some_and(u8::is_ascii_whitespace) {
            self.text.pop();
        }
        if self.text.last() == Some(&b',') {
            self.text.pop();
        }
    }

    /// Continues within an invalid number or word.
    pub(super) fn bad_token(&mut self, why: &str) -> Result<usize, Error> {
        let degree = if self.frames.is_empty() { D::Broken } else { D::Mended };
        self.damaged(degree, |this| this.not_json(0, why))?;
        self.null_for_token();
        self.state = State::Junk;
        Ok(0)
    }

    fn null_for_token(&mut self) {
        let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let end = self.text.iter().rposition(|byte| !is_of_token(byte)).map_or(0, |last| last + 1);
        self.text.truncate(end);
        self.text.extend_from_slice(b"null");
    }

    /// Continues after an unescaped control character.
    pub(super) fn control(&mut self, at: usize, byte: u8) -> Result<usize, Error> {
        self.damaged(D::Mended, |this| this.not_json(at, CONTROL))?;
        self.keep(format!("\\u{byte:04x}").as_bytes())?;
        Ok(at + 1)
    }

    /// Replaces invalid UTF-8 from this offset on by U+FFFD.
    pub(super) fn make_utf8(&mut self, start: usize) {
        let text = String::from_utf8_lossy(self.text.get(start..).unwrap_or_default()).into_owned();
        self.text.truncate(start);
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Continues after a backslash that begins no escape, which is kept as a backslash.
    pub(super) fn bad_escape(&mut self) -> Result<usize, Error> {
        const WHY: &str = "does not belong to an escape that JSON knows";
        if self.picture.is_some() {
            self.damaged(D::Broken, |this| this.not_json(0, WHY))?;
            self.no_picture()?;
            if matches!(self.state, State::String) {
                self.keep(b"\\\\")?;
            }
            return Ok(0);
        }
        self.damaged(D::Mended, |this| this.not_json(0, WHY))?;
        self.keep(b"\\")?;
        self.state = State::String;
        Ok(0)
    }

    /// Continues at a byte of an escape that is no hexadecimal digit.
    pub(super) fn bad_hex(&mut self, left: u8, low: bool) -> Result<usize, Error> {
        const WHY: &str = "should be a hexadecimal digit";
        if self.picture.is_some() {
            self.damaged(D::Broken, |this| this.not_json(0, WHY))?;
            self.no_picture()?;
            return Ok(0);
        }
        self.damaged(D::Mended, |this| this.not_json(0, WHY))?;
        self.cut_escape(State::Hex { left, value: 0, low });
        self.state = State::String;
        self.keep(REPLACEMENT)?;
        Ok(0)
    }

    /// Continues after an escape for a lone surrogate, `value`.
    pub(super) fn lone_surrogate(&mut self, value: u16) -> Result<usize, Error> {
        self.damaged(D::Mended, |this| this.not_json(0, LONE_SURROGATE))?;
        let is_first = matches!(self.state, State::Hex { low: false, .. });
        let escape = 6;
        let start = self.text.len().saturating_sub(if is_first { escape } else { 2 * escape });
        if let Some(half) = self.text.get_mut(start..start + escape) {
            half.copy_from_slice(REPLACEMENT);
        }
        self.state = match value {
            0xd800..=0xdbff => State::Pair(b"\\u"),
            _ => State::String,
        };
        Ok(1)
    }

    /// Continues where the second half of a surrogate pair is missing. `left` bytes of its `\u` were expected.
    pub(super) fn half_pair(&mut self, left: usize) -> Result<usize, Error> {
        self.damaged(D::Mended, |this| this.not_json(0, LONE_SURROGATE))?;
        let end = self.text.len().saturating_sub(2 - left);
        if let Some(half) = self.text.get_mut(end.saturating_sub(6)..end) {
            half.copy_from_slice(REPLACEMENT);
        }
        self.state = if left == 2 { State::String } else { State::Escape };
        Ok(0)
    }

    /// Continues after invalid base64 of a picture, at the byte `ahead` or after the escape with the value `escaped`.
    pub(super) fn picture_fails(
        &mut self,
        ahead: usize,
        trouble: Trouble,
        escaped: Option<u16>,
    ) -> Result<usize, Error> {
        match trouble {
            Trouble::Large | Trouble::Memory => return Err(self.bad_picture(ahead, trouble)),
            Trouble::Control => {
                self.damaged(D::Mended, |this| this.bad_picture(ahead, trouble))?;
                // Line breaks in base64 are common elsewhere. Other control characters do not belong to base64.
                return Ok(ahead + 1);
            }
            Trouble::Base64 => self.damaged(D::Broken, |this| this.bad_picture(ahead, trouble))?,
        }
        self.no_picture()?;
        if let (Some(means), State::String) = (escaped, self.state) {
            let means = if (0xd800..0xe000).contains(&means) { 0xfffd } else { means };
            self.keep(format!("\\u{means:04x}").as_bytes())?;
        }
        Ok(ahead)
    }

    /// Turns a supposed picture into a string, or into null if it is too long for text.
    fn no_picture(&mut self) -> Result<(), Error> {
        let text = self.picture.take().and_then(|picture| picture.text(MOST_TEXT));
        self.drop_hole();
        self.state = State::Value;
        match text {
            Some(text) => {
                self.keep(b"\"")?;
                self.string = StringStart { is_key: false, text: self.text.len(), offset: self.offset };
                self.state = State::String;
                self.keep(text.as_bytes())?;
            }
            None => {
                self.keep(b"null")?;
                self.state = State::Skipped { escaped: false };
            }
        }
        Ok(())
    }

    /// Removes the number of an incomplete picture.
    fn drop_hole(&mut self) {
        while self.text.last().is_some_and(u8::is_ascii_digit) {
            self.text.pop();
        }
    }

    /// Removes an incomplete escape, and the half of a surrogate pair before it.
    fn cut_escape(&mut self, state: State) {
        let length = match state {
            State::Escape => 1,
            State::Hex { left, low, .. } => 6 - usize::from(left) + if low { 6 } else { 0 },
            State::Pair(rest) => 8 - rest.len(),
            _ => 0,
        };
        self.text.truncate(self.text.len().saturating_sub(length));
    }

    /// Completes the text of the current value to valid JSON.
    fn close_all(&mut self) {
        let state = self.state;
        if self.picture.take().is_some() {
            self.drop_hole();
            self.text.extend_from_slice(b"null");
        } else {
            match state {
                State::String | State::Escape | State::Hex { .. } | State::Pair(_) => {
                    self.cut_escape(state);
                    let StringStart { is_key, text: start, .. } = self.string;
                    self.make_utf8(start);
                    if is_key {
                        self.text.truncate(start.saturating_sub(1));
                        self.drop_comma();
                    } else {
                        self.text.push(b'"');
                    }
                }
                State::Literal([]) => {}
                State::Number(number) if number.is_whole() => {}
                State::Literal(_) | State::Number(_) => self.null_for_token(),
                State::Value => self.text.extend_from_slice(b"null"),
                State::Key => self.drop_comma(),
                State::Colon => self.text.extend_from_slice(b":null"),
                _ => {}
            }
        }
        for frame in self.frames.drain(..).rev() {
            self.text.push(if frame.is_object { b'}' } else { b']' });
        }
    }
}

#[cfg(test)]
mod tests;
