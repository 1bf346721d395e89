#![doc = include_str!("../README.md")]

mod api_key;
mod auth;
mod config;
mod connection;
mod deadline;
mod dispatch;
mod health;
mod legacy;
pub mod proto;
mod refusal;
mod server;
mod tls;
mod v1;

pub use api_key::{
    ApiKey, ApiKeys, GeneratedKey, KeyHash, KeyHashError, Scope, ScopeError, Scopes,
};
pub use config::{GrpcConfig, TlsFiles};
pub use health::Health;
pub use server::{BindError, BoundServer, GrpcServer};
