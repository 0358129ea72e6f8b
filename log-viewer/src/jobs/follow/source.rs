//! One source: a container or a plain file, with those that were rotated away and not yet read to their end.
//! The old file is finished before the new one is begun, and both are open meanwhile.

mod opening;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::domain::entry::{Entry, Marks};
use crate::domain::intake::{Format, Intake, Now};
use crate::jobs::follow::copies::copy_of;
use crate::jobs::follow::kit::{Kit, MIN_HEAD_BYTES};
use crate::jobs::follow::log_file::{LogFile, Look, id_of};
use crate::jobs::follow::wanted::Wanted;
use crate::store::positions::{FileId, Gone, Position};

/// How long a file that was rotated away is looked at for what a program still writes into it.
const LINGER_MS: u64 = 5_000;
/// What is read within this after all was read is read as it is written.
const LIVE_NS: i64 = 2_000_000_000;
/// Most files of one source that are open at once: beyond, the oldest is given up, counted and marked.
const MAX_FILES: usize = 64;
/// How long a file that is nowhere to be found may be on its way from one name to another.
const MOVING_MS: u64 = 2_000;

/// A source that is followed.
pub(super) struct Source {
    pub(super) wanted: Wanted,
    /// Its log is gone: it ends when all is read.
    pub(super) is_ending: bool,
    pub(super) counts: Counts,
    pub(super) problem: Option<String>,
    intake: Intake,
    /// Oldest first; the last one is the log that is written.
    files: VecDeque<LogFile>,
    lingering: Vec<Lingering>,
    /// Steady milliseconds since when the last file is nowhere to be found.
    moving_since_ms: Option<u64>,
    last_read_ms: u64,
    /// Its last turn found nothing more to read.
    is_read: bool,
    /// When that was so last, in Unix nanoseconds: what is found soon after was written in between.
    read_up_ns: Option<i64>,
    is_touched: bool,
    gone: Vec<FileId>,
}

struct Lingering {
    file: LogFile,
    until_ms: u64,
    is_finished: bool,
}

/// What happened to a source's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Times its log was cut off while it was read.
    pub(super) n_truncated: u64,
    /// Bytes that were cut or taken away unread, as far as they were seen.
    pub(super) lost_bytes: u64,
    /// Bytes read since the start.
    pub(super) read_bytes: u64,
}

impl Source {
    /// Opens what is there of it, each file at the place where it was left.
    pub(super) fn open(wanted: Wanted, kit: &mut Kit) -> io::Result<Self> {
        let format = if wanted.is_docker {
            Format::Docker
        } else {
            Format::Plain
        };
        let mut source = Self {
            intake: Intake::new(wanted.name.clone(), format, kit.max_line_bytes),
            wanted,
            is_ending: false,
            counts: Counts::default(),
            problem: None,
            files: VecDeque::new(),
            lingering: Vec::new(),
            moving_since_ms: None,
            last_read_ms: 0,
            is_read: false,
            read_up_ns: None,
            is_touched: false,
            gone: Vec::new(),
        };
        source.open_all(kit)?;
        Ok(source)
    }

    /// Gives the entries that follow another name.
    pub(super) fn rename(&mut self, name: Arc<str>) {
        self.wanted.name = name.clone();
        self.intake.rename(name);
    }

    /// Sees whether the log has been rotated, and opens the new one at once.
    pub(super) fn check_rotation(&mut self, kit: &mut Kit, now: Now) -> io::Result<()> {
        let current = match std::fs::metadata(&self.wanted.path) {
            Ok(metadata) => id_of(&metadata),
            // On its way to its new name, or deleted: what is open is read on.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(last) = self.files.back() else {
            return self.open_all(kit);
        };
        if last.id == current {
            self.moving_since_ms = None;
            return Ok(());
        }
        let Some(newer) = self.newer(kit, current, now)? else {
            return Ok(());
        };
        self.moving_since_ms = None;
        self.files.extend(newer);
        while self.files.len() > MAX_FILES {
            self.give_up_oldest();
        }
        Ok(())
    }

