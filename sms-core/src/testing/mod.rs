//! Fakes for tests of whatever is built on the ports: a provider that follows a script, a queue
//! that behaves as a broker does, a decorator that injects faults, a clock in tokio's (pausable)
//! time, another one that can be put forward, repeatable randomness.

mod broker;
mod faults;
mod faulty_queue;
mod faulty_store;
mod repeatable;
mod scripted;
mod skipping;
mod switch;

pub use broker::{Broker, BrokerQueue};
pub use faults::{Call, Fault, Faults, NoFaults, Port};
pub use faulty_queue::FaultyQueue;
pub use faulty_store::FaultyStore;
pub use repeatable::{SeededEntropy, TokioClock};
pub use scripted::{HeldAnswer, HeldStep, ScriptedProvider, Step};
pub use skipping::SkippingClock;
pub use switch::Switch;
