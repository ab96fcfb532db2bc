//! What clients, conversations, emulators and pictures can do: each verb stands here once, and every binding writes its
//! methods from this.

/// One method.
pub struct Verb {
    pub name: &'static str,
    /// What it takes, beside options.
    pub takes: &'static [Part],
    /// Whether it takes the options of a call.
    pub options: bool,
    pub how: How,
    pub gives: Gives,
    /// What is told of it; a name in backticks is spelt as the language does.
    pub doc: &'static str,
}

/// A parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Prompt,
    /// Prompts, or maps that have one each.
    Prompts,
    Images,
    /// Pictures that may be left out.
    MoreImages,
    Path,
    /// Who speaks; the user, if nothing is said.
    Role,
    /// How many; none, if nothing is said.
    Keep,
    Format,
    /// How good, if it is to be said.
    Quality,
    Width,
    Height,
    /// An emulator's next replies.
    Steps,
    /// What is uploaded.
    Source,
    /// An uploaded file, or its name.
    File,
}

/// What its caller waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The service: it needs a key.
    Sends,
    /// Files or a queue.
    Works,
    /// Nothing.
    Now,
}

/// What its caller gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    Result,
    Stream,
    /// What comes of many calls, as it comes.
    Outcomes,
    Chat,
    Models,
    Estimate,
    TokenCount,
    /// What does things with uploaded files.
    Files,
    File,
    FileList,
    Explained,
    Spent,
    Turns,
    Path,
    Whether,
    Image,
    Text,
    /// A text, or nothing if there is none.
    TextOrNone,
    Requests,
    Nothing,
}

impl Verb {
    /// Whether it is read as a property.
    pub fn is_property(&self) -> bool {
        matches!(
            self.gives,
            Gives::Turns | Gives::Spent | Gives::Files | Gives::Text | Gives::TextOrNone | Gives::Requests
        )
    }

    pub fn takes(&self, part: Part) -> bool {
        self.takes.contains(&part)
    }

    /// The table of the options that it takes, if it takes any.
    pub fn table(&self) -> &'static str {
        match self.gives {
            Gives::Outcomes => "ManyOptions",
            Gives::Chat => "ChatOptions",
            _ if self.name == "record" => "RecordOptions",
            _ if self.takes(Part::Source) => "UploadOptions",
            _ if self.takes(Part::File) || self.gives == Gives::FileList => "FileOptions",
            Gives::Estimate | Gives::TokenCount | Gives::Explained => "EditOptions",
            _ if self.takes(Part::Images) => "EditOptions",
            _ => "GenerateOptions",
        }
    }
}

/// What both languages say of conversations.
pub const CHAT: &str = "A conversation: what was said and drawn goes back with every turn.";

