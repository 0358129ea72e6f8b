//! Whole environments in, values and problem sentences out.

use std::collections::HashMap;

use super::*;

/// Reads with the given variables and files; gives what `read` gave and how the reader finished.
fn read<T>(
    variables: &[(&str, &str)],
    files: &[(&str, &str)],
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> (T, Result<Vec<Variable>, Problems>) {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let files: HashMap<&Path, &str> = files
        .iter()
        .map(|(path, text)| (Path::new(*path), *text))
        .collect();
    let lookup = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let read_file = |path: &Path| match files.get(path) {
        Some(text) => Ok((*text).to_owned()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    };
    let mut reader = Reader::new(&lookup, &read_file);
    (read(&mut reader), reader.finish())
}

/// The problems of one secret and one number, read from the given variables.
fn problems(variables: &[(&str, &str)], files: &[(&str, &str)]) -> String {
    let ((), end) = read(variables, files, |reader| {
        reader.secret("API_KEY", "");
        reader.number("DAYS", 90_u32, 1..=3650, "");
    });
    end.err().map(|problems| problems.to_string()).unwrap_or_default()
}

#[test]
fn an_empty_environment_gives_every_default() {
    let ((), end) = read(&[], &[], |reader| {
        assert_eq!(reader.text("A", "x", ""), "x");
        assert_eq!(reader.optional_text("B", ""), None);
        assert!(reader.secret("C", "").is_none());
        assert_eq!(reader.number("D", 5_i64, -9..=9, ""), 5);
        assert!(reader.boolean("E", true, ""));
        let second = Duration::from_secs(1);
        assert_eq!(
            reader.duration("F", second, Duration::ZERO..=second, Unit::Seconds, ""),
            second
        );
        assert_eq!(reader.bytes("G", 65_536, 0..=1 << 30, ""), 65_536);
        assert_eq!(reader.list("H", "a, b", ""), ["a", "b"]);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 5010));
        assert_eq!(reader.address("I", loopback, ""), loopback);
        assert_eq!(reader.networks("J", "10.0.0.0/8", "").len(), 1);
        assert_eq!(reader.choice("K", "info", &[("debug", 1), ("info", 2)], ""), 2);
        assert_eq!(reader.parsed("L", 'x', "one letter", ""), 'x');
        assert_eq!(reader.optional_parsed::<char>("M", "one letter", ""), None);
    });
    let variables = end.unwrap();
    let defaults: Vec<&str> = variables
        .iter()
        .map(|variable| variable.default.as_str())
        .collect();
    let shown = [
        "x",
        "",
        "",
        "5",
        "true",
        "1s",
        "64K",
        "a, b",
        "127.0.0.1:5010",
        "10.0.0.0/8",
        "info",
        "x",
        "",
    ];
    assert_eq!(defaults, shown);
    assert!(
        variables
            .iter()
            .all(|variable| variable.origin == Origin::Default)
    );
}

#[test]
fn given_values_take_the_place_of_defaults() {
    let variables = [
        ("A", " y "),
        ("D", " -3 "),
        ("E", "No"),
        ("F", "7"),
        ("G", "1M"),
        ("H", ",c,, d e ,"),
        ("I", ":80"),
        ("J", "1.2.3.4, fd00::/8"),
        ("K", "DEBUG"),
        ("M", "m"),
    ];
    let ((), end) = read(&variables, &[], |reader| {
        assert_eq!(reader.text("A", "x", ""), " y ");
        assert_eq!(reader.number("D", 5_i64, -9..=9, ""), -3);
        assert!(!reader.boolean("E", true, ""));
        let range = Duration::ZERO..=Duration::from_hours(1);
        assert_eq!(
            reader.duration("F", Duration::ZERO, range, Unit::Minutes, ""),
            Duration::from_mins(7)
        );
        assert_eq!(reader.bytes("G", 65_536, 0..=1 << 30, ""), 1 << 20);
        assert_eq!(reader.list("H", "a, b", ""), ["c", "d e"]);
        assert_eq!(
            reader.address("I", ([127, 0, 0, 1], 1).into(), "").to_string(),
            "0.0.0.0:80"
        );
        assert_eq!(reader.networks("J", "", "").len(), 2);
        assert_eq!(reader.choice("K", "info", &[("debug", 1), ("info", 2)], ""), 1);
        assert_eq!(reader.optional_parsed("M", "one letter", ""), Some('m'));
    });
    assert!(
        end.unwrap()
            .iter()
            .all(|variable| variable.origin == Origin::Environment)
    );
}

#[test]
fn empty_counts_as_not_set() {
    let (value, end) = read(&[("A", ""), ("B", "  "), ("A_FILE", "")], &[], |reader| {
        (reader.text("A", "x", ""), reader.number("B", 5_u8, 1..=9, ""))
    });
    assert_eq!(value, ("x".to_owned(), 5));
    assert!(
        end.unwrap()
            .iter()
            .all(|variable| variable.origin == Origin::Default)
    );
}

