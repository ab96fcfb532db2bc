//! When a request may be sent: one limiter per client and model.
//!
//! Every request asks for a [`Permit`] and gives it back with what it learnt: a good answer, or that
//! the service is busy. So all calls of a client, whichever way they were made, obey a wait that one
//! of them was told, and come back one by one instead of all at once. There is no task and no
//! thread behind it: the calls in line carry it, and one of them keeps the time for all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How many limiters are kept before unused ones are let go.
const MOST_UNUSED: usize = 64;

/// Longer waits than this are cut to it, as a clock cannot count them.
const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a stream counts as under way that is left alone by its reader. The reader may be waiting for
/// a turn itself: a call in the middle of a loop over events.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// The limiters of a client, by model.
pub(crate) struct Limits {
    max: usize,
    rate: Option<Rate>,
    limiters: Mutex<Limiters>,
}

struct Limiters {
    by_model: HashMap<String, Arc<Limiter>>,
    /// How many there may be before unused ones are looked for.
    sweep_at: usize,
}

impl Limits {
    /// `max_concurrency`: the most requests under way, at least 1. `rate`: the most requests in a
    /// minute, more than 0. Both are for each model; without them only the service sets limits.
    pub fn new(max_concurrency: Option<u32>, rate: Option<f64>) -> Self {
        Limits {
            max: max_concurrency.map_or(usize::MAX, |max| (max as usize).max(1)),
            rate: rate.map(Rate::new),
            limiters: Mutex::new(Limiters { by_model: HashMap::new(), sweep_at: MOST_UNUSED }),
        }
    }

    /// The limiter of a model. Whoever holds it shares it with all others that ask; one that nobody
    /// holds, and that would hold nobody up, may be let go.
    pub fn of(&self, model: &str) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let Limiters { by_model, sweep_at } = &mut *limiters;
        if let Some(limiter) = by_model.get(model) {
            return limiter.clone();
        }
        // Models are the user's words, so their number has no end.
        if by_model.len() >= *sweep_at {
            by_model.retain(|_, limiter| Arc::strong_count(limiter) > 1 || !limiter.is_at_rest());
            // If many are in use, looking at all of them for each new one would take its time.
            *sweep_at = MOST_UNUSED.max(by_model.len() * 2);
        }
        let limiter = Arc::new(Limiter::new(self.max, self.rate.clone()));
        by_model.insert(model.to_owned(), limiter.clone());
        limiter
    }
}

/// Who may send next, for one model.
pub(crate) struct Limiter {
    state: Mutex<State>,
}

impl Limiter {
    fn new(max: usize, rate: Option<Rate>) -> Self {
        Limiter {
            state: Mutex::new(State {
                max,
                rate,
                in_flight: 0,
                exempt: 0,
                since_pause: 0,
                waiting: BTreeMap::new(),
                admitted: BTreeMap::new(),
                resting: BTreeSet::new(),
                joined: 0,
                window: None,
                generation: 0,
                pause: None,
                keeper: None,
            }),
        }
    }

    /// Waits for a turn: first come, first served, but a call that goes on after a failure (`again`)
    /// goes before new ones. The place in line is taken when the future is first polled; dropping
    /// the future gives it up, or passes the turn on. Nothing here ends the wait but its turn: how
    /// long a call may wait is the caller's to say.
    pub async fn admit(self: &Arc<Self>, again: bool) -> Permit {
        Turn { limiter: self.clone(), again, place: None, alarm: None }.await
    }

