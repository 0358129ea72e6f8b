//! A source turn by turn, where a test must know how far it has read when its files change.

use std::path::Path;

use super::*;

/// Longer than one turn, in lines.
const N_LINES: usize = 10_000;

fn plain(path: &Path) -> (Kit, Source) {
    let mut kit = Kit::new(1 << 20, 0, 0, Vec::new());
    let wanted = Wanted {
        id: path.display().to_string(),
        name: "web".into(),
        path: path.to_owned(),
        is_docker: false,
    };
    let source = Source::open(wanted, &mut kit).unwrap();
    (kit, source)
}

/// Numbered lines of the same length.
fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("{n:099}\n")).collect()
}

fn number(entry: &Entry) -> usize {
    entry.message.parse().unwrap()
}

pub(super) fn at(steady_ms: u64) -> Now {
    Now {
        steady_ms,
        unix_ns: 0,
    }
}

/// Reads until there is no more, and long enough for nothing to be held.
pub(super) fn read_all(source: &mut Source, kit: &mut Kit, out: &mut Vec<Entry>) {
    while source.turn(kit, at(1), out).unwrap() {}
    source.turn(kit, at(60_000), out).unwrap();
}

/// Copies to `.1` and cuts off.
fn copytruncate(path: &Path) {
    std::fs::copy(path, path.with_extension("log.1")).unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(0)
        .unwrap();
}

#[test]
fn a_copy_that_is_overwritten_while_it_is_read_is_given_up_counted_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(&path, lines(0..N_LINES)).unwrap();
    let (mut kit, mut source) = plain(&path);
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    copytruncate(&path);
    std::fs::write(&path, lines(N_LINES..N_LINES + 10)).unwrap();
    // Goes on in the copy.
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    let n_read = source.counts.read_bytes as usize / 100;
    assert!((1..N_LINES).contains(&n_read), "{n_read}");
    copytruncate(&path);
    std::fs::write(&path, lines(N_LINES + 10..N_LINES + 20)).unwrap();
    read_all(&mut source, &mut kit, &mut out);

    let n_gaps = out
        .windows(2)
        .filter(|pair| number(&pair[0]) + 1 != number(&pair[1]))
        .count();
    assert!(out.is_sorted_by_key(number), "nothing comes twice");
    assert_eq!((n_gaps, number(&out[n_read - 1])), (1, n_read - 1));
    assert!(out[n_read].marks.has(Marks::LOST), "{:?}", out[n_read]);
    assert_eq!(number(out.last().unwrap()), N_LINES + 19);
    assert_eq!(source.counts.lost_bytes as usize, (N_LINES - n_read) * 100);
}

#[test]
fn of_two_files_that_share_an_inode_the_one_read_now_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(&path, lines(0..N_LINES)).unwrap();
    let (mut kit, mut source) = plain(&path);
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    copytruncate(&path);
    std::fs::write(&path, lines(N_LINES..2 * N_LINES)).unwrap();
    // The copy is read to its end, and lingers.
    while number(out.last().unwrap()) < N_LINES {
        assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    }
    let copy = id_of(&std::fs::metadata(path.with_extension("log.1")).unwrap());
    copytruncate(&path);
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    let (positions, _) = source.positions(&mut kit);
    let of_copy: Vec<&Position> = positions
        .iter()
        .filter(|position| position.file == copy)
        .collect();
    assert_eq!(of_copy.len(), 2, "both are open");
    assert_eq!(of_copy[1].progress.offset as usize, (out.len() - N_LINES) * 100);
}

/// A log of ten lines that was read to its end.
fn read_and_saved(path: &Path) -> (Kit, Source) {
    std::fs::write(path, lines(0..10)).unwrap();
    let (mut kit, mut source) = plain(path);
    read_all(&mut source, &mut kit, &mut Vec::new());
    source.positions(&mut kit);
    (kit, source)
}

#[test]
fn a_log_that_is_cut_off_while_its_files_are_recognised_is_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let (mut kit, mut source) = read_and_saved(&path);
    // Opened, and then its bytes are in the copy alone: neither would be known, and all would be read again.
    let mut files = source.open_chain(&mut kit).unwrap().unwrap();
    copytruncate(&path);
    std::fs::write(&path, lines(10..20)).unwrap();
    assert_eq!(source.recognise(&mut files, &kit).unwrap(), None);
    let mut files = source.open_chain(&mut kit).unwrap().unwrap();
    let known = source.recognise(&mut files, &kit).unwrap().unwrap();
    let offsets: Vec<Option<u64>> = known
        .iter()
        .map(|known| Some(known.as_ref()?.progress.offset))
        .collect();
    assert_eq!(offsets, [Some(1_000), None]);
}

#[test]
fn a_copy_that_is_half_made_when_it_is_opened_is_known_when_the_log_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let (mut kit, source) = read_and_saved(&path);
    for n_copied in [0, 30, 500] {
        let copy = path.with_extension("log.1");
        std::fs::write(&copy, &lines(0..10)[..n_copied]).unwrap();
        let mut files = vec![LogFile::open(&copy, kit.number()).unwrap()];
        std::fs::write(&copy, lines(0..10)).unwrap();
        std::fs::write(&path, lines(10..20)).unwrap();
        files.push(LogFile::open(&path, kit.number()).unwrap());
        let known = source.recognise(&mut files, &kit).unwrap().unwrap();
        let offset = known[0].as_ref().map(|known| known.progress.offset);
        assert_eq!(
            (offset, files[0].size, known[1].is_none()),
            (Some(1_000), 1_000, true),
            "{n_copied}"
        );
    }
}

