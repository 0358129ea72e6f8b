//! Whether a line looks like the first of an entry: a time, JSON, a priority or a level stands at its head.

use crate::domain::{json_head, level, moment};

/// Any time does for a year that is missing: only whether there is one is asked.
const SOME_TIME_NS: i64 = 1_700_000_000_000_000_000;

/// Whether a time stands at its head.
pub(crate) fn has_stamp(line: &str) -> bool {
    moment::starts(line, SOME_TIME_NS)
}

/// Whether it is the first line of an entry. An exception's name (`Error: x`) is not counted as a level.
pub(crate) fn is_start(line: &str) -> bool {
    if has_stamp(line) || json_head::read(line).is_some() {
        return true;
    }
    !level::is_exception(line.as_bytes()) && level::is_named_at_head(line)
}
