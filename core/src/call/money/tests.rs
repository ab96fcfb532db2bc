#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Barrier;

use proptest::prelude::*;

use super::*;
use crate::schema::{Case, Write as _};

fn ledger(budget: Budget) -> Arc<Ledger> {
    Arc::new(Ledger::new(Some(&budget)))
}

fn free() -> Arc<Ledger> {
    Arc::new(Ledger::new(None))
}

fn sums(ledger: &Ledger) -> (f64, f64, f64, u64, u64, u64) {
    let spent = ledger.spent();
    (spent.usd, spent.pending_usd, spent.unknown_usd, spent.calls, spent.unknown, spent.unpriced)
}

fn refusal(outcome: Result<Hold, Error>) -> Error {
    outcome.err().expect("it should have been refused")
}

#[test]
fn a_request_is_held_and_then_settled_by_what_it_cost() {
    let ledger = ledger(Budget::from(1.0));
    let hold = ledger.hold(Some(0.134), "m").unwrap();
    assert_eq!(sums(&ledger), (0.0, 0.134, 0.0, 0, 0, 0));
    assert_eq!(ledger.spent().remaining_usd, Some(0.866));
    hold.settle(Some(0.1501));
    assert_eq!(sums(&ledger), (0.1501, 0.0, 0.0, 1, 0, 0));
    assert_eq!(ledger.spent().remaining_usd, Some(0.8499));
}

#[test]
fn an_answer_without_a_known_price_counts_what_was_held() {
    let ledger = free();
    ledger.hold(Some(0.05), "m").unwrap().settle(None);
    assert_eq!(sums(&ledger), (0.05, 0.0, 0.0, 1, 0, 1));
    ledger.hold(None, "m").unwrap().settle(None);
    assert_eq!(sums(&ledger), (0.05, 0.0, 0.0, 2, 0, 2));
    ledger.hold(None, "m").unwrap().settle(Some(0.25));
    assert_eq!(sums(&ledger), (0.3, 0.0, 0.0, 3, 0, 2));
}

#[test]
fn what_was_not_billed_is_given_back() {
    let ledger = ledger(Budget::from(0.1));
    for _ in 0..10 {
        ledger.hold(Some(0.1), "m").unwrap().free();
    }
    assert_eq!(sums(&ledger), (0.0, 0.0, 0.0, 0, 0, 0));
}

#[test]
fn what_may_have_been_billed_is_kept_and_named() {
    let ledger = ledger(Budget::from(0.3));
    ledger.hold(Some(0.1), "gemini-a").unwrap().lost("the answer was cut off");
    drop(ledger.hold(Some(0.1), "gemini-b").unwrap());
    assert_eq!(sums(&ledger), (0.0, 0.0, 0.2, 0, 2, 0));
    let told = ledger.spent().unknown_calls;
    let told: Vec<_> = told.iter().map(|call| (call.model.as_str(), call.reason.as_str())).collect();
    assert_eq!(told, [("gemini-a", "the answer was cut off"), ("gemini-b", "cancelled")]);
    let refused = refusal(ledger.hold(Some(0.11), "m"));
    assert!(refused.message().contains("$0.20 kept for requests of unknown outcome"), "{refused}");
    assert_eq!(refused.field("spent"), Some(0.2.into()));
    ledger.hold(Some(0.1), "m").unwrap().free();
}

#[test]
fn a_hold_that_a_fork_copied_is_its_parents_to_settle() {
    let ledger = ledger(Budget::from(0.1));
    let mut copied = ledger.hold(Some(0.1), "m").unwrap();
    copied.process = copied.process.wrapping_add(1);
    drop(copied);
    assert_eq!(sums(&ledger), (0.0, 0.1, 0.0, 0, 0, 0));
}

#[test]
fn the_last_hundred_unknown_outcomes_are_told_one_by_one() {
    let ledger = free();
    for number in 0..250 {
        ledger.hold(None, "m").unwrap().lost(&format!("no. {number}"));
    }
    let spent = ledger.spent();
    assert_eq!((spent.unknown, spent.unknown_calls.len()), (250, 100));
    assert_eq!(spent.unknown_calls[0].reason, "no. 150");
    assert_eq!(spent.unknown_calls[99].reason, "no. 249");
}

