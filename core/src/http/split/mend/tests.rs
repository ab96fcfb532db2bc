#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use serde_json::Value;

/// What a reader gives of these bytes, fed in pieces, and which faults it has read past.
fn read_in(bytes: &[u8], limits: &Limits, piece: usize) -> (Vec<Cut>, [Option<String>; 2]) {
    let mut splitter = Splitter::lenient(limits.clone(), None);
    let mut cuts = Vec::new();
    'all: for mut part in bytes.chunks(piece) {
        while !part.is_empty() {
            match splitter.feed(part) {
                Ok(eaten) => part = &part[eaten..],
                Err(_) => break 'all,
            }
            cuts.extend(splitter.take());
        }
    }
    cuts.extend(splitter.end());
    let Damage { mended, broken } = splitter.damage().clone();
    (cuts, [mended, broken].map(|fault| fault.map(|fault| fault.message().to_string())))
}

fn read(bytes: impl AsRef<[u8]>) -> (Vec<Cut>, [Option<String>; 2]) {
    read_under(&Limits::default(), bytes)
}

fn read_under(limits: &Limits, bytes: impl AsRef<[u8]>) -> (Vec<Cut>, [Option<String>; 2]) {
    let whole = read_in(bytes.as_ref(), limits, usize::MAX);
    for piece in [1, 2, 3, 7] {
        assert_eq!(
            read_in(bytes.as_ref(), limits, piece),
            whole,
            "{}",
            String::from_utf8_lossy(bytes.as_ref())
        );
    }
    for cut in &whole.0 {
        serde_json::from_str::<Value>(&cut.text).unwrap_or_else(|error| panic!("{error}: {}", cut.text));
    }
    whole
}

/// The texts of what is mended, and the fault. Nothing is lost but what stands in it.
fn mended(bytes: impl AsRef<[u8]>) -> String {
    let (cuts, [mended, broken]) = read(bytes);
    assert!(mended.is_some() && broken.is_none(), "{mended:?} {broken:?}");
    cuts.into_iter().map(|cut| cut.text).collect()
}

fn broken(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let (cuts, [_, broken]) = read(bytes);
    assert!(broken.is_some());
    cuts.into_iter().map(|cut| cut.text).collect()
}

