//! API requests as Malti's and Vantage's clients tell of them: what a record is, how many of them are counted together,
//! in which periods, and what is told of a range of time. How it all hangs together: docs/decisions/0023.

pub mod block;
pub mod cell;
pub mod group;
pub mod histogram;
pub mod journal_row;
pub mod overview;
pub mod period;
pub mod query;
pub mod record;
