//! One request through the floors: route, gate, handler, finish. The order is the point: nobody without a
//! key makes us read a body.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::Identity;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CONTENT_LENGTH, EXPECT, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::sync::{Semaphore, watch};

use crate::compress::Coding;
use crate::finish::Finish;
use crate::gate::{Access, Budget, Gate, Keyless};
use crate::guard::CatchPanic;
use crate::metrics::{HttpMetrics, RouteMetrics};
use crate::request::root_of;
use crate::request_id::RequestIds;
use crate::router::{Caller, CrossOrigin, Dialect, Endpoint, Route, Routes};
use crate::{Error, Query, Request, Response, ResponseExt, Result};

/// Bodies being decompressed at once.
const MAX_DECODERS: usize = 2;
/// A refused request's body is read and thrown away up to here, so that the client gets to read the answer.
const MAX_DRAIN_BYTES: u64 = 2 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Renders an error for a browser, from the path asked for and who is signed in.
pub type ErrorPage = Box<dyn Fn(&Error, &str, Option<&Identity>) -> Response + Send + Sync>;

/// Everything a request can reach.
pub struct Service<S> {
    app: Arc<S>,
    paths: matchit::Router<Endpoint<S>>,
    gate: Arc<Gate>,
    ids: RequestIds,
    metrics: HttpMetrics,
    unrouted: RouteMetrics,
    error_page: ErrorPage,
    decoders: Arc<Semaphore>,
    /// Whether any path has a rule for callers of other origins, or a protocol of its own.
    has_rules: bool,
}

