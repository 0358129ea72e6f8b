//! Alerts, whatever they are about: channels, deliveries, singly or as a digest, quiet hours, sending, history.

pub(crate) mod api;
pub(crate) mod channel;
pub mod domain;
pub(crate) mod jobs;
pub mod store;
