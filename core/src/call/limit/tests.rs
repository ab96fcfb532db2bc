#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

use proptest::prelude::*;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::{advance, sleep, timeout};

use super::*;

fn limiter(max: Option<u32>, rate: Option<f64>) -> Arc<Limiter> {
    Limits::new(max, rate).of("a-model")
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A call that takes its permit out to the test.
fn call(limiter: &Arc<Limiter>, again: bool) -> JoinHandle<Permit> {
    let limiter = limiter.clone();
    tokio::spawn(async move { limiter.admit(again).await })
}

/// Lets every task run until it waits for a clock or a permit.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

/// The permits of those calls that were admitted.
async fn admitted(calls: &mut Vec<JoinHandle<Permit>>) -> Vec<Permit> {
    settle().await;
    let mut permits = Vec::new();
    while let Some(index) = calls.iter().position(JoinHandle::is_finished) {
        permits.push(calls.remove(index).await.unwrap());
    }
    permits
}

async fn many(limiter: &Arc<Limiter>, number: usize) -> Vec<Permit> {
    let mut calls: Vec<_> = (0..number).map(|_| call(limiter, false)).collect();
    let permits = admitted(&mut calls).await;
    assert_eq!(permits.len(), number);
    permits
}

fn is_at_rest(limiter: &Limiter) -> bool {
    let state = limiter.lock();
    state.in_flight == 0 && state.waiting.is_empty() && state.admitted.is_empty() && state.keeper.is_none()
}

/// A waker that is a flag and a count.
#[derive(Default)]
struct Flag(AtomicBool, AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
        self.1.fetch_add(1, SeqCst);
    }
}

/// A call that is polled by hand.
struct Hand {
    flag: Arc<Flag>,
    future: Pin<Box<dyn Future<Output = Permit>>>,
}

impl Hand {
    fn new(limiter: &Arc<Limiter>, again: bool) -> Self {
        let limiter = limiter.clone();
        let flag = Arc::new(Flag::default());
        flag.0.store(true, SeqCst);
        Hand { flag, future: Box::pin(async move { limiter.admit(again).await }) }
    }

    /// As a runtime does: only if it was woken.
    fn poll(&mut self) -> Option<Permit> {
        if !self.flag.0.swap(false, SeqCst) {
            return None;
        }
        match self.future.as_mut().poll(&mut Context::from_waker(&self.flag.clone().into())) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.flag.0.load(SeqCst)
    }
}

#[tokio::test]
async fn without_limits_nobody_waits() {
    let limiter = limiter(None, None);
    let permits = many(&limiter, 1000).await;
    assert_eq!(limiter.waits(), None);
    drop(permits);
    assert!(is_at_rest(&limiter));
}

