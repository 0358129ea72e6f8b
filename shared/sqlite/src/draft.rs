//! An unfinished copy of a database: private, beside its target so that it can be renamed, and gone unless published.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::files;

pub(crate) struct Draft {
    pub(crate) path: PathBuf,
}

impl Draft {
    /// `VACUUM INTO` accepts an empty file, and this one is ours alone from the start.
    pub(crate) fn create(target: &Path) -> io::Result<Draft> {
        let absolute = std::path::absolute(target)?;
        let path = files::beside(&absolute, &format!(".{}.partial", std::process::id()));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Draft { path })
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    pub(crate) fn publish(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        files::sync_directory_of(target)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After publishing there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}
