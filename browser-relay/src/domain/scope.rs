//! The function around a place of a source text, by a light reading of JavaScript and TypeScript. The names in a source
//! map are of what stands at a place, seldom of the function that it is in; browsers tell only the minified one.

use std::fmt;

use super::script_token::{Token, Tokens};

/// Text before the place that is read at most: more takes more time than a name is worth.
pub const MAX_BYTES: usize = 512 << 10;
/// Scopes within scopes.
const MAX_DEPTH: usize = 2000;

/// Words before a parenthesis that make no function of what follows.
const CONTROL: &[&str] = &[
    "if", "for", "while", "switch", "catch", "with", "return", "await", "typeof", "function",
];

/// Words that begin a statement: what is in parentheses before them has ended.
const STATEMENTS: &[&str] = &[
    "return", "const", "let", "var", "if", "for", "while", "throw", "try", "switch", "do", "export", "import",
];

/// Name of the innermost function around line `line` and UTF-16 column `column`, both 0-based. `Class.method` for
/// methods; `None` for an anonymous one, or outside of all.
pub fn function_around(text: &str, line: u32, column: u32) -> Option<String> {
    let end = offset_of(text, line, column)?;
    let (_, name) = changes(text).take_while(|(at, _)| *at < end).last()?;
    name.map(|name| name.to_string())
}

/// Where in a text another function becomes the innermost one: offsets of tokens in bytes, rising. Behind that token
/// it is so, up to the next change.
pub fn changes(text: &str) -> impl Iterator<Item = (usize, Option<Name<'_>>)> {
    let mut reader = Reader::default();
    let mut tokens = Tokens::new(text);
    let mut last = None;
    let all = std::iter::from_fn(move || {
        loop {
            let (at, token) = tokens.next().filter(|(at, _)| *at < MAX_BYTES)?;
            if reader.scopes.len() > MAX_DEPTH {
                return None;
            }
            reader.take(token);
            let name = reader.name();
            if name != last {
                last = name;
                return Some((at, name));
            }
        }
    });
    let unread = (text.len() > MAX_BYTES).then_some((MAX_BYTES, None));
    all.chain(unread)
}

/// What a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name<'a> {
    /// By itself.
    Plain(&'a str),
    /// Of a class, and in it.
    Method(&'a str, &'a str),
    /// It makes objects of a class.
    Constructor(&'a str),
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => formatter.write_str(name),
            Self::Method(class, name) => write!(formatter, "{class}.{name}"),
            Self::Constructor(class) => write!(formatter, "new {class}"),
        }
    }
}

/// How many bytes of a text are before a place; its line's for a column behind the end. `None`: it has no such line.
pub fn offset_of(text: &str, line: u32, column: u32) -> Option<usize> {
    let start = match line {
        0 => 0,
        n => text.match_indices('\n').nth(n as usize - 1)?.0 + 1,
    };
    Some(start + walk(&text[start..], column).1)
}