#[test]
fn a_refusal_says_what_there_is_and_what_would_be_needed() {
    let ledger = ledger(Budget::from(0.5));
    ledger.hold(Some(0.1), "m").unwrap().settle(Some(0.2));
    let _under_way = ledger.hold(Some(0.25), "m").unwrap();
    let refused = refusal(ledger.hold(Some(0.1344), "gemini-x"));
    assert!(refused.is(Kind::BudgetExceededError));
    assert_eq!(refused.kind().exit_code(), 5);
    assert_eq!(
        refused.message(),
        "a request to `gemini-x` typically costs $0.1344, and the budget of $0.50 has no room for that: \
         $0.20 is spent, $0.25 held by requests under way. This was not sent; give a larger `budget`, or \
         ask for a cheaper model, a smaller size or fewer pictures"
    );
    let json = refused.to_json(Case::Camel);
    assert_eq!(
        (&json["budget"], &json["spent"], &json["held"], &json["needed"], &json["perCall"]),
        (&0.5.into(), &0.2.into(), &0.25.into(), &0.1344.into(), &serde_json::Value::Null)
    );
    // What is refused takes nothing.
    assert_eq!(ledger.spent().remaining_usd, Some(0.05));
    ledger.hold(Some(0.05), "m").unwrap().free();
}

#[test]
fn the_last_cent_can_be_spent_and_no_more() {
    let ledger = ledger(Budget::from(0.3));
    // As floats 0.1 + 0.2 is more than 0.3.
    let holds = [ledger.hold(Some(0.1), "m").unwrap(), ledger.hold(Some(0.2), "m").unwrap()];
    assert_eq!(ledger.spent().remaining_usd, Some(0.0));
    refusal(ledger.hold(Some(1e-9), "m"));
    // What costs nothing, like a free model, has room even then.
    ledger.hold(Some(0.0), "m").unwrap().free();
    holds.into_iter().for_each(Hold::free);
}

#[test]
fn dearer_answers_than_expected_pass_the_budget_only_by_what_was_under_way() {
    let ledger = ledger(Budget::from(1.0));
    let holds: Vec<Hold> = (0..10).map(|_| ledger.hold(Some(0.1), "m").unwrap()).collect();
    holds.into_iter().for_each(|hold| hold.settle(Some(0.15)));
    let spent = ledger.spent();
    assert_eq!((spent.usd, spent.remaining_usd), (1.5, Some(0.0)));
    refusal(ledger.hold(Some(0.1), "m"));
}

#[test]
fn one_request_may_not_be_dearer_than_allowed() {
    let ledger = ledger(Budget::new().per_call(0.1));
    ledger.hold(Some(0.1), "m").unwrap().settle(Some(0.3));
    let refused = refusal(ledger.hold(Some(0.24), "m"));
    assert!(refused.is(Kind::BudgetExceededError));
    assert!(refused.message().contains("$0.24, and the budget's `per_call` is $0.10"), "{refused}");
    assert_eq!((refused.field("per_call"), refused.field("needed")), (Some(0.1.into()), Some(0.24.into())));
    assert_eq!(refused.field("budget"), Some(serde_json::Value::Null));
    assert_eq!(ledger.spent().remaining_usd, None);
}

#[test]
fn a_model_without_a_price_needs_a_limit_of_its_own() {
    let with = ledger(Budget::from(1.0).per_call(0.3));
    let hold = with.hold(None, "m").unwrap();
    assert_eq!(with.spent().pending_usd, 0.3);
    hold.settle(None);
    assert_eq!(sums(&with), (0.3, 0.0, 0.0, 1, 0, 1));
    with.check(None, 2, "m").unwrap();
    assert!(with.check(None, 3, "m").unwrap_err().is(Kind::BudgetExceededError));

    let without = ledger(Budget::from(1.0));
    for refused in [refusal(without.hold(None, "m")), without.check(None, 1, "m").unwrap_err()] {
        assert!(refused.is(Kind::ConfigError));
        assert!(refused.message().contains("`per_call`"), "{refused}");
    }
    // A price that is no number is none.
    assert!(refusal(without.hold(Some(f64::NAN), "m")).is(Kind::ConfigError));
}

