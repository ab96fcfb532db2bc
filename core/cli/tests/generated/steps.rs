//! The steps of an emulator's scripts, as a table of types and as documentation.

use nanobanana::emulator::{About, Emulator};
use nanobanana::schema::{Field, Table};

pub fn table() -> Table {
    let fields = Emulator::steps().into_iter().map(|(name, _, python, typescript, doc)| Field {
        name,
        doc: Box::leak(sentence(&doc).into_boxed_str()),
        python: python.to_owned(),
        typescript: typescript.to_owned(),
        is_time: false,
    });
    Table {
        name: "ScriptStep",
        doc: "One step of an emulator's script: which requests it is for, and how they are answered.\n\
              Names, and times in seconds, are the same in every language and over HTTP.",
        fields: fields.collect(),
    }
}

/// What a step's `match` holds.
pub fn matched() -> Table {
    let fields = Emulator::matched().into_iter().map(|(name, python, typescript, doc)| Field {
        name,
        doc: Box::leak(sentence(doc).into_boxed_str()),
        python,
        typescript,
        is_time: false,
    });
    Table {
        name: "ScriptMatch",
        doc: "Which requests a step of a script is for: those that all of this fits.",
        fields: fields.collect(),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().unwrap().to_uppercase();
    format!("{first}{}.", letters.as_str())
}

/// The documentation of scripts, which `emulator` shows.
pub fn page() -> String {
    let rows = |about: About| {
        let rows = Emulator::steps().into_iter().filter(|row| row.1 == about);
        let lines: Vec<String> = rows.map(|(name, .., doc)| format!("| `{name}` | {doc} |")).collect();
        format!("| name | meaning |\n| --- | --- |\n{}", lines.join("\n"))
    };
    format!(
        "# Scripts

[`Emulator::script`] sets the next replies of the two generate methods and to the requests of batches (others by
`match`), one step for each request unless it says `times`. A step has any of these names:

{}

or a usual answer, whole or as a stream, made of any of these:

{}

and for the way over the line:

{}

A scripted reply answers whatever is asked. A step without a reply of its own (`{{}}`, or only a `delay`) lets the
emulator answer as usual. Names in camel case are read, too.
",
        rows(About::Reply),
        rows(About::Answer),
        rows(About::Line)
    )
}
