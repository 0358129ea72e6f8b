//! What `overview.html` shows, prepared.

use ui::chart::{Kind as Drawn, Mark, Threshold, Tone};
use ui::{Chart, Count, Frame, Moment, RangePicker, Template, Unit, link};

use super::plot;
use super::start_view::Start;
use crate::app::IngestHealth;
use crate::dashboard::Scope;
use crate::dashboard::http::{Endpoint, Http, Totals};
use crate::dashboard::vitals::{Page, SessionsTold, VitalTotals, Vitals};
use crate::domain::well_known::{HttpMetrics, Rating, VITALS, Vital, is_failure};
use crate::intake::Refusal;
use crate::scrapes::Outcome;
use crate::target::Target;

/// From which part of failed requests on the number is coloured.
const FAILED_WARN: f64 = 0.01;
const FAILED_BAD: f64 = 0.05;
/// Characters of a problem that is shown in a table.
const PROBLEM_CHARS: usize = 120;

/// `overview.html`.
#[derive(Template)]
#[template(path = "pages/overview.html")]
pub(crate) struct OverviewPage {
    pub(crate) frame: Frame,
    pub(crate) start: Start,
    pub(crate) n_metrics: usize,
    pub(crate) picker: RangePicker,
    pub(crate) project: Option<String>,
    pub(crate) projects: Vec<String>,
    pub(crate) kinds: Vec<Tab>,
    pub(crate) kind_param: Option<String>,
    pub(crate) endpoint: Option<EndpointChip>,
    pub(crate) http: Option<HttpView>,
    pub(crate) vitals: Option<VitalsView>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) notes: Vec<String>,
    pub(crate) targets: Vec<TargetRow>,
}

impl OverviewPage {
    fn is_live(&self) -> bool {
        self.picker.is_live()
    }
}

/// A choice of whose requests are shown.
pub(crate) struct Tab {
    pub(crate) title: &'static str,
    pub(crate) query: String,
    pub(crate) is_current: bool,
}

impl Tab {
    pub(crate) fn of(names: &HttpMetrics, chosen: Option<&HttpMetrics>, picker: &RangePicker) -> Self {
        Self {
            title: names.title,
            // What one kind of client asks for has another name for the others, so that no endpoint goes along.
            query: query(picker, &["requests", "endpoint"], Some(names.key)),
            is_current: chosen.is_some_and(|chosen| chosen.key == names.key),
        }
    }
}

/// The one endpoint that is shown.
pub(crate) struct EndpointChip {
    pub(crate) value: String,
    /// `Endpoint: /checkout`
    pub(crate) text: String,
    /// The page without it.
    pub(crate) query: String,
}

impl EndpointChip {
    pub(crate) fn of(names: &HttpMetrics, value: &str, picker: &RangePicker) -> Self {
        Self {
            value: value.to_owned(),
            text: format!("{}: {value}", capitalized(names.endpoint)),
            query: query(picker, &["endpoint"], None),
        }
    }
}

/// The same page and range without the parameters `but`, and of the requests of another kind of client.
fn query(picker: &RangePicker, but: &[&str], requests: Option<&str>) -> String {
    let kept = picker
        .kept
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()));
    let range = picker.range_pairs();
    let pairs = kept
        .map(|(name, value)| (name.as_str(), Some(value.as_str())))
        .chain(range.iter().map(|(name, value)| (*name, Some(value.as_str()))))
        .chain([("requests", requests)]);
    format!("./{}", link::query(pairs))
}

/// Requests of one kind of client.
pub(crate) struct HttpView {
    pub(crate) tiles: Vec<Tile>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) endpoints_title: &'static str,
    pub(crate) endpoint_word: String,
    pub(crate) endpoints: Vec<EndpointRow>,
}

