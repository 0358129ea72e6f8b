//! The URLs of alerts that all services have.

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::api::{self, channels, deliveries, test};
use crate::pages;
use crate::rules::Rules;

/// To be added to a service's table.
pub fn routes<A: Rules>() -> Routes<A> {
    Routes::new()
        .with(Policy::key(Scope::Admin))
        .get("/api/channels", channels::list)
        .post("/api/channels", channels::create)
        .row(Method::DELETE, "/api/channels/{id}", channels::delete)
        .post("/api/channels/{id}/test", channels::test)
        .get("/api/deliveries", deliveries::list)
        .post("/api/test-alert", test::test)
        .get("/api/rules", api::rules::list)
        .post("/api/rules", api::rules::create)
        .row(Method::PUT, "/api/rules/{id}", api::rules::change)
        .row(Method::DELETE, "/api/rules/{id}", api::rules::delete)
        .with(Policy::page(Scope::Admin))
        .get("/alerts", pages::show)
        .post("/alerts/test", pages::test)
        .post("/alerts/channels", pages::add_channel)
        .post("/alerts/channels/{id}/test", pages::test_channel)
        .post("/alerts/channels/{id}/delete", pages::delete_channel)
        .post("/alerts/rules", pages::rules::add)
        .post("/alerts/rules/{id}", pages::rules::change)
        .post("/alerts/rules/{id}/pause", pages::rules::pause)
        .post("/alerts/rules/{id}/resume", pages::rules::resume)
        .post("/alerts/rules/{id}/delete", pages::rules::delete)
}
