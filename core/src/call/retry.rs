//! Whether a failed attempt is made again, and when: one pure function.
//!
//! It sees the policy, how often the call was tried already and why, what went wrong and how much
//! time is left, and nothing else decides to try again.
//!
//! | the attempt ended with | then |
//! | --- | --- |
//! | 408, 429, 500, 502, 503, 504; no connection, a broken one, half a reply; a stream before its first event | again, up to `max_attempts` requests in all, while the client's [`Bucket`] has tokens |
//! | the same, and the service named a wait | again after that wait; it costs neither an attempt nor a token |
//! | a quota of the day or of zero; any other 4xx; a certificate that is not trusted; a block | never |
//! | `NO_IMAGE`, `IMAGE_OTHER` | again, as many times as `no_image` buys |
//! | a reply that was lost and may have been billed, with `resend_unknown` off | never |
//!
//! A wait that the deadline or `max_wait` does not allow is not begun.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Billed, Error, Kind};
use crate::message::{Message, inner, message};
use crate::options::Retry;

/// The numbers of [`Retry`], all of them known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub max_attempts: u32,
    pub initial: Duration,
    pub max_wait: Duration,
    pub no_image: u32,
    pub resend_unknown: bool,
}

impl Policy {
    pub fn new(retry: Option<&Retry>) -> Self {
        let retry = retry.cloned().unwrap_or_default();
        Policy {
            max_attempts: retry.max_attempts.unwrap_or(4),
            initial: retry.initial.map_or(Duration::from_secs(1), |wait| wait.duration()),
            max_wait: retry.max_wait.map_or(Duration::from_secs(60), |wait| wait.duration()),
            no_image: retry.no_image.unwrap_or(0),
            resend_unknown: retry.resend_unknown.unwrap_or(true),
        }
    }
}

/// Why the attempts after the first one were made, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// After a failure; these are what `max_attempts` bounds.
    pub failed: u32,
    /// After a wait that the service named.
    pub named: u32,
    /// After an answer without a picture.
    pub no_image: u32,
}

/// What to do after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Wait so long, then make the attempt again.
    Again { wait: Duration, tries: Tries },
    /// The failure is the call's; the text, if any, says why trying again was no way out.
    Stop(Option<Message>),
}

/// Decides. `tries` are those after the first attempt so far, `left` is the time until the call's
/// deadline, `has_token` whether the client's bucket has one left, and `jitter` a number from 0 to 1
/// drawn by the caller.
pub(crate) fn decide(
    policy: &Policy,
    tries: Tries,
    failure: &Error,
    left: Duration,
    has_token: bool,
    jitter: f64,
) -> Decision {
    let stop = |why: Message| Decision::Stop(Some(why));
    if !failure.retryable() || left.is_zero() {
        return Decision::Stop(None);
    }
    match failure.kind() {
        // It was answered, and paid for: whether to pay again was the caller's to say.
        Kind::NoImageError if is_worth_paying_again(failure) && tries.no_image < policy.no_image => {
            let tries = Tries { no_image: tries.no_image + 1, ..tries };
            return Decision::Again { wait: Duration::ZERO, tries };
        }
        Kind::NoImageError | Kind::BlockedError => return Decision::Stop(None),
        _ => {}
    }
    if policy.max_attempts <= 1 {
        return Decision::Stop(None);
    }
    if !policy.resend_unknown && failure.billed() == Some(Billed::Unknown) {
        return stop(message!(
            "the service may have made, and billed, the picture already, and {} is false",
            inner("retry", "resend_unknown")
        ));
    }
    let ceiling = |doublings: u32| policy.initial.saturating_mul(1 << doublings.min(30)).min(policy.max_wait);
    // One that no clock can count is longer than all.
    let named = failure.retry_after().filter(|seconds| *seconds >= 0.0);
    let named = named.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    if let Some(named) = named.filter(|named| !named.is_zero()) {
        // A service that goes on naming short waits is not asked in a tight circle for all that.
        let least = match tries.named.checked_sub(policy.max_attempts) {
            Some(doublings) => ceiling(doublings),
            None => Duration::ZERO,
        };
        let wait = named.max(least);
        let asked = |what: Message| {
            let seconds = named.as_secs_f64();
            stop(message!("the service asks to wait {seconds:.1} s, which is more than {}", what))
        };
        return if named > policy.max_wait {
            asked(message!("{} allows", inner("retry", "max_wait")))
        } else if wait >= left {
            asked("the call's timeout leaves".into())
        } else {
            Decision::Again { wait, tries: Tries { named: tries.named + 1, ..tries } }
        };
    }
    if tries.failed + 1 >= policy.max_attempts {
        return Decision::Stop(None);
    }
    if !has_token {
        return stop(
            "too many calls of this client have failed lately, and asking again would add to it; call again later"
                .into(),
        );
    }
    // A wait of zero that the service named is none; of ours any share may be waited, so that
    // clients that failed together do not come back together.
    let wait = named.unwrap_or_else(|| ceiling(tries.failed).mul_f64(jitter.clamp(0.0, 1.0)));
    if wait >= left {
        return stop("the call's timeout leaves no time to try again".into());
    }
    Decision::Again { wait, tries: Tries { failed: tries.failed + 1, ..tries } }
}

