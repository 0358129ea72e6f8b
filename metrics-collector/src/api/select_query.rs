//! The parameters that say which metrics are meant, when and how: the same for API and pages.
//! What cannot be read is a 400 that names the parameter.

use service::unix_ms;
use web::{Error, Query, Result};

use crate::domain::kind::Kind;
use crate::domain::matcher::{MAX_MATCHERS, Matcher};
use crate::domain::resolution::{Step, Tier};
use crate::domain::select::{Function, Select, Split};
use crate::domain::timestamp::{self, DAY_MS, HOUR_MS, MINUTE_MS};

/// The contract's period where none is asked for (§3.3).
pub(crate) const DEFAULT_PERIOD: &str = "24h";
/// Longest bucket that is asked for by its length.
const MAX_STEP_MS: i64 = 366 * DAY_MS;
/// Labels that lines may be grouped by.
const MAX_GROUP_BY: usize = 16;

/// A range of time, and the period as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// `24h`; none where `from` says when.
    pub(crate) period: Option<String>,
}

/// Reads all of them.
pub(crate) fn read(query: &Query) -> Result<(Select, Range)> {
    let name = query
        .get("name")
        .ok_or_else(|| Error::bad_request("Missing required parameter: name"))?;
    let range = range(query, unix_ms())?;
    let select = Select {
        kind: kind(query)?,
        project: query.get("project").map(str::to_owned),
        matchers: matchers(query)?,
        split: split(query)?,
        function: function(query)?,
        step: step(query)?,
        ..Select::new(name, range.from_ms, range.to_ms)
    };
    Ok((select, range))
}

/// `period`, or `from` and `to`.
pub(crate) fn range(query: &Query, now_ms: i64) -> Result<Range> {
    let time = |name: &str| {
        let text = query.get(name);
        text.map(|text| {
            timestamp::parse(text).ok_or_else(|| {
                Error::bad_request(format!("{name} must be a time such as 2026-01-31T12:00:00Z"))
            })
        })
        .transpose()
    };
    // The bucket that is running belongs to what is asked.
    let to_ms = time("to")?.unwrap_or(now_ms + 1);
    if let Some(from_ms) = time("from")? {
        if from_ms >= to_ms {
            return Err(Error::bad_request("from must be before to"));
        }
        return Ok(Range {
            from_ms,
            to_ms,
            period: None,
        });
    }
    let period = query.get("period").unwrap_or(DEFAULT_PERIOD);
    let ms = duration_ms(period)
        .ok_or_else(|| Error::bad_request("period must be a number and s, m, h or d, such as 24h"))?;
    Ok(Range {
        from_ms: to_ms - ms,
        to_ms,
        period: Some(period.to_owned()),
    })
}

/// `30s`, `5m`, `24h`, `7d`: from a second to some years.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.as_bytes().last()? {
        b's' => 1000,
        b'm' => MINUTE_MS,
        b'h' => HOUR_MS,
        b'd' => DAY_MS,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let ms = digits.parse::<i64>().ok().filter(|_| is_number)? * unit_ms;
    (1..=3660 * DAY_MS).contains(&ms).then_some(ms)
}

fn kind(query: &Query) -> Result<Option<Kind>> {
    let kind = query.get("type").map(|name| {
        Kind::read(name)
            .ok_or_else(|| Error::bad_request("type must be one of counter, gauge, histogram, cumulative"))
    });
    kind.transpose()
}

/// All `labels` parameters together.
pub(crate) fn matchers(query: &Query) -> Result<Vec<Matcher>> {
    let mut matchers = Vec::new();
    for (_, text) in query.pairs().filter(|(name, _)| *name == "labels") {
        let read =
            Matcher::read_all(text).map_err(|problem| Error::bad_request(format!("labels {problem}")))?;
        matchers.extend(read);
    }
    if matchers.len() > MAX_MATCHERS {
        return Err(Error::bad_request(format!(
            "labels has more than {MAX_MATCHERS} conditions"
        )));
    }
    Ok(matchers)
}

