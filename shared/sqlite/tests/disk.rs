//! Disks that are full or fail: what callers are told, and what is left afterwards.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use sqlite::rusqlite::{self, Connection};
use sqlite::{Options, WriteError};
use support::{MIGRATIONS, Written, database, hold, insert_body, open, stored, until_queued, write_row};

async fn write_block(store: &sqlite::Store, id: i64) -> Written<()> {
    store
        .write(move |connection| insert_body(connection, id, &[7; 16 << 10]))
        .await
}

/// A small file system of its own.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<SmallDisk<'a>> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let (directory, _) = database();
    let Some(_disk) = SmallDisk::mount(directory.path()) else {
        println!("skipped: a full disk needs the right to mount a tmpfs");
        return;
    };
    let ballast = directory.path().join("ballast");
    fs::write(&ballast, vec![0; 5 << 20]).unwrap();
    let path = directory.path().join("test.db");
    let store = open(Options::new(&path, MIGRATIONS));
    let mut kept = Vec::new();
    let mut id = 0;
    let error = loop {
        id += 1;
        match write_block(&store, id).await {
            Ok(()) => kept.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WriteError::DiskFull), "{error:?} after {id} rows");
    // The last bytes too, so that not even one page fits.
    let mut rest = fs::File::create(directory.path().join("rest")).unwrap();
    while rest.write_all(&[0; 512]).is_ok() {}
    // A row that failed may have left the WAL file room for some probes.
    let reason = loop {
        if let Err(reason) = store.ready().await {
            break reason;
        }
    };
    assert_eq!(reason.to_string(), "the disk is full");
    assert_eq!(stored(&store).await, kept, "reads go on");
    assert!(store.stats().failed_commits >= 2);

    fs::remove_file(&ballast).unwrap();
    assert_eq!(store.ready().await, Ok(()));
    write_block(&store, id + 1).await.unwrap();
    kept.push(id + 1);
    assert_eq!(stored(&store).await, kept);
    store.close().await;
    assert!(sqlite::check(&path).unwrap().is_whole());
}

#[tokio::test]
async fn a_batch_that_sqlite_throws_away_is_told_so_and_the_next_jobs_are_stored() {
    fn limit(connection: &Connection) -> rusqlite::Result<()> {
        let n_pages: u32 = connection.query_row("pragma page_count", [], |row| row.get(0))?;
        connection.query_row(
            &format!("pragma max_page_count = {}", n_pages.max(40)),
            [],
            |_| Ok(()),
        )
    }
    let (_directory, path) = database();
    let store = open(Options {
        on_connect: Some(limit),
        ..Options::new(path, MIGRATIONS)
    });
    let held = hold(&store).await;
    let job = |id: i64, n_bytes: usize| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .write(move |connection| insert_body(connection, id, &vec![7; n_bytes]))
                .await
        })
    };
    let (before, too_large, after) = (job(1, 10), job(2, 1 << 20), job(3, 10));
    until_queued(&store, 3).await;
    held.let_go().await;

    assert!(matches!(before.await.unwrap(), Err(WriteError::DiskFull)));
    assert!(matches!(too_large.await.unwrap(), Err(WriteError::DiskFull)));
    after.await.unwrap().unwrap();
    assert_eq!(stored(&store).await, [3]);
    store.close().await;
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_itself_is_found_out() {
    let (_directory, path) = database();
    let store = open(Options::new(path, MIGRATIONS));
    let error = store
        .write(|connection| connection.execute_batch("rollback"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "storage: SQLite rolled the whole transaction back"
    );
    write_row(&store, 1).await.unwrap();
    assert_eq!(stored(&store).await, [1]);
    store.close().await;
}

/// Runs one ignored test of this file in a process of its own, on `path`, with system calls failing as told.
fn with_faults(test: &str, path: &Path, faults: &str) -> Option<(bool, String)> {
    let output = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync,pwrite64",
            "-e",
        ])
        .arg(format!("inject={faults}"))
        .arg(std::env::current_exe().ok()?)
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("DATABASE", path)
        .output()
        .ok()?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Some((output.status.success(), text.concat()))
}

#[tokio::test]
async fn after_one_io_error_at_a_commit_no_write_is_promised_any_more() {
    // One call fails, and it would succeed again: whoever tried again would believe it. The last two: all later ones too.
    for faults in [
        "fsync,fdatasync:error=EIO:when=20",
        "fsync,fdatasync:error=EIO:when=33",
        "pwrite64:error=EIO:when=200",
        "fsync,fdatasync:error=EIO:when=20+",
        "pwrite64:error=EIO:when=301+",
    ] {
        let (_directory, path) = database();
        let Some((is_well, text)) = with_faults("writes_until_the_store_fails", &path, faults) else {
            return println!("skipped: failing system calls need strace");
        };
        assert!(is_well, "{faults}: {text}");
        let kept = text.lines().find_map(|line| line.strip_prefix("kept: "));
        let n_kept: i64 = kept
            .and_then(|n_kept| n_kept.parse().ok())
            .expect("the number of rows kept");

        let store = open(Options::new(&path, MIGRATIONS));
        let rows = stored(&store).await;
        assert!(
            rows.starts_with(&Vec::from_iter(1..=n_kept)),
            "{faults}: {n_kept} of {rows:?}"
        );
        assert!(
            rows.len() as i64 <= n_kept + 1,
            "{faults}: refused rows are there: {rows:?}"
        );
        store.close().await;
        assert!(sqlite::check(&path).unwrap().is_whole());
    }
}

#[tokio::test]
#[ignore = "run under strace by the test above"]
async fn writes_until_the_store_fails() {
    let path = std::env::var_os("DATABASE").expect("the test above sets it");
    let store = open(Options::new(path, MIGRATIONS));
    let mut id = 0;
    let error = loop {
        id += 1;
        if let Err(error) = write_row(&store, id).await {
            break error;
        }
    };
    assert!(matches!(error, WriteError::Storage(_)), "{error:?}");
    let reason = store.failed().await;
    assert!(matches!(write_row(&store, id + 1).await, Err(WriteError::Storage(same)) if same == reason));
    assert_eq!(
        store.ready().await.unwrap_err().to_string(),
        format!("storage: {reason}")
    );
    assert!(stored(&store).await.len() as i64 >= id - 1, "reads go on");
    store.close().await;
    println!("\nrefused: {reason}\nkept: {}", id - 1);
}
