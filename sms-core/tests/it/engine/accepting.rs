//! What is accepted, when it is sent, and what is refused.

use std::time::Duration;

use sms_core::testing::{Fault, Port, ScriptedProvider};
use sms_core::{AcceptError, BuildError, Cause, NewMessage, ProviderSetup, State};

use super::rig::{Rig, SECOND, START, accept, accept_as, name, new_message};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3_600);

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_with_its_field() {
    let engine = Rig::new().engine();
    let edit = |edit: fn(&mut NewMessage)| {
        let mut new = new_message();
        edit(&mut new);
        new
    };
    for (new, field) in [
        (edit(|new| new.validity = Some(Duration::ZERO)), "validity"),
        (
            edit(|new| new.validity = Some(Duration::from_millis(999))),
            "validity",
        ),
        (edit(|new| new.validity = Some(WEEK + SECOND)), "validity"),
        (
            edit(|new| new.send_at = Some(START + YEAR + SECOND)),
            "send_at",
        ),
        (
            edit(|new| {
                new.text = "\u{43f}".parse().unwrap();
                new.encoding = sms_core::EncodingChoice::Gsm7Strict;
            }),
            "text",
        ),
    ] {
        let preview = engine.preview(&new).unwrap_err();
        let refused = engine.accept(new).await.unwrap_err();
        assert!(
            matches!(refused, AcceptError::Invalid { field: named, .. } if named == field),
            "{refused}"
        );
        assert_eq!(preview.to_string(), refused.to_string());
        assert!(refused.to_string().starts_with(field));
    }
    let mut new = new_message();
    new.provider = Some(name("nobody"));
    let refused = engine.accept(new).await.unwrap_err();
    assert!(matches!(refused, AcceptError::UnknownProvider(_)));
    assert_eq!(engine.count().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_with_no_wishes_is_valid_for_a_day() {
    let rig = Rig::new();
    let id = accept(&rig.engine()).await;
    let request = rig.message(id).await.request;
    assert_eq!(request.expires_at, START + 24 * 3_600 * SECOND);
    assert_eq!((request.send_at, request.fingerprint), (None, None));
}

#[tokio::test(start_paused = true)]
async fn many_are_accepted_each_with_its_own_answer() {
    let engine = Rig::new().engine();
    let mut wrong = new_message();
    wrong.validity = Some(Duration::ZERO);
    let answers = engine
        .accept_many(vec![new_message(), wrong, new_message()])
        .await;
    let good: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_preview_sends_nothing() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let preview = engine.preview(&new_message()).unwrap();
    assert_eq!((preview.route, preview.plan.segments), (name("main"), 1));
    tokio::time::sleep(SECOND).await;
    assert_eq!(engine.count().await.unwrap().total(), 0);
    assert_eq!(rig.submissions(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_for_later_is_sent_at_its_time() {
    let rig = Rig::new();
    let engine = rig.engine();
    let _running = engine.start();
    let mut new = new_message();
    new.send_at = Some(START + 90 * SECOND);
    let id = accept_as(&engine, new).await;
    assert_eq!(rig.state(id).await, State::Scheduled);
    tokio::time::sleep(89 * SECOND).await;
    assert_eq!(rig.submissions(), 0);
    let message = rig.until(id, State::Sent).await;
    let started = message.progress.attempts[0].started_at;
    let delay = started.since(START + 90 * SECOND);
    assert!(delay <= SECOND, "{delay:?} late");
    assert!(started >= START + 90 * SECOND);
    let validity = message.request.expires_at.since(START + 90 * SECOND);
    assert_eq!(validity, 24 * 3_600 * SECOND, "counted from its time");
}

#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_means_now() {
    let rig = Rig::new();
    let engine = rig.engine();
    let mut new = new_message();
    new.send_at = Some(START - SECOND);
    let id = accept_as(&engine, new).await;
    assert_eq!(rig.state(id).await, State::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_could_send_in_time_expires_at_its_time() {
    let rig = Rig::new();
    let engine = rig.engine();
    let mut new = new_message();
    new.validity = Some(10 * SECOND);
    let id = accept_as(&engine, new).await;
    tokio::time::sleep(10 * SECOND).await;
    let _running = engine.start();
    let message = rig.until(id, State::Expired).await;
    assert_eq!(message.progress.timeline[1].cause, Cause::Expired);
    assert_eq!(rig.submissions(), 0);
}

#[tokio::test(start_paused = true)]
async fn accepted_means_stored_and_a_store_that_is_down_says_so() {
    let rig = Rig::new();
    let (engine, switch) = rig.disturbed();
    switch.set(Port::Store, "insert", Fault::Refuse);
    let refused = engine.accept(new_message()).await.unwrap_err();
    assert!(matches!(refused, AcceptError::Store(error) if error.is_passing()));
    assert_eq!(engine.count().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_cannot_work_is_not_built() {
    let rig = Rig::new();
    let none = rig.bare(&Default::default()).build().unwrap_err();
    assert_eq!(none, BuildError::NoProvider);
    let twice = rig.bare(&Default::default());
    let twice = twice.provider(rig.setup()).provider(rig.setup()).build();
    assert_eq!(twice.unwrap_err(), BuildError::SameName(name("main")));
    let hasty = ProviderSetup {
        lease: Some(20 * SECOND - Duration::from_millis(1)),
        ..rig.setup()
    };
    let hasty = rig.bare(&Default::default()).provider(hasty).build();
    assert!(matches!(hasty, Err(BuildError::LeaseTooShort { .. })));
}

#[tokio::test(start_paused = true)]
async fn settings_that_make_no_sense_are_refused_by_name() {
    let rig = Rig::new();
    let millisecond = Duration::from_millis(1);
    let builder = || rig.bare(&Default::default()).provider(rig.setup());
    for (built, named) in [
        (
            builder().default_validity(SECOND - millisecond),
            "default_validity",
        ),
        (
            builder().default_validity(WEEK + millisecond),
            "default_validity",
        ),
        (builder().retention(60 * SECOND - millisecond), "retention"),
        (builder().sweep_interval(Duration::ZERO), "sweep_interval"),
        (builder().watch_interval(Duration::ZERO), "watch_interval"),
    ] {
        let refused = built.build().unwrap_err();
        assert!(
            matches!(refused, BuildError::Invalid { setting, .. } if setting == named),
            "{named}: {refused}"
        );
    }
    let sensible = builder().default_validity(WEEK).retention(60 * SECOND);
    assert!(sensible.build().is_ok());
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_provider_that_make_no_sense_are_refused_by_both_names() {
    let rig = Rig::new();
    let mut idle = rig.setup();
    idle.concurrency = 0;
    let mut hasty = rig.setup();
    hasty.report_window = Duration::ZERO;
    for (setup, named) in [(idle, "concurrency"), (hasty, "report_window")] {
        let built = rig.bare(&Default::default()).provider(setup).build();
        let refused = built.unwrap_err().to_string();
        let begins = format!("provider main: {named}: is 0");
        assert!(refused.starts_with(&begins), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_provider_takes_what_asks_for_none() {
    let rig = Rig::new();
    let second = std::sync::Arc::new(ScriptedProvider::new("second").unwrap());
    let engine = rig
        .bare(&Default::default())
        .provider(rig.setup())
        .provider(ProviderSetup::new(second.clone()))
        .build()
        .unwrap();
    let _running = engine.start();
    let plain = accept(&engine).await;
    let mut new = new_message();
    new.provider = Some(name("second"));
    let chosen = accept_as(&engine, new).await;
    rig.until(plain, State::Sent).await;
    rig.until(chosen, State::Sent).await;
    assert_eq!(rig.provider.submissions()[0].id, plain);
    assert_eq!(second.submissions()[0].id, chosen);
}
