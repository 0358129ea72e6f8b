//! JSON doors, one file per resource. `select_query` reads what all that show metrics are asked with.

pub(crate) mod alert_rules;
pub(crate) mod catalogue;
pub(crate) mod csv;
pub(crate) mod dashboard;
pub(crate) mod ingest;
pub(crate) mod malti;
pub(crate) mod metrics;
pub(crate) mod select_query;
pub(crate) mod submit;
pub(crate) mod vantage;
