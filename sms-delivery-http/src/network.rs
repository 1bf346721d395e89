//! Networks as people write them: `192.0.2.0/24`, or one address alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The addresses of this machine: 127.0.0.0/8 and ::1.
pub(crate) fn loopback() -> Vec<IpNet> {
    let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
    vec![v4.into(), v6.into()]
}

fn parse(text: &str) -> Option<IpNet> {
    let net = || text.parse::<IpNet>().ok();
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    net().or_else(address)
}

/// A list of networks in a configuration.
pub(crate) mod list {
    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(
        nets: &[IpNet],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(nets.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<IpNet>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let net = |text: &String| {
            super::parse(text).ok_or_else(|| {
                de::Error::custom(format!(
                    "{text:?} is not a network; write for instance 192.0.2.0/24 or 2001:db8::1"
                ))
            })
        };
        texts.iter().map(net).collect()
    }
}
