//! `doctor`: looks at all that a service stands on, changes nothing, and says what to do. Rooms: `finding` what was seen,
//! `place` folder and files, `database` the file itself, `process` whether it runs and with what; `report` the words.

mod database;
mod finding;
mod place;
mod process;
mod report;

use std::time::SystemTime;

use config::Variable;

use crate::program::Program;
use crate::settings::CommonSettings;

pub use finding::{Finding, Grade};
pub(crate) use report::Report;

/// What is looked at in every service, then what the service adds.
pub(crate) async fn examine<P: Program>(
    common: &CommonSettings,
    own: &P::Settings,
    variables: &[Variable],
) -> Report {
    let now = SystemTime::now();
    let mut findings = settings(common, variables);
    findings.extend(place::disk(&common.database_path));
    findings.push(place::folder(&common.database_path));
    findings.push(place::secrets(common, variables));
    findings.push(place::clock(&common.database_path, now));
    findings.extend(database::examine::<P>(&common.database_path, now));
    findings.extend(process::examine::<P>(common));
    findings.extend(P::doctor(own).await);
    Report::new(P::NAME, P::VERSION, findings)
}

/// What is wrong with the settings: nothing else can be looked at.
pub(crate) fn misconfigured<P: Program>(problems: &config::Problems) -> Report {
    let advice = format!("mend it; `{} check-config` shows every setting", P::NAME);
    let findings = problems
        .iter()
        .map(|problem| Finding::wrong("settings", problem, &advice));
    Report::new(P::NAME, P::VERSION, findings.collect())
}

fn settings(common: &CommonSettings, variables: &[Variable]) -> Vec<Finding> {
    let n_set = variables
        .iter()
        .filter(|variable| variable.origin != config::Origin::Default)
        .count();
    let mut findings = vec![Finding::well(
        "settings",
        format!("{n_set} of {} variables are set, all readable", variables.len()),
    )];
    findings.extend(
        config::near_misses(variables, config::process::names())
            .into_iter()
            .map(|word| Finding::doubtful("settings", word, "correct the name, or unset it")),
    );
    let is_tls = common.public_url().is_some_and(|url| url.starts_with("https://"));
    if is_tls && common.trusted_proxies.is_empty() {
        findings.push(Finding::doubtful(
            "proxy",
            "BASE_URL is https, but no proxy is trusted: all visitors look like the proxy, over plain HTTP",
            "set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1,::1",
        ));
    }
    if common.public_url().is_none() && !common.listen_addr.ip().is_loopback() {
        findings.push(Finding::doubtful(
            "proxy",
            format!(
                "BASE_URL is not set: links in alerts lead to http://{}",
                common.listen_addr
            ),
            "set BASE_URL to the address that people use",
        ));
    }
    findings
}
