//! What the tests of the tracker share: its binary, its usual requests, and bytes sent as they are.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::net::SocketAddr;

#[allow(unused_imports, reason = "each test file uses its own part of this")]
pub(crate) use testkit::until;
use testkit::{Answer, Client, Launch, Server, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The tracker, not started.
pub(crate) fn tracker() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_error-tracker"))
}

/// The tracker, with default settings.
pub(crate) async fn start() -> Server {
    tracker().start().await
}

/// A report whose group is decided by project, type, and the frames in its traceback, else its message.
pub(crate) fn report(project: &str, exception_type: &str, message: &str, traceback: &str) -> Value {
    json!({
        "project": project,
        "exception_type": exception_type,
        "message": message,
        "traceback": traceback,
    })
}

/// The same with more fields.
pub(crate) fn report_with(more: &Value) -> Value {
    let mut all = report("shop", "ValueError", "bad value", "no frames");
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// Reports it; returns the group's id.
pub(crate) async fn file(client: &mut Client, report: &Value) -> i64 {
    let answer = client.post("/api/errors", report.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()["id"].as_i64().unwrap()
}

/// `GET path`, which must be answered with 200 and JSON.
pub(crate) async fn get_json(client: &mut Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Field `field` of every group in a list.
pub(crate) fn column(list: &Value, field: &str) -> Vec<Value> {
    let rows = list["errors"].as_array().unwrap().iter();
    rows.map(|row| row[field].clone()).collect()
}

/// Status and detail of a refusal.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.detail())
}

/// Sends bytes as they are on a connection of their own; returns all that comes back until the server closes
/// it. A reset ends it as well.
pub(crate) async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may hang up in the middle of what it does not like.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// `POST /api/errors` in chunked coding, one chunk for each piece.
pub(crate) fn chunked(key: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let head = format!(
        "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let mut wire = head.into_bytes();
    for piece in pieces {
        wire.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

/// The service still does what it is for.
pub(crate) async fn assert_alive(server: &Server) {
    let mut client = server.client();
    assert_eq!(client.get("/health").await.json(), json!({"status": "ok"}));
    file(&mut client, &report("alive", "Check", "m", "t")).await;
}

/// What a browser sends with a form of the service's own pages.
pub(crate) fn own_form(server: &Server) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("origin", format!("http://{}", server.address)),
    ]
}

/// `POST path` as a form of our own pages, with a cookie if there is one.
pub(crate) async fn submit(server: &Server, path: &str, cookie: Option<&str>, form: &str) -> Answer {
    let mut headers = own_form(server);
    headers.extend(cookie.map(|cookie| ("cookie", cookie.to_owned())));
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    server
        .stranger()
        .send("POST".parse().unwrap(), path, &headers, form.to_owned())
        .await
}

/// Signs a browser in; returns its cookie, `name=value`.
pub(crate) async fn sign_in(server: &Server, key: &str) -> String {
    let answer = submit(server, "/login", None, &format!("key={key}&next=")).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    cookie_of(&answer)
}

/// The cookie that an answer sets, `name=value`.
pub(crate) fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A browser with this cookie.
pub(crate) fn browser(server: &Server, cookie: &str) -> Client {
    server.stranger().with_header("cookie", cookie)
}

/// A path of the document that leads to something: what it names is made anew, as the one before may be deleted.
pub(crate) async fn filled(client: &mut Client, path: &str) -> String {
    let id = file(client, &report("p", "E", "m", "t")).await;
    let post = async |client: &mut Client, path: &str, body: &str| {
        client.post(path, body.to_owned()).await.json()["id"].to_string()
    };
    let note = post(client, &format!("/api/errors/{id}/notes"), r#"{"text": "n"}"#).await;
    let id = if path.starts_with("/api/channels") {
        let hook = r#"{"kind": "webhook", "target": "https://hooks.example.com/"}"#;
        post(client, "/api/channels", hook).await
    } else if path.starts_with("/api/rules") {
        post(client, "/api/rules", r#"{"on_created": true}"#).await
    } else {
        id.to_string()
    };
    path.replace("{id}", &id)
        .replace("{note}", &note)
        .replace("{user}", "4711")
}

/// A stream has no end to wait for: only its head is asked for.
pub(crate) fn method_of(path: &str, method: &str) -> String {
    match path {
        "/api/live" => "HEAD".to_owned(),
        _ => method.to_uppercase(),
    }
}
