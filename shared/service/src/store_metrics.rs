//! The store's figures in `/metrics`, read when somebody asks.

use std::time::UNIX_EPOCH;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use sqlite::{Histogram, Store};

/// Encodes [`sqlite::Stats`] at each scrape.
#[derive(Debug)]
pub(crate) struct StoreMetrics(pub(crate) Store);

impl Collector for StoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let stats = self.0.stats();
        let counters = [
            ("store_writes", "Writes answered by the writer", stats.jobs),
            ("store_writes_failed", "Writes that failed", stats.failed_jobs),
            (
                "store_writes_refused",
                "Writes refused because the queue was full",
                stats.refused_jobs,
            ),
            ("store_commits", "Commits", stats.commits),
            (
                "store_commits_failed",
                "Commits that failed",
                stats.failed_commits,
            ),
            ("store_reads", "Reads answered", stats.reads),
            (
                "store_reads_timed_out",
                "Reads that passed their deadline",
                stats.read_timeouts,
            ),
            (
                "store_reads_refused",
                "Reads refused because too many waited",
                stats.refused_reads,
            ),
            (
                "store_checkpoints",
                "Checkpoints that emptied the WAL",
                stats.checkpoints,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let last_backup = stats
            .last_backup
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let gauges = [
            ("store_queue_depth", "Writes waiting", stats.queue_depth as u64),
            (
                "store_queue_capacity",
                "Writes that may wait",
                stats.queue_capacity as u64,
            ),
            ("store_wal_bytes", "Size of the write-ahead log", stats.wal_bytes),
            (
                "store_database_bytes",
                "Size of the database file",
                stats.database_bytes,
            ),
            (
                "store_free_bytes",
                "Free pages inside the database file",
                stats.free_bytes,
            ),
            (
                "store_last_backup_seconds",
                "When the last backup succeeded, Unix time; 0: never",
                last_backup.map_or(0, |at| at.as_secs()),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        histogram(
            &mut encoder,
            "store_commit_seconds",
            "Time of a commit, sync included",
            &stats.commit_seconds,
        )?;
        histogram(
            &mut encoder,
            "store_batch_writes",
            "Writes in one commit",
            &stats.batch_jobs,
        )
    }
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    figures: &Histogram,
) -> std::fmt::Result {
    // The encoder sums buckets up itself; ours are cumulative already.
    let mut before = 0;
    let mut buckets = Vec::with_capacity(figures.bounds.len() + 1);
    for (bound, cumulative) in figures.bounds.iter().zip(&figures.counts) {
        buckets.push((*bound, cumulative - before));
        before = *cumulative;
    }
    buckets.push((f64::MAX, figures.count - before));
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    metric.encode_histogram::<prometheus_client::encoding::NoLabelSet>(
        figures.sum,
        figures.count,
        &buckets,
        None,
    )
}
