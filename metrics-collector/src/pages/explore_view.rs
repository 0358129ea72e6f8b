//! What `explore.html` shows, prepared.

use ui::{Chart, Count, Frame, RangePicker, Template, Unit, link};
use web::Query;

use crate::api::select_query::duration_ms;
use crate::catalogue::{Label, Metric};
use crate::domain::kind::Kind;
use crate::domain::select::{Answer, Function, Split};

/// `explore.html`.
#[derive(Template)]
#[template(path = "pages/explore.html")]
pub(crate) struct ExplorePage {
    pub(crate) frame: Frame,
    pub(crate) picker: RangePicker,
    pub(crate) asked: Asked,
    pub(crate) metrics: Metrics,
    pub(crate) labels: Vec<Label>,
    pub(crate) projects: Vec<String>,
    pub(crate) functions: Vec<Choice>,
    pub(crate) found: Option<Found>,
    pub(crate) problem: Option<String>,
}

/// What the URL asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) name: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) labels: Option<String>,
    pub(crate) function: Option<String>,
    /// A label, or `*` for each series.
    pub(crate) group_by: Option<String>,
    pub(crate) compare: bool,
    pub(crate) step: Option<String>,
}

impl Asked {
    pub(crate) fn read(query: &Query) -> Self {
        let given = |name: &str| {
            query
                .get(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        Self {
            name: given("name"),
            project: given("project"),
            labels: given("labels"),
            function: given("function"),
            group_by: given("group_by"),
            compare: given("compare").is_some(),
            step: given("step"),
        }
    }

    /// The step, if one was asked for that can be had.
    pub(crate) fn step_ms(&self) -> Option<i64> {
        self.step.as_deref().and_then(duration_ms)
    }
}

/// One of several choices.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_chosen: bool,
}

/// Functions of counters, gauges and histograms, the first is what is shown unasked.
const OF_COUNTERS: [(&str, &str); 3] = [
    ("rate", "per second"),
    ("increase", "added"),
    ("count", "samples"),
];
const OF_GAUGES: [(&str, &str); 6] = [
    ("avg", "mean"),
    ("max", "greatest"),
    ("min", "least"),
    ("last", "latest"),
    ("total", "sum of all series"),
    ("count", "samples"),
];
const OF_HISTOGRAMS: [(&str, &str); 9] = [
    (PERCENTILES, "p50, p95, p99"),
    ("p50", "p50"),
    ("p75", "p75"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("avg", "mean"),
    ("max", "greatest"),
    ("rate", "observations per second"),
    ("count", "observations"),
];
/// Three lines at once; only where nothing is grouped.
const PERCENTILES: &str = "percentiles";

fn functions_of(kind: Option<Kind>) -> &'static [(&'static str, &'static str)] {
    match kind {
        None => &[],
        Some(Kind::Counter | Kind::Cumulative) => &OF_COUNTERS,
        Some(Kind::Gauge) => &OF_GAUGES,
        Some(Kind::Histogram) => &OF_HISTOGRAMS,
    }
}

/// The choices for a kind, the asked one chosen.
pub(crate) fn function_choices(kind: Option<Kind>, asked: Option<&str>) -> Vec<Choice> {
    let choices = functions_of(kind).iter().map(|(value, label)| Choice {
        value,
        label,
        is_chosen: Some(*value) == asked,
    });
    choices.collect()
}

/// The function that is shown; none for the three percentiles. One that the kind does not have becomes its first.
pub(crate) fn chosen(kind: Kind, asked: Option<&str>, split: &Split) -> Option<Function> {
    let first = functions_of(Some(kind)).first().map_or("avg", |(value, _)| value);
    let asked = asked.filter(|asked| {
        *asked == PERCENTILES || Function::read(asked).is_some_and(|function| function.is_of(kind))
    });
    match (asked.unwrap_or(first), split) {
        (PERCENTILES, Split::Merged) if kind == Kind::Histogram => None,
        (PERCENTILES, _) if kind == Kind::Histogram => Some(Function::Quantile(0.95)),
        (asked, _) => Function::read(asked).or(Some(Function::Avg)),
    }
}

/// The unit of what a function gives.
pub(crate) fn unit_of(answer: &Answer, function: Option<Function>, name: Option<&str>) -> Unit {
    let unit = Unit::of_name(name.unwrap_or_default());
    let is_histogram = answer.kind == Some(Kind::Histogram);
    match function {
        Some(Function::Count) => Unit::Plain,
        Some(Function::Rate) if is_histogram => Unit::PerSecond,
        Some(Function::Rate) => unit.rate(),
        Some(Function::Increase) if is_histogram => Unit::Plain,
        Some(Function::Share(_)) => Unit::Ratio,
        _ => unit,
    }
}

/// What was found.
pub(crate) struct Found {
    pub(crate) chart: Chart,
    pub(crate) words: String,
}

impl Found {
    pub(crate) fn new(chart: Chart, answer: &Answer, n_left_out: usize, split: &Split) -> Self {
        let n_series = Count::new(answer.n_series as u64);
        let mut words = format!(
            "{} series, by {} from {}",
            n_series.exact,
            duration_words(answer.step_ms),
            match answer.tier.name() {
                "raw" => "single samples",
                "minute" => "minutes",
                "five_minutes" => "buckets of five minutes",
                _ => "hours",
            }
        );
        if n_left_out > 0 {
            words.push_str(&format!(
                "; the {} greatest of {} lines are drawn",
                chart.series.len(),
                chart.series.len() + n_left_out
            ));
        }
        if *split == Split::Merged && answer.n_series > 1 {
            words.push_str(", all together");
        }
        Self { chart, words }
    }
}

fn duration_words(ms: i64) -> String {
    match ms {
        ..60_000 => format!("{} s", ms / 1000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..86_400_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

/// All metrics, where none is chosen; else only their names, to choose another.
pub(crate) struct Metrics {
    pub(crate) rows: Vec<MetricRow>,
    pub(crate) n_all: usize,
    pub(crate) is_known: bool,
}

pub(crate) struct MetricRow {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) n_series: Count,
    /// Its page, below the service's root.
    pub(crate) path: String,
}

/// Metrics in one list.
const MAX_METRICS: usize = 1000;

impl Metrics {
    pub(crate) fn of(metrics: Vec<Metric>, asked: &Asked, picker: &RangePicker) -> Self {
        let is_known = metrics
            .iter()
            .any(|metric| Some(&*metric.name) == asked.name.as_deref());
        // A name that is none is looked for as a part of one.
        let part = asked.name.as_deref().filter(|_| !is_known).map(str::to_lowercase);
        let is_meant = |metric: &&Metric| {
            part.as_deref()
                .is_none_or(|part| metric.name.to_lowercase().contains(part))
        };
        let rows: Vec<MetricRow> = metrics
            .iter()
            .filter(is_meant)
            .take(MAX_METRICS)
            .map(|metric| MetricRow {
                name: metric.name.to_string(),
                kind: kind_word(metric.kind),
                n_series: Count::new(metric.n_series as u64),
                path: metric_path(&metric.name, asked.project.as_deref(), picker),
            })
            .collect();
        Self {
            n_all: metrics.len(),
            rows,
            is_known,
        }
    }
}

/// As pages name a kind: what is told in totals is a counter to people.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Cumulative => "counter (total)",
        kind => kind.name(),
    }
}

/// The page of a metric with the range kept.
pub(crate) fn metric_path(name: &str, project: Option<&str>, picker: &RangePicker) -> String {
    let encoded = link::query([("x", Some(name))]);
    let encoded = encoded.trim_start_matches("?x=");
    let range = picker.range_pairs();
    let range = range.iter().map(|(name, value)| (*name, Some(value.as_str())));
    format!(
        "metrics/{encoded}{}",
        link::query([("project", project)].into_iter().chain(range))
    )
}

impl ExplorePage {
    fn is_live(&self) -> bool {
        self.picker.is_live() && self.found.is_some()
    }

