//! The log-viewer binary: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<log_viewer::LogViewer>()
}
