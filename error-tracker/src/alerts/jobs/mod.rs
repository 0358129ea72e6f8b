//! What runs on a clock or a queue.

pub(crate) mod channels;
pub(crate) mod mail;
