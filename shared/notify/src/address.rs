//! Which addresses may be connected to: whoever can set a webhook's URL must not reach what only this server can.
//!
//! Pure: an address goes in, an opinion comes out. The tables are IANA's special-purpose registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>, `iana-ipv6-special-registry`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is to be thought of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Anyone may reach it.
    Public,
    /// A local network's or this machine's: only where the operator says so. The word is for messages.
    Private(&'static str),
    /// No receiver of alerts lives there, but services that hand out credentials may.
    Never(&'static str),
}

/// What the operator allows. The default allows public addresses only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Private addresses may be reached, loopback among them.
    pub allow_private: bool,
    /// Hosts that may have a private address all the same: names or addresses, as in the URL, without port.
    pub allowed_hosts: Vec<String>,
}

impl AddressPolicy {
    /// Whether `host`, which resolved to `address`, may be connected to there; `Err` says what the address is.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), &'static str> {
        match standing(address) {
            Standing::Public => Ok(()),
            Standing::Private(_) if self.allow_private || self.names(host) => Ok(()),
            Standing::Private(what) | Standing::Never(what) => Err(what),
        }
    }

    fn names(&self, host: &str) -> bool {
        let plain = |host: &str| {
            host.trim_matches(['[', ']'])
                .trim_end_matches('.')
                .to_ascii_lowercase()
        };
        let host = plain(host);
        self.allowed_hosts.iter().any(|allowed| plain(allowed) == host)
    }
}

/// What an address is, whatever it is wrapped in.
pub fn standing(address: IpAddr) -> Standing {
    match address {
        IpAddr::V4(address) => standing_v4(address),
        IpAddr::V6(address) => standing_v6(address),
    }
}

/// Networks with the length of their prefix; the first that fits decides.
const SPECIAL_V4: [([u8; 4], u32, Standing); 21] = [
    // Clouds answer here with credentials, whatever network the address is taken from.
    (
        [100, 100, 100, 200],
        32,
        Standing::Never("a cloud's metadata service"),
    ),
    (
        [168, 63, 129, 16],
        32,
        Standing::Never("a cloud's metadata service"),
    ),
    ([169, 254, 0, 0], 16, Standing::Never("link-local")),
    ([127, 0, 0, 0], 8, Standing::Private("loopback")),
    ([10, 0, 0, 0], 8, Standing::Private("private")),
    ([172, 16, 0, 0], 12, Standing::Private("private")),
    ([192, 168, 0, 0], 16, Standing::Private("private")),
    ([100, 64, 0, 0], 10, Standing::Private("shared address space")),
    ([0, 0, 0, 0], 8, Standing::Never("unspecified")),
    ([192, 0, 0, 0], 24, Standing::Never("reserved for protocols")),
    ([192, 0, 2, 0], 24, Standing::Never("for documentation")),
    ([198, 51, 100, 0], 24, Standing::Never("for documentation")),
    ([203, 0, 113, 0], 24, Standing::Never("for documentation")),
    ([233, 252, 0, 0], 24, Standing::Never("for documentation")),
    ([192, 88, 99, 0], 24, Standing::Never("a 6to4 relay")),
    ([192, 31, 196, 0], 24, Standing::Never("reserved for protocols")),
    ([192, 52, 193, 0], 24, Standing::Never("reserved for protocols")),
    ([198, 18, 0, 0], 15, Standing::Never("for benchmarks")),
    ([255, 255, 255, 255], 32, Standing::Never("broadcast")),
    ([224, 0, 0, 0], 4, Standing::Never("multicast")),
    ([240, 0, 0, 0], 4, Standing::Never("reserved")),
];

fn standing_v4(address: Ipv4Addr) -> Standing {
    let is_in = |network: [u8; 4], length: u32| {
        (address.to_bits() ^ u32::from_be_bytes(network)) >> (32 - length) == 0
    };
    let special = SPECIAL_V4
        .iter()
        .find(|(network, length, _)| is_in(*network, *length));
    special.map_or(Standing::Public, |(_, _, standing)| *standing)
}

