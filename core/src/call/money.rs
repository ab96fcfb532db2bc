//! What a client has spent, and what it may spend.
//!
//! A request's price is known only once it is answered. So its typical price is set aside before it
//! is sent, and the requests under way can pass the budget by no more than what they cost beyond
//! that. All sums are whole nano-dollars in atomics: adding never loses anything, and a fork leaves
//! no lock behind.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{BudgetExceeded, Error, Kind, now};
use crate::message::{Message, Part, field, message, method, option};
use crate::options::Budget;
use crate::process::PerProcess;
use crate::records::{Spent, UnknownCall};

#[cfg(test)]
mod tests;

/// How many requests of unknown outcome are told one by one.
const TOLD: usize = 100;

/// Whole nano-dollars.
type Nanos = i64;

/// The most that one sum is taken for: a million dollars for a request, a billion for a budget.
/// Thousands of such sums fit.
const MOST_PRICE: f64 = 1e6;
const MOST_BUDGET: f64 = 1e9;

fn nanos(usd: f64, most: f64) -> Nanos {
    // Not a number becomes 0.
    (usd.clamp(0.0, most) * 1e9).round() as Nanos
}

fn usd(nanos: Nanos) -> f64 {
    nanos as f64 / 1e9
}

/// The accounts of one client and its copies.
pub(crate) struct Ledger {
    budget: Option<Nanos>,
    per_call: Option<Nanos>,
    /// All that is spent, kept and held. The one number that the budget is held against, so that
    /// no two requests can take the same room.
    taken: AtomicI64,
    spent: AtomicI64,
    held: AtomicI64,
    /// For requests whose outcome is not known.
    kept: AtomicI64,
    answered: AtomicU64,
    unpriced: AtomicU64,
    unknown: AtomicU64,
    here: PerProcess<Here>,
}

/// What belongs to one process.
#[derive(Default)]
struct Here {
    /// What the parent had under way at the fork: its own requests, which it settles itself.
    inherited: Nanos,
    unknown: Mutex<VecDeque<UnknownCall>>,
}

impl Ledger {
    /// Nothing spent yet.
    pub fn new(budget: Option<&Budget>) -> Self {
        let limit = |read: fn(&Budget) -> Option<f64>, most| Some(nanos(budget.and_then(read)?, most));
        let ledger = Ledger {
            budget: limit(|budget| budget.usd, MOST_BUDGET),
            per_call: limit(|budget| budget.per_call, MOST_PRICE),
            taken: AtomicI64::new(0),
            spent: AtomicI64::new(0),
            held: AtomicI64::new(0),
            kept: AtomicI64::new(0),
            answered: AtomicU64::new(0),
            unpriced: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            here: PerProcess::new(),
        };
        ledger.here();
        ledger
    }

    /// Made before this process's first hold is taken, so that all that is held by then is another's.
    fn here(&self) -> Arc<Here> {
        let make = || Ok::<_, Infallible>(Here { inherited: self.held.load(SeqCst), ..Here::default() });
        self.here.get_or_try(make).unwrap_or_else(|never| match never {})
    }

    /// Sets the price of one request aside, before it is sent. `price` is what it typically costs in
    /// USD, none if that is not known.
    ///
    /// # Errors
    /// [`Kind::BudgetExceededError`] if there is no room for it, [`Kind::ConfigError`] if a budget is
    /// set, but neither is the price known nor `per_call` set.
    pub fn hold(self: &Arc<Self>, price: Option<f64>, model: &str) -> Result<Hold, Error> {
        let inherited = self.here().inherited;
        let price = self.allowed(price, 1, model)?;
        let mut taken = self.taken.load(SeqCst);
        loop {
            let with_this = taken.saturating_add(price);
            if self.budget.is_some_and(|budget| with_this.saturating_sub(inherited) > budget) {
                return Err(self.full(price, 1, model));
            }
            match self.taken.compare_exchange_weak(taken, with_this, SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => taken = now,
            }
        }
        self.held.fetch_add(price, SeqCst);
        let (ledger, model) = (self.clone(), model.to_owned());
        Ok(Hold { ledger, model, price, process: std::process::id(), is_open: true, sent: None })
    }

