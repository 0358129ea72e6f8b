//! What becomes of a scrape: series with the target's `job` and `instance`. Running totals and states stay what they
//! are. Of a histogram, the observations since the scrape before are spread over their buckets, so that its quantiles
//! are asked for like those of any other; the exact `_sum` and `_count` are kept beside them.

use std::collections::HashMap;

use super::exposition::{Exposed, Exposition, Part};
use super::kind::Kind;

/// A sample as it is stored, `n` times.
#[derive(Debug, Clone, PartialEq)]
pub struct Scraped {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its labels, the target's among them.
    pub labels: Vec<(String, String)>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Its value.
    pub value: f64,
    /// How often it was observed; 1 of what is no histogram.
    pub n: u64,
}

/// What is known of one target's histograms: the counts of the scrape before.
#[derive(Debug, Default)]
pub struct Memory {
    histograms: HashMap<Key, Vec<(f64, f64)>>,
}

/// Family and labels of one histogram.
type Key = (String, Vec<(String, String)>);

/// Observations of one histogram that one scrape gives; of more, an even part. How many there were is in its `_count`.
const MAX_OBSERVED: u64 = 2_000;
/// Points over which the observations of one bucket are spread.
const MAX_POINTS: u64 = 8;

impl Memory {
    /// The samples of one scrape of the target that `own` names. Histograms give none the first time: what they hold
    /// then may be days old.
    pub fn take(&mut self, exposition: Exposition<'_>, own: &[(&str, &str)], now_ms: i64) -> Vec<Scraped> {
        let mut taken = Vec::with_capacity(exposition.samples.len());
        let mut buckets: HashMap<Key, Vec<(f64, f64)>> = HashMap::new();
        let mut order = Vec::new();
        for sample in exposition.samples {
            let labels = labels(&sample, own);
            let kind = match sample.part {
                Part::Total => Kind::Cumulative,
                Part::State => Kind::Gauge,
                Part::Bucket(bound) => {
                    let key = (sample.name.into_owned(), labels);
                    let counts = buckets.entry(key.clone()).or_insert_with(|| {
                        order.push(key);
                        Vec::new()
                    });
                    counts.push((bound, sample.value));
                    continue;
                }
            };
            taken.push(Scraped {
                name: sample.name.into_owned(),
                kind,
                labels,
                at_ms: sample.at_ms.unwrap_or(now_ms),
                value: sample.value,
                n: 1,
            });
        }
        for key in order {
            let Some(counts) = buckets.get_mut(&key) else {
                continue;
            };
            counts.sort_by(|left, right| left.0.total_cmp(&right.0));
            let before = self.histograms.get(&key);
            for (value, n) in before.map_or(Vec::new(), |before| observed(before, counts)) {
                taken.push(Scraped {
                    name: key.0.clone(),
                    kind: Kind::Histogram,
                    labels: key.1.clone(),
                    at_ms: now_ms,
                    value,
                    n,
                });
            }
        }
        self.histograms = buckets;
        taken
    }
}

/// The sample's labels and the target's; one of the sample's that would hide one of those is renamed as Prometheus does.
fn labels(sample: &Exposed<'_>, own: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_own = |key: &str| own.iter().any(|(name, _)| *name == key);
    let exposed = sample.labels.iter().map(|(key, value)| match is_own(key) {
        true => (format!("exported_{key}"), value.clone().into_owned()),
        false => (key.clone().into_owned(), value.clone().into_owned()),
    });
    let own = own
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut labels: Vec<_> = exposed.chain(own).collect();
    labels.sort_unstable();
    labels
}

/// What was observed between two scrapes: values and how often. Counts are running totals by upper bound; fewer than
/// before means that the exporter has started again, and then all are new.
fn observed(before: &[(f64, f64)], now: &[(f64, f64)]) -> Vec<(f64, u64)> {
    let is_same = before.len() == now.len() && before.iter().zip(now).all(|(old, new)| old.0 == new.0);
    let is_restarted = is_same && before.iter().zip(now).any(|(old, new)| new.1 < old.1);
    if !is_same {
        return Vec::new();
    }
    let new = |old: &(f64, f64), count: f64| if is_restarted { count } else { count - old.1 };
    let n_all = before
        .last()
        .zip(now.last())
        .map_or(0.0, |(old, (_, count))| new(old, *count));
    let share = (MAX_OBSERVED as f64 / n_all).min(1.0);
    let mut observed = Vec::new();
    let (mut lower, mut below) = (None, 0.0);
    for (old, (bound, count)) in before.iter().zip(now) {
        // The totals are cut, not the differences, so that the parts add up.
        let up_to = (new(old, *count) * share).round();
        let n = (up_to - below).max(0.0) as u64;
        spread(lower, *bound, n, &mut observed);
        (lower, below) = (Some(*bound), up_to);
    }
    observed
}

