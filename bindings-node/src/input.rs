//! The inputs of a call. What only JavaScript can tell apart or read (a `Blob`, a stream) comes sorted
//! from `lib/input.ts`, each as an object with one key; the rest is looked at here.
//!
//! Memory of JavaScript's is copied here, at the call and once: its owner may write to it or transfer
//! it, and a retry must send it again.

use bytes::Bytes;
use nanobanana::{Case, Error, File, Input, Kind, Pixels};
use napi::ValueType;
use napi::bindgen_prelude::{
    ClassInstance, FromNapiValue, JsObjectValue, JsValue, Object, Uint8ArraySlice, Uint8ClampedSlice, Unknown,
};
use napi_derive::napi;

use crate::error::{Outcome, Refused, outcome, settle};
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
    place: usize,
    index: u32,
}

/// Reads a prompt and pictures in the order in which they stand.
#[napi]
pub fn read_inputs(prompt: Vec<Object>, images: Vec<Object>) -> napi::Result<Outcome<NativeInputs>> {
    Ok(outcome(settle(NativeInputs::read(&prompt, &images))?))
}

#[napi]
impl NativeInputs {
    /// Which of the call's pictures are still to be filled, counted from 0.
    #[napi(getter)]
    pub fn late(&self) -> Vec<u32> {
        self.late.iter().map(|late| late.index).collect()
    }

    /// Fills the first, second, … of the late ones.
    #[napi]
    pub fn fill(&mut self, late: u32, bytes: Uint8ArraySlice) {
        let place = self.late.get(late as usize).map(|late| late.place);
        if let Some(input) = place.and_then(|place| self.all.get_mut(place)) {
            *input = Input::Bytes(Bytes::from(bytes.to_vec()));
        }
    }
}

impl NativeInputs {
    fn read(prompt: &[Object], images: &[Object]) -> Result<Self, Refused> {
        let mut inputs = NativeInputs { all: Vec::new(), prompt: prompt.len(), late: Vec::new() };
        let mut index = 0;
        for item in prompt.iter().chain(images) {
            let input = read(item, index)?.unwrap_or_else(|| {
                inputs.late.push(Late { place: inputs.all.len(), index });
                Input::Bytes(Bytes::new())
            });
            index += u32::from(!matches!(input, Input::Text(_)));
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

/// One input; none if it comes late.
fn read(item: &Object, index: u32) -> Result<Option<Input>, Refused> {
    if let Some(text) = item.get::<String>("text")? {
        return Ok(Some(Input::Text(text)));
    }
    if let Some(name) = item.get::<String>("named")? {
        return Ok(Some(Input::Named(name)));
    }
    if let Some(image) = item.get::<ClassInstance<NativeImage>>("image")? {
        return Ok(Some(Input::Image(image.image().clone())));
    }
    if let Some(bytes) = item.get::<Uint8ArraySlice>("bytes")? {
        return Ok(Some(Input::Bytes(Bytes::from(bytes.to_vec()))));
    }
    if item.get::<bool>("late")?.is_some() {
        return Ok(None);
    }
    let other: Unknown = item.get_named_property_unchecked("other")?;
    match other.get_type()? {
        ValueType::Object => object(&other.coerce_to_object()?, index).map(Some),
        ValueType::Null => Err(refuse(index, "is null")),
        ValueType::Undefined => Err(refuse(index, "is undefined")),
        kind => Err(refuse(index, &format!("is a {}", format!("{kind:?}").to_lowercase()))),
    }
}

/// Pixels, what sharp gives (`{ data, info }`), or an uploaded file.
fn object(item: &Object, index: u32) -> Result<Input, Refused> {
    if let (Ok(Some(_)), Ok(Some(_))) = (item.get::<String>("uri"), item.get::<String>("state")) {
        return Ok(File::read(&value::map(item)?.into(), Case::Camel).into());
    }
    let about = item.get::<Object>("info")?;
    let about = about.as_ref().unwrap_or(item);
    if let Some(data) = memory(item.get_named_property_unchecked("data")?) {
        // What sharp encoded is a file, whatever else is said of it.
        if about.get::<String>("format")?.is_some_and(|format| format != "raw") {
            return Ok(Input::Bytes(Bytes::from(data)));
        }
        if about.has_named_property("width")? && about.has_named_property("height")? {
            return pixels(about, data, index);
        }
    }
    let class = item.get::<Unknown>("constructor")?;
    let class = class.and_then(|class| class.coerce_to_object().ok()?.get::<String>("name").ok()?);
    let class = class.unwrap_or_else(|| "Object".to_owned());
    Err(refuse(index, &format!("is an object of the class {class}")))
}

fn memory(data: Unknown) -> Option<Vec<u8>> {
    let plain = Uint8ArraySlice::from_unknown(data).map(|slice| slice.to_vec());
    plain.or_else(|_| Uint8ClampedSlice::from_unknown(data).map(|slice| slice.to_vec())).ok()
}

fn pixels(about: &Object, data: Vec<u8>, index: u32) -> Result<Input, Refused> {
    let number = |name: &str| about.get::<f64>(name).ok().flatten();
    let (width, height) = (number("width").unwrap_or(f64::NAN), number("height").unwrap_or(f64::NAN));
    let channels = number("channels").unwrap_or(data.len() as f64 / (width * height));
    // The core says which of these numbers fit together; here they only must be whole ones.
    let whole = |value: f64| value > 0.0 && value.fract() == 0.0 && value <= f64::from(u32::MAX);
    match u8::try_from(channels as u64) {
        Ok(fitting) if whole(width) && whole(height) && whole(channels) => {
            Ok(Input::Pixels(Pixels { width: width as u32, height: height as u32, channels: fitting, data }))
        }
        _ => {
            let length = data.len();
            let problem =
                format!("has {length} bytes of pixels, which do not fit {width} x {height} x {channels}");
            Err(refuse(index, &problem))
        }
    }
}

fn refuse(index: u32, problem: &str) -> Refused {
    let kinds = "an Image, a path or URL, bytes, a Blob, a stream of bytes, an uploaded file, or pixels as { data, width, height }";
    Error::new(Kind::ImageError, format!("picture {index} {problem}; a picture is {kinds}"))
        .with("index", index)
        .into()
}