    /// Whether there is room for `calls` such requests, without setting anything aside: others may
    /// take it in the meantime.
    ///
    /// # Errors
    /// As [`Ledger::hold`].
    pub fn check(&self, price: Option<f64>, calls: u32, model: &str) -> Result<(), Error> {
        let all = self.allowed(price, calls, model)?.saturating_mul(calls.into());
        let taken = self.taken.load(SeqCst).saturating_sub(self.here().inherited);
        match self.budget {
            Some(budget) if taken.saturating_add(all) > budget => Err(self.full(all, calls, model)),
            _ => Ok(()),
        }
    }

    /// What is to be set aside for one request, if one of its price is allowed at all.
    fn allowed(&self, price: Option<f64>, calls: u32, model: &str) -> Result<Nanos, Error> {
        let price = price.filter(|price| price.is_finite()).map(|price| nanos(price, MOST_PRICE));
        match (price, self.per_call) {
            (Some(price), Some(most)) if price > most => {
                let (costs, most) = (told(price), told(most));
                let problem = message!(
                    "a request to `{model}` typically costs {costs}, and the budget's {} is {most}",
                    field("per_call")
                );
                Err(self.refused(problem, price.saturating_mul(calls.into()), &field("per_call")))
            }
            (Some(price), _) => Ok(price),
            (None, Some(most)) => Ok(most),
            (None, None) if self.budget.is_none() => Ok(0),
            (None, None) => Err(Error::new(
                Kind::ConfigError,
                message!(
                    "a budget is set, but what a request to `{model}` costs (in this service tier) is not known. \
                     This was not sent; set the budget's {} to what one may cost at most, use a model \
                     with a price ({} lists them), or set no budget",
                    field("per_call"),
                    method("models", "nanobanana models")
                ),
            )),
        }
    }

    fn full(&self, needed: Nanos, calls: u32, model: &str) -> Error {
        let sums = self.sums();
        let mut parts = vec![format!("{} is spent", told(sums.spent))];
        if sums.kept > 0 {
            parts.push(format!("{} kept for requests of unknown outcome", told(sums.kept)));
        }
        if sums.held > 0 {
            parts.push(format!("{} held by requests under way", told(sums.held)));
        }
        let what = match calls {
            1 => format!("a request to `{model}` typically costs {}", told(needed)),
            calls => format!("{calls} requests to `{model}` typically cost {}", told(needed)),
        };
        let problem = format!(
            "{what}, and the budget of {} has no room for that: {}",
            told(self.budget.unwrap_or_default()),
            parts.join(", ")
        );
        self.refused(problem.into(), needed, &option("budget"))
    }

    fn refused(&self, problem: Message, needed: Nanos, raise: &dyn Part) -> Error {
        let sums = self.sums();
        let message = message!(
            "{}. This was not sent; give a larger {}, or ask for a cheaper model, a smaller size or fewer pictures",
            problem,
            raise
        );
        let detail = BudgetExceeded {
            budget: self.budget.map(usd),
            per_call: self.per_call.map(usd),
            spent: Some(usd(sums.spent + sums.kept)),
            held: Some(usd(sums.held)),
            needed: Some(usd(needed)),
        };
        Error::budget_exceeded(message, detail)
    }

    fn sums(&self) -> Sums {
        let read = || {
            let [spent, held, kept] = [&self.spent, &self.held, &self.kept].map(|sum| sum.load(SeqCst));
            (Sums { spent, held, kept }, self.taken.load(SeqCst))
        };
        // What does not add up was read in the middle of a change.
        let is_whole = |(sums, taken): &(Sums, Nanos)| sums.spent + sums.held + sums.kept == *taken;
        let (sums, _) = (0..100).map(|_| read()).find(is_whole).unwrap_or_else(read);
        Sums { held: sums.held.saturating_sub(self.here().inherited).max(0), ..sums }
    }