/// Whether the model might draw when it is asked the same once more.
fn is_worth_paying_again(failure: &Error) -> bool {
    matches!(failure.finish_reason(), Some("NO_IMAGE" | "IMAGE_OTHER"))
}

/// The tries after failures that one client has left in one process: an outage must not be answered
/// with a storm. Each costs a token, each success gives half a token back.
#[derive(Debug)]
pub(crate) struct Bucket {
    halves: AtomicU32,
}

/// So many tries in a row without one success.
const TOKENS: u32 = 256;

impl Bucket {
    pub fn has_token(&self) -> bool {
        self.halves.load(Ordering::Relaxed) >= 2
    }

    /// Takes what a decision costs.
    pub fn pay(&self, before: Tries, after: Tries) {
        if after.failed > before.failed {
            self.change(|halves| halves.saturating_sub(2));
        }
    }

    pub fn succeeded(&self) {
        self.change(|halves| (halves + 1).min(TOKENS * 2));
    }

    fn change(&self, change: impl Fn(u32) -> u32) {
        // It never fails: the closure always gives a value.
        let _ = self.halves.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |halves| Some(change(halves)));
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Bucket { halves: AtomicU32::new(TOKENS * 2) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::error::NoImage;

    const MINUTE: Duration = Duration::from_secs(60);
    const NONE: Tries = Tries { failed: 0, named: 0, no_image: 0 };

    fn failure(kind: Kind, retryable: bool) -> Error {
        Error::new(kind, "it failed").with_retryable(retryable)
    }

    fn limited(seconds: f64) -> Error {
        failure(Kind::RateLimitError, true).with_retry_after(Some(seconds))
    }

    fn decide_at(policy: &Policy, tries: Tries, failure: &Error, left: Duration) -> Decision {
        decide(policy, tries, failure, left, true, 1.0)
    }

    fn wait(decision: Decision) -> (Duration, Tries) {
        match decision {
            Decision::Again { wait, tries } => (wait, tries),
            Decision::Stop(why) => panic!("{why:?}"),
        }
    }

    fn stop(decision: Decision) -> String {
        match decision {
            Decision::Stop(why) => why.unwrap_or_default().to_string(),
            again => panic!("{again:?}"),
        }
    }

    #[test]
    fn a_refusal_is_not_asked_again() {
        let refused = failure(Kind::BadRequestError, false);
        assert_eq!(decide_at(&Policy::new(None), NONE, &refused, MINUTE), Decision::Stop(None));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = Policy::new(Some(&Retry::new().max_attempts(20u32).max_wait(5.0)));
        let broken = failure(Kind::InternalServerError, true);
        let mut tries = NONE;
        let mut waits = Vec::new();
        for _ in 0..5 {
            let (long, next) = wait(decide_at(&policy, tries, &broken, MINUTE));
            waits.push(long.as_secs_f64());
            tries = next;
        }
        assert_eq!(waits, [1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn jitter_may_take_all_of_our_own_wait() {
        let broken = failure(Kind::APIConnectionError, true);
        let with = |jitter| wait(decide(&Policy::new(None), NONE, &broken, MINUTE, true, jitter)).0;
        assert_eq!((with(0.0), with(0.25)), (Duration::ZERO, Duration::from_millis(250)));
    }

    #[test]
    fn the_services_wait_is_obeyed_exactly_and_costs_nothing() {
        let policy = Policy::new(Some(&Retry::new().max_attempts(2u32)));
        let mut tries = NONE;
        for named in 1..=2 {
            // No token is needed either.
            let decision = decide(&policy, tries, &limited(7.5), MINUTE, false, 0.0);
            let (long, next) = wait(decision);
            assert_eq!((long, next), (Duration::from_millis(7500), Tries { named, ..NONE }));
            tries = next;
        }
        assert_eq!(
            wait(decide_at(&policy, tries, &failure(Kind::InternalServerError, true), MINUTE)).1.failed,
            1
        );
    }

    #[test]
    fn a_service_that_names_ever_shorter_waits_is_not_asked_in_a_circle() {
        let policy = Policy::new(None);
        let at = |named| wait(decide_at(&policy, Tries { named, ..NONE }, &limited(0.001), MINUTE)).0;
        assert_eq!([at(3), at(4), at(6)], [0.001, 1.0, 4.0].map(Duration::from_secs_f64));
    }

    #[test]
    fn a_wait_of_zero_is_an_attempt_like_any_other() {
        let policy = Policy::new(Some(&Retry::new().max_attempts(2u32)));
        assert_eq!(
            wait(decide_at(&policy, NONE, &limited(0.0), MINUTE)),
            (Duration::ZERO, Tries { failed: 1, ..NONE })
        );
        assert_eq!(stop(decide_at(&policy, Tries { failed: 1, ..NONE }, &limited(0.0), MINUTE)), "");
    }

    #[test]
    fn a_wait_beyond_the_limits_is_not_begun() {
        let policy = Policy::new(None);
        assert!(stop(decide_at(&policy, NONE, &limited(61.0), 10 * MINUTE)).contains("max_wait"));
        assert!(stop(decide_at(&policy, NONE, &limited(30.0), MINUTE / 3)).contains("timeout"));
        let policy = Policy::new(Some(&Retry::new().initial(90.0).max_wait(90.0)));
        assert!(stop(decide_at(&policy, NONE, &failure(Kind::APIError, true), MINUTE)).contains("timeout"));
    }

    #[test]
    fn a_wait_as_long_as_all_that_is_left_is_not_begun_and_one_of_max_wait_is() {
        let policy = Policy::new(Some(&Retry::new().initial(60.0).max_wait(60.0)));
        let broken = failure(Kind::APIError, true);
        for failure in [limited(60.0), broken] {
            assert!(stop(decide_at(&policy, NONE, &failure, MINUTE)).contains("timeout"), "{failure}");
            let enough = MINUTE + Duration::from_nanos(1);
            assert_eq!(wait(decide_at(&policy, NONE, &failure, enough)).0, MINUTE, "{failure}");
        }
    }

    #[test]
    fn attempts_are_counted_with_the_first() {
        let policy = Policy::new(Some(&Retry::new().max_attempts(2u32)));
        let broken = failure(Kind::APIConnectionError, true);
        assert_eq!(wait(decide_at(&policy, NONE, &broken, MINUTE)).1.failed, 1);
        assert_eq!(stop(decide_at(&policy, Tries { failed: 1, ..NONE }, &broken, MINUTE)), "");
    }

    #[test]
    fn once_is_once_whatever_the_service_names() {
        assert_eq!(stop(decide_at(&Policy::new(Some(&Retry::from(false))), NONE, &limited(1.0), MINUTE)), "");
    }

    #[test]
    fn no_image_buys_tries_for_two_reasons_only() {
        let policy = Policy::new(Some(&Retry::from(false).no_image(1u32)));
        let without = |reason: &str| {
            let detail = NoImage { finish_reason: Some(reason.to_owned()), ..NoImage::default() };
            Error::no_image("it failed", detail).with_retryable(true)
        };
        for reason in ["NO_IMAGE", "IMAGE_OTHER"] {
            let (long, tries) = wait(decide_at(&policy, NONE, &without(reason), MINUTE));
            assert_eq!((long, tries), (Duration::ZERO, Tries { no_image: 1, ..NONE }));
            assert_eq!(stop(decide_at(&policy, tries, &without(reason), MINUTE)), "");
        }
        assert_eq!(stop(decide_at(&policy, NONE, &without("OTHER"), MINUTE)), "");
        assert_eq!(stop(decide_at(&Policy::new(None), NONE, &without("NO_IMAGE"), MINUTE)), "");
    }

    #[test]
    fn what_may_have_been_billed_is_sent_again_unless_that_is_switched_off() {
        let lost = failure(Kind::APIConnectionError, true).with_billed(Billed::Unknown);
        assert_eq!(wait(decide_at(&Policy::new(None), NONE, &lost, MINUTE)).1.failed, 1);
        let policy = Policy::new(Some(&Retry::new().resend_unknown(false)));
        assert!(stop(decide_at(&policy, NONE, &lost, MINUTE)).contains("resend_unknown"));
        let refused = failure(Kind::APIConnectionError, true).with_billed(Billed::No);
        assert_eq!(wait(decide_at(&policy, NONE, &refused, MINUTE)).1.failed, 1);
    }

    #[test]
    fn an_empty_bucket_ends_the_storm() {
        let bucket = Bucket::default();
        let broken = failure(Kind::InternalServerError, true);
        let policy = Policy::new(None);
        let mut made = 0;
        while let Decision::Again { tries, .. } =
            decide(&policy, NONE, &broken, MINUTE, bucket.has_token(), 0.5)
        {
            bucket.pay(NONE, tries);
            made += 1;
        }
        assert_eq!(made, TOKENS);
        assert!(stop(decide(&policy, NONE, &broken, MINUTE, bucket.has_token(), 0.5)).contains("lately"));
        bucket.succeeded();
        assert!(!bucket.has_token());
        bucket.succeeded();
        assert!(bucket.has_token());
    }

    #[test]
    fn a_bucket_holds_no_more_than_it_had_at_first() {
        let bucket = Bucket::default();
        for _ in 0..10 * TOKENS {
            bucket.succeeded();
        }
        let try_again = Tries { failed: 1, ..NONE };
        let mut paid = 0;
        while bucket.has_token() {
            bucket.pay(NONE, try_again);
            paid += 1;
        }
        assert_eq!(paid, TOKENS);
        // What costs no try costs no token, and there is no debt.
        bucket.pay(NONE, try_again);
        bucket.succeeded();
        bucket.succeeded();
        bucket.pay(NONE, Tries { named: 1, no_image: 1, ..NONE });
        assert!(bucket.has_token());
    }
}
