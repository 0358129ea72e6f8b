//! Which of the places a request may carry a key in counts.

/// The scheme of an `Authorization` header with a key, and the space after it.
const BEARER: &str = "bearer ";

/// The key a request presents: `X-API-Key`, else `Authorization: Bearer`, else the query's `api_key`.
///
/// A header that is there decides, even if it is wrong or empty: the query is then not tried.
/// An `Authorization` of another scheme, which a proxy may add, is no key and decides nothing.
/// An empty key in the query is none. The empty key never authenticates.
pub fn presented<'a>(
    x_api_key: Option<&'a str>,
    authorization: Option<&'a str>,
    query_api_key: Option<&'a str>,
) -> Option<&'a str> {
    x_api_key
        .or_else(|| authorization.and_then(bearer))
        .or_else(|| query_api_key.filter(|key| !key.is_empty()))
}

fn bearer(authorization: &str) -> Option<&str> {
    let scheme = authorization.get(..BEARER.len())?;
    scheme
        .eq_ignore_ascii_case(BEARER)
        .then(|| authorization[BEARER.len()..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_wins_over_the_query() {
        let check = |key, authorization, query, expected: Option<&str>| {
            assert_eq!(presented(key, authorization, query), expected);
        };
        check(None, None, None, None);
        check(Some("a"), Some("Bearer b"), Some("c"), Some("a"));
        check(Some(""), Some("Bearer b"), Some("c"), Some(""));
        check(None, Some("Bearer b"), Some("c"), Some("b"));
        check(None, Some("bEARER  b "), None, Some("b"));
        check(None, Some("Bearer "), Some("c"), Some(""));
        check(None, Some("Basic b"), Some("c"), Some("c"));
        check(None, Some("Bearer"), Some("c"), Some("c"));
        check(None, Some("Bearérr"), Some("c"), Some("c"));
        check(None, None, Some("c"), Some("c"));
        check(None, None, Some(""), None);
    }
}
