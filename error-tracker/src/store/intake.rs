//! The hot path. A report is appended to a journal, which is one write to the end of a table, and acknowledged;
//! a little later all reports that wait for one group are counted and kept at once.
//! Written straight to its group, each report would rewrite ten pages all over the file.
//!
//! Which reports wait is in memory as well. The journal is the truth: whenever a transaction was undone,
//! or the process has just started, memory is made from it again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::activities::{self, Act};
use super::causes;
use super::entry::Entry;
use super::filing::{self, Filed, Filing, Known, Outcome, Standing};
use super::fold::{self, Folded};
use super::occurrences::Places;
use super::rules;
use super::{event_ids, journal};
use crate::domain::alerting::Kind;

/// How much waits.
#[derive(Clone, Copy)]
struct Limits {
    /// Reports that may wait: the more, the more are counted in one write. Who reads waits until they are.
    max_reports: usize,
    /// How many are counted at once when more wait: those of neighbouring groups share pages.
    step: usize,
    /// Groups remembered, so that a report of one need not look it up.
    max_known: usize,
    /// Counted reports are dropped from the journal by so many at once.
    cut_every: i64,
}

const LIMITS: Limits = Limits {
    max_reports: 4096,
    step: 512,
    max_known: 4096,
    cut_every: 4096,
};

/// Groups looked at for a spike at once: when everything rises, some of it says so.
const MAX_RISING: usize = 1000;
/// Groups added to the search index in one transaction.
const INDEXED_AT_ONCE: u32 = 64;
/// An hour with less is no spike.
pub const MIN_RISING: i64 = 20;

/// Reports on their way from the door to their groups. All but [`Intake::is_settled`] belong in a write.
pub struct Intake {
    state: Mutex<State>,
    /// Of the report that comes next; unknown, and high, until the journal was looked at.
    next_seq: AtomicI64,
    counted_before: AtomicI64,
    /// Groups whose hour got fuller than it was by half: one of them may be far over its past.
    rising: Mutex<BTreeSet<i64>>,
}

struct State {
    /// Which occurrences are kept of a group.
    places: Places,
    limits: Limits,
    /// The journal's state that this memory is of; see [`journal::journal_state`].
    last_seq: i64,
    version: i64,
    /// Never used twice, not even after a rollback: that is how one is noticed.
    next_seq: i64,
    next_version: i64,
    known: HashMap<Identity, Known>,
    /// By group, since neighbours share pages: they are counted from one end to the other, and again from the beginning.
    waiting: BTreeMap<i64, Vec<Entry>>,
    /// The group that was counted last.
    place: i64,
    /// The oldest report that waits; of no meaning if none does.
    first_seq: i64,
    n_reports: usize,
    /// The journal holds nothing before it.
    cut_seq: i64,
    /// Numbers of reports of which somebody wants to be told; unknown until it is asked for.
    every: Option<Vec<i64>>,
    rising: BTreeSet<i64>,
}

/// Project and key: what tells groups apart.
#[derive(PartialEq, Eq, Hash)]
struct Identity(String);

impl Identity {
    fn of(filing: &Filing) -> Self {
        // No key has a blank in it.
        Self(format!("{} {}", filing.recognised.key, filing.report.project))
    }
}

impl Intake {
    /// Keeps `keep_occurrences` of each group, at least one and at most [`super::occurrences::MAX_KEPT`].
    pub fn new(keep_occurrences: u32) -> Self {
        Self {
            state: Mutex::new(State::new(Places::new(keep_occurrences), LIMITS)),
            next_seq: AtomicI64::new(i64::MAX),
            counted_before: AtomicI64::new(0),
            rising: Mutex::default(),
        }
    }

    /// Takes a report in: finds or makes its group, journals it, and says what is to be told.
    pub fn file(&self, tx: &Connection, filing: &Filing) -> rusqlite::Result<Filed> {
        self.with(tx, |state| state.file(tx, filing))
    }

    /// Takes several reports in, all or none of them.
    pub fn file_all(&self, tx: &Connection, filings: &[Filing]) -> rusqlite::Result<Vec<Filed>> {
        self.with(tx, |state| {
            filings.iter().map(|filing| state.file(tx, filing)).collect()
        })
    }

