//! `import`: groups and kept reports of the original tracker, grouped by our rules, with its counts, times and states.
//! All in one transaction: all of it is there, or nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use rusqlite::Connection;
use scrub::Scrubber;
use service::{Common, Imported, Original, original_time};
use sqlite::imports;

use crate::domain::recognition::Recognition;
use crate::domain::report;
use crate::settings::Settings;
use crate::store::filing::Filing;
use crate::store::intake::Intake;
use crate::store::original::{self, OldGroup, Past};

/// What has to be there.
pub(crate) const TABLES: &[&str] = &["errors", "error_occurrences"];
/// The part by which `sqlite::imports` knows it.
const PART: &str = "errors";
/// Groups read at once.
const STEP: u32 = 200;

pub(crate) async fn run(
    settings: Settings,
    common: Arc<Common>,
    from: Original,
) -> Result<Vec<Imported>, String> {
    let import = Import {
        recognition: Recognition::default(),
        scrubber: Scrubber::new(&settings.scrub_fields),
        intake: Intake::new(settings.keep_occurrences),
    };
    let done = common.write(move |tx| import.all(tx, &from)).await;
    done.map_err(|error| format!("{} {}", error.detail, error.cause.unwrap_or_default()))
}

struct Import {
    recognition: Recognition,
    scrubber: Scrubber,
    intake: Intake,
}

impl Import {
    fn all(&self, tx: &Connection, from: &Original) -> rusqlite::Result<Vec<Imported>> {
        let mut last = imports::last_id(tx, from.source(), PART)?;
        let newest_cause = original::newest_cause(tx)?;
        let mut pasts = BTreeMap::new();
        let (mut n_groups, mut n_reports, mut n_refused) = (0, 0, 0);
        loop {
            let groups = original::groups_after(from.connection(), last, STEP)?;
            let Some(newest) = groups.last() else { break };
            last = newest.id;
            for group in &groups {
                let n_filed = self.file(tx, group, &mut pasts)?;
                n_groups += u64::from(n_filed > 0);
                n_reports += n_filed;
                n_refused += group.reports.len() as u64 - n_filed;
            }
        }
        self.intake.settle_and_forget(tx)?;
        original::set_past(tx, &pasts)?;
        original::tell_nothing(tx, newest_cause)?;
        imports::note(tx, from.source(), PART, last)?;
        Ok(vec![
            Imported::new("groups of the original", n_groups),
            Imported::new("groups here", pasts.len() as u64),
            Imported::new("kept reports", n_reports),
            Imported::new("reports that could not be read", n_refused),
        ])
    }

    /// Files the kept reports of a group; returns how many.
    fn file(
        &self,
        tx: &Connection,
        group: &OldGroup,
        pasts: &mut BTreeMap<i64, Past>,
    ) -> rusqlite::Result<u64> {
        let last_seen = original_time(&group.last_seen).unwrap_or(0);
        let (mut n_filed, mut id) = (0, None);
        for (time, body) in &group.reports {
            let clean = self.scrubber.json(&body.to_string()).into_owned();
            let Ok(report) = report::read(clean.as_bytes(), None) else {
                continue;
            };
            let recognised = self.recognition.recognise(&report);
            let at = original_time(time).unwrap_or(last_seen);
            let filed = self.intake.file(tx, &Filing::new(report, recognised, at))?;
            n_filed += 1;
            id = Some(filed.group_id);
        }
        if let Some(id) = id {
            let past = Past {
                n_more: (group.count - n_filed as i64).max(0),
                first_seen_at: original_time(&group.first_seen).unwrap_or(last_seen),
                last_seen_at: last_seen,
                resolved_at: group
                    .resolved_at
                    .as_deref()
                    .map(|at| original_time(at).unwrap_or(last_seen)),
            };
            add(pasts, id, past);
        }
        Ok(n_filed)
    }
}

/// Several groups of the original may be one here.
fn add(pasts: &mut BTreeMap<i64, Past>, id: i64, past: Past) {
    match pasts.entry(id) {
        Entry::Vacant(place) => {
            place.insert(past);
        }
        Entry::Occupied(mut place) => {
            let all = place.get_mut();
            all.n_more += past.n_more;
            all.first_seen_at = all.first_seen_at.min(past.first_seen_at);
            all.last_seen_at = all.last_seen_at.max(past.last_seen_at);
            all.resolved_at = all
                .resolved_at
                .zip(past.resolved_at)
                .map(|(one, other)| one.max(other));
        }
    }
}
