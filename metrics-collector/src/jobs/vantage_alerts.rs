//! Looks whether the newest value of each metric of Vantage's agents is as usual by its past. Nobody is told of it but
//! those who ask `/alerts/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};
use web::Result;

use crate::app::App;
use crate::domain::timestamp::{DAY_MS, HOUR_MS};
use crate::domain::vantage::metric::ROWS_KEPT_MS;
use crate::domain::vantage::quartiles::{self, Bounds, Sensitivity};
use crate::store::vantage as rows;
use crate::store::vantage_alerts::{self as store, Newest};

/// Times `ALERT_INTERVAL`: every minute, if that is as it is.
const EVERY: u32 = 4;
/// Metrics of services that are looked at.
const MAX_PAIRS: usize = 100;
/// What is usual is looked up again after so long: it is made of a week.
const LEARN_EVERY_MS: i64 = HOUR_MS;
/// The past is read in pieces, so that no question holds a reader for long.
const PIECE_MS: i64 = 6 * HOUR_MS;
/// Values of a metric that are taken of a piece; of more, so many by chance.
const MAX_OF_PIECE: usize = 200;
/// An alert whose metric was not seen for so long is over.
const IDLE_MS: i64 = DAY_MS;

type Pair = (String, String);

/// What is usual, and when that was looked up.
#[derive(Default)]
struct Usual {
    learned_at: Option<i64>,
    bounds: BTreeMap<Pair, Bounds>,
}

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let Some(sensitivity) = app.settings.vantage_alerts else {
        return;
    };
    let mut usual = Usual::default();
    let every: Duration = app.settings.alert_every * EVERY;
    let mut ticks = tokio::time::interval(every);
    while ending.unless(ticks.tick()).await.is_some() {
        let looked = ending
            .unless(look(&app, sensitivity, &mut usual, unix_ms()))
            .await;
        if let Some(Err(error)) = looked {
            tracing::error!(
                cause = error.cause,
                "alerts of Vantage's metrics were not looked at: {}",
                error.detail
            );
        }
    }
}

async fn look(app: &App, sensitivity: Sensitivity, usual: &mut Usual, now: i64) -> Result<()> {
    let newest = newest(app, now).await?;
    let is_old = usual.learned_at.is_none_or(|at| now - at >= LEARN_EVERY_MS);
    if is_old && !newest.is_empty() {
        *usual = Usual {
            learned_at: Some(now),
            bounds: learn(app, &newest, sensitivity, now).await?,
        };
    }
    let judged: Vec<(Newest, Bounds)> = newest
        .into_iter()
        .filter_map(|(pair, (_, value))| {
            let bounds = *usual.bounds.get(&pair)?;
            let (service, metric) = pair;
            let newest = Newest {
                service,
                metric,
                value,
            };
            Some((newest, bounds))
        })
        .collect();
    let is_quiet = judged
        .iter()
        .all(|(newest, bounds)| bounds.breach(&newest.metric, newest.value).is_none());
    if is_quiet && !app.common.read(store::is_any_firing).await? {
        return Ok(());
    }
    let note = move |tx: &rusqlite::Connection| {
        for (newest, bounds) in &judged {
            match bounds.breach(&newest.metric, newest.value) {
                Some(breach) => store::fire(tx, newest, &breach, *bounds, now)?,
                None => store::resolve(tx, newest, now)?,
            }
        }
        store::tidy(tx, now - IDLE_MS, now)
    };
    app.common.write(note).await
}

/// The newest value of each metric of the last hour, and when it was; of too many, the first by name.
async fn newest(app: &App, now: i64) -> Result<BTreeMap<Pair, (i64, f64)>> {
    let read = move |connection: &rusqlite::Connection| {
        let mut newest: BTreeMap<Pair, (i64, f64)> = BTreeMap::new();
        rows::between(connection, now - HOUR_MS, now + 1, |row| {
            let pair = (row.service.to_owned(), row.name.to_owned());
            let latest = newest.entry(pair).or_insert((row.at_ms, row.value));
            if row.at_ms >= latest.0 {
                *latest = (row.at_ms, row.value);
            }
            if newest.len() > MAX_PAIRS {
                newest.pop_last();
            }
        })?;
        Ok(newest)
    };
    app.common.read(read).await
}

/// What is usual of these by the week that ended a day ago.
async fn learn(
    app: &App,
    pairs: &BTreeMap<Pair, (i64, f64)>,
    sensitivity: Sensitivity,
    now: i64,
) -> Result<BTreeMap<Pair, Bounds>> {
    let mut values: BTreeMap<Pair, Vec<f64>> = pairs.keys().map(|pair| (pair.clone(), Vec::new())).collect();
    let end = now - DAY_MS;
    let mut from = now - ROWS_KEPT_MS;
    while from < end {
        let (to, names) = ((from + PIECE_MS).min(end), pairs.keys().cloned().collect());
        let piece = app
            .common
            .read(move |connection| piece(connection, names, from, to));
        for (pair, more) in piece.await? {
            values.entry(pair).or_default().extend(more);
        }
        from = to;
    }
    let bounds = |(pair, values)| Some((pair, quartiles::bounds(values, sensitivity)?));
    Ok(values.into_iter().filter_map(bounds).collect())
}

fn piece(
    connection: &rusqlite::Connection,
    pairs: Vec<Pair>,
    from: i64,
    to: i64,
) -> rusqlite::Result<BTreeMap<Pair, Vec<f64>>> {
    // By service and name, so that a row is found without copying them.
    let mut taken: BTreeMap<String, BTreeMap<String, (u64, Vec<f64>)>> = BTreeMap::new();
    for (service, name) in pairs {
        taken.entry(service).or_default().insert(name, (0, Vec::new()));
    }
    rows::between(connection, from, to, |row| {
        let metrics = taken.get_mut(row.service);
        if let Some((n, values)) = metrics.and_then(|metrics| metrics.get_mut(row.name)) {
            take(n, values, row.value);
        }
    })?;
    let flat = taken.into_iter().flat_map(|(service, metrics)| {
        let of = move |(name, (_, values))| ((service.clone(), name), values);
        metrics.into_iter().map(of)
    });
    Ok(flat.collect())
}

/// Vitter's reservoir: of all that came, so many, each with the same chance.
fn take(n: &mut u64, values: &mut Vec<f64>, value: f64) {
    *n += 1;
    if values.len() < MAX_OF_PIECE {
        values.push(value);
        return;
    }
    let place = xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()) % *n;
    if let Some(place) = usize::try_from(place)
        .ok()
        .and_then(|place| values.get_mut(place))
    {
        *place = value;
    }
}
