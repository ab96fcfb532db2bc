//! Messages as lists of fragments: text, and names that each language writes in its own way.
//!
//! A message is made once and rendered where it leaves the library. An option is `aspect_ratio` in Rust and Python,
//! `aspectRatio` in JavaScript and `--aspect-ratio` in the shell. Text, whether it is ours or comes from outside, is
//! never changed: a value, a path or a word of the service may look like a name.

use std::borrow::{Borrow, Cow};
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde_json::{Value, json};

use crate::schema::{Case, Typed, Write, veiled};

/// A message from a template like that of `format!`: variables in braces are text, and arguments are parts. Names of
/// options and fields bring their own backticks.
#[doc(hidden)]
#[macro_export]
macro_rules! message {
    ($template:literal $(, $part:expr)* $(,)?) => {{
        let slots = $crate::message::Slots::default();
        let made = slots.fill(format_args!($template $(, slots.slot(&$part))*));
        made
    }};
}

/// A sentence for a user. It reads as the spelling of Rust and Python has it; [`Message::render`] gives that of another
/// language.
#[derive(Clone, Default)]
pub struct Message {
    text: String,
    names: Vec<Fragment>,
}

/// A part of the text that other languages write in another way.
#[derive(Clone)]
struct Fragment {
    start: usize,
    end: usize,
    camel: Box<str>,
    shell: Box<str>,
}

/// A piece of a message.
pub trait Part {
    /// Writes it at the end of the message.
    fn add_to(&self, message: &mut Message);
}

impl Message {
    /// The text as the caller's language writes it.
    pub fn render(&self, case: Case) -> Cow<'_, str> {
        if case == Case::Snake || self.names.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let mut text = String::with_capacity(self.text.len() + 8 * self.names.len());
        let mut end = 0;
        for name in &self.names {
            text.push_str(self.text.get(end..name.start).unwrap_or_default());
            text.push_str(if case == Case::Camel { &name.camel } else { &name.shell });
            end = name.end;
        }
        text.push_str(self.text.get(end..).unwrap_or_default());
        Cow::Owned(text)
    }

    /// The same behind this text.
    #[doc(hidden)]
    pub fn after(&self, text: &str) -> Self {
        message!("{text}{}", self)
    }

    /// These, with a text between each two.
    #[doc(hidden)]
    pub fn joined(messages: &[Message], between: &str) -> Self {
        let mut joined = Message::default();
        for (place, message) in messages.iter().enumerate() {
            joined.push(if place > 0 { between } else { "" });
            joined.push(message);
        }
        joined
    }

    /// A message from the template of a table: `{aspect_ratio}` is an option of the one that `within` names, `{.raw}` a
    /// field, `{edit()}` a method, `{retry.max_attempts=3}` a setting and `{@cancel}` a way that each language has.
    pub(crate) fn of_template(template: &'static str, within: &OptionName) -> Self {
        let mut message = Message::default();
        for piece in template.split_inclusive('}') {
            let Some((text, name)) = piece.strip_suffix('}').and_then(|piece| piece.split_once('{')) else {
                message.push(piece);
                continue;
            };
            message.push(text);
            if let Some(way) = name.strip_prefix('@') {
                message.push(own_way(way));
            } else if let Some(name) = name.strip_prefix('.') {
                message.push(field(name));
            } else if let Some(name) = name.strip_suffix("()") {
                message.push(method(name, command(name)));
            } else if let Some((path, value)) = name.split_once('=') {
                let (of, name) = path.split_once('.').unwrap_or((path, ""));
                message.push(setting(of, name, value));
            } else {
                message.push(within.known(name));
            }
        }
        message
    }

    /// Adds a sentence behind the last one, which may have a full stop already: those of the service have one.
    #[doc(hidden)]
    pub fn add_sentence(&mut self, sentence: impl Part) {
        self.text.truncate(self.text.trim_end().trim_end_matches('.').len());
        self.push(if self.text.ends_with(['?', '!', '…']) { " " } else { ". " });
        self.push(sentence);
    }

    /// Adds a part at the end.
    pub fn push(&mut self, part: impl Part) {
        part.add_to(self);
    }

    /// The same with every text passed through `clean`, which cuts secrets out.
    pub(crate) fn cleaned(&self, clean: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let mut cleaned = Message::default();
        let mut end = 0;
        for name in &self.names {
            cleaned.push(&*clean(self.text.get(end..name.start).unwrap_or_default()));
            cleaned.push(Each {
                snake: clean(self.text.get(name.start..name.end).unwrap_or_default()),
                camel: clean(&name.camel),
                shell: clean(&name.shell),
            });
            end = name.end;
        }
        cleaned.push(&*clean(self.text.get(end..).unwrap_or_default()));
        // A secret may go beyond one fragment.
        let whole = clean(&cleaned.text);
        if *whole != *cleaned.text { Message::from(&*whole) } else { cleaned }
    }

    /// The same without this text at its start.
    #[doc(hidden)]
    pub fn without_start(&self, start: &str) -> Self {
        let by = start.len();
        let Some(text) = self.text.strip_prefix(start) else { return self.clone() };
        let names = self.names.iter().filter(|name| name.start >= by);
        let names = names.map(|name| Fragment { start: name.start - by, end: name.end - by, ..name.clone() });
        Message { names: names.collect(), text: text.to_owned() }
    }

    /// The same, its text at most `most` characters long.
    #[doc(hidden)]
    pub fn shortened(&self, most: usize) -> Self {
        let Some((end, _)) = self.text.char_indices().nth(most) else { return self.clone() };
        let names = self.names.iter().filter(|name| name.end <= end).cloned().collect();
        let text = format!("{}…", self.text.get(..end).unwrap_or_default());
        Message { text, names }
    }

    /// The names in it, for a file that a program in another language may read; null if there are none.
    #[doc(hidden)]
    pub fn saved_names(&self) -> Value {
        match &*self.names {
            [] => Value::Null,
            names => names.iter().map(|name| json!([name.start, name.end, name.camel, name.shell])).collect(),
        }
    }

    /// A message that was saved: its text, and the names in it if there are some.
    #[doc(hidden)]
    pub fn read(text: &str, names: Option<&Value>) -> Self {
        let mut message = Message::from(text);
        for name in names.and_then(Value::as_array).into_iter().flatten() {
            let place =
                |index: usize| Some(usize::try_from(name.get(index)?.as_u64()?).unwrap_or(usize::MAX));
            let word = |index: usize| name.get(index)?.as_str();
            let (Some(start), Some(end), Some(camel), Some(shell)) = (place(0), place(1), word(2), word(3))
            else {
                continue;
            };
            let begins = message.names.last().map_or(0, |name| name.end);
            if begins <= start && start <= end && text.get(start..end).is_some() {
                message.names.push(Fragment { start, end, camel: camel.into(), shell: shell.into() });
            }
        }
        message
    }
}