#[test]
fn what_is_rescued_at_any_limit_of_text_is_json_and_does_not_depend_on_the_pieces() {
    let values = [
        r#"[12, -0.5e+3, true, false, null, {"k": [], "o": {}}]"#,
        r#""plain text \n é 👍 \u00e9 \ud83d\ude00 end""#,
        r#""\ud83d, \q \u12x and \ude00""#,
        "\"a\u{1}b \t\"",
        r#"[-, tru, nul0, 1.e, ,, 5 6 "x" {"k" 1 "l":2,}]"#,
        r#"{"inlineData": {"data": "QU%+-JD and more"}}"#,
        r#"{"inlineData": {"data": "QU\qJD"}}"#,
        r#"{"inlineData": {"data": "QU\u00e9\u12xJD"}}"#,
        r#"{"inlineData": {"data": "QU"#,
        r#"{"a": [[1, 2}, "b": 3]"#,
    ];
    for value in values {
        let reply = format!(r#"{{"inlineData": {{"data": "QUJD"}}, "key": {value}}}"#);
        for text in 0..=reply.len() as u64 + 8 {
            let limits = Limits { text, ..Limits::default() };
            read_under(&limits, &reply);
            read_under(&limits, [reply.as_bytes(), b"\xc3\xa9\xff"].concat());
        }
    }
    let within_a_letter =
        [br#"{"inlineData": {"data": "QUJD"}, "key": "ab"#.as_slice(), b"\xff\xf0\x9f\xe9\"}"].concat();
    for text in 0..=within_a_letter.len() as u64 {
        read_under(&Limits { text, ..Limits::default() }, &within_a_letter);
    }
}

#[test]
fn a_value_that_was_rescued_does_not_weigh_on_those_after_it() {
    let limits = Limits { values: 4000, ..Limits::default() };
    let mut splitter = Splitter::lenient(limits, None);
    for _ in 0..10 {
        splitter.feed(br#"{"inlineData":{"data":"QUJD"},"x":[1,2,3"#).unwrap();
        splitter.end_here("an event").unwrap();
        assert_eq!(splitter.take().unwrap().pictures.len(), 1);
    }
}

const PICTURE: &str = r#"{"inlineData":{"data":"QUJD"}}"#;
const HOLE: &str = r#"{"inlineData":{"data":0}}"#;

#[test]
fn what_is_as_it_should_be_is_left_alone() {
    for text in [r#"{"a":[1,"\ud83d\ude00",null]}"#, PICTURE, "[1,2]", "", "12"] {
        let (cuts, faults) = read(text);
        assert_eq!(faults, [None, None], "{text}");
        let mut strict = Splitter::new(Limits::default(), None);
        let mut expected = Vec::new();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let eaten = strict.feed(rest).unwrap();
            rest = &rest[eaten..];
            expected.extend(strict.take());
        }
        expected.extend(strict.finish().unwrap());
        assert_eq!(cuts, expected);
    }
}

#[test]
fn a_character_that_is_none_is_replaced() {
    for (odd, right) in [
        (&br#""a\ud83d""#[..], r#""a\ufffd""#),
        (br#""\ud83dx""#, r#""\ufffdx""#),
        (br#""\ud83d\n""#, r#""\ufffd\n""#),
        (br#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
        (br#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
        (br#""\ud83d\ud83d""#, r#""\ufffd\ufffd""#),
        (br#""\ude00\ude00""#, r#""\ufffd\ufffd""#),
        (br#""\u12x""#, r#""\ufffdx""#),
        (br#""\ud83d\u1""#, r#""\ufffd""#),
        (br#""C:\x\q""#, r#""C:\\x\\q""#),
        (b"\"a\nb\x00\"", r#""a\u000ab\u0000""#),
        (b"\"a\xffb\xc3\"", "\"a\u{fffd}b\u{fffd}\""),
        (b"\"\xed\xa0\xbd\"", "\"\u{fffd}\u{fffd}\u{fffd}\""),
    ] {
        assert_eq!(mended(odd), right, "{}", String::from_utf8_lossy(odd));
    }
    assert_eq!(mended(b"{\"k\xff\":1}"), "{\"k\u{fffd}\":1}");
}

#[test]
fn a_word_that_is_no_value_is_null() {
    for word in [
        "NaN",
        "-Infinity",
        "Infinity",
        "undefined",
        "True",
        "None",
        "01",
        "1.e5",
        ".5",
        "+1",
        "0x1F",
        "1.2.3",
        "nulls",
        "-",
        "1e+",
        "'a'",
    ] {
        assert_eq!(mended(format!("{{\"a\":{word},\"b\":[{word}]}}")), r#"{"a":null,"b":[null]}"#, "{word}");
    }
}

#[test]
fn signs_that_are_missing_or_too_many_are_set_right() {
    for (odd, right) in [
        (r#"{"a":1,}"#, r#"{"a":1}"#),
        (r#"{"a":[1,2,]}"#, r#"{"a":[1,2,null]}"#),
        (r#"{"a":1 "b":2}"#, r#"{"a":1 ,"b":2}"#),
        (r#"{"a":[1 2{}]}"#, r#"{"a":[1 ,2,{}]}"#),
        (r#"{"a" 1}"#, r#"{"a" :1}"#),
        (r#"{"a":}"#, r#"{"a":null}"#),
        (r#"{"a":,"b":1}"#, r#"{"a":null,"b":1}"#),
        (r#"{"a":[,1]}"#, r#"{"a":[null,1]}"#),
        (r#"{"a":[{"b":1]}"#, r#"{"a":[{"b":1}]}"#),
        (r#"{"a":[1}"#, r#"{"a":[1]}"#),
        (r#"{"a":1]}"#, r#"{"a":1}"#),
        (r#"{"a"::1}"#, r#"{"a":1}"#),
    ] {
        assert_eq!(broken(odd).concat(), right, "{odd}");
    }
    assert_eq!(broken("{} x {\"a\":1}"), ["{}", "{\"a\":1}"]);
    assert_eq!(broken(")]}',\n{\"a\":1}"), ["{\"a\":1}"]);
}

#[test]
fn a_value_that_breaks_off_is_closed_for_the_sake_of_its_picture() {
    let whole = format!(
        r#"{{"parts":[{PICTURE},{{"text":"a\\\ud83d\ude00","n":-1.5e3,"t":true,"l":[1,{{}}]}}],"b":2}}"#
    );
    let start = whole.find("}}").unwrap();
    for end in start..whole.len() {
        let (cuts, [_, fault]) = read(&whole[..end]);
        assert_eq!(cuts.len(), 1, "{}", &whole[..end]);
        assert_eq!(cuts[0].pictures, ["ABC"]);
        assert!(cuts[0].text.starts_with(r#"{"parts":[{"inlineData":{"data":0}"#), "{}", cuts[0].text);
        assert!(fault.unwrap().contains("cut off"));
    }
    // Without a picture there is nothing to save.
    assert_eq!(read(r#"{"text":"a"#).0, []);
    let (cuts, _) = read(format!(r#"{{"a":[{PICTURE},{{"inlineData":{{"data":"QUJDREVG"#));
    assert_eq!(
        (cuts[0].text.as_str(), cuts[0].pictures.len()),
        (r#"{"a":[{"inlineData":{"data":0}},{"inlineData":{"data":null}}]}"#, 1)
    );
}

#[test]
fn what_is_no_base64_is_text() {
    for data in [
        "not base64!",
        "Q",
        "QUJD=",
        "=",
        "a.b",
        "QUI=x y",
        "Q-_U.",
        "well-known words, some\\\"",
        "caf\u{e9}",
        "\\\"q\\\"",
    ] {
        let text = format!(r#"{{"inlineData":{{"data":"{data}"}},"b":1}}"#);
        let (cuts, [_, fault]) = read(&text);
        let value: Value = serde_json::from_str(&cuts[0].text).unwrap();
        let said = value["inlineData"]["data"].as_str().unwrap().to_owned();
        assert_eq!(said, data.replace('\\', ""), "{data}");
        assert!(fault.is_some() && value["b"] == 1, "{data}");
    }
    let long = format!(r#"{{"inlineData":{{"data":"{}!\"x"}},"b":{PICTURE}}}"#, "QUJD".repeat(1000));
    let (cuts, _) = read(long);
    assert_eq!(cuts[0].text, format!(r#"{{"inlineData":{{"data":null}},"b":{HOLE}}}"#));
    assert_eq!(cuts[0].pictures, ["ABC"]);
}

#[test]
fn a_limit_is_the_end_and_what_came_before_it_is_kept() {
    let limits = Limits { pictures: 2, picture: 6, depth: 6, ..Limits::default() };
    for rest in [
        format!("{PICTURE},{PICTURE}"),
        r#"{"inlineData":{"data":"QUJDREVGR0hJ"}}"#.to_owned(),
        "[".repeat(20),
    ] {
        let (cuts, [_, fault]) = read_under(&limits, format!("{{\"a\":[{PICTURE},{rest}]}}"));
        assert!(fault.unwrap().contains("passes the limit"));
        assert_eq!(cuts[0].pictures[0], "ABC");
    }
}

use proptest::prelude::*;

proptest! {
    #[test]
    fn damage_of_one_byte_never_costs_a_picture_before_it(
        place in 34usize..120, byte in any::<u8>(), how in 0..3,
    ) {
        let mut bytes = format!(r#"{{"a":[{PICTURE}],"b":[{{"text":"a\n\ud83d\ude00 b"}},{{"c":-1.5,"d":[true,null]}}],"e":"f","g":[1,2,{{}}]}}"#).into_bytes();
        let place = place.min(bytes.len() - 1);
        match how {
            0 => bytes[place] = byte,
            1 => { bytes.remove(place); }
            _ => bytes.insert(place, byte),
        }
        let (cuts, _) = read(&bytes);
        prop_assert!(cuts.iter().any(|cut| cut.pictures.first().is_some_and(|picture| *picture == "ABC")));
    }
}
