//! The rivals: VictoriaMetrics, Prometheus, and one row per sample in SQLite.

use std::time::{Duration, Instant};

use bench::figures::{busy_seconds, cpu_seconds, memory_mb};
use bench::rivals::Rival;
use bench::samples::{Feed, snappy};

use crate::asking::ask_rival;
use crate::histograms::observe_rival;
use crate::sending::{BATCH, one, send};
use crate::{Result, Row};

pub(crate) async fn of_victoria(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let rival = Rival::victoria().await?;
    let fed = send(
        rival.address,
        rival.pid(),
        "/api/v1/import",
        "",
        feed,
        n_ticks,
        |series, tick, out| {
            feed.write_lines(series, tick, out);
        },
    );
    let fed = fed.await?;
    one(rival.address, "/internal/force_flush").await?;
    one(rival.address, "/internal/force_merge").await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (bytes, resident_mb) = (rival.disk_bytes(), memory_mb(rival.pid(), "VmRSS"));
    let write = "/api/v1/write";
    observe_rival(rival.address, write, feed, n_ticks).await?;
    one(rival.address, "/internal/force_flush").await?;
    let queries = ask_rival(&rival, feed, n_ticks).await?;
    Ok(Row {
        name: "VictoriaMetrics",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries,
        dashboards: Vec::new(),
        foreign: fed.foreign,
    })
}

pub(crate) async fn of_prometheus(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let rival = Rival::prometheus().await?;
    let write = "/api/v1/write";
    let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
    let fed = send(
        rival.address,
        rival.pid(),
        write,
        headers,
        feed,
        n_ticks,
        |series, tick, out| {
            let mut plain = Vec::new();
            feed.write_protobuf(series, tick, &mut plain);
            out.extend(snappy(&plain));
        },
    );
    let fed = fed.await?;
    let (bytes, resident_mb) = (rival.disk_bytes(), memory_mb(rival.pid(), "VmRSS"));
    observe_rival(rival.address, write, feed, n_ticks).await?;
    let queries = ask_rival(&rival, feed, n_ticks).await?;
    Ok(Row {
        name: "Prometheus",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries,
        dashboards: Vec::new(),
        foreign: fed.foreign,
    })
}

/// One row per sample with its labels as text, a thousand a transaction, in this process.
pub(crate) fn of_rows(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.db");
    let mut connection = rusqlite::Connection::open(&path)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full;
         create table samples (id integer primary key, at integer, name text, labels text, value real);
         create index by_name on samples (name, at);",
    )?;
    let (began, before) = (cpu_seconds(std::process::id()), busy_seconds());
    let clock = Instant::now();
    for tick in 0..n_ticks {
        for first in (0..feed.n_series).step_by(BATCH as usize) {
            let tx = connection.transaction()?;
            {
                let mut insert = tx.prepare_cached(
                    "insert into samples (at, name, labels, value) values (?1, ?2, ?3, ?4)",
                )?;
                for id in first..(first + BATCH).min(feed.n_series) {
                    let labels = format!(
                        "{{\"host\":\"host-{}\",\"job\":\"app\",\"service\":\"svc-{}\"}}",
                        id % 1000,
                        id % 20
                    );
                    insert.execute((feed.at_ms(tick), feed.name(id), labels, feed.value(id, tick)))?;
                }
            }
            tx.commit()?;
        }
    }
    let cpu = cpu_seconds(std::process::id()) - began;
    let foreign = (busy_seconds() - before - cpu) / clock.elapsed().as_secs_f64();
    connection.execute_batch("pragma wal_checkpoint(truncate)")?;
    let n_samples = (feed.n_series * n_ticks) as f64;
    Ok(Row {
        name: "one row per sample",
        per_cpu_second: n_samples / cpu,
        bytes_per_sample: std::fs::metadata(&path)?.len() as f64 / n_samples,
        resident_mb: f64::NAN,
        queries: Vec::new(),
        dashboards: Vec::new(),
        foreign,
    })
}
