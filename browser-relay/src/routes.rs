//! The table of contents: every URL of the relay with who may and how much.
//! Health, metrics, documents, assets and signing in come from `service`.

use std::time::Duration;

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::api::{batches, dsn_keys, errors, preflight, sdk, source_maps};
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
        .post("/api/browser/metrics", batches::submit_metrics)
        .post("/api/browser/logs", batches::submit_logs)
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
    use web::Access;

    use super::*;

    #[test]
    fn the_document_has_every_route_that_is_no_page_with_its_scope() {
        let routes = routes(&Settings::read_with(&mut config::Reader::describe(), 0));
        // What browsers ask by themselves, scripts, and what is not there, is no operation.
        let is_operation = |path: &str, method: &Method| {
            method != Method::OPTIONS && !path.contains('*') && !path.starts_with("/sdk/")
        };
        let served = routes.info().filter_map(|route| {
            if !is_operation(route.path, route.method) {
                return None;
            }
            let scope = match route.access {
                Access::Key(scope) => scope.name(),
                Access::Public => "dsn",
                Access::Page(_) | Access::Form => return None,
            };
            Some((route.method.to_string(), route.path.to_owned(), scope))
        });
        testkit::openapi::check_routes(include_str!("../openapi.json"), served);
    }
}
