//! Breaking something, and mending it.

use anyhow::Context as _;
use lapin::{Connection, ConnectionProperties, options::QueueDeleteOptions};
use tokio::time::sleep;

use super::{
    place::Place,
    plan::{DELAY, Fault, Step},
};

/// The names of priorities in those of queues.
const PRIORITIES: [&str; 4] = ["otp", "high", "normal", "bulk"];
const ROUTES: [&str; 2] = ["plain", "once"];

/// Does what the step says; returns when it is mended.
pub(super) async fn strike(place: &mut Place, step: Step) -> anyhow::Result<()> {
    let Step { fault, lasts } = step;
    match fault {
        Fault::Kill(role, at) => {
            place.member(role, at)?.kill().await?;
            sleep(lasts).await;
            place.member(role, at)?.restart()?;
        }
        Fault::Freeze(role, at) => {
            place.member(role, at)?.freeze()?;
            sleep(lasts).await;
            place.member(role, at)?.thaw()?;
        }
        Fault::KillRedis => {
            place.redis.kill().await?;
            sleep(lasts).await;
            place.redis.restart().await?;
        }
        Fault::KillRabbitMq => {
            place.rabbitmq.kill().await?;
            sleep(lasts).await;
            place.rabbitmq.restart().await?;
        }
        Fault::DeleteQueues => delete_queues(&place.rabbitmq.url).await?,
        Fault::FlushScripts => place.redis.command(&["SCRIPT", "FLUSH"]).await?,
        Fault::CloseClients => {
            let command = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
            place.redis.command(&command).await?;
        }
        Fault::Cut(link) => place.link(link).cut(),
        Fault::HoldStill(link) => {
            place.link(link).hold_still(true);
            sleep(lasts).await;
            place.link(link).hold_still(false);
        }
        Fault::Delay(link) => {
            place.link(link).delay(DELAY);
            sleep(lasts).await;
            place.link(link).delay(std::time::Duration::ZERO);
        }
    }
    Ok(())
}

async fn delete_queues(url: &str) -> anyhow::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await;
    let connection = connection.context("RabbitMQ")?;
    let channel = connection.create_channel().await?;
    for route in ROUTES {
        for priority in PRIORITIES {
            let queue = format!("sms.out.{route}.{priority}");
            let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default());
            deleted.await.context("a queue cannot be deleted")?;
        }
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}
