//! Source maps as they are kept, and lookups in them: a directory, one block, one source each.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::outline::Outline;
use crate::domain::source_context::Context;
use crate::domain::source_map::block::Block;
use crate::domain::source_map::{Compiled, Original, Position, directory};
use crate::domain::symbolicate::{Place, Places, Spot, Unmapped, file_urls};
use crate::domain::unzip::Unzip;
use crate::domain::{scope, source_context};

/// Places that the numbers of a map's blocks and sources leave in a row's id.
const NUMBER_BITS: u32 = 20;
/// Largest source that is unpacked for its lines.
const MAX_SOURCE_BYTES: usize = 32 << 20;
/// Sources of one release that are looked through: some MB of names.
const MAX_SOURCES: u32 = 50_000;
/// Bytes of sources read for the names of functions, for one stack: a few milliseconds.
const MAX_READ_BYTES: usize = 1 << 20;

/// One map, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub id: i64,
    /// Who owns it.
    pub project: String,
    /// Version of the code that it is of.
    pub release: String,
    /// The script that it is of.
    pub file_url: String,
    /// Id of the build's file.
    pub debug_id: Option<String>,
    /// Unix milliseconds.
    pub uploaded_at: i64,
    /// Places that it knows.
    pub n_tokens: i64,
    /// Sources.
    pub n_sources: i64,
    /// As kept.
    pub n_bytes: i64,
    /// What the specification forbids.
    pub problems: Vec<String>,
}

/// What a map is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who owns it.
    pub project: String,
    /// Version of the code.
    pub release: String,
    /// The script.
    pub file_url: String,
}

/// Stores a map in place of the one of the same script, under a new number.
pub fn replace(tx: &Connection, named: &Named, compiled: &Compiled, now: i64) -> rusqlite::Result<i64> {
    let mut find = tx
        .prepare_cached("select id from source_maps where project = ?1 and release = ?2 and file_url = ?3")?;
    let names = (&named.project, &named.release, &named.file_url);
    let old: Option<i64> = find.query_row(names, |row| row.get(0)).optional()?;
    // Before the old one leaves, so that its number is not taken again.
    let id: i64 = tx.query_row("select ifnull(max(id), 0) + 1 from source_maps", [], |row| {
        row.get(0)
    })?;
    if let Some(old) = old {
        delete(tx, old)?;
    }
    tx.prepare_cached(
        "insert into source_maps (id, project, release, file_url, debug_id, uploaded_at, n_tokens, n_sources,
                                  n_bytes, problems, directory)
         values (:id, :project, :release, :file_url, :debug_id, :now, :n_tokens, :n_sources,
                 :n_bytes, :problems, :directory)",
    )?
    .execute(named_params! {
        ":id": id, ":project": named.project, ":release": named.release, ":file_url": named.file_url,
        ":debug_id": compiled.debug_id, ":now": now, ":n_tokens": compiled.n_tokens as i64,
        ":n_sources": compiled.sources.len() as i64, ":n_bytes": compiled.n_bytes() as i64,
        ":problems": serde_json::Value::from(compiled.problems.clone()).to_string(),
        ":directory": compiled.directory,
    })?;
    let mut block = tx.prepare_cached("insert into source_map_blocks (id, data) values (?1, ?2)")?;
    for (number, data) in compiled.blocks.iter().enumerate() {
        block.execute((row_id(id, number as u32), data))?;
    }
    let mut source = tx.prepare_cached(
        "insert into source_map_sources (id, name, is_ignored, content, outline) values (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (number, it) in compiled.sources.iter().enumerate() {
        let id = row_id(id, number as u32);
        source.execute((id, &it.name, it.is_ignored, &it.content, &it.outline))?;
    }
    Ok(id)
}

fn row_id(map_id: i64, number: u32) -> i64 {
    map_id << NUMBER_BITS | i64::from(number)
}

/// Deletes a map. False if there is no such map.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let all = (row_id(id, 0), row_id(id + 1, 0) - 1);
    for table in ["source_map_blocks", "source_map_sources"] {
        tx.prepare_cached(&format!("delete from {table} where id between ?1 and ?2"))?
            .execute(all)?;
    }
    Ok(tx
        .prepare_cached("delete from source_maps where id = ?1")?
        .execute([id])?
        > 0)
}

