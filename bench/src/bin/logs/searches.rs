//! What is asked, and the same of programs that look through all files.

use std::process::Command;
use std::time::Instant;

use bench::figures::{cpu_seconds, percentile};
use bench::log_lines::{self, LogEntry};
use serde_json::Value;
use testkit::{Client, Server};

use crate::corpus::Corpus;
use crate::say;

/// The `n`th search of a kind, as the query of a URL.
type Search<'a> = Box<dyn Fn(u64) -> String + 'a>;

/// Searches of each kind.
const SEARCHES: u64 = 40;

/// Asks each kind of search, then the rivals.
pub(crate) async fn ask_all(corpus: &Corpus, server: &Server) {
    let mut client = server.client();
    let ids: Vec<String> = (0..corpus.n_entries)
        .step_by((corpus.n_entries / SEARCHES / 4).max(1) as usize)
        .filter_map(|n| some_id(&log_lines::entry(n)))
        .collect();
    let hour = "since=2026-11-01T00:10:00Z&until=2026-11-01T00:40:00Z";
    let kinds: [(&str, Search<'_>); 9] = [
        (
            "unique id",
            Box::new(|n| format!("q={}&limit=100", ids[n as usize % ids.len()])),
        ),
        ("rare word", Box::new(|_| "q=quokka&limit=100".to_owned())),
        (
            "absent word",
            Box::new(|n| format!("q=nowhere{}&limit=100", letters(n))),
        ),
        (
            "absent id",
            Box::new(|n| format!("q={:032x}&limit=100", u128::from(n) << 77 | 0x5bd1)),
        ),
        (
            "common word, newest 100, counted",
            Box::new(|_| "q=get&limit=100".to_owned()),
        ),
        (
            "exact count of a word",
            Box::new(|n| {
                format!(
                    "q={}&limit=1",
                    ["orders", "timeout", "error", "200"][n as usize % 4]
                )
            }),
        ),
        (
            "phrase",
            Box::new(|_| "q=%22connection+refused+by%22&limit=100".to_owned()),
        ),
        (
            "word, container, level, half an hour",
            Box::new(move |_| format!("q=timeout&container=orders&level=%3E%3DWARNING&limit=100&{hour}")),
        ),
        ("everything, newest 100", Box::new(|_| "limit=100".to_owned())),
    ];
    for (name, query) in &kinds {
        let before = cpu_seconds(server.pid());
        let mut times = Vec::new();
        let mut last = Value::Null;
        for n in 0..SEARCHES {
            let started = Instant::now();
            last = search(&mut client, &query(n)).await;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let cpu = (cpu_seconds(server.pid()) - before) * 1e3 / SEARCHES as f64;
        say(&format!(
            "{name}: p50 {:.2} ms, p95 {:.2} ms, {cpu:.2} ms of CPU; {} shown of {}",
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.95),
            last["logs"].as_array().map_or(0, Vec::len),
            last["total"],
        ));
    }
    for program in ["grep", "rg"] {
        scan(program, &ids[0], corpus);
    }
}

async fn search(client: &mut Client, query: &str) -> Value {
    client.get(&format!("/api/logs?{query}")).await.json()
}

/// One look through all files with a program made for it.
fn scan(program: &str, word: &str, corpus: &Corpus) {
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args(["-c", "-F", word]).args(corpus.files());
    match command.output() {
        Ok(_) => say(&format!(
            "{program} -c over the same files: {:.0} ms",
            started.elapsed().as_secs_f64() * 1e3
        )),
        Err(cause) => say(&format!("{program}: {cause}")),
    }
}

fn some_id(entry: &LogEntry) -> Option<String> {
    let words = entry.lines[0].split(|c: char| !c.is_ascii_hexdigit());
    words.filter(|word| word.len() == 32).map(str::to_owned).next()
}

/// A word of letters.
fn letters(n: u64) -> String {
    n.to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'k'))
        .collect()
}
