//! The kinds of metric. A name may be used with several kinds; each is a series of its own.

/// What the values of a series mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Increments: each value is added.
    Counter,
    /// A state at a time.
    Gauge,
    /// Observations whose distribution counts.
    Histogram,
    /// A running total that may start again from 0, as exporters give it; told in increments.
    Cumulative,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Kind; 4] = [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Cumulative];

    /// Its name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Cumulative => "cumulative",
        }
    }

    /// The kind of this exact name.
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its number in the database.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number from the database.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What a metric is by its name alone, before there is any sample: Prometheus' counters end with `_total`.
    pub fn of_name(name: &str) -> Self {
        match name.ends_with("_total") {
            true => Self::Counter,
            false => Self::Gauge,
        }
    }

    /// The function by which it is looked at first, where it is to be one number.
    pub fn usual_function(self) -> &'static str {
        match self {
            Self::Counter | Self::Cumulative => "rate",
            Self::Gauge => "avg",
            Self::Histogram => "p95",
        }
    }

    /// Whether its buckets tell how much was added, so that it has a rate.
    pub fn is_additive(self) -> bool {
        !matches!(self, Self::Gauge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::read(kind.name()), Some(kind));
            assert_eq!(Kind::of_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::of_name("http_requests_total"), Kind::Counter);
        assert_eq!(Kind::read("Counter"), None);
        assert_eq!(Kind::of_number(4), None);
    }
}
