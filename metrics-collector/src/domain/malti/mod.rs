//! What Malti's API means: its file of keys, its records, its ranges of time, its refusals (contract: malti).

pub mod config;
pub mod range;
pub mod schema;
pub mod submission;
