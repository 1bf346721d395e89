//! Those who send messages, at a constant rate, and what they were told.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sms_grpc::proto::{
    legacy::{SmsMessage, sms_service_client::SmsServiceClient},
    v1::{SendMessageRequest, UnknownPolicy, message_service_client::MessageServiceClient},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use super::dice::Dice;
use crate::sample;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Calls at once; beyond that no message is sent, and it is not counted.
const MOST_AT_ONCE: usize = 600;
/// Of so many messages one is sent through the older contract, without a key.
const LEGACY_EVERY: usize = 8;
/// Of so many messages one is asked for at both processes at the same instant.
const TWINS_EVERY: u64 = 25;

/// A message that was to be sent.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) number: usize,
    /// Whether it has an idempotency key.
    pub(super) keyed: bool,
    pub(super) policy: UnknownPolicy,
    /// Calls that were made for it.
    pub(super) calls: usize,
    /// The ids that were answered.
    pub(super) ids: Vec<String>,
    /// How calls failed.
    pub(super) failures: Vec<Failure>,
}

/// A call that was not answered with an id.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// Since the load began.
    pub(super) at: Duration,
    pub(super) code: Code,
    pub(super) words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1?}: {:?}, {}", self.at, self.code, self.words)
    }
}

impl Wish {
    /// Neither call nor its repetition was answered with an id.
    pub(super) fn is_in_vain(&self) -> bool {
        self.ids.is_empty()
    }
}

/// What the senders share.
#[derive(Debug)]
pub(super) struct Sending {
    dice: Dice,
    started: Instant,
    channels: Vec<Channel>,
    wishes: Mutex<Vec<Wish>>,
    stop: AtomicBool,
}

impl Sending {
    pub(super) fn new(dice: Dice, apis: &[SocketAddr]) -> anyhow::Result<Arc<Self>> {
        let channels = apis.iter().map(|address| channel(*address)).collect();
        Ok(Arc::new(Self {
            dice,
            started: Instant::now(),
            channels: Result::from_iter::<Vec<_>>(channels)?,
            wishes: Mutex::default(),
            stop: AtomicBool::new(false),
        }))
    }

    /// Sends until it is stopped, so many messages per second, and returns when the last call has
    /// ended.
    pub(super) async fn run(self: Arc<Self>, rate: f64) {
        let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            while calls.try_join_next().is_some() {}
            if calls.len() < MOST_AT_ONCE {
                calls.spawn(Arc::clone(&self).send(number));
                number += 1;
            }
        }
        while calls.join_next().await.is_some() {}
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn wishes(&self) -> Vec<Wish> {
        self.lock().clone()
    }

    /// Messages that were accepted so far, and those that were in vain.
    pub(super) fn counts(&self) -> (usize, usize) {
        let wishes = self.lock();
        let in_vain = wishes.iter().filter(|wish| wish.is_in_vain()).count();
        (wishes.len() - in_vain, in_vain)
    }

    /// The `nth` id that was answered, counted round.
    pub(super) fn id(&self, nth: usize) -> Option<String> {
        let wishes = self.lock();
        let at = nth % wishes.len().max(1);
        wishes.get(at)?.ids.first().cloned()
    }

    pub(super) fn channel(&self, nth: usize) -> Channel {
        self.channels[nth % self.channels.len()].clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Wish>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(self: Arc<Self>, number: usize) {
        let legacy = number % LEGACY_EVERY == LEGACY_EVERY - 1;
        let mut wish = Wish {
            number,
            keyed: !legacy,
            policy: if legacy {
                UnknownPolicy::Hold
            } else {
                self.policy(number)
            },
            calls: 0,
            ids: Vec::new(),
            failures: Vec::new(),
        };
        let twins = wish.keyed && self.dice.throw("twins", number as u64, TWINS_EVERY) == 0;
        if twins {
            let (one, other) = tokio::join!(self.call(&wish, number), self.call(&wish, number + 1));
            self.keep(&mut wish, one);
            self.keep(&mut wish, other);
        } else {
            let answer = self.call(&wish, number).await;
            self.keep(&mut wish, answer);
        }
        if wish.is_in_vain() {
            let answer = self.call(&wish, number + 1).await;
            self.keep(&mut wish, answer);
        }
        self.lock().push(wish);
    }

    fn policy(&self, number: usize) -> UnknownPolicy {
        match self.dice.throw("policy", number as u64, 10) {
            0 => UnknownPolicy::PreferDuplicate,
            1 => UnknownPolicy::PreferLoss,
            _ => UnknownPolicy::Hold,
        }
    }

    fn keep(&self, wish: &mut Wish, answer: Result<String, tonic::Status>) {
        wish.calls += 1;
        match answer {
            Ok(id) => wish.ids.push(id),
            Err(status) => wish.failures.push(Failure {
                at: self.started.elapsed(),
                code: status.code(),
                words: status.message().to_owned(),
            }),
        }
    }

    /// One call to the api with this number; the id of the message.
    async fn call(&self, wish: &Wish, api: usize) -> Result<String, tonic::Status> {
        let channel = self.channel(api);
        let called = async {
            if wish.keyed {
                self.call_v1(channel, wish).await
            } else {
                call_legacy(channel, wish.number).await
            }
        };
        // Also where the server does not keep to the call's deadline, because it stands still.
        let late = |_| Err(tonic::Status::deadline_exceeded("no answer"));
        tokio::time::timeout(PATIENCE, called)
            .await
            .unwrap_or_else(late)
    }

    async fn call_v1(&self, channel: Channel, wish: &Wish) -> Result<String, tonic::Status> {
        let number = wish.number;
        let desk = self.dice.throw("desk", number as u64, 2);
        let request = SendMessageRequest {
            to: format!("+{}", sample::recipient(number)),
            text: sample::text(number, 0),
            on_unknown: wish.policy.into(),
            provider: if desk == 0 { "plain" } else { "once" }.to_owned(),
            idempotency_key: format!("chaos-{number}"),
            ..SendMessageRequest::default()
        };
        let mut request = Request::new(request);
        request.set_timeout(PATIENCE);
        let answer = MessageServiceClient::new(channel)
            .send_message(request)
            .await?;
        let message = answer.into_inner().message;
        message
            .map(|message| message.id)
            .ok_or_else(|| tonic::Status::internal("an answer without a message"))
    }
}

async fn call_legacy(channel: Channel, number: usize) -> Result<String, tonic::Status> {
    let mut request = Request::new(SmsMessage {
        mobile_number: sample::recipient(number),
        message: sample::text(number, 0),
    });
    request.set_timeout(PATIENCE);
    let answer = SmsServiceClient::new(channel).send_message(request).await?;
    Ok(answer.into_inner().uuid)
}

fn channel(address: SocketAddr) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let endpoint = endpoint
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(2));
    Ok(endpoint.connect_lazy())
}