#[test]
fn a_whole_call_is_checked_without_holding_anything() {
    let ledger = ledger(Budget::from(1.0));
    let _under_way = ledger.hold(Some(0.2), "m").unwrap();
    ledger.check(Some(0.2), 4, "m").unwrap();
    let refused = ledger.check(Some(0.2), 5, "m").unwrap_err();
    assert!(refused.message().starts_with("5 requests to `m` typically cost $1.00"), "{refused}");
    assert_eq!(refused.field("needed"), Some(1.0.into()));
    assert_eq!(ledger.spent().pending_usd, 0.2);
    free().check(None, u32::MAX, "m").unwrap();
}

#[test]
fn sums_are_exact_and_odd_numbers_do_no_harm() {
    let ledger = free();
    for _ in 0..1_000 {
        ledger.hold(Some(0.1), "m").unwrap().settle(Some(0.1));
    }
    assert_eq!(ledger.spent().usd, 100.0);
    for odd in [f64::INFINITY, -1.0, 1e300, f64::NAN] {
        ledger.hold(Some(odd), "m").unwrap().settle(Some(0.0));
    }
    assert_eq!(sums(&ledger), (100.0, 0.0, 0.0, 1_004, 0, 0));
    let huge = Arc::new(Ledger::new(Some(&Budget::from(1e300))));
    huge.hold(Some(1e300), "m").unwrap().settle(Some(1e300));
    assert_eq!(huge.spent().usd, 1e6);
}

#[test]
fn amounts_are_worded_for_people() {
    let words = [5.0, 0.1344, 0.134, 0.00005, 1234.5, 0.0, 1e-9, 0.00004].map(|usd| told(nanos(usd, 1e9)));
    assert_eq!(
        words,
        ["$5.00", "$0.1344", "$0.134", "$0.0001", "$1234.50", "$0.00", "$0.000000001", "$0.00004"]
    );
}