    /// How long the pause that the service asked for still lasts.
    pub fn waits(&self) -> Option<Duration> {
        let left = self.lock().pause?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether forgetting it changes nothing that matters: no pause and no spacing would be lost.
    fn is_at_rest(&self) -> bool {
        let state = self.lock();
        let now = Instant::now();
        state.pause.is_none_or(|end| end <= now) && state.rate.as_ref().is_none_or(|rate| rate.is_full(now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state. Wakers are woken, and what `change` returns is dropped, outside of the
    /// lock: both may run code that comes back here.
    fn with<T>(&self, change: impl FnOnce(&mut State, Instant, &mut Vec<Waker>) -> T) -> T {
        let mut woken = Vec::new();
        let outcome = change(&mut self.lock(), Instant::now(), &mut woken);
        woken.into_iter().for_each(Waker::wake);
        outcome
    }
}

/// The right to have one request under way. Dropped without a word (the call was cancelled, or
/// refused for a reason of its own), it only makes room.
#[must_use]
pub(crate) struct Permit {
    limiter: Arc<Limiter>,
    /// The place in line that it came from, which no other has.
    number: u64,
    generation: u64,
    answer: Option<Answer>,
}

/// What a request says of the service.
enum Answer {
    Good,
    Throttled(Option<Duration>),
}

impl Permit {
    /// The service answered as it should.
    pub fn good(mut self) {
        self.answer = Some(Answer::Good);
    }

    /// The service had too much to do. With `pause`, the wait that it named, nothing is admitted for
    /// so long, and then 1, 2, 4 …; without, half of what was in flight goes on.
    pub fn throttled(mut self, pause: Option<Duration>) {
        self.answer = Some(Answer::Throttled(pause));
    }
}

impl Permit {
    /// Until the guard is dropped, nobody reads what the request brings. If that takes long, the request
    /// does not count in the meantime.
    pub fn rest(&self) -> Rest<'_> {
        let mark = self.limiter.with(|state, now, woken| {
            let mark = (now + LEFT_ALONE, self.number, self.generation);
            state.resting.insert(mark);
            state.advance(now, woken);
            mark
        });
        Rest { limiter: &self.limiter, mark }
    }
}

/// See [`Permit::rest`].
pub(crate) struct Rest<'a> {
    limiter: &'a Limiter,
    mark: Mark,
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.limiter.with(|state, _, _| {
            if !state.resting.remove(&self.mark) {
                state.counts_again(self.mark);
            }
        });
    }
}

/// When a permit that rests ceases to count, its number and its generation.
type Mark = (Instant, u64, u64);

impl Drop for Permit {
    fn drop(&mut self) {
        let (answer, generation) = (self.answer.take(), self.generation);
        self.limiter.with(|state, now, woken| {
            match answer {
                Some(Answer::Good) => state.good(generation),
                Some(Answer::Throttled(pause)) => state.throttled(generation, pause, now),
                None => {}
            }
            state.leaves(generation);
            state.advance(now, woken);
        });
    }
}

/// A place in line. Calls that go on after a failure stand before new ones, hence the flag first.
type Place = (bool, u64);

struct State {
    max: usize,
    rate: Option<Rate>,
    /// Permits that are out and count, and turns in `admitted`.
    in_flight: usize,
    /// Those of them that were under way when the service asked for a pause. They do not hold up the
    /// first ones after it: a picture may take minutes.
    exempt: usize,
    /// The generation that began with that pause.
    since_pause: u64,
    waiting: BTreeMap<Place, Waker>,
    /// Turns that were given and not yet taken, each with its generation: the task has been woken.
    admitted: BTreeMap<Place, u64>,
    /// Permits that rest and count still.
    resting: BTreeSet<Mark>,
    /// How many ever joined the line.
    joined: u64,
    /// None while the service keeps up.
    window: Option<Window>,
    /// Counts how often the window shrank. What was admitted before says nothing about it.
    generation: u64,
    pause: Option<Instant>,
    /// Who of `waiting` keeps the time, if there is time to wait for.
    keeper: Option<Keeper>,
}

struct Keeper {
    place: Place,
    /// When its alarm goes off. None: it was woken and will set one.
    alarm: Option<Instant>,
}

/// How many may be in flight since the service had too much to do.
struct Window {
    size: usize,
    /// Below it each good answer makes room for one more, from it on a window full of them does.
    threshold: usize,
    /// Good answers since the window last grew.
    answers: usize,
    /// The most that was in flight or in line at once. A window that is larger is none.
    wanted: usize,
}

impl State {
    fn join(&mut self, again: bool) -> Place {
        let place = (!again, self.joined);
        self.joined += 1;
        self.waiting.insert(place, Waker::noop().clone());
        let wanted = self.wanted();
        if let Some(window) = &mut self.window {
            window.wanted = window.wanted.max(wanted);
        }
        place
    }

