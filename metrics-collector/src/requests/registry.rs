//! The texts and groups of API requests, by number. Numbers are given here first and stored with the batch that needs
//! them, so memory always knows at least what the database does. What no tier holds any more is forgotten; its number
//! stays empty.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;

use crate::domain::requests::group::{ANY, Cube, Dimension, FIRST_VALUE, Group, NONE};
use crate::domain::requests::record::Record;
use crate::domain::timestamp::DAY_MS;
use crate::registry::Limits;
use crate::store::requests as store;

/// What stands for all that came when there was no room for more.
pub const OTHER: &str = "__other__";

/// All texts and groups.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    /// By number, from [`FIRST_VALUE`] on.
    values: Vec<(Dimension, Arc<str>)>,
    ids: [HashMap<Arc<str>, u32>; 6],
    table: Table,
    group_ids: HashMap<Group, u32>,
    /// Groups whose latest request is of a later day than is stored.
    raised: Vec<u32>,
    /// Requests that became `__other__` since the start, by dimension.
    folded: [u64; 6],
}

/// Groups by number, for who counts and asks.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<Entry>);

/// A group, and which groups of the cubes it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The group.
    pub group: Group,
    /// Of `Cube::Routes`.
    pub routes: u32,
    /// Of `Cube::Callers`.
    pub callers: u32,
    /// The day of its latest request, since 1970.
    last_day: i64,
}

/// What was forgotten, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Groups.
    pub groups: Vec<u32>,
    /// Texts.
    pub values: Vec<u32>,
}

/// Up to which numbers all is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Saved {
    values: usize,
    groups: usize,
}

impl Saved {
    /// At least as far as another one.
    pub fn raise(&mut self, other: Self) {
        self.values = self.values.max(other.values);
        self.groups = self.groups.max(other.groups);
    }
}

impl Table {
    /// A group by number.
    pub fn get(&self, id: u32) -> Option<&Entry> {
        self.0.get(id as usize)
    }

    /// All of them, in order of their numbers.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.0.iter().map(|entry| &entry.group)
    }
}