#[test]
fn an_empty_secret_is_a_problem() {
    let sentence = "API_KEY is set but empty: give it a value or leave it out";
    assert_eq!(problems(&[("API_KEY", "")], &[]), sentence);
    assert_eq!(problems(&[("API_KEY", "  ")], &[]), sentence);
    assert_eq!(
        problems(&[("API_KEY_FILE", "/k")], &[("/k", "\n")]),
        "API_KEY_FILE names /k, which is empty: give it a value or leave it out"
    );
    assert_eq!(problems(&[("API_KEY_FILE", "")], &[]), "");
}

#[test]
fn a_file_stands_in_for_the_variable_and_loses_one_line_end() {
    let check = |content: &str, expected: &str| {
        let (secret, end) = read(&[("API_KEY_FILE", "/k")], &[("/k", content)], |reader| {
            reader.secret("API_KEY", "").unwrap()
        });
        assert_eq!(secret.expose(), expected);
        assert_eq!(end.unwrap()[0].origin, Origin::File("/k".into()));
    };
    check("key", "key");
    check("key\n", "key");
    check("key\r\n", "key");
    check(" key \n\n", " key \n");
}

#[test]
fn a_file_counts_although_the_variable_is_empty() {
    let (secret, end) = read(
        &[("API_KEY", ""), ("API_KEY_FILE", "/k")],
        &[("/k", "key")],
        |reader| reader.secret("API_KEY", "").unwrap(),
    );
    assert_eq!(secret.expose(), "key");
    end.unwrap();
}

#[test]
fn a_missing_file_and_two_sources_are_problems() {
    assert_eq!(
        problems(&[("API_KEY_FILE", "/k")], &[]),
        "API_KEY_FILE names /k, which cannot be read: no such file"
    );
    assert_eq!(
        problems(&[("API_KEY", "a"), ("API_KEY_FILE", "/k")], &[("/k", "a")]),
        "API_KEY and API_KEY_FILE are both set: keep one of them"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    assert_eq!(
        problems(&[("API_KEY", ""), ("DAYS", "9x")], &[]),
        "API_KEY is set but empty: give it a value or leave it out\n\
         DAYS is '9x': wanted a whole number from 1 to 3650"
    );
}

#[test]
fn a_value_that_does_not_fit_says_what_would() {
    fn check<T>(text: &str, read_one: impl FnOnce(&mut Reader<'_>) -> T, expected: &str) {
        let (_, end) = read(&[("X", text)], &[], read_one);
        assert_eq!(end.unwrap_err().to_string(), expected);
    }
    let minute = Duration::from_mins(1);
    check(
        "0",
        |r| r.number("X", 1, 1..=9_u8, ""),
        "X is '0': wanted a whole number from 1 to 9",
    );
    check(
        "300",
        |r| r.number("X", 1, 1..=9_u8, ""),
        "X is '300': wanted a whole number from 1 to 9",
    );
    check(
        "maybe",
        |r| r.boolean("X", true, ""),
        "X is 'maybe': wanted true or false",
    );
    check(
        "2m",
        |r| r.duration("X", minute, Duration::ZERO..=minute, Unit::Seconds, ""),
        "X is '2m': wanted a time from 0s to 1m, e.g. 250ms, 5s, 2m, 1h or 30d (a bare number counts seconds)",
    );
    check(
        "2G",
        |r| r.bytes("X", 1024, 1024..=1 << 20, ""),
        "X is '2G': wanted a size from 1K to 1M, e.g. 65536, 64K or 50MB",
    );
    check(
        "loud",
        |r| r.choice("X", "info", &[("debug", 1), ("info", 2)], ""),
        "X is 'loud': wanted one of debug, info",
    );
    check(
        "10.0.0.0/8, proxy",
        |r| r.networks("X", "", ""),
        "X is '10.0.0.0/8, proxy': wanted a comma list of networks, e.g. 10.0.0.0/8, 192.168.1.7",
    );
    check(
        "xy",
        |r| r.parsed("X", 'a', "one letter", ""),
        "X is 'xy': wanted one letter",
    );
}

#[test]
fn the_content_of_a_file_is_never_told() {
    let told = problems(&[("DAYS_FILE", "/k")], &[("/k", "mk_secret")]);
    assert_eq!(
        told,
        "DAYS_FILE names /k, which does not fit: wanted a whole number from 1 to 3650"
    );
}

#[test]
fn a_secret_is_masked_in_the_table() {
    let (_, end) = read(&[("API_KEY", "hunter2")], &[], |reader| {
        reader.secret("API_KEY", "")
    });
    let variables = end.unwrap();
    assert_eq!(variables[0].value.as_deref(), Some("***"));
    assert!(!format!("{variables:?}").contains("hunter2"));
}

#[test]
fn describing_needs_no_environment_and_keeps_no_problems() {
    let mut reader = Reader::describe();
    if reader.secret("API_KEY", "who may write").is_none() {
        reader.problem("API_KEY is not set");
    }
    reader.text("PORT", "5010", "where to listen");
    let variables = reader.finish().unwrap();
    let names: Vec<&str> = variables.iter().map(|variable| variable.name).collect();
    assert_eq!(names, ["API_KEY", "PORT"]);
}