/// A number with what it was before.
pub(crate) struct Tile {
    pub(crate) title: &'static str,
    pub(crate) value: String,
    /// Empty, `good`, `warn` or `bad`.
    pub(crate) tone: &'static str,
    /// What the tone means, for whom the colour says nothing.
    pub(crate) word: Option<&'static str>,
    pub(crate) change: String,
}

pub(crate) struct EndpointRow {
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) n_requests: Count,
    pub(crate) failed: String,
    pub(crate) tone: &'static str,
    pub(crate) p95: String,
}

pub(crate) fn http_view(
    http: Http,
    scope: &Scope,
    picker: &RangePicker,
    marks: &[Mark],
    now_ms: i64,
) -> HttpView {
    let unit = Unit::of_name(http.names.durations);
    let mut requests = plot::chart("requests", "Requests", Unit::PerSecond, &http.by_status);
    requests.kind = Drawn::StackedBars;
    requests.series = plot::by_class(&http.by_status, now_ms);
    let mut errors = plot::chart("errors", "Error rate", Unit::Ratio, &http.by_status);
    errors.series = vec![plot::failed_share(&http.by_status, is_failure, now_ms)];
    errors.thresholds = thresholds(FAILED_WARN, FAILED_BAD);
    let mut latency = plot::chart("latency", "Latency", unit, &http.latency);
    latency.series = plot::quantiles(&http.latency, now_ms);
    for chart in [&mut requests, &mut errors, &mut latency] {
        chart.marks = marks.to_vec();
    }
    HttpView {
        tiles: tiles(&http.now, &http.before, unit),
        charts: vec![requests, errors, latency],
        endpoints_title: match http.names.endpoint {
            "host" => "Top hosts",
            "route" => "Top routes",
            _ => "Top endpoints",
        },
        endpoint_word: capitalized(http.names.endpoint),
        endpoints: http
            .endpoints
            .iter()
            .map(|endpoint| endpoint_row(endpoint, http.names, scope, picker, unit))
            .collect(),
    }
}

/// From where on values are raised, and from where on they are bad.
pub(super) fn thresholds(warn: f64, bad: f64) -> Vec<Threshold> {
    let threshold = |(at, tone)| Threshold { at, tone };
    [(warn, Tone::Warn), (bad, Tone::Bad)].map(threshold).into()
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn tiles(now: &Totals, before: &Totals, unit: Unit) -> Vec<Tile> {
    let plain = |title, value: String, change| Tile {
        title,
        value,
        tone: "",
        word: None,
        change,
    };
    let share = now.failed_share();
    let (tone, word) = failed_tone(share);
    let is_enough = now.n_timed.min(before.n_timed) >= FEWEST_COMPARED;
    let latency = |title, value: Option<f64>, was: Option<f64>| {
        let change = match was.filter(|_| !is_enough) {
            None => change(value, was, |value| unit.show(value)),
            Some(was) => was_of_few(&unit.show(was), before.n_timed),
        };
        plain(title, shown(unit, value), change)
    };
    vec![
        plain(
            "Requests",
            Unit::PerSecond.show(now.per_second()),
            change(
                Some(now.per_second()),
                Some(before.per_second()).filter(|was| *was > 0.0),
                |value| Unit::PerSecond.show(value),
            ),
        ),
        Tile {
            tone,
            word,
            ..plain(
                "Error rate",
                shown(Unit::Ratio, share),
                before.failed_share().map_or_else(
                    || "nothing before".to_owned(),
                    |was| format!("was {}", Unit::Ratio.show(was)),
                ),
            )
        },
        latency("Latency p50", now.p50, before.p50),
        latency("Latency p95", now.p95, before.p95),
        latency("Latency p99", now.p99, before.p99),
    ]
}

fn failed_tone(share: Option<f64>) -> (&'static str, Option<&'static str>) {
    match share {
        None => ("", None),
        Some(share) if share >= FAILED_BAD => ("bad", Some("high")),
        Some(share) if share >= FAILED_WARN => ("warn", Some("raised")),
        Some(_) => ("good", None),
    }
}

fn shown(unit: Unit, value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| unit.show(value))
}

