//! `request_journal`, `request_values`, `request_groups`, `request_progress`.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::requests::group::Group;

/// From so many bytes on no further batch is taken in one transaction: a quarter of a million requests.
const MAX_TAKEN_BYTES: usize = 2 << 20;

/// Appends a batch.
pub fn append(tx: &Connection, data: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached("insert into request_journal (data) values (?1)")?
        .execute([data])?;
    Ok(())
}

/// Hands all batches that are not counted yet to `each`.
pub fn each_batch(connection: &Connection, mut each: impl FnMut(&[u8])) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("select data from request_journal order by id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_blob()?);
    }
    Ok(())
}

/// Hands the first `n` batches to `each`, fewer when they are large, and deletes them. Returns how many there were.
pub fn take_batches(tx: &Connection, n: u32, mut each: impl FnMut(&[u8])) -> rusqlite::Result<usize> {
    let (mut last, mut n_bytes) = (None, 0);
    {
        let mut statement = tx.prepare_cached("select id, data from request_journal order by id limit ?1")?;
        let mut rows = statement.query([n])?;
        while n_bytes < MAX_TAKEN_BYTES
            && let Some(row) = rows.next()?
        {
            last = Some(row.get::<_, i64>(0)?);
            let data = row.get_ref(1)?.as_blob()?;
            n_bytes += data.len();
            each(data);
        }
    }
    match last {
        Some(last) => tx
            .prepare_cached("delete from request_journal where id <= ?1")?
            .execute([last]),
        None => Ok(0),
    }
}

/// Hours below are in all tiers; 0 before the first was.
pub fn closed(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("select closed from request_progress")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// See [`closed`].
pub fn close(tx: &Connection, hour: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("update request_progress set closed = ?1")?
        .execute([hour])?;
    Ok(())
}

/// Stores a text.
pub fn insert_value(tx: &Connection, id: u32, dimension: u8, value: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("insert or ignore into request_values (id, dimension, value) values (?1, ?2, ?3)")?
        .execute(params![id, dimension, value])?;
    Ok(())
}

/// Stores a group.
pub fn insert_group(tx: &Connection, id: u32, group: &Group, last_day: i64) -> rusqlite::Result<()> {
    let [service, method, endpoint, node, consumer, context] = group.values;
    tx.prepare_cached(
        "insert or ignore into request_groups (id, service, method, endpoint, node, consumer, context, status, last_day)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        id,
        service,
        method,
        endpoint,
        node,
        consumer,
        context,
        group.status,
        last_day
    ])?;
    Ok(())
}

/// Hands all texts to `each`: number, dimension, text.
pub fn each_value(connection: &Connection, mut each: impl FnMut(u32, u8, &str)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("select id, dimension, value from request_values order by id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, row.get(1)?, row.get_ref(2)?.as_str()?);
    }
    Ok(())
}

/// Notes the day of the latest request of a group.
pub fn touch_group(tx: &Connection, id: u32, last_day: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("update request_groups set last_day = max(last_day, ?2) where id = ?1")?
        .execute(params![id, last_day])?;
    Ok(())
}

/// Deletes groups and texts.
pub fn forget(tx: &Connection, groups: &[u32], values: &[u32]) -> rusqlite::Result<()> {
    for (ids, sql) in [
        (groups, "delete from request_groups where id = ?1"),
        (values, "delete from request_values where id = ?1"),
    ] {
        let mut delete = tx.prepare_cached(sql)?;
        for id in ids {
            delete.execute([id])?;
        }
    }
    Ok(())
}

/// Hands all groups to `each`, with the day of their latest request.
pub fn each_group(connection: &Connection, mut each: impl FnMut(u32, Group, i64)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "select id, service, method, endpoint, node, consumer, context, status, last_day
         from request_groups
         order by id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut values = [0; 6];
        for (place, value) in values.iter_mut().enumerate() {
            *value = row.get(place + 1)?;
        }
        let group = Group {
            values,
            status: row.get(7)?,
        };
        each(row.get(0)?, group, row.get(8)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn batches_are_taken_once_and_in_order() {
        let database = database();
        for data in [b"1", b"2", b"3"] {
            append(&database, data).unwrap();
        }
        let mut taken = Vec::new();
        assert_eq!(
            take_batches(&database, 2, |data| taken.extend_from_slice(data)).unwrap(),
            2
        );
        let mut left = Vec::new();
        each_batch(&database, |data| left.extend_from_slice(data)).unwrap();
        assert_eq!((taken.as_slice(), left.as_slice()), (&b"12"[..], &b"3"[..]));
        assert_eq!(take_batches(&database, 2, |_| {}).unwrap(), 1);
        assert_eq!(take_batches(&database, 2, |_| {}).unwrap(), 0);
    }

    #[test]
    fn progress_texts_and_groups_come_back() {
        let database = database();
        assert_eq!(closed(&database).unwrap(), 0);
        close(&database, 7).unwrap();
        assert_eq!(closed(&database).unwrap(), 7);
        insert_value(&database, 16, 2, "/a").unwrap();
        insert_value(&database, 16, 2, "/a").unwrap();
        let group = Group {
            values: [16, 0, 17, 1, 18, 19],
            status: 404,
        };
        insert_group(&database, 3, &group, 100).unwrap();
        touch_group(&database, 3, 200).unwrap();
        touch_group(&database, 3, 150).unwrap();
        let (mut values, mut groups) = (Vec::new(), Vec::new());
        each_value(&database, |id, dimension, value| {
            values.push((id, dimension, value.to_owned()))
        })
        .unwrap();
        each_group(&database, |id, group, day| groups.push((id, group, day))).unwrap();
        assert_eq!(values, [(16, 2, "/a".to_owned())]);
        assert_eq!(groups, [(3, group, 200)]);
        forget(&database, &[3], &[16]).unwrap();
        each_group(&database, |id, _, _| panic!("{id} is still there")).unwrap();
        each_value(&database, |id, _, _| panic!("{id} is still there")).unwrap();
    }
}
