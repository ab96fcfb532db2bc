//! What can be handed in as a picture, by the kinds that the core knows, and how each language writes it.

/// One kind of picture.
pub struct Form {
    pub python: &'static [&'static str],
    pub typescript: &'static [&'static str],
}

/// All kinds. A text is a picture's path or URL; in a prompt it is words.
pub const FORMS: &[Form] = &[
    // One that came from a call or a file.
    Form { python: &["Image"], typescript: &["Image"] },
    // The bytes of a file.
    Form { python: &["bytes", "bytearray", "memoryview"], typescript: &["ArrayBufferView", "ArrayBuffer"] },
    Form { python: &["str"], typescript: &["string"] },
    // A path or URL that is no text.
    Form { python: &["os.PathLike[str]"], typescript: &["URL"] },
    // What gives bytes when it is read.
    Form {
        python: &["_File"],
        typescript: &["Blob", "AsyncIterable<Uint8Array>", "ReadableStream<Uint8Array>"],
    },
    // Pixels.
    Form { python: &["_Array"], typescript: &["RawPixels", "SharpOutput"] },
    // One of these with something said of it.
    Form { python: &["Reference"], typescript: &["Reference"] },
];
