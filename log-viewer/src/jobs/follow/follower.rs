//! The one thread that reads: sweeps over all sources again and again, a piece of each in its turn, and gives what
//! it has in batches. The next batch is given when the one before is stored, so reading waits for storing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::Sender;

use crate::domain::entry::Entry;
use crate::domain::intake::Now;
use crate::following::{Board, Folder, SourceStatus, State};
use crate::jobs::follow::kit::Kit;
use crate::jobs::follow::source::Source;

use crate::jobs::follow::wanted::{Found, Lookout, Obstacle, Wanted, reason};
use crate::jobs::follow::watch::Watch;
use crate::settings::Settings;
use crate::store::positions::{Gone, Position};

/// Text of one batch: as much as the store seals at once.
const BATCH_BYTES: usize = 2 << 20;
/// What an entry takes beside its text.
const ENTRY_BYTES: usize = 64;
/// Pause between two sweeps that found nothing, while something was read lately.
const SWEEP: Duration = Duration::from_millis(50);
/// The same when all has been silent for a while.
const IDLE_SWEEP: Duration = Duration::from_millis(100);
const IDLE_AFTER_MS: u64 = 5_000;
/// Silent sources are asked for a rotation in every so many sweeps.
const ROTATION_SWEEPS: u64 = 4;
/// Pause between two looks around while something is just being made.
const UNFINISHED_MS: u64 = 200;
const STATUS_MS: u64 = 500;
/// Pause between two looks for sources that are nowhere to be found.
const ABSENT_MS: u64 = 3_600_000;
/// Most bytes of unfinished entries in memory; beyond, they are handed over as they are.
const MAX_HELD_BYTES: usize = 8 << 20;

/// What is stored in one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) positions: Vec<Position>,
    pub(super) gone: Vec<Gone>,
}

/// The line to whoever stores.
pub(super) struct Line {
    pub(super) batches: Sender<Batch>,
    /// Says when a batch is stored.
    pub(super) stored: Receiver<()>,
    /// Told when nobody stores any more.
    pub(super) stop: Arc<AtomicBool>,
}

pub(super) struct Follower {
    kit: Kit,
    lookout: Lookout,
    watch: Watch,
    board: Board,
    poll_interval: Duration,
    line: Line,
    started: Instant,
    sources: Vec<Source>,
    rounds: Rounds,
    /// To be saved with the next batch: positions of sources that came or went, and those that are forgotten.
    absent: (Vec<Position>, Vec<Gone>),
}

/// When what was done last.
#[derive(Default)]
struct Rounds {
    n_sweeps: u64,
    first: usize,
    look_ms: u64,
    status_ms: u64,
    read_ms: u64,
    is_waiting: bool,
    has_looked: bool,
    absent_ms: u64,
}

impl Follower {
    pub(super) fn new(
        settings: &Settings,
        known: Vec<Position>,
        since_ms: i64,
        board: Board,
        line: Line,
    ) -> Self {
        let folder = settings.log_sources.clone();
        Self {
            kit: Kit::new(
                settings.max_line_bytes,
                settings.tail_buffer_bytes,
                since_ms,
                known,
            ),
            watch: Watch::new(&folder),
            lookout: Lookout::new(folder, settings.containers.clone(), &settings.log_files),
            board,
            poll_interval: settings.poll_interval,
            line,
            started: Instant::now(),
            sources: Vec::new(),
            rounds: Rounds::default(),
            absent: Default::default(),
        }
    }

