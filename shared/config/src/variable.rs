//! One row of the table of variables, and how its value may be shown.

use std::fmt;
use std::path::PathBuf;

use crate::secret::MASK;

/// Longest value shown in a problem or a table, in characters.
const MAX_SHOWN: usize = 200;

/// One environment variable as this start found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name, e.g. `RETENTION_DAYS`.
    pub name: &'static str,
    /// What holds when it is not set, as one would write it; empty for none.
    pub default: String,
    /// What it is for: one or two sentences for `--help`.
    pub meaning: &'static str,
    /// Whether its value must never be shown.
    pub is_secret: bool,
    /// The value in force, fit for showing (secrets and passwords in URLs masked); `None` if there is none.
    pub value: Option<String>,
    /// Where that value came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Not set.
    Default,
    /// The variable itself.
    Environment,
    /// The file named by `NAME_FILE`.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Environment => f.write_str("environment"),
            Origin::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// A value on one line, of bounded length, without the password of a URL in it.
pub(crate) fn shown(value: &str) -> String {
    let masked = mask_credentials(value);
    let mut line: String = masked
        .chars()
        .take(MAX_SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if masked.chars().nth(MAX_SHOWN).is_some() {
        line.push('…');
    }
    line
}

/// `http://user:password@host` becomes `http://***@host`, everywhere in the text.
fn mask_credentials(value: &str) -> String {
    let mut masked = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let authority_end = after.find(['/', '?', '#', ',', ' ']).unwrap_or(after.len());
        rest = match after[..authority_end].rfind('@') {
            Some(at) => {
                masked.push_str(MASK);
                &after[at..]
            }
            None => after,
        };
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_value_is_one_short_line_without_passwords() {
        let check = |value: &str, expected: &str| assert_eq!(shown(value), expected, "{value}");
        check("http://localhost:5010", "http://localhost:5010");
        check("http://ann:s3cret@host/path", "http://***@host/path");
        check("smtp://a:b@c@host,http://d:e@f", "smtp://***@host,http://***@f");
        check("http://host/a@b", "http://host/a@b");
        check("://", "://");
        check("two\nlines", "two\u{fffd}lines");
        assert_eq!(shown(&"é".repeat(300)).chars().count(), MAX_SHOWN + 1);
    }
}
