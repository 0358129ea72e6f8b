//! What a browser says about being watched, and what then is left out.

use serde_json::Value;

use super::{page, stack_text};

/// Names under which pages tell who somebody is, in lower case and without what parts their words: `user.id`, `userId`
/// and `user_id` are one.
const NAMES: &[&str] = &[
    "anonymousid",
    "customerid",
    "deviceid",
    "distinctid",
    "email",
    "enduserid",
    "ip",
    "ipaddress",
    "login",
    "query",
    "querystring",
    "session",
    "sessionid",
    "sid",
    "uid",
    "urlquery",
    "user",
    "useremail",
    "userid",
    "username",
    "visitorid",
];
/// Names of what is a URL, or the end of one.
const URL_NAMES: &[&str] = &[
    "href", "location", "page", "path", "referer", "referrer", "uri", "url",
];

/// What to do about `DNT: 1` and `Sec-GPC: 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoNotTrack {
    /// Nothing that tells one visitor from another is kept: no session, no user, no query of a URL.
    Anonymous,
    /// Nothing is kept at all.
    Drop,
    /// It is not looked at.
    Ignore,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// To be nobody.
    Anonymous,
    /// Not to be kept.
    Drop,
}

/// The wish of a request with these headers.
pub fn wish(rule: DoNotTrack, dnt: Option<&str>, gpc: Option<&str>) -> Wish {
    let asks = [dnt, gpc].iter().flatten().any(|value| value.trim() == "1");
    match rule {
        DoNotTrack::Anonymous if asks => Wish::Anonymous,
        DoNotTrack::Drop if asks => Wish::Drop,
        _ => Wish::None,
    }
}

/// Takes out of what a page tells by itself who somebody is, and the queries of its URLs, however deep they are.
pub fn anonymize(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_queries(text),
        Value::Array(items) => {
            // `["user_id", "5"]`, as tags may be.
            if let [Value::String(name), value] = &mut items[..]
                && is_personal(name)
            {
                *value = Value::Null;
            }
            items.iter_mut().for_each(anonymize);
        }
        Value::Object(fields) => {
            fields.retain(|name, _| !is_personal(name));
            // `{"key": "user_id", "value": "5"}`.
            let named = ["name", "key"]
                .iter()
                .filter_map(|name| fields.get(*name)?.as_str());
            if named.into_iter().any(is_personal) {
                fields.remove("value");
            }
            for (name, value) in fields {
                match value {
                    Value::String(url) if URL_NAMES.contains(&&*plain(name)) => {
                        *url = page::without_query(url)
                    }
                    value => anonymize(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_personal(name: &str) -> bool {
    NAMES.contains(&&*plain(name))
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A text whose URLs have no query, fragment or user name.
pub fn without_queries(text: &str) -> String {
    if !text.contains(['?', '#', '@']) {
        return text.to_owned();
    }
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    text.split_inclusive(ends_word)
        .map(|word| {
            let bare = word.trim_end_matches(ends_word);
            let mut out = word_without_query(bare);
            out.push_str(&word[bare.len()..]);
            out
        })
        .collect()
}

fn word_without_query(word: &str) -> String {
    let start = match word.find("://") {
        Some(end) => {
            let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            word[..end].trim_end_matches(is_scheme).len()
        }
        None => {
            // `f@/a.js`, as Firefox has it.
            let path = word.rfind("@/").map_or(word, |at| &word[at + 1..]);
            let path = path.trim_start_matches(['(', '[', '{', ',']);
            if !path.starts_with(['/', '?']) {
                return word.to_owned();
            }
            word.len() - path.len()
        }
    };
    let url = &word[start..];
    let end = &url[url.trim_end_matches([')', ']', '}', ',', '.', ';', ':']).len()..];
    let bare = page::without_query(url);
    if bare.ends_with(end) {
        return format!("{}{bare}", &word[..start]);
    }
    format!("{}{bare}{end}", &word[..start])
}

/// A stack the URLs of whose frames have no query. Lines and columns stay.
pub fn stack_without_queries(stack: &str) -> String {
    stack
        .split_inclusive('\n')
        .map(|line| {
            let file = stack_text::frame(line).map_or("", |frame| frame.file);
            match line.rfind(file).filter(|_| !file.is_empty()) {
                Some(start) => {
                    let (before, rest) = line.split_at(start);
                    let after = &rest[file.len()..];
                    format!("{before}{}{after}", without_queries(file))
                }
                None => without_queries(line),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_one_asks() {
        assert_eq!(wish(DoNotTrack::Anonymous, Some("1"), None), Wish::Anonymous);
        assert_eq!(wish(DoNotTrack::Drop, None, Some("1")), Wish::Drop);
        assert_eq!(wish(DoNotTrack::Drop, Some("0"), None), Wish::None);
        assert_eq!(wish(DoNotTrack::Ignore, Some("1"), Some("1")), Wish::None);
    }

    #[test]
    fn who_somebody_is_is_left_out_however_deep_it_stands() {
        let mut value = json!({"session_id": "S", "userId": "S", "user.email": "S", "user": {"id": "S"}, "sum": 5,
            "url": "checkout?who=S", "seen": ["http://h/p?token=S#S", {"Session-Id": "S", "step": "pay"}],
            "tags": [["user_id", "S"], ["colour", "red"], {"key": "email", "value": "S"}]});
        anonymize(&mut value);
        assert_eq!(
            value,
            json!({"sum": 5, "url": "checkout", "seen": ["http://h/p", {"step": "pay"}],
                "tags": [["user_id", null], ["colour", "red"], {"key": "email"}]})
        );
    }

    #[test]
    fn urls_in_a_text_lose_their_queries() {
        let check = |text: &str, expected: &str| assert_eq!(without_queries(text), expected);
        check("GET https://u:p@h/a?b=c,d(e) failed", "GET https://h/a) failed");
        check(
            "see (http://h/a?b), \"/c?d\" and ?e=f.",
            "see (http://h/a), \"/c\" and .",
        );
        check("why? #5 a@b.example", "why? #5 a@b.example");
        check("http://h/a.", "http://h/a.");
    }

    #[test]
    fn frames_keep_their_places_without_their_queries() {
        let stack = "E: http://h/x?q\n    at f (http://h/a.js?uid=Q:1:2)\n    at http://h/b.js?Q:3:4\ng@http://h/c.js?Q#Q:5:6\n@/d.js?Q:7:8\n    at new Map (<anonymous>)";
        assert_eq!(
            stack_without_queries(stack),
            "E: http://h/x\n    at f (http://h/a.js:1:2)\n    at http://h/b.js:3:4\ng@http://h/c.js:5:6\n@/d.js:7:8\n    at new Map (<anonymous>)"
        );
    }
}
