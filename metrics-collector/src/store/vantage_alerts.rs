//! `vantage_alerts`: what was beyond its bounds by quartiles.

use rusqlite::{Connection, Row, named_params, params};

use crate::domain::vantage::alert::{Alert, Breach};
use crate::domain::vantage::quartiles::Bounds;

/// Alerts that are kept; the oldest of those that are resolved leave first.
const MAX_ALERTS: i64 = 10_000;

/// A metric of a service and its newest value.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// Whose.
    pub service: String,
    /// Which.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

/// Notes that a value is beyond: in the alert that fires, or as a new one.
pub fn fire(
    tx: &Connection,
    newest: &Newest,
    breach: &Breach,
    bounds: Bounds,
    now: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "insert into vantage_alerts
            (service, metric, severity, message, value, expected_min, expected_max, n_breaches, first_at, last_at)
         values (:service, :metric, :severity, :message, :value, :min, :max, 1, :now, :now)
         on conflict (service, metric) where resolved_at is null do update
         set severity = :severity, message = :message, value = :value, expected_min = :min, expected_max = :max,
             n_breaches = n_breaches + 1, last_at = :now",
    )?
    .execute(named_params! {
        ":service": newest.service,
        ":metric": newest.metric,
        ":severity": breach.severity,
        ":message": breach.message,
        ":value": newest.value,
        ":min": bounds.min,
        ":max": bounds.max,
        ":now": now,
    })?;
    Ok(())
}

/// Notes that a metric is as usual again.
pub fn resolve(tx: &Connection, newest: &Newest, now: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "update vantage_alerts
         set resolved_at = ?3
         where service = ?1 and metric = ?2 and resolved_at is null",
    )?
    .execute(params![newest.service, newest.metric, now])?;
    Ok(())
}

/// Whether anything fires.
pub fn is_any_firing(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("select exists (select 1 from vantage_alerts where resolved_at is null)")?
        .query_row([], |row| row.get(0))
}

/// Resolves what was last seen before a time, and forgets the oldest of what is resolved where there is too much.
pub fn tidy(tx: &Connection, last_before: i64, now: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "update vantage_alerts
         set resolved_at = ?2
         where resolved_at is null and last_at < ?1",
    )?
    .execute(params![last_before, now])?;
    tx.prepare_cached(
        "delete from vantage_alerts
         where resolved_at is not null
           and id <= (select id from vantage_alerts order by id desc limit 1 offset ?1)",
    )?
    .execute([MAX_ALERTS])?;
    Ok(())
}

/// The newest first.
pub fn list(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Alert>> {
    connection
        .prepare_cached(
            "select id, service, metric, severity, message, value, expected_min, expected_max, n_breaches, first_at,
                    last_at, resolved_at
             from vantage_alerts
             order by id desc
             limit ?1",
        )?
        .query_map([limit], read)?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let resolved_at: Option<i64> = row.get(11)?;
    Ok(Alert {
        alert_id: format!("quartiles-{}", row.get::<_, i64>(0)?),
        service_name: row.get(1)?,
        metric_name: row.get(2)?,
        severity: match row.get_ref(3)?.as_str()? {
            "critical" => "critical",
            "warning" => "warning",
            _ => "info",
        },
        status: match resolved_at {
            Some(_) => "resolved",
            None => "firing",
        },
        message: row.get(4)?,
        current_value: Some(row.get(5)?),
        expected_min: Some(row.get(6)?),
        expected_max: Some(row.get(7)?),
        threshold_breach_count: row.get::<_, i64>(8)?.unsigned_abs(),
        first_triggered: row.get(9)?,
        last_triggered: row.get(10)?,
        resolved_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn an_alert_fires_counts_is_resolved_and_may_fire_again() {
        let database = database();
        let bounds = Bounds { min: 1., max: 2. };
        let at = |value, now| {
            let newest = Newest {
                service: "orders".into(),
                metric: "depth".into(),
                value,
            };
            match bounds.breach("depth", value) {
                Some(breach) => fire(&database, &newest, &breach, bounds, now),
                None => resolve(&database, &newest, now),
            }
            .unwrap();
        };
        at(3., 100);
        at(9., 200);
        let alert = &list(&database, 10).unwrap()[0];
        assert_eq!((alert.severity, alert.threshold_breach_count), ("critical", 2));
        assert_eq!(
            (alert.first_triggered, alert.last_triggered, alert.status),
            (100, 200, "firing")
        );
        at(1.5, 300);
        at(4., 400);
        let alerts = list(&database, 10).unwrap();
        assert_eq!((alerts.len(), alerts[1].resolved_at), (2, Some(300)));
        assert!(is_any_firing(&database).unwrap());
        tidy(&database, 401, 500).unwrap();
        assert!(!is_any_firing(&database).unwrap());
        assert_eq!(list(&database, 1).unwrap()[0].resolved_at, Some(500));
    }
}
