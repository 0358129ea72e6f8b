//! What Vantage's agents send and its pages ask for: metrics of a batch, rows as they are kept, and the formulas of its
//! health scores, comparisons and alerts.

pub mod alert;
pub mod batch;
pub mod comparison;
pub mod context;
pub mod health;
pub mod metric;
pub mod quartiles;
pub mod rows;
pub mod trace;
