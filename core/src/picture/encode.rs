//! What becomes of a picture before it is sent: as it is, or made anew, and as what.
//!
//! A plan is made from what a picture's header says and from what the caller asks; then, if need be, it is
//! carried out. Bytes that can go as they are go as they are, undecoded. What is made anew is what a person
//! sees: upright, sRGB, 8 bits. The same picture and the same wishes always give the same bytes; the cache
//! and journals do not rely on it (`input/content`). Whatever is lost on the way is told.
//!
//! Decided here, since the service says only which types it takes (PNG, JPEG, WebP, HEIC, HEIF):
//! an EXIF orientation, inks (CMYK) and a colour profile other than sRGB are baked in, because whoever reads
//! pixels alone would see a picture on its side or in other colours. 16 bits a channel, grey, palettes and
//! transparency go as they are: every decoder of these types knows them. So does HEIC whatever it says of
//! itself, since its decoders apply what it says.

use bytes::Bytes;

use crate::array;
use crate::codec::{self, Color, Format, Header, Pixels, Quality, Quirks};
use crate::error::{Error, Kind};
use crate::message::{Message, Part, inner, message, option};
use crate::options::{Encode, EncodeFormat};
use crate::records::{InputPlan, PictureFacts};

/// What is lossy is made so good where nobody asked for a size: it is not told from the original by eye.
const FAITHFUL: u8 = 95;

/// And so good where somebody did, unless they say more.
const USUAL: u8 = 92;

/// What quality comes down to before a picture gets smaller.
const DOWN_TO: [u8; 3] = [85, 75, 60];

/// And what it has then, at most.
const WHEN_SCALED: u8 = 75;

/// Below this no picture is scaled: nothing could be seen on it.
const SMALLEST_SIDE: u32 = 16;

/// A picture as it is sent.
#[derive(Debug)]
pub(crate) struct Made {
    /// The new bytes; none if it goes as it is.
    pub bytes: Option<Bytes>,
    pub mime_type: &'static str,
    pub told: Told,
}

/// What is told of a picture: its plan, and of that what should not be overlooked.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub plan: InputPlan,
    losses: Vec<Message>,
}

impl Told {
    /// Of a picture that the service fetches itself, whatever is wished of how it is encoded.
    pub fn reference(mime_type: Option<String>, wishes: Option<&Encode>) -> Self {
        let mut told = Told::default();
        told.plan.action = "by reference".to_owned();
        told.plan.sent = PictureFacts { mime_type, ..PictureFacts::default() };
        told.because("the service fetches it by its address".to_owned());
        if wishes.is_some() {
            let void = message!("{} does not apply to it: give the picture itself", option("encode"));
            told.losses.push(void.clone());
            told.because(void);
        }
        told
    }

    /// The warning, if something is lost; `named` is what the picture is called.
    pub fn warning(&self, named: &str) -> Option<Message> {
        (!self.losses.is_empty()).then(|| message!("{named}: {}", Message::joined(&self.losses, "; ")))
    }

    fn because(&mut self, why: impl Into<Message>) {
        self.plan.why.push(why.into());
    }

    /// Told in a warning, too.
    fn loses(&mut self, what: impl Into<Message>) {
        let what = what.into();
        self.losses.push(what.clone());
        self.plan.lossy = true;
        self.because(what);
    }

    fn done(&mut self, action: &str) {
        self.plan.action = action.to_owned();
    }

    /// What becomes otherwise so that the pixels are as a person sees them.
    fn made_seen(&mut self, Quirks { inks, icc, animated, pages, depth, orientation }: Quirks) {
        if inks {
            self.loses("its colours are inks (CMYK) and become sRGB, as a screen shows them".to_owned());
        } else if icc {
            self.loses(
                "its colour profile is not sRGB: its colours become sRGB, as a screen shows them".to_owned(),
            );
        }
        if animated {
            self.loses("it moves: its first frame is sent".to_owned());
        }
        if pages {
            self.loses("it has several pages: its first one is sent".to_owned());
        }
        if depth > 8 {
            self.loses(format!("its {depth} bits a channel become 8"));
        }
        if orientation != 1 {
            self.done("turned");
            let turn = format!("it is turned upright, as its EXIF orientation ({orientation}) says");
            self.losses.push(turn.clone().into());
            self.because(turn);
        }
    }
}

