//! Signing in and out: a key becomes a signed cookie.

use std::sync::Arc;

use auth::{Identity, SESSION_LIFETIME};
use ui::{Login, LoginLink};
use web::gate::{COOKIE_PLAIN, COOKIE_TLS, unix_now};
use web::header::{HeaderValue, SET_COOKIE};
use web::{Error, Policy, Request, Response, ResponseExt, Result, Routes, StatusCode};

use crate::common::{Common, page};

/// Longest way back that is believed, in bytes.
const MAX_NEXT_BYTES: usize = 1000;

pub(crate) fn routes<S: Send + Sync + 'static>(common: &Arc<Common>) -> Routes<S> {
    let (c1, c2, c3, c4, c5) = (
        common.clone(),
        common.clone(),
        common.clone(),
        common.clone(),
        common.clone(),
    );
    Routes::new()
        .with(Policy::public())
        .get("/login", move |_, request| show(c1.clone(), request))
        .get("/login/link", move |_, request| show_link(c2.clone(), request))
        .with(Policy::form())
        .post("/login", move |_, request| submit(c3.clone(), request))
        .post("/login/link", move |_, request| submit_link(c4.clone(), request))
        .post("/logout", move |_, request| leave(c5.clone(), request))
}

/// `GET /login`
async fn show(common: Arc<Common>, request: Request) -> Result<Response> {
    let next = safe_next(request.query().get("next"));
    if request.identity().is_some() {
        return Ok(Response::see_other(&way_on(&request, &next)));
    }
    Ok(form(&common, &request, next, None))
}

/// `POST /login`: 303 with the cookie, or the form again.
async fn submit(common: Arc<Common>, mut request: Request) -> Result<Response> {
    let (gate, now) = (&common.gate, common.gate.uptime());
    if let Some(wait) = gate.attempts.is_blocked(request.client(), now) {
        return Err(Error::too_many(wait));
    }
    let input = request.form().await?;
    let next = safe_next(input.get("next"));
    match gate.keys.authenticate(input.raw("key").unwrap_or("").trim()) {
        Some(identity) => Ok(signed_in(&common, &request, &identity, &next)),
        None => {
            gate.attempts.record_failure(request.client(), now);
            tracing::warn!(client = %request.client(), "sign-in with a wrong key");
            Ok(form(&common, &request, next, Some("That is not a valid key.")))
        }
    }
}

/// `GET /login/link?token=…`: a button, so that a mail scanner's visit does not use the token up.
async fn show_link(common: Arc<Common>, request: Request) -> Result<Response> {
    let token = request.query().get("token").unwrap_or("").to_owned();
    let next = safe_next(request.query().get("next"));
    Ok(link_form(&common, &request, token, next, None))
}

/// `POST /login/link`
async fn submit_link(common: Arc<Common>, mut request: Request) -> Result<Response> {
    let (gate, now) = (&common.gate, common.gate.uptime());
    if let Some(wait) = gate.attempts.is_blocked(request.client(), now) {
        return Err(Error::too_many(wait));
    }
    let input = request.form().await?;
    let (token, next) = (
        input.get("token").unwrap_or("").to_owned(),
        safe_next(input.get("next")),
    );
    match gate.sessions.redeem_login_link(&token, unix_now(), &gate.keys) {
        Some(identity) => Ok(signed_in(&common, &request, &identity, &next)),
        None => {
            gate.attempts.record_failure(request.client(), now);
            let error = "This link was used already or is older than an hour. Sign in with a key instead.";
            Ok(link_form(&common, &request, token, next, Some(error)))
        }
    }
}

/// `POST /logout`
async fn leave(common: Arc<Common>, request: Request) -> Result<Response> {
    let cookies =
        [COOKIE_TLS, COOKIE_PLAIN].map(|name| (name, request.cookie(name).unwrap_or("").to_owned()));
    let mut response = Response::see_other(&format!("{}login", request.root()));
    for (name, value) in cookies {
        common.gate.sessions.revoke(&value, unix_now());
        let secure = if name == COOKIE_TLS { "; Secure" } else { "" };
        let gone = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
        response
            .headers_mut()
            .append(SET_COOKIE, HeaderValue::try_from(gone).map_err(Error::internal)?);
    }
    Ok(response)
}

fn signed_in(common: &Common, request: &Request, identity: &Identity, next: &str) -> Response {
    let value = common.gate.sessions.issue(identity, unix_now());
    let (name, secure) = if request.is_https() {
        (COOKIE_TLS, "; Secure")
    } else {
        (COOKIE_PLAIN, "")
    };
    // Lax, not Strict: the link of a mail must find the visitor signed in.
    let age = SESSION_LIFETIME.as_secs();
    let cookie = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    let response = Response::see_other(&way_on(request, next));
    match HeaderValue::try_from(cookie) {
        Ok(cookie) => response.with_header(SET_COOKIE, cookie),
        Err(cause) => Response::refusal(&Error::internal(cause)),
    }
}

fn form(common: &Common, request: &Request, next: String, error: Option<&str>) -> Response {
    let is_exposed = !request.is_https() && !request.client().is_loopback();
    let notice =
        "This page came over plain HTTP: everybody on the way can read the key. Put a TLS proxy in front.";
    let template = Login {
        frame: common.frame(request, "Sign in"),
        next,
        error: error.map(str::to_owned),
        notice: is_exposed.then(|| notice.to_owned()),
    };
    page(status_of(error), &template)
}

fn link_form(
    common: &Common,
    request: &Request,
    token: String,
    next: String,
    error: Option<&str>,
) -> Response {
    let frame = common.frame(request, "Sign in");
    page(
        status_of(error),
        &LoginLink {
            frame,
            token,
            next,
            error: error.map(str::to_owned),
        },
    )
}

fn status_of(error: Option<&str>) -> StatusCode {
    error.map_or(StatusCode::OK, |_| StatusCode::UNAUTHORIZED)
}

fn way_on(request: &Request, next: &str) -> String {
    match format!("{}{next}", request.root()) {
        here if here.is_empty() => "./".to_owned(),
        // A relative reference that is only a query would lead back to the login page.
        here if here.starts_with('?') => format!("./{here}"),
        there => there,
    }
}

/// A path below the service's root, or nothing: never another host, scheme or header.
fn safe_next(next: Option<&str>) -> String {
    let next = next.unwrap_or("");
    let path = next.split(['?', '#']).next().unwrap_or("");
    let is_plain = next
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b));
    let stays_below = !path.starts_with('/') && !path.contains(':') && !path.contains("..");
    if is_plain && stays_below && next.len() <= MAX_NEXT_BYTES {
        next.to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_below_the_root() {
        let check = |next: &str, expected: &str| assert_eq!(safe_next(Some(next)), expected, "{next}");
        check("errors/12?occurrence=3", "errors/12?occurrence=3");
        check(
            "?project=shop&since=2026-01-01T00:00:00Z",
            "?project=shop&since=2026-01-01T00:00:00Z",
        );
        check("//evil.example", "");
        check("/absolute", "");
        check("https://evil.example", "");
        check("javascript:alert(1)", "");
        check("..//evil.example", "");
        check("a\r\nSet-Cookie: x=1", "");
        check("\\\\evil.example", "");
        check("ü", "");
    }
}
