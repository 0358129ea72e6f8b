//! The browser-relay binary: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::main::<browser_relay::BrowserRelay>()
}
