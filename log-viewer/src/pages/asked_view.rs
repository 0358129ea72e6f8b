//! What the URL of a page asks for, as its form shows it and its links change it.

use ui::link;
use web::Query;

use crate::asked::{self, RANGE};
use crate::domain::entry::Level;

/// The filters of a page, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) search: String,
    pub(crate) level: String,
    pub(crate) stream: String,
    pub(crate) containers: Vec<String>,
    /// `range`, or `from` and `to`.
    pub(crate) range: Vec<(&'static str, String)>,
}

/// One choice of a select.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_selected: bool,
}

impl Asked {
    pub(crate) fn read(query: &Query) -> Self {
        let text = |name: &str| query.get(name).unwrap_or("").trim().to_owned();
        let search = text("search");
        let range = RANGE
            .iter()
            .filter_map(|name| Some((*name, query.get(name)?.to_owned())));
        Self {
            search: if search.is_empty() { text("q") } else { search },
            level: text("level"),
            stream: text("stream"),
            containers: asked::containers(query),
            range: range.collect(),
        }
    }

    /// Whether a filter leaves anything out; the range is none.
    pub(crate) fn is_narrow(&self) -> bool {
        !self.without_range().query().is_empty()
    }

    /// `?…`, or nothing where nothing is asked for.
    pub(crate) fn query(&self) -> String {
        let one = [
            ("search", self.search.as_str()),
            ("level", self.level.as_str()),
            ("stream", self.stream.as_str()),
        ];
        let one = one
            .into_iter()
            .map(|(name, value)| (name, Some(value).filter(|it| !it.is_empty())));
        let containers = self
            .containers
            .iter()
            .map(|name| ("container", Some(name.as_str())));
        let range = self
            .range
            .iter()
            .map(|(name, value)| (*name, Some(value.as_str())));
        link::query(one.chain(containers).chain(range))
    }

    /// The same without a range: what a live tail filters by.
    pub(crate) fn without_range(&self) -> Self {
        Self {
            range: Vec::new(),
            ..self.clone()
        }
    }

    pub(crate) fn with_level(&self, level: &str) -> Self {
        Self {
            level: level.to_owned(),
            ..self.clone()
        }
    }

    /// Only this container.
    pub(crate) fn with_container(&self, container: &str) -> Self {
        Self {
            containers: vec![container.to_owned()],
            ..self.clone()
        }
    }

    /// `query` and what follows it, for an address that has parameters already.
    pub(crate) fn and_query(&self) -> String {
        self.query().replacen('?', "&", 1)
    }

    pub(crate) fn level_choices(&self) -> Vec<Choice> {
        let all = [("", "All levels".to_owned())].map(|(value, label)| (value.to_owned(), label));
        let least = Level::ALL.into_iter().skip(1).take(3).map(|level| {
            (
                format!(">={}", level.name()),
                format!("{} and above", words(level)),
            )
        });
        let only = Level::ALL.into_iter().map(|level| {
            (
                level.name().to_owned(),
                format!("Only {}", words(level).to_lowercase()),
            )
        });
        let known = all.into_iter().chain(least).chain(only);
        let mut choices: Vec<Choice> = known
            .map(|(value, label)| Choice {
                is_selected: value == self.level,
                value,
                label,
            })
            .collect();
        if !choices.iter().any(|choice| choice.is_selected) {
            choices.push(Choice {
                value: self.level.clone(),
                label: self.level.clone(),
                is_selected: true,
            });
        }
        choices
    }
}

/// `Warning`.
pub(crate) fn words(level: Level) -> &'static str {
    match level {
        Level::Debug => "Debug",
        Level::Info => "Info",
        Level::Warning => "Warning",
        Level::Error => "Error",
        Level::Critical => "Critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Asked {
        Asked::read(&Query::parse(query))
    }

    #[test]
    fn a_link_asks_for_what_the_page_shows() {
        let asked = read("q=a%20b&level=%3E%3DERROR&container=x&container=y&range=1h&other=1");
        assert_eq!(
            asked.query(),
            "?search=a%20b&level=%3E%3DERROR&container=x&container=y&range=1h"
        );
        assert_eq!(
            asked
                .without_range()
                .with_level("")
                .with_container("z")
                .and_query(),
            "&search=a%20b&container=z"
        );
        assert!(asked.is_narrow() && !read("search=+&cursor=1&range=1h").is_narrow());
    }

    #[test]
    fn a_level_that_nobody_offers_stays_chosen() {
        let selected = |query: &str| {
            let choices = read(query).level_choices();
            let selected: Vec<String> = choices
                .into_iter()
                .filter(|it| it.is_selected)
                .map(|it| it.label)
                .collect();
            selected.concat()
        };
        assert_eq!(selected(""), "All levels");
        assert_eq!(selected("level=%3E%3DWARNING"), "Warning and above");
        assert_eq!(selected("level=DEBUG"), "Only debug");
        assert_eq!(selected("level=nonsense"), "nonsense");
    }
}
