//! `sms dead-letters …`: the hints that the broker gave up on.

use std::sync::Arc;

use serde_json::{Value, json};
use sms_amqp::{AmqpQueue, DeadLetter, DeathReason, LinkState, Replayed};
use sms_core::Timestamp;

use crate::args::{Cli, DeadLettersCommand};
use crate::backends::{self, Backend, OpenQueue};
use crate::config::{self, Loaded};
use crate::failure::{Failure, chain};
use crate::output;
use crate::progress::Screen;

/// Runs the command.
pub(crate) async fn run(cli: &Cli, command: &DeadLettersCommand) -> Result<(), Failure> {
    let loaded = config::load(cli.config.as_deref(), std::env::vars_os())?;
    let broker = connect(&loaded).await?;
    let done = match command {
        DeadLettersCommand::List { limit } => list(&broker, *limit, cli.json).await,
        DeadLettersCommand::Replay => replay(&broker, cli.json).await,
    };
    broker.close().await;
    done
}

/// The broker that the configuration names; it has to be there.
async fn connect(loaded: &Loaded) -> Result<Arc<AmqpQueue>, Failure> {
    let problem = |words: String| Failure::from(loaded.problem("queue", words));
    let backend: Backend<OpenQueue> = backends::queue(&loaded.config.queue).map_err(problem)?;
    let opened = backend.open("sms dead-letters").await;
    let queue = opened.map_err(|error| problem(error.words))?;
    let shown = backend.shown();
    let Some(broker) = queue.broker else {
        let words =
            format!("{shown} keeps no dead letters: only a broker, as in amqp://HOST, does");
        return Err(problem(words));
    };
    match broker.health().link {
        LinkState::Down { problem: cause } => Err(problem(format!(
            "cannot reach {shown} ({cause}): is the broker running?"
        ))),
        _ => Ok(broker),
    }
}

async fn list(broker: &AmqpQueue, limit: usize, as_json: bool) -> Result<(), Failure> {
    let letters = broker.dead_letters(limit).await;
    let letters = letters.map_err(|error| Failure::new(chain(&error)))?;
    if as_json {
        let lines: String = letters
            .iter()
            .map(|it| format!("{}\n", object(it)))
            .collect();
        return output::text(&lines);
    }
    if letters.is_empty() {
        return output::line("no dead letters");
    }
    let head = row("DIED", "PROVIDER", "PRIORITY", "WHY", "MESSAGES");
    let rows = letters.iter().map(|letter| {
        let (provider, priority) = match &letter.lane {
            Some((provider, priority)) => (provider.as_str(), priority.as_str()),
            None => ("-", "-"),
        };
        let died = letter.died_at.map_or_else(|| "-".into(), for_people);
        row(
            &died,
            provider,
            priority,
            why(letter.reason),
            &messages(letter),
        )
    });
    let text: String = std::iter::once(head).chain(rows).collect();
    output::text(&text)
}

async fn replay(broker: &AmqpQueue, as_json: bool) -> Result<(), Failure> {
    let progress = Screen::new(!as_json).begin("putting them back");
    let replayed = broker.replay_dead_letters().await;
    drop(progress);
    let replayed = replayed.map_err(|error| Failure::new(chain(&error)))?;
    let Replayed {
        hints,
        messages,
        left,
        ..
    } = replayed;
    if as_json {
        let object = json!({ "hints": hints, "messages": messages, "left": left });
        return output::line(&object.to_string());
    }
    output::line(&match (hints, left) {
        (0, 0) => "no dead letters".into(),
        (_, 0) => format!("put back: {hints} hints of {messages} messages"),
        _ => format!(
            "put back: {hints} hints of {messages} messages; {left} stay, because they cannot be \
             read, or nobody knows where they came from"
        ),
    })
}

fn object(letter: &DeadLetter) -> Value {
    let lane = letter.lane.as_ref();
    json!({
        "provider": lane.map(|(provider, _)| provider.as_str()),
        "priority": lane.map(|(_, priority)| priority.as_str()),
        "reason": word(letter.reason),
        "died_at": letter.died_at.map(|at| at.to_string()),
        "ids": letter.ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn word(reason: DeathReason) -> &'static str {
    match reason {
        DeathReason::DeliveryLimit => "delivery_limit",
        DeathReason::Unreadable => "unreadable",
        _ => "policy",
    }
}

fn why(reason: DeathReason) -> &'static str {
    match reason {
        DeathReason::DeliveryLimit => "delivered too often",
        DeathReason::Unreadable => "cannot be read",
        _ => "a policy of the broker",
    }
}

fn messages(letter: &DeadLetter) -> String {
    match letter.ids.as_slice() {
        [] => "-".into(),
        [only] => only.to_string(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

fn row(died: &str, provider: &str, priority: &str, why: &str, messages: &str) -> String {
    format!("{died:<23}  {provider:<10}  {priority:<8}  {why:<22}  {messages}\n")
}

/// `2026-12-31 18:00:00 UTC`.
fn for_people(at: Timestamp) -> String {
    let text = at.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", clock.get(..8).unwrap_or(clock))
}
