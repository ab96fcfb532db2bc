//! What is read of a picture's bytes, an array or a `data:` URL: nothing panics, and what is made anew is a
//! picture that can be read, no larger than was asked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nanobanana::internals::planned;
use nanobanana::{Array, Encode, Input, Sample};

fuzz_target!(|data: &[u8]| {
    let [kind, wish, rest @ ..] = data else { return };
    let mut encode = Encode::new();
    if wish & 1 > 0 {
        encode = encode.max_side(u32::from(wish >> 3) + 1);
    }
    if wish & 2 > 0 {
        encode = encode.max_bytes(u64::from(wish >> 3) * 64 + 1);
    }
    if wish & 4 > 0 {
        encode = encode.quality(u32::from(wish >> 3) * 3 + 1);
    }
    let sample = [Sample::Bool, Sample::U8, Sample::U16, Sample::F32, Sample::F64][usize::from(*kind) % 5];
    let input = match kind % 3 {
        0 => Input::from(rest.to_vec()),
        1 => Input::Named(format!("data:{}", String::from_utf8_lossy(rest))),
        _ => {
            let [dimensions, rest @ ..] = rest else { return };
            let dimensions = usize::from(dimensions % 5).min(rest.len());
            let (shape, samples) = rest.split_at(dimensions);
            let shape = shape.iter().map(|side| usize::from(side % 40)).collect();
            Input::Array(Array { shape, sample, data: samples.to_vec().into() })
        }
    };
    let limits = (encode.max_side, encode.max_bytes);
    let Ok((plan, bytes)) = planned(input, Some(&encode)) else { return };
    let (Some(width), Some(height)) = (plan.sent.width, plan.sent.height) else { return };
    assert_eq!(plan.sent.bytes, Some(bytes.len() as u64));
    if let Some(most) = limits.0 {
        assert!(width.max(height) <= most, "{plan:?}");
    }
    if let Some(most) = limits.1 {
        assert!(bytes.len() as u64 <= most, "{plan:?}");
    }
    if plan.action != "as it is" {
        let image = nanobanana::Image::from_bytes(bytes).unwrap();
        assert_eq!((image.width(), image.height()), (width, height));
        image.pixels().unwrap();
    }
});