pub const OF_CLIENTS: &[Verb] = &[
    Verb {
        name: "generate",
        takes: &[Part::Prompt],
        options: true,
        how: How::Sends,
        gives: Gives::Result,
        doc: "Draw a picture from a prompt: a text, or a list of texts and pictures. If none comes, that is \
              a `NoImageError` or a `BlockedError`.",
    },
    Verb {
        name: "edit",
        takes: &[Part::Prompt, Part::Images],
        options: true,
        how: How::Sends,
        gives: Gives::Result,
        doc: "Draw a picture from others, and from what the prompt says about them. They are one or a list \
              of them, in whatever form they are at hand. With a `mask` only that part of the first one \
              changes, and every other pixel stays as it is.",
    },
    Verb {
        name: "generate_stream",
        takes: &[Part::Prompt],
        options: true,
        how: How::Now,
        gives: Gives::Stream,
        doc: "Draw a picture and hand out what arrives on the way: thoughts, text, pictures.",
    },
    Verb {
        name: "edit_stream",
        takes: &[Part::Prompt, Part::Images],
        options: true,
        how: How::Now,
        gives: Gives::Stream,
        doc: "Draw a picture from others and hand out what arrives on the way.",
    },
    Verb {
        name: "generate_many",
        takes: &[Part::Prompts],
        options: true,
        how: How::Now,
        gives: Gives::Outcomes,
        doc: "Make many calls, several at once, and hand out what comes of each. Prompts are taken as there is \
              room for them; one with pictures, options or a name of its own is a map of `prompt`, `images`, \
              `options` and `id`. A failure is an outcome; what would fail every call is raised, when those \
              under way have ended.",
    },
    Verb {
        name: "chat",
        takes: &[],
        options: true,
        how: How::Now,
        gives: Gives::Chat,
        doc: "Begin a conversation. The options are those of every turn that says nothing else.",
    },
    Verb {
        name: "load_chat",
        takes: &[Part::Path],
        options: true,
        how: How::Works,
        gives: Gives::Chat,
        doc: "Go on with a conversation that was saved, also by another language. The options go before \
              those in the file.",
    },
    Verb {
        name: "models",
        takes: &[],
        options: false,
        how: How::Works,
        gives: Gives::Models,
        doc: "The models of the catalogue, the recommended one first; nothing is asked of the service.",
    },
    Verb {
        name: "estimate",
        takes: &[Part::Prompt, Part::MoreImages],
        options: true,
        how: How::Works,
        gives: Gives::Estimate,
        doc: "What a call with this prompt, these pictures and options will cost: a range, and what it assumes. \
              Options are checked as the call checks them; no file or URL is read, and nothing is sent.",
    },
    Verb {
        name: "count_tokens",
        takes: &[Part::Prompt, Part::MoreImages],
        options: true,
        how: How::Sends,
        gives: Gives::TokenCount,
        doc: "How many tokens a call with this prompt, these pictures and options would send, as the service counts \
              them. That is free.",
    },
    Verb {
        name: "files",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Files,
        doc: "The files that were uploaded, and what uploads more.",
    },
    Verb {
        name: "explain",
        takes: &[Part::Prompt, Part::MoreImages],
        options: true,
        how: How::Works,
        gives: Gives::Explained,
        doc: "What becomes of each picture before it is sent, and why: from what to what, and whether something \
              is lost. It is the plan by which the call itself works: files are read, URLs fetched and pictures \
              encoded; nothing is sent to the service.",
    },
    Verb {
        name: "spent",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Spent,
        doc: "What this client and its copies have spent in this process, and what may have been billed.",
    },
];

pub const OF_CHATS: &[Verb] = &[
    Verb {
        name: "send",
        takes: &[Part::Prompt, Part::MoreImages],
        options: true,
        how: How::Sends,
        gives: Gives::Result,
        doc: "Say something and get the answer. An answer in words only is a result without images. A turn \
              that is blocked or fails leaves the conversation as it was; one to which the model drew \
              nothing stays. Sends at the same time queue.",
    },
    Verb {
        name: "send_stream",
        takes: &[Part::Prompt, Part::MoreImages],
        options: true,
        how: How::Now,
        gives: Gives::Stream,
        doc: "Say something and hand out what arrives on the way. A stream that is left before its end \
              leaves the conversation as it was.",
    },
    Verb {
        name: "add",
        takes: &[Part::Prompt, Part::MoreImages, Part::Role],
        options: false,
        how: How::Works,
        gives: Gives::Nothing,
        doc: "Put a turn into the history that was not said here. It is of the \"user\" (the default), or as \
              the \"model\" might have made it, with pictures that the model did not make.",
    },
    Verb {
        name: "save",
        takes: &[Part::Path],
        options: false,
        how: How::Works,
        gives: Gives::Path,
        doc: "Write the conversation to a file of this name, which is replaced as the pictures' `save` does it, and \
              return its path. `load_chat` goes on from there. Without an extension, .chat.json is added. The key and headers are not in it.",
    },
    Verb {
        name: "undo",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Whether,
        doc: "Take back the last thing that was said and its answer, and tell whether there is one. While a send is \
              under way this takes effect when that has ended, and its turn counts as one.",
    },
    Verb {
        name: "branch",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Chat,
        doc: "Another conversation that has said the same so far. Pictures are shared, not copied. While a send is under \
              way it branches off behind that, and what is sent to it waits.",
    },
    Verb {
        name: "drop_images",
        takes: &[Part::Keep],
        options: false,
        how: How::Now,
        gives: Gives::Nothing,
        doc: "Leave all pictures but the last `keep` (none by default) out of later requests, and drop them. While a \
              send is under way this takes effect when that has ended.",
    },
    Verb {
        name: "history",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Turns,
        doc: "What was said and drawn so far.",
    },
];

