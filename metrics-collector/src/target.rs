//! Which exporters are scraped: `http://127.0.0.1:9100/metrics`, or `node=http://…` to say which job that is.

use std::collections::HashSet;
use std::str::FromStr;

use http_client::Base;

/// Targets of one collector.
pub const MAX_TARGETS: usize = 200;
/// The job of a target that has no name.
const JOB: &str = "scrape";
/// Longest name of a job, in bytes.
const MAX_JOB_BYTES: usize = 100;

/// One exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The label `job` of its series.
    pub job: String,
    /// The label `instance`: host and port.
    pub instance: String,
    /// Where it answers.
    pub url: Base,
}

/// A list of them, no two with the same URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets(pub Vec<Target>);

impl FromStr for Targets {
    type Err = String;

    /// Reads what is parted by commas or line ends; a line that begins with `#` is a comment.
    fn from_str(text: &str) -> Result<Targets, String> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let items = lines.flat_map(|line| line.split(',')).map(str::trim);
        let targets: Vec<Target> = items
            .filter(|item| !item.is_empty())
            .map(target)
            .collect::<Result<_, _>>()?;
        if targets.len() > MAX_TARGETS {
            return Err(format!("there are more than {MAX_TARGETS} targets"));
        }
        let mut seen = HashSet::new();
        for target in &targets {
            if !seen.insert((&target.instance, target.url.path_and_query())) {
                return Err(format!("{} is there twice", target.url));
            }
        }
        Ok(Targets(targets))
    }
}

fn target(item: &str) -> Result<Target, String> {
    // An `=` in the URL's query is behind its `://`.
    let is_named = item
        .find('=')
        .is_some_and(|at| item.find("://").is_some_and(|scheme| at < scheme));
    let (job, url) = match item.split_once('=') {
        Some((job, url)) if is_named => (job.trim(), url.trim()),
        _ => (JOB, item),
    };
    if job.is_empty() || job.len() > MAX_JOB_BYTES {
        return Err(format!("the name of a job has 1 to {MAX_JOB_BYTES} bytes"));
    }
    let url: Base = url.parse().map_err(|bad| format!("{job}: {bad}"))?;
    let shown = url.to_string();
    let instance = shown.split_once("://").map_or(shown.as_str(), |(_, host)| host);
    Ok(Target {
        job: job.to_owned(),
        instance: instance.to_owned(),
        url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String, String)>, String> {
        let targets: Targets = text.parse()?;
        let told = targets.0.into_iter().map(|it| {
            let path = it.url.path_and_query().to_owned();
            (it.job, it.instance, path)
        });
        Ok(told.collect())
    }

    #[test]
    fn targets_are_urls_with_or_without_a_job() {
        let row =
            |job: &str, instance: &str, path: &str| (job.to_owned(), instance.to_owned(), path.to_owned());
        assert_eq!(
            read("node=http://box:9100/metrics, http://[::1]:80/m?x=1").unwrap(),
            [
                row("node", "box:9100", "/metrics"),
                row("scrape", "[::1]", "/m?x=1")
            ]
        );
        assert_eq!(
            read("# the shop\nshop=https://shop.example/metrics\n\n").unwrap(),
            [row("shop", "shop.example", "/metrics")]
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_no_target_is_refused_in_words() {
        for (text, told) in [
            ("box:9100", "http"),
            ("=http://box/", "name of a job"),
            ("http://u:p@box/", "password"),
            ("http://box/m,a=http://box/m", "twice"),
            ("file:///etc/passwd", "http"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(told), "{text}: {refused}");
        }
        let many: String = (0..201).map(|n| format!("http://h{n}/,")).collect();
        assert!(read(&many).unwrap_err().contains("more than 200"));
    }
}
