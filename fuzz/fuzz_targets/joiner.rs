//! Any lines are joined: none is lost, none moves, and an entry is the same when reading begins again at its first line.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use log_viewer::domain::entry::{Marks, Stream};
use log_viewer::domain::joiner::{Joined, Joiner};
use log_viewer::domain::parts::Line;
use log_viewer::domain::span::{Span, Spans};

fn join(lines: &[&str]) -> Vec<Joined> {
    let mut joiner = Joiner::new(Stream::Stderr, 1 << 16);
    let mut joined = Vec::new();
    for (at, text) in lines.iter().enumerate() {
        let start = at as u64;
        let line = Line {
            text: Cow::Borrowed(text),
            arrived_ns: 1_795_850_555_000_000_000,
            marks: Marks::default(),
            is_timely: true,
            spans: Spans::new(Span { file: 1, start, end: start + 1 }),
        };
        joined.extend(joiner.push(line, 0));
    }
    joined.extend(joiner.flush());
    joined
}

fn is_kept(line: &&str) -> bool {
    !line.trim_ascii().is_empty()
}

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.split('\n').collect();
    let joined = join(&lines);
    let out = joined.iter().flat_map(|entry| entry.message.split('\n')).filter(is_kept);
    assert!(out.eq(lines.iter().copied().filter(is_kept)));
    if let Some(last) = joined.last() {
        let first = last.spans.iter().next().expect("an entry has bytes").start as usize;
        assert_eq!(join(&lines[first..])[0].message, last.message);
    }
});
