//! Tables: endpoints, statuses by service, consumers, nodes; sorted, coloured by the thresholds, each a link that filters.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ui::{Count, Unit, link};

use super::tiles::{Tone, error_tone, latency_tone, ms, percent};
use crate::domain::malti::config::Thresholds;
use crate::domain::requests::overview::{Endpoint, Named, ServiceStatuses, Stats};
use crate::monitoring::{Asked, Found, Sort};

/// Rows of a table.
const MAX_ENDPOINTS: usize = 50;
const MAX_NAMED: usize = 25;
/// Consumers that have gone quiet.
const MAX_GONE: usize = 10;
/// Who asked less often may be missing by chance.
const MIN_BEFORE: u64 = 10;

/// What all tables say.
pub(crate) struct Figures {
    pub(crate) requests: Count,
    pub(crate) errors: String,
    pub(crate) error_tone: Tone,
    pub(crate) p50: String,
    pub(crate) p95: String,
    pub(crate) p95_tone: Tone,
}

impl Figures {
    fn of(stats: &Stats, limits: &Thresholds) -> Self {
        let p95 = stats.latency.map(|it| it.p95);
        Self {
            requests: Count::new(stats.total),
            errors: percent(stats),
            error_tone: error_tone(stats, limits),
            p50: ms(stats.latency.map(|it| it.p50)),
            p95: ms(p95),
            p95_tone: latency_tone(p95, limits),
        }
    }
}

pub(crate) struct EndpointRow {
    pub(crate) method: String,
    pub(crate) endpoint: String,
    pub(crate) service: String,
    /// Its own page.
    pub(crate) query: String,
    pub(crate) figures: Figures,
    /// Its part of all time.
    pub(crate) impact: String,
}

/// Endpoints in the order that is asked for, and how many are left out.
pub(crate) fn endpoints(found: &Found, asked: &Asked) -> (Vec<EndpointRow>, usize) {
    let mut all: Vec<&Endpoint> = found.now.endpoints.iter().collect();
    let p95 = |it: &Endpoint| it.stats.latency.map_or(0., |latency| latency.p95);
    match asked.sort {
        Sort::Volume => all.sort_by_key(|it| Reverse(it.stats.total)),
        Sort::Errors => all.sort_by_key(|it| Reverse((it.stats.errors, it.stats.total))),
        Sort::Slow => all.sort_by(|left, right| p95(right).total_cmp(&p95(left))),
        Sort::Impact => all.sort_by(|left, right| right.stats.time_ms.total_cmp(&left.stats.time_ms)),
    }
    let time_ms = found.now.total.time_ms;
    let row = |it: &&Endpoint| EndpointRow {
        method: it.method.clone(),
        endpoint: shown(&it.endpoint),
        service: it.service.clone(),
        query: asked.link(&[
            ("service", Some(&it.service)),
            ("method", Some(&it.method)),
            ("endpoint", Some(&it.endpoint)),
            ("sort", None),
        ]),
        figures: Figures::of(&it.stats, &found.thresholds),
        impact: match time_ms > 0. {
            true => Unit::Ratio.show(it.stats.time_ms / time_ms),
            false => "–".to_owned(),
        },
    };
    let rows = all.iter().take(MAX_ENDPOINTS).map(row).collect();
    (rows, all.len().saturating_sub(MAX_ENDPOINTS))
}

fn shown(text: &str) -> String {
    match text {
        "" => "(none)".to_owned(),
        text => text.to_owned(),
    }
}

pub(crate) struct StatusRow {
    pub(crate) service: String,
    /// The page of this service alone.
    pub(crate) query: String,
    pub(crate) total: Count,
    /// Where each class begins and how wide it is, in percent.
    pub(crate) parts: Vec<Part>,
    pub(crate) words: String,
    pub(crate) codes: Vec<Code>,
}

pub(crate) struct Part {
    pub(crate) tone: &'static str,
    pub(crate) from: String,
    pub(crate) width: String,
}

pub(crate) struct Code {
    pub(crate) code: u16,
    pub(crate) count: Count,
    pub(crate) query: String,
}

/// Classes that are told apart: first digits, name, class of the stylesheet.
const CLASSES: [(&[u16], &str, &str); 4] = [
    (&[2], "2xx", "good"),
    (&[1, 3], "3xx", "soft"),
    (&[4], "4xx", "warn"),
    (&[5], "5xx", "bad"),
];

/// Statuses of each service.
pub(crate) fn statuses(found: &Found, asked: &Asked) -> Vec<StatusRow> {
    let services = found.now.services.iter().take(MAX_NAMED);
    services.map(|service| status_row(service, asked)).collect()
}