/// `n` observations evenly between two bounds, as quantiles of buckets are commonly read. The last bucket has no upper
/// bound, and the first of what can't be negative begins at 0.
fn spread(lower: Option<f64>, upper: f64, n: u64, into: &mut Vec<(f64, u64)>) {
    if n == 0 {
        return;
    }
    let lower = lower.unwrap_or(upper.min(0.0));
    if upper.is_infinite() || lower >= upper {
        into.push((lower, n));
        return;
    }
    let n_points = n.min(MAX_POINTS);
    for point in 0..n_points {
        // The rest of the division goes to the first points, one each.
        let here = n / n_points + u64::from(point < n % n_points);
        let place = (point as f64 + 0.5) / n_points as f64;
        into.push((lower + (upper - lower) * place, here));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exposition::parse;

    const OWN: [(&str, &str); 2] = [("job", "shop"), ("instance", "shop:80")];

    fn take(memory: &mut Memory, text: &str, now_ms: i64) -> Vec<Scraped> {
        memory.take(parse(text, false), &OWN, now_ms)
    }

    #[test]
    fn totals_and_states_are_kept_with_the_targets_labels() {
        let taken = take(&mut Memory::default(), "a_total{job=\"x\"} 5\nb 2 7\n", 9);
        let pairs: Vec<_> = taken[0].labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(pairs, ["exported_job=x", "instance=shop:80", "job=shop"]);
        assert_eq!((taken[0].kind, taken[0].at_ms), (Kind::Cumulative, 9));
        assert_eq!((taken[1].kind, taken[1].at_ms), (Kind::Gauge, 7));
    }

    fn histogram(counts: [u64; 3]) -> String {
        let [low, high, all] = counts;
        format!(
            "# TYPE h histogram\nh_bucket{{le=\"+Inf\"}} {all}\nh_bucket{{le=\"1\"}} {low}\nh_bucket{{le=\"2\"}} {high}\nh_sum 3\nh_count {all}\n"
        )
    }

    #[test]
    fn a_histogram_gives_what_was_observed_since_the_last_scrape() {
        let mut memory = Memory::default();
        let of_h = |taken: Vec<Scraped>| -> Vec<(f64, u64)> {
            let observed = taken.iter().filter(|it| it.kind == Kind::Histogram);
            observed.map(|it| (it.value, it.n)).collect()
        };
        assert_eq!(of_h(take(&mut memory, &histogram([100, 200, 300]), 1)), []);
        assert_eq!(
            of_h(take(&mut memory, &histogram([101, 203, 304]), 2)),
            [(0.5, 1), (1.25, 1), (1.75, 1), (2.0, 1)]
        );
        // Fewer than before: it was started again, and all of these are new.
        assert_eq!(of_h(take(&mut memory, &histogram([0, 1, 1]), 3)), [(1.5, 1)]);
        // A target that was away for a scrape is as new.
        assert_eq!(of_h(take(&mut memory, "x 1", 4)), []);
        assert_eq!(of_h(take(&mut memory, &histogram([9, 9, 9]), 5)), []);
    }

    #[test]
    fn of_very_many_observations_an_even_part_is_taken() {
        let mut memory = Memory::default();
        take(&mut memory, &histogram([0, 0, 0]), 1);
        let taken = take(&mut memory, &histogram([1_000_000, 3_000_000, 4_000_000]), 2);
        let up_to = |bound: f64| {
            let observed = taken
                .iter()
                .filter(|it| it.kind == Kind::Histogram && it.value < bound);
            observed.map(|it| it.n).sum::<u64>()
        };
        assert_eq!((up_to(1.0), up_to(2.0), up_to(f64::INFINITY)), (500, 1500, 2000));
        assert!(taken.iter().any(|it| it.name == "h_count" && it.value == 4e6));
    }

    #[test]
    fn observations_are_spread_and_none_is_lost() {
        let mut points = Vec::new();
        spread(Some(1.0), 2.0, 1003, &mut points);
        assert_eq!(points.len(), 8);
        assert_eq!(points.iter().map(|(_, n)| n).sum::<u64>(), 1003);
        assert!(points.iter().all(|(value, _)| (1.0..2.0).contains(value)));
    }
}
