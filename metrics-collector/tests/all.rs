//! All tests of the running metrics-collector as one program: it is linked once, and they run side by side.

mod alerts;
mod captures;
mod common_ground;
mod crash;
mod dashboard;
mod faults;
mod import;
mod ingest;
mod limits;
mod malti;
mod malti_crash;
mod malti_formulas;
mod monitoring;
mod openapi;
mod pages;
mod query;
mod scrape;
mod sessions;
mod support;
mod truth;
mod vantage;
mod vantage_alerts;
mod vantage_doors;
mod vantage_traces;
mod vantage_validation;
mod vql;
