//! The table of contents: every URL of this service with who may and how much.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Policy, Routes};

use crate::api::{containers, export, fields, histogram, logs, sources, submit, tail};
use crate::app::App;
use crate::pages::{alerts as alert_page, entry, logs as log_page};
use crate::settings::Settings;

pub(crate) fn routes(settings: &Settings) -> Routes<App> {
    Routes::new()
        .with(Policy::key(Scope::Ingest).body_bytes(settings.max_batch_bytes))
        .post("/api/logs", submit::submit)
        .with(Policy::key(Scope::Read))
        .get("/api/logs", logs::list)
        .get("/api/logs/{id}", logs::detail)
        .get("/api/logs/{id}/context", logs::context)
        .get("/api/logs/histogram", histogram::histogram)
        .get("/api/logs/fields", fields::list)
        .get("/api/logs/export", export::export)
        .get("/api/logs/tail", tail::stream)
        // Both spellings of the contract: what the original served, and what its documents say.
        .get("/api/containers", containers::list)
        .get("/api/logs/containers", containers::list)
        .get("/api/stats", containers::stats)
        .get("/api/logs/stats", containers::stats)
        .get("/api/sources", sources::list)
        .with(Policy::key(Scope::Admin))
        .with(Policy::page(Scope::Read))
        .get("/alerts/firings/{id}", alert_page::firing)
        .get("/", log_page::show)
        .get("/logs/{id}", entry::show)
        .with(Policy::page(Scope::Admin))
        // Rules, channels and deliveries: `/api/rules`, `/api/channels`, `/api/deliveries`, `/api/test-alert`, `/alerts`.
        .and(alerts::routes())
}

#[cfg(test)]
mod tests {
    use web::Access;

    use super::*;

    #[test]
    fn the_document_has_every_route_that_is_no_page_with_its_scope() {
        let routes = routes(&Settings::read(&mut config::Reader::describe()));
        let served = routes.info().filter_map(|route| {
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
