//! The table of contents: every URL of this service with who may.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Keyless, Method, Policy, Routes};

use crate::api::malti::{access, aggregate, auth_test, ingest as malti_ingest};
use crate::api::vantage::dialect;
use crate::api::{catalogue, csv, dashboard, ingest, metrics, submit, vantage};
use crate::app::App;
use crate::pages::monitoring::{endpoint as api_endpoint, overview as api_overview};
use crate::pages::{alerts as alert_page, explore, metric, overview, start};
use crate::settings::{Settings, VantageKeys};

pub(crate) fn routes(settings: &Settings) -> Routes<App> {
    Routes::new()
        .with(Policy::key(Scope::Ingest).body_bytes(settings.max_body_bytes))
        .post("/api/metrics", submit::submit)
        .with(Policy::key(Scope::Read))
        .get("/api/metrics", metrics::query)
        .get("/api/metrics/csv", csv::export)
        .get("/api/metrics/names", catalogue::names)
        .get("/api/metrics/labels", catalogue::labels)
        .get("/api/metrics/series", catalogue::series)
        .get("/api/projects", catalogue::projects)
        .get("/api/sessions", catalogue::sessions)
        .get("/api/dashboard", dashboard::show)
        .get("/api/ingest", ingest::show)
        .with(Policy::key(Scope::Admin))
        .with(Policy::page(Scope::Admin))
        // Rules, channels and deliveries: `/api/rules`, `/api/channels`, `/api/deliveries`, `/api/test-alert`, `/alerts`.
        .and(alerts::routes())
        .with(Policy::page(Scope::Read).keyless(vantage_keyless(settings).1))
        .get("/", overview::card_or_page)
        .with(Policy::page(Scope::Read))
        .get("/explore", explore::show)
        .get("/metrics/{name}", metric::show)
        .get("/api-monitoring", api_overview::show)
        .get("/api-monitoring/endpoint", api_endpoint::show)
        .get("/start", start::show)
        .get("/alerts/events/{id}", alert_page::event)
        .and(malti(settings))
        .and(vantage(settings))
}

/// Malti's API. Its doors look at its keys themselves; a budget is spent only by who has none.
fn malti(settings: &Settings) -> Routes<App> {
    let mut routes = Routes::new()
        .cross_origin(access::cross_origin)
        .with(Policy::public().exempt().body_bytes(settings.max_body_bytes))
        .post("/api/v1/ingest", malti_ingest::ingest)
        // What its client makes of an address with a slash at the end.
        .post("//api/v1/ingest", malti_ingest::ingest)
        .with(Policy::public().exempt())
        .get("/api/v1/auth/test", auth_test::auth_test)
        .get("/api/v1/metrics/aggregate", aggregate::aggregate)
        .get("/api/v1/metrics/aggregate/realtime", aggregate::realtime);
    for (path, with_slash) in [
        ("/api/v1/ingest", "/api/v1/ingest/"),
        ("/api/v1/auth/test", "/api/v1/auth/test/"),
        ("/api/v1/metrics/aggregate", "/api/v1/metrics/aggregate/"),
        (
            "/api/v1/metrics/aggregate/realtime",
            "/api/v1/metrics/aggregate/realtime/",
        ),
    ] {
        routes = routes
            .row(Method::OPTIONS, path, access::preflight)
            .row(Method::OPTIONS, with_slash, access::preflight)
            .get(with_slash, access::without_slash)
            .post(with_slash, access::without_slash);
    }
    routes
}

/// Who may use Vantage's doors without a key: to send, and to read.
fn vantage_keyless(settings: &Settings) -> (Keyless, Keyless) {
    match settings.vantage_keys {
        VantageKeys::Required => (Keyless::Nobody, Keyless::Nobody),
        VantageKeys::Local => (Keyless::Local, Keyless::Nobody),
        VantageKeys::Optional => (Keyless::Anyone, Keyless::Anyone),
    }
}

