//! The original collector's tables.

use rusqlite::{Connection, Row};

/// What tells series of the original apart: name, and labels as JSON text.
pub type Key = (String, String);

/// A sample of the original.
#[derive(Debug, Clone, PartialEq)]
pub struct OldSample {
    /// Whose series.
    pub key: Key,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Who owns it.
    pub project: Option<String>,
    /// As the client wrote it.
    pub timestamp: String,
    /// What.
    pub value: f64,
}

/// A minute or an hour of the original.
#[derive(Debug, Clone, PartialEq)]
pub struct OldBucket {
    /// Whose series.
    pub key: Key,
    /// Where it begins, as the original writes times.
    pub bucket: String,
    /// Whether it is an hour, not a minute.
    pub is_hour: bool,
    /// Samples.
    pub count: i64,
    /// Their sum, the least and the greatest.
    pub numbers: [f64; 3],
    /// p50, p95 and p99; of histograms only.
    pub percentiles: Option<[f64; 3]>,
}

/// All samples, one after another.
pub fn each_sample(original: &Connection, mut take: impl FnMut(OldSample)) -> rusqlite::Result<()> {
    let mut statement = original.prepare(
        "select name, ifnull(labels, '{}'), type, project, timestamp, value
         from metrics_raw
         where value is not null",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(OldSample {
            key: key(row)?,
            kind: row.get(2)?,
            project: row.get(3)?,
            timestamp: row.get(4)?,
            value: row.get(5)?,
        });
    }
    Ok(())
}

/// All minutes and hours, those of one series together.
pub fn each_bucket(
    original: &Connection,
    mut take: impl FnMut(OldBucket) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = original.prepare(
        "select name, ifnull(labels, '{}'), bucket, resolution, count, sum, min, max, p50, p95, p99
         from metrics_aggregated
         where count > 0 and sum is not null and min is not null and max is not null
         order by 1, 2, bucket",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let resolution: String = row.get(3)?;
        let percentiles: [Option<f64>; 3] = [row.get(8)?, row.get(9)?, row.get(10)?];
        take(OldBucket {
            key: key(row)?,
            bucket: row.get(2)?,
            is_hour: resolution == "hour",
            count: row.get(4)?,
            numbers: [row.get(5)?, row.get(6)?, row.get(7)?],
            percentiles: match percentiles {
                [Some(p50), Some(p95), Some(p99)] => Some([p50, p95, p99]),
                _ => None,
            },
        })?;
    }
    Ok(())
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok((row.get(0)?, row.get(1)?))
}