    /// Counts and keeps all that waits.
    #[cfg(test)]
    pub(super) fn settle(&self, tx: &Connection) -> rusqlite::Result<()> {
        self.with(tx, |state| state.fold_up_to(tx, i64::MAX, usize::MAX))?;
        while self.index_some(tx)? {}
        Ok(())
    }

    /// Counts and keeps about `n` of the reports journalled before `seq`. When none of them waits any more, says
    /// up to where all are counted once this transaction is committed: then call [`Intake::note_counted`].
    pub fn settle_some(&self, tx: &Connection, seq: i64, n: usize) -> rusqlite::Result<Option<i64>> {
        self.with(tx, |state| {
            state.fold_up_to(tx, seq, n)?;
            let first_waiting = state.first_waiting();
            Ok((first_waiting >= seq || state.n_reports == 0).then_some(first_waiting))
        })
    }

    /// Adds some of the new groups to the search index, which takes many at once far faster than each by itself.
    /// Whether there are more.
    pub fn index_some(&self, tx: &Connection) -> rusqlite::Result<bool> {
        self.with(tx, |_| {
            Ok(filing::has_unsearched(tx)? && filing::index_new(tx, INDEXED_AT_ONCE)?)
        })
    }

    /// Notes that a transaction is committed in which all reports before `seq` are counted.
    pub fn note_counted(&self, seq: i64) {
        self.counted_before.fetch_max(seq, Relaxed);
    }

    /// Number of the next report in the journal.
    pub fn next_seq(&self) -> i64 {
        self.next_seq.load(Relaxed)
    }

    /// Counts and keeps all that waits, before a write that changes groups: what is remembered of them is forgotten.
    pub fn settle_and_forget(&self, tx: &Connection) -> rusqlite::Result<()> {
        self.with(tx, |state| {
            state.known.clear();
            state.every = None;
            state.fold_up_to(tx, i64::MAX, usize::MAX)
        })
    }

    /// Groups whose hour got fuller and is full enough for a spike, since this was last asked.
    pub fn take_rising(&self) -> BTreeSet<i64> {
        std::mem::take(&mut self.rising.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes groups to be looked at again.
    pub fn put_back_rising(&self, groups: impl IntoIterator<Item = i64>) {
        let mut rising = self.rising.lock().unwrap_or_else(PoisonError::into_inner);
        rising.extend(groups);
    }

    /// Whether the tables show all that was acknowledged.
    pub fn is_settled(&self) -> bool {
        self.next_seq.load(Relaxed) <= self.counted_before.load(Relaxed)
    }

    fn with<T>(
        &self,
        tx: &Connection,
        act: impl FnOnce(&mut State) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            self.state.clear_poison();
            let mut state = poisoned.into_inner();
            state.distrust();
            state
        });
        let done = state.refresh(tx).and_then(|()| act(&mut state));
        if done.is_err() {
            state.distrust();
        }
        self.next_seq.store(state.next_seq, Relaxed);
        if !state.rising.is_empty() {
            let rising = std::mem::take(&mut state.rising);
            let mut all = self.rising.lock().unwrap_or_else(PoisonError::into_inner);
            let n_free = MAX_RISING.saturating_sub(all.len());
            all.extend(rising.into_iter().take(n_free));
        }
        done
    }
}

/// Overwrites what is deleted or replaced wherever the page is written anyway, so that forgetting a user need only
/// look after the pages that are free as a whole.
pub(super) fn delete_securely(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch("pragma secure_delete = fast")
}

impl State {
    fn new(places: Places, limits: Limits) -> Self {
        Self {
            places,
            limits,
            last_seq: -1,
            version: -1,
            next_seq: 1,
            next_version: 1,
            known: HashMap::new(),
            waiting: BTreeMap::new(),
            place: 0,
            first_seq: 0,
            n_reports: 0,
            cut_seq: 0,
            every: None,
            rising: BTreeSet::new(),
        }
    }

    /// The transaction around will be undone, or may have been: look at the journal before the next step.
    fn distrust(&mut self) {
        self.last_seq = -1;
    }