/// How a picture's file will be sent.
pub(crate) struct Plan {
    header: Header,
    wishes: Option<Encode>,
    is_made_anew: bool,
    told: Told,
}

impl Plan {
    /// For a file of this header and length.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it has too many pixels to be of use to anybody.
    pub fn new(header: Header, len: u64, wishes: Option<&Encode>) -> Result<Self, Error> {
        let Header { format, width, height, .. } = header;
        codec::check_size("the picture says that it has", width, height)?;
        let mut told = Told::default();
        let facts = facts(Some(format), (width, height), len);
        (told.plan.given, told.plan.sent) = (facts.clone(), facts);
        let mime_type = format.mime_type();
        let wish = wishes.cloned().unwrap_or_default();
        let mut is_made_anew = true;
        // HEIC says in its own way how it is to be shown, and all that read it do so.
        let is_plain = header.orientation == 1 && header.color != Color::Cmyk && !header.icc;
        let named = wish.format.and_then(format_named);
        if !is_taken(format) {
            told.because(format!("the service does not take {mime_type}"));
        } else if named.is_some_and(|named| named != format) {
            told.because(message!("{} asks for another type", option("encode")));
        } else if wish.max_side.is_some_and(|most| width.max(height) > most)
            || wish.max_bytes.is_some_and(|most| len > most)
            || (format != Format::Heic && !is_plain)
        {
            // Why, is said with what is done.
        } else {
            is_made_anew = false;
            told.done("as it is");
            told.because(format!("the service takes {mime_type}"));
        }
        Ok(Plan { header, wishes: wishes.cloned(), is_made_anew, told })
    }

    /// What is sent: decoded and encoded on a thread for that, or as it is. `read` gives the file's bytes.
    ///
    /// # Errors
    /// [`Kind::ImageError`] if it cannot be read or decoded, or does not fit `max_bytes` whatever is done.
    pub async fn carried_out(
        self,
        read: impl Future<Output = Result<Bytes, Error>> + Send,
    ) -> Result<Made, Error> {
        let Plan { header, wishes, is_made_anew, mut told } = self;
        if !is_made_anew {
            if header.animated {
                // Nothing is taken away here, but who looks at the result should know.
                told.loses("it moves, and the model may see its first frame only".to_owned());
                told.plan.lossy = false;
            }
            return Ok(Made { bytes: None, mime_type: header.format.mime_type(), told });
        }
        told.done("converted");
        told.made_seen(Quirks::from(&header));
        let wish = wishes.unwrap_or_default();
        let from = Some(header.format);
        array::decoded(header.format, read, move |pixels| written(pixels, from, &wish, told)).await
    }
}

/// Pixels as a file. `made` gives them, and what of them was otherwise.
///
/// # Errors
/// [`Kind::ImageError`] if they do not fit their size, or `max_bytes` whatever is done.
pub(crate) async fn pixels(
    made: impl FnOnce() -> Result<(Pixels, Quirks), Error> + Send + 'static,
    bytes: usize,
    wishes: Option<&Encode>,
) -> Result<Made, Error> {
    let wish = wishes.cloned().unwrap_or_default();
    codec::worker(move || {
        let (pixels, quirks) = made()?;
        let mut told = Told::default();
        told.plan.given = facts(None, (pixels.width, pixels.height), bytes as u64);
        told.done("encoded");
        told.made_seen(quirks);
        written(pixels, None, &wish, told)
    })
    .await
}

/// What the service takes as it is (the guide's and the SDKs' list).
const TAKEN: [Format; 4] = [Format::Png, Format::Jpeg, Format::WebP, Format::Heic];

fn is_taken(format: Format) -> bool {
    TAKEN.contains(&format)
}

/// Whether the service takes pictures of this MIME type.
pub(crate) fn takes(mime_type: &str) -> bool {
    // The same as HEIC, by its other name.
    mime_type == "image/heif" || TAKEN.iter().any(|format| format.mime_type() == mime_type)
}

fn format_named(format: EncodeFormat) -> Option<Format> {
    match format {
        EncodeFormat::Auto => None,
        EncodeFormat::Png => Some(Format::Png),
        EncodeFormat::Jpeg => Some(Format::Jpeg),
        EncodeFormat::WebP => Some(Format::WebP),
    }
}

