//! `import`: samples, minutes and hours of the original collector, as minutes and hours here. All in one transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Map, Value};
use service::{Common, Imported, Original, original_time, unix_ms};
use sqlite::imports;

use crate::domain::aggregate::Aggregate;
use crate::domain::kind::Kind;
use crate::domain::labels::{Labels, clean_text};
use crate::domain::past::{self, Past};
use crate::domain::resolution::Tier;
use crate::domain::series::Series;
use crate::domain::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::domain::window;
use crate::ingest::Ingest;
use crate::jobs::retention;
use crate::rolling::{Roller, Slot};
use crate::settings::Settings;
use crate::store::original::{self, Key, OldBucket, OldSample};
use crate::store::progress::{self, Cut, Progress};
use crate::store::series;

/// What has to be there.
pub(crate) const TABLES: &[&str] = &["metrics_aggregated", "metrics_raw"];
/// The part by which `sqlite::imports` knows it.
const PART: &str = "metrics";
/// Longest name and project, in bytes, as in `intake`.
const MAX_NAME_BYTES: usize = 200;
const MAX_PROJECT_BYTES: usize = 100;

pub(crate) async fn run(
    settings: &Settings,
    common: &Arc<Common>,
    from: Original,
) -> Result<Vec<Imported>, String> {
    let failed = |error: web::Error| format!("{} {}", error.detail, error.cause.unwrap_or_default());
    let source = from.source().to_owned();
    let is_done = common
        .read(move |connection| Ok(imports::last_id(connection, &source, PART)? > 0))
        .await
        .map_err(failed)?;
    if is_done {
        return Err("this database was taken over already".to_owned());
    }
    let ingest = Arc::new(Ingest::load(common, settings.limits).await.map_err(failed)?);
    let now_ms = unix_ms();
    // What is there of samples becomes minutes, so that the original's can be added to them.
    let end = window::of(now_ms + MINUTE_MS) + 1;
    retention::demote(common, &ingest, end).await.map_err(failed)?;
    let import = Import {
        ingest,
        now_ms,
        n: Counts::default(),
    };
    let n = common
        .write(move |tx| import.all(tx, &from, end))
        .await
        .map_err(failed)?;
    Ok(vec![
        Imported::new("series", n.series),
        Imported::new("samples", n.samples),
        Imported::new("minutes and hours", n.buckets),
        Imported::new("rows without a time or a number", n.refused),
    ])
}

#[derive(Default)]
struct Counts {
    series: u64,
    samples: u64,
    buckets: u64,
    refused: u64,
}

struct Import {
    ingest: Arc<Ingest>,
    now_ms: i64,
    n: Counts,
}

/// What samples say of a series, which minutes and hours do not say.
#[derive(Debug, Clone)]
struct Known {
    kind: Kind,
    project: Option<String>,
    past: Past,
}

impl Import {
    fn all(mut self, tx: &Connection, from: &Original, end: i64) -> rusqlite::Result<Counts> {
        let mut progress = progress::read(tx)?;
        *progress.from_mut(Tier::Raw) = progress.from(Tier::Raw).max(end);
        progress::write_tiers(tx, &progress)?;
        if progress.done.seq == 0 {
            // Queries read no rows before the first round; no batch has the number 0, so nothing else is said by it.
            progress::write_round(tx, Cut { seq: 0, window: end }, None)?;
        }
        let mut known: HashMap<Key, Known> = HashMap::new();
        original::each_sample(from.connection(), |sample| self.sample(&mut known, sample))?;
        let mut roller = Roller::default();
        let mut current: Option<(Key, Known)> = None;
        original::each_bucket(from.connection(), |bucket| {
            let is_same = current.as_ref().is_some_and(|(key, _)| *key == bucket.key);
            if !is_same {
                if let Some((key, known)) = current.take() {
                    self.put(tx, &progress, &mut roller, &key, known)?;
                }
                let found = known.remove(&bucket.key);
                current = Some((bucket.key.clone(), found.unwrap_or_else(|| guess(&bucket))));
            }
            if let Some((_, known)) = &mut current {
                self.bucket(known, &bucket);
            }
            Ok(())
        })?;
        for (key, known) in current.into_iter().chain(known) {
            self.put(tx, &progress, &mut roller, &key, known)?;
        }
        imports::note(tx, from.source(), PART, 1)?;
        Ok(self.n)
    }

