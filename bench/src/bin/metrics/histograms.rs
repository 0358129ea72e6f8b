//! The histogram: observations as they are for ours, cumulative buckets for the rivals.

use std::net::SocketAddr;

use bench::load::Connection;
use bench::samples::{BOUNDS, Feed, latency, snappy, write_series};
use testkit::Server;

use crate::Result;
use crate::sending::post;

/// Label sets, and observations of each at a tick.
pub(crate) const N_HISTOGRAMS: u64 = 50;
pub(crate) const PER_TICK: u64 = 10;

/// Sends the observations themselves.
pub(crate) async fn observe_ours(server: &Server, feed: &Feed, n_ticks: u64) -> Result<()> {
    let mut connection = Connection::open(server.address).await?;
    let header = format!("x-api-key: {}\r\n", server.key());
    let mut request = Vec::new();
    for tick in 0..n_ticks {
        let mut items = Vec::new();
        for (series, observation) in
            (0..N_HISTOGRAMS).flat_map(|series| (0..PER_TICK).map(move |n| (series, n)))
        {
            let value = latency(observed(series, tick, observation));
            items.push(format!(
                r#"{{"name":"app_seconds","type":"histogram","value":{value},"timestamp":{},"labels":{{"endpoint":"/e{series}"}}}}"#,
                feed.at_ms(tick)
            ));
        }
        let body = format!("[{}]", items.join(","));
        post(
            &mut connection,
            server.address,
            "/api/metrics",
            &header,
            body.as_bytes(),
            &mut request,
        )
        .await?;
    }
    Ok(())
}

fn observed(series: u64, tick: u64, observation: u64) -> u64 {
    (series << 40 | tick << 8) + observation
}

/// Sends what a Prometheus client would make of them: cumulative counts by bound.
pub(crate) async fn observe_rival(address: SocketAddr, path: &str, feed: &Feed, n_ticks: u64) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
    let mut counts = vec![[0_u64; BOUNDS.len() + 1]; N_HISTOGRAMS as usize];
    let mut request = Vec::new();
    for tick in 0..n_ticks {
        let mut body = Vec::new();
        for series in 0..N_HISTOGRAMS {
            let counts = &mut counts[series as usize];
            for observation in 0..PER_TICK {
                let value = latency(observed(series, tick, observation));
                counts[BOUNDS
                    .iter()
                    .position(|bound| value <= *bound)
                    .unwrap_or(BOUNDS.len())] += 1;
            }
            let mut total = 0;
            for (place, count) in counts.iter().enumerate() {
                total += count;
                let bound = BOUNDS.get(place).map_or("+Inf".to_owned(), ToString::to_string);
                let labels = [
                    ("__name__", "app_seconds_bucket".to_owned()),
                    ("endpoint", format!("/e{series}")),
                    ("le", bound),
                ];
                write_series(&mut body, &labels, total as f64, feed.at_ms(tick));
            }
        }
        post(
            &mut connection,
            address,
            path,
            headers,
            &snappy(&body),
            &mut request,
        )
        .await?;
    }
    Ok(())
}
