//! The tables of line shapes, read and held against the rules: `lines_table.txt` for levels and times,
//! `joining_table.txt` for which lines are one entry, and the traces that the tracker's parser is tested with.

use std::path::Path;

use crate::domain::entry::{Entry, Stream};
use crate::domain::intake::{Format, Intake, Now};
use crate::domain::{notation, time_text};

const ARRIVED: &str = "2026-11-28T07:22:35.5Z";

fn ns(text: &str) -> i64 {
    let read = notation::date_time(text.as_bytes());
    read.unwrap_or_else(|| panic!("no time: {text}")).0.ns
}

/// What lines become that arrive at once on one stream.
fn entries(lines: &[&str], stream: &str) -> Vec<Entry> {
    let records = lines.iter().map(|line| {
        let text = serde_json::to_string(&format!("{line}\n")).expect("a text is JSON");
        format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"{ARRIVED}\"}}\n")
    });
    let log: String = records.collect();
    let now = Now {
        steady_ms: 0,
        unix_ns: ns(ARRIVED),
    };
    let mut out = Vec::new();
    let mut intake = Intake::new("web".into(), Format::Docker, 1 << 20);
    intake.take(1, 0, log.as_bytes(), false, now, &mut out);
    intake.flush(now, &mut out);
    out
}

#[test]
fn each_line_has_its_level_and_time() {
    let mut n_rows = 0;
    let mut wrong = Vec::new();
    for row in include_str!("lines_table.txt").lines() {
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let (level, stream, time, line) = cells(row).unwrap_or_else(|| panic!("no row: {row}"));
        n_rows += 1;
        let line = line.replace("\\e", "\u{1b}").replace("\\t", "\t");
        let time_ns = ns(if time == "-" { ARRIVED } else { time });
        let stream = if stream == "err" { "stderr" } else { "stdout" };
        let found = entries(&[&line], stream);
        let found = found.first().map(|entry| (entry.level.name(), entry.time_ns));
        if found != Some((level, time_ns)) {
            let found = found.map(|(level, ns)| format!("{level} {}", time_text::exact(ns)));
            wrong.push(format!(
                "{} instead of {level} {time}: {line}",
                found.unwrap_or_default()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {n_rows} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(n_rows >= 120, "{n_rows}");
}

fn cells(row: &str) -> Option<(&str, &str, &str, &str)> {
    let mut cells = row.splitn(4, " | ");
    let (level, stream, time) = (cells.next()?.trim(), cells.next()?, cells.next()?);
    Some((level, stream, time, cells.next()?))
}

#[test]
fn each_group_becomes_its_entries() {
    let mut wrong = Vec::new();
    for group in include_str!("joining_table.txt").split("\n=== ").skip(1) {
        let (name, text) = group.split_once('\n').expect("a group has lines");
        let expected: Vec<&str> = text
            .split("\n---\n")
            .map(|entry| entry.trim_end_matches('\n'))
            .collect();
        let lines: Vec<&str> = expected.iter().flat_map(|entry| entry.split('\n')).collect();
        let found = entries(&lines, "stderr");
        let found: Vec<&str> = found.iter().map(|entry| entry.message.as_str()).collect();
        if found != expected {
            wrong.push(format!("=== {name}\n{}", found.join("\n---\n")));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} groups are joined otherwise:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Those that are more than one entry: by right, or because nothing in their lines says that they belong together.
const NOT_ONE: &[&str] = &[
    // Several entries by right.
    "dotnet_logged",
    "kotlin_spring",
    "node20_methods",
    "noise",
    "ruby_rails",
    "rust195_thread",
    "rust_old",
    // Browsers and Apple's crash reports do not come by a container's log.
    "firefox",
    "firefox_eval",
    "safari",
    "swift_apple",
    "swift_exception",
    "swift_linux",
    // Further lines of a message, or of a report, look like lines of their own.
    "elixir114_task",
    "elixir_phoenix",
    "go119_twice",
    "go_pkg_errors",
    "python310_multi_line",
    "python311_notes",
];

#[test]
fn each_trace_that_the_tracker_knows_is_one_entry() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/stacktrace/fixtures");
    let mut wrong = Vec::new();
    let mut n_traces = 0;
    for item in std::fs::read_dir(folder).expect("the tracker's traces are there") {
        let path = item.expect("a folder can be listed").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a trace is text");
        let lines: Vec<&str> = text.trim_matches('\n').split('\n').collect();
        let found = entries(&lines, "stderr");
        n_traces += 1;
        if (found.len() == 1) == NOT_ONE.contains(&name.as_str()) {
            let starts = found
                .iter()
                .map(|entry| entry.message.lines().next().unwrap_or_default());
            wrong.push(format!(
                "{name}: {} entries:\n    {}",
                found.len(),
                starts.collect::<Vec<_>>().join("\n    ")
            ));
        }
    }
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {n_traces}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_stream_is_the_containers() {
    assert_eq!(entries(&["x"], "stderr")[0].stream, Stream::Stderr);
}