    /// Makes memory from the journal if it is not of its present state.
    fn refresh(&mut self, tx: &Connection) -> rusqlite::Result<()> {
        let journal = journal::journal_state(tx)?;
        if (journal.last_seq, journal.version) == (self.last_seq, self.version) {
            return Ok(());
        }
        delete_securely(tx)?;
        self.known.clear();
        self.every = None;
        self.waiting.clear();
        (self.n_reports, self.cut_seq) = (0, 0);
        for (group_id, entry) in journal::uncounted(tx)? {
            self.wait(group_id, entry);
        }
        (self.last_seq, self.version) = (journal.last_seq, journal.version);
        self.next_seq = self.next_seq.max(journal.last_seq + 1).max(journal.next_seq);
        self.next_version = self.next_version.max(journal.version + 1);
        Ok(())
    }

    fn file(&mut self, tx: &Connection, filing: &Filing) -> rusqlite::Result<Filed> {
        if let Some(filed) = self.seen_before(tx, filing)? {
            return Ok(filed);
        }
        let identity = Identity::of(filing);
        let (known, is_new) = self.find_or_create(tx, &identity, filing)?;
        let outcome = match (is_new, known.standing) {
            (true, _) => Outcome::Created,
            (false, Standing::Resolved) => Outcome::Reopened,
            (false, Standing::ResolvedAfter) if filing::reopens(tx, known.root, &filing.report)? => {
                Outcome::Reopened
            }
            (false, Standing::Open | Standing::ResolvedAfter) => Outcome::Incremented,
        };
        tell(tx, known.root, outcome, filing)?;
        if let Some(id) = &filing.report.event_id {
            event_ids::note_event(tx, &filing.report.project, id, known.id, filing.received_at)?;
        }
        let known = Known {
            standing: match outcome {
                Outcome::Incremented | Outcome::Repeated => known.standing,
                Outcome::Created | Outcome::Reopened => Standing::Open,
            },
            n_occurrences: known.n_occurrences + 1,
            ..known
        };
        let before = self.waiting.get(&known.id).and_then(|entries| entries.last());
        let entry = Entry::new(self.next_seq, known.n_occurrences, filing, before);
        self.next_seq += 1;
        journal::journal(tx, &known, &entry, filing)?;
        self.last_seq = entry.seq;
        self.wait(known.id, entry);
        let n_occurrences = match known.is_merged {
            true => self.n_of_family(tx, known.root)?,
            false => {
                self.remember(identity, known);
                known.n_occurrences
            }
        };
        self.make_room(tx)?;
        Ok(Filed {
            group_id: known.root,
            outcome,
            n_occurrences,
            fingerprint: filing.recognised.fingerprint.clone(),
        })
    }

    /// Reports of a group and of what is merged into it, counted ones and those that wait.
    fn n_of_family(&self, tx: &Connection, root: i64) -> rusqlite::Result<i64> {
        let (n_counted, members) = filing::family(tx, root)?;
        let waiting = members.iter().filter_map(|id| self.waiting.get(id)).map(Vec::len);
        Ok(n_counted + waiting.sum::<usize>() as i64)
    }

    /// What became of the same event, had it come before.
    fn seen_before(&self, tx: &Connection, filing: &Filing) -> rusqlite::Result<Option<Filed>> {
        let Some(event_id) = &filing.report.event_id else {
            return Ok(None);
        };
        let Some(root) = event_ids::find_event(tx, &filing.report.project, event_id)? else {
            return Ok(None);
        };
        Ok(Some(Filed {
            group_id: root,
            outcome: Outcome::Repeated,
            n_occurrences: self.n_of_family(tx, root)?,
            fingerprint: filing.recognised.fingerprint.clone(),
        }))
    }

    fn find_or_create(
        &mut self,
        tx: &Connection,
        identity: &Identity,
        filing: &Filing,
    ) -> rusqlite::Result<(Known, bool)> {
        if let Some(known) = self.known.get(identity) {
            return Ok((*known, false));
        }
        match filing::find(tx, filing)? {
            None => Ok((filing::create(tx, filing)?, true)),
            Some(mut known) => {
                known.n_occurrences += self.waiting.get(&known.id).map_or(0, Vec::len) as i64;
                Ok((known, false))
            }
        }
    }

    fn remember(&mut self, identity: Identity, known: Known) {
        if self.known.len() >= self.limits.max_known {
            self.known.clear();
        }
        self.known.insert(identity, known);
    }