fn split(query: &Query) -> Result<Split> {
    if let Some(keys) = query.get("group_by") {
        let keys: Vec<String> = keys
            .split(',')
            .map(|key| key.trim().to_owned())
            .filter(|key| !key.is_empty())
            .collect();
        if keys.len() > MAX_GROUP_BY {
            return Err(Error::bad_request(format!(
                "group_by names more than {MAX_GROUP_BY} labels"
            )));
        }
        return Ok(Split::By(keys));
    }
    match query.get("series") {
        None | Some("merged") => Ok(Split::Merged),
        Some("all") => Ok(Split::All),
        Some(_) => Err(Error::bad_request("series must be merged or all")),
    }
}

fn function(query: &Query) -> Result<Option<Function>> {
    let function = query.get("function").map(|text| {
        Function::read(text).ok_or_else(|| {
            Error::bad_request(
                "function must be one of avg, sum, min, max, count, last, rate, increase, total, p50 (or any pNN), quantile(0.95), share(2.5)",
            )
        })
    });
    function.transpose()
}

fn step(query: &Query) -> Result<Step> {
    if let Some(text) = query.get("step") {
        let seconds = || {
            text.parse::<i64>()
                .ok()
                .filter(|seconds| (1..=DAY_MS).contains(seconds))
                .map(|s| s * 1000)
        };
        return duration_ms(text)
            .or_else(seconds)
            .filter(|ms| *ms <= MAX_STEP_MS)
            .map(Step::Ms)
            .ok_or_else(|| Error::bad_request("step must be a time such as 10s, 5m or 1h, at most 366d"));
    }
    match query.get("resolution") {
        None | Some("auto") => Ok(Step::Auto),
        Some("minute") => Ok(Step::Of(Tier::Minute)),
        Some("five_minutes") => Ok(Step::Of(Tier::FiveMinutes)),
        Some("hour") => Ok(Step::Of(Tier::Hour)),
        Some("whole") => Ok(Step::Whole),
        Some(_) => Err(Error::bad_request(
            "resolution must be one of auto, minute, five_minutes, hour, whole",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, named: &str| {
            let error = read(&Query::parse(text)).map(drop).unwrap_err();
            assert!(
                error.status == 400 && error.detail.contains(named),
                "{text}: {}",
                error.detail
            );
        };
        check("", "name");
        check("name=", "Missing required parameter: name");
        for (text, named) in [
            ("period=24", "period"),
            ("period=h", "period"),
            ("period=0h", "period"),
            ("from=soon", "from"),
            ("to=x", "to"),
            ("from=2026-01-02&to=2026-01-01", "from"),
            ("step=0", "step"),
            ("step=1w", "step"),
            ("resolution=day", "resolution"),
            ("series=some", "series"),
            ("function=median", "function"),
            ("type=timer", "type"),
            ("labels=a%3D~(", "labels"),
            ("group_by=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "group_by"),
        ] {
            check(&format!("name=m&{text}"), named);
        }
    }

    #[test]
    fn a_range_is_a_period_or_two_times() {
        let range = |text: &str| super::range(&Query::parse(text), 10 * DAY_MS).unwrap();
        assert_eq!(range("").to_ms - range("").from_ms, DAY_MS);
        assert_eq!(range("period=7d").period.as_deref(), Some("7d"));
        let named = range("from=1970-01-02&to=1970-01-03");
        assert_eq!(
            (named.from_ms, named.to_ms, named.period),
            (DAY_MS, 2 * DAY_MS, None)
        );
    }

    #[test]
    fn durations_have_a_unit_and_an_end() {
        for (text, ms) in [
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("7d", Some(7 * DAY_MS)),
            ("9999d", None),
            ("+1h", None),
            ("é", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }
}