    fn sample(&mut self, all: &mut HashMap<Key, Known>, sample: OldSample) {
        let kind = match sample.kind.as_str() {
            "counter" => Kind::Counter,
            "histogram" => Kind::Histogram,
            _ => Kind::Gauge,
        };
        let Some(at_ms) = self.time(&sample.timestamp).filter(|_| sample.value.is_finite()) else {
            self.n.refused += 1;
            return;
        };
        let known = all.entry(sample.key).or_insert_with(|| Known {
            kind,
            project: sample.project,
            past: Past::default(),
        });
        known.past.sample(known.kind, at_ms, sample.value);
        self.n.samples += 1;
    }

    fn bucket(&mut self, known: &mut Known, bucket: &OldBucket) {
        let is_finite = bucket.numbers.iter().all(|number| number.is_finite());
        let at_ms = self
            .time(&bucket.bucket)
            .filter(|_| is_finite && bucket.count > 0);
        let Some(at_ms) = at_ms else {
            self.n.refused += 1;
            return;
        };
        let width = if bucket.is_hour { HOUR_MS } else { MINUTE_MS };
        let at_ms = at_ms - at_ms.rem_euclid(width);
        let count = bucket.count.unsigned_abs();
        let last_at = at_ms + width - 1;
        let made = past::aggregate(known.kind, count, bucket.numbers, bucket.percentiles, last_at);
        known.past.bucket(at_ms, bucket.is_hour, made);
        self.n.buckets += 1;
    }

    /// Times that cannot be are none: before 2000, or still to come.
    fn time(&self, text: &str) -> Option<i64> {
        const YEAR_2000_MS: i64 = 946_684_800_000;
        original_time(text).filter(|at_ms| (YEAR_2000_MS..=self.now_ms + MINUTE_MS).contains(at_ms))
    }

    /// Writes a series, window by window.
    fn put(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        roller: &mut Roller,
        (name, labels): &Key,
        known: Known,
    ) -> rusqlite::Result<()> {
        let (minutes, hours) = known.past.buckets();
        let Some(last) = minutes.keys().chain(hours.keys()).max().copied() else {
            return Ok(());
        };
        let (id, _) = self.ingest.registry_mut().id_of(Series {
            name: clean_text(name, MAX_NAME_BYTES).into(),
            kind: known.kind,
            project: known
                .project
                .map(|project| clean_text(&project, MAX_PROJECT_BYTES).into()),
            labels: labels_of(labels),
        });
        self.ingest.save_new_series(tx)?;
        series::seen(tx, id, last.div_euclid(DAY_MS) + 1)?;
        let mut windows: BTreeMap<i64, [Vec<(u32, Aggregate)>; 2]> = BTreeMap::new();
        for (which, width_ms, all) in [(0, MINUTE_MS, minutes), (1, HOUR_MS, hours)] {
            for (at_ms, bucket) in all {
                let number = window::of(at_ms);
                let start_ms = window::start_ms(number);
                let place = ((at_ms - start_ms) / width_ms) as u32;
                let bucket = Aggregate {
                    last_at: bucket.last_at - start_ms,
                    ..bucket
                };
                windows.entry(number).or_default()[which].push((place, bucket));
            }
        }
        for (number, [minutes, hours]) in windows {
            let slot = Slot {
                window: number,
                series: id,
                kind: known.kind,
            };
            roller.add(tx, progress, slot, minutes, hours)?;
        }
        self.n.series += 1;
        Ok(())
    }
}

/// Minutes and hours do not say what they are of.
fn guess(bucket: &OldBucket) -> Known {
    let name = bucket.key.0.as_str();
    let is_counted = ["_total", "_count", "_requests", "_errors"]
        .iter()
        .any(|end| name.ends_with(end));
    Known {
        kind: match bucket.percentiles {
            Some(_) => Kind::Histogram,
            None if is_counted => Kind::Counter,
            None => Kind::Gauge,
        },
        project: None,
        past: Past::default(),
    }
}

fn labels_of(json: &str) -> Labels {
    let all: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    Labels::new(all.into_iter().map(|(key, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (key, text)
    }))
}
