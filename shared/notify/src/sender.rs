//! Sends a request: one connection each, to an address that was looked up and checked just before.
//!
//! Order: resolve → check every address → connect to one of them → TLS → POST → judge the answer. Nothing is resolved
//! twice, no redirect is followed, no proxy is asked, and no more than 64 KB of an answer is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use http_client::Trust;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::address::{AddressPolicy, Standing, standing};
use crate::answer::Answer;
use crate::bad_setting::BadSetting;
use crate::endpoint::Endpoint;
use crate::outgoing::OutgoingRequest;
use crate::resolve::{Resolve, SystemResolver};
use crate::send_error::SendError;

/// Most of an answer's body that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How long is waited for an answer's body, which is only good for a reason.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Most of an answer's head; hyper's own is 400 KB.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Addresses of one host that are tried.
const MAX_ADDRESSES: usize = 4;
const AGENT: &str = concat!("Monlight/", env!("CARGO_PKG_VERSION"));

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For each address, until it is connected, and once more for TLS. Default 3 s.
    pub connect: Duration,
    /// For everything. Default 10 s.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
        }
    }
}

/// Sends requests; one is enough for a process.
pub struct Sender {
    policy: AddressPolicy,
    timeouts: Timeouts,
    resolver: Arc<dyn Resolve>,
    trust: Trust,
}

impl Sender {
    /// With the system's resolver and certificates.
    pub fn new(policy: AddressPolicy) -> Sender {
        Sender {
            policy,
            timeouts: Timeouts::default(),
            resolver: Arc::new(SystemResolver),
            trust: Trust::default(),
        }
    }

    /// The same with other waits.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Sender {
        Sender { timeouts, ..self }
    }

    /// The same with names looked up otherwise.
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Sender {
        Sender { resolver, ..self }
    }

    /// The same, trusting the certificates in a PEM text besides the system's.
    pub fn trusting_pem(mut self, pem: &[u8]) -> Result<Sender, BadSetting> {
        self.trust.add_pem(pem).map_err(BadSetting::new)?;
        Ok(self)
    }

    /// Why a URL whose host is an address is never connected to. None where it may be, and of a name, which is looked up
    /// whenever something is sent.
    pub fn refusal(&self, url: &Endpoint) -> Option<String> {
        let address = url.address()?;
        let host = url.host();
        let what = self.policy.check(&host, address).err()?;
        Some(refusal(&host, address, what))
    }

    /// Sends it once. `Ok` says that the server answered 2xx; after an error it may have been taken all the same.
    pub async fn send(&self, request: &OutgoingRequest) -> Result<(), SendError> {
        let host = request.url.host();
        let deadline = Instant::now() + self.timeouts.total;
        // Its end, whichever way this function ends, is the connection's.
        let mut connection = JoinSet::new();
        let response = timeout_at(deadline, self.exchange(request, &host, &mut connection)).await;
        let response = match response {
            Ok(outcome) => outcome?,
            Err(_) => return Err(too_late(&host, self.timeouts.total)),
        };
        let (head, body) = response.into_parts();
        // The status is the answer. A body that stalls or breaks off changes nothing about it.
        let mut read = Vec::new();
        let body_deadline = deadline.min(Instant::now() + BODY_TIMEOUT);
        let _ = timeout_at(body_deadline, read_some(body, &mut read)).await;
        let answer = Answer {
            status: head.status,
            headers: &head.headers,
            body: &read,
        };
        answer.judge(request, SystemTime::now())
    }

    /// Until the head of the answer is there.
    async fn exchange(
        &self,
        request: &OutgoingRequest,
        host: &str,
        connection: &mut JoinSet<()>,
    ) -> Result<Response<Incoming>, SendError> {
        let wire = wire_request(request)?;
        let addresses = self.addresses(request, host).await?;
        let stream = self.connect(request, host, &addresses).await?;
        let broken = |cause: hyper::Error| SendError::transient(format!("{host} hung up: {cause}"));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_HEAD_BYTES);
        let (mut sender, driver) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
        connection.spawn(async move {
            // What goes wrong here is reported by `send_request` too.
            let _ = driver.await;
        });
        sender.send_request(wire).await.map_err(broken)
    }

    /// The host's addresses, all of them checked: one that is forbidden taints the others, since a name that has both
    /// is no mistake.
    async fn addresses(&self, request: &OutgoingRequest, host: &str) -> Result<Vec<IpAddr>, SendError> {
        let addresses = match request.url.address() {
            Some(address) => vec![address],
            None => self.lookup(host).await?,
        };
        for address in &addresses {
            if let Err(what) = self.policy.check(host, *address) {
                return Err(SendError::permanent(refusal(host, *address, what)));
            }
        }
        Ok(best(addresses))
    }

    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, SendError> {
        let found = self.resolver.resolve(host).await;
        let found =
            found.map_err(|cause| SendError::transient(format!("{host} cannot be looked up: {cause}")))?;
        if found.is_empty() {
            return Err(SendError::transient(format!("{host} has no address")));
        }
        Ok(found)
    }

    async fn connect(
        &self,
        request: &OutgoingRequest,
        host: &str,
        addresses: &[IpAddr],
    ) -> Result<Box<dyn Stream>, SendError> {
        let limit = self.timeouts.connect;
        let stream = connect_any(addresses, request.url.port(), limit, host).await?;
        if !request.url.is_tls() {
            return Ok(Box::new(stream));
        }
        match timeout(limit, self.trust.connect(request.url.url_host(), stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(cause)) => Err(SendError::transient(format!("no TLS with {host}: {cause}"))),
            Err(_) => Err(too_late(host, limit)),
        }
    }
}

