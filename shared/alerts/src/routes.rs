//! The URLs of alerts that all services have.

use auth::Scope;
use web::{Method, Policy, Routes};

use crate::alerting::Alerting;
use crate::api::{channels, deliveries, test};
use crate::pages;

/// To be added to a service's table.
pub fn routes<A: Alerting>() -> Routes<A> {
    Routes::new()
        .with(Policy::key(Scope::Admin))
        .get("/api/channels", channels::list)
        .post("/api/channels", channels::create)
        .row(Method::DELETE, "/api/channels/{id}", channels::delete)
        .post("/api/channels/{id}/test", channels::test)
        .get("/api/deliveries", deliveries::list)
        .post("/api/test-alert", test::test)
        .with(Policy::page(Scope::Admin))
        .get("/alerts", pages::show)
        .post("/alerts/test", pages::test)
        .post("/alerts/channels", pages::add_channel)
        .post("/alerts/channels/{id}/test", pages::test_channel)
        .post("/alerts/channels/{id}/delete", pages::delete_channel)
}
