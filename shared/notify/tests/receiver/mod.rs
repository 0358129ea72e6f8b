//! A server in the test: answers each connection with the next text of its script, and keeps what it was sent.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify::{AddressPolicy, Message, Resolve, Resolved, Sender, Timeouts};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// Takes the request and says nothing.
pub(crate) const SILENCE: &str = "";
/// Takes the request and closes.
pub(crate) const HANG_UP: &str = "hang up";
/// A head, then a body without end.
pub(crate) const ENDLESS: &str = "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n";

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    n_connections: Arc<AtomicUsize>,
}

impl Receiver {
    pub(crate) async fn start(script: &'static [&'static str]) -> Receiver {
        Receiver::start_over(script, None).await
    }

    pub(crate) async fn start_over(
        script: &'static [&'static str],
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            n_connections: Arc::default(),
        };
        let (received, n_connections) = (
            Arc::clone(&receiver.received),
            Arc::clone(&receiver.n_connections),
        );
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let n = n_connections.fetch_add(1, Ordering::SeqCst);
                let answer = script[n.min(script.len() - 1)];
                let (received, tls) = (Arc::clone(&received), tls.clone());
                tokio::spawn(async move {
                    // Clients that turn away are what some tests are about.
                    let _ = match tls {
                        None => serve(socket, answer, &received).await,
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => serve(socket, answer, &received).await,
                            Err(cause) => Err(cause),
                        },
                    };
                });
            }
        });
        receiver
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }
}

async fn serve<S>(socket: S, answer: &str, received: &Mutex<Vec<Received>>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut socket = BufReader::new(socket);
    let request = read(&mut socket).await?;
    received.lock().unwrap().push(request);
    match answer {
        SILENCE => drop(socket.read_u8().await),
        HANG_UP => return Ok(()),
        ENDLESS => {
            socket.write_all(ENDLESS.as_bytes()).await?;
            let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
            loop {
                socket.write_all(chunk.as_bytes()).await?;
            }
        }
        answer => socket.write_all(answer.as_bytes()).await?,
    }
    socket.flush().await?;
    // Until the client has had enough, so that a short body stalls rather than breaks off.
    let _ = socket.read_u8().await;
    Ok(())
}

async fn read<S: AsyncRead + Unpin>(socket: &mut BufReader<S>) -> io::Result<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |line: &String| {
        line.split_once(": ")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let headers: HashMap<String, String> = lines[1..].iter().filter_map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    socket.read_exact(&mut body).await?;
    Ok(Received {
        line: lines[0].clone(),
        headers,
        body,
    })
}

/// Says the next list of its script each time; the last one for ever.
pub(crate) struct Script {
    answers: Vec<Vec<IpAddr>>,
    pub(crate) n_asked: AtomicUsize,
}

impl Script {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Script> {
        let parse = |list: &&[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Script {
            answers: answers.iter().map(parse).collect(),
            n_asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolved<'a> {
        let n = self.n_asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[n.min(self.answers.len() - 1)].clone();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// To whom nothing local is forbidden.
pub(crate) fn local_sender() -> Sender {
    Sender::new(AddressPolicy {
        allow_private: true,
        ..AddressPolicy::default()
    })
}

/// For what must time out; everything else has the default's ten seconds, as this machine may be busy.
pub(crate) fn soon() -> Timeouts {
    Timeouts {
        connect: Duration::from_millis(100),
        total: Duration::from_millis(200),
    }
}

pub(crate) fn message() -> Message {
    Message {
        kind: "created".to_owned(),
        title: "ValueError: für \"x\"".to_owned(),
        text: "line one\nline two".to_owned(),
        project: "shop".to_owned(),
        url: Some("https://errors.example.com/errors/12".to_owned()),
        count: Some(1),
        ..Message::default()
    }
}