/// `+12 %, was 3.4/s`.
pub(super) fn change(value: Option<f64>, was: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match (value, was) {
        (Some(value), Some(was)) if was > 0.0 => {
            let percent = (value / was - 1.0) * 100.0;
            let amount = match percent {
                _ if percent.abs() < 0.5 => "the same".to_owned(),
                _ if percent > 999.0 => "more than 10 times".to_owned(),
                _ => format!("{percent:+.0} %"),
            };
            format!("{amount}, was {}", show(was))
        }
        _ => "nothing before".to_owned(),
    }
}

/// Latencies of fewer requests than this are no measure of one another.
pub(super) const FEWEST_COMPARED: u64 = 10;

/// `was 155 ms, of 1 request`
pub(super) fn was_of_few(was: &str, n_before: u64) -> String {
    let count = Count::new(n_before);
    format!("was {was}, of {} request{}", count.exact, count.s())
}

fn endpoint_row(
    endpoint: &Endpoint,
    names: &HttpMetrics,
    scope: &Scope,
    picker: &RangePicker,
    unit: Unit,
) -> EndpointRow {
    let share = endpoint.n_failed / endpoint.n_requests.max(1.0);
    let filter = format!(
        "{}=\"{}\"",
        names.endpoint,
        endpoint.name.replace('\\', "\\\\").replace('"', "\\\"")
    );
    let range = picker.range_pairs();
    let pairs = [
        ("name", Some(names.requests)),
        ("labels", Some(filter.as_str())),
        ("group_by", Some(names.status)),
        ("project", scope.project.as_deref()),
    ];
    let range = range.iter().map(|(name, value)| (*name, Some(value.as_str())));
    EndpointRow {
        query: link::query(pairs.into_iter().chain(range)),
        name: match endpoint.name.as_str() {
            "" => "(none)".to_owned(),
            name => name.to_owned(),
        },
        n_requests: Count::new(endpoint.n_requests as u64),
        failed: match endpoint.n_failed > 0.0 {
            true => Unit::Ratio.show(share),
            false => "–".to_owned(),
        },
        tone: match failed_tone(Some(share)).0 {
            "good" => "",
            tone => tone,
        },
        p95: shown(unit, endpoint.p95),
    }
}

/// Web Vitals.
pub(crate) struct VitalsView {
    pub(crate) cards: Vec<VitalCard>,
    pub(crate) pages: Vec<PageRow>,
    pub(crate) sessions: Option<Count>,
    told: SessionsTold,
    now_ms: i64,
}

impl VitalsView {
    fn has_sessions(&self) -> bool {
        self.told != SessionsTold::No
    }

    /// From when on there are sessions, where that is not the range's begin.
    fn sessions_since(&self) -> Option<Moment> {
        match self.told {
            SessionsTold::Since(at_ms) => Some(Moment::new(at_ms, self.now_ms)),
            SessionsTold::Exactly | SessionsTold::No => None,
        }
    }

    fn titles(&self) -> impl Iterator<Item = &'static str> {
        VITALS.iter().map(|vital| vital.title)
    }
}

pub(crate) struct VitalCard {
    pub(crate) title: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) p75: String,
    pub(crate) rating: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) parts: Option<Parts>,
    pub(crate) samples: String,
}

/// Percent of the values, for the bar.
pub(crate) struct Parts {
    pub(crate) good: String,
    pub(crate) between: String,
    pub(crate) poor: String,
    pub(crate) poor_at: String,
    pub(crate) words: String,
}

pub(crate) struct PageRow {
    pub(crate) path: String,
    pub(crate) views: Count,
    pub(crate) sessions: String,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) struct Cell {
    pub(crate) title: &'static str,
    pub(crate) value: String,
    pub(crate) tone: &'static str,
}

