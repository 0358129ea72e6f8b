//! Who is asking: the peer, or what a trusted proxy says of it.

use std::net::IpAddr;

use hyper::HeaderMap;
use ipnet::IpNet;

/// Networks of proxies whose `X-Forwarded-*` headers count. Empty: nobody's do.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// From addresses and CIDR ranges.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether this address is one of the proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the right-most hop of `X-Forwarded-For` that is not a trusted proxy.
    /// Left of an unparsable hop nothing is believed.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut client = peer;
        let values = headers.get_all("x-forwarded-for");
        let hops = values
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        for hop in hops.collect::<Vec<_>>().into_iter().rev() {
            // Bytes that are no text are a hop that nobody can read, and no reason to read none.
            let address = std::str::from_utf8(hop).ok().map(str::trim).and_then(parse_hop);
            let Some(address) = address else {
                break;
            };
            client = address;
            if !self.contains(address) {
                break;
            }
        }
        client
    }

    /// Whether the browser spoke TLS to a trusted proxy.
    pub fn is_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let proto = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok());
        self.contains(peer) && proto.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
    }
}

/// An address, with or without a port or brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address
        .or_else(with_port)
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn check(trusted: &[&str], peer: &str, forwarded: &[&str], expected: &str) {
        let proxies = TrustedProxies::new(trusted.iter().map(|net| net.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                "x-forwarded-for",
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        assert_eq!(
            proxies.client(peer.parse().unwrap(), &headers),
            expected.parse::<IpAddr>().unwrap()
        );
    }

    #[test]
    fn the_header_counts_only_from_a_trusted_proxy() {
        check(&[], "203.0.113.9", &["10.0.0.1"], "203.0.113.9");
        check(&["127.0.0.1/32"], "203.0.113.9", &["10.0.0.1"], "203.0.113.9");
        check(&["127.0.0.1/32"], "127.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check(
            &["127.0.0.1/32"],
            "::ffff:127.0.0.1",
            &["198.51.100.7"],
            "198.51.100.7",
        );
    }

    #[test]
    fn forged_hops_left_of_the_last_untrusted_one_are_ignored() {
        check(
            &["127.0.0.0/8"],
            "127.0.0.1",
            &["1.1.1.1, 198.51.100.7"],
            "198.51.100.7",
        );
        check(
            &["127.0.0.0/8"],
            "127.0.0.1",
            &["1.1.1.1", "198.51.100.7, 127.0.0.2"],
            "198.51.100.7",
        );
        check(
            &["127.0.0.0/8"],
            "127.0.0.1",
            &["198.51.100.7, <script>"],
            "127.0.0.1",
        );
        check(
            &["127.0.0.0/8"],
            "127.0.0.1",
            &["\u{ff}, 198.51.100.7"],
            "198.51.100.7",
        );
        check(&["127.0.0.0/8"], "127.0.0.1", &[], "127.0.0.1");
        check(&["::1/128"], "::1", &["[2001:db8::5]:443"], "2001:db8::5");
    }
}
