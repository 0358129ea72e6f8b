//! Real events from files, what is known of them, and how a rule that sorts them into groups fares by that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// An event as a client sent it.
#[derive(Debug)]
pub struct Event {
    /// Its file's name without the ending.
    pub name: String,
    /// Events of one bug have the same; none where nobody knows.
    pub label: Option<String>,
    /// Its JSON.
    pub json: Vec<u8>,
}

/// All `*.json` of a folder and those below, by name.
pub fn read(folder: &Path) -> io::Result<Vec<Event>> {
    let mut events = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            events.extend(read(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            events.push(Event {
                label: label(&name),
                name,
                json: fs::read(&path)?,
            });
        }
    }
    events.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(events)
}

/// `group_7_event_8` is a bug with others of group 7; one bug was thrown in four browsers.
fn label(name: &str) -> Option<String> {
    const BROWSERS: &str = "javascript-xbrowser";
    if name.starts_with(BROWSERS) {
        return Some(BROWSERS.to_owned());
    }
    let (group, _) = name.split_once("_event_")?;
    group.starts_with("group_").then(|| group.to_owned())
}

/// Events in groups.
#[derive(Debug)]
pub struct Groups<'a>(BTreeMap<String, Vec<&'a Event>>);

impl<'a> Groups<'a> {
    /// By a rule's keys.
    pub fn by(keyed: impl IntoIterator<Item = (String, &'a Event)>) -> Self {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for (key, event) in keyed {
            groups.entry(key).or_default().push(event);
        }
        Self(groups)
    }

    /// How many there are.
    pub fn n_groups(&self) -> usize {
        self.0.len()
    }

    /// Names in groups of more than one event.
    pub fn merges(&self) -> Vec<Vec<&'a str>> {
        let merged = self.0.values().filter(|events| events.len() > 1);
        merged
            .map(|events| events.iter().map(|event| event.name.as_str()).collect())
            .collect()
    }

    /// Labels in groups of more than one label.
    pub fn wrong_merges(&self) -> Vec<BTreeSet<&'a str>> {
        let labels = |events: &Vec<&'a Event>| events.iter().filter_map(|it| it.label.as_deref()).collect();
        self.0
            .values()
            .map(labels)
            .filter(|labels: &BTreeSet<_>| labels.len() > 1)
            .collect()
    }

    /// Labels in more than one group, each with the names group by group.
    pub fn splits(&self) -> BTreeMap<&'a str, Vec<Vec<&'a str>>> {
        let mut parts = BTreeMap::<&str, Vec<Vec<&str>>>::new();
        for events in self.0.values() {
            let mut by_label = BTreeMap::<&str, Vec<&str>>::new();
            for event in events {
                let Some(label) = event.label.as_deref() else {
                    continue;
                };
                by_label.entry(label).or_default().push(&event.name);
            }
            for (label, names) in by_label {
                parts.entry(label).or_default().push(names);
            }
        }
        parts.retain(|_, groups| groups.len() > 1);
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event {
            name: name.to_owned(),
            label: label(name),
            json: Vec::new(),
        }
    }

    #[test]
    fn a_rule_is_judged_by_the_labels() {
        let events = [
            ("a", event("group_1_event_1")),
            ("a", event("group_2_event_2")),
            ("b", event("group_2_event_3")),
            ("c", event("javascript-xbrowser-edge")),
            ("c", event("javascript-xbrowser-safari")),
            ("d", event("group_nameless")),
        ];
        let groups = Groups::by(events.iter().map(|(key, event)| ((*key).to_owned(), event)));
        assert_eq!((groups.n_groups(), groups.merges().len()), (4, 2));
        assert_eq!(groups.wrong_merges(), [BTreeSet::from(["group_1", "group_2"])]);
        let splits = groups.splits();
        assert_eq!(
            splits,
            BTreeMap::from([("group_2", vec![vec!["group_2_event_2"], vec!["group_2_event_3"]])])
        );
    }
}
