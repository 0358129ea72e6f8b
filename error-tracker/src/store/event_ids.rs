//! The ids that clients give their events: one that was seen is not filed again.

use rusqlite::{Connection, OptionalExtension};

/// The group of an event that came before: the one that shows it.
pub(super) fn find_event(tx: &Connection, project: &str, event_id: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = tx.prepare_cached(
        "select ifnull(g.merged_into, g.id)
         from event_ids e
         join groups g on g.id = e.group_id
         where e.id = ?1",
    )?;
    statement
        .query_row([event_number(project, event_id)], |row| row.get(0))
        .optional()
}

pub(super) fn note_event(
    tx: &Connection,
    project: &str,
    event_id: &str,
    group_id: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let mut statement =
        tx.prepare_cached("insert or replace into event_ids (id, group_id, day) values (?1, ?2, ?3)")?;
    statement.execute((
        event_number(project, event_id),
        group_id,
        now.div_euclid(super::tallies::DAY_MS),
    ))?;
    Ok(())
}

/// Forgets the ids of events received before `before`.
pub fn drop_events(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached("delete from event_ids where day < ?1")?;
    statement.execute([before.div_euclid(super::tallies::DAY_MS)])
}

/// By which an event is known in `event_ids`: two projects may use the same id.
fn event_number(project: &str, event_id: &str) -> i64 {
    // No id has a blank in it.
    super::tallies::digest_number(&format!("{event_id} {project}"))
}
