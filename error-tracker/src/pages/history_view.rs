//! Reports of a group over time, as bars and in words.

/// Reports over time, as bars.
pub(crate) struct History {
    /// Reports in each step of time, oldest first.
    pub(crate) counts: Vec<u64>,
    /// What one step is: `hour`, `day`.
    pub(crate) step: &'static str,
}

/// One bar of a chart, in its own units.
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

/// Height of a chart of bars, in units of its own.
pub(crate) const CHART_HEIGHT: u64 = 40;

/// Width of a step.
pub(crate) const STEP_WIDTH: usize = 4;

impl History {
    pub(crate) fn width(&self) -> usize {
        self.counts.len() * STEP_WIDTH
    }

    fn max(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Those that are not empty; the least of them can be seen.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let max = self.max().max(1);
        let bars = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bars.map(|(at, count)| {
            let height = (u128::from(*count) * u128::from(CHART_HEIGHT)).div_ceil(u128::from(max));
            let height = u64::try_from(height).unwrap_or(CHART_HEIGHT).max(2);
            Bar {
                x: at * STEP_WIDTH,
                y: CHART_HEIGHT - height,
                height,
            }
        })
        .collect()
    }

    /// The same in words.
    pub(crate) fn words(&self) -> String {
        let (n, step) = (self.counts.len(), self.step);
        let time = match (n, step) {
            (168, "hour") => "week".to_owned(),
            (n, step) => format!("{n} {step}s"),
        };
        format!(
            "{} in the last {time}, at most {} in one {step}",
            self.total(),
            self.max()
        )
    }
}
