//! The table of contents: every URL of the tracker with who may and how much.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::api::{errors, export, live, occurrences, projects, releases, reports, users, work};
use crate::app::App;
use crate::pages;
use crate::settings::Settings;

pub(crate) fn routes(settings: &Settings) -> Routes<App> {
    Routes::new()
        .with(Policy::key(Scope::Ingest).body_bytes(settings.max_body_bytes))
        .post("/api/errors", reports::submit)
        .with(Policy::key(Scope::Ingest).body_bytes(settings.max_batch_bytes))
        .post("/api/errors/batch", reports::submit_batch)
        .with(Policy::key(Scope::Read))
        .get("/api/errors", errors::list)
        .get("/api/errors/{id}", errors::detail)
        .get("/api/errors/{id}/days", errors::days)
        .get("/api/occurrences", occurrences::list)
        .get("/api/projects", projects::projects)
        .get("/api/environments", projects::environments)
        .get("/api/releases", releases::list)
        .get("/api/export", export::export)
        .get("/api/live", live::stream)
        .with(Policy::key(Scope::Admin))
        .post("/api/errors/bulk", work::bulk)
        .row(Method::DELETE, "/api/errors/{id}", work::delete)
        .post("/api/errors/{id}/resolve", work::resolve)
        .post("/api/errors/{id}/reopen", work::reopen)
        .post("/api/errors/{id}/snooze", work::snooze)
        .post("/api/errors/{id}/merge", work::merge)
        .post("/api/errors/{id}/unmerge", work::unmerge)
        .post("/api/errors/{id}/notes", work::note)
        .row(Method::DELETE, "/api/errors/{id}/notes/{note}", work::delete_note)
        .row(Method::DELETE, "/api/users/{user}", users::forget)
        .with(Policy::key(Scope::Admin).body_bytes(settings.max_body_bytes))
        .row(
            Method::PUT,
            "/api/occurrences/{id}/stack",
            occurrences::replace_stack,
        )
        .with(Policy::page(Scope::Read))
        .get("/", pages::inbox::show)
        .get("/errors/{id}", pages::group::show)
        .get("/releases", pages::releases::show)
        .get("/start", pages::start::show)
        .with(Policy::page(Scope::Admin))
        .post("/errors/bulk", pages::group::bulk)
        .post("/errors/{id}/resolve", pages::group::resolve)
        .post("/errors/{id}/reopen", pages::group::reopen)
        .post("/errors/{id}/snooze", pages::group::snooze)
        .post("/errors/{id}/merge", pages::group::merge)
        .post("/errors/{id}/unmerge", pages::group::unmerge)
        .post("/errors/{id}/delete", pages::group::delete)
        .post("/errors/{id}/notes", pages::group::note)
        .post("/errors/{id}/notes/{note}/delete", pages::group::delete_note)
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
