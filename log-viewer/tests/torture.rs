//! Numbered lines from many writers, rotated, compressed, cut off and removed at random, while the viewer is killed
//! at random: each line is stored exactly once and in order. `ROUNDS` (6) and `SEED` (from the clock, printed) rule it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "random moments of writing and killing, not waiting; the seed and what was done are printed"
)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::docker::{Container, Docker, exported};
use testkit::{Launch, Server, Value};

const MAX_LINE_BYTES: usize = 64 << 10;
const N_CONTAINERS: usize = 5;
/// Rotated files are never deleted by number: what is deleted unread is lost for anybody.
const N_KEPT: u32 = 5_000;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

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

/// One container's writer: what it wrote, by stream.
struct Writer {
    name: String,
    container: Container,
    dice: Dice,
    n_lines: [usize; 2],
    n_rotated: u32,
}

impl Writer {
    fn write(&mut self, n_actions: usize) {
        for _ in 0..n_actions {
            match self.dice.below(24) {
                0 => self.trace(),
                1 => self.long(),
                2 => self.in_halves(),
                3 => self.binary(),
                4 => self.container.line("stdout", ""),
                5 => std::thread::sleep(Duration::from_millis(self.dice.next() % 20)),
                6 if self.dice.one_in(4) => self.rotate(),
                7 if self.n_rotated > 3 && self.dice.one_in(4) => self.compress(),
                _ => self.line("x"),
            }
        }
    }

    fn stream(&mut self) -> usize {
        self.dice.below(2)
    }

    /// `#12 `, and counts it.
    fn number(&mut self, stream: usize) -> String {
        let number = self.n_lines[stream];
        self.n_lines[stream] += 1;
        format!("#{number} ")
    }

    fn line(&mut self, text: &str) {
        let stream = self.stream();
        let number = self.number(stream);
        self.container.line(NAMES[stream], &format!("{number}{text}"));
    }

    fn trace(&mut self) {
        let stream = self.stream();
        self.container
            .line(NAMES[stream], "Traceback (most recent call last):");
        for _ in 0..self.dice.below(5) {
            let number = self.number(stream);
            self.container
                .line(NAMES[stream], &format!("  File \"a.py\", line 3 {number}"));
            if self.dice.one_in(4) {
                self.line("in between");
            }
        }
        let number = self.number(stream);
        self.container
            .line(NAMES[stream], &format!("ValueError: bad {number}"));
    }

    /// In parts, or one record of more than is kept.
    fn long(&mut self) {
        let n_bytes = [17_000, 40_000, MAX_LINE_BYTES * 5, 700_000][self.dice.below(4)];
        let text = "é".repeat(n_bytes / 2);
        if self.dice.one_in(2) {
            return self.line(&text);
        }
        let stream = self.stream();
        let number = self.number(stream);
        let record = self.container.record(NAMES[stream], &format!("{number}{text}\n"));
        self.container.raw(record.as_bytes());
    }

    fn in_halves(&mut self) {
        let stream = self.stream();
        let number = self.number(stream);
        let record = self.container.record(NAMES[stream], &format!("{number}half\n"));
        let (first, rest) = record.split_at(self.dice.below(record.len()));
        self.container.raw(first.as_bytes());
        std::thread::sleep(Duration::from_millis(self.dice.next() % 80));
        self.container.raw(rest.as_bytes());
    }

    /// Bytes that are no text, as a broken disk or another writer leaves them.
    fn binary(&mut self) {
        let stream = self.stream();
        let number = self.number(stream);
        let record = self
            .container
            .record(NAMES[stream], &format!("{number}BYTES\u{1}\u{0}\n"));
        let (before, after) = record.split_once("BYTES").expect("it stands there");
        self.container
            .raw(&[before.as_bytes(), &[0xff, 0xc3, 0x28, 0xf0], after.as_bytes()].concat());
    }

    fn rotate(&mut self) {
        self.container.rotate(N_KEPT);
        self.n_rotated += 1;
    }

    fn compress(&mut self) {
        let n = 2 + self.dice.below(3) as u32;
        if self.container.rotated(n).exists() {
            self.container.compress(n);
        }
    }
}

const NAMES: [&str; 2] = ["stdout", "stderr"];

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
async fn all_stored(server: &Server, writers: &[Writer]) -> Vec<Value> {
    let expected: usize = writers.iter().flat_map(|writer| writer.n_lines).sum();
    let mut client = server.client();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut n_found = 0;
    for _ in 0..200 {
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
    for writer in writers {
        for (stream, name) in NAMES.iter().enumerate() {
            let found = stored(&rows)
                .remove(&(writer.name.clone(), stream))
                .unwrap_or_default();
            let missing: Vec<usize> = (0..writer.n_lines[stream])
                .filter(|n| !found.contains(n))
                .collect();
            if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
                println!(
                    "{} {}: {} missing from {first} to {last}",
                    writer.name,
                    name,
                    missing.len()
                );
            }
        }
    }
    panic!("{n_found} of {expected} lines are stored:\n{}", server.log());
}

/// Removes a container and makes it anew under its name, right after it wrote. Its log must be open by then, and
/// read before anybody is killed: what is deleted unread is lost for anybody.
async fn recreate(server: &Server, docker: &mut Docker, mut writers: Vec<Writer>, at: usize) -> Vec<Writer> {
    all_stored(server, &writers).await;
    let mut writer = writers.remove(at);
    for _ in 0..writer.dice.below(300) {
        writer.line("last words");
    }
    writer.container.remove();
    writer.container = docker.run(&writer.name);
    for _ in 0..writer.dice.below(100) {
        writer.line("first words");
    }
    writer.n_rotated = 0;
    writers.push(writer);
    all_stored(server, &writers).await;
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
    let mut writers: Vec<Writer> = (0..N_CONTAINERS)
        .map(|at| Writer {
            name: format!("c{at}"),
            container: docker.run(&format!("c{at}")),
            dice: Dice(dice.next()),
            n_lines: [0, 0],
            n_rotated: 0,
        })
        .collect();

    let mut n_kills = 0;
    for _ in 0..n_rounds {
        let writing = tokio::spawn(write_all(writers));
        for _ in 0..1 + dice.below(3) {
            let server = launch.start().await;
            // The moment of the kill is what is random here; nothing is waited for.
            tokio::time::sleep(Duration::from_millis(dice.next() % 400)).await;
            server.kill().await;
            n_kills += 1;
        }
        writers = writing.await.expect("no writer panics");
        if dice.one_in(3) {
            let server = launch.start().await;
            let at = dice.below(writers.len());
            writers = recreate(&server, &mut docker, writers, at).await;
            server.kill().await;
        }
    }

    let server = launch.start().await;
    all_stored(&server, &writers).await;
    // Whatever came twice came before this.
    writers.iter_mut().for_each(|writer| writer.line("end"));
    let rows = all_stored(&server, &writers).await;
    let found = stored(&rows);
    let mut n_lines = 0;
    for writer in &writers {
        for (stream, name) in NAMES.iter().enumerate() {
            let found = found
                .get(&(writer.name.clone(), stream))
                .cloned()
                .unwrap_or_default();
            let expected: Vec<usize> = (0..writer.n_lines[stream]).collect();
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
