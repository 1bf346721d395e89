//! What is said: message texts, their encoding on the air, and their division into segments.
//!
//! [`MessageText`] is a checked text; [`plan`] tells how it would be sent. Adapters that speak to
//! a network themselves (SMPP) find the codecs in [`gsm7`] and [`ucs2`] and the concatenation
//! header in [`concat`](mod@concat).

pub mod concat;
mod encoding;
mod error;
pub mod gsm7;
mod message;
mod plan;
mod segment;
mod smart;
pub mod ucs2;

pub use encoding::{Encoding, EncodingChoice, UnknownEncoding};
pub use error::TextError;
pub use message::{DEFAULT_MAX_SEGMENTS, MAX_STORED_BYTES, MessageText};
pub use plan::{Plan, plan, plan_within};
pub use segment::{Segments, count_segments, segment, units};
pub use smart::Replacement;
