//! Which reports are one bug: rule 1.
//!
//! A client's own `fingerprint` decides if there is one. Else the types of the exceptions with their frames: the
//! app's own where there are any, without lines, columns, and whatever a build or a run makes up. Without a usable
//! frame: the type, and the message without what varies in it. What counted is kept, so that a page can say why.
//!
//! A later rule gets a number of its own; groups made by this one keep their keys, and so stay whole.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::exception::{Exception, Frame};

/// Of the keys that this rule makes.
const RULE: u32 = 1;
/// Frames that count of one exception: those nearest to the crash.
const MAX_FRAMES: usize = 40;
/// Characters of a message that count.
const MAX_MESSAGE_CHARS: usize = 300;

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The client said so.
    Fingerprint,
    /// The app's own frames.
    App,
    /// All frames, since none is the app's own.
    Stack,
    /// The message, since there are no frames.
    Message,
}

/// A group's key and its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// The rule's number.
    pub rule: u32,
    /// What decided.
    pub by: By,
    /// The words that counted, outermost first.
    pub parts: Vec<String>,
}

impl Grouping {
    /// What is equal for reports of one bug: `1:` and 32 hexadecimal digits.
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        hash.update([self.by as u8]);
        for part in &self.parts {
            // The length keeps ["ab", "c"] and ["a", "bc"] apart.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        format!("{}:{}", self.rule, HEXLOWER.encode(&hash.finalize()[..16]))
    }
}

/// What the rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Type of the exception raised last.
    pub exception_type: &'a str,
    /// Its message.
    pub message: &'a str,
    /// All exceptions, cause first.
    pub exceptions: &'a [Exception],
    /// The client's own words; empty: none.
    pub fingerprint: &'a [String],
}

/// Says to which group a report belongs.
pub fn of(facts: &Facts<'_>) -> Grouping {
    decide(facts).0
}

/// The same, and whether the message had a part in it.
pub fn decide(facts: &Facts<'_>) -> (Grouping, bool) {
    if facts.fingerprint.is_empty() || facts.fingerprint.iter().all(|part| is_default(part)) {
        return by_default(facts);
    }
    let (default, has_message) = by_default(facts);
    let parts = facts.fingerprint.iter().flat_map(|part| match is_default(part) {
        true => default.parts.clone(),
        false => vec![part.clone()],
    });
    let grouping = Grouping {
        rule: RULE,
        by: By::Fingerprint,
        parts: parts.collect(),
    };
    (grouping, has_message)
}

/// `{{ default }}`, with or without blanks.
fn is_default(part: &str) -> bool {
    let inner = part
        .trim()
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|inner| inner.trim() == "default")
}

fn by_default(facts: &Facts<'_>) -> (Grouping, bool) {
    let grouping = |by, mut parts: Vec<String>, has_message: bool| {
        if has_message {
            let start: String = facts.message.chars().take(MAX_MESSAGE_CHARS).collect();
            parts.push(message_pattern(&start));
        }
        (
            Grouping {
                rule: RULE,
                by,
                parts,
            },
            has_message,
        )
    };
    let frames = || facts.exceptions.iter().flat_map(|exception| &exception.frames);
    if let Some(parts) = by_frames(facts, |frame| frame.in_app) {
        // Minified names say next to nothing: many bugs have the same.
        let tells = |name: &String| name.chars().count() > 2;
        let is_told = frames().any(|frame| frame.in_app && frame.function.as_ref().is_some_and(tells));
        return grouping(By::App, parts, !is_told);
    }
    if let Some(parts) = by_frames(facts, |_| true) {
        // The app was there, but without names: the library's frames are those of many bugs.
        let is_nameless = frames().any(|frame| frame.in_app);
        return grouping(By::Stack, parts, is_nameless);
    }
    grouping(
        By::Message,
        vec![type_name(facts.exception_type).into_owned()],
        true,
    )
}

