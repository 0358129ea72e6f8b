//! The rules: plain functions and types. No HTTP, no SQL, no clock.

pub mod alerting;
pub mod digest;
pub mod exception;
pub mod fingerprint;
pub mod grouping;
mod lenient;
pub mod level;
pub mod mail;
pub mod markdown;
pub mod noise;
pub(crate) mod pieces;
pub mod recognition;
pub mod release;
pub mod report;
pub mod rich;
pub mod search_query;
pub mod spike;
pub mod time_text;

pub use api_types::json_text;
