//! Who is it, may they, how often: asked before a body is read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use auth::{Attempts, Identity, Keys, Scope, Sessions, Via};
use hyper::http::request::Parts;
use hyper::{HeaderMap, header};
use rate_limit::{Client, Decision, Limiter};

use crate::address::TrustedProxies;
use crate::request::cookie;
use crate::{Error, Query, Result};

/// Cookie of a page session over TLS: the prefix makes browsers refuse it from other paths, hosts or plain HTTP.
pub const COOKIE_TLS: &str = "__Host-monlight";
/// Cookie of a page session over plain HTTP (loopback, a private network).
pub const COOKIE_PLAIN: &str = "monlight";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Public,
    /// Everyone, but only from a form of our own origin.
    Form,
    /// A key or session with this scope.
    Key(Scope),
    /// The same, for a browser: no session leads to the login page.
    Page(Scope),
}

/// Whether a request spends a client's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// It does.
    Counted,
    /// It never does, and is never refused for it.
    Exempt,
}

/// Who may use a route without a key although others need one: a client that has no way to send one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyless {
    /// Nobody.
    Nobody,
    /// Programs on this machine: no browser, and nothing that a proxy passed on.
    Local,
    /// Everyone. A key that is shown must still be right.
    Anyone,
}

/// The gate's parts; made by `service` from the settings.
pub struct Gate {
    /// API keys.
    pub keys: Arc<Keys>,
    /// Page sessions.
    pub sessions: Arc<Sessions>,
    /// Wrong tries per address.
    pub attempts: Attempts,
    /// Budget of holders of a key.
    pub keyed: Limiter,
    /// Budget of callers without one, per address.
    pub anonymous: Limiter,
    /// Whose `X-Forwarded-*` count.
    pub proxies: TrustedProxies,
    /// `host[:port]` of `BASE_URL`: besides `Host`, an origin that is ours.
    pub own_host: Option<String>,
    /// Where the clock of limits starts.
    pub started: Instant,
}

impl Gate {
    /// Time since start: the clock of budgets.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Finds the caller and checks scope, origin and budget.
    pub(crate) fn admit(
        &self,
        parts: &Parts,
        query: &Query,
        client: IpAddr,
        access: Access,
        keyless: Keyless,
        budget: Budget,
    ) -> Result<Option<Identity>> {
        let scope = match access {
            Access::Public | Access::Form => {
                self.spend(Client::Address(client), budget)?;
                if access == Access::Form && !self.is_same_origin(parts) {
                    return Err(cross_site());
                }
                return Ok(self.session(&parts.headers));
            }
            Access::Key(scope) | Access::Page(scope) => scope,
        };
        let query_key = query.get("api_key").filter(|_| matches!(access, Access::Key(_)));
        if keyless.lets_in(&parts.headers, client) && !self.has_credentials(&parts.headers, query_key) {
            self.spend(Client::Address(client), budget)?;
            return Ok(None);
        }
        let identity = self.identify(&parts.headers, query_key, client, budget)?;
        self.spend(Client::Key(identity.id), budget)?;
        if identity.via == Via::Session && !parts.method.is_safe() && !self.is_same_origin(parts) {
            return Err(cross_site());
        }
        if !identity.scopes.allow(scope) {
            return Err(Error::forbidden(format!(
                "this key lacks the scope '{}'",
                scope.name()
            )));
        }
        Ok(Some(identity))
    }

    /// Whether the caller shows a key, right or wrong, or is signed in.
    pub(crate) fn has_credentials(&self, headers: &HeaderMap, query_key: Option<&str>) -> bool {
        presented(headers, query_key).is_some() || self.session(headers).is_some()
    }

    fn identify(
        &self,
        headers: &HeaderMap,
        query_key: Option<&str>,
        client: IpAddr,
        budget: Budget,
    ) -> Result<Identity> {
        let Some(presented) = presented(headers, query_key) else {
            if let Some(identity) = self.session(headers) {
                return Ok(identity);
            }
            self.spend(Client::Address(client), budget)?;
            return Err(Error::unauthorized());
        };
        if let Some(identity) = self.keys.authenticate(presented) {
            return Ok(identity);
        }
        // A right key always passes, so one misconfigured app cannot lock out its neighbours on the same
        // address; wrong ones are slowed down.
        self.spend(Client::Address(client), budget)?;
        let wait = self.attempts.is_blocked(client, self.uptime());
        self.attempts.record_failure(client, self.uptime());
        Err(wait.map_or_else(Error::unauthorized, Error::too_many))
    }

    /// The signed-in visitor, if the cookie is good.
    pub fn session(&self, headers: &HeaderMap) -> Option<Identity> {
        let value = cookie(headers, COOKIE_TLS).or_else(|| cookie(headers, COOKIE_PLAIN))?;
        self.sessions.verify(value, unix_now(), &self.keys)
    }

    fn spend(&self, client: Client, budget: Budget) -> Result<()> {
        if budget == Budget::Exempt {
            return Ok(());
        }
        let limiter = match client {
            Client::Key(_) => &self.keyed,
            Client::Address(_) => &self.anonymous,
        };
        match limiter.check(client, self.uptime()) {
            Decision::Allow { .. } => Ok(()),
            Decision::Refuse { retry_after } => Err(Error::too_many(retry_after)),
        }
    }

    /// Fetch metadata first, `Origin` where a browser sends none (plain HTTP on a private network).
    fn is_same_origin(&self, parts: &Parts) -> bool {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let mut own_hosts = Vec::with_capacity(2);
        own_hosts.extend(text(header::HOST.as_str()));
        own_hosts.extend(self.own_host.as_deref());
        auth::same_origin(
            parts.method.is_safe(),
            text("sec-fetch-site"),
            text("origin"),
            &own_hosts,
        )
    }
}

impl Keyless {
    fn lets_in(self, headers: &HeaderMap, client: IpAddr) -> bool {
        // Browsers name the page's origin with all that changes something; proxies say for whom they ask.
        const NOT_LOCAL: [&str; 5] = ["origin", "sec-fetch-site", "forwarded", "x-forwarded-for", "via"];
        match self {
            Self::Nobody => false,
            Self::Local => client.is_loopback() && !NOT_LOCAL.iter().any(|name| headers.contains_key(*name)),
            Self::Anyone => true,
        }
    }
}

fn presented<'r>(headers: &'r HeaderMap, query_key: Option<&'r str>) -> Option<&'r str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    auth::presented(text("x-api-key"), text("authorization"), query_key)
}

fn cross_site() -> Error {
    Error::forbidden("this form can only be sent from a page of this service")
}

/// Seconds since 1970.
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_a_program_on_this_machine_is_local() {
        let check = |client: &str, header: Option<&'static str>, expected: [bool; 3]| {
            let mut headers = HeaderMap::new();
            if let Some(name) = header {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
            }
            let lets_in = |keyless: Keyless| keyless.lets_in(&headers, client.parse().unwrap());
            let found = [Keyless::Nobody, Keyless::Local, Keyless::Anyone].map(lets_in);
            assert_eq!(found, expected, "{client} {header:?}");
        };
        check("127.0.0.1", None, [false, true, true]);
        check("::1", Some("user-agent"), [false, true, true]);
        check("10.0.0.1", None, [false, false, true]);
        for header in ["origin", "sec-fetch-site", "forwarded", "x-forwarded-for", "via"] {
            check("127.0.0.1", Some(header), [false, false, true]);
        }
    }
}
