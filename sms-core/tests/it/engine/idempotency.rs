//! One message per tenant and key, whoever asks and however often.

use std::time::Duration;

use sms_core::testing::{Fault, Port};
use sms_core::{
    AcceptError, EncodingChoice, Fingerprint, NewMessage, Priority, State, UnknownPolicy,
};

use super::rig::{Rig, SECOND, START, name, new_message};

fn keyed(key: &str) -> NewMessage {
    let mut new = new_message();
    new.idempotency_key = Some(key.parse().unwrap());
    new
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_same_message_as_it_is_now() {
    let rig = Rig::new();
    let engine = rig.engine();
    let first = engine.accept(keyed("order-17")).await.unwrap();
    assert!(!first.replayed);
    let running = engine.start();
    rig.until(first.message.id(), State::Sent).await;
    let second = engine.accept(keyed("order-17")).await.unwrap();
    assert!(second.replayed);
    assert_eq!(second.message.id(), first.message.id());
    assert_eq!(second.message.state(), State::Sent);
    running.drain(SECOND).await;
    assert_eq!(rig.submissions(), 1);
    assert_eq!(engine.count().await.unwrap().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_used_for_another_request() {
    let edits: [fn(&mut NewMessage); 9] = [
        |new| new.to = "+79991234568".parse().unwrap(),
        |new| new.text = "Your code is 123457".parse().unwrap(),
        |new| new.from = Some("MyBrand".parse().unwrap()),
        |new| new.encoding = EncodingChoice::Ucs2,
        |new| new.priority = Priority::Otp,
        |new| new.on_unknown = UnknownPolicy::PreferLoss,
        |new| new.send_at = Some(START + SECOND),
        |new| new.validity = Some(Duration::from_secs(60)),
        |new| new.provider = Some(name("main")),
    ];
    let engine = Rig::new().engine();
    engine.accept(keyed("k")).await.unwrap();
    for (at, edit) in edits.into_iter().enumerate() {
        let mut new = keyed("k");
        edit(&mut new);
        let refused = engine.accept(new).await.unwrap_err();
        assert!(matches!(refused, AcceptError::KeyReused), "edit {at}");
    }
    assert!(engine.accept(keyed("k")).await.unwrap().replayed);
}

#[tokio::test(start_paused = true)]
async fn tenants_do_not_share_keys() {
    let engine = Rig::new().engine();
    let mut other = keyed("k");
    other.tenant = "acme".parse().unwrap();
    let mine = engine.accept(keyed("k")).await.unwrap();
    let theirs = engine.accept(other).await.unwrap();
    assert!(!theirs.replayed);
    assert_ne!(mine.message.id(), theirs.message.id());
}

#[tokio::test(start_paused = true)]
async fn without_a_key_every_request_is_a_message() {
    let engine = Rig::new().engine();
    let ids: std::collections::BTreeSet<_> = engine
        .accept_many(vec![new_message(); 100])
        .await
        .into_iter()
        .map(|accepted| accepted.unwrap().message.id())
        .collect();
    assert_eq!(ids.len(), 100);
}

/// A store repeats an insertion by itself after its answer was lost, and meets what it wrote.
#[tokio::test(start_paused = true)]
async fn a_message_that_meets_itself_in_the_store_was_created() {
    for new in [new_message(), keyed("k")] {
        let rig = Rig::new();
        let (engine, switch) = rig.disturbed();
        switch.set(Port::Store, "insert", Fault::Double);
        let running = engine.start();
        let accepted = engine.accept(new).await.unwrap();
        assert!(!accepted.replayed);
        rig.until(accepted.message.id(), State::Sent).await;
        running.drain(SECOND).await;
        assert_eq!(rig.submissions(), 1);
        assert_eq!(engine.count().await.unwrap().total(), 1);
    }
}

/// Two processes, one client that asks both because it heard from neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_engines_at_the_same_instant_one_creates() {
    let rig = Rig::new();
    let (one, two) = (rig.engine(), rig.engine());
    for round in 0..200 {
        let key = format!("key-{round}");
        let tasks = [&one, &two, &one, &two].map(|engine| {
            let (engine, new) = (engine.clone(), keyed(&key));
            tokio::spawn(async move { engine.accept(new).await })
        });
        let mut created = 0;
        let mut ids = std::collections::BTreeSet::new();
        for task in tasks {
            let accepted = task.await.unwrap().unwrap();
            created += usize::from(!accepted.replayed);
            ids.insert(accepted.message.id());
        }
        assert_eq!((created, ids.len()), (1, 1), "{key}");
    }
    assert_eq!(one.count().await.unwrap().total(), 200);
}

/// It is stored with messages and compared with those of later versions of this program.
#[tokio::test(start_paused = true)]
async fn a_fingerprint_never_changes_its_meaning() {
    let engine = Rig::new().engine();
    let mut new = keyed("k");
    new.priority = Priority::High;
    new.on_unknown = UnknownPolicy::PreferDuplicate;
    new.encoding = EncodingChoice::Gsm7Smart;
    new.send_at = Some(START + SECOND);
    new.validity = Some(60 * SECOND);
    new.provider = Some(name("main"));
    let accepted = engine.accept(new).await.unwrap();
    let Fingerprint(bytes) = accepted.message.request.fingerprint.unwrap();
    let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, expected_fingerprint());
}

/// Computed here once more, field by field, from what is documented.
fn expected_fingerprint() -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    let send_at = (START + SECOND).as_millis().to_be_bytes();
    let validity = 60_000i64.to_be_bytes();
    let fields: [&[u8]; 9] = [
        b"+79991234567",
        b"Your code is 123456",
        b"",
        b"gsm7_smart",
        b"high",
        b"prefer_duplicate",
        &send_at,
        &validity,
        b"main",
    ];
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let digest = hash.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
