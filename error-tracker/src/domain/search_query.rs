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
    fn long_texts_are_cut() {
        let query = parse(&"word ".repeat(1000)).unwrap();
        assert_eq!(query.matching.unwrap().matches("word").count(), MAX_WORDS);
    }
}
