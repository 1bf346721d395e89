#![doc = include_str!("../README.md")]

mod api_key;
mod auth;
mod check;
mod config;
mod connection;
mod deadline;
mod dispatch;
mod health;
mod legacy;
mod preface;
pub mod proto;
mod refusal;
mod refused_keys;
mod server;
mod tls;
mod together;
mod v1;

pub use api_key::{
    ApiKey, ApiKeys, GeneratedKey, KeyHash, KeyHashError, Scope, ScopeError, Scopes,
};
pub use config::{GrpcConfig, TlsFiles};
pub use health::Health;
pub use refused_keys::RefusedKeys;
pub use server::{BindError, BoundServer, GrpcServer};
