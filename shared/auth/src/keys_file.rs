//! The text of `API_KEYS_FILE` to keys. Problems name an entry and its line, and never show a value:
//! what stands in the wrong place may be a key.

use toml::{Table, Value};

use crate::key::{Identity, KeyHash, Via};
use crate::scope::{Scope, Scopes};

/// Most keys in a file: each request is compared with all of them.
const MAX_KEYS: usize = 1_000;
/// Longest name, in bytes: it stands in every log line.
const MAX_NAME_BYTES: usize = 100;
/// Names that mean something else in the log.
const RESERVED_NAMES: [&str; 2] = ["API_KEY", "session"];

/// One key of the file or of `API_KEY`.
pub(crate) struct Entry {
    pub(crate) hash: KeyHash,
    pub(crate) identity: Identity,
}

impl Entry {
    pub(crate) fn new(name: &str, hash: KeyHash, scopes: Scopes) -> Entry {
        let identity = Identity {
            name: name.to_owned(),
            id: hash.id(),
            scopes,
            via: Via::Key,
        };
        Entry { hash, identity }
    }
}

/// All keys of the text, or what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let mut file: Table = text.parse().map_err(|error| syntax_problem(text, &error))?;
    let keys = match file.remove("keys") {
        Some(Value::Array(keys)) => keys,
        Some(_) => return Err("keys is no list: write [[keys]]".to_owned()),
        None => Vec::new(),
    };
    if let Some(name) = file.keys().next() {
        return Err(format!("unknown setting {name}: only [[keys]] is known"));
    }
    if keys.len() > MAX_KEYS {
        return Err(format!("more than {MAX_KEYS} keys"));
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(keys.len());
    for (index, key) in keys.into_iter().enumerate() {
        let number = index + 1;
        let new = entry(key).map_err(|problem| format!("key {number}: {problem}"))?;
        refuse_twin(&new, &entries).map_err(|problem| format!("key {number}: {problem}"))?;
        entries.push(new);
    }
    Ok(entries)
}

/// Two names for one key, or two keys of one name, would make the log lie.
pub(crate) fn refuse_twin(new: &Entry, others: &[Entry]) -> Result<(), String> {
    for other in others {
        let name = &other.identity.name;
        if new.identity.name == *name {
            return Err(format!("a second key named '{name}'"));
        }
        if new.hash.matches(&other.hash).into() {
            return Err(format!("'{}' has the same key as '{name}'", new.identity.name));
        }
    }
    Ok(())
}

fn entry(key: Value) -> Result<Entry, String> {
    let Value::Table(mut fields) = key else {
        return Err("not a table: write [[keys]]".to_owned());
    };
    let name = take_text(&mut fields, "name")?.ok_or("name is missing")?;
    check_name(&name)?;
    let described = |problem: String| format!("('{name}') {problem}");
    let hash = take_hash(&mut fields).map_err(described)?;
    let scopes = take_scopes(&mut fields).map_err(described)?;
    match fields.keys().next() {
        Some(unknown) => Err(described(format!("unknown field {unknown}"))),
        None => Ok(Entry::new(&name, hash, scopes)),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = name.chars().all(|c| !c.is_control()) && name.trim() == name;
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !is_plain {
        return Err(format!("name must be 1 to {MAX_NAME_BYTES} bytes of plain text"));
    }
    if RESERVED_NAMES.contains(&name) {
        return Err(format!("the name {name} is reserved"));
    }
    Ok(())
}

fn take_hash(fields: &mut Table) -> Result<KeyHash, String> {
    match (take_text(fields, "key")?, take_text(fields, "hash")?) {
        (Some(key), None) if key.trim().is_empty() => Err("key is empty".to_owned()),
        (Some(key), None) => Ok(KeyHash::of(&key)),
        (None, Some(hash)) => {
            let hash = KeyHash::parse(&hash).ok_or("hash must be sha256: and 64 hexadecimal digits")?;
            if hash.matches(&KeyHash::of("")).into() {
                return Err("hash is that of the empty key".to_owned());
            }
            Ok(hash)
        }
        (Some(_), Some(_)) => Err("has both key and hash: keep one of them".to_owned()),
        (None, None) => Err("key or hash is missing".to_owned()),
    }
}

fn take_scopes(fields: &mut Table) -> Result<Scopes, String> {
    const WANTED: &str = "scopes must be a list of ingest, read, admin";
    let Some(Value::Array(names)) = fields.remove("scopes") else {
        return Err(WANTED.to_owned());
    };
    let scope = |name: &Value| name.as_str().and_then(Scope::from_name);
    match names.iter().map(scope).collect::<Option<Scopes>>() {
        Some(scopes) if !scopes.is_empty() => Ok(scopes),
        Some(_) | None => Err(WANTED.to_owned()),
    }
}

fn take_text(fields: &mut Table, name: &str) -> Result<Option<String>, String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a text in quotes")),
        None => Ok(None),
    }
}

