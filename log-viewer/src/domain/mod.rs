//! The rules: plain functions and types, no I/O, no SQL, no clock.

pub mod entry;
pub mod fields;
pub mod filter;
pub mod paging;
pub mod query;
pub mod styled;
pub mod submitted;
pub mod time_text;
pub mod view;
pub mod words;
