//! Thought signatures: what stands for the model's memory of how it came to a part.
//!
//! One is bound to its part's content and proves itself: a conversation that began with one emulator
//! goes on with another, in another process, and a signature that was altered, or moved to a part with
//! other content, is noticed. It guards against mistakes only; there is no secret in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::draw;
use super::proto;

/// Tells pictures from texts of the same bytes.
const PICTURE: u64 = 0x6e61_6e6f_2062_616e;
const TEXT: u64 = !PICTURE;

/// How many bytes one has; a nonce of eight is the first of them.
const LENGTH: usize = 72;

/// Taken in place of one, for parts that the model did not make: as a text, or as these letters in base64, as
/// libraries send them that hold signatures as bytes.
const DUMMIES: [&str; 2] = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/// What a part of a turn holds, as far as signatures go.
pub(super) enum Held {
    Words(String),
    /// What stands for the bytes of a picture or another file.
    Bytes(u64),
}

/// What a signature of this text is bound to.
pub(super) fn of_text(text: &str) -> u64 {
    draw::hash(text.as_bytes(), TEXT)
}

/// What a signature of these bytes, a picture's or another file's, is bound to.
pub(super) fn of_bytes(bytes: &[u8]) -> u64 {
    draw::hash(bytes, PICTURE)
}

fn bytes(nonce: [u8; 8], content: u64) -> Vec<u8> {
    let from = draw::hash(&content.to_le_bytes(), draw::hash(&nonce, TEXT));
    let rest = (1..LENGTH as u64 / 8).flat_map(|step| draw::hash(&step.to_le_bytes(), from).to_le_bytes());
    nonce.into_iter().chain(rest).collect()
}

/// Signs a part with this content.
pub(super) fn sign(content: u64, nonce: u64) -> String {
    STANDARD.encode(bytes(nonce.to_le_bytes(), content))
}

/// Whether an emulator gave this signature to a part that holds this. Clients put the pieces of a stream's words
/// together, and keep the signature of the first piece, or that of the empty one behind them: so it may be that of
/// any beginning of the words.
pub(super) fn is_good(signature: &str, held: &Held) -> bool {
    if DUMMIES.contains(&signature) {
        return true;
    }
    let Some(given) = proto::base64(signature) else { return false };
    if DUMMIES.iter().any(|dummy| given == dummy.as_bytes()) {
        return true;
    }
    let Some(nonce) = given.first_chunk() else { return false };
    let is_of = |content: u64| given == bytes(*nonce, content);
    match held {
        Held::Bytes(content) => is_of(*content),
        Held::Words(words) => beginnings(words).any(is_of),
    }
}

/// What stands for each beginning of a text, from the empty one to the whole.
fn beginnings(text: &str) -> impl Iterator<Item = u64> {
    let empty = of_text("");
    let more = text.bytes().scan(empty, move |sum, byte| {
        *sum = draw::hash(&[byte], *sum ^ empty ^ TEXT);
        Some(*sum)
    });
    std::iter::once(empty).chain(more)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn words(text: &str) -> Held {
        Held::Words(text.to_owned())
    }

    #[test]
    fn no_altered_byte_and_no_other_content_passes() {
        let (text, picture) = (words("Here"), Held::Bytes(of_bytes(b"Here")));
        let signature = sign(of_text("Here"), 7);
        assert!(is_good(&signature, &text));
        assert!(is_good(&signature.replace('+', "-").replace('/', "_"), &text));
        assert!(!is_good(&signature, &picture) && !is_good(&signature, &words("Her")));
        let whole = STANDARD.decode(&signature).unwrap();
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert!(!is_good(&STANDARD.encode(altered), &text), "byte {at}");
        }
        assert!(!is_good(&STANDARD.encode(&whole[..64]), &text));
        assert!(!is_good("", &text) && !is_good("aGVsbG8=", &text) && !is_good("*", &text));
        assert!(
            DUMMIES.iter().all(|dummy| is_good(dummy, &text) && is_good(&STANDARD.encode(dummy), &picture))
        );
    }

    #[test]
    fn words_may_have_the_signature_of_their_beginning_and_pictures_only_their_own() {
        let [empty, first, whole] = ["", "Here it", "Here it is"].map(|text| sign(of_text(text), 7));
        assert!([&empty, &first, &whole].iter().all(|one| is_good(one, &words("Here it is"))));
        assert!(!is_good(&whole, &words("Here it")) && !is_good(&first, &words("There it is")));
        assert!(!is_good(&empty, &Held::Bytes(of_bytes(b"Here"))));
    }
}
