//! The inputs of a call. What only JavaScript can tell apart or read (a `Blob`, a stream) comes sorted
//! from `lib/input.ts`, each as an object with one key; the rest is looked at here.
//!
//! Memory of JavaScript's is copied here, at the call and once: its owner may write to it or transfer
//! it, and a retry must send it again. That of a picture is not: pictures are not written to.

use std::sync::Arc;

use bytes::Bytes;
use nanobanana::error::InvalidOption;
use nanobanana::{Array, Case, Elsewhere, Error, File, Input, Kind, Opened, Place, Sample, Stranger};
use napi::bindgen_prelude::{
    Buffer, ClassInstance, Float32ArraySlice, Float64ArraySlice, FromNapiValue, Function, JsObjectValue,
    JsValue, Object, Promise, Uint8Array, Uint8ArraySlice, Uint8ClampedSlice, Uint16ArraySlice, Unknown,
};
use napi::{JsString, ValueType};
use napi_derive::napi;

use crate::error::{Failure, Outcome, Refused, outcome, settle};
use crate::image::NativeImage;
use crate::value;

/// The inputs of one call, which takes them.
#[napi]
pub struct NativeInputs {
    all: Vec<Input>,
    /// How many of them are the prompt's.
    prompt: usize,
    late: Vec<Late>,
}

/// A picture that JavaScript still reads.
struct Late {
    at: usize,
    place: Place,
}

/// Reads a prompt and pictures in the order in which they stand.
#[napi]
pub fn read_inputs(prompt: Vec<Object>, images: Vec<Object>) -> napi::Result<Outcome<NativeInputs>> {
    Ok(outcome(settle(NativeInputs::read(&prompt, &images))?))
}

#[napi]
impl NativeInputs {
    /// How many are still to be filled.
    #[napi(getter)]
    pub fn late(&self) -> u32 {
        self.late.len() as u32
    }

    /// Fills the first, second, … of the late ones.
    #[napi]
    pub fn fill(&mut self, late: u32, bytes: Uint8ArraySlice) {
        let at = self.late.get(late as usize).map(|late| late.at);
        if let Some(input) = at.and_then(|at| self.all.get_mut(at)) {
            input.fill(Bytes::from(bytes.to_vec()));
        }
    }

    /// The error of a late one that could not be read.
    #[napi]
    pub fn fail(&self, late: u32, problem: String) -> Failure {
        let place = self.late.get(late as usize).map_or(Place::Picture(0), |late| late.place);
        Failure::of(&place.refuse("", format!("cannot be used: {problem}")).with_input("a stream"))
    }
}

impl NativeInputs {
    fn read(prompt: &[Object], images: &[Object]) -> Result<Self, Refused> {
        let mut inputs = NativeInputs { all: Vec::new(), prompt: prompt.len(), late: Vec::new() };
        let mut index = 0;
        for item in prompt.iter().chain(images) {
            let option = item.get::<String>("option")?;
            let option = option.and_then(|name| Input::OPTIONS.iter().find(|option| **option == name));
            let place = option.map_or(Place::Picture(index), |name| Place::Option(name));
            let (input, late) = match option {
                Some(name) => {
                    let of: Object = item.get_named_property("of")?;
                    if of.get::<bool>("none")?.is_some() {
                        Input::check_count(name, 0)?;
                        continue;
                    }
                    let (input, late) = read(&of, place)?;
                    (Input::of_option(name, input)?, late)
                }
                None => read(item, place)?,
            };
            if late {
                inputs.late.push(Late { at: inputs.all.len(), place });
            }
            index += usize::from(input.is_picture());
            inputs.all.push(input);
        }
        Ok(inputs)
    }

    /// Gives them away: the prompt, and the pictures.
    pub fn take(&mut self) -> (Vec<Input>, Vec<Input>) {
        let mut prompt = std::mem::take(&mut self.all);
        let images = prompt.split_off(self.prompt.min(prompt.len()));
        (prompt, images)
    }
}

/// The names of the options that are inputs.
#[napi]
pub fn input_options() -> Vec<String> {
    Input::OPTIONS.iter().map(|name| Case::Camel.name(name).into_owned()).collect()
}