    /// The files that came after the last one that is open. None while names are moving: it is asked again.
    fn newer(&mut self, kit: &mut Kit, current: FileId, now: Now) -> io::Result<Option<Vec<LogFile>>> {
        let chain = self.open_chain(kit)?;
        let Some(mut files) = chain.filter(|files| files.last().is_some_and(|file| file.id == current))
        else {
            return Ok(None);
        };
        let Some(last) = self.files.back() else {
            return Ok(None);
        };
        if let Some(at) = files.iter().position(|file| file.id == last.id) {
            files.drain(..=at);
            return Ok(Some(files));
        }
        let since_ms = *self.moving_since_ms.get_or_insert(now.steady_ms);
        if !last.is_deleted() && now.steady_ms - since_ms < MOVING_MS {
            return Ok(None);
        }
        // The last one is gone, or compressed: what is unknown came after it, and there may have been more.
        let newest_known = files
            .iter_mut()
            .rposition(|file| self.is_open(file) || kit.known(&self.wanted.id, file).is_some());
        files.drain(..newest_known.map_or(0, |at| at + 1));
        if newest_known.is_none() && files.len() > 1 {
            files[0].is_after_loss = true;
        }
        Ok(Some(files))
    }

    /// Whether a file is one that is open, or was compressed from one that is.
    fn is_open(&mut self, file: &LogFile) -> bool {
        let lingering = self.lingering.iter_mut().map(|lingering| &mut lingering.file);
        let mut open = self.files.iter_mut().chain(lingering);
        open.any(|open| open.id == file.id || file.is_compressed_from(open).unwrap_or(false))
    }

    fn ids(&self) -> impl Iterator<Item = FileId> {
        let lingering = self.lingering.iter().map(|lingering| lingering.file.id);
        self.files.iter().map(|file| file.id).chain(lingering)
    }

    fn give_up_oldest(&mut self) {
        let Some(file) = self.files.pop_front() else {
            return;
        };
        self.counts.lost_bytes += file.size_now().saturating_sub(file.offset);
        if let Some(next) = self.files.front_mut() {
            next.is_after_loss = true;
        }
        self.lingering.push(Lingering {
            file,
            until_ms: 0,
            is_finished: true,
        });
    }

