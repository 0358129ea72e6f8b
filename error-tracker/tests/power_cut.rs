//! The power fails under load: what was acknowledged must be on the disk. The disk is a file with ext4 in it, and
//! the cut is the file system's own emergency stop, after which nothing that was not synced gets there.
//! A kill cannot show this: the kernel still writes what a dead process left with it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: they may panic, and print the seed"
)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use rusqlite::{Connection, OpenFlags};
use testkit::{Client, Launch, Server, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use web::{Method, StatusCode};

const ROUNDS: u64 = 50;
/// Cuts in which the control must lose something. Where this was tried, 28 of 30 did.
const MAX_CONTROL_ROUNDS: u64 = 100;
const N_CLIENTS: u64 = 16;
/// Acknowledgements before the cut: at most this many.
const MAX_ACKNOWLEDGED: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut() {
    let Some(mut trial) = Trial::begin("full") else {
        return;
    };
    for round in 0..ROUNDS {
        let lost = trial.cut_power_under_load(round).await;
        assert_eq!(lost, [""; 0], "acknowledged, and lost in round {round}");
    }
    let (n_acknowledged, n_refused) = (trial.acknowledged.len() as u64, trial.n_refused);
    println!("{ROUNDS} cuts, {n_acknowledged} acknowledged, none lost, {n_refused} refused with 503");
    assert!(
        n_acknowledged > ROUNDS * 20 && n_refused > ROUNDS,
        "the cuts came under load"
    );
}

/// The control: were nothing lost here, the test above would prove nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sync_at_each_commit_a_power_cut_does_lose_what_was_acknowledged() {
    let Some(mut trial) = Trial::begin("normal") else {
        return;
    };
    for round in 0..MAX_CONTROL_ROUNDS {
        let lost = trial.cut_power_under_load(round).await;
        if !lost.is_empty() {
            let n_acknowledged = trial.acknowledged.len();
            println!(
                "cut {}: {} of {n_acknowledged} acknowledged were lost",
                round + 1,
                lost.len()
            );
            return;
        }
    }
    panic!("nothing was lost in {MAX_CONTROL_ROUNDS} cuts: these power cuts are none");
}

/// A disk, the service on it, and what the service promised.
struct Trial {
    /// Goes first: the folder of `launch` cannot be removed while it is mounted.
    disk: Disk,
    launch: Launch,
    random: Random,
    acknowledged: HashSet<String>,
    /// Clients that were told 503 after a cut; the others were hung up on.
    n_refused: u64,
}

impl Trial {
    /// None where this machine cannot cut the power of a disk.
    fn begin(synchronous: &str) -> Option<Self> {
        let launch = Launch::new(env!("CARGO_BIN_EXE_error-tracker"));
        let disk = match Disk::make(launch.folder()) {
            Ok(disk) => disk,
            Err(reason) => {
                testkit::skip(&format!("a power cut needs a disk of its own: {reason}"));
                return None;
            }
        };
        let launch = launch
            .database(disk.mount_point.join("test.db"))
            .env("RATE_LIMIT_KEY", 0)
            .env("SYNCHRONOUS", synchronous);
        Some(Self {
            disk,
            launch,
            random: Random::from_environment(),
            acknowledged: HashSet::new(),
            n_refused: 0,
        })
    }

    /// Returns what was acknowledged, now or before, and is not there afterwards.
    async fn cut_power_under_load(&mut self, round: u64) -> Vec<String> {
        self.disk.mount().unwrap();
        let server = self.launch.start().await;
        self.load_until_cut(&server, round).await;
        // It must not go on and promise what it cannot keep.
        let (status, log) = server.ended().await;
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("storage failed"), "{log}");
        self.disk.unmount();

        self.disk.mount().unwrap();
        let path = self.launch.database_path();
        assert!(
            sqlite::check(path).unwrap().is_whole(),
            "{:?}",
            sqlite::check(path)
        );
        let stored = stored(path);
        self.disk.unmount();
        self.acknowledged
            .iter()
            .filter(|kind| !stored.contains(*kind))
            .cloned()
            .collect()
    }

    /// Clients post until they are refused; after a random number of answers the power goes.
    async fn load_until_cut(&mut self, server: &Server, round: u64) {
        let n_left = Arc::new(Countdown::new(1 + self.random.below(MAX_ACKNOWLEDGED)));
        let mut clients = JoinSet::new();
        for number in 0..N_CLIENTS {
            let name = format!("Round{round}x{number}x");
            clients.spawn(post_until_refused(server.client(), name, n_left.clone()));
        }
        n_left.over.notified().await;
        n_left.is_cut.store(true, Relaxed);
        self.disk.cut_power();
        while let Some(seen) = clients.join_next().await {
            let (acknowledged, is_refused) = seen.unwrap();
            self.acknowledged.extend(acknowledged);
            self.n_refused += u64::from(is_refused);
        }
    }
}

