//! A connection to a server: TCP, and TLS where the URL says so.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{Base, Trust};

/// Most of an answer's head; hyper's own is 400 KB.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// One type for both kinds, so that hyper's client is compiled once.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects; the error is a sentence.
pub(crate) async fn connect(base: &Base, trust: &Arc<Trust>) -> Result<SendRequest<Full<Bytes>>, String> {
    let cannot = |cause: std::io::Error| format!("{base} cannot be reached: {cause}");
    let stream = TcpStream::connect((base.host_text().as_str(), base.port()))
        .await
        .map_err(cannot)?;
    stream.set_nodelay(true).map_err(cannot)?;
    let stream: Box<dyn Stream> = if base.is_tls() {
        let stream = trust.connect(base.host(), stream).await;
        Box::new(stream.map_err(|cause| format!("no TLS with {base}: {cause}"))?)
    } else {
        Box::new(stream)
    };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES);
    let (sender, driver) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| format!("{base} hung up: {cause}"))?;
    tokio::spawn(async move {
        // What goes wrong here is reported by `send_request` too. It ends when its sender is dropped.
        let _ = driver.await;
    });
    Ok(sender)
}