/// Type and frames of each exception. None if not one frame says anything.
fn by_frames(facts: &Facts<'_>, counts: impl Fn(&Frame) -> bool) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut has_frames = false;
    let last = facts.exceptions.len().saturating_sub(1);
    for (number, exception) in facts.exceptions.iter().enumerate() {
        let kind = match &exception.kind {
            Some(kind) if number != last => kind,
            _ => facts.exception_type,
        };
        parts.push(type_name(kind).into_owned());
        let start = parts.len();
        // Where others say where they are, a frame that does not is the engine's own, and each engine has others.
        let is_placed = exception.frames.iter().any(has_place);
        let frames = exception.frames.iter();
        let frames = frames.filter(|frame| counts(frame) && (has_place(frame) || !is_placed));
        for place in frames.filter_map(place) {
            // Recursion: how deep it went does not matter.
            if parts[start..].last() != Some(&place) {
                parts.push(place);
            }
        }
        fold_cycles(&mut parts, start);
        let n_surplus = (parts.len() - start).saturating_sub(MAX_FRAMES);
        parts.drain(start..start + n_surplus);
        has_frames |= parts.len() > start;
    }
    has_frames.then_some(parts)
}

fn has_place(frame: &Frame) -> bool {
    frame.file.is_some() || frame.path.is_some() || frame.module.is_some() || frame.package.is_some()
}

/// Mutual recursion, a b a b a b: one round of it stays.
fn fold_cycles(parts: &mut Vec<String>, start: usize) {
    for period in 2..=4 {
        let mut at = start;
        while at + 2 * period <= parts.len() {
            if parts[at..at + period] == parts[at + period..at + 2 * period] {
                parts.drain(at..at + period);
            } else {
                at += 1;
            }
        }
    }
}

/// A type without generated suffixes: `java.lang.Foo$$Lambda$12/0x0001` and its like.
fn type_name(kind: &str) -> Cow<'_, str> {
    without_generated(kind.trim())
}

/// `cart.py total`: a frame without what a new build or another run changes. None if nothing is left.
fn place(frame: &Frame) -> Option<String> {
    let function = frame.function.as_deref().and_then(function_name);
    let module = frame.module.as_deref().filter(|module| !module.is_empty());
    let file = frame.file.as_deref().or(frame.path.as_deref());
    if file.is_some_and(is_pseudo_file) {
        return None;
    }
    let function = function?;
    let home = match (module, file) {
        (Some(module), _) => without_generated(module).into_owned(),
        (None, Some(file)) => file_name(file),
        (None, None) => frame.package.as_deref().map(file_name).unwrap_or_default(),
    };
    Some(match home.is_empty() {
        true => function.into_owned(),
        false => format!("{home} {function}"),
    })
}

/// Code that is in no file of the app: each engine names it in its own way, or leaves it out.
fn is_pseudo_file(file: &str) -> bool {
    matches!(
        file,
        "[native code]" | "native code" | "native" | "<anonymous>" | "eval code" | "[eval]" | "<eval>"
    ) || file.starts_with("<frozen ")
}

/// The last part of a path or URL without query, and without a build's hash: `main.3f2a91bc.js` is `main.js`.
fn file_name(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = path
        .rsplit(['/', '\\'])
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let kept: Vec<&str> = name
        .split('.')
        .enumerate()
        .filter(|(at, part)| *at == 0 || !is_hash(part))
        .map(|(_, part)| part)
        .collect();
    let joined = kept.join(".");
    // main-3f2a91bc.js, chunk_3f2a91bc.js
    let (stem, ending) = joined
        .split_once('.')
        .map_or((joined.as_str(), ""), |(stem, ending)| (stem, ending));
    let stem = match stem.rfind(['-', '_']) {
        Some(at) if at > 0 && is_hash(&stem[at + 1..]) => &stem[..at],
        _ if is_hash(stem) => "#",
        _ => stem,
    };
    match ending {
        "" => stem.to_owned(),
        ending => format!("{stem}.{ending}"),
    }
}

