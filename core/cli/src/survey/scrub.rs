//! Removes from a report what belongs to nobody else: projects, accounts, ids, keys and long data.

/// A run of so many letters of base64 is data.
const DATA: usize = 60;

/// A number of so many digits is an id. Sizes in bytes have fewer.
const ID: usize = 9;

const MARK: &str = "…";

/// The text without ids of projects and accounts, addresses of mail, keys and data.
pub(super) fn without_ids(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_@.+".contains(letter);
    let mut before = String::new();
    while let Some(first) = rest.chars().next() {
        if !is_part(first) {
            clean.push(first);
            before.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        clean.push_str(&word_without_ids(word, &before));
        before = word.to_ascii_lowercase();
        rest = behind;
    }
    clean
}

/// A word, with what stands before it: the last word, and the signs between.
fn word_without_ids(word: &str, before: &str) -> String {
    let names_id = |name: &str| {
        ["/", "=", ":", "'", "\"", " '", ": ", ":'", "=\""]
            .iter()
            .any(|sign| before.ends_with(&format!("{name}{sign}")))
    };
    let owners =
        ["project", "projects", "project_number", "project_id", "consumer", "account", "accounts", "user"];
    let has_digit = word.bytes().any(|letter| letter.is_ascii_digit());
    let is_named = owners.iter().any(|name| names_id(name))
        || (has_digit && owners.iter().any(|name| before == format!("{name} ")));
    let is_mail = word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    let is_key = word.starts_with("AIza") && word.len() > 20 || word.starts_with("ya29.");
    let is_data = word.len() >= DATA;
    if (is_named && !owners.contains(&word)) || is_mail || is_key || is_data {
        // The full stop of a sentence stays.
        let end = if word.ends_with('.') { "." } else { "" };
        return format!("{MARK}{end}");
    }
    let mut clean = String::with_capacity(word.len());
    let mut digits = String::new();
    let flush = |digits: &mut String, clean: &mut String| {
        clean.push_str(if digits.len() >= ID { MARK } else { digits });
        digits.clear();
    };
    for letter in word.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
        } else {
            flush(&mut digits, &mut clean);
            clean.push(letter);
        }
    }
    flush(&mut digits, &mut clean);
    clean
}

/// The text in one line, of at most this many letters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most).chain(MARK.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_and_the_words_stay() {
        let key = format!("AIza{}", "x".repeat(35));
        let data = "iVBORw0KGgo".repeat(10);
        for (text, clean) in [
            ("Quota exceeded for projects/my-project-7/locations", "Quota exceeded for projects/…/locations"),
            ("consumer 'project_number:123456789012'.", "consumer 'project_number:…'."),
            ("used in project 123456789012 before", "used in project … before"),
            ("used in project my-project-7. Go", "used in project …. Go"),
            ("the project that is billed", "the project that is billed"),
            (
                "visit https://a.example/overview?project=my-own now",
                "visit https://a.example/overview?project=… now",
            ),
            ("ask me.too@example.com today", "ask … today"),
            (&format!("the key {key} is"), "the key … is"),
            (&format!("data \"{data}\" is"), "data \"…\" is"),
            ("the limit: 20971520 bytes.", "the limit: 20971520 bytes."),
            (
                "Invalid value at 'generation_config.image_size' (512), gemini-3.1-flash-image",
                "Invalid value at 'generation_config.image_size' (512), gemini-3.1-flash-image",
            ),
        ] {
            assert_eq!(without_ids(text), clean);
        }
        assert_eq!(cut("a\n b  c", 9), "a b c");
        assert_eq!(cut("abcdef", 3), "abc…");
    }
}
