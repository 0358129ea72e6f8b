//! `GET /alerts/`, `/alerts/active`, `/alerts/summary`: what our rules told of, in Vantage's words, and what its own
//! quartiles found.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use service::unix_ms;
use web::{Query, Request, Response, ResponseExt, Result, StatusCode};

use super::{service, unprocessable};
use crate::app::App;
use crate::domain::vantage::alert::{Alert, Firing};
use crate::store::alert_events::{self, AlertEvent};
use crate::store::vantage_alerts;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// Looked at, the newest first: filters go over these.
const MAX_EVENTS: u32 = 10_000;
const TOP_SERVICES: usize = 10;

/// The newest first; `service`, `status`, `severity`, `limit`.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let limit = query.get("limit").map(|text| text.parse().ok());
    let limit = match limit.unwrap_or(Some(DEFAULT_LIMIT)) {
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
        _ => return Ok(unprocessable(&["query", "limit"], "must be from 1 to 1000")),
    };
    let (status, severity) = (query.get("status"), query.get("severity"));
    let is_wanted = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
    let mut alerts = alerts(&app, service(&request)).await?;
    alerts.retain(|alert| is_wanted(status, alert.status) && is_wanted(severity, alert.severity));
    alerts.truncate(limit);
    Ok(Response::json(StatusCode::OK, &alerts))
}

/// Those that fire.
pub(crate) async fn active(app: Arc<App>, request: Request) -> Result<Response> {
    let mut alerts = alerts(&app, service(&request)).await?;
    alerts.retain(|alert| alert.resolved_at.is_none());
    alerts.truncate(MAX_LIMIT);
    Ok(Response::json(StatusCode::OK, &alerts))
}

/// How many there are of what.
pub(crate) async fn summary(app: Arc<App>, _: Request) -> Result<Response> {
    let alerts = alerts(&app, None).await?;
    let count = |of: fn(&Alert) -> &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        alerts
            .iter()
            .for_each(|alert| *counts.entry(of(alert)).or_default() += 1);
        counts
    };
    let mut services: Vec<(&str, usize)> = count(|alert| &alert.service_name).into_iter().collect();
    services.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    services.truncate(TOP_SERVICES);
    let top: Vec<_> = services
        .into_iter()
        .map(|(service, count)| json!({"service": service, "count": count}))
        .collect();
    let n_firing = alerts.iter().filter(|alert| alert.resolved_at.is_none()).count();
    let body = json!({
        "status_counts": count(|alert| alert.status),
        "severity_counts": count(|alert| alert.severity),
        "top_services": top,
        "total_firing": n_firing,
        "total_resolved": alerts.len() - n_firing,
    });
    Ok(Response::json(StatusCode::OK, &body))
}

async fn alerts(app: &App, service: Option<String>) -> Result<Vec<Alert>> {
    let now = unix_ms();
    let read = |connection: &rusqlite::Connection| {
        let events = alert_events::firings(connection, MAX_EVENTS)?;
        Ok((events, vantage_alerts::list(connection, MAX_EVENTS)?))
    };
    let (events, by_quartiles) = app.common.read(read).await?;
    let by_rules = events
        .into_iter()
        .map(|(event, resolved_at)| Alert::of(firing(event, resolved_at), now));
    let is_meant = |alert: &Alert| {
        service
            .as_ref()
            .is_none_or(|wanted| *wanted == alert.service_name)
    };
    let mut alerts: Vec<Alert> = by_rules.chain(by_quartiles).filter(is_meant).collect();
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.first_triggered));
    Ok(alerts)
}

fn firing(event: AlertEvent, resolved_at: Option<i64>) -> Firing {
    let query = Query::parse(&event.rule.query);
    let label = |key: &str| {
        let found = event.labels.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    };
    let service = label("service_name")
        .or_else(|| label("service"))
        .or_else(|| query.get("project").map(str::to_owned));
    Firing {
        id: event.id,
        service: service.unwrap_or_default(),
        metric: query.get("name").unwrap_or_default().to_owned(),
        condition: event.rule.condition,
        value: event.value,
        since: event.told.since(),
        resolved_at,
    }
}