fn standing_v6(address: Ipv6Addr) -> Standing {
    let low = |bits: u128| Ipv4Addr::from_bits(bits as u32);
    let bits = address.to_bits();
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Standing::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Standing::Private("loopback"),
        // IPv4-mapped: the operating system makes an IPv4 connection of it.
        [0, 0, 0, 0, 0, 0xffff, _, _] => standing_v4(low(bits)),
        // NAT64 (RFC 6052), a network's way to IPv4; 6to4 (RFC 3056). What is private is not behind these.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => only_public(low(bits)),
        [0x2002, _, _, _, _, _, _, _] => only_public(low(bits >> 80)),
        // Amazon's and Google's, within private networks.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Standing::Never("a cloud's metadata service")
        }
        [0xfc00..=0xfdff, ..] => Standing::Private("private"),
        [0xfe80..=0xfebf, ..] => Standing::Never("link-local"),
        [0xff00..=0xffff, ..] => Standing::Never("multicast"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Standing::Never("for documentation"),
        [0x2001, 0, ..] => Standing::Never("a Teredo tunnel"),
        // 2001::/23 holds benchmarks, ORCHIDs and anycast services.
        [0x2001, 0..=0x1ff, ..] => Standing::Never("reserved for protocols"),
        // ISATAP (RFC 5214): an IPv4 address behind any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => Standing::Never("an ISATAP tunnel"),
        [0x2000..=0x3fff, ..] => Standing::Public,
        // IPv4-compatible, NAT64 of one's own (64:ff9b:1::/48), discard, site-local, and all that is not given out.
        _ => Standing::Never("reserved"),
    }
}

fn only_public(address: Ipv4Addr) -> Standing {
    match standing_v4(address) {
        Standing::Public => Standing::Public,
        Standing::Private(what) | Standing::Never(what) => Standing::Never(what),
    }
}

#[cfg(test)]
mod tests {
    use ipnet::{IpNet, Ipv4Net};
    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Endpoint;

