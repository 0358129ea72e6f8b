//! What the load programs share: what they send, how they send it, and what they read off a process.

pub mod batches;
pub mod binaries;
pub mod browser_events;
pub mod dice;
pub mod events;
pub mod figures;
pub mod load;
pub mod log_lines;
pub mod mix;
pub mod rivals;
pub mod samples;
pub mod shop;
pub mod smtp_sink;
pub mod table;
