//! Watching over a connection, to notice when it is of no more use.

use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use lapin::options::BasicQosOptions;
use lapin::{Channel, Event};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::dial::within;
use crate::error::Fault;
use crate::link::Link;
use crate::options::Options;

impl Link {
    /// Watches over the connection; returns when it is of no more use.
    pub(crate) async fn watch(&self, options: &Options) -> Fault {
        let events = pin!(self.follow_events());
        let checks = pin!(self.keep_checking(options));
        match select(events, checks).await {
            Either::Left((fault, _)) | Either::Right((fault, _)) => fault,
        }
    }

    async fn follow_events(&self) -> Fault {
        let publishing = pin!(self.follow_publishing());
        let consuming = pin!(self.until_closed(self.consuming.events_listener()));
        match select(publishing, consuming).await {
            Either::Left((fault, _)) | Either::Right((fault, _)) => fault,
        }
    }

    async fn follow_publishing(&self) -> Fault {
        let events = self
            .publishing
            .events_listener()
            .inspect(|event| match event {
                Event::ConnectionBlocked(reason) => self.note_blocked(Some(reason)),
                Event::ConnectionUnblocked => self.note_blocked(None),
                _ => {}
            });
        // It may have been blocked before there was anybody to listen.
        if self.publishing.status().blocked() {
            self.note_blocked(Some("it does not say why"));
        }
        self.until_closed(events).await
    }

    fn note_blocked(&self, reason: Option<&str>) {
        match reason {
            Some(reason) => warn!(reason, "the broker takes no more messages"),
            None => info!("the broker takes messages again"),
        }
        self.blocked.send_replace(reason.map(str::to_owned));
    }

    async fn until_closed(&self, events: impl Stream<Item = Event>) -> Fault {
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            // Errors of channels come here, too.
            if !self.is_up() {
                return match event {
                    Event::Error(error) => error.into(),
                    _ => Fault::NotConnected,
                };
            }
        }
        Fault::NotConnected
    }

    /// Asks the broker for a sign of life now and then, on both connections: heartbeats prove
    /// that the machine lives, not that the broker does its work.
    async fn keep_checking(&self, options: &Options) -> Fault {
        let publishing = self.publishing.create_channel();
        let consuming = self.consuming.create_channel();
        let channels = within(options.timeout, async {
            Ok((publishing.await?, consuming.await?))
        });
        let (publishing, consuming) = match channels.await {
            Ok(channels) => channels,
            Err(fault) => return fault,
        };
        loop {
            let pause = pin!(sleep(options.stall_after / 3));
            select(pause, pin!(self.suspicion.notified())).await;
            if let Err(fault) = self.check(&publishing, &consuming, options).await {
                return fault;
            }
        }
    }

    async fn check(
        &self,
        publishing: &Channel,
        consuming: &Channel,
        options: &Options,
    ) -> Result<(), Fault> {
        if !self.is_up() {
            return Err(Fault::NotConnected);
        }
        within(options.stall_after, sign_of_life(consuming)).await?;
        // A connection that is blocked cannot even ask.
        let blocked = pin!(self.until_blocked());
        let asked = pin!(sign_of_life(publishing));
        let asked = async {
            match select(asked, blocked).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => Ok(()),
            }
        };
        within(options.stall_after, asked).await
    }
}

/// A question that changes nothing.
async fn sign_of_life(channel: &Channel) -> Result<(), Fault> {
    Ok(channel.basic_qos(1, BasicQosOptions::default()).await?)
}
