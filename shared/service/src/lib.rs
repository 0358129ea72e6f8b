//! What every service does the same way: command line, settings, log, start, stop, common routes.
//!
//! A service is a [`Program`]; its `main` is `service::main::<ItsProgram>()`. `process` starts it and ends it,
//! `common` is what its doors share, `routes` the URLs that all four have.

mod allocator;
mod common;
mod doctor;
mod health_check;
mod log;
mod login;
mod original;
mod process;
mod process_metrics;
mod program;
mod readiness;
mod reports;
mod routes;
mod secrets;
mod settings;
mod signals;
mod store_error;
mod store_metrics;
mod tasks;

pub use common::{Common, page, unix_ms};
pub use doctor::{Finding, Grade};
pub use original::{Original, original_time};
pub use process::{Failure, main, serve_with};
pub use program::{Built, Imported, Program};
pub use settings::CommonSettings;
pub use store_error::{from_read, from_write};
pub use tasks::{Ending, Tasks};
