//! `request_minutes` to `request_four_weeks`: the blocks of API requests, by part and period.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::requests::period::{Run, Tier};

/// Bits of a place that are the period.
const PERIOD_BITS: u32 = 32;

/// Which cells of a period a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u32);

impl Part {
    /// All groups with all dimensions, in one row.
    pub const ALL: Self = Self(0);
    /// `Cube::Routes`.
    pub const ROUTES: Self = Self(1);
    /// `Cube::Callers`.
    pub const CALLERS: Self = Self(2);

    /// All dimensions of one endpoint.
    pub fn endpoint(value: u32) -> Self {
        Self(value)
    }

    fn place(self, period: i64) -> i64 {
        i64::from(self.0) << PERIOD_BITS | period.clamp(0, (1 << PERIOD_BITS) - 1)
    }
}

fn table(tier: Tier) -> &'static str {
    match tier {
        Tier::Minute => "request_minutes",
        Tier::FiveMinutes => "request_five_minutes",
        Tier::Hour => "request_hours",
        Tier::Day => "request_days",
        Tier::FourWeeks => "request_four_weeks",
    }
}

/// Hands the block of a period to `read`, if there is one.
pub fn read<T>(
    connection: &Connection,
    tier: Tier,
    part: Part,
    period: i64,
    read: impl FnOnce(&[u8]) -> T,
) -> rusqlite::Result<Option<T>> {
    let sql = format!("select data from {} where place = ?1", table(tier));
    connection
        .prepare_cached(&sql)?
        .query_row([part.place(period)], |row| Ok(read(row.get_ref(0)?.as_blob()?)))
        .optional()
}

/// Hands periods and their blocks to `each`, in order.
pub fn each(
    connection: &Connection,
    run: Run,
    part: Part,
    mut each: impl FnMut(i64, &[u8]),
) -> rusqlite::Result<()> {
    let sql = format!(
        "select place, data from {} where place between ?1 and ?2 order by place",
        table(run.tier)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([part.place(run.first), part.place(run.end - 1)])?;
    while let Some(row) = rows.next()? {
        let period = row.get::<_, i64>(0)? & ((1 << PERIOD_BITS) - 1);
        each(period, row.get_ref(1)?.as_blob()?);
    }
    Ok(())
}

/// The first period of a run that has a block.
pub fn first(connection: &Connection, run: Run, part: Part) -> rusqlite::Result<Option<i64>> {
    let sql = format!(
        "select min(place) from {} where place between ?1 and ?2",
        table(run.tier)
    );
    let place: Option<i64> = connection
        .prepare_cached(&sql)?
        .query_row([part.place(run.first), part.place(run.end - 1)], |row| row.get(0))?;
    Ok(place.map(|place| place & ((1 << PERIOD_BITS) - 1)))
}

/// Stores a block, in place of what is there.
pub fn put(tx: &Connection, tier: Tier, part: Part, period: i64, data: &[u8]) -> rusqlite::Result<()> {
    let sql = format!(
        "insert or replace into {} (place, data) values (?1, ?2)",
        table(tier)
    );
    tx.prepare_cached(&sql)?
        .execute(params![part.place(period), data])?;
    Ok(())
}

/// The first and the last period of a part, if it has any.
pub fn bounds(connection: &Connection, tier: Tier, part: Part) -> rusqlite::Result<Option<(i64, i64)>> {
    let sql = format!(
        "select (select min(place) from {0} where place between ?1 and ?2),
                (select max(place) from {0} where place between ?1 and ?2)",
        table(tier)
    );
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached(&sql)?
        .query_row([part.place(0), part.place(i64::MAX)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let period = |place: i64| place & ((1 << PERIOD_BITS) - 1);
    Ok(first.zip(last).map(|(first, last)| (period(first), period(last))))
}

/// All parts that a tier has.
pub fn parts(connection: &Connection, tier: Tier) -> rusqlite::Result<Vec<Part>> {
    let sql = format!("select min(place) from {} where place >= ?1", table(tier));
    let mut statement = connection.prepare_cached(&sql)?;
    let (mut parts, mut from) = (Vec::new(), 0);
    while let Some(place) = statement.query_row([from], |row| row.get::<_, Option<i64>>(0))? {
        let part = u32::try_from(place >> PERIOD_BITS).unwrap_or(u32::MAX);
        parts.push(Part(part));
        let Some(next) = part.checked_add(1) else { break };
        from = Part(next).place(0);
    }
    Ok(parts)
}

/// Deletes up to `n` rows of a part before a period. Returns how many.
pub fn delete_below(tx: &Connection, tier: Tier, part: Part, period: i64, n: u32) -> rusqlite::Result<usize> {
    let name = table(tier);
    let sql = format!(
        "delete from {name}
         where place in (select place from {name} where place >= ?1 and place < ?2 order by place limit ?3)"
    );
    tx.prepare_cached(&sql)?
        .execute(params![part.place(0), part.place(period), n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn rows_are_found_by_part_and_period() {
        let database = database();
        for (part, period, data) in [
            (Part::ROUTES, 5, b"a"),
            (Part::ROUTES, 7, b"b"),
            (Part::endpoint(20), 6, b"c"),
        ] {
            put(&database, Tier::Hour, part, period, data).unwrap();
        }
        let mut found = Vec::new();
        let run = Run {
            tier: Tier::Hour,
            first: 5,
            end: 8,
        };
        each(&database, run, Part::ROUTES, |period, data| {
            found.push((period, data.to_vec()))
        })
        .unwrap();
        assert_eq!(found, [(5, b"a".to_vec()), (7, b"b".to_vec())]);
        assert_eq!(
            parts(&database, Tier::Hour).unwrap(),
            [Part::ROUTES, Part::endpoint(20)]
        );
        assert_eq!(bounds(&database, Tier::Hour, Part::ROUTES).unwrap(), Some((5, 7)));
        assert_eq!(bounds(&database, Tier::Hour, Part::ALL).unwrap(), None);
        assert_eq!(
            delete_below(&database, Tier::Hour, Part::ROUTES, 7, 10).unwrap(),
            1
        );
        let data = read(&database, Tier::Hour, Part::endpoint(20), 6, <[u8]>::to_vec).unwrap();
        assert_eq!(data.as_deref(), Some(&b"c"[..]));
        assert_eq!(bounds(&database, Tier::Hour, Part::ROUTES).unwrap(), Some((7, 7)));
    }
}
