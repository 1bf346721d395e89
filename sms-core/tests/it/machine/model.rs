//! Every way through the machine, breadth first: one message, a provider that takes or does not,
//! two workers, answers and leases that get lost, reports at any time or never, a cancel.
//!
//! The model is what surrounds the machine; the machine in it is the real one. It steps from
//! deadline to deadline, because in between the time changes nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use sms_core::UnknownPolicy::{Hold, PreferDuplicate, PreferLoss};
use sms_core::{
    Attempt, AttemptOutcome, ClaimToken, Decision, Event, Outcome, Progress, QueryAnswer,
    ReportStatus, State, UnknownPolicy,
};

use super::life::{Kind, Life, START, UNAVAILABLE, main_provider, provider_id, report};

const MOST_ATTEMPTS: usize = 3;
const WORKERS: usize = 2;

/// A change of the machine's behaviour that the check has to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutation {
    None,
    /// The end of a lease puts the message straight back in line.
    LeaseEndRequeues,
    /// The message fails although an earlier attempt is unresolved.
    FailsBlindly,
    /// A retry that waits is not called off by a late acceptance.
    LateAcceptanceIgnored,
    /// A cancel of a message that is under way ends it at once.
    CancelsUnderWay,
    /// A message that is held has no deadline.
    HeldWithoutDeadline,
}

/// What a worker does: nothing, a submission that has not reached the provider, or one whose
/// answer is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Worker {
    Idle,
    Sending(ClaimToken),
    Heard(ClaimToken, AttemptOutcome),
}

/// Everything there is: the message, and what is true outside of it.
#[derive(Debug, Clone)]
struct World {
    life: Life,
    workers: [Worker; WORKERS],
    /// The claims under which the provider took the message.
    taken: Vec<ClaimToken>,
    /// Those that it has reported on.
    reported: Vec<ClaimToken>,
    /// Whether the machine was told that the message is taken.
    told: bool,
    claims: usize,
    faults: u32,
    canceled: bool,
}

/// What tells two worlds apart: times are left out, but for their order.
type Key = (
    State,
    Option<State>,
    bool,
    Vec<(Option<AttemptOutcome>, Option<ReportStatus>, bool)>,
    [Worker; WORKERS],
    Vec<ClaimToken>,
    Vec<ClaimToken>,
    u32,
    [bool; 2],
);

struct Model {
    kind: Kind,
    faults: u32,
    mutation: Mutation,
}

/// What went wrong, if anything.
#[derive(Debug, Default)]
struct Findings {
    states: usize,
    finals: HashSet<State>,
    found: HashMap<&'static str, String>,
}

impl World {
    fn key(&self) -> Key {
        let progress = self.life.progress();
        let facts = |one: &Attempt| (one.outcome, one.report, one.provider_id.is_some());
        (
            progress.state,
            progress.ending,
            progress.ready_at.is_some_and(|ready| ready > self.life.now),
            progress.attempts.iter().map(facts).collect(),
            self.workers.clone(),
            self.taken.clone(),
            self.reported.clone(),
            self.faults,
            [self.canceled, self.told],
        )
    }

    fn is_taken(&self) -> bool {
        !self.taken.is_empty()
    }
}

fn tells_of_taking(event: &Event) -> bool {
    match event {
        Event::Answered { answer, .. } => matches!(answer.outcome, Outcome::Accepted { .. }),
        Event::Queried(answer) => matches!(answer, QueryAnswer::Taken { .. }),
        Event::Reported(_) => true,
        _ => false,
    }
}

fn new_claim(number: usize) -> ClaimToken {
    ClaimToken(number as u64 + 1)
}

fn id_of(kind: Kind, token: ClaimToken) -> String {
    match kind {
        // One message, one id.
        Kind::Deduplicates => "p".into(),
        _ => format!("p{}", token.0),
    }
}

impl Model {
    fn start(&self, policy: UnknownPolicy) -> World {
        let retries = u32::try_from(MOST_ATTEMPTS - 1).unwrap();
        World {
            life: Life::new().with(policy).at(self.kind).retried(retries),
            workers: [Worker::Idle, Worker::Idle],
            taken: Vec::new(),
            reported: Vec::new(),
            told: false,
            claims: 0,
            faults: 0,
            canceled: false,
        }
    }

