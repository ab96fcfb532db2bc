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
    // One that was uploaded.
    Form { python: &["File"], typescript: &["File"] },
    // What gives bytes when it is read.
    Form {
        python: &["_File"],
        typescript: &["Blob", "Response", "AsyncIterable<Uint8Array>", "ReadableStream<Uint8Array>"],
    },
    // Containers of bytes: a response, a part of the service's JSON.
    Form { python: &["_Response", "_InlineData"], typescript: &["InlineData"] },
    // Pixels.
    Form { python: &["_Array"], typescript: &["RawPixels", "SharpOutput", "SharpPicture"] },
    // One of these with something said of it.
    Form { python: &["Reference"], typescript: &["Reference"] },
];

/// The options that are inputs, as TypeScript names them in a union: what stands before the prompts of calls has none.
pub fn options() -> String {
    let of_calls = nanobanana::options::GenerateOptions::table().fields;
    let names =
        nanobanana::Input::OPTIONS.iter().filter(|name| of_calls.iter().any(|field| field.name == **name));
    let names = names.map(|name| format!("'{}'", nanobanana::Case::Camel.name(name)));
    names.collect::<Vec<_>>().join(" | ")
}

/// What is a picture alone and cannot be attached, by its Python name.
const PICTURES: &[&str] = &["Image", "_Array", "Reference"];

/// What can be attached: the forms in which bytes are at hand, and an `Attachment` of one.
pub fn attachable() -> impl Iterator<Item = &'static Form> {
    const ATTACHMENT: Form = Form { python: &["Attachment"], typescript: &["Attachment"] };
    let files = FORMS.iter().filter(|form| form.python.iter().all(|name| !PICTURES.contains(name)));
    files.chain([const { &ATTACHMENT }])
}
