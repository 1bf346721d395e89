//! A master whose replica stands still.

use std::time::Duration;

use sms_core::conformance::{Samples, changed};
use sms_core::{Committed, Inserted, State, Store, StoreErrorKind};
use tokio::time::sleep;

use crate::engines::{engine, new_message, provider};
use crate::load::patient;
use crate::server::{Server, store_at, wait_until};

const OPTIONS: &str = "wait_replicas=1&timeout=400ms";

/// Its writer was told that it failed: whoever reads it and acts on it acts on what a failover
/// takes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_replica_confirmed_is_not_told() {
    let master = Server::start();
    let replica = master.start_replica(&[]).await;
    let url = format!("{}?{OPTIONS}", master.url());
    let (store, other) = (store_at(&url).await, store_at(&url).await);
    let samples = Samples::new(90);
    let (known, new) = (samples.message(), samples.message());
    store.insert(vec![known.clone()]).await.unwrap();
    replica.signal("STOP");
    let change = changed(&known, |progress| progress.state = State::Sending);
    store.commit(vec![change.clone()]).await.unwrap_err();
    store.insert(vec![new.clone()]).await.unwrap_err();
    // Neither to the one that wrote it, nor to another that has written nothing.
    for store in [&store, &other] {
        for error in [
            store.load(&[known.id()]).await.unwrap_err(),
            store.commit(vec![change.clone()]).await.unwrap_err(),
            store.insert(vec![new.clone()]).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        }
    }
    replica.signal("CONT");
    let loaded = patient(async || store.load(&[known.id()]).await).await;
    let version = loaded[0].as_ref().unwrap().progress.version;
    assert_eq!(version, change.after.version);
    let again = patient(async || store.commit(vec![change.clone()]).await).await;
    assert!(matches!(again[..], [Committed::Conflict(_)]), "{again:?}");
    let again = patient(async || store.insert(vec![new.clone()]).await).await;
    assert_eq!(again, [Inserted::Exists(Box::new(new))]);
}

/// The replica may be made the master with the message still queued, and would have it sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_no_replica_confirmed_is_not_acted_on() {
    let mut master = Server::start();
    let replica = master.start_replica(&[]).await;
    let store = store_at(&format!("{}?{OPTIONS}", master.url())).await;
    let provider = provider();
    let engine = engine(&store, &provider).build().unwrap();
    // Nothing works yet, so it waits unclaimed.
    let accepted = engine.accept(new_message()).await.unwrap();
    replica.signal("STOP");
    let running = engine.start();
    let id = accepted.message.id();
    // The claim is on the master, whatever its writer was told.
    let unconfirmed = store_at(&master.url()).await;
    wait_until(async || {
        let stored = unconfirmed.load(&[id]).await.unwrap().remove(0);
        stored.unwrap().state() == State::Sending
    })
    .await;
    // Time for several tries.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(provider.submissions().len(), 0);
    drop(running);
    master.kill();
    replica.signal("CONT");
    replica.ask(&["replicaof", "no", "one"]);
    let store = store_at(&replica.url()).await;
    let state = store.load(&[id]).await.unwrap().remove(0).unwrap().state();
    // What the replica had in its buffers may have been the claim.
    assert!([State::Queued, State::Sending].contains(&state), "{state}");
    assert_eq!(provider.submissions().len(), 0);
}
