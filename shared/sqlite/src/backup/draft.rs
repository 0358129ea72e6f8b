//! The unfinished copy: private, beside its target so that it can be renamed, and gone unless published.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::file_error;
use crate::{BackupError, files};

pub(super) struct Draft {
    pub(super) path: PathBuf,
}

impl Draft {
    /// `VACUUM INTO` accepts an empty file, and this one is ours alone from the start.
    pub(super) fn create(target: &Path) -> Result<Draft, BackupError> {
        let absolute = std::path::absolute(target).map_err(file_error(target))?;
        let path = files::beside(&absolute, &format!(".{}.partial", std::process::id()));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(file_error(&path))?;
        Ok(Draft { path })
    }

    pub(super) fn sync(&self) -> Result<(), BackupError> {
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(file_error(&self.path))
    }

    pub(super) fn publish(self, target: &Path) -> Result<(), BackupError> {
        fs::rename(&self.path, target)
            .and_then(|()| files::sync_directory_of(target))
            .map_err(file_error(target))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After publishing there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}
