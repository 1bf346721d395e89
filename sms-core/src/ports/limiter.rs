//! Keeping the throughput of a provider over every process that submits to it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{ProviderName, Throughput};

/// Hands out the right to submit, so that a provider gets no more than its throughput however
/// many processes submit to it. [`LocalLimiter`](crate::LocalLimiter) serves one process.
#[async_trait]
pub trait Limiter: Send + Sync + fmt::Debug {
    /// Takes the right to submit up to `want` messages, as many as are free now.
    ///
    /// # Contract
    /// Does not wait: when nothing is free the grant says when something will be.
    ///
    /// # Errors
    /// [`LimiterError`] when the other processes cannot be reached.
    async fn take(
        &self,
        provider: &ProviderName,
        throughput: Throughput,
        want: u32,
    ) -> Result<Grant, LimiterError>;
}

/// What a limiter grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many messages may be submitted now.
    pub granted: u32,
    /// When nothing was granted: how long to wait before asking again.
    pub wait: Duration,
}

/// The limiter could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the limiter is not available")]
pub struct LimiterError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