pub(crate) fn vitals_view(vitals: Vitals, scope: &Scope, now_ms: i64) -> VitalsView {
    let told = SessionsTold::of(scope, now_ms);
    VitalsView {
        cards: vitals.totals.iter().map(vital_card).collect(),
        pages: vitals
            .pages
            .into_iter()
            .map(|page| page_row(page, told))
            .collect(),
        sessions: vitals
            .n_sessions
            .filter(|_| told != SessionsTold::No)
            .map(Count::new),
        told,
        now_ms,
    }
}

fn tone_of(rating: Rating) -> &'static str {
    match rating {
        Rating::Good => "good",
        Rating::NeedsImprovement => "warn",
        Rating::Poor => "bad",
        Rating::Unknown => "",
    }
}

fn vital_card(totals: &VitalTotals) -> VitalCard {
    let count = Count::new(totals.count);
    VitalCard {
        title: totals.vital.title,
        meaning: totals.vital.meaning,
        p75: shown(unit_of(totals.vital), totals.p75),
        rating: match totals.rating {
            Rating::Good => "good",
            Rating::NeedsImprovement => "needs improvement",
            Rating::Poor => "poor",
            Rating::Unknown => "no values",
        },
        tone: tone_of(totals.rating),
        parts: totals.shares.map(parts),
        samples: format!("{} sample{}", count.exact, count.s()),
    }
}

fn unit_of(vital: &Vital) -> Unit {
    Unit::of_name(vital.metric)
}

fn parts([good, between, poor]: [f64; 3]) -> Parts {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    Parts {
        good: percent(good),
        between: percent(between),
        poor: percent(poor),
        poor_at: percent(good + between),
        words: format!(
            "{:.0} % good, {:.0} % in between, {:.0} % poor",
            good * 100.0,
            between * 100.0,
            poor * 100.0
        ),
    }
}

fn page_row(page: Page, told: SessionsTold) -> PageRow {
    let cells = VITALS.iter().zip(page.p75).map(|(vital, p75)| Cell {
        title: vital.title,
        value: shown(unit_of(vital), p75),
        tone: tone_of(vital.rate(p75)),
    });
    PageRow {
        cells: cells.collect(),
        views: Count::new(page.n_views),
        sessions: page
            .n_sessions
            .map(|n| match told {
                // Whoever sees a page sees it once at least; beyond 128 sessions are counted within a few percent.
                SessionsTold::Exactly => n.min(page.n_views),
                SessionsTold::Since(_) | SessionsTold::No => n,
            })
            .map_or_else(|| "–".to_owned(), |n| Count::new(n).short),
        path: page.path,
    }
}

/// One thing known of taking in.
pub(crate) struct Fact {
    pub(crate) title: &'static str,
    pub(crate) value: String,
    pub(crate) tone: &'static str,
}

pub(crate) fn ingest_facts(health: &IngestHealth, n_metrics: Count, now_ms: i64) -> Vec<Fact> {
    let fact = |title, value, tone| Fact { title, value, tone };
    let n_refused: u64 = health.tally.refused.iter().sum();
    let exact = |n: usize| Count::new(n as u64).exact;
    let is_nearly_full = health.n_series * 10 >= health.max_series * 9;
    vec![
        fact("Metrics", n_metrics.exact, ""),
        fact(
            "Series",
            format!("{} of {}", exact(health.n_series), exact(health.max_series)),
            if is_nearly_full { "warn" } else { "" },
        ),
        fact(
            "Samples since the start",
            Count::new(health.tally.n_taken).exact,
            "",
        ),
        fact(
            "Left out",
            Count::new(n_refused).exact,
            if n_refused > 0 { "warn" } else { "" },
        ),
        fact(
            "Last sample",
            health.last_taken_at.map_or_else(
                || "none since the start".to_owned(),
                |at| Moment::new(at, now_ms).ago,
            ),
            "",
        ),
    ]
}

