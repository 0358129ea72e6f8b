//! What of a source is there when it is first looked at: all its files by name, each known again by its bytes.

use std::io;

use super::{Source, absent_is_none};
use crate::domain::entry::Marks;
use crate::jobs::follow::chain;
use crate::jobs::follow::copies::{forget_copies, mark_cut_off};
use crate::jobs::follow::kit::Kit;
use crate::jobs::follow::log_file::{LogFile, id_of};
use crate::store::positions::Position;

/// Tries to open a source's files while they are being renamed.
const MAX_TRIES: u32 = 100;

impl Source {
    pub(super) fn open_all(&mut self, kit: &mut Kit) -> io::Result<()> {
        let mut tries = 0..MAX_TRIES;
        let (mut files, known) = loop {
            if let Some(mut files) = self.open_chain(kit)?
                && let Some(known) = self.recognise(&mut files, kit)?
            {
                break (files, known);
            }
            std::fs::metadata(&self.wanted.path)?;
            tries
                .next()
                .ok_or_else(|| io::Error::other("it is being rotated all the time"))?;
            std::thread::yield_now();
        };
        let newest_known = known.iter().rposition(Option::is_some);
        let is_followed_before = kit.has_source(&self.wanted.id);
        if newest_known.is_none() && is_followed_before {
            self.intake.mark_next(Marks::LOST);
        }
        mark_cut_off(&mut files, &known);
        let starts = match newest_known {
            None if !is_followed_before => kit.first_sight(&files)?,
            _ => vec![Some(0); files.len()],
        };
        let is_last = |at: usize| at + 1 == known.len();
        for (at, (mut file, start)) in files.into_iter().zip(starts).enumerate() {
            match (&known[at], start) {
                (Some(position), _) => {
                    let progress = position.progress;
                    kit.adopt(position, &self.wanted.id, file.id);
                    if position.zone_ns.is_some() {
                        self.intake.set_zone(position.zone_ns);
                    }
                    if progress.offset == file.size && !is_last(at) && !file.is_gzip() {
                        continue;
                    }
                    self.intake.begin_file(file.number, progress);
                }
                (None, Some(offset)) if newest_known.is_none_or(|newest| at > newest) => {
                    file.skip_to(offset)?;
                }
                _ => continue,
            }
            self.files.push_back(file);
        }
        Ok(())
    }

    /// Finds where each file was left, and goes there. None where one of them was written anew meanwhile (copytruncate):
    /// neither it nor its copy would be known, and all would be read again.
    pub(super) fn recognise(
        &self,
        files: &mut [LogFile],
        kit: &Kit,
    ) -> io::Result<Option<Vec<Option<Position>>>> {
        // A copy that was half made when it was opened is whole where the log, opened after it, is cut off already.
        let n_rotated = files.len().saturating_sub(1);
        for file in &mut files[..n_rotated] {
            file.look_again()?;
        }
        let mut known = Vec::new();
        for file in &mut *files {
            let position = kit.known(&self.wanted.id, file);
            if let Some(position) = &position {
                file.skip_to(position.progress.offset)?;
            }
            known.push(position);
        }
        for file in &*files {
            if !file.is_as_opened()? {
                return Ok(None);
            }
        }
        forget_copies(files, &mut known);
        Ok(Some(known))
    }

    /// Opens all files of the source, the oldest first. None while names are moving: it is asked again.
    pub(super) fn open_chain(&mut self, kit: &mut Kit) -> io::Result<Option<Vec<LogFile>>> {
        let names = chain::all(&self.wanted.path)?;
        let mut files = Vec::new();
        for path in &names {
            match LogFile::open(path, kit.number()) {
                Ok(file) => files.push(file),
                // A rotated one may be refused or broken; the log itself must open.
                Err(error) if *path == self.wanted.path => return absent_is_none(error),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => self.problem = Some(format!("cannot read {}: {error}", path.display())),
            }
        }
        let is_so_still =
            |file: &LogFile| std::fs::metadata(&file.path).is_ok_and(|now| id_of(&now) == file.id);
        let is_settled = files.iter().all(is_so_still) && chain::all(&self.wanted.path)? == names;
        Ok(is_settled.then_some(files))
    }
}
