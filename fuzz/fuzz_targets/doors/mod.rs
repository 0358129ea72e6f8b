//! A whole service within the fuzzer's process, asked over a real connection: routes, rights, bodies, queries, forms,
//! the store behind them, and the answer. A panic in any of its threads ends the fuzzer, and so does a 500.
//!
//! An input is `METHOD target`, then lines of headers, an empty line, and the body.
//! A key is added where no header of the input says who asks, and the length where nothing else says how long it is.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, fs, thread};

use service::Program;

const KEY: &str = "mk_fuzz_key_of_the_service_0123456789";
/// Only a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// As much of an answer as is looked at: its head is within.
const LOOKED_AT: u64 = 16 * 1024;

/// Where the service listens.
pub struct Door(SocketAddr);

impl Door {
    /// Starts the service with a fresh database and its own variables; it ends with the process.
    pub fn open<P: Program>(own: &[(&str, &str)]) -> Self {
        let folder = env::temp_dir().join(format!("monlight-fuzz-{}", P::NAME));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("there is a place for the database");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a port is free");
        let mut variables: HashMap<String, String> = HashMap::from([
            (P::API_KEY.to_owned(), KEY.to_owned()),
            ("LISTEN_ADDR".to_owned(), address.to_string()),
            ("DATABASE_PATH".to_owned(), folder.join("fuzz.db").display().to_string()),
            ("SESSION_SECRET".to_owned(), "a secret of 32 bytes or more of it".to_owned()),
        ]);
        let common = [("RATE_LIMIT", "0"), ("RATE_LIMIT_KEY", "0"), ("SYNCHRONOUS", "normal")];
        for (name, value) in common.iter().chain(own) {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        thread::spawn(move || {
            let ended = service::serve_with::<P>(&|name| variables.get(name).cloned());
            panic!("{} ended: {ended:?}", P::NAME);
        });
        while TcpStream::connect(address).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        Self(address)
    }

    /// Asks once. What is no HTTP may be answered by an end of the connection.
    pub fn knock(&self, input: &[u8]) {
        let mut answer = Vec::new();
        let asked = TcpStream::connect(self.0).and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            // It may answer and close before all is sent.
            let _ = stream.write_all(&request(input));
            read_answer(&mut stream, &mut answer)
        });
        if let Err(cause) = asked {
            assert!(cause.kind() != io::ErrorKind::WouldBlock, "no answer within {PATIENCE:?}");
        }
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Streams never end: of an answer without a length only the head is waited for.
fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece)?;
        answer.extend_from_slice(&piece[..n]);
        let is_enough = answer.len() as u64 > LOOKED_AT;
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|end| &answer[..end]);
        let is_endless = head.is_some_and(|head| !has_line(head, b"content-length:"));
        if n == 0 || is_enough || is_endless {
            return Ok(());
        }
    }
}

fn request(input: &[u8]) -> Vec<u8> {
    let (first, rest) = split(input, b"\n");
    let (headers, body) = match rest.strip_prefix(b"\n") {
        Some(body) => (&b""[..], body),
        None => split(rest, b"\n\n"),
    };
    let mut request = [first, b" HTTP/1.1\r\nHost: fuzz\r\nConnection: close\r\n"].concat();
    for line in headers.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    let says = |name: &[u8]| has_line(headers, name);
    if !says(b"x-api-key:") && !says(b"cookie:") && !says(b"authorization:") {
        request.extend_from_slice(format!("X-API-Key: {KEY}\r\n").as_bytes());
    }
    if !says(b"content-length:") && !says(b"transfer-encoding:") && !says(b"upgrade:") {
        request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    [&request, &b"\r\n"[..], body].concat()
}

/// Whether a line begins with this, in whatever case.
fn has_line(text: &[u8], start: &[u8]) -> bool {
    text.split(|&byte| byte == b'\n')
        .any(|line| line.get(..start.len()).is_some_and(|name| name.eq_ignore_ascii_case(start)))
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match text.windows(at.len()).position(|window| window == at) {
        Some(place) => (&text[..place], &text[place + at.len()..]),
        None => (text, b""),
    }
}