/// Deletes some of the maps uploaded before a time. How many.
pub fn drop_before(tx: &Connection, before: i64, limit: u32) -> rusqlite::Result<usize> {
    let mut old =
        tx.prepare_cached("select id from source_maps where uploaded_at < ?1 order by id limit ?2")?;
    let ids: Vec<i64> = old
        .query_map((before, limit), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &ids {
        delete(tx, *id)?;
    }
    Ok(ids.len())
}

/// Maps by number, of one project or of all; at most `limit` after number `after`.
pub fn list(
    connection: &Connection,
    project: Option<&str>,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Listed>> {
    let mut statement = connection.prepare_cached(
        "select id, project, release, file_url, debug_id, uploaded_at, n_tokens, n_sources, n_bytes, problems
         from source_maps
         where (:project is null or project = :project) and id > :after
         order by id
         limit :limit",
    )?;
    let page = named_params! { ":project": project, ":after": after, ":limit": limit };
    let rows = statement.query_map(page, |row| {
        let problems: String = row.get(9)?;
        Ok(Listed {
            id: row.get(0)?,
            project: row.get(1)?,
            release: row.get(2)?,
            file_url: row.get(3)?,
            debug_id: row.get(4)?,
            uploaded_at: row.get(5)?,
            n_tokens: row.get(6)?,
            n_sources: row.get(7)?,
            n_bytes: row.get(8)?,
            problems: serde_json::from_str(&problems).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// How many maps there are, of one project or of all.
pub fn count(connection: &Connection, project: Option<&str>) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("select count(*) from source_maps where (?1 is null or project = ?1)")?
        .query_row([project], |row| row.get(0))
}

/// Projects that have any.
pub fn projects(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = connection.prepare_cached("select distinct project from source_maps")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Whose code a stack is of.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Who owns it.
    pub project: String,
    /// Version, where it is known.
    pub release: Option<String>,
    /// URLs of scripts with the debug ids of their builds.
    pub debug_ids: Vec<(String, String)>,
}

/// Looks places up. Each map, block and source is read once.
pub fn resolve(connection: &Connection, build: &Build, spots: Vec<Spot>) -> rusqlite::Result<Places> {
    let mut lookup = Lookup::new(connection, build);
    spots
        .into_iter()
        .map(|spot| Ok((spot.clone(), lookup.place(&spot)?)))
        .collect()
}

/// Sources of a release by name: where they are.
pub type Sources = HashMap<String, i64>;

/// The sources of a release.
pub fn sources(connection: &Connection, project: &str, release: &str) -> rusqlite::Result<Sources> {
    let mut statement = connection.prepare_cached(
        "select s.name, s.id
         from source_maps m
         join source_map_sources s on s.id >= m.id << 20 and s.id < (m.id + 1) << 20
         where m.project = ?1 and m.release = ?2 and s.name is not null
         limit ?3",
    )?;
    let all = statement.query_map((project, release, MAX_SOURCES), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    all.collect()
}

/// What is known of places without a map that name a source: an earlier map gave them.
pub fn resolve_sources(
    connection: &Connection,
    sources: &Sources,
    places: &Places,
) -> rusqlite::Result<Places> {
    let build = Build::default();
    let mut lookup = Lookup::new(connection, &build);
    let mut found = Places::new();
    for (spot, place) in places {
        let id = sources.get(&spot.file).filter(|_| *place == Err(Unmapped::NoMap));
        let (Some(id), Some(line), Some(column)) = (id, spot.line.checked_sub(1), spot.column.checked_sub(1))
        else {
            continue;
        };
        let original = Original {
            source: (id & ((1 << NUMBER_BITS) - 1)) as u32,
            at: Position { line, column },
            name: None,
        };
        if let Some(place) = lookup.original(id >> NUMBER_BITS, original, None)? {
            found.insert(spot.clone(), Ok(place));
        }
    }
    Ok(found)
}

struct Lookup<'c> {
    connection: &'c Connection,
    build: &'c Build,
    /// By file: number and directory.
    maps: HashMap<String, Option<(i64, Vec<u8>)>>,
    blocks: HashMap<i64, Option<Block>>,
    sources: HashMap<i64, Text>,
    unzip: Unzip,
    /// Bytes of sources without an outline that may still be read for the names of functions.
    n_unread: usize,
}

/// A source, its text unpacked.
#[derive(Default)]
struct Text {
    name: Option<String>,
    is_ignored: bool,
    content: Option<String>,
    outline: Option<Outline>,
}

impl<'c> Lookup<'c> {
    fn new(connection: &'c Connection, build: &'c Build) -> Self {
        Self {
            connection,
            build,
            maps: HashMap::new(),
            blocks: HashMap::new(),
            sources: HashMap::new(),
            unzip: Unzip::default(),
            n_unread: MAX_READ_BYTES,
        }
    }

    fn place(&mut self, spot: &Spot) -> rusqlite::Result<Result<Place, Unmapped>> {
        let has_id = self.build.debug_ids.iter().any(|(url, _)| *url == spot.file);
        if self.build.release.is_none() && !has_id {
            return Ok(Err(Unmapped::NoRelease));
        }
        self.find_map(&spot.file)?;
        let Some(Some((map_id, directory))) = self.maps.get(&spot.file) else {
            return Ok(Err(Unmapped::NoMap));
        };
        let (Some(line), Some(column)) = (spot.line.checked_sub(1), spot.column.checked_sub(1)) else {
            return Ok(Err(Unmapped::NoPosition));
        };
        let at = Position { line, column };
        let map_id = *map_id;
        let Some(number) = directory::find(directory, at) else {
            return Ok(Err(Unmapped::Outside));
        };
        let block_id = row_id(map_id, number);
        self.load_block(block_id)?;
        let Some(Some(block)) = self.blocks.get(&block_id) else {
            return Ok(Err(Unmapped::Outside));
        };
        let Some(token) = block.find(at) else {
            return Ok(Err(Unmapped::Outside));
        };
        let name = block.name(token).map(str::to_owned);
        let Some(original) = token.original else {
            return Ok(Err(Unmapped::NoSource));
        };
        self.original(map_id, original, name)
            .map(|place| place.ok_or(Unmapped::NoSource))
    }

    fn find_map(&mut self, file: &str) -> rusqlite::Result<()> {
        if self.maps.contains_key(file) {
            return Ok(());
        }
        let found = match self.by_debug_id(file)? {
            Some(found) => Some(found),
            None => self.by_url(file)?,
        };
        self.maps.insert(file.to_owned(), found);
        Ok(())
    }

    fn by_debug_id(&self, file: &str) -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
        let ids = &self.build.debug_ids;
        let Some((_, debug_id)) = ids.iter().find(|(url, _)| url == file) else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(
            "select id, directory from source_maps where project = ?1 and debug_id = ?2 order by id desc limit 1",
        )?;
        let names = (&self.build.project, debug_id);
        statement
            .query_row(names, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    fn by_url(&self, file: &str) -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
        let Some(release) = &self.build.release else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(
            "select id, directory from source_maps where project = ?1 and release = ?2 and file_url = ?3",
        )?;
        for file_url in file_urls(file) {
            let names = (&self.build.project, release, file_url);
            let found = statement.query_row(names, |row| Ok((row.get(0)?, row.get(1)?)));
            if let Some(found) = found.optional()? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn load_block(&mut self, block_id: i64) -> rusqlite::Result<()> {
        if self.blocks.contains_key(&block_id) {
            return Ok(());
        }
        let mut statement = self
            .connection
            .prepare_cached("select data from source_map_blocks where id = ?1")?;
        let data: Option<Vec<u8>> = statement.query_row([block_id], |row| row.get(0)).optional()?;
        let block = data.and_then(|data| Block::unpack(&mut self.unzip, &data));
        self.blocks.insert(block_id, block);
        Ok(())
    }

    fn original(
        &mut self,
        map_id: i64,
        original: Original,
        name: Option<String>,
    ) -> rusqlite::Result<Option<Place>> {
        let source_id = row_id(map_id, original.source);
        if !self.sources.contains_key(&source_id) {
            let text = self.load_source(source_id)?;
            self.sources.insert(source_id, text);
        }
        let Some(text) = self.sources.get(&source_id) else {
            return Ok(None);
        };
        let told = text.content.as_deref().map(|content| match &text.outline {
            Some(outline) => around(content, outline, original.at),
            None => read(content, original.at, &mut self.n_unread),
        });
        let (function, context) = told.unwrap_or_default();
        Ok(text.name.clone().map(|source| Place {
            source,
            line: original.at.line + 1,
            column: original.at.column + 1,
            name,
            function,
            is_ignored: text.is_ignored,
            context,
        }))
    }

    fn load_source(&mut self, source_id: i64) -> rusqlite::Result<Text> {
        let mut statement = self.connection.prepare_cached(
            "select name, is_ignored, content, outline from source_map_sources where id = ?1",
        )?;
        let found = statement.query_row([source_id], |row| {
            let (content, outline): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
            Ok(Text {
                name: row.get(0)?,
                is_ignored: row.get(1)?,
                content: content.and_then(|packed| unpack(&mut self.unzip, &packed)),
                outline: outline.and_then(|packed| Outline::unpack(&mut self.unzip, &packed)),
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }
}

/// The function at a place of a source, and the lines around it.
type Told = (Option<String>, Option<Context>);

fn around(text: &str, outline: &Outline, at: Position) -> Told {
    let (first, start) = outline.line_before(at.line.saturating_sub(source_context::LINES as u32));
    let rest = text.get(start..).unwrap_or_default();
    let line = at.line - first;
    let function = scope::offset_of(rest, line, at.column)
        .and_then(|offset| outline.function_at(start + offset))
        .map(str::to_owned);
    (function, source_context::around(rest, line))
}

/// The same where there is no outline, by reading the source while there are bytes that may be read.
fn read(text: &str, at: Position, n_unread: &mut usize) -> Told {
    let left = n_unread.checked_sub(text.len().min(scope::MAX_BYTES));
    *n_unread = left.unwrap_or(*n_unread);
    let function = left.and_then(|_| scope::function_around(text, at.line, at.column));
    (function, source_context::around(text, at.line))
}

fn unpack(unzip: &mut Unzip, packed: &[u8]) -> Option<String> {
    let bytes = unzip.unpack(packed, MAX_SOURCE_BYTES)?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::database;
    use super::*;
    use crate::domain::source_map::compile;

    const MAP: &str = r#"{"version":3,"debugId":"85314830-023f-4cf1-a267-535f4e37bb17","sources":["a.ts","lib.ts"],
        "sourcesContent":["one\ntwo\nthree",null],"names":["total"],"ignoreList":[1],"mappings":"AACAA,IAAA,ECAA"}"#;

    fn named(file_url: &str) -> Named {
        Named {
            project: "shop".to_owned(),
            release: "1".to_owned(),
            file_url: file_url.to_owned(),
        }
    }

    fn spot(file: &str, line: u32, column: u32) -> Spot {
        Spot {
            file: file.to_owned(),
            line,
            column,
        }
    }

    #[test]
    fn places_are_found_or_it_is_said_why_not() {
        let database = database();
        let compiled = compile(MAP.as_bytes()).unwrap();
        replace(&database, &named("/a.js"), &compiled, 5).unwrap();
        let build = Build {
            project: "shop".to_owned(),
            release: Some("1".to_owned()),
            debug_ids: vec![("http://x/z.js".to_owned(), compiled.debug_id.clone().unwrap())],
        };
        let place = |build: &Build, at: Spot| {
            resolve(&database, build, vec![at.clone()])
                .unwrap()
                .remove(&at)
                .unwrap()
        };
        let first = place(&build, spot("https://h/a.js?v=1", 1, 3)).unwrap();
        assert_eq!(
            (
                first.source.as_str(),
                first.line,
                first.column,
                first.name.as_deref()
            ),
            ("a.ts", 2, 1, Some("total"))
        );
        assert_eq!(first.context.unwrap().line, "two");
        let library = place(&build, spot("https://h/a.js", 1, 900)).unwrap();
        assert_eq!((library.is_ignored, library.context), (true, None));
        assert_eq!(place(&build, spot("http://x/z.js", 1, 1)).unwrap().source, "a.ts");
        assert_eq!(
            place(&build, spot("https://h/a.js", 9, 1)),
            Err(Unmapped::Outside)
        );
        assert_eq!(
            place(&build, spot("https://h/a.js", 1, 0)),
            Err(Unmapped::NoPosition)
        );
        assert_eq!(place(&build, spot("https://h/b.js", 1, 1)), Err(Unmapped::NoMap));
        assert_eq!(
            place(&Build::default(), spot("https://h/a.js", 1, 1)),
            Err(Unmapped::NoRelease)
        );
    }

    #[test]
    fn a_map_replaces_its_older_one_under_a_new_number_and_leaves_nothing() {
        let database = database();
        let compiled = compile(MAP.as_bytes()).unwrap();
        let first = replace(&database, &named("/a.js"), &compiled, 5).unwrap();
        let second = replace(&database, &named("/a.js"), &compiled, 6).unwrap();
        assert!(second > first);
        assert_eq!(count(&database, Some("shop")).unwrap(), 1);
        assert_eq!(list(&database, None, 0, 10).unwrap()[0].uploaded_at, 6);
        assert_eq!(drop_before(&database, 7, 10).unwrap(), 1);
        let left: i64 = database
            .query_row(
                "select (select count(*) from source_map_blocks) + (select count(*) from source_map_sources)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(left, 0);
        assert!(projects(&database).unwrap().is_empty());
    }
}