    /// Suggestions for the filter, as conditions.
    fn conditions(&self) -> Vec<String> {
        let pairs = self.labels.iter().flat_map(|label| {
            label
                .values
                .iter()
                .map(move |value| (label.key.as_str(), value.as_str()))
        });
        pairs
            .take(MAX_CONDITIONS)
            .map(|(key, value)| condition(key, value))
            .collect()
    }

    /// The page of the chosen metric, below the service's root.
    fn metric_page(&self) -> String {
        let name = self.asked.name.as_deref().unwrap_or_default();
        metric_path(name, self.asked.project.as_deref(), &self.picker)
    }

    /// The form of an alert on the same query, below the service's root.
    fn alert(&self) -> String {
        // Unasked, the first is shown.
        let function = self.functions.iter().find(|choice| choice.is_chosen);
        let function = function.or(self.functions.first());
        let function = function.map(|choice| match choice.value {
            // An alert has one threshold.
            PERCENTILES => "p95",
            function => function,
        });
        let query = link::query([
            ("name", self.asked.name.as_deref()),
            ("project", self.asked.project.as_deref()),
            ("labels", self.asked.labels.as_deref()),
            ("function", function),
            ("group_by", self.asked.group_by.as_deref()),
        ]);
        format!("alerts{query}#rules-title")
    }

