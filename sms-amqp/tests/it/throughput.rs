//! How fast it is.

use std::sync::Arc;
use std::time::Instant;

use sms_core::{Priority, Queue};

use crate::broker;
use crate::setup::*;

const HINTS: usize = 4_000;
const IDS_PER_HINT: usize = 64;

/// The bound is far below what it does, and far above what a round trip per hint would give.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tens_of_thousands_of_messages_flow_in_a_second() {
    // Alone with the broker, so that the figure means something.
    let broker = broker::exclusive().await;
    let queue = Arc::new(connect(&broker.url(), &options()).await);
    let warm_up = hint(Priority::Normal, 1);
    queue.push(vec![warm_up.clone()]).await.unwrap();
    take_all(&queue, warm_up.ids.into_iter().collect()).await;

    let start = Instant::now();
    let producer = {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            for _ in 0..HINTS / 50 {
                let hints = (0..50).map(|_| hint(Priority::Normal, IDS_PER_HINT));
                queue.push(hints.collect()).await.unwrap();
            }
        })
    };
    let mut messages = 0;
    while messages < HINTS * IDS_PER_HINT {
        let tasks = lease(&queue, 500).await;
        messages += tasks.iter().map(|task| task.ids.len()).sum::<usize>();
        acknowledge(&queue, tasks).await;
    }
    producer.await.unwrap();
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} messages per second through push, lease and acknowledge");
    assert!(rate > 20_000.0, "{rate:.0} messages per second");
}
