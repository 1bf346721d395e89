//! One run: faults first, then peace, then the audit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sms_core::testing::TokioClock;
use sms_core::{LocalLimiter, MemoryStore, State, Store, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::books::{Books, Coverage};
use crate::lawful_store::LawfulStore;
use crate::provider::SimProvider;
use crate::queue::Hints;
use crate::random::Dice;
use crate::world::World;
use crate::{client, reports};

/// For how long things go wrong.
const TROUBLE: Duration = Duration::from_secs(120);
/// How long after that everything must be final: the longest validity, the report window, late
/// reports, and the pauses of a provider that failed.
const PEACE: Duration = Duration::from_secs(1_500);
/// How long after the report window a report still comes.
const LATEST_REPORT: Duration = Duration::from_secs(40);
const REPORT_WINDOW: Duration = Duration::from_secs(90);

/// A bug that a run is given, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    None,
    /// The store says that a message is stored before it is.
    AcceptBeforeCommit,
    /// The engine believes that a provider de-duplicates which does not.
    ResendOnUnknown,
    /// The store does not compare before it sets.
    Overwrite,
    /// The lease ends while the provider is still thinking.
    ShortLease,
}

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) story: Vec<String>,
    pub(crate) violations: Vec<String>,
    pub(crate) coverage: Coverage,
}

impl Outcome {
    pub(crate) fn assert_lawful(&self) {
        assert!(
            self.violations.is_empty(),
            "seed {seed} broke a law; see it with SMS_SIM_SEED={seed} cargo test -p sms-core --test simulation the_books -- --nocapture\n{}",
            self.violations.join("\n"),
            seed = self.seed,
        );
    }
}

pub(crate) fn run(seed: u64, plant: Plant) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let books = runtime.block_on(play(seed, plant));
    let (story, violations, coverage) = books.close();
    Outcome {
        seed,
        story,
        violations,
        coverage,
    }
}

async fn play(seed: u64, plant: Plant) -> Arc<Books> {
    let dice = Dice::new(seed);
    let (taken, taken_receiver) = mpsc::unbounded_channel();
    let world = Arc::new(build(&dice, plant, taken));
    let intensity = dice.number(0..12);
    for _ in 0..dice.number(1..4) {
        world.start_process(dice.number(20..1_500), intensity);
    }
    tokio::spawn(reports::post_all(Arc::clone(&world), taken_receiver));
    for number in 0..dice.number(4..40) {
        tokio::spawn(client::send_one(Arc::clone(&world), number));
    }
    trouble(&world, intensity).await;
    make_peace(&world);
    peace(&world).await;
    audit(&world).await;
    world.books.clone()
}

fn build(dice: &Dice, plant: Plant, taken: mpsc::UnboundedSender<crate::provider::Taken>) -> World {
    let books = Arc::new(Books::new());
    let store: Arc<dyn Store> = Arc::new(LawfulStore::new(
        Arc::new(MemoryStore::new()),
        Arc::clone(&books),
        plant == Plant::Overwrite,
    ));
    let lies = plant == Plant::ResendOnUnknown;
    let provider = |what| {
        Arc::new(SimProvider::new(
            what,
            dice.clone(),
            Arc::clone(&books),
            Arc::clone(&store),
            taken.clone(),
        ))
    };
    World {
        providers: vec![
            provider(("plain", false, lies)),
            provider(("keyed", true, true)),
        ],
        dice: dice.clone(),
        books: Arc::clone(&books),
        report_window: REPORT_WINDOW,
        clock: TokioClock::starting_at(Timestamp::from_millis(1_700_000_000_000)),
        store: Arc::clone(&store),
        plant,
        max_retries: dice.pick(&[(1, 0), (1, 1), (3, 5)]),
        hints: Hints::roll(dice),
        throughput: dice
            .pick(&[(6, None), (1, Some("1/s")), (1, Some("20/s"))])
            .map(|text| text.parse().unwrap()),
        limiter: Arc::new(LocalLimiter::new()),
        processes: Mutex::default(),
    }
}

/// Processes die and are started again, or stand still for a while.
async fn trouble(world: &World, intensity: u64) {
    let end = Instant::now() + TROUBLE;
    while Instant::now() < end {
        sleep(world.dice.millis(500..8_000)).await;
        let (dead, alive): (Vec<_>, Vec<_>) = {
            let processes = world.processes.lock().unwrap();
            let lives = processes.iter().map(|process| process.life.clone());
            lives.partition(|life| life.is_dead())
        };
        bury(world);
        if alive.is_empty() || (alive.len() < 3 && world.dice.chance(20)) {
            world.books.tell("a process starts");
            let calls_to_live = world.dice.number(20..1_500);
            world.start_process(calls_to_live, intensity);
        }
        if !dead.is_empty() {
            world.books.meet("crash");
        }
        if let Some(life) = alive.first().filter(|_| world.dice.chance(10)) {
            world.books.tell("a process stands still");
            world.books.meet("freeze");
            // Shorter and longer than the lease of 20 s.
            life.freeze(world.dice.millis(1_000..60_000));
        }
        if alive.len() > 1 && world.dice.chance(5) {
            world.books.tell("a process is killed");
            alive[0].kill();
        }
    }
}

/// Their broker notices that they are gone.
fn bury(world: &World) {
    let processes = world.processes.lock().unwrap();
    let dead = processes.iter().filter(|process| process.life.is_dead());
    for process in dead {
        let tasks = process.connection.break_off();
        if tasks > 0 {
            world.books.tell(format!("{tasks} tasks come again"));
            world.books.meet("task came again");
        }
    }
}

fn make_peace(world: &World) {
    world.books.tell("peace");
    if world.throughput.is_some() {
        world.books.meet("throughput");
    }
    bury(world);
    for process in world.processes.lock().unwrap().iter() {
        for fault in process.life.faults_seen() {
            world.books.meet_fault(fault);
        }
        process.life.heal();
    }
    for provider in &world.providers {
        provider.calm_down();
    }
    world.start_immortal();
}

async fn peace(world: &World) {
    let end = Instant::now() + PEACE;
    // Reports that come after the window count too.
    sleep(REPORT_WINDOW + LATEST_REPORT).await;
    while Instant::now() < end {
        let counts = world.store.count().await.unwrap();
        let open: u64 = counts
            .iter()
            .filter(|(state, _)| !state.is_final())
            .map(|(_, count)| count)
            .sum();
        if open == 0 {
            // Time for the last late report.
            return sleep(REPORT_WINDOW + LATEST_REPORT).await;
        }
        sleep(Duration::from_secs(5)).await;
    }
}

async fn audit(world: &World) {
    let messages = world.messages().await;
    world.books.audit(&messages);
    let counts = world.store.count().await.unwrap();
    for state in State::ALL {
        let real = messages
            .values()
            .filter(|message| message.progress.state == state)
            .count() as u64;
        if counts.get(state) != real {
            world
                .books
                .violation(format!("{real} are {state}, counted {}", counts.get(state)));
        }
    }
    if (counts.total() as usize) < world.books.accepted_ids().len() {
        world.books.violation("fewer messages than were accepted");
    }
}
