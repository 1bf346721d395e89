//! Receiving the hints of one route and priority, for ever.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use sms_core::{Priority, Task};
use tokio::time::{Instant, interval, sleep};
use tracing::{debug, warn};

use crate::backoff::Backoff;
use crate::body::decode;
use crate::dial::{DONE, within};
use crate::error::Fault;
use crate::lane::Lane;
use crate::link::Link;
use crate::shared::Shared;
use crate::stall::StallWatch;
use crate::topology::Count;

/// A consumer that lived so long was well; the next failure starts with short waits again.
const WELL: Duration = Duration::from_secs(10);

/// Subscribes whenever there is a connection and no subscription.
pub(crate) async fn keep_subscribed(shared: Arc<Shared>, lane: Arc<Lane>, priority: Priority) {
    let queue = shared.names.work(&lane.route, priority);
    let mut backoff = Backoff::new();
    loop {
        let link = shared.link_after(0).await;
        let started = Instant::now();
        let subscription = Subscription::new(&shared, &lane, priority, &queue);
        let fault = subscription.run(&link).await;
        drop(subscription);
        link.forget(&queue);
        if matches!(fault, Fault::Unusable { .. }) {
            debug!(queue, %fault, "there is no consumer");
        } else if link.is_up() {
            shared.counters.consumer_restarts.add(1);
            warn!(queue, %fault, "the consumer ended; starting it again");
        } else {
            debug!(queue, %fault, "the consumer ended with its connection");
            link.suspect();
        }
        if started.elapsed() > WELL {
            backoff = Backoff::new();
        }
        drop(link);
        sleep(backoff.next(&shared.entropy)).await;
    }
}

/// One consumer on a channel of its own. Dropped, it takes back what nobody has leased.
struct Subscription<'a> {
    number: u64,
    shared: &'a Shared,
    lane: &'a Lane,
    priority: Priority,
    queue: &'a str,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.shared.receipts.close(self.number);
        self.lane.forget(self.priority, self.number);
    }
}

impl<'a> Subscription<'a> {
    fn new(shared: &'a Shared, lane: &'a Lane, priority: Priority, queue: &'a str) -> Self {
        Self {
            number: shared.receipts.open(),
            shared,
            lane,
            priority,
            queue,
        }
    }

    async fn run(&self, link: &Link) -> Fault {
        let limit = self.shared.options.stall_after;
        let channel = match within(limit, self.open(link)).await {
            Ok(channel) => channel,
            Err(fault) => return fault,
        };
        match within(limit, self.start(link, &channel)).await {
            Ok(consumer) => self.receive(link, consumer).await,
            Err(fault) => {
                // A consumer that starts too late would keep hints that nobody hears of.
                tokio::spawn(async move {
                    let closing = async { Ok(channel.close(DONE, "given up".into()).await?) };
                    let _ = within(limit, closing).await;
                });
                fault
            }
        }
    }

    /// A channel on which the queue may be consumed from without fear.
    async fn open(&self, link: &Link) -> Result<Channel, Fault> {
        let options = &self.shared.options;
        link.declare_work(self.queue, &self.shared.names, options)
            .await?;
        link.declarer.probe(self.queue).await?;
        let channel = link.consumer_channel().await?;
        channel
            .basic_qos(options.prefetch.get(), BasicQosOptions::default())
            .await?;
        Ok(channel)
    }

    async fn start(&self, link: &Link, channel: &Channel) -> Result<Consumer, Fault> {
        let Count { waiting, .. } = link.declarer.count(self.queue).await?;
        let consumer = channel.basic_consume(
            self.queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consumer.await?;
        let prefetch = u32::from(self.shared.options.prefetch.get());
        self.lane
            .expect(self.priority, waiting.min(prefetch) as usize);
        Ok(consumer)
    }

    async fn receive(&self, link: &Link, mut consumer: Consumer) -> Fault {
        let stall_after = self.shared.options.stall_after;
        let mut stall = StallWatch::new(stall_after);
        let mut checks = interval(stall_after / 3);
        checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        checks.reset();
        let mut idle = true;
        loop {
            tokio::select! {
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => {
                        stall.progress();
                        idle = false;
                        self.take(delivery).await;
                    }
                    Some(Err(error)) => return error.into(),
                    // The broker may end a consumer and leave the channel open.
                    None => return Fault::Canceled,
                },
                _ = checks.tick() => {
                    self.let_go().await;
                    if idle && let Err(fault) = self.check(link, &mut stall).await {
                        return fault;
                    }
                    idle = true;
                }
            }
        }
    }

    async fn take(&self, delivery: Delivery) {
        match decode(&delivery.data) {
            Ok(ids) => {
                let receipts = &self.shared.receipts;
                let receipt = receipts.add(self.number, delivery.delivery_tag, delivery.acker);
                self.lane.add(self.priority, Task { ids, receipt });
            }
            Err(error) => {
                self.shared.counters.undecodable.add(1);
                warn!(queue = self.queue, %error, "a hint cannot be read; it goes to the dead letters");
                // If this fails the channel is gone, and the hint comes again.
                let _ = delivery.acker.reject(BasicRejectOptions::default()).await;
            }
        }
    }

    /// Acknowledges what nobody leases: the deadlines of its messages bring them back.
    async fn let_go(&self) {
        let old = self
            .lane
            .take_older(self.priority, self.shared.options.hold);
        if old.is_empty() {
            return;
        }
        debug!(
            queue = self.queue,
            hints = old.len(),
            "nobody takes them; they are let go"
        );
        // If this fails the channel is gone, and the hints come again.
        let _ = self.shared.acknowledge(&old).await;
    }

    async fn check(&self, link: &Link, stall: &mut StallWatch) -> Result<(), Fault> {
        let stall_after = self.shared.options.stall_after;
        let count = within(stall_after, link.declarer.count(self.queue)).await?;
        let prefetch = usize::from(self.shared.options.prefetch.get());
        let has_room = self.shared.receipts.in_hand(self.number) < prefetch;
        if stall.check(count, has_room, Instant::now()) {
            return Err(Fault::Stalled);
        }
        Ok(())
    }
}

impl Shared {
    /// Tells the broker that deliveries are done with.
    pub(crate) async fn acknowledge(&self, receipts: &[sms_core::Receipt]) -> Result<(), Fault> {
        let ackers = self.receipts.take(receipts);
        // All of them are handed to the connection before any is waited for, so a call that is
        // dropped while it waits leaves none behind.
        let acks = ackers
            .iter()
            .map(|acker| acker.ack(BasicAckOptions::default()));
        let acks = async { Ok(futures_util::future::try_join_all(acks).await?) };
        within(self.options.timeout, acks).await.map(drop)
    }
}