#[test]
fn a_log_that_is_cut_off_before_its_position_is_saved_is_known_by_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    // Two short lines in two turns, of which the second is held.
    std::fs::write(&path, lines(0..1)).unwrap();
    let (mut kit, mut source) = plain(&path);
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    std::fs::write(&path, lines(0..2)).unwrap();
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    assert_eq!(out.len(), 1);
    copytruncate(&path);
    std::fs::write(&path, lines(2..5)).unwrap();
    source.positions(&mut kit);
    let mut copy = LogFile::open(&path.with_extension("log.1"), kit.number()).unwrap();
    let known = kit.known(&source.wanted.id, &mut copy).unwrap();
    assert_eq!(known.progress.offset, 100);
}

#[test]
fn a_start_between_copy_and_cut_reads_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(&path, lines(0..N_LINES)).unwrap();
    let (mut kit, mut source) = plain(&path);
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    source.positions(&mut kit);
    std::fs::copy(&path, path.with_extension("log.1")).unwrap();
    let mut source = Source::open(source.wanted, &mut kit).unwrap();
    copytruncate(&path);
    std::fs::write(&path, lines(N_LINES..N_LINES + 10)).unwrap();
    read_all(&mut source, &mut kit, &mut out);
    let numbers: Vec<usize> = out.iter().map(number).collect();
    assert_eq!(numbers, (0..N_LINES + 10).collect::<Vec<usize>>());
}

#[test]
fn a_log_that_is_cut_off_before_it_is_read_at_all_is_read_from_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(&path, lines(0..5)).unwrap();
    let (mut kit, mut source) = plain(&path);
    copytruncate(&path);
    std::fs::write(&path, lines(5..9)).unwrap();
    read_all(&mut source, &mut kit, &mut out);
    assert_eq!(
        out.iter().map(number).collect::<Vec<usize>>(),
        (0..9).collect::<Vec<usize>>()
    );
    assert!(out[..5].iter().all(|entry| !entry.marks.has(Marks::LOST)));
}

#[test]
fn a_log_that_is_cut_off_before_it_is_read_at_all_without_a_copy_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(&path, lines(0..5)).unwrap();
    let (mut kit, mut source) = plain(&path);
    std::fs::write(&path, lines(5..9)).unwrap();
    read_all(&mut source, &mut kit, &mut out);
    assert_eq!(out.iter().map(number).collect::<Vec<usize>>(), [5, 6, 7, 8]);
    assert!(out[0].marks.has(Marks::LOST), "{:?}", out[0]);
    assert_eq!(source.counts.lost_bytes, 500);
}

#[test]
fn only_what_is_read_as_it_is_written_tells_of_the_zone() {
    const MINUTE_NS: i64 = 60_000_000_000;
    // 2026-11-29T01:00:00Z
    const NOW_NS: i64 = 1_795_914_000_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    std::fs::write(
        &path,
        "2026-11-29 00:30:00 of a backlog\n2026-11-29 00:20:00 too\n",
    )
    .unwrap();
    let (mut kit, mut source) = plain(&path);
    let mut read = |source: &mut Source, text: &str, now_ns: i64| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        for steady_ms in [1, 60_000] {
            let now = Now {
                steady_ms,
                unix_ns: now_ns,
            };
            while source.turn(&mut kit, now, &mut out).unwrap() {}
        }
        (out.last().unwrap().time_ns - NOW_NS) / MINUTE_NS
    };
    assert_eq!(read(&mut source, "", NOW_NS), -40);
    // Half an hour behind, and written just now.
    assert_eq!(read(&mut source, "2026-11-29 00:30:00 x\n", NOW_NS), 0);
    assert_eq!(read(&mut source, "2026-11-29 00:20:00 x\n", NOW_NS), -10);
    // Nobody looked for an hour.
    let later_ns = NOW_NS + 60 * MINUTE_NS;
    assert_eq!(read(&mut source, "2026-11-29 00:30:00 x\n", later_ns), 0);
}

#[test]
fn a_zone_that_was_learnt_is_known_after_a_start() {
    // 2026-11-29T01:00:00Z
    const NOW_NS: i64 = 1_795_914_000_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.log");
    let mut out = Vec::new();
    let read = |source: &mut Source, kit: &mut Kit, out: &mut Vec<Entry>| {
        for steady_ms in [1, 60_000] {
            let now = Now {
                steady_ms,
                unix_ns: NOW_NS,
            };
            while source.turn(kit, now, out).unwrap() {}
        }
    };
    std::fs::write(&path, "").unwrap();
    let (mut kit, mut source) = plain(&path);
    read(&mut source, &mut kit, &mut out);
    // An hour ahead of UTC.
    let first = "2026-11-29 02:00:00 INFO written and read at once\n";
    std::fs::write(&path, first).unwrap();
    read(&mut source, &mut kit, &mut out);
    let (saved, _) = source.positions(&mut kit);
    std::fs::write(
        &path,
        format!("{first}2026-11-29 01:50:00 INFO while nobody read\n"),
    )
    .unwrap();
    let mut kit = Kit::new(1 << 20, 0, 0, saved);
    let mut source = Source::open(source.wanted, &mut kit).unwrap();
    read(&mut source, &mut kit, &mut out);
    let seconds: Vec<i64> = out
        .iter()
        .map(|entry| (entry.time_ns - NOW_NS) / 1_000_000_000)
        .collect();
    assert_eq!(seconds, [0, -600]);
}
