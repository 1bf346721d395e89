//! How many connections one source may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::SourceRules;

/// Connections by who has them.
type Held = Mutex<HashMap<IpAddr, usize>>;

/// Keeps one source from taking all connections. Our own proxies may: they speak for many.
#[derive(Debug)]
pub(crate) struct Shares {
    most: NonZeroUsize,
    sources: SourceRules,
    held: Arc<Held>,
}

impl Shares {
    pub(crate) fn new(most: NonZeroUsize, sources: SourceRules) -> Self {
        Self {
            most,
            sources,
            held: Arc::default(),
        }
    }

    /// One more connection for this peer, unless it has enough.
    pub(crate) fn take(&self, peer: IpAddr) -> Option<Share> {
        if self.sources.trusts(peer) {
            return Some(Share(None));
        }
        let holder = holder(peer);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(holder).or_default();
        if *count >= self.most.get() {
            return None;
        }
        *count += 1;
        Some(Share(Some((holder, Arc::clone(&self.held)))))
    }
}

/// Whom a peer's connections count for: over IPv6 everybody has a whole network of 64 bits to
/// choose addresses from (RFC 6177).
fn holder(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection that counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<(IpAddr, Arc<Held>)>);

impl Drop for Share {
    fn drop(&mut self) {
        let Some((holder, held)) = &self.0 else {
            return;
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(proxies: &[&str]) -> Shares {
        let sources = SourceRules {
            allow: Vec::new(),
            trusted_proxies: proxies.iter().map(|net| net.parse().unwrap()).collect(),
        };
        Shares::new(NonZeroUsize::new(2).unwrap(), sources)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_share_and_gives_back_what_it_ends() {
        let shares = shares(&[]);
        let first = shares.take(ip("192.0.2.1")).unwrap();
        let _second = shares.take(ip("::ffff:192.0.2.1")).unwrap();
        assert!(shares.take(ip("192.0.2.1")).is_none());
        assert!(shares.take(ip("192.0.2.2")).is_some());
        drop(first);
        assert!(shares.take(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let shares = shares(&[]);
        let _held = ["2001:db8::1", "2001:db8::2"].map(|it| shares.take(ip(it)).unwrap());
        assert!(shares.take(ip("2001:db8::3")).is_none());
        assert!(shares.take(ip("2001:db8:0:1::3")).is_some());
    }

    #[test]
    fn a_trusted_proxy_has_no_limit() {
        let shares = shares(&["192.0.2.0/24"]);
        let held: Vec<_> = (0..9).map(|_| shares.take(ip("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
    }

    #[test]
    fn nothing_is_remembered_of_those_who_have_gone() {
        let shares = shares(&[]);
        drop(shares.take(ip("192.0.2.1")));
        assert!(shares.held.lock().unwrap().is_empty());
    }
}
