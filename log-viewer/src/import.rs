//! `import`: entries of the original log viewer. They take the way of `POST /api/logs`, so that levels are found anew
//! and everything is searchable; what Docker had escaped, and the original kept so, is text again.

use serde_json::json;
use service::{Imported, Original, original_time, unix_ms};
use sqlite::imports;

use crate::app::App;
use crate::domain::entry::Entry;
use crate::domain::submitted;
use crate::store::original::{self, OldEntry};

/// What has to be there.
pub(crate) const TABLES: &[&str] = &["log_entries"];
/// The part by which `sqlite::imports` knows it.
const PART: &str = "log_entries";
/// Entries stored in one transaction.
const STEP: u32 = 500;
/// Names are kept in memory for good.
const MAX_CONTAINERS: i64 = 1000;

/// Each step notes how far it came, so that one that was stopped goes on from there.
pub(crate) async fn run(app: &App, from: &Original) -> Result<Vec<Imported>, String> {
    let failed = |cause: rusqlite::Error| format!("the original cannot be read: {cause}");
    let n_containers = original::count_containers(from.connection()).map_err(failed)?;
    if n_containers > MAX_CONTAINERS {
        return Err(format!(
            "it has {n_containers} containers, at most {MAX_CONTAINERS} are taken"
        ));
    }
    let source = from.source().to_owned();
    let mut last = app
        .common
        .read(move |connection| imports::last_id(connection, &source, PART))
        .await
        .map_err(|error| error.detail.into_owned())?;
    let now_ns = unix_ms().saturating_mul(1_000_000);
    let (mut n_taken, mut n_refused) = (0, 0);
    loop {
        let rows = original::entries_after(from.connection(), last, STEP).map_err(failed)?;
        let Some(newest) = rows.last() else { break };
        last = newest.id;
        let n_rows = rows.len() as u64;
        let entries: Vec<Entry> = rows.into_iter().filter_map(|old| entry(old, now_ns)).collect();
        n_refused += n_rows - entries.len() as u64;
        n_taken += entries.len() as u64;
        if entries.is_empty() {
            continue;
        }
        let source = from.source().to_owned();
        app.ingest
            .store(entries, move |tx| imports::note(tx, &source, PART, last))
            .await
            .map_err(|error| format!("{} {}", error.detail, error.cause.unwrap_or_default()))?;
    }
    Ok(vec![
        Imported::new("entries", n_taken),
        Imported::new("entries that could not be read", n_refused),
        Imported::new("containers", n_containers.unsigned_abs()),
    ])
}

fn entry(old: OldEntry, now_ns: i64) -> Option<Entry> {
    let time_ms = original_time(&old.timestamp)?;
    let item = json!({
        "container": old.container,
        "stream": old.stream,
        "timestamp": time_ms,
        "message": unescaped(&old.message),
    });
    submitted::read(&item.to_string(), None, now_ns).ok()
}

/// The text that was written: the original cut it out of Docker's JSON as it stood there, and joined lines by real
/// line ends. What is no JSON text stays as it is.
fn unescaped(message: &str) -> String {
    let lines = message.split('\n').map(|line| {
        let text: Result<String, _> = serde_json::from_str(&format!("\"{line}\""));
        text.unwrap_or_else(|_| line.to_owned())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_escaped_is_text_again() {
        let check = |kept: &str, expected: &str| assert_eq!(unescaped(kept), expected);
        check(r#"{\"level\":\"warn\"}"#, r#"{"level":"warn"}"#);
        check(r"a\tb \u001b[31m", "a\tb \u{1b}[31m");
        check("Traceback\n  File \\\"x\\\"", "Traceback\n  File \"x\"");
        check("C:\\temp", "C:\temp");
        check("C:\\qemp", "C:\\qemp");
        check("half \\", "half \\");
    }
}