impl<S: Send + Sync + 'static> Service<S> {
    /// Builds the table. Two rows of the same path and method, or paths that clash, are a bug: it panics.
    pub fn new(
        app: Arc<S>,
        routes: Routes<S>,
        gate: Arc<Gate>,
        metrics: HttpMetrics,
        error_page: ErrorPage,
    ) -> Self {
        let has_rules = routes
            .rows
            .iter()
            .any(|row| row.cross_origin.is_some() || row.dialect.is_some());
        let mut endpoints: Vec<(&'static str, Endpoint<S>)> = Vec::new();
        for route in routes.rows {
            let figures = metrics.route(route.method.as_str(), route.path);
            match endpoints.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, endpoint)) => endpoint.routes.push((route, figures)),
                None => endpoints.push((
                    route.path,
                    Endpoint {
                        routes: vec![(route, figures)],
                    },
                )),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, endpoint) in endpoints {
            paths
                .insert(path, endpoint)
                .expect("routes of one service do not clash");
        }
        let unrouted = metrics.route("OTHER", "unrouted");
        let decoders = Arc::new(Semaphore::new(MAX_DECODERS));
        Self {
            app,
            paths,
            gate,
            ids: RequestIds::new(),
            metrics,
            unrouted,
            error_page,
            decoders,
            has_rules,
        }
    }

    pub(crate) fn metrics(&self) -> &HttpMetrics {
        &self.metrics
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Answers one request. `is_closing` is for the handlers whose answers have no end of their own.
    pub(crate) async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: IpAddr,
        is_closing: watch::Receiver<bool>,
    ) -> Response {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let client = self.gate.proxies.client(peer, &parts.headers);
        let is_https = self.gate.proxies.is_https(peer, &parts.headers);
        let request_id = self.ids.assign(parts.headers.get("x-request-id"));
        let finish = Finish {
            request_id: request_id.clone(),
            coding: Coding::accepted(&parts.headers),
            is_https,
        };
        let asked = self.asked(&parts);
        let (cross_origin, dialect) = self.rules(parts.uri.path());
        let origin = cross_origin.and_then(|_| parts.headers.get(ORIGIN).cloned());
        let spoken = dialect.map(|dialect| (dialect, self.caller(&parts, client)));

        let admitted = dialect.map_or(Ok(()), |dialect| (dialect.admit)(&self.app, client));
        let (route, outcome) = match admitted {
            Ok(()) => self.route(parts, body, client, is_https, is_closing).await,
            Err(refusal) => {
                drain(body, &parts).await;
                (self.row(&parts), Err(refusal))
            }
        };
        let figures = route.map_or(&self.unrouted, |(_, figures)| figures);
        let path = route.map_or("unrouted", |(route, _)| route.path);
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) => self.refuse(&error, route.map(|(route, _)| route.policy.access), &asked),
        };
        if let Some((dialect, caller)) = &spoken {
            response = (dialect.answer)(&self.app, caller, response);
        }
        if let Some(rule) = cross_origin {
            rule(&self.app, origin.as_ref(), response.headers_mut());
        }
        finish.apply(&mut response);

        let took = started.elapsed();
        let status = response.status().as_u16();
        self.metrics.record(figures, status, took);
        let id = request_id.to_str().unwrap_or("");
        tracing::debug!(request.id = id, method = %asked.method, route = path, status, duration_us = took.as_micros() as u64);
        response
    }

    /// What goes for all answers of a path.
    fn rules(&self, path: &str) -> (Option<CrossOrigin<S>>, Option<Dialect<S>>) {
        match self.paths.at(path) {
            Ok(found) if self.has_rules => (found.value.cross_origin(), found.value.dialect()),
            _ => (None, None),
        }
    }

    fn caller(&self, parts: &Parts, address: IpAddr) -> Caller {
        let query = parts.uri.query().map(Query::parse).unwrap_or_default();
        Caller {
            address,
            has_credentials: self.gate.has_credentials(&parts.headers, query.get("api_key")),
        }
    }

    fn row(&self, parts: &Parts) -> Option<&(Route<S>, RouteMetrics)> {
        self.paths.at(parts.uri.path()).ok()?.value.find(&parts.method)
    }

    async fn route(
        &self,
        parts: Parts,
        body: Incoming,
        client: IpAddr,
        is_https: bool,
        is_closing: watch::Receiver<bool>,
    ) -> (Option<&(Route<S>, RouteMetrics)>, Result<Response>) {
        let query = parts.uri.query().map(Query::parse).unwrap_or_default();
        let Ok(found) = self.paths.at(parts.uri.path()) else {
            let refusal = self.unrouted(&parts, &query, client);
            drain(body, &parts).await;
            return (None, Err(refusal));
        };
        let Some(row) = found.value.find(&parts.method) else {
            let refusal = not_allowed(found.value, &parts.method);
            drain(body, &parts).await;
            return (None, refusal);
        };
        let params = found.params.iter().map(|(name, value)| {
            let value = percent_decode_str(value).decode_utf8();
            value.map(|value| (name.to_owned(), value.into_owned()))
        });
        let params = match params.collect::<Result<Vec<_>, _>>() {
            Ok(params) => params,
            Err(_) => {
                return (
                    Some(row),
                    Err(Error::bad_request("path is not percent-encoded UTF-8")),
                );
            }
        };
        let policy = row.0.policy;
        let admitted = self.gate.admit(
            &parts,
            &query,
            client,
            policy.access,
            policy.keyless,
            policy.budget,
        );
        let admitted =
            admitted.and_then(|identity| check_length(&parts, policy.max_body_bytes).map(|()| identity));
        let identity = match admitted {
            Ok(identity) => identity,
            Err(refusal) => {
                drain(body, &parts).await;
                return (Some(row), Err(refusal));
            }
        };
        let request = Request {
            parts,
            body: Some(body),
            params,
            query,
            identity,
            client,
            is_https,
            max_body_bytes: policy.max_body_bytes,
            body_timeout: policy.body_timeout,
            decoders: self.decoders.clone(),
            is_closing,
        };
        (Some(row), self.handle(&row.0, request).await)
    }

    async fn handle(&self, route: &Route<S>, request: Request) -> Result<Response> {
        let answer = (route.handler)(self.app.clone(), request);
        match tokio::time::timeout(route.policy.handler_timeout, CatchPanic(answer)).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                self.metrics.panics.inc();
                Err(Error::internal(panic))
            }
            Err(_) => Err(Error::unavailable(
                "Request took too long",
                Duration::from_secs(5),
            )),
        }
    }

    /// No such path. Below `/api/` a caller without a key learns nothing, not even that.
    fn unrouted(&self, parts: &Parts, query: &Query, client: IpAddr) -> Error {
        let access = if parts.uri.path().starts_with("/api/") {
            Access::Key(auth::Scope::Read)
        } else {
            Access::Public
        };
        let admitted = self
            .gate
            .admit(parts, query, client, access, Keyless::Nobody, Budget::Counted);
        admitted.err().unwrap_or_else(|| Error::not_found("Not found"))
    }

    fn asked(&self, parts: &Parts) -> Asked {
        let accept = parts.headers.get(hyper::header::ACCEPT);
        let wants_html = accept
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"));
        Asked {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or("").to_owned(),
            visitor: if wants_html {
                self.gate.session(&parts.headers)
            } else {
                None
            },
            wants_html,
        }
    }

    /// A refusal as the caller can read it: JSON, a page, or the way to the login page.
    fn refuse(&self, error: &Error, access: Option<Access>, asked: &Asked) -> Response {
        if let Some(cause) = &error.cause {
            tracing::error!(
                status = error.status.as_u16(),
                cause,
                path = asked.path,
                "request failed"
            );
        }
        let is_page = matches!(access, Some(Access::Page(_) | Access::Form));
        if is_page && error.status == StatusCode::UNAUTHORIZED {
            return Response::see_other(&asked.login());
        }
        if (is_page || access.is_none()) && asked.wants_html && !asked.path.starts_with("/api/") {
            let page = (self.error_page)(error, &asked.path, asked.visitor.as_ref());
            return page.carry(error);
        }
        Response::refusal(error)
    }
}

