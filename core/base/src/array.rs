//! Arrays of numbers as pixels: what shapes, kinds and ranges make a picture, and what is said of those
//! that do not.
//!
//! Nothing is guessed: an array that could mean two things is refused with what to do, since a picture
//! that is wrong costs as much as one that is right.

use std::fmt;

use bytes::Bytes;

use crate::codec::{self, Pixels};
use crate::error::{Error, Kind};
use crate::message::{Message, counted};

mod elsewhere;
mod opened;

pub use elsewhere::{Elsewhere, decode_elsewhere};
#[doc(hidden)]
pub use elsewhere::{decode, decoded};
pub use opened::Opened;

/// Pixels as other libraries hold them: height × width, or height × width × 1, 3 or 4 channels (grey, RGB,
/// RGBA).
#[derive(Clone)]
pub struct Array {
    /// The length of each dimension, the slowest first.
    pub shape: Vec<usize>,
    /// What one sample is.
    pub sample: Sample,
    /// The samples in rows from the top without gaps, in this machine's byte order.
    pub data: Bytes,
}

/// What one sample of an [`Array`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// One byte, 0 or not: black or white.
    Bool,
    /// 0 to 255.
    U8,
    /// 0 to 65535; rounded to 8 bits.
    U16,
    /// 0 to 1; rounded to 8 bits.
    F32,
    /// 0 to 1; rounded to 8 bits.
    F64,
}

/// What is taken, in the words of messages.
const KINDS: &str = "uint8 (0 to 255), uint16 (0 to 65535), float (0 to 1) or bool";

impl Sample {
    /// The kind that goes by this name in NumPy or among JavaScript's typed arrays.
    ///
    /// # Errors
    /// [`Kind::ImageError`] for a kind that no pixels have, which says what to do.
    #[doc(hidden)]
    pub fn named(name: &str) -> Result<Self, Error> {
        let plain = name.to_ascii_lowercase();
        Ok(match plain.trim_end_matches("array").trim_end_matches("clamped") {
            "bool" => Sample::Bool,
            "uint8" => Sample::U8,
            "uint16" => Sample::U16,
            "float32" => Sample::F32,
            "float64" => Sample::F64,
            kind if kind.contains("int") => {
                return Err(bad(format!(
                    "its samples are {name}, whose range says nothing of black and white; samples are {KINDS}. If \
                     they are 0 to 255, make them uint8"
                )));
            }
            _ => return Err(bad(format!("its samples are {name}; samples are {KINDS}"))),
        })
    }

    /// How many bytes one has.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Sample::Bool | Sample::U8 => 1,
            Sample::U16 => 2,
            Sample::F32 => 4,
            Sample::F64 => 8,
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Sample::Bool => "bool",
            Sample::U8 => "uint8",
            Sample::U16 => "uint16",
            Sample::F32 => "float32",
            Sample::F64 => "float64",
        })
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Array({}, {})", shaped(&self.shape), self.sample)
    }
}

impl Array {
    /// Its bytes, if it is a file's: one dimension of bytes.
    #[doc(hidden)]
    pub fn file(&self) -> Option<&Bytes> {
        (self.shape.len() == 1 && self.sample == Sample::U8).then_some(&self.data)
    }

    /// The picture that it holds.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if its shape is no picture's, or a sample is not a number or out of range.
    pub fn into_pixels(self) -> Result<Pixels, Error> {
        let (height, width, channels) = sides(&self.shape)?;
        let data = self.into_bytes(height * width * usize::from(channels))?;
        // What `sides` lets through fits.
        Ok(Pixels { width: width as u32, height: height as u32, channels, data })
    }