/// One type for both kinds, so that hyper's client is compiled once.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

fn wire_request(request: &OutgoingRequest) -> Result<Request<Full<Bytes>>, SendError> {
    let unusable = || SendError::permanent(format!("the request to {} cannot be sent", request.url.host()));
    let mut wire = Request::builder()
        .method(Method::POST)
        .uri(request.url.path_and_query())
        .header(HOST, request.url.authority())
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, "close");
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        wire = wire.header(HeaderName::from_static(name), value);
    }
    let body = Full::new(Bytes::copy_from_slice(&request.body));
    wire.body(body).map_err(|_| unusable())
}

/// The first few, the two families in turn: where one of them does not work, all of its addresses fail alike.
fn best(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let Some(is_first_v4) = addresses.first().map(IpAddr::is_ipv4) else {
        return addresses;
    };
    let (first, second): (Vec<IpAddr>, Vec<IpAddr>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == is_first_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] || ordered.len() >= MAX_ADDRESSES {
            ordered.truncate(MAX_ADDRESSES);
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

async fn connect_any(
    addresses: &[IpAddr],
    port: u16,
    limit: Duration,
    host: &str,
) -> Result<TcpStream, SendError> {
    let mut failure = None;
    for address in addresses {
        match timeout(limit, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(cause)) => {
                failure = Some(SendError::transient(format!("{host} cannot be reached: {cause}")))
            }
            Err(_) => failure = Some(too_late(host, limit)),
        }
    }
    Err(failure.unwrap_or_else(|| SendError::transient(format!("{host} has no address"))))
}

async fn read_some(mut body: Incoming, read: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        let data = frame.data_ref().map_or(&[][..], |data| data);
        let n_left = MAX_ANSWER_BYTES - read.len();
        read.extend_from_slice(&data[..data.len().min(n_left)]);
        if read.len() == MAX_ANSWER_BYTES {
            return;
        }
    }
}

fn too_late(host: &str, limit: Duration) -> SendError {
    SendError::transient(format!("{host} did not answer within {limit:?}"))
}

fn refusal(host: &str, address: IpAddr, what: &str) -> String {
    let never = match standing(address) {
        Standing::Never(_) => ", which cannot be allowed",
        Standing::Public | Standing::Private(_) => "",
    };
    let address = address.to_string();
    let which = if address == host {
        String::new()
    } else {
        format!(" ({address})")
    };
    format!("{host}{which} is not connected to: its address is {what}{never}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_are_tried_in_turn_and_not_for_ever() {
        let address = |text: &&str| text.parse::<IpAddr>().unwrap();
        let many = ["::1", "::2", "::3", "::4", "::5", "1.1.1.1"]
            .iter()
            .map(address)
            .collect();
        let expected: Vec<IpAddr> = ["::1", "1.1.1.1", "::2", "::3"].iter().map(address).collect();
        assert_eq!(best(many), expected);
        assert_eq!(best(vec![]), Vec::<IpAddr>::new());
    }
}
