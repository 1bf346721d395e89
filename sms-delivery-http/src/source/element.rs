//! Reading the entries of `X-Forwarded-For` and of `Forwarded` (RFC 7239), last entry first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The entries of an `X-Forwarded-For`, the last one first.
pub(super) fn split_plain(list: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    list.rsplit(|byte| *byte == b',').map(Some)
}

/// An entry of an `X-Forwarded-For`. The header has no standard; besides bare addresses, proxies
/// are known to write ports, and brackets around IPv6.
pub(super) fn plain(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = || text.parse::<IpAddr>().ok();
    bare().or_else(|| node(text))
}

/// The elements of a `Forwarded`, the last one first; `None` in place of one whose quotes do not
/// close.
///
/// Quotes are counted from the right too: seen from the left, a client could open one that
/// swallows what the proxies append.
pub(super) fn split_quoted(list: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let mut quoted = false;
        let comma = list.iter().rposition(|byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        });
        rest = comma.map(|at| &list[..at]);
        let element = &list[comma.map_or(0, |at| at + 1)..];
        Some((!quoted).then_some(element))
    })
}

/// The address that an element of a `Forwarded` gives as `for`; an unknown or obfuscated node
/// has none.
pub(super) fn forwarded(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    // No address needs an escape, so an element that has one is not worth the reading of it.
    if text.contains('\\') {
        return None;
    }
    let mut found = None;
    for pair in split_outside_quotes(text) {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") {
            let address = node(unquoted(value)?)?;
            if found.replace(address).is_some() {
                return None;
            }
        }
    }
    found
}

fn split_outside_quotes(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    })
}

/// A token as it is; a quoted string without its quotes.
fn unquoted(value: &str) -> Option<&str> {
    let inner = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    (!inner.contains('"')).then_some(inner)
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let v4 = || text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    let with_port = || {
        text.parse::<SocketAddr>()
            .ok()
            .filter(no_zone)
            .map(|it| it.ip())
    };
    let bracketed = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    v4().or_else(with_port).or_else(bracketed)
}

/// An address with a zone means something on one machine only.
fn no_zone(address: &SocketAddr) -> bool {
    !matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0)
}
