//! The inputs of a call on the command line: the prompt, pictures, masks, attachments.

use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use super::out::stdin;
use super::{blocking, flags, options, text};
use nanobanana::error::{Error, InvalidOption, Kind};
use nanobanana::input::{self, Input, MASK};
use nanobanana::options::{EditOptions, Region, Unit};
use nanobanana::schema::Case;

const MASKS: &str = "Options of a mask";

/// The arguments of every call: its prompt and what goes with it.
pub(super) fn prompt() -> [Arg; 2] {
    [
        Arg::new("prompt")
            .required(true)
            .value_name("PROMPT")
            .help("What to draw; `-` reads it from standard input"),
        Arg::new("attachments")
            .long("attach")
            .action(ArgAction::Append)
            .value_name("FILE").value_hint(ValueHint::FilePath)
            .help("A document (PDF, text) or a video that goes with the prompt, by its path or URL; may be given several times"),
    ]
}

/// The arguments of a call with pictures.
pub(super) fn pictures(required: bool) -> Vec<Arg> {
    let images = Arg::new("images")
        .required(required)
        .num_args(1..)
        .value_name("IMAGE")
        .value_hint(ValueHint::FilePath)
        .help("Paths or URLs of pictures; `-` reads one from standard input");
    let mask = Arg::new(MASK)
        .long(MASK)
        .value_name("FILE|BOX").value_hint(ValueHint::FilePath)
        .action(ArgAction::Append)
        .help_heading(MASKS)
        .help("What of the first picture may change: a picture that marks it by transparency, else by white, or LEFT,TOP,RIGHT,BOTTOM in pixels or percent (10%,20%,60%,80%); may be given several times");
    [images, mask].into_iter().chain(flags(&EditOptions::table(), MASKS, Input::OPTIONS)).collect()
}

/// The inputs that the arguments name. Standard input is read, files are not.
pub(super) async fn of(matches: &ArgMatches) -> Result<Vec<Input>, Error> {
    let prompt = match text(matches, "prompt").as_str() {
        "-" => String::from_utf8(blocking(stdin).await?)
            .map_err(|_| Error::new(Kind::InvalidOptionError, "the prompt on standard input is not UTF-8"))?,
        prompt => prompt.to_owned(),
    };
    let mut inputs = vec![Input::Text(prompt)];
    // `generate` has neither of these arguments.
    if let Ok(images) = matches.try_get_many::<String>("images") {
        for name in images.into_iter().flatten() {
            inputs.push(if name == "-" { blocking(stdin).await?.into() } else { Input::Named(name.clone()) });
        }
        let masks = matches.get_many::<String>(MASK).into_iter().flatten();
        for mask in masks {
            inputs.push(Input::mask(area(mask)?, EditOptions::new()));
        }
        let of_masks = EditOptions::read(&options(&EditOptions::table(), matches, &[MASK]), Case::Shell)?;
        inputs = input::told_of_masks(inputs, of_masks)?;
    }
    for name in matches.get_many::<String>("attachments").into_iter().flatten() {
        inputs.push(Input::of_option("attachments", Input::Named(name.clone()))?);
    }
    Ok(inputs)
}

/// True if every pixel outside of a mask stays exactly as it is.
pub(super) fn keeps_outside(inputs: &[Input]) -> bool {
    inputs.iter().any(|input| matches!(input, Input::Mask(_, options) if options.keep_outside != Some(false)))
}

/// A mask as it is written in a command: four numbers are a box, in pixels or in percent.
fn area(text: &str) -> Result<Input, Error> {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    let percent: Option<Vec<f64>> =
        words.iter().map(|word| Some(word.strip_suffix('%')?.parse::<f64>().ok()? / 100.0)).collect();
    let pixels: Option<Vec<f64>> = words.iter().map(|word| word.parse().ok()).collect();
    let unit = if percent.is_some() { Unit::Fraction } else { Unit::Px };
    let is_number = |word: &&str| word.strip_suffix('%').unwrap_or(word).parse::<f64>().is_ok();
    match percent.or(pixels).as_deref() {
        Some([left, top, right, bottom]) => {
            Ok(Region::new().left(*left).top(*top).right(*right).bottom(*bottom).unit(unit).into())
        }
        // Numbers are a box with a mistake, and no name of a file.
        _ if words.iter().all(is_number) && !std::path::Path::new(text).exists() => {
            Err(Error::invalid_option(
                format!(
                    "option `--mask` is {text:?}; a box takes four numbers, LEFT,TOP,RIGHT,BOTTOM, all in pixels \
                     (10,20,60,80) or all in percent (10%,20%,60%,80%)"
                ),
                InvalidOption::of("--mask"),
            ))
        }
        _ => Ok(Input::Named(text.to_owned())),
    }
}
