//! The output of a command's pictures, checked before they are paid for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::out;
use nanobanana::error::{Error, InvalidOption, Kind};
use nanobanana::image::Image;
use nanobanana_base::message::Message;
use nanobanana_base::save::{self, Durable, numbered};

/// The destination of pictures.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Standard output.
    Output,
    /// A file with this name. An existing one is replaced.
    Named(PathBuf),
    /// The first free names in a folder.
    Free { folder: PathBuf, stem: OsString, ending: Option<String>, style: Style },
}

/// The numbering of free names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `boat-1`, `boat-2` and so on.
    All,
    /// `boat`, `boat-2` and so on.
    ButTheFirst,
}

impl Place {
    /// The checked place of a call that draws `n` pictures.
    pub fn of_call(output: Option<&Path>, n: u32, is_json: bool) -> Result<Self, Error> {
        let place = match output {
            None => Place::free("nanobanana", Style::ButTheFirst),
            Some(output) if output == Path::new("-") => {
                let problem = if n > 1 {
                    Some(format!(
                        "standard output takes one picture, and `n` is {n}; name a file, each gets its number"
                    ))
                } else if is_json {
                    Some(
                        "standard output takes a picture or JSON, not both; name a file, or leave `json` out"
                            .to_owned(),
                    )
                } else {
                    out::no_output().map(|why| format!("{why}, so the picture would be lost; name a file"))
                };
                match problem {
                    Some(problem) => return Err(wrong(problem)),
                    None => Place::Output,
                }
            }
            Some(output) if n > 1 => {
                Image::check_path(output)?;
                if save::is_special(output) {
                    let file = output.display();
                    return Err(wrong(format!("{file} is no file and takes one picture, and `n` is {n}")));
                }
                Place::numbered(output)
            }
            Some(output) => Place::Named(output.to_owned()),
        };
        place.check()?;
        Ok(place)
    }

    /// The checked place of a conversation's pictures.
    pub fn of_chat(output: Option<&Path>) -> Result<Self, Error> {
        let place = match output {
            None => Place::free("chat", Style::All),
            Some(output) if output == Path::new("-") => {
                return Err(wrong(
                    "a conversation draws several pictures, and standard output takes one; name a file",
                ));
            }
            Some(output) => {
                Image::check_path(output)?;
                Place::numbered(output)
            }
        };
        place.check()?;
        Ok(place)
    }

    fn free(stem: &str, style: Style) -> Self {
        Place::Free { folder: PathBuf::new(), stem: stem.into(), ending: None, style }
    }

    fn numbered(output: &Path) -> Self {
        let ending = Image::ending(output);
        let name = if ending.is_some() { output.file_stem() } else { output.file_name() };
        Place::Free {
            folder: output.parent().map(Path::to_path_buf).unwrap_or_default(),
            stem: name.unwrap_or_default().to_owned(),
            ending,
            style: Style::All,
        }
    }

    /// Checks that pictures can be written there, without changing existing files.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Place::Output => Ok(()),
            Place::Named(path) => Image::check_place(path),
            Place::Free { folder, stem, ending, .. } => {
                // The longest number that a run gets, and the longest extension.
                let mut longest = stem.clone();
                longest.push(format!("-1000.{}", ending.as_deref().unwrap_or("webp")));
                let found = save::check_folder(folder).and_then(|()| save::check(&folder.join(longest)));
                found.map_err(|cause| {
                    let place = match folder.as_os_str().is_empty() {
                        true => "the current folder".to_owned(),
                        false => folder.display().to_string(),
                    };
                    let problem = format!(
                        "cannot write into {place}: {cause}. Nothing was sent; name a file elsewhere with `output`"
                    );
                    Error::new(Kind::ImageError, problem).because(cause).with_input(place)
                })
            }
        }
    }

    /// The folder of the pictures.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Place::Output => None,
            Place::Named(path) => path.parent(),
            Place::Free { folder, .. } => Some(folder),
        }
    }

    /// Writes one of `of` pictures. Returns its path, and warnings about losses. Blocks.
    pub fn save(&self, picture: &Image, of: usize) -> Result<(PathBuf, Vec<Message>), Error> {
        match self {
            Place::Output => {
                out::print(picture.bytes()?)?;
                Ok((PathBuf::new(), Vec::new()))
            }
            Place::Named(path) if of == 1 || save::is_special(path) => picture.save_and_tell(path),
            // The model returned more pictures than were asked for.
            Place::Named(path) => Place::numbered(path).save(picture, of),
            Place::Free { folder, stem, ending, style } => {
                let numbers: Box<dyn Iterator<Item = String>> = match style {
                    Style::All => Box::new((1u64..).map(|number| format!("-{number}"))),
                    Style::ButTheFirst => Box::new(numbered("")),
                };
                let stems = numbers.map(|number| {
                    let mut name = stem.clone();
                    name.push(number);
                    name
                });
                picture.claim(folder, stems, ending.as_deref(), Durable::Contents)
            }
        }
    }
}

fn wrong(problem: impl Into<Message>) -> Error {
    Error::invalid_option(problem, InvalidOption::of("output"))
}
