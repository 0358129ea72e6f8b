//! All tests of the running log-viewer as one program: it is linked once, and they run side by side.

mod alerts;
mod common_ground;
mod contract;
mod docker;
mod follow;
mod import;
mod openapi;
mod reading;
mod submit;
mod support;
mod tail;
mod torture;
