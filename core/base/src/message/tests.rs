#![allow(clippy::unwrap_used)]

use super::*;

fn all(message: &Message) -> [String; 3] {
    [Case::Snake, Case::Camel, Case::Shell].map(|case| message.render(case).into_owned())
}

#[test]
fn names_are_written_as_each_language_writes_them_and_values_never() {
    let value = "`aspect_ratio` of /my_files/image_size.png";
    let message = message!("{} is {value:?}; see {}", option("aspect_ratio"), field("change_map"));
    let value = format!("{value:?}");
    assert_eq!(
        all(&message),
        [
            format!("`aspect_ratio` is {value}; see `change_map`"),
            format!("`aspectRatio` is {value}; see `changeMap`"),
            format!("`--aspect-ratio` is {value}; see `change_map`"),
        ]
    );
}

#[test]
fn a_message_in_a_message_keeps_its_names() {
    let inner = message!("give {}", option("api_key"));
    let outer = message!("line {}: {}. {}", "3", inner, setting("retry", "resend_unknown", "false"));
    assert_eq!(
        all(&outer),
        [
            "line 3: give `api_key`. `retry=Retry(resend_unknown=False)`",
            "line 3: give `apiKey`. `retry: { resendUnknown: false }`",
            "line 3: give `GEMINI_API_KEY`. `--retry '{\"resend_unknown\": false}'`",
        ]
    );
}

#[test]
fn an_option_within_an_option_has_a_path_and_a_given_name_stays() {
    let at = option("retry");
    let both = message!("{} {}", at.known("max_attempts"), at.given("maxTries_x"));
    assert_eq!(
        all(&both),
        [
            "`retry.max_attempts` `retry.maxTries_x`",
            "`retry.maxAttempts` `retry.maxTries_x`",
            "`max_attempts` of `--retry` `maxTries_x` of `--retry`",
        ]
    );
    assert_eq!(at.known("max_attempts").write(Case::Camel), "retry.maxAttempts");
}

#[test]
fn times_are_counted_in_the_unit_of_the_caller() {
    let message = message!("{} {}", time(1.5), time_unit());
    assert_eq!(all(&message), ["1.5 seconds", "1500 milliseconds", "1.5 seconds"]);
}

#[test]
fn a_saved_message_is_read_back_with_its_names() {
    let message = message!("ä {} and {}", option("image_size"), field("raw"));
    let read = Message::read(&message, Some(&message.saved_names()));
    assert_eq!(all(&read), all(&message));
    // What an earlier version saved has no names; what somebody else wrote may have wrong ones.
    assert_eq!(all(&Message::read("`image_size`", None)), ["`image_size`"; 3]);
    for wrong in
        [json!([[0, 900, "a", "b"]]), json!([[1, 2, "a", "b"]]), json!([[5, 4, "a", "b"]]), json!("x")]
    {
        assert_eq!(all(&Message::read("äöü", Some(&wrong))), ["äöü"; 3]);
    }
}

#[test]
fn secrets_are_cut_out_of_every_fragment() {
    let message = message!("key-123 in {} and key-123", option("api_key").given("key-123"));
    let cleaned = message.cleaned(|text| text.replace("key-123", "…").into());
    assert_eq!(cleaned.render(Case::Camel), "… in `apiKey.…` and …");
    assert_eq!(cleaned.render(Case::Shell), "… in `…` of `GEMINI_API_KEY` and …");
    let across = message!("a{}", Each { snake: "b", camel: "c", shell: "d" });
    assert_eq!(all(&across.cleaned(|text| text.replace("ab", "…").into())), ["…"; 3]);
}

#[test]
fn a_message_that_is_cut_keeps_the_names_that_are_whole() {
    let message = message!("{} {}", option("image_size"), option("aspect_ratio"));
    assert_eq!(message.shortened(15).render(Case::Camel), "`imageSize` `a…");
    assert_eq!(message.shortened(99), message);
}

#[test]
fn a_noun_agrees_with_its_number() {
    let said = |number: u64| super::counted(number, "picture is", "pictures are");
    assert_eq!(
        [said(0), said(1), said(2), said(11)],
        ["0 pictures are", "1 picture is", "2 pictures are", "11 pictures are"]
    );
}
