//! Numbered lines from many writers, rotated, compressed, cut off and removed at random, while the viewer is killed
//! at random: each line is stored exactly once and in order. `ROUNDS` (6) and `SEED` (from the clock, printed) rule it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "random moments of writing and killing, not waiting; the seed and what was done are printed"
)]

mod journal;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::docker::{Container, Docker, exported};
use journal::Journal;
use testkit::{Launch, Server, Value};
use writer::{Dice, NAMES, Writer};

const MAX_LINE_BYTES: usize = 64 << 10;
const N_CONTAINERS: usize = 5;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = setting("SEED", now.map_or(1, |since| since.as_nanos() as u64));
    println!("SEED={seed}");
    seed
}

/// Every writer writes on a thread of its own.
async fn write_all(writers: Vec<Writer>) -> Vec<Writer> {
    let threads: Vec<_> = writers
        .into_iter()
        .map(|mut writer| {
            tokio::task::spawn_blocking(move || {
                let n_actions = 20 + writer.dice.below(150);
                writer.write(n_actions);
                writer
            })
        })
        .collect();
    let mut written = Vec::new();
    for thread in threads {
        written.push(thread.await.expect("no writer panics"));
    }
    written
}

/// The numbers in a message, one per numbered line.
fn numbers(message: &str) -> impl Iterator<Item = usize> {
    message.split('\n').filter_map(|line| {
        let (_, rest) = line.split_once('#')?;
        rest.split(' ').next()?.parse().ok()
    })
}

/// What is stored: the numbers by container and stream, in the order of time, which must be that of ids.
fn stored(rows: &[Value]) -> BTreeMap<(String, usize), Vec<usize>> {
    let mut found: BTreeMap<(String, usize), Vec<usize>> = BTreeMap::new();
    let mut last_ids: BTreeMap<(String, usize), u64> = BTreeMap::new();
    for row in rows {
        let stream = usize::from(row["stream"] == "stderr");
        let key = (row["container"].as_str().expect("a name").to_owned(), stream);
        let id = row["id"].as_u64().expect("an id");
        let last = last_ids.insert(key.clone(), id).unwrap_or(0);
        assert!(
            last < id,
            "stored before an older one, {last}: {:.300}",
            row.to_string()
        );
        found
            .entry(key)
            .or_default()
            .extend(numbers(row["message"].as_str().expect("a text")));
    }
    found
}

/// Waits until all that was written is stored.
async fn all_stored(folder: &Path, server: &Server, writers: &[Writer]) -> Vec<Value> {
    let expected: usize = writers
        .iter()
        .map(|writer| writer.n_lines(0) + writer.n_lines(1))
        .sum();
    let mut client = server.client();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut n_found = 0;
    for _ in 0..600 {
        let rows = exported(&mut client, "").await;
        n_found = rows
            .iter()
            .map(|row| numbers(row["message"].as_str().unwrap_or("")).count())
            .sum();
        if n_found >= expected {
            return rows;
        }
        ticks.tick().await;
    }
    let rows = exported(&mut client, "").await;
    if let Some(writer) = writers.first() {
        writer.journal.tell(folder, writers, &rows);
    }
    panic!("{n_found} of {expected} lines are stored:\n{}", server.log());
}

