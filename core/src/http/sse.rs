//! Reads a reply that is a stream of events: takes the lines apart and hands the JSON in them to
//! one splitter, byte for byte as it comes.
//!
//! No line is ever held, so there is no longest line, and a value is there as soon as its last
//! byte is. What is no event but stands in such replies all the same is read too: an array of JSON
//! instead of events, or an error as plain JSON between them. As with the splitter, the result
//! depends on the bytes alone and never on where they were cut.

use memchr::{memchr, memchr2};

use crate::error::Error;
use crate::http::json::Cut;
use crate::http::split::{Damage, Limits, Splitter, refused};

/// What some gateways send last. It says nothing that the end of the reply does not say.
const DONE: &[u8] = b"[DONE]";

/// How many bytes are looked at in one step, at first and at most. A step may search all of them
/// for the end of the line and then eat few, because a value ended; growing from little keeps the
/// search in proportion to what is eaten.
const FIRST: usize = 1 << 8;
const MOST: usize = 1 << 16;

/// Cuts one reply that is a stream of events into the JSON values of their data.
///
/// It is used like a [`Splitter`]:
///
/// ```text
/// while !bytes.is_empty() {
///     let eaten = sse.feed(bytes)?;
///     bytes = &bytes[eaten..];
///     if let Some(cut) = sse.take() { … }
/// }
/// ```
pub struct Sse {
    splitter: Splitter,
    state: State,
    /// Whether the last line ended with CR, of which an LF right behind it is the second half.
    after_cr: bool,
    /// Whether there was any value, or a line of data.
    has_events: bool,
    /// Whether there was a line that no stream of events has.
    has_strange_lines: bool,
    broken: Option<Error>,
    /// True if damage is repaired where possible.
    is_lenient: bool,
    /// The number of blank lines within a value: they end it, or they are unescaped line breaks of a string.
    blanks: usize,
    /// The damage that shows that the reply is no stream of events.
    foreign: Option<Damage>,
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy)]
enum State {
    /// At the start of the reply: the rest of a byte order mark, if there is one.
    Bom(&'static [u8]),
    Start,
    /// Behind blanks, or behind plain JSON.
    Indented,
    /// In what may be a known field's name, of which this is left.
    Name {
        name: &'static [u8],
        left: &'static [u8],
    },
    /// Behind `data:`, where one space does not count.
    Space,
    Data,
    /// In JSON that is no event's data. It ends where its value ends and not with the line.
    Plain,
    /// In what may be `[DONE]`. The bytes `seen` are not the splitter's yet.
    Done {
        seen: usize,
        is_plain: bool,
    },
    /// In a line, or the rest of one, that is not for us.
    Ignored,
}

impl Sse {
    /// A reader for one reply.
    pub fn new(limits: Limits) -> Self {
        Sse {
            splitter: Splitter::new(limits, None),
            state: State::Bom(b"\xef\xbb\xbf"),
            after_cr: false,
            has_events: false,
            has_strange_lines: false,
            broken: None,
            is_lenient: false,
            blanks: 0,
            foreign: None,
        }
    }

    /// A reader that continues after damage, as [`Splitter::lenient`]. A line that is no field continues an incomplete
    /// value before it: the line break should have been escaped.
    #[must_use]
    pub fn lenient(limits: Limits) -> Self {
        Sse { splitter: Splitter::lenient(limits, None), is_lenient: true, ..Sse::new(Limits::default()) }
    }

    /// The damage found so far.
    pub fn damage(&self) -> &Damage {
        self.foreign.as_ref().unwrap_or_else(|| self.splitter.damage())
    }

    /// Ends a reply, as [`Splitter::end`].
    pub fn end(&mut self) -> Option<Cut> {
        if let State::Done { seen, is_plain } = self.state {
            self.state = if is_plain { State::Plain } else { State::Data };
            let _ = self.splitter.feed(DONE.get(..seen).unwrap_or_default());
        }
        match self.state {
            State::Bom(left) => self.has_strange_lines |= left.len() < 3,
            State::Name { left, .. } => self.has_strange_lines |= !left.is_empty(),
            _ => {}
        }
        let last = self.splitter.end();
        self.note_foreign();
        if self.is_foreign() && last.is_none() && self.foreign.is_none() {
            self.foreign = Some(Damage { broken: Some(foreign()), ..Damage::default() });
        }
        last
    }

    /// The received part of the current value, as [`Splitter::rescue`].
    pub fn rescue(&mut self) -> Option<Cut> {
        self.splitter.rescue()
    }

