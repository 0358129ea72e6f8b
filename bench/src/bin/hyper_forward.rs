//! What forwarding alone costs: hyper reads each request, sends it on over a connection that stays open, and passes
//! back the answer. It checks nothing and stores nothing. `UPSTREAM` is `host:port`.
#![expect(clippy::print_stderr, reason = "a program that says where it listens")]

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let upstream = std::env::var("UPSTREAM")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let up = TcpStream::connect(&upstream).await?;
        up.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(up)).await?;
        tokio::spawn(connection);
        let sender = Arc::new(Mutex::new(sender));
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| pass_on(sender.clone(), request)),
        );
        tokio::spawn(connection);
    }
}

async fn pass_on(
    sender: Arc<Mutex<SendRequest<Full<Bytes>>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut sender = sender.lock().await;
    sender.ready().await?;
    let answer = sender
        .send_request(Request::from_parts(head, Full::new(body)))
        .await?;
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(
        head,
        Full::new(body.collect().await?.to_bytes()),
    ))
}
