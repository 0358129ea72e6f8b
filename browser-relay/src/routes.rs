//! The table of contents: every URL of the relay with who may and how much.
//! Health, metrics, documents, assets and signing in come from `service`.

use std::time::Duration;

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::api::{dsn_keys, errors, logs, metrics, preflight, sdk, source_maps};
use crate::app::App;
use crate::pages;
use crate::settings::Settings;

/// A large map over a slow line.
const UPLOAD_TIME: Duration = Duration::from_secs(300);

pub(crate) fn routes(settings: &Settings) -> Routes<App> {
    browsers(settings).and(script()).and(admin(settings)).and(pages())
}

/// What pages of other origins may call. Keys and budgets are looked after by `api::admission`.
fn browsers(settings: &Settings) -> Routes<App> {
    const ANY: &str = "/api/browser/{*rest}";
    Routes::new()
        .cross_origin(preflight::cross_origin)
        .with(Policy::public().exempt().body_bytes(settings.max_body_bytes))
        .post("/api/browser/errors", errors::submit)
        .post("/api/browser/metrics", metrics::submit)
        .post("/api/browser/logs", logs::submit)
        .row(Method::OPTIONS, "/api/browser/errors", preflight::preflight)
        .row(Method::OPTIONS, "/api/browser/metrics", preflight::preflight)
        .row(Method::OPTIONS, "/api/browser/logs", preflight::preflight)
        .row(Method::OPTIONS, ANY, preflight::preflight)
        .get(ANY, preflight::unknown)
        .post(ANY, preflight::unknown)
}

/// What a page loads.
fn script() -> Routes<App> {
    Routes::new()
        .with(Policy::public().exempt())
        .get("/sdk/{name}", sdk::current)
        .get("/sdk/{version}/{name}", sdk::pinned)
}

fn admin(settings: &Settings) -> Routes<App> {
    Routes::new()
        .with(Policy::key(Scope::Read))
        .get("/api/dsn-keys", dsn_keys::list)
        .get("/api/source-maps", source_maps::list)
        .with(Policy::key(Scope::Admin))
        .post("/api/dsn-keys", dsn_keys::create)
        .row(Method::PATCH, "/api/dsn-keys/{id}", dsn_keys::change)
        .row(Method::DELETE, "/api/dsn-keys/{id}", dsn_keys::deactivate)
        .row(Method::DELETE, "/api/source-maps/{id}", source_maps::delete)
        // A build needs no more than this.
        .with(
            Policy::key(Scope::Ingest)
                .body_bytes(settings.max_source_map_bytes)
                .within(UPLOAD_TIME),
        )
        .row(Method::PUT, "/api/source-maps", source_maps::put)
        // A map as a JSON string is longer than itself.
        .with(
            Policy::key(Scope::Ingest)
                .body_bytes(settings.max_source_map_bytes + settings.max_source_map_bytes / 2)
                .within(UPLOAD_TIME),
        )
        .post("/api/source-maps", source_maps::upload)
}

fn pages() -> Routes<App> {
    Routes::new()
        .with(Policy::page(Scope::Read))
        .get("/", pages::traffic::show)
        .get("/keys", pages::keys::show)
        .get("/source-maps", pages::source_maps::show)
        .with(Policy::page(Scope::Admin))
        .post("/keys", pages::keys::add)
        .post("/keys/{id}/off", pages::keys::switch_off)
        .post("/keys/{id}/on", pages::keys::switch_on)
        .post("/source-maps/{id}/delete", pages::source_maps::delete)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use web::Access;

    use super::*;

    /// What `service` adds for other programs.
    const COMMON: [(&str, &str, &str); 4] = [
        ("GET", "/health", "public"),
        ("GET", "/ready", "public"),
        ("GET", "/metrics", "read"),
        ("GET", "/openapi.json", "public"),
    ];

    #[test]
    fn the_document_has_every_route_that_is_no_page_with_its_scope() {
        let settings = Settings::read_with(&mut config::Reader::describe(), 0);
        let routes = routes(&settings);
        // What browsers ask by themselves, scripts, and what is not there, is no operation.
        let is_operation = |path: &str, method: &Method| {
            method != Method::OPTIONS && !path.contains('*') && !path.starts_with("/sdk/")
        };
        let ours = routes
            .info()
            .filter(|route| is_operation(route.path, route.method));
        let ours = ours.filter_map(|route| match route.access {
            Access::Key(scope) => Some(row(route.method.as_str(), route.path, scope.name())),
            Access::Public => Some(row(route.method.as_str(), route.path, "dsn")),
            Access::Page(_) | Access::Form => None,
        });
        let common = COMMON
            .iter()
            .map(|(method, path, scope)| row(method, path, scope));
        let served: BTreeSet<String> = ours.chain(common).collect();

        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)))
            .map(|(path, (method, operation))| {
                let first = &operation["security"][0];
                let scope = match first["apiKey"][0].as_str() {
                    Some(scope) => scope,
                    None if first["dsnKey"].is_array() => "dsn",
                    None => "public",
                };
                row(&method.to_uppercase(), path, scope)
            })
            .collect();
        assert_eq!(documented, served);
    }

    fn row(method: &str, path: &str, scope: &str) -> String {
        format!("{method} {path} {scope}")
    }
}