/// What both languages say of uploaded files.
pub const FILES: &str = "Uploaded files: pictures, videos and documents that are sent by reference. They live 48 hours, \
                         are free, and are seen by their own project alone.";

pub const OF_FILES: &[Verb] = &[
    Verb {
        name: "upload",
        takes: &[Part::Source],
        options: true,
        how: How::Sends,
        gives: Gives::File,
        doc: "Upload a file of any type and wait until it can be used: a path, a file's bytes, a picture in whatever \
              form it is at hand. It goes in chunks; one that is lost goes again from where the service has it. What \
              comes is taken wherever a picture is.",
    },
    Verb {
        name: "get",
        takes: &[Part::File],
        options: true,
        how: How::Sends,
        gives: Gives::File,
        doc: "What the service knows of a file, by its name (\"files/abc\"), its URI or an earlier record. One that is \
              not there, or not any more, is a `PermissionDeniedError` or a `NotFoundError`.",
    },
    Verb {
        name: "list",
        takes: &[],
        options: true,
        how: How::Sends,
        gives: Gives::FileList,
        doc: "All files of the project.",
    },
    Verb {
        name: "delete",
        takes: &[Part::File],
        options: true,
        how: How::Sends,
        gives: Gives::Nothing,
        doc: "Delete a file before its time.",
    },
];

pub const OF_EMULATORS: &[Verb] = &[
    Verb {
        name: "url",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Text,
        doc: "What a client takes as `base_url`.",
    },
    Verb {
        name: "ca_bundle",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::TextOrNone,
        doc: "With TLS, the file of its authority's certificate: what a client takes as `ca_bundle`. It is gone with \
              the emulator.",
    },
    Verb {
        name: "requests",
        takes: &[],
        options: false,
        how: How::Now,
        gives: Gives::Requests,
        doc: "What it was asked so far, in order.",
    },
    Verb {
        name: "script",
        takes: &[Part::Steps],
        options: false,
        how: How::Now,
        gives: Gives::Nothing,
        doc: "Set the next replies: `{ status }`, `{ image: 'png 8x8' }`, `{ hang: true }` and more.",
    },
    Verb {
        name: "record",
        takes: &[],
        options: true,
        how: How::Works,
        gives: Gives::Nothing,
        doc: "Begin or stop to answer with recorded calls, and to record them. What is not set stays as it is; \
              if nothing is set, it draws again.",
    },
    Verb {
        name: "close",
        takes: &[],
        options: false,
        how: How::Works,
        gives: Gives::Nothing,
        doc: "Stop it and free its port.",
    },
];

pub const OF_IMAGES: &[Verb] = &[
    Verb {
        name: "save",
        takes: &[Part::Path],
        options: false,
        how: How::Works,
        gives: Gives::Path,
        doc: "Write a file of this name and return its path. Without an extension the right one is added; with its \
              own the very bytes that came are written; with another it is converted, and a warning tells of C2PA \
              credentials that are lost by that. A file of that name is replaced, whole or not at all: through \
              symbolic links, with its mode and owner kept. Devices, pipes, sockets, mounted files, files with \
              several names (hard links) and those in a folder that takes no new files are written in place, which \
              is not atomic.",
    },
    Verb {
        name: "convert",
        takes: &[Part::Format, Part::Quality],
        options: false,
        how: How::Works,
        gives: Gives::Image,
        doc: "The picture as \"png\", \"jpeg\" or \"webp\"; the same one if it is that already. `quality` (1 to \
              100) is for JPEG, and for WebP, which without one loses nothing. A warning tells of C2PA \
              credentials that are lost. A picture that a model drew, as its call or its marks say, keeps saying so \
              by IPTC's DigitalSourceType in XMP, unless `mark_ai` is false.",
    },
    Verb {
        name: "resize",
        takes: &[Part::Width, Part::Height],
        options: false,
        how: How::Works,
        gives: Gives::Image,
        doc: "The picture scaled to this size in pixels, in the same format. Warnings and `mark_ai` are as those of \
              `convert`.",
    },
];
