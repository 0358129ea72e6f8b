//! The order of a project's releases: by version where both have one, else by which was seen first.
//!
//! Versions are read leniently, since people write them so. Dates and commit hashes are none: nothing in a hash says
//! which of two is the later one, but the order in which they came does.

use semver::Prerelease;

/// A number that stands alone and is larger is a date or a build's number.
const MAX_LONE_NUMBER: u64 = 9999;
/// Numbers of a version: .NET and Windows write four.
const N_NUMBERS: usize = 4;

/// A release as a project reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// As the client wrote it: `shop@1.2.3+build`, `v1.2`, `3f2a9c1`, …
    pub version: &'a str,
    /// Place in the order of first sight; larger is later.
    pub rank: i64,
}

/// Whether `a` is newer than `b`. Two builds of the same version are equally new.
///
/// Among versions of one package this is an order, and so it is among releases that are no versions. Across them it
/// may go in a circle: 1.1, then a hash, then 1.0 were seen, and still 1.1 is newer than 1.0.
pub fn is_newer(a: &Seen<'_>, b: &Seen<'_>) -> bool {
    match (Version::read(a.version), Version::read(b.version)) {
        (Some(this), Some(other)) if this.package == other.package => this > other,
        _ => a.rank > b.rank,
    }
}

/// The newest one: whoever was seen last says what is compared, its package's versions or just the order of first
/// sight. So the answer does not depend on the order in which they are given, circle or not.
pub fn newest<'a>(all: impl IntoIterator<Item = Seen<'a>>) -> Option<Seen<'a>> {
    let all: Vec<_> = all.into_iter().collect();
    let last = all.iter().copied().max_by_key(|seen| seen.rank)?;
    let Some(latest) = Version::read(last.version) else {
        return Some(last);
    };
    let versions = all
        .into_iter()
        .filter_map(|seen| Some((Version::read(seen.version)?, seen)));
    versions
        .filter(|(version, _)| version.package == latest.package)
        .max_by(|(a, seen_a), (b, seen_b)| a.cmp(b).then(seen_a.rank.cmp(&seen_b.rank)))
        .map(|(_, seen)| seen)
}

/// What counts of a version; its build metadata does not. The order of the fields is that of their weight.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version<'a> {
    package: Option<&'a str>,
    numbers: [u64; N_NUMBERS],
    /// Empty for the release itself, which is newer than all its pre-releases.
    pre: Prerelease,
    /// Commits since, as `git describe` counts them: `1.2.3-14-g3f2a9c1`.
    n_commits: u64,
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        // A scoped package of npm has an @ of its own: `@shop/web@1.2.3`.
        let (package, text) = match text.rsplit_once('@') {
            Some((package, text)) => (Some(package), text),
            None => (None, text),
        };
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split('+').next().unwrap_or_default();
        let (text, n_commits) = match described(text) {
            Some((tag, n_commits)) => (tag, n_commits),
            None => (text, 0),
        };
        let (core, pre) = match text.split_once('-') {
            Some((core, pre)) => (core, Prerelease::new(pre).ok().filter(|pre| !pre.is_empty())?),
            None => (text, Prerelease::EMPTY),
        };
        let (numbers, n_numbers) = numbers(core)?;
        let is_lone = n_numbers == 1 && (numbers[0] > MAX_LONE_NUMBER || !pre.is_empty());
        let is_day_first = n_numbers == 3
            && (1..=31).contains(&numbers[0])
            && (1..=12).contains(&numbers[1])
            && (1990..=2100).contains(&numbers[2]);
        (!is_lone && !is_day_first).then_some(Self {
            package,
            numbers,
            pre,
            n_commits,
        })
    }
}

/// One to four numbers with dots between them, and how many there are.
fn numbers(core: &str) -> Option<([u64; N_NUMBERS], usize)> {
    let mut numbers = [0; N_NUMBERS];
    let mut n_numbers = 0;
    for part in core.split('.') {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *numbers.get_mut(n_numbers)? = part.parse().ok().filter(|_| is_number)?;
        n_numbers += 1;
    }
    Some((numbers, n_numbers))
}

