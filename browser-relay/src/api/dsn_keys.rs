//! `/api/dsn-keys`: the keys of pages.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use service::unix_ms;
use ui::moment::rfc3339;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::dsn_key::{DsnKey, Limits, MAX_PROJECT_CHARS};
use crate::domain::origin::Pattern;
use crate::domain::refusal::object;
use crate::domain::time_text;
use crate::store::dsn_keys;

/// Most keys: each is in memory.
const MAX_KEYS: i64 = 10_000;

/// A key as lists show it; the first five fields are the contract's.
#[derive(Serialize)]
struct Shown<'a> {
    id: i64,
    public_key: &'a str,
    project: &'a str,
    active: bool,
    created_at: String,
    origins: Vec<String>,
    rate_limit: Option<u32>,
    expires_at: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(key: &'a DsnKey) -> Self {
        Self {
            id: key.id,
            public_key: &key.public_key,
            project: &key.project,
            active: key.is_active,
            created_at: rfc3339(key.created_at),
            origins: key.limits.origins.iter().map(ToString::to_string).collect(),
            rate_limit: key.limits.per_minute,
            expires_at: key.limits.expires_at.map(rfc3339),
        }
    }
}

/// `GET /api/dsn-keys`: all keys, those that are off too.
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Keys<'a> {
        keys: Vec<Shown<'a>>,
    }
    let stored = app.common.read(dsn_keys::all).await?;
    let keys = stored.iter().map(Shown::of).collect();
    Ok(Response::json(StatusCode::OK, &Keys { keys }))
}

/// What a new key is for.
#[derive(Debug, Default, Deserialize)]
struct New {
    #[serde(default)]
    project: serde_json::Value,
    #[serde(flatten)]
    limits: GivenLimits,
}

/// Limits as given; absent ones are left as they are, null ones are lifted.
#[derive(Debug, Default, Deserialize)]
struct GivenLimits {
    #[serde(default)]
    origins: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    rate_limit: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    expires_at: Option<Option<String>>,
    #[serde(default)]
    active: Option<bool>,
}

/// Tells null from absent.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// The same, checked.
struct NewLimits {
    origins: Option<Vec<Pattern>>,
    per_minute: Option<Option<u32>>,
    expires_at: Option<Option<i64>>,
}

impl GivenLimits {
    fn check(self) -> Result<NewLimits> {
        let origins = self.origins.map(|origins| {
            Pattern::read_all(origins.iter().map(String::as_str))
                .map_err(|cause| Error::bad_request(format!("Field 'origins': {cause}")))
        });
        let time = |text: String| {
            time_text::parse(&text).ok_or_else(|| {
                Error::bad_request("Field 'expires_at' must be a time like 2027-01-31T00:00:00Z")
            })
        };
        let expires_at = self.expires_at.map(|given| given.map(time).transpose());
        Ok(NewLimits {
            origins: origins.transpose()?,
            per_minute: self.rate_limit,
            expires_at: expires_at.transpose()?,
        })
    }
}

impl NewLimits {
    fn over(self, old: Limits) -> Limits {
        Limits {
            origins: self.origins.unwrap_or(old.origins),
            per_minute: self.per_minute.unwrap_or(old.per_minute),
            expires_at: self.expires_at.unwrap_or(old.expires_at),
        }
    }
}

async fn read<T: serde::de::DeserializeOwned>(request: &mut Request) -> Result<T> {
    let body = request.bytes().await?;
    let text = object(&body).map_err(|refusal| Error::bad_request(refusal.to_string()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| Error::bad_request("Invalid JSON"))?;
    serde_json::from_value(value).map_err(|cause| Error::bad_request(format!("a field is wrong: {cause}")))
}

/// `POST /api/dsn-keys`: a new key for a project. 201 with the key.
pub(crate) async fn create(app: Arc<App>, mut request: Request) -> Result<Response> {
    let new: New = read(&mut request).await?;
    let project = new.project.as_str();
    let project = project.ok_or_else(|| Error::bad_request("Missing required field: project"))?;
    let limits = new.limits.check()?.over(Limits::default());
    let (id, public_key) = add(&app, project, limits).await?;
    let answer = serde_json::json!({"id": id, "public_key": public_key, "project": project});
    Ok(Response::json(StatusCode::CREATED, &answer))
}

/// Makes a key; its number and the key.
pub(crate) async fn add(app: &Arc<App>, project: &str, limits: Limits) -> Result<(i64, String)> {
    if project.is_empty() || project.chars().count() > MAX_PROJECT_CHARS {
        return Err(Error::bad_request("Field 'project' must be 1-100 characters"));
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(Error::internal)?;
    let public_key = HEXLOWER.encode(&random);
    let (project, key) = (project.to_owned(), public_key.clone());
    let added = app.change_keys(move |tx| {
        if dsn_keys::count(tx)? >= MAX_KEYS {
            return Ok(None);
        }
        dsn_keys::insert(tx, &key, &project, &limits, unix_ms())
    });
    let id = added
        .await?
        .ok_or_else(|| Error::new(StatusCode::CONFLICT, format!("there are {MAX_KEYS} keys already")))?;
    Ok((id, public_key))
}

fn id_of(request: &Request) -> Result<i64> {
    request
        .param("id")
        .parse()
        .map_err(|_| Error::bad_request("Invalid ID"))
}

fn no_such_key() -> Error {
    Error::not_found("DSN key not found")
}

/// `DELETE /api/dsn-keys/{id}`: switches a key off; it stays known.
pub(crate) async fn deactivate(app: Arc<App>, request: Request) -> Result<Response> {
    set_active(&app, id_of(&request)?, false).await?;
    Ok(Response::json_text(
        StatusCode::OK,
        "{\"status\": \"deactivated\"}",
    ))
}

/// Switches a key on or off; it holds at once.
pub(crate) async fn set_active(app: &Arc<App>, id: i64, is_active: bool) -> Result<()> {
    let is_there = app
        .change_keys(move |tx| dsn_keys::set_active(tx, id, is_active))
        .await?;
    is_there.then_some(()).ok_or_else(no_such_key)
}

/// `PATCH /api/dsn-keys/{id}`: other origins, budget or end; or on and off.
pub(crate) async fn change(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = id_of(&request)?;
    let mut given: GivenLimits = read(&mut request).await?;
    let is_active = given.active.take();
    let limits = given.check()?;
    // Read where it is written, so that of two changes at once none is lost.
    let changed = app.change_keys(move |tx| {
        let Some(old) = dsn_keys::find(tx, id)? else {
            return Ok(None);
        };
        dsn_keys::set_limits(tx, id, &limits.over(old.limits))?;
        if let Some(is_active) = is_active {
            dsn_keys::set_active(tx, id, is_active)?;
        }
        dsn_keys::find(tx, id)
    });
    let key = changed.await?.ok_or_else(no_such_key)?;
    Ok(Response::json(StatusCode::OK, &Shown::of(&key)))
}