impl Deref for Message {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Message {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        veiled(out, |out| self.text.fmt(out))
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message { text: text.to_owned(), names: Vec::new() }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message { text, names: Vec::new() }
    }
}

impl From<Cow<'_, str>> for Message {
    fn from(text: Cow<'_, str>) -> Self {
        Message::from(text.into_owned())
    }
}

impl From<Message> for String {
    fn from(message: Message) -> Self {
        message.text
    }
}

impl From<&Message> for Message {
    fn from(message: &Message) -> Self {
        message.clone()
    }
}

impl Borrow<str> for Message {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.text == other.text
    }
}

impl Eq for Message {}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialEq<str> for Message {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for Message {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl Typed for Message {
    fn python() -> String {
        String::python()
    }
    fn typescript() -> String {
        String::typescript()
    }
}

impl Write for Message {
    fn write(&self, case: Case) -> Value {
        self.render(case).into()
    }
}

impl<T: Part + ?Sized> Part for &T {
    fn add_to(&self, message: &mut Message) {
        (**self).add_to(message);
    }
}

impl Part for Message {
    fn add_to(&self, message: &mut Message) {
        let offset = message.text.len();
        message.text.push_str(&self.text);
        message.names.extend(self.names.iter().map(|name| Fragment {
            start: offset + name.start,
            end: offset + name.end,
            ..name.clone()
        }));
    }
}

impl Part for str {
    fn add_to(&self, message: &mut Message) {
        message.text.push_str(self);
    }
}

impl Part for String {
    fn add_to(&self, message: &mut Message) {
        message.text.push_str(self);
    }
}

impl Part for Cow<'_, str> {
    fn add_to(&self, message: &mut Message) {
        message.text.push_str(self);
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Part for $type {
            fn add_to(&self, message: &mut Message) {
                message.push(format_args!("{self}"));
            }
        }
    )*};
}

numbers!(u16, u32, u64, usize);

impl Part for fmt::Arguments<'_> {
    fn add_to(&self, message: &mut Message) {
        // A message takes every text.
        let _ = message.text.write_fmt(*self);
    }
}

