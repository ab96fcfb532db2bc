//! Decodes base64 that comes in pieces into one buffer that is set aside once.
//!
//! Lenient as the service's clients must be: both alphabets, spaces and line ends between symbols,
//! padding or none. Anything else is refused at the symbol where it stands.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::GeneralPurposeConfig;
use bytes::Bytes;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Engine = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Engine = base64::engine::GeneralPurpose;

struct Engines {
    standard: Engine,
    url_safe: Engine,
}

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    // Only whole groups of four reach them, so padding and trailing bits do not.
    let config = GeneralPurposeConfig::new();
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return Engines { standard: Engine::standard(config), url_safe: Engine::url_safe(config) };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return Engines {
        standard: Engine::new(&base64::alphabet::STANDARD, config),
        url_safe: Engine::new(&base64::alphabet::URL_SAFE, config),
    };
});

/// Symbols decoded at once: what they become stays in the first-level cache between being cleared
/// and being written.
const BLOCK: usize = 16 * 1024;

/// Spare capacity worth giving back.
const PAGE: usize = 4096;

/// Why a picture cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Base64,
    /// A control character that is not written as an escape, which JSON forbids.
    Control,
    Large,
    Memory,
}

pub(super) struct Decoder {
    bytes: Vec<u8>,
    limit: usize,
    /// The symbols of a group that is not whole yet, six bits each, and how many they are.
    group: u32,
    symbols: u8,
    padding: u8,
    /// True if the last symbol that differs between the alphabets was one of the URL-safe alphabet.
    is_url_safe: bool,
    /// The first white space characters with their positions, in case this is text and no picture.
    blanks: Vec<(usize, u8)>,
}

/// The maximum number of white space characters that are kept. Text has few; base64 in lines has more.
const MOST_BLANKS: usize = 256;

impl Decoder {
    /// A decoder of about `characters` of base64 into at most `limit` bytes.
    pub(super) fn new(characters: u64, limit: usize) -> Self {
        let room = usize::try_from(characters / 4 * 3 + 3).unwrap_or(usize::MAX).min(limit);
        let mut bytes = Vec::new();
        // If so much cannot be had, the buffer grows with what really comes.
        let _ = bytes.try_reserve_exact(room);
        Decoder { bytes, limit, group: 0, symbols: 0, padding: 0, is_url_safe: false, blanks: Vec::new() }
    }

    /// Decodes what has no padding and no escapes in it; an error tells at which byte.
    pub(super) fn extend(&mut self, mut run: &[u8]) -> Result<(), (usize, Trouble)> {
        let whole = run.len();
        while !run.is_empty() {
            let at = whole - run.len();
            let groups = if self.symbols == 0 && self.padding == 0 {
                let room = (self.limit - self.bytes.len()) / 3;
                (run.len().min(BLOCK) / 4).min(room)
            } else {
                0
            };
            let (block, rest) = run.split_at((groups * 4).max(1));
            if groups == 0 || !self.block(block).map_err(|trouble| (at, trouble))? {
                for (index, byte) in block.iter().enumerate() {
                    let pushed = if *byte < 0x20 { Err(Trouble::Control) } else { self.push(*byte) };
                    pushed.map_err(|trouble| (at + index, trouble))?;
                }
            }
            run = rest;
        }
        Ok(())
    }

    /// Decodes whole groups at once; false, and nothing done, if they are not all plain symbols of
    /// one alphabet.
    fn block(&mut self, block: &[u8]) -> Result<bool, Trouble> {
        let (start, added) = (self.bytes.len(), block.len() / 4 * 3);
        self.make_room(added)?;
        self.bytes.resize(start + added, 0);
        let target = self.bytes.get_mut(start..).unwrap_or_default();
        for is_url_safe in [self.is_url_safe, !self.is_url_safe] {
            let engine = if is_url_safe { &ENGINES.url_safe } else { &ENGINES.standard };
            if engine.decode_slice(block, target) == Ok(added) {
                self.is_url_safe = is_url_safe;
                return Ok(true);
            }
        }
        self.bytes.truncate(start);
        Ok(false)
    }

    /// Decodes one character, of whatever kind, that may have been an escape.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Trouble> {
        let symbol = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'/' => {
                self.is_url_safe = false;
                62 + u8::from(byte == b'/')
            }
            b'-' | b'_' => {
                self.is_url_safe = true;
                62 + u8::from(byte == b'_')
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                if self.blanks.len() < MOST_BLANKS {
                    self.blanks.push((self.seen(), byte));
                }
                return Ok(());
            }
            b'=' if self.symbols >= 2 && self.symbols + self.padding < 4 => {
                self.padding += 1;
                return Ok(());
            }
            _ => return Err(Trouble::Base64),
        };
        if self.padding > 0 {
            return Err(Trouble::Base64);
        }
        self.group = self.group << 6 | u32::from(symbol);
        self.symbols += 1;
        if self.symbols == 4 {
            let [_, a, b, c] = self.group.to_be_bytes();
            self.put(&[a, b, c])?;
            (self.group, self.symbols) = (0, 0);
        }
        Ok(())
    }

    /// Returns the complete picture. If it is incomplete, nothing is changed.
    pub(super) fn finish(&mut self) -> Result<Bytes, Trouble> {
        match self.symbols {
            0 => {}
            2 => self.put(&[(self.group >> 4) as u8])?,
            3 => self.put(&[(self.group >> 10) as u8, (self.group >> 2) as u8])?,
            _ => return Err(Trouble::Base64),
        }
        // In place under the usual allocators: the pages behind were never touched.
        if self.bytes.capacity() - self.bytes.len() >= PAGE {
            self.bytes.shrink_to_fit();
        }
        Ok(std::mem::take(&mut self.bytes).into())
    }

    /// The number of characters without white space.
    fn seen(&self) -> usize {
        self.bytes.len() / 3 * 4 + usize::from(self.symbols + self.padding)
    }

    /// The received base64, if it was decoded into at most `most` bytes.
    pub(super) fn text(&self, most: usize) -> Option<String> {
        if self.bytes.len() > most {
            return None;
        }
        let engine = if self.is_url_safe { &ENGINES.url_safe } else { &ENGINES.standard };
        let mut text = engine.encode(&self.bytes);
        for place in (0..u32::from(self.symbols)).rev() {
            text.push(match (self.group >> (place * 6) & 63) as u8 {
                letter @ 0..=25 => char::from(b'A' + letter),
                letter @ 26..=51 => char::from(b'a' + letter - 26),
                digit @ 52..=61 => char::from(b'0' + digit - 52),
                62 if self.is_url_safe => '-',
                62 => '+',
                _ if self.is_url_safe => '_',
                _ => '/',
            });
        }
        text.extend(std::iter::repeat_n('=', self.padding.into()));
        let mut whole = String::with_capacity(text.len() + self.blanks.len());
        let mut blanks = self.blanks.iter().peekable();
        for (place, letter) in text.chars().chain(['\0']).enumerate() {
            while let Some((_, blank)) = blanks.next_if(|(before, _)| *before == place) {
                match blank {
                    b'\n' => whole.push_str("\\n"),
                    b'\r' => whole.push_str("\\r"),
                    b'\t' => whole.push_str("\\t"),
                    _ => whole.push(' '),
                }
            }
            if letter != '\0' {
                whole.push(letter);
            }
        }
        Some(whole)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(Trouble::Large);
        }
        self.make_room(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn make_room(&mut self, more: usize) -> Result<(), Trouble> {
        self.bytes.try_reserve(more).map_err(|_| Trouble::Memory)
    }
}
