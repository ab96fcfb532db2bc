//! Reads the token usage of a reply, and checks whether it is sufficient for a price.

use serde_json::Value;

use super::{count, get, list};
use crate::error::Usage;

/// The maximum plausible count of a request, a thousand times that of a picture.
const MOST_TOKENS: u64 = 10_000_000;

const COUNTS: [&str; 6] = [
    "prompt_token_count",
    "tool_use_prompt_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "cached_content_token_count",
    "total_token_count",
];

/// True if the usage is sufficient to price an answer. It is not if the tokens of a received picture are missing, or if
/// a count is implausible.
pub(super) fn is_priceable(usage: Option<&Value>, has_pictures: bool) -> bool {
    let Some(usage) = usage else { return false };
    let is_sane = |of: &Value, name: &str| {
        get(of, name).is_none() || count(of, name).is_some_and(|tokens| tokens <= MOST_TOKENS)
    };
    let rows = || list(usage, "candidates_tokens_details");
    if !COUNTS.iter().all(|name| is_sane(usage, name)) || !rows().all(|row| is_sane(row, "token_count")) {
        return false;
    }
    let used = read_usage(usage);
    let is_split = get(usage, "candidates_tokens_details").is_some() || used.output_tokens == 0;
    if has_pictures { used.image_tokens > 0 } else { used.is_any() && is_split }
}

/// Reads `usageMetadata`.
pub fn read_usage(usage: &Value) -> Usage {
    let is_picture = |row: &&Value| {
        get(row, "modality").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("image"))
    };
    let pictures = list(usage, "candidates_tokens_details").filter(is_picture);
    let tokens = |name: &str| count(usage, name).unwrap_or(0);
    let mut usage = Usage::default();
    // Tokens that a tool adds to the prompt are billed like the prompt.
    usage.input_tokens = tokens("prompt_token_count").saturating_add(tokens("tool_use_prompt_token_count"));
    usage.output_tokens = tokens("candidates_token_count");
    usage.image_tokens = pictures.filter_map(|row| count(row, "token_count")).fold(0, u64::saturating_add);
    usage.thought_tokens = tokens("thoughts_token_count");
    usage.cached_tokens = tokens("cached_content_token_count");
    usage.total_tokens = tokens("total_token_count");
    usage
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usage(change: impl FnOnce(&mut Value)) -> Value {
        let mut usage = json!({
            "promptTokenCount": 10, "candidatesTokenCount": 1130, "thoughtsTokenCount": 100, "totalTokenCount": 1240,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}, {"modality": "TEXT", "tokenCount": 10}],
        });
        change(&mut usage);
        usage
    }

    #[test]
    fn a_picture_is_priced_by_usage_that_counts_it() {
        assert!(is_priceable(Some(&usage(|_| {})), true));
        assert!(is_priceable(Some(&usage(|usage| usage["promptTokenCount"] = json!("10"))), true));
        assert!(!is_priceable(None, true));
        for odd in [
            json!({}),
            json!([]),
            json!("none"),
            json!({"promptTokenCount": 5}),
            json!({"totalTokenCount": 1300}),
        ] {
            assert!(!is_priceable(Some(&odd), true), "{odd}");
        }
        let zero = json!({"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 0}]});
        assert!(!is_priceable(Some(&zero), true) && !is_priceable(Some(&zero), false));
    }

    #[test]
    fn a_count_that_is_none_prices_nothing() {
        for odd in
            [json!(-1), json!(1.5), json!("many"), json!([1]), json!(true), json!(u64::MAX), json!(1e300)]
        {
            for name in [
                "promptTokenCount",
                "candidatesTokenCount",
                "thoughtsTokenCount",
                "cachedContentTokenCount",
                "toolUsePromptTokenCount",
            ] {
                assert!(!is_priceable(Some(&usage(|usage| usage[name] = odd.clone())), true), "{name} {odd}");
            }
            let row = usage(|usage| usage["candidatesTokensDetails"][0]["tokenCount"] = odd.clone());
            assert!(!is_priceable(Some(&row), true), "{odd}");
            // Reading it does no harm.
            let _ = read_usage(&row);
        }
    }

    #[test]
    fn words_alone_are_priced_without_pictures() {
        let words = usage(|usage| {
            usage["candidatesTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": 1130}])
        });
        assert!(is_priceable(Some(&words), false) && !is_priceable(Some(&words), true));
        // A refused prompt has no answer.
        assert!(is_priceable(Some(&json!({"promptTokenCount": 10, "totalTokenCount": 10})), false));
        // Some of these may be a picture's.
        assert!(!is_priceable(Some(&json!({"promptTokenCount": 10, "candidatesTokenCount": 1130})), false));
    }

    #[test]
    fn what_a_tool_put_into_the_prompt_is_part_of_it() {
        let used = read_usage(&usage(|usage| usage["toolUsePromptTokenCount"] = json!(7)));
        assert_eq!((used.input_tokens, used.total_tokens), (17, 1240));
    }
}
