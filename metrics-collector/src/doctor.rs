//! What `doctor` looks at here: whether the targets that are to be scraped answer.

use service::Finding;

use crate::jobs::scrape;
use crate::settings::Settings;

/// Targets asked; a doctor with many would have people waiting.
const MAX_ASKED: usize = 20;

pub(crate) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in settings.scrape.targets.iter().take(MAX_ASKED) {
        findings.push(match scrape::look(&settings.scrape, target).await {
            Ok(()) => Finding::well("scrape", format!("{} answers", target.url)),
            Err(cause) => Finding::wrong(
                "scrape",
                cause,
                "start the exporter, or correct SCRAPE_TARGETS or SCRAPE_TOKEN",
            ),
        });
    }
    findings
}