#[tokio::test]
async fn no_more_are_under_way_than_allowed_and_the_first_comes_first() {
    let limiter = limiter(Some(2), None);
    let running = many(&limiter, 2).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for (name, again) in [("new 1", false), ("again 1", true), ("new 2", false), ("again 2", true)] {
        let (limiter, order) = (limiter.clone(), order.clone());
        tasks.spawn(async move {
            let _permit = limiter.admit(again).await;
            order.lock().unwrap().push(name);
            assert!(limiter.lock().in_flight <= 2);
        });
    }
    settle().await;
    assert!(order.lock().unwrap().is_empty());
    drop(running);
    tasks.join_all().await;
    assert_eq!(*order.lock().unwrap(), ["again 1", "again 2", "new 1", "new 2"]);
    assert!(is_at_rest(&limiter));
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_is_admitted_then_two_then_four() {
    let limiter = limiter(None, None);
    for permit in many(&limiter, 32).await {
        permit.throttled(Some(seconds(4.0)));
    }
    let mut calls: Vec<_> = (0..32).map(|_| call(&limiter, true)).collect();
    assert_eq!(limiter.waits(), Some(seconds(4.0)));
    sleep(seconds(3.999)).await;
    assert!(admitted(&mut calls).await.is_empty());
    sleep(seconds(0.002)).await;
    let mut sizes = Vec::new();
    let mut permits = admitted(&mut calls).await;
    assert_eq!(limiter.waits(), None);
    while !permits.is_empty() {
        sizes.push(permits.len());
        permits.into_iter().for_each(Permit::good);
        permits = admitted(&mut calls).await;
    }
    // The threshold is 16, half of what was in flight: from there the next step is one.
    assert_eq!(sizes, [1, 2, 4, 8, 16, 1]);
    assert!(is_at_rest(&limiter));
}

#[tokio::test(start_paused = true)]
async fn from_half_of_what_was_in_flight_on_the_window_grows_by_one() {
    let limiter = limiter(None, None);
    for permit in many(&limiter, 8).await {
        permit.throttled(Some(seconds(1.0)));
    }
    let mut calls: Vec<_> = (0..60).map(|_| call(&limiter, false)).collect();
    sleep(seconds(1.1)).await;
    let mut sizes = Vec::new();
    while !calls.is_empty() {
        let permits = admitted(&mut calls).await;
        sizes.push(permits.len());
        permits.into_iter().for_each(Permit::good);
    }
    assert_eq!(sizes, [1, 2, 4, 5, 6, 7, 8, 9, 10, 8]);
}

#[tokio::test(start_paused = true)]
async fn of_several_waits_the_latest_end_counts() {
    let limiter = limiter(None, None);
    let mut permits = many(&limiter, 4).await.into_iter();
    let mut throttle = |pause| permits.next().unwrap().throttled(Some(seconds(pause)));
    throttle(2.0);
    throttle(5.0);
    throttle(1.0);
    assert_eq!(limiter.waits(), Some(seconds(5.0)));
    // One that is in line with its alarm set learns of a later end.
    let mut calls = vec![call(&limiter, false)];
    settle().await;
    throttle(8.0);
    sleep(seconds(7.9)).await;
    assert!(admitted(&mut calls).await.is_empty());
    sleep(seconds(0.2)).await;
    assert_eq!(admitted(&mut calls).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_end_does_no_harm() {
    let limiter = limiter(None, None);
    limiter.admit(false).await.throttled(Some(Duration::MAX));
    assert_eq!(limiter.waits(), Some(FAR));
    let mut calls = vec![call(&limiter, false)];
    assert!(admitted(&mut calls).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_was_told_to_go_and_has_not_gone_stays_for_a_pause() {
    let limiter = limiter(Some(2), None);
    let mut running = many(&limiter, 2).await;
    let mut next = Hand::new(&limiter, false);
    assert!(next.poll().is_none());
    running.pop().unwrap().good();
    assert!(next.is_woken());
    running.pop().unwrap().throttled(Some(seconds(4.0)));
    assert!(next.poll().is_none());
    advance(seconds(3.9)).await;
    assert!(next.poll().is_none());
    advance(seconds(0.2)).await;
    assert!(next.poll().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_to_what_was_sent_before_a_pause_does_not_widen_the_start() {
    let limiter = limiter(None, None);
    let mut permits = many(&limiter, 8).await;
    permits.drain(..4).for_each(|permit| permit.throttled(Some(seconds(1.0))));
    permits.into_iter().for_each(Permit::good);
    let mut calls: Vec<_> = (0..8).map(|_| call(&limiter, true)).collect();
    sleep(seconds(1.1)).await;
    assert_eq!(admitted(&mut calls).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_set_too_late_is_set_again() {
    let limiter = limiter(None, Some(60.0));
    let (first, second) = (limiter.admit(false).await, limiter.admit(false).await);
    let (mut one, mut other) = (Hand::new(&limiter, false), Hand::new(&limiter, false));
    assert!(one.poll().is_none() && other.poll().is_none());
    advance(seconds(1.0)).await;
    // The first in line is told to go, and the second keeps the time until its own turn, in a second.
    second.good();
    assert!(other.poll().is_none());
    // The first has to wait half a second only.
    first.throttled(Some(seconds(0.5)));
    assert!(one.poll().is_none() && other.poll().is_none());
    advance(seconds(0.6)).await;
    assert!(other.poll().is_none());
    assert!(one.poll().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_a_name_halves_once_and_grows_back() {
    let limiter = limiter(None, None);
    let mut permits = many(&limiter, 16).await;
    let mut calls: Vec<_> = Vec::new();
    for permit in permits.drain(..10) {
        permit.throttled(None);
    }
    // All of one crowd: 16 halved once. 6 are still in flight, so 2 more may go.
    assert_eq!(limiter.waits(), None);
    calls.extend((0..40).map(|_| call(&limiter, false)));
    let mut second = admitted(&mut calls).await;
    assert_eq!(second.len(), 2);
    // What was admitted before says nothing of the new window, whatever came of it.
    permits.into_iter().for_each(Permit::good);
    second.extend(admitted(&mut calls).await);
    assert_eq!(second.len(), 8);
    // The next crowd is throttled too: 8 halved once.
    second.into_iter().for_each(|permit| permit.throttled(None));
    let mut sizes = Vec::new();
    while !calls.is_empty() {
        let permits = admitted(&mut calls).await;
        sizes.push(permits.len());
        permits.into_iter().for_each(Permit::good);
    }
    assert_eq!(sizes, [4, 5, 6, 7, 8, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_holds_nobody_up_is_forgotten() {
    let limiter = limiter(None, None);
    limiter.admit(false).await.throttled(None);
    assert_eq!(limiter.lock().window.as_ref().unwrap().size, 1);
    limiter.admit(true).await.good();
    assert!(limiter.lock().window.is_none());
    many(&limiter, 100).await;

    // Of a crowd it is kept until the crowd would fit.
    many(&limiter, 4).await.into_iter().for_each(|permit| permit.throttled(None));
    for _ in 0..2 + 3 + 3 {
        limiter.admit(false).await.good();
    }
    assert!(limiter.lock().window.is_some());
    limiter.admit(false).await.good();
    assert!(limiter.lock().window.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_window_as_wide_as_the_limit_is_forgotten() {
    let limiter = limiter(Some(3), None);
    let mut calls: Vec<_> = (0..50).map(|_| call(&limiter, false)).collect();
    admitted(&mut calls).await.into_iter().for_each(|permit| permit.throttled(None));
    while !calls.is_empty() {
        admitted(&mut calls).await.into_iter().for_each(Permit::good);
    }
    assert!(limiter.lock().window.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_without_a_word_does_not_hold_up_the_slow_start() {
    let limiter = limiter(None, None);
    for permit in many(&limiter, 4).await {
        permit.throttled(Some(seconds(1.0)));
    }
    let mut calls: Vec<_> = (0..5).map(|_| call(&limiter, false)).collect();
    sleep(seconds(1.1)).await;
    for left in (0..5).rev() {
        let permits = admitted(&mut calls).await;
        assert_eq!((permits.len(), calls.len()), (1, left));
        drop(permits);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_in_line_is_passed_by() {
    let limiter = limiter(Some(1), None);
    let running = many(&limiter, 1).await;
    let mut hands: Vec<_> = (0..3).map(|_| Hand::new(&limiter, false)).collect();
    hands.iter_mut().for_each(|hand| assert!(hand.poll().is_none()));
    hands.remove(0);
    drop(running);
    assert_eq!(hands.iter().map(Hand::is_woken).collect::<Vec<_>>(), [true, false]);
    assert!(hands[0].poll().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_turn_given_to_a_call_that_is_given_up_passes_on() {
    let limiter = limiter(Some(1), Some(60.0));
    let running = many(&limiter, 1).await;
    let mut hands: Vec<_> = (0..2).map(|_| Hand::new(&limiter, false)).collect();
    hands.iter_mut().for_each(|hand| assert!(hand.poll().is_none()));
    advance(seconds(5.0)).await;
    drop(running);
    assert!(hands[0].is_woken() && !hands[1].is_woken());
    hands.remove(0);
    assert!(hands[0].is_woken(), "neither the place nor the second's turn is lost");
    assert!(hands[0].poll().is_some());
    assert!(is_at_rest(&limiter));
}

#[tokio::test(start_paused = true)]
async fn one_keeps_the_time_and_whoever_is_next_takes_over() {
    let limiter = limiter(None, None);
    limiter.admit(false).await.throttled(Some(seconds(2.0)));
    let mut hands: Vec<_> = (0..100).map(|_| Hand::new(&limiter, false)).collect();
    hands.iter_mut().for_each(|hand| assert!(hand.poll().is_none()));
    assert!(!hands.iter().any(Hand::is_woken));
    // The keeper goes: exactly one other is told to keep the time.
    hands.remove(0);
    assert_eq!(hands.iter().filter(|hand| hand.is_woken()).count(), 1);
    assert!(hands[0].poll().is_none());
    // One that never got round to set its alarm goes, too.
    hands.remove(0);
    hands.remove(0);
    assert!(hands[0].is_woken());
    assert!(hands[0].poll().is_none());
    advance(seconds(2.1)).await;
    assert_eq!(hands.iter().filter(|hand| hand.is_woken()).count(), 1);
    assert!(hands[0].poll().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_is_overtaken_still_wakes_the_first_in_line() {
    let limiter = limiter(None, None);
    limiter.admit(false).await.throttled(Some(seconds(2.0)));
    let (mut new, mut again) = (Hand::new(&limiter, false), Hand::new(&limiter, true));
    assert!(new.poll().is_none() && again.poll().is_none());
    advance(seconds(2.1)).await;
    assert!(new.is_woken() && !again.is_woken());
    assert!(new.poll().is_none());
    let permit = again.poll().unwrap();
    permit.good();
    assert!(new.poll().is_some());
}

#[tokio::test(start_paused = true)]
async fn requests_are_spaced_by_the_rate() {
    let limiter = limiter(None, Some(30.0));
    let begun = Instant::now();
    for turn in 0..5 {
        limiter.admit(turn % 2 == 0).await.good();
        assert_eq!(begun.elapsed().as_millis(), turn * 2000);
    }
    // Nothing is saved up beyond one.
    sleep(seconds(60.0)).await;
    let begun = Instant::now();
    limiter.admit(false).await.good();
    limiter.admit(false).await.good();
    assert_eq!(begun.elapsed(), seconds(2.0));
}

#[tokio::test(start_paused = true)]
async fn no_minute_sees_more_than_the_rate() {
    for (rate, burst) in [(1.0, 1), (60.0, 1), (119.0, 1), (120.0, 2), (600.0, 10), (6000.0, 100)] {
        let limiter = limiter(None, Some(rate));
        let mut times = Vec::new();
        while times.last().is_none_or(|last: &Instant| last.duration_since(times[0]) < seconds(150.0)) {
            limiter.admit(false).await.good();
            times.push(Instant::now());
        }
        assert_eq!(times.iter().filter(|time| **time == times[0]).count(), burst, "{rate}");
        let most = (0..times.len())
            .map(|first| times.partition_point(|time| *time < times[first] + seconds(60.0)) - first)
            .max()
            .unwrap();
        assert_eq!(most as f64, rate);
        // And in the long run hardly less.
        let span = times.last().unwrap().duration_since(times[0]).as_secs_f64();
        assert!(times.len() as f64 >= span / 60.0 * rate * 0.98, "{rate}: {} in {span} s", times.len());
    }
}

#[tokio::test(start_paused = true)]
async fn odd_rates_do_no_harm() {
    for rate in [1e-300, 1e-9, 1e300, f64::MAX] {
        let limiter = limiter(None, Some(rate));
        limiter.admit(false).await.good();
        let more = timeout(seconds(3600.0), limiter.admit(false)).await;
        assert_eq!(more.is_ok(), rate > 1.0, "{rate}");
    }
}

#[test]
fn each_model_has_its_own_limiter_and_their_number_has_an_end() {
    let limits = Limits::new(Some(1), None);
    let held = limits.of("held");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let paused = limits.of("paused");
    runtime.block_on(paused.admit(false)).throttled(Some(seconds(600.0)));
    drop(paused);
    // A permit keeps its limiter, with nobody else holding it.
    let permit = runtime.block_on(limits.of("running").admit(false));
    for number in 0..10_000 {
        let limiter = limits.of(&format!("model-{number}"));
        assert!(Arc::ptr_eq(&limiter, &limits.of(&format!("model-{number}"))));
    }
    assert!(limits.limiters.lock().unwrap().by_model.len() <= MOST_UNUSED);
    assert!(Arc::ptr_eq(&held, &limits.of("held")));
    assert!(limits.of("paused").waits().is_some());
    assert_eq!(limits.of("running").lock().in_flight, 1);
    // Outside of any runtime.
    drop(permit);
    assert!(is_at_rest(&limits.of("running")));

    let kept: Vec<_> = (0..1000).map(|number| limits.of(&format!("kept-{number}"))).collect();
    assert!(kept.iter().enumerate().all(|(n, kept)| Arc::ptr_eq(kept, &limits.of(&format!("kept-{n}")))));
}

#[test]
fn a_runtime_that_ends_hands_the_time_on_to_another() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let limiter = limiter(None, None);
    first.block_on(limiter.admit(false)).throttled(Some(seconds(1.0)));
    let in_line = |number: usize| {
        while limiter.lock().waiting.len() < number {
            std::thread::yield_now();
        }
    };
    let keeper = limiter.clone();
    let lost = first.spawn(async move { keeper.admit(false).await });
    in_line(1);
    let other = limiter.clone();
    let other = second.spawn(async move { other.admit(false).await });
    in_line(2);
    first.shutdown_timeout(seconds(10.0));
    assert!(lost.is_finished());
    let permit = second.block_on(async { timeout(seconds(10.0), other).await });
    permit.expect("nobody kept the time").unwrap().good();
    assert_eq!(limiter.waits(), None);

    // And a permit that ends on one runtime wakes a call on the other.
    let third = runtime();
    let limiter = Limits::new(Some(1), None).of("a-model");
    let permit = second.block_on(limiter.admit(false));
    let waiting = limiter.clone();
    let waiting = third.spawn(async move { waiting.admit(false).await });
    while limiter.lock().waiting.is_empty() {
        std::thread::yield_now();
    }
    second.spawn(async move { drop(permit) });
    third.block_on(async { timeout(seconds(10.0), waiting).await }).expect("no wake-up").unwrap().good();
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_in_line_are_woken_one_by_one() {
    let limiter = limiter(Some(4), None);
    let mut running = many(&limiter, 4).await;
    let mut hands: Vec<_> = (0..10_000).map(|_| Hand::new(&limiter, false)).collect();
    hands.iter_mut().for_each(|hand| assert!(hand.poll().is_none()));
    // A pause in front of them all, and a slow start.
    running.drain(..).for_each(|permit| permit.throttled(Some(seconds(4.0))));
    advance(seconds(4.1)).await;
    let mut next = 0;
    while next < hands.len() {
        let before = next;
        while let Some(permit) = hands.get_mut(next).and_then(Hand::poll) {
            running.push(permit);
            next += 1;
        }
        assert!(next > before, "stuck after {next}");
        running.drain(..).for_each(Permit::good);
    }
    let wakes: usize = hands.iter().map(|hand| hand.flag.1.load(SeqCst)).sum();
    assert!((10_000..10_010).contains(&wakes), "{wakes}");
    assert!(is_at_rest(&limiter));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_come_go_and_give_up_lose_no_turn() {
    let limiter = limiter(Some(3), None);
    let (now, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let counts = Arc::new((now, most, done));
    let mut tasks = JoinSet::new();
    for number in 0..2000_u64 {
        let (limiter, counts) = (limiter.clone(), counts.clone());
        tasks.spawn(async move {
            let (now, most, done) = &*counts;
            if number % 3 == 0 {
                let _ = timeout(Duration::from_micros(number), limiter.admit(number % 2 == 0)).await;
            }
            let permit = limiter.admit(number % 5 == 0).await;
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            yield_now().await;
            now.fetch_sub(1, SeqCst);
            done.fetch_add(1, SeqCst);
            match number % 7 {
                0 => drop(permit),
                1 => permit.throttled(None),
                2 => permit.throttled(Some(Duration::from_micros(number % 50))),
                _ => permit.good(),
            }
        });
    }
    timeout(seconds(60.0), tasks.join_all()).await.expect("stuck");
    assert_eq!(counts.2.load(SeqCst), 2000);
    assert!(counts.1.load(SeqCst) <= 3);
    assert!(is_at_rest(&limiter));
}

#[derive(Debug, Clone)]
enum Step {
    Join(bool),
    /// Whether woken calls get to run now; else a turn stays given and not taken.
    Run,
    GiveUp(prop::sample::Index),
    Good(prop::sample::Index),
    Silent(prop::sample::Index),
    Throttled(prop::sample::Index, Option<u16>),
    Pass(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use any as a;
    let index = a::<prop::sample::Index>;
    let step = prop_oneof![
        6 => a::<bool>().prop_map(Step::Join),
        6 => Just(Step::Run),
        2 => index().prop_map(Step::GiveUp),
        4 => index().prop_map(Step::Good),
        1 => index().prop_map(Step::Silent),
        2 => (index(), prop::option::of(0..5000_u16)).prop_map(|(at, pause)| Step::Throttled(at, pause)),
        3 => (1..4000_u16).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..200)
}

/// What must hold, kept apart from how the limiter keeps it.
struct Watch {
    max: usize,
    rate: Option<f64>,
    pause_ends: Instant,
    /// The most of those admitted since the pause that the slow start can allow: one, and one for each
    /// good answer since.
    slow: Option<usize>,
    /// The first generation since the pause.
    since: u64,
    times: Vec<Instant>,
}

impl Watch {
    /// `permits` with the one that was just admitted.
    fn admitted(&mut self, permits: &[Permit]) {
        let now = Instant::now();
        let running = permits.len();
        let fresh = permits.iter().filter(|permit| permit.generation >= self.since).count();
        assert!(running <= self.max, "{running} under way");
        assert!(now >= self.pause_ends, "admitted {:?} before the pause ends", self.pause_ends - now);
        assert!(self.slow.is_none_or(|slow| fresh <= slow), "{fresh} in a slow start of {:?}", self.slow);
        self.times.push(now);
        if let Some(rate) = self.rate {
            let minute = self.times.iter().filter(|time| now.duration_since(**time) < seconds(60.0)).count();
            assert!(minute as f64 <= rate.ceil(), "{minute} in a minute");
        }
    }
}

async fn interleaved(max: Option<u32>, rate: Option<f64>, steps: Vec<Step>) {
    let limiter = limiter(max, rate);
    let max = max.map_or(usize::MAX, |max| max as usize);
    let mut watch = Watch { max, rate, pause_ends: Instant::now(), slow: None, since: 0, times: Vec::new() };
    let (mut waiting, mut running): (Vec<Hand>, Vec<Permit>) = Default::default();
    let run = |waiting: &mut Vec<Hand>, running: &mut Vec<Permit>, watch: &mut Watch| {
        let mut index = 0;
        while index < waiting.len() {
            if let Some(permit) = waiting[index].poll() {
                waiting.remove(index);
                running.push(permit);
                watch.admitted(running);
            } else {
                index += 1;
            }
        }
    };
    for step in steps {
        match step {
            Step::Join(again) => {
                waiting.push(Hand::new(&limiter, again));
                run(&mut waiting, &mut running, &mut watch);
            }
            Step::Run => run(&mut waiting, &mut running, &mut watch),
            Step::GiveUp(at) if !waiting.is_empty() => drop(waiting.remove(at.index(waiting.len()))),
            Step::Good(at) if !running.is_empty() => {
                watch.slow = watch.slow.map(|slow| slow + 1);
                running.remove(at.index(running.len())).good();
                let state = limiter.lock();
                if state.window.is_none() {
                    watch.slow = None;
                }
            }
            Step::Silent(at) if !running.is_empty() => drop(running.remove(at.index(running.len()))),
            Step::Throttled(at, pause) if !running.is_empty() => {
                let permit = running.remove(at.index(running.len()));
                let pause = pause.map(|pause| Duration::from_millis(pause.into()));
                if let Some(pause) = pause {
                    watch.pause_ends = watch.pause_ends.max(Instant::now() + pause);
                    watch.slow = Some(1);
                }
                permit.throttled(pause);
                if pause.is_some() {
                    watch.since = limiter.lock().generation;
                }
            }
            Step::Pass(millis) => {
                if rate.is_some() {
                    // It spaces the turns that it gives: taken late, two may come close together.
                    run(&mut waiting, &mut running, &mut watch);
                }
                advance(Duration::from_millis(millis.into())).await;
            }
            _ => {}
        }
        let state = limiter.lock();
        assert_eq!(state.in_flight, running.len() + state.admitted.len());
        assert!(state.keeper.as_ref().is_none_or(|keeper| state.waiting.contains_key(&keeper.place)));
    }
    // Whatever happened, all are admitted in the end, by wake-ups alone.
    let mut rounds = 0;
    while !waiting.is_empty() {
        run(&mut waiting, &mut running, &mut watch);
        for permit in running.drain(..) {
            watch.slow = watch.slow.map(|slow| slow + 1);
            permit.good();
        }
        run(&mut waiting, &mut running, &mut watch);
        advance(seconds(1.0)).await;
        rounds += 1;
        assert!(rounds < 3000, "{} are stuck", waiting.len());
    }
    running.into_iter().for_each(Permit::good);
    assert!(is_at_rest(&limiter));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_limits_hold_and_nobody_is_left(
        max in prop::option::of(1..6_u32),
        rate in prop::option::of(prop_oneof![Just(7.5), Just(60.0), Just(300.0)]),
        steps in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(interleaved(max, rate, steps));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_rests_for_long_does_not_count_until_it_goes_on() {
    let limiter = limiter(Some(1), None);
    let stream = limiter.admit(false).await;
    let mut calls = vec![call(&limiter, false), call(&limiter, false)];
    // Short rests, one after the other, do not add up.
    for _ in 0..5 {
        let rest = stream.rest();
        advance(seconds(0.9)).await;
        drop(rest);
        assert!(admitted(&mut calls).await.is_empty());
    }
    let rest = stream.rest();
    assert!(admitted(&mut calls).await.is_empty());
    sleep(seconds(1.1)).await;
    let first = admitted(&mut calls).await;
    assert_eq!(first.len(), 1, "the one in the way does not count");
    drop(rest);
    drop(first);
    assert!(admitted(&mut calls).await.is_empty(), "and now it does again");
    stream.good();
    assert_eq!(admitted(&mut calls).await.len(), 1);
    assert!(is_at_rest(&limiter));
}

#[tokio::test(start_paused = true)]
async fn rest_and_pause_do_not_lose_count() {
    let limiter = limiter(None, None);
    let mut permits = many(&limiter, 3).await;
    let (stream, busy) = (permits.remove(0), permits.remove(0));
    let rest = stream.rest();
    busy.throttled(Some(seconds(0.5)));
    let mut calls: Vec<_> = (0..3).map(|_| call(&limiter, false)).collect();
    sleep(seconds(2.0)).await;
    let mut first = admitted(&mut calls).await;
    assert_eq!(first.len(), 1);
    // It holds the only place and rests, too.
    let first = first.remove(0);
    let other = first.rest();
    sleep(seconds(2.0)).await;
    let second = admitted(&mut calls).await;
    assert_eq!(second.len(), 1);
    drop((rest, other));
    drop((stream, first, second, permits));
    assert_eq!(admitted(&mut calls).await.len(), 1);
    assert!(is_at_rest(&limiter));
    assert_eq!(limiter.lock().exempt, 0);
}
