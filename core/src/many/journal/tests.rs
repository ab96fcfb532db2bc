#![allow(clippy::unwrap_used)]

use super::*;

fn opened(folder: &Path) -> Journal {
    let pictures = Folder::open(&folder.join("out")).unwrap();
    Journal::open(&folder.join("run.jsonl"), &pictures).unwrap()
}

#[test]
fn the_last_word_counts_and_a_torn_line_is_read_past() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    {
        let journal = opened(folder.path());
        for key in ["a", "b", "c", "d"] {
            journal.sent(key, "d").unwrap();
        }
        journal.done("a", "d", "a.json").unwrap();
        std::fs::write(folder.path().join("out/a.json"), "").unwrap();
        let refused = Error::new(Kind::BadRequestError, "no").with_billed(Billed::No);
        journal.failed("b", &refused).unwrap();
        journal.failed("c", &Error::new(Kind::APIConnectionError, "gone")).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], b"{\"done\":\"d\",\"no"].concat()).unwrap();
    {
        let journal = opened(folder.path());
        assert!(
            matches!(journal.known("a"), Known::Done(Done { notes: [note, _], .. }) if note.ends_with("out/a.json"))
        );
        assert!(matches!(journal.known("b"), Known::New));
        assert!(matches!(journal.known("c"), Known::MaybePaid));
        assert!(matches!(journal.known("d"), Known::MaybePaid));
        assert!(matches!(journal.known("e"), Known::New));
        journal.done("d", "d", "d.json").unwrap();
        // A second try that was not billed does not tell whether the first one was.
        journal.sent("c", "d").unwrap();
        journal.failed("c", &Error::new(Kind::BadRequestError, "no").with_billed(Billed::No)).unwrap();
    }
    assert!(matches!(opened(folder.path()).known("c"), Known::MaybePaid));
    assert!(matches!(opened(folder.path()).known("d"), Known::Done(_)));
    // A file with an incomplete first line is no journal yet.
    std::fs::write(&path, header("x").split_at(9).0).unwrap();
    opened(folder.path()).sent("a", "d").unwrap();
    assert!(matches!(opened(folder.path()).known("a"), Known::MaybePaid));
}

#[test]
fn another_file_is_no_journal_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let pictures = Folder::open(&folder.path().join("out")).unwrap();
    for text in ["{\"prompt\": \"a boat\"}\n", "{\"journal\": 99}\n", "x"] {
        std::fs::write(&path, text).unwrap();
        let error = Journal::open(&path, &pictures).unwrap_err();
        assert_eq!((error.kind(), std::fs::read_to_string(&path).unwrap()), (Kind::ConfigError, text.into()));
    }
    // Nothing of a line that is too long is held, and a file may be one such line.
    let long = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &long, b"[{\"prompt\": \"a boat\"}").unwrap();
    long.set_len(LONGEST_LINE + 1).unwrap();
    assert_eq!(Journal::open(&path, &pictures).unwrap_err().kind(), Kind::ConfigError);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LONGEST_LINE + 1);
}

use proptest::prelude::*;

/// Lines of a run, incomplete lines, and arbitrary text.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let lines = [
        r#"{"sent":"a","digest":"d"}"#,
        r#"{"done":"a","digest":"d","note":"out/a.json"}"#,
        r#"{"done":"b","note":"../../../b.json"}"#,
        r#"{"failed":"a","billed":"unknown"}"#,
        r#"{"sent":7}"#,
        r#"{"journal":1}"#,
        "{\"sent\":",
        "\n",
        "\r\n",
        "[]",
    ];
    prop_oneof![
        4 => prop::sample::select(lines.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn whatever_stands_in_it_a_journal_goes_on(pieces in prop::collection::vec(piece(), 0..20)) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = format!("{}\n", header("x")).into_bytes();
        bytes.extend(pieces.concat());
        std::fs::write(folder.path().join("run.jsonl"), &bytes).unwrap();
        let pictures = Folder::open(&folder.path().join("out")).unwrap();
        let path = folder.path().join("run.jsonl");
        // Opening may be refused if all results are missing; then the file stays unchanged.
        match Journal::open(&path, &pictures) {
            Err(_) => prop_assert_eq!(std::fs::read(&path).unwrap(), bytes),
            Ok(journal) => {
                journal.sent("new", "d").unwrap();
                drop(journal);
                let journal = Journal::open(&path, &pictures).unwrap();
                prop_assert!(matches!(journal.known("new"), Known::MaybePaid));
                prop_assert!(matches!(journal.known("never"), Known::New));
            }
        }
    }
}