impl Registry {
    /// Without anything yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            values: Vec::new(),
            ids: Default::default(),
            table: Table::default(),
            group_ids: HashMap::new(),
            raised: Vec::new(),
            folded: [0; 6],
        }
    }

    /// What the database has.
    pub fn load(connection: &Connection, limits: Limits) -> rusqlite::Result<Self> {
        let mut registry = Self::new(limits);
        store::each_value(connection, |id, dimension, value| {
            if let Some(dimension) = Dimension::ALL.get(usize::from(dimension)) {
                registry.leave_values_empty(id);
                registry.add_value(*dimension, value);
            }
        })?;
        store::each_group(connection, |id, group, last_day| {
            registry.leave_groups_empty(id);
            registry.push(group, last_day);
        })?;
        registry.link();
        Ok(registry)
    }

    /// Groups as they are now.
    pub fn table(&self) -> Table {
        self.table.clone()
    }

    /// Groups, those of cubes included.
    pub fn n_groups(&self) -> usize {
        self.group_ids.len()
    }

    /// How many requests became `__other__` for a dimension since the start.
    pub fn folded(&self) -> impl Iterator<Item = (Dimension, u64)> {
        Dimension::ALL.into_iter().zip(self.folded)
    }

    /// The text of a number; empty where there is none.
    pub fn text(&self, value: u32) -> &str {
        let place = value.checked_sub(FIRST_VALUE).map(|place| place as usize);
        place
            .and_then(|place| self.values.get(place))
            .map_or("", |(_, text)| text)
    }

    /// The number of a text.
    pub fn find(&self, dimension: Dimension, text: &str) -> Option<u32> {
        self.ids[dimension as usize].get(text).copied()
    }

    /// The numbers of all texts of a dimension.
    pub fn of(&self, dimension: Dimension) -> impl Iterator<Item = u32> {
        self.ids[dimension as usize].values().copied()
    }

    /// The group of a request; made if need be, and as `__other__` where there are too many.
    pub fn intern(&mut self, record: &Record) -> u32 {
        let texts = [
            Some(record.service.as_str()),
            Some(&record.method),
            Some(&record.endpoint),
            record.node.as_deref(),
            Some(&record.consumer),
            record.context.as_deref(),
        ];
        let mut group = Group {
            values: [NONE; 6],
            status: record.status,
        };
        for (dimension, text) in Dimension::ALL.into_iter().zip(texts) {
            if let Some(text) = text {
                group.values[dimension as usize] = self.value(dimension, text);
            }
        }
        let day = record.at_ms.div_euclid(DAY_MS);
        let id = self.group(group, day);
        self.touch(id, day);
        id
    }

    /// Notes the day of a request of a group.
    fn touch(&mut self, id: u32, day: i64) {
        let Some(Entry { routes, callers, .. }) = self.table.get(id).copied() else {
            return;
        };
        for id in [id, routes, callers] {
            let entry = &mut self.table.0[id as usize];
            if entry.last_day < day {
                entry.last_day = day;
                self.raised.push(id);
            }
        }
    }

    /// Groups whose latest request became one of a later day since this was asked last, with that day.
    pub fn take_raised(&mut self) -> Vec<(u32, i64)> {
        let raised = std::mem::take(&mut self.raised);
        let days = raised
            .into_iter()
            .filter_map(|id| Some((id, self.table.get(id)?.last_day)));
        days.collect()
    }

    /// Forgets groups whose latest request was before a day, and texts that no other group has.
    pub fn forget(&mut self, day: i64) -> Forgotten {
        let table = &self.table;
        let gone = self.group_ids.values().copied();
        let groups: Vec<u32> = gone
            .filter(|id| table.get(*id).is_some_and(|entry| entry.last_day < day))
            .collect();
        for id in &groups {
            let group = self.table.0[*id as usize].group;
            self.group_ids.remove(&group);
        }
        let used: HashSet<u32> = self.group_ids.keys().flat_map(|group| group.values).collect();
        let mut values = Vec::new();
        for ids in &mut self.ids {
            ids.retain(|_, id| {
                let is_used = used.contains(id);
                if !is_used {
                    values.push(*id);
                }
                is_used
            });
        }
        Forgotten { groups, values }
    }

    /// Stores what is not stored yet. Returns up to where all is, once that commits.
    pub fn save(&self, tx: &Connection, saved: Saved) -> rusqlite::Result<Saved> {
        for (place, (dimension, text)) in self.values.iter().enumerate().skip(saved.values) {
            store::insert_value(tx, place as u32 + FIRST_VALUE, *dimension as u8, text)?;
        }
        for (id, entry) in self.table.0.iter().enumerate().skip(saved.groups) {
            store::insert_group(tx, id as u32, &entry.group, entry.last_day)?;
        }
        Ok(self.saved())
    }

    /// All that there is.
    pub fn saved(&self) -> Saved {
        Saved {
            values: self.values.len(),
            groups: self.table.0.len(),
        }
    }

    fn value(&mut self, dimension: Dimension, text: &str) -> u32 {
        if let Some(id) = self.find(dimension, text) {
            return id;
        }
        if self.ids[dimension as usize].len() < self.limits.label_values {
            return self.add_value(dimension, text);
        }
        self.fold(dimension)
    }

    fn fold(&mut self, dimension: Dimension) -> u32 {
        if self.folded[dimension as usize] == 0 {
            tracing::warn!(
                dimension = dimension.name(),
                "there are too many different values: new ones of API requests are counted as __other__"
            );
        }
        self.folded[dimension as usize] += 1;
        self.find(dimension, OTHER)
            .unwrap_or_else(|| self.add_value(dimension, OTHER))
    }

    fn add_value(&mut self, dimension: Dimension, text: &str) -> u32 {
        let id = FIRST_VALUE + self.values.len() as u32;
        let text: Arc<str> = text.into();
        self.values.push((dimension, text.clone()));
        self.ids[dimension as usize].insert(text, id);
        id
    }

    /// With too many groups, who asked and who answered is told no more; with still more nor what for, and at last nothing
    /// but the kind of status.
    fn group(&mut self, mut group: Group, day: i64) -> u32 {
        use Dimension::{Consumer, Context, Endpoint, Method, Node, Service};
        let max = self.limits.series;
        let steps: [(&[Dimension], usize); 3] = [
            (&[Node, Consumer, Context], max),
            (&[Endpoint], max + max / 8),
            (&[Service, Method], max + max / 4),
        ];
        for (dimensions, room) in steps {
            if let Some(id) = self.group_ids.get(&group) {
                return *id;
            }
            if self.n_groups() < room {
                return self.add_group(group, day);
            }
            for dimension in dimensions {
                if group.of(*dimension) > NONE {
                    group.values[*dimension as usize] = self.fold(*dimension);
                }
            }
        }
        group.status = group.status / 100 * 100;
        match self.group_ids.get(&group) {
            Some(id) => *id,
            None => self.add_group(group, day),
        }
    }

    fn add_group(&mut self, group: Group, day: i64) -> u32 {
        let routes = self.known(group.in_cube(Cube::Routes), day);
        let callers = self.known(group.in_cube(Cube::Callers), day);
        let id = self.push(group, day);
        let entry = &mut self.table.0[id as usize];
        (entry.routes, entry.callers) = (routes, callers);
        id
    }

    fn known(&mut self, group: Group, day: i64) -> u32 {
        match self.group_ids.get(&group) {
            Some(id) => *id,
            None => self.push(group, day),
        }
    }

    fn push(&mut self, group: Group, last_day: i64) -> u32 {
        let id = self.table.0.len() as u32;
        self.table.0.push(Entry {
            group,
            routes: id,
            callers: id,
            last_day,
        });
        self.group_ids.insert(group, id);
        id
    }

    /// Numbers below one were forgotten.
    fn leave_groups_empty(&mut self, below: u32) {
        let group = Group {
            values: [NONE; 6],
            status: 0,
        };
        for id in self.table.0.len() as u32..below {
            self.table.0.push(Entry {
                group,
                routes: id,
                callers: id,
                last_day: 0,
            });
        }
    }

    /// The same of texts.
    fn leave_values_empty(&mut self, below: u32) {
        let n = below.saturating_sub(FIRST_VALUE) as usize;
        if self.values.len() < n {
            self.values.resize(n, (Dimension::Service, "".into()));
        }
    }

    /// Finds the groups of cubes of all that was loaded.
    fn link(&mut self) {
        for entry in &mut self.table.0 {
            if entry.group.values.contains(&ANY) {
                continue;
            }
            let find = |cube| self.group_ids.get(&entry.group.in_cube(cube)).copied();
            if let (Some(routes), Some(callers)) = (find(Cube::Routes), find(Cube::Callers)) {
                (entry.routes, entry.callers) = (routes, callers);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    fn record(endpoint: &str, consumer: &str) -> Record {
        Record {
            service: "shop".into(),
            method: "GET".into(),
            endpoint: endpoint.into(),
            node: None,
            consumer: consumer.into(),
            context: None,
            status: 200,
            response_time_us: 1,
            at_ms: 1,
        }
    }

    fn texts(registry: &Registry, id: u32) -> Vec<&str> {
        let group = registry.table.get(id).unwrap().group;
        group.values.map(|value| registry.text(value)).to_vec()
    }

    #[test]
    fn what_is_stored_has_the_same_numbers_after_a_restart() {
        let database = database();
        let limits = Limits {
            series: 100,
            label_values: 100,
        };
        let mut registry = Registry::new(limits);
        let first = registry.intern(&record("/a", "x"));
        let saved = registry.save(&database, Saved::default()).unwrap();
        let second = registry.intern(&record("/a", "y"));
        registry.save(&database, saved).unwrap();
        let mut loaded = Registry::load(&database, limits).unwrap();
        assert_eq!(loaded.saved(), registry.saved());
        assert_eq!(loaded.intern(&record("/a", "x")), first);
        assert_eq!(loaded.intern(&record("/a", "y")), second);
        let entry = loaded.table.get(second).unwrap();
        assert_eq!(entry.routes, loaded.table.get(first).unwrap().routes);
        assert_ne!(entry.callers, loaded.table.get(first).unwrap().callers);
        assert_eq!(texts(&loaded, second), ["shop", "GET", "/a", "", "y", ""]);
    }

    #[test]
    fn what_is_too_old_is_forgotten_and_numbers_of_the_rest_stay() {
        let database = database();
        let limits = Limits {
            series: 100,
            label_values: 2,
        };
        let at = |endpoint, consumer, day| Record {
            at_ms: day * DAY_MS,
            ..record(endpoint, consumer)
        };
        let mut registry = Registry::new(limits);
        registry.intern(&at("/a", "old", 10));
        let both = registry.intern(&at("/b", "kept", 10));
        assert_eq!(registry.take_raised(), [], "new groups are stored with their day");
        let saved = registry.save(&database, Saved::default()).unwrap();
        registry.intern(&at("/b", "kept", 20));
        let raised = registry.take_raised();
        assert_eq!(raised.len(), 3, "itself and its cubes: {raised:?}");
        for (id, day) in raised {
            store::touch_group(&database, id, day).unwrap();
        }
        let forgotten = registry.forget(20);
        // /a of old, and its two cubes; then the texts.
        assert_eq!((forgotten.groups.len(), forgotten.values.len()), (3, 2));
        store::forget(&database, &forgotten.groups, &forgotten.values).unwrap();
        let mut loaded = Registry::load(&database, limits).unwrap();
        for registry in [&mut registry, &mut loaded] {
            assert_eq!(registry.find(Dimension::Consumer, "old"), None);
            assert_eq!(registry.intern(&at("/b", "kept", 20)), both);
            assert_eq!(registry.n_groups(), 3);
            // There is room again.
            let new = registry.intern(&at("/b", "new", 21));
            assert_eq!(texts(registry, new)[4], "new");
        }
        registry.save(&database, saved).unwrap();
        assert!(
            Registry::load(&database, limits)
                .unwrap()
                .find(Dimension::Consumer, "new")
                .is_some()
        );
        assert_eq!(registry.forget(10), Forgotten::default());
    }

    #[test]
    fn values_and_groups_beyond_the_limits_are_other() {
        let mut registry = Registry::new(Limits {
            series: 40,
            label_values: 20,
        });
        for n in 0..500 {
            registry.intern(&record(&format!("/{}", n % 30), &format!("user-{n}")));
        }
        assert!(registry.n_groups() < 60, "{}", registry.n_groups());
        let folded: Vec<u64> = registry.folded().map(|(_, n)| n).collect();
        assert!(folded[Dimension::Consumer as usize] > 400, "{folded:?}");
        let id = registry.intern(&record("/0", "somebody"));
        assert_eq!(texts(&registry, id)[4], OTHER);
    }
}