    /// The accounts as they stand.
    pub fn spent(&self) -> Spent {
        let Sums { spent, held, kept } = self.sums();
        let left = |budget: Nanos| usd(budget.saturating_sub(spent + held + kept).max(0));
        let here = self.here();
        let unknown = here.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        Spent {
            usd: usd(spent),
            calls: self.answered.load(SeqCst),
            pending_usd: usd(held),
            unknown: self.unknown.load(SeqCst),
            unknown_usd: usd(kept),
            unknown_calls: unknown.iter().cloned().collect(),
            unpriced: self.unpriced.load(SeqCst),
            remaining_usd: self.budget.map(left),
        }
    }
}

/// What is in the accounts.
struct Sums {
    spent: Nanos,
    /// By this process's own requests.
    held: Nanos,
    kept: Nanos,
}

/// What was set aside for one request. Dropped, the request was given up while it was under way: it
/// may have been billed.
#[must_use]
pub(crate) struct Hold {
    ledger: Arc<Ledger>,
    model: String,
    price: Nanos,
    process: u32,
    is_open: bool,
    /// Whether the request has left. None: nobody tells.
    sent: Option<Arc<AtomicBool>>,
}

impl Hold {
    /// Dropped before `sent` is set, the request was never sent, and cost nothing.
    pub fn until(&mut self, sent: Arc<AtomicBool>) {
        self.sent = Some(sent);
    }

    /// It was answered, and cost so many USD. If that is not known, what was set aside counts.
    pub fn settle(mut self, cost: Option<f64>) {
        let cost = cost.filter(|cost| cost.is_finite()).map(|cost| nanos(cost, MOST_PRICE));
        if cost.is_none() {
            self.ledger.unpriced.fetch_add(1, SeqCst);
        }
        self.ledger.answered.fetch_add(1, SeqCst);
        self.end(cost.unwrap_or(self.price), |ledger| &ledger.spent);
    }

    /// It cost nothing: it was refused, or never sent.
    pub fn free(mut self) {
        self.end(0, |ledger| &ledger.spent);
    }

    /// Whether it was billed is not known, for this reason: what was set aside is kept for good.
    pub fn lost(mut self, why: &str) {
        self.lose(why);
    }

    fn lose(&mut self, why: &str) {
        let here = self.ledger.here();
        let mut unknown = here.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() == TOLD {
            unknown.pop_front();
        }
        unknown.push_back(UnknownCall { when: now(), model: self.model.clone(), reason: why.to_owned() });
        drop(unknown);
        self.ledger.unknown.fetch_add(1, SeqCst);
        self.end(self.price, |ledger| &ledger.kept);
    }

    /// Moves what was held to where it belongs.
    fn end(&mut self, cost: Nanos, account: fn(&Ledger) -> &AtomicI64) {
        self.is_open = false;
        self.ledger.taken.fetch_add(cost - self.price, SeqCst);
        self.ledger.held.fetch_sub(self.price, SeqCst);
        account(&self.ledger).fetch_add(cost, SeqCst);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // After a fork the child has copies of its parent's holds, which are not its own.
        if !self.is_open || self.process != std::process::id() {
            return;
        }
        match self.sent.as_ref().is_none_or(|sent| sent.load(SeqCst)) {
            true => self.lose("cancelled"),
            false => self.end(0, |ledger| &ledger.spent),
        }
    }
}

/// An amount for people: cents, and as many digits more as it has, up to four.
fn told(amount: Nanos) -> String {
    let digits = if amount > 0 && amount < 50_000 { 9 } else { 4 };
    let text = format!("{:.digits$}", usd(amount));
    let cents = text.find('.').map_or(text.len(), |dot| dot + 3);
    let (sure, more) = text.split_at(cents.min(text.len()));
    format!("${sure}{}", more.trim_end_matches('0'))
}
