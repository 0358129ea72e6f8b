//! Source maps as they are kept, and lookups in them: a directory, one block, one source each.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::outline::Outline;
use crate::domain::scope;
use crate::domain::source_lines::Lines;
use crate::domain::source_map::block::Block;
use crate::domain::source_map::{Compiled, Position, directory};
use crate::domain::symbolicate::{Place, Places, Spot, Unmapped, file_urls, told_function, told_source};
use crate::domain::unzip::Unzip;

/// Places that the numbers of a map's blocks and sources leave in a row's id.
const NUMBER_BITS: u32 = 20;
/// Sources of one release that are looked through: some MB of names.
const MAX_SOURCES: u32 = 50_000;
/// Bytes of sources unpacked for their lines, for one stack, one source after another; the largest real ones have a few
/// MB. Places in what is beyond have neither lines nor a function.
const MAX_UNPACKED_BYTES: usize = 16 << 20;
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

/// Looks places up. Each map, block and source is read once, and the text of one source at a time is held.
pub fn resolve(connection: &Connection, build: &Build, spots: Vec<Spot>) -> rusqlite::Result<Places> {
    let mut lookup = Lookup::new(connection, build);
    let (mut places, mut by_source) = (Places::new(), BySource::default());
    for spot in spots {
        match lookup.find(&spot)? {
            Ok((source_id, at, name)) => by_source.add(source_id, Wanted { spot, at, name }),
            Err(reason) => drop(places.insert(spot, Err(reason))),
        }
    }
    lookup.tell_all(by_source, &mut places)?;
    Ok(places)
}

/// A place of a source that something is to be told of.
struct Wanted {
    spot: Spot,
    at: Position,
    /// What the map calls it.
    name: Option<String>,
}

/// By source, in the order of the stack: its first frames matter most, if not all can be unpacked.
#[derive(Default)]
struct BySource {
    sources: Vec<(i64, Vec<Wanted>)>,
    numbers: HashMap<i64, usize>,
}

impl BySource {
    fn add(&mut self, source_id: i64, wanted: Wanted) {
        let number = *self.numbers.entry(source_id).or_insert(self.sources.len());
        if number == self.sources.len() {
            self.sources.push((source_id, Vec::new()));
        }
        self.sources[number].1.push(wanted);
    }
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
    let mut by_source = BySource::default();
    for (spot, place) in places {
        let id = sources.get(&spot.file).filter(|_| *place == Err(Unmapped::NoMap));
        let (Some(id), Some(line), Some(column)) = (id, spot.line.checked_sub(1), spot.column.checked_sub(1))
        else {
            continue;
        };
        let wanted = Wanted {
            spot: spot.clone(),
            at: Position { line, column },
            name: None,
        };
        by_source.add(*id, wanted);
    }
    let mut found = Places::new();
    lookup.tell_all(by_source, &mut found)?;
    found.retain(|_, place| place.is_ok());
    Ok(found)
}

struct Lookup<'c> {
    connection: &'c Connection,
    build: &'c Build,
    /// By file: number and directory.
    maps: HashMap<String, Option<(i64, Vec<u8>)>>,
    blocks: HashMap<i64, Option<Block>>,
    unzip: Unzip,
    /// Bytes of sources that may still be unpacked.
    n_packed: usize,
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

/// Id of a source, a place in it, and its name.
type Found = (i64, Position, Option<String>);

impl<'c> Lookup<'c> {
    fn new(connection: &'c Connection, build: &'c Build) -> Self {
        Self {
            connection,
            build,
            maps: HashMap::new(),
            blocks: HashMap::new(),
            unzip: Unzip::default(),
            n_packed: MAX_UNPACKED_BYTES,
            n_unread: MAX_READ_BYTES,
        }
    }

