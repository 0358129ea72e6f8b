//! `relay_slow [CONNECTIONS] [SECONDS]`: that many senders who never finish, from ten addresses, and what they cost a
//! page that sends as it should. Needs `browser-relay` beside it; and more files than connections (`ulimit -n`).
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bench::browser_events::{self, Form};
use bench::figures::{memory_mb, percentile};
use bench::load::Connection;
use testkit::Launch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const N_ADDRESSES: u64 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<std::result::Result<_, _>>()?;
    let number = |place: usize, default: u64| arguments.get(place).copied().unwrap_or(default);
    let (n_slow, seconds) = (number(0, 1000), number(1, 15));
    let relay = Launch::new(std::env::current_exe()?.with_file_name("browser-relay"))
        .env("DSN_KEYS", format!("web:{KEY}"))
        .env("RATE_LIMIT", 0)
        .env("DSN_RATE_LIMIT", 0)
        .start()
        .await;
    let alone = page(relay.address, Duration::from_secs(2)).await?;
    let before = memory_mb(relay.pid(), "VmRSS");
    let mut slow = Vec::new();
    for number in 0..n_slow {
        slow.push(dawdle(relay.address, number).await?);
    }
    let held = memory_mb(relay.pid(), "VmRSS");
    let beside = page(relay.address, Duration::from_secs(seconds)).await?;
    let mut n_closed = 0;
    for stream in &mut slow {
        let end = tokio::time::timeout(Duration::from_millis(1), stream.read_to_end(&mut Vec::new())).await;
        n_closed += u64::from(end.is_ok());
    }
    println!("alone: {alone}");
    println!("beside {n_slow} slow senders: {beside}");
    println!(
        "resident {before:.1} MB, with all of them {held:.1} MB; after {seconds} s {n_closed} were sent away, {:.1} MB",
        memory_mb(relay.pid(), "VmRSS")
    );
    Ok(())
}

/// Begins a request and never ends it: in its head, in its body, or before either.
async fn dawdle(address: SocketAddr, number: u64) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let own = Ipv4Addr::new(127, 0, 1, (number % N_ADDRESSES + 1) as u8);
    socket.bind(SocketAddr::from((own, 0)))?;
    let mut stream = socket.connect(address).await?;
    let begun = match number % 3 {
        0 => "POST /api/browser/errors HTTP/1.1\r\nhost: x\r\nx-mon".to_owned(),
        1 => format!(
            "POST /api/browser/errors HTTP/1.1\r\nhost: x\r\nx-monlight-key: {KEY}\r\ncontent-length: 500\r\n\r\n{{"
        ),
        _ => String::new(),
    };
    stream.write_all(begun.as_bytes()).await?;
    Ok(stream)
}

/// A page that sends one event after the other, on a connection for each twenty; how long the answers took.
async fn page(address: SocketAddr, time: Duration) -> Result<String> {
    let (end, host, mut request, mut latency_ms) =
        (Instant::now() + time, address.to_string(), Vec::new(), Vec::new());
    while Instant::now() < end {
        let opened = Instant::now();
        let mut connection = Connection::open(address).await?;
        for number in 0..20 {
            let sent = if number == 0 { opened } else { Instant::now() };
            browser_events::write(Form::Relay, &host, KEY, number, &mut request);
            let status = connection.exchange(&request).await?;
            if !(200..300).contains(&status) {
                return Err(format!("answered {status}").into());
            }
            latency_ms.push(sent.elapsed().as_secs_f64() * 1000.);
        }
    }
    Ok(format!(
        "{} answers, p50 {:.2} ms, p99 {:.2} ms, worst {:.1} ms",
        latency_ms.len(),
        percentile(&mut latency_ms, 0.5),
        percentile(&mut latency_ms, 0.99),
        percentile(&mut latency_ms, 1.)
    ))
}
