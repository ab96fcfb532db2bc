//! The input lines of a conversation: from a terminal with editing and history, or from a pipe.

use std::io;
use std::str::Chars;
use std::sync::mpsc::{Sender, channel};

use rustyline::error::ReadlineError;
use rustyline::{Behavior, Config, DefaultEditor};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Stdin};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::out::tell;
use nanobanana::error::{Error, Kind};

/// The size limit of a line.
const LONGEST: usize = 1 << 20;

/// The result of reading a line.
pub(super) enum Said {
    Line(String),
    /// An empty or cancelled line.
    Nothing,
    /// A line that cannot be used. The next one may be valid.
    Wrong(Error),
    End,
}

/// The source of lines.
pub(super) enum Lines {
    Edited(Edited),
    Piped(BufReader<Stdin>),
}

impl Lines {
    /// Opens standard input. In a terminal, lines can be edited and recalled; `earlier` lines are part of the history.
    pub fn open(is_terminal: bool, earlier: impl Iterator<Item = String>) -> Result<Self, Error> {
        if !is_terminal {
            return Ok(Lines::Piped(BufReader::new(tokio::io::stdin())));
        }
        let cannot = |cause: io::Error| {
            Error::new(Kind::NanoBananaError, format!("cannot read the terminal: {cause}")).because(cause)
        };
        let earlier = earlier.map(|line| words(&line)).collect();
        Edited::start(earlier).map(Lines::Edited).map_err(cannot)
    }

    /// The next line, without control characters.
    pub async fn next(&mut self) -> Said {
        let line = match self {
            Lines::Edited(edited) => edited.next().await,
            Lines::Piped(input) => piped(input).await,
        };
        match line {
            Said::Line(line) => match words(&line) {
                words if words.is_empty() => Said::Nothing,
                words => Said::Line(words),
            },
            other => other,
        }
    }
}

async fn piped(input: &mut (impl AsyncBufRead + Unpin)) -> Said {
    let wrong = |problem: String| Error::new(Kind::InvalidOptionError, problem);
    let mut line = Vec::new();
    match (&mut *input).take(LONGEST as u64).read_until(b'\n', &mut line).await {
        Ok(0) => Said::End,
        Ok(LONGEST) if !line.ends_with(b"\n") => {
            // The rest of the line is not held in memory.
            while let Ok(block) = input.fill_buf().await {
                let end = memchr::memchr(b'\n', block);
                let len = end.map_or(block.len(), |end| end + 1);
                input.consume(len);
                if end.is_some() || len == 0 {
                    break;
                }
            }
            Said::Wrong(wrong(format!("a line of more than {LONGEST} bytes is no prompt")))
        }
        Ok(_) => match String::from_utf8(line) {
            Ok(line) => Said::Line(line),
            Err(_) => Said::Wrong(wrong("a line is not UTF-8, and was not sent".to_owned())),
        },
        Err(cause) => {
            super::complain(&Error::new(
                Kind::NanoBananaError,
                format!("cannot read standard input: {cause}"),
            ));
            Said::End
        }
    }
}

/// A thread that reads lines on request, since the editor blocks.
pub(super) struct Edited {
    ask: Sender<()>,
    lines: UnboundedReceiver<rustyline::Result<String>>,
    /// The settings of the terminal, restored when the command ends.
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Edited {
    fn start(mut earlier: Vec<String>) -> io::Result<Self> {
        let (ask, asked) = channel();
        let (tell, lines) = unbounded_channel();
        let work = move || {
            while let Ok(()) = asked.recv() {
                let line = read(&earlier);
                earlier.extend(line.iter().map(|line| words(line)));
                if tell.send(line).is_err() {
                    break;
                }
            }
        };
        #[cfg(unix)]
        let before = rustix::termios::tcgetattr(io::stdin()).ok();
        std::thread::Builder::new().name("lines".to_owned()).spawn(work)?;
        Ok(Edited {
            ask,
            lines,
            #[cfg(unix)]
            before,
        })
    }

    async fn next(&mut self) -> Said {
        if self.ask.send(()).is_err() {
            return Said::End;
        }
        match self.lines.recv().await {
            Some(Ok(line)) => Said::Line(line),
            Some(Err(ReadlineError::Interrupted)) => {
                tell(format_args!("Ctrl-D or /quit ends the conversation"));
                Said::Nothing
            }
            Some(Err(ReadlineError::Eof)) | None => Said::End,
            Some(Err(cause)) => {
                let problem = format!("cannot read the terminal: {cause}");
                super::complain(&Error::new(Kind::NanoBananaError, problem));
                Said::End
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Edited {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // If the terminal is closed there is nothing to restore.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

/// Reads one line. The editor handles Ctrl-C, so it is created and dropped for each line.
fn read(earlier: &[String]) -> rustyline::Result<String> {
    // Standard output is for paths only.
    let config = Config::builder().behavior(Behavior::PreferTerm).build();
    let mut editor = DefaultEditor::with_config(config)?;
    for line in earlier {
        // If this fails, the line is missing in the history.
        let _ = editor.add_history_entry(line);
    }
    editor.readline("> ")
}

/// Skips the rest of an escape sequence.
fn skip(letters: &mut Chars<'_>, ends: impl Fn(char) -> bool) {
    let _ = letters.find(|letter| ends(*letter));
}

/// The text of a line without control characters and escape sequences of keys and colours.
fn words(line: &str) -> String {
    let mut words = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                Some('[') => skip(&mut letters, |letter| ('@'..='~').contains(&letter)),
                Some(']' | 'P' | '_' | '^' | 'X') => {
                    skip(&mut letters, |letter| matches!(letter, '\u{7}' | '\u{1b}' | '\u{9c}'));
                }
                Some('O') => skip(&mut letters, |_| true),
                _ => {}
            },
            '\u{9b}' => skip(&mut letters, |letter| ('@'..='~').contains(&letter)),
            '\t' => words.push(' '),
            letter if letter.is_control() || letter == '\u{feff}' => {}
            letter => words.push(letter),
        }
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over() {
        let text = ["x".repeat(LONGEST + 5).as_str(), "\na boat\n"].concat();
        let mut input = text.as_bytes();
        assert!(matches!(piped(&mut input).await, Said::Wrong(_)));
        assert!(matches!(piped(&mut input).await, Said::Line(line) if line == "a boat\n"));
        assert!(matches!(piped(&mut input).await, Said::End));
    }

    #[test]
    fn control_characters_are_no_words() {
        for (line, said) in [
            ("a boat\n", "a boat"),
            ("\u{feff}a boat\r\n", "a boat"),
            ("\u{3}\n", ""),
            ("\u{1b}[A\u{1b}[1;5D\u{1b}OB", ""),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("\u{9b}31m", ""),
            ("\0\u{7f}\u{8}", ""),
            ("\u{1b}[31mred\u{1b}[0m boat\u{7}", "red boat"),
            ("\u{1b}]0;title\u{7}a\tboat", "a boat"),
            ("Größe → 🍌", "Größe → 🍌"),
        ] {
            assert_eq!(words(line), said, "{line:?}");
        }
    }
}
