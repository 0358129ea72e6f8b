//! `/keys`: the keys of pages, each with what a page needs of it.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Excerpt, Frame, Moment, Template};
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::api::dsn_keys as door;
use crate::app::App;
use crate::domain::dsn_key::{DsnKey, Limits};
use crate::domain::origin::Pattern;
use crate::domain::time_text;
use crate::sdk;
use crate::store::dsn_keys;

/// `keys.html`.
#[derive(Template)]
#[template(path = "pages/keys.html")]
struct KeysPage {
    frame: Frame,
    said: Option<String>,
    default_rate: String,
    keys: Vec<KeyRow>,
}

struct KeyRow {
    id: i64,
    project: String,
    public_key: String,
    is_active: bool,
    is_over: bool,
    origins: String,
    rate: String,
    expires: Option<Moment>,
    created: Moment,
    snippet: String,
    pinned: String,
    curl: String,
}

/// `GET /keys`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    shown(&app, &request, StatusCode::OK, None).await
}

async fn shown(app: &App, request: &Request, status: StatusCode, said: Option<String>) -> Result<Response> {
    let mut stored = app.common.read(dsn_keys::all).await?;
    // Those in use first, newest first.
    stored.sort_by_key(|key| (!key.is_active, std::cmp::Reverse(key.id)));
    let frame = app.common.frame(request, "Keys");
    let address = app.common.address(request);
    let default_rate = rate(app.settings.dsn_rate_limit);
    let view = KeysPage {
        said,
        keys: stored
            .iter()
            .map(|key| row(key, &frame, &address, &default_rate))
            .collect(),
        default_rate,
        frame,
    };
    Ok(page(status, &view))
}

fn rate(per_minute: u32) -> String {
    match per_minute {
        0 => "no limit".to_owned(),
        n => n.to_string(),
    }
}

fn row(key: &DsnKey, frame: &Frame, address: &str, default_rate: &str) -> KeyRow {
    let origins: Vec<String> = key.limits.origins.iter().map(ToString::to_string).collect();
    KeyRow {
        id: key.id,
        project: key.project.clone(),
        public_key: key.public_key.clone(),
        is_active: key.is_active,
        is_over: key.limits.expires_at.is_some_and(|end| end <= frame.now_ms),
        origins: origins.join(", "),
        rate: key
            .limits
            .per_minute
            .map_or_else(|| default_rate.to_owned(), rate),
        expires: key.limits.expires_at.map(|end| frame.moment(end)),
        created: frame.moment(key.created_at),
        snippet: snippet(&key.public_key, address),
        pinned: pinned(&key.public_key, address),
        curl: curl(&key.public_key, address),
    }
}

/// What goes into a page: the SDK with its settings, in one tag.
fn snippet(public_key: &str, address: &str) -> String {
    format!(
        "<script src=\"{address}/sdk/{}\" crossorigin\n  data-dsn=\"{}\" data-release=\"1.0.0\"></script>",
        sdk::SCRIPT,
        attribute(public_key)
    )
}

/// The same for a page that takes only this very script; it is to be renewed with each new version of the relay.
fn pinned(public_key: &str, address: &str) -> String {
    format!(
        "<script src=\"{address}/sdk/{}\" crossorigin\n  integrity=\"{}\"\n  data-dsn=\"{}\" \
         data-release=\"1.0.0\"></script>",
        sdk::versioned(sdk::SCRIPT),
        sdk::integrity(),
        attribute(public_key)
    )
}

/// A text between double quotes.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

fn curl(public_key: &str, address: &str) -> String {
    format!(
        "curl {address}/api/browser/errors \\\n  -H 'X-Monlight-Key: {}' \\\n  -H 'Content-Type: application/json' \\\n  \
         -d '{{\"type\": \"HelloError\", \"message\": \"my first browser error\", \
         \"stack\": \"at hello (https://example.com/app.js:1:1)\"}}'",
        public_key.replace('\'', "'\\''")
    )
}

/// `POST /keys`
pub(crate) async fn add(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let limits = limits(&form);
    let added = match limits {
        Ok(limits) => door::add(&app, form.get("project").unwrap_or_default().trim(), limits)
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(Response::see_other("keys")),
        Err(error) if error.status.is_client_error() => {
            let said = Some(error.detail.to_string());
            shown(&app, &request, error.status, said).await
        }
        Err(error) => Err(error),
    }
}

fn limits(form: &web::Query) -> Result<Limits> {
    let origins = form.get("origins").unwrap_or_default();
    let origins = origins.split(',').map(str::trim).filter(|it| !it.is_empty());
    let per_minute = form
        .get("rate_limit")
        .map(|text| text.trim().parse::<u32>())
        .transpose()
        .map_err(|_| Error::bad_request("requests a minute must be a whole number"))?;
    let expires_at = form
        .get("expires")
        .map(|date| time_text::parse(&format!("{date}T00:00:00Z")).filter(|end| *end > unix_ms()))
        .map(|end| end.ok_or_else(|| Error::bad_request("the end must be a date to come")))
        .transpose()?;
    Ok(Limits {
        origins: Pattern::read_all(origins).map_err(Error::bad_request)?,
        per_minute,
        expires_at,
    })
}

fn id_of(request: &Request) -> Result<i64> {
    request
        .param("id")
        .parse()
        .map_err(|_| Error::not_found("DSN key not found"))
}

/// `POST /keys/{id}/off`
pub(crate) async fn switch_off(app: Arc<App>, request: Request) -> Result<Response> {
    door::set_active(&app, id_of(&request)?, false).await?;
    Ok(Response::see_other("../../keys"))
}

/// `POST /keys/{id}/on`
pub(crate) async fn switch_on(app: Arc<App>, request: Request) -> Result<Response> {
    door::set_active(&app, id_of(&request)?, true).await?;
    Ok(Response::see_other("../../keys"))
}
