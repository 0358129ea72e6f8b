//! Text to nodes. Whatever is no syntax is a text to be found: nothing is refused.

use regex::RegexBuilder;

use super::literal::{Literal, Phrase};
use super::node::{Field, Glob, Node, Value};
use super::number::{Compare, leading};
use crate::domain::entry::{Level, Stream};
use crate::domain::levels::Levels;
use crate::domain::view::unescaped;
use crate::domain::words::{fold, is_word, words};

/// Terms looked at; the rest of a long text is ignored.
pub(super) const MAX_TERMS: usize = 64;
/// Parentheses within parentheses; deeper ones are characters like others.
const MAX_DEPTH: usize = 16;
/// FTS5's own.
const NEAR_DISTANCE: usize = 10;
/// Bytes of a compiled regular expression.
const MAX_REGEX_BYTES: usize = 1 << 20;

pub(super) fn parse(text: &str) -> Option<Node> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        n_terms: 0,
    };
    let mut nodes = Vec::new();
    loop {
        nodes.extend(parser.any());
        parser.skip_blanks();
        // A parenthesis that closes nothing.
        if parser.rest().is_empty() {
            return all(nodes);
        }
        parser.at += 1;
        nodes.push(literal(")", false));
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// Open parentheses.
    depth: usize,
    n_terms: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes `word` if it stands here with a blank after it and something to apply to.
    fn operator(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let Some(after) = self.rest().strip_prefix(word) else {
            return false;
        };
        let has_operand = after.starts_with(|c: char| c.is_whitespace() || c == '(' || c == '"')
            && !after.trim_start().is_empty()
            && !(self.depth > 0 && after.trim_start().starts_with(')'));
        if has_operand {
            self.at += word.len();
        }
        has_operand
    }

    /// `a OR b`
    fn any(&mut self) -> Option<Node> {
        let mut nodes: Vec<Node> = self.all().into_iter().collect();
        while !nodes.is_empty() && self.operator("OR") {
            nodes.extend(self.all());
        }
        match nodes.len() {
            0 | 1 => nodes.pop(),
            _ => Some(Node::Any(nodes)),
        }
    }

    /// `a b`, `a AND b`, `a NOT b`, up to the end, a closing parenthesis, or an `OR`.
    fn all(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        loop {
            if !nodes.is_empty() {
                let before = self.at;
                if self.operator("OR") {
                    self.at = before;
                    break;
                }
                // `a AND NOT b` is as good as `a NOT b`.
                self.operator("AND");
            }
            let is_negated = self.operator("NOT");
            match self.term() {
                Some(node) if is_negated => nodes.push(Node::Not(Box::new(node))),
                Some(node) => nodes.push(node),
                None => break,
            }
        }
        all(nodes)
    }

    fn term(&mut self) -> Option<Node> {
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() || self.depth > 0 && rest.starts_with(')') {
            return None;
        }
        if self.n_terms == MAX_TERMS {
            self.at = self.text.len();
            return None;
        }
        if let Some(negated) = rest.strip_prefix('-')
            && negated.starts_with(|c: char| is_word(c) || matches!(c, '"' | '(' | '/' | '_' | '@'))
        {
            self.at += 1;
            return self.term().map(|node| Node::Not(Box::new(node)));
        }
        if rest.starts_with('(') {
            return Some(self.group());
        }
        self.n_terms += 1;
        let node = self
            .near()
            .or_else(|| self.start())
            .or_else(|| self.regex())
            .or_else(|| self.message_column())
            .or_else(|| self.quoted())
            .unwrap_or_else(|| self.bare());
        Some(self.chained(node))
    }

    fn group(&mut self) -> Node {
        let (before, n_terms) = (self.at, self.n_terms);
        if self.depth < MAX_DEPTH && has_end(self.rest()) {
            self.at += 1;
            self.depth += 1;
            let inner = self.any();
            self.skip_blanks();
            self.depth -= 1;
            if let Some(inner) = inner
                && self.rest().starts_with(')')
            {
                self.at += 1;
                return inner;
            }
        }
        (self.at, self.n_terms) = (before, n_terms + 1);
        self.bare()
    }

    /// `NEAR(a "b c", 5)`
    fn near(&mut self) -> Option<Node> {
        let inner = self.rest().strip_prefix("NEAR")?.trim_start().strip_prefix('(')?;
        let end = inner.find(')')?;
        let (list, distance) = match inner[..end].rsplit_once(',') {
            Some((list, distance)) => (list, distance.trim().parse().ok()?),
            None => (&inner[..end], NEAR_DISTANCE),
        };
        let phrases = list
            .split('"')
            .enumerate()
            .flat_map(|(nth, piece)| match nth % 2 {
                0 => piece.split_whitespace().collect(),
                _ => vec![piece],
            })
            .filter_map(|piece| Phrase::new(&folded_words(piece), piece.ends_with('*')))
            .take(MAX_TERMS)
            .collect::<Vec<_>>();
        self.at = self.text.len() - inner.len() + end + 1;
        match phrases.is_empty() {
            true => None,
            false => Some(Node::Near(phrases, distance)),
        }
    }

    /// `^first`
    fn start(&mut self) -> Option<Node> {
        let after = self.rest().strip_prefix('^')?;
        if !after.starts_with(|c: char| is_word(c) || c == '"') {
            return None;
        }
        self.at += 1;
        let node = self.quoted().unwrap_or_else(|| self.bare());
        Some(match node {
            Node::Literal(_) | Node::Phrase(_) => Node::Start(Box::new(node)),
            other => other,
        })
    }

    /// `/regular expression/`: begins a term, ends it, and has something in it that a path hasn't.
    fn regex(&mut self) -> Option<Node> {
        let inner = self.rest().strip_prefix('/')?;
        let mut is_escaped = false;
        let end = inner.char_indices().find_map(|(at, c)| {
            let is_end = c == '/' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end.then_some(at)
        })?;
        let (pattern, after) = (&inner[..end], &inner[end + 1..]);
        let is_ended = after
            .chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || c == ')' && self.depth > 0);
        if !is_ended || !pattern.contains(['.', '*', '+', '?', '[', '(', '|', '^', '$', '\\', '{']) {
            return None;
        }
        let regex = RegexBuilder::new(&pattern.replace("\\/", "/"))
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_BYTES)
            .build()
            .ok()?;
        self.at += end + 2;
        Some(Node::Regex(regex))
    }

    /// `message:word`, `{message}:word`: FTS5's name for the only text there is.
    fn message_column(&mut self) -> Option<Node> {
        let rest = self.rest();
        let after = match rest.strip_prefix("message") {
            Some(after) => after,
            None => {
                let inner = rest.strip_prefix('{')?.trim_start();
                inner.strip_prefix("message")?.trim_start().strip_prefix('}')?
            }
        };
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let is_operand = after.starts_with(|c: char| is_word(c) || matches!(c, '"' | '(' | '^'));
        if !is_operand {
            return None;
        }
        let before = self.at;
        self.at = self.text.len() - after.len();
        self.n_terms -= 1;
        let node = self.term();
        if node.is_none() {
            self.at = before;
        }
        node
    }

    /// `"a phrase"`, `"a phrase"*`
    fn quoted(&mut self) -> Option<Node> {
        let (inner, length) = quotation(self.rest())?;
        let is_prefix = self.rest()[length..].starts_with('*');
        let node = phrase(&inner, is_prefix)?;
        self.at += length + usize::from(is_prefix);
        Some(node)
    }

    /// Anything up to a blank, or up to the parenthesis that closes the one around it.
    fn bare(&mut self) -> Node {
        let rest = self.rest();
        let mut n_open = 0_usize;
        let mut is_quoted = false;
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                // `field:"two words"`
                '"' if is_quoted => is_quoted = false,
                '"' if rest[..at].ends_with([':', '>', '<', '=']) && rest[at + 1..].contains('"') => {
                    is_quoted = true;
                }
                '(' => n_open += 1,
                ')' if n_open > 0 => n_open -= 1,
                ')' if self.depth > 0 && !is_quoted => return Some(at),
                _ if c.is_whitespace() && !is_quoted => return Some(at),
                _ => {}
            }
            None
        });
        let end = end
            .unwrap_or(rest.len())
            .max(rest.chars().next().map_or(0, char::len_utf8));
        self.at += end;
        bare(&rest[..end])
    }

    /// `a + b + "c d"`: one phrase.
    fn chained(&mut self, node: Node) -> Node {
        let Some((mut chain, mut is_open)) = plain_words(&node) else {
            return node;
        };
        let n_first = chain.len();
        while !is_open && let Some(after) = self.rest().trim_start().strip_prefix('+') {
            let before = self.at;
            self.at = self.text.len() - after.trim_start().len();
            let starts_well = self.rest().starts_with(|c: char| is_word(c) || c == '"');
            let next = starts_well.then(|| self.quoted().unwrap_or_else(|| self.bare()));
            let Some((more, more_is_open)) = next.as_ref().and_then(plain_words) else {
                self.at = before;
                break;
            };
            chain.extend(more);
            is_open = more_is_open;
        }
        if chain.len() == n_first {
            return node;
        }
        Phrase::new(&chain, is_open).map_or(node, Node::Phrase)
    }
}

