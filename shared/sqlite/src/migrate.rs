//! Numbered migrations: each in its own transaction, each recorded with a checksum, none ever undone.
//! `user_version` is the number of the last one; `_migrations` says which they were.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior, named_params};

use crate::{OpenError, Options, connect::refused};

/// One step of a schema. Made by [`migrations!`](crate::migrations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// 1, 2, 3 …
    pub number: u32,
    /// The file's name without `.sql`: `0001_groups`.
    pub name: &'static str,
    /// Statements, without `begin` and `commit`. Foreign keys are checked at the end, so tables may be rebuilt.
    pub sql: &'static str,
}

impl Migration {
    /// The number that `name` starts with. Fails the build when there is none.
    #[doc(hidden)]
    pub const fn number_of(name: &str) -> u32 {
        let digits = name.as_bytes();
        let mut number = 0;
        let mut place = 0;
        while place < 4 {
            assert!(
                digits[place].is_ascii_digit(),
                "a migration's name starts with four digits"
            );
            number = number * 10 + (digits[place] - b'0') as u32;
            place += 1;
        }
        number
    }

    /// FNV-1a, 64 bits: it guards against our own edits, not against an attacker.
    fn checksum(&self) -> String {
        let hash = self.sql.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// `migrations!["0001_groups", "0002_occurrences"]`: the files `migrations/<name>.sql` of the calling crate,
/// as a `&'static [Migration]`. `"0003_alerts" = alerts::SCHEMA` takes its statements from a constant.
#[macro_export]
macro_rules! migrations {
    ($($name:literal $(= $sql:expr)?),* $(,)?) => {
        const {
            &[$($crate::Migration {
                number: $crate::Migration::number_of($name),
                name: $name,
                sql: $crate::migrations!(@sql $name $(= $sql)?),
            }),*] as &'static [$crate::Migration]
        }
    };
    (@sql $name:literal = $sql:expr) => { $sql };
    (@sql $name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, ".sql"))
    };
}

/// `_probe` holds the one row that readiness rewrites.
const OWN_TABLES: &str = "
    create table if not exists _migrations (
        number integer primary key,
        name text not null,
        checksum text not null,
        applied_at integer not null
    ) strict;
    create table if not exists _probe (
        id integer primary key check (id = 1),
        probed_at integer not null
    ) strict;
";

/// Brings the file to the schema of this binary, or says why it cannot.
pub(crate) fn migrate(connection: &mut Connection, options: &Options) -> Result<(), OpenError> {
    let migrations = options.migrations;
    check_numbering(migrations)?;
    let failed = |error| refused(&options.path, error);
    let version = known_version(connection, migrations, failed)?;
    connection.execute_batch(OWN_TABLES).map_err(failed)?;
    connection
        .execute_batch(crate::request_ids::TABLE)
        .map_err(failed)?;
    connection.execute_batch(crate::imports::TABLE).map_err(failed)?;
    let n_applied = check_applied(connection, migrations, version, failed)?;
    // Rebuilding a table others refer to needs this off, and it cannot be switched inside a transaction.
    connection
        .pragma_update(None, "foreign_keys", false)
        .map_err(failed)?;
    for migration in &migrations[n_applied..] {
        apply(connection, migration)?;
    }
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(failed)
}

/// Whether this binary could open the database at `path`, found at `connection`; nothing is written.
pub(crate) fn check_fits(
    path: &Path,
    connection: &Connection,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let failed = |error| refused(path, error);
    let version = known_version(connection, migrations, failed)?;
    if !connection.table_exists(None, "_migrations").map_err(failed)? {
        return Err(OpenError::Foreign { version, listed: 0 });
    }
    check_applied(connection, migrations, version, failed).map(drop)
}

/// The schema of the file, unless it is newer than this binary.
fn known_version(
    connection: &Connection,
    migrations: &[Migration],
    failed: impl Fn(rusqlite::Error) -> OpenError,
) -> Result<u32, OpenError> {
    let found = version(connection).map_err(failed)?;
    let known = migrations.len() as u32;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok(found)
}

/// Returns how many migrations the file has had; they must be ours.
fn check_applied(
    connection: &Connection,
    migrations: &[Migration],
    version: u32,
    failed: impl Fn(rusqlite::Error) -> OpenError,
) -> Result<usize, OpenError> {
    let applied = checksums(connection).map_err(failed)?;
    let listed = applied.len() as u32;
    if listed != version {
        return Err(OpenError::Foreign { version, listed });
    }
    for (migration, checksum) in migrations.iter().zip(&applied) {
        if migration.checksum() != *checksum {
            return Err(OpenError::Changed { name: migration.name });
        }
    }
    Ok(applied.len())
}

/// The number of the last migration applied.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("pragma user_version", [], |row| row.get(0))
}

fn check_numbering(migrations: &[Migration]) -> Result<(), OpenError> {
    let misplaced = (1..)
        .zip(migrations)
        .find(|(place, migration)| migration.number as usize != *place);
    match misplaced {
        Some((place, migration)) => Err(OpenError::Numbering {
            name: migration.name,
            place,
        }),
        None => Ok(()),
    }
}

