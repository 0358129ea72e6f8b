//! What a URL asks for: the same words for the API, the tail and the pages.

use ui::Range;
use web::{Error, Query, Result};

use crate::domain::entry::{Level, Stream};
use crate::domain::filter::Filter;
use crate::domain::levels::Levels;
use crate::domain::paging::{Cursor, Order, Paging};
use crate::domain::query;
use crate::domain::time_text;

/// Rows of a page where the URL names no number, and the most (contract §2.2).
pub(crate) const DEFAULT_LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 500;
/// The most where nothing is counted: for a page that loads on and on.
const MAX_UNCOUNTED_LIMIT: usize = 1000;
/// Names of containers read from one URL.
const MAX_CONTAINERS: usize = 100;

/// Which entries. 400 for a time or a range that is none, and for a search that is too large.
pub(crate) fn filter(query: &Query, now_ms: i64) -> Result<Filter> {
    let filter = filter_of_any_size(query, now_ms)?;
    match filter.query.refusal() {
        Some(refusal) => Err(Error::bad_request(format!("'search' is too large: {refusal}"))),
        None => Ok(filter),
    }
}

/// The same for what was taken once, and goes on to count.
pub(crate) fn filter_of_any_size(query: &Query, now_ms: i64) -> Result<Filter> {
    let search = query.get("search").or_else(|| query.get("q")).unwrap_or("");
    let (since_ns, until_ns) = span(query, now_ms)?;
    Ok(Filter {
        query: query::Query::parse(search),
        containers: containers(query),
        levels: query.get("level").map_or(Levels::ALL, levels),
        stream: query.get("stream").map(stream).transpose()?,
        since_ns,
        until_ns,
        newest_id: None,
        after_id: None,
    })
}

/// The names given as `container`; several mean any of them.
pub(crate) fn containers(query: &Query) -> Vec<String> {
    let named = query
        .pairs()
        .filter(|(name, value)| *name == "container" && !value.is_empty());
    let mut names: Vec<String> = named
        .map(|(_, value)| value.to_owned())
        .take(MAX_CONTAINERS)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Which part of them.
pub(crate) fn paging(query: &Query) -> Result<Paging> {
    let is_counted = query.get("count") != Some("false");
    let most = if is_counted {
        MAX_LIMIT
    } else {
        MAX_UNCOUNTED_LIMIT
    };
    let limit = query.number("limit").filter(|limit| *limit > 0);
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| {
        usize::try_from(limit).unwrap_or(most).min(most)
    });
    let offset = query.number("offset").unwrap_or(0);
    Ok(Paging {
        order: order(query)?,
        after: cursor(query)?,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
        limit,
        is_counted,
    })
}

/// Where to go on.
pub(crate) fn cursor(query: &Query) -> Result<Option<Cursor>> {
    let text = query.get("cursor");
    let read =
        |text| Cursor::parse(text).ok_or_else(|| Error::bad_request("'cursor' is none that was given out"));
    text.map(read).transpose()
}

fn order(query: &Query) -> Result<Order> {
    match query.get("order") {
        None | Some("desc") => Ok(Order::NewestFirst),
        Some("asc") => Ok(Order::OldestFirst),
        Some(_) => Err(Error::bad_request("'order' is asc or desc")),
    }
}

/// Contract §2.2: an exact name in its case, or `>=` and a name in any. What is neither finds nothing.
fn levels(text: &str) -> Levels {
    match text.strip_prefix(">=") {
        Some(name) => Level::named(name.trim()).map_or(Levels::NONE, Levels::at_least),
        None => Level::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .map_or(Levels::NONE, Levels::only),
    }
}

fn stream(text: &str) -> Result<Stream> {
    Stream::named(text).ok_or_else(|| Error::bad_request("'stream' is stdout or stderr"))
}