fn facts(format: Option<Format>, (width, height): (u32, u32), bytes: u64) -> PictureFacts {
    // A size that is not known is 0.
    let known = |side: u32| (side > 0).then_some(side);
    PictureFacts {
        mime_type: format.map(|format| format.mime_type().to_owned()),
        width: known(width),
        height: known(height),
        bytes: Some(bytes),
    }
}

/// A type to write, how well, and whether that loses something.
type Way = (Format, Quality);

/// Scales and encodes as wished. `from` is the type that the pixels had, if they were a file.
fn written(mut pixels: Pixels, from: Option<Format>, wish: &Encode, mut told: Told) -> Result<Made, Error> {
    let is_wished = *wish != Encode::default();
    if let Some((width, height)) = within(&pixels, wish.max_side) {
        told.done("shrunk");
        let (from, side) = (format!("{}x{}", pixels.width, pixels.height), width.max(height));
        told.loses(message!(
            "it is scaled from {from} to {width}x{height}, since {} is {side}",
            inner("encode", "max_side")
        ));
        pixels = codec::resize(&pixels, width, height)?;
    }
    if is_wished {
        pixels = without_idle_alpha(pixels);
    }
    let ways = ways(&pixels, from, wish);
    let (bytes, (format, quality), pixels) = fitting(pixels, &ways, wish.max_bytes, &mut told)?;
    let mime_type = format.mime_type();
    if format == Format::Jpeg && pixels.is_transparent() {
        told.loses("what is transparent becomes white: image/jpeg has no transparency".to_owned());
    }
    match quality {
        Quality::Lossy(quality) => told.loses(format!("it is written as {mime_type} of quality {quality}")),
        _ => told.because(format!("it is written as {mime_type}, without loss")),
    }
    told.plan.sent = facts(Some(format), (pixels.width, pixels.height), bytes.len() as u64);
    Ok(Made { bytes: Some(bytes.into()), mime_type, told })
}

/// The size of pixels that do not fit a longest side, scaled to fit.
fn within(pixels: &Pixels, most: Option<u32>) -> Option<(u32, u32)> {
    let longest = pixels.width.max(pixels.height);
    let most = most.filter(|most| *most < longest)?;
    Some(scaled(pixels, f64::from(most) / f64::from(longest)))
}

fn scaled(pixels: &Pixels, by: f64) -> (u32, u32) {
    let side = |side: u32| (f64::from(side) * by).round().max(1.0) as u32;
    (side(pixels.width), side(pixels.height))
}

/// The ways to write pixels, the most faithful first. The later ones are for those that must get smaller.
fn ways(pixels: &Pixels, from: Option<Format>, wish: &Encode) -> Vec<Way> {
    let asked = wish.quality.and_then(|quality| u8::try_from(quality).ok());
    let down = |format: Format, from: u8| {
        let lower = DOWN_TO.into_iter().filter(move |quality| *quality < from);
        std::iter::once(from).chain(lower).map(move |quality| (format, Quality::Lossy(quality)))
    };
    let usual = asked.unwrap_or(USUAL);
    match wish.format.and_then(format_named) {
        Some(Format::Jpeg) => down(Format::Jpeg, usual).collect(),
        Some(Format::WebP) => {
            let lossless = asked.is_none().then_some((Format::WebP, Quality::Lossless));
            lossless.into_iter().chain(down(Format::WebP, usual)).collect()
        }
        Some(format) => vec![(format, Quality::Lossless)],
        None if *wish == Encode::default() => match from {
            Some(Format::Jpeg) => vec![(Format::Jpeg, Quality::Lossy(FAITHFUL))],
            Some(Format::WebP) => vec![(Format::WebP, Quality::Lossless)],
            _ => vec![(Format::Png, Quality::Lossless)],
        },
        None if pixels.channels == 4 => {
            vec![(Format::Png, Quality::Lossless), (Format::WebP, Quality::Lossless)]
                .into_iter()
                .chain(down(Format::WebP, usual))
                .collect()
        }
        None if from != Some(Format::Jpeg) && is_flat(pixels) => {
            vec![(Format::Png, Quality::Lossless), (Format::WebP, Quality::Lossless)]
                .into_iter()
                .chain(down(Format::Jpeg, usual))
                .collect()
        }
        None => down(Format::Jpeg, usual).collect(),
    }
}

