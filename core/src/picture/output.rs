//! What becomes of a call's pictures once they came: they are converted as the caller asked, and their
//! sizes are held against what was asked for.
//!
//! A picture that came is paid for: one that cannot be converted is given as it came, with a warning.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::catalogue::Model;
use crate::error::Error;
use crate::image::Image;
use crate::message::{Message, message, option};
use crate::options::{At, GenerateOptions, OutputFormat};

/// How the final pictures of one call are to be.
#[derive(Default)]
pub(crate) struct Output {
    format: Option<OutputFormat>,
    quality: Option<u8>,
    mark: bool,
    shaped: Mutex<Vec<Shaped>>,
}

/// A picture that came, what was made of it, and what is to be told of that.
struct Shaped {
    came: Image,
    made: Image,
    warnings: Vec<Message>,
}

impl Output {
    /// What these options ask for.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidOptionError`] for a quality without a format that has one.
    pub fn of(options: &GenerateOptions) -> Result<Self, Error> {
        let format = options.output_format;
        if options.output_quality.is_some()
            && !matches!(format, Some(OutputFormat::Jpeg | OutputFormat::Webp))
        {
            let has = match format {
                Some(format) => message!("{} has no quality", format.as_str()),
                None => message!("{} is not set", option("output_format")),
            };
            let problem = message!("needs the {} jpeg or webp; {}", option("output_format"), has);
            return Err(At::option("output_quality").invalid(problem));
        }
        let quality = options.output_quality.and_then(|quality| u8::try_from(quality).ok());
        let mark = options.mark_ai.unwrap_or(true);
        Ok(Output { format, quality, mark, shaped: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Vec<Shaped>> {
        self.shaped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A picture as it was asked for; once it was made, the same one each time.
    pub async fn shaped(&self, came: Image) -> Image {
        let Some(format) = self.format else { return came };
        let is_it = |known: &&Shaped| known.came.is(&came) || known.made.is(&came);
        if let Some(known) = self.known().iter().find(is_it) {
            return known.made.clone();
        }
        let (made, warnings) = match came.converted_soon(format.as_str(), self.quality, self.mark).await {
            Ok(made) => (made.clone(), made.warnings().to_vec()),
            Err(error) => {
                let warning = message!(
                    "a picture could not be made {}, and is given as it came: {}",
                    format.as_str(),
                    error.words()
                );
                (came.clone(), vec![warning])
            }
        };
        self.known().push(Shaped { came, made: made.clone(), warnings });
        made
    }

    /// Puts pictures as they were asked for in the place of those that came.
    pub async fn finish(&self, images: &mut [Image]) {
        for image in images {
            *image = self.shaped(image.clone()).await;
        }
    }

    /// What is to be told of all that was made, each thing once.
    pub fn warnings(&self) -> Vec<Message> {
        let mut all = Vec::new();
        for warning in self.known().iter().flat_map(|shaped| &shaped.warnings) {
            if !all.contains(warning) {
                all.push(warning.clone());
            }
        }
        all
    }
}

/// How far a side may be from the catalogue's before it is told: that is an expectation, not a promise.
const SIDE: f64 = 0.1;
/// The same of the sides' ratio.
const RATIO: f64 = 0.02;

/// Whether a picture of these sides is as was asked.
type Fits<'a> = Box<dyn Fn((f64, f64)) -> bool + 'a>;

/// A sentence about pictures that came in another shape or size than was asked for, if some did.
/// `options` are spelt as the service wants them.
pub(crate) fn another_size(
    model: Option<&Model>,
    options: &GenerateOptions,
    images: &[Image],
) -> Option<Message> {
    let model = model?;
    let ratio = options.aspect_ratio.as_ref().map(|ratio| ratio.as_str());
    let size = options.image_size.as_ref().map(|size| size.as_str());
    let long = |(width, height): (f64, f64)| width.max(height);
    let sides = |(width, height): (u32, u32)| (f64::from(width), f64::from(height));
    let (asked, pixels, fits): (_, _, Fits<'_>) = match (ratio, size) {
        (Some(ratio), _) => {
            let pixels = model.pixels(ratio, size.unwrap_or(&model.default_size))?;
            let wanted = sides(pixels);
            let of_ratio = move |(width, height): (f64, f64)| {
                (width / height / (wanted.0 / wanted.1) - 1.0).abs() <= RATIO
            };
            let of_size = move |came| size.is_none() || (long(came) / long(wanted) - 1.0).abs() <= SIDE;
            let asked = match size {
                Some(size) => {
                    message!("{} {ratio} and {} {size} were", option("aspect_ratio"), option("image_size"))
                }
                None => message!("{} {ratio} was", option("aspect_ratio")),
            };
            (asked, pixels, Box::new(move |came| of_ratio(came) && of_size(came)))
        }
        (None, Some(size)) => {
            // The shape is the model's choice; all of a size have about as many pixels.
            let areas = model.aspect_ratios.iter().filter_map(|ratio| model.pixels(ratio, size)).map(sides);
            let areas: Vec<f64> = areas.map(|(width, height)| width * height).collect();
            let least = areas.iter().copied().reduce(f64::min)? * (1.0 - SIDE).powi(2);
            let most = areas.iter().copied().reduce(f64::max)? * (1.0 + SIDE).powi(2);
            let pixels =
                model.pixels("1:1", size).or_else(|| model.pixels(model.aspect_ratios.first()?, size))?;
            let fits = move |(width, height): (f64, f64)| (least..=most).contains(&(width * height));
            (message!("{} {size} was", option("image_size")), pixels, Box::new(fits))
        }
        (None, None) => return None,
    };
    let others = images.iter().map(|image| (image.width(), image.height()));
    // One whose size is not known is no other one.
    let others = others.filter(|size| size.0 > 0 && size.1 > 0 && !fits(sides(*size)));
    let mut came: Vec<String> = Vec::new();
    for (width, height) in others {
        let told = format!("{width}x{height}");
        if !came.contains(&told) {
            came.push(told);
        }
    }
    let about = if ratio.is_some() { "" } else { " (as a square)" };
    let (width, height) = pixels;
    (!came.is_empty()).then(|| {
        let came = came.join(" and ");
        message!("{} asked for, which is {width}x{height} pixels{about}; {came} came", asked)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::image::Pixels;

    fn picture(width: u32, height: u32) -> Image {
        let data = vec![7; (width * height) as usize];
        Image::from_pixels(&Pixels { width, height, channels: 1, data }).unwrap()
    }

    #[test]
    fn a_size_is_told_if_it_is_clearly_another() {
        let model = Catalogue::builtin().find("nano-banana-pro").unwrap();
        let asked = |ratio: Option<&str>, size: Option<&str>, came: (u32, u32)| {
            let mut options = GenerateOptions::new();
            (options.aspect_ratio, options.image_size) = (ratio.map(Into::into), size.map(Into::into));
            another_size(Some(model), &options, &[picture(came.0, came.1)])
        };
        for (ratio, size, came) in [
            (Some("16:9"), Some("1K"), (1376, 768)),
            (Some("16:9"), Some("1K"), (1344, 756)),
            // A size that was not asked for is not compared.
            (Some("16:9"), None, (688, 384)),
            (None, Some("1K"), (1024, 1024)),
            (None, Some("1K"), (1376, 768)),
            (None, None, (3, 400)),
        ] {
            assert_eq!(asked(ratio, size, came), None, "{ratio:?} {size:?} {came:?}");
        }
        for (ratio, size, came) in [
            (Some("16:9"), Some("1K"), (1024, 1024)),
            (Some("16:9"), Some("2K"), (1376, 768)),
            (Some("16:9"), None, (768, 1376)),
            (Some("16:9"), Some("1K"), (1376, 800)),
            (None, Some("2K"), (1024, 1024)),
            (None, Some("1K"), (2048, 2048)),
        ] {
            let told = asked(ratio, size, came).unwrap();
            for part in [ratio, size].into_iter().flatten().chain([&*format!("{}x{}", came.0, came.1)]) {
                assert!(told.contains(part), "{told}");
            }
        }
        let unknown = Image::restore(&b"new"[..], "image/x-new", None);
        let options = GenerateOptions::new().image_size("1K");
        assert_eq!(another_size(Some(model), &options, &[unknown]), None);
    }

    #[tokio::test]
    async fn a_picture_is_made_once_and_one_that_cannot_be_made_is_kept() {
        let mut options = GenerateOptions::new().output_quality(50u32);
        for format in [None, Some(OutputFormat::Png)] {
            options.output_format = format;
            assert!(Output::of(&options).is_err());
        }
        options.output_format = Some(OutputFormat::Jpeg);
        let output = Output::of(&options).unwrap();
        let (came, broken) = (picture(4, 4), Image::restore(&b"new"[..], "image/x-new", None));
        let mut images = [came.clone(), broken.clone()];
        output.finish(&mut images).await;
        let [made, kept] = &images;
        assert_eq!(made.mime_type(), "image/jpeg");
        assert!(made.original().unwrap().is(&came) && kept.is(&broken));
        assert!(output.shaped(came).await.is(made) && output.shaped(made.clone()).await.is(made));
        assert_eq!(output.warnings().len(), 1, "{:?}", output.warnings());
    }
}
