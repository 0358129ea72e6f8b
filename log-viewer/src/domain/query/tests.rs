use proptest::prelude::*;

use super::*;
use crate::domain::entry::testing::entry;
use crate::domain::entry::{Entry, Level, Stream};

fn matches(query: &str, entry: &Entry) -> bool {
    Query::parse(query).matches(&EntryView::of(entry))
}

#[track_caller]
fn check(query: &str, text: &str, expected: bool) {
    assert_eq!(
        matches(query, &entry(text)),
        expected,
        "{query:?} in {text:?}: {:?}",
        Query::parse(query)
    );
}

#[test]
fn all_words_must_be_there_in_any_case() {
    check("Refused connection", "connection REFUSED", true);
    check("refused twice", "connection refused", false);
    check("", "anything", true);
    check("  ", "anything", true);
    check("connect", "connection", false);
    check("GRÖSSE größe", "größe: GRÖSSE", true);
}

#[test]
fn phrases_prefixes_and_operators_are_those_of_fts5() {
    check("\"connection refused\"", "connection  -  refused", true);
    check("\"refused connection\"", "connection refused", false);
    check("req*", "a request", true);
    check("\"two wor\"*", "two words", true);
    check("a AND b", "b a", true);
    check("a OR b", "b", true);
    check("a OR b AND c", "b", false);
    check("a OR b AND c", "a", true);
    check("(a OR b) AND c", "a", false);
    check("(a OR b) AND c", "b c", true);
    check("a NOT b", "a", true);
    check("a NOT b", "a b", false);
    check("NEAR(a b, 2)", "a x x b", true);
    check("NEAR(a b, 2)", "b x x a", true);
    check("NEAR(a b, 2)", "a x x x b", false);
    check("NEAR(a b)", "a x x x b", true);
    check("message:word", "a word", true);
    check("{message}:word", "a word", true);
    check("message : (a OR b)", "b", true);
    check("a + b", "a b", true);
    check("a+b", "a b", true);
    check("a + b", "b a", false);
    check("\"a b\" + c", "a b c", true);
    check("one + tw*", "one two", true);
    check("^first", "first second", true);
    check("^second", "first second", false);
    check("and or not", "not and or", true);
}

#[test]
fn the_closest_group_counts_and_is_found_in_one_walk() {
    check("NEAR(a b c, 1)", "a b x a x x b c a", true);
    check("NEAR(a b c, 1)", "a b x x c x x a b", false);
    check("NEAR(a \"a b\" c, 2)", "a x x a b x c", true);
    let long = format!("b {}", "a ".repeat(200_000));
    check("NEAR(a b x, 3)", &long, false);
    check(&format!("NEAR({} y, 3)", "a ".repeat(60)), &long, false);
    check(
        &format!("NEAR(b c{}, 3)", " a".repeat(60)),
        &format!("{long} c"),
        false,
    );
}

#[test]
fn a_long_word_is_not_looked_at_from_each_of_its_letters() {
    let long = "a".repeat(1_000_000);
    check(&"a".repeat(500), &long, false);
    check("aab", &format!("{long}b aaab aab"), true);
    check("登录", "a登录b", true);
    check("é1", "éé1 é1", true);
}

#[test]
fn a_search_that_would_take_too_long_is_refused() {
    let is_refused = |query: &str| Query::parse(query).refusal().is_some();
    assert!(is_refused(&"a".repeat(513)) && !is_refused(&"a".repeat(512)));
    assert!(is_refused(&format!("x OR (-field:{})", "a".repeat(513))));
    assert!(is_refused(&format!("\"{}b\"", "a ".repeat(64))));
    assert!(is_refused(&format!("NEAR(\"{}b\" c)", "a ".repeat(63))));
    assert!(!is_refused(&format!("\"{}b\"", "a ".repeat(63))));
}

#[test]
fn a_minus_leaves_out() {
    check("a -b", "a b", false);
    check("a -b", "a c", true);
    check("-b", "a c", true);
    check("-\"b c\"", "b c", false);
    check("-(b OR c)", "c", false);
    check("--flag", "with --flag set", true);
    check("a - b", "a - b", true);
    check("a - b", "a b", false);
}

#[test]
fn any_other_text_is_found_as_it_is() {
    for text in [
        "foo-bar",
        "user@x",
        "C++",
        "\"",
        "(",
        ")",
        "a.b",
        "it's",
        "http://x/y?z=1",
        "[error]",
        "x=1",
        "10:30:00",
        "/api/v1/users",
        "/api/",
        "main()",
        "a:b:c",
        "std::io::Error",
        "5\"",
        "*",
        "AND",
        "a AND",
        "OR",
        "NOT",
        "NEAR(",
        "{",
        "100%",
        "C:\\new\\table",
        "$x",
        "^",
        "^^",
        "~",
        "登录",
        "café",
        "😀",
        "-",
        "+",
        "\\",
        "a\\\"b",
        "key:",
        ":x",
    ] {
        check(text, &format!("before {text} after"), true);
        if text != "NOT" && text != "OR" && text != "AND" {
            check(text, "nothing of it", false);
        }
    }
    check("foo-bar", "foo bar", false);
    check("foo-bar", "xfoo-bar", false);
    check("登录", "用户登录失败", true);
    check("录登", "用户登录失败", false);
    check("(main() OR x)", "in main()", true);
    check("foo (bar", "foo (bar", true);
    check("foo (bar", "foo bar", false);
}

