//! A report that is journalled and not counted yet.

use std::sync::Arc;

use super::filing::Filing;
use crate::domain::level::Level;

/// A journalled report that waits to be counted and kept: what counting needs. The rest of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    /// 1 is the group's first report.
    pub(super) number: i64,
    pub(super) received_at: i64,
    pub(super) is_browser: bool,
    pub(super) level: Level,
    /// See [`super::tallies::user_number`].
    pub(super) user: Option<i64>,
    /// See [`Filing::tags`].
    pub(super) tags: Option<Arc<str>>,
}

impl Entry {
    /// `before` is the report of its group that came before: most have the same tags.
    pub(super) fn new(seq: i64, number: i64, filing: &Filing, before: Option<&Entry>) -> Self {
        let report = &filing.report;
        Self {
            seq,
            number,
            received_at: filing.received_at,
            is_browser: report.is_browser(),
            level: report.level,
            user: report.user_id.as_deref().map(super::tallies::user_number),
            tags: shared(filing.tags.as_deref(), before),
        }
    }
}

fn shared(tags: Option<&str>, before: Option<&Entry>) -> Option<Arc<str>> {
    let tags = tags?;
    let known = before.and_then(|before| before.tags.as_ref());
    Some(
        known
            .filter(|known| ***known == *tags)
            .map_or_else(|| tags.into(), Arc::clone),
    )
}
