//! What the codes in `result.status.code` mean.
//!
//! Codes below 20000 are `command_status` of SMPP 3.4 (5.1.3) in decimal, with the platform's own
//! from 257 on; 20101 and 20102 are of the HTTP interface. The class of each is ours.

use crate::class::Class;
use Class::{Accepted, Duplicate, Rejected, Throttled, Unauthorized, Unavailable, Unknown};

/// Every code that is known, sorted.
///
/// 17, 19 and 103 answer questions that are not asked here, so that what they say about a message
/// is unknown.
pub(super) const CODES: &[(i64, Class, &str)] = &[
    (0, Accepted, "accepted"),
    (1, Rejected, "the length of the message is invalid"),
    (2, Rejected, "the length of the command is invalid"),
    (3, Rejected, "the command is invalid"),
    (
        4,
        Unavailable,
        "the platform's session is in the wrong state",
    ),
    (5, Unavailable, "the platform's session exists already"),
    (6, Rejected, "the priority is invalid"),
    (7, Rejected, "the request for reports is invalid"),
    (8, Unavailable, "system error"),
    (10, Rejected, "the sender is not allowed"),
    (11, Rejected, "the recipient is invalid"),
    (12, Rejected, "the message id is invalid"),
    (13, Unavailable, "the platform could not open its session"),
    (14, Unauthorized, "wrong password"),
    (15, Unauthorized, "wrong login"),
    (17, Unknown, "cancelling failed"),
    (19, Unknown, "replacing failed"),
    (20, Throttled, "the message queue is full"),
    (21, Rejected, "the service type is invalid"),
    (51, Rejected, "the number of recipients is invalid"),
    (52, Rejected, "the name of the list is invalid"),
    (64, Rejected, "the flag of the recipient is invalid"),
    (66, Rejected, "the request to replace is invalid"),
    (67, Rejected, "the esm_class is invalid"),
    (68, Rejected, "the distribution list cannot be used"),
    (
        69,
        Unknown,
        "sending was interrupted; the message may have been taken",
    ),
    (72, Rejected, "the sender's type of number is invalid"),
    (73, Rejected, "the sender's numbering plan is invalid"),
    (80, Rejected, "the recipient's type of number is invalid"),
    (81, Rejected, "the recipient's numbering plan is invalid"),
    (83, Rejected, "the system type is invalid"),
    (84, Rejected, "the flag to replace is invalid"),
    (85, Rejected, "the number of messages is invalid"),
    (
        88,
        Throttled,
        "more messages per second than the platform allows",
    ),
    (97, Rejected, "the scheduled time is invalid"),
    (98, Rejected, "the validity period is invalid"),
    (99, Rejected, "the predefined message does not exist"),
    (100, Unavailable, "the receiver reports a passing error"),
    (101, Rejected, "the receiver reports a lasting error"),
    (102, Rejected, "the receiver refuses the message"),
    (103, Unknown, "the query failed"),
    (192, Rejected, "an optional parameter is invalid"),
    (193, Rejected, "an optional parameter is not allowed"),
    (194, Rejected, "the length of a parameter is invalid"),
    (195, Rejected, "an optional parameter is missing"),
    (
        196,
        Rejected,
        "the value of an optional parameter is invalid",
    ),
    (254, Rejected, "delivery failed"),
    (255, Unknown, "unknown error"),
    (
        257,
        Unavailable,
        "no connection for messages to this region",
    ),
    (1281, Rejected, "forbidden by the platform's routing rules"),
    (1282, Rejected, "the recipient blocks this sender"),
    (1284, Rejected, "the text contains banned words"),
    (1288, Rejected, "the account may not send to this region"),
    (20101, Rejected, "a field is missing or malformed"),
    (20102, Duplicate, "taken at an earlier attempt"),
];

/// What a code says about the message.
///
/// A code that is not known leaves the outcome unknown. That can neither lose nor double a
/// message here: the engine submits it again under the same id, and the platform takes it once.
/// Reading it as a refusal would lose messages to every passing fault that gets a new code.
pub(super) fn class(code: i64) -> Class {
    find(code).map_or(Unknown, |(_, class, _)| *class)
}

/// What a code means in words, for answers that come without.
pub(super) fn meaning(code: i64) -> Option<&'static str> {
    find(code).map(|(_, _, meaning)| *meaning)
}

fn find(code: i64) -> Option<&'static (i64, Class, &'static str)> {
    let at = CODES.binary_search_by_key(&code, |(known, _, _)| *known);
    CODES.get(at.ok()?)
}
