//! The page of a URL: its path, by which visits are told apart.

/// Longest page, in bytes.
const MAX_BYTES: usize = 512;

/// Path of a URL without host, query and fragment; `/` if there is none.
pub fn of(url: &str) -> &str {
    let url = url.trim();
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest.find(['/', '?', '#']).map_or("", |start| &rest[start..]),
        None => url,
    };
    let path = rest.split(['?', '#']).next().unwrap_or("");
    let path = &path[..path.floor_char_boundary(MAX_BYTES)];
    if path.is_empty() { "/" } else { path }
}

/// A URL without what may tell who somebody is: query, fragment, user name.
pub fn without_query(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or("");
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_path() {
        let check = |url: &str, expected: &str| assert_eq!(of(url), expected, "{url}");
        check("https://h:1/a/b?c#d", "/a/b");
        check("https://h", "/");
        check("https://h?x=/y", "/");
        check("/a?b", "/a");
        check("", "/");
        assert_eq!(without_query("https://u:p@h/a?b#c"), "https://h/a");
        assert_eq!(without_query("/a?b"), "/a");
    }
}