pub(super) fn all(mut nodes: Vec<Node>) -> Option<Node> {
    match nodes.len() {
        0 | 1 => nodes.pop(),
        _ => Some(Node::All(nodes)),
    }
}

/// Whether the parenthesis that `text` begins with is closed.
fn has_end(text: &str) -> bool {
    let mut n_open = 0_usize;
    text.chars().any(|c| {
        match c {
            '(' => n_open += 1,
            ')' => n_open -= 1,
            _ => {}
        }
        n_open == 0
    })
}

/// What stands in the quotes that `text` begins with, `""` being one of them, and the length of it all.
fn quotation(text: &str) -> Option<(String, usize)> {
    let mut rest = text.strip_prefix('"')?;
    let mut inner = String::new();
    loop {
        let end = rest.find('"')?;
        inner.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                inner.push('"');
                rest = after;
            }
            None => return Some((inner, text.len() - rest.len())),
        }
    }
}

/// Words in quotes are a phrase; with anything but blanks between them they are looked for as they are.
fn phrase(text: &str, is_prefix: bool) -> Option<Node> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let all = folded_words(text);
    let is_plain = text.chars().all(|c| is_word(c) || c == ' ');
    if is_plain && all.len() > 1 && text.contains(' ') {
        return Phrase::new(&all, is_prefix).map(Node::Phrase);
    }
    Some(literal(text, is_prefix))
}

