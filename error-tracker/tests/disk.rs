//! The disk is full: writes are refused in so many words, reads go on, and all is well again once there is space.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::{Connection, OpenFlags};
use testkit::{Answer, Client, Launch, json};
use tokio::task::JoinSet;
use web::StatusCode;

const N_CLIENTS: usize = 8;
/// Refusals each client sees while the disk is full: more than one could be luck.
const N_REFUSALS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_to_clients_and_survived() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_error-tracker")).env("RATE_LIMIT_KEY", 0);
    let mount_point = launch.folder().join("disk");
    let launch = launch.database(mount_point.join("test.db"));
    let disk = match SmallDisk::mount(mount_point) {
        Ok(disk) => disk,
        Err(reason) => {
            return testkit::skip(&format!("a full disk needs the right to mount a tmpfs: {reason}"));
        }
    };
    let server = launch.start().await;
    let mut client = server.client();
    let mut acknowledged: HashSet<String> = HashSet::new();
    assert_eq!(
        post(&mut client, "First", &mut acknowledged).await.status,
        StatusCode::CREATED
    );

    let ballast = disk.fill();
    let mut clients = JoinSet::new();
    for number in 0..N_CLIENTS {
        clients.spawn(post_until_refused(server.client(), format!("Full{number}x")));
    }
    while let Some(seen) = clients.join_next().await {
        acknowledged.extend(seen.unwrap());
        let list = client.get("/api/errors").await;
        assert_eq!(list.status, StatusCode::OK, "reads go on: {}", list.text());
    }
    let list = client.get("/api/errors").await.json();
    assert_eq!(
        list["total"],
        acknowledged.len(),
        "nothing but what was acknowledged is there"
    );

    fs::remove_file(ballast).unwrap();
    let answer = post(&mut client, "After", &mut acknowledged).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");
    assert!(sqlite::check(launch.database_path()).unwrap().is_whole());
    assert_eq!(stored(launch.database_path()), acknowledged);
}

async fn post_until_refused(mut client: Client, name: String) -> HashSet<String> {
    let mut acknowledged = HashSet::new();
    let mut n_refusals = 0;
    for number in 0.. {
        let answer = post(&mut client, &format!("{name}{number}"), &mut acknowledged).await;
        if !answer.status.is_success() {
            let is_told = matches!(
                answer.status,
                StatusCode::INSUFFICIENT_STORAGE | StatusCode::SERVICE_UNAVAILABLE
            );
            assert!(is_told, "{}: {}", answer.status, answer.text());
            assert!(!answer.detail().is_empty(), "{}", answer.text());
            assert!(
                answer.header("retry-after").parse::<u32>().is_ok(),
                "{:?}",
                answer.headers
            );
            n_refusals += 1;
        }
        if n_refusals == N_REFUSALS {
            break;
        }
    }
    acknowledged
}

/// A report of a type of its own with 8 KB of text.
async fn post(client: &mut Client, kind: &str, acknowledged: &mut HashSet<String>) -> Answer {
    let traceback = format!("{kind}\n{}", "line of a log\n".repeat(600));
    let body = json!({"project": "shop", "exception_type": kind, "message": "no", "traceback": traceback});
    let answer = client.post("/api/errors", body.to_string()).await;
    if answer.status.is_success() {
        acknowledged.insert(kind.to_owned());
    }
    answer
}

fn stored(path: &Path) -> HashSet<String> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection
        .prepare(
            "select exception_type from groups join first_reports on group_id = id where n_occurrences = 1",
        )
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A file system of 8 MB. Dropped, it is unmounted, also when a test fails.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Result<Self, String> {
        fs::create_dir(&at).map_err(|cause| cause.to_string())?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(&at)
            .output()
            .map_err(|cause| cause.to_string())?;
        if output.status.success() {
            return Ok(Self(at));
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// A file that takes nearly all that is left: some reports still fit, then no more.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut ballast = File::create(&path).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        let n_bytes = ballast.metadata().unwrap().len();
        ballast.set_len(n_bytes - (1 << 20)).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