#[test]
fn threads_never_take_the_same_room() {
    const THREADS: usize = 8;
    const ROOM: u64 = 1_000_000;
    let ledger = ledger(Budget::from(ROOM as f64 / 1e9));
    let start = Barrier::new(THREADS);
    let kept: u64 = std::thread::scope(|scope| {
        let work = |number: usize| {
            let (ledger, start) = (&ledger, &start);
            move || {
                start.wait();
                let mut kept = 0;
                // What is given back can be taken again, so some are refused while there is still room.
                while ledger.spent.load(SeqCst) + ledger.kept.load(SeqCst) < ROOM as Nanos {
                    let Ok(hold) = ledger.hold(Some(1e-9), "m") else { continue };
                    let taken = ledger.taken.load(SeqCst);
                    assert!(taken <= ROOM as Nanos, "{taken}");
                    match (number as u64 + kept) % 64 {
                        0 => drop(hold),
                        _ if number == 0 && kept % 2 == 0 => hold.free(),
                        _ => hold.settle(Some(1e-9)),
                    }
                    kept += 1;
                }
                kept
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|number| scope.spawn(work(number))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let spent = ledger.spent();
    assert_eq!((spent.pending_usd, spent.remaining_usd), (0.0, Some(0.0)));
    assert_eq!(spent.calls + spent.unknown, ROOM);
    assert!(kept >= ROOM);
    assert_eq!(ledger.taken.load(SeqCst), ROOM as Nanos);
}

/// One thing that happens to a ledger; numbers choose among the open holds.
#[derive(Debug, Clone)]
enum Step {
    Hold(Option<u32>),
    Settle(usize, Option<u32>),
    Free(usize),
    Lost(usize),
    Drop(usize),
    Check(Option<u32>, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let price = || prop::option::of(0u32..400_000_000);
    prop_oneof![
        4 => price().prop_map(Step::Hold),
        2 => (any::<usize>(), price()).prop_map(|(which, cost)| Step::Settle(which, cost)),
        1 => any::<usize>().prop_map(Step::Free),
        1 => any::<usize>().prop_map(Step::Lost),
        1 => any::<usize>().prop_map(Step::Drop),
        1 => (price(), 0u32..5).prop_map(|(price, calls)| Step::Check(price, calls)),
    ]
}

fn dollars(nanos: u32) -> f64 {
    f64::from(nanos) / 1e9
}

proptest! {
    /// Against accounts kept in one list: what each request is, and what it counts.
    #[test]
    fn it_counts_as_a_list_would(
        budget in prop::option::of(1u32..2_000_000_000),
        per_call in prop::option::of(1u32..400_000_000),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut set = Budget::new();
        (set.usd, set.per_call) = (budget.map(dollars), per_call.map(dollars));
        let ledger = Arc::new(Ledger::new(Some(&set).filter(|_| budget.or(per_call).is_some())));
        let mut open: Vec<(Hold, u64)> = Vec::new();
        let (mut spent, mut kept, mut answered, mut unknown, mut unpriced) = (0u64, 0u64, 0, 0, 0);
        for step in steps {
            let held: u64 = open.iter().map(|(_, price)| price).sum();
            let fits = |price: Option<u32>, calls: u32| {
                let each = match (price, per_call) {
                    (Some(price), Some(most)) if price > most => return None,
                    (None, None) if budget.is_some() => return None,
                    (None, None) => 0,
                    (price, most) => price.or(most).unwrap(),
                };
                let total = spent + kept + held + u64::from(each) * u64::from(calls);
                budget.is_none_or(|budget| total <= u64::from(budget)).then_some(u64::from(each))
            };
            let take = |which: usize| (!open.is_empty()).then(|| which % open.len());
            match step {
                Step::Hold(price) => match (ledger.hold(price.map(dollars), "m"), fits(price, 1)) {
                    (Ok(hold), Some(price)) => open.push((hold, price)),
                    (Err(_), None) => {}
                    (outcome, wanted) => prop_assert!(false, "{:?} {wanted:?}", outcome.err()),
                },
                Step::Check(price, calls) => {
                    let wanted = fits(price, calls).is_some();
                    prop_assert_eq!(ledger.check(price.map(dollars), calls, "m").is_ok(), wanted);
                }
                Step::Settle(which, cost) => if let Some(at) = take(which) {
                    let (hold, price) = open.swap_remove(at);
                    hold.settle(cost.map(dollars));
                    spent += cost.map_or(price, u64::from);
                    answered += 1;
                    unpriced += u64::from(cost.is_none());
                },
                Step::Free(which) => if let Some(at) = take(which) {
                    open.swap_remove(at).0.free();
                },
                Step::Lost(which) | Step::Drop(which) => if let Some(at) = take(which) {
                    let (hold, price) = open.swap_remove(at);
                    if matches!(step, Step::Lost(_)) { hold.lost("x") } else { drop(hold) }
                    kept += price;
                    unknown += 1;
                },
            }
            let held: u64 = open.iter().map(|(_, price)| price).sum();
            let now = ledger.spent();
            prop_assert_eq!((nanos(now.usd, 1e9), nanos(now.pending_usd, 1e9)), (spent as i64, held as i64));
            prop_assert_eq!(nanos(now.unknown_usd, 1e9), kept as i64);
            prop_assert_eq!((now.calls, now.unknown, now.unpriced), (answered, unknown, unpriced));
            let left = budget.map(|budget| u64::from(budget).saturating_sub(spent + held + kept) as i64);
            prop_assert_eq!(now.remaining_usd.map(|usd| nanos(usd, 1e9)), left);
        }
        prop_assert!(ledger.spent().write(Case::Snake).is_object());
    }
}
