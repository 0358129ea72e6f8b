//! Memory with many series, and a start with much in the journal.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

use std::path::Path;
use std::time::Instant;

use bench::figures::{cpu_seconds, memory_mb};
use bench::rivals::Rival;
use bench::samples::{Feed, TICK_MS, snappy};
use bench::table;

use crate::ours::launch;
use crate::sending::send;
use crate::{Result, now_ms};

/// Resident memory with so many series.
pub(crate) async fn memory(collector: &Path, with_rivals: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (n_series, n_ticks) in [(10_000, 60), (100_000, 20)] {
        let feed = Feed {
            n_series,
            per_name: 1_000,
            start_ms: now_ms() - (n_ticks as i64 + 1) * TICK_MS,
        };
        let server = launch(collector).start().await;
        let header = format!("x-api-key: {}\r\n", server.key());
        let ours = |series, tick, out: &mut Vec<u8>| feed.write_ours(series, tick, out);
        send(
            server.address,
            server.pid(),
            "/api/metrics",
            &header,
            &feed,
            n_ticks,
            ours,
        )
        .await?;
        let mut row = vec![
            format!("{n_series} series, {n_ticks} samples each"),
            format!("{:.0}", memory_mb(server.pid(), "VmRSS")),
        ];
        server.stop().await;
        if with_rivals {
            let victoria = Rival::victoria().await?;
            let lines = |series, tick, out: &mut Vec<u8>| feed.write_lines(series, tick, out);
            send(
                victoria.address,
                victoria.pid(),
                "/api/v1/import",
                "",
                &feed,
                n_ticks,
                lines,
            )
            .await?;
            row.push(format!("{:.0}", memory_mb(victoria.pid(), "VmRSS")));
            drop(victoria);
            let prometheus = Rival::prometheus().await?;
            let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
            let protobuf = |series, tick, out: &mut Vec<u8>| {
                let mut plain = Vec::new();
                feed.write_protobuf(series, tick, &mut plain);
                out.extend(snappy(&plain));
            };
            send(
                prometheus.address,
                prometheus.pid(),
                "/api/v1/write",
                headers,
                &feed,
                n_ticks,
                protobuf,
            )
            .await?;
            row.push(format!("{:.0}", memory_mb(prometheus.pid(), "VmRSS")));
        }
        rows.push(row);
    }
    table::print(
        &[
            "resident MB",
            "metrics-collector",
            "VictoriaMetrics",
            "Prometheus",
        ],
        rows,
    );
    Ok(())
}

/// How long a start takes with two hours of 10,000 series in the journal.
pub(crate) async fn restart(collector: &Path) -> Result<()> {
    let n_ticks = 2 * 3_600_000 / TICK_MS as u64;
    let feed = Feed {
        n_series: 10_000,
        per_name: 1_000,
        start_ms: now_ms() - (n_ticks as i64 + 1) * TICK_MS,
    };
    // What is over is not written, so that all of it is in the journal.
    let launch = launch(collector)
        .env("FLUSH_INTERVAL", "1h")
        .env("SYNCHRONOUS", "normal");
    let server = launch.start().await;
    let header = format!("x-api-key: {}\r\n", server.key());
    let ours = |series, tick, out: &mut Vec<u8>| feed.write_ours(series, tick, out);
    send(
        server.address,
        server.pid(),
        "/api/metrics",
        &header,
        &feed,
        n_ticks,
        ours,
    )
    .await?;
    let resident_mb = memory_mb(server.pid(), "VmRSS");
    server.kill().await;
    let mut figures = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let server = launch.start().await;
        figures.push((
            began.elapsed().as_secs_f64(),
            cpu_seconds(server.pid()),
            memory_mb(server.pid(), "VmRSS"),
        ));
        server.kill().await;
    }
    let row = |(wall, cpu, memory): (f64, f64, f64)| {
        vec![format!("{wall:.2}"), format!("{cpu:.2}"), format!("{memory:.0}")]
    };
    println!(
        "\n{} million samples in the journal, {resident_mb:.0} MB resident before the kill",
        feed.n_series * n_ticks / 1_000_000
    );
    table::print(
        &["start, s", "CPU s", "resident MB after"],
        figures.into_iter().map(row),
    );
    Ok(())
}
