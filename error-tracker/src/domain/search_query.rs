//! What a visitor typed into the search box, made safe for FTS5: any text is valid, and means itself.

/// Words looked at; the rest of a long text is ignored.
const MAX_WORDS: usize = 32;
/// The trigram index knows pieces of three characters; shorter words are compared row by row.
const TRIGRAM_CHARS: usize = 3;

/// A search: every part must be found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// An FTS5 `MATCH` expression of quoted words, for the trigram index.
    pub matching: Option<String>,
    /// Words too short for the index, as `LIKE` patterns with `\` as escape.
    pub short: Vec<String>,
}

/// Cuts the text into words; `"two words"` in quotes are one phrase. `None` if nothing is left.
pub fn parse(text: &str) -> Option<SearchQuery> {
    let mut query = SearchQuery::default();
    let mut quoted = Vec::new();
    for word in words(text).into_iter().take(MAX_WORDS) {
        if word.chars().count() >= TRIGRAM_CHARS {
            quoted.push(format!("\"{}\"", word.replace('"', "\"\"")));
        } else {
            query.short.push(like_pattern(&word));
        }
    }
    if !quoted.is_empty() {
        query.matching = Some(quoted.join(" AND "));
    }
    (query != SearchQuery::default()).then_some(query)
}

/// Names that may stand before a colon in the search box of the page.
pub const FIELDS: [&str; 8] = [
    "project",
    "environment",
    "release",
    "level",
    "user",
    "source",
    "tag",
    "new_in",
];

/// Takes `name:value` and `name:"two words"` out of a text, for the names in [`FIELDS`]; the rest is what is searched.
/// In quotes as a whole, such a word is only a word.
pub fn split_fields(text: &str) -> (String, Vec<(&'static str, String)>) {
    let mut fields = Vec::new();
    let mut rest = String::new();
    let mut left = text;
    while let Some(start) = left.find(|c: char| !c.is_whitespace()) {
        let word = &left[start..];
        let field = FIELDS.into_iter().find_map(|name| {
            let value = word.strip_prefix(name)?.strip_prefix(':')?;
            let (value, length) = match value.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
                Some((quoted, _)) => (quoted, quoted.len() + 2),
                None => {
                    let end = value.find(char::is_whitespace).unwrap_or(value.len());
                    (&value[..end], end)
                }
            };
            (!value.is_empty()).then(|| (name, value.to_owned(), name.len() + 1 + length))
        });
        let length = match field {
            Some((name, value, length)) => {
                fields.push((name, value));
                length
            }
            None => {
                let length = match word.strip_prefix('"').and_then(|quoted| quoted.find('"')) {
                    Some(end) => end + 2,
                    None => word.find(char::is_whitespace).unwrap_or(word.len()),
                };
                if !rest.is_empty() {
                    rest.push(' ');
                }
                rest.push_str(&word[..length]);
                length
            }
        };
        left = &word[length..];
    }
    (rest, fields)
}

fn words(text: &str) -> Vec<String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let is_phrased = text.matches('"').count().is_multiple_of(2);
    let parts = if is_phrased {
        text.split('"').collect()
    } else {
        vec![text.as_str()]
    };
    let mut words = Vec::new();
    for (i, part) in parts.into_iter().enumerate() {
        let is_phrase = i % 2 == 1;
        if is_phrase {
            words.push(part.trim().to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn like_pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, matching: Option<&str>, short: &[&str]) {
        let query = parse(text).unwrap_or_default();
        assert_eq!(query.matching.as_deref(), matching, "{text}");
        assert_eq!(query.short, short, "{text}");
    }

    #[test]
    fn any_text_is_a_valid_search_for_itself() {
        check("division by zero", Some("\"division\" AND \"zero\""), &["%by%"]);
        check("\"division by zero\"", Some("\"division by zero\""), &[]);
        check("C++", Some("\"C++\""), &[]);
        check("\"", None, &["%\"%"]);
        check("50% a_b", Some("\"50%\" AND \"a_b\""), &[]);
        check("5%", None, &["%5\\%%"]);
        check("除零 错误信息", Some("\"错误信息\""), &["%除零%"]);
        check("a\0b NEAR(x)", Some("\"NEAR(x)\""), &["%a%", "%b%"]);
        check(
            "say \"hi\"there\"",
            Some("\"say\" AND \"\"\"hi\"\"there\"\"\""),
            &[],
        );
        assert_eq!(parse(" \t\n "), None);
        assert_eq!(parse("\"\" \"  \""), None);
    }

    #[test]
    fn fields_are_taken_out_of_a_text() {
        let check = |text: &str, rest: &str, fields: &[(&str, &str)]| {
            let (searched, found) = split_fields(text);
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            assert_eq!((searched.as_str(), &found[..]), (rest, fields), "{text}");
        };
        check("release:1.2 timeout", "timeout", &[("release", "1.2")]);
        check(
            "a tag:region:eu  user:\"Ann Lee\" b",
            "a b",
            &[("tag", "region:eu"), ("user", "Ann Lee")],
        );
        check(
            "https://x.example TypeError:x level:",
            "https://x.example TypeError:x level:",
            &[],
        );
        check("\"release:1.2 x\"", "\"release:1.2 x\"", &[]);
        check("project:\"unclosed", "", &[("project", "\"unclosed")]);
        check(" ", "", &[]);
    }

    #[test]
    fn long_texts_are_cut() {
        let query = parse(&"word ".repeat(1000)).unwrap();
        assert_eq!(query.matching.unwrap().matches("word").count(), MAX_WORDS);
    }
}
