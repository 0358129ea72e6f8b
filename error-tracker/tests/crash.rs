//! The process is killed at random moments under load: what it had acknowledged must be there, once.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: they may panic, and print the seed"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::{Connection, OpenFlags};
use testkit::{Client, Launch, Server, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use web::Method;

const ROUNDS: u64 = 100;
const N_CLIENTS: u64 = 16;
/// Types that all clients report again and again; every other report has a type of its own.
const N_REPEATED: u64 = 8;
/// Requests and acknowledgements, counted together, before the kill: at most this many.
const MAX_EVENTS: u64 = 400;
const KEEP_OCCURRENCES: i64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let mut random = Random::from_environment();
    let launch = Launch::new(env!("CARGO_BIN_EXE_error-tracker"))
        .env("RATE_LIMIT_KEY", 0)
        .env("KEEP_OCCURRENCES", KEEP_OCCURRENCES);
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        let server = launch.start().await;
        ledger.add(load_until_killed(server, round, &mut random).await);
        check(launch.database_path(), &ledger);
    }
    let n_acknowledged: u64 = ledger.reports.values().map(|entry| entry.n_acknowledged).sum();
    let n_open: u64 = ledger.reports.values().map(Entry::n_open).sum();
    println!("{ROUNDS} kills, {n_acknowledged} acknowledged, {n_open} cut off before their answer");
    assert!(
        n_acknowledged > ROUNDS * 20 && n_open > ROUNDS,
        "the kills came under load"
    );
    assert!(launch.start().await.stop().await.0.success());
    check(launch.database_path(), &ledger);
    let connection = open(launch.database_path());
    let n_folded: i64 = connection
        .query_row("select count(*) from groups where folded_seq > 0", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(n_folded > 0, "some were counted out of the journal");
}

/// What clients know: by exception type, what they sent and what they were promised.
#[derive(Default)]
struct Ledger {
    reports: HashMap<String, Entry>,
}

#[derive(Default, Clone, Copy)]
struct Entry {
    n_sent: u64,
    n_acknowledged: u64,
}

impl Entry {
    fn n_open(&self) -> u64 {
        self.n_sent - self.n_acknowledged
    }
}

impl Ledger {
    fn entry(&mut self, kind: &str) -> &mut Entry {
        self.reports.entry(kind.to_owned()).or_default()
    }

    fn add(&mut self, other: Self) {
        for (kind, seen) in other.reports {
            let entry = self.entry(&kind);
            entry.n_sent += seen.n_sent;
            entry.n_acknowledged += seen.n_acknowledged;
        }
    }
}

/// Clients post until the process dies under them. The moment is a count of requests begun and answers seen:
/// counting both lets it fall before, into and after a commit.
async fn load_until_killed(server: Server, round: u64, random: &mut Random) -> Ledger {
    let events = Arc::new(Countdown::new(random.below(MAX_EVENTS)));
    let mut clients = JoinSet::new();
    for number in 0..N_CLIENTS {
        let choices = Random(random.next());
        let name = format!("Unique{round}x{number}x");
        clients.spawn(post_until_cut_off(server.client(), name, choices, events.clone()));
    }
    let killer = tokio::spawn(async move {
        events.over.notified().await;
        server.kill().await;
    });
    let mut ledger = Ledger::default();
    while let Some(seen) = clients.join_next().await {
        ledger.add(seen.unwrap());
    }
    killer.await.unwrap();
    ledger
}

async fn post_until_cut_off(
    mut client: Client,
    name: String,
    mut choices: Random,
    events: Arc<Countdown>,
) -> Ledger {
    let mut ledger = Ledger::default();
    for number in 0.. {
        let kind = if choices.below(2) == 0 {
            format!("Repeated{}", choices.below(N_REPEATED))
        } else {
            format!("{name}{number}")
        };
        ledger.entry(&kind).n_sent += 1;
        events.tick();
        let sent = client
            .try_send(Method::POST, "/api/errors", &[], report(&kind))
            .await;
        let Ok(answer) = sent else { break };
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
        ledger.entry(&kind).n_acknowledged += 1;
        events.tick();
    }
    ledger
}

