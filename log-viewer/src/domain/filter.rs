//! Which entries are asked for.

use crate::domain::entry::{Level, Stream};
use crate::domain::levels::Levels;
use crate::domain::query::Query;
use crate::domain::view::EntryView;

/// Which entries are asked for. The default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// What was typed into the search box.
    pub query: Query,
    /// Exact names; empty: all.
    pub containers: Vec<String>,
    /// Which levels.
    pub levels: Levels,
    /// Which of the two outputs; none: both.
    pub stream: Option<Stream>,
    /// Not before this moment.
    pub since_ns: Option<i64>,
    /// Not after this moment.
    pub until_ns: Option<i64>,
    /// Not stored after the entry with this id. The tail asks for no other time than its own, and not for this.
    pub newest_id: Option<u64>,
    /// Stored after the entry with this id; likewise.
    pub after_id: Option<u64>,
}

impl Filter {
    /// Whether an entry is one of those asked for. The tail uses it as it is.
    pub fn matches(&self, view: &EntryView<'_>) -> bool {
        self.has_time(view.time_ns)
            && self.has_facts(view.container, view.level, view.stream)
            && self.query.matches_text(view)
    }

    /// Whether an entry with these facts may be one.
    pub fn has_facts(&self, container: &str, level: Level, stream: Stream) -> bool {
        self.levels.has(level)
            && self.stream.is_none_or(|wanted| wanted == stream)
            && self.has_container(container)
            && self.query.has_facts(container, level, stream)
    }

    /// Whether the moment is in the range.
    pub fn has_time(&self, time_ns: i64) -> bool {
        self.since_ns.is_none_or(|since| time_ns >= since)
            && self.until_ns.is_none_or(|until| time_ns <= until)
    }

    /// Whether an entry with this id is asked for.
    pub fn has_id(&self, id: u64) -> bool {
        self.newest_id.is_none_or(|newest| id <= newest) && self.after_id.is_none_or(|after| id > after)
    }

    /// Whether entries of this container are asked for.
    pub fn has_container(&self, container: &str) -> bool {
        self.containers.is_empty() || self.containers.iter().any(|name| name == container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_a_level_is_that_and_those_above() {
        let levels = Levels::at_least(Level::Error);
        assert_eq!(
            Level::ALL.map(|level| levels.has(level)),
            [false, false, false, true, true]
        );
        assert!(Levels::only(Level::Debug).has(Level::Debug));
        assert!(!Levels::only(Level::Debug).has(Level::Info));
        assert_eq!(Levels::at_least(Level::Debug), Levels::ALL);
    }
}
