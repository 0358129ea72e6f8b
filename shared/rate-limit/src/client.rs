//! Who a budget belongs to, and the compact form of it that the table keeps.

use std::net::{IpAddr, Ipv4Addr};

/// Who spends: the holder of a key, or an address when nobody has shown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A key's row id or hash; two keys never share a budget.
    Key(u64),
    /// The peer's address. IPv6 counts per /64, since one customer is given at least that much (RFC 6177);
    /// an IPv4-mapped IPv6 address counts as the IPv4 address.
    Address(IpAddr),
}

/// A client as the table keys it: the host half of an IPv6 address is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Key(u64),
    V4(Ipv4Addr),
    /// The upper 64 bits.
    V6([u8; 8]),
}

impl From<Client> for Identity {
    fn from(client: Client) -> Self {
        match client {
            Client::Key(key) => Identity::Key(key),
            Client::Address(address) => match address.to_canonical() {
                IpAddr::V4(address) => Identity::V4(address),
                IpAddr::V6(address) => {
                    let [a, b, c, d, e, f, g, h, ..] = address.octets();
                    Identity::V6([a, b, c, d, e, f, g, h])
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let identity = |text: &str| Identity::from(Client::Address(text.parse().unwrap()));
        identity(a) == identity(b)
    }

    #[test]
    fn ipv6_counts_per_64_bits_and_ipv4_per_address() {
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn a_key_is_never_an_address() {
        let address = Client::Address("0.0.0.7".parse().unwrap());
        assert_ne!(Identity::from(Client::Key(7)), Identity::from(address));
    }
}
