use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;
use sms_core::conformance::{Samples, changed, finished};
use sms_core::{
    Attempt, AttemptOutcome, Callback, Cause, ClaimToken, Encoding, Fingerprint, PhoneNumber,
    Priority, Report, ReportStatus, Request, State, TenantId, Transition, UnknownPolicy,
};

use super::*;

/// What a record of this release looks like, byte by byte. A record that is stored must be
/// readable for ever: a change here needs a new format, and the old one stays readable.
#[test]
fn a_stored_record_never_becomes_unreadable() {
    let id: MessageId = "0190a5a1-7c1b-7abc-8def-0123456789ab".parse().unwrap();
    let stored = unhex(GOLDEN);
    let message = golden(id);
    assert_eq!(decode(id, &stored).as_ref(), Ok(&message));
    assert_eq!(encode(&message), stored);
}

const GOLDEN: &str = "\
    0100000000000000076600000051010a190187c0e5fea90280a0d5edee6680f0b252074d794272616e64046d \
    61696e00112233445566778899aabbccddeeff0707070707070707070707070707070701080d92b0c820babe \
    b43a2031323334010080a0d5edee6601af010123456789abcdefd00f90b907a01f0001086d61696e10386631 \
    346534356602300a0000070109d08c0101010318737461743a44454c495652440400001000d00f2200a01f44 \
    00d08c0156";

fn golden(id: MessageId) -> Message {
    let at = |seconds: i64| Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000);
    let request = Request {
        id,
        tenant: TenantId::default(),
        to: PhoneNumber::parse_possible("+79991234567").unwrap(),
        from: Some("MyBrand".parse().unwrap()),
        text: "Ваш код: 1234".parse().unwrap(),
        encoding: Encoding::Ucs2,
        segments: 1,
        priority: Priority::High,
        on_unknown: UnknownPolicy::PreferLoss,
        route: "main".parse().unwrap(),
        callback: Callback::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        accepted_at: at(0),
        send_at: None,
        expires_at: at(86_400),
        fingerprint: Some(Fingerprint([7; 16])),
    };
    let attempt = Attempt {
        number: 1,
        provider: "main".parse().unwrap(),
        claim: ClaimToken(0x0123_4567_89ab_cdef),
        started_at: at(1),
        lease_until: at(61),
        finished_at: Some(at(2)),
        outcome: Some(AttemptOutcome::Accepted),
        provider_id: Some("8f14e45f".parse().unwrap()),
        code: Some("0".to_owned()),
        description: None,
        node: Some(Ipv4Addr::new(10, 0, 0, 7).into()),
        report: Some(ReportStatus::Delivered),
    };
    let report = Report {
        received_at: at(9),
        provider: "main".parse().unwrap(),
        status: ReportStatus::Delivered,
        provider_id: attempt.provider_id.clone(),
        receipt_id: None,
        code: None,
        text: Some("stat:DELIVRD".to_owned()),
        late: false,
    };
    let transition = |sequence, seconds, state, cause| Transition {
        sequence,
        at: at(seconds),
        state,
        cause,
    };
    let progress = Progress {
        version: 7,
        state: State::Delivered,
        ready_at: None,
        deadline: None,
        ending: None,
        attempts: vec![attempt],
        reports: vec![report],
        timeline: vec![
            transition(1, 0, State::Queued, Cause::Accepted),
            transition(2, 1, State::Sending, Cause::Claimed),
            transition(3, 2, State::Sent, Cause::Answered),
            transition(4, 9, State::Delivered, Cause::Reported),
        ],
    };
    Message {
        request: Arc::new(request),
        progress,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn round_trip(message: &Message) {
    let record = encode(message);
    let back = decode(message.id(), &record).unwrap();
    assert_eq!(back, *message);
}

#[test]
fn any_message_comes_back() {
    let samples = Samples::new(1);
    round_trip(&samples.message());
    round_trip(&samples.rich());
    for state in State::ALL {
        let mut message = samples.rich();
        message.progress.state = state;
        round_trip(&message);
    }
}

#[test]
fn a_history_with_gaps_comes_back() {
    let samples = Samples::new(2);
    let mut message = samples.rich();
    message.progress.timeline.remove(3);
    message.progress.timeline.swap(1, 6);
    message.progress.attempts.reverse();
    round_trip(&message);
    message.progress.timeline.clear();
    round_trip(&message);
}

#[test]
fn times_and_versions_come_back_at_their_limits() {
    let samples = Samples::new(3);
    for at in [Timestamp::from_millis(0), Timestamp::MAX] {
        let mut message = samples.message_with(|request: &mut Request| {
            request.accepted_at = at;
            request.send_at = Some(Timestamp::MAX);
            request.expires_at = Timestamp::from_millis(0);
        });
        message.progress.version = u64::MAX;
        message.progress.deadline = Some(at);
        message.progress.ready_at = Some(Timestamp::from_millis(0));
        round_trip(&message);
    }
}

#[test]
fn a_record_of_a_later_release_is_told_from_a_damaged_one() {
    let message = Samples::new(4).message();
    let mut record = encode(&message);
    record[0] = 2;
    assert_eq!(
        decode(message.id(), &record),
        Err(Unreadable::NewerFormat(2))
    );
    let mut record = encode(&message);
    record[14] = 9;
    assert_eq!(
        decode(message.id(), &record),
        Err(Unreadable::NewerFormat(9))
    );
    let mut record = encode(&message);
    record.push(0);
    assert_eq!(
        decode(message.id(), &record),
        Err(Unreadable::Part("the progress"))
    );
}

/// A usual life: one attempt, one report.
#[test]
fn a_record_is_small() {
    let samples = Samples::new(5);
    let message = samples.message();
    let queued = encode(&message).len();
    assert!(queued < 110, "{queued} bytes");
    let sending = changed(&message, |progress| {
        progress.state = State::Sending;
        let at = samples.now();
        progress.attempts.push(samples.bare_attempt(at));
    });
    let sending = Message {
        request: Arc::clone(&message.request),
        progress: sending.after,
    };
    let ended = Message {
        progress: finished(&sending, State::Delivered, samples.now()).after,
        request: sending.request,
    };
    let ended = encode(&ended).len();
    assert!(ended < 150, "{ended} bytes");
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange_to_be_refused(at in 0..400_usize, byte: u8, cut in 0..400_usize) {
        let message = Samples::new(6).rich();
        let mut record = encode(&message);
        let at = at % record.len();
        record[at] = byte;
        let _ = decode(message.id(), &record);
        record.truncate(cut);
        let _ = decode(message.id(), &record);
    }
}