    /// The real decision, or a spoilt one.
    fn decide(&self, life: &Life, event: &Event) -> Option<Progress> {
        let Decision::Change { mut progress, .. } =
            life.rules.decide(&life.message, event, life.now)
        else {
            return None;
        };
        let before = life.progress();
        let unresolved = progress.attempts.iter().any(Attempt::is_unresolved);
        let is_deadline = matches!(event, Event::Deadline { .. });
        match self.mutation {
            Mutation::LeaseEndRequeues if is_deadline && before.state == State::Sending => {
                progress.state = State::Queued;
                progress.deadline = Some(life.now + Duration::from_secs(5));
            }
            Mutation::FailsBlindly if progress.ending == Some(State::Failed) && unresolved => {
                progress.state = State::Failed;
                progress.deadline = None;
            }
            Mutation::LateAcceptanceIgnored
                if before.state == State::Queued && progress.state == State::Sent =>
            {
                return None;
            }
            Mutation::CancelsUnderWay if *event == Event::Cancel => {
                progress.state = State::Canceled;
                progress.deadline = None;
            }
            Mutation::HeldWithoutDeadline if progress.state == State::Unconfirmed => {
                progress.deadline = None;
            }
            _ => {}
        }
        Some(progress)
    }

    fn apply(&self, world: &World, event: &Event) -> World {
        let mut next = world.clone();
        next.told |= tells_of_taking(event);
        if let Some(progress) = self.decide(&world.life, event) {
            next.life.message.progress = progress;
        }
        next
    }

    /// Every world that may come next, and whether that took a fault.
    fn next(&self, world: &World) -> Vec<(World, bool)> {
        let mut next = Vec::new();
        for at in 0..WORKERS {
            next.extend(self.worker_steps(world, at));
        }
        next.extend(self.deadline_step(world).map(|world| (world, false)));
        for token in &world.taken {
            next.extend(self.report_steps(world, *token));
        }
        if !world.canceled {
            let mut canceled = self.apply(world, &Event::Cancel);
            canceled.canceled = true;
            next.push((canceled, true));
        }
        if self.kind == Kind::AnswersQueries && world.life.state() == State::Unconfirmed {
            next.push((self.query(world), false));
        }
        next
    }

    /// The provider tells the truth. It is asked when no request can still be on its way.
    fn query(&self, world: &World) -> World {
        let attempts = world.life.progress().attempts.iter().rev();
        let mut unresolved = attempts.filter(|attempt| attempt.is_unresolved());
        let under_way = world.workers.iter().any(|one| *one != Worker::Idle);
        let answer = match unresolved.next() {
            Some(last) if world.taken.contains(&last.claim) => QueryAnswer::Taken {
                provider_id: Some(provider_id(&id_of(self.kind, last.claim))),
                status: None,
            },
            Some(_) if !under_way && !world.is_taken() => QueryAnswer::NotTaken,
            _ => QueryAnswer::Unknown,
        };
        self.apply(world, &Event::Queried(answer))
    }

    fn worker_steps(&self, world: &World, at: usize) -> Vec<(World, bool)> {
        let put = |mut world: World, worker: Worker| {
            world.workers[at] = worker;
            world
        };
        let mut steps = Vec::new();
        match world.workers[at].clone() {
            Worker::Idle => {
                let token = new_claim(world.claims);
                let mut claimed = self.apply(world, &world.life.claim_event(token));
                let last = claimed.life.progress().last_attempt();
                if last.is_some_and(|last| last.claim == token) {
                    claimed.claims += 1;
                    steps.push((put(claimed, Worker::Sending(token)), false));
                }
            }
            Worker::Sending(token) => {
                // Dies before the request leaves, or gives the claim back.
                steps.push((put(world.clone(), Worker::Idle), true));
                let given_back = self.apply(world, &Event::GiveBack { token });
                steps.push((put(given_back, Worker::Idle), true));
                let mut taken = world.clone();
                let first = self.kind != Kind::Deduplicates || !world.is_taken();
                if first {
                    taken.taken.push(token);
                }
                steps.push((
                    put(
                        taken.clone(),
                        Worker::Heard(token, AttemptOutcome::Accepted),
                    ),
                    false,
                ));
                // Taken, and nobody hears of it.
                steps.push((
                    put(taken, Worker::Heard(token, AttemptOutcome::Unknown)),
                    true,
                ));
                // A provider that has the message says so instead of refusing it.
                if first {
                    for outcome in [
                        AttemptOutcome::Unavailable,
                        AttemptOutcome::Rejected,
                        AttemptOutcome::Unknown,
                    ] {
                        steps.push((put(world.clone(), Worker::Heard(token, outcome)), true));
                    }
                }
            }
            Worker::Heard(token, outcome) => {
                // Dies with the answer in hand.
                steps.push((put(world.clone(), Worker::Idle), true));
                let provider_id = Some(provider_id(&id_of(self.kind, token)));
                let outcome = match outcome {
                    AttemptOutcome::Accepted => Outcome::Accepted { provider_id },
                    AttemptOutcome::Rejected => Outcome::Rejected,
                    AttemptOutcome::Unknown => Outcome::Unknown,
                    _ => UNAVAILABLE,
                };
                let answer = outcome.into();
                let kept = self.apply(world, &Event::Answered { token, answer });
                steps.push((put(kept, Worker::Idle), false));
            }
        }
        steps
    }

