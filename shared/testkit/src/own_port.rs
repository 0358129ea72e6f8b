//! Ports for a server that keeps its address over several lives. They lie below those that the system gives to
//! whoever asks for any, so nobody else gets one of them meanwhile.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

const LOWEST: u16 = 10_000;
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// Of Linux, where it does not say.
const USUAL_RANGE_START: u16 = 32_768;
const MAX_TRIED: usize = 1_000;

/// An address of this machine at which nobody listens now.
pub(crate) fn own_address() -> SocketAddr {
    let n_ports = range_start().saturating_sub(LOWEST).max(1);
    let random = || RandomState::new().hash_one(()) % u64::from(n_ports);
    std::iter::repeat_with(|| SocketAddr::from((Ipv4Addr::LOCALHOST, LOWEST + random() as u16)))
        .take(MAX_TRIED)
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("there is a free port")
}

/// The lowest port of those that the system gives away.
fn range_start() -> u16 {
    std::fs::read_to_string(RANGE)
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(USUAL_RANGE_START)
}
