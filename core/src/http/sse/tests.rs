#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::error::Kind;

/// Feeds `bytes` in pieces of at most `piece` and gives what came, and the error it ended with.
fn read_with(limits: Limits, bytes: &[u8], piece: usize) -> (Vec<Cut>, Option<String>) {
    let mut sse = Sse::new(limits);
    let mut cuts = Vec::new();
    for mut part in bytes.chunks(piece) {
        while !part.is_empty() {
            match sse.feed(part) {
                Ok(eaten) => part = &part[eaten..],
                Err(error) => {
                    assert_eq!(error.kind(), Kind::ResponseError);
                    assert_eq!(error.field("billed"), Some("unknown".into()));
                    assert_eq!(sse.feed(b"\ndata: 1\n").unwrap_err().message(), error.message());
                    assert!(sse.take().is_none());
                    assert_eq!(sse.finish().unwrap_err().message(), error.message());
                    return (cuts, Some(error.message().to_string()));
                }
            }
            cuts.extend(sse.take());
        }
    }
    match sse.finish() {
        Ok(last) => {
            cuts.extend(last);
            (cuts, None)
        }
        Err(error) => (cuts, Some(error.message().to_string())),
    }
}

/// Does so whole, in threes and byte by byte, and sees that it makes no difference.
fn read(bytes: impl AsRef<[u8]>) -> (Vec<Cut>, Option<String>) {
    let told = |piece| read_with(Limits::default(), bytes.as_ref(), piece);
    let whole = told(usize::MAX);
    assert_eq!(told(1), whole);
    assert_eq!(told(3), whole);
    whole
}

fn texts(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let (cuts, error) = read(bytes.as_ref());
    assert_eq!(error, None, "{}", String::from_utf8_lossy(bytes.as_ref()));
    cuts.into_iter().map(|cut| cut.text).collect()
}

fn error(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).1.expect("an error")
}

const NONE: [&str; 0] = [];
const FOREIGN: &str = "the reply is not a stream of events";

#[test]
fn the_end_of_a_stream_is_found_behind_damage_in_any_cut() {
    for stream in
        ["data: {}x[DONE]\n\n", "data: {}xy[DONE]\n\ndata: [1]\n\n", "{}x[DONE]{}", "data: x[1]\n\n"]
    {
        let read = |piece: usize| {
            let mut sse = Sse::lenient(Limits::default());
            let mut cuts = Vec::new();
            for mut part in stream.as_bytes().chunks(piece) {
                while !part.is_empty() {
                    part = &part[sse.feed(part).unwrap()..];
                    cuts.extend(sse.take());
                }
            }
            cuts.extend(sse.end());
            cuts
        };
        let whole = read(stream.len());
        for piece in 1..stream.len() {
            assert_eq!(read(piece), whole, "{stream:?} in pieces of {piece}");
        }
    }
}

#[test]
fn every_event_is_a_value_whatever_ends_its_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let stream = ["data: {\"a\":1}", "", "data: {\"b\":2}", "", ""].join(end);
        assert_eq!(texts(&stream), [r#"{"a":1}"#, r#"{"b":2}"#], "{end:?}");
        // An event is ended by the next one's blank line only; data lines alone are one event.
        assert_eq!(texts(["data: {\"a\":", "data: 1}", ""].join(end)), ["{\"a\":\n1}"], "{end:?}");
    }
    // Mixed, and CR LF is one line end, not a blank line.
    assert_eq!(texts("data: [\r\ndata: 1,\rdata: 2\ndata: ]\r\r\ndata: 3\n\r\n"), ["1", "2", "3"]);
    assert!(error("data: [\r\n\ndata: 1]").contains("an event ends"));
    assert!(error("data: [\n\rdata: 1]").contains("an event ends"));
}

#[test]
fn other_separators_of_unicode_end_no_line() {
    for separator in ["\u{2028}", "\u{2029}", "\u{85}", "\u{7f}"] {
        let text = format!("{{\"a\":\"b{separator}data: c\"}}");
        assert_eq!(texts(format!("data: {text}\n\n")), [text]);
    }
    // Neither are these white space of JSON.
    for separator in ["\u{b}", "\u{c}"] {
        assert!(error(format!("data: {{}}{separator}\n\n")).contains("should be the start of a value"));
    }
}

