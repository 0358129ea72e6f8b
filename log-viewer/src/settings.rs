//! The log viewer's own settings.

use config::Reader;

/// One field per environment variable; `--help` prints the same table.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `MAX_TAILS`
    pub max_tails: usize,
    /// `MAX_BATCH_BYTES`
    pub max_batch_bytes: usize,
    /// `MAX_ENTRIES`: entries kept.
    pub max_entries: u64,
    /// `MAX_DATABASE_MB`: largest database, in bytes; none: as large as it gets.
    pub max_database_bytes: Option<u64>,
    /// `RETENTION_DAYS`: how long an entry is kept; none: as long as there is room.
    pub retention_days: Option<u32>,
}

impl Settings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let max_batch_bytes = reader.bytes(
            "MAX_BATCH_BYTES",
            8 << 20,
            1 << 10..=64 << 20,
            "Largest body of POST /api/logs, decoded.",
        );
        let max_database_mb = reader.number(
            "MAX_DATABASE_MB",
            2000,
            0..=1_000_000_u64,
            "Largest database, in MB: the oldest entries leave first. 0: as large as it gets.",
        );
        let retention_days = reader.number(
            "RETENTION_DAYS",
            30,
            0..=36_500_u32,
            "Days after which an entry is dropped. 0: it stays as long as there is room.",
        );
        Self {
            max_entries: reader.number(
                "MAX_ENTRIES",
                10_000_000,
                1..=10_000_000_000_u64,
                "Entries kept; the oldest leave first, of each container a fair share stays.",
            ),
            max_database_bytes: (max_database_mb > 0).then_some(max_database_mb * 1_000_000),
            retention_days: (retention_days > 0).then_some(retention_days),
            max_tails: reader.number("MAX_TAILS", 1000, 1..=100_000, "Live tails open at once."),
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(usize::MAX),
        }
    }
}
