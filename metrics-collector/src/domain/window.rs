//! Time is cut into windows of two hours, all series at the same moments. A window is what becomes one chunk.

use super::timestamp::HOUR_MS;

/// Length of a window.
pub const WINDOW_MS: i64 = 2 * HOUR_MS;

/// The window of a time: windows since 1970.
pub fn of(at_ms: i64) -> i64 {
    at_ms.div_euclid(WINDOW_MS)
}

/// Where a window begins.
pub fn start_ms(window: i64) -> i64 {
    window * WINDOW_MS
}