#[test]
fn a_mark_at_the_start_is_passed_over_and_elsewhere_not() {
    assert_eq!(texts("\u{feff}data: {}\n\n"), ["{}"]);
    assert_eq!(texts("\u{feff}[1,2]"), ["1", "2"]);
    assert_eq!(texts("\u{feff}\n"), NONE);
    assert_eq!(texts("\u{feff}"), NONE);
    assert_eq!(error("\u{feff}\u{feff}data: {}\n\n"), FOREIGN);
    assert_eq!(error("\n\u{feff}data: {}\n\n"), FOREIGN);
    assert_eq!(error(b"\xef\xbb"), FOREIGN);
    assert_eq!(error(b"\xef\xbbdata: 1"), FOREIGN);
    assert!(error("data: \u{feff}1").contains("byte 6 should be the start of a value"));
}

#[test]
fn comments_and_other_fields_are_ignored() {
    assert_eq!(
        texts(concat!(
            ": a comment\n:\nevent: message\nid: 7\nid\nretry: 3000\nretry\nevent\nevent:\n",
            "data: {\"a\":\nid: 8\n: {\"x\":1}\ndate: 9\ndatadata: 1\nDATA: 2\n data: 3\ndata : 4\nfoo\ndata:  1}\n",
        )),
        ["{\"a\":\n 1}"]
    );
    for nothing in
        ["", "\n\r\n\r", ": alive\n\n", "event: ping\nid\n\n", ":", "data", "data:", "data: ", "data\n\n"]
    {
        assert_eq!(texts(nothing), NONE, "{nothing:?}");
    }
    assert_eq!(texts("  \t\n \n"), NONE);
    // A line of blanks is not blank: it ends no event.
    assert_eq!(texts("data: [1\n \ndata: ]"), ["1"]);
}

#[test]
fn data_has_one_space_or_none_before_it_and_its_lines_are_joined() {
    assert_eq!(texts("data:{}\n\ndata: {}\n\ndata:  {}\n\ndata:\t{} \n\n"), ["{}"; 4]);
    assert_eq!(
        texts("data: {\ndata:  \"a\"\ndata:\t:\ndata: 1\ndata:\ndata\ndata: }"),
        ["{\n \"a\"\n\t:\n1\n\n\n}"]
    );
    // The break is LF, which no string may hold and which ends a number.
    assert!(error("data: \"a\ndata: b\"\n\n").contains("byte 13 is a control character inside a string"));
    assert_eq!(texts("data: 12\ndata: 34\n\n"), ["12", "34"]);
    assert!(error("data: tru\ndata:e").ends_with("byte 14 does not belong to true, false or null"));
}

