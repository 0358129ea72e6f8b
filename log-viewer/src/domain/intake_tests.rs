//! The way from bytes to entries as a whole: cut anywhere, died anywhere, damaged in every way that disks know.

use proptest::prelude::*;

use super::*;

const NOW: Now = Now {
    steady_ms: 0,
    unix_ns: 1_795_850_555_000_000_000,
};

fn record(text: &str, stream: &str, at: usize) -> String {
    let text = serde_json::to_string(text).expect("a text is JSON");
    format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2026-11-28T07:22:35.{at:09}Z\"}}\n")
}

fn intake(format: Format) -> Intake {
    let mut intake = Intake::new("web".into(), format, 1 << 20);
    intake.begin_file(1, Progress::default());
    intake
}

/// Feeds `bytes` from `from` on as a reader does: `size` bytes at a time, what was not taken again with the next.
fn feed(
    intake: &mut Intake,
    bytes: &[u8],
    from: usize,
    size: usize,
    n_reads: usize,
    out: &mut Vec<Entry>,
) -> usize {
    let mut at = from;
    let mut end = from;
    for _ in 0..n_reads {
        end = bytes.len().min(end + size);
        at += intake.take(1, at as u64, &bytes[at..end], false, NOW, out);
        if end == bytes.len() {
            break;
        }
    }
    at
}

fn all(format: Format, bytes: &[u8]) -> Vec<Entry> {
    let mut out = Vec::new();
    let mut intake = intake(format);
    let at = feed(&mut intake, bytes, 0, bytes.len().max(1), 1, &mut out);
    intake.take_rest(1, at as u64, &bytes[at..], NOW, &mut out);
    intake.flush(NOW, &mut out);
    out
}

fn messages(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.message.as_str()).collect()
}

#[test]
fn streams_are_joined_each_for_itself() {
    let log = [
        record("Traceback (most recent call last):\n", "stderr", 1),
        record("GET / 200\n", "stdout", 2),
        record("  File \"a.py\", line 1\n", "stderr", 3),
        record("ValueError: bad\n", "stderr", 4),
    ]
    .concat();
    let entries = all(Format::Docker, log.as_bytes());
    assert_eq!(
        messages(&entries),
        [
            "GET / 200",
            "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: bad"
        ]
    );
    assert_eq!(entries[1].time_ns % 1000, 1);
}

#[test]
fn a_hole_of_nuls_is_skipped_and_marked() {
    let log = format!(
        "{}{{\"log\":\"half{}{}{}",
        record("before\n", "stdout", 1),
        "\0".repeat(5000),
        record("after\n", "stdout", 2),
        record("last\n", "stdout", 3)
    );
    let entries = all(Format::Docker, log.as_bytes());
    assert_eq!(messages(&entries), ["before", "half", "after", "last"]);
    let marks: Vec<bool> = entries
        .iter()
        .map(|entry| entry.marks.has(Marks::DAMAGED))
        .collect();
    assert_eq!(marks, [false, true, true, false]);
}

#[test]
fn half_a_record_before_a_whole_one_loses_neither() {
    let log = format!("{{\"log\":\"half{}", record("whole\n", "stdout", 2));
    let entries = all(Format::Docker, log.as_bytes());
    assert_eq!(messages(&entries), ["half", "whole"]);
    assert!(entries.iter().all(|entry| entry.marks.has(Marks::DAMAGED)));
}

#[test]
fn what_is_no_record_is_shown_as_it_stands() {
    let entries = all(
        Format::Docker,
        b"plain text\n{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"\"}\n",
    );
    assert_eq!(messages(&entries), ["plain text", "x"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let entries = all(Format::Plain, b"a\xff\r\n\0\0b\n");
    assert_eq!(messages(&entries), ["a\u{fffd}", "b"]);
    assert!(entries.iter().all(|entry| entry.marks.has(Marks::DAMAGED)));
}

#[test]
fn a_line_of_many_megabytes_is_cut_and_the_next_is_whole() {
    let log = [
        record("first\n", "stdout", 1),
        record(&format!("{}\n", "é".repeat(4 << 20)), "stderr", 2),
        record("next\n", "stderr", 3),
    ]
    .concat();
    let bytes = log.as_bytes();
    let mut intake = intake(Format::Docker);
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + (256 << 10));
        let taken = intake.take(
            1,
            at as u64,
            &bytes[at..end],
            end - at == 256 << 10,
            NOW,
            &mut out,
        );
        assert!(taken > 0);
        at += taken;
    }
    intake.flush(NOW, &mut out);
    assert_eq!(out.len(), 3);
    let long = out
        .iter()
        .find(|entry| entry.message.starts_with('é'))
        .expect("it is there");
    assert!(long.marks.has(Marks::CUT) && !long.marks.has(Marks::DAMAGED));
    assert_eq!(
        (long.message.len(), long.stream, long.time_ns % 1000),
        (1 << 20, Stream::Stderr, 2)
    );
    assert_eq!(out.iter().filter(|entry| entry.message == "next").count(), 1);
}

