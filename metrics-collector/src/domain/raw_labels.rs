//! From the text of a metric's labels to what its series is called, and what is none of its labels: the session, which
//! would make a series of every visitor, and the project, which browsers can only send as a label.

use std::borrow::Cow;

use super::json_scanner::{Malformed, Scanner};
use super::labels::Labels;

/// What the labels of a metric say.
#[derive(Debug, Default, PartialEq)]
pub struct ReadLabels<'a> {
    /// Keys and values; a value that is no string as its JSON text, null left out.
    pub pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The value of `session_id`.
    pub session: Option<Cow<'a, str>>,
    /// The value of `project`.
    pub project: Option<Cow<'a, str>>,
}

impl<'a> ReadLabels<'a> {
    /// Reads the text of an object; `None` for anything else.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut scanner = Scanner::new(text);
        if !scanner.accept(b'{') {
            return None;
        }
        let (mut labels, mut first) = (Self::default(), true);
        while let Some(key) = scanner.key(first).ok()? {
            first = false;
            let key = key.read()?;
            let Some(value) = value(&mut scanner).ok()? else {
                continue;
            };
            match &*key {
                "session_id" => labels.session = Some(value),
                "project" => labels.project = Some(value).filter(|project| !project.is_empty()),
                _ => labels.pairs.push((key, value)),
            }
        }
        Some(labels)
    }

    /// The pairs in their one form.
    pub fn labels(&self) -> Labels {
        Labels::new(self.pairs.iter().map(|(key, value)| (key, value)))
    }

    /// The page of a browser's metric.
    pub fn page(&self) -> &str {
        let page = self.pairs.iter().find(|(key, _)| key == "page");
        page.map_or("/", |(_, page)| page)
    }
}

fn value<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, Malformed> {
    if scanner.peek() == Some(b'"') {
        // Half a surrogate pair is no text.
        return Ok(scanner.string()?.read());
    }
    let text = scanner.skip()?;
    Ok((text != "null").then_some(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_and_project_are_no_labels() {
        let read = ReadLabels::read(
            r#"{"page":"/p","session_id":"s1","n":5,"x":null,"project":"shop","b":"\u00e9"}"#,
        );
        let read = read.unwrap();
        assert_eq!(read.labels().text(), r#"{b="é", n="5", page="/p"}"#);
        assert_eq!(
            (read.session.as_deref(), read.project.as_deref(), read.page()),
            (Some("s1"), Some("shop"), "/p")
        );
    }

    #[test]
    fn what_is_no_object_has_no_labels() {
        assert_eq!(ReadLabels::read("[1]"), None);
        assert_eq!(ReadLabels::read("\"x\""), None);
        assert_eq!(ReadLabels::read("{}"), Some(ReadLabels::default()));
    }
}