/// Removes a container and makes it anew under its name, right after it wrote. Its log must be open by then, and
/// read before anybody is killed: what is deleted unread is lost for anybody.
async fn recreate(
    folder: &Path,
    server: &Server,
    docker: &mut Docker,
    mut writers: Vec<Writer>,
    at: usize,
) -> Vec<Writer> {
    all_stored(folder, server, &writers).await;
    let mut writer = writers.remove(at);
    for _ in 0..writer.dice.below(300) {
        writer.line("last words");
    }
    writer.container.remove();
    writer.journal.note(format!("{}: removed", writer.name));
    writer.container = docker.run(&writer.name);
    for _ in 0..writer.dice.below(100) {
        writer.line("first words");
    }
    writer.n_rotated = 0;
    writers.push(writer);
    all_stored(folder, server, &writers).await;
    writers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_stored_once_and_in_order() {
    let n_rounds = setting("ROUNDS", 6);
    let mut dice = Dice(seed());
    let launch: Launch = crate::support::viewer()
        .env("MAX_LINE_BYTES", MAX_LINE_BYTES)
        .env("TAIL_BUFFER", "0")
        .env("MAX_ENTRIES", "100000000");
    let folder = launch.folder().join("containers");
    let launch = launch.env("LOG_SOURCES", folder.display());
    let mut docker = Docker::new(&folder);
    let journal = Arc::new(Journal::new());
    let mut writers: Vec<Writer> = (0..N_CONTAINERS)
        .map(|at| Writer {
            name: format!("c{at}"),
            container: docker.run(&format!("c{at}")),
            dice: Dice(dice.next()),
            written_ms: [Vec::new(), Vec::new()],
            n_rotated: 0,
            journal: journal.clone(),
        })
        .collect();

    let mut n_kills = 0;
    for _ in 0..n_rounds {
        let writing = tokio::spawn(write_all(writers));
        for _ in 0..1 + dice.below(3) {
            let server = launch.start().await;
            journal.note("started");
            // The moments of stopping and killing are what is random here; nothing is waited for.
            while dice.one_in(3) {
                tokio::time::sleep(Duration::from_millis(dice.next() % 100)).await;
                server.signal("STOP");
                journal.note("stopped");
                tokio::time::sleep(Duration::from_millis(dice.next() % 150)).await;
                server.signal("CONT");
                journal.note("goes on");
            }
            tokio::time::sleep(Duration::from_millis(dice.next() % 400)).await;
            server.kill().await;
            journal.note("killed");
            n_kills += 1;
        }
        writers = writing.await.expect("no writer panics");
        if dice.one_in(3) {
            let server = launch.start().await;
            let at = dice.below(writers.len());
            writers = recreate(launch.folder(), &server, &mut docker, writers, at).await;
            server.kill().await;
        }
    }

    let server = launch.start().await;
    all_stored(launch.folder(), &server, &writers).await;
    // Whatever came twice came before this.
    writers.iter_mut().for_each(|writer| writer.line("end"));
    let rows = all_stored(launch.folder(), &server, &writers).await;
    let found = stored(&rows);
    let mut n_lines = 0;
    for writer in &writers {
        for (stream, name) in NAMES.iter().enumerate() {
            let found = found
                .get(&(writer.name.clone(), stream))
                .cloned()
                .unwrap_or_default();
            let expected: Vec<usize> = (0..writer.n_lines(stream)).collect();
            if found != expected {
                journal.tell(launch.folder(), &writers, &rows);
            }
            assert!(
                found == expected,
                "{} {}: {}",
                writer.name,
                name,
                difference(&found, &expected)
            );
            n_lines += expected.len();
        }
    }
    println!("{n_rounds} rounds, {n_kills} kills, {n_lines} lines, each stored once");
}

fn difference(found: &[usize], expected: &[usize]) -> String {
    let at = found
        .iter()
        .zip(expected)
        .position(|(a, b)| a != b)
        .unwrap_or(found.len().min(expected.len()));
    let near = |list: &[usize]| list[at.saturating_sub(3).min(list.len())..list.len().min(at + 5)].to_vec();
    format!(
        "{} found, {} written; at {at}: {:?} instead of {:?}",
        found.len(),
        expected.len(),
        near(found),
        near(expected)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_logs_are_never_read_twice_and_each_gap_is_marked() {
    let n_rounds = setting("ROUNDS", 6);
    let mut dice = Dice(seed());
    let launch = crate::support::viewer()
        .env("TAIL_BUFFER", "0")
        .env("MAX_ENTRIES", "100000000");
    let folder = launch.folder().join("containers");
    let launch = launch.env("LOG_SOURCES", folder.display());
    let mut docker = Docker::new(&folder);
    let mut web = docker.run("web");
    let mut n_lines = 0;
    let mut write = |web: &mut Container, n: usize| {
        for _ in 0..n {
            web.line("stdout", &format!("#{n_lines} x"));
            n_lines += 1;
        }
        n_lines
    };
    write(&mut web, 1);
    let mut server = launch.start().await;
    for _ in 0..n_rounds * 3 {
        write(&mut web, dice.below(200));
        tokio::time::sleep(Duration::from_millis(dice.next() % 120)).await;
        if dice.one_in(3) {
            server.kill().await;
            server = launch.start().await;
        }
        let n_between = if dice.one_in(2) { 0 } else { dice.below(50) };
        web.copytruncate(|web| {
            write(web, n_between);
        });
        // At least one line, so that there is something to mark; and it must be seen before the next cut.
        let n_written = write(&mut web, 1 + dice.below(300));
        let last = format!("search={}", n_written - 1);
        crate::support::until("the last line is stored", async || {
            !exported(&mut server.client(), &last).await.is_empty()
        })
        .await;
    }

    let rows = exported(&mut server.client(), "").await;
    let mut expected = 0;
    let (mut n_lost, mut n_gaps) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        for number in numbers(row["message"].as_str().expect("a text")) {
            let near = || format!("{:#?}", &rows[at.saturating_sub(4)..rows.len().min(at + 4)]);
            assert!(
                number >= expected,
                "line {number} came twice, or late: {}",
                near()
            );
            if number > expected {
                n_gaps += 1;
                n_lost += number - expected;
                assert!(
                    row["marks"].to_string().contains("lost"),
                    "{} lines before {row} are missing",
                    number - expected
                );
            }
            expected = number + 1;
        }
    }
    println!(
        "{} cuts, {n_gaps} gaps with {n_lost} lines, each marked",
        n_rounds * 3
    );
}
