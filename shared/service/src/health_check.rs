//! `--healthcheck` and `ready`: asks the running service whether it is well or would store a write, for containers
//! and scripts without curl.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

/// `Err` says in a sentence why it is not well.
pub(crate) fn ask(listen_addr: SocketAddr, path: &str) -> Result<(), String> {
    let address = reachable(listen_addr);
    let answer = status_line(address, path).map_err(|cause| format!("no answer from {address}: {cause}"))?;
    if answer.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(format!("{address} answered: {}", answer.escape_debug()))
}

/// All interfaces are asked through loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn status_line(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or("").to_owned())
}