/// One input, and whether its bytes come late.
fn read(item: &Object, place: Place) -> Result<(Input, bool), Refused> {
    let ready = |input| Ok((input, false));
    if let Some(text) = item.get::<JsString>("text")? {
        let Some(text) = value::text(text)? else {
            let problem = format!("option `prompt` {}", value::NOT_UNICODE);
            return Err(Error::invalid_option(problem, InvalidOption::of("prompt")).into());
        };
        return ready(Input::Text(text));
    }
    if let Some(name) = item.get::<JsString>("named")? {
        let name = value::text(name)?.ok_or_else(|| refuse(place, "has a path that is not valid Unicode"))?;
        return ready(Input::Named(name));
    }
    if let Some(image) = item.get::<ClassInstance<NativeImage>>("image")? {
        return ready(Input::Image(image.image().clone()));
    }
    if let Some(bytes) = item.get::<Uint8ArraySlice>("bytes")? {
        return ready(Input::Bytes(Bytes::from(bytes.to_vec())));
    }
    // Bytes that nobody writes to are kept where they are.
    if let Some(bytes) = item.get::<Buffer>("lent")? {
        return ready(Input::Bytes(Bytes::from_owner(bytes)));
    }
    if item.get::<bool>("late")?.is_some() {
        return Ok((Input::Bytes(Bytes::new()), true));
    }
    if let Some(class) = item.get::<String>("made")? {
        let of = item.get::<Object>("of")?.map(|of| read(&of, place)).transpose()?;
        let (of, late) = of.map_or((None, false), |(of, late)| (Some(of), late));
        let fields = value::map(&item.get_named_property("fields")?)?;
        return Ok((Input::made(&class, of, &fields, Case::Camel)?, late));
    }
    let other: Unknown = item.get_named_property_unchecked("other")?;
    match other.get_type()? {
        ValueType::Object => object(&other.coerce_to_object()?, place).and_then(ready),
        ValueType::Null => Err(refuse(place, "is null")),
        ValueType::Undefined => Err(refuse(place, "is undefined")),
        ValueType::Number => Err(Stranger::Number.refuse(place, "").into()),
        kind => Err(refuse(place, &format!("is of type {}", format!("{kind:?}").to_lowercase()))),
    }
}

/// Pixels, what sharp gives (`{ data, info }`), or an uploaded file.
fn object(item: &Object, place: Place) -> Result<Input, Refused> {
    if let (Ok(Some(_)), Ok(Some(_))) = (item.get::<String>("uri"), item.get::<String>("state")) {
        return Ok(File::read(&value::map(item)?.into(), Case::Camel).into());
    }
    for name in ["inlineData", "inline_data"] {
        if let Ok(Some(inner)) = item.get::<Object>(name)
            && let Ok(Some(data)) = inner.get::<String>("data")
        {
            return Ok(Input::of_base64(&data, place)?);
        }
    }
    let about = item.get::<Object>("info")?;
    let about = about.as_ref().unwrap_or(item);
    let data: Unknown = item.get_named_property_unchecked("data")?;
    if data.get_type()? == ValueType::Object {
        // What sharp encoded is a file, whatever else is said of it.
        if about.get::<String>("format")?.is_some_and(|format| format != "raw")
            && let Ok(file) = Uint8ArraySlice::from_unknown(data)
        {
            return Ok(Input::Bytes(Bytes::from(file.to_vec())));
        }
        if about.has_named_property("width")? && about.has_named_property("height")? {
            return pixels(about, &data.coerce_to_object()?, place);
        }
    }
    match class_of(item)?.as_str() {
        "Array" => Err(refuse(place, "is a list in a list")),
        "Result" => Err(Stranger::Result.refuse(place, "").into()),
        "Outcome" => Err(Stranger::Outcome.refuse(place, "").into()),
        class => Err(refuse(place, &format!("is an object of the class {class}"))),
    }
}

/// The name of an object's class.
fn class_of(item: &Object) -> napi::Result<String> {
    let class = item.get::<Unknown>("constructor")?;
    let class = class.and_then(|class| class.coerce_to_object().ok()?.get::<String>("name").ok()?);
    Ok(class.unwrap_or_else(|| "Object".to_owned()))
}

