//! A budget per client: the generic cell rate algorithm (GCRA) over a table that never grows.
//! Knows no clock and no HTTP: the door hands in the time and turns a [`Decision`] into a 429.

mod client;
mod gcra;
mod limiter;

pub use client::Client;
pub use gcra::{Decision, Quota};
pub use limiter::{DEFAULT_CAPACITY, Limiter};
