//! Any bytes: the search for marks never panics, finds the same each time, and no more than it may.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanobanana::internals::find;

fuzz_target!(|data: &[u8]| {
    let found = find(data);
    assert!(found.marks.len() <= 16);
    for mark in &found.marks {
        assert!(["c2pa", "xmp", "iptc"].contains(&mark.kind.as_str()));
        // What the words were in the file, and a letter that is none may become three bytes.
        let longest = [&mark.claim, &mark.generator].into_iter().flatten().map(String::len).max();
        assert!(longest.unwrap_or(0) <= 3 * 512, "{} bytes", longest.unwrap_or(0));
    }
    let is_c2pa = found.marks.iter().any(|mark| mark.kind == "c2pa");
    assert!(found.c2pa || !is_c2pa);
    assert!(!found.ai || found.marks.iter().any(|mark| mark.claim.is_some()) || found.marks.len() == 16);
    assert_eq!(format!("{found:?}"), format!("{:?}", find(data)));
});
