//! The table of contents: every URL of the tracker with who may and how much.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Policy, Routes};

use crate::api::{alerts, errors, projects};
use crate::app::App;
use crate::pages::{group, inbox};
use crate::settings::Settings;

pub(crate) fn routes(settings: &Settings) -> Routes<App> {
    Routes::new()
        .with(Policy::key(Scope::Ingest).body_bytes(settings.max_body_bytes))
        .post("/api/errors", errors::submit)
        .with(Policy::key(Scope::Read))
        .get("/api/errors", errors::list)
        .get("/api/errors/{id}", errors::detail)
        .get("/api/projects", projects::projects)
        .get("/api/environments", projects::environments)
        .with(Policy::key(Scope::Admin))
        .post("/api/errors/{id}/resolve", errors::resolve)
        .post("/api/errors/{id}/reopen", errors::reopen)
        .post("/api/test-alert", alerts::test)
        .with(Policy::page(Scope::Read))
        .get("/", inbox::show)
        .get("/errors/{id}", group::show)
        .with(Policy::page(Scope::Admin))
        .post("/errors/{id}/resolve", group::resolve)
        .post("/errors/{id}/reopen", group::reopen)
}
