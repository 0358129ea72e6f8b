//! Counts what matches saved searches as it is committed, and tells when it is enough.
//!
//! What counts is in memory; after a start, and where commits came too fast to be seen, it is found again by a search.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alerts::{Audience, Event};
use service::{Ending, unix_ms};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use ui::Excerpt;
use web::Result;

use crate::alert_rule;
use crate::app::App;
use crate::domain::alert_rule::{Due, MAX_MATCHES, Matches};
use crate::domain::entry::{Committed, Entry, Stored};
use crate::domain::filter::Filter;
use crate::domain::paging::{Cursor, Paging};
use crate::domain::view::{EntryView, plain};
use crate::store::alert_rules::StoredRule;
use crate::store::{alert_rules, firings};
use crate::telling::MATCHED;

/// How often it is looked whether a pause is over.
const INTERVAL: Duration = Duration::from_secs(1);
/// Entries read at once to find what counts.
const PAGE: usize = 500;
/// A match is shown so far, in characters.
const MAX_SAMPLE_CHARS: usize = 200;
const MS_NS: i64 = 1_000_000;

/// A rule and what counts for it.
struct Watched {
    stored: StoredRule,
    filter: Filter,
    matches: Matches,
    /// Entries up to this one are counted.
    seen_to: u64,
}

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    // Before anything is looked for: what comes meanwhile waits here.
    let mut committed = app.ingest.committed();
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut watched = BTreeMap::new();
    app.rules_changed.notify_one();
    loop {
        let next = ending.unless(step(&app, &mut committed, &mut ticks, &mut watched));
        match next.await {
            None | Some(Ok(false)) => return,
            Some(Ok(true)) => {}
            Some(Err(error)) => {
                tracing::error!(cause = error.cause, "log alerts: {}", error.detail);
                if ending.unless(tokio::time::sleep(INTERVAL)).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// False when nothing will come any more.
async fn step(
    app: &App,
    committed: &mut Receiver<Arc<Committed>>,
    ticks: &mut tokio::time::Interval,
    watched: &mut BTreeMap<i64, Watched>,
) -> Result<bool> {
    tokio::select! {
        batch = committed.recv() => match batch {
            Ok(batch) => take(watched, &batch),
            Err(RecvError::Lagged(_)) => {
                for one in watched.values_mut() {
                    one.find(app).await?;
                }
            }
            Err(RecvError::Closed) => return Ok(false),
        },
        () = app.rules_changed.notified() => {
            if let Err(error) = reload(app, watched).await {
                app.rules_changed.notify_one();
                return Err(error);
            }
        }
        _ = ticks.tick() => {}
    }
    tell_due(app, watched).await?;
    Ok(true)
}

/// Counts the entries of a commit.
fn take(watched: &mut BTreeMap<i64, Watched>, batch: &Committed) {
    let now = unix_ms();
    let longest = watched.values().map(|one| one.stored.rule.window_ms).max();
    let Some(longest) = longest else { return };
    let since_ns = now.saturating_sub(longest).saturating_mul(MS_NS);
    for (id, entry) in (batch.first_id..).zip(&batch.entries) {
        // Old logs that are read for the first time are no news.
        if entry.time_ns < since_ns {
            continue;
        }
        let view = EntryView::of(entry);
        for one in watched.values_mut() {
            if id > one.seen_to && one.counts(entry) && one.filter.matches(&view) {
                one.add(entry, now);
                one.seen_to = id;
            }
        }
    }
}

/// Takes over rules that came or are others now, leaves those that went or are paused.
async fn reload(app: &App, watched: &mut BTreeMap<i64, Watched>) -> Result<()> {
    let mut rules = app.common.read(alert_rules::all).await?;
    rules.retain(|stored| !stored.is_paused);
    watched.retain(|id, _| rules.iter().any(|stored| stored.id == *id));
    for stored in rules {
        match watched.get_mut(&stored.id) {
            Some(one) if one.counts_the_same(&stored) => one.stored = stored,
            _ => {
                let mut one = Watched::new(stored)?;
                one.find(app).await?;
                watched.insert(one.stored.id, one);
            }
        }
    }
    Ok(())
}

impl Watched {
    fn new(stored: StoredRule) -> Result<Self> {
        Ok(Self {
            filter: alert_rule::filter(&stored.rule.query)?,
            stored,
            matches: Matches::default(),
            seen_to: 0,
        })
    }

    /// Whether what was counted counts for this rule too.
    fn counts_the_same(&self, other: &StoredRule) -> bool {
        self.stored.rule.query == other.rule.query
            && self.stored.rule.window_ms == other.rule.window_ms
            && self.stored.counts_from == other.counts_from
    }

    fn counts(&self, entry: &Entry) -> bool {
        let from_ms = self.stored.counts_from.unwrap_or(i64::MIN);
        entry.time_ns >= from_ms.saturating_mul(MS_NS)
    }

    fn add(&mut self, entry: &Entry, now: i64) {
        self.matches
            .add(entry.time_ns.div_euclid(MS_NS), now, || sample(entry));
    }

    /// Counts anew what matches in the window and was not told of.
    async fn find(&mut self, app: &App) -> Result<()> {
        let now = unix_ms();
        let since = now.saturating_sub(self.stored.rule.window_ms);
        // What was told of does not count again, and what came in a pause never does.
        let told_at = match self.stored.told_to_id {
            None => self.stored.told_at.unwrap_or(i64::MIN),
            Some(_) => i64::MIN,
        };
        let since = since.max(told_at);
        let since = since.max(self.stored.counts_from.map_or(i64::MIN, |from| from - 1));
        let filter = Filter {
            since_ns: Some(since.saturating_add(1).saturating_mul(MS_NS)),
            after_id: self.stored.told_to_id,
            ..self.filter.clone()
        };
        let mut found: Vec<Stored> = Vec::new();
        let mut paging = Paging {
            is_counted: false,
            ..Paging::newest(PAGE)
        };
        self.matches.clear();
        let mut n_found = 0;
        loop {
            let page = app.archive.page(filter.clone(), paging).await?;
            n_found += page.entries.len();
            paging.after = page.entries.last().map(Cursor::of);
            let is_last = page.next.is_none() || n_found >= MAX_MATCHES;
            found.extend(page.entries);
            // The newest are added last: they are the ones that are shown.
            if is_last {
                break;
            }
        }
        for stored in found.iter().rev() {
            self.seen_to = self.seen_to.max(stored.id);
            self.add(&stored.entry, now);
        }
        Ok(())
    }
}

/// `web ERROR the beginning of the message`
fn sample(entry: &Entry) -> String {
    let message = plain(&entry.message);
    format!(
        "{} {} {}",
        entry.container,
        entry.level.name(),
        Excerpt::line(&message, MAX_SAMPLE_CHARS)
    )
}

async fn tell_due(app: &App, watched: &mut BTreeMap<i64, Watched>) -> Result<()> {
    let now = unix_ms();
    for one in watched.values_mut() {
        let due = one.matches.due(&one.stored.rule, one.stored.told_at, now);
        if let Some(due) = due {
            tell(app, &one.stored, due, now, one.seen_to).await?;
            one.stored.told_at = Some(now);
            one.stored.told_to_id = Some(one.seen_to);
            one.matches.clear();
        }
    }
    Ok(())
}

async fn tell(app: &App, stored: &StoredRule, due: Due, now: i64, to_id: u64) -> Result<()> {
    let (stored, reach) = (stored.clone(), app.alerts.reach());
    let told = app.common.write(move |tx| {
        if !alert_rules::told(tx, stored.id, now, to_id)? {
            return Ok(());
        }
        let firing = firings::add(tx, stored.id, &stored.rule, &due, now)?;
        let event = Event {
            kind: MATCHED,
            subject_id: firing,
            at: now,
        };
        let rule = (stored.target, stored.quiet_hours.as_deref());
        Audience::read(tx, &reach)?.hold(tx, std::iter::once(rule), &event)
    });
    told.await?;
    app.alerts.wake();
    Ok(())
}