/// The first and the last nanosecond. `since` and `until` as the contract has them, both within; `range`, or `from`
/// and `to`, as all pages have them.
fn span(query: &Query, now_ms: i64) -> Result<(Option<i64>, Option<i64>)> {
    let moment = |name| {
        let read = |text| {
            time_text::parse(text).ok_or_else(|| {
                Error::bad_request(format!("'{name}' is no time such as 2026-11-28T07:00:00Z"))
            })
        };
        query.get(name).map(read).transpose()
    };
    let since = moment("since")?.map(|(first, _)| first);
    let until = moment("until")?.map(|(_, last)| last);
    let range = range(query, now_ms)?;
    let from = range.as_ref().map(|range| range.from_ms.saturating_mul(MS_NS));
    let to = range.filter(|range| !range.is_live());
    let to = to.map(|range| range.to_ms.saturating_mul(MS_NS).saturating_sub(1));
    Ok((since.max(from), earliest(until, to)))
}

const MS_NS: i64 = 1_000_000;

fn earliest(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// `range`, or `from` and `to`, if the URL has any of them.
pub(crate) fn range(query: &Query, now_ms: i64) -> Result<Option<Range>> {
    if RANGE.iter().all(|name| query.get(name).is_none()) {
        return Ok(None);
    }
    let range = Range::read(|name| query.get(name), DEFAULT_RANGE, now_ms);
    range.map(Some).map_err(Error::bad_request)
}

/// The parameters that say a range, as on all pages.
pub(crate) const RANGE: [&str; 3] = ["range", "from", "to"];
/// What completes a range of which only one end is given.
pub(crate) const DEFAULT_RANGE: &str = "1h";

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28T08:00:00Z.
    const NOW_MS: i64 = 1_795_852_800_000;

    fn read(query: &str) -> Filter {
        filter(&Query::parse(query), NOW_MS).unwrap()
    }

    #[test]
    fn a_level_is_an_exact_name_or_a_least_one() {
        let check = |text: &str, expected: Levels| assert_eq!(levels(text), expected, "{text}");
        check("ERROR", Levels::only(Level::Error));
        check("error", Levels::NONE);
        check(">=warn", Levels::at_least(Level::Warning));
        check(">=Fatal", Levels::only(Level::Critical));
        check(">=DEBUG", Levels::ALL);
        check(">=nonsense", Levels::NONE);
        check("", Levels::NONE);
    }

    #[test]
    fn values_are_decoded_and_containers_add_up() {
        let filter = read("container=my%20web&container=db&container=&level=%3E%3DERROR&q=a+b");
        assert_eq!(filter.containers, ["db", "my web"]);
        assert_eq!(filter.levels, Levels::at_least(Level::Error));
        assert_eq!(filter.query.text(), "a b");
    }

    #[test]
    fn a_search_that_is_too_large_is_refused_unless_it_was_taken_once() {
        let large = Query::parse(&format!("search={}", "a".repeat(600)));
        assert!(super::filter(&large, NOW_MS).is_err());
        assert!(super::filter_of_any_size(&large, NOW_MS).is_ok());
    }

    #[test]
    fn since_and_until_are_both_within() {
        let filter = read("since=2026-11-28T07%3A00%3A00Z&until=2026-11-28T07:00:05Z");
        let seven = (NOW_MS - 3_600_000) * MS_NS;
        assert_eq!(filter.since_ns, Some(seven));
        assert_eq!(filter.until_ns, Some(seven + 6_000_000_000 - 1));
        let filter = read("range=1h");
        assert_eq!((filter.since_ns, filter.until_ns), (Some(seven), None));
        let filter = read("from=2026-11-28T07:00:00Z&to=2026-11-28T07:30:00Z");
        assert_eq!(filter.until_ns, Some(seven + 1_800_000_000_000 - 1));
        assert!(super::filter(&Query::parse("since=soon"), NOW_MS).is_err());
        assert!(super::filter(&Query::parse("range=soon"), NOW_MS).is_err());
    }

    #[test]
    fn a_limit_is_as_the_contract_bounds_it() {
        let check = |text: &str, limit: usize| {
            assert_eq!(paging(&Query::parse(text)).unwrap().limit, limit, "{text}")
        };
        check("", 100);
        check("limit=0", 100);
        check("limit=x", 100);
        check("limit=7", 7);
        check("limit=501", 500);
        check("limit=9999&count=false", 1000);
        check("limit=99999999999999999999", 100);
    }
}