fn status_row(service: &ServiceStatuses, asked: &Asked) -> StatusRow {
    let (mut parts, mut words, mut from) = (Vec::new(), Vec::new(), 0.);
    for (digits, name, tone) in CLASSES {
        let of_class = service
            .codes
            .iter()
            .filter(|(code, _)| digits.contains(&(*code / 100)));
        let n: u64 = of_class.map(|(_, n)| n).sum();
        if n == 0 {
            continue;
        }
        let share = n as f64 / service.total.max(1) as f64;
        parts.push(Part {
            tone,
            from: format!("{from:.2}"),
            width: format!("{:.2}", share * 100.),
        });
        words.push(format!("{name} {}", Unit::Ratio.show(share)));
        from += share * 100.;
    }
    let code = |(code, n): (&u16, &u64)| Code {
        code: *code,
        count: Count::new(*n),
        query: asked.link(&[
            ("service", Some(&service.service)),
            ("status", Some(&code.to_string())),
        ]),
    };
    StatusRow {
        query: asked.link(&[("service", Some(&service.service))]),
        service: shown(&service.service),
        total: Count::new(service.total),
        parts,
        words: words.join(", "),
        codes: service.codes.iter().map(code).collect(),
    }
}

pub(crate) struct NamedRow {
    pub(crate) name: String,
    /// The page of it alone.
    pub(crate) query: String,
    pub(crate) figures: Figures,
    /// Class and word of a badge, if there is something to say.
    pub(crate) badge: Option<(&'static str, &'static str)>,
    /// Nodes: p95 against that of all.
    pub(crate) against: String,
}

/// Consumers with most requests; those that were not there before, and those that fail, say so.
pub(crate) fn consumers(found: &Found, asked: &Asked) -> (Vec<NamedRow>, usize) {
    let before: BTreeMap<&str, u64> = found
        .before
        .consumers
        .iter()
        .map(|it| (it.name.as_str(), it.stats.total))
        .collect();
    let row = |it: &Named| {
        let mut row = named_row(it, "consumer", found, asked);
        row.badge = match row.figures.error_tone {
            Tone::Bad => Some(("bad", "failing")),
            // Where there was nothing before, everybody would be new.
            _ if !before.is_empty() && !before.contains_key(it.name.as_str()) => Some(("new", "new")),
            _ => None,
        };
        row
    };
    let rows = found.now.consumers.iter().take(MAX_NAMED).map(row).collect();
    (rows, found.now.consumers.len().saturating_sub(MAX_NAMED))
}

/// Who asked in the range before, and not in this one: name and requests of then.
pub(crate) fn gone(found: &Found) -> Vec<(String, Count)> {
    let here = |name: &str| found.now.consumers.iter().any(|it| it.name == name);
    let before = found.before.consumers.iter();
    before
        .filter(|it| it.stats.total >= MIN_BEFORE && !here(&it.name))
        .take(MAX_GONE)
        .map(|it| (shown(&it.name), Count::new(it.stats.total)))
        .collect()
}

/// Nodes or contexts, compared with all together.
pub(crate) fn named(list: &[Named], filter: &'static str, found: &Found, asked: &Asked) -> Vec<NamedRow> {
    let rows = list.iter().take(MAX_NAMED);
    rows.map(|it| named_row(it, filter, found, asked)).collect()
}

fn named_row(it: &Named, filter: &'static str, found: &Found, asked: &Asked) -> NamedRow {
    let all = found.now.total.latency.map(|latency| latency.p95);
    let own = it.stats.latency.map(|latency| latency.p95);
    let against = match (own, all) {
        (Some(own), Some(all)) if all > 0. => format!("{:+.0} %", (own / all - 1.) * 100.),
        _ => "–".to_owned(),
    };
    NamedRow {
        query: asked.link(&[(filter, Some(&it.name))]),
        name: shown(&it.name),
        figures: Figures::of(&it.stats, &found.thresholds),
        badge: None,
        against,
    }
}

/// The part of a route before its first parameter: what texts of logs and errors have of it.
pub(crate) fn literal(endpoint: &str) -> &str {
    let end = endpoint.find(['{', '<', ':', '*']).unwrap_or(endpoint.len());
    match endpoint[..end].trim_end_matches('/') {
        "" => endpoint,
        literal => literal,
    }
}

/// The page of another service that shows what is found by a text, over the same range where it has one.
pub(crate) fn search(root: &str, text: &str, range: &str) -> Option<String> {
    let root = link::web(root)?.trim_end_matches('/');
    let query = link::query([("search", Some(text))]);
    Some(match range {
        "" => format!("{root}/{query}"),
        range => format!("{root}/{query}&{range}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_looked_for_by_what_stands_before_its_parameters() {
        let check = |endpoint, expected| assert_eq!(literal(endpoint), expected);
        check("/orders/{id}/items", "/orders");
        check("/f/<int:i>", "/f");
        check("/users/:id", "/users");
        check("/health", "/health");
        check("/{page}", "/{page}");
        check("/", "/");
    }

    #[test]
    fn only_web_addresses_are_linked_to() {
        let found = search("https://l.example/logs/", "\"/a b\"", "range=6h");
        assert_eq!(
            found.as_deref(),
            Some("https://l.example/logs/?search=%22%2Fa%20b%22&range=6h")
        );
        assert_eq!(search("javascript:alert(1)", "x", ""), None);
    }
}
