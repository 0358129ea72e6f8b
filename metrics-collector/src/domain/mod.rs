//! The rules: plain functions and types, no I/O, no SQL, no clock.

pub mod aggregate;
pub mod batch;
pub mod bits;
pub mod bucket;
pub mod chunk;
pub mod chunk_blob;
pub mod column;
pub mod decimal;
pub mod fold;
pub mod head;
pub mod json_scanner;
pub mod kind;
pub mod labels;
pub mod matcher;
pub mod open_chunk;
pub mod raw_labels;
pub mod resolution;
pub mod sample;
pub mod select;
pub mod series;
pub mod sketch;
pub mod tier_row;
pub mod times_pool;
pub mod timestamp;
pub mod varint;
pub mod window;
