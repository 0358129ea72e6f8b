//! All series by id and by what they are called, in memory. A series seen before is found by one hash of the bytes
//! of its name and labels as they were sent; only an unseen form is parsed.
//!
//! There are limits, so that no client can fill the memory: a label with too many values says `__other__` from then
//! on, with too many series all new ones say so for each label, and beyond even those all is one series.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::domain::kind::Kind;
use crate::domain::labels::{Labels, OTHER};
use crate::domain::series::Series;

/// Series made beyond `MAX_SERIES` for what became `__other__`.
const N_OVERFLOW: usize = 1_000;
/// Forms remembered for each series that may be, before all are forgotten.
const FORMS_PER_SERIES: usize = 4;
/// Labels of which it is told that values became `__other__`.
const MAX_FOLDED: usize = 200;

/// What there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `MAX_SERIES`
    pub series: usize,
    /// `MAX_LABEL_VALUES`: different values of one label of one metric.
    pub label_values: usize,
}

/// See the head of this file.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    /// By id; ids are never used again.
    series: Vec<Option<Series>>,
    n_series: usize,
    canonical: HashMap<u128, u32, Identity>,
    forms: HashMap<u128, u32, Identity>,
    by_name: HashMap<Arc<str>, Vec<u32>>,
    projects: HashSet<Arc<str>>,
    /// Values of each label of each metric, all as hashes.
    values: HashMap<u64, HashSet<u64, Identity>, Identity>,
    folded: BTreeMap<(Arc<str>, Box<str>), u64>,
}

