#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use serde_json::{Value, json};

/// Feeds `bytes` in pieces of at most `piece` and gives what came, and the error it ended with.
fn split_with(limits: Limits, bytes: &[u8], piece: usize) -> (Vec<Cut>, Option<Error>) {
    let mut splitter = Splitter::new(limits, None);
    let mut cuts = Vec::new();
    for mut part in bytes.chunks(piece) {
        while !part.is_empty() {
            match splitter.feed(part) {
                Ok(eaten) => part = &part[eaten..],
                Err(error) => {
                    let again = splitter.feed(b"x").unwrap_err();
                    assert_eq!(again.message(), error.message());
                    assert_eq!(splitter.finish().unwrap_err().message(), error.message());
                    return (cuts, Some(error));
                }
            }
            cuts.extend(splitter.take());
        }
    }
    match splitter.finish() {
        Ok(last) => {
            cuts.extend(last);
            (cuts, None)
        }
        Err(error) => (cuts, Some(error)),
    }
}

/// Does so whole, in threes and byte by byte, and sees that it makes no difference.
fn split(text: impl AsRef<[u8]>) -> (Vec<Cut>, Option<String>) {
    split_under(Limits::default(), text)
}

fn split_under(limits: Limits, text: impl AsRef<[u8]>) -> (Vec<Cut>, Option<String>) {
    let told = |piece| {
        let (cuts, error) = split_with(limits.clone(), text.as_ref(), piece);
        if let Some(error) = &error {
            assert_eq!(error.kind(), Kind::ResponseError);
        }
        (cuts, error.map(|error| error.message().to_string()))
    };
    let whole = told(usize::MAX);
    assert_eq!(told(1), whole);
    assert_eq!(told(3), whole);
    whole
}

fn one(text: impl AsRef<[u8]>) -> Cut {
    let (mut cuts, error) = split(&text);
    assert_eq!(error, None);
    assert_eq!(cuts.len(), 1);
    // Reading past damage makes no difference where there is none.
    let mut lenient = Splitter::lenient(Limits::default(), None);
    let (mut rest, mut read) = (text.as_ref(), Vec::new());
    while !rest.is_empty() {
        rest = &rest[lenient.feed(rest).unwrap()..];
        read.extend(lenient.take());
    }
    read.extend(lenient.end());
    assert_eq!(read, cuts);
    cuts.remove(0)
}

fn error(text: impl AsRef<[u8]>) -> String {
    split(text).1.expect("an error")
}

