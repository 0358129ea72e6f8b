//! HTML doors.

pub(crate) mod alerts;
pub(crate) mod explore;
mod explore_view;
pub(crate) mod metric;
mod metric_view;
pub(crate) mod monitoring;
pub(crate) mod overview;
mod overview_view;
mod plot;
pub(crate) mod start;
mod start_view;
