//! Containers by number. A number is given once and kept, so that what refers to it stays small.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::Connection;

/// Most names that programs may give themselves; Docker's containers come on top.
pub const MAX_NAMES: usize = 10_000;

/// Names of all containers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// Those before this one are in the database.
    n_stored: usize,
}

impl Names {
    /// Reads them all.
    pub fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut known = Known::default();
        let mut statement = connection.prepare("select id, name from containers order by id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name): (u32, String) = (row.get(0)?, row.get(1)?);
            // Numbers have no gaps.
            if id as usize == known.names.len() {
                known.add(name.into());
            }
        }
        known.n_stored = known.names.len();
        Ok(Self(Arc::new(RwLock::new(known))))
    }

    /// The number of this container, which may be new.
    pub fn number(&self, name: &Arc<str>) -> u32 {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match known.numbers.get(name) {
            Some(number) => *number,
            None => known.add(name.clone()),
        }
    }

    /// The number of this container, if it is known.
    pub fn find(&self, name: &str) -> Option<u32> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.numbers.get(name).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All names; the place is the number.
    pub fn all(&self) -> Vec<Arc<str>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.names.clone()
    }

    /// Writes those that are not in the database yet.
    pub fn store(&self, tx: &Connection) -> rusqlite::Result<()> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut statement =
            tx.prepare_cached("insert or ignore into containers (id, name) values (?1, ?2)")?;
        for (id, name) in known.names.iter().enumerate().skip(known.n_stored) {
            statement.execute((id as i64, &**name))?;
        }
        Ok(())
    }

    /// Whether all are in the database, as far as is known.
    pub fn are_stored(&self) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.n_stored == known.names.len()
    }

    /// To be told after the commit of [`Names::store`]: nothing is added between the two but by the caller.
    pub fn note_stored(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.n_stored = known.names.len();
    }
}

impl Known {
    fn add(&mut self, name: Arc<str>) -> u32 {
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }
}