    /// Records that the damage is that of a web page, see `fails`.
    fn note_foreign(&mut self) {
        let is_plain = matches!(self.state, State::Plain | State::Done { is_plain: true, .. });
        if self.foreign.is_none() && is_plain && self.is_foreign() && self.splitter.damage().broken.is_some()
        {
            self.foreign = Some(Damage { broken: Some(foreign()), ..Damage::default() });
        }
    }

    /// Eats bytes up to the end of a value and tells how many. Eats nothing while a value waits to
    /// be taken, nor, again and again with the same error, after one.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let mut rest = bytes;
        let mut most = FIRST;
        while !rest.is_empty() && !self.splitter.has_value() {
            let (window, _) = rest.split_at(most.min(rest.len()));
            let eaten = self.step(window).map_err(|error| self.fails(error))?;
            if eaten == window.len() {
                most = MOST.min(most * 4);
            }
            if self.splitter.damage().broken.is_some() {
                self.note_foreign();
            }
            rest = rest.get(eaten..).unwrap_or_default();
        }
        self.has_events |= self.splitter.has_value();
        Ok(bytes.len() - rest.len())
    }

    /// Whether the next byte stands outside of any value.
    pub fn is_between(&self) -> bool {
        self.splitter.is_between()
    }

    /// The value that was completed, if one was.
    pub fn take(&mut self) -> Option<Cut> {
        self.splitter.take()
    }