fn folded_words(text: &str) -> Vec<String> {
    words(&fold(text)).map(str::to_owned).collect()
}

/// The words of a node that can be part of `a + b`, and whether the last may go on.
fn plain_words(node: &Node) -> Option<(Vec<String>, bool)> {
    match node {
        Node::Literal(literal) => Some((vec![literal.lone_word()?.to_owned()], literal.is_prefix())),
        Node::Phrase(phrase) => Some((phrase.texts().map(str::to_owned).collect(), phrase.is_open())),
        _ => None,
    }
}

/// Text as it is. With JSON's escapes in it, it may have been copied from an entry, where they are resolved.
fn literal(text: &str, is_prefix: bool) -> Node {
    let node = Node::Literal(Literal::new(text, is_prefix));
    if !text.contains('\\') {
        return node;
    }
    let other = unescaped(text);
    match other == text || other.trim().is_empty() {
        true => node,
        false => Node::Any(vec![node, Node::Literal(Literal::new(&other, is_prefix))]),
    }
}

/// One term without blanks.
fn bare(term: &str) -> Node {
    if let Some(node) = special(term) {
        return node;
    }
    if let Some(stem) = term.strip_suffix('*')
        && stem.ends_with(is_word)
    {
        return literal(stem, true);
    }
    // FTS5's phrase, where all between the signs is words: `a+b`, and not `c++`.
    let pieces: Vec<&str> = term.split('+').collect();
    if pieces.len() > 1
        && pieces
            .iter()
            .all(|piece| !piece.is_empty() && piece.chars().all(is_word))
    {
        let all: Vec<String> = pieces.iter().flat_map(|piece| folded_words(piece)).collect();
        if let Some(phrase) = Phrase::new(&all, false) {
            return Node::Phrase(phrase);
        }
    }
    literal(term, false)
}

/// `level:…`, `container:…`, `stream:…`, `field:…`
fn special(term: &str) -> Option<Node> {
    let (name, value) = term.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@')
        && name
            .chars()
            .all(|c| is_word(c) || matches!(c, '_' | '.' | '-' | '@' | '/'));
    if !is_name || value.is_empty() || value.starts_with("//") || value.starts_with(':') {
        return None;
    }
    let bare_value = value.trim_matches('"');
    let known = match name {
        "level" => levels(bare_value).map(Node::Levels),
        "stream" => Stream::named(bare_value).map(Node::Stream),
        "container" if !bare_value.is_empty() => Some(Node::Container(Glob(bare_value.to_lowercase()))),
        _ => None,
    };
    known.or_else(|| field(term, name, value))
}

fn levels(text: &str) -> Option<Levels> {
    let Some((compare, name)) = Compare::read(text) else {
        return Level::named(text).map(Levels::only);
    };
    let bound = Level::named(name)?;
    let all = Level::ALL
        .into_iter()
        .filter(|level| compare.holds(*level, bound));
    Some(all.map(Levels::only).fold(Levels::NONE, Levels::or))
}

fn field(term: &str, name: &str, value: &str) -> Option<Node> {
    let as_text = || Some(Literal::new(term, false));
    let (value, as_text) = if value == "*" {
        (Value::Present, None)
    } else if let Some((compare, bound)) = Compare::read(value) {
        (Value::Number(compare, leading(bound)?), None)
    } else if let Some((inner, length)) = quotation(value) {
        let is_prefix = match &value[length..] {
            "" => false,
            "*" => true,
            _ => return None,
        };
        (Value::Text(Box::new(phrase(&inner, is_prefix)?)), as_text())
    } else {
        let node = match value.strip_suffix('*') {
            Some(stem) if stem.ends_with(is_word) => Literal::new(stem, true),
            _ => Literal::new(value, false),
        };
        (Value::Text(Box::new(Node::Literal(node))), as_text())
    };
    Some(Node::Field(Field {
        name: fold(name),
        value,
        as_text,
    }))
}
