//! The table of contents: every URL of this service with who may.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::api::{alert_rules, catalogue, csv, dashboard, ingest, metrics, submit};
use crate::app::App;
use crate::pages::{alerts as alert_page, explore, metric, overview, start};
use crate::settings::Settings;

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
        .get("/api/rules", alert_rules::list)
        .post("/api/rules", alert_rules::create)
        .row(Method::DELETE, "/api/rules/{id}", alert_rules::delete)
        .with(Policy::page(Scope::Admin))
        .post("/alerts/rules", alert_page::add_rule)
        .post("/alerts/rules/{id}/delete", alert_page::delete_rule)
        // Channels and deliveries: `/api/channels`, `/api/deliveries`, `/api/test-alert`, `/alerts`.
        .and(alerts::routes())
        .with(Policy::page(Scope::Read))
        .get("/", overview::show)
        .get("/explore", explore::show)
        .get("/metrics/{name}", metric::show)
        .get("/start", start::show)
        .get("/alerts/events/{id}", alert_page::event)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use web::Access;

    use super::*;

    /// What `service` adds for other programs.
    const COMMON: [(&str, &str, Option<Scope>); 4] = [
        ("GET", "/health", None),
        ("GET", "/ready", None),
        ("GET", "/metrics", Some(Scope::Read)),
        ("GET", "/openapi.json", None),
    ];

    #[test]
    fn the_document_has_every_route_that_is_no_page_with_its_scope() {
        let settings = Settings::read(&mut config::Reader::describe());
        let routes = routes(&settings);
        let ours = routes.info().filter_map(|route| match route.access {
            Access::Key(scope) => Some((route.method.as_str(), route.path, Some(scope))),
            Access::Public => Some((route.method.as_str(), route.path, None)),
            Access::Page(_) | Access::Form => None,
        });
        let served: BTreeSet<String> = ours
            .chain(COMMON)
            .map(|(method, path, scope)| row(method, path, scope.map(Scope::name)))
            .collect();

        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)))
            .filter(|(_, (name, _))| *name != "parameters")
            .map(|(path, (method, operation))| {
                let scope = operation["security"][0]["apiKey"][0].as_str();
                row(&method.to_uppercase(), path, scope)
            })
            .collect();
        assert_eq!(documented, served);
    }

    fn row(method: &str, path: &str, scope: Option<&str>) -> String {
        format!("{method} {path} {}", scope.unwrap_or("public"))
    }
}
