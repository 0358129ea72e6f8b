//! The logs of eight containers as Docker writes them, and what was written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bench::log_lines;
use serde_json::{Value, json};

use crate::Failure;

/// What was written.
pub(crate) struct Corpus {
    /// Docker's folder.
    pub(crate) folder: PathBuf,
    pub(crate) n_entries: u64,
    pub(crate) n_lines: u64,
    /// Bytes of the messages alone.
    pub(crate) n_text: u64,
    /// Bytes of Docker's files.
    pub(crate) n_bytes: u64,
}

impl Corpus {
    /// As it was left in this folder; none if nothing was.
    pub(crate) fn load(folder: &Path) -> Option<Self> {
        let text = std::fs::read(facts(folder)).ok()?;
        let facts: Value = serde_json::from_slice(&text).ok()?;
        let number = |name: &str| facts[name].as_u64();
        Some(Self {
            folder: folder.to_owned(),
            n_entries: number("entries")?,
            n_lines: number("lines")?,
            n_text: number("text")?,
            n_bytes: number("bytes")?,
        })
    }

    /// Says what is in the folder, so that it is found again.
    fn save(&self) -> std::io::Result<()> {
        let facts_now = json!({
            "entries": self.n_entries, "lines": self.n_lines, "text": self.n_text, "bytes": self.n_bytes,
        });
        std::fs::write(facts(&self.folder), facts_now.to_string())
    }

    /// Writes Docker's files, a folder per container.
    pub(crate) fn write(folder: &Path, n_lines: u64) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for (n, name) in log_lines::containers().iter().enumerate() {
            let id = format!("{n:064x}");
            let home = folder.join(&id);
            std::fs::create_dir_all(&home)?;
            std::fs::write(
                home.join("config.v2.json"),
                format!("{{\"ID\":\"{id}\",\"Name\":\"/{name}\"}}"),
            )?;
            files.push(BufWriter::new(File::create(home.join(format!("{id}-json.log")))?));
        }
        let mut corpus = Self {
            folder: folder.to_owned(),
            n_entries: 0,
            n_lines: 0,
            n_text: 0,
            n_bytes: 0,
        };
        while corpus.n_lines < n_lines {
            let entry = log_lines::entry(corpus.n_entries);
            corpus.n_entries += 1;
            corpus.n_lines += entry.lines.len() as u64;
            let stream = if entry.is_stderr { "stderr" } else { "stdout" };
            for line in &entry.lines {
                corpus.n_text += line.len() as u64 + 1;
                let log = Value::from(format!("{line}\n"));
                let record = format!(
                    "{{\"log\":{log},\"stream\":\"{stream}\",\"time\":\"{}\"}}\n",
                    rfc3339(entry.time_ns)
                );
                corpus.n_bytes += record.len() as u64;
                files[entry.container].write_all(record.as_bytes())?;
            }
        }
        files.into_iter().try_for_each(|mut file| file.flush())?;
        corpus.save()?;
        Ok(corpus)
    }

    /// Docker's files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let homes = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let logs = homes.map(|home| {
            home.path()
                .join(format!("{}-json.log", home.file_name().to_string_lossy()))
        });
        logs.filter(|path| path.exists()).collect()
    }
}

fn facts(folder: &Path) -> PathBuf {
    folder.join("facts.json")
}

fn rfc3339(time_ns: u64) -> String {
    let start = log_lines::entry(0).time_ns / 86_400_000_000_000 * 86_400_000_000_000;
    let ns = time_ns - start;
    let s = ns / 1_000_000_000;
    let (day, hour, minute, second) = (s / 86_400 + 1, s / 3_600 % 24, s / 60 % 60, s % 60);
    format!(
        "2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z",
        ns % 1_000_000_000
    )
}
