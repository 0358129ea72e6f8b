//! JSON doors, one file per resource.

pub(crate) mod alert_rules;
pub(crate) mod containers;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod histogram;
pub(crate) mod logs;
pub(crate) mod sources;
pub(crate) mod submit;
pub(crate) mod tail;
