//! The rules: plain functions and types. No HTTP, no SQL, no clock.

pub mod fingerprint;
pub mod json_text;
pub mod mail;
pub mod report;
pub mod search_query;
pub mod time_text;
