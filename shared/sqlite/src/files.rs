//! The database file's surroundings: its directory, its lock, its `-wal` and its scratch form for tests.
//! Nothing here opens SQLite.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::OpenError;

/// `path` with `suffix` after its whole name, as SQLite names `-wal` and `-shm`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes of a file, 0 if there is none.
pub(crate) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// When a file was last written, if it is there.
pub(crate) fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Whether a process holds what [`claim`] takes. Does not create the lock's file.
pub(crate) fn is_claimed(path: &Path) -> bool {
    File::open(beside(path, ".lock"))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Where [`backup`](crate::backup()) leaves a trace of its success; the time is the file's own.
pub(crate) fn backup_mark(path: &Path) -> PathBuf {
    beside(path, ".last-backup")
}

/// Makes a name that was created or renamed in this directory survive a power cut.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates the directory and the file where missing, readable by us alone, and takes the lock.
pub(crate) fn claim(path: &Path) -> Result<File, OpenError> {
    let lock = lock(path)?;
    private_file(path).map_err(failed(path))?;
    sync_directory_of(path).map_err(failed(directory_of(path)))?;
    Ok(lock)
}

/// Keeps every other process of ours from the database; creates the directory where missing, not the file.
/// The lock lasts as long as the returned file, also through a crash of ours.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed(directory))?;

    let lock_path = beside(path, ".lock");
    let lock = private_file(&lock_path).map_err(failed(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(&lock_path)(source)),
    }
}

/// Gives a file that the superuser made to whom its directory belongs, so that the service can use it.
pub(crate) fn give_to_owner_of_directory(path: &Path) -> io::Result<()> {
    let owner = fs::metadata(directory_of(path))?;
    let ours = fs::metadata(path)?;
    if (owner.uid(), owner.gid()) == (ours.uid(), ours.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::File { path, source }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// A directory of its own that is removed again, for stores that only live in a test.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> io::Result<Scratch> {
        let mut n = 0_u32;
        loop {
            let path = std::env::temp_dir().join(format!("monlight-{}-{n}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Scratch(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => n += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind, it is only a small directory in the system's temporary place.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn directory_and_file_are_for_us_alone() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("a/b/x.db");
        let _lock = claim(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_second_claim_is_refused_until_the_first_is_dropped() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("x.db");
        let first = claim(&path).unwrap();
        let refusal = claim(&path).unwrap_err().to_string();
        assert!(
            refusal.contains("in use by another process: stop that one first"),
            "{refusal}"
        );
        drop(first);
        claim(&path).unwrap();
    }

    #[test]
    fn a_bare_file_name_lies_in_the_current_directory() {
        assert_eq!(directory_of(Path::new("x.db")), Path::new("."));
        assert_eq!(directory_of(Path::new("/data/x.db")), Path::new("/data"));
    }
}