/// Tag and commits since, if `git describe` wrote it. To semver this would be a pre-release of what it comes after.
fn described(text: &str) -> Option<(&str, u64)> {
    let (rest, hash) = text.rsplit_once("-g")?;
    let (tag, n_commits) = rest.rsplit_once('-')?;
    let is_hash = hash.len() >= 4 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = n_commits.bytes().all(|byte| byte.is_ascii_digit());
    Some((tag, n_commits.parse().ok().filter(|_| is_hash && is_number)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(version: &str, rank: i64) -> Seen<'_> {
        Seen { version, rank }
    }

    /// `newer` was seen first, so only its version can make it the newer one.
    fn check(newer: &str, older: &str) {
        assert!(
            is_newer(&seen(newer, 1), &seen(older, 2)),
            "{newer} newer than {older}"
        );
        assert!(
            !is_newer(&seen(older, 2), &seen(newer, 1)),
            "{older} older than {newer}"
        );
    }

    fn check_by_rank(a: &str, b: &str) {
        for (first, second) in [(a, b), (b, a)] {
            assert!(
                is_newer(&seen(second, 2), &seen(first, 1)),
                "{first}, then {second}"
            );
            assert!(
                !is_newer(&seen(first, 1), &seen(second, 2)),
                "{first}, then {second}"
            );
        }
    }

    #[test]
    fn versions_count_before_the_order_of_first_sight() {
        check("1.10.0", "1.9.3");
        check("2.0.0", "2.0.0-rc.1");
        check("2.0.0-rc.11", "2.0.0-rc.2");
        check("2.0.0-rc.1", "2.0.0-beta.9");
        check("v1.3", "1.2.9");
        check("2", "V1.9");
        check("1.2.3.10", "1.2.3.9");
        check("1.2.3.1", "1.2.3");
        check("1.3-beta", "1.2");
        check("shop@1.2.4+77", "shop@1.2.3+99");
        check("@shop/web@1.10.0", "@shop/web@1.9.0");
        check("2026.10.1", "2026.09.30");
        check(" 1.2.1 ", "1.2.0");
    }

    #[test]
    fn commits_after_a_tag_are_newer_than_the_tag() {
        check("v1.2.3-14-g3f2a9c1", "v1.2.3");
        check("1.2.3-14-g3f2a9c1", "1.2.3-9-gaaaaaaa");
        check("1.2.4", "1.2.3-14-g3f2a9c1");
        check("1.2.3-rc.1-2-g3f2a9c1", "1.2.3-rc.1");
        check("1.2.3", "1.2.3-rc.1-2-g3f2a9c1");
    }

    #[test]
    fn what_is_no_version_goes_by_first_sight() {
        check_by_rank("20260131", "20260201");
        check_by_rank("2026-01-31", "2026-02-01");
        check_by_rank("31.01.2026", "01.02.2026");
        check_by_rank("3f2a9c1", "1.0.0");
        check_by_rank("1234567", "7654321");
        check_by_rank("10000", "9999");
        check_by_rank("shop@1.0.0", "api@2.0.0");
        check_by_rank("shop@1.0.0", "2.0.0");
        check_by_rank("", "1.0.0");
        check_by_rank("1..2", "1.0");
        check_by_rank("1.2.3.4.5", "1.0");
        check_by_rank("1.2.x", "latest");
        check_by_rank("99999999999999999999.0.0", "1.0.0");
        check_by_rank("1.0-", "1.1");
    }

    #[test]
    fn builds_of_one_version_are_equally_new() {
        for (a, b) in [("1.2.3+a", "1.2.3+b"), ("v1.2", "1.2.0"), ("1", "1.0.0.0")] {
            assert!(!is_newer(&seen(a, 1), &seen(b, 2)), "{a} {b}");
            assert!(!is_newer(&seen(b, 2), &seen(a, 1)), "{a} {b}");
        }
    }

    #[test]
    fn the_newest_is_written_like_the_one_seen_last() {
        let newest_of = |versions: &[&'static str]| {
            let all = versions.iter().zip(1..);
            newest(all.map(|(version, rank)| seen(version, rank))).map(|seen| seen.version)
        };
        assert_eq!(newest_of(&[]), None);
        // A fix of an old line does not make it the newest.
        assert_eq!(newest_of(&["1.9.0", "2.0.0", "1.9.1"]), Some("2.0.0"));
        assert_eq!(newest_of(&["2.0.0", "3f2a9c1"]), Some("3f2a9c1"));
        assert_eq!(newest_of(&["1.1", "3f2a9c1", "1.0"]), Some("1.1"));
        assert_eq!(newest_of(&["api@9.0.0", "shop@1.0.0"]), Some("shop@1.0.0"));
        assert_eq!(newest_of(&["1.0+a", "1.0+b"]), Some("1.0+b"));
    }

    fn version() -> impl Strategy<Value = String> {
        prop_oneof![
            "(shop@)?v?[0-3](\\.[0-3]){0,4}(-(rc|beta)\\.[0-3])?(\\+[ab])?",
            "[0-9a-f]{7}",
            "202601[0-3][0-9]",
            ".*",
        ]
    }

    fn order(all: &[String]) -> impl Iterator<Item = Seen<'_>> + Clone {
        all.iter()
            .map(String::as_str)
            .zip(0..)
            .map(|(version, rank)| seen(version, rank))
    }

    proptest! {
        #[test]
        fn nothing_is_newer_than_itself_nor_two_than_each_other(a in version(), b in version(), ranks: (i64, i64)) {
            let (a, b) = (seen(&a, ranks.0), seen(&b, ranks.1));
            prop_assert!(!is_newer(&a, &a));
            prop_assert!(!(is_newer(&a, &b) && is_newer(&b, &a)));
        }

        #[test]
        fn the_newest_does_not_depend_on_the_order_given(all in prop::collection::vec(version(), 0..8)) {
            let forwards = newest(order(&all));
            let backwards: Vec<_> = order(&all).collect();
            prop_assert_eq!(forwards, newest(backwards.into_iter().rev()));
        }

        #[test]
        fn no_version_of_a_package_is_newer_than_the_newest(
            all in prop::collection::vec("[0-3](\\.[0-3]){1,3}(-(rc|beta)\\.[0-3])?", 1..8),
        ) {
            let best = newest(order(&all)).unwrap();
            prop_assert!(order(&all).all(|other| !is_newer(&other, &best)));
        }
    }
}
