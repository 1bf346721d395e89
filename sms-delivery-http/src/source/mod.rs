//! Where a request really comes from, and whether reports are taken from there.

mod element;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// From where reports without a signature are taken, and whose word on it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRules {
    /// The networks of those who may report. None may if it is empty.
    pub allow: Vec<IpNet>,
    /// The networks of our own reverse proxies. Only these are believed when they say for whom
    /// they speak.
    pub trusted_proxies: Vec<IpNet>,
}

/// The source of a request cannot be told. Such a request is refused: to guess would be to let
/// its sender choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// More than one header names the client, and they need not agree.
    #[error("more than one X-Forwarded-For or Forwarded header")]
    Ambiguous,
    /// An entry that a trusted proxy made is not an IP address.
    #[error("an entry of X-Forwarded-For or Forwarded is not an IP address")]
    Malformed,
}

impl SourceRules {
    /// The address that a request comes from: the peer of the connection unless that is a trusted
    /// proxy; else the first address, from the right, that is not one.
    ///
    /// Entries are read from the right because each proxy appends the address it was called from.
    /// What stands to the left of the first address that is not trusted was sent by that
    /// address, may be invented, and is not even looked at.
    ///
    /// # Errors
    /// [`SourceError`] when a trusted proxy says it in several headers or in no readable way.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, SourceError> {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return Ok(peer);
        }
        match (only(headers, &X_FORWARDED_FOR)?, only(headers, &FORWARDED)?) {
            (None, None) => Ok(peer),
            (Some(_), Some(_)) => Err(SourceError::Ambiguous),
            (Some(list), None) => self.walk(element::split_plain(list.as_bytes()), element::plain),
            (None, Some(list)) => {
                self.walk(element::split_quoted(list.as_bytes()), element::forwarded)
            }
        }
    }

    /// Whether reports are taken from this address on its word alone.
    #[must_use]
    pub fn allows(&self, source: IpAddr) -> bool {
        any_covers(&self.allow, source.to_canonical())
    }

    /// Whether the networks together hold every address of IPv4 or of IPv6, so that they keep
    /// nobody out.
    #[must_use]
    pub fn allows_everyone(&self) -> bool {
        cover_everyone(&self.allow)
    }

    /// Whether this is the address of one of our own proxies.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        any_covers(&self.trusted_proxies, address.to_canonical())
    }

    /// Whether everybody counts as a proxy of ours, so that a header makes anybody anybody.
    #[must_use]
    pub fn trusts_everyone(&self) -> bool {
        cover_everyone(&self.trusted_proxies)
    }

    /// Goes through entries from the right up to the first that is not a trusted proxy.
    fn walk<'a>(
        &self,
        entries: impl Iterator<Item = Option<&'a [u8]>>,
        read: fn(&'a [u8]) -> Option<IpAddr>,
    ) -> Result<IpAddr, SourceError> {
        let mut source = Err(SourceError::Malformed);
        for entry in entries {
            let address = entry.and_then(read).ok_or(SourceError::Malformed)?;
            source = Ok(address.to_canonical());
            if !self.trusts(address) {
                break;
            }
        }
        source
    }
}

/// The only header of this name, if there is one.
fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, SourceError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match values.next() {
        Some(_) => Err(SourceError::Ambiguous),
        None => Ok(first),
    }
}

/// Whether the networks together hold every address of IPv4 or of IPv6.
fn cover_everyone(nets: &[IpNet]) -> bool {
    let plain = nets.iter().copied().map(unmapped).collect();
    IpNet::aggregate(&plain)
        .iter()
        .any(|net| net.prefix_len() == 0)
}

fn any_covers(nets: &[IpNet], address: IpAddr) -> bool {
    nets.iter().any(|net| unmapped(*net).contains(&address))
}

/// A network of IPv4 addresses that was written as IPv6 (`::ffff:192.0.2.0/120`), as IPv4. Every
/// address that is compared is written so, too.
fn unmapped(net: IpNet) -> IpNet {
    match net {
        IpNet::V6(v6) => unmapped_v6(v6).map_or(net, IpNet::V4),
        IpNet::V4(_) => net,
    }
}

fn unmapped_v6(net: Ipv6Net) -> Option<Ipv4Net> {
    const PREFIX: u8 = 96;
    let address: Ipv6Addr = net.addr();
    let length = net.prefix_len().checked_sub(PREFIX)?;
    Ipv4Net::new(address.to_ipv4_mapped()?, length).ok()
}
