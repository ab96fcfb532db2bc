//! JSON text as the service's own reader takes it.
//!
//! Beyond the standard it takes quotes of either kind, names without quotes, a comma behind the last item, line breaks
//! within texts, and a backslash before any letter. It takes no comments.

use serde_json::{Map, Number, Value};

/// How deep values may be nested.
const DEEPEST: usize = 100;

/// The value of a text; empty text is an empty message. Or what is wrong, without anything that stands in it.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    // Standard JSON, which is most of it, is read by the faster way.
    serde_json::from_slice(bytes).or_else(|_| {
        let text = std::str::from_utf8(bytes).map_err(|_| "It is not valid UTF-8.".to_owned())?;
        Reader { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, depth: 0 }.whole()
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn whole(mut self) -> Result<Value, String> {
        let value = self.value()?;
        match self.next() {
            None => Ok(value),
            Some(_) => Err(self.wrong("Nothing was expected behind the value.")),
        }
    }

    fn wrong(&self, problem: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{problem} At line {line}, column {column}.")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no space, without taking it.
    fn next(&mut self) -> Option<u8> {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || byte == b'\x0b') {
            self.at += 1;
        }
        self.peek()
    }

    /// Takes this byte if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.next() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next() {
            None => Err(self.wrong("Unexpected end of string. Expected a value.")),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(quote @ (b'"' | b'\'')) => Ok(Value::String(self.string(quote)?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let word = self.name();
                let value = match word.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    _ => {
                        self.at -= word.len();
                        return Err(self.wrong("Unexpected token."));
                    }
                };
                Ok(value)
            }
        }
    }

    fn nested(&mut self, read: impl Fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        if self.depth >= DEEPEST {
            return Err(self.wrong("Message too deep."));
        }
        self.at += 1;
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        while !self.takes(b']') {
            items.push(self.value()?);
            if !self.takes(b',') && self.next() != Some(b']') {
                return Err(self.wrong("Expected , or ] after array value."));
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut members = Map::new();
        while !self.takes(b'}') {
            let name = match self.next() {
                Some(quote @ (b'"' | b'\'')) => self.string(quote)?,
                _ => {
                    let name = self.name();
                    if matches!(name.as_str(), "" | "true" | "false" | "null") {
                        self.at -= name.len();
                        return Err(self.wrong("Expected an object key or }."));
                    }
                    name
                }
            };
            if !self.takes(b':') {
                return Err(self.wrong("Expected : between key:value pair."));
            }
            let value = self.value()?;
            members.insert(name, value);
            if !self.takes(b',') && self.next() != Some(b'}') {
                return Err(self.wrong("Expected , or } after key:value pair."));
            }
        }
        Ok(Value::Object(members))
    }

    /// A word without quotes; empty if none begins here.
    fn name(&mut self) -> String {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
        let end = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return String::new();
        }
        self.at += end;
        word.to_owned()
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+' | '.');
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let is_padded = matches!(digits, [b'0', b'0'..=b'9' | b'x' | b'X', ..]);
        let is_plain = digits.first().is_some_and(u8::is_ascii_digit)
            && digits.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
        if is_padded || !is_plain {
            return Err(self.wrong("Unable to parse number."));
        }
        let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
        let number = whole.ok().or_else(|| text.parse().ok().and_then(Number::from_f64));
        let number = number.ok_or_else(|| self.wrong("Unable to parse number."))?;
        self.at += end;
        Ok(Value::Number(number))
    }

    fn string(&mut self, quote: u8) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(end) = memchr::memchr2(quote, b'\\', rest.as_bytes()) else {
                return Err(self.wrong("Closing quote expected in string."));
            };
            out.push_str(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if rest.as_bytes().get(end) == Some(&quote) {
                return Ok(out);
            }
            let escaped = rest.get(end + 1..).and_then(|rest| rest.chars().next());
            let escaped = escaped.ok_or_else(|| self.wrong("Closing quote expected in string."))?;
            self.at += escaped.len_utf8();
            out.push(match escaped {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                'u' => self.escape()?,
                // Others stand for themselves.
                other => other,
            });
        }
    }

    /// The character of a `\uXXXX` escape, or of a surrogate pair of two.
    fn escape(&mut self) -> Result<char, String> {
        let high = self.four().ok_or_else(|| self.wrong("Invalid escape sequence."))?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.wrong("Invalid low surrogate."));
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let low = rest.strip_prefix("\\u").and_then(|_| {
            self.at += 2;
            self.four()
        });
        let low = low.filter(|low| (0xDC00..0xE000).contains(low));
        low.and_then(|low| char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)))
            .ok_or_else(|| self.wrong("Missing low surrogate."))
    }

    fn four(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        self.at += 4;
        Some(number)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_samples_and_shells_write_is_read() {
        for (text, wanted) in [
            ("", json!({})),
            (" \n", json!({})),
            (
                "{'file': {'display_name': 'it\\'s \"TEXT\"'}}",
                json!({"file": {"display_name": "it's \"TEXT\""}}),
            ),
            ("[1, 2.5, -3e2, 4.,]", json!([1, 2.5, -300.0, 4.0])),
            ("{\"a\": [{\"b\": 'c',},],}", json!({"a": [{"b": "c"}]})),
            ("{a: 1, _b2: {}, $c: []}", json!({"a": 1, "_b2": {}, "$c": []})),
            ("{\"a\": \"two\nlines\tand \\a \\/ \\v\"}", json!({"a": "two\nlines\tand a / \u{b}"})),
            ("\u{feff}{\"a\": true}", json!({"a": true})),
            ("{'a': '\\u00e9\\ud83c\\udf4c', 'b': null}", json!({"a": "é🍌", "b": null})),
            ("{'': 18446744073709551615}", json!({"": 18446744073709551615_u64})),
            ("{'true': '🍌',}", json!({"true": "🍌"})),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_to_the_service_either_is_refused_at_its_place() {
        for (text, says) in [
            ("{\"contents\": [", "Unexpected end of string. Expected a value. At line 1, column 15."),
            ("{'a': 1} // why", "Nothing was expected behind the value. At line 1, column 10."),
            ("{/* why */ 'a': 1}", "Expected an object key or }. At line 1, column 2."),
            ("{'a': [1,\n 2 3]}", "Expected , or ] after array value. At line 2, column 4."),
            ("{'a': [,]}", "Unexpected token."),
            ("{,}", "Expected an object key"),
            ("{'a' 1}", "Expected : between"),
            ("{'a': 1 'b': 2}", "Expected , or }"),
            ("{true: 1}", "Expected an object key"),
            ("{1: 1}", "Expected an object key"),
            ("{'a': yes}", "Unexpected token. At line 1, column 7."),
            ("{'a': NaN}", "Unexpected token."),
            ("{'a': 007}", "Unable to parse number."),
            ("{'a': 0x1f}", "Unable to parse number."),
            ("{'a': 1-2}", "Unable to parse number."),
            ("{'a': '\\u12g4'}", "Invalid escape sequence."),
            ("{'a': '\\ud83c'}", "Missing low surrogate."),
            ("{'a': '\\udf4c'}", "Invalid low surrogate."),
            ("{'a': 'b}", "Closing quote expected"),
            ("{'a': 'b\\", "Closing quote expected"),
            ("🍌", "Unexpected token."),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err();
            assert!(problem.contains(says), "{text}: {problem}");
        }
        assert!(parse(b"{'a': '\xff'}").unwrap_err().contains("UTF-8"));
        let deep = |count: usize| format!("{}1,{}", "[".repeat(count), "]".repeat(count));
        assert!(parse(deep(100).as_bytes()).is_ok());
        assert!(parse(deep(101).as_bytes()).unwrap_err().contains("too deep"));
        assert!(parse(deep(1_000_000).as_bytes()).is_err());
    }
}
