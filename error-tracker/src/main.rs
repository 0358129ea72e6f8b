//! The error-tracker binary: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<error_tracker::ErrorTracker>()
}
