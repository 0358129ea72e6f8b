//! Words, numbers, texts and signs of a VQL text; and what Vantage blocks before it looks any further.

use std::ops::Range;

use super::Refusal;

/// Longest text, in characters, as there.
pub const MAX_CHARS: usize = 5_000;

/// Words that change something or show what is none of a query's business.
const BLOCKED: [&str; 17] = [
    "insert", "update", "delete", "drop", "alter", "create", "truncate", "replace", "attach", "detach",
    "pragma", "vacuum", "grant", "revoke", "exec", "execute", "union",
];
const BLOCKED_TABLES: [&str; 2] = ["sqlite_master", "sqlite_schema"];

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in bytes.
    pub place: Range<usize>,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A keyword or a name, as it was written.
    Word(String),
    /// A number.
    Number(f64),
    /// Between single or double quotes; a doubled quote is one.
    Text(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`, `*`, `.`, `-`, `+`.
    Sign(&'static str),
}

const SIGNS: [&str; 14] = [
    "<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", "*", ".", "-", "+",
];

/// Takes a text apart.
pub fn read(text: &str) -> Result<Vec<Token>, Refusal> {
    if text.chars().count() > MAX_CHARS {
        return Err(blocked(format!("a query has at most {MAX_CHARS} characters")));
    }
    // One at the end is none inside.
    let text = text.trim_end().trim_end_matches(';');
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            first if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            ';' => return Err(blocked("only one statement is allowed")),
            _ if rest.starts_with("--") || rest.starts_with("/*") || first == '#' => {
                return Err(blocked("comments are not allowed"));
            }
            '\'' | '"' => quoted(rest, first)?,
            '0'..='9' => number(rest)?,
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(rest)?,
            first if first == '_' || first.is_alphabetic() => word(rest)?,
            _ => sign(rest, at)?,
        };
        tokens.push(Token {
            kind,
            place: at..at + length,
        });
        at += length;
    }
    Ok(tokens)
}

fn blocked(text: impl Into<String>) -> Refusal {
    Refusal::Blocked(text.into())
}

fn quoted(rest: &str, quote: char) -> Result<(Kind, usize), Refusal> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            char if char != quote => text.push(char),
            _ if chars.peek().is_some_and(|(_, next)| *next == quote) => {
                text.push(quote);
                chars.next();
            }
            _ => return Ok((Kind::Text(text), at + 1)),
        }
    }
    Err(Refusal::faulty("a text has no end: a quote is missing"))
}

fn number(rest: &str) -> Result<(Kind, usize), Refusal> {
    let digits = |from: usize| {
        let rest = &rest[from..];
        rest.find(|char: char| !char.is_ascii_digit())
            .unwrap_or(rest.len())
    };
    let mut length = digits(0);
    if rest[length..].starts_with('.') {
        length += 1 + digits(length + 1);
    }
    let exponent = rest[length..]
        .strip_prefix(['e', 'E'])
        .map(|rest| rest.trim_start_matches(['-', '+']));
    if let Some(exponent) = exponent.filter(|rest| rest.starts_with(|char: char| char.is_ascii_digit())) {
        let from = rest.len() - exponent.len();
        length = from + digits(from);
    }
    let text = &rest[..length];
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let number = number.ok_or_else(|| Refusal::faulty(format!("'{text}' is no number")))?;
    Ok((Kind::Number(number), length))
}

fn word(rest: &str) -> Result<(Kind, usize), Refusal> {
    let is_inside = |char: char| char == '_' || char.is_alphanumeric();
    let length = rest.find(|char: char| !is_inside(char)).unwrap_or(rest.len());
    let word = &rest[..length];
    let is_one_of = |words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
    if is_one_of(&BLOCKED) {
        return Err(blocked(format!(
            "'{}' is not allowed: only SELECT is",
            word.to_uppercase()
        )));
    }
    if is_one_of(&BLOCKED_TABLES) {
        return Err(blocked(format!("'{word}' cannot be read")));
    }
    Ok((Kind::Word(word.to_owned()), length))
}

fn sign(rest: &str, at: usize) -> Result<(Kind, usize), Refusal> {
    let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
    match sign {
        Some("<>") => Ok((Kind::Sign("!="), 2)),
        Some(sign) => Ok((Kind::Sign(sign), sign.len())),
        None => {
            let char = rest.chars().next().unwrap_or_default();
            Err(Refusal::faulty(format!(
                "'{char}' at byte {at} is not understood"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        read(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn words_numbers_texts_and_signs() {
        let word = |text: &str| Kind::Word(text.into());
        assert_eq!(
            kinds("a>=1.5e2 <> 'it''s; DROP --' ;"),
            [
                word("a"),
                Kind::Sign(">="),
                Kind::Number(150.),
                Kind::Sign("!="),
                Kind::Text("it's; DROP --".into())
            ]
        );
        assert_eq!(
            kinds("1h .5 \"é\""),
            [
                Kind::Number(1.),
                word("h"),
                Kind::Number(0.5),
                Kind::Text("é".into())
            ]
        );
    }

    #[test]
    fn what_vantage_blocks_is_blocked_outside_of_texts() {
        let is_blocked = |text: &str| matches!(read(text), Err(Refusal::Blocked(_)));
        for text in [
            "SELECT 1; SELECT 2",
            "SELECT 1 -- x",
            "SELECT /* x */ 1",
            "DROP TABLE metrics",
            "select * from SQLITE_MASTER",
            "select a from b union select c",
            &"x".repeat(MAX_CHARS + 1),
        ] {
            assert!(is_blocked(text), "{text}");
        }
        assert!(!is_blocked("SELECT a FROM b WHERE error = 'DROP TABLE; -- x'"));
        assert!(matches!(read("'open"), Err(Refusal::Faulty(_))));
        assert!(matches!(read("a ? b"), Err(Refusal::Faulty(_))));
    }
}
