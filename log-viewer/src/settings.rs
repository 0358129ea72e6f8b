//! The log viewer's own settings.

use config::Reader;

/// One field per environment variable; `--help` prints the same table.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `MAX_TAILS`
    pub max_tails: usize,
    /// `MAX_BATCH_BYTES`
    pub max_batch_bytes: usize,
}

impl Settings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let max_batch_bytes = reader.bytes(
            "MAX_BATCH_BYTES",
            8 << 20,
            1 << 10..=64 << 20,
            "Largest body of POST /api/logs, decoded.",
        );
        Self {
            max_tails: reader.number("MAX_TAILS", 1000, 1..=100_000, "Live tails open at once."),
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(usize::MAX),
        }
    }
}
