//! Words and signs of JavaScript and TypeScript, without comments, strings and regular expressions. A light reading,
//! only good enough to see which function a place is in.

/// One of them, with where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// Any one sign.
    Sign(u8),
    /// `=>`
    Arrow,
    /// A string, template or regular expression: a value.
    Literal,
}

/// Reads a text token by token.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// What came before decides whether a slash divides.
    is_after_value: bool,
    /// Braces open within each template that is open.
    templates: Vec<usize>,
}

/// Templates within templates.
const MAX_TEMPLATES: usize = 100;

/// Words after which a value follows.
const OPERATORS: &[&str] = &[
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await", "yield",
];

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            is_after_value: false,
            templates: Vec::new(),
        }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next token, and where it begins.
    pub(super) fn next(&mut self) -> Option<(usize, Token<'a>)> {
        self.skip_blanks();
        let start = self.at;
        let token = match self.byte(0) {
            0 if start >= self.text.len() => return None,
            quote @ (b'"' | b'\'') => self.string(quote),
            b'`' => self.template(),
            b'/' if !self.is_after_value => self.regular_expression(),
            b'=' if self.byte(1) == b'>' => {
                self.at += 2;
                Token::Arrow
            }
            b'}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.template()
            }
            byte if is_word(byte) => self.word(),
            byte => {
                self.at += 1;
                self.count(byte);
                Token::Sign(byte)
            }
        };
        self.is_after_value = match token {
            Token::Word(word) => !OPERATORS.contains(&word),
            Token::Literal | Token::Sign(b')' | b']' | b'}') => true,
            Token::Sign(_) | Token::Arrow => false,
        };
        Some((start, token))
    }

    fn count(&mut self, byte: u8) {
        if let Some(n_open) = self.templates.last_mut() {
            match byte {
                b'{' => *n_open += 1,
                b'}' => *n_open = n_open.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            match rest {
                [b'/', b'/', ..] => self.at += find(rest, b"\n").unwrap_or(rest.len()),
                [b'/', b'*', ..] => self.at += find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4),
                [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        self.at += end;
        Token::Word(&rest[..end])
    }

    /// A string ends with its line at the latest, so that an apostrophe in the text of a page does little harm.
    fn string(&mut self, quote: u8) -> Token<'a> {
        self.at += 1;
        while self.at < self.text.len() {
            match self.byte(0) {
                b'\\' => self.at += 2,
                b'\n' => break,
                byte => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        self.at = self.at.min(self.text.len());
        Token::Literal
    }

    /// To the end of a template, or into an expression of it.
    fn template(&mut self) -> Token<'a> {
        self.at += 1;
        while self.at < self.text.len() {
            match self.byte(0) {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return Token::Literal;
                }
                b'$' if self.byte(1) == b'{' && self.templates.len() < MAX_TEMPLATES => {
                    self.at += 2;
                    self.templates.push(0);
                    // As if it were an operator: an expression follows.
                    return Token::Sign(b'+');
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.text.len());
        Token::Literal
    }

    fn regular_expression(&mut self) -> Token<'a> {
        self.at += 1;
        let mut is_in_class = false;
        while self.at < self.text.len() {
            match self.byte(0) {
                b'\\' => self.at += 1,
                b'\n' => break,
                b'[' => is_in_class = true,
                b']' => is_in_class = false,
                b'/' if !is_in_class => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
        Token::Literal
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte == b'#' || byte >= 0x80
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
