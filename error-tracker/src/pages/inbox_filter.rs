//! The filter of the inbox: read from its URL, written back into it, shown as chips.

use ui::{Excerpt, link, moment};

use super::source_view::Source;
use crate::domain::{search_query, time_text};
use crate::store::groups::Sort;

/// The tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    Open,
    Snoozed,
    Resolved,
    All,
}

impl Shown {
    /// The value of `resolved`; the default is left out of the URL.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Shown::Open => None,
            Shown::Snoozed => Some("snoozed"),
            Shown::Resolved => Some("true"),
            Shown::All => Some("all"),
        }
    }
}

/// What the URL asks for. An empty or unknown value is as good as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// `search`: words in type, message or place.
    pub(crate) search: Option<String>,
    /// `project`, exact.
    pub(crate) project: Option<String>,
    /// `environment`, exact.
    pub(crate) environment: Option<String>,
    /// `source`: `server` or `browser`.
    pub(crate) source: Option<Source>,
    /// `resolved`: `true`, `all`; absent is open.
    pub(crate) shown: Shown,
    /// `time`: a number and `s`, `m`, `h` or `d`; only groups seen since then.
    pub(crate) time: Option<String>,
    /// `session_id`: a browser session, from a link on a group's page.
    pub(crate) session_id: Option<String>,
    /// `level`, exact.
    pub(crate) level: Option<String>,
    /// `release`: groups seen in it.
    pub(crate) release: Option<String>,
    /// `new_in`: groups first seen in this release.
    pub(crate) new_in: Option<String>,
    /// `user`: groups that hit this user.
    pub(crate) user: Option<String>,
    /// `tag`: a name, a colon and a value.
    pub(crate) tag: Option<String>,
    /// `at`: a moment, RFC 3339; groups that were there then. From a log line's page.
    pub(crate) at: Option<String>,
    /// `sort`: what comes first.
    pub(crate) sort: Sort,
    /// `offset`: how many groups to skip.
    pub(crate) offset: u64,
}

/// Time before and after `at` in which a group must have been there.
const AROUND_MS: i64 = 30_000;

/// The values of the time select.
pub(super) const TIMES: [(&str, &str); 4] = [
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
];