    /// What must be refused by default, written a second time, as the brief of this crate lists it.
    const FORBIDDEN_V4: [&str; 15] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
    ];
    const FORBIDDEN_V6: [&str; 17] = [
        "::/128",
        "::1/128",
        "::/96",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "100::/64",
        "64:ff9b:1::/48",
        "2001::/32",
        "2001:2::/48",
        "2001:10::/28",
        "2001:20::/28",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "4000::/2",
    ];

    fn is_public(address: &str) -> bool {
        AddressPolicy::default()
            .check("x", address.parse().unwrap())
            .is_ok()
    }

    #[test]
    fn addresses_by_name() {
        for address in [
            "127.0.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::7f00:1",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::",
            "fd00:ec2::254",
            "fe80::1",
            "2606:4700::5efe:7f00:1",
        ] {
            assert!(!is_public(address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.15.255.255",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(address), "{address}");
        }
    }

    #[test]
    fn every_odd_spelling_of_this_machine_is_refused() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0/",
            "http://017700000001/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://127.0.0.1./",
            "http://１２７.1/",
        ] {
            let endpoint: Endpoint = url.parse().unwrap();
            let address = endpoint.host().parse().unwrap();
            assert!(
                AddressPolicy::default().check(&endpoint.host(), address).is_err(),
                "{url}"
            );
        }
    }

    #[test]
    fn private_ones_may_be_allowed_and_some_never() {
        let all = AddressPolicy {
            allow_private: true,
            ..AddressPolicy::default()
        };
        let some = AddressPolicy {
            allowed_hosts: vec![
                "ntfy.lan.".to_owned(),
                "192.168.1.5".to_owned(),
                "[fd12::1]".to_owned(),
            ],
            ..AddressPolicy::default()
        };
        let check =
            |policy: &AddressPolicy, host, address: &str| policy.check(host, address.parse().unwrap());
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.5",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(check(&all, "x", address), Ok(()), "{address}");
        }
        for address in [
            "169.254.169.254",
            "fd00:ec2::254",
            "0.0.0.0",
            "224.0.0.1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
        ] {
            assert!(check(&all, "x", address).is_err(), "{address}");
            assert!(check(&some, "ntfy.lan", address).is_err(), "{address}");
        }
        assert_eq!(check(&some, "NTFY.lan", "10.0.0.1"), Ok(()));
        assert_eq!(check(&some, "192.168.1.5", "192.168.1.5"), Ok(()));
        assert_eq!(check(&some, "fd12::1", "fd12::1"), Ok(()));
        assert_eq!(check(&some, "other.lan", "10.0.0.1"), Err("private"));
        assert_eq!(check(&some, "xntfy.lan", "10.0.0.1"), Err("private"));
    }

    fn forbidden_v4() -> impl Strategy<Value = Ipv4Addr> {
        let network = prop::sample::select(&FORBIDDEN_V4[..]);
        (network, any::<u32>()).prop_map(|(network, host)| {
            let network: Ipv4Net = network.parse().unwrap();
            Ipv4Addr::from_bits(network.addr().to_bits() | (host & network.hostmask().to_bits()))
        })
    }

    fn forbidden_v6() -> impl Strategy<Value = Ipv6Addr> {
        let network = prop::sample::select(&FORBIDDEN_V6[..]);
        (network, any::<u128>()).prop_map(|(network, host)| match network.parse().unwrap() {
            IpNet::V6(network) => {
                Ipv6Addr::from_bits(network.addr().to_bits() | (host & network.hostmask().to_bits()))
            }
            IpNet::V4(_) => unreachable!(),
        })
    }

    proptest! {
        #[test]
        fn a_forbidden_address_is_refused_in_every_wrapping_and_spelling(address in forbidden_v4(), low: u64) {
            let policy = AddressPolicy::default();
            let bits = u128::from(address.to_bits());
            let wrapped = [
                (0xffff_u128 << 32) | bits,
                bits,
                (0x0064_ff9b_u128 << 96) | bits,
                (0x2002_u128 << 112) | (bits << 80) | u128::from(low),
            ];
            prop_assert!(policy.check("x", address.into()).is_err());
            for bits in wrapped {
                let wrapped = Ipv6Addr::from_bits(bits);
                prop_assert!(policy.check("x", wrapped.into()).is_err(), "{}", wrapped);
            }
            let [a, b, c, d] = address.octets();
            let n = address.to_bits();
            for host in [
                format!("{n}"), format!("{n:#x}"), format!("0{n:o}"), format!("{a}.{}", n & 0xff_ffff),
                format!("{a:#x}.{b}.{}", n & 0xffff), format!("0{a:o}.0{b:o}.{c:#X}.{d}."), format!("[::ffff:{address}]"),
            ] {
                let endpoint: Endpoint = format!("http://{host}/").parse().unwrap();
                let seen: IpAddr = endpoint.host().parse().unwrap();
                prop_assert_eq!(seen.to_canonical(), IpAddr::from(address), "{}", host);
                prop_assert!(policy.check(&endpoint.host(), seen).is_err(), "{}", host);
            }
        }

        #[test]
        fn a_forbidden_ipv6_address_is_refused(address in forbidden_v6()) {
            prop_assert!(AddressPolicy::default().check("x", address.into()).is_err(), "{}", address);
        }

        #[test]
        fn an_address_outside_the_lists_is_public(address: u32) {
            let address = Ipv4Addr::from_bits(address);
            let is_listed = FORBIDDEN_V4.iter().any(|net| net.parse::<Ipv4Net>().unwrap().contains(&address));
            let rare = ["192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "168.63.129.16/32"];
            let is_rare = rare.iter().any(|net| net.parse::<Ipv4Net>().unwrap().contains(&address));
            prop_assert_eq!(standing(address.into()) == Standing::Public, !is_listed && !is_rare);
        }
    }
}
