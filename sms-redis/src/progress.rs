//! How the progress of a message is stored. It is written anew with every change; its version
//! and its state are in the header of the record, where the scripts see them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sms_core::{
    Attempt, AttemptOutcome, Cause, ClaimToken, Progress, Report, ReportStatus, State, Timestamp,
    Transition,
};

use crate::bytes::{Decoder, Encoder, Seen, Unreadable};
use crate::code::Code;
use crate::request::{flag, parse};

/// The format that this release writes.
const FORMAT: u8 = 1;

const HAS_READY_AT: u8 = 1;
const HAS_DEADLINE: u8 = 1 << 1;
const HAS_ENDING: u8 = 1 << 2;

const HAS_FINISHED_AT: u8 = 1;
const HAS_OUTCOME: u8 = 1 << 1;
const HAS_ATTEMPT_PROVIDER_ID: u8 = 1 << 2;
const HAS_ATTEMPT_CODE: u8 = 1 << 3;
const HAS_DESCRIPTION: u8 = 1 << 4;
const HAS_NODE_V4: u8 = 1 << 5;
const HAS_NODE_V6: u8 = 1 << 6;
const HAS_ATTEMPT_REPORT: u8 = 1 << 7;

const HAS_PROVIDER_ID: u8 = 1;
const HAS_RECEIPT_ID: u8 = 1 << 1;
const HAS_CODE: u8 = 1 << 2;
const HAS_TEXT: u8 = 1 << 3;
const IS_LATE: u8 = 1 << 4;

/// Writes times as their distance from the first one.
struct Writer<'a> {
    out: Encoder,
    seen: Seen<'a>,
    base: i64,
}

struct Reader<'a> {
    from: Decoder<'a>,
    seen: Seen<'a>,
    base: i64,
}

pub(crate) fn encode(progress: &Progress) -> Vec<u8> {
    let base = progress
        .timeline
        .first()
        .map_or(0, |one| one.at.as_millis());
    let mut to = Writer {
        out: Encoder(Vec::with_capacity(192)),
        seen: Seen::default(),
        base,
    };
    to.out.byte(FORMAT);
    to.out.byte(
        flag(progress.ready_at.is_some(), HAS_READY_AT)
            | flag(progress.deadline.is_some(), HAS_DEADLINE)
            | flag(progress.ending.is_some(), HAS_ENDING),
    );
    to.out.signed(base);
    to.time(progress.ready_at);
    to.time(progress.deadline);
    to.code(progress.ending);
    to.out.number(progress.attempts.len() as u64);
    for attempt in &progress.attempts {
        to.attempt(attempt);
    }
    to.out.number(progress.reports.len() as u64);
    for report in &progress.reports {
        to.report(report);
    }
    to.timeline(&progress.timeline);
    to.out.0
}

/// A report alone, as it is parked.
pub(crate) fn encode_report(report: &Report) -> Vec<u8> {
    let mut to = Writer {
        out: Encoder::default(),
        seen: Seen::default(),
        base: 0,
    };
    to.out.byte(FORMAT);
    to.report(report);
    to.out.0
}

impl<'a> Writer<'a> {
    fn time(&mut self, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.out.signed(at.as_millis() - self.base);
        }
    }

    fn code(&mut self, value: Option<impl Code>) {
        if let Some(value) = value {
            self.out.byte(value.code());
        }
    }

    fn text(&mut self, text: Option<&'a str>) {
        if let Some(text) = text {
            self.out.seen(text, &mut self.seen);
        }
    }

    fn attempt(&mut self, attempt: &'a Attempt) {
        let node = attempt.node;
        self.out.byte(
            flag(attempt.finished_at.is_some(), HAS_FINISHED_AT)
                | flag(attempt.outcome.is_some(), HAS_OUTCOME)
                | flag(attempt.provider_id.is_some(), HAS_ATTEMPT_PROVIDER_ID)
                | flag(attempt.code.is_some(), HAS_ATTEMPT_CODE)
                | flag(attempt.description.is_some(), HAS_DESCRIPTION)
                | flag(node.is_some_and(|node| node.is_ipv4()), HAS_NODE_V4)
                | flag(node.is_some_and(|node| node.is_ipv6()), HAS_NODE_V6)
                | flag(attempt.report.is_some(), HAS_ATTEMPT_REPORT),
        );
        self.out.number(attempt.number.into());
        self.out.raw(&attempt.claim.0.to_be_bytes());
        self.time(Some(attempt.started_at));
        self.time(Some(attempt.lease_until));
        self.time(attempt.finished_at);
        self.code(attempt.outcome);
        self.code(attempt.report);
        self.text(Some(attempt.provider.as_str()));
        self.text(attempt.provider_id.as_ref().map(|id| id.as_str()));
        self.text(attempt.code.as_deref());
        self.text(attempt.description.as_deref());
        match node {
            Some(IpAddr::V4(node)) => self.out.raw(&node.octets()),
            Some(IpAddr::V6(node)) => self.out.raw(&node.octets()),
            None => {}
        }
    }

    fn report(&mut self, report: &'a Report) {
        self.out.byte(
            flag(report.provider_id.is_some(), HAS_PROVIDER_ID)
                | flag(report.receipt_id.is_some(), HAS_RECEIPT_ID)
                | flag(report.code.is_some(), HAS_CODE)
                | flag(report.text.is_some(), HAS_TEXT)
                | flag(report.late, IS_LATE),
        );
        self.time(Some(report.received_at));
        self.code(Some(report.status));
        self.text(Some(report.provider.as_str()));
        self.text(report.provider_id.as_ref().map(|id| id.as_str()));
        self.text(report.receipt_id.as_deref());
        self.text(report.code.as_deref());
        self.text(report.text.as_deref());
    }

    /// Sequence numbers as the gap after the one before, which is nearly always none; state and
    /// cause in one byte.
    fn timeline(&mut self, timeline: &[Transition]) {
        self.out.number(timeline.len() as u64);
        let mut expected = 1_i64;
        for transition in timeline {
            let sequence = i64::from(transition.sequence);
            self.out.signed(sequence - expected);
            expected = sequence + 1;
            self.time(Some(transition.at));
            self.out
                .byte(transition.state.code() << 4 | transition.cause.code());
        }
    }
}

