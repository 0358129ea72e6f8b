//! Public keys of pages: write-only, one project each, with limits of their own.

use super::origin::Pattern;

/// Longest project name, in characters: the tracker's limit.
pub const MAX_PROJECT_CHARS: usize = 100;

/// One key, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsnKey {
    /// Its number.
    pub id: i64,
    /// What pages send.
    pub public_key: String,
    /// Who owns what comes with it.
    pub project: String,
    /// False once it was deactivated.
    pub is_active: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// What may be changed of it.
    pub limits: Limits,
}

/// What bounds the use of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Pages that may use it; empty: all.
    pub origins: Vec<Pattern>,
    /// Requests a minute; none: as the settings say.
    pub per_minute: Option<u32>,
    /// Unix milliseconds; none: it never ends.
    pub expires_at: Option<i64>,
}

impl DsnKey {
    /// Whether it is good at `now`.
    pub fn is_usable(&self, now: i64) -> bool {
        self.is_active && self.limits.expires_at.is_none_or(|end| now < end)
    }

    /// Whether a page may use it. A key bound to origins is no use to what tells none.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        let origins = &self.limits.origins;
        origins.is_empty() || origin.is_some_and(|origin| origins.iter().any(|it| it.matches(origin)))
    }
}

/// `project:key` of `DSN_KEYS`; `None` if it is not of this form.
pub fn seed(item: &str) -> Option<(String, String)> {
    let (project, key) = item.split_once(':')?;
    let (project, key) = (project.trim(), key.trim());
    let is_good = !project.is_empty() && !key.is_empty() && project.chars().count() <= MAX_PROJECT_CHARS;
    (is_good && key.len() <= 200).then(|| (project.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_and_may_be_bound_to_pages() {
        let mut key = DsnKey {
            id: 1,
            public_key: "pub".to_owned(),
            project: "shop".to_owned(),
            is_active: true,
            created_at: 0,
            limits: Limits::default(),
        };
        assert!(key.is_usable(5) && key.allows(None) && key.allows(Some("https://any")));
        key.limits = Limits {
            origins: Pattern::read_all(["https://a"]).unwrap(),
            per_minute: None,
            expires_at: Some(5),
        };
        assert!(key.is_usable(4) && !key.is_usable(5));
        assert!(key.allows(Some("https://a")) && !key.allows(Some("https://b")) && !key.allows(None));
    }

    #[test]
    fn seeds_are_split_at_the_first_colon() {
        assert_eq!(
            seed(" my shop : a:b "),
            Some(("my shop".to_owned(), "a:b".to_owned()))
        );
        for bad in ["", "shop", ":key", "shop:", " : "] {
            assert_eq!(seed(bad), None, "{bad}");
        }
    }
}
