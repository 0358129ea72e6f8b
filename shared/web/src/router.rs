//! The table of a service's URLs: path, method, who may, how much, and the handler.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::{HeaderMap, Method};

use crate::gate::{Access, Budget, Keyless};
use crate::{Request, Response, Result};

/// What the routes that follow share. Begin with [`Policy::public`], [`Policy::key`] or [`Policy::page`].
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub(crate) access: Access,
    pub(crate) keyless: Keyless,
    pub(crate) budget: Budget,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) handler_timeout: Duration,
}

/// Body limit where a policy names none: forms and small JSON.
const DEFAULT_MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest time a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time a handler may take, body included.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

impl Policy {
    fn new(access: Access) -> Self {
        Self {
            access,
            keyless: Keyless::Nobody,
            budget: Budget::Counted,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            body_timeout: BODY_TIMEOUT,
            handler_timeout: HANDLER_TIMEOUT,
        }
    }

    /// No key needed.
    pub fn public() -> Self {
        Self::new(Access::Public)
    }

    /// No key needed, but state changes only from a form of our own origin.
    pub fn form() -> Self {
        Self::new(Access::Form)
    }

    /// A key or a signed-in session with this scope; refusals are JSON.
    pub fn key(scope: auth::Scope) -> Self {
        Self::new(Access::Key(scope))
    }

    /// A page: without a session the visitor is sent to the login page.
    pub fn page(scope: auth::Scope) -> Self {
        Self::new(Access::Page(scope))
    }

    /// Lets these in without a key. Their budget is that of their address.
    pub fn keyless(mut self, keyless: Keyless) -> Self {
        self.keyless = keyless;
        self
    }

    /// Not counted against anybody's budget: health checks and assets.
    pub fn exempt(mut self) -> Self {
        self.budget = Budget::Exempt;
        self
    }

    /// Largest body, on the wire and decoded.
    pub fn body_bytes(mut self, max: usize) -> Self {
        self.max_body_bytes = max;
        self
    }

    /// Longest time for the body to arrive and the handler to answer: uploads take longer than reports.
    pub fn within(mut self, time: Duration) -> Self {
        self.body_timeout = time;
        self.handler_timeout = time;
        self
    }
}

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

/// Adds to an answer what a page of another origin needs to read it: from the app, the request's `Origin` if it has
/// one, and the answer's headers.
pub type CrossOrigin<S> = fn(&S, Option<&HeaderValue>, &mut HeaderMap);

/// What rows have for clients that know one protocol and nothing of ours.
pub struct Dialect<S> {
    /// Asked before the gate, with the caller's address: a budget of the protocol's own. Takes what `Budget` would.
    pub admit: fn(&S, IpAddr) -> Result<()>,
    /// Has the last word on all answers, refusals too.
    pub answer: fn(&S, &Caller, Response) -> Response,
}

impl<S> Clone for Dialect<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Dialect<S> {}

/// Who asked, for [`Dialect::answer`].
#[derive(Debug, Clone)]
pub struct Caller {
    /// Seen through trusted proxies.
    pub address: IpAddr,
    /// Whether it showed a key, right or wrong, or is signed in.
    pub has_credentials: bool,
}

pub(crate) struct Route<S> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    pub(crate) cross_origin: Option<CrossOrigin<S>>,
    pub(crate) dialect: Option<Dialect<S>>,
    pub(crate) handler: Box<dyn Fn(Arc<S>, Request) -> Answer + Send + Sync>,
}

/// One row of the table, for tests that hold documents against it.
#[derive(Debug, Clone, Copy)]
pub struct RouteInfo<'r> {
    /// `GET`, `POST`, …
    pub method: &'r Method,
    /// With parameters as `{name}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
}

/// The table under construction; rows take the policy set before them.
pub struct Routes<S> {
    pub(crate) rows: Vec<Route<S>>,
    policy: Policy,
    cross_origin: Option<CrossOrigin<S>>,
    dialect: Option<Dialect<S>>,
}

impl<S: Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// An empty table; what comes first is public.
    pub fn new() -> Self {
        Self {
            rows: Vec::new(),
            policy: Policy::public(),
            cross_origin: None,
            dialect: None,
        }
    }

    /// Pages of other origins may call the rows that follow: `rule` sees all their answers, refusals too.
    pub fn cross_origin(mut self, rule: CrossOrigin<S>) -> Self {
        self.cross_origin = Some(rule);
        self
    }

    /// The rows that follow speak a protocol of its own.
    pub fn dialect(mut self, dialect: Dialect<S>) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// Sets the policy of the rows that follow.
    pub fn with(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// A row of `GET`; `HEAD` comes with it.
    pub fn get<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        self.row(Method::GET, path, handler)
    }

    /// A row of `POST`.
    pub fn post<H, F>(self, path: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        self.row(Method::POST, path, handler)
    }

    /// A row of any method.
    pub fn row<H, F>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        let handler = Box::new(move |app, request| -> Answer { Box::pin(handler(app, request)) });
        self.rows.push(Route {
            method,
            path,
            policy: self.policy,
            cross_origin: self.cross_origin,
            dialect: self.dialect,
            handler,
        });
        self
    }

    /// Appends another table; its rows keep their policies.
    pub fn and(mut self, other: Routes<S>) -> Self {
        self.rows.extend(other.rows);
        self
    }

    /// The rows, for documents and tests.
    pub fn info(&self) -> impl Iterator<Item = RouteInfo<'_>> {
        self.rows.iter().map(|row| RouteInfo {
            method: &row.method,
            path: row.path,
            access: row.policy.access,
        })
    }
}

/// All methods of one path.
pub(crate) struct Endpoint<S> {
    pub(crate) routes: Vec<(Route<S>, crate::metrics::RouteMetrics)>,
}

impl<S> Endpoint<S> {
    pub(crate) fn find(&self, method: &Method) -> Option<&(Route<S>, crate::metrics::RouteMetrics)> {
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let exact = self.routes.iter().find(|(route, _)| route.method == method);
        exact.or_else(|| self.routes.iter().find(|(route, _)| route.method == wanted))
    }

    /// The rule for callers of other origins, if this path has one.
    pub(crate) fn cross_origin(&self) -> Option<CrossOrigin<S>> {
        self.routes.iter().find_map(|(route, _)| route.cross_origin)
    }

    /// The protocol of this path, if it is not ours.
    pub(crate) fn dialect(&self) -> Option<Dialect<S>> {
        self.routes.iter().find_map(|(route, _)| route.dialect)
    }

    /// For the `Allow` header of a 405.
    pub(crate) fn allow(&self) -> String {
        let mut names: Vec<&str> = self
            .routes
            .iter()
            .map(|(route, _)| route.method.as_str())
            .collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        names.push("OPTIONS");
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}
