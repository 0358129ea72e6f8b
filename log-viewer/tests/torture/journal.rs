//! What was done and when, and all that is known of a line that is not where it should be: for whom a run fails.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use testkit::Value;

use super::writer::{NAMES, Writer};
use super::{numbers, stored};

/// Lines and rows that are shown around one that is missing.
const N_AROUND: usize = 4;
/// Bytes of each that are shown.
const SHOWN_BYTES: usize = 200;

/// Notes with their milliseconds.
pub(super) struct Journal {
    started: Instant,
    notes: Mutex<Vec<(u64, String)>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            notes: Mutex::default(),
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(super) fn note(&self, what: impl Into<String>) {
        let note = (self.now_ms(), what.into());
        self.notes.lock().expect("no writer panics").push(note);
    }

    /// Prints what is known of numbers that are missing or there twice, and keeps the folder.
    pub(super) fn tell(&self, folder: &Path, writers: &[Writer], rows: &[Value]) {
        let kept = std::env::temp_dir().join(format!("torture-{}", std::process::id()));
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([folder, &kept])
            .status();
        println!("--- kept in {}: {copied:?}", kept.display());
        for writer in writers {
            for (stream, name) in NAMES.iter().enumerate() {
                let key = (writer.name.clone(), stream);
                let found = stored(rows).remove(&key).unwrap_or_default();
                let expected = writer.n_lines(stream);
                let missing: Vec<usize> = (0..expected).filter(|n| !found.contains(n)).collect();
                let mut seen = std::collections::HashSet::new();
                let twice: Vec<usize> = found.iter().copied().filter(|n| !seen.insert(*n)).collect();
                if missing.is_empty() && twice.is_empty() {
                    continue;
                }
                println!("--- {} {name}: missing {missing:?}, twice {twice:?}", writer.name);
                for number in missing.iter().chain(&twice).take(20) {
                    let written_ms = writer.written_ms[stream].get(*number);
                    println!("#{number} was written at {written_ms:?} ms");
                }
                let odd = || missing.iter().chain(&twice).copied();
                rows_around(rows, &writer.name, name, odd());
                lines_around(&writer.container.folder, odd());
                self.around(
                    writer,
                    odd().filter_map(|n| writer.written_ms[stream].get(n).copied()),
                );
            }
        }
    }

    /// What was done to everything shortly before and after these moments.
    fn around(&self, writer: &Writer, moments: impl Iterator<Item = u64>) {
        let moments: Vec<u64> = moments.collect();
        println!("--- around the times of {}:", writer.name);
        for (ms, what) in self.notes.lock().expect("no writer panics").iter() {
            if moments.iter().any(|moment| moment.abs_diff(*ms) < 1_500) {
                println!("{ms} ms: {what}");
            }
        }
    }
}

/// Rows near one that has such a number, of both streams.
fn rows_around(rows: &[Value], container: &str, stream: &str, odd: impl Iterator<Item = usize>) {
    let near: Vec<usize> = odd
        .flat_map(|number| number.saturating_sub(1)..=number + 1)
        .collect();
    let of_container: Vec<&Value> = rows.iter().filter(|row| row["container"] == *container).collect();
    let has = |row: &Value| {
        row["stream"] == *stream
            && numbers(row["message"].as_str().unwrap_or("")).any(|number| near.contains(&number))
    };
    let hits: Vec<usize> = (0..of_container.len())
        .filter(|at| has(of_container[*at]))
        .collect();
    for (at, row) in of_container.iter().enumerate() {
        if hits.iter().any(|hit| hit.abs_diff(at) <= N_AROUND) {
            let message = row["message"].as_str().unwrap_or("");
            println!(
                "row {} {} {} {} {} {:?}",
                row["id"],
                row["container"],
                row["stream"],
                row["time"],
                row["marks"],
                &message[..message.floor_char_boundary(SHOWN_BYTES)]
            );
        }
    }
}

/// The same of the lines in the container's files.
fn lines_around(folder: &Path, odd: impl Iterator<Item = usize>) {
    let marks: Vec<String> = odd
        .flat_map(|number| [format!("#{number} "), format!("#{} ", number + 1)])
        .collect();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|item| item.path())
        .collect();
    paths.sort();
    for path in paths {
        let text = String::from_utf8_lossy(&bytes(&path)).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let hits: Vec<usize> = (0..lines.len())
            .filter(|at| marks.iter().any(|mark| lines[*at].contains(mark)))
            .collect();
        if hits.is_empty() {
            continue;
        }
        let inode = std::fs::metadata(&path).map(|now| std::os::unix::fs::MetadataExt::ino(&now));
        println!("--- {} ({inode:?}), {} lines:", path.display(), lines.len());
        for (at, line) in lines.iter().enumerate() {
            if hits.iter().any(|hit| hit.abs_diff(at) <= N_AROUND) {
                println!("{at}: {}", &line[..line.floor_char_boundary(SHOWN_BYTES)]);
            }
        }
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap_or_default();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return raw;
    }
    let mut plain = Vec::new();
    let _ = std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*raw), &mut plain);
    plain
}
