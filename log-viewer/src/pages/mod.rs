//! HTML doors: handler, view values, template.

mod asked_view;
pub(crate) mod entry;
mod entry_view;
pub(crate) mod logs;
mod logs_view;
mod volume_view;
