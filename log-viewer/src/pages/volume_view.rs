//! The histogram over the list: bars by level, drawn by the server, so that it is there without script.

use ui::{Count, Moment};

use super::asked_view::{Asked, words};
use crate::domain::entry::Level;
use crate::domain::paging::Histogram;

/// Units of the drawing: a bar and the gap beside it, and the height of the highest.
pub(crate) const STEP: usize = 10;
pub(crate) const HEIGHT: usize = 100;
const GAP: usize = 2;
/// A level that occurs at all is seen, however small beside the others.
const LEAST: f64 = 2.0;

/// What `logs.html` draws.
pub(crate) struct Volume {
    histogram: Histogram,
    /// For its times.
    now_ms: i64,
}

/// The bars of one level, as one path.
pub(crate) struct Layer {
    pub(crate) class: &'static str,
    pub(crate) path: String,
}

/// One level in the legend.
pub(crate) struct Tally {
    /// As the API names it.
    pub(crate) level: &'static str,
    pub(crate) label: &'static str,
    pub(crate) class: &'static str,
    pub(crate) count: Count,
    /// The page with only this level, or with all where it is shown alone.
    pub(crate) query: String,
    pub(crate) is_current: bool,
}

impl Volume {
    pub(crate) fn new(histogram: Histogram, now_ms: i64) -> Self {
        Self { histogram, now_ms }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.histogram.buckets.is_empty()
    }

    pub(crate) fn width(&self) -> usize {
        self.histogram.buckets.len() * STEP
    }

    pub(crate) fn start_ms(&self) -> i64 {
        self.histogram.start_ns / 1_000_000
    }

    pub(crate) fn step_ms(&self) -> i64 {
        self.histogram.step_ns / 1_000_000
    }

    pub(crate) fn n_buckets(&self) -> usize {
        self.histogram.buckets.len()
    }

    pub(crate) fn start(&self) -> Moment {
        Moment::new(self.start_ms(), self.now_ms)
    }

    pub(crate) fn end(&self) -> Moment {
        let length_ms = self.step_ms() * i64::try_from(self.n_buckets()).unwrap_or(0);
        Moment::new(self.start_ms() + length_ms, self.now_ms)
    }

    /// Numbers of each bucket by level, for the script: `1,0,0,0,0;…`.
    pub(crate) fn counts(&self) -> String {
        let bucket = |counts: &[u64; Level::COUNT]| counts.map(|n| n.to_string()).join(",");
        let buckets: Vec<String> = self.histogram.buckets.iter().map(bucket).collect();
        buckets.join(";")
    }

    /// The mildest level at the bottom.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let buckets = &self.histogram.buckets;
        let highest = buckets
            .iter()
            .map(|counts| counts.iter().sum::<u64>())
            .max()
            .unwrap_or(0);
        let height = |n: u64| match n {
            0 => 0.0,
            n => (n as f64 / highest.max(1) as f64 * (HEIGHT as f64 - LEAST * 4.0)).max(LEAST),
        };
        let layer = |level: Level| {
            let mut path = String::new();
            for (i, counts) in buckets.iter().enumerate() {
                let below: f64 = counts.iter().take(level.index()).map(|n| height(*n)).sum();
                let own = height(counts.get(level.index()).copied().unwrap_or(0));
                if own > 0.0 {
                    let (x, y, width) = (i * STEP, HEIGHT as f64 - below, STEP - GAP);
                    path.push_str(&format!("M{x} {y:.1}v-{own:.1}h{width}v{own:.1}z"));
                }
            }
            Layer {
                class: class(level),
                path,
            }
        };
        Level::ALL
            .into_iter()
            .map(layer)
            .filter(|layer| !layer.path.is_empty())
            .collect()
    }

    /// All levels, the worst first; those that do not occur wait until the script sees one.
    pub(crate) fn legend(&self, asked: &Asked) -> Vec<Tally> {
        let tally = |level: Level| {
            let buckets = self.histogram.buckets.iter();
            let n: u64 = buckets.filter_map(|counts| counts.get(level.index())).sum();
            let is_current = asked.level == level.name();
            let next = if is_current { "" } else { level.name() };
            Tally {
                level: level.name(),
                label: words(level),
                class: class(level),
                count: Count::new(n),
                query: asked.with_level(next).query(),
                is_current,
            }
        };
        Level::ALL.into_iter().rev().map(tally).collect()
    }

    /// For those who don't see it.
    pub(crate) fn words(&self) -> String {
        let buckets = self.histogram.buckets.iter();
        let n_errors: u64 = buckets
            .clone()
            .flat_map(|counts| counts.iter().skip(Level::Error.index()))
            .sum();
        let n: u64 = buckets.flatten().sum();
        format!(
            "{} entries from {} to {}, {} of them errors",
            Count::new(n).exact,
            self.start().exact,
            self.end().exact,
            Count::new(n_errors).exact,
        )
    }
}

/// The class of a level in the stylesheet.
pub(crate) fn class(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
        Level::Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(buckets: &[[u64; 5]]) -> Volume {
        let histogram = Histogram {
            start_ns: 0,
            step_ns: 60_000_000_000,
            buckets: buckets.to_vec(),
            is_complete: true,
        };
        Volume::new(histogram, 0)
    }

    #[test]
    fn bars_stand_on_each_other_and_the_least_is_seen() {
        let volume = volume(&[[0, 1000, 0, 1, 0], [0; 5], [0, 500, 0, 0, 0]]);
        let layers = volume.layers();
        let shown: Vec<(&str, &str)> = layers.iter().map(|it| (it.class, it.path.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("info", "M0 100.0v-91.9h8v91.9zM20 100.0v-46.0h8v46.0z"),
                ("error", "M0 8.1v-2.0h8v2.0z")
            ]
        );
        assert_eq!(volume.counts(), "0,1000,0,1,0;0,0,0,0,0;0,500,0,0,0");
        assert_eq!(
            volume.words(),
            "1,501 entries from 1970-01-01 00:00:00 UTC to 1970-01-01 00:03:00 UTC, 1 of them errors"
        );
    }

    #[test]
    fn a_level_of_the_legend_shows_it_alone_and_then_all_again() {
        let volume = volume(&[[0, 5, 0, 2, 0]]);
        let legend = |asked: &Asked| -> Vec<String> {
            let tallies = volume.legend(asked);
            tallies
                .iter()
                .filter(|it| it.count.value > 0)
                .map(|it| format!("{} {} {}", it.label, it.count.exact, it.query))
                .collect()
        };
        assert_eq!(
            legend(&Asked::default()),
            ["Error 2 ?level=ERROR", "Info 5 ?level=INFO"]
        );
        let alone = Asked::default().with_level("ERROR");
        assert_eq!(legend(&alone)[0], "Error 2 ");
    }
}
