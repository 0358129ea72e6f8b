//! HTML doors: the handler, what its template shows, the template.

pub(crate) mod alerts;
pub(crate) mod group;
mod group_view;
pub(crate) mod inbox;
mod inbox_view;
pub(crate) mod releases;
pub(crate) mod start;
