//! Copies that were made of a log before it is cut off (copytruncate).

use crate::jobs::follow::chain;
use crate::jobs::follow::log_file::LogFile;
use crate::store::positions::{FileId, Position};

/// A file whose position is now found in another, its copy, was cut off since: what was written after the copy is lost.
pub(super) fn mark_cut_off(files: &mut [LogFile], known: &[Option<Position>]) {
    for (at, position) in known.iter().enumerate() {
        let Some(position) = position.as_ref().filter(|position| position.file != files[at].id) else {
            continue;
        };
        let cut_off = files.iter_mut().find(|file| file.id == position.file);
        if let Some(file) = cut_off {
            file.is_after_loss = true;
        }
    }
}

/// A copy of a log that is not cut off yet has the log's position too: what is in both is read from the log.
pub(super) fn forget_copies(files: &[LogFile], known: &mut [Option<Position>]) {
    let are_themselves: Vec<FileId> = files
        .iter()
        .zip(&*known)
        .filter(|(file, known)| known.as_ref().is_some_and(|known| known.file == file.id))
        .map(|(file, _)| file.id)
        .collect();
    for (file, position) in files.iter().zip(known) {
        let is_copy = |known: &Position| known.file != file.id && are_themselves.contains(&known.file);
        if position.as_ref().is_some_and(is_copy) {
            *position = None;
        }
    }
}

/// The copy that was made of a file before it was cut off, to be read on where the file was left.
pub(super) fn copy_of(file: &LogFile) -> Option<LogFile> {
    let known = file.remembered();
    // Too little to tell it from another file.
    if known.head_bytes < 16 {
        return None;
    }
    let names = chain::rotated(&file.path).ok()?;
    names.iter().rev().find_map(|path| {
        let mut copy = LogFile::open(path, file.number)
            .ok()
            .filter(|copy| !copy.is_gzip())?;
        if copy.id == file.id || !copy.is(&known, file.offset).ok()? {
            return None;
        }
        copy.skip_to(file.offset).ok()?;
        Some(copy)
    })
}
