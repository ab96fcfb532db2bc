//! An edit with a mask: what the model is told beside the call's own words and pictures, and what becomes
//! of its answer. What is sent stands in docs/masks.md.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::array::Opened;
use crate::blocking;
use crate::call::attempt::{Job, Sink};
use crate::codec::{self, Format, Pixels, Quality};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::image::Image;
use crate::input::{self, Input, MASK, Part, Picture, Place, Reach, Source};
use crate::message::{Message, field, message, option};
use crate::options::{At, EditOptions, GenerateOptions, OutputFormat, Unit};
use crate::picture::mask::{self, Mask};
use crate::records::{Event, Generation, ImageEvent, MaskedEdit};
use crate::stream::EventStream;

/// From here on it is told that the model did not leave the outside alone. What JPEG and redrawing do to
/// details stays below.
const LEAKS: f64 = 0.05;

/// What is needed once an answer is there.
pub(crate) struct Masked {
    mask: Mask,
    /// The picture that the mask is for, as the caller gave it, whatever is sent in its place.
    source: Picture,
    told: EditOptions,
    /// True if composed pictures get the mark of AI in their metadata.
    mark: bool,
    /// The contents of the masks, for the identity of the call.
    given: Vec<Value>,
}

/// A picture that was laid in place.
struct Laid {
    image: Image,
    masked: MaskedEdit,
    warnings: Vec<Message>,
}

/// The masks among the inputs, and the others.
pub(super) fn apart(inputs: Vec<Input>) -> (Vec<Input>, Vec<(Input, EditOptions)>) {
    let mut masks = Vec::new();
    let mut others = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input {
            Input::Mask(of, options) => masks.push((*of, options)),
            input => others.push(input),
        }
    }
    (others, masks)
}

/// What is said of all masks together.
fn told<'a>(masks: impl IntoIterator<Item = &'a EditOptions>) -> EditOptions {
    masks.into_iter().fold(EditOptions::new(), |all, options| all.over(options.clone()))
}

fn no_picture() -> Error {
    Place::Option(MASK).refuse("", "is for the first picture of an edit, and there is none")
}

/// Whether every pixel outside of the mask stays as it is.
fn keeps(told: &EditOptions) -> bool {
    told.keep_outside.unwrap_or(true)
}

/// That masks have a picture, and that no other option changes the pixels that they keep.
pub(super) fn check(inputs: &[Input], options: &GenerateOptions) -> Result<(), Error> {
    let masks =
        inputs.iter().filter_map(|input| if let Input::Mask(_, told) = input { Some(told) } else { None });
    let masks: Vec<&EditOptions> = masks.collect();
    if !masks.is_empty() && input::pictures(inputs) == 0 {
        return Err(no_picture());
    }
    let is_masked = !masks.is_empty();
    let told = told(masks);
    if !keeps(&told) && told.mask_feather.is_some() {
        let problem =
            message!("has nothing to soften where {} is false: leave it out", option("keep_outside"));
        return Err(At::option("mask_feather").invalid(problem));
    }
    if !is_masked || !keeps(&told) {
        return Ok(());
    }
    let (name, said) = match options.output_format {
        Some(OutputFormat::Jpeg) => ("output_format", "is jpeg".to_owned()),
        Some(OutputFormat::Webp) if options.output_quality.is_some() => {
            ("output_quality", "is set, so that the webp loses something".to_owned())
        }
        _ => return Ok(()),
    };
    Err(At::option(name).invalid(message!(
        "{said}, which changes every pixel, and a mask keeps those outside of it exactly as they are; \
         take png, or webp without a quality, or set {} to false",
        option("keep_outside")
    )))
}

