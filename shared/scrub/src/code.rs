//! What follows a secret name but is no secret: code in a traceback's lines, placeholders, and the next word of a
//! sentence.

use crate::names::{Kind, Names};
use crate::token::looks_random;
use crate::word::is_word;

/// Values that say there is none, and types.
const NOTHING: &[&str] = &[
    "None",
    "Some",
    "NULL",
    "Null",
    "null",
    "nil",
    "NaN",
    "undefined",
    "true",
    "false",
    "True",
    "False",
    "yes",
    "no",
    "str",
    "&str",
    "&'static",
    "string",
    "String",
    "std::string",
    "bytes",
    "bool",
    "boolean",
    "int",
    "number",
    "any",
    "Any",
    "object",
    "void",
    "dict",
    "Optional",
    "Option",
    "Promise",
    "SecretStr",
    "function",
    "async",
    "await",
    "new",
    "lambda",
    "not",
    "self",
    "this",
    "unknown",
    "never",
    "[]",
    "{}",
    "()",
    "''",
    "\"\"",
    "?",
    "-",
    "--",
    "...",
    "…",
    "<redacted>",
    "[redacted]",
    "[REDACTED]",
    "REDACTED",
    "redacted",
    "[filtered]",
    "[hidden]",
    "<hidden>",
    "[MASKED]",
    "=>",
    "->",
];

/// How sentences go on behind `password: `.
const PROSE: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "at",
    "but",
    "by",
    "can",
    "cannot",
    "can't",
    "could",
    "does",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "field",
    "for",
    "found",
    "has",
    "have",
    "if",
    "in",
    "incorrect",
    "invalid",
    "is",
    "it",
    "may",
    "mismatch",
    "missing",
    "must",
    "no",
    "not",
    "of",
    "on",
    "or",
    "permission",
    "please",
    "rejected",
    "required",
    "should",
    "the",
    "this",
    "to",
    "too",
    "unexpected",
    "unsupported",
    "use",
    "user",
    "value",
    "was",
    "were",
    "when",
    "wrong",
    "you",
    "your",
];

/// Objects from which code takes its secrets: `self.password`, `os.environ[…]`.
const OWNERS: &[&str] = &[
    "app", "args", "cfg", "cls", "conf", "config", "context", "ctx", "data", "env", "form", "kwargs", "opts",
    "options", "os", "params", "process", "props", "req", "request", "self", "session", "settings", "state",
    "this", "user",
];

/// Longer values are never harmless, in bytes; what is harmless is read twice, so this also keeps time linear.
const MAX_HARMLESS: usize = 128;

/// A value without quotes, and where it stands.
pub(crate) struct Value<'t> {
    pub(crate) text: &'t str,
    /// What follows the value in the text.
    pub(crate) rest: &'t str,
    /// The name it has.
    pub(crate) name: &'t str,
    pub(crate) kind: Kind,
    /// Space stands around the sign, as in code and in sentences.
    pub(crate) is_spaced: bool,
}

impl Value<'_> {
    pub(crate) fn is_harmless(&self, names: &Names) -> bool {
        if self.text.len() > MAX_HARMLESS {
            return false;
        }
        NOTHING.contains(&self.text)
            || self.is_placeholder()
            || self.is_type()
            || self.is_code(names)
            || (self.is_spaced && self.is_prose())
    }

    /// `Optional[str] = None`, `Option<String>`.
    fn is_type(&self) -> bool {
        let end = self
            .text
            .find(['[', '<', '(', ',', ')'])
            .unwrap_or(self.text.len());
        let is_cut = end < self.text.len() || self.rest.starts_with(['[', '<', '(', ',', ')', ']', ';']);
        end > 0 && is_cut && NOTHING.contains(&&self.text[..end])
    }

    fn is_code(&self, names: &Names) -> bool {
        let path_end = self
            .text
            .bytes()
            .position(|byte| !is_in_path(byte))
            .unwrap_or(self.text.len());
        let (path, then) = self.text.split_at(path_end);
        let path = path.trim_end_matches(['?', '.', '!', ':']);
        if path.is_empty() || path.starts_with(|first: char| first.is_ascii_digit()) {
            return false;
        }
        let (owner, last) = (
            path.split(['.', '?', ':']).next().unwrap_or(path),
            last_part(path),
        );
        let is_dotted = owner.len() < path.len();
        let is_used = then.starts_with(['(', '[']) || (then.is_empty() && self.rest.starts_with(['(', '[']));
        let has_digit = path.bytes().any(|byte| byte.is_ascii_digit());
        if is_used {
            return OWNERS.contains(&owner) || !has_digit;
        }
        if !then.is_empty() || has_digit {
            return false;
        }
        if is_dotted {
            return OWNERS.contains(&owner) || names.secret(last).is_some();
        }
        // `login(password=password)`, `token=access_token`.
        Names::same(path, last_part(self.name)) || (path.contains('_') && names.secret(path).is_some())
    }

    fn is_prose(&self) -> bool {
        let word = self.text.trim_end_matches(['.', ',', ':', ';', '!', '?', ')']);
        if self.kind == Kind::Sure {
            return PROSE.iter().any(|prose| word.eq_ignore_ascii_case(prose));
        }
        !looks_random(word.as_bytes()) || is_type_name(word)
    }
    /// `***`, `%s`, `$1`, `${TOKEN}`, `{token}`, `<token>`, `:token`.
    fn is_placeholder(&self) -> bool {
        let value = self.text;
        let inner = value.strip_prefix(['$', '%', '{', '<', ':', '#']).map(|inner| {
            inner
                .trim_start_matches(['{', '(', '<', '$'])
                .trim_end_matches(['}', ')', '>', 's', 'd', 'r', 'v'])
        });
        let is_name = |inner: &str| {
            let is_identifier = inner
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            let is_closed =
                value.ends_with(['}', '>']) || self.rest.starts_with(['}', '>']) || value.starts_with("%(");
            let is_inside = inner
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-'));
            is_identifier
                || (is_closed && is_inside)
                || (inner.len() <= 2 && inner.bytes().all(|b| b.is_ascii_digit()))
        };
        value.bytes().all(|byte| byte == b'*')
            || value.chars().all(|character| character == '•')
            || inner.is_some_and(is_name)
    }
}

fn is_in_path(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'$' | b'?' | b'!' | b':')
}

fn last_part(path: &str) -> &str {
    path.rsplit(['.', '?', ':']).next().unwrap_or(path)
}

/// Whether it goes on as sentences about credentials do: `Authorization: Bearer token required`.
pub(crate) fn is_said_of_credentials(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ':', ';', '!', '?', ')']);
    let about = [
        "auth",
        "authentication",
        "authorization",
        "credentials",
        "header",
        "key",
        "scheme",
        "token",
        "tokens",
    ];
    PROSE.contains(&word) || about.contains(&word) || word.is_empty()
}

/// `AuthService`: capitals that begin words.
fn is_type_name(word: &str) -> bool {
    let mut parts = word.split_inclusive(|letter: char| letter.is_ascii_uppercase());
    parts.next() == word.get(..1)
        && parts.all(|part| part.len() > 3)
        && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        && word.bytes().rev().take_while(u8::is_ascii_lowercase).count() > 2
}
