//! What a server refuses to start with.

use tokio::sync::Semaphore;

use crate::config::GrpcConfig;
use crate::server::BindError;

/// As far as places can be counted.
const MOST_PLACES: usize = Semaphore::MAX_PERMITS;

/// Refuses what would be dangerous, ambiguous, idle, or beyond counting.
pub(crate) fn check(config: &GrpcConfig) -> Result<(), BindError> {
    exposure(config)?;
    if let Some((first, second)) = config.api_keys.duplicate() {
        return Err(BindError::DuplicateKey {
            first: first.name.clone(),
            second: second.name.clone(),
        });
    }
    limits(config)
}

fn exposure(config: &GrpcConfig) -> Result<(), BindError> {
    let address = config.listen;
    let beyond = !config.is_loopback();
    if beyond && config.tls.is_none() && !config.dangerously_allow_plaintext_beyond_loopback {
        return Err(BindError::Plaintext { address });
    }
    let anyone = config.dangerously_allow_unauthenticated_beyond_loopback;
    if beyond && !config.authenticates() && !anyone {
        return Err(BindError::Unauthenticated { address });
    }
    Ok(())
}

fn limits(config: &GrpcConfig) -> Result<(), BindError> {
    let streams = config.max_streams_per_connection as usize;
    for (key, limit, most) in [
        ("max_message_bytes", config.max_message_bytes, usize::MAX),
        (
            "max_concurrent_calls",
            config.max_concurrent_calls,
            MOST_PLACES,
        ),
        ("max_watches", config.max_watches, MOST_PLACES),
        ("max_connections", config.max_connections, MOST_PLACES),
        ("max_streams_per_connection", streams, usize::MAX),
    ] {
        if limit == 0 {
            return Err(BindError::ZeroLimit { key });
        }
        if limit > most {
            return Err(BindError::HugeLimit { key, most });
        }
    }
    Ok(())
}
