//! A backup in the place of a database: what is kept, and what is refused.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use sqlite::rusqlite::Connection;
use sqlite::{Migration, OpenError, Options, RestoreError, backup, check, restore};
use support::{MIGRATIONS, database, insert, open, stored, write_row};

/// A backup of a database with the rows `1..=n`, beside it.
async fn backed_up(path: &Path, n: i64) -> PathBuf {
    let store = open(Options::new(path, MIGRATIONS));
    let fill = move |connection: &Connection| (1..=n).try_for_each(|id| insert(connection, id));
    store.write(fill).await.expect("the rows are written");
    store.close().await;
    let copy = path.with_extension("copy");
    backup(path, &copy).expect("the backup is made");
    copy
}

#[tokio::test]
async fn the_rows_come_back_and_what_was_there_is_kept() {
    let (_directory, path) = database();
    let copy = backed_up(&path, 5).await;
    let store = open(Options::new(&path, MIGRATIONS));
    write_row(&store, 6).await.unwrap();
    store.close().await;

    let report = restore(&copy, &path, MIGRATIONS).unwrap();
    let replaced = report.replaced.unwrap();
    assert_eq!(replaced, path.with_extension("db.replaced-1"));
    let rows = report.tables.iter().find(|table| table.name == "rows").unwrap();
    assert_eq!((rows.n_rows, report.schema), (5, 1));
    let store = open(Options::new(&path, MIGRATIONS));
    assert_eq!(stored(&store).await, [1, 2, 3, 4, 5]);
    store.close().await;
    let store = open(Options::new(&replaced, MIGRATIONS));
    assert_eq!(stored(&store).await.len(), 6);
    store.close().await;

    let again = restore(&copy, &path, MIGRATIONS).unwrap();
    assert_eq!(again.replaced, Some(path.with_extension("db.replaced-2")));
}

#[tokio::test]
async fn a_log_left_by_a_crash_goes_with_its_database() {
    let (directory, path) = database();
    let copy = backed_up(&path, 1).await;
    // As kill -9 leaves it: rows that are in the log only.
    let (live, crashed) = (
        directory.path().join("live.db"),
        directory.path().join("crashed.db"),
    );
    let store = open(Options::new(&live, MIGRATIONS));
    write_row(&store, 7).await.unwrap();
    for part in ["", "-wal"] {
        let of = |path: &Path| PathBuf::from(format!("{}{part}", path.display()));
        fs::copy(of(&live), of(&crashed)).unwrap();
    }
    store.close().await;
    assert!(
        fs::metadata(directory.path().join("crashed.db-wal"))
            .unwrap()
            .len()
            > 0
    );

    let report = restore(&copy, &crashed, MIGRATIONS).unwrap();
    let store = open(Options::new(&crashed, MIGRATIONS));
    assert_eq!(stored(&store).await, [1]);
    store.close().await;
    let store = open(Options::new(report.replaced.unwrap(), MIGRATIONS));
    assert_eq!(stored(&store).await, [7]);
    store.close().await;
}

#[tokio::test]
async fn a_new_place_needs_no_database() {
    let (directory, path) = database();
    let copy = backed_up(&path, 3).await;
    let elsewhere = directory.path().join("elsewhere/test.db");
    assert_eq!(restore(&copy, &elsewhere, MIGRATIONS).unwrap().replaced, None);
    assert!(check(&elsewhere).unwrap().is_whole());
}

#[tokio::test]
async fn a_running_service_is_not_touched() {
    let (_directory, path) = database();
    let copy = backed_up(&path, 3).await;
    let store = open(Options::new(&path, MIGRATIONS));
    write_row(&store, 4).await.unwrap();
    let refusal = restore(&copy, &path, MIGRATIONS).unwrap_err();
    assert!(
        matches!(refusal, RestoreError::Open(OpenError::Locked { .. })),
        "{refusal}"
    );
    assert_eq!(stored(&store).await.len(), 4);
    store.close().await;
}

const NEWER: &[Migration] = sqlite::migrations![
    "0001_rows",
    "0002_more" = "create table more (id integer) strict;"
];
const OTHERS: &[Migration] = sqlite::migrations!["0001_rows" = "create table others (id integer) strict;"];

#[tokio::test]
async fn what_is_no_backup_of_this_service_is_refused_and_changes_nothing() {
    let (directory, path) = database();
    let copy = backed_up(&path, 400).await;
    let check_refused = |file: &Path, migrations, words: &str| {
        let refusal = restore(file, &path, migrations).unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    };
    check_refused(&directory.path().join("nowhere"), MIGRATIONS, "No such file");
    check_refused(&copy, OTHERS, "is not the one this database was made with");
    check_refused(&copy, &NEWER[..0], "this binary knows up to 0");

    let file = |name: &str, bytes: &[u8]| {
        let file = directory.path().join(name);
        fs::write(&file, bytes).unwrap();
        file
    };
    let letter = file(
        "letter",
        "this is a letter, not a database. ".repeat(100).as_bytes(),
    );
    check_refused(&letter, MIGRATIONS, "not a SQLite database");
    check_refused(
        &file("empty", b""),
        MIGRATIONS,
        "it is not a file of this program",
    );
    let mut bytes = fs::read(&copy).unwrap();
    let length = bytes.len();
    bytes[length - 4096..].fill(0x5a);
    assert!(restore(&file("damaged", &bytes), &path, MIGRATIONS).is_err());
    assert!(restore(&file("cut", &bytes[..length / 2]), &path, MIGRATIONS).is_err());
    let live = file("live", &fs::read(&copy).unwrap());
    file("live-wal", b"frames");
    check_refused(&live, MIGRATIONS, "-wal beside it");

    let names = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let store = open(Options::new(&path, MIGRATIONS));
    assert_eq!(stored(&store).await.len(), 400);
    store.close().await;
}

#[tokio::test]
async fn an_older_copy_is_brought_up_at_the_next_start() {
    let (_directory, path) = database();
    let copy = backed_up(&path, 2).await;
    assert_eq!(restore(&copy, &path, NEWER).unwrap().schema, 1);
    let store = open(Options::new(&path, NEWER));
    assert_eq!(stored(&store).await, [1, 2]);
    store.close().await;
    assert_eq!(check(&path).unwrap().schema, 2);
}