/// Steps over `n_columns` UTF-16 columns, not over the line's end. How many columns and bytes that are: one column more
/// where the last one is half a character.
pub fn walk(text: &str, n_columns: u32) -> (u32, usize) {
    let mut n_walked = 0;
    for (at, character) in text.char_indices() {
        if n_walked >= n_columns || character == '\n' {
            return (n_walked, at);
        }
        n_walked += character.len_utf16() as u32;
    }
    (n_walked, text.len())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope<'a> {
    /// Any other braces or brackets.
    Block,
    /// A parenthesis, with the words before it.
    Parenthesis(Header<'a>),
    Class(Option<&'a str>),
    /// Its body stands in braces.
    Function(Option<&'a str>),
    /// An arrow's body without braces: it ends with its expression.
    Expression(Option<&'a str>),
}

/// What stands before a parenthesis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Header<'a> {
    /// The word right before it.
    word: Option<&'a str>,
    /// `function` stands before that word, or before the parenthesis itself.
    is_function: bool,
    /// What a function value here would be called.
    name: Option<&'a str>,
}

#[derive(Default)]
struct Reader<'a> {
    scopes: Vec<Scope<'a>>,
    /// Which of them are functions, by their places in the list.
    functions: Vec<usize>,
    /// The last two words, if nothing came between or after them.
    word: Option<&'a str>,
    before: Option<&'a str>,
    /// `const name`, until its value begins.
    declared: Option<&'a str>,
    /// What a value that begins here is called.
    name: Option<&'a str>,
    /// A parenthesis that has just closed, and the types after it.
    closed: Option<Header<'a>>,
    class: Option<Option<&'a str>>,
    /// The words before a `<` that is open: type parameters may follow.
    held: Option<(Option<&'a str>, Option<&'a str>)>,
    is_after_arrow: bool,
}

impl<'a> Reader<'a> {
    fn name(&self) -> Option<Name<'a>> {
        if self.is_after_arrow {
            return self.name.map(Name::Plain);
        }
        let depth = *self.functions.last()?;
        let (Scope::Function(name) | Scope::Expression(name)) = &self.scopes[depth] else {
            return None;
        };
        let name = (*name)?;
        let class = depth.checked_sub(1).map(|outer| &self.scopes[outer]);
        Some(match class {
            Some(Scope::Class(Some(class))) if name == "constructor" => Name::Constructor(class),
            Some(Scope::Class(Some(class))) => Name::Method(class, name),
            _ => Name::Plain(name),
        })
    }

    fn push(&mut self, scope: Scope<'a>) {
        if matches!(scope, Scope::Function(_) | Scope::Expression(_)) {
            self.functions.push(self.scopes.len());
        }
        self.scopes.push(scope);
    }

    fn pop(&mut self) -> Option<Scope<'a>> {
        let scope = self.scopes.pop();
        self.functions.pop_if(|depth| *depth >= self.scopes.len());
        scope
    }

    fn take(&mut self, token: Token<'a>) {
        let is_body = self.is_after_arrow && token == Token::Sign(b'{');
        if self.is_after_arrow && !is_body {
            let name = self.name.take();
            self.push(Scope::Expression(name));
        }
        self.is_after_arrow = false;
        match token {
            Token::Word(word) => self.word(word),
            Token::Arrow => self.arrow(),
            Token::Literal => self.forget_words(),
            Token::Sign(b'{') => self.open_brace(is_body),
            Token::Sign(b'(') => self.open_parenthesis(),
            Token::Sign(b'[') => self.open(Scope::Block),
            Token::Sign(b')' | b'}' | b']') => self.close(),
            Token::Sign(sign) => self.sign(sign),
        }
    }

    fn word(&mut self, word: &'a str) {
        if STATEMENTS.contains(&word) {
            self.closed = None;
        }
        match word {
            "class" => self.class = Some(None),
            _ if self.class == Some(None) && self.word == Some("class") && word != "extends" => {
                self.class = Some(Some(word));
            }
            _ => {}
        }
        if matches!(self.word, Some("const" | "let" | "var")) {
            self.declared = Some(word);
        }
        self.before = self.word;
        self.word = Some(word);
    }

    fn arrow(&mut self) {
        let header = self.closed.take();
        // `x => …` has no parenthesis, and its name is what stood before `x`.
        self.name = header.map_or(self.name, |header| header.name);
        self.is_after_arrow = true;
        self.forget_words();
    }

    fn open(&mut self, scope: Scope<'a>) {
        self.push(scope);
        self.forget_words();
        (self.name, self.closed, self.declared, self.held) = (None, None, None, None);
    }

    fn open_parenthesis(&mut self) {
        let is_function = self.word == Some("function") || self.before == Some("function");
        let header = Header {
            word: self.word,
            is_function,
            name: self.name,
        };
        self.open(Scope::Parenthesis(header));
    }

    fn open_brace(&mut self, is_arrow_body: bool) {
        let scope = if is_arrow_body {
            Scope::Function(self.name)
        } else if let Some(class) = self.class.take() {
            Scope::Class(class.or(self.name))
        } else {
            self.closed.map_or(Scope::Block, body)
        };
        self.open(scope);
    }

    fn close(&mut self) {
        while let Some(Scope::Expression(_)) = self.scopes.last() {
            self.pop();
        }
        let closed = self.pop();
        self.forget_words();
        (self.name, self.declared, self.class) = (None, None, None);
        self.closed = match closed {
            Some(Scope::Parenthesis(header)) => Some(header),
            _ => None,
        };
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            b'<' => self.held = Some((self.word, self.before)),
            b',' if self.held.is_some() => {}
            b'>' => {
                if let Some((word, before)) = self.held.take() {
                    (self.word, self.before) = (word, before);
                    return;
                }
            }
            b',' | b';' => {
                self.held = None;
                while let Some(Scope::Expression(_)) = self.scopes.last() {
                    self.pop();
                }
                (self.name, self.closed, self.declared, self.class) = (None, None, None, None);
            }
            b'=' => {
                self.name = self.declared.take().or(self.word);
                self.closed = None;
            }
            // A type after a parenthesis, or a property before its value.
            b':' if self.closed.is_none() => self.name = self.word,
            b':' | b'|' | b'&' | b'?' | b'*' | b'.' => {}
            _ => self.closed = None,
        }
        if sign != b'*' {
            self.forget_words();
        }
    }

    fn forget_words(&mut self) {
        (self.word, self.before) = (None, None);
    }
}

