//! Backups of a store that is being written, and what is refused.

mod support;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sqlite::rusqlite::Connection;
use sqlite::{BackupError, Options, Synchronous, backup, check};
use support::{MIGRATIONS, database, ids, insert, open, stored, write_row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_every_row_answered_before_it_began() {
    let (directory, path) = database();
    let store = open(Options {
        synchronous: Synchronous::Normal,
        ..Options::new(&path, MIGRATIONS)
    });
    let is_over = Arc::new(AtomicBool::new(false));
    let (halfway, is_halfway) = tokio::sync::oneshot::channel();
    let writing = tokio::spawn({
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        async move {
            let mut halfway = Some(halfway);
            let mut id = 0;
            while !is_over.load(Relaxed) {
                id += 1;
                write_row(&store, id).await.unwrap();
                if id == 2_000 {
                    halfway.take().map(|halfway| halfway.send(()));
                }
            }
            id
        }
    });
    is_halfway.await.unwrap();
    let before = stored(&store).await;
    let target = directory.path().join("copy.db");
    let report = tokio::task::spawn_blocking({
        let (path, target) = (path.clone(), target.clone());
        move || backup(&path, &target)
    });
    let report = report.await.unwrap().unwrap();
    is_over.store(true, Relaxed);
    let last = writing.await.unwrap();

    let copied = ids(&Connection::open(&target).unwrap()).unwrap();
    assert!(copied.len() >= before.len() && copied.len() as i64 <= last);
    assert_eq!(
        copied,
        Vec::from_iter(1..=copied.len() as i64),
        "rows are missing in between"
    );
    let rows = report.tables.iter().find(|table| table.name == "rows").unwrap();
    assert_eq!(rows.n_rows, copied.len() as u64);
    assert_eq!(
        (report.schema, report.bytes),
        (1, fs::metadata(&target).unwrap().len())
    );
    assert!(check(&target).unwrap().is_whole());
    assert!(store.stats().last_backup.is_some());
    store.close().await;

    let restored = open(Options::new(&target, MIGRATIONS));
    write_row(&restored, last + 1).await.unwrap();
    assert_eq!(stored(&restored).await.len(), copied.len() + 1);
    restored.close().await;
}

#[tokio::test]
async fn an_existing_target_is_refused_and_kept() {
    let (directory, path) = database();
    open(Options::new(&path, MIGRATIONS)).close().await;
    let target = directory.path().join("copy.db");
    fs::write(&target, "precious").unwrap();
    let error = backup(&path, &target).unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[tokio::test]
async fn a_failed_backup_leaves_nothing() {
    let (directory, path) = database();
    let target = directory.path().join("copy.db");
    backup(&path, &target).unwrap_err();
    fs::write(&path, "this is a letter, not a database. ".repeat(100)).unwrap();
    backup(&path, &target).unwrap_err();
    let names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["test.db"]);
}

#[tokio::test]
async fn a_stopped_store_can_be_backed_up_and_the_copy_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    write_row(&store, 1).await.unwrap();
    store.close().await;
    let target = directory.path().join("copy.db");
    let report = backup(&path, &target).unwrap();
    assert!(report.n_rows() >= 1);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_damaged_database_is_found_out_and_not_backed_up() {
    let (directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    let fill = |connection: &Connection| (1..=5_000).try_for_each(|id| insert(connection, id));
    store.write(fill).await.unwrap();
    store.close().await;
    assert!(check(&path).unwrap().is_whole());

    let mut bytes = fs::read(&path).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    assert!(check(&path).map_or(true, |report| !report.is_whole()));
    let target = directory.path().join("copy.db");
    backup(&path, &target).unwrap_err();
    assert!(!target.exists());
}

#[tokio::test]
async fn rows_that_refer_to_nothing_are_listed() {
    let (_directory, path) = database();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "pragma foreign_keys = off;
             create table parents (id integer primary key);
             create table children (id integer primary key, parent_id integer references parents (id));
             insert into children values (3, 9);",
        )
        .unwrap();
    let report = check(&path).unwrap();
    assert_eq!(report.orphans, ["children 3 -> parents"]);
    assert!(!report.is_whole());
}
