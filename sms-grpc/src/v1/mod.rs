//! `sms.v1`, the API for new clients.

mod from_proto;
mod page;
mod service;
mod to_proto;
mod watch;

pub(crate) use service::V1Service;
