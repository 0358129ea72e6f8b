//! Copies a database that a service is writing, from this or another process, and believes the copy only after
//! reading it back. `VACUUM INTO` takes one snapshot; SQLite's backup API starts again on every foreign write and
//! never ended under load, and its cut-off file passes `integrity_check` with no tables in it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::connect::outside;
use crate::draft::Draft;
use crate::{BackupError, check, files};

use outline::{Outline, count};

pub(crate) mod outline;

/// A backup that was made and read back.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupReport {
    /// Size of the copy.
    pub bytes: u64,
    /// How long it all took.
    pub took: Duration,
    /// The number of the last migration.
    pub schema: u32,
    /// Every table with its rows, counted in the copy, ordered by name.
    pub tables: Vec<TableRows>,
}

impl BackupReport {
    /// Rows of all tables.
    pub fn n_rows(&self) -> u64 {
        self.tables.iter().map(|table| table.n_rows).sum()
    }
}

/// One table of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows {
    /// Its name.
    pub name: String,
    /// How many rows it has in the copy.
    pub n_rows: u64,
}

/// Copies `source` to `target`, which must not exist. Every row committed before the call is in the copy.
///
/// The source may be in use: its writer is not held up, but its WAL cannot be reset until the copy is made.
pub fn backup(source: &Path, target: &Path) -> Result<BackupReport, BackupError> {
    let started = Instant::now();
    refuse_existing(target)?;
    let draft = Draft::create(target).map_err(file_error(target))?;
    let original = copy(source, &draft.path)?;
    draft.sync().map_err(file_error(&draft.path))?;
    let (schema, tables) = verify(source, &draft.path, &original)?;
    let bytes = files::size(&draft.path);
    refuse_existing(target)?;
    draft.publish(target).map_err(file_error(target))?;
    if let Err(error) = fs::write(files::backup_mark(source), target.as_os_str().as_encoded_bytes()) {
        tracing::warn!(error = %error, "the backup is made, but its time could not be noted: {error}");
    }
    Ok(BackupReport {
        bytes,
        took: started.elapsed(),
        schema,
        tables,
    })
}

fn refuse_existing(target: &Path) -> Result<(), BackupError> {
    match target.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(BackupError::Exists(target.to_owned())),
        Err(source) => Err(file_error(target)(source)),
    }
}

/// Returns what the source looked like before and after, so far as that stayed the same.
fn copy(source: &Path, draft: &Path) -> Result<Outline, BackupError> {
    let copied = || -> rusqlite::Result<Outline> {
        let connection = outside(source)?;
        let before = Outline::of(&connection)?;
        let name = draft
            .to_str()
            .ok_or_else(|| rusqlite::Error::InvalidPath(draft.to_owned()))?;
        connection.execute("vacuum into :draft", [name])?;
        let mut after = Outline::of(&connection)?;
        // Retention may empty a table meanwhile, and a first row may fill one.
        after.filled.retain(|table| before.filled.contains(table));
        Ok(after)
    };
    copied().map_err(sqlite_error(source))
}

fn verify(source: &Path, draft: &Path, original: &Outline) -> Result<(u32, Vec<TableRows>), BackupError> {
    let connection = outside(draft).map_err(sqlite_error(source))?;
    let report = check::report(&connection).map_err(sqlite_error(source))?;
    let copy = Outline::of(&connection).map_err(sqlite_error(source))?;
    let problem = match report.problems.first() {
        Some(problem) => Some(problem.clone()),
        None => original.lost_in(&copy),
    };
    if let Some(problem) = problem {
        return Err(BackupError::NotWhole {
            path: source.to_owned(),
            problem,
        });
    }
    let counted = count(&connection).map_err(sqlite_error(source))?;
    Ok((copy.schema, counted))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

fn sqlite_error(path: &Path) -> impl FnOnce(rusqlite::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Sqlite { path, source }
}
