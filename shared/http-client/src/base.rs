//! Where a server is: `http://host:port/prefix`, read once.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// Scheme, host, port and path prefix of a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Base(Url);

/// Why a text is no such address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BadUrl(String);

impl FromStr for Base {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let bad = |why: String| Err(BadUrl(why));
        let url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(cause) => return bad(format!("no URL: {cause}")),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return bad("the URL must begin with http:// or https://".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return bad("the URL needs a host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return bad("the URL must not carry a user name or password".to_owned());
        }
        Ok(Self(url))
    }
}

impl Base {
    pub(crate) fn host(&self) -> Host<&str> {
        self.0.host().expect("checked when it was parsed")
    }

    /// As a resolver wants it: no brackets.
    pub(crate) fn host_text(&self) -> String {
        match self.host() {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().expect("http and https have one")
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// For the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.0[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Path and query of the URL itself.
    pub fn path_and_query(&self) -> &str {
        &self.0[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// A path below the URL's own: `join("/api/errors")` of `http://h/tracker/` is `/tracker/api/errors`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.path().trim_end_matches('/'))
    }
}

/// Scheme, host and port, for people.
impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.authority())
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_kept_and_what_is_no_server_is_refused() {
        let base: Base = "http://[::1]:8080/tracker/".parse().unwrap();
        assert_eq!(base.join("/api/errors"), "/tracker/api/errors");
        assert_eq!(
            (base.authority(), base.port(), base.is_tls()),
            ("[::1]:8080", 8080, false)
        );
        assert_eq!(base.host_text(), "::1");
        let base: Base = "https://mon.example.com".parse().unwrap();
        assert_eq!(
            (base.join("/x"), base.port(), base.is_tls()),
            ("/x".to_owned(), 443, true)
        );
        assert_eq!(base.to_string(), "https://mon.example.com");
        for bad in ["", "localhost:5010", "ftp://h/", "http://", "http://u:p@h/"] {
            assert!(bad.parse::<Base>().is_err(), "{bad}");
        }
    }
}
