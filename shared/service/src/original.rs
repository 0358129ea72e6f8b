//! A database of the original Monlight, to be taken over. Only read, and as it is at one moment.

use std::path::Path;

use sqlite::rusqlite::{self, Connection, OpenFlags, OptionalExtension};

/// One of the original's four databases.
pub struct Original {
    connection: Connection,
    source: String,
}

impl Original {
    /// Opens the file, which must have all of these tables. `Err` says what it is instead.
    pub(crate) fn open(file: &Path, tables: &[&str]) -> Result<Self, String> {
        let failed = |cause: rusqlite::Error| format!("{} cannot be read: {cause}", file.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
        connection.execute_batch("begin").map_err(failed)?;
        for table in tables {
            let found = connection
                .query_row(
                    "select 1 from sqlite_schema where type = 'table' and name = ?1",
                    [table],
                    |_| Ok(()),
                )
                .optional()
                .map_err(failed)?;
            if found.is_none() {
                return Err(format!(
                    "{} has no table '{table}', so it is no database of the original service",
                    file.display()
                ));
            }
        }
        Ok(Self {
            source: name(&connection, file, tables[0]).map_err(failed)?,
            connection,
        })
    }

    /// For queries.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// By which this database is known again; see [`sqlite::imports`].
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Its path and its first row: another machine's database may come to the same path later.
fn name(connection: &Connection, file: &Path, table: &str) -> rusqlite::Result<String> {
    let path = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    // The table's name is one of ours.
    let first = connection
        .query_row(&format!("select * from {table} order by id limit 1"), [], |row| {
            let n_columns = row.as_ref().column_count().min(4);
            let values = (0..n_columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?)));
            values.collect::<rusqlite::Result<Vec<_>>>()
        })
        .optional()?;
    Ok(format!(
        "{} {}",
        path.display(),
        first.unwrap_or_default().join(" ")
    ))
}

/// Unix milliseconds of the original's times, `2026-11-20T10:04:09Z`, fractions and offsets of clients included.
pub fn original_time(text: &str) -> Option<i64> {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    let text = text.trim().replacen(' ', "T", 1);
    let time = OffsetDateTime::parse(&text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339));
    time.ok()
        .map(|time| (time.unix_timestamp_nanos() / 1_000_000) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_the_original_stored() {
        let check = |text: &str, expected| assert_eq!(original_time(text), expected, "{text}");
        check("1970-01-01T00:00:01Z", Some(1000));
        check("1970-01-01T00:00:01.5Z", Some(1500));
        check("1970-01-01 00:00:01", Some(1000));
        check("1970-01-01T01:00:01+01:00", Some(1000));
        check("yesterday", None);
    }
}
