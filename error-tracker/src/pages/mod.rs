//! HTML doors: the handler, what its template shows, the template.

pub(crate) mod alerts;
mod exception_reading;
mod exception_view;
pub(crate) mod group;
mod group_parts;
mod group_reading;
mod group_view;
mod history_view;
pub(crate) mod inbox;
mod inbox_filter;
mod inbox_view;
mod occurrence_reading;
mod occurrence_view;
pub(crate) mod releases;
mod source_view;
pub(crate) mod start;
mod start_view;
mod state_view;
