//! Puts a backup in the place of a database that nobody has open. The copy is checked where it will lie, before
//! anything is moved; what was there is kept beside it, whatever state it is in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::outline::count;
use crate::connect::outside;
use crate::draft::Draft;
use crate::{Migration, RestoreError, TableRows, check, files, migrate};

/// A backup that is the database now.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreReport {
    /// Its size.
    pub bytes: u64,
    /// The number of its last migration.
    pub schema: u32,
    /// Every table with its rows, ordered by name.
    pub tables: Vec<TableRows>,
    /// Where the database that it replaced lies, if there was one.
    pub replaced: Option<PathBuf>,
}

/// Makes a checked copy of `backup` the database at `database`; `migrations` are those of the service.
/// The service must not run: the lock says so. `backup` stays as it is.
pub fn restore(
    backup: &Path,
    database: &Path,
    migrations: &[Migration],
) -> Result<RestoreReport, RestoreError> {
    if files::size(&files::beside(backup, "-wal")) > 0 {
        return Err(RestoreError::NotABackup(backup.to_owned()));
    }
    let mut original = fs::File::open(backup).map_err(file_error(backup))?;
    let _lock = files::lock(database)?;
    let failed = file_error(database);
    let draft = Draft::create(database).map_err(&failed)?;
    fs::File::create(&draft.path)
        .and_then(|mut copy| io::copy(&mut original, &mut copy))
        .and_then(|_| draft.sync())
        .map_err(&failed)?;
    let (schema, tables) = verify(backup, &draft.path, migrations)?;
    let bytes = files::size(&draft.path);
    for made in [&draft.path, &files::beside(database, ".lock")] {
        files::give_to_owner_of_directory(made).map_err(&failed)?;
    }
    let replaced = put_aside(database).map_err(&failed)?;
    draft.publish(database).map_err(&failed)?;
    Ok(RestoreReport {
        bytes,
        schema,
        tables,
        replaced,
    })
}

/// Errors name `backup`, though `draft` is what is read.
fn verify(
    backup: &Path,
    draft: &Path,
    migrations: &[Migration],
) -> Result<(u32, Vec<TableRows>), RestoreError> {
    let failed = |source| RestoreError::Sqlite {
        path: backup.to_owned(),
        source,
    };
    let connection = outside(draft).map_err(failed)?;
    migrate::check_fits(backup, &connection, migrations)?;
    let report = check::report(&connection).map_err(failed)?;
    if let Some(problem) = report.problems.first().or(report.orphans.first()) {
        return Err(RestoreError::NotWhole {
            path: backup.to_owned(),
            problem: problem.clone(),
        });
    }
    Ok((report.schema, count(&connection).map_err(failed)?))
}

/// The database keeps its name until the copy takes it: a second name is made for it.
/// Its log must go first, since SQLite would play it into whatever file has the name.
fn put_aside(database: &Path) -> io::Result<Option<PathBuf>> {
    if files::size(database) == 0 {
        remove_if_there(&files::beside(database, "-wal"))?;
        remove_if_there(&files::beside(database, "-shm"))?;
        return Ok(None);
    }
    let aside = free_name(database)?;
    fs::hard_link(database, &aside)?;
    match fs::rename(files::beside(database, "-wal"), files::beside(&aside, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_if_there(&files::beside(database, "-shm"))?;
    Ok(Some(aside))
}

/// `errors.db.replaced-1`, `-2` …
fn free_name(database: &Path) -> io::Result<PathBuf> {
    let mut n = 1_u32;
    loop {
        let name = files::beside(database, &format!(".replaced-{n}"));
        if !name.try_exists()? {
            return Ok(name);
        }
        n += 1;
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::File {
        path: path.clone(),
        source,
    }
}
