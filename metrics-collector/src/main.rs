//! The metrics-collector binary: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<metrics_collector::MetricsCollector>()
}