/// The first way that fits; of those without loss the one with the fewest bytes. If none fits, fewer pixels.
fn fitting(
    pixels: Pixels,
    ways: &[Way],
    most: Option<u64>,
    told: &mut Told,
) -> Result<(Vec<u8>, Way, Pixels), Error> {
    let mut smallest: Option<(Vec<u8>, Way)> = None;
    let mut problem = None;
    let is_lossless = |way: &Way| way.1 == Quality::Lossless;
    // Those without loss are one step: each is as faithful as the others.
    for step in ways.chunk_by(|one, next| is_lossless(one) && is_lossless(next)) {
        for (format, quality) in step {
            match codec::encode(&pixels, *format, *quality) {
                Ok(bytes) if smallest.as_ref().is_none_or(|(smallest, _)| bytes.len() < smallest.len()) => {
                    smallest = Some((bytes, (*format, *quality)));
                }
                Ok(_) => {}
                // Not every type takes sides of every length.
                Err(error) => problem = Some(error),
            }
        }
        let has_room = |bytes: &[u8]| most.is_none_or(|most| bytes.len() as u64 <= most);
        if smallest.as_ref().is_some_and(|(bytes, _)| has_room(bytes)) {
            break;
        }
    }
    let Some((mut bytes, mut way)) = smallest else {
        return Err(problem.unwrap_or_else(|| bad("there is no way to write this picture")));
    };
    let Some(most) = most.filter(|most| bytes.len() as u64 > *most) else {
        if most.is_some() && ways.first() != Some(&way) && !is_lossless(&way) {
            told.done("shrunk");
            let most = most.unwrap_or_default();
            told.because(message!("that is the best that fits {} ({most})", max_bytes()));
        }
        return Ok((bytes, way, pixels));
    };
    if let Quality::Lossy(least) = way.1 {
        // Fewer pixels of a good quality show more than many of a bad one.
        let best =
            ways.iter().find_map(|way| if let Quality::Lossy(best) = way.1 { Some(best) } else { None });
        way.1 = Quality::Lossy(least.max(best.unwrap_or(least).min(WHEN_SCALED)));
    }
    let mut by: f64 = 1.0;
    loop {
        // Bytes go about with the pixels; a little less, so that it mostly fits at once.
        by *= ((most as f64 / bytes.len() as f64).sqrt() * 0.97).clamp(0.1, 0.9);
        let (width, height) = scaled(&pixels, by);
        if width.max(height) < SMALLEST_SIDE {
            let (written, size) = (way.0.mime_type(), bytes.len());
            return Err(bad(message!(
                "it cannot be made as small as {} ({most}): the smallest that was tried is {written} with {size} bytes; \
                 allow more, or another `format`",
                max_bytes()
            )));
        }
        let smaller = codec::resize(&pixels, width, height)?;
        bytes = codec::encode(&smaller, way.0, way.1)?;
        if bytes.len() as u64 <= most {
            told.done("shrunk");
            let from = format!("{}x{}", pixels.width, pixels.height);
            told.loses(message!(
                "it is scaled from {from} to {width}x{height} to fit {} ({most})",
                max_bytes()
            ));
            return Ok((bytes, way, smaller));
        }
    }
}

fn max_bytes() -> impl Part {
    inner("encode", "max_bytes")
}

/// RGB in place of RGBA where all is opaque.
fn without_idle_alpha(pixels: Pixels) -> Pixels {
    if pixels.channels != 4 || pixels.is_transparent() {
        return pixels;
    }
    let data = pixels.data.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
    Pixels { channels: 3, data, ..pixels }
}

/// Whether at least half of the pixels are the same as the one before them: so it is with drawings, text
/// and screens, and not with photos, whose sensors tremble.
fn is_flat(pixels: &Pixels) -> bool {
    let channels = usize::from(pixels.channels).max(1);
    let row = (pixels.width as usize * channels).max(1);
    // About 500 rows tell enough.
    let step = (pixels.height as usize / 500).max(1);
    let (mut same, mut seen) = (0_usize, 0_usize);
    for row in pixels.data.chunks_exact(row).step_by(step) {
        let next = row.get(channels..).unwrap_or_default().chunks_exact(channels);
        same += row.chunks_exact(channels).zip(next).filter(|(one, next)| one == next).count();
        seen += pixels.width as usize - 1;
    }
    same * 2 >= seen
}

fn bad(message: impl Into<Message>) -> Error {
    Error::new(Kind::ImageError, message)
}
