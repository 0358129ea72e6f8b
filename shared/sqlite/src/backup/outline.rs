//! What two databases must have in common for one to be a copy of the other, and how many rows each table has.
//! An integrity check alone is happy with an empty file.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::TableRows;
use crate::migrate::version;

/// What the copy must have too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) schema: u32,
    /// The SQL of every table, index, view and trigger by name.
    definitions: BTreeMap<String, Option<String>>,
    /// Tables that have rows.
    pub(super) filled: Vec<String>,
}

impl Outline {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Outline> {
        let mut definitions = connection.prepare("select name, sql from sqlite_schema")?;
        let definitions = definitions.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut filled = Vec::new();
        for table in tables(connection)? {
            let sql = format!("select exists (select 1 from {})", quoted(&table));
            if connection.query_row(&sql, [], |row| row.get(0))? {
                filled.push(table);
            }
        }
        Ok(Outline {
            schema: version(connection)?,
            definitions: definitions.collect::<Result<_, _>>()?,
            filled,
        })
    }
    /// What `copy` lacks, in words, if anything.
    pub(super) fn lost_in(&self, copy: &Outline) -> Option<String> {
        if copy.schema != self.schema {
            return Some(format!(
                "its schema is {} instead of {}",
                copy.schema, self.schema
            ));
        }
        if copy.definitions != self.definitions {
            return Some("its tables or indexes are not the same".to_owned());
        }
        let emptied = self.filled.iter().find(|table| !copy.filled.contains(table));
        emptied.map(|table| format!("its table {table} is empty"))
    }
}

pub(crate) fn count(connection: &Connection) -> rusqlite::Result<Vec<TableRows>> {
    let rows = tables(connection)?.into_iter().map(|name| {
        let sql = format!("select count(*) from {}", quoted(&name));
        let n_rows: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(TableRows {
            name,
            n_rows: n_rows.unsigned_abs(),
        })
    });
    rows.collect()
}

/// Tables that hold rows of their own, with those behind full-text indexes, without SQLite's.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "select name from pragma_table_list
         where schema = 'main' and type in ('table', 'shadow') and name not like 'sqlite\\_%' escape '\\'
         order by name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(sql: &str) -> Outline {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        Outline::of(&connection).unwrap()
    }

    #[test]
    fn a_copy_that_lacks_something_is_noticed() {
        let whole = outline("create table t (id); create index t_id on t (id); insert into t values (1);");
        let check = |sql, expected: Option<&str>| {
            assert_eq!(whole.lost_in(&outline(sql)).as_deref(), expected, "{sql}");
        };
        check(
            "create table t (id); create index t_id on t (id); insert into t values (2);",
            None,
        );
        check(
            "create table t (id); create index t_id on t (id);",
            Some("its table t is empty"),
        );
        check(
            "create table t (id); insert into t values (1);",
            Some("its tables or indexes are not the same"),
        );
        check("", Some("its tables or indexes are not the same"));
        check("pragma user_version = 3", Some("its schema is 3 instead of 0"));
    }

    #[test]
    fn full_text_tables_are_counted_by_what_they_store() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("create virtual table words using fts5 (word); insert into words values ('a');")
            .unwrap();
        let names: Vec<String> = count(&connection)
            .unwrap()
            .into_iter()
            .map(|table| table.name)
            .collect();
        assert!(names.contains(&"words_content".to_owned()), "{names:?}");
        assert!(!names.contains(&"words".to_owned()), "{names:?}");
    }
}
