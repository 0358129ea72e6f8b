//! The rules: plain functions and types. No HTTP, no SQL, no clock.

pub mod exception;
pub mod fingerprint;
pub mod grouping;
pub mod json_text;
mod lenient;
pub mod mail;
pub mod markdown;
pub(crate) mod pieces;
pub mod recognition;
pub mod report;
pub mod search_query;
pub mod time_text;
