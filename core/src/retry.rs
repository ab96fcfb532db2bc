//! Whether a failed attempt is made again, and when: one pure function.
//!
//! It sees the policy, how many attempts were made, what went wrong and how much time is left, and
//! nothing else decides to try again.

use std::time::Duration;

use crate::error::{Error, Kind};
use crate::options::Retry;

/// The numbers of [`Retry`], all of them known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub max_attempts: u32,
    pub initial: Duration,
    pub max_wait: Duration,
}

impl Policy {
    pub fn new(retry: Option<&Retry>) -> Self {
        let retry = retry.cloned().unwrap_or_default();
        Policy {
            max_attempts: retry.max_attempts.unwrap_or(4),
            initial: retry.initial.map_or(Duration::from_secs(1), |wait| wait.duration()),
            max_wait: retry.max_wait.map_or(Duration::from_secs(60), |wait| wait.duration()),
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Wait so long, then make the attempt again.
    Wait(Duration),
    /// The failure is the call's; the text, if any, says why waiting was no way out.
    Stop(Option<String>),
}

/// Decides. `made` counts the attempts so far, `left` is the time until the call's deadline and
/// `jitter` a number from 0 to 1 drawn by the caller.
pub(crate) fn decide(policy: &Policy, made: u32, failure: &Error, left: Duration, jitter: f64) -> Decision {
    // A call without a picture was answered, and paid for: whether to pay again is the caller's to say.
    let answered = matches!(failure.kind(), Kind::NoImageError | Kind::BlockedError);
    if !failure.retryable() || answered || left.is_zero() {
        return Decision::Stop(None);
    }
    if made >= policy.max_attempts {
        return Decision::Stop(None);
    }
    let named = failure.retry_after().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wait = named.unwrap_or_else(|| {
        let doublings = made.saturating_sub(1).min(30);
        let ceiling = policy.initial.saturating_mul(1 << doublings).min(policy.max_wait);
        // Half fixed, half random: clients that failed together do not come back together, and
        // none comes back at once.
        ceiling.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    });
    let asked = |what: &str| {
        format!("the service asks to wait {:.1} s, which is more than {what}", wait.as_secs_f64())
    };
    if named.is_some() && wait > policy.max_wait {
        return Decision::Stop(Some(asked("`max_wait` allows")));
    }
    if wait >= left {
        return Decision::Stop(Some(if named.is_some() {
            asked("the call's timeout leaves")
        } else {
            "the call's timeout leaves no time to try again".to_owned()
        }));
    }
    Decision::Wait(wait)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn failure(kind: Kind, retryable: bool) -> Error {
        Error::new(kind, "it failed").with("retryable", retryable)
    }

    #[test]
    fn a_refusal_is_not_asked_again() {
        let refused = failure(Kind::BadRequestError, false);
        assert_eq!(decide(&Policy::new(None), 1, &refused, MINUTE, 0.5), Decision::Stop(None));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = Policy::new(Some(&Retry::new().max_attempts(20u32).max_wait(5.0)));
        let waits: Vec<f64> = (1..=5)
            .map(|made| match decide(&policy, made, &failure(Kind::InternalServerError, true), MINUTE, 1.0) {
                Decision::Wait(wait) => wait.as_secs_f64(),
                Decision::Stop(why) => panic!("{why:?}"),
            })
            .collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn jitter_takes_at_most_half() {
        let wait =
            |jitter| decide(&Policy::new(None), 1, &failure(Kind::APIConnectionError, true), MINUTE, jitter);
        assert_eq!(wait(0.0), Decision::Wait(Duration::from_millis(500)));
        assert_eq!(wait(1.0), Decision::Wait(Duration::from_millis(1000)));
    }

    #[test]
    fn the_services_wait_is_obeyed_exactly() {
        let limited = failure(Kind::RateLimitError, true).with("retry_after", 7.5);
        assert_eq!(
            decide(&Policy::new(None), 1, &limited, MINUTE, 0.0),
            Decision::Wait(Duration::from_millis(7500))
        );
    }

    #[test]
    fn a_wait_beyond_the_limits_is_not_begun() {
        let limited = failure(Kind::RateLimitError, true).with("retry_after", 61.0);
        let stop = decide(&Policy::new(None), 1, &limited, Duration::from_secs(600), 0.0);
        assert!(matches!(stop, Decision::Stop(Some(why)) if why.contains("max_wait")));
        let limited = failure(Kind::RateLimitError, true).with("retry_after", 30.0);
        let stop = decide(&Policy::new(None), 1, &limited, Duration::from_secs(20), 0.0);
        assert!(matches!(stop, Decision::Stop(Some(why)) if why.contains("timeout")));
    }

    #[test]
    fn attempts_are_counted_with_the_first() {
        let policy = Policy::new(Some(&Retry::from(2u32)));
        let broken = failure(Kind::APIConnectionError, true);
        assert!(matches!(decide(&policy, 1, &broken, MINUTE, 0.5), Decision::Wait(_)));
        assert_eq!(decide(&policy, 2, &broken, MINUTE, 0.5), Decision::Stop(None));
    }
}
