//! Docker's folder of containers as the daemon writes it, for tests: descriptions, json-file logs, rotation.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use testkit::{Client, Value};

/// The folder.
pub(crate) struct Docker {
    folder: PathBuf,
    n_made: u64,
}

/// One container with its open log.
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    pub(crate) log: PathBuf,
    file: File,
    /// Unix nanoseconds of the last stamp; each container begins a minute after the one before.
    time_ns: u64,
}

impl Docker {
    /// An empty one.
    pub(crate) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self {
            folder: folder.to_owned(),
            n_made: 0,
        }
    }

    /// Makes and starts a container: first its folder, then its description, then its log.
    pub(crate) fn run(&mut self, name: &str) -> Container {
        self.n_made += 1;
        let id = format!("{:064x}", self.n_made);
        let folder = self.folder.join(&id);
        std::fs::create_dir(&folder).unwrap();
        let log = folder.join(format!("{id}-json.log"));
        // Labels come before the name, as a trap for whoever looks for the first "Name".
        let config = testkit::json!({
            "Config": {"Labels": {"Name": "/wrong", "x": "\"Name\":\"/wrong\""}},
            "ID": id, "LogPath": log, "Name": format!("/{name}"), "State": {"Running": true},
        });
        std::fs::write(folder.join("config.v2.json.tmp"), config.to_string()).unwrap();
        std::fs::rename(folder.join("config.v2.json.tmp"), folder.join("config.v2.json")).unwrap();
        Container {
            file: append(&log),
            id,
            folder,
            log,
            time_ns: 1_795_850_400_000_000_000 + self.n_made * 60_000_000_000,
        }
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

impl Container {
    /// Writes a line, in parts of 16 KiB as the daemon does.
    pub(crate) fn line(&mut self, stream: &str, line: &str) {
        let mut rest = format!("{line}\n");
        let mut records = String::new();
        while !rest.is_empty() {
            let tail = rest.split_off(rest.floor_char_boundary(16 * 1024));
            records.push_str(&self.record(stream, &rest));
            rest = tail;
        }
        self.raw(records.as_bytes());
    }

    /// Lines on stdout.
    pub(crate) fn lines(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line("stdout", line));
    }

    /// One record, a thousandth of a second after the one before.
    pub(crate) fn record(&mut self, stream: &str, text: &str) -> String {
        self.time_ns += 1_000_000;
        let (seconds, ns) = (self.time_ns / 1_000_000_000, self.time_ns % 1_000_000_000);
        // More than forty containers or so go on into the next hour.
        let (hours, minutes, seconds) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let text = Value::from(text);
        format!(
            "{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2026-11-28T{hours:02}:{minutes:02}:{seconds:02}.{ns:09}Z\"}}\n"
        )
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).unwrap();
    }

    /// Rotates as the daemon does: renames, keeping `n_kept` old files, and opens a new one.
    pub(crate) fn rotate(&mut self, n_kept: u32) {
        let is_there = |n: &u32| ["", ".gz"].iter().any(|kind| self.nth(*n, kind).exists());
        let n_there = (1..n_kept).take_while(is_there).count() as u32;
        for n in (1..=n_there).rev() {
            for kind in ["", ".gz"] {
                let _ = std::fs::rename(self.nth(n, kind), self.nth(n + 1, kind));
            }
        }
        std::fs::rename(&self.log, self.rotated(1)).unwrap();
        self.file = append(&self.log);
    }

    /// Copies the log to `.1` and cuts it off; `between` is done after the copy.
    pub(crate) fn copytruncate(&mut self, between: impl FnOnce(&mut Self)) {
        std::fs::copy(&self.log, self.rotated(1)).unwrap();
        between(self);
        self.file.set_len(0).unwrap();
    }

    /// Replaces a rotated file by its compressed form.
    pub(crate) fn compress(&self, n: u32) {
        let plain = std::fs::read(self.rotated(n)).unwrap();
        let name = format!("{}.{n}.gz", self.log.display());
        let mut gz = flate2::write::GzEncoder::new(File::create(name).unwrap(), flate2::Compression::fast());
        gz.write_all(&plain).unwrap();
        gz.finish().unwrap();
        std::fs::remove_file(self.rotated(n)).unwrap();
    }

    fn nth(&self, n: u32, kind: &str) -> PathBuf {
        PathBuf::from(format!("{}.{n}{kind}", self.log.display()))
    }

    pub(crate) fn rotated(&self, n: u32) -> PathBuf {
        PathBuf::from(format!("{}.{n}", self.log.display()))
    }

    /// Stops and removes it.
    pub(crate) fn remove(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// All entries as they were stored, the oldest first. Of one container if it is named.
pub(crate) async fn exported(client: &mut Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/logs/export?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Their messages.
pub(crate) async fn messages(client: &mut Client, query: &str) -> Vec<String> {
    let rows = exported(client, query).await;
    rows.iter()
        .map(|row| row["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until so many entries are stored, and gives their messages.
pub(crate) async fn wait_for(client: &mut Client, query: &str, n_entries: usize) -> Vec<String> {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    let mut found = Vec::new();
    for _ in 0..3000 {
        ticks.tick().await;
        found = messages(client, query).await;
        if found.len() >= n_entries {
            return found;
        }
    }
    let starts: Vec<String> = found
        .iter()
        .map(|message| message.chars().take(60).collect())
        .collect();
    panic!(
        "{n_entries} entries of {query} never came, but {}: {starts:?}",
        found.len()
    );
}
