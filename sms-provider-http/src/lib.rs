#![doc = include_str!("../README.md")]

mod answer;
mod class;
mod client;
mod error;
mod failure;
mod generic;
mod kinds;
mod loose;
mod megafon;
pub mod receipt;
mod retry_after;
pub mod sandbox;
mod settings;
mod status;
mod template;

pub use class::Class;
pub use client::{HttpClient, HttpSettings};
pub use error::ConfigError;
pub use generic::{
    AnswerConfig, AuthConfig, BodyConfig, EncodingNames, HttpConfig, Location, LocationError,
    MethodConfig, OneOrMany, Pattern, ReplyConfig, ReportConfig, ReportFormat, SecretHeader,
    WaitConfig,
};
pub use kinds::{Built, Kind, Kinds};
pub use megafon::MegafonConfig;
pub use retry_after::WaitUnit;
pub use settings::Settings;
