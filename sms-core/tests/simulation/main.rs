//! The engine under simulation: one seed decides everything that goes wrong, time is virtual,
//! and after each run the books must balance.
//!
//! `SMS_SIM_SEEDS=100000 cargo test -p sms-core --release --test simulation` runs more seeds;
//! `SMS_SIM_SEED=42` runs a single one and prints what happened.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod books;
mod client;
mod lawful_store;
mod lifeline;
mod planted;
mod provider;
mod queue;
mod random;
mod reports;
mod run;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use run::{Outcome, Plant, run};

/// The seeds that every run of the tests goes through.
const SEEDS: u64 = 2_000;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a seed is a number"))
}

#[test]
fn the_books_balance_whatever_goes_wrong() {
    if let Some(seed) = setting("SMS_SIM_SEED") {
        let outcome = run(seed, Plant::None);
        println!("{}", outcome.story.join("\n"));
        return outcome.assert_lawful();
    }
    let seeds = setting("SMS_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let coverage = thread::scope(|scope| {
        let work = || {
            let mut coverage = books::Coverage::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return coverage;
                }
                let outcome = run(seed, Plant::None);
                outcome.assert_lawful();
                coverage.add(&outcome.coverage);
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = books::Coverage::default();
        for thread in threads {
            match thread.join() {
                Ok(coverage) => all.add(&coverage),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    println!("{seeds} seeds: {coverage:#?}");
    coverage.assert_complete();
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [1, 17, 99] {
        let Outcome { story, .. } = run(seed, Plant::None);
        assert!(story.len() > 10, "seed {seed} did next to nothing");
        assert_eq!(story, run(seed, Plant::None).story, "seed {seed}");
    }
}
