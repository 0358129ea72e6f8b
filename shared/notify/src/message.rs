//! What an alert says, whoever carries it; each channel sets it in its own way.

use url::Url;

use crate::cut;

/// An alert before it is cut and escaped for a product. Plain text throughout: no channel reads markup in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `created`, `reopened`, `spike`, `every_n`, `digest`, `test`, …: machines may look at it.
    pub kind: String,
    /// One line; more lines are joined.
    pub title: String,
    /// As many lines as it takes: an error's message, the head of a traceback.
    pub text: String,
    /// Who owns it. Empty: none.
    pub project: String,
    /// prod, staging, …
    pub environment: Option<String>,
    /// The page to open; shown only if it is http or https.
    pub url: Option<String>,
    /// Reports so far.
    pub count: Option<i64>,
    /// Further names and values, most important first; a product that takes fewer drops the last ones.
    pub facts: Vec<(String, String)>,
}

impl Message {
    /// The title on one line, and never empty: several products refuse an empty one.
    pub(crate) fn headline(&self) -> String {
        match cut::one_line(&self.title) {
            title if title.is_empty() => "Monlight".to_owned(),
            title => title,
        }
    }

    /// The page to open, in ASCII, if it can be linked to and is not longer than `max` bytes.
    pub(crate) fn link(&self, max: usize) -> Option<String> {
        let url = Url::parse(self.url.as_deref()?).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        (is_web && url.as_str().len() <= max).then(|| url.into())
    }

    /// Everything with a name, each on one line: project, environment, count, then the facts; nothing empty.
    pub(crate) fn named(&self) -> Vec<(String, String)> {
        let count = self.count.map(|count| count.to_string()).unwrap_or_default();
        let environment = self.environment.as_deref().unwrap_or_default();
        let own = [
            ("Project", self.project.as_str()),
            ("Environment", environment),
            ("Count", &count),
        ];
        let facts = self
            .facts
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        own.into_iter()
            .chain(facts)
            .map(|(name, value)| (cut::one_line(name), cut::one_line(value)))
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn message() -> Message {
        Message {
            kind: "created".to_owned(),
            title: "ValueError in checkout".to_owned(),
            text: "invalid literal for int(): '<12>'".to_owned(),
            project: "shop".to_owned(),
            environment: Some("prod".to_owned()),
            url: Some("https://errors.example.com/errors/12?tab=a&b=c".to_owned()),
            count: Some(3),
            facts: vec![("Release".to_owned(), "1.4.2".to_owned())],
        }
    }

    /// Far larger than any product takes, in characters that grow when escaped.
    pub(crate) fn huge() -> Message {
        let fact = |n| {
            (
                format!("fact {n} {}", "\u{1}<&".repeat(2000)),
                "\u{1}\"<`é".repeat(5000),
            )
        };
        Message {
            kind: "k\u{1}".repeat(1000),
            title: "<\u{1}\"`*é😀".repeat(3000),
            text: "<\u{1}\"`é\n😀".repeat(20_000),
            project: "p".repeat(5000),
            environment: Some("é".repeat(5000)),
            url: Some(format!("https://example.com/{}", "a".repeat(100_000))),
            count: Some(i64::MAX),
            facts: (0..200).map(fact).collect(),
        }
    }

    pub(crate) fn any_message() -> impl Strategy<Value = Message> {
        let text = || "(?s).{0,60}";
        (
            (text(), text(), "(?s).{0,5000}", text()),
            (option::of(text()), option::of(text()), option::of(any::<i64>())),
            vec((text(), "(?s).{0,400}"), 0..40),
        )
            .prop_map(
                |((kind, title, text, project), (environment, url, count), facts)| Message {
                    kind,
                    title,
                    text,
                    project,
                    environment,
                    url,
                    count,
                    facts,
                },
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_web_page_is_linked_to() {
        let link = |url: &str| {
            let url = Some(url.to_owned());
            Message {
                url,
                ..Message::default()
            }
            .link(40)
        };
        assert_eq!(
            link("https://example.com/ä b").as_deref(),
            Some("https://example.com/%C3%A4%20b")
        );
        assert_eq!(link("javascript:alert(1)"), None);
        assert_eq!(link("not a url"), None);
        assert_eq!(link(&format!("https://example.com/{}", "a".repeat(40))), None);
    }

    #[test]
    fn a_message_without_a_title_still_has_a_headline() {
        assert_eq!(Message::default().headline(), "Monlight");
        assert_eq!(Message::default().named(), []);
    }
}
