//! A log file and those that were rotated away from it: `x.log.2.gz`, `x.log.1`, `x.log`, the oldest first.
//! Also logrotate's names with a date, `x.log-20261128`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Most rotated files that are looked at.
const MAX_ROTATED: usize = 1_000;

/// The rotated files of `current`, the oldest first, without it. A `.gz` whose original still stands is left out:
/// it is being written.
pub(super) fn rotated(current: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (current.parent(), current.file_name().and_then(OsStr::to_str)) else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut found: Vec<(Age, bool, PathBuf)> = Vec::new();
    for item in std::fs::read_dir(folder)? {
        let path = item?.path();
        let suffix = path
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|other| other.strip_prefix(name));
        if let Some((age, is_gzip)) = suffix.and_then(age)
            && found.len() < MAX_ROTATED
        {
            found.push((age, is_gzip, path));
        }
    }
    // Plain before gz of the same age, so that the gz is the one left out.
    found.sort();
    found.dedup_by(|next, before| next.0 == before.0);
    Ok(found.into_iter().map(|(_, _, path)| path).collect())
}

/// All files of a log by name, the oldest first, `current` last.
pub(super) fn all(current: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = rotated(current)?;
    names.push(current.to_owned());
    Ok(names)
}

/// Whether a path that a glob gave is one that was rotated away from another.
pub(super) fn is_rotated(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    name.ends_with(".gz")
        || name.char_indices().any(|(at, letter)| {
            at > 0
                && matches!(letter, '.' | '-')
                && age(&name[at..]).is_some()
                && path.with_file_name(&name[..at]).exists()
        })
}

/// How old a rotated file is; a smaller one is older.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Dated(String),
    Numbered(std::cmp::Reverse<u32>),
}

/// Reads what stands after the current file's name: `.1`, `.1.gz`, `-20261128`, `-20261128.gz`.
fn age(suffix: &str) -> Option<(Age, bool)> {
    let plain = suffix.strip_suffix(".gz");
    let (text, is_gzip) = (plain.unwrap_or(suffix), plain.is_some());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(digits) = text.strip_prefix('.')
        && is_number(digits)
    {
        let number = digits.parse().ok()?;
        return Some((Age::Numbered(std::cmp::Reverse(number)), is_gzip));
    }
    let date = text.strip_prefix('-')?;
    (date.len() >= 8
        && is_number(&date[..8])
        && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    .then(|| (Age::Dated(date.to_owned()), is_gzip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_comes_first_and_a_copy_being_compressed_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "a.log",
            "a.log.1",
            "a.log.1.gz",
            "a.log.2.gz",
            "a.log.10.gz",
            "a.log-20261101.gz",
            "a.log-20261102",
            "a.log.x",
            "b.log.1",
            "a.log.1.tmp",
            "a.log2",
        ] {
            std::fs::write(at(name), "").unwrap();
        }
        let names: Vec<String> = rotated(&at("a.log"))
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "a.log-20261101.gz",
                "a.log-20261102",
                "a.log.10.gz",
                "a.log.2.gz",
                "a.log.1"
            ]
        );
        assert!(
            is_rotated(&at("a.log.1")) && is_rotated(&at("a.log-20261102")) && is_rotated(&at("a.log.2.gz"))
        );
        assert!(!is_rotated(&at("a.log")) && !is_rotated(&at("c.log.1")));
    }
}
