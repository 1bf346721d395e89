//! Reading.

use std::net::{Ipv4Addr, Ipv6Addr};

use sms_core::{
    Attempt, AttemptOutcome, Cause, ClaimToken, Progress, Report, ReportStatus, State, Timestamp,
    Transition,
};

use super::*;
use crate::bytes::{Decoder, Seen, Unreadable};
use crate::code::Code;
use crate::request::parse;

struct Reader<'a> {
    from: Decoder<'a>,
    seen: Seen<'a>,
    base: i64,
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