/// The paths of Vantage's collector and query API. Its `/alerts/` is not our page `/alerts`. Budgets are those of
/// `dialect`.
fn vantage(settings: &Settings) -> Routes<App> {
    let (sending, reading) = vantage_keyless(settings);
    let mut routes = Routes::new().dialect(dialect::DIALECT);
    let is_open = settings.vantage_keys == VantageKeys::Optional;
    if is_open {
        routes = routes.cross_origin(dialect::cross_origin);
    }
    routes = routes
        .with(
            Policy::key(Scope::Ingest)
                .keyless(sending)
                .exempt()
                .body_bytes(settings.max_body_bytes),
        )
        .post("/v1/metrics", vantage::submit::submit)
        // A redirect would lose a batch.
        .post("/v1/metrics/", vantage::submit::submit)
        .with(Policy::key(Scope::Read).keyless(reading).exempt())
        .get("/v1/stats", vantage::stats::show)
        .get("/api/metrics/timeseries", vantage::metrics::timeseries)
        .get("/api/metrics/aggregated", vantage::metrics::aggregated)
        .get("/api/services", vantage::metrics::services)
        .get("/health/score/{service}", vantage::health::one)
        .get("/health/scores", vantage::health::all)
        .get("/alerts/", vantage::alerts::list)
        .get("/alerts/active", vantage::alerts::active)
        .get("/alerts/summary", vantage::alerts::summary)
        .post("/compare/services", vantage::compare::services)
        .post("/compare/time-periods", vantage::compare::time_periods)
        .get("/traces/", vantage::traces::list)
        .get("/traces/search/", vantage::traces::search)
        .get("/traces/{id}", vantage::traces::one)
        .post("/vql/execute", vantage::vql::execute)
        .get("/vql/examples", vantage::vql::examples)
        .get("/ws/metrics", vantage::live::open)
        .with(Policy::public().exempt());
    for (path, other) in VANTAGE_SLASHES {
        routes = routes
            .get(other, dialect::other_slash)
            .post(other, dialect::other_slash);
        if is_open {
            routes = routes.row(Method::OPTIONS, path, dialect::preflight);
        }
    }
    if is_open {
        routes = routes
            .row(Method::OPTIONS, "/v1/metrics", dialect::preflight)
            .row(Method::OPTIONS, "/health/score/{service}", dialect::preflight)
            .row(Method::OPTIONS, "/alerts/", dialect::preflight)
            .row(Method::OPTIONS, "/traces/search/", dialect::preflight)
            .row(Method::OPTIONS, "/traces/{id}", dialect::preflight);
    }
    routes.and(
        Routes::new()
            .with(Policy::public().exempt())
            .get("/live", vantage::card::live),
    )
}

/// Paths as they are there, and what leads to them: with a slash at the end, or without.
const VANTAGE_SLASHES: [(&str, &str); 12] = [
    ("/v1/stats", "/v1/stats/"),
    ("/api/metrics/timeseries", "/api/metrics/timeseries/"),
    ("/api/metrics/aggregated", "/api/metrics/aggregated/"),
    ("/api/services", "/api/services/"),
    ("/health/scores", "/health/scores/"),
    ("/alerts/active", "/alerts/active/"),
    ("/alerts/summary", "/alerts/summary/"),
    ("/traces/", "/traces"),
    ("/vql/execute", "/vql/execute/"),
    ("/vql/examples", "/vql/examples/"),
    ("/compare/services", "/compare/services/"),
    ("/compare/time-periods", "/compare/time-periods/"),
];

#[cfg(test)]
mod tests {
    use web::Access;

    use super::*;

    #[test]
    fn the_document_has_every_route_that_is_no_page_with_its_scope() {
        let routes = routes(&Settings::read(&mut config::Reader::describe()));
        // The same doors by another address, and what browsers ask before they call.
        let is_beside = |path: &str| {
            path.starts_with("//")
                || path.starts_with("/api/v1/") && path.ends_with('/')
                || path == "/v1/metrics/"
                || VANTAGE_SLASHES.iter().any(|(_, other)| *other == path)
        };
        let own = routes
            .info()
            .filter(|route| route.method != Method::OPTIONS && !is_beside(route.path));
        let served = own.filter_map(|route| {
            let scope = match route.access {
                Access::Key(scope) => scope.name(),
                Access::Public => "public",
                Access::Page(_) | Access::Form => return None,
            };
            Some((route.method.to_string(), route.path.to_owned(), scope))
        });
        testkit::openapi::check_routes(include_str!("../openapi.json"), served);
    }
}
