//! Messages and reports to test with.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::{
    Attempt, AttemptOutcome, Callback, Cause, Change, ClaimToken, Encoding, Entropy, Fingerprint,
    Message, MessageId, MessageText, ParkedReport, PhoneNumber, Priority, Progress, ProviderId,
    ProviderName, Report, ReportKey, ReportStatus, Request, State, TenantId, Timestamp, Transition,
    UnknownPolicy,
};

/// Makes messages to test with; the same ones for the same seed.
///
/// Each message is accepted one millisecond after the one before it, so that "the latest first"
/// has one meaning.
#[derive(Debug)]
pub struct Samples {
    random: AtomicU64,
    clock: AtomicI64,
}

/// 2026-01-01T00:00:00Z, from which the time of the samples counts.
const START: i64 = 1_767_225_600_000;

impl Entropy for Samples {
    /// SplitMix64: a counter, mixed.
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.random.fetch_add(STEP, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Samples {
    /// Samples of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let samples = Self {
            random: AtomicU64::new(seed),
            clock: AtomicI64::new(START),
        };
        // Neighbouring seeds would give the same words, one step apart.
        let far = samples.next_u64();
        samples.random.store(far, Ordering::Relaxed);
        samples
    }

    /// The next millisecond.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.fetch_add(1, Ordering::Relaxed))
    }

    /// A random number below `end`, which must not be zero.
    pub fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.next_u64() % end).unwrap_or(0)
    }

    /// Lets a random half of all calls pass.
    pub fn coin(&self) -> bool {
        self.next_u64() & 1 == 0
    }

    /// A new message: queued, without an attempt, with a deadline in 60 s.
    pub fn message(&self) -> Message {
        let now = self.now();
        let number = format!("+7999{:07}", self.below(10_000_000));
        let request = Request {
            id: MessageId::generate(now, self),
            tenant: TenantId::default(),
            to: PhoneNumber::parse_possible(&number).expect("a Russian mobile number"),
            from: None,
            text: text("Your code is 123456"),
            encoding: Encoding::Gsm7,
            segments: 1,
            priority: Priority::Normal,
            on_unknown: UnknownPolicy::Hold,
            route: provider_name("main"),
            callback: Callback::generate(self),
            accepted_at: now,
            send_at: None,
            expires_at: now + Duration::from_secs(86_400),
            fingerprint: None,
        };
        Message {
            request: Arc::new(request),
            progress: Progress::accepted(now, State::Queued, now + Duration::from_secs(60)),
        }
    }

    /// Several new messages.
    pub fn messages(&self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.message()).collect()
    }

    /// A new message with a request that differs from the usual one.
    pub fn message_with(&self, edit: impl FnOnce(&mut Request)) -> Message {
        let mut message = self.message();
        edit(Arc::make_mut(&mut message.request));
        message
    }

    /// A message in which every field has a value, and not the usual one.
    pub fn rich(&self) -> Message {
        let mut message = self.message_with(|request| {
            request.tenant = "acme-2.test_x".parse().expect("a tenant");
            request.from = Some("MyBrand".parse().expect("a sender"));
            request.text = text("Привет, мир! 👋🏽 line two\r\n\ttab \"quoted\" 'single' \\ % ; --");
            request.encoding = Encoding::Ucs2;
            request.segments = 2;
            request.priority = Priority::Otp;
            request.on_unknown = UnknownPolicy::PreferDuplicate;
            request.send_at = Some(request.accepted_at + Duration::from_secs(5));
            request.fingerprint = Some(Fingerprint([
                0, 255, 1, 254, 2, 253, 3, 252, 4, 5, 6, 7, 8, 9, 10, 11,
            ]));
        });
        let at = message.request.accepted_at;
        message.progress = Progress {
            // Above what a signed 32-bit number holds.
            version: 5_000_000_000,
            state: State::Unconfirmed,
            ready_at: Some(at + Duration::from_millis(1_500)),
            deadline: Some(at + Duration::from_secs(30)),
            ending: Some(State::Canceled),
            attempts: vec![self.bare_attempt(at), self.full_attempt(at)],
            reports: vec![self.report(), self.full_report()],
            timeline: all_causes(at),
        };
        message
    }

    /// An attempt under way: every optional field is absent.
    pub fn bare_attempt(&self, at: Timestamp) -> Attempt {
        Attempt {
            number: 1,
            provider: provider_name("main"),
            claim: ClaimToken(self.next_u64() | 1 << 63),
            started_at: at,
            lease_until: at + Duration::from_secs(60),
            finished_at: None,
            outcome: None,
            provider_id: None,
            code: None,
            description: None,
            node: None,
            report: None,
        }
    }

    /// An attempt that was accepted under this provider id.
    pub fn accepted_attempt(&self, number: u32, provider_id: &ProviderId) -> Attempt {
        Attempt {
            number,
            outcome: Some(AttemptOutcome::Accepted),
            provider_id: Some(provider_id.clone()),
            ..self.bare_attempt(self.now())
        }
    }

    fn full_attempt(&self, at: Timestamp) -> Attempt {
        Attempt {
            number: 2,
            finished_at: Some(at + Duration::from_millis(321)),
            outcome: Some(AttemptOutcome::Unknown),
            provider_id: Some(self.provider_id()),
            code: Some("-7".into()),
            description: Some("zu viele Zeichen: „ß“ {\"a\": [1]}".into()),
            node: Some(std::net::Ipv6Addr::LOCALHOST.into()),
            report: Some(ReportStatus::Buffered),
            ..self.bare_attempt(at)
        }
    }

    /// A provider id that no other sample has.
    pub fn provider_id(&self) -> ProviderId {
        let id = format!("p {:016x}/{}", self.next_u64(), self.now().as_millis());
        id.parse().expect("a provider id")
    }

    /// The key under which a new provider id of the provider `main` is looked up.
    pub fn key(&self) -> ReportKey {
        ReportKey {
            provider: provider_name("main"),
            provider_id: self.provider_id(),
        }
    }

    /// A report without optional fields.
    pub fn report(&self) -> Report {
        Report {
            received_at: self.now(),
            provider: provider_name("main"),
            status: ReportStatus::Delivered,
            provider_id: None,
            receipt_id: None,
            code: None,
            text: None,
            late: false,
        }
    }

    fn full_report(&self) -> Report {
        Report {
            status: ReportStatus::Expired,
            provider_id: Some(self.provider_id()),
            receipt_id: Some("9f-1".into()),
            code: Some("000".into()),
            text: Some("id:1 stat:EXPIRED err:000 Text:Привет".into()),
            late: true,
            ..self.report()
        }
    }

    /// A report that waits under a key until the time given.
    pub fn parked(&self, key: &ReportKey, look_again_at: Timestamp) -> ParkedReport {
        ParkedReport {
            key: key.clone(),
            report: Report {
                provider_id: Some(key.provider_id.clone()),
                ..self.report()
            },
            look_again_at,
        }
    }
}