impl Masked {
    /// Reads the masks, holds them against the first of the call's pictures, and gives what is sent beside
    /// those.
    pub(super) async fn new(
        masks: Vec<(Input, EditOptions)>,
        first: Option<Picture>,
        reach: &Reach<'_>,
    ) -> Result<(Self, Vec<Part>), Error> {
        let source = first.ok_or_else(no_picture)?;
        let told = told(masks.iter().map(|(_, told)| told));
        // That it can be decoded is found out before anything is paid for. Until the answer is there its
        // pixels are let go: with many calls under way they would fill the memory.
        let (width, height) = match source.clone().pixels(|pixels| Ok((pixels.width, pixels.height))).await {
            Ok(size) => size,
            Err(error) => {
                let problem = message!("needs the pixels of the first picture: {}", error.words());
                return Err(Place::Option(MASK).refuse("", problem).because(error));
            }
        };
        let mut mask = Mask::new(width, height);
        let mut given = Vec::with_capacity(masks.len());
        for (input, _) in masks {
            let label = input.label().filter(|label| label != "bytes").unwrap_or_default();
            let refuse = |problem: Message| Place::Option(MASK).refuse(&label, problem);
            match input {
                Input::Region(region) => {
                    let is_fraction = region.unit == Some(Unit::Fraction);
                    given.push(json!({ "box": region.edges(), "fraction": is_fraction }));
                    mask = codec::worker(move || {
                        let added = mask.add_box(region.edges(), is_fraction);
                        added.map(|()| mask).map_err(|problem| Place::Option(MASK).refuse("", problem))
                    })
                    .await?;
                }
                input => {
                    let (pixels, content) = input::pixels(input, reach).await.map_err(|error| {
                        refuse(message!("cannot be used: {}", error.words())).because(error)
                    })?;
                    given.push(content);
                    mask = codec::worker(move || {
                        let added = mask.add_picture(&pixels);
                        Ok((mask, added))
                    })
                    .await
                    .and_then(|(mask, added)| {
                        added.map(|()| mask).map_err(|problem| refuse(problem.into()))
                    })?;
                }
            }
        }
        let (mask, shown) = codec::worker(move || {
            if mask.is_empty() {
                return Err(Place::Option(MASK).refuse(
                    "",
                    "lets nothing change: mark what may change by transparency, or by white on black, or give a Box",
                ));
            }
            let shown = shown(&mask)?;
            Ok((mask, shown))
        })
        .await?;
        Ok((Masked { mask, source, told, mark: true, given }, shown))
    }

    fn keeps(&self) -> bool {
        keeps(&self.told)
    }

    /// Sets whether composed pictures get the mark of AI.
    pub fn marking(self, mark: bool) -> Self {
        Masked { mark, ..self }
    }

    /// What was said of it.
    pub fn told(&self) -> &EditOptions {
        &self.told
    }

    /// The contents of the masks, for the identity of the call.
    pub(super) fn given(&self) -> &[Value] {
        &self.given
    }

    /// What the result loses of the picture that it is for.
    pub fn losses(&self) -> Option<Message> {
        let depth = self.source.depth().filter(|depth| *depth > 8 && self.keeps())?;
        Some(message!("the first picture has {depth} bits a channel, and an edit with a mask gives 8"))
    }

    /// The part of version 0.1.0's digest that distinguishes masked edits: the mask, and the source picture if its
    /// pixels are kept.
    pub async fn digest(self: &Arc<Self>) -> Result<String, Error> {
        let masked = self.clone();
        // Reading the picture's file may hang.
        blocking::disk(move || {
            let Mask { width, height, .. } = masked.mask;
            let cover = Digest::of([masked.mask.cover()]);
            let source = if masked.keeps() { digest_of(&masked.source)?.to_string() } else { String::new() };
            let feather = masked.told.mask_feather;
            Ok(format!("{cover} {width}x{height} {source} {} {feather:?}", masked.keeps()))
        })
        .await?
    }

    /// Lays the pictures of an answer in place. What fails on the way is a warning, and the picture stays
    /// as it came.
    pub async fn finish(self: &Arc<Self>, result: &mut Generation) {
        let laid = self.laid(result.images.clone()).await;
        settle(result, laid);
    }

    /// The same for an answer that is handed out as it arrives.
    pub async fn stream(self: &Arc<Self>, job: Job, sink: &Sink) -> Result<Generation, Error> {
        let mut events = EventStream::new(|sink| async move { Ok(job.run(&sink).await?.result) });
        let mut seen = Vec::new();
        while let Some(event) = events.next().await? {
            match event {
                Event::Done(done) => {
                    let mut result = done.result;
                    if seen.len() == result.images.len() {
                        settle(&mut result, seen);
                    } else {
                        self.finish(&mut result).await;
                    }
                    return Ok(result);
                }
                Event::Image(event) => {
                    let laid = self.laid(vec![event.image]).await;
                    for laid in laid {
                        sink.send(vec![Event::Image(ImageEvent { image: laid.image.clone() })], None).await;
                        seen.push(laid);
                    }
                }
                other => sink.send(vec![other], None).await,
            }
        }
        Err(Error::new(Kind::ResponseError, "the stream ended without a result"))
    }

