//! What the delivery server is told, completed by what the configuration leaves to this process.

use std::net::TcpListener;

use sms_delivery_http::DeliveryConfig;

use super::role::Roles;
use crate::config::{Loaded, Problem};

/// Adds the server's own address where the port is the system's choice, because the engine has to
/// know it first.
pub(super) fn settle(
    loaded: &Loaded,
    mut delivery: DeliveryConfig,
    roles: Roles,
) -> Result<DeliveryConfig, Problem> {
    if delivery.listen.port() != 0 {
        return Ok(delivery);
    }
    let has_url = loaded.is_given("delivery.public_url");
    if !roles.delivery {
        if roles.worker && !has_url {
            let words = "is missing: this process tells providers where to post their reports, \
                         and cannot know which port another one chose for delivery.listen";
            return Err(loaded.problem("delivery.public_url", words));
        }
        return Ok(delivery);
    }
    let free = TcpListener::bind(delivery.listen).and_then(|listener| listener.local_addr());
    delivery.listen = free.map_err(|error| loaded.problem("delivery.listen", error.to_string()))?;
    if !has_url {
        delivery.public_url = format!("http://{}", delivery.listen);
    }
    Ok(delivery)
}
