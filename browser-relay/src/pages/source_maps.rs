//! `/source-maps`: the maps that are kept, and how to bring more.

use std::sync::Arc;

use service::page;
use ui::{Excerpt, Frame, Moment, Template};
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::traffic::size;
use crate::api::source_maps as door;
use crate::app::App;
use crate::sdk;
use crate::store::source_maps;

/// Maps of one page.
const PAGE: u32 = 100;

/// `source_maps.html`.
#[derive(Template)]
#[template(path = "pages/source_maps.html")]
struct SourceMapsPage {
    frame: Frame,
    /// Uploads all maps of a build; none where this relay has no command for it.
    build: Option<String>,
    upload: String,
    total: i64,
    maps: Vec<MapRow>,
    next: Option<i64>,
}

struct MapRow {
    project: String,
    release: String,
    file_url: String,
    sources: i64,
    size: String,
    uploaded: Moment,
    problems: Vec<String>,
    /// Where its deletion is sent to, and what that means in words.
    delete: String,
    what: String,
}

/// `GET /source-maps`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let after = request
        .query()
        .number("after")
        .and_then(|n| i64::try_from(n).ok())
        .unwrap_or(0);
    let (listed, total) = app
        .common
        .read(move |connection| {
            let listed = source_maps::list(connection, None, after, PAGE)?;
            Ok((listed, source_maps::count(connection, None)?))
        })
        .await?;
    let frame = app.common.frame(&request, "Source maps");
    let next = listed
        .last()
        .filter(|_| listed.len() == PAGE as usize)
        .map(|map| map.id);
    let maps = listed.into_iter().map(|map| MapRow {
        delete: format!("{}source-maps/{}/delete", frame.root, map.id),
        what: format!(
            "the map of {}, release {}",
            Excerpt::line(&map.file_url, 200),
            Excerpt::line(&map.release, 100)
        ),
        project: map.project,
        release: map.release,
        file_url: map.file_url,
        sources: map.n_sources,
        size: size(u64::try_from(map.n_bytes).unwrap_or(0)),
        uploaded: frame.moment(map.uploaded_at),
        problems: map.problems,
    });
    let address = app.common.address(&request);
    let view = SourceMapsPage {
        build: sdk::is_there().then(|| build(&address)),
        upload: format!(
            "curl -T app.js.map -H \"X-API-Key: $ADMIN_API_KEY\" \\\n  \
             \"{address}/api/source-maps?project=shop&release=1.0.0&file_url=/js/app.js\""
        ),
        total,
        maps: maps.collect(),
        next,
        frame,
    };
    Ok(page(StatusCode::OK, &view))
}

/// The command comes from the relay itself: it is not on npm yet.
fn build(address: &str) -> String {
    format!(
        "curl -fsSO {address}/sdk/{command}\n\
         MONLIGHT_API_KEY=$ADMIN_API_KEY node {command} \\\n  \
         upload dist --relay {address} --project shop --release 1.0.0 --prefix /js/",
        command = sdk::COMMAND
    )
}

/// `POST /source-maps/{id}/delete`
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = request
        .param("id")
        .parse()
        .map_err(|_| Error::not_found("Source map not found"))?;
    door::remove(&app, id).await?;
    Ok(Response::see_other("../../source-maps"))
}