fn checksums(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("select checksum from _migrations order by number")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn apply(connection: &mut Connection, migration: &Migration) -> Result<(), OpenError> {
    let name = migration.name;
    let failed = |source| OpenError::Migration { name, source };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    transaction.execute_batch(migration.sql).map_err(failed)?;
    let orphans = count_orphans(&transaction).map_err(failed)?;
    if orphans > 0 {
        return Err(OpenError::Orphans { name, orphans });
    }
    record(&transaction, migration).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    tracing::info!(migration.name = name, "applied migration {name}");
    Ok(())
}

fn count_orphans(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("select count(*) from pragma_foreign_key_check", [], |row| {
        row.get(0)
    })
}

fn record(connection: &Connection, migration: &Migration) -> rusqlite::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    connection.execute(
        "insert into _migrations (number, name, checksum, applied_at)
         values (:number, :name, :checksum, :applied_at)",
        named_params! {
            ":number": migration.number,
            ":name": migration.name,
            ":checksum": migration.checksum(),
            ":applied_at": now.as_millis() as i64,
        },
    )?;
    connection.pragma_update(None, "user_version", migration.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(number: u32, name: &'static str, sql: &'static str) -> Migration {
        Migration { number, name, sql }
    }

    const GROUPS: Migration = step(
        1,
        "0001_groups",
        "create table groups (id integer primary key) strict;",
    );
    const ROWS: Migration = step(
        2,
        "0002_rows",
        "create table rows (group_id integer not null references groups (id)) strict;
         insert into groups values (7);
         insert into rows values (7);",
    );

    fn run(connection: &mut Connection, migrations: &'static [Migration]) -> Result<(), String> {
        migrate(connection, &Options::new("x.db", migrations)).map_err(|error| error.to_string())
    }

    #[test]
    fn each_migration_is_applied_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[GROUPS]).unwrap();
        run(&mut connection, &[GROUPS, ROWS]).unwrap();
        run(&mut connection, &[GROUPS, ROWS]).unwrap();
        assert_eq!(version(&connection), Ok(2));
        let n_rows: u32 = connection
            .query_row("select count(*) from rows", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n_rows, 1);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[GROUPS, ROWS]).unwrap();
        let refusal = run(&mut connection, &[GROUPS]).unwrap_err();
        assert!(
            refusal.starts_with("the database is at schema 2, this binary knows up to 1: "),
            "{refusal}"
        );
    }

    #[test]
    fn a_changed_migration_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[GROUPS]).unwrap();
        const EDITED: Migration = step(1, "0001_groups", "create table groups (id integer) strict;");
        let refusal = run(&mut connection, &[EDITED]).unwrap_err();
        assert!(
            refusal.starts_with("migration 0001_groups is not the one"),
            "{refusal}"
        );
    }

    #[test]
    fn a_failing_migration_leaves_the_schema_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        const BROKEN: Migration = step(
            2,
            "0002_broken",
            "create table half (id integer); insert into no values (1);",
        );
        let refusal = run(&mut connection, &[GROUPS, BROKEN]).unwrap_err();
        assert_eq!(refusal, "migration 0002_broken failed: no such table: no");
        assert_eq!(version(&connection), Ok(1));
        assert!(!connection.table_exists(None, "half").unwrap());
        run(&mut connection, &[GROUPS, ROWS]).unwrap();
    }

    #[test]
    fn a_migration_that_orphans_rows_is_undone() {
        let mut connection = Connection::open_in_memory().unwrap();
        const ORPHANING: Migration = step(3, "0003_orphaning", "delete from groups;");
        let refusal = run(&mut connection, &[GROUPS, ROWS, ORPHANING]).unwrap_err();
        assert_eq!(
            refusal,
            "migration 0003_orphaning leaves 1 rows without the row they refer to"
        );
        assert_eq!(version(&connection), Ok(2));
    }

    #[test]
    fn a_rebuilt_table_keeps_the_rows_that_refer_to_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        const REBUILD: Migration = step(
            3,
            "0003_rebuild",
            "create table new_groups (id integer primary key, name text) strict;
             insert into new_groups (id) select id from groups;
             drop table groups;
             alter table new_groups rename to groups;",
        );
        run(&mut connection, &[GROUPS, ROWS, REBUILD]).unwrap();
        let keys: bool = connection
            .query_row("pragma foreign_keys", [], |row| row.get(0))
            .unwrap();
        assert!(keys);
    }

    #[test]
    fn a_gap_in_the_numbers_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        let refusal = run(&mut connection, &[ROWS]).unwrap_err();
        assert_eq!(
            refusal,
            "migration 0002_rows stands at place 1: number them 0001, 0002 … without a gap"
        );
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("create table theirs (id integer); pragma user_version = 1;")
            .unwrap();
        let refusal = run(&mut connection, &[GROUPS]).unwrap_err();
        assert!(refusal.contains("schema 1 but lists 0 migrations"), "{refusal}");
    }
}
