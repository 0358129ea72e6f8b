//! `/api/containers`, `/api/stats`: what there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::entry::Level;
use crate::domain::paging::LevelCounts;
use crate::domain::time_text;

/// `GET /api/containers`: by name, those with entries.
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    let stats = app.archive.stats().await?;
    let containers = stats.containers.iter().map(|container| {
        json!({
            "name": container.name,
            "log_count": container.n_entries(),
            "by_level": by_level(&container.levels),
        })
    });
    let containers: Vec<Value> = containers.collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "containers": containers }),
    ))
}

/// `GET /api/stats`: totals by level and container; only those present.
pub(crate) async fn stats(app: Arc<App>, _: Request) -> Result<Response> {
    let stats = app.archive.stats().await?;
    let by_container: BTreeMap<&str, u64> = stats
        .containers
        .iter()
        .map(|container| (container.name.as_str(), container.n_entries()))
        .collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "total_logs": stats.n_entries,
            "oldest_log": stats.oldest_ns.map(time_text::seconds),
            "newest_log": stats.newest_ns.map(time_text::seconds),
            "by_level": by_level(&stats.levels),
            "by_container": by_container,
        }),
    ))
}

/// The levels that occur, by the contract's names.
pub(crate) fn by_level(counts: &LevelCounts) -> BTreeMap<&'static str, u64> {
    let counts = Level::ALL.into_iter().zip(counts);
    counts
        .filter(|(_, n)| **n > 0)
        .map(|(level, n)| (level.name(), *n))
        .collect()
}
