//! One log entry: what a container said at one moment, its lines joined.

use std::sync::Arc;

/// How bad it is. The order is that of the contract: `Debug < Info < Warning < Error < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `DEBUG`; trace and verbose as well.
    Debug,
    /// `INFO`; notice as well.
    Info,
    /// `WARNING`
    Warning,
    /// `ERROR`
    Error,
    /// `CRITICAL`; fatal, panic, alert and emergency as well.
    Critical,
}

impl Level {
    /// How many there are.
    pub const COUNT: usize = 5;
    /// All, the mildest first.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Debug,
        Self::Info,
        Self::Warning,
        Self::Error,
        Self::Critical,
    ];

    /// The contract's name: `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The level that programs call `name`, in any case: `warn`, `Error`, `FATAL`, `trace` … None: no level's name.
    pub fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Level); 28] = [
            ("debug", Level::Debug),
            ("debg", Level::Debug),
            ("dbg", Level::Debug),
            ("trace", Level::Debug),
            ("trc", Level::Debug),
            ("verbose", Level::Debug),
            ("finest", Level::Debug),
            ("finer", Level::Debug),
            ("fine", Level::Debug),
            ("info", Level::Info),
            ("inf", Level::Info),
            ("information", Level::Info),
            ("informational", Level::Info),
            ("notice", Level::Info),
            ("warning", Level::Warning),
            ("warn", Level::Warning),
            ("wrn", Level::Warning),
            ("error", Level::Error),
            ("err", Level::Error),
            ("severe", Level::Error),
            ("critical", Level::Critical),
            ("crit", Level::Critical),
            ("fatal", Level::Critical),
            ("ftl", Level::Critical),
            ("panic", Level::Critical),
            ("alert", Level::Critical),
            ("emerg", Level::Critical),
            ("emergency", Level::Critical),
        ];
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, level)| *level)
    }

    /// Its place in [`Level::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The level at this place of [`Level::ALL`].
    pub fn at(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }
}

/// Which of a container's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// `stdout`
    Stdout,
    /// `stderr`
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The stream of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Stdout, Self::Stderr]
            .into_iter()
            .find(|stream| stream.name().eq_ignore_ascii_case(name))
    }
}

/// What happened to an entry on its way here. Bit flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Marks(pub u8);

impl Marks {
    /// Longer than `MAX_LINE_BYTES`: the rest was cut off.
    pub const CUT: Self = Self(1);
    /// Bytes that are no UTF-8 were replaced, or a hole of NULs was skipped.
    pub const DAMAGED: Self = Self(2);
    /// Lines before this one were cut away before they could be read.
    pub const LOST: Self = Self(4);

    /// Whether all of `other` is set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Unix time in nanoseconds, UTC.
    pub time_ns: i64,
    /// Name of the container or service.
    pub container: Arc<str>,
    /// Where it was written.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// What happened to it.
    pub marks: Marks,
    /// The text: decoded, its lines joined by `\n`, ANSI codes still in it.
    pub message: String,
}

/// An entry that is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Ids ascend in the order of commits and never change.
    pub id: u64,
    /// What was stored.
    pub entry: Entry,
}

/// What one commit made visible.
#[derive(Debug)]
pub struct Committed {
    /// Id of the first entry; the others follow.
    pub first_id: u64,
    /// The entries, at least one.
    pub entries: Vec<Entry>,
}

/// Entries for the tests of other rooms.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An entry of this text.
    pub(crate) fn entry(message: &str) -> Entry {
        Entry {
            time_ns: 0,
            container: "web".into(),
            stream: Stream::Stdout,
            level: Level::Info,
            marks: Marks::default(),
            message: message.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_known_by_the_names_that_programs_give_it() {
        let named = |name| Level::named(name).map(Level::name);
        assert_eq!(named("Warn"), Some("WARNING"));
        assert_eq!(named("FATAL"), Some("CRITICAL"));
        assert_eq!(named("trace"), Some("DEBUG"));
        assert_eq!(named("notice"), Some("INFO"));
        assert_eq!(named("err"), Some("ERROR"));
        assert_eq!(named("errors"), None);
        assert!(Level::Warning < Level::Error);
        for level in Level::ALL {
            assert_eq!(Level::named(level.name()), Some(level));
            assert_eq!(Level::at(level.index()), Some(level));
        }
    }
}
