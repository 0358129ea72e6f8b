//! The rules: plain functions and types, no I/O, no SQL, no clock.

mod access_log;
pub mod alert_rule;
pub mod docker_line;
pub mod entry;
pub mod fields;
pub mod filter;
pub mod intake;
pub mod joiner;
pub mod json_head;
mod json_text;
pub mod level;
mod level_head;
mod level_name;
pub mod levels;
#[cfg(test)]
mod lines_table;
pub mod moment;
pub mod notation;
pub mod paging;
pub mod parts;
pub mod query;
pub mod span;
mod start;
pub mod styled;
pub mod submitted;
pub mod time_text;
mod trace;
pub mod view;
pub mod words;