/// Six or more letters and digits that no person would choose: hexadecimal with a digit, or letters and digits
/// mixed in both cases, as bundlers write.
fn is_hash(text: &str) -> bool {
    let is_word = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let n_digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mixes = text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase());
    is_word && n_digits > 0 && ((is_hex && text.len() >= 6) || (mixes && n_digits > 1 && text.len() >= 8))
}

/// The name that a person wrote; none for one that stands for nothing.
fn function_name(name: &str) -> Option<Cow<'_, str>> {
    let name = name.trim();
    let name = name
        .strip_prefix("async ")
        .or_else(|| name.strip_prefix("new "))
        .unwrap_or(name);
    let is_nothing = matches!(
        name,
        "" | "?"
            | "<anonymous>"
            | "anonymous"
            | "(anonymous)"
            | "Anonymous function"
            | "<unknown>"
            | "<redacted>"
            | "stripped_application_code"
            | "eval"
            | "eval code"
            | "global code"
            | "module code"
            | "{closure}"
    );
    // Firefox names a function inside another `outer/<`, Safari's bundles likewise.
    if is_nothing || name.ends_with("/<") || name.starts_with("0x") {
        return None;
    }
    let name = name.split('/').next_back().unwrap_or(name);
    let name = without_generated(name);
    // `Object.aha` and `Foo.prototype.aha` are `aha` in another browser; `a::b::c` is qualified on purpose.
    let is_qualified = name.contains("::") || name.contains('(');
    let start = match is_qualified {
        true => 0,
        false => name.rfind('.').map_or(0, |at| at + 1),
    };
    let name = match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[start..]),
        Cow::Owned(name) => Cow::Owned(name[start..].to_owned()),
    };
    (!name.is_empty() && name != "<anonymous>").then_some(name)
}

/// Cuts off what compilers add: `lambda$run$3`, `Foo$$Lambda$12`, `::h1a2b…`, `.cold.1`, `[abi:cxx11]`, addresses;
/// digits at the end of a `$` part go, template and type arguments become `<>`.
fn without_generated(name: &str) -> Cow<'_, str> {
    let name = name.split(" [").next().unwrap_or(name);
    let name = name.split("@0x").next().unwrap_or(name);
    let name = match name.rfind("::h") {
        Some(at) if name.len() - at == 19 && name[at + 3..].bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            &name[..at]
        }
        _ => name,
    };
    let name = name.split(".cold").next().unwrap_or(name);
    let name = name.split(".llvm.").next().unwrap_or(name);
    let name = name.split("$$Lambda").next().unwrap_or(name);
    let name = name.split("$$Enhancer").next().unwrap_or(name);
    if !name.contains(['$', '<', '#']) && !name.ends_with(|last: char| last.is_ascii_digit()) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut depth = 0_usize;
    let mut is_after_mark = false;
    for character in name.chars() {
        match character {
            '<' if !out.is_empty() && !out.ends_with([':', ' ', '.']) => {
                depth += 1;
                if depth == 1 {
                    out.push('<');
                }
            }
            '>' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    out.push('>');
                }
            }
            _ if depth > 0 => {}
            digit if digit.is_ascii_digit() && is_after_mark => {}
            other => {
                is_after_mark = matches!(other, '$' | '#');
                out.push(other);
            }
        }
    }
    let kept = out.trim_end_matches('$').len();
    out.truncate(kept);
    Cow::Owned(out)
}

/// A message without what differs from one report to the next: `order # of <email> not found`.
pub fn message_pattern(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        if let Some((length, kind)) = quoted(rest) {
            out += kind;
            rest = &rest[length..];
        } else if is_token_part(first) {
            let end = rest
                .find(|character| !is_token_part(character))
                .unwrap_or(rest.len());
            let token = rest[..end].trim_end_matches(['.', ',', ':', '-', '/']);
            let length = match token.find("://") {
                // An address goes on to the next blank, whatever is in it.
                Some(_) => rest
                    .find(|end: char| end.is_whitespace() || matches!(end, '"' | '\'' | '>' | ')'))
                    .unwrap_or(rest.len()),
                None => token.len().max(first.len_utf8()),
            };
            out += &pattern_of(&rest[..length]);
            rest = &rest[length..];
        } else {
            // Blanks and line ends of any length are one.
            if !first.is_whitespace() {
                out.push(first);
            } else if !out.ends_with(' ') {
                out.push(' ');
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Length and stand-in of a quoted value at the start of `text`; an apostrophe inside a word is none.
fn quoted(text: &str) -> Option<(usize, &'static str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '\'' | '"' | '`'))?;
    let inner = &text[1..];
    let end = inner.find(quote).filter(|end| !inner[..*end].contains('\n'))?;
    let after = inner[end + 1..].chars().next();
    (!after.is_some_and(char::is_alphanumeric)).then_some((end + 2, "<quoted>"))
}

/// What makes up numbers, ids, dates, paths and addresses.
fn is_token_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '/' | '\\' | '@' | '%' | '+')
}