/// A fragment by its text in each language.
#[doc(hidden)]
pub struct Each<T> {
    /// Rust and Python.
    pub snake: T,
    /// JavaScript.
    pub camel: T,
    /// The shell.
    pub shell: T,
}

impl<T: AsRef<str>> Part for Each<T> {
    fn add_to(&self, message: &mut Message) {
        let start = message.text.len();
        message.text.push_str(self.snake.as_ref());
        let (camel, shell) = (self.camel.as_ref().into(), self.shell.as_ref().into());
        message.names.push(Fragment { start, end: message.text.len(), camel, shell });
    }
}

/// The name of an option, or of an option within one: `retry` and then `max_attempts`. The names of our tables are in
/// snake case; a name that a caller gave, and that no table has, stays as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[doc(hidden)]
pub struct OptionName(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Known(&'static str),
    Given(Box<str>),
}

impl Step {
    fn written(&self, case: Case) -> Cow<'_, str> {
        match self {
            Step::Known(name) => case.name(name),
            Step::Given(name) => Cow::Borrowed(name),
        }
    }
}

impl OptionName {
    /// The option of this one with this name, which a table has.
    pub fn known(&self, name: &'static str) -> Self {
        self.then(Step::Known(name))
    }

    /// The option of this one that a caller named so.
    pub fn given(&self, name: &str) -> Self {
        self.then(Step::Given(name.into()))
    }

    fn then(&self, step: Step) -> Self {
        OptionName(self.0.iter().cloned().chain([step]).collect())
    }

    fn path(&self, case: Case) -> String {
        self.0.iter().map(|step| step.written(case)).collect::<Vec<_>>().join(".")
    }

    fn in_shell(&self) -> String {
        let mut steps = self.0.iter();
        let flag = match steps.next() {
            Some(Step::Known(name)) => flag(name),
            Some(Step::Given(name)) => Cow::Borrowed(&**name),
            None => Cow::Borrowed(""),
        };
        // Options of an option are written as JSON behind its flag.
        match steps.map(|step| step.written(Case::Snake)).collect::<Vec<_>>().join(".") {
            inner if inner.is_empty() => format!("`{flag}`"),
            inner => format!("`{inner}` of `{flag}`"),
        }
    }
}

impl Part for OptionName {
    fn add_to(&self, message: &mut Message) {
        let ticked = |case| format!("`{}`", self.path(case));
        message.push(Each { snake: ticked(Case::Snake), camel: ticked(Case::Camel), shell: self.in_shell() });
    }
}

/// A name that a caller gave, in whatever spelling.
impl From<&str> for OptionName {
    fn from(name: &str) -> Self {
        OptionName::default().given(name)
    }
}

impl From<String> for OptionName {
    fn from(name: String) -> Self {
        OptionName::from(&*name)
    }
}

/// The name alone, without backticks.
impl From<OptionName> for Message {
    fn from(name: OptionName) -> Self {
        let mut message = Message::default();
        message.push(Each {
            snake: name.path(Case::Snake),
            camel: name.path(Case::Camel),
            shell: name.path(Case::Shell),
        });
        message
    }
}

impl Typed for OptionName {
    fn python() -> String {
        String::python()
    }
    fn typescript() -> String {
        String::typescript()
    }
}

impl Write for OptionName {
    fn write(&self, case: Case) -> Value {
        self.path(case).into()
    }
}

/// A number and what is counted, `1 picture` or `2 pictures`; with a verb if the sentence has one there.
#[doc(hidden)]
pub fn counted(number: impl fmt::Display, one: &str, many: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { many };
    number + " " + noun
}

/// How the shell writes an option: its flag, or for the key, which is no flag, the variable that holds it.
#[doc(hidden)]
pub fn flag(option: &str) -> Cow<'static, str> {
    match option {
        "api_key" => Cow::Borrowed("GEMINI_API_KEY"),
        "attachments" => Cow::Borrowed("--attach"),
        "local_files" => Cow::Borrowed("--no-local-files"),
        "images" => Cow::Borrowed("IMAGE"),
        "prompt" => Cow::Borrowed("PROMPT"),
        name => Cow::Owned(format!("--{}", name.replace('_', "-"))),
    }
}

/// An option, in backticks.
#[doc(hidden)]
pub fn option(name: &'static str) -> OptionName {
    OptionName::default().known(name)
}

/// An option within one that the sentence is about anyway; in the shell the flag is named with it.
#[doc(hidden)]
pub fn inner(of: &'static str, name: &'static str) -> impl Part {
    let ticked = |case: Case| format!("`{}`", case.name(name));
    let shell = option(of).known(name).in_shell();
    Each { snake: ticked(Case::Snake), camel: ticked(Case::Camel), shell }
}

