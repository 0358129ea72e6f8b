//! WebSockets that only tell: texts go out, what comes in is answered as the protocol wants and otherwise dropped.
//! The frames are tokio-tungstenite's; the handshake is an answer like any other, behind the same gate.

use std::future::Future;
use std::time::Duration;

use futures_util::SinkExt;
use hyper::StatusCode;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Message, Role, WebSocketConfig, frame::coding::CloseCode,
};

use crate::sse::Place;
use crate::{Error, Request, Response, ResponseExt, Result};

/// A client that takes longer to take a message is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time from the answer to the upgraded connection.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// What clients send is dropped; nothing of it need be long.
const MAX_INCOMING_BYTES: usize = 16 * 1024;

/// How a socket talks.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// From one text to the next; the first comes after this, too.
    pub every: Duration,
    /// After this the socket is closed, and its client comes back through the gate.
    pub max_age: Duration,
}

/// Answers the handshake, and from then on sends what `next` gives. `None` from it closes the socket.
/// 400 for what is no handshake, 403 for a page of another origin, 426 for another version of the protocol.
pub fn tell<F, T>(request: &mut Request, place: Place, manner: Manner, next: F) -> Result<Response>
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = Option<String>> + Send,
{
    let key = key(&request.parts.headers)?;
    if !is_own_origin(&request.parts.headers) {
        return Err(Error::forbidden(
            "this socket can only be opened from a page of this service",
        ));
    }
    let upgrade = request.parts.extensions.remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| Error::bad_request("this connection cannot become a WebSocket"))?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(Error::internal)?;
    tokio::spawn(async move {
        if let Ok(Ok(upgraded)) = timeout(UPGRADE_TIMEOUT, upgrade).await {
            talk(upgraded, place, manner, next).await;
        }
    });
    Ok(Response::empty(StatusCode::SWITCHING_PROTOCOLS)
        .with_header(CONNECTION, HeaderValue::from_static("upgrade"))
        .with_header(UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(SEC_WEBSOCKET_ACCEPT, accept))
}

/// The key of a handshake of RFC 6455 §4.2.1.
fn key(headers: &HeaderMap) -> Result<HeaderValue> {
    let has = |name: HeaderName, wanted: &str| {
        let mut lines = headers
            .get_all(name)
            .into_iter()
            .filter_map(|line| line.to_str().ok());
        lines.any(|line| {
            line.split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if !has(CONNECTION, "upgrade") || !has(UPGRADE, "websocket") {
        return Err(Error::bad_request(
            "this is a WebSocket: connect to it with ws:// or wss://",
        ));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        let error = Error::new(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13");
        return Err(error.with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    key.cloned()
        .ok_or_else(|| Error::bad_request("Sec-WebSocket-Key must be 16 bytes in base64"))
}

/// Browsers let any page open a socket anywhere, cookies included. What is no browser sends no `Origin`.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, own)| own == host),
        (Some(_), None) => false,
    }
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

async fn talk<F, T>(upgraded: Upgraded, place: Place, manner: Manner, mut next: F)
where
    F: FnMut() -> T,
    T: Future<Output = Option<String>>,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_INCOMING_BYTES))
        .max_frame_size(Some(MAX_INCOMING_BYTES));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let (is_closing, _permit) = place.into_parts();
    let mut is_closing = WatchStream::new(is_closing);
    let ends_at = Instant::now() + manner.max_age;
    let mut ticks = interval_at(Instant::now() + manner.every, manner.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            closing = is_closing.next() => match closing {
                Some(false) => {}
                Some(true) | None => return close(&mut socket, CloseCode::Restart, "the server ends").await,
            },
            // Pings are answered, and a close is, while this is asked.
            incoming = socket.next() => match incoming {
                Some(Ok(message)) if !message.is_close() => {}
                _ => return,
            },
            tick = timeout_at(ends_at, ticks.tick()) => {
                if tick.is_err() {
                    return close(&mut socket, CloseCode::Away, "connect again").await;
                }
                let Some(text) = next().await else {
                    return close(&mut socket, CloseCode::Error, "nothing can be told now").await;
                };
                if !send(&mut socket, Message::text(text)).await {
                    return;
                }
            }
        }
    }
}

/// False if the client is gone.
async fn send(socket: &mut Socket, message: Message) -> bool {
    matches!(timeout(SEND_TIMEOUT, socket.send(message)).await, Ok(Ok(())))
}

async fn close(socket: &mut Socket, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let _ = timeout(SEND_TIMEOUT, socket.close(Some(frame))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    const HANDSHAKE: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn a_handshake_is_told_from_what_is_none() {
        assert_eq!(key(&headers(&HANDSHAKE)).unwrap(), HANDSHAKE[3].1);
        for (left_out, status) in [(0, 400), (1, 400), (2, 426), (3, 400)] {
            let mut pairs = HANDSHAKE.to_vec();
            pairs.remove(left_out);
            assert_eq!(key(&headers(&pairs)).unwrap_err().status.as_u16(), status);
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let check = |origin: Option<&'static str>, expected| {
            let mut all = headers(&[("host", "m.example:5012")]);
            origin.map(|origin| all.insert(ORIGIN, HeaderValue::from_static(origin)));
            assert_eq!(is_own_origin(&all), expected, "{origin:?}");
        };
        check(None, true);
        check(Some("http://m.example:5012"), true);
        check(Some("http://m.example:5010"), false);
        check(Some("null"), false);
    }
}