fn pattern_of(token: &str) -> Cow<'_, str> {
    let has_digit = token.bytes().any(|byte| byte.is_ascii_digit());
    if token.contains("://") {
        return Cow::Borrowed("<url>");
    }
    if token.contains('@') && token.contains('.') && !token.starts_with('@') {
        return Cow::Borrowed("<email>");
    }
    let n_separators = token.matches(['/', '\\']).count();
    if (token.starts_with('/') && token.len() > 1) || n_separators > 1 {
        return Cow::Borrowed("<path>");
    }
    if !has_digit {
        return Cow::Borrowed(token);
    }
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex = token.strip_prefix("0x").unwrap_or(token);
    let groups: Vec<&str> = hex.split('-').collect();
    if groups.len() == 5 && groups.iter().all(|group| is_hex(group)) && hex.len() == 36 {
        return Cow::Borrowed("<id>");
    }
    if (hex.len() != token.len() && is_hex(hex))
        || (hex.len() >= 8 && is_hex(hex) && hex.bytes().any(|byte| byte.is_ascii_alphabetic()))
    {
        return Cow::Borrowed("<id>");
    }
    if token.contains(':')
        && token.split(':').all(|part| part.is_empty() || is_hex(part))
        && token.matches(':').count() > 2
    {
        return Cow::Borrowed("<address>");
    }
    let octets = token.split(':').next().unwrap_or_default();
    if octets.split('.').count() == 4 && octets.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return Cow::Borrowed("<address>");
    }
    let n_letters = token.bytes().filter(u8::is_ascii_alphabetic).count();
    let n_digits = token.bytes().filter(u8::is_ascii_digit).count();
    if n_digits >= 4 && token.contains(['-', ':']) && n_letters <= 3 {
        return Cow::Borrowed("<time>");
    }
    if n_letters > 3 && n_digits > 2 && token.len() >= 12 && !token.contains(['.', ':', '/']) {
        return Cow::Borrowed("<id>");
    }
    // Each run of digits, with the point or comma inside it, is one number.
    let mut out = String::with_capacity(token.len());
    for character in token.chars() {
        match character {
            digit if digit.is_ascii_digit() => {
                if !out.ends_with('#') {
                    out.push('#');
                }
            }
            '.' if out.ends_with('#') => out.push('.'),
            other => out.push(other),
        }
    }
    Cow::Owned(out.replace("#.#", "#").replace("-#", "#").replace("+#", "#"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(file: &str, function: &str, line: u32, in_app: bool) -> Frame {
        Frame {
            function: Some(function.to_owned()),
            file: Some(file.to_owned()),
            line: Some(line),
            in_app,
            ..Frame::default()
        }
    }

    fn exception(kind: &str, frames: Vec<Frame>) -> Exception {
        Exception {
            kind: Some(kind.to_owned()),
            frames,
            ..Exception::default()
        }
    }

    fn group(kind: &str, message: &str, exceptions: &[Exception]) -> Grouping {
        of(&Facts {
            exception_type: kind,
            message,
            exceptions,
            fingerprint: &[],
        })
    }

    fn key(frames: Vec<Frame>) -> String {
        group("E", "m", &[exception("E", frames)]).key()
    }

    #[test]
    fn only_the_apps_own_frames_count_where_there_are_any() {
        let with_library = |library: &str, line| {
            key(vec![
                frame("a.py", "run", 1, true),
                frame(library, "send", line, false),
            ])
        };
        assert_eq!(
            with_library("lib/http-1.2/x.py", 5),
            with_library("lib/http-2.0/y.py", 7)
        );
        let of_library = |function| key(vec![frame("lib.py", function, 1, false)]);
        assert_ne!(of_library("a"), of_library("b"));
    }

    #[test]
    fn names_that_a_build_makes_up_do_not_count() {
        let same = [
            ("main.3f2a91bc.js", "main.77aa01ff.js", "pay", "pay"),
            ("static/chunk-9f8e7d6c.js", "chunk-11223344.js", "pay", "pay"),
            ("a.js?v=1", "https://x.example/a.js?v=2#x", "pay", "pay"),
            ("A.java", "A.java", "lambda$run$3", "lambda$run$14"),
            (
                "a.rs",
                "a.rs",
                "app::pay::h0123456789abcdef",
                "app::pay::hfedcba9876543210",
            ),
            ("a.cpp", "a.cpp", "Pool<int>::get", "Pool<long>::get"),
            ("a.c", "a.c", "abort_message.cold.1", "abort_message"),
            ("a.js", "a.js", "Object.pay", "Shop.prototype.pay"),
            ("a.js", "a.js", "async pay", "pay"),
        ];
        for (file_a, file_b, function_a, function_b) in same {
            assert_eq!(
                key(vec![frame(file_a, function_a, 1, true)]),
                key(vec![frame(file_b, function_b, 2, true)]),
                "{file_a} {function_a}"
            );
        }
        let differ = [
            ("cart.js", "card.js", "pay", "pay"),
            ("a.js", "a.js", "pay", "pray"),
            ("a.cpp", "a.cpp", "Pool::get", "Cache::get"),
            ("user_1.py", "user_2.py", "pay", "pay"),
        ];
        for (file_a, file_b, function_a, function_b) in differ {
            assert_ne!(
                key(vec![frame(file_a, function_a, 1, true)]),
                key(vec![frame(file_b, function_b, 1, true)]),
                "{file_a} {function_a}"
            );
        }
    }

    #[test]
    fn recursion_counts_once() {
        let deep = |names: &[&str]| key(names.iter().map(|name| frame("a.py", name, 1, true)).collect());
        assert_eq!(deep(&["main", "walk"]), deep(&["main", "walk", "walk", "walk"]));
        let twice = deep(&["main", "even", "odd", "even", "odd"]);
        assert_eq!(
            twice,
            deep(&["main", "even", "odd", "even", "odd", "even", "odd"])
        );
        assert_ne!(twice, deep(&["main", "odd", "even"]));
    }

    #[test]
    fn a_cause_tells_bugs_apart() {
        let frames = || vec![frame("a.py", "load", 1, true)];
        let chain = |cause| {
            group(
                "LoadError",
                "m",
                &[exception(cause, frames()), exception("LoadError", frames())],
            )
        };
        assert_ne!(chain("KeyError").key(), chain("OSError").key());
    }

    #[test]
    fn minified_names_alone_are_not_enough() {
        let of = |message| {
            group(
                "TypeError",
                message,
                &[exception("TypeError", vec![frame("a.js", "t", 1, true)])],
            )
        };
        assert_ne!(of("x is undefined").key(), of("y is no function").key());
        assert_eq!(of("row 7 is undefined").key(), of("row 9 is undefined").key());
    }

    #[test]
    fn without_frames_the_words_count_and_what_varies_in_them_does_not() {
        let check =
            |message: &str, expected: &str| assert_eq!(message_pattern(message), expected, "{message}");
        check("order 4711 not found", "order # not found");
        check(
            "user 'anna' has no key \"x y\"",
            "user <quoted> has no key <quoted>",
        );
        check(
            "can't open /var/lib/app/data.db: denied",
            "can't open <path>: denied",
        );
        check("GET https://x.example/a?b=1 took 12.5s", "GET <url> took #s");
        check("no route to 10.1.2.3:5432", "no route to <address>");
        check("no route to fe80::1:2:3", "no route to <address>");
        check("mail to anna@example.com failed", "mail to <email> failed");
        check("job 550e8400-e29b-41d4-a716-446655440000 died", "job <id> died");
        check("at 0x7ffe12ab, code deadbeef99", "at <id>, code <id>");
        check("due 2026-11-20T10:00:00Z or 2026-11-20", "due <time> or <time>");
        check("a  b\n\nc", "a b c");
        check("日本 7 語", "日本 # 語");
        check("KeyError: x", "KeyError: x");
    }

    #[test]
    fn the_parts_say_why() {
        let grouping = group(
            "E",
            "m",
            &[exception("E", vec![frame("src/a.py", "run", 3, true)])],
        );
        assert_eq!(
            (grouping.by, grouping.parts),
            (By::App, vec!["E".to_owned(), "a.py run".to_owned()])
        );
        assert_eq!(group("E", "order 5", &[]).parts, ["E", "order #"]);
    }

    fn name() -> impl Strategy<Value = String> {
        "[a-z]{3,8}(_[a-z]{2,6})?"
    }

    fn stack() -> impl Strategy<Value = Vec<(String, String, bool)>> {
        prop::collection::vec((name(), name(), any::<bool>()), 1..12)
    }

    /// The same stack as another build and another run would report it.
    fn frames(stack: &[(String, String, bool)], seed: u32) -> Vec<Frame> {
        let frames = stack.iter().zip(1..).map(|((file, function, in_app), at)| Frame {
            function: Some(format!("{function}::h{:016x}", u64::from(seed) * 31 + at)),
            file: Some(format!(
                "/srv/{seed}/{file}.{:08x}1.js",
                seed.wrapping_mul(2_654_435_761)
            )),
            line: Some(seed % 9000 + 1),
            column: Some(seed % 80 + 1),
            in_app: *in_app,
            ..Frame::default()
        });
        frames.collect()
    }

    proptest! {
        #[test]
        fn lines_hashes_and_ids_never_change_the_group(stack in stack(), kind in name(), a: u32, b: u32) {
            let of_seed = |seed| {
                let message = format!("order {seed} of 0x{seed:08x} at /tmp/{seed}/x");
                group(&kind, &message, &[exception(&kind, frames(&stack, seed))]).key()
            };
            prop_assert_eq!(of_seed(a), of_seed(b));
            let message = |seed: u32| group(&kind, &format!("order {seed} of <{seed}@example.com>"), &[]).key();
            prop_assert_eq!(message(a), message(b));
        }

        #[test]
        fn another_type_or_another_top_frame_is_another_group(stack in stack(), kind in name(), other in name()) {
            prop_assume!(kind != other);
            let whole = |kind: &str, stack: &[_]| group(kind, "m", &[exception(kind, frames(stack, 1))]).key();
            prop_assert_ne!(whole(&kind, &stack), whole(&other, &stack));
            let mut changed = stack.clone();
            let last_counted = changed.iter().rposition(|frame| frame.2).unwrap_or(changed.len() - 1);
            prop_assume!(changed[last_counted].1 != other);
            let name = |frame: &(String, String, bool)| (frame.0.clone(), frame.1.clone());
            let others: Vec<_> = stack.iter().map(name).collect();
            changed[last_counted].1 = other;
            // A name that is there already may be recursion.
            prop_assume!(!others.contains(&name(&changed[last_counted])));
            prop_assume!(others.iter().filter(|it| **it == name(&stack[last_counted])).count() == 1);
            prop_assert_ne!(whole(&kind, &stack), whole(&kind, &changed));
        }

        #[test]
        fn any_text_has_a_group(kind in ".*", message in ".*", file in ".*", function in ".*") {
            let grouping = group(&kind, &message, &[exception(&kind, vec![frame(&file, &function, 1, true)])]);
            prop_assert!(grouping.key().starts_with("1:"));
        }
    }
}
