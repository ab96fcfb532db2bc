//! A picture: its bytes stay in Rust, and JavaScript reads them through one `Buffer` over them.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use bytes::Bytes;
use nanobanana::schema::Write as _;
use nanobanana::{Case, Image};
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ObjectFinalize};
use napi_derive::napi;

use crate::error::{Outcome, outcome};

/// The native half of the front's `Image`.
#[napi(custom_finalize)]
pub struct NativeImage {
    image: Image,
    /// What V8 was told to count for it and its original; less, once a `Buffer` counts the same memory.
    weight: Cell<i64>,
}

impl NativeImage {
    /// Wraps a picture and tells V8 its weight, so that garbage is collected in time.
    pub fn new(env: &Env, image: Image) -> napi::Result<Self> {
        let weight = i64::try_from(image.held()).unwrap_or(i64::MAX);
        env.adjust_external_memory(weight)?;
        Ok(NativeImage { image, weight: Cell::new(weight) })
    }

    /// The core's picture.
    pub fn image(&self) -> &Image {
        &self.image
    }
}

impl ObjectFinalize for NativeImage {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.weight.get())?;
        Ok(())
    }
}

#[napi]
impl NativeImage {
    /// The type that the bytes say.
    #[napi(getter)]
    pub fn mime_type(&self) -> &str {
        self.image.mime_type()
    }

    /// Width in pixels.
    #[napi(getter)]
    pub fn width(&self) -> u32 {
        self.image.width()
    }

    /// Height in pixels.
    #[napi(getter)]
    pub fn height(&self) -> u32 {
        self.image.height()
    }

    /// How many bytes it has, without making the `Buffer`.
    #[napi(getter)]
    pub fn size(&self) -> f64 {
        self.image.len() as f64
    }

    /// A `Buffer` over the picture's memory; over a copy of it, if another one (of the same picture
    /// in a result and in a history, say) lends that memory already. The front keeps it. What lies on
    /// disk is read now.
    #[napi]
    pub fn bytes<'env>(&self, env: &'env Env) -> napi::Result<Outcome<BufferSlice<'env>>> {
        match self.image.bytes() {
            Ok(bytes) => Ok(outcome(Ok(self.lend(env, bytes.clone())?))),
            Err(error) => Ok(outcome(Err(error))),
        }
    }

    #[allow(unsafe_code, reason = "napi has no other way to lend memory without a copy")]
    fn lend<'env>(&self, env: &'env Env, bytes: Bytes) -> napi::Result<BufferSlice<'env>> {
        let (data, length) = (bytes.as_ptr().cast_mut(), bytes.len());
        if bytes.is_empty() || !LENT.with_borrow_mut(|lent| lent.insert(data as usize)) {
            return BufferSlice::copy_from(env, bytes);
        }
        // SAFETY: `bytes` owns the memory and lives until the finalizer drops it. JavaScript is told
        // not to write to it; nothing here reads it at the same time except to send or save it.
        let buffer = unsafe { BufferSlice::from_external(env, data, length, bytes, given_back) }?;
        let lent = self.weight.get().min(length as i64);
        self.weight.set(self.weight.get() - lent);
        env.adjust_external_memory(-lent)?;
        Ok(buffer)
    }

    /// What came, if this was made of it here.
    #[napi]
    pub fn original(&self, env: &Env) -> napi::Result<Option<NativeImage>> {
        self.image.original().map(|original| NativeImage::new(env, original.clone())).transpose()
    }

    /// What its file says about how it was made, as JSON.
    #[napi]
    pub fn provenance(&self) -> Outcome<String> {
        outcome(self.image.provenance().map(|found| found.write(Case::Camel).to_string()))
    }

    /// The picture as a `data:` URL.
    #[napi(js_name = "toDataURL")]
    pub fn to_data_url(&self) -> Outcome<String> {
        outcome(self.image.to_data_url())
    }

    /// Whether both are the same bytes.
    #[napi]
    pub fn equals(&self, other: &NativeImage) -> bool {
        self.image == other.image
    }
}

thread_local! {
    /// Where the memory begins over which there is a `Buffer`: Node forbids a second one.
    static LENT: RefCell<HashSet<usize>> = RefCell::default();
}

fn given_back(_: Env, bytes: Bytes) {
    LENT.with_borrow_mut(|lent| lent.remove(&(bytes.as_ptr() as usize)));
}