/// The error's own `Display` would quote the line, key and all.
fn syntax_problem(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    format!("line {line} is not valid TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_text_or_as_hash() {
        let text = r#"
            [[keys]]
            name = "ci"
            key = "abc"
            scopes = ["ingest", "read"]
            [[keys]]
            name = "wall board"
            hash = "sha256:cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34"
            scopes = ["read"]
        "#;
        let entries = parse(text).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].identity.scopes.to_string(), "ingest,read");
        assert_eq!(entries[1].identity.name, "wall board");
        // printf def | sha256sum
        assert!(bool::from(entries[1].hash.matches(&KeyHash::of("def"))));
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_file_says_where_and_why_without_the_key() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse(text).err().as_deref(), Some(expected), "{text}");
        };
        check(
            "[[keys]]\nname = 'a'\nkey = mk_secret",
            "line 3 is not valid TOML",
        );
        check("keys = 'mk_secret'", "keys is no list: write [[keys]]");
        check("keys = ['mk_secret']", "key 1: not a table: write [[keys]]");
        check("key = 'mk_secret'", "unknown setting key: only [[keys]] is known");
        check("[[keys]]", "key 1: name is missing");
        check(
            "[[keys]]\nname = ''",
            "key 1: name must be 1 to 100 bytes of plain text",
        );
        check(
            "[[keys]]\nname = 'API_KEY'",
            "key 1: the name API_KEY is reserved",
        );
        check("[[keys]]\nname = 7", "key 1: name must be a text in quotes");
        let check = |fields: &str, expected: &str| {
            check(
                &format!("[[keys]]\nname = 'a'\n{fields}"),
                &format!("key 1: ('a') {expected}"),
            );
        };
        check("", "key or hash is missing");
        check("key = ''", "key is empty");
        check("key = 5", "key must be a text in quotes");
        check("key = 'x'\nhash = 'y'", "has both key and hash: keep one of them");
        check("hash = 'md5:0'", "hash must be sha256: and 64 hexadecimal digits");
        let empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(
            &format!("hash = 'sha256:{empty_hash}'"),
            "hash is that of the empty key",
        );
        let wanted = "scopes must be a list of ingest, read, admin";
        check("key = 'x'", wanted);
        check("key = 'x'\nscopes = []", wanted);
        check("key = 'x'\nscopes = 'read'", wanted);
        check("key = 'x'\nscopes = ['write']", wanted);
        check("key = 'x'\nscopes = ['read']\nscope = 1", "unknown field scope");
    }

    #[test]
    fn twins_are_refused() {
        let key = |name: &str, key: &str| format!("[[keys]]\nname='{name}'\nkey='{key}'\nscopes=['read']\n");
        let check = |text: String, expected: &str| assert_eq!(parse(&text).err().as_deref(), Some(expected));
        check(key("a", "x") + &key("a", "y"), "key 2: a second key named 'a'");
        check(
            key("a", "x") + &key("b", "x"),
            "key 2: 'b' has the same key as 'a'",
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = parse(&text);
        }
    }
}