    /// Reads once, at most a buffer. False: there is nothing to read, and what has waited long enough is handed over.
    pub(super) fn turn(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<bool> {
        let n_before = out.len();
        // What cannot be read is read, so that the source can end.
        self.is_read = true;
        let is_live = |since_ns: i64| (0..=LIVE_NS).contains(&(now.unix_ns - since_ns));
        self.intake.set_live(self.read_up_ns.take().is_some_and(is_live));
        let has_lingered = self.linger(kit, now, out)?;
        let has_read = self.read(kit, now, out)?;
        self.is_read = !has_read && !has_lingered;
        if has_read {
            self.last_read_ms = now.steady_ms;
        } else {
            self.intake.let_go(now, out);
            self.read_up_ns = Some(now.unix_ns);
        }
        self.is_touched |= has_read || out.len() > n_before;
        Ok(has_read)
    }

    fn read(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<bool> {
        loop {
            let Some(file) = self.files.front_mut() else {
                return Ok(false);
            };
            if std::mem::take(&mut file.is_after_loss) {
                self.intake.mark_next(Marks::LOST);
            }
            let (number, intake) = (file.number, &mut self.intake);
            let read = file.read(&mut kit.buffer, |offset, bytes, is_full| {
                intake.take(number, offset, bytes, is_full, now, out)
            })?;
            match read {
                Look::Took(n_bytes @ 1..) => {
                    self.counts.read_bytes += n_bytes as u64;
                    return Ok(true);
                }
                Look::Truncated => self.truncated(kit, now, out)?,
                Look::Took(_) | Look::End if self.files.len() > 1 => self.leave_front(kit, now, out)?,
                Look::Took(_) | Look::End => return Ok(false),
            }
        }
    }

    /// The front file is read; the next one is begun. Nothing is added to a `.gz`: half a line at its end is one.
    fn leave_front(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<()> {
        let Some(mut file) = self.files.pop_front() else {
            return Ok(());
        };
        if let Some(problem) = file.problem() {
            self.problem = Some(format!("cannot read {}: {problem}", file.path.display()));
            if let Some(next) = self.files.front_mut() {
                next.is_after_loss = true;
            }
        }
        let is_finished = file.is_gzip();
        if is_finished {
            let rest = file.rest(&mut kit.buffer)?;
            self.intake.take_rest(file.number, file.offset, &rest, now, out);
            self.is_touched = true;
        }
        self.lingering.push(Lingering {
            file,
            until_ms: now.steady_ms + LINGER_MS,
            is_finished,
        });
        Ok(())
    }

    /// Reads what is still written into files that were rotated away, for a while. False: that was nothing.
    fn linger(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<bool> {
        let mut has_read = false;
        for Lingering {
            file,
            until_ms,
            is_finished,
        } in self
            .lingering
            .iter_mut()
            .filter(|lingering| !lingering.is_finished)
        {
            let (number, intake) = (file.number, &mut self.intake);
            let read = file.read(&mut kit.buffer, |offset, bytes, is_full| {
                intake.take(number, offset, bytes, is_full, now, out)
            })?;
            if let Look::Took(n_bytes @ 1..) = read {
                self.counts.read_bytes += n_bytes as u64;
                *until_ms = now.steady_ms + LINGER_MS;
                self.is_touched = true;
                has_read = true;
            } else if *until_ms <= now.steady_ms {
                let rest = file.rest(&mut kit.buffer)?;
                let rest = if read == Look::Truncated { Vec::new() } else { rest };
                intake.take_rest(number, file.offset, &rest, now, out);
                *is_finished = true;
                self.is_touched = true;
            }
        }
        Ok(has_read)
    }

    /// The front file was cut off and is written anew. Where a copy was made before (copytruncate), reading goes on
    /// in the copy; what was written after the copy is gone unread, and nobody knows how much that was.
    fn truncated(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<()> {
        let Some(file) = self.files.pop_front() else {
            return Ok(());
        };
        self.counts.n_truncated += 1;
        if let Some(next) = self.files.front_mut() {
            // A copy, or a rotated file, that is used again: what it says now is another file's to say.
            next.is_after_loss = true;
            self.counts.lost_bytes += file.size.saturating_sub(file.offset);
            self.give_up(&file, now, out);
            return Ok(());
        }
        let mut anew = file.anew(kit.number())?;
        anew.is_after_loss = true;
        self.files.push_front(anew);
        if let Some(copy) = copy_of(&file) {
            self.counts.lost_bytes += file.size.saturating_sub(copy.size);
            self.files.push_front(copy);
            return Ok(());
        }
        self.counts.lost_bytes += file.size.saturating_sub(file.offset);
        self.give_up(&file, now, out);
        Ok(())
    }

    /// What is held of a file cannot be read again: it is handed over as it is.
    fn give_up(&mut self, file: &LogFile, now: Now, out: &mut Vec<Entry>) {
        self.intake.flush(now, out);
        self.intake.forget_file(file.number);
        self.is_touched = true;
    }

    /// Its log is gone, or there again. What it holds is read before it ends.
    pub(super) fn end(&mut self, is_ending: bool) {
        self.is_read &= self.is_ending || !is_ending;
        self.is_ending = is_ending;
    }

    /// Whether an ending source has nothing more to give. All that is held is handed over then.
    pub(super) fn has_ended(&mut self, kit: &mut Kit, now: Now, out: &mut Vec<Entry>) -> io::Result<bool> {
        let linger_ms = if self.wanted.is_docker { 0 } else { LINGER_MS };
        let is_due = now.steady_ms >= self.last_read_ms + linger_ms;
        if !self.is_ending || !self.is_read || !is_due || self.files.len() > 1 {
            return Ok(false);
        }
        let lingering = self.lingering.iter_mut().map(|lingering| &mut lingering.file);
        for file in self.files.iter_mut().chain(lingering) {
            let rest = file.rest(&mut kit.buffer)?;
            self.intake.take_rest(file.number, file.offset, &rest, now, out);
        }
        self.intake.flush(now, out);
        self.forget_unknowable();
        self.is_touched = true;
        Ok(true)
    }

    /// An ended source may be there again, and its positions are kept. But a file that was deleted comes back only
    /// under another inode, compressed or as a copy: it has no use for the position if its bytes are too few to tell.
    fn forget_unknowable(&mut self) {
        let gone = &mut self.gone;
        let mut is_knowable = |file: &LogFile| {
            let is_knowable = file.remembered().head_bytes >= MIN_HEAD_BYTES || !file.is_deleted();
            if !is_knowable {
                gone.push(file.id);
            }
            is_knowable
        };
        self.files.retain(&mut is_knowable);
        self.lingering.retain(|lingering| is_knowable(&lingering.file));
    }

    /// Whether it has read a file that was rotated away, and would let go of it.
    pub(super) fn is_done_with_a_file(&self) -> bool {
        let mut lingering = self.lingering.iter();
        lingering.any(
            |Lingering {
                 file, is_finished, ..
             }| { *is_finished && self.intake.is_handed_over(file.number) },
        )
    }

    /// Positions of what was read since the last call, and the files whose positions are of no use any more.
    pub(super) fn positions(&mut self, kit: &mut Kit) -> (Vec<Position>, Vec<Gone>) {
        if !std::mem::take(&mut self.is_touched) {
            return (Vec::new(), Vec::new());
        }
        let mut gone = std::mem::take(&mut self.gone);
        let mut positions = Vec::new();
        let lingering = self.lingering.iter_mut().map(|lingering| &mut lingering.file);
        // A copy is made anew in the same file: what is read now comes last, and so it stays.
        for file in lingering.chain(&mut self.files) {
            // Of a deleted file too: it may go on as a compressed one.
            if let Some(position) = position(file, &self.intake, &self.wanted.id) {
                positions.push(kit.learn(position));
            }
        }
        let intake = &mut self.intake;
        self.lingering.retain(
            |Lingering {
                 file, is_finished, ..
             }| {
                let is_done = *is_finished && intake.is_handed_over(file.number);
                if is_done {
                    intake.forget_file(file.number);
                }
                !is_done
            },
        );
        let open: Vec<FileId> = self.ids().collect();
        gone.extend(kit.surplus(&self.wanted.id, &open));
        // A file cut off and written anew has the number of the one before; the newer position wins.
        gone.retain(|id| positions.iter().all(|position| position.file != *id));
        let source = &self.wanted.id;
        let gone = gone.into_iter().map(|file| kit.forget(source, file));
        (positions, gone.collect())
    }

    /// When something held is to be handed over, in steady milliseconds.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.intake.due_ms()
    }

    /// Bytes held in memory.
    pub(super) fn n_held_bytes(&self) -> usize {
        self.intake.n_bytes()
    }

    /// Hands over all that is held, to free memory.
    pub(super) fn flush(&mut self, now: Now, out: &mut Vec<Entry>) {
        self.intake.flush(now, out);
        self.is_touched = true;
    }

    /// Bytes of its open files, and how many of them were read.
    pub(super) fn progress(&mut self) -> (u64, u64) {
        self.files.iter_mut().fold((0, 0), |(total, read), file| {
            let size = file.size_now();
            (total + size, read + file.offset.min(size))
        })
    }

    /// Whether it was read within the last second.
    pub(super) fn is_active(&self, now: Now) -> bool {
        now.steady_ms < self.last_read_ms + 1_000
    }

    /// Whether its log has no name any more but is still written.
    pub(super) fn is_deleted(&self) -> bool {
        self.files.back().is_some_and(LogFile::is_deleted)
    }
}

fn absent_is_none<T>(error: io::Error) -> io::Result<Option<T>> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(error),
    }
}

fn position(file: &mut LogFile, intake: &Intake, source: &str) -> Option<Position> {
    let progress = intake.progress(file.number);
    if progress.offset == 0 && progress.done == [0, 0] {
        return None;
    }
    Some(Position {
        file: file.id,
        source: source.to_owned(),
        fingerprint: file.fingerprint(&progress).ok()?,
        progress,
        turn: 0,
        gone_ms: None,
        zone_ns: intake.zone_ns(),
    })
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "identity_tests.rs"]
mod identity_tests;
