//! Which texts may become links, and how a link's query is written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The text itself if it is an `http` or `https` address and nothing else; a `javascript:` address, one with
/// blanks or control characters in it, or a relative one is None and is shown as plain text.
pub fn web(text: &str) -> Option<&str> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let is_web = lower.starts_with("http://") || lower.starts_with("https://");
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_plain && text.len() <= MAX_LINK).then_some(text)
}

/// Browsers take about 2 MB, servers about 8 KB; a longer one is data, not an address.
const MAX_LINK: usize = 8192;

/// `?name=value&…` of the pairs with a value, encoded; empty when there is none.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(value, ENCODED));
    }
    query
}

/// All but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        let check = |text: &str, linked: bool| assert_eq!(web(text).is_some(), linked, "{text:?}");
        check("http://a.example/x?y=1#z", true);
        check("HTTPS://a.example", true);
        check("javascript:alert(1)", false);
        check("java\nscript:alert(1)", false);
        check(" https://a.example", false);
        check("https://a.example/\u{0}", false);
        check("data:text/html,x", false);
        check("//a.example", false);
        check("/x", false);
        check("", false);
        check("häßlich", false);
        check(&format!("http://{}", "a".repeat(9000)), false);
    }

    #[test]
    fn a_query_holds_what_is_set_and_is_encoded() {
        assert_eq!(query([("a", None), ("b", None)]), "");
        assert_eq!(
            query([("a", Some("x y")), ("b", None), ("c", Some("&=ü'\""))]),
            "?a=x%20y&c=%26%3D%C3%BC%27%22"
        );
    }
}