impl Filter {
    /// From decoded query pairs; the last of a repeated name wins.
    pub(crate) fn read<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in pairs {
            filter.set(name.as_ref(), value.as_ref());
        }
        // `release:1.2` in the search box is as good as the field.
        let (rest, fields) = search_query::split_fields(filter.search.as_deref().unwrap_or_default());
        if !fields.is_empty() {
            filter.search = Some(rest).filter(|rest| !rest.is_empty());
            fields.iter().for_each(|(name, value)| filter.set(name, value));
        }
        filter
    }

    fn set(&mut self, name: &str, value: &str) {
        let text = || Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name {
            "search" => self.search = text(),
            "project" => self.project = text(),
            "environment" => self.environment = text(),
            "session_id" => self.session_id = text(),
            "level" => self.level = text(),
            "release" => self.release = text(),
            "new_in" => self.new_in = text(),
            "user" => self.user = text(),
            "tag" => self.tag = text().filter(|value| value.contains(':')),
            "at" => self.at = text().filter(|value| time_text::parse(value).is_some()),
            "sort" => self.sort = Sort::read(value).unwrap_or_default(),
            "time" => self.time = text().filter(|value| duration_ms(value).is_some()),
            "source" => {
                self.source = [Source::Server, Source::Browser]
                    .into_iter()
                    .find(|it| it.word() == value)
            }
            "resolved" => self.shown = read_shown(value),
            "offset" => self.offset = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// The earliest `last_seen` to show, Unix ms.
    pub(crate) fn since_ms(&self, now_ms: i64) -> Option<i64> {
        let time = self.time.as_deref().and_then(duration_ms);
        let since = time.map(|length_ms| now_ms.saturating_sub(length_ms));
        since.max(self.at_ms().map(|at| at - AROUND_MS))
    }

    /// The latest `first_seen` to show, Unix ms.
    pub(crate) fn until_ms(&self) -> Option<i64> {
        self.at_ms().map(|at| at + AROUND_MS)
    }

    fn at_ms(&self) -> Option<i64> {
        time_text::parse(self.at.as_deref()?)
    }

    /// Whether anything but the tab and the page narrows the list.
    pub(crate) fn is_narrow(&self) -> bool {
        *self
            != Filter {
                shown: self.shown,
                offset: self.offset,
                sort: self.sort,
                ..Filter::default()
            }
    }

    /// The query of this list, `?search=…`; empty for the plain one.
    pub(crate) fn query(&self) -> String {
        let offset = self.offset.to_string();
        link::query([
            ("search", self.search.as_deref()),
            ("project", self.project.as_deref()),
            ("environment", self.environment.as_deref()),
            ("source", self.source.map(Source::word)),
            ("resolved", self.shown.word()),
            ("time", self.time.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("level", self.level.as_deref()),
            ("release", self.release.as_deref()),
            ("new_in", self.new_in.as_deref()),
            ("user", self.user.as_deref()),
            ("tag", self.tag.as_deref()),
            ("at", self.at.as_deref()),
            ("sort", self.sort_word()),
            ("offset", (self.offset > 0).then_some(offset.as_str())),
        ])
    }

    /// The same question to `GET /api/errors`, for the live check: one row, and the total.
    pub(super) fn api_query(&self, now_ms: i64) -> String {
        // Whole seconds: the API's times have no finer part, and `since` compares with them.
        let since = self.since_ms(now_ms).map(moment::rfc3339_seconds);
        link::query([
            ("limit", Some("1")),
            ("search", self.search.as_deref()),
            ("project", self.project.as_deref()),
            ("environment", self.environment.as_deref()),
            ("source", self.source.map(Source::word)),
            ("resolved", self.shown.word().filter(|word| *word != "snoozed")),
            ("state", (self.shown == Shown::Snoozed).then_some("snoozed")),
            ("since", since.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("level", self.level.as_deref()),
            ("release", self.release.as_deref()),
            ("new_in", self.new_in.as_deref()),
            ("user", self.user.as_deref()),
            ("tag", self.tag.as_deref()),
        ])
    }

    /// The default is left out of the URL.
    pub(super) fn sort_word(&self) -> Option<&'static str> {
        (self.sort != Sort::default()).then(|| self.sort.name())
    }

    pub(super) fn on_tab(&self, shown: Shown) -> String {
        Filter {
            shown,
            offset: 0,
            ..self.clone()
        }
        .query()
    }

    pub(super) fn at(&self, offset: u64) -> String {
        Filter {
            offset,
            ..self.clone()
        }
        .query()
    }

    /// What narrows the list and has no field of its own: its words, and the query without it.
    pub(super) fn chips(&self) -> Vec<Chip> {
        let chip = |word: &str, value: &Option<String>, without: Filter| {
            let value = value.as_deref()?;
            Some(Chip {
                text: format!("{word} {}", Excerpt::line(value, 60)),
                word: word.to_owned(),
                query: Filter { offset: 0, ..without }.query(),
            })
        };
        let without = || self.clone();
        let chips = [
            chip(
                "around",
                &self.at,
                Filter {
                    at: None,
                    ..without()
                },
            ),
            chip(
                "session",
                &self.session_id,
                Filter {
                    session_id: None,
                    ..without()
                },
            ),
            chip(
                "release",
                &self.release,
                Filter {
                    release: None,
                    ..without()
                },
            ),
            chip(
                "new in",
                &self.new_in,
                Filter {
                    new_in: None,
                    ..without()
                },
            ),
            chip(
                "user",
                &self.user,
                Filter {
                    user: None,
                    ..without()
                },
            ),
            chip(
                "tag",
                &self.tag,
                Filter {
                    tag: None,
                    ..without()
                },
            ),
        ];
        chips.into_iter().flatten().collect()
    }

    /// The same as fields that are not shown, for the form.
    pub(super) fn hidden_fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("session_id", &self.session_id),
            ("release", &self.release),
            ("new_in", &self.new_in),
            ("user", &self.user),
            ("tag", &self.tag),
            ("at", &self.at),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}

/// Old bookmarks say `1` or `true`.
fn read_shown(value: &str) -> Shown {
    match value {
        "true" | "1" | "resolved" => Shown::Resolved,
        "snoozed" => Shown::Snoozed,
        "all" => Shown::All,
        _ => Shown::Open,
    }
}

/// `24h` in milliseconds; None for anything else than digits and one of `smhd`.
fn duration_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => 86_400_000,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits
        .then(|| digits.parse::<i64>().ok())
        .flatten()?
        .checked_mul(unit_ms)
}

/// Something that narrows the list, and the way to do without.
pub(super) struct Chip {
    pub(super) word: String,
    pub(super) text: String,
    pub(super) query: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_the_way_through_its_url() {
        let check = |pairs: &[(&str, &str)], query: &str| {
            assert_eq!(Filter::read(pairs.iter().copied()).query(), query);
        };
        check(&[], "");
        check(
            &[("search", " a&b "), ("project", "shop")],
            "?search=a%26b&project=shop",
        );
        check(
            &[
                ("project", ""),
                ("source", "x"),
                ("time", "soon"),
                ("offset", "-1"),
                ("resolved", "false"),
            ],
            "",
        );
        check(
            &[("resolved", "1"), ("source", "browser"), ("time", "90m")],
            "?source=browser&resolved=true&time=90m",
        );
        check(
            &[("resolved", "all"), ("offset", "50"), ("offset", "100")],
            "?resolved=all&offset=100",
        );
    }

    #[test]
    fn fields_in_the_search_box_become_filters() {
        let filter = Filter::read([("search", "timeout release:1.2 level:fatal")]);
        assert_eq!(filter.query(), "?search=timeout&level=fatal&release=1.2");
    }

    #[test]
    fn a_time_range_is_a_number_and_a_unit() {
        let check = |text: &str, ms: Option<i64>| assert_eq!(duration_ms(text), ms, "{text}");
        check("1h", Some(3_600_000));
        check("30d", Some(2_592_000_000));
        check("", None);
        check("h", None);
        check("-1h", None);
        check("+1h", None);
        check("1 h", None);
        check("1ü", None);
        check("999999999999999999d", None);
    }

    #[test]
    fn only_real_filters_narrow_the_list() {
        let is_narrow = |pairs: &[(&str, &str)]| Filter::read(pairs.iter().copied()).is_narrow();
        assert!(!is_narrow(&[("resolved", "all"), ("offset", "50")]));
        assert!(is_narrow(&[("session_id", "x")]));
    }
}