    /// Its samples, so many as its shape says, in 8 bits.
    fn into_bytes(self, samples: usize) -> Result<Vec<u8>, Error> {
        if self.data.len() != samples * self.sample.bytes() {
            return Err(bad(format!(
                "it has {}, and {} of {} would have {}",
                counted(self.data.len(), "byte", "bytes"),
                shaped(&self.shape),
                self.sample,
                samples * self.sample.bytes()
            )));
        }
        Ok(match self.sample {
            // Without a copy if nobody else holds it.
            Sample::U8 => self.data.into(),
            Sample::Bool => self.data.iter().map(|byte| if *byte == 0 { 0 } else { 255 }).collect(),
            Sample::U16 => {
                let samples = self.data.as_chunks::<2>().0.iter();
                // 257 is 65535 / 255.
                samples.map(|two| ((u32::from(u16::from_ne_bytes(*two)) + 128) / 257) as u8).collect()
            }
            Sample::F32 => {
                let samples = self.data.as_chunks::<4>().0.iter();
                fractions(samples.map(|four| f64::from(f32::from_ne_bytes(*four))), self.sample)?
            }
            Sample::F64 => {
                let samples = self.data.as_chunks::<8>().0.iter();
                fractions(samples.map(|eight| f64::from_ne_bytes(*eight)), self.sample)?
            }
        })
    }
}

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}

fn shaped(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join("×")
}

/// Height, width and channels.
fn sides(shape: &[usize]) -> Result<(usize, usize, u8), Error> {
    const WANTED: &str = "pixels are height × width, or height × width × 1, 3 or 4 channels";
    let is = format!(
        "its shape is {}",
        if shape.is_empty() { "that of one number".into() } else { shaped(shape) }
    );
    if shape.contains(&0) {
        return Err(bad(format!("{is}: it is empty")));
    }
    let (height, width, channels) = match *shape {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3 | 4)] => (height, width, channels as u8),
        [_, _, 2] => {
            return Err(bad(format!("{is}: grey with transparency is not taken; {WANTED}. Make it RGBA")));
        }
        [1 | 3 | 4, _, _] => {
            return Err(bad(format!(
                "{is}: its channels stand first; {WANTED}. Move them to the end: permute(1, 2, 0) in torch, \
                 transpose(1, 2, 0) in NumPy"
            )));
        }
        [1, ..] if shape.len() == 4 => {
            return Err(bad(format!("{is}: that is a batch of one; {WANTED}. Give its only picture, [0]")));
        }
        [_, _, _, _] => {
            return Err(bad(format!(
                "{is}: that is a batch; {WANTED}. Give its pictures one by one, as a list"
            )));
        }
        _ => return Err(bad(format!("{is}; {WANTED}"))),
    };
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    codec::check_size("its shape is that of", side(width), side(height))?;
    Ok((height, width, channels))
}

/// Samples from 0 to 1 as bytes. What rounds to 0 or 255 is in range: filters overshoot a little.
fn fractions(samples: impl Iterator<Item = f64> + Clone, sample: Sample) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(samples.size_hint().0);
    for value in samples.clone() {
        let scaled = value * 255.0;
        // Not a number is in no range.
        if !(-0.5..=255.5).contains(&scaled) {
            return Err(out_of_range(samples, sample));
        }
        bytes.push((scaled + 0.5) as u8);
    }
    Ok(bytes)
}

