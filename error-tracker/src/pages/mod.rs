//! HTML doors: a handler and a template per page, and the values between them.

pub(crate) mod group;
mod group_view;
pub(crate) mod inbox;
mod inbox_view;