pub(super) fn provider_name(name: &str) -> ProviderName {
    name.parse().expect("a provider name")
}

/// A text of up to 255 segments.
pub(super) fn text(text: &str) -> MessageText {
    MessageText::within(text, u8::MAX).expect("a text that can be sent")
}

fn all_causes(at: Timestamp) -> Vec<Transition> {
    let causes = [
        Cause::Accepted,
        Cause::Due,
        Cause::Claimed,
        Cause::GivenBack,
        Cause::Answered,
        Cause::LeaseEnded,
        Cause::Reported,
        Cause::Queried,
        Cause::Policy,
        Cause::Expired,
        Cause::Canceled,
        Cause::ReportWindowEnded,
    ];
    (1..)
        .zip(causes.into_iter().zip(State::ALL))
        .map(|(sequence, (cause, state))| Transition {
            sequence,
            at: at + Duration::from_millis(sequence.into()),
            state,
            cause,
        })
        .collect()
}

/// A change of a message: the next version, edited.
#[must_use]
pub fn changed(before: &Message, edit: impl FnOnce(&mut Progress)) -> Change {
    let mut after = before.progress.clone();
    after.version += 1;
    edit(&mut after);
    Change {
        before: before.clone(),
        after,
    }
}

/// A change that makes a message final.
#[must_use]
pub fn finished(before: &Message, state: State, at: Timestamp) -> Change {
    changed(before, |progress| {
        progress.state = state;
        progress.deadline = None;
        let sequence = progress.timeline.last().map_or(0, |last| last.sequence) + 1;
        progress.timeline.push(Transition {
            sequence,
            at,
            state,
            cause: Cause::Reported,
        });
    })
}
