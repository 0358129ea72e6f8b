//! The table of contents: every URL of this service with who may.
//! Health, metrics, documents, assets and signing in come from `service`.

use auth::Scope;
use web::{Policy, Routes};

use crate::app::App;
use crate::pages::home;

pub(crate) fn routes() -> Routes<App> {
    Routes::new().with(Policy::page(Scope::Read)).get("/", home::show)
}
