//! Opening: what is refused and in which words, and what the file looks like.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sqlite::rusqlite::{self, Connection};
use sqlite::{Migration, Options, Store};
use support::{MIGRATIONS, database, open, stored, write_row};

const TWO: &[Migration] = &[
    MIGRATIONS[0],
    Migration {
        number: 2,
        name: "0002_more",
        sql: "create table more (id integer);",
    },
];

fn refusal(options: Options) -> String {
    Store::open(options).expect_err("a refusal").to_string()
}

#[tokio::test]
async fn a_file_keeps_its_rows_and_gets_new_migrations() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    write_row(&store, 1).await.unwrap();
    store.close().await;
    let store = open(Options::new(&path, TWO));
    assert_eq!(stored(&store).await, [1]);
    store
        .write(|connection| connection.execute("insert into more values (1)", []))
        .await
        .unwrap();
    store.close().await;
    assert!(
        refusal(Options::new(&path, MIGRATIONS))
            .starts_with("the database is at schema 2, this binary knows up to 1")
    );
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_has_closed() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    let refusal = refusal(Options::new(&path, MIGRATIONS));
    assert!(
        refusal.contains("test.db is in use by another process: stop that one first"),
        "{refusal}"
    );
    store.close().await;
    open(Options::new(&path, MIGRATIONS)).close().await;
}

#[test]
fn a_file_of_something_else_is_refused() {
    let (_directory, path) = database();
    fs::write(&path, "this is a letter, not a database. ".repeat(100)).unwrap();
    let refusal = refusal(Options::new(&path, MIGRATIONS));
    assert!(refusal.ends_with("test.db is not a SQLite database"), "{refusal}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let (directory, _) = database();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let refusal = refusal(Options::new(file.join("test.db"), MIGRATIONS));
    assert!(refusal.contains("/file: "), "{refusal}");
}

#[tokio::test]
async fn the_files_are_for_us_alone_and_in_the_promised_mode() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    write_row(&store, 1).await.unwrap();
    for name in ["test.db", "test.db-wal", "test.db-shm", "test.db.lock"] {
        let mode = fs::metadata(path.with_file_name(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let pragmas = store.write(|connection| -> rusqlite::Result<_> {
        [
            "journal_mode",
            "synchronous",
            "auto_vacuum",
            "foreign_keys",
            "journal_size_limit",
        ]
        .map(|name| connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
    });
    let expected: [rusqlite::types::Value; 5] = [
        "wal".to_owned().into(),
        2.into(),
        2.into(),
        1.into(),
        (16 << 20).into(),
    ];
    assert_eq!(pragmas.await.unwrap(), expected);
    store.close().await;
}

#[tokio::test]
async fn functions_are_registered_on_every_connection() {
    fn register(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("pragma case_sensitive_like = on")
    }
    let (_directory, path) = database();
    let store = open(Options {
        on_connect: Some(register),
        ..Options::new(path, MIGRATIONS)
    });
    let likes = |connection: &Connection| -> rusqlite::Result<bool> {
        connection.query_row("select 'A' like 'a'", [], |row| row.get(0))
    };
    assert!(!store.read(likes).await.unwrap());
    assert!(!store.write(likes).await.unwrap());
    store.close().await;
}
