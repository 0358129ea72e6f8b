//! JSON doors, one file per resource.

pub(crate) mod channels;
pub(crate) mod deliveries;
pub(crate) mod rules;
pub(crate) mod test;
