//! Estimates the memory of parsed JSON. Small values take up to fifty times the memory of their text, so limits count
//! memory and not text.

use std::mem::size_of;

use serde_json::{Map, Value};

/// The size of a value without its heap memory.
pub const VALUE: usize = size_of::<Value>();

/// The heap memory of a non-empty map: its table, and room for the first members.
pub const MAP: usize = 512;

/// The memory of a member of a map, without the text of its name and the heap memory of its value.
pub const MEMBER: usize = VALUE + 48;

/// The overhead of an allocation.
const ALLOCATION: usize = 16;

/// The memory of a value, with its heap memory.
pub fn of(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.capacity() + ALLOCATION,
            Value::Array(list) => {
                let spare = list.capacity().saturating_sub(list.len()) * VALUE;
                spare + ALLOCATION + list.iter().map(of).sum::<usize>()
            }
            Value::Object(map) => of_map(map),
            _ => 0,
        }
}

/// The heap memory of a map.
pub fn of_map(map: &Map<String, Value>) -> usize {
    if map.is_empty() {
        return 0;
    }
    let member = |(name, value): (&String, &Value)| name.capacity() + ALLOCATION + MEMBER - VALUE + of(value);
    MAP + map.iter().map(member).sum::<usize>()
}

/// The maximum memory of a JSON text after parsing. Invalid JSON is counted in the same way.
pub fn of_text(text: &[u8]) -> usize {
    let (mut total, mut rest) = (VALUE, text);
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b',' | b'[' | b'{' | b':')) {
        let byte = rest.get(at).copied().unwrap_or_default();
        rest = rest.get(at + 1..).unwrap_or_default();
        total += match byte {
            // A growing list doubles its capacity.
            b',' => 2 * VALUE,
            b'[' => VALUE + 4 * VALUE + ALLOCATION,
            b'{' => VALUE + MAP,
            b':' => MEMBER,
            _ => {
                let len = end_of_string(rest);
                rest = rest.get(len..).unwrap_or_default();
                len + ALLOCATION
            }
        };
    }
    total
}

/// The offset behind the closing quote.
fn end_of_string(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += next + 1;
        match text.get(at - 1) {
            Some(b'\\') => at += 1,
            _ => return at,
        }
    }
    text.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_at_least_what_its_value_takes_and_not_many_times_as_much() {
        let lists = format!("[{}1]", "1,".repeat(10_000));
        let maps = format!("[{}1]", "{\"a\":{}},".repeat(1000));
        let words = format!("[{}1]", "\"a\\\"word\",".repeat(1000));
        let long = format!("{{\"a\":\"{}\"}}", "a,[{:".repeat(10_000));
        for text in [lists, maps, words, long] {
            let (parsed, told) = (of(&serde_json::from_str(&text).unwrap()), of_text(text.as_bytes()));
            assert!(
                told >= parsed * 9 / 10 && told <= parsed * 5 / 2,
                "{parsed} {told}: {}",
                text.get(..20).unwrap()
            );
        }
        assert_eq!(end_of_string(br#"a\"b\\",1"#), 7);
    }
}
