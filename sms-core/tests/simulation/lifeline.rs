//! The life of a simulated process: its port calls fail by the dice, and at some call it dies.
//!
//! A dead process is one whose every call hangs: it can have no effect on anything any more.

use std::sync::Mutex;
use std::time::Duration;

use sms_core::testing::{Call, Fault, Faults, Port};
use tokio::time::Instant;

use crate::random::Dice;

#[derive(Debug)]
pub(crate) struct Lifeline {
    dice: Dice,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// In percent of all calls; none once the faults have ended.
    intensity: u64,
    /// How many more calls it makes before it dies.
    calls_to_live: Option<u64>,
    dead: bool,
    /// Until when it stands still, as a stopped process does.
    frozen_until: Option<Instant>,
    seen: Vec<Fault>,
}

impl Lifeline {
    pub(crate) fn new(dice: Dice, intensity: u64, calls_to_live: Option<u64>) -> Self {
        Self {
            dice,
            state: Mutex::new(State {
                intensity,
                calls_to_live,
                dead: false,
                frozen_until: None,
                seen: Vec::new(),
            }),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }

    pub(crate) fn freeze(&self, duration: Duration) {
        self.state.lock().unwrap().frozen_until = Some(Instant::now() + duration);
    }

    pub(crate) fn kill(&self) {
        self.state.lock().unwrap().dead = true;
    }

    /// From here on nothing goes wrong any more, and it does not die.
    pub(crate) fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.intensity = 0;
        state.calls_to_live = None;
        state.frozen_until = None;
    }

    pub(crate) fn faults_seen(&self) -> Vec<Fault> {
        self.state.lock().unwrap().seen.clone()
    }

    fn fault_of(&self, call: Call, intensity: u64) -> Fault {
        if !self.dice.chance(intensity) {
            return Fault::None;
        }
        let delay = Fault::Delay(self.dice.millis(1..3_000));
        // Waiting for work is no round trip: it takes as long as it takes.
        match (call.port, call.method) {
            (Port::Store, _) => {
                self.dice
                    .pick(&[(2, delay), (2, Fault::Refuse), (2, Fault::LoseAnswer)])
            }
            (Port::Queue, "lease") => self.dice.pick(&[(1, Fault::Refuse), (1, Fault::None)]),
            (Port::Queue, _) => self.dice.pick(&[
                (2, delay),
                (2, Fault::Refuse),
                (2, Fault::LoseAnswer),
                (4, Fault::Lose),
                (4, Fault::Double),
            ]),
        }
    }
}

impl Faults for Lifeline {
    fn choose(&self, call: Call) -> Fault {
        let mut state = self.state.lock().unwrap();
        if state.dead {
            return Fault::HangBefore;
        }
        if let Some(left) = &mut state.calls_to_live {
            if *left == 0 {
                state.dead = true;
                let last = self
                    .dice
                    .pick(&[(1, Fault::HangBefore), (1, Fault::HangAfter)]);
                state.seen.push(last);
                return last;
            }
            *left -= 1;
        }
        if let Some(until) = state.frozen_until {
            let rest = until.saturating_duration_since(Instant::now());
            if !rest.is_zero() && call.method != "lease" {
                return Fault::Delay(rest);
            }
        }
        let fault = self.fault_of(call, state.intensity);
        if fault != Fault::None {
            state.seen.push(fault);
        }
        fault
    }
}
