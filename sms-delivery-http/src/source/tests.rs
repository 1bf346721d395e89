use http::HeaderMap;
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn rules() -> SourceRules {
    SourceRules {
        allow: nets(&["192.0.2.0/24", "2001:db8::/32"]),
        trusted_proxies: nets(&["10.0.0.0/8", "fd00::/8"]),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

fn source(peer: &str, pairs: &[(&'static str, &str)]) -> Result<String, SourceError> {
    rules()
        .source(peer.parse().unwrap(), &headers(pairs))
        .map(|address| address.to_string())
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_the_source_whatever_it_says() {
    for pairs in [
        &[][..],
        &[("x-forwarded-for", "192.0.2.7")],
        &[("forwarded", "for=192.0.2.7")],
        &[
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=192.0.2.8"),
        ],
        &[
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "192.0.2.7"),
        ],
        &[("x-forwarded-for", "rubbish")],
    ] {
        let found = source("203.0.113.9", pairs);
        assert_eq!(found.as_deref(), Ok("203.0.113.9"), "{pairs:?}");
    }
}

#[test]
fn a_trusted_proxy_that_names_nobody_speaks_for_itself() {
    assert_eq!(source(PROXY, &[]).as_deref(), Ok(PROXY));
}

#[test]
fn x_forwarded_for_is_walked_from_the_right() {
    for (list, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        ("  192.0.2.7  ", "192.0.2.7"),
        ("192.0.2.7, 203.0.113.9", "203.0.113.9"),
        ("192.0.2.7,203.0.113.9, 10.0.0.2,10.9.9.9", "203.0.113.9"),
        ("rubbish, 203.0.113.9", "203.0.113.9"),
        ("\u{fffd}\"',;, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.9:4711, 10.0.0.2", "203.0.113.9"),
        ("2001:db8::7, fd00::1", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
    ] {
        let found = source(PROXY, &[("x-forwarded-for", list)]);
        assert_eq!(found.as_deref(), Ok(expected), "{list}");
    }
}

#[test]
fn forwarded_is_walked_from_the_right() {
    for (list, expected) in [
        ("for=192.0.2.7", "192.0.2.7"),
        ("For=\"192.0.2.7:80\";proto=https;by=10.0.0.1", "192.0.2.7"),
        ("by=\"a;b,c\"; for=192.0.2.7", "192.0.2.7"),
        ("for=\"[2001:db8::7]\"", "2001:db8::7"),
        ("for=\"[2001:db8::7]:4711\", for=10.0.0.2", "2001:db8::7"),
        ("for=192.0.2.7, for=203.0.113.9;by=\"x,y\"", "203.0.113.9"),
        ("for=192.0.2.7;x=\", for=203.0.113.9", "203.0.113.9"),
        (
            "for=192.0.2.7;x=\"\\, for=203.0.113.9;by=\"10.0.0.1\"",
            "203.0.113.9",
        ),
        ("rubbish, for=203.0.113.9", "203.0.113.9"),
        ("for=\"[::ffff:203.0.113.9]\"", "203.0.113.9"),
    ] {
        let found = source(PROXY, &[("forwarded", list)]);
        assert_eq!(found.as_deref(), Ok(expected), "{list}");
    }
}

#[test]
fn an_entry_that_is_no_address_is_refused() {
    for list in [
        "",
        ",",
        "203.0.113.9,",
        "203.0.113.9, ,10.0.0.2",
        "unknown",
        "_hidden",
        "203.0.113.9, unknown",
        "203.0.113",
        "203.0.113.256",
        "0203.0.113.9",
        "203.0.113.9:port",
        "203.0.113.9 10.0.0.2",
        "fe80::1%eth0",
        "[fe80::1%1]:80",
        "[2001:db8::7",
        "\"203.0.113.9\"",
        "for=203.0.113.9",
        "0x7f000001",
    ] {
        let found = source(PROXY, &[("x-forwarded-for", list)]);
        assert_eq!(found, Err(SourceError::Malformed), "{list}");
    }
    for list in [
        "",
        ",",
        "203.0.113.9",
        "for=",
        "for=unknown",
        "for=_hidden",
        "by=203.0.113.9",
        "proto=https",
        "for=\"203.0.113.9",
        "for=203.0.113.9\"",
        "for=\"203.0.113.9\"\"",
        "for=\"203.0\\.113.9\"",
        "for=2001:db8::7",
        "for=203.0.113.9;for=192.0.2.7",
        "for=203.0.113.9;by",
        "for = 203.0.113.9",
    ] {
        let found = source(PROXY, &[("forwarded", list)]);
        assert_eq!(found, Err(SourceError::Malformed), "{list}");
    }
}

#[test]
fn several_headers_are_refused() {
    for pairs in [
        [
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-for", "192.0.2.7"),
        ],
        [
            ("forwarded", "for=192.0.2.7"),
            ("forwarded", "for=192.0.2.7"),
        ],
        [
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=192.0.2.7"),
        ],
    ] {
        assert_eq!(
            source(PROXY, &pairs),
            Err(SourceError::Ambiguous),
            "{pairs:?}"
        );
    }
}

#[test]
fn an_ipv4_address_written_as_ipv6_is_the_same_address() {
    let peer = "::ffff:10.0.0.1";
    let found = source(peer, &[("x-forwarded-for", "203.0.113.9")]);
    assert_eq!(found.as_deref(), Ok("203.0.113.9"));
    assert!(rules().allows("::ffff:192.0.2.7".parse().unwrap()));
    let mapped = SourceRules {
        allow: nets(&["::ffff:192.0.2.0/120"]),
        ..SourceRules::default()
    };
    assert!(mapped.allows("192.0.2.7".parse().unwrap()));
    assert!(!mapped.allows("192.0.3.7".parse().unwrap()));
}

#[test]
fn only_listed_networks_may_report() {
    for (address, allowed) in [
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("192.0.3.0", false),
        ("10.0.0.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        // The IPv4 address in the last 32 bits of an IPv6 address that is not a mapped one.
        ("::192.0.2.7", false),
    ] {
        assert_eq!(
            rules().allows(address.parse().unwrap()),
            allowed,
            "{address}"
        );
    }
    assert!(!SourceRules::default().allows("127.0.0.1".parse().unwrap()));
}

#[test]
fn lists_that_keep_nobody_out_are_known() {
    for (allow, everyone) in [
        (&[][..], false),
        (&["192.0.2.0/24", "127.0.0.0/8"], false),
        (&["0.0.0.0/1"], false),
        (&["0.0.0.0/0"], true),
        (&["192.0.2.0/24", "::/0"], true),
        (&["0.0.0.0/1", "128.0.0.0/1"], true),
        (&["::ffff:0.0.0.0/96"], true),
    ] {
        let rules = SourceRules {
            allow: nets(allow),
            ..SourceRules::default()
        };
        assert_eq!(rules.allows_everyone(), everyone, "{allow:?}");
    }
}

/// What a client may send in a header: anything that HTTP lets through.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(&b",;=\"\\[]:. for192"[..]),
        1 => (0x20_u8..=0xFF).prop_filter("DEL is not allowed", |byte| *byte != 0x7F),
    ];
    let bytes = prop::collection::vec(byte, 0..60);
    let likely = prop::sample::select(vec![
        "192.0.2.7",
        "for=192.0.2.7",
        "for=192.0.2.7;x=\"",
        "10.0.0.2",
    ]);
    (bytes, likely).prop_map(|(mut bytes, likely)| {
        bytes.extend_from_slice(likely.as_bytes());
        bytes
    })
}

/// An address that is not ours.
fn stranger() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
    ]
    .prop_filter("not a trusted proxy", |address| {
        !any_covers(&rules().trusted_proxies, address.to_canonical())
    })
}

fn as_forwarded(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("for={v4};by=\"10.0.0.1, proxy\""),
        IpAddr::V6(v6) => format!("for=\"[{v6}]:4711\";proto=https"),
    }
}

proptest! {
    /// Proxies append who called them. Whatever a client sends before that, it is found.
    #[test]
    fn nothing_put_in_front_changes_the_source(
        sent in anything(),
        client in stranger(),
        hops in prop::collection::vec("10\\.[1-9]\\.[1-9]\\.[1-9]", 0..4),
    ) {
        for name in ["x-forwarded-for", "forwarded"] {
            let mut value = sent.clone();
            let appended = hops.iter().map(|hop| hop.parse().unwrap());
            for address in std::iter::once(client).chain(appended) {
                value.extend_from_slice(b", ");
                let written = match name {
                    "forwarded" => as_forwarded(address),
                    _ => address.to_string(),
                };
                value.extend_from_slice(written.as_bytes());
            }
            let mut map = HeaderMap::new();
            map.append(name, HeaderValue::from_bytes(&value).unwrap());
            let found = rules().source(PROXY.parse().unwrap(), &map);
            prop_assert_eq!(found, Ok(client.to_canonical()));
        }
    }

    /// A second header cannot point elsewhere either: at worst its sender is refused.
    #[test]
    fn another_header_never_points_elsewhere(sent in anything(), client in stranger(), name in 0..2_usize) {
        let name = ["x-forwarded-for", "forwarded"][name];
        let mut map = HeaderMap::new();
        map.append(name, HeaderValue::from_bytes(&sent).unwrap());
        map.append("x-forwarded-for", HeaderValue::from_str(&client.to_string()).unwrap());
        let found = rules().source(PROXY.parse().unwrap(), &map);
        prop_assert_eq!(found, Err(SourceError::Ambiguous));
    }
}
