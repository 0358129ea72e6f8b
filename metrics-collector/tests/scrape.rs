//! Scraping: a real collector asks a real socket, which answers what the test says.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{get_json, launch};
use testkit::{Server, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// An exporter: answers in turn, the last one for ever, and tells the head of each request once it is answered.
struct Exporter {
    address: String,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Exporter {
    async fn start(content_type: &'static str, answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut n = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                while let Some(head) = head(&mut stream).await {
                    let body = &answers[n.min(answers.len() - 1)];
                    let length = body.len();
                    let head_out = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
                    );
                    if stream
                        .write_all(format!("{head_out}{body}").as_bytes())
                        .await
                        .is_err()
                    {
                        break;
                    }
                    n += 1;
                    let _ = told.send(head);
                }
            }
        });
        Self { address, requests }
    }

    /// When this many have been asked for and one more begins, those before it are stored.
    async fn scraped(&mut self, n: usize) -> String {
        let mut last = String::new();
        for _ in 0..=n {
            last = self.requests.recv().await.unwrap();
        }
        last
    }
}

async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(read).ok()
}

async fn collector(targets: &str) -> Server {
    launch()
        .env("SCRAPE_TARGETS", targets)
        .env("SCRAPE_INTERVAL", "1s")
        .env("SCRAPE_TOKEN", "mk_scrape_token")
        .start()
        .await
}

async fn points(server: &Server, query: &str) -> Vec<Value> {
    let answer = get_json(&mut server.client(), &format!("/api/metrics?period=1h&{query}")).await;
    answer["data"].as_array().unwrap().clone()
}

fn exposed(total: u64, buckets: [u64; 2]) -> String {
    let [low, all] = buckets;
    format!(
        "# TYPE jobs counter\njobs_total{{queue=\"a\"}} {total}\n# TYPE depth gauge\ndepth 7\n\
         # TYPE wait_seconds histogram\nwait_seconds_bucket{{le=\"1.0\"}} {low}\nwait_seconds_bucket{{le=\"+Inf\"}} {all}\n\
         wait_seconds_sum 3\nwait_seconds_count {all}\n# EOF\n"
    )
}

#[tokio::test]
async fn what_a_target_exposes_becomes_series() {
    let answers = vec![exposed(1000, [50, 60]), exposed(1005, [58, 70])];
    let mut exporter = Exporter::start("application/openmetrics-text; version=1.0.0", answers).await;
    let server = collector(&format!("shop=http://{}/own/metrics?x=1", exporter.address)).await;
    let head = exporter.scraped(3).await;
    assert!(head.starts_with("GET /own/metrics?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: Bearer mk_scrape_token\r\n"),
        "{head}"
    );

    let sum = |points: &[Value], field: &str| points.iter().filter_map(|it| it[field].as_f64()).sum::<f64>();
    let increase = points(
        &server,
        "name=jobs_total&function=increase&labels=queue:a,job:shop",
    )
    .await;
    assert_eq!(sum(&increase, "value"), 5.0, "{increase:?}");
    let depth = points(
        &server,
        &format!("name=depth&labels=instance:%22{}%22", exporter.address),
    )
    .await;
    assert_eq!(depth.last().unwrap()["last"], 7.0);
    let waits = points(&server, "name=wait_seconds&type=histogram").await;
    assert_eq!(sum(&waits, "count"), 10.0, "{waits:?}");
    let up = points(&server, "name=up&labels=job:shop").await;
    assert_eq!(up.last().unwrap()["min"], 1.0);
    assert!(
        points(&server, "name=scrape_duration_seconds")
            .await
            .last()
            .unwrap()["max"]
            .as_f64()
            > Some(0.0)
    );
}

#[tokio::test]
async fn a_target_that_cannot_be_had_is_down_and_the_others_are_scraped() {
    let mut exporter = Exporter::start("text/plain; version=0.0.4", vec!["depth 1\n".to_owned()]).await;
    let targets = format!(
        "gone=http://127.0.0.1:1/metrics\nhere=http://{}/",
        exporter.address
    );
    let server = collector(&targets).await;
    exporter.scraped(2).await;
    let up = |job: &'static str| {
        let server = &server;
        async move { points(server, &format!("name=up&labels=job:{job}")).await }
    };
    assert_eq!(up("here").await.last().unwrap()["last"], 1.0);
    let gone = loop {
        if let Some(point) = up("gone").await.pop() {
            break point;
        }
    };
    assert_eq!(gone["max"], 0.0);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let answers = vec!["depth 1\n".repeat(1000)];
    let mut exporter = Exporter::start("text/plain", answers).await;
    let server = launch()
        .env("SCRAPE_TARGETS", format!("http://{}/", exporter.address))
        .env("SCRAPE_INTERVAL", "1s")
        .env("SCRAPE_MAX_BODY_BYTES", "4000")
        .start()
        .await;
    exporter.scraped(2).await;
    let up = points(&server, "name=up").await;
    assert_eq!(up.last().unwrap()["max"], 0.0);
    assert!(points(&server, "name=depth").await.is_empty());
}
