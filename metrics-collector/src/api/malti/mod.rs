//! Malti's API: its clients and its dashboard talk to us as to its server (contract: malti).

pub(crate) mod access;
pub(crate) mod aggregate;
pub(crate) mod auth_test;
pub(crate) mod ingest;