    /// The same query as a CSV, below the service's root.
    fn csv(&self) -> String {
        let range = &self.picker.range;
        let (from, to) = (
            ui::moment::rfc3339(range.from_ms),
            ui::moment::rfc3339(range.to_ms),
        );
        let step = self
            .found
            .as_ref()
            .map(|found| format!("{}", found.chart.step / 1000));
        let (group_by, series) = match self.asked.group_by.as_deref() {
            Some("*") => (None, Some("all")),
            key => (key, None),
        };
        let function = self
            .asked
            .function
            .as_deref()
            .filter(|function| *function != PERCENTILES);
        let query = link::query([
            ("name", self.asked.name.as_deref()),
            ("project", self.asked.project.as_deref()),
            ("labels", self.asked.labels.as_deref()),
            ("function", function),
            ("group_by", group_by),
            ("series", series),
            ("from", Some(from.as_str())),
            ("to", Some(to.as_str())),
            ("step", step.as_deref()),
        ]);
        format!("{}api/metrics/csv{query}", self.frame.root)
    }
}

const MAX_CONDITIONS: usize = 200;

/// `key=value`, in quotes where the value needs them.
pub(crate) fn condition(key: &str, value: &str) -> String {
    match value.contains([',', '"', '\\']) {
        true => format!("{key}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("{key}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_the_function_shows_its_first() {
        let check = |kind: Kind, asked: Option<&str>, split: Split, expected: Option<Function>| {
            assert_eq!(chosen(kind, asked, &split), expected, "{kind:?} {asked:?}");
        };
        check(Kind::Counter, None, Split::Merged, Some(Function::Rate));
        check(Kind::Gauge, Some("rate"), Split::Merged, Some(Function::Avg));
        check(
            Kind::Gauge,
            Some("percentiles"),
            Split::Merged,
            Some(Function::Avg),
        );
        check(Kind::Histogram, None, Split::Merged, None);
        check(Kind::Histogram, None, Split::All, Some(Function::Quantile(0.95)));
        check(
            Kind::Histogram,
            Some("p99"),
            Split::All,
            Some(Function::Quantile(0.99)),
        );
        check(Kind::Histogram, Some("nonsense"), Split::Merged, None);
    }

    #[test]
    fn a_condition_reads_back_as_it_was_meant() {
        assert_eq!(condition("status", "500"), "status=500");
        assert_eq!(condition("path", "/a,\"b\""), "path=\"/a,\\\"b\\\"\"");
    }
}