    async fn laid(self: &Arc<Self>, images: Vec<Image>) -> Vec<Laid> {
        let mut all = Vec::with_capacity(images.len());
        for image in images {
            let (masked, model) = (self.clone(), image.clone());
            // In one piece of work: answers that wait for their turn hold no pixels.
            let laid = self.source.clone().pixels(move |source| masked.lay(source, &model)).await;
            all.push(laid.unwrap_or_else(|error| Laid::failed(image, &error)));
        }
        all
    }

    /// One picture, on the source's pixels. Blocks.
    fn lay(&self, source: Pixels, model: &Image) -> Result<Laid, Error> {
        let answer = model.pixels()?;
        let merged = mask::merge(source, &answer, &self.mask, self.told.mask_feather, self.keeps())?;
        drop(answer);
        let image = match merged.picture {
            Some(picture) => Image::composite(model, &picture, self.mark)?,
            None => model.clone(),
        };
        let mut warnings = Vec::new();
        if let Some(leak) = merged.leak.filter(|leak| *leak > LEAKS) {
            let rest = match self.keeps() {
                true => {
                    "those pixels stay as they were all the same; look whether the edit still fits to them"
                        .into()
                }
                false => message!("look at the result's {}", field("change_map")),
            };
            let percent = format!("{:.0}", leak * 100.0);
            warnings.push(message!(
                "the model changed what lies outside of the mask, too, by {percent} % on average: {}",
                rest
            ));
        }
        if merged.falls_short {
            warnings.push(
                "the model's picture does not reach all of the mask; there the first picture stays".into(),
            );
        }
        let masked = MaskedEdit {
            model_image: model.clone(),
            change_map: Some(png(&merged.change)?),
            leak: merged.leak,
            shift: vec![merged.shift.0, merged.shift.1],
            scale: Some(merged.scale),
        };
        Ok(Laid { image, masked, warnings })
    }
}

impl Laid {
    fn failed(image: Image, error: &Error) -> Self {
        let masked = MaskedEdit {
            model_image: image.clone(),
            change_map: None,
            leak: None,
            shift: Vec::new(),
            scale: None,
        };
        let warning = message!(
            "the model's picture could not be put into the first one, and is given as it came: {}",
            error.words()
        );
        Laid { image, masked, warnings: vec![warning] }
    }
}

fn settle(result: &mut Generation, laid: Vec<Laid>) {
    result.images.clear();
    for Laid { image, masked, warnings } in laid {
        result.images.push(image);
        result.masked.push(masked);
        result.warnings.extend(warnings);
    }
}

/// What tells a picture from others. Blocks.
fn digest_of(picture: &Picture) -> Result<Digest, Error> {
    Ok(match picture {
        Picture::Address { uri, .. } => Digest::of([uri.as_bytes()]),
        Picture::File(source, _) => Digest::of([&source.read()?[..]]),
        Picture::Pixels(pixels) => Digest::of([format!("{pixels:?}").as_bytes(), &pixels.data[..]]),
        Picture::Array(array) => Digest::of([format!("{array:?}").as_bytes(), &array.data[..]]),
        Picture::Opened(opened) => {
            let Opened { array, is_inks, profile, orientation } = opened;
            let kind = format!("{array:?} {is_inks} {orientation}");
            Digest::of([kind.as_bytes(), profile.as_deref().unwrap_or_default(), &array.data[..]])
        }
    })
}

/// What shows a mask to the model, after all of the call's own pictures, so that "the second picture" of a
/// prompt stays the second.
fn shown(mask: &Mask) -> Result<Vec<Part>, Error> {
    let guide = codec::encode(&mask.guide(), Format::Png, Quality::Default)?;
    let places: Vec<String> = mask
        .places()
        .iter()
        .map(|[top, left, bottom, right]| format!("[{top}, {left}, {bottom}, {right}]"))
        .collect();
    let words = format!(
        "The last picture is a mask for the first one, and no content. Make the change inside the white area of the mask \
         only: {} as [ymin, xmin, ymax, xmax] in thousandths of the picture. Everything where the mask is black stays \
         exactly as it is in the first picture: same framing, size, position, colours and details. Give back the whole \
         first picture with the change in it, and do not draw the mask.",
        places.join(" and ")
    );
    Ok(vec![
        Part::Text(words),
        Part::Picture {
            mime_type: Format::Png.mime_type().into(),
            source: Source::Memory(guide.into()),
            attached: None,
        },
    ])
}

fn png(pixels: &Pixels) -> Result<Image, Error> {
    Image::from_bytes(codec::encode(pixels, Format::Png, Quality::Default)?)
}