/// What braces after a parenthesis are.
fn body(header: Header<'_>) -> Scope<'_> {
    match header.word {
        Some("function") => Scope::Function(header.name),
        Some(word) if header.is_function => Scope::Function(Some(word)),
        Some(word) if CONTROL.contains(&word) => Scope::Block,
        Some(word) => Scope::Function(Some(word)),
        None => Scope::Block,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `^` stands where it is asked.
    fn check(text: &str, expected: Option<&str>) {
        let at = text.find('^').unwrap();
        let line = text[..at].matches('\n').count() as u32;
        let column = text[..at].rsplit('\n').next().unwrap().encode_utf16().count() as u32;
        let text = text.replacen('^', "", 1);
        assert_eq!(
            function_around(&text, line, column).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn functions_of_all_forms_are_named() {
        check("function pay(a, b) {\n  return ^a;\n}", Some("pay"));
        check("async function* pay() { ^x }", Some("pay"));
        check(
            "export const pay = async (cart) => {\n  ^cart.total()\n};",
            Some("pay"),
        );
        check("const pay = cart => ^cart.total();", Some("pay"));
        check("const pay: Pay = function (cart) { ^x };", Some("pay"));
        check("const shop = { pay(cart) { ^x }, other: 1 };", Some("pay"));
        check("const shop = { pay: function (cart) { ^x } };", Some("pay"));
        check("shop.pay = (cart) => { ^x };", Some("pay"));
        check(
            "class Cart extends Base {\n  total(): number { ^x }\n}",
            Some("Cart.total"),
        );
        check("class Cart { constructor(a: string) { ^x } }", Some("new Cart"));
        check(
            "class Cart { static async #sum<T>(items: Array<T>): Promise<number> { ^x } }",
            Some("Cart.#sum"),
        );
        check("class Cart { total = () => { ^x } }", Some("Cart.total"));
        check("function pay(a): Map<string, number> {\n ^x }", Some("pay"));
    }

    #[test]
    fn blocks_are_no_functions_and_ends_are_seen() {
        check(
            "function pay() { if (a) { for (const b of c) { ^x } } }",
            Some("pay"),
        );
        check("function pay() {} ^x", None);
        check("function pay() { items.map((x) => { ^x }) }", None);
        check("function pay() { items.map((x) => x.y); ^z }", Some("pay"));
        check("function pay() { const f = x => x + 1, g = ^2; }", Some("pay"));
        check("^x", None);
        check("try { a() } catch (e) { ^x }", None);
    }

    #[test]
    fn strings_comments_templates_and_patterns_hide_their_braces() {
        check(
            "function pay() { a('}'); // }\n /* } */ b(`} ${c({d: 1})} }`); e(/[}/]}/g); ^x }",
            Some("pay"),
        );
        check(
            "function pay() { const t = a / b; c = '\u{1f600}}'; ^x }",
            Some("pay"),
        );
        check("function view() { return <p>don't</p>;\n ^x }", Some("view"));
        check(
            "function pay() { return `a ${items.map((x) => { return ^x; })}`; }",
            None,
        );
    }

    #[test]
    fn places_outside_of_the_text_are_in_no_function() {
        assert_eq!(function_around("function a() {}", 9, 0), None);
        assert_eq!(function_around("function a() {", 0, 999).as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[(){}\\[\\]`$/'\"=>,;: \nabc\\\\*é]{0,300}", line in 0..5_u32, column in 0..80_u32) {
            function_around(&text, line, column);
        }
    }
}
