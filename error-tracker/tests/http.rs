//! What holds for every request: methods, paths, caching, packing, headers, and clients that mean no good.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{assert_alive, chunked, file, get_json, raw, refusal, report, start};
use testkit::{Answer, Client, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The largest body, in bytes.
const MAX_BODY_BYTES: usize = 262_144;

async fn send(client: &mut Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send(method.parse().unwrap(), path, headers, "").await
}

/// A report of exactly so many bytes.
fn report_of(n_bytes: usize) -> String {
    let empty = report("p", "E", "", "t").to_string();
    report("p", "E", &"m".repeat(n_bytes - empty.len()), "t").to_string()
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = start().await;
    let mut client = server.client();
    file(&mut client, &report("p", "E", "m", "t")).await;
    for path in [
        "/health",
        "/ready",
        "/login",
        "/",
        "/errors/1",
        "/api/errors",
        "/api/errors/1",
        "/openapi.json",
        "/nothing",
    ] {
        let get = client.get(path).await;
        let head = send(&mut client, "HEAD", path, &[]).await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    let server = start().await;
    let mut client = server.stranger();
    for (method, path, allow) in [
        ("DELETE", "/api/errors", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/api/errors/1", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "/api/errors/1/resolve", "OPTIONS, POST"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("TRACE", "/", "GET, HEAD, OPTIONS"),
        ("BREW", "/login", "GET, HEAD, OPTIONS, POST"),
    ] {
        let answer = send(&mut client, method, path, &[]).await;
        assert_eq!(
            refusal(&answer),
            (405, "Method not allowed".to_owned()),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        let options = send(&mut client, "OPTIONS", path, &[]).await;
        assert_eq!(
            (options.status.as_u16(), options.header("allow")),
            (204, allow),
            "{path}"
        );
    }
}

#[tokio::test]
async fn paths_are_decoded_and_unknown_ones_are_not_found() {
    let server = start().await;
    let mut client = server.client();
    file(&mut client, &report("p", "E", "m", "t")).await;
    assert_eq!(get_json(&mut client, "/api/errors/%31").await["id"], 1);
    for path in [
        "/nothing",
        "/api/nothing",
        "/health/",
        "/errors",
        "/assets/",
        "/assets/../login",
        "/%2e%2e/etc/passwd",
    ] {
        let answer = client.get(path).await;
        assert_eq!(refusal(&answer), (404, "Not found".to_owned()), "{path}");
    }
    // Below /api/ a stranger does not even learn what there is.
    let mut stranger = server.stranger();
    assert_eq!(
        refusal(&stranger.get("/api/nothing").await),
        (401, "Invalid API key".to_owned())
    );
    assert_eq!(stranger.get("/nothing").await.status, 404);

    // A browser gets a page, an app gets JSON.
    let page = send(&mut stranger, "GET", "/nothing", &[("accept", "text/html")]).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (404, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn assets_are_immutable_under_their_hashed_names() {
    let server = start().await;
    let mut client = server.stranger();
    let page = client.get("/login").await.text();
    let names: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with("assets/"))
        .collect();
    assert!(names.len() >= 4, "{page}");
    for name in names {
        let path = format!("/{name}");
        let whole = client.get(&path).await;
        assert_eq!(whole.status, 200, "{path}");
        assert_eq!(
            whole.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(whole.header("vary"), "accept-encoding");
        assert!(!whole.body.is_empty() && !whole.header("content-type").is_empty());

        let tag = whole.header("etag");
        for tags in [
            tag.to_owned(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let known = send(&mut client, "GET", &path, &[("if-none-match", &tags)]).await;
            assert_eq!((known.status.as_u16(), known.body.len()), (304, 0), "{tags}");
            assert_eq!(known.header("etag"), tag);
        }
        let other = send(&mut client, "GET", &path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.body, whole.body);
        for (coding, magic) in [("gzip", &b"\x1f\x8b"[..]), ("zstd", b"\x28\xb5\x2f\xfd")] {
            let packed = send(&mut client, "GET", &path, &[("accept-encoding", coding)]).await;
            if packed.header("content-encoding") == coding {
                assert!(
                    packed.body.starts_with(magic) && packed.body.len() < whole.body.len(),
                    "{path}"
                );
            } else {
                assert_eq!(
                    packed.body, whole.body,
                    "only what would not shrink stays as it is"
                );
            }
        }
    }
    assert_eq!(client.get("/assets/ui.css").await.status, 404);
}

#[tokio::test]
async fn long_answers_are_packed_for_those_who_can_read_it() {
    let server = start().await;
    let mut client = server.client();
    for n in 0..20 {
        file(
            &mut client,
            &report("p", &format!("E{n}"), "the same words again", "t"),
        )
        .await;
    }
    let plain = client.get("/api/errors").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        ("", "accept-encoding")
    );
    for (accepted, coding, magic) in [
        ("gzip, deflate", "gzip", &b"\x1f\x8b"[..]),
        ("gzip, deflate, br, zstd", "zstd", b"\x28\xb5\x2f\xfd"),
        ("zstd;q=0, gzip;q=0.1", "gzip", b"\x1f\x8b"),
    ] {
        let packed = send(
            &mut client,
            "GET",
            "/api/errors",
            &[("accept-encoding", accepted)],
        )
        .await;
        assert_eq!(
            (packed.header("content-encoding"), packed.header("vary")),
            (coding, "accept-encoding")
        );
        assert!(packed.body.starts_with(magic) && packed.body.len() < plain.body.len() / 2);
        assert_eq!(packed.header("content-length"), packed.body.len().to_string());
    }
    for accepted in ["br", "identity", ""] {
        let answer = send(
            &mut client,
            "GET",
            "/api/errors",
            &[("accept-encoding", accepted)],
        )
        .await;
        assert_eq!(answer.body, plain.body, "{accepted}");
    }
    // Short ones are not worth it.
    let short = send(&mut client, "GET", "/health", &[("accept-encoding", "gzip")]).await;
    assert_eq!(short.header("content-encoding"), "");
}

#[tokio::test]
async fn a_request_id_is_given_back_if_it_is_harmless() {
    let server = start().await;
    let mut client = server.stranger();
    let kept = send(
        &mut client,
        "GET",
        "/health",
        &[("x-request-id", "trace-1.a:b_C")],
    )
    .await;
    assert_eq!(kept.header("x-request-id"), "trace-1.a:b_C");
    let long = "x".repeat(65);
    for hostile in ["<script>", "a b", "\"", "", long.as_str()] {
        let answer = send(&mut client, "GET", "/health", &[("x-request-id", hostile)]).await;
        let id = answer.header("x-request-id");
        assert!(id != hostile && id.len() > 8, "{id}");
    }
    let refused = client.get("/nothing").await;
    assert!(!refused.header("x-request-id").is_empty());
}

#[tokio::test]
async fn pages_say_what_a_browser_may_do_with_them() {
    let server = start().await;
    let mut client = server.stranger();
    let headers = |answer: &Answer| {
        let of_a_request = ["content-length", "date", "x-request-id", "vary"];
        let lines = answer
            .headers
            .iter()
            .filter(|(name, _)| !of_a_request.contains(&name.as_str()));
        let mut lines: Vec<String> = lines
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    insta::assert_snapshot!(headers(&client.get("/login").await), @r"
    cache-control: no-store
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
    content-type: text/html; charset=utf-8
    cross-origin-embedder-policy: require-corp
    cross-origin-opener-policy: same-origin
    cross-origin-resource-policy: same-origin
    referrer-policy: same-origin
    x-content-type-options: nosniff
    ");
    insta::assert_snapshot!(headers(&client.get("/api/errors").await), @r#"
    cache-control: no-store
    content-type: application/json
    cross-origin-resource-policy: same-origin
    www-authenticate: Bearer realm="monlight"
    x-content-type-options: nosniff
    "#);
    insta::assert_snapshot!(headers(&client.get("/health").await), @r"
    cache-control: no-store
    content-type: application/json
    cross-origin-resource-policy: same-origin
    x-content-type-options: nosniff
    ");
    let mut client = server.client();
    for path in ["/", "/docs", "/errors/1", "/nothing"] {
        let page = send(&mut client, "GET", path, &[("accept", "text/html")]).await;
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'; script-src 'self'"),
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_however_they_come() {
    let server = start().await;
    let mut client = server.client();
    let largest = client.post("/api/errors", report_of(MAX_BODY_BYTES)).await;
    assert_eq!(largest.status, 201, "{}", largest.text());
    let too_large = (413, "Request body exceeds maximum size".to_owned());
    for n_bytes in [MAX_BODY_BYTES + 1, 1 << 20] {
        assert_eq!(
            refusal(&client.post("/api/errors", report_of(n_bytes)).await),
            too_large,
            "{n_bytes}"
        );
    }
    // Where no body is wanted, 64 KiB are enough for anybody.
    assert_eq!(
        refusal(&client.post("/api/errors/1/resolve", report_of(65_537)).await),
        too_large
    );

    // An announced length is enough; nobody waits for the body.
    let key = server.key();
    let announced = format!(
        "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 99999999999\r\n\r\n"
    );
    let answer = raw(server.address, announced).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    let body = report_of(MAX_BODY_BYTES);
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(1000).collect();
    assert!(
        raw(server.address, chunked(key, &pieces))
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    for n_bytes in [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 100_000, 1_000_000] {
        let body = report_of(n_bytes);
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(1000).collect();
        let answer = raw(server.address, chunked(key, &pieces)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{n_bytes}: {answer}");
    }
    assert_eq!(get_json(&mut client, "/api/errors/1").await["count"], 2);
}

#[tokio::test]
async fn bombs_in_every_encoding_are_refused_without_growing() {
    let server = start().await;
    let bombs: [(&str, &[u8]); 4] = [
        ("gzip", include_bytes!("fixtures/bomb.gz")),
        ("deflate", include_bytes!("fixtures/bomb.deflate")),
        ("br", include_bytes!("fixtures/bomb.br")),
        ("zstd", include_bytes!("fixtures/bomb.zst")),
    ];
    for (encoding, body) in bombs {
        let before = server.resident_bytes();
        let mut senders = JoinSet::new();
        for _ in 0..10 {
            let mut client = server.client();
            senders.spawn(async move {
                let headers = [("content-encoding", encoding)];
                client
                    .send("POST".parse().unwrap(), "/api/errors", &headers, body)
                    .await
            });
        }
        for answer in senders.join_all().await {
            assert_eq!(
                refusal(&answer),
                (413, "Request body exceeds maximum size".to_owned()),
                "{encoding}"
            );
        }
        let grown = server.resident_bytes().saturating_sub(before);
        assert!(grown < 8 << 20, "{encoding}: {grown} bytes");
    }
    assert_alive(&server).await;
}

#[tokio::test]
async fn unknown_encodings_are_refused_with_those_that_are_known() {
    let server = start().await;
    let mut client = server.client();
    for encodings in [
        &["lzma"][..],
        &["gzip, gzip"],
        &["gzip", "gzip"],
        &["compress"],
        &["é"],
    ] {
        let headers: Vec<_> = encodings.iter().map(|it| ("content-encoding", *it)).collect();
        let answer = client
            .send("POST".parse().unwrap(), "/api/errors", &headers, "x")
            .await;
        let detail = "Content-Encoding must be gzip, deflate, br or zstd";
        assert_eq!(refusal(&answer), (415, detail.to_owned()), "{encodings:?}");
        assert_eq!(answer.header("accept-encoding"), "gzip, deflate, br, zstd");
    }
}

#[tokio::test]
async fn two_hundred_slow_clients_keep_nobody_waiting() {
    let server = start().await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Some stop in the head, some in the body.
        let begin = if n % 2 == 0 {
            "GET /health HTTP/1.1\r\nhost: x\r\nx-slow:".to_owned()
        } else {
            let key = server.key();
            format!(
                "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 500\r\n\r\n{{"
            )
        };
        stream.write_all(begin.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_alive(&server).await;
    let is_open = |stream: &&TcpStream| {
        let read = stream.try_read(&mut [0; 16]);
        read.is_err_and(|cause| cause.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert_eq!(slow.iter().filter(is_open).count(), 200, "all are still waiting");
}

#[tokio::test]
async fn one_connection_serves_many_requests_even_sent_at_once() {
    let server = start().await;
    let get = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let body = report("p", "E", "m", "t").to_string();
    let post = format!(
        "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: {}\r\n\r\n{body}",
        server.key(),
        body.len()
    );
    let last = "GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = raw(server.address, format!("{get}{post}{get}{post}{last}")).await;
    let statuses: Vec<&str> = answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["200", "201", "200", "200", "200"]);

    let old = raw(server.address, "GET /health HTTP/1.0\r\n\r\n").await;
    assert!(
        old.starts_with("HTTP/1.0 200 ") || old.starts_with("HTTP/1.1 200 "),
        "{old}"
    );
}

#[tokio::test]
async fn who_asks_whether_to_send_a_body_is_told() {
    let server = start().await;
    let body = report("p", "E", "m", "t").to_string();
    let head = |key: &str| {
        let length = body.len();
        format!(
            "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(server.key()).as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..n], b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let n = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..n].starts_with(b"HTTP/1.1 201 "));

    let refused = raw(server.address, head("wrong")).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = start().await;
    let filler = "x".repeat(40_000);
    let many = "a: b\r\n".repeat(200);
    for head in [
        format!("GET /health HTTP/1.1\r\nhost: x\r\nx-long: {filler}\r\n\r\n"),
        format!("GET /{filler} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET /health HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
    ] {
        let answer = raw(server.address, head).await;
        let status = answer.get(9..12).unwrap_or("closed");
        assert!(["400", "414", "431", "closed"].contains(&status), "{answer}");
    }
    assert_alive(&server).await;
}

#[tokio::test]
async fn noise_and_ambiguous_requests_never_bring_the_service_down() {
    let server = start().await;
    let key = server.key();
    let post = format!("POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n");
    let refused = [
        "\r\n\r\n\r\nnothing\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /health HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\n: empty\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n".to_owned(),
        "GET /health HTTP/1.1\r\nx: a\0b\r\n\r\n".to_owned(),
        "GET /hea lth HTTP/1.1\r\n\r\n".to_owned(),
        format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
        format!("{post}content-length: -1\r\n\r\n{{}}"),
        format!("{post}content-length: +2\r\n\r\n{{}}"),
        format!("{post}content-length: 99999999999999999999999\r\n\r\n{{}}"),
        format!("{post}transfer-encoding: gzip\r\n\r\n{{}}"),
        format!("{post}transfer-encoding: chunked, gzip\r\n\r\n{{}}"),
        format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n"),
        format!("{post}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}\r\n0\r\n\r\n"),
    ];
    for bytes in refused {
        let answer = raw(server.address, &bytes).await;
        let status = answer.get(9..12).unwrap_or("closed");
        assert!(
            ["400", "501", "505", "closed"].contains(&status),
            "{bytes:?}: {answer}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            usize::from(status != "closed"),
            "{bytes:?}: {answer}"
        );
    }
    // A TLS client at the wrong port, and plain noise.
    raw(
        server.address,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    )
    .await;
    raw(server.address, [0xff; 20_000]).await;

    // Both lengths: the chunks count, and what looks like a second request within them is a body.
    let smuggled = "GET /api/errors HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let chunk = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
        let answer = raw(
            server.address,
            format!("{post}connection: close\r\n{lengths}\r\n\r\n{chunk}"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    // Odd, but right.
    for (request, status) in [
        (
            "GET http://elsewhere.example/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "GET /health?%00%ff;=&&=x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "200",
        ),
        ("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", "200"),
        (
            "\r\nGET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "200",
        ),
    ] {
        let answer = raw(server.address, request).await;
        assert_eq!(answer.get(9..12), Some(status), "{request:?}: {answer}");
    }
    assert_alive(&server).await;
    let figures = server.client().get("/metrics").await.text();
    assert!(figures.contains("monlight_http_panics_total 0"), "{figures}");
}

#[tokio::test]
async fn the_services_own_figures_are_open_metrics() {
    let server = start().await;
    let mut client = server.client();
    file(&mut client, &report("p", "E", "m", "t")).await;
    let answer = client.get("/metrics").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for figure in [
        "monlight_errors_created_total 1",
        "monlight_store_writes_total ",
        "monlight_http_requests_total{method=\"POST\",route=\"/api/errors\",status=\"201\"} 1",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    let ready = client.get("/ready").await;
    assert_eq!(
        (ready.status.as_u16(), ready.json()),
        (200, json!({"status": "ready"}))
    );
}
