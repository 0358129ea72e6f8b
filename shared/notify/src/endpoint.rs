//! A URL that may be sent to: parsed once, as browsers parse it, and never shown beyond its host.
//!
//! For Slack, Discord, Teams and ntfy the path is the password, so neither `Debug` nor any message has it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, ParseError, Url};

use crate::bad_setting::BadSetting;

/// Longest URL taken, in bytes: what browsers and proxies agree on.
const MAX_BYTES: usize = 2048;
const NO_SCHEME: &str = "the URL must begin with http:// or https://";
const NO_HOST: &str = "the URL needs a host, and a port other than 0";

/// An http or https URL with a host, without user name, password and fragment.
///
/// Odd spellings of an address (`http://2130706433/`, `http://0x7f.1/`, `http://１２７.1./`) are read here, by the
/// rules of the URL standard, so that whoever checks the host sees the address that is meant.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl FromStr for Endpoint {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Endpoint, BadSetting> {
        if text.len() > MAX_BYTES {
            return Err(BadSetting::new(format!(
                "the URL is longer than {MAX_BYTES} bytes"
            )));
        }
        let mut url = Url::parse(text).map_err(|cause| BadSetting::new(words(cause)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadSetting::new(NO_SCHEME));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadSetting::new("the URL must not carry a user name or password"));
        }
        if url.port() == Some(0) || url.host_str().is_none_or(str::is_empty) {
            return Err(BadSetting::new(NO_HOST));
        }
        url.set_fragment(None);
        Ok(Endpoint(url))
    }
}

/// Why it is no URL, for people.
fn words(cause: ParseError) -> &'static str {
    match cause {
        ParseError::RelativeUrlWithoutBase => NO_SCHEME,
        ParseError::EmptyHost => NO_HOST,
        ParseError::InvalidPort => "the URL's port must be a number from 1 to 65535",
        ParseError::IdnaError
        | ParseError::InvalidDomainCharacter
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address => "the URL's host is neither a name nor an address",
        _ => "this is no URL",
    }
}

impl Endpoint {
    /// Name or address, without brackets, port and trailing dot: what may be shown.
    pub fn host(&self) -> String {
        match self.url_host() {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    pub(crate) fn url_host(&self) -> Host<&str> {
        self.0.host().expect("checked when it was parsed")
    }

    /// The host, where it is an address and no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.url_host() {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().expect("http and https have one")
    }

    /// For the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.0[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// For the request line.
    pub(crate) fn path_and_query(&self) -> &str {
        &self.0[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// The same with a query parameter added.
    pub(crate) fn with_query(&self, name: &str, value: &str) -> Endpoint {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Endpoint(url)
    }

    /// The same with segments added to its path.
    pub(crate) fn with_path(&self, segment: &str) -> Endpoint {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(segment);
        }
        Endpoint(url)
    }

    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.0.query_pairs().any(|(key, _)| key == name)
    }

    /// The parts that may be passwords: path segments and query values.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let segments = self.0.path_segments().into_iter().flatten().map(str::to_owned);
        let values = self.0.query_pairs().map(|(_, value)| value.into_owned());
        segments.chain(values).collect()
    }

    /// The host that this URL's redirect leads to.
    pub(crate) fn redirect_host(&self, location: &str) -> Option<String> {
        Some(self.0.join(location).ok()?.host_str()?.to_owned())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        url.parse::<Endpoint>().unwrap_err().to_string()
    }

    #[test]
    fn only_web_urls_without_credentials_are_taken() {
        let scheme = "the URL must begin with http:// or https://";
        for url in [
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://a/",
            "data:,x",
            "unix:/x",
        ] {
            assert_eq!(refusal(url), scheme);
        }
        let credentials = "the URL must not carry a user name or password";
        for url in [
            "http://user@example.com/",
            "https://:pw@example.com",
            "http://a:b@127.0.0.1",
        ] {
            assert_eq!(refusal(url), credentials);
        }
        assert_eq!(refusal("example.com/hook"), scheme);
        assert_eq!(
            refusal("http://"),
            "the URL needs a host, and a port other than 0"
        );
        for (url, part) in [
            ("http://a:99999/", "port"),
            ("http://a b/", "host"),
            ("http://256.1.1.1/", "host"),
            ("http://[::1/", "host"),
        ] {
            assert!(
                refusal(url).starts_with(&format!("the URL's {part} ")),
                "{url}: {}",
                refusal(url)
            );
        }
        assert_eq!(
            refusal("http://a:0/"),
            "the URL needs a host, and a port other than 0"
        );
        assert!(refusal(&format!("http://a/{}", "b".repeat(2048))).contains("2048"));
    }

    #[test]
    fn odd_spellings_are_read_as_the_address_they_mean() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://0x7f000001",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
            "http://%31%32%37.1/",
            "http:\\\\127.0.0.1\\",
        ] {
            assert_eq!(url.parse::<Endpoint>().unwrap().host(), "127.0.0.1", "{url}");
        }
        let host = |url: &str| url.parse::<Endpoint>().unwrap().host();
        assert_eq!(host("http://LOCALHOST.:8080/x"), "localhost");
        assert_eq!(host("http://[::ffff:127.0.0.1]/"), "::ffff:127.0.0.1");
    }

    #[test]
    fn the_parts_of_a_request_line() {
        let endpoint: Endpoint = "HTTPS://Example.com:8443/a b?c=d#e".parse().unwrap();
        assert_eq!(endpoint.authority(), "example.com:8443");
        assert_eq!(endpoint.path_and_query(), "/a%20b?c=d");
        assert_eq!((endpoint.port(), endpoint.is_tls()), (8443, true));
        let plain: Endpoint = "http://example.com".parse().unwrap();
        assert_eq!((plain.port(), plain.path_and_query()), (80, "/"));
        assert_eq!(plain.with_path("email").path_and_query(), "/email");
        assert_eq!(
            endpoint.with_query("wait", "true").path_and_query(),
            "/a%20b?c=d&wait=true"
        );
    }

    #[test]
    fn debug_shows_no_path() {
        let endpoint: Endpoint = "https://hooks.slack.com/services/T0/B0/secret?x=y"
            .parse()
            .unwrap();
        assert_eq!(format!("{endpoint:?}"), "https://hooks.slack.com/…");
    }
}
