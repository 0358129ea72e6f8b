//! Requests to one server over a few connections that are kept open between them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::stream::connect;
use crate::{Base, Trust};

const AGENT: &str = concat!("Monlight/", env!("CARGO_PKG_VERSION"));

/// Bounds of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands. Default 3 s.
    pub connect: Duration,
    /// For everything, connecting and reading the answer included. Default 10 s.
    pub total: Duration,
    /// Largest answer body that is read. Default 1 MiB.
    pub max_answer_bytes: usize,
    /// Connections kept open while nothing is sent. Default 64.
    pub max_idle: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            max_answer_bytes: 1 << 20,
            max_idle: 64,
        }
    }
}

/// A request. `path` is the path and query as sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Path and query; see [`Base::join`].
    pub path: String,
    /// Besides `Host`, `User-Agent` and `Content-Length`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty for none.
    pub body: Bytes,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came over the wire.
    pub body: Bytes,
}

/// Why there is no answer. The sentence names the server, never the path or the headers.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// The server may have taken the request all the same.
    #[error("{0}")]
    NoAnswer(String),
}

/// Sends to one server.
#[derive(Debug)]
pub struct Client {
    base: Base,
    limits: Limits,
    trust: Arc<Trust>,
    /// Newest last: those used least fall out first.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// With the system's certificates.
    pub fn new(base: Base, limits: Limits) -> Self {
        Self::trusting(base, limits, Arc::default())
    }

    /// With these certificates.
    pub fn trusting(base: Base, limits: Limits, trust: Arc<Trust>) -> Self {
        Self {
            base,
            limits,
            trust,
            idle: Mutex::default(),
        }
    }

    /// Where it sends to.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Sends it once. A connection that the server closed while it was idle is replaced by a new one.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.limits.total;
        let mut request = self.request(outgoing)?;
        while let Some(mut kept) = self.take_idle() {
            if kept.ready().await.is_err() {
                continue;
            }
            match self.exchange(&mut kept, request, deadline).await {
                Ok(answer) => {
                    self.keep(kept, &answer);
                    return Ok(answer);
                }
                Err(Broken::Unsent(unsent)) => request = *unsent,
                Err(Broken::Sent(failure)) => return Err(failure),
            }
        }
        let connected = timeout_at(
            deadline.min(Instant::now() + self.limits.connect),
            connect(&self.base, &self.trust),
        );
        let mut fresh = match connected.await {
            Ok(fresh) => fresh.map_err(Failure::Unreachable)?,
            Err(_) => {
                return Err(Failure::Unreachable(format!(
                    "{} cannot be reached: no connection within {:?}",
                    self.base, self.limits.connect
                )));
            }
        };
        match self.exchange(&mut fresh, request, deadline).await {
            Ok(answer) => {
                self.keep(fresh, &answer);
                Ok(answer)
            }
            Err(Broken::Unsent(_)) => Err(Failure::Unreachable(format!("{} hung up", self.base))),
            Err(Broken::Sent(failure)) => Err(failure),
        }
    }

    fn request(&self, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, Failure> {
        let unusable = |_| Failure::Unreachable(format!("the request to {} cannot be sent", self.base));
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = outgoing
            .path
            .parse()
            .map_err(|cause: hyper::http::uri::InvalidUri| {
                Failure::Unreachable(format!("the request to {} cannot be sent: {cause}", self.base))
            })?;
        let host = HeaderValue::from_str(self.base.authority()).map_err(unusable)?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(outgoing.headers);
        Ok(request)
    }

    async fn exchange(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Answer, Broken> {
        let late = || {
            Broken::Sent(Failure::NoAnswer(format!(
                "{} did not answer within {:?}",
                self.base, self.limits.total
            )))
        };
        let response = match timeout_at(deadline, sender.try_send_request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(mut broken)) => {
                return Err(match broken.take_message() {
                    Some(unsent) => Broken::Unsent(Box::new(unsent)),
                    None => Broken::Sent(Failure::NoAnswer(format!(
                        "{} hung up: {}",
                        self.base,
                        broken.error()
                    ))),
                });
            }
            Err(_) => return Err(late()),
        };
        match timeout_at(deadline, self.read(response)).await {
            Ok(answer) => answer.map_err(Broken::Sent),
            Err(_) => Err(late()),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answer, Failure> {
        let (head, mut body) = response.into_parts();
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|cause| Failure::NoAnswer(format!("{} broke off: {cause}", self.base)))?;
            let Ok(data) = frame.into_data() else { continue };
            if all.len() + data.len() > self.limits.max_answer_bytes {
                return Err(Failure::NoAnswer(format!(
                    "{} answered more than {} bytes",
                    self.base, self.limits.max_answer_bytes
                )));
            }
            all.extend_from_slice(&data);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: all.freeze(),
        })
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, sender: SendRequest<Full<Bytes>>, answer: &Answer) {
        let closes = answer
            .headers
            .get(hyper::header::CONNECTION)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !closes && idle.len() < self.limits.max_idle {
            idle.push(sender);
        }
    }
}

/// Why an exchange ended without an answer.
enum Broken {
    /// Not a byte of the request left: it may go over another connection.
    Unsent(Box<Request<Full<Bytes>>>),
    Sent(Failure),
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn get() -> Outgoing {
        Outgoing {
            method: Method::GET,
            path: "/x?y=1".to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    async fn server() -> (TcpListener, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let limits = Limits {
            max_answer_bytes: 100,
            total: Duration::from_millis(500),
            ..Limits::default()
        };
        (listener, Client::new(base.parse().unwrap(), limits))
    }

    async fn answer(stream: &mut TcpStream, text: &str) -> String {
        let mut head = vec![0; 4096];
        let n = stream.read(&mut head).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    #[tokio::test]
    async fn a_connection_is_used_again_and_replaced_when_the_server_closed_it() {
        let (listener, client) = server().await;
        let serving = tokio::spawn(async move {
            let (mut first, _) = listener.accept().await.unwrap();
            let head = answer(&mut first, OK).await;
            answer(&mut first, OK).await;
            drop(first);
            let (mut second, _) = listener.accept().await.unwrap();
            answer(&mut second, OK).await;
            head
        });
        for _ in 0..2 {
            assert_eq!(client.send(get()).await.unwrap().body, "ok");
        }
        // The server's end may be seen before or after the next request is begun; only the first is safe to repeat.
        let third = loop {
            match client.send(get()).await {
                Ok(answer) => break answer,
                Err(Failure::NoAnswer(_)) => {}
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(third.body, "ok");
        let head = serving.await.unwrap();
        assert!(head.starts_with("GET /x?y=1 HTTP/1.1\r\n"), "{head}");
    }

    #[tokio::test]
    async fn a_silent_server_and_an_endless_answer_are_given_up() {
        let (listener, client) = server().await;
        let serving = tokio::spawn(async move {
            let (silent, _) = listener.accept().await.unwrap();
            let (mut long, _) = listener.accept().await.unwrap();
            answer(
                &mut long,
                &format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n{}",
                    "x".repeat(101)
                ),
            )
            .await;
            drop(silent);
        });
        let told = client.send(get()).await.unwrap_err().to_string();
        assert!(told.ends_with("did not answer within 500ms"), "{told}");
        let told = client.send(get()).await.unwrap_err().to_string();
        assert!(told.ends_with("answered more than 100 bytes"), "{told}");
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_there_is_told_apart_from_no_answer() {
        let (listener, client) = server().await;
        drop(listener);
        assert!(matches!(client.send(get()).await, Err(Failure::Unreachable(_))));
    }
}
