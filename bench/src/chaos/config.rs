//! The configuration of the processes under test: times so short that whatever is left open ends
//! while one waits.

use std::{net::SocketAddr, time::Duration};

use super::provider::{ONCE_PATH, PLAIN_PATH};

/// The longest that one submission takes.
pub(super) const TIMEOUT: Duration = Duration::from_millis(1_000);
/// For how long a worker answers for an attempt: the shortest that the server allows.
pub(super) const LEASE: Duration = TIMEOUT.saturating_mul(4);
/// For how long a report is waited for.
pub(super) const REPORT_WINDOW: Duration = Duration::from_secs(10);

/// Where the processes find each other. What is between them is a proxy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) redis: SocketAddr,
    pub(super) rabbitmq: SocketAddr,
    pub(super) provider: SocketAddr,
    /// Where reports are posted to.
    pub(super) delivery: SocketAddr,
}

/// The listeners of one process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listeners {
    pub(super) grpc: SocketAddr,
    pub(super) delivery: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// The file of one process.
pub(super) fn text(addresses: Addresses, listeners: Listeners) -> String {
    let Addresses {
        redis,
        rabbitmq,
        provider,
        delivery: public,
    } = addresses;
    let Listeners {
        grpc,
        delivery,
        admin,
    } = listeners;
    let timeout = TIMEOUT.as_millis();
    let lease = LEASE.as_millis();
    let window = REPORT_WINDOW.as_millis();
    format!(
        r#"store = "redis://{redis}/0"
queue = "amqp://guest:guest@{rabbitmq}/%2f?stall_after=6s"

[grpc]
listen = "{grpc}"

[delivery]
listen = "{delivery}"
public_url = "http://{public}"

[admin]
listen = "{admin}"

[messages]
validity = "1h"
confirm_window = "3s"

[retry]
base = "500ms"
cap = "2s"

[http]
connect_timeout = "700ms"

[[provider]]
name = "plain"
kind = "http"
url = "http://{provider}{PLAIN_PATH}"
from = "Chaos"
timeout = "{timeout}ms"
lease = "{lease}ms"
report_window = "{window}ms"
[provider.body.json]
to = "{{to_digits}}"
message = "{{text}}"
msg_id = "{{reference}}"
callback_url = "{{callback_url}}"
[provider.answer]
verdict = "/status"
accepted = ["queued"]
rejected = ["refused"]
throttled = ["slow_down"]
unavailable = ["maintenance"]
id = "/id"
[provider.report]
reference = "/msg_id"
provider_id = "/id"
status = "/status"
delivered = ["delivered"]
undelivered = ["delivery_failed"]

[[provider]]
name = "once"
kind = "megafon"
url = "http://{provider}{ONCE_PATH}"
from = "Chaos"
login = "chaos"
password = "chaos"
timeout = "{timeout}ms"
lease = "{lease}ms"
report_window = "{window}ms"
"#
    )
}
