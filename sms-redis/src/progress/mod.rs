//! How the progress of a message is stored. It is written anew with every change; its version
//! and its state are in the header of the record, where the scripts see them.

mod read;
mod write;

pub(crate) use read::{decode, decode_report};
pub(crate) use write::{encode, encode_report};

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
