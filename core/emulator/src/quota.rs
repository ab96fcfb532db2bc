//! The limits of a project, with real counters: requests and pictures in a minute, requests in a day.
//!
//! They count per model what is let in, over a window that slides: what came longer ago than its length
//! counts no more. A refusal tells when there is room again, as the service's does.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::check::Refusal;
use nanobanana_base::options::MINUTES;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most requests to one model that are counted.
const MOST: usize = 1 << 20;

/// How many are let in; none for any number.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Requests a minute.
    pub rpm: Option<u32>,
    /// Pictures a minute.
    pub ipm: Option<u32>,
    /// Requests a day.
    pub rpd: Option<u32>,
    /// How long a minute is.
    pub minute: Duration,
}

#[derive(Debug)]
pub(super) struct Quota {
    limits: Limits,
    /// When each model was asked, within the last day, since there was a limit.
    asked: HashMap<String, VecDeque<Instant>>,
}

/// One of the limits, as the service calls it.
struct Limit {
    most: u32,
    window: Duration,
    metric: &'static str,
    id: &'static str,
}

impl Quota {
    pub fn new(limits: Limits) -> Self {
        Quota { limits, asked: HashMap::new() }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sets other limits; what came before still counts.
    pub fn set(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Forgets what came.
    pub fn reset(&mut self) {
        self.asked.clear();
    }

    /// Counts a request that is to give one picture, or refuses it.
    pub fn admit(&mut self, model: &str, now: Instant) -> Result<(), Refusal> {
        let Limits { rpm, ipm, rpd, minute } = self.limits;
        let limits = [
            (rpd, DAY, "generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel"),
            (rpm, minute, "generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel"),
            (ipm, minute, "generate_images_per_model", "GenerateImagesPerMinutePerProjectPerModel"),
        ];
        let set = limits
            .into_iter()
            .filter_map(|(most, window, metric, id)| Some(Limit { most: most?, window, metric, id }));
        let set: Vec<Limit> = set.collect();
        if set.is_empty() {
            return Ok(());
        }
        let asked = self.asked.entry(model.to_owned()).or_default();
        while asked.len() >= MOST || asked.front().is_some_and(|at| now.duration_since(*at) >= DAY) {
            asked.pop_front();
        }
        for limit in set {
            let within = asked.iter().rev().take_while(|at| now.duration_since(**at) < limit.window);
            if within.clone().count() >= limit.most as usize {
                // There is room again when the last one that fills it has left the window.
                let leaver = (limit.most as usize).checked_sub(1).and_then(|index| within.clone().nth(index));
                let wait = leaver.map_or(limit.window, |at| limit.window - now.duration_since(*at));
                return Err(limit.refusal(model, wait));
            }
        }
        asked.push_back(now);
        Ok(())
    }
}

impl Limit {
    fn refusal(&self, model: &str, wait: Duration) -> Refusal {
        let metric = format!("generativelanguage.googleapis.com/{}", self.metric);
        let seconds = format!("{:.3}", wait.as_secs_f64().max(0.001));
        let message = format!(
            "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: {metric}, limit: {}, model: {model}\nPlease retry in {seconds}s.",
            self.most
        );
        let mut refusal = Refusal::new(429, "RESOURCE_EXHAUSTED", message);
        refusal.details = vec![
            json!({
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{
                    "quotaMetric": metric, "quotaId": self.id, "quotaValue": self.most.to_string(),
                    "quotaDimensions": { "model": model, "location": "global" },
                }],
            }),
            json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s") }),
        ];
        refusal
    }
}

impl Limits {
    /// Other ones by their names, where they are named; null lifts one.
    pub fn with(&self, told: &Map<String, Value>) -> Result<Self, String> {
        let mut limits = self.clone();
        for (name, value) in told {
            let count = || match value {
                Value::Null => Ok(None),
                value => (value.as_u64().and_then(|most| u32::try_from(most).ok()).map(Some))
                    .ok_or_else(|| format!("`{name}` takes a whole number from 0, or null for no limit")),
            };
            match name.as_str() {
                "rpm" => limits.rpm = count()?,
                "ipm" => limits.ipm = count()?,
                "rpd" => limits.rpd = count()?,
                "minute" => {
                    limits.minute = (value.as_f64())
                        .filter(|seconds| MINUTES.contains(seconds))
                        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                        .ok_or("`minute` takes a number of seconds above 0, at most a day")?;
                }
                _ => return Err(format!("`{name}` does not exist; the limits are rpm, ipm, rpd and minute")),
            }
        }
        Ok(limits)
    }

    pub fn told(&self) -> Value {
        json!({ "rpm": self.rpm, "ipm": self.ipm, "rpd": self.rpd, "minute": self.minute.as_secs_f64() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn quota(told: Value) -> Quota {
        let none = Limits { rpm: None, ipm: None, rpd: None, minute: Duration::from_secs(60) };
        Quota::new(none.with(told.as_object().unwrap()).unwrap())
    }

    fn refused(quota: &mut Quota, model: &str, now: Instant) -> Option<(String, String)> {
        let details = quota.admit(model, now).err()?.details;
        let id = details[0]["violations"][0]["quotaId"].as_str().unwrap().to_owned();
        Some((id, details[1]["retryDelay"].as_str().unwrap().to_owned()))
    }

    #[test]
    fn a_minute_slides_and_the_refusal_tells_when_there_is_room() {
        let mut quota = quota(json!({ "rpm": 2 }));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(refused(&mut quota, "a", at(0)), None);
        assert_eq!(refused(&mut quota, "a", at(20)), None);
        let (id, delay) = refused(&mut quota, "a", at(30)).unwrap();
        assert_eq!((id.contains("RequestsPerMinute"), delay.as_str()), (true, "30.000s"));
        assert_eq!(refused(&mut quota, "b", at(30)), None, "each model has its own");
        assert_eq!(refused(&mut quota, "a", at(60)), None, "what was refused did not count");
        assert_eq!(refused(&mut quota, "a", at(61)).unwrap().1, "19.000s");
    }

    #[test]
    fn the_day_comes_first_and_limits_can_be_set_and_lifted() {
        let mut quota = quota(json!({ "rpd": 1, "ipm": 1 }));
        let now = Instant::now();
        assert_eq!(refused(&mut quota, "a", now), None);
        assert!(refused(&mut quota, "a", now).unwrap().0.contains("PerDay"));
        quota.set(quota.limits().with(json!({ "rpd": null }).as_object().unwrap()).unwrap());
        assert!(refused(&mut quota, "a", now).unwrap().0.contains("ImagesPerMinute"));
        quota.reset();
        assert_eq!(refused(&mut quota, "a", now), None);
        let wrong = |told: Value| quota.limits().with(told.as_object().unwrap()).unwrap_err();
        assert!(wrong(json!({ "rpm": -1 })).contains("whole number"));
        assert!(wrong(json!({ "minute": 0 })).contains("above 0"));
        assert!(wrong(json!({ "tpm": 1 })).contains("does not exist"));
    }
}