pub(crate) fn decode(version: u64, state: State, bytes: &[u8]) -> Result<Progress, Unreadable> {
    let mut from = Reader::new(bytes)?;
    let flags = from.from.byte("the progress")?;
    let has = |flag| flags & flag != 0;
    from.base = from.from.signed("the progress")?;
    let progress = Progress {
        version,
        state,
        ready_at: from.time(has(HAS_READY_AT))?,
        deadline: from.time(has(HAS_DEADLINE))?,
        ending: from.code(has(HAS_ENDING))?,
        attempts: from.several(Reader::attempt)?,
        reports: from.several(Reader::report)?,
        timeline: from.timeline()?,
    };
    from.from.end("the progress")?;
    Ok(progress)
}

pub(crate) fn decode_report(bytes: &[u8]) -> Result<Report, Unreadable> {
    let mut from = Reader::new(bytes)?;
    let report = from.report()?;
    from.from.end("a report")?;
    Ok(report)
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut from = Decoder(bytes);
        match from.byte("the progress")? {
            FORMAT => Ok(Self {
                from,
                seen: Seen::default(),
                base: 0,
            }),
            newer => Err(Unreadable::NewerFormat(newer)),
        }
    }

    fn at(&mut self) -> Result<Timestamp, Unreadable> {
        let offset = self.from.signed("a time")?;
        Ok(Timestamp::from_millis(self.base.saturating_add(offset)))
    }

    fn time(&mut self, is_there: bool) -> Result<Option<Timestamp>, Unreadable> {
        is_there.then(|| self.at()).transpose()
    }

    fn code<T: Code>(&mut self, is_there: bool) -> Result<Option<T>, Unreadable> {
        let code = |from: &mut Decoder<'_>| T::of(from.byte(T::PART)?);
        is_there.then(|| code(&mut self.from)).transpose()
    }

    fn name(&mut self) -> Result<&'a str, Unreadable> {
        self.from.seen(&mut self.seen, "a name")
    }

    fn text(&mut self, is_there: bool) -> Result<Option<String>, Unreadable> {
        is_there.then(|| self.name().map(str::to_owned)).transpose()
    }

    fn several<T>(
        &mut self,
        one: fn(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let count = self.from.length("the progress")?;
        // Not allocated ahead: the number may be nonsense.
        (0..count).map(|_| one(self)).collect()
    }

    fn attempt(&mut self) -> Result<Attempt, Unreadable> {
        let flags = self.from.byte("an attempt")?;
        let has = |flag| flags & flag != 0;
        let number = self.from.number("an attempt")?;
        Ok(Attempt {
            number: u32::try_from(number).map_err(|_| Unreadable::Part("an attempt"))?,
            claim: ClaimToken(u64::from_be_bytes(self.from.array("a claim")?)),
            started_at: self.at()?,
            lease_until: self.at()?,
            finished_at: self.time(has(HAS_FINISHED_AT))?,
            outcome: self.code::<AttemptOutcome>(has(HAS_OUTCOME))?,
            report: self.code::<ReportStatus>(has(HAS_ATTEMPT_REPORT))?,
            provider: parse(self.name()?, "a provider")?,
            provider_id: match self.text(has(HAS_ATTEMPT_PROVIDER_ID))? {
                Some(id) => Some(parse(&id, "a provider id")?),
                None => None,
            },
            code: self.text(has(HAS_ATTEMPT_CODE))?,
            description: self.text(has(HAS_DESCRIPTION))?,
            node: if has(HAS_NODE_V4) {
                Some(Ipv4Addr::from(self.from.array::<4>("a node")?).into())
            } else if has(HAS_NODE_V6) {
                Some(Ipv6Addr::from(self.from.array::<16>("a node")?).into())
            } else {
                None
            },
        })
    }

    fn report(&mut self) -> Result<Report, Unreadable> {
        let flags = self.from.byte("a report")?;
        let has = |flag| flags & flag != 0;
        Ok(Report {
            received_at: self.at()?,
            status: ReportStatus::of(self.from.byte("a report")?)?,
            provider: parse(self.name()?, "a provider")?,
            provider_id: match self.text(has(HAS_PROVIDER_ID))? {
                Some(id) => Some(parse(&id, "a provider id")?),
                None => None,
            },
            receipt_id: self.text(has(HAS_RECEIPT_ID))?,
            code: self.text(has(HAS_CODE))?,
            text: self.text(has(HAS_TEXT))?,
            late: has(IS_LATE),
        })
    }

    fn timeline(&mut self) -> Result<Vec<Transition>, Unreadable> {
        let count = self.from.length("the timeline")?;
        let mut expected = 1_i64;
        let mut timeline = Vec::new();
        for _ in 0..count {
            let gap = self.from.signed("the timeline")?;
            let sequence = expected.saturating_add(gap);
            expected = sequence.saturating_add(1);
            let at = self.at()?;
            let both = self.from.byte("the timeline")?;
            timeline.push(Transition {
                sequence: u32::try_from(sequence).map_err(|_| Unreadable::Part("the timeline"))?,
                at,
                state: State::of(both >> 4)?,
                cause: Cause::of(both & 15)?,
            });
        }
        Ok(timeline)
    }
}
