//! Thought signatures: what stands for the model's memory of how it came to a part.
//!
//! One is bound to its part's content and proves itself: a conversation that began with one emulator
//! goes on with another, in another process, and a signature that was altered, or moved to a part with
//! other content, is noticed. It guards against mistakes only; there is no secret in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::draw;
use super::fields;

/// Tells pictures from texts of the same bytes.
const PICTURE: u64 = 0x6e61_6e6f_2062_616e;
const TEXT: u64 = !PICTURE;

/// How many bytes one has; a nonce of eight is the first of them.
const LENGTH: usize = 72;

/// Taken in place of one, for parts that the model did not make.
const DUMMIES: [&str; 2] = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

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

/// Whether an emulator gave this signature to a part with this content.
pub(super) fn is_good(signature: &str, content: u64) -> bool {
    if DUMMIES.contains(&signature) {
        return true;
    }
    let Some(given) = fields::base64(signature) else { return false };
    given.first_chunk().is_some_and(|nonce| given == bytes(*nonce, content))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn no_altered_byte_and_no_other_content_passes() {
        let (text, picture) = (of_text("Here"), of_bytes(b"Here"));
        let signature = sign(text, 7);
        assert!(is_good(&signature, text));
        assert!(is_good(&signature.replace('+', "-").replace('/', "_"), text));
        assert!(!is_good(&signature, picture) && !is_good(&signature, of_text("Her")));
        let whole = STANDARD.decode(&signature).unwrap();
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert!(!is_good(&STANDARD.encode(altered), text), "byte {at}");
        }
        assert!(!is_good(&STANDARD.encode(&whole[..64]), text));
        assert!(!is_good("", text) && !is_good("aGVsbG8=", text) && !is_good("*", text));
        assert!(DUMMIES.iter().all(|dummy| is_good(dummy, text)));
    }
}
