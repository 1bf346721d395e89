//! What happens at one instant in two processes.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

use super::Subject;
use super::world::{A_WHILE, World, by_provider_id, holding, new_message, plain, taken, until};
use crate::testing::{Fault, Port};
use crate::{Canceled, MessageId, ReportStatus, State};

/// The report looks for its message and is parked; the worker makes the id known and looks for
/// reports. However these four interleave, one of the two sees the other's work.
pub async fn a_report_and_the_answer_at_one_instant_find_each_other(place: Subject) {
    const ROUNDS: usize = 25;
    let (provider, answers) = holding::<ROUNDS>(plain());
    let world = World::with(place, provider);
    let (worker, delivery) = (world.worker().await, world.api().await);
    for (round, answer) in answers.into_iter().enumerate() {
        let id = worker.accept(new_message()).await;
        world.until_submitted(round + 1).await;
        // Every other time the worker does all it does while the report is on its way to be
        // parked.
        let slow = [Fault::None, Fault::Delay(A_WHILE / 3)];
        delivery.switch.set(Port::Store, "park", slow[round % 2]);
        let at_once = Arc::new(Barrier::new(2));
        let name = format!("p{round}");
        let report = by_provider_id(&name, ReportStatus::Delivered);
        let reported = {
            let at_once = at_once.clone();
            delivery.begin(async move |engine| {
                at_once.wait().await;
                engine.report(&super::world::main_provider(), report).await
            })
        };
        let looks = delivery.switch.calls(Port::Store, "find");
        at_once.wait().await;
        if round % 2 == 1 {
            until("it has looked", || {
                delivery.switch.calls(Port::Store, "find") > looks
            })
            .await;
        }
        answer.say(taken(&name));
        let reported = reported.await.expect("the process lives");
        reported.expect("the report is kept");
        // The sweep would join it, too, but not before some time is skipped.
        worker.until(id, State::Delivered).await;
    }
}

/// Its caller is told which. Cancels at every moment from the acceptance to after the claim.
pub async fn of_a_cancel_and_a_claim_at_one_instant_one_wins(place: Subject) {
    const ROUNDS: u32 = 40;
    let world = World::new(place);
    let (api, worker) = (world.api().await, world.worker().await);
    let started = Instant::now();
    api.accept(new_message()).await;
    world.until_submitted(1).await;
    let usual = started.elapsed();
    let mut canceled = Vec::new();
    for round in 0..ROUNDS {
        let id = api.accept(new_message()).await;
        sleep(usual * round / (ROUNDS / 2)).await;
        // By the process that claims, and by another one.
        let process = if round % 2 == 0 { &api } else { &worker };
        canceled.push((id, process.cancel(id).await));
    }
    for (id, canceled) in &canceled {
        let end = match canceled {
            Canceled::Done(_) => State::Canceled,
            _ => State::Sent,
        };
        worker.until(*id, end).await;
    }
    sleep(A_WHILE).await;
    for (id, canceled) in &canceled {
        assert_one_won(&world, *id, canceled);
    }
}

fn assert_one_won(world: &World, id: MessageId, canceled: &Canceled) {
    let submissions = world.submissions_of(id);
    match canceled {
        Canceled::Done(message) => {
            assert_eq!((message.state(), submissions), (State::Canceled, 0));
        }
        Canceled::TooLate(message) => {
            assert_ne!(message.state(), State::Canceled);
            assert_eq!(submissions, 1);
        }
        Canceled::NotFound => panic!("accepted and lost"),
    }
}
