//! HTML doors.

pub(crate) mod keys;
pub(crate) mod source_maps;
pub(crate) mod traffic;
