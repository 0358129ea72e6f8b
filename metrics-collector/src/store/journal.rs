//! `journal`: batches of samples that are in memory and not yet in chunks.

use rusqlite::{Connection, params};

use crate::domain::batch::Batch;
use crate::store::progress::Cut;

/// Stores a batch.
pub fn insert(tx: &Connection, seq: i64, last_window: i64, data: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached("insert into journal (seq, last_window, data) values (?1, ?2, ?3)")?
        .execute(params![seq, last_window, data])?;
    Ok(())
}

/// Up to `n` batches behind a number, with their numbers. One that cannot be read is left out and told of.
pub fn after(connection: &Connection, seq: i64, n: u32) -> rusqlite::Result<Vec<(i64, Batch)>> {
    let mut statement =
        connection.prepare_cached("select seq, data from journal where seq > ?1 order by seq limit ?2")?;
    let mut rows = statement.query(params![seq, n])?;
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        let batch = Batch::decode(row.get_ref(1)?.as_blob()?).unwrap_or_else(|| {
            tracing::error!(seq, "batch {seq} of the journal cannot be read");
            Batch::default()
        });
        batches.push((seq, batch));
    }
    Ok(batches)
}

/// Deletes up to `n` batches all of whose samples are in chunks. Returns how many.
pub fn delete_written(tx: &Connection, cut: Cut, n: u32) -> rusqlite::Result<usize> {
    tx.prepare_cached(
        "delete from journal
         where seq in (select seq from journal where seq <= ?1 and last_window < ?2 order by seq limit ?3)",
    )?
    .execute(params![cut.seq, cut.window, n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::batch::Sample;
    use crate::store::testing::database;

    #[test]
    fn batches_come_back_in_order() {
        let database = database();
        let batch = |series| Batch {
            samples: vec![Sample {
                series,
                at_ms: 5,
                value: 1.,
            }],
            visits: Vec::new(),
        };
        for seq in [2, 1, 3] {
            insert(&database, seq, 9, &batch(seq as u32).encode()).unwrap();
        }
        assert_eq!(after(&database, 0, 2).unwrap(), [(1, batch(1)), (2, batch(2))]);
        assert_eq!(after(&database, 2, 2).unwrap(), [(3, batch(3))]);
    }

    #[test]
    fn a_batch_goes_when_all_of_it_is_written() {
        let database = database();
        for (seq, last_window) in [(1, 5), (2, 6), (3, 5), (4, 5)] {
            insert(&database, seq, last_window, &Batch::default().encode()).unwrap();
        }
        let cut = Cut { seq: 3, window: 6 };
        assert_eq!(
            (
                delete_written(&database, cut, 1).unwrap(),
                delete_written(&database, cut, 9).unwrap()
            ),
            (1, 1)
        );
        let left: Vec<i64> = after(&database, 0, 9)
            .unwrap()
            .into_iter()
            .map(|(seq, _)| seq)
            .collect();
        assert_eq!(left, [2, 4]);
    }
}