#[test]
fn fields_of_json_and_logfmt_are_asked_by_name() {
    let json = r#"{"status":503,"req":{"method":"GET","path":"/a b"},"msg":"it caf\u00e9 \"broke\"","took":"12.5ms"}"#;
    check("status:503", json, true);
    check("status:50", json, false);
    check("status:50*", json, true);
    check("status:>=500", json, true);
    check("status:>503", json, false);
    check("took:<13", json, true);
    check("req.method:get", json, true);
    check("method:get", json, false);
    check("req.path:\"/a b\"", json, true);
    check("msg:broke", json, true);
    check("msg:café", json, true);
    check("café", json, true);
    check("msg:\"café broke\"", json, true);
    check("msg:*", json, true);
    check("other:*", json, false);
    check("status:503 -msg:broke", json, false);
    check("status:503", "level=warn status=503", true);
    check("msg:\"two words\"", "msg=\"two words\"", true);
    check("error:timeout", "an error:timeout came", true);
    check(r#""msg":"it caf\u00e9 \"broke\"""#, json, true);
}

#[test]
fn level_container_and_stream_are_those_of_the_entry() {
    let mut warning = entry("x");
    warning.level = Level::Warning;
    warning.stream = Stream::Stderr;
    warning.container = "web-1".into();
    for (query, expected) in [
        ("level:warn", true),
        ("level:WARNING", true),
        ("level:>=warning", true),
        ("level:>warning", false),
        ("level:<error", true),
        ("level:info", false),
        ("container:web-1", true),
        ("container:web*", true),
        ("container:*-1", true),
        ("container:w*-*", true),
        ("container:api*", false),
        ("-container:web*", false),
        ("stream:stderr", true),
        ("stream:stdout", false),
        ("x level:warn OR y", true),
    ] {
        assert_eq!(matches(query, &warning), expected, "{query}");
    }
}

#[test]
fn a_regular_expression_stands_between_slashes() {
    check("/user \\d+/", "User 42 left", true);
    check("/^user$/", "a\nuser\nb", true);
    check("/a.*c/ x", "abc x", true);
    check("/a.*c/ x", "abc", false);
    check("/a[/", "/a[/", true);
    check("(/a.c/ OR b)", "abc", true);
    check("/GET \\/api/", "GET /api", true);
    check("/(a{1000}){1000}/", "aaa", false);
}

#[test]
fn codes_of_the_terminal_are_no_text() {
    check("error", "\x1b[31merr\x1b[0mor", true);
    check("31m", "\x1b[31merror\x1b[0m", false);
}

#[test]
fn a_lone_word_is_known_as_such() {
    assert_eq!(Query::parse("Error").as_word(), Some("error"));
    assert_eq!(Query::parse("\"error\"").as_word(), Some("error"));
    for text in ["err*", "a b", "a-b", "登录", "level:error", "-a", ""] {
        assert_eq!(Query::parse(text).as_word(), None, "{text}");
    }
}

/// Whether the words of a text fulfil what is needed.
fn holds(need: &Need, text: &str) -> bool {
    let all: Vec<&str> = crate::domain::words::words(text).collect();
    match need {
        Need::Anything => true,
        Need::Word(word) => all.contains(&word.as_str()),
        Need::Prefix(prefix) => all.iter().any(|word| word.starts_with(prefix.as_str())),
        Need::All(needs) => needs.iter().all(|need| holds(need, text)),
        Need::Any(needs) => needs.iter().any(|need| holds(need, text)),
    }
}

fn queries() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-c]{1,2}",
        2 => Just(" ".to_owned()),
        1 => prop_oneof![
            Just("\"".to_owned()), Just("(".to_owned()), Just(")".to_owned()), Just("*".to_owned()),
            Just(" AND ".to_owned()), Just(" OR ".to_owned()), Just(" NOT ".to_owned()), Just("-".to_owned()),
            Just(":".to_owned()), Just("+".to_owned()), Just("/".to_owned()), Just("\\".to_owned()),
            Just("NEAR(".to_owned()), Just(",1)".to_owned()), Just("^".to_owned()), Just("é".to_owned()),
            Just("登".to_owned()), Just("{message}:".to_owned()), Just("b:".to_owned()), Just("level:>=".to_owned()),
            Just("\u{1b}[1m".to_owned()), Just("1".to_owned()), Just(".".to_owned()), Just("\\u0061".to_owned()),
        ],
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c]{1,2}",
        "[ :=\"\\\\{}()+/.-]",
        Just("é".to_owned()),
        Just("登".to_owned()),
        Just("\u{1b}[1m".to_owned()),
        Just("\\n".to_owned()),
        Just("\\u0061".to_owned()),
        Just("{\"b\":\"".to_owned()),
        Just("1".to_owned()),
        Just("b=".to_owned()),
        Just("\"}".to_owned()),
        Just("1.50e1".to_owned()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn wherever_a_query_matches_its_needs_hold(query in queries(), text in texts()) {
        let query = Query::parse(&query);
        let entry = entry(&text);
        let view = EntryView::of(&entry);
        if query.matches(&view) {
            prop_assert!(holds(&query.need(), view.folded()), "{:?} {:?}", query, view.folded());
        }
    }

    #[test]
    fn any_text_is_a_query(query in "\\PC*", text in "\\PC*") {
        matches(&query, &entry(&text));
    }

    #[test]
    fn text_without_syntax_is_found_in_itself(text in "[a-zé登@.#%&=;,_~ ]*", before in "[ .]", after in "[ .]") {
        let inside = format!("{before}{text}{after}");
        prop_assert!(matches(&text, &entry(&inside)));
    }
}
