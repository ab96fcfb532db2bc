//! Any bytes: neither reading a header nor decoding panics, both tell the same size, and what is encoded
//! without loss comes back bit by bit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanobanana::{Image, Pixels};

fuzz_target!(|data: &[u8]| {
    let Ok(image) = Image::from_bytes(data.to_vec()) else { return };
    let (width, height) = (image.width(), image.height());
    // Large ones take long and show no more. Beyond the limit the header alone must refuse them.
    let pixels = u64::from(width) * u64::from(height);
    if pixels > 1 << 18 && pixels <= 1 << 28 {
        return;
    }
    let Ok(pixels) = image.pixels() else { return };
    assert_eq!((pixels.width, pixels.height), (width, height));
    let png = Image::from_pixels(&pixels).expect("pixels are written as PNG");
    assert!(png.pixels().expect("our PNG is read") == pixels, "PNG lost something");
    if let Ok(webp) = png.convert("webp", None) {
        let back = webp.pixels().expect("our WebP is read");
        assert!(back == rgb(&pixels), "WebP lost something");
    } else {
        assert!(width > 16383 || height > 16383, "WebP is not written");
    }
    let jpeg = png.convert("jpeg", None).expect("JPEG is written");
    assert_eq!((jpeg.width(), jpeg.height()), (width, height));
    let lossy = png.convert("webp", Some(50));
    assert!(lossy.is_ok() || width > 16383 || height > 16383, "lossy WebP is not written");
    png.resize(7, 5).expect("it is scaled");
});

/// As a format stores it that knows no grey.
fn rgb(pixels: &Pixels) -> Pixels {
    if pixels.channels != 1 {
        return pixels.clone();
    }
    Pixels { channels: 3, data: pixels.data.iter().flat_map(|grey| [*grey; 3]).collect(), ..*pixels }
}
