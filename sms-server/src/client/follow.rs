//! Following a message until it is final.

use std::time::Duration;

use sms_grpc::proto::v1 as wire;
use tonic::{Code, Status};

use super::connect::Client;
use super::{Form, json, refusal, trace, words};
use crate::failure::Failure;
use crate::output;

/// How long to wait before a server that went away is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is asked before it is given up: about as long as a restart takes.
const TRIES: u32 = 30;

/// Shows every change until the message is final. Fails unless it was delivered.
pub(super) async fn until_final(client: &mut Client, id: &str, form: Form) -> Result<(), Failure> {
    let mut follower = Follower {
        form,
        shown: 0,
        version: None,
        last: None,
    };
    let mut tries = 0;
    loop {
        match follower.follow(client, id).await? {
            Ended::Final(message) => return verdict(&message),
            Ended::Broken(status) => {
                tries = if status.progress { 0 } else { tries + 1 };
                if tries >= TRIES {
                    return Err(refusal::explain(&status.status));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn verdict(message: &wire::Message) -> Result<(), Failure> {
    match message.state() {
        wire::State::Delivered => Ok(()),
        _ => Err(Failure::new(format!(
            "the message was not delivered: it is {}; `sms trace {}` tells why",
            words::state(message.state),
            message.id
        ))),
    }
}

struct Follower {
    form: Form,
    /// The last change that was shown.
    shown: u32,
    version: Option<u64>,
    last: Option<wire::Message>,
}

enum Ended {
    Final(Box<wire::Message>),
    /// The server went away; the stream can be begun again.
    Broken(Broken),
}

struct Broken {
    status: Status,
    /// Whether anything new was seen before.
    progress: bool,
}

impl Follower {
    async fn follow(&mut self, client: &mut Client, id: &str) -> Result<Ended, Failure> {
        let mut progress = false;
        let status = match client.watch(id).await {
            Err(status) => status,
            Ok(mut stream) => loop {
                match stream.message().await {
                    Ok(Some(message)) => progress |= self.show(message)?,
                    Ok(None) => break Status::unavailable("the server ended the stream"),
                    Err(status) => break status,
                }
            },
        };
        if let Some(message) = self.last.take_if(|message| is_final(message)) {
            return Ok(Ended::Final(Box::new(message)));
        }
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled => {
                Ok(Ended::Broken(Broken { status, progress }))
            }
            _ => Err(refusal::explain(&status)),
        }
    }

    /// Shows what is new; says whether anything was.
    fn show(&mut self, message: wire::Message) -> Result<bool, Failure> {
        let new = self.version != Some(message.version);
        self.version = Some(message.version);
        if self.form.json {
            if new {
                output::line(&json::message(&message).to_string())?;
            }
        } else {
            for change in &message.timeline {
                if change.sequence > self.shown {
                    self.shown = change.sequence;
                    output::line(&trace::happening(&message, change, self.form.style))?;
                }
            }
        }
        self.last = Some(message);
        Ok(new)
    }
}

fn is_final(message: &wire::Message) -> bool {
    message.finished_at.is_some()
}