    /// Until it is told to stop, or nobody takes its batches any more.
    pub(super) fn run(mut self) {
        while !self.line.stop.load(Ordering::Relaxed) {
            if self.now().steady_ms >= self.rounds.look_ms {
                self.look_around();
            }
            let (positions, gone) = std::mem::take(&mut self.absent);
            let mut batch = Batch {
                positions,
                gone,
                ..Batch::default()
            };
            self.sweep(&mut batch);
            self.end_sources(&mut batch);
            if !self.give(batch) {
                return;
            }
            self.report();
            if self.watch.sleep(self.pause()) {
                self.rounds.look_ms = 0;
            }
        }
    }

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Now {
            steady_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            unix_ns: unix.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
        }
    }

    /// Reads a piece of every source, again and again, until none has more or the batch is full.
    fn sweep(&mut self, batch: &mut Batch) {
        self.rounds.n_sweeps += 1;
        self.check_rotations(self.rounds.n_sweeps.is_multiple_of(ROTATION_SWEEPS));
        let mut n_bytes = 0;
        loop {
            let now = self.now();
            let mut has_read = false;
            for turn in 0..self.sources.len() {
                let at = (self.rounds.first + turn) % self.sources.len();
                if self.waits_for_namesake(at) {
                    continue;
                }
                let n_before = batch.entries.len();
                has_read |= self.turn(at, now, batch);
                let added = batch.entries[n_before..].iter();
                n_bytes += added
                    .map(|entry| entry.message.len() + ENTRY_BYTES)
                    .sum::<usize>();
                if n_bytes >= BATCH_BYTES {
                    self.rounds.first = at + 1;
                    return;
                }
            }
            if has_read {
                self.rounds.read_ms = now.steady_ms;
            }
            if !has_read || self.line.stop.load(Ordering::Relaxed) {
                return;
            }
            self.check_rotations(false);
        }
    }

    fn turn(&mut self, at: usize, now: Now, batch: &mut Batch) -> bool {
        let source = &mut self.sources[at];
        match source.turn(&mut self.kit, now, &mut batch.entries) {
            Ok(has_read) => has_read,
            Err(error) => {
                source.problem = Some(reason(&error));
                false
            }
        }
    }

    /// A container that was made anew under a name is read after the one before it.
    fn waits_for_namesake(&self, at: usize) -> bool {
        let source = &self.sources[at];
        !source.is_ending
            && self.sources.iter().any(|other| {
                other.is_ending && other.wanted.is_docker && other.wanted.name == source.wanted.name
            })
    }

    fn check_rotations(&mut self, all: bool) {
        let now = self.now();
        for source in &mut self.sources {
            if !all && !source.is_active(now) {
                continue;
            }
            if let Err(error) = source.check_rotation(&mut self.kit, now) {
                source.problem = Some(reason(&error));
            }
        }
    }

    /// Lets go of sources whose logs are gone and read; and of what is held, where it is too much.
    fn end_sources(&mut self, batch: &mut Batch) {
        let now = self.now();
        let mut ended = Vec::new();
        for (at, source) in self.sources.iter_mut().enumerate() {
            if source
                .has_ended(&mut self.kit, now, &mut batch.entries)
                .unwrap_or(true)
            {
                ended.push(at);
            }
        }
        let mut n_held: usize = self.sources.iter().map(Source::n_held_bytes).sum();
        while n_held > MAX_HELD_BYTES
            && let Some(largest) = self.sources.iter_mut().max_by_key(|source| source.n_held_bytes())
        {
            n_held -= largest.n_held_bytes().min(n_held);
            largest.flush(now, &mut batch.entries);
            if largest.n_held_bytes() > 0 {
                break;
            }
        }
        let is_to_be_stored = !batch.entries.is_empty() || !batch.gone.is_empty() || !ended.is_empty();
        if is_to_be_stored || self.sources.iter().any(Source::is_done_with_a_file) {
            self.add_positions(batch);
        }
        for at in ended.into_iter().rev() {
            self.sources.remove(at);
        }
    }

    /// Asked for only where they are stored: a source takes what it told for saved.
    fn add_positions(&mut self, batch: &mut Batch) {
        for source in &mut self.sources {
            let (positions, gone) = source.positions(&mut self.kit);
            batch.positions.extend(positions);
            batch.gone.extend(gone);
        }
    }

    /// Gives a batch when the one before is stored. False: nobody takes it any more.
    fn give(&mut self, batch: Batch) -> bool {
        if batch.entries.is_empty() && batch.gone.is_empty() && batch.positions.is_empty() {
            return !self.line.batches.is_closed();
        }
        while self.rounds.is_waiting {
            match self.line.stored.recv_timeout(SWEEP) {
                Ok(()) => self.rounds.is_waiting = false,
                // Logs go on being rotated meanwhile: what is new is opened before it is rotated away.
                Err(RecvTimeoutError::Timeout) => self.check_rotations(true),
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            if self.line.stop.load(Ordering::Relaxed) {
                return false;
            }
        }
        self.rounds.is_waiting = true;
        self.line.batches.blocking_send(batch).is_ok()
    }

    fn pause(&self) -> Duration {
        let now = self.now();
        let is_idle = now.steady_ms > self.rounds.read_ms + IDLE_AFTER_MS;
        let sweep = if is_idle { IDLE_SWEEP } else { SWEEP };
        let due_ms = self.sources.iter().filter_map(Source::due_ms).min();
        let due = due_ms.map_or(sweep, |due_ms| {
            Duration::from_millis(due_ms.saturating_sub(now.steady_ms))
        });
        due.clamp(Duration::from_millis(1), sweep)
    }

    fn look_around(&mut self) {
        let found = self.lookout.look();
        let pause_ms = u64::try_from(self.poll_interval.as_millis()).unwrap_or(u64::MAX);
        let pause_ms = if found.is_unfinished {
            pause_ms.min(UNFINISHED_MS)
        } else {
            pause_ms
        };
        self.rounds.look_ms = self.now().steady_ms.saturating_add(pause_ms);
        match &found.folder_problem {
            None if self.watch.ensure() => self.rounds.look_ms = 0,
            None => {}
            Some(_) => self.watch.stop(),
        }
        self.end_missing(&found);
        let mut obstacles = Vec::new();
        for wanted in &found.sources {
            obstacles.extend(self.take_up(wanted));
        }
        if !std::mem::replace(&mut self.rounds.has_looked, true) {
            self.log_start();
        }
        self.note_absent();
        self.show(&found, obstacles);
    }

    /// Begins to follow a source, or goes on with it; says what stands in the way.
    fn take_up(&mut self, wanted: &Wanted) -> Option<Obstacle> {
        let known = self
            .sources
            .iter_mut()
            .find(|source| source.wanted.id == wanted.id);
        if let Some(source) = known {
            source.end(false);
            if source.wanted.name != wanted.name {
                source.rename(wanted.name.clone());
            }
            return None;
        }
        match Source::open(wanted.clone(), &mut self.kit) {
            Ok(source) => {
                self.sources.push(source);
                None
            }
            Err(error) => Some(Obstacle {
                name: wanted.name.to_string(),
                path: wanted.path.clone(),
                why: reason(&error),
            }),
        }
    }

    /// A source that is no longer found ends when it is read. While the folder cannot be listed nothing ends.
    fn end_missing(&mut self, found: &Found) {
        let is_listed = found.folder_problem.is_none();
        for source in &mut self.sources {
            let is_found = found.sources.iter().any(|wanted| wanted.id == source.wanted.id);
            // A container whose log alone was deleted goes on writing into it.
            let is_gone = if source.wanted.is_docker {
                is_listed && source.wanted.path.parent().is_some_and(|folder| !folder.exists())
            } else {
                !source.wanted.path.exists()
            };
            source.end(!is_found && is_gone);
        }
    }

    /// Keeps the positions of logs that are absent, and forgets those that were for long. While Docker's folder is
    /// missing nothing is known of its containers.
    fn note_absent(&mut self) {
        let now = self.now();
        if now.steady_ms < self.rounds.absent_ms {
            return;
        }
        self.rounds.absent_ms = now.steady_ms + ABSENT_MS;
        let folder = self.lookout.folder();
        let is_listed = folder.exists();
        let is_there = |source: &str| {
            let path = folder.join(source);
            self.sources.iter().any(|followed| followed.wanted.id == source)
                || path.exists()
                || !is_listed && path.starts_with(&folder)
        };
        self.absent = self.kit.note_absent(now.unix_ns / 1_000_000, is_there);
    }

    fn log_start(&self) {
        if !self.sources.is_empty() {
            tracing::info!(
                n_sources = self.sources.len(),
                "logs followed: {}",
                self.sources.len()
            );
        }
    }

    fn report(&mut self) {
        let now_ms = self.now().steady_ms;
        if now_ms < self.rounds.status_ms {
            return;
        }
        self.rounds.status_ms = now_ms + STATUS_MS;
        let followed: Vec<SourceStatus> = self.sources.iter_mut().map(status).collect();
        self.board.change(|status| {
            status.sources.retain(|source| source.state == State::Failed);
            status.sources.extend(followed);
            status
                .sources
                .sort_by(|a, b| (&a.container, &a.path).cmp(&(&b.container, &b.path)));
        });
    }

    /// What was found, for the page. What cannot be opened is logged when it is new.
    fn show(&mut self, found: &Found, opening: Vec<Obstacle>) {
        let failed: Vec<SourceStatus> = found.obstacles.iter().chain(&opening).map(failure).collect();
        for source in &failed {
            if !self.board.read().sources.contains(source) {
                let problem = source.problem.as_deref().unwrap_or_default();
                tracing::warn!("cannot follow {} ({}): {problem}", source.container, source.path);
            }
        }
        self.board.change(|status| {
            status.folder = match &found.folder_problem {
                None => Folder::Listed,
                Some(error) if error.kind() == std::io::ErrorKind::NotFound => Folder::Missing,
                Some(error) => Folder::Failed(reason(error)),
            };
            status.n_left_out = found.n_left_out;
            status.sources.retain(|source| source.state != State::Failed);
            status.sources.extend(failed);
        });
        self.rounds.status_ms = 0;
    }
}

fn failure(obstacle: &Obstacle) -> SourceStatus {
    SourceStatus {
        container: obstacle.name.clone(),
        path: obstacle.path.display().to_string(),
        is_docker: true,
        state: State::Failed,
        total_bytes: 0,
        read_bytes: 0,
        n_truncated: 0,
        lost_bytes: 0,
        problem: Some(obstacle.why.clone()),
    }
}

fn status(source: &mut Source) -> SourceStatus {
    let (total_bytes, read_bytes) = source.progress();
    let state = match (source.is_ending, read_bytes < total_bytes) {
        (true, _) => State::Ending,
        (false, true) => State::CatchingUp,
        (false, false) => State::Following,
    };
    let deleted = (!source.is_ending && source.is_deleted()).then(|| {
        "its log file was deleted; what is still written into it is read until it is closed".to_owned()
    });
    SourceStatus {
        container: source.wanted.name.to_string(),
        path: source.wanted.path.display().to_string(),
        is_docker: source.wanted.is_docker,
        state,
        total_bytes,
        read_bytes,
        n_truncated: source.counts.n_truncated,
        lost_bytes: source.counts.lost_bytes,
        problem: source.problem.take().or(deleted),
    }
}