/// A reply whose only picture has this for its base64 string.
fn reply(base64: &str) -> String {
    format!(r#"{{"inlineData": {{"data": "{base64}"}}}}"#)
}

fn picture(base64: &str) -> Vec<u8> {
    let cut = one(reply(base64));
    assert_eq!(cut.text, r#"{"inlineData": {"data": 0}}"#);
    assert_eq!(cut.pictures.len(), 1);
    cut.pictures[0].to_vec()
}

#[test]
fn pictures_leave_holes_and_the_rest_stays_byte_for_byte() {
    let cut = one(concat!(
        r#" {"a" : 1.50e+3, "parts":[{"inlineData":{"data":"QUJD","mimeType":"image/png"},"thought":true},"#,
        "\n\t",
        r#"{"text":"caf\u00e9 é 👍","inline_data":{"mime_type":"x","data":"REVG"},"thoughtSignature":"QUJD"}]} "#,
    ));
    assert_eq!(
        cut.text,
        concat!(
            r#"{"a" : 1.50e+3, "parts":[{"inlineData":{"data":0,"mimeType":"image/png"},"thought":true},"#,
            "\n\t",
            r#"{"text":"caf\u00e9 é 👍","inline_data":{"mime_type":"x","data":1},"thoughtSignature":"QUJD"}]}"#,
        )
    );
    assert_eq!(cut.pictures, ["ABC", "DEF"]);
    assert_eq!(cut.value().unwrap()["parts"][1]["inline_data"]["data"], json!(1));
}

#[test]
fn keys_are_compared_unescaped_and_only_the_right_path_counts() {
    let cut = one(r#"{"inline\u0044ata":{"d\u0061ta":"QUJD"},"\u0069nline_data":{"data":"REVG"}}"#);
    assert_eq!(cut.pictures, ["ABC", "DEF"]);
    for no_picture in [
        r#"{"data":"QUJD"}"#,
        r#"{"inlineData":"QUJD"}"#,
        r#"{"inlineData":[{"data":"QUJD"}]}"#,
        r#"{"inlineData":{"x":{"data":"QUJD"}}}"#,
        r#"{"inlineData":{"data":["QUJD"]}}"#,
        r#"{"inlineData":{"data":{"data":"QUJD"}}}"#,
        r#"{"inlineData":{"data":null}}"#,
        r#"{"inlineData":{"data":7}}"#,
        r#"{"InlineData":{"data":"QUJD"}}"#,
        r#"{"inlineData":{"Data":"QUJD"}}"#,
        r#"{"x":{"y":"inlineData"},"inlineData":{"mimeType":"data"}}"#,
    ] {
        assert_eq!(one(no_picture), Cut { text: no_picture.to_owned(), pictures: vec![] });
    }
    assert_eq!(one(r#"{"inlineData":{"x":{"inlineData":{"data":"QUJD"}}}}"#).pictures, ["ABC"]);
}

#[test]
fn base64_is_read_with_both_alphabets_escapes_white_space_and_any_padding() {
    assert_eq!(picture(""), b"");
    assert_eq!(picture("QUJD"), b"ABC");
    for same in ["QUI=", "QUI", r"QUI\u003d", r"QUI\u003D ", r"Q\nUI=\r\n", "Q U I", r"\u0051UI=", r"Q\tUI"] {
        assert_eq!(picture(same), b"AB", "{same}");
    }
    for same in ["QQ==", "QQ", "QQ=", r"Q\r\nQ=\n="] {
        assert_eq!(picture(same), b"A", "{same}");
    }
    for same in ["++//", "--__", r"+-\/_", r"\u002b\u002B\u002f\/"] {
        assert_eq!(picture(same), [0xfb, 0xef, 0xff], "{same}");
    }
}

#[test]
fn long_pictures_come_whole_however_they_are_written() {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let bytes: Vec<u8> =
        (0..100_001_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    let standard = STANDARD.encode(&bytes);
    let lines = standard.as_bytes().chunks(75).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>();
    let mixed = standard.replacen('+', "-", 1000);
    for text in [
        standard.clone(),
        URL_SAFE_NO_PAD.encode(&bytes),
        lines.join("\\n"),
        lines.join(" "),
        mixed,
        standard.replace('/', "\\/"),
        format!("QUJD\\n{standard}").replacen("QUJD", "", 1),
    ] {
        for piece in [1_000, 65_536, 7, usize::MAX] {
            let (cuts, error) = split_with(Limits::default(), reply(&text).as_bytes(), piece);
            assert!(error.is_none());
            assert!(cuts[0].pictures[0] == bytes);
        }
    }
}

#[test]
fn bad_base64_is_refused_where_it_stands() {
    let at = r#"{"inlineData": {"data": ""#.len();
    for (bad, index) in [
        ("QUJ?D", 3),
        ("Q", 1),
        ("QUJDQ", 5),
        ("=", 0),
        ("Q=", 1),
        ("QUJD=", 4),
        ("QUI==", 4),
        ("QQ===", 4),
        ("QUI=Q", 4),
        ("QQ==QUJD", 4),
        ("QUJé", 3),
        (r"QU\b", 3),
        (r#"QU\""#, 3),
        (r"QU\\", 3),
        (r"QU\u0100", 7),
        (r"QU\ud83d", 7),
    ] {
        // A bad byte tells its place, a bad ending that of the closing quote.
        let told = format!("the reply is damaged: bad base64 in picture 0 at byte {}", at + index);
        assert_eq!(error(reply(bad)), told, "{bad}");
    }
    for control in ["QU\nI", "\0", "QU\t="] {
        assert!(error(reply(control)).ends_with("is a control character inside a string"));
    }
    let second = format!("[{},{}]", reply("QUJD"), reply("!"));
    assert!(error(second).contains("picture 1 "));
    let far = format!("{}{}", "QUJD".repeat(10_000), "Q.JD".repeat(20));
    assert!(error(reply(&far)).ends_with(&format!("at byte {}", at + 40_001)));
}

#[test]
fn the_last_of_duplicate_keys_wins_and_frees_the_first() {
    let cut = one(r#"{"inlineData":{"data":"QUJD","d\u0061ta":"REVG"}}"#);
    assert_eq!(cut.text, r#"{"inlineData":{"data":0,"d\u0061ta":1}}"#);
    assert_eq!(cut.pictures, ["", "DEF"]);
    assert_eq!(one(r#"{"inlineData":{"data":"QUJD","data":null}}"#).pictures, [""]);
    assert_eq!(one(r#"{"inlineData":{"data":"QUJD"},"inlineData":5,"b":1}"#).pictures, [""]);
    let cut = one(r#"{"parts":[{"inlineData":{"data":"QUJD"}},{"inlineData":{"data":"REVG"}}],
        "b":{"inline_data":{"data":"R0hJ"}},"parts":[{"inlineData":{"data":"SktM"}}]}"#);
    assert_eq!(cut.pictures, ["", "", "GHI", "JKL"]);
    // The same key in another object is no duplicate.
    assert_eq!(
        one(r#"[[{"inlineData":{"data":"QUJD"}},{"inlineData":{"data":"REVG"}}]]"#).pictures,
        ["ABC", "DEF"]
    );
    assert_eq!(
        one(r#"{"inlineData":{"data":"QUJD"},"inline_data":{"data":"REVG"}}"#).pictures,
        ["ABC", "DEF"]
    );
}

#[test]
fn values_come_one_by_one() {
    let texts = |text: &str| {
        let (cuts, error) = split(text);
        assert_eq!(error, None, "{text}");
        cuts.into_iter().map(|cut| cut.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(""), [""; 0]);
    assert_eq!(texts(" \r\n "), [""; 0]);
    assert_eq!(texts("[]"), [""; 0]);
    assert_eq!(texts("{}\n\n {\"a\":1}{}"), ["{}", "{\"a\":1}", "{}"]);
    assert_eq!(
        texts("[ {} ,\n[1, 2],\"x\",-0.5 , null ]\n[7]8 9"),
        ["{}", "[1, 2]", "\"x\"", "-0.5", "null", "7", "8", "9"]
    );
    assert_eq!(texts("\u{feff}{}"), ["{}"]);
    assert_eq!(texts("true"), ["true"]);
    assert_eq!(texts("12"), ["12"]);
    // A picture's index counts within its own value.
    let (cuts, _) = split(format!("[{},{}]", reply("QUJD"), reply("REVG")));
    assert_eq!(cuts[1].text, cuts[0].text);
    assert_eq!(cuts[1].pictures, ["DEF"]);
}

#[test]
fn feed_stops_after_a_value_and_waits_until_it_is_taken() {
    let mut splitter = Splitter::new(Limits::default(), None);
    assert_eq!(splitter.feed(b"{} {}").unwrap(), 2);
    assert_eq!(splitter.feed(b" {}").unwrap(), 0);
    assert_eq!(splitter.take().unwrap().text, "{}");
    assert_eq!(splitter.feed(b" {}").unwrap(), 3);
    assert_eq!(splitter.finish().unwrap().unwrap().text, "{}");
    let mut number = Splitter::new(Limits::default(), None);
    assert_eq!(number.feed(b"12").unwrap(), 2);
    assert_eq!(number.feed(b"3 ").unwrap(), 1);
    assert_eq!(number.take().unwrap().text, "123");
}

#[test]
fn what_stands_between_values_can_be_skipped_and_counts() {
    let mut splitter = Splitter::new(Limits { total: 20, ..Limits::default() }, None);
    assert!(splitter.is_between());
    splitter.skip(6).unwrap();
    // It stops behind an array, for the rest of the line may not be JSON.
    assert_eq!(splitter.feed(b"[] x").unwrap(), 2);
    assert!(splitter.is_between() && !splitter.has_value());
    assert_eq!(splitter.feed(b"12").unwrap(), 2);
    assert!(!splitter.is_between());
    splitter.end_here("an event").unwrap();
    assert!(splitter.is_between() && splitter.has_value());
    assert_eq!(splitter.take().unwrap().text, "12");
    splitter.feed(b"[12").unwrap();
    let told = "the reply is damaged: an event ends in the middle of its JSON at byte 13";
    assert_eq!(splitter.end_here("an event").unwrap_err().message(), told);
    assert_eq!(splitter.skip(1).unwrap_err().message(), told);
    assert!(splitter.take().is_none());
    let mut splitter = Splitter::new(Limits { total: 20, ..Limits::default() }, None);
    splitter.skip(20).unwrap();
    assert!(splitter.skip(1).unwrap_err().message().ends_with("passes the limit of 20 bytes in all"));
    assert!(splitter.finish().is_err());
}

#[test]
fn what_is_cut_off_says_where() {
    assert_eq!(error("{\"a\""), "the reply was cut off in the middle of its JSON after 4 bytes");
    let within = &reply("QUJD")[..27];
    assert_eq!(error(within), "the reply was cut off in the middle of picture 0 after 27 bytes");
    let mut splitter = Splitter::new(Limits::default(), Some(1000));
    splitter.feed(within.as_bytes()).unwrap();
    let told = splitter.finish().unwrap_err();
    assert_eq!(told.message(), "the reply was cut off in the middle of picture 0 after 27 of 1000 bytes");
    for unfinished in [
        "[",
        "[{}",
        "[{},",
        "[1",
        "tru",
        "-",
        "1.",
        "1e",
        "\"",
        "\"\\",
        "\"\\u00",
        "\u{feff}[",
        "{\"a\":1",
        "{",
    ] {
        assert!(error(unfinished).contains("cut off"), "{unfinished}");
    }
    assert!(error(b"\xef\xbb").contains("cut off"));
    assert!(error(r#"{"inlineData":{"data":"QUJD\u00"#).contains("picture 0"));
}

#[test]
fn what_is_no_json_says_at_which_byte() {
    for (text, told) in [
        ("<html>", "byte 0 should be the start of a value"),
        ("{\"a\":}", "byte 5 should be the start of a value"),
        ("[1,]", "byte 3 should be the start of a value"),
        ("]", "byte 0 should be the start of a value"),
        ("[,]", "byte 1 should be the start of a value"),
        ("{,}", "byte 1 should be a key in quotes or }"),
        ("{\"a\":1,}", "byte 7 should be a key in quotes"),
        ("{a:1}", "byte 1 should be a key in quotes or }"),
        ("{\"a\" 1}", "byte 5 should be a colon"),
        ("{\"a\":1 \"b\"}", "byte 7 should be a comma or }"),
        ("{\"a\":1]", "byte 6 should be a comma or }"),
        ("[1 2]", "byte 3 should be a comma or ]"),
        ("[[1}]", "byte 3 should be a comma or ]"),
        ("nul1", "byte 3 does not belong to true, false or null"),
        ("nulls", "byte 4 does not belong to true, false or null"),
        ("01", "byte 1 does not belong to a number"),
        ("1.e5", "byte 2 does not belong to a number"),
        ("-a", "byte 1 does not belong to a number"),
        ("1e+}", "byte 3 does not belong to a number"),
        ("+1", "byte 0 should be the start of a value"),
        (".5", "byte 0 should be the start of a value"),
        ("NaN", "byte 0 should be the start of a value"),
        ("\"a\nb\"", "byte 2 is a control character inside a string"),
        ("\"\\x\"", "byte 2 does not belong to an escape that JSON knows"),
        ("\"\\u00g0\"", "byte 5 should be a hexadecimal digit"),
        ("\"\\udc00\"", "byte 6 leaves half a surrogate pair, which is no character"),
        ("\"\\ud800x\"", "byte 7 leaves half a surrogate pair, which is no character"),
        ("\"\\ud800\\n\"", "byte 8 leaves half a surrogate pair, which is no character"),
        ("\"\\ud800\\u0041\"", "byte 12 leaves half a surrogate pair, which is no character"),
        ("{} x", "byte 3 should be the start of a value"),
        ("{}\u{feff}", "byte 2 should be the start of a value"),
        ("'a'", "byte 0 should be the start of a value"),
    ] {
        assert_eq!(error(text), format!("the reply is not JSON: {told}"), "{text}");
    }
    assert_eq!(error(b"{\"a\":\"b\xff\"}"), "the reply is not JSON: byte 7 is not UTF-8");
    assert_eq!(error(b"{\"\xc3\\n\":1}"), "the reply is not JSON: byte 2 is not UTF-8");
    assert_eq!(error(b"\xef\xbb{"), "the reply is not JSON: byte 2 should be the start of a value");
}

#[test]
fn every_escape_and_every_pair_of_surrogates_is_kept_as_it_is() {
    for text in
        [r#""\"\\\/\b\f\n\r\t""#, r#""\ud800\udc00 \uDBFF\uDFFF \uffff\u0000""#, "\"\u{7f}\u{80}\u{10ffff}\""]
    {
        assert_eq!(one(text).text, text);
        one(text).value().unwrap();
    }
}

#[test]
fn values_before_a_mistake_are_kept() {
    let (cuts, told) = split(format!("[{}, 1, }}", reply("QUJD")));
    assert_eq!(cuts.len(), 2);
    assert_eq!(cuts[0].pictures, ["ABC"]);
    assert!(told.unwrap().contains("not JSON"));
}

#[test]
fn no_message_holds_what_the_reply_says() {
    for text in
        [r#"{"SECRET" "SECRET"}"#, r#"{"inlineData":{"data":"SECRET!SECRET"}}"#, "SECRET", r#"["SECRET"#]
    {
        let (_, told) = split_with(Limits::default(), text.as_bytes(), 1000);
        let told = told.unwrap();
        assert!(!format!("{told} {told:?}").contains("SECRET"), "{told:?}");
    }
}

#[test]
fn nesting_of_100_passes_and_of_200_000_is_an_error_at_once() {
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    one(nested(100)).value().unwrap();
    let told = "the reply was refused: it passes the limit of 100 levels of nesting";
    assert_eq!(error(nested(101)), told);
    assert_eq!(error("[".repeat(200_000)), told);
    assert_eq!(error(r#"{"a":"#.repeat(200_000)), told);
    assert_eq!(split(format!("{}{}", "[".repeat(100), "]".repeat(100))).1, None);
    assert_eq!(error("[".repeat(101)), told);
}

#[test]
fn every_limit_is_named_by_the_error_of_what_passes_it() {
    let limits = || Limits { text: 64, picture: 6, pictures: 2, total: 200, ..Limits::default() };
    let under = |text: &str| split_under(limits(), text);
    let refused = |limit: &str| Some(format!("the reply was refused: it passes the limit of {limit}"));

    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    assert_eq!(under(&text(64)).1, None);
    assert_eq!(under(&text(65)).1, refused("64 bytes of JSON text"));
    // The limit is one of the whole reply.
    assert_eq!(under(&format!("[{},{}]", text(32), text(32))).1, None);
    let (cuts, told) = under(&format!("[{},{}]", text(32), text(33)));
    assert_eq!((cuts.len(), told), (1, refused("64 bytes of JSON text")));

    assert_eq!(under(&reply("QUJDREVG")).1, None);
    assert_eq!(under(&reply("QUJDREVGQQ")).1, refused("6 bytes for one picture"));
    assert_eq!(under(&reply("QUJDREVGQUJD")).1, refused("6 bytes for one picture"));
    assert_eq!(under(&reply("QUJDREVG!")).1.map(|told| told.contains("bad base64")), Some(true));

    let pictures = |count: usize| format!("[{}]", vec![r#"{"inlineData":{"data":""}}"#; count].join(","));
    let roomy = |count: usize| split_under(Limits { pictures: 2, ..Limits::default() }, pictures(count));
    assert_eq!(roomy(2).1, None);
    assert_eq!(roomy(3).1, refused("2 pictures"));

    assert_eq!(under(&format!("{{}}{}", " ".repeat(198))).1, None);
    assert_eq!(under(&format!("{{}}{}", " ".repeat(199))).1, refused("200 bytes in all"));

    let defaults = Limits::default();
    assert_eq!((defaults.depth, defaults.pictures), (100, 32));
    assert_eq!((size(defaults.text), size(defaults.picture as u64)), ("16 MiB".into(), "256 MiB".into()));
    assert_eq!(size(defaults.total), "1 GiB");
    assert_eq!(roomy(2).0[0].value().unwrap(), json!({"inlineData": {"data": 0}}));
}

#[test]
fn a_false_length_does_no_harm() {
    for expected in [0, 1, u64::MAX] {
        let mut splitter = Splitter::new(Limits { picture: 1 << 20, ..Limits::default() }, Some(expected));
        let (start, end) = (r#"{"inlineData":{"data":""#, r#""}}"#);
        splitter.feed(start.as_bytes()).unwrap();
        for _ in 0..1000 {
            splitter.feed("QUJD".repeat(25).as_bytes()).unwrap();
        }
        splitter.feed(end.as_bytes()).unwrap();
        let cut = splitter.take().unwrap();
        assert_eq!(cut.pictures[0], "ABC".repeat(25_000));
        assert_eq!(cut.value().unwrap()["inlineData"]["data"], Value::from(0));
    }
}

#[test]
fn small_values_are_bounded_by_the_memory_that_they_take() {
    let under = |text: &str| split_under(Limits { values: 1 << 20, ..Limits::default() }, text);
    let refused = "the reply was refused: it passes the limit of 1 MiB of memory for small values";
    for small in ["1,", "[],", "{\"a\":1},", "\"\",", "{\"a\":{\"b\":[]}},"] {
        let many = format!("{{\"a\":[{}1]}}", small.repeat(1 << 14));
        assert_eq!(under(&many).1.as_deref(), Some(refused), "{small}");
        let few = format!("{{\"a\":[{}1]}}", small.repeat(500));
        assert_eq!(under(&few).1, None, "{small}");
    }
    // What one value of a stream takes is free again for the next one.
    let events = format!("[{}1]", format!("[{}1],", "1,".repeat(1000)).repeat(100));
    assert_eq!(under(&events).0.len(), 101);
    let long = format!("{{\"a\":\"{}\"}}", "1,".repeat(1 << 18));
    assert_eq!(under(&long).1, None);
}
