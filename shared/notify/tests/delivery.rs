//! What goes over the wire, and what becomes of every kind of answer: against real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "outside of `#[test]` functions clippy does not know these for tests"
)]

mod receiver;

use std::time::Duration;

use config::Secret;
use notify::{
    Channel, Discord, Endpoint, Ntfy, OutgoingRequest, Postmark, SendError, Slack, Teams, Timeouts, Webhook,
    next_attempt, signature,
};
use receiver::{ENDLESS, HANG_UP, OK, Receiver, SILENCE, local_sender, message, soon};

fn webhook(url: &str) -> Channel {
    let template = r#"{"text": "{{title}}: {{text}}"}"#.parse().unwrap();
    Channel::Webhook(
        Webhook::new(url.parse().unwrap(), Secret::new("shared secret"), Some(template)).unwrap(),
    )
}

fn request(receiver: &Receiver) -> OutgoingRequest {
    webhook(&receiver.url("/hook?key=s3cret")).request(&message(), "d-1", 1_700_000_000_000)
}

async fn failure(script: &'static [&'static str]) -> SendError {
    let receiver = Receiver::start(script).await;
    local_sender().send(&request(&receiver)).await.unwrap_err()
}

#[tokio::test]
async fn a_signed_webhook_arrives_and_its_signature_can_be_checked() {
    let receiver = Receiver::start(&[OK]).await;
    local_sender().send(&request(&receiver)).await.unwrap();
    let received = &receiver.received()[0];
    assert_eq!(received.line, "POST /hook?key=s3cret HTTP/1.1");
    assert_eq!(received.headers["host"], receiver.address.to_string());
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.headers["x-monlight-delivery"], "d-1");
    assert!(received.headers["user-agent"].starts_with("Monlight/"));
    let body = "{\"text\": \"ValueError: für \\\"x\\\": line one\\nline two\"}";
    assert_eq!(String::from_utf8_lossy(&received.body), body);
    let timestamp = received.headers["x-monlight-timestamp"].parse().unwrap();
    let expected = signature(&Secret::new("shared secret"), timestamp, &received.body);
    assert_eq!(received.headers["x-monlight-signature"], expected);
    assert_ne!(
        expected,
        signature(&Secret::new("another"), timestamp, &received.body)
    );
}

#[tokio::test]
async fn every_kind_of_channel_arrives() {
    let receiver = Receiver::start(&[OK]).await;
    let url = |path: &str| receiver.url(path).parse::<Endpoint>().unwrap();
    let postmark = Postmark::new(Secret::new("pm-token"), "a@example.com", &["b@example.com"]).unwrap();
    let channels = [
        webhook(&receiver.url("/own")),
        Channel::Slack(Slack {
            url: url("/services/T/B/x"),
        }),
        Channel::Discord(Discord {
            url: url("/api/webhooks/1/t"),
        }),
        Channel::Teams(Teams {
            url: url("/workflows/w"),
        }),
        Channel::Ntfy(Ntfy::new(url("/topic"), Some(Secret::new("tk_1"))).unwrap()),
        Channel::Postmark(postmark.with_api(url("/"))),
    ];
    let sender = local_sender();
    for channel in &channels {
        sender.send(&channel.request(&message(), "d-1", 0)).await.unwrap();
    }
    let received = receiver.received();
    let lines: Vec<&str> = received.iter().map(|request| request.line.as_str()).collect();
    let expected = [
        "POST /own HTTP/1.1",
        "POST /services/T/B/x HTTP/1.1",
        "POST /api/webhooks/1/t?wait=true HTTP/1.1",
        "POST /workflows/w HTTP/1.1",
        "POST /topic HTTP/1.1",
        "POST /email HTTP/1.1",
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        received[4].headers["title"],
        "=?UTF-8?B?VmFsdWVFcnJvcjogZsO8ciAieCI=?="
    );
    assert_eq!(received[4].headers["authorization"], "Bearer tk_1");
    assert_eq!(received[5].headers["x-postmark-server-token"], "pm-token");
}