/// The names of options, in a list.
pub(crate) fn listed(names: &[&'static str]) -> impl Part + use<> {
    let joined = |written: &dyn Fn(&'static str) -> Cow<'static, str>| {
        names.iter().map(|name| written(name)).collect::<Vec<_>>().join(", ")
    };
    Each {
        snake: joined(&|name| Case::Snake.name(name)),
        camel: joined(&|name| Case::Camel.name(name)),
        shell: joined(&|name| flag(name)),
    }
}

/// A field of what the library gives, or a method, in backticks. In the shell it is as its JSON has it.
#[doc(hidden)]
pub fn field(name: &'static str) -> impl Part {
    let ticked = |case: Case| format!("`{}`", case.name(name));
    Each { snake: ticked(Case::Snake), camel: ticked(Case::Camel), shell: ticked(Case::Snake) }
}

/// A method that the shell has as a command, in backticks.
#[doc(hidden)]
pub fn method(name: &'static str, command: &'static str) -> impl Part {
    let ticked = |case: Case| format!("`{}`", case.name(name));
    Each { snake: ticked(Case::Snake), camel: ticked(Case::Camel), shell: format!("`{command}`") }
}

/// The command that does in the shell what a method does.
fn command(method: &str) -> &'static str {
    match method {
        "edit" => "nanobanana edit",
        "generate_stream" => "--stream",
        "generate_many" => "nanobanana many",
        "chat" => "nanobanana chat",
        _ => "nanobanana generate",
    }
}

/// Instructions that differ between the languages.
fn own_way(name: &str) -> Each<&'static str> {
    match name {
        "cancel" => Each {
            snake: "cancel the task that awaits the call, or limit it by `timeout`",
            camel: "it is `signal` here, beside the options of a call",
            shell: "Ctrl-C ends a call, and `--timeout` limits it",
        },
        _ => Each {
            snake: "`Client.offline()` draws without a key, a network and costs",
            camel: "`Client.offline()` draws without a key, a network and costs",
            shell: "`--offline` draws without a key, a network and costs",
        },
    }
}

/// An option within one that is a class, with a value, as code: `retry=Retry(max_attempts=3)`. `value` is JSON.
pub(crate) fn setting(of: &'static str, name: &'static str, value: &str) -> impl Part + use<> {
    let python = match value {
        "true" => "True",
        "false" => "False",
        value => value,
    };
    let class: String = of.chars().enumerate().flat_map(capital).collect();
    let camel = |name| Case::Camel.name(name);
    Each {
        snake: format!("`{of}={class}({name}={python})`"),
        camel: format!("`{}: {{ {}: {value} }}`", camel(of), camel(name)),
        shell: format!("`{} '{{\"{name}\": {value}}}'`", flag(of)),
    }
}

fn capital((place, letter): (usize, char)) -> Box<dyn Iterator<Item = char>> {
    if place == 0 { Box::new(letter.to_uppercase()) } else { Box::new(std::iter::once(letter)) }
}

/// A time as the caller counts it, without its unit.
pub(crate) fn time(seconds: f64) -> impl Part {
    let count = |case: Case| format!("{}", seconds * case.units_per_second());
    Each { snake: count(Case::Snake), camel: count(Case::Camel), shell: count(Case::Snake) }
}

/// The unit in which the caller counts time.
pub(crate) fn time_unit() -> impl Part {
    Each { snake: "seconds", camel: "milliseconds", shell: "seconds" }
}

/// Collects the parts of one message. Use [`message!`].
#[derive(Default)]
#[doc(hidden)]
pub struct Slots(RefCell<Message>);

/// The place of a part in a template.
#[doc(hidden)]
pub struct Slot<'a>(&'a Slots, &'a dyn Part);

impl Slots {
    pub fn slot<'a>(&'a self, part: &'a dyn Part) -> Slot<'a> {
        Slot(self, part)
    }

    /// What stands between the slots is written before each of them is.
    pub fn fill(&self, template: fmt::Arguments<'_>) -> Message {
        let _ = Sink(self).write_fmt(template);
        self.0.take()
    }
}

struct Sink<'a>(&'a Slots);

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.0.borrow_mut().text.push_str(text);
        Ok(())
    }
}

impl fmt::Display for Slot<'_> {
    /// Writes into the message itself, which knows the fragments, and not into the text that is being formatted.
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Slot(slots, part) = self;
        part.add_to(&mut slots.0.borrow_mut());
        Ok(())
    }
}

#[doc(hidden)]
pub use message;

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
