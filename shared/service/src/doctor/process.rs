//! Whether the service runs, answers, and may open as many files as its settings ask for.

use std::net::TcpStream;
use std::time::Duration;

use super::Finding;
use crate::health_check;
use crate::program::Program;
use crate::settings::CommonSettings;

/// Files that are open besides connections: database, log, readers, followed logs.
const OTHER_FILES: u64 = 128;
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn examine<P: Program>(common: &CommonSettings) -> Vec<Finding> {
    [running::<P>(common), files(common)]
        .into_iter()
        .flatten()
        .collect()
}

fn running<P: Program>(common: &CommonSettings) -> Option<Finding> {
    let address = health_check::reachable(common.listen_addr);
    if address.port() == 0 {
        return None;
    }
    let has_database = sqlite::inspect(&common.database_path).is_ok_and(|seen| seen.is_in_use);
    let is_taken = TcpStream::connect_timeout(&address, TIMEOUT).is_ok();
    Some(match (has_database, is_taken) {
        (true, true) => ready(common),
        (true, false) => Finding::wrong(
            "service",
            format!("a process has the database open, but nothing answers at {address}"),
            "look whether LISTEN_ADDR is the same there; else restart the service",
        ),
        (false, true) => Finding::wrong(
            "service",
            format!("another program answers at {address}"),
            "stop that one, or choose another LISTEN_ADDR",
        ),
        (false, false) => Finding::doubtful("service", "it does not run", format!("start it: {}", P::NAME)),
    })
}

fn ready(common: &CommonSettings) -> Finding {
    let ask = |path| health_check::ask(common.listen_addr, path);
    match ask("/health").and_then(|()| ask("/ready")) {
        Ok(()) => Finding::well("service", format!("it runs at {} and stores", common.listen_addr)),
        Err(why) => Finding::wrong(
            "service",
            format!("it runs, but is not ready: {why}"),
            "read its log; the other lines here may say why",
        ),
    }
}

/// Of this process: a service that is started the same way has the same.
fn files(common: &CommonSettings) -> Option<Finding> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    let soft: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    let wanted = common.max_connections as u64 + OTHER_FILES;
    let saw = format!("{soft} may be open, {wanted} are wanted");
    Some(match soft < wanted {
        true => Finding::doubtful(
            "files",
            saw,
            format!(
                "LimitNOFILE={wanted} in the unit, ulimit -n {wanted} in a shell, or lower MAX_CONNECTIONS"
            ),
        ),
        false => Finding::well("files", saw),
    })
}
