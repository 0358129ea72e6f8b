//! JSON doors, one file per resource.

pub(crate) mod errors;
pub(crate) mod export;
pub(crate) mod live;
pub(crate) mod occurrences;
pub(crate) mod projects;
pub(crate) mod releases;
pub(crate) mod reports;
pub(crate) mod rules;
pub(crate) mod users;
pub(crate) mod work;