/// Returns what was acknowledged, and whether it ended with a 503.
async fn post_until_refused(mut client: Client, name: String, n_left: Arc<Countdown>) -> (Vec<String>, bool) {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let kind = format!("{name}{number}");
        let sent = client.try_send(Method::POST, "/api/errors", &[], report(&kind));
        // Once it has ended, nobody answers.
        let Ok(answer) = sent.await else {
            return (acknowledged, false);
        };
        if answer.status != StatusCode::CREATED {
            assert_eq!(
                answer.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{}",
                answer.text()
            );
            assert!(!answer.detail().is_empty() && !answer.header("retry-after").is_empty());
            return (acknowledged, true);
        }
        // Of a real cut nobody hears a later answer. Here the emergency stop drops the journal under a sync that
        // has begun, which ext4 then reports as done.
        if !n_left.is_cut.load(Relaxed) {
            acknowledged.push(kind);
        }
        n_left.tick();
    }
    unreachable!("the numbers do not end")
}

fn report(kind: &str) -> String {
    let traceback =
        format!("Traceback (most recent call last):\n  File \"/srv/{kind}.py\", line 7, in pay\n{kind}: no");
    json!({"project": "shop", "exception_type": kind, "message": "no", "traceback": traceback}).to_string()
}

/// Types of the groups that are there, each with its first report and its occurrence.
fn stored(path: &Path) -> HashSet<String> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    if !connection.table_exists(None, "groups").unwrap() {
        // Even the schema went with the first cut: seen in the control alone.
        return HashSet::new();
    }
    let mut statement = connection
        .prepare(
            "select exception_type
             from groups
             join first_reports on first_reports.group_id = groups.id
             where 1 = (select count(*) from occurrences where group_id = groups.id)
                       + (select count(*) from journal where group_id = groups.id and seq > groups.folded_seq)",
        )
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Tells when a number of events has been seen.
struct Countdown {
    n_left: AtomicU64,
    /// Set before the power goes: an answer from here on promises nothing.
    is_cut: AtomicBool,
    over: Notify,
}

impl Countdown {
    fn new(n: u64) -> Self {
        Self {
            n_left: AtomicU64::new(n),
            is_cut: AtomicBool::new(false),
            over: Notify::new(),
        }
    }

    fn tick(&self) {
        if self.n_left.fetch_sub(1, Relaxed) == 1 {
            self.over.notify_one();
        }
    }
}

/// ext4 in a file. Dropped, it is unmounted, also when a test fails.
struct Disk {
    image: PathBuf,
    mount_point: PathBuf,
}

impl Disk {
    const BYTES: u64 = 256 << 20;

    /// Made and tried once; `Err` says what this machine lacks.
    fn make(folder: &Path) -> Result<Self, String> {
        let disk = Self {
            image: folder.join("disk.ext4"),
            mount_point: folder.join("disk"),
        };
        let failed = |cause: std::io::Error| cause.to_string();
        std::fs::create_dir(&disk.mount_point).map_err(failed)?;
        std::fs::File::create(&disk.image)
            .and_then(|file| file.set_len(Self::BYTES))
            .map_err(failed)?;
        run(Command::new("xfs_io").arg("-V"))?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image))?;
        disk.mount()?;
        disk.unmount();
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .args([&self.image, &self.mount_point]))
        .map(drop)
    }

    /// Nothing reaches the disk from now on, not even the journal.
    fn cut_power(&self) {
        run(Command::new("xfs_io")
            .args(["-x", "-c", "shutdown"])
            .arg(&self.mount_point))
        .unwrap();
    }

    fn unmount(&self) {
        run(Command::new("umount").arg(&self.mount_point)).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Not mounted in most cases. Lazily, since a failed test may leave the service running on it for a moment.
        let _ = Command::new("umount").arg("-l").arg(&self.mount_point).output();
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|cause| format!("{name}: {cause}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// SplitMix64 <https://prng.di.unimi.it/splitmix64.c>: a seed prints, and repeats a run's choices.
struct Random(u64);

impl Random {
    /// From `MONLIGHT_SEED`, else from the clock; printed, which shows when the test fails.
    fn from_environment() -> Self {
        let seed = std::env::var("MONLIGHT_SEED").ok().map_or_else(
            || std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
            |seed| seed.parse().unwrap(),
        );
        println!("MONLIGHT_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