    /// The source of a place, where in it, and what the map calls it.
    fn find(&mut self, spot: &Spot) -> rusqlite::Result<Result<Found, Unmapped>> {
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
        Ok(match token.original {
            Some(original) => Ok((row_id(map_id, original.source), original.at, name)),
            None => Err(Unmapped::NoSource),
        })
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

    fn tell_all(&mut self, by_source: BySource, places: &mut Places) -> rusqlite::Result<()> {
        let mut all = by_source.sources.into_iter();
        all.try_for_each(|(source_id, wanted)| self.tell(source_id, wanted, places))
    }

    /// Tells of all places of one source.
    fn tell(&mut self, source_id: i64, mut wanted: Vec<Wanted>, places: &mut Places) -> rusqlite::Result<()> {
        let text = self.load_source(source_id)?;
        // So that no line is read twice: minified ones have megabytes.
        wanted.sort_unstable_by_key(|wanted| wanted.at);
        let content = text.content.as_deref();
        let mut lines = content.map(|content| Lines::new(content, text.outline.as_ref()));
        for Wanted { spot, at, name } in wanted {
            let Some(source) = text.name.as_deref().map(told_source) else {
                places.insert(spot, Err(Unmapped::NoSource));
                continue;
            };
            let (function, context) = match &mut lines {
                Some(lines) => (self.function(&text, lines, at), lines.around(at.line)),
                None => (None, None),
            };
            let place = Place {
                source,
                line: at.line + 1,
                column: at.column + 1,
                name,
                function: function.as_deref().map(told_function),
                is_ignored: text.is_ignored,
                context,
            };
            places.insert(spot, Ok(place));
        }
        Ok(())
    }

    /// The function around a place. Where there is no outline, the source is read while there are bytes that may be read.
    fn function(&mut self, text: &Text, lines: &mut Lines<'_>, at: Position) -> Option<String> {
        let Some(outline) = &text.outline else {
            let left = self
                .n_unread
                .checked_sub(lines.text().len().min(scope::MAX_BYTES))?;
            self.n_unread = left;
            return scope::function_around(lines.text(), at.line, at.column);
        };
        let offset = lines.offset_of(at)?;
        outline.function_at(offset).map(str::to_owned)
    }

    fn load_source(&mut self, source_id: i64) -> rusqlite::Result<Text> {
        let mut statement = self.connection.prepare_cached(
            "select name, is_ignored, content, outline from source_map_sources where id = ?1",
        )?;
        let found = statement.query_row([source_id], |row| {
            let (content, outline): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
            let content = content.and_then(|packed| unpack(&mut self.unzip, &packed, self.n_packed));
            // Of a text that is not there, it tells nothing.
            let outline = outline.filter(|_| content.is_some());
            Ok(Text {
                name: row.get(0)?,
                is_ignored: row.get(1)?,
                content,
                outline: outline.and_then(|packed| Outline::unpack(&mut self.unzip, &packed)),
            })
        });
        let text = found.optional()?.unwrap_or_default();
        self.n_packed -= text.content.as_ref().map_or(0, String::len);
        Ok(text)
    }
}

fn unpack(unzip: &mut Unzip, packed: &[u8], max: usize) -> Option<String> {
    let bytes = unzip.unpack(packed, max)?;
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
    fn no_more_text_is_unpacked_for_one_stack_than_is_allowed() {
        let database = database();
        let half = "x".repeat(MAX_UNPACKED_BYTES / 2);
        let map = serde_json::json!({"version": 3, "names": [], "sources": ["a", "b", "c", "d"],
            "sourcesContent": [half, half, half, ""], "mappings": "AAAA,CCAA,CCAA,CCAA"});
        let compiled = compile(map.to_string().as_bytes()).unwrap();
        replace(&database, &named("/a.js"), &compiled, 5).unwrap();
        let build = Build {
            project: "shop".to_owned(),
            release: Some("1".to_owned()),
            debug_ids: Vec::new(),
        };
        let spots: Vec<Spot> = [3, 1, 2, 3].map(|column| spot("/a.js", 1, column)).to_vec();
        let places = resolve(&database, &build, spots).unwrap();
        let told = [3, 1, 2].map(|column| {
            let place = places[&spot("/a.js", 1, column)].as_ref().unwrap();
            (place.source.as_str(), place.context.is_some())
        });
        assert_eq!(told, [("c", true), ("a", true), ("b", false)]);
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
