//! Pictures in terminals that can show them: iTerm2's inline images and kitty's graphics.

use std::io::{IsTerminal as _, Write as _};

use base64::Engine as _;

use nanobanana::image::Image;

/// How a terminal wants its pictures.
enum Manner {
    Iterm,
    Kitty,
}

/// What the terminal says that it is; none if it is not known to show pictures.
fn manner() -> Option<Manner> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    match (variable("TERM_PROGRAM").as_str(), variable("TERM").as_str()) {
        ("iTerm.app" | "WezTerm" | "vscode" | "mintty", _) => Some(Manner::Iterm),
        ("ghostty", _) | (_, "xterm-kitty" | "xterm-ghostty") => Some(Manner::Kitty),
        _ => None,
    }
}

/// Shows the picture, if standard error is a terminal that can. It is on disk already, so what goes
/// wrong here loses nothing.
pub fn show(picture: &Image) {
    let Some(manner) = manner().filter(|_| std::io::stderr().is_terminal()) else { return };
    let engine = base64::engine::general_purpose::STANDARD;
    let mut out = std::io::stderr().lock();
    let _ = match manner {
        Manner::Iterm => picture.bytes().map(|bytes| {
            let (size, data) = (bytes.len(), engine.encode(bytes));
            writeln!(out, "\x1b]1337;File=inline=1;size={size};width=40:{data}\x07")
        }),
        Manner::Kitty => {
            let png = picture.convert("png", None);
            png.and_then(|png| Ok(kitty(&mut out, &engine.encode(png.bytes()?))))
        }
    };
}

/// The protocol takes at most 4096 bytes of base64 at a time.
fn kitty(out: &mut impl std::io::Write, data: &str) -> std::io::Result<()> {
    let mut pieces = data.as_bytes().chunks(4096).peekable();
    let mut head = "a=T,f=100,c=40,";
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        write!(out, "\x1b_G{head}m={more};")?;
        out.write_all(piece)?;
        write!(out, "\x1b\\")?;
        head = "";
    }
    writeln!(out)
}