    fn wanted(&self) -> usize {
        self.in_flight + self.waiting.len()
    }

    /// Admits whoever may go, and sees to it that somebody keeps the time if only time is missing:
    /// until when is returned.
    fn advance(&mut self, now: Instant, woken: &mut Vec<Waker>) -> Option<Instant> {
        while !self.waiting.is_empty() {
            if self.in_flight >= self.most() {
                let Some(&(end, _, generation)) = self.resting.first() else { break };
                if end > now {
                    self.appoint(end, woken);
                    return Some(end);
                }
                self.resting.pop_first();
                self.leaves(generation);
                continue;
            }
            if let Some(until) = self.closed_until(now) {
                self.appoint(until, woken);
                return Some(until);
            }
            let Some((place, waker)) = self.waiting.pop_first() else { break };
            self.admitted.insert(place, self.generation);
            self.in_flight += 1;
            if let Some(rate) = &mut self.rate {
                rate.take(now);
            }
            self.dismiss(place);
            woken.push(waker);
        }
        None
    }

    /// How many may be in flight.
    fn most(&self) -> usize {
        let window = self.window.as_ref().map(|window| window.size.saturating_add(self.exempt));
        window.map_or(self.max, |window| window.min(self.max))
    }

    /// A permit does not count any more.
    fn leaves(&mut self, generation: u64) {
        self.in_flight -= 1;
        if generation < self.since_pause {
            self.exempt = self.exempt.saturating_sub(1);
        }
    }

    /// One that rested for long goes on. If its room was taken there is one too many for a while.
    fn counts_again(&mut self, (_, _, generation): Mark) {
        self.in_flight += 1;
        if generation < self.since_pause {
            self.exempt += 1;
        }
    }

    fn closed_until(&self, now: Instant) -> Option<Instant> {
        let spaced = self.rate.as_ref().and_then(|rate| rate.opens_at(now));
        self.pause.filter(|end| *end > now).max(spaced)
    }

    /// Makes the first in line the keeper if there is none. One whose alarm comes too early sets it
    /// again by itself; too late happens if a turn is given back.
    fn appoint(&mut self, until: Instant, woken: &mut Vec<Waker>) {
        let place = match &self.keeper {
            Some(Keeper { alarm: None, .. }) => return,
            Some(Keeper { alarm: Some(alarm), .. }) if *alarm <= until => return,
            Some(Keeper { place, .. }) => Some(*place),
            None => self.waiting.keys().next().copied(),
        };
        if let Some(place) = place
            && let Some(waker) = self.waiting.get(&place)
        {
            woken.push(waker.clone());
            self.keeper = Some(Keeper { place, alarm: None });
        }
    }

    fn is_keeper(&self, place: Place) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| keeper.place == place)
    }

    fn dismiss(&mut self, place: Place) {
        if self.is_keeper(place) {
            self.keeper = None;
        }
    }

    /// A turn that was given and not used, as if it had not been.
    fn give_back(&mut self) {
        self.in_flight -= 1;
        if let Some(rate) = &mut self.rate {
            rate.give_back();
        }
    }

    fn good(&mut self, generation: u64) {
        let Some(window) = self.window.as_mut().filter(|_| generation == self.generation) else { return };
        window.answers += 1;
        if window.size < window.threshold || window.answers >= window.size {
            window.size += 1;
            window.answers = 0;
        }
        if window.size > window.wanted || window.size >= self.max {
            self.window = None;
        }
    }

    fn throttled(&mut self, generation: u64, pause: Option<Duration>, now: Instant) {
        let fresh = generation == self.generation;
        // What was admitted before the last shrink met the crowd that the shrink was for.
        if pause.is_none() && !fresh {
            return;
        }
        // Whoever was told to go and has not gone yet goes back to its place. Its task was woken and
        // will look.
        while let Some((place, _)) = self.admitted.pop_first() {
            self.waiting.insert(place, Waker::noop().clone());
            self.give_back();
        }
        let half = (self.in_flight.saturating_sub(self.exempt) / 2).max(1);
        let before = self.window.as_ref();
        let threshold = before.filter(|_| !fresh).map_or(half, |window| window.threshold);
        let wanted = before.map_or(0, |window| window.wanted).max(self.wanted());
        let size = if pause.is_some() { 1 } else { half };
        self.window = Some(Window { size, threshold, answers: 0, wanted });
        self.generation += 1;
        if let Some(pause) = pause {
            (self.exempt, self.since_pause) = (self.in_flight, self.generation);
            self.pause = self.pause.max(now.checked_add(pause.min(FAR)));
        }
    }
}

