//! Which series a query means, by their labels: `method:GET`, `status!=500`, `path=~/api/.*`, `path!~/health`.

use regex::{Regex, RegexBuilder};

use super::labels::Labels;

/// Matchers of one query.
pub const MAX_MATCHERS: usize = 32;
/// Memory of one expression, compiled.
const MAX_REGEX_BYTES: usize = 256 * 1024;

/// A condition on one label. A label that is not there has the empty value.
#[derive(Debug, Clone)]
pub struct Matcher {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Is(String),
    IsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl Matcher {
    /// The label has this value.
    pub fn is(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            test: Test::Is(value.into()),
        }
    }

    /// Whether a series with these labels is meant.
    pub fn accepts(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key).unwrap_or("");
        match &self.test {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => value != unwanted,
            Test::Matches(regex) => regex.is_match(value),
            Test::MatchesNot(regex) => !regex.is_match(value),
        }
    }

    /// Reads conditions separated by commas. A value may stand in double quotes, where a backslash takes the next
    /// character as it is. A part without an operator is left out, as the contract has it (§3.3); the error is a
    /// sentence on what cannot be read.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let (mut matchers, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (matcher, after) = next(rest)?;
            matchers.extend(matcher);
            rest = after;
            if matchers.len() > MAX_MATCHERS {
                return Err(format!("has more than {MAX_MATCHERS} conditions"));
            }
        }
        Ok(matchers)
    }
}

/// The first condition, and what stands behind its comma.
fn next(text: &str) -> Result<(Option<Matcher>, &str), String> {
    let end = text.find([':', '=', '!', ',']).unwrap_or(text.len());
    let key = text[..end].trim().to_owned();
    let (operator, value) = operator(&text[end..]);
    let (value, rest) = value_of(value)?;
    let Some(operator) = operator.filter(|_| !key.is_empty()) else {
        return Ok((None, rest));
    };
    let test = match operator {
        ":" | "=" => Test::Is(value),
        "!=" | "!:" => Test::IsNot(value),
        "=~" => Test::Matches(regex(&key, &value)?),
        _ => Test::MatchesNot(regex(&key, &value)?),
    };
    Ok((Some(Matcher { key, test }), rest))
}

fn operator(text: &str) -> (Option<&str>, &str) {
    let operators = ["=~", "!~", "!=", "!:", "=", ":"];
    let found = operators
        .into_iter()
        .find_map(|it| Some((it, text.strip_prefix(it)?)));
    match found {
        Some((operator, rest)) => (Some(operator), rest),
        None => (None, text.trim_start_matches('!')),
    }
}

/// The value up to the next comma, and what is behind that.
fn value_of(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(',').unwrap_or((text, ""));
        return Ok((value.to_owned(), rest));
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next() {
            Some('"') => break,
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
            None => return Err("has a quote that is not closed".to_owned()),
        }
    }
    let rest = chars.as_str();
    match rest.strip_prefix(',') {
        Some(rest) => Ok((value, rest)),
        None if rest.is_empty() => Ok((value, rest)),
        None => Err("has something between a quote and the next comma".to_owned()),
    }
}

/// The whole value has to match, as in Prometheus.
fn regex(key: &str, text: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?:{text})$"))
        .dot_matches_new_line(true)
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|_| format!("has an expression for {key} that cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(text: &str) -> bool {
        let labels = Labels::new([("method", "GET"), ("path", "/api/x,y"), ("status", "200")]);
        Matcher::read_all(text)
            .unwrap()
            .iter()
            .all(|matcher| matcher.accepts(&labels))
    }

    #[test]
    fn all_conditions_must_hold() {
        for text in [
            "",
            "method:GET",
            "method:GET,status:200",
            "method=GET",
            "status!=500",
            "status!:500",
            "status=~2..",
            "status!~5..|4..",
            "path:\"/api/x,y\"",
            "path=~\"/api/[a-z]{1,2},.*\"",
            "absent:",
            "method=~GET|POST, status:200",
            "odd,method:GET",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "method:get",
            "method:GET,status:500",
            "status!=200",
            "status=~2",
            "absent:x",
            "path=~.*z",
            "method!=GET",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (text, told) in [
            ("a=~(", "expression for a"),
            ("a:\"x", "not closed"),
            ("a:\"x\"y", "between a quote"),
        ] {
            let problem = Matcher::read_all(text).unwrap_err();
            assert!(problem.contains(told), "{text}: {problem}");
        }
        assert!(Matcher::read_all(&"a:b,".repeat(50)).is_err());
        assert!(
            Matcher::read_all("a=~x{1000}{1000}").is_err(),
            "an expression has a size"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", dense in "[ab:=!~\",\\\\(*]{0,20}") {
            let _ = (Matcher::read_all(&text), Matcher::read_all(&dense));
        }
    }
}