    /// Ends the reply: an error if it breaks off within a value, or never was a stream of events.
    /// Gives the value that was not taken yet, or one that only the end completes: a number that
    /// stands alone.
    pub fn finish(mut self) -> Result<Option<Cut>, Error> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        match self.state {
            State::Bom(left) => self.has_strange_lines |= left.len() < 3,
            State::Name { left, .. } => self.has_strange_lines |= !left.is_empty(),
            State::Done { seen, is_plain } => {
                self.state = if is_plain { State::Plain } else { State::Data };
                // The first byte may begin an array; with the others it is cut off either way.
                let begun = self.splitter.feed(b"[").and_then(|_| self.splitter.skip(seen - 1));
                begun.map_err(|error| self.fails(error))?;
            }
            _ => {}
        }
        let is_foreign = self.is_foreign();
        let is_plain = matches!(self.state, State::Plain);
        match self.splitter.finish() {
            Ok(None) if is_foreign => Err(foreign()),
            Err(_) if is_foreign && is_plain => Err(foreign()),
            outcome => outcome,
        }
    }

    /// Takes one step and tells how many bytes it ate, perhaps none.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Error> {
        let Some(&byte) = rest.first() else { return Ok(0) };
        let ends_line = matches!(byte, b'\r' | b'\n');
        let after_cr = std::mem::take(&mut self.after_cr);
        match self.state {
            State::Bom([next, left @ ..]) if byte == *next => {
                self.state = if left.is_empty() { State::Start } else { State::Bom(left) };
            }
            State::Bom(left) => {
                self.state = if left.len() == 3 { State::Start } else { self.strange() };
                return Ok(0);
            }
            State::Start if after_cr && byte == b'\n' => {}
            State::Start if self.may_go_on() && ends_line => {
                self.blanks += 1;
                self.line_ends(byte);
            }
            State::Start if self.may_go_on() && !matches!(byte, b':' | b'd' | b'e' | b'i' | b'r') => {
                self.goes_on(b"")?;
                return Ok(0);
            }
            State::Start if self.blanks > 0 && byte == b':' => {
                self.blanks = 0;
                self.splitter.end_here("an event")?;
                return Ok(0);
            }
            State::Start if ends_line => {
                self.splitter.end_here("an event")?;
                if self.splitter.has_value() {
                    // The line end stays for the next step, which may find it to be over a limit.
                    return Ok(0);
                }
                self.line_ends(byte);
            }
            State::Start | State::Indented if matches!(byte, b' ' | b'\t') => self.state = State::Indented,
            State::Start | State::Indented if matches!(byte, b'{' | b'[') => {
                self.splitter.end_here("an event")?;
                self.state = State::Plain;
                return Ok(0);
            }
            State::Start => {
                self.state = match byte {
                    b':' => State::Ignored,
                    b'd' => State::Name { name: b"data", left: b"ata" },
                    b'e' => State::Name { name: b"event", left: b"vent" },
                    b'i' => State::Name { name: b"id", left: b"d" },
                    b'r' => State::Name { name: b"retry", left: b"etry" },
                    _ => self.strange(),
                };
            }
            State::Indented if !ends_line => self.state = self.strange(),
            State::Name { name, left: [next, left @ ..] } if byte == *next => {
                self.state = State::Name { name, left };
            }
            State::Name { left: [], .. } if self.blanks > 0 && (byte == b':' || ends_line) => {
                self.blanks = 0;
                self.splitter.end_here("an event")?;
                return Ok(0);
            }
            State::Name { name, left: [] } if byte == b':' || ends_line => {
                let is_data = name == b"data";
                if is_data && !self.splitter.is_between() {
                    // The lines of an event's data are joined by LF. This completes a number.
                    if self.splitter.feed(b"\n")? == 0 {
                        return Ok(0);
                    }
                } else {
                    self.splitter.skip(1)?;
                }
                self.has_events |= is_data && byte == b':';
                match byte {
                    b':' => self.state = if is_data { State::Space } else { State::Ignored },
                    _ => self.line_ends(byte),
                }
                return Ok(1);
            }
            State::Name { name, left } if self.may_go_on() => {
                self.goes_on(name.get(..name.len() - left.len()).unwrap_or_default())?;
                return Ok(0);
            }
            State::Name { .. } => {
                self.state = self.strange();
                return Ok(0);
            }
            State::Space => {
                self.state = State::Data;
                if byte != b' ' {
                    return Ok(0);
                }
            }
            State::Data | State::Plain if byte == b'[' && self.splitter.is_between() => {
                self.state = State::Done { seen: 1, is_plain: matches!(self.state, State::Plain) };
                return Ok(1);
            }
            State::Data if ends_line => self.line_ends(byte),
            State::Data if matches!(byte, b' ' | b'\t') && self.splitter.is_between() => {}
            State::Data => {
                let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                return self.splitter.feed(self.up_to_array(rest.get(..end).unwrap_or_default()));
            }
            State::Plain => {
                let eaten = self.splitter.feed(self.up_to_array(rest))?;
                if self.splitter.is_between() {
                    self.state = State::Indented;
                }
                return Ok(eaten);
            }
            State::Done { seen, is_plain } => return self.done(seen, is_plain, byte),
            State::Ignored if !ends_line => {
                let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                self.splitter.skip(end)?;
                return Ok(end);
            }
            State::Indented | State::Ignored => self.line_ends(byte),
        }
        self.splitter.skip(1)?;
        Ok(1)
    }

    /// The bytes before the next `[`, if no value is begun: `[DONE]` is looked for where a step begins, also behind damage.
    fn up_to_array<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let end = if self.splitter.is_between() { memchr(b'[', bytes) } else { None };
        bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()
    }

    /// Goes on in what may be `[DONE]`; if it is not, the splitter gets what was held back.
    fn done(&mut self, seen: usize, is_plain: bool, byte: u8) -> Result<usize, Error> {
        let (held, left) = DONE.split_at(seen.min(DONE.len()));
        match left {
            [next] if byte == *next => {
                self.splitter.skip(DONE.len())?;
                self.state = if is_plain { State::Indented } else { State::Data };
            }
            [next, ..] if byte == *next => self.state = State::Done { seen: seen + 1, is_plain },
            _ => {
                self.state = if is_plain { State::Plain } else { State::Data };
                self.splitter.feed(held)?;
                return Ok(0);
            }
        }
        Ok(1)
    }

    /// True if a line that is no field belongs to the string before it.
    fn may_go_on(&self) -> bool {
        self.is_lenient && self.splitter.is_in_string()
    }

    /// Continues the string before this line. `held` is the consumed start of the line.
    fn goes_on(&mut self, held: &[u8]) -> Result<(), Error> {
        for _ in 0..=std::mem::take(&mut self.blanks) {
            self.splitter.feed(b"\n")?;
        }
        self.splitter.feed(held)?;
        self.state = State::Data;
        Ok(())
    }

    fn line_ends(&mut self, byte: u8) {
        self.after_cr = byte == b'\r';
        self.state = State::Start;
    }

    /// Notes that this line belongs to no stream of events. Such lines must be ignored, but one
    /// that has nothing else is no such stream.
    fn strange(&mut self) -> State {
        self.has_strange_lines = true;
        State::Ignored
    }

    /// Whether what came so far is something else: a page of HTML or plain text.
    fn is_foreign(&self) -> bool {
        self.has_strange_lines && !self.has_events
    }

    /// Keeps the error with which the reply ends. If what seemed to be plain JSON is a script in a
    /// page, the error is rather that of the page.
    fn fails(&mut self, error: Error) -> Error {
        let is_plain = matches!(self.state, State::Plain | State::Done { is_plain: true, .. });
        let error = if is_plain && self.is_foreign() { foreign() } else { error };
        self.broken = Some(error.clone());
        error
    }
}

fn foreign() -> Error {
    refused("the reply is not a stream of events".to_owned())
}

#[cfg(test)]
mod tests;
