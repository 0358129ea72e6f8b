//! The rules: plain functions and types. No HTTP, no SQL, no clock.

pub mod backend;
pub mod batch;
pub mod browser_error;
pub mod browser_logs;
pub mod browser_metrics;
pub mod dsn_key;
pub mod event_id;
pub mod frames;
pub mod origin;
pub mod outline;
pub mod page;
pub mod privacy;
pub mod refusal;
pub mod scope;
mod script_token;
pub mod source_context;
pub mod source_lines;
pub mod source_map;
pub mod stack_text;
pub mod symbolicate;
pub mod time_text;
pub mod traffic;
pub mod unzip;
mod varint;
