//! The usual way: FTS5 with a row per entry.

use std::path::Path;

use bench::figures::cpu_seconds;
use bench::log_lines;

use crate::{Failure, say, size};

/// Lines that FTS5 gets; all of them would take longer than the rest together.
const FTS5_LINES: u64 = 200_000;

/// FTS5 as it is usually used: a row per line, text and index.
pub(crate) fn measure(path: &Path) -> Result<(), Failure> {
    let mut database = rusqlite::Connection::open(path)?;
    database.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; create virtual table entries using fts5(message)",
    )?;
    let started = cpu_seconds(std::process::id());
    let (mut n_lines, mut n_text, mut n) = (0, 0, 0);
    while n_lines < FTS5_LINES {
        let transaction = database.transaction()?;
        {
            let mut insert = transaction.prepare("insert into entries (message) values (?1)")?;
            for entry in (n..n + 10_000).map(log_lines::entry) {
                let message = entry.lines.join("\n");
                n_lines += entry.lines.len() as u64;
                n_text += message.len();
                insert.execute([message])?;
            }
        }
        n += 10_000;
        transaction.commit()?;
    }
    let cpu = cpu_seconds(std::process::id()) - started;
    drop(database);
    say(&format!(
        "FTS5, a row per entry: {:.0} lines per CPU second, {:.2} bytes per byte of text",
        n_lines as f64 / cpu,
        size(path) as f64 / n_text as f64
    ));
    Ok(())
}
