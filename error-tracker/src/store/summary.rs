//! What several waiting reports of one group come to, before any of it is written: pure sums.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;
use super::tallies::HOUR_MS;

/// What several reports of one group come to.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) last_seen_at: i64,
    pub(super) is_browser: bool,
    pub(super) level: Option<&'static str>,
    pub(super) environment: Option<String>,
    pub(super) release: Option<String>,
    /// Reports by hour, and the first of them.
    pub(super) hours: BTreeMap<i64, (i64, i64)>,
    /// Reports by name and value.
    pub(super) tags: BTreeMap<(String, String), Tagged>,
    pub(super) users: BTreeSet<i64>,
}

/// Reports with one value of a tag, or with the same tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tagged {
    pub(super) n: i64,
    pub(super) first_seen_at: i64,
    pub(super) last_seen_at: i64,
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
}

impl Tagged {
    fn new(received_at: i64, seq: i64) -> Self {
        Self {
            n: 1,
            first_seen_at: received_at,
            last_seen_at: received_at,
            first_seq: seq,
            last_seq: seq,
        }
    }

    fn add(&mut self, other: &Self) {
        self.n += other.n;
        if other.first_seq < self.first_seq {
            (self.first_seq, self.first_seen_at) = (other.first_seq, other.first_seen_at);
        }
        self.last_seen_at = self.last_seen_at.max(other.last_seen_at);
        self.last_seq = self.last_seq.max(other.last_seq);
    }
}

impl Summary {
    /// Adds up `entries`, oldest first.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut summary = Self::default();
        let mut sent: BTreeMap<&str, Tagged> = BTreeMap::new();
        for entry in entries {
            summary.last_seen_at = summary.last_seen_at.max(entry.received_at);
            summary.is_browser |= entry.is_browser;
            summary.level = Some(entry.level.name());
            summary.users.extend(entry.user);
            let hour = entry.received_at.div_euclid(HOUR_MS);
            summary.hours.entry(hour).or_insert((0, entry.seq)).0 += 1;
            if let Some(tags) = &entry.tags {
                // Most reports of a group have the same, so each text is read once.
                let one = Tagged::new(entry.received_at, entry.seq);
                sent.entry(tags)
                    .and_modify(|tagged| tagged.add(&one))
                    .or_insert(one);
            }
        }
        sent.iter()
            .for_each(|(text, tagged)| summary.add_tags(text, tagged));
        summary.environment = summary.newest("environment");
        summary.release = summary.newest("release");
        summary
    }

    /// Adds reports that have the same tags: the JSON text of a list of pairs.
    fn add_tags(&mut self, text: &str, tagged: &Tagged) {
        // The text is our own: it is always such a list.
        let tags: Vec<(String, String)> = serde_json::from_str(text).unwrap_or_default();
        for tag in tags {
            match self.tags.entry(tag) {
                btree_map::Entry::Vacant(place) => drop(place.insert(*tagged)),
                btree_map::Entry::Occupied(mut known) => known.get_mut().add(tagged),
            }
        }
    }

    /// Value of a tag in the newest report that had it.
    fn newest(&self, name: &str) -> Option<String> {
        let tags = self.tags.iter().filter(|((known, _), _)| known == name);
        let newest = tags.max_by_key(|(_, tagged)| tagged.last_seq);
        newest.map(|((_, value), _)| value.clone())
    }
}