    fn wait(&mut self, group_id: i64, entry: Entry) {
        if self.n_reports == 0 {
            self.first_seq = entry.seq;
        }
        self.n_reports += 1;
        // Most groups have one report waiting; where they have more, the list grows.
        let waiting = self.waiting.entry(group_id);
        waiting.or_insert_with(|| Vec::with_capacity(1)).push(entry);
    }

    /// Counts some of the groups where too many reports wait.
    fn make_room(&mut self, tx: &Connection) -> rusqlite::Result<()> {
        if self.n_reports > self.limits.max_reports {
            self.fold_up_to(tx, i64::MAX, self.limits.step)?;
        }
        let first_waiting = self.first_waiting();
        if first_waiting - self.cut_seq >= self.limits.cut_every {
            journal::cut_journal(tx, first_waiting)?;
            self.cut_seq = first_waiting;
        }
        Ok(())
    }

    fn fold_up_to(&mut self, tx: &Connection, seq: i64, n: usize) -> rusqlite::Result<()> {
        if self.last_seq == 0 || self.first_waiting() >= seq {
            return Ok(());
        }
        let mut n_folded = 0;
        while let Some(group_id) = self.next_group(seq).filter(|_| n_folded < n) {
            n_folded += self.fold_group(tx, group_id)?;
            self.place = group_id;
        }
        let first = self.waiting.values().filter_map(|entries| entries.first());
        self.first_seq = first.map(|entry| entry.seq).min().unwrap_or(self.next_seq);
        let version = self.next_version;
        self.next_version += 1;
        journal::set_version(tx, version, self.next_seq)?;
        self.version = version;
        if self.n_reports == 0 {
            journal::clear_journal(tx)?;
            self.last_seq = 0;
            self.cut_seq = self.next_seq;
        }
        Ok(())
    }

    /// The next group with a report journalled before `seq`.
    fn next_group(&self, seq: i64) -> Option<i64> {
        let behind = self.waiting.range(self.place + 1..);
        let before = self.waiting.range(..=self.place);
        let waits = |entries: &[Entry]| entries.first().is_some_and(|entry| entry.seq < seq);
        let mut all = behind.chain(before);
        all.find(|(_, entries)| waits(entries)).map(|(id, _)| *id)
    }

    /// Returns how many reports it counted.
    fn fold_group(&mut self, tx: &Connection, group_id: i64) -> rusqlite::Result<usize> {
        let entries = self.waiting.remove(&group_id).unwrap_or_default();
        let folded = fold::fold(tx, group_id, &entries, self.places)?;
        if let Some(folded) = folded {
            self.note_growth(tx, &folded, entries.len() as i64)?;
        }
        self.n_reports -= entries.len();
        Ok(entries.len())
    }

    /// Tells of each `n`th report where somebody asked for it, and notes what may be a spike.
    fn note_growth(&mut self, tx: &Connection, folded: &Folded, n: i64) -> rusqlite::Result<()> {
        if folded.n_in_hour >= MIN_RISING {
            self.rising.insert(folded.root);
        }
        let every = match &self.every {
            Some(every) => every,
            None => self.every.insert(rules::every(tx)?),
        };
        let (before, after) = (folded.n_after - n, folded.n_after);
        if every.iter().any(|every| before / every < after / every) {
            let environment = folded.environment.as_deref();
            causes::queue_growth(tx, folded.root, environment, (before, after), folded.at)?;
        }
        Ok(())
    }

    fn first_waiting(&self) -> i64 {
        match self.n_reports {
            0 => self.next_seq,
            _ => self.first_seq,
        }
    }
}

/// Writes down that a group is new or came back, for those who want to be told.
fn tell(tx: &Connection, root: i64, outcome: Outcome, filing: &Filing) -> rusqlite::Result<()> {
    let kind = match outcome {
        Outcome::Created => Kind::Created,
        Outcome::Reopened => Kind::Reopened,
        Outcome::Incremented | Outcome::Repeated => return Ok(()),
    };
    let (report, now) = (&filing.report, filing.received_at);
    if outcome == Outcome::Reopened {
        filing::reopen(tx, root, now)?;
        let regressed = Act {
            kind: activities::Kind::Regressed,
            author: None,
            detail: report.release.as_deref(),
        };
        activities::note(tx, root, &regressed, now)?;
    }
    causes::queue(tx, kind, root, report.environment.as_deref(), now)
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
