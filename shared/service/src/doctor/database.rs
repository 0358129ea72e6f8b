//! The database file: whole, of this version, its log short, a copy of it not too old.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sqlite::Inspection;

use super::Finding;
use crate::program::Program;

/// What a write-ahead log is cut down to is 16 MB; far more than that means that nothing empties it.
const LONG_WAL: u64 = 64 << 20;
/// A backup older than this is no backup any more.
const OLD_BACKUP: Duration = Duration::from_secs(7 * 86_400);

pub(super) fn examine<P: Program>(path: &Path, now: SystemTime) -> Vec<Finding> {
    if !path.exists() {
        let saw = format!("{} is not there yet; the first start makes it", path.display());
        return vec![Finding::well("database", saw)];
    }
    match sqlite::inspect(path) {
        Ok(seen) => vec![
            file(path, &seen),
            schema::<P>(&seen),
            log(&seen),
            backup::<P>(&seen, now),
        ],
        Err(cause) => {
            let advice = format!(
                "stop the service, keep the file, and put the newest backup at {}",
                path.display()
            );
            vec![Finding::wrong("database", cause.to_string(), advice)]
        }
    }
}

fn file(path: &Path, seen: &Inspection) -> Finding {
    if let Some(first) = seen.problems.first() {
        let saw = format!("{} is damaged: {first}", path.display());
        let advice = "stop the service, keep the file, and restore the newest backup";
        return Finding::wrong("database", saw, advice);
    }
    if seen.journal_mode != "wal" {
        let saw = format!("its journal mode is {}, not wal", seen.journal_mode);
        return Finding::wrong(
            "database",
            saw,
            "let no other program write it; the next start sets it right",
        );
    }
    let saw = format!("{} is whole, {} MB", path.display(), seen.database_bytes >> 20);
    Finding::well("database", saw)
}

fn schema<P: Program>(seen: &Inspection) -> Finding {
    let known = P::MIGRATIONS.len();
    let found = seen.schema as usize;
    if found > known {
        let saw = format!("the database is at {found}, this program knows up to {known}");
        return Finding::wrong(
            "schema",
            saw,
            "start the newer program, or restore an older backup",
        );
    }
    let word = if found < known {
        format!("{found}; the next start brings it to {known}, so make a backup first")
    } else {
        format!("{found}, the newest")
    };
    Finding::well("schema", word)
}

fn log(seen: &Inspection) -> Finding {
    let saw = format!("{} MB", seen.wal_bytes >> 20);
    if seen.wal_bytes <= LONG_WAL {
        return Finding::well("wal", saw);
    }
    let advice = match seen.is_in_use {
        true => "end other programs that have the database open (fuser -v FILE), then restart the service",
        false => "start and stop the service once: that empties it",
    };
    Finding::doubtful("wal", format!("{saw}: nothing empties it"), advice)
}

fn backup<P: Program>(seen: &Inspection, now: SystemTime) -> Finding {
    let advice = format!("{} backup FILE, from a timer every night", P::NAME);
    let Some(last) = seen.last_backup else {
        return Finding::doubtful("backup", "no copy was ever made", advice);
    };
    let age = now.duration_since(last).unwrap_or_default();
    let saw = format!("the newest is {} hours old", age.as_secs() / 3600);
    match age > OLD_BACKUP {
        true => Finding::doubtful("backup", saw, advice),
        false => Finding::well("backup", saw),
    }
}