fn out_of_range(samples: impl Iterator<Item = f64>, sample: Sample) -> Error {
    let (mut low, mut high, mut strange) = (f64::INFINITY, f64::NEG_INFINITY, 0_u64);
    for value in samples {
        if value.is_finite() {
            (low, high) = (low.min(value), high.max(value));
        } else {
            strange += 1;
        }
    }
    let mut problem = format!("its samples are {sample}, which go from 0 (black) to 1 (white), ");
    if strange > 0 {
        let what = if strange == 1 { "one of them is" } else { "some are" };
        problem.push_str(&format!(
            "and {what} not finite (NaN or infinite: {strange}). Fill or clip them first"
        ));
    } else {
        problem.push_str(&format!("but these go from {low} to {high}. "));
        problem.push_str(if low >= -0.5 && high <= 255.5 {
            "If they are meant as 0 to 255, divide by 255 or make them uint8"
        } else if low >= -1.01 && high <= 1.01 {
            "If they are meant as -1 to 1, take (x + 1) / 2"
        } else {
            "Scale or clip them first"
        });
    }
    bad(problem)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn array(shape: &[usize], sample: Sample, data: impl Into<Bytes>) -> Array {
        Array { shape: shape.to_vec(), sample, data: data.into() }
    }

    fn floats(samples: &[f64]) -> Array {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        array(&[1, samples.len()], Sample::F64, data)
    }

    fn refused(array: Array) -> String {
        array.into_pixels().unwrap_err().message().to_string()
    }

    #[test]
    fn samples_of_every_kind_become_bytes() {
        let words: Vec<u8> =
            [0_u16, 128, 129, 32_768, 65_535].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(array(&[1, 5], Sample::U16, words).into_pixels().unwrap().data, [0, 0, 1, 128, 255]);
        assert_eq!(array(&[1, 3], Sample::Bool, vec![0, 1, 7]).into_pixels().unwrap().data, [0, 255, 255]);
        assert_eq!(
            floats(&[-0.001, 0.0, 0.5, 1.0, 1.001]).into_pixels().unwrap().data,
            [0, 0, 128, 255, 255]
        );
        let single: Vec<u8> = [0.25_f32, 1.0].iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        assert_eq!(array(&[2, 1, 1], Sample::F32, single).into_pixels().unwrap().data, [64, 255]);
    }

    #[test]
    fn bytes_are_not_copied() {
        let data = vec![7; 12];
        let at = data.as_ptr();
        let pixels = array(&[2, 2, 3], Sample::U8, data).into_pixels().unwrap();
        assert_eq!((pixels.width, pixels.height, pixels.channels), (2, 2, 3));
        assert_eq!(pixels.data.as_ptr(), at);
    }

    #[test]
    fn what_is_no_picture_is_told_with_the_way_out() {
        for (shape, says) in [
            (&[3, 480, 640][..], "permute(1, 2, 0)"),
            (&[480, 640, 2], "RGBA"),
            (&[4, 4, 2], "RGBA"),
            (&[1, 4, 4, 3], "a batch of one"),
            (&[8, 4, 4, 3], "one by one"),
            (&[0, 4], "it is empty"),
            (&[5, 6, 7], "height × width"),
            (&[], "one number"),
            (&[usize::MAX, 2], "megapixels"),
            (&[1 << 20, 1 << 20, 4], "megapixels"),
        ] {
            let told = refused(array(shape, Sample::U8, vec![]));
            assert!(told.contains(says), "{told}");
        }
        assert!(refused(array(&[2, 2], Sample::U8, vec![1])).contains("it has 1 byte"));
        for (samples, says) in [
            (&[0.0, 255.0][..], "divide by 255"),
            (&[-1.0, 1.0], "(x + 1) / 2"),
            (&[-7.0, 1e9], "Scale or clip"),
            (&[0.0, f64::NAN], "one of them is not finite"),
            (&[f64::INFINITY, f64::NAN], "some are not finite"),
        ] {
            let told = refused(floats(samples));
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn kinds_go_by_the_names_of_both_languages() {
        for (name, sample) in [
            ("uint8", Sample::U8),
            ("Uint8ClampedArray", Sample::U8),
            ("Uint16Array", Sample::U16),
            ("float64", Sample::F64),
            ("Float32Array", Sample::F32),
            ("bool", Sample::Bool),
        ] {
            assert_eq!(Sample::named(name).unwrap(), sample, "{name}");
        }
        assert!(Sample::named("int64").unwrap_err().message().contains("make them uint8"));
        assert!(Sample::named("BigInt64Array").unwrap_err().message().contains("make them uint8"));
        assert!(Sample::named("complex64").unwrap_err().message().contains("float (0 to 1)"));
    }
}