#[tokio::test]
async fn after_a_500_the_same_delivery_is_sent_again() {
    let receiver = Receiver::start(&["HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", OK]).await;
    let channel = webhook(&receiver.url("/hook"));
    let sender = local_sender();
    let now = 1_700_000_000_000;

    let failure = sender
        .send(&channel.request(&message(), "d-1", now))
        .await
        .unwrap_err();
    assert!(!failure.is_permanent());
    assert_eq!(failure.to_string(), "127.0.0.1 answered 500");
    let next = next_attempt(1, failure.retry_after(), now, 0).unwrap();
    sender
        .send(&channel.request(&message(), "d-1", next))
        .await
        .unwrap();

    let [first, second] = receiver.received().try_into().unwrap();
    assert_eq!(
        first.headers["x-monlight-delivery"],
        second.headers["x-monlight-delivery"]
    );
    assert_ne!(
        first.headers["x-monlight-timestamp"],
        second.headers["x-monlight-timestamp"]
    );
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let receiver = Receiver::start(&[SILENCE]).await;
    let sender = local_sender().with_timeouts(soon());
    let failure = sender.send(&request(&receiver)).await.unwrap_err();
    assert_eq!(failure.to_string(), "127.0.0.1 did not answer within 200ms");
    assert!(!failure.is_permanent());
}

#[tokio::test]
async fn a_server_that_says_nothing_of_tls_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let request = webhook(&url).request(&message(), "d-1", 0);
    let failure = local_sender()
        .with_timeouts(soon())
        .send(&request)
        .await
        .unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("127.0.0.1 did not answer within "),
        "{failure}"
    );
    assert!(!failure.is_permanent());
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_transient() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let failed = local_sender()
        .send(&webhook(&url).request(&message(), "d-1", 0))
        .await
        .unwrap_err();
    assert!(
        failed.to_string().starts_with("127.0.0.1 cannot be reached: "),
        "{failed}"
    );
    assert!(!failed.is_permanent());

    for script in [&[HANG_UP], &["220 mail.example.com ESMTP\r\n"]] {
        let failed = failure(script).await;
        assert!(failed.to_string().starts_with("127.0.0.1 hung up: "), "{failed}");
        assert!(!failed.is_permanent());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let to_metadata = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n";
    let script: &'static [&'static str] = Box::leak(Box::new([to_metadata]));
    let receiver = Receiver::start(script).await;
    let failure = local_sender().send(&request(&receiver)).await.unwrap_err();
    let expected = "127.0.0.1 answered with a redirect to 169.254.169.254 (302), which is not followed";
    assert_eq!(failure.to_string(), expected);
    assert!(failure.is_permanent());
    assert_eq!(receiver.n_connections(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let receiver = Receiver::start(&[ENDLESS]).await;
    // Its own limit is what ends it: these waits never do within a test.
    let timeouts = Timeouts {
        connect: Duration::from_secs(600),
        total: Duration::from_secs(600),
    };
    let failure = local_sender()
        .with_timeouts(timeouts)
        .send(&request(&receiver))
        .await
        .unwrap_err();
    assert_eq!(failure.to_string(), "127.0.0.1 answered 500");
}

#[tokio::test]
async fn a_head_without_measure_is_refused() {
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let script: &'static [&'static str] = Box::leak(Box::new([&*head.leak()]));
    let failure = failure(script).await;
    assert!(
        failure.to_string().starts_with("127.0.0.1 hung up: "),
        "{failure}"
    );
}

#[tokio::test]
async fn a_status_counts_even_if_the_body_never_comes() {
    let receiver = Receiver::start(&["HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\n"]).await;
    let timeouts = Timeouts {
        total: Duration::from_secs(1),
        ..Timeouts::default()
    };
    let sender = local_sender().with_timeouts(timeouts);
    assert_eq!(sender.send(&request(&receiver)).await, Ok(()));
}

#[tokio::test]
async fn what_a_server_says_reaches_the_queue() {
    let busy = failure(&["HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"]).await;
    assert_eq!(
        (busy.is_permanent(), busy.retry_after()),
        (false, Some(Duration::from_secs(7)))
    );
    let gone = failure(&["HTTP/1.1 404 No\r\ncontent-length: 10\r\n\r\nno_service"]).await;
    assert_eq!(
        (gone.is_permanent(), gone.to_string().as_str()),
        (true, "127.0.0.1 answered 404: no_service")
    );
    let echo =
        failure(&["HTTP/1.1 400 No\r\ncontent-length: 37\r\n\r\n{\"error\": \"no such hook: key=s3cret\"}"])
            .await;
    assert_eq!(echo.to_string(), "127.0.0.1 answered 400");
}

#[tokio::test]
async fn a_request_that_no_header_can_carry_is_permanent() {
    let receiver = Receiver::start(&[OK]).await;
    let request = webhook(&receiver.url("/")).request(&message(), "d\r\nx-evil: 1", 0);
    let failure = local_sender().send(&request).await.unwrap_err();
    assert_eq!(failure.to_string(), "the request to 127.0.0.1 cannot be sent");
    assert!(failure.is_permanent());
    assert_eq!(receiver.n_connections(), 0);
}
