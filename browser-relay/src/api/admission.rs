//! Which page is it, may it, how often: asked before a body is read. Beside it what all three doors of browsers do
//! with bodies and refusals.

use std::sync::Arc;

use bytes::Bytes;
use service::unix_ms;
use web::{Error, Request, Result, StatusCode, header};

use crate::app::App;
use crate::domain::privacy::{self, Wish};
use crate::domain::refusal::Refusal;
use crate::domain::traffic::{Kind, Outcome};
use crate::keys::Held;

/// A page that may send.
pub(crate) struct Caller {
    held: Arc<Held>,
    kind: Kind,
    /// What its browser asks for.
    pub(crate) wish: Wish,
}

impl Caller {
    /// Who owns what it sends.
    pub(crate) fn project(&self) -> &str {
        &self.held.key.project
    }

    /// Counts what became of its request.
    pub(crate) fn count(&self, app: &App, outcome: Outcome) {
        app.count(self.project(), self.kind, outcome);
    }

    /// A refusal of what is in the body, counted.
    pub(crate) fn refuse(&self, app: &App, refusal: &Refusal) -> Error {
        self.count(app, Outcome::Malformed);
        Error::bad_request(refusal.to_string())
    }

    /// The body; what is wrong with it is counted.
    pub(crate) async fn body(&self, app: &App, request: &mut Request) -> Result<Bytes> {
        let body = request.bytes().await;
        if let Err(error) = &body {
            let outcome = match error.status {
                StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge,
                _ => Outcome::Malformed,
            };
            self.count(app, outcome);
        }
        body
    }
}

/// Finds the key in `X-Monlight-Key`, or else in `?key=`, and checks page and budgets.
pub(crate) fn admit(app: &App, request: &Request, kind: Kind) -> Result<Caller> {
    let presented = match request.headers().get("x-monlight-key") {
        Some(header) => header.to_str().ok(),
        None => request.query().get("key"),
    };
    let held = presented.and_then(|key| app.keys.find(key, unix_ms()));
    let Some(held) = held else {
        app.count("", kind, Outcome::WrongKey);
        app.keys.spend_wrong(request.client()).map_err(Error::too_many)?;
        return Err(invalid_key());
    };
    let project = &held.key.project;
    if !held.key.allows(request.header(header::ORIGIN)) {
        app.count(project, kind, Outcome::WrongOrigin);
        return Err(Error::forbidden("this DSN key may not be used from this origin"));
    }
    if let Err(retry_after) = app.keys.spend(&held, request.client()) {
        app.count(project, kind, Outcome::TooMany);
        return Err(Error::too_many(retry_after));
    }
    let wish = privacy::wish(
        app.settings.do_not_track,
        request.header("dnt"),
        request.header("sec-gpc"),
    );
    Ok(Caller { held, kind, wish })
}

/// 401 in the contract's words.
pub(crate) fn invalid_key() -> Error {
    Error::new(StatusCode::UNAUTHORIZED, "Invalid DSN key")
}
