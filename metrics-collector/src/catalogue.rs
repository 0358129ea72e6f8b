//! What is there: names, labels, values, series, projects. From memory, for API and pages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::kind::Kind;
use crate::domain::matcher::Matcher;
use crate::domain::series::Series;
use crate::registry::Registry;

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind; a name with two is there twice.
    pub kind: Kind,
    /// How many series it has.
    pub n_series: usize,
}

/// A label of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its key.
    pub key: String,
    /// How many values it has.
    pub n_values: usize,
    /// Some of them, in order.
    pub values: Vec<String>,
}

/// All metrics, or those of a project, by name.
pub fn names(registry: &Registry, project: Option<&str>) -> Vec<Metric> {
    let mut counts: BTreeMap<(Arc<str>, Kind), usize> = BTreeMap::new();
    for (_, series) in registry.all().filter(|(_, series)| is_of(series, project)) {
        *counts.entry((series.name.clone(), series.kind)).or_default() += 1;
    }
    let metric = |((name, kind), n_series)| Metric { name, kind, n_series };
    counts.into_iter().map(metric).collect()
}

/// The labels of a metric with up to `limit` values each, by key.
pub fn labels(registry: &Registry, name: &str, project: Option<&str>, limit: usize) -> Vec<Label> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, series) in series(registry, name, project, &[]) {
        for (key, value) in series.labels.iter() {
            values.entry(key).or_default().insert(value);
        }
    }
    let label = |(key, values): (&str, BTreeSet<&str>)| Label {
        key: key.to_owned(),
        n_values: values.len(),
        values: values.into_iter().take(limit).map(str::to_owned).collect(),
    };
    values.into_iter().map(label).collect()
}

/// The series of a metric that are meant, by id.
pub fn series<'r>(
    registry: &'r Registry,
    name: &str,
    project: Option<&str>,
    matchers: &[Matcher],
) -> impl Iterator<Item = (u32, &'r Series)> {
    registry.of_name(name).iter().filter_map(move |id| {
        let series = registry.get(*id)?;
        let is_meant =
            is_of(series, project) && matchers.iter().all(|matcher| matcher.accepts(&series.labels));
        is_meant.then_some((*id, series))
    })
}

fn is_of(series: &Series, project: Option<&str>) -> bool {
    project.is_none() || series.project.as_deref() == project
}
