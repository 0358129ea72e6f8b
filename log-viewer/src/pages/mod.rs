//! HTML doors.

pub(crate) mod home;
