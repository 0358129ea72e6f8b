//! Public keys of pages.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::dsn_key::{DsnKey, Limits};
use crate::domain::origin::Pattern;

/// All keys by number, those that are off too.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<DsnKey>> {
    let mut statement = connection.prepare_cached(
        "select id, public_key, project, is_active, created_at, origins, per_minute, expires_at
         from dsn_keys
         order by id",
    )?;
    statement.query_map([], read)?.collect()
}

/// One key.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<DsnKey>> {
    let mut statement = connection.prepare_cached(
        "select id, public_key, project, is_active, created_at, origins, per_minute, expires_at
         from dsn_keys
         where id = ?1",
    )?;
    statement.query_row([id], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<DsnKey> {
    let origins: String = row.get(5)?;
    let origins: Vec<String> = serde_json::from_str(&origins).unwrap_or_default();
    Ok(DsnKey {
        id: row.get(0)?,
        public_key: row.get(1)?,
        project: row.get(2)?,
        is_active: row.get(3)?,
        created_at: row.get(4)?,
        limits: Limits {
            origins: Pattern::read_all(origins.iter().map(String::as_str)).unwrap_or_default(),
            per_minute: row.get(6)?,
            expires_at: row.get(7)?,
        },
    })
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("select count(*) from dsn_keys", [], |row| row.get(0))
}

/// Adds a key; nothing happens if there is one of this name. Whether it was added.
pub fn insert(
    tx: &Connection,
    public_key: &str,
    project: &str,
    limits: &Limits,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let mut statement = tx.prepare_cached(
        "insert into dsn_keys (public_key, project, created_at, origins, per_minute, expires_at)
         values (:public_key, :project, :now, :origins, :per_minute, :expires_at)
         on conflict do nothing
         returning id",
    )?;
    let origins = origins_text(limits);
    statement
        .query_row(
            named_params! {
                ":public_key": public_key, ":project": project, ":now": now, ":origins": origins,
                ":per_minute": limits.per_minute, ":expires_at": limits.expires_at,
            },
            |row| row.get(0),
        )
        .optional()
}

/// Switches a key on or off. False if there is no such key.
pub fn set_active(tx: &Connection, id: i64, is_active: bool) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached("update dsn_keys set is_active = ?2 where id = ?1")?;
    Ok(statement.execute((id, is_active))? > 0)
}

/// Gives a key other limits. False if there is no such key.
pub fn set_limits(tx: &Connection, id: i64, limits: &Limits) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(
        "update dsn_keys set origins = :origins, per_minute = :per_minute, expires_at = :expires_at
         where id = :id",
    )?;
    let n_changed = statement.execute(named_params! {
        ":id": id, ":origins": origins_text(limits),
        ":per_minute": limits.per_minute, ":expires_at": limits.expires_at,
    })?;
    Ok(n_changed > 0)
}

fn origins_text(limits: &Limits) -> String {
    let origins: Vec<String> = limits.origins.iter().map(ToString::to_string).collect();
    serde_json::Value::from(origins).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::testing::database;
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_and_is_never_added_twice() {
        let database = database();
        let limits = Limits {
            origins: Pattern::read_all(["https://*.a.example", "*"]).unwrap(),
            per_minute: Some(7),
            expires_at: Some(9),
        };
        let id = insert(&database, "pub", "my \"shop\"", &limits, 5)
            .unwrap()
            .unwrap();
        assert_eq!(
            insert(&database, "pub", "other", &Limits::default(), 6).unwrap(),
            None
        );
        assert!(set_active(&database, id, false).unwrap() && !set_active(&database, 99, false).unwrap());
        let key = &all(&database).unwrap()[0];
        assert_eq!(
            (key.project.as_str(), key.is_active, &key.limits),
            ("my \"shop\"", false, &limits)
        );
        assert!(set_limits(&database, id, &Limits::default()).unwrap());
        assert_eq!(all(&database).unwrap()[0].limits, Limits::default());
        assert_eq!(count(&database).unwrap(), 1);
    }
}
