//! What both targets need: a reader driven with cuts that come from the data.

use nanobanana::internals::{Cut, Limits, Splitter, Sse};
use serde_json::value::RawValue;

/// Either of the two readers.
pub trait Reader {
    fn start(limits: Limits) -> Self;
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, String>;
    fn take(&mut self) -> Option<Cut>;
    fn finish(self) -> Result<Option<Cut>, String>;
}

macro_rules! reader {
    ($type:ident, $new:expr) => {
        impl Reader for $type {
            fn start(limits: Limits) -> Self {
                $new(limits)
            }
            fn feed(&mut self, bytes: &[u8]) -> Result<usize, String> {
                $type::feed(self, bytes).map_err(|error| error.to_string())
            }
            fn take(&mut self) -> Option<Cut> {
                $type::take(self)
            }
            fn finish(self) -> Result<Option<Cut>, String> {
                $type::finish(self).map_err(|error| error.to_string())
            }
        }
    };
}

reader!(Splitter, |limits| Splitter::new(limits, None));
reader!(Sse, Sse::new);

/// What reads on past damage. Its error is that of a limit.
pub struct Lenient<R>(R, Option<String>);

macro_rules! lenient {
    ($type:ident, $new:expr) => {
        impl Reader for Lenient<$type> {
            fn start(limits: Limits) -> Self {
                Lenient($new(limits), None)
            }
            fn feed(&mut self, bytes: &[u8]) -> Result<usize, String> {
                match self.0.feed(bytes) {
                    Ok(eaten) => Ok(eaten),
                    Err(_) => {
                        self.1.get_or_insert_with(|| "limit".to_owned());
                        Ok(bytes.len())
                    }
                }
            }
            fn take(&mut self) -> Option<Cut> {
                self.0.take()
            }
            fn finish(mut self) -> Result<Option<Cut>, String> {
                Ok(self.0.end())
            }
        }

        impl Lenient<$type> {
            /// The values, and whether anything was damaged.
            #[allow(dead_code)]
            pub fn all(limits: &Limits, bytes: &[u8], seed: u8) -> (Vec<Cut>, bool) {
                let (cuts, _) = read_in_all_cuts::<Self>(limits, bytes, seed);
                let mut reader = Self::start(limits.clone());
                let mut rest = bytes;
                while !rest.is_empty() {
                    let eaten = reader.feed(rest).expect("it has no errors");
                    rest = &rest[eaten..];
                    reader.take();
                }
                reader.0.end();
                let damage = reader.0.damage();
                (cuts, damage.mended.is_some() || damage.broken.is_some())
            }
        }
    };
}

lenient!(Splitter, |limits| Splitter::lenient(limits, None));
lenient!(Sse, Sse::lenient);

/// The values and the error that they ended with.
pub type Read = (Vec<Cut>, Option<String>);

/// Reads `bytes` in pieces whose sizes come from `size`.
pub fn read<R: Reader>(limits: &Limits, bytes: &[u8], mut size: impl FnMut() -> usize) -> Read {
    let mut reader = R::start(limits.clone());
    let mut cuts = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at(size().clamp(1, rest.len()));
        rest = later;
        while !piece.is_empty() {
            match reader.feed(piece) {
                Ok(eaten) => piece = &piece[eaten..],
                Err(error) => {
                    assert!(reader.take().is_none(), "a value beside an error");
                    assert_eq!(reader.feed(b"1 ").unwrap_err(), error, "the error did not last");
                    assert_eq!(reader.finish().unwrap_err(), error, "the error did not last");
                    return (cuts, Some(error));
                }
            }
            cuts.extend(reader.take());
        }
    }
    match reader.finish() {
        Ok(last) => {
            cuts.extend(last);
            (cuts, None)
        }
        Err(error) => (cuts, Some(error)),
    }
}

pub fn whole<R: Reader>(limits: &Limits, bytes: &[u8]) -> Read {
    read::<R>(limits, bytes, || bytes.len())
}

/// Reads `bytes` whole, byte by byte and as `seed` says; all must agree.
pub fn read_in_all_cuts<R: Reader>(limits: &Limits, bytes: &[u8], seed: u8) -> Read {
    let result = whole::<R>(limits, bytes);
    assert_eq!(read::<R>(limits, bytes, || 1), result, "byte by byte");
    let most = [2, 3, 7, 40][usize::from(seed & 3)];
    let mut random = u32::from(seed) + 1;
    let random_size = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as usize % most + 1
    };
    assert_eq!(read::<R>(limits, bytes, random_size), result, "pieces of at most {most}");
    for cut in &result.0 {
        serde_json::from_str::<&RawValue>(&cut.text).expect("a value's text is JSON");
    }
    result
}

/// Takes from the data how it is to be read: a seed, and limits, which are narrow half of the time.
pub fn plan(data: &[u8]) -> Option<(u8, Limits, &[u8])> {
    let (seed, bytes) = data.split_first()?;
    let limits = match seed & 4 {
        0 => Limits { picture: 1 << 20, ..Limits::default() },
        _ => Limits { depth: 4, text: 200, values: 2_000, picture: 60, pictures: 2, total: 400 },
    };
    Some((*seed, limits, bytes))
}
