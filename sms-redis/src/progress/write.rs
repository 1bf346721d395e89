//! Writing.

use std::net::IpAddr;

use sms_core::{Attempt, Progress, Report, Timestamp, Transition};

use super::*;
use crate::bytes::{Encoder, Seen};
use crate::code::Code;
use crate::request::flag;

/// Writes times as their distance from the first one.
struct Writer<'a> {
    out: Encoder,
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