#[test]
fn an_entry_may_go_on_in_the_next_file() {
    let mut intake = intake(Format::Docker);
    intake.begin_file(2, Progress::default());
    let mut out = Vec::new();
    let old = [
        record("Traceback (most recent call last):\n", "stderr", 1),
        record("  File \"a\"\n", "stderr", 2),
    ]
    .concat();
    let new = record("ValueError: x\n", "stderr", 3);
    intake.take(1, 0, old.as_bytes(), false, NOW, &mut out);
    intake.take(2, 0, new.as_bytes(), false, NOW, &mut out);
    assert_eq!((intake.progress(1).offset, intake.progress(2).offset), (0, 0));
    assert!(!intake.is_handed_over(1));
    intake.flush(NOW, &mut out);
    assert_eq!(out.len(), 1);
    assert_eq!(intake.progress(1).offset, old.len() as u64);
    assert_eq!(intake.progress(2).offset, new.len() as u64);
    assert!(intake.is_handed_over(1));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zé\"\\\\]{1,20}\n",
        Just("Traceback (most recent call last):\n".to_owned()),
        Just("  File \"a.py\", line 1\n".to_owned()),
        Just("ValueError: bad\n".to_owned()),
        Just("\n".to_owned()),
        Just("p".repeat(16 * 1024)),
        Just("part".to_owned()),
    ]
}

fn any_log() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((any_text(), any::<bool>()), 0..24).prop_map(|lines| {
        let records = lines.iter().enumerate().map(|(at, (text, is_err))| {
            let stream = if *is_err { "stderr" } else { "stdout" };
            record(text, stream, at)
        });
        records.collect::<String>().into_bytes()
    })
}

/// What each stream said, blank lines apart: joining differs where a crash cut an entry's wait short.
fn lines_of(entries: &[Entry], stream: Stream) -> Vec<String> {
    entries
        .iter()
        .filter(|entry| entry.stream == stream)
        .flat_map(|entry| entry.message.split('\n').map(str::to_owned))
        .filter(|line| !line.is_empty())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cut_anywhere_gives_the_same(log in any_log(), size in 1_usize..5000) {
        let mut out = Vec::new();
        let mut intake = intake(Format::Docker);
        feed(&mut intake, &log, 0, size, usize::MAX, &mut out);
        intake.flush(NOW, &mut out);
        prop_assert_eq!(out, all(Format::Docker, &log));
    }

    #[test]
    fn died_anywhere_no_line_is_lost_and_none_comes_twice(
        log in any_log(),
        size in 1_usize..3000,
        lives in prop::collection::vec(1_usize..6, 0..6),
    ) {
        let mut out = Vec::new();
        let mut progress = Progress::default();
        for n_reads in lives.into_iter().chain([usize::MAX]) {
            let mut intake = Intake::new("web".into(), Format::Docker, 1 << 20);
            if progress != Progress::default() {
                intake.begin_file(1, progress);
            }
            feed(&mut intake, &log, progress.offset as usize, size, n_reads, &mut out);
            if n_reads == usize::MAX {
                intake.flush(NOW, &mut out);
            }
            progress = intake.progress(1);
        }
        let whole = all(Format::Docker, &log);
        for stream in [Stream::Stdout, Stream::Stderr] {
            prop_assert_eq!(lines_of(&out, stream), lines_of(&whole, stream));
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'{'), any::<u8>()], 0..300)) {
        for format in [Format::Docker, Format::Plain] {
            all(format, &bytes);
        }
    }
}