/// What was left out or changed, and why, in sentences.
pub(crate) fn notes(health: &IngestHealth) -> Vec<String> {
    let refused = Refusal::ALL
        .into_iter()
        .zip(health.tally.refused)
        .filter(|(_, n)| *n > 0);
    let refused =
        refused.map(|(refusal, n)| format!("{} left out: {}.", Count::new(n).exact, refusal.reason()));
    let folded = health.folded.iter().map(|(name, label, n)| {
        format!(
            "{name}: the label {label} has too many values; {} samples are kept under __other__.",
            Count::new(*n).exact
        )
    });
    refused.chain(folded).take(MAX_NOTES).collect()
}

const MAX_NOTES: usize = 12;

/// A target and how its last scrape went.
pub(crate) struct TargetRow {
    pub(crate) job: String,
    pub(crate) instance: String,
    pub(crate) state: &'static str,
    pub(crate) badge: &'static str,
    pub(crate) problem: Option<String>,
    pub(crate) samples: String,
    pub(crate) took: String,
    pub(crate) at: Option<Moment>,
}

pub(crate) fn targets(all: Vec<(Target, Option<Outcome>)>, now_ms: i64) -> Vec<TargetRow> {
    all.into_iter()
        .map(|(target, outcome)| target_row(target, outcome, now_ms))
        .collect()
}

fn target_row(target: Target, outcome: Option<Outcome>, now_ms: i64) -> TargetRow {
    let dash = || "–".to_owned();
    let taken = outcome.as_ref().map(|outcome| &outcome.taken);
    let (state, badge) = match taken {
        None => ("not asked yet", ""),
        Some(Ok(_)) => ("up", "delivered"),
        Some(Err(_)) => ("down", "failed"),
    };
    TargetRow {
        state,
        badge,
        problem: taken
            .and_then(|taken| taken.as_ref().err())
            .map(|problem| problem.chars().take(PROBLEM_CHARS).collect()),
        samples: match taken {
            Some(Ok(n)) => Count::new(*n).exact,
            _ => dash(),
        },
        took: outcome
            .as_ref()
            .map_or_else(dash, |outcome| Unit::Seconds.show(outcome.seconds)),
        at: outcome.map(|outcome| Moment::new(outcome.at_ms, now_ms)),
        job: target.job,
        instance: target.instance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words() {
        let told = |value: f64, was: Option<f64>| change(Some(value), was, |value| format!("{value}/s"));
        assert_eq!(told(11.2, Some(10.0)), "+12 %, was 10/s");
        assert_eq!(told(5.0, Some(10.0)), "-50 %, was 10/s");
        assert_eq!(told(10.01, Some(10.0)), "the same, was 10/s");
        assert_eq!(told(500.0, Some(1.0)), "more than 10 times, was 1/s");
        assert_eq!(told(1.0, None), "nothing before");
    }

    #[test]
    fn latencies_of_few_requests_are_not_compared() {
        let of = |n_timed, p50| Totals {
            n_timed,
            p50: Some(p50),
            seconds: 60.0,
            ..Totals::default()
        };
        let told = |now: Totals, before: Totals| tiles(&now, &before, Unit::Seconds)[2].change.clone();
        assert_eq!(told(of(500, 0.8), of(1, 0.155)), "was 155 ms, of 1 request");
        assert_eq!(told(of(1, 0.8), of(500, 0.4)), "was 400 ms, of 500 requests");
        assert_eq!(told(of(10, 0.8), of(10, 0.4)), "+100 %, was 400 ms");
        assert_eq!(told(of(500, 0.8), Totals::default()), "nothing before");
    }

    #[test]
    fn failed_requests_have_a_colour_and_a_word() {
        assert_eq!(failed_tone(Some(0.0)), ("good", None));
        assert_eq!(failed_tone(Some(0.02)), ("warn", Some("raised")));
        assert_eq!(failed_tone(Some(0.05)), ("bad", Some("high")));
    }
}