#[test]
fn an_event_that_ends_within_its_json_is_refused() {
    for (unfinished, place) in [
        ("data: {\"a\":1", "of its JSON"),
        ("data: [", "of its JSON"),
        ("data: [{}", "of its JSON"),
        ("data: [1", "of its JSON"),
        ("data: \"a", "of its JSON"),
        ("data: -", "of its JSON"),
        ("data: nul", "of its JSON"),
        (r#"data: {"inlineData":{"data":"QUJD"#, "of picture 0"),
    ] {
        for (between, rest) in
            [("\n", "\n"), ("\n: a\n", "\ndata: 1\n\n"), ("\n", "{\"error\":1}"), ("\r\n ", "[1]")]
        {
            let at = unfinished.len() + between.len();
            let told = format!("the reply is damaged: an event ends in the middle {place} at byte {at}");
            assert_eq!(error(format!("{unfinished}{between}{rest}")), told);
        }
    }
    assert_eq!(texts("data: 1\n\ndata: true\n\ndata: null"), ["1", "true", "null"]);
}

#[test]
fn the_last_event_needs_no_blank_line_and_no_line_end() {
    for end in ["", "\n", "\n\n", "\r", "\r\n", "\r\n\r", "\n: bye"] {
        assert_eq!(texts(format!("data: {{}}\n\ndata: {{\"a\":1}}{end}")), ["{}", "{\"a\":1}"], "{end:?}");
        assert_eq!(texts(format!("data: 12{end}")), ["12"], "{end:?}");
    }
}

#[test]
fn what_is_cut_off_is_told_by_the_splitter() {
    assert_eq!(
        error("data: {}\n\ndata: {\"a\""),
        "the reply was cut off in the middle of its JSON after 20 bytes"
    );
    let picture = r#"data: {"inlineData":{"data":"QUJD"#;
    assert_eq!(error(picture), "the reply was cut off in the middle of picture 0 after 33 bytes");
    for unfinished in ["data: [", "data: [D", "data: [DONE", "[", "[DO", "[{}", "[{},\n", "{\n\n\"a\"\n\n"] {
        let bytes = crate::message::counted(unfinished.len(), "byte", "bytes");
        let told = format!("the reply was cut off in the middle of its JSON after {bytes}");
        assert_eq!(error(unfinished), told);
    }
    assert!(error("{\"a\":1\n\ndata: 1").ends_with("byte 8 should be a comma or }"));
}

#[test]
fn done_is_ignored_and_no_array() {
    assert_eq!(texts("data: {}\n\ndata: [DONE]\n\n"), ["{}"]);
    assert_eq!(texts("data:[DONE]"), NONE);
    assert_eq!(texts("data: [DONE]\n\ndata: {}\n\n"), ["{}"]);
    assert_eq!(texts("data: \t [DONE] \r\n\r\n"), NONE);
    assert_eq!(texts("data: {} [DONE]\ndata: [DONE]\n"), ["{}"]);
    assert_eq!(texts("data: 1\n\n[DONE]\ndata: 2"), ["1", "2"]);
    assert_eq!(texts(r#"data: [{"error":{"code":503}}]"#), [r#"{"error":{"code":503}}"#]);
    assert_eq!(texts("data: []\n\ndata: [[1]]\n\ndata: [\ndata: ]"), ["[1]"]);
    assert!(error("data: [DOWN]").ends_with("byte 7 should be the start of a value"));
    assert!(error("data: [DONE\n]").ends_with("byte 7 should be the start of a value"));
    assert!(error("data: [DONE]]").ends_with("byte 12 should be the start of a value"));
    assert!(error("data: [[DONE]]").ends_with("byte 8 should be the start of a value"));
    assert!(error("data: {\"a\":[DONE]}").ends_with("byte 12 should be the start of a value"));
}

#[test]
fn an_array_instead_of_events_gives_its_elements() {
    assert_eq!(texts("[{\"a\":\n\n 1}\n,\r\n\r\n{}\n]\n"), ["{\"a\":\n\n 1}", "{}"]);
    assert_eq!(texts("\n  [{}]\ndata: 1\n\n[]\n[2]"), ["{}", "1", "2"]);
    assert_eq!(texts("[]\r\ndata: {}\r\n\r\n"), ["{}"]);
    assert_eq!(texts("[]"), NONE);
}

#[test]
fn plain_json_at_the_start_or_between_events_is_read_to_its_end() {
    let raw = "{\n  \"error\": {\n\n    \"code\": 503\n  }\n}";
    assert_eq!(texts(raw), [raw]);
    assert_eq!(texts(format!("data: 1\n\n{raw}\n\ndata: 2\n\n")), ["1", raw, "2"]);
    assert_eq!(texts(format!("data: 1\n\t {raw}{raw} [3]\ndata: 2\n\n")), ["1", raw, raw, "3", "2"]);
    assert_eq!(texts("{}\r\n\r\n{}\rdata: 1"), ["{}", "{}", "1"]);
    assert_eq!(texts("{} and more: {\ndata: 1"), ["{}", "1"]);
    assert_eq!(texts("event: error\n{\"a\":\"\u{2028}data: \"}"), ["{\"a\":\"\u{2028}data: \"}"]);
    assert!(error("{\"a\":1\n}}\n{x}").contains("byte 11 should be a key in quotes"));
    // Only objects and arrays count as such; other lines are fields.
    assert_eq!(texts("data: 1\n\n\"a\"\n12\nnull\n"), ["1"]);
}

#[test]
fn all_values_of_an_event_come() {
    assert_eq!(texts("data: {}{} 1 \"a\"\ndata: [2,3]4\n\n"), ["{}", "{}", "1", "\"a\"", "2", "3", "4"]);
}

#[test]
fn what_is_no_stream_of_events_is_called_so() {
    for foreign in [
        "<!DOCTYPE html>\n<html>\n<body style=\"a: b\">\n</html>",
        "upstream connect error",
        "error: none",
        "d",
        "dat\n",
        "retr",
        "  text",
        "<script>\n{ let a = 1; }\n</script>",
        "<script>\n[DONT]\n</script>",
        "<script>\n{\"a\":",
        ": a comment\n\nBad Gateway\n\n",
    ] {
        assert_eq!(error(foreign), FOREIGN, "{foreign:?}");
    }
    // Where values came, strange lines are what a reader of events must ignore.
    assert_eq!(texts("Bad Gateway\ndata: {}\n\n"), ["{}"]);
    assert_eq!(texts("Bad Gateway\ndata: 1"), ["1"]);
    assert_eq!(texts("data: {}\n\nBad Gateway\n"), ["{}"]);
    assert!(error("data: Bad Gateway").ends_with("byte 6 should be the start of a value"));
}

#[test]
fn a_value_is_there_with_its_last_byte_and_waits_until_it_is_taken() {
    let mut sse = Sse::new(Limits::default());
    assert_eq!(sse.feed(b"data: {}\n\ndata: {").unwrap(), 8);
    assert_eq!(sse.feed(b"\n\ndata: {").unwrap(), 0);
    assert_eq!(sse.take().unwrap().text, "{}");
    assert!(sse.take().is_none());
    assert_eq!(sse.feed(b"\n\ndata: {").unwrap(), 9);
    assert!(sse.take().is_none());
    assert_eq!(sse.feed(b"}").unwrap(), 1);
    assert_eq!(sse.finish().unwrap().unwrap().text, "{}");
    let mut number = Sse::new(Limits::default());
    assert_eq!(number.feed(b"data: 12\ndata: 3").unwrap(), 13);
    assert_eq!(number.take().unwrap().text, "12");
}

#[test]
fn pictures_come_from_every_shape() {
    let reply = r#"{"inlineData":{"data":"QUJD"}}"#;
    for body in [
        format!("data: {reply}\n\n"),
        format!("[{reply}]"),
        format!("data: [{reply}]"),
        format!("\n{reply}"),
        "data: {\"inlineData\":\ndata:{\ndata:\"data\":\"QUJD\"}}".to_owned(),
    ] {
        let (cuts, error) = read(&body);
        assert_eq!((error, cuts.len()), (None, 1), "{body}");
        assert_eq!(cuts[0].pictures, ["ABC"]);
        assert_eq!(cuts[0].value().unwrap()["inlineData"]["data"], 0);
    }
}

#[test]
fn limits_hold_for_the_whole_reply() {
    let limits = Limits { total: 30, text: 8, depth: 2, pictures: 1, ..Limits::default() };
    let under = |text: &str| {
        let whole = read_with(limits.clone(), text.as_bytes(), usize::MAX);
        assert_eq!(read_with(limits.clone(), text.as_bytes(), 1), whole);
        whole
    };
    let refused = |limit: &str| Some(format!("the reply was refused: it passes the limit of {limit}"));
    assert_eq!(under("data: {}\n: a comment, ignored\n").1, None);
    assert_eq!(
        under("data: {}\n: a comment, ignored\n\n"),
        (under("data: {}").0, refused("30 bytes in all"))
    );
    // A number that the blank line completes is handed out before that line passes the limit.
    let (cuts, error) = under(": a comment of 20 b\ndata: 123\n\n");
    assert_eq!((cuts.len(), error), (1, refused("30 bytes in all")));
    assert_eq!(under(&"x".repeat(31)).1, refused("30 bytes in all"));
    assert_eq!(under(&"\n".repeat(31)).1, refused("30 bytes in all"));
    assert_eq!(under("data: \"aa\"\ndata: \"bbb\"").1, refused("8 bytes of JSON text"));
    assert_eq!(under("data: [[[").1, refused("2 levels of nesting"));
}

#[test]
fn no_message_holds_what_the_reply_says() {
    for text in ["SECRET", "data: SECRET", "data: {\"SECRET\n\n", "SECRET\n{SECRET", "data: [SECRET"] {
        assert!(!error(text).contains("SECRET"), "{text}");
    }
}
