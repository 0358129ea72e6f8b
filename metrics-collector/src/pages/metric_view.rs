//! What `metric.html` shows, prepared.

use ui::{Chart, Count, Frame, RangePicker, Template, Unit, link};

use super::explore_view::{condition, kind_word};
use super::plot;
use crate::catalogue::Label;
use crate::dashboard::{MAX_ROWS, Scope};
use crate::domain::kind::Kind;
use crate::domain::select::{Answer, SeriesResult};

/// `metric.html`.
#[derive(Template)]
#[template(path = "pages/metric.html")]
pub(crate) struct MetricPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) picker: RangePicker,
    pub(crate) tiles: Vec<(&'static str, String)>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) labels: Vec<LabelRow>,
    pub(crate) n_series: Count,
    pub(crate) series: Vec<SeriesRow>,
    /// Those that are not in the table.
    pub(crate) n_more_series: Count,
}

impl MetricPage {
    fn is_live(&self) -> bool {
        self.picker.is_live()
    }

    fn kind_word(&self) -> &'static str {
        kind_word(self.kind)
    }
}

/// The range in numbers.
pub(crate) fn tiles(whole: &Answer, name: &str) -> Vec<(&'static str, String)> {
    let unit = Unit::of_name(name);
    let Some(point) = whole.series.first().and_then(|line| line.points.first()) else {
        return Vec::new();
    };
    let count = ("Samples", Count::new(point.count).exact);
    let quantile = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| unit.show(value));
    match whole.kind {
        Some(Kind::Counter | Kind::Cumulative) => vec![
            ("Added", unit.show(point.sum)),
            ("Per second", unit.rate().show(point.value.unwrap_or_default())),
            count,
        ],
        Some(Kind::Histogram) => vec![
            ("p50", quantile(point.p50)),
            ("p95", quantile(point.p95)),
            ("p99", quantile(point.p99)),
            ("Mean", unit.show(point.avg)),
            ("Greatest", unit.show(point.max)),
            count,
        ],
        _ => vec![
            ("Latest", unit.show(point.last)),
            ("Mean", unit.show(point.avg)),
            ("Least", unit.show(point.min)),
            ("Greatest", unit.show(point.max)),
            count,
        ],
    }
}

/// A label and some of its values, each a link to the explorer.
pub(crate) struct LabelRow {
    pub(crate) key: String,
    pub(crate) n_values: Count,
    /// The explorer, grouped by it.
    pub(crate) query: String,
    pub(crate) values: Vec<(String, String)>,
    pub(crate) n_more: usize,
}

/// `?…` of the explorer for this metric.
fn explorer(
    name: &str,
    scope: &Scope,
    picker: &RangePicker,
    labels: Option<&str>,
    group_by: Option<&str>,
) -> String {
    let range = picker.range_pairs();
    let pairs = [
        ("name", Some(name)),
        ("project", scope.project.as_deref()),
        ("labels", labels),
        ("group_by", group_by),
    ];
    link::query(
        pairs
            .into_iter()
            .chain(range.iter().map(|(name, value)| (*name, Some(value.as_str())))),
    )
}

pub(crate) fn label_rows(labels: &[Label], name: &str, scope: &Scope, picker: &RangePicker) -> Vec<LabelRow> {
    let row = |label: &Label| LabelRow {
        key: label.key.clone(),
        n_values: Count::new(label.n_values as u64),
        query: explorer(name, scope, picker, None, Some(&label.key)),
        n_more: label.n_values - label.values.len(),
        values: label
            .values
            .iter()
            .map(|value| {
                let filter = condition(&label.key, value);
                (value.clone(), explorer(name, scope, picker, Some(&filter), None))
            })
            .collect(),
    };
    labels.iter().map(row).collect()
}

/// One series and its number.
pub(crate) struct SeriesRow {
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) value: String,
    pub(crate) count: Count,
}

/// Those with most samples.
pub(crate) fn series_rows(each: &Answer, name: &str, scope: &Scope, picker: &RangePicker) -> Vec<SeriesRow> {
    let unit = Unit::of_name(name);
    let mut lines: Vec<&SeriesResult> = each
        .series
        .iter()
        .filter(|line| !line.points.is_empty())
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.points.first().map_or(0, |point| point.count)));
    let row = |line: &SeriesResult| {
        let point = line.points.first()?;
        let conditions: Vec<String> = line
            .labels
            .iter()
            .map(|(key, value)| condition(key, value))
            .collect();
        let value = match each.kind {
            Some(Kind::Counter | Kind::Cumulative) => unit.show(point.sum),
            Some(Kind::Histogram) => point.p95.map_or_else(|| "–".to_owned(), |p95| unit.show(p95)),
            _ => unit.show(point.last),
        };
        Some(SeriesRow {
            name: match &line.project {
                Some(project) => format!("{} · {project}", plot::name(line)),
                None => plot::name(line),
            },
            query: explorer(name, scope, picker, Some(&conditions.join(",")), None),
            value,
            count: Count::new(point.count),
        })
    };
    lines.into_iter().take(MAX_ROWS).filter_map(row).collect()
}

impl MetricPage {
    /// What the number of a series is.
    fn value_word(&self) -> &'static str {
        match self.kind {
            Kind::Counter | Kind::Cumulative => "Added",
            Kind::Histogram => "p95",
            Kind::Gauge => "Latest",
        }
    }

    /// The explorer for this metric.
    fn explorer(&self) -> String {
        let project = self.picker.kept.iter().find(|(name, _)| name == "project");
        let range = self.picker.range_pairs();
        let pairs = [
            ("name", Some(self.name.as_str())),
            ("project", project.map(|(_, value)| value.as_str())),
        ];
        let range = range.iter().map(|(name, value)| (*name, Some(value.as_str())));
        link::query(pairs.into_iter().chain(range))
    }
}
