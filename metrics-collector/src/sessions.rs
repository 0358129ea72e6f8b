//! Counts browser sessions: those on the disk and those in memory, each once over all hours that are asked for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::Connection;

use crate::domain::distinct::Distinct;
use crate::ingest::Ingest;
use crate::store::sessions;

/// How many different sessions there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionCounts {
    /// On any page.
    pub total: u64,
    /// On each page.
    pub pages: BTreeMap<String, u64>,
}

/// Of all projects or of one.
pub fn count(
    connection: &Connection,
    ingest: &Ingest,
    project: Option<&str>,
    hours: RangeInclusive<i64>,
) -> rusqlite::Result<SessionCounts> {
    let mut all = Distinct::default();
    let mut pages: BTreeMap<String, Distinct> = BTreeMap::new();
    let mut add = |page: &str, sessions: &Distinct| {
        all.unite(sessions);
        pages.entry(page.to_owned()).or_default().unite(sessions);
    };
    // Memory first: what is written meanwhile is then seen twice rather than never, and counts once.
    let (frozen, open) = {
        let heads = ingest.heads();
        (heads.frozen(), heads.visits().clone())
    };
    for visits in frozen.iter().map(|frozen| &frozen.visits).chain([&open]) {
        let meant = visits
            .iter()
            .filter(|(hour, of, ..)| hours.contains(hour) && project.is_none_or(|it| it == *of));
        meant.for_each(|(_, _, page, sessions)| add(page, sessions));
    }
    sessions::between(connection, project, hours, |page, sessions| add(page, &sessions))?;
    let count = |(page, sessions): (String, Distinct)| (page, sessions.count());
    Ok(SessionCounts {
        total: all.count(),
        pages: pages.into_iter().map(count).collect(),
    })
}
