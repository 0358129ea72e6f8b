//! Following log files: found, read as they grow and as they are rotated, turned into entries, handed to `ingest`.

mod chain;
mod copies;
mod follower;
pub(super) mod job;
mod kit;
mod log_file;
mod source;
mod wanted;
mod watch;
