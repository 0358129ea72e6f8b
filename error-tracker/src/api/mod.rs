//! JSON doors, one file per resource.

pub(crate) mod alerts;
pub(crate) mod errors;
pub(crate) mod projects;