/// The bytes of samples, and their kind: as the array's class says, or what sharp says of its buffer.
fn samples(about: &Object, data: &Object, place: Place) -> Result<(Sample, Vec<u8>), Refused> {
    let class = class_of(data)?;
    let depth = about.get::<String>("depth").ok().flatten();
    let kind = match (class.as_str(), depth.as_deref()) {
        ("Buffer" | "Uint8Array", Some("ushort")) => "uint16",
        ("Buffer" | "Uint8Array", Some("float")) => "float32",
        ("Buffer" | "Uint8Array", Some("double")) => "float64",
        ("Buffer" | "Uint8Array", Some(depth)) if depth != "uchar" => depth,
        ("Buffer", _) => "uint8",
        (class, _) => class,
    };
    let unknown = |error: nanobanana::Error| {
        place.refuse(&class, error.words().after("cannot be used: ")).with_input(class.clone())
    };
    let sample = Sample::named(kind).map_err(unknown)?;
    let data = data.to_unknown();
    let bytes = Uint8ArraySlice::from_unknown(data).map(|slice| slice.to_vec());
    let bytes = bytes.or_else(|_| Uint8ClampedSlice::from_unknown(data).map(|slice| slice.to_vec()));
    let bytes =
        bytes.or_else(|_| Uint16ArraySlice::from_unknown(data).map(|all| raw(&all, |one| one.to_ne_bytes())));
    let bytes = bytes
        .or_else(|_| Float32ArraySlice::from_unknown(data).map(|all| raw(&all, |one| one.to_ne_bytes())));
    let bytes = bytes
        .or_else(|_| Float64ArraySlice::from_unknown(data).map(|all| raw(&all, |one| one.to_ne_bytes())));
    Ok((sample, bytes?))
}

fn raw<T: Copy, const N: usize>(all: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    all.iter().flat_map(|one| bytes(*one)).collect()
}

fn pixels(about: &Object, data: &Object, place: Place) -> Result<Input, Refused> {
    let (sample, data) = samples(about, data, place)?;
    let number = |name: &str| about.get::<f64>(name).ok().flatten();
    let (width, height) = (number("width").unwrap_or(f64::NAN), number("height").unwrap_or(f64::NAN));
    let length = data.len() / sample.bytes();
    let channels = number("channels").unwrap_or(length as f64 / (width * height));
    if let Some(space) = about.get::<String>("colorSpace").ok().flatten().filter(|space| space != "srgb") {
        let problem = format!(
            "has the colour space {space}, and pixels are taken in srgb; draw it on a canvas of that"
        );
        return Err(refuse(place, &problem));
    }
    // The core says which of these numbers fit together; here they only must be whole ones.
    let whole = |value: f64| value > 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX);
    if !(whole(width) && whole(height) && whole(channels)) {
        let problem = format!(
            "has {} not fit {width} x {height} x {channels}",
            nanobanana::counted(length, "sample, which does", "samples, which do")
        );
        return Err(refuse(place, &problem));
    }
    let shape = vec![height as usize, width as usize, channels as usize];
    Ok(Input::Array(Array { shape, sample, data: data.into() }))
}

fn refuse(place: Place, problem: &str) -> Refused {
    let taken = place.takes(
        "a picture is an Image, a path or URL, bytes, a Blob, a stream of bytes, an uploaded file, or pixels as { data, width, height }",
        "an attachment is a path or URL, bytes, a Blob, a stream of bytes, an uploaded file, or an Attachment of one of these",
    );
    place.refuse("", format!("{problem}; {taken}")).into()
}

/// Pixels that another library decoded.
#[napi(object, object_to_js = false)]
pub struct Decoded {
    pub data: Uint8Array,
    pub width: u32,
    pub height: u32,
    pub channels: u8,
}

/// Lets the core decode by `decode` what it does not decode itself; null is what that cannot do either. It never
/// keeps the process alive.
#[napi]
pub fn decode_by(decode: Function<'_, Uint8Array, Promise<Option<Decoded>>>) -> napi::Result<()> {
    let decode = Arc::new(decode.build_threadsafe_function::<Uint8Array>().weak::<true>().build()?);
    nanobanana::decode_elsewhere(Elsewhere::Awaited(Box::new(move |bytes| {
        let decode = decode.clone();
        Box::pin(async move {
            // The thread that could do it may have ended.
            let Ok(decoding) = decode.call_async(Uint8Array::from(Vec::from(bytes))).await else {
                return Ok(None);
            };
            let decoded = decoding.await.map_err(|cause| {
                Error::new(Kind::ImageError, format!("it cannot be decoded by sharp: {}", cause.reason))
            })?;
            Ok(decoded.map(|Decoded { data, width, height, channels }| {
                let shape = vec![height as usize, width as usize, channels.into()];
                Opened::from(Array { shape, sample: Sample::U8, data: data.to_vec().into() })
            }))
        })
    })));
    Ok(())
}