fn report(kind: &str) -> String {
    let traceback =
        format!("Traceback (most recent call last):\n  File \"/srv/{kind}.py\", line 7, in pay\n{kind}: no");
    json!({
        "project": "shop", "exception_type": kind, "message": "no", "traceback": traceback,
        "environment": "prod", "extra": {"session_id": "s-1"},
    })
    .to_string()
}

/// Tells when a number of events has been seen.
struct Countdown {
    n_left: AtomicU64,
    over: Notify,
}

impl Countdown {
    fn new(n: u64) -> Self {
        let countdown = Self {
            n_left: AtomicU64::new(n),
            over: Notify::new(),
        };
        if n == 0 {
            countdown.over.notify_one();
        }
        countdown
    }

    fn tick(&self) {
        if self.n_left.fetch_sub(1, Relaxed) == 1 {
            self.over.notify_one();
        }
    }
}

/// Looks at the file as the dead process left it, its WAL included.
fn check(path: &Path, ledger: &Ledger) {
    assert!(
        sqlite::check(path).unwrap().is_whole(),
        "{:?}",
        sqlite::check(path)
    );
    let connection = open(path);
    let mut counts = counts(&connection);
    for (kind, entry) in &ledger.reports {
        let count = counts.remove(kind).unwrap_or(0);
        assert!(
            (entry.n_acknowledged..=entry.n_sent).contains(&count),
            "{kind}: {count} stored, {} acknowledged, {} sent",
            entry.n_acknowledged,
            entry.n_sent
        );
    }
    assert_eq!(counts, HashMap::new(), "nobody sent these");
    for (what, sql) in HALVES {
        let n: i64 = connection
            .query_row(sql, [KEEP_OCCURRENCES], |row| row.get(0))
            .unwrap();
        assert_eq!(n, 0, "{what}");
    }
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// Reports by exception type, counted or still in the journal. Each type is one group, so a type stored twice fails here.
fn counts(connection: &Connection) -> HashMap<String, u64> {
    let mut statement = connection
        .prepare(
            "select exception_type,
                    n_occurrences
                    + (select count(*) from journal where group_id = groups.id and seq > groups.folded_seq)
             from groups",
        )
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
        .unwrap();
    let mut counts = HashMap::new();
    for (kind, count) in rows.map(Result::unwrap) {
        assert_eq!(counts.insert(kind, count), None, "one type is one group");
    }
    counts
}

/// Signs of a transaction that was stored in part: each of these counts must be 0. `?1` is the kept limit.
const HALVES: [(&str, &str); 5] = [
    (
        "groups without their first report",
        "select count(*) + 0 * ?1 from groups where id not in (select group_id from first_reports)",
    ),
    (
        "groups with more occurrences than are kept, or without their first or newest",
        "select count(*) from groups
         where (select count(*) from occurrences where group_id = groups.id) > ?1
            or n_occurrences > 0
               and (select count(*) from occurrences
                    where group_id = groups.id and number in (1, n_occurrences)) < min(n_occurrences, 2)",
    ),
    (
        "counted groups without the environment they were seen in",
        "select count(*) + 0 * ?1 from groups
         where n_occurrences > 0 and not exists (select 1 from group_tags where group_id = groups.id and n = n_occurrences)",
    ),
    (
        "counted groups whose hours do not add up",
        "select count(*) + 0 * ?1 from groups
         where n_occurrences <> (select ifnull(sum(n), 0) from group_hours where group_id = groups.id)",
    ),
    (
        "groups that cannot be searched for, or entries of no group",
        "select count(*) + 0 * ?1 from groups g full join group_search_docsize s on s.id = g.id
         where g.id is null or (s.id is not null) <> (g.id <= (select searched_id from intake))",
    ),
];

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

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