trait Carry {
    fn carry(self, error: &Error) -> Self;
}

impl Carry for Response {
    /// Headers of the error on its page.
    fn carry(mut self, error: &Error) -> Self {
        for (name, value) in &error.headers {
            self.headers_mut().append(name, value.clone());
        }
        if let Some(seconds) = error.retry_after_seconds() {
            self.headers_mut()
                .insert(hyper::header::RETRY_AFTER, seconds.into());
        }
        self
    }
}

/// What is kept of a request head for its refusal and its log line.
struct Asked {
    method: Method,
    path: String,
    query: String,
    wants_html: bool,
    /// Looked up for browsers only: they may be shown an error as a page.
    visitor: Option<Identity>,
}

/// Everything that could end a query value or the header.
const NEXT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'/');

impl Asked {
    /// Login page, and where to go from there: the page asked for if it can simply be loaded again. A key in its
    /// query opened nothing, and is not told again.
    fn login(&self) -> String {
        let root = root_of(&self.path);
        let here = self.path.trim_start_matches('/');
        let query = without_key(&self.query);
        if !self.method.is_safe() || (here.is_empty() && query.is_empty()) {
            return format!("{root}login");
        }
        let next = if query.is_empty() {
            here.to_owned()
        } else {
            format!("{here}?{query}")
        };
        format!("{root}login?next={}", utf8_percent_encode(&next, NEXT))
    }
}

/// The query without its `api_key`, however that is written.
fn without_key(query: &str) -> String {
    let is_key = |pair: &&str| percent_decode_str(pair.split('=').next().unwrap_or_default()).eq(*b"api_key");
    let pairs: Vec<&str> = query.split('&').filter(|pair| !is_key(pair)).collect();
    pairs.join("&")
}

fn not_allowed<S>(endpoint: &Endpoint<S>, method: &Method) -> Result<Response> {
    let allow = HeaderValue::try_from(endpoint.allow()).expect("method names are valid header text");
    if method == Method::OPTIONS {
        return Ok(Response::empty(StatusCode::NO_CONTENT).with_header(ALLOW, allow));
    }
    Err(Error::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").with_header(ALLOW, allow))
}

fn check_length(parts: &Parts, max_bytes: usize) -> Result<()> {
    let length = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > max_bytes as u64 => Err(Error::too_large()),
        _ => Ok(()),
    }
}

/// Reads what a refused client is still sending, within bounds; else it may see a reset, not our answer.
async fn drain(mut body: Incoming, parts: &Parts) {
    let is_waiting = parts.headers.contains_key(EXPECT);
    if is_waiting || body.is_end_stream() || body.size_hint().lower() > MAX_DRAIN_BYTES {
        return;
    }
    let read = async {
        let mut left = MAX_DRAIN_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_leads_back_to_where_the_visitor_wanted_to_go() {
        let asked = |method, path: &str, query: &str| {
            Asked {
                method,
                path: path.into(),
                query: query.into(),
                wants_html: true,
                visitor: None,
            }
            .login()
        };
        assert_eq!(asked(Method::GET, "/", ""), "login");
        assert_eq!(
            asked(Method::GET, "/", "q=a b&x=1"),
            "login?next=%3Fq%3Da%20b%26x%3D1"
        );
        assert_eq!(asked(Method::GET, "/errors/12", ""), "../login?next=errors/12");
        assert_eq!(
            asked(Method::GET, "/", "q=a&api_key=mk_x&%61pi_key=mk_x&x=1"),
            "login?next=%3Fq%3Da%26x%3D1"
        );
        assert_eq!(asked(Method::GET, "/", "api_key=mk_x"), "login");
        assert_eq!(asked(Method::POST, "/errors/12/resolve", ""), "../../login");
    }
}
