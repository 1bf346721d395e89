//! The queue: a durable quorum queue, a confirmed publish and an acknowledgement per message.

use anyhow::{Context as _, ensure};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{
        BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use serde::{Deserialize, Serialize};

/// `delivery_mode` of AMQP 0-9-1 for messages that survive a restart.
const PERSISTENT: u8 = 2;

/// What is published: the message itself, so that the worker need not ask Redis for it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hint {
    pub(super) key: String,
    pub(super) to: String,
    pub(super) text: String,
}

/// Two connections to the broker, since one that is blocked for publishing would stop consuming.
#[derive(Debug)]
pub(super) struct Hints {
    queue: ShortString,
    publishing: Channel,
    consuming: Channel,
    /// Held for their drop.
    _connections: [Connection; 2],
}

impl Hints {
    pub(super) async fn connect(url: &str, queue: &str) -> anyhow::Result<Self> {
        let connect = || Connection::connect(url, ConnectionProperties::default());
        let connections = [connect().await, connect().await];
        let [publish, consume] = connections.map(|made| made.context("cannot connect to RabbitMQ"));
        let (publish, consume) = (publish?, consume?);
        let hints = Self {
            queue: queue.into(),
            publishing: publish.create_channel().await?,
            consuming: consume.create_channel().await?,
            _connections: [publish, consume],
        };
        hints.declare().await.context("cannot declare the queue")?;
        Ok(hints)
    }

    async fn declare(&self) -> Result<(), lapin::Error> {
        let mut arguments = FieldTable::default();
        let kind = AMQPValue::LongString(LongString::from("quorum"));
        arguments.insert("x-queue-type".into(), kind);
        let options = QueueDeclareOptions::durable();
        self.publishing
            .queue_declare(self.queue.clone(), options, arguments)
            .await?;
        self.publishing
            .confirm_select(ConfirmSelectOptions::default())
            .await
    }

    /// What arrives, at most `prefetch` without acknowledgement.
    pub(super) async fn consume(&self, prefetch: u16) -> anyhow::Result<Consumer> {
        self.consuming
            .basic_qos(prefetch, BasicQosOptions::default())
            .await?;
        let consuming = self.consuming.basic_consume(
            self.queue.clone(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        consuming.await.context("cannot consume")
    }

    pub(super) fn publisher(&self) -> Publisher {
        Publisher {
            channel: self.publishing.clone(),
            queue: self.queue.clone(),
        }
    }
}

/// A way to the queue. Confirms of several publishes may be under way at once.
#[derive(Clone, Debug)]
pub(super) struct Publisher {
    channel: Channel,
    queue: ShortString,
}

impl Publisher {
    /// Returns once the broker has the hint on its disk.
    pub(super) async fn publish(&self, hint: &Hint) -> anyhow::Result<()> {
        let body = serde_json::to_vec(hint)?;
        let publishing = self.channel.basic_publish(
            "".into(),
            self.queue.clone(),
            BasicPublishOptions::default(),
            &body,
            BasicProperties::default().with_delivery_mode(PERSISTENT),
        );
        let confirm = publishing.await.context("cannot publish")?;
        let confirmation = confirm.await.context("no confirm")?;
        ensure!(confirmation.is_ack(), "the broker refused a message");
        Ok(())
    }
}
