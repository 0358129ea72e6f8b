//! Logs of containers as Docker's json-file driver writes them, rotated as Compose's file here asks for.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use bench::log_lines;
use serde_json::json;

use crate::Result;

/// A word that each entry has once, so that they can be counted.
pub(crate) const MARK: &str = "mixedline";
/// `max-size` and `max-file` of `deploy/compose.yml`.
const MAX_BYTES: u64 = 10_000_000;
const MAX_FILES: u32 = 3;

/// A container's log.
struct Log {
    path: PathBuf,
    file: File,
    n_bytes: u64,
}

/// The logs of all containers.
pub(crate) struct Docker {
    logs: Vec<Log>,
    n_entries: u64,
}

impl Docker {
    /// Empty logs below this folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let mut logs = Vec::new();
        for (n, name) in log_lines::containers().iter().enumerate() {
            let id = format!("{n:064x}");
            let home = folder.join(&id);
            fs::create_dir_all(&home)?;
            let path = home.join(format!("{id}-json.log"));
            let config = json!({"ID": id, "Name": format!("/{name}"), "LogPath": path});
            fs::write(home.join("config.v2.json"), config.to_string())?;
            logs.push(Log {
                file: append_to(&path)?,
                path,
                n_bytes: 0,
            });
        }
        Ok(Self { logs, n_entries: 0 })
    }

    /// Writes the next entry, a record a line, as written at `time` (RFC 3339).
    pub(crate) fn write_entry(&mut self, time: &str) -> Result<()> {
        let mut entry = log_lines::entry(self.n_entries);
        self.n_entries += 1;
        if let Some(first) = entry.lines.first_mut() {
            mark(first);
        }
        let stream = if entry.is_stderr { "stderr" } else { "stdout" };
        let mut records = String::new();
        for line in &entry.lines {
            let record = json!({"log": format!("{line}\n"), "stream": stream, "time": time});
            records.push_str(&record.to_string());
            records.push('\n');
        }
        self.logs[entry.container].append(records.as_bytes())
    }
}

/// Puts the mark where the message is, in JSON too.
fn mark(line: &mut String) {
    *line = match line.starts_with('{') {
        true => line.replacen("\"msg\":\"", &format!("\"msg\":\"{MARK} "), 1),
        false => format!("{line} {MARK}"),
    };
}

fn append_to(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

impl Log {
    fn append(&mut self, records: &[u8]) -> Result<()> {
        if self.n_bytes + records.len() as u64 > MAX_BYTES {
            self.rotate()?;
        }
        self.file.write_all(records)?;
        self.n_bytes += records.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        let older = |n: u32| PathBuf::from(format!("{}.{n}", self.path.display()));
        for n in (1..MAX_FILES - 1).rev() {
            if older(n).exists() {
                fs::rename(older(n), older(n + 1))?;
            }
        }
        fs::rename(&self.path, older(1))?;
        self.file = append_to(&self.path)?;
        self.n_bytes = 0;
        Ok(())
    }
}
