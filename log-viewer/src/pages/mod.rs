//! HTML doors: handler, view values, template.

pub(crate) mod alerts;
mod asked_view;
pub(crate) mod entry;
mod entry_view;
pub(crate) mod logs;
mod logs_view;
mod sources_view;
mod volume_view;
