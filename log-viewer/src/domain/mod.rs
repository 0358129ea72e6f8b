//! The rules: plain functions and types, no I/O, no SQL, no clock.

pub mod styled;
