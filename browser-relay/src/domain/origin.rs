//! Which pages may call: origins, exact or with one `*`.

/// Most patterns of one list.
pub const MAX_PATTERNS: usize = 32;
/// Longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 256;

/// An origin as browsers send it, or a pattern of such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: all.
    Any,
    /// `https://shop.example.com`
    Exact(String),
    /// `https://*.example.com`: what is before and after the `*`.
    Wild(String, String),
}

impl Pattern {
    /// Reads a pattern; the error is a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            return Err(format!("an origin has 1 to {MAX_PATTERN_BYTES} characters"));
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        if text != "null" && !text.contains("://") {
            return Err(format!(
                "'{text}' is no origin: it must be like https://shop.example.com"
            ));
        }
        match text.split_once('*') {
            None => Ok(Self::Exact(text.to_owned())),
            Some((_, after)) if after.contains('*') => Err(format!("'{text}' has more than one *")),
            Some((before, after)) => Ok(Self::Wild(before.to_owned(), after.to_owned())),
        }
    }

    /// A list of them, with all its bounds.
    pub fn read_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, String> {
        let patterns = texts.into_iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        if patterns.len() > MAX_PATTERNS {
            return Err(format!("there are more than {MAX_PATTERNS} origins"));
        }
        Ok(patterns)
    }

    /// Whether it means this origin. A `*` stands for one or more characters other than `/`, `:` and `@`.
    pub fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => !origin.is_empty(),
            Self::Exact(exact) => exact == origin,
            Self::Wild(before, after) => {
                let middle = origin.strip_prefix(before.as_str());
                let middle = middle.and_then(|rest| rest.strip_suffix(after.as_str()));
                middle.is_some_and(|middle| !middle.is_empty() && !middle.contains(['/', ':', '@']))
            }
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(exact) => f.write_str(exact),
            Self::Wild(before, after) => write!(f, "{before}*{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_part_of_one_host_name_or_port() {
        let check = |pattern: &str, origin: &str, expected: bool| {
            let pattern = Pattern::read(pattern).unwrap();
            assert_eq!(pattern.matches(origin), expected, "{pattern} {origin}");
        };
        check("https://a.example", "https://a.example", true);
        check("https://a.example/", "https://a.example", true);
        check("https://a.example", "https://A.example", false);
        check("https://a.example", "http://a.example", false);
        check("https://*.example.com", "https://a.b.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://.example.com", false);
        check("https://*.example.com", "https://evil.com/x.example.com", false);
        check("https://*.example.com", "https://u@x.example.com", false);
        check("https://*.example.com", "https://x:1.example.com", false);
        check("http://localhost:*", "http://localhost:3000", true);
        check("http://localhost:*", "http://localhost", false);
        check("*", "https://anything:1", true);
        check("null", "null", true);
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in ["", " ", "example.com", "https://*.*.com"] {
            assert!(Pattern::read(bad).is_err(), "{bad}");
        }
        assert!(Pattern::read_all(std::iter::repeat_n("https://a", 33)).is_err());
    }
}
