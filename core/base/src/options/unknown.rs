//! Names that a table does not have: what was meant, where it belongs, or what takes its place.

use super::foreign::{FOREIGN, Remedy, Scope};
use super::{
    At, Budget, Cache, ClientOptions, EditOptions, Encode, GenerateOptions, ManyOptions, Retry, Timeout,
};
use crate::error::Error;
use crate::message::{Each, Message, OptionName, listed, message, option};
use crate::schema::Case;

/// So many letters of a name may be wrong, by how many it has.
const WRONG_LETTERS: &[(usize, usize)] = &[(12, 3), (8, 2), (3, 1)];

/// An answer to a name that does not exist.
struct Advice {
    problem: Message,
    hint: Message,
}

impl At {
    /// The error for a name that the table does not have.
    pub(super) fn unknown(&self, key: &str, table: &str, names: &'static [&'static str]) -> Error {
        let (problem, hint) = match self.advice(key, table, names) {
            Some(Advice { problem, hint }) => (problem, Some(hint)),
            None => (message!("does not exist; there are {}", listed(names)), None),
        };
        let given = self.given(key);
        given.refused(problem, given.detail().allowed(names.iter().map(|name| option(name))).hint(hint))
    }

    fn advice(&self, key: &str, table: &str, names: &'static [&'static str]) -> Option<Advice> {
        let word = plain(key);
        let is_it = |name: &&&'static str| {
            [Case::Snake, Case::Camel].iter().any(|case| case.name(name) == key)
                || name.replace('_', "-") == key
        };
        if let Some(name) = names.iter().find(is_it) {
            let name = self.key(name).name;
            let place = Each { snake: "here", camel: "in JavaScript", shell: "in the shell" };
            return Some(Advice { problem: message!("is written {} {}", name, place), hint: name.into() });
        }
        let scope = match table {
            "ClientOptions" => Some(Scope::Client),
            "GenerateOptions" | "EditOptions" | "ManyOptions" => Some(Scope::Call),
            "Retry" => Some(Scope::Retry),
            "Timeout" => Some(Scope::Timeout),
            _ => None,
        };
        let called = |fits: &dyn Fn(Scope) -> bool| {
            let row = |(known, of, remedy): &(&[&str], Scope, Remedy)| {
                (fits(*of) && known.iter().any(|name| plain(name) == word)).then_some((*of, *remedy))
            };
            FOREIGN.iter().find_map(row)
        };
        let here = |of: Scope| {
            Some(of) == scope || (of == Scope::Both && matches!(scope, Some(Scope::Call | Scope::Client)))
        };
        let there = |of: Scope| {
            matches!((of, scope), (Scope::Call, Some(Scope::Client)) | (Scope::Client, Some(Scope::Call)))
        };
        if let Some((_, remedy)) = called(&here) {
            return Some(self.remedied(remedy, ""));
        }
        if let Some(advice) = scope.and_then(|scope| elsewhere(&word, scope)) {
            return Some(advice);
        }
        if let Some((of, remedy)) = called(&there) {
            return Some(match of {
                Scope::Client => At::top(self.case).remedied(remedy, " of the client"),
                _ => At::top(self.case).remedied(remedy, " of each call"),
            });
        }
        let name = nearest(key, names.iter().copied())?;
        let problem = message!("does not exist. Did you mean {}?", self.key(name).name);
        Some(Advice { problem, hint: option(name).into() })
    }

    fn remedied(&self, remedy: Remedy, of: &str) -> Advice {
        match remedy {
            Remedy::Called(name) => {
                let problem = message!("is called {}{of} here", self.key(name).name);
                Advice { problem, hint: option(name).into() }
            }
            Remedy::Do(template) => {
                let words = Message::of_template(template, &self.name);
                Advice { problem: message!("does not exist: {}", words), hint: words }
            }
        }
    }
}

/// The option of another table that has this name.
fn elsewhere(word: &str, scope: Scope) -> Option<Advice> {
    let in_table = |names: &'static [&'static str]| names.iter().copied().find(|name| plain(name) == word);
    let belongs = |name: OptionName, to: &str| Advice {
        problem: message!("belongs to {to}, where it is {}", name),
        hint: name.into(),
    };
    let of_call = || in_table(GenerateOptions::NAMES).or_else(|| in_table(EditOptions::NAMES));
    match scope {
        Scope::Call => {
            if let Some(name) = in_table(ClientOptions::NAMES) {
                return Some(belongs(option(name), "the client"));
            }
            if let Some(name) = in_table(ManyOptions::NAMES) {
                return Some(belongs(option(name), "a run of many calls"));
            }
        }
        Scope::Client => {
            if let Some(name) = of_call() {
                return Some(belongs(option(name), "each call"));
            }
        }
        _ => return None,
    }
    let inner = [
        ("retry", Retry::NAMES),
        ("timeout", Timeout::NAMES),
        ("encode", Encode::NAMES),
        ("budget", Budget::NAMES),
        ("cache", Cache::NAMES),
    ];
    inner.into_iter().find_map(|(of, names)| {
        let name = option(of).known(in_table(names)?);
        Some(Advice { problem: message!("is a part of an option: {}", name), hint: name.into() })
    })
}

/// A word without what languages write differently.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['_', '-', ' ', '.'], "")
}

/// The candidate that a mistyped word most likely meant: the same word in other letters or with other separators, or
/// the one with the fewest letters wrong, if those are few. Two letters in the wrong order count as one.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let wrong = |candidate: &str| {
        let candidate = plain(candidate);
        let letters = word.chars().count().min(candidate.chars().count());
        let most = WRONG_LETTERS.iter().find(|(least, _)| letters >= *least).map_or(0, |(_, most)| *most);
        let wrong = strsim::osa_distance(&word, &candidate);
        (wrong <= most).then_some(wrong)
    };
    candidates
        .filter_map(|candidate| Some((candidate, wrong(candidate)?)))
        .min_by_key(|(_, wrong)| *wrong)
        .map(|(candidate, _)| candidate)
}

/// The error for a flag of the command that does not exist. `is_call` is true for a command that takes the options of a
/// call.
#[doc(hidden)]
pub fn unknown_flag(flag: &str, is_call: bool) -> Option<Message> {
    let key = flag.trim_start_matches('-').split('=').next().unwrap_or_default();
    let at = At::top(Case::Shell);
    let of_call = || at.advice(key, "GenerateOptions", GenerateOptions::NAMES).filter(|_| is_call);
    let advice = of_call().or_else(|| at.advice(key, "ClientOptions", ClientOptions::NAMES))?;
    Some(message!("option `{flag}` {}", advice.problem))
}

#[cfg(test)]
#[path = "unknown/tests.rs"]
mod tests;