impl Registry {
    /// Without series.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            series: Vec::new(),
            n_series: 0,
            canonical: HashMap::default(),
            forms: HashMap::default(),
            by_name: HashMap::new(),
            projects: HashSet::new(),
            values: HashMap::default(),
            folded: BTreeMap::new(),
        }
    }

    /// The series that was sent in this form before.
    #[inline]
    pub fn known(&self, form: u128) -> Option<u32> {
        self.forms.get(&form).copied()
    }

    /// Remembers in which form a series is sent.
    pub fn remember(&mut self, form: u128, id: u32) {
        if self.forms.len() >= self.limits.series.saturating_mul(FORMS_PER_SERIES) {
            self.forms.clear();
        }
        self.forms.insert(form, id);
    }

    /// The id of a series, made if it is new. The second says whether a limit changed what it is called.
    pub fn id_of(&mut self, series: Series) -> (u32, bool) {
        let hash = canonical_hash(&series);
        if let Some(id) = self.canonical.get(&hash) {
            return (*id, false);
        }
        let is_full = self.n_series >= self.limits.series;
        let (series, n_folded) = self.within_limits(series, is_full);
        let hash = canonical_hash(&series);
        if let Some(id) = self.canonical.get(&hash) {
            return (*id, n_folded > 0);
        }
        if self.n_series >= self.limits.series.saturating_add(N_OVERFLOW) {
            let all = Series {
                name: OTHER.into(),
                kind: series.kind,
                project: None,
                labels: Labels::default(),
            };
            let hash = canonical_hash(&all);
            let id = self.canonical.get(&hash).copied();
            return (id.unwrap_or_else(|| self.insert(hash, all)), true);
        }
        (self.insert(hash, series), n_folded > 0)
    }

    fn within_limits(&mut self, series: Series, is_full: bool) -> (Series, usize) {
        let mut n_folded = 0;
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for (key, value) in series.labels.iter() {
            let values = self.values.get(&label_hash(&series.name, key));
            let is_over = values.is_some_and(|values| {
                values.len() >= self.limits.label_values && !values.contains(&xxh3_64(value.as_bytes()))
            });
            if (is_full || is_over) && value != OTHER {
                pairs.push((key, OTHER));
                n_folded += 1;
                let place = (series.name.clone(), key.into());
                if self.folded.len() < MAX_FOLDED || self.folded.contains_key(&place) {
                    *self.folded.entry(place).or_default() += 1;
                }
            } else {
                pairs.push((key, value));
            }
        }
        if n_folded == 0 {
            return (series, 0);
        }
        let labels = Labels::new(pairs);
        (Series { labels, ..series }, n_folded)
    }

    fn insert(&mut self, hash: u128, series: Series) -> u32 {
        let id = u32::try_from(self.series.len()).unwrap_or(u32::MAX);
        self.put(id, hash, series);
        id
    }

    /// Puts back a series from the database.
    pub fn restore(&mut self, id: u32, series: Series) {
        let hash = canonical_hash(&series);
        self.put(id, hash, series);
    }

    fn put(&mut self, id: u32, hash: u128, mut series: Series) {
        if let Some((name, _)) = self.by_name.get_key_value(&series.name) {
            series.name = name.clone();
        }
        if let Some(project) = &mut series.project {
            match self.projects.get(project) {
                Some(known) => *project = known.clone(),
                None => drop(self.projects.insert(project.clone())),
            }
        }
        for (key, value) in series.labels.iter() {
            let values = self.values.entry(label_hash(&series.name, key)).or_default();
            values.insert(xxh3_64(value.as_bytes()));
        }
        self.by_name.entry(series.name.clone()).or_default().push(id);
        self.canonical.insert(hash, id);
        let place = id as usize;
        if self.series.len() <= place {
            self.series.resize_with(place + 1, || None);
        }
        self.series[place] = Some(series);
        self.n_series += 1;
    }

    /// A series by id.
    pub fn get(&self, id: u32) -> Option<&Series> {
        self.series.get(id as usize)?.as_ref()
    }

    /// The kind of a series, if it is there.
    pub fn kind(&self, id: u32) -> Option<Kind> {
        self.get(id).map(|series| series.kind)
    }

    /// The ids of a metric's series, of all kinds and projects, ascending.
    pub fn of_name(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// All series with their ids, ascending.
    pub fn all(&self) -> impl Iterator<Item = (u32, &Series)> {
        (0..)
            .zip(&self.series)
            .filter_map(|(id, series)| Some((id, series.as_ref()?)))
    }

    /// Every project, in order.
    pub fn projects(&self) -> Vec<Arc<str>> {
        let mut projects: Vec<Arc<str>> = self.projects.iter().cloned().collect();
        projects.sort_unstable();
        projects
    }

    /// One more than the greatest id.
    pub fn end(&self) -> u32 {
        self.series.len() as u32
    }

    /// How many series there are.
    pub fn n_series(&self) -> usize {
        self.n_series
    }

    /// Metric, label, and how many values of it became `__other__` since the start.
    pub fn folded(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.folded.iter().map(|((name, key), n)| (&**name, &**key, *n))
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Forgets series that have no samples any more, and what was remembered of all forms and values.
    pub fn forget(&mut self, ids: &[u32]) {
        for id in ids {
            if let Some(series) = self.series.get_mut(*id as usize).and_then(Option::take) {
                self.canonical.remove(&canonical_hash(&series));
                self.n_series -= 1;
            }
        }
        let kept: Vec<(u32, Series)> = self.all().map(|(id, series)| (id, series.clone())).collect();
        let series = std::mem::take(&mut self.series);
        let folded = std::mem::take(&mut self.folded);
        *self = Self {
            folded,
            ..Self::new(self.limits)
        };
        self.series.resize_with(series.len(), || None);
        kept.into_iter().for_each(|(id, series)| self.restore(id, series));
    }
}

/// The hash of a form: whatever stands in a request for name, kind, project and labels. JSON holds no control
/// characters, so they part what must not run together. `key` is room to work in.
#[inline]
pub fn form_hash(
    key: &mut Vec<u8>,
    name: &str,
    kind: Kind,
    project: Option<&str>,
    labels: Option<&str>,
) -> u128 {
    key.clear();
    key.push(kind.number());
    key.extend_from_slice(name.as_bytes());
    key.push(1);
    key.extend_from_slice(labels.unwrap_or_default().as_bytes());
    if let Some(project) = project {
        key.push(2);
        key.extend_from_slice(project.as_bytes());
    }
    xxh3_128(key)
}

fn canonical_hash(series: &Series) -> u128 {
    let project = series.project.as_deref();
    form_hash(
        &mut Vec::new(),
        &series.name,
        series.kind,
        project,
        Some(series.labels.packed()),
    )
}

fn label_hash(name: &str, key: &str) -> u64 {
    xxh3_64([name.as_bytes(), &[1], key.as_bytes()].concat().as_slice())
}

/// For keys that are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub struct Same(u64);

/// See [`Same`].
pub type Identity = BuildHasherDefault<Same>;

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, pairs: &[(&str, &str)]) -> Series {
        Series {
            name: name.into(),
            kind: Kind::Gauge,
            project: None,
            labels: Labels::new(pairs.iter().copied()),
        }
    }

    fn registry(series: usize, label_values: usize) -> Registry {
        Registry::new(Limits { series, label_values })
    }

    #[test]
    fn a_series_has_one_id() {
        let mut registry = registry(10, 10);
        let a = registry.id_of(series("m", &[("k", "1")]));
        assert_eq!(a, (0, false));
        assert_eq!(registry.id_of(series("m", &[("k", "2")])), (1, false));
        assert_eq!(registry.id_of(series("m", &[("k", "1")])), a);
        let counter = Series {
            kind: Kind::Counter,
            ..series("m", &[("k", "1")])
        };
        assert_eq!(registry.id_of(counter).0, 2);
        let of_shop = Series {
            project: Some("shop".into()),
            ..series("m", &[("k", "1")])
        };
        assert_eq!(registry.id_of(of_shop).0, 3);
        assert_eq!(
            (registry.of_name("m"), registry.n_series()),
            (&[0, 1, 2, 3][..], 4)
        );
    }

    #[test]
    fn too_many_values_become_other_and_are_counted() {
        let mut registry = registry(1000, 3);
        for n in 0..100 {
            let text = n.to_string();
            let (id, is_folded) = registry.id_of(series("m", &[("code", "200"), ("user", &text)]));
            assert_eq!((id, is_folded), (n.min(3), n >= 3));
        }
        assert_eq!(
            registry.get(3).unwrap().labels.text(),
            r#"{code="200", user="__other__"}"#
        );
        assert_eq!(registry.folded().collect::<Vec<_>>(), [("m", "user", 97)]);
        assert_eq!(
            registry.id_of(series("other", &[("user", "5")])).0,
            4,
            "other metrics are unharmed"
        );
    }

    #[test]
    fn too_many_series_fold_into_few() {
        let mut registry = registry(10, 1_000_000);
        for n in 0..5_000 {
            registry.id_of(series(&format!("m{n}"), &[("k", "v")]));
        }
        for n in 0..5_000 {
            registry.id_of(series("m1", &[("k", &n.to_string())]));
        }
        assert_eq!(registry.n_series(), 10 + N_OVERFLOW + 1);
        assert_eq!(registry.id_of(series("m1", &[("k", "v")])), (1, false));
    }

    #[test]
    fn what_is_forgotten_makes_room() {
        let mut registry = registry(2, 2);
        let (a, _) = registry.id_of(series("m", &[("k", "1")]));
        let (b, _) = registry.id_of(series("m", &[("k", "2")]));
        registry.forget(&[a]);
        assert_eq!((registry.n_series(), registry.of_name("m")), (1, &[b][..]));
        assert_eq!(
            registry.id_of(series("m", &[("k", "3")])),
            (2, false),
            "an id is not used again"
        );
    }

    #[test]
    fn forms_are_bounded() {
        let mut registry = registry(10, 10);
        (0..1000).for_each(|form| registry.remember(form, 0));
        assert!(registry.forms.len() <= 40);
        assert_eq!((registry.known(999), registry.known(0)), (Some(0), None));
    }
}