/// One call in line.
struct Turn {
    limiter: Arc<Limiter>,
    again: bool,
    place: Option<Place>,
    /// Set while it keeps the time.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Future for Turn {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        let this = &mut *self;
        loop {
            let (number, admitted, until, _old) = this.limiter.with(|state, now, woken| {
                let place = *this.place.get_or_insert_with(|| state.join(this.again));
                let until = state.advance(now, woken);
                if let Some(generation) = state.admitted.remove(&place) {
                    return (place.1, Some(generation), None, None);
                }
                let old = state.waiting.insert(place, context.waker().clone());
                let until = until.filter(|_| state.is_keeper(place));
                state.dismiss(place);
                if until.is_some() {
                    state.keeper = Some(Keeper { place, alarm: until });
                }
                (place.1, None, until, old)
            });
            if let Some(generation) = admitted {
                this.place = None;
                let limiter = this.limiter.clone();
                return Poll::Ready(Permit { limiter, number, generation, answer: None });
            }
            let Some(until) = until else {
                this.alarm = None;
                return Poll::Pending;
            };
            let alarm = match this.alarm.take().filter(|alarm| alarm.deadline() == until) {
                Some(alarm) => this.alarm.insert(alarm),
                None => this.alarm.insert(Box::pin(sleep_until(until))),
            };
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.alarm = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let _waker = self.limiter.with(|state, now, woken| {
            let waker = state.waiting.remove(&place);
            if waker.is_some() {
                state.dismiss(place);
            } else if state.admitted.remove(&place).is_some() {
                state.give_back();
            }
            state.advance(now, woken);
            waker
        });
    }
}

/// A bucket of turns that fills evenly. A full one holds a second's worth, at least one.
#[derive(Clone)]
struct Rate {
    /// The time that one turn takes to come.
    each: Duration,
    /// The time in which all but one of a full bucket come.
    burst: Duration,
    /// When the bucket is full again. None: it never lost any.
    full_at: Option<Instant>,
}

impl Rate {
    fn new(per_minute: f64) -> Self {
        let burst = (per_minute / 60.0).floor().max(1.0);
        // A minute may begin with a full bucket: what fills it during the minute is the rest, so
        // that no minute ever sees more than was allowed.
        let each = 60.0 / (per_minute - (burst - 1.0));
        // Rounded up, or the last one would come a moment too early.
        let each = Duration::from_nanos((each * 1e9).ceil() as u64).min(FAR);
        Rate { each, burst: each.saturating_mul((burst - 1.0) as u32), full_at: None }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|full| full <= now)
    }

    /// When the next turn comes, if none is there.
    fn opens_at(&self, now: Instant) -> Option<Instant> {
        let wait = self.full_at?.saturating_duration_since(now).saturating_sub(self.burst);
        if wait.is_zero() { None } else { now.checked_add(wait) }
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(Some(now)).and_then(|full| full.checked_add(self.each));
    }

    fn give_back(&mut self) {
        self.full_at = self.full_at.and_then(|full| full.checked_sub(self.each));
    }
}

#[cfg(test)]
mod tests;
