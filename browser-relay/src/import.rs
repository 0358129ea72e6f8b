//! `import`: public keys and source maps of the original relay. Pages go on with the keys that they have; a key that
//! is here already stays as it is.

use std::sync::Arc;

use rusqlite::Connection;
use service::{Common, Imported, Original, original_time, unix_ms};
use sqlite::imports;

use crate::domain::dsn_key::Limits;
use crate::domain::source_map;
use crate::store::original::{self, OldKey, OldMap};
use crate::store::source_maps::{self, Named};
use crate::store::{dsn_keys, remaps};

/// What has to be there.
pub(crate) const TABLES: &[&str] = &["dsn_keys", "source_maps"];
/// The part by which `sqlite::imports` knows it.
const PART: &str = "source_maps";

pub(crate) async fn run(common: &Arc<Common>, from: &Original) -> Result<Vec<Imported>, String> {
    let unreadable = |cause: rusqlite::Error| format!("the original cannot be read: {cause}");
    let failed = |error: web::Error| format!("{} {}", error.detail, error.cause.unwrap_or_default());
    let keys = original::keys(from.connection()).map_err(unreadable)?;
    let n_keys = common
        .write(move |tx| add_keys(tx, &keys))
        .await
        .map_err(failed)?;
    let source = from.source().to_owned();
    let mut last = common
        .read(move |connection| imports::last_id(connection, &source, PART))
        .await
        .map_err(failed)?;
    let (mut n_maps, mut n_refused) = (0, 0);
    while let Some(map) = original::map_after(from.connection(), last).map_err(unreadable)? {
        last = map.id;
        let source = from.source().to_owned();
        match common
            .write(move |tx| add_map(tx, &source, map))
            .await
            .map_err(failed)?
        {
            true => n_maps += 1,
            false => n_refused += 1,
        }
    }
    Ok(vec![
        Imported::new("keys that were not here", n_keys),
        Imported::new("source maps", n_maps),
        Imported::new("source maps that could not be read", n_refused),
    ])
}

fn add_keys(tx: &Connection, keys: &[OldKey]) -> rusqlite::Result<u64> {
    let mut n_added = 0;
    for key in keys {
        let created_at = original_time(&key.created_at).unwrap_or_else(unix_ms);
        let added = dsn_keys::insert(tx, &key.public_key, &key.project, &Limits::default(), created_at)?;
        let Some(id) = added else { continue };
        n_added += 1;
        if !key.is_active {
            dsn_keys::set_active(tx, id, false)?;
        }
    }
    Ok(n_added)
}

/// False: it is no source map.
fn add_map(tx: &Connection, source: &str, map: OldMap) -> rusqlite::Result<bool> {
    imports::note(tx, source, PART, map.id)?;
    let Ok(compiled) = source_map::compile(map.content.as_bytes()) else {
        return Ok(false);
    };
    let uploaded_at = original_time(&map.uploaded_at).unwrap_or_else(unix_ms);
    let named = Named {
        project: map.project,
        release: map.release,
        file_url: map.file_url,
    };
    remaps::request(tx, &named.project, &named.release, unix_ms())?;
    source_maps::replace(tx, &named, &compiled, uploaded_at)?;
    Ok(true)
}
