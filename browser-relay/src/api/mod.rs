//! JSON doors, one file per resource.

pub(crate) mod admission;
pub(crate) mod batches;
pub(crate) mod dsn_keys;
pub(crate) mod errors;
pub(crate) mod preflight;
pub(crate) mod sdk;
pub(crate) mod source_maps;