    /// The time passes from deadline to deadline until something is different; leases end while
    /// workers live, too.
    fn deadline_step(&self, world: &World) -> Option<World> {
        let mut later = world.clone();
        while later.key() == world.key() {
            let deadline = later.life.progress().deadline?;
            later.life.now = later.life.now.max(deadline);
            later = self.apply(
                &later,
                &Event::Deadline {
                    expected_wait: Duration::ZERO,
                },
            );
        }
        Some(later)
    }

    fn report_steps(&self, world: &World, token: ClaimToken) -> Vec<(World, bool)> {
        if world.reported.contains(&token) {
            return Vec::new();
        }
        let report = |status| {
            let id = id_of(self.kind, token);
            let report = report(status, Some(&id));
            self.apply(world, &Event::Reported(report))
        };
        let mut steps = vec![(report(ReportStatus::Buffered), true)];
        for status in [ReportStatus::Delivered, ReportStatus::Undelivered] {
            let mut told = report(status);
            told.reported.push(token);
            steps.push((told, false));
        }
        steps
    }

    /// Goes every way, or until it finds what is looked for.
    fn check(&self, policy: UnknownPolicy, wanted: Option<&str>) -> Findings {
        let mut findings = Findings::default();
        let start = self.start(policy);
        let mut seen = HashMap::from([(start.key(), 0)]);
        // For each world those that lead to it, to find those from which there is no way out.
        let mut sources: Vec<Vec<usize>> = vec![Vec::new()];
        let mut ends = Vec::new();
        let mut queue = VecDeque::from([(0, start)]);
        while let Some((at, world)) = queue.pop_front() {
            if world.life.state().is_final() {
                ends.push(at);
            }
            self.look_at(policy, &world, &mut findings);
            if wanted.is_some_and(|wanted| findings.found.contains_key(wanted)) {
                return findings;
            }
            for (mut next, fault) in self.next(&world) {
                next.faults += u32::from(fault);
                if next.faults > self.faults || next.claims > MOST_ATTEMPTS {
                    continue;
                }
                self.look_at_step(&world, &next, &mut findings);
                let fresh = seen.len();
                let to = *seen.entry(next.key()).or_insert(fresh);
                if to == fresh {
                    sources.push(Vec::new());
                    queue.push_back((to, next));
                }
                if !fault {
                    sources[to].push(at);
                }
            }
        }
        findings.states = seen.len();
        let stuck = stuck(&sources, ends);
        if stuck > 0 {
            findings.report("stuck", format!("{stuck} states"));
        }
        findings
    }

    fn look_at(&self, policy: UnknownPolicy, world: &World, findings: &mut Findings) {
        let progress = world.life.progress();
        let state = progress.state;
        let untaken_end = matches!(
            state,
            State::Failed | State::Expired | State::Rejected | State::Canceled
        );
        if state.is_final() {
            findings.finals.insert(state);
        }
        if world.is_taken() && untaken_end {
            findings.report("untaken end of a taken message", format!("{world:#?}"));
        }
        let twice = world.taken.len() > 1;
        if twice && (policy != PreferDuplicate || self.kind == Kind::Deduplicates) {
            findings.report("taken twice", format!("{world:#?}"));
        }
        if progress.deadline.is_none() != state.is_final() {
            findings.report("deadline", format!("{world:#?}"));
        }
        if !world.is_taken() && matches!(state, State::Sent | State::Delivered) {
            findings.report("sent, but not taken", format!("{world:#?}"));
        }
    }

