//! Whether a request with a session cookie comes from one of our own pages: the defence against CSRF, after
//! OWASP's Fetch Metadata with the `Origin` header for browsers that do not send it.

/// Whether the browser says that one of our own pages asks.
///
/// `Sec-Fetch-Site` decides when present: `same-origin` is ours, `none` (typed or bookmarked) only if the method
/// is safe, everything else is foreign. Without it the host and port of `Origin` must equal one of `own_hosts`.
/// With neither, only a safe method passes. `Origin: null` is nobody's.
///
/// Ask this before a change. Showing a page needs no answer: a link in a mail is foreign and welcome.
pub fn same_origin(
    method_is_safe: bool,
    sec_fetch_site: Option<&str>,
    origin: Option<&str>,
    own_hosts: &[&str],
) -> bool {
    match (sec_fetch_site, origin) {
        (Some("same-origin"), _) => true,
        (Some("none"), _) => method_is_safe,
        (Some(_), _) => false,
        (None, Some(origin)) => is_own(origin, own_hosts),
        (None, None) => method_is_safe,
    }
}

fn is_own(origin: &str, own_hosts: &[&str]) -> bool {
    let (host, default_port) = match origin.split_once("://") {
        Some(("http", host)) => (host, ":80"),
        Some(("https", host)) => (host, ":443"),
        Some(_) | None => return false,
    };
    // Browsers leave the default port out, other clients and proxies may not.
    let bare = |host: &str| {
        host.strip_suffix(default_port)
            .unwrap_or(host)
            .to_ascii_lowercase()
    };
    let host = bare(host);
    !host.is_empty() && own_hosts.iter().any(|own| bare(own) == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetch_metadata_decides() {
        let check = |site, is_safe, expected| {
            let own_origin = Some("http://mon:5010");
            assert_eq!(
                same_origin(is_safe, Some(site), own_origin, &["mon:5010"]),
                expected,
                "{site} {is_safe}"
            );
        };
        check("same-origin", false, true);
        check("same-origin", true, true);
        check("none", false, false);
        check("none", true, true);
        for foreign in [
            "cross-site",
            "same-site",
            "",
            "Same-Origin",
            "same-origin, cross-site",
        ] {
            check(foreign, false, false);
            check(foreign, true, false);
        }
    }

    #[test]
    fn without_it_the_origin_must_be_ours() {
        let own_hosts = ["mon.example.com", "localhost:5010", "", "[::1]:5010"];
        let check = |origin, expected| {
            assert_eq!(
                same_origin(false, None, Some(origin), &own_hosts),
                expected,
                "{origin}"
            );
            assert_eq!(
                same_origin(true, None, Some(origin), &own_hosts),
                expected,
                "{origin}"
            );
        };
        check("https://mon.example.com", true);
        check("https://MON.example.com:443", true);
        check("http://localhost:5010", true);
        check("http://[::1]:5010", true);
        for foreign in [
            "null",
            "",
            "http://",
            "https://",
            "mon.example.com",
            "ftp://mon.example.com",
            "https://mon.example.com:80",
            "https://mon.example.com:8443",
            "https://mon.example.com.evil.com",
            "https://evil.com/mon.example.com",
            "https://evil.com@mon.example.com",
            "https://mon.example.com/",
            "https://mon.example.com https://evil.com",
            "http://localhost",
            "http://localhost:5011",
        ] {
            check(foreign, false);
        }
    }

    #[test]
    fn a_change_needs_a_sign_of_origin() {
        assert!(!same_origin(false, None, None, &["mon"]));
        assert!(same_origin(true, None, None, &["mon"]));
        assert!(!same_origin(false, None, Some("http://mon"), &[]));
    }

    proptest::proptest! {
        #[test]
        fn an_origin_of_another_host_is_foreign(host in "[a-z.:@/]{0,20}") {
            proptest::prop_assume!(host != "mon");
            let origin = format!("https://{host}");
            proptest::prop_assert!(!same_origin(false, None, Some(&origin), &["mon"]));
        }
    }
}