    fn look_at_step(&self, before: &World, after: &World, findings: &mut Findings) {
        if after.claims > before.claims && before.told {
            findings.report("submitted after a known acceptance", format!("{before:#?}"));
        }
        let (from, to) = (before.life.state(), after.life.state());
        let upgraded =
            from == State::Unknown && matches!(to, State::Delivered | State::Undelivered);
        if from.is_final() && from != to && !upgraded {
            findings.report("a final state that did not stay", format!("{from} -> {to}"));
        }
        if from == State::Sent && !to.is_final() && to != State::Sent {
            findings.report("back from sent", format!("{from} -> {to}"));
        }
    }
}

impl Findings {
    fn report(&mut self, what: &'static str, how: String) {
        self.found.entry(what).or_insert(how);
    }

    fn assert_none(&self, model: &Model, policy: UnknownPolicy) {
        let found = &self.found;
        let kind = model.kind;
        assert!(found.is_empty(), "{policy:?} at {kind:?}: {found:#?}");
    }
}

/// How many worlds there are from which no end can be reached without a further fault.
fn stuck(sources: &[Vec<usize>], ends: Vec<usize>) -> usize {
    let mut safe: HashSet<usize> = ends.iter().copied().collect();
    let mut queue = ends;
    while let Some(at) = queue.pop() {
        for from in &sources[at] {
            if safe.insert(*from) {
                queue.push(*from);
            }
        }
    }
    sources.len() - safe.len()
}

fn model(kind: Kind, mutation: Mutation) -> Model {
    Model {
        kind,
        faults: 2,
        mutation,
    }
}

#[test]
fn no_way_through_the_machine_breaks_a_rule() {
    let mut states = 0;
    let mut finals = HashSet::new();
    for policy in [Hold, PreferDuplicate, PreferLoss] {
        for kind in Kind::ALL {
            let model = Model {
                // Resending multiplies the ways: with 4 throughout it is 960,000 states.
                faults: match (policy, kind) {
                    (PreferDuplicate, Kind::AnswersQueries) => 1,
                    (PreferDuplicate, _) | (_, Kind::Deduplicates) => 2,
                    _ => 4,
                },
                ..model(kind, Mutation::None)
            };
            let findings = model.check(policy, None);
            findings.assert_none(&model, policy);
            println!("{policy:?} at {kind:?}: {} states", findings.states);
            states += findings.states;
            finals.extend(findings.finals);
        }
    }
    assert!(
        states > 20_000,
        "only {states} states: the model is too small"
    );
    for state in [
        State::Delivered,
        State::Undelivered,
        State::Rejected,
        State::Failed,
        State::Canceled,
        State::Unknown,
    ] {
        assert!(finals.contains(&state), "never reached: {state}");
    }
}

#[test]
fn spoilt_machines_are_found() {
    for (mutation, policy, kind, finding) in [
        (Mutation::LeaseEndRequeues, Hold, Kind::Plain, "taken twice"),
        (
            Mutation::FailsBlindly,
            PreferDuplicate,
            Kind::Plain,
            "untaken end of a taken message",
        ),
        (
            Mutation::LateAcceptanceIgnored,
            PreferDuplicate,
            Kind::Plain,
            "submitted after a known acceptance",
        ),
        (
            Mutation::CancelsUnderWay,
            Hold,
            Kind::Plain,
            "untaken end of a taken message",
        ),
        (Mutation::HeldWithoutDeadline, Hold, Kind::Plain, "stuck"),
    ] {
        let findings = model(kind, mutation).check(policy, Some(finding));
        let found: Vec<_> = findings.found.keys().collect();
        assert!(
            findings.found.contains_key(finding),
            "{mutation:?} was not found out: {found:?}"
        );
    }
}

/// The model has the machine's own idea of the time and the provider.
#[test]
fn the_model_starts_where_messages_start() {
    let world = model(Kind::Plain, Mutation::None).start(Hold);
    assert_eq!(world.life.now, START);
    assert_eq!(world.life.message.request.route, main_provider());
    assert_eq!(world.life.state(), State::Queued);
}
