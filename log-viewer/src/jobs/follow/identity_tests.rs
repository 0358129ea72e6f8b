//! Which file is which after a start: an inode that went to another file, a compressed one, names that move.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::tests::{at, read_all};
use super::*;

/// A container with its log in a folder of its own.
struct Log {
    folder: tempfile::TempDir,
    n_records: u64,
}

impl Log {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            n_records: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("x-json.log")
    }

    fn rotated(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("x-json.log.{suffix}"))
    }

    /// Appends Docker's records, each of its own second, so that the two streams' texts are all different.
    fn write(&mut self, stream: &str, texts: &[&str]) {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path())
            .unwrap();
        for text in texts {
            let second = self.n_records;
            self.n_records += 1;
            let time = format!("2026-11-28T07:{:02}:{:02}Z", second / 60, second % 60);
            let record = format!("{{\"log\":\"{text}\\n\",\"stream\":\"{stream}\",\"time\":\"{time}\"}}\n");
            file.write_all(record.as_bytes()).unwrap();
        }
    }

    /// Renames the log to `.1`; compresses it there.
    fn rotate_and_compress(&self) {
        self.compress_as("1.gz");
    }

    fn compress_as(&self, suffix: &str) {
        let plain = std::fs::read(self.path()).unwrap();
        let file = std::fs::File::create(self.rotated(suffix)).unwrap();
        let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        gz.write_all(&plain).unwrap();
        gz.finish().unwrap();
        std::fs::remove_file(self.path()).unwrap();
    }

    fn open(&self, kit: &mut Kit) -> Source {
        let wanted = Wanted {
            id: self.folder.path().display().to_string(),
            name: "web".into(),
            path: self.path(),
            is_docker: true,
        };
        Source::open(wanted, kit).unwrap()
    }
}

fn id(path: &Path) -> FileId {
    id_of(&std::fs::metadata(path).unwrap())
}

/// What an earlier process saved, and a viewer that starts with it.
fn started_with(positions: Vec<Position>) -> Kit {
    Kit::new(1 << 20, 0, 0, positions)
}

fn texts(out: &[Entry]) -> Vec<&str> {
    out.iter().map(|entry| &*entry.message).collect()
}

/// Of stderr one line is handed over, while one of stdout, the first of the file, is held.
fn with_a_held_first_line(out: &mut Vec<Entry>) -> (Log, Vec<Position>) {
    let mut log = Log::new();
    log.write("stdout", &["o0"]);
    log.write("stderr", &["e0", "e1"]);
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    assert!(source.turn(&mut kit, at(1), out).unwrap());
    assert_eq!(texts(out), ["e0"]);
    let (positions, _) = source.positions(&mut kit);
    assert_eq!(positions[0].progress.offset, 0);
    (log, positions)
}

#[test]
fn a_log_with_the_inode_of_one_whose_first_line_was_held_is_not_taken_for_it() {
    let mut out = Vec::new();
    let (_elsewhere, mut positions) = with_a_held_first_line(&mut out);
    // Compressed while nobody followed it, and its inode went to the log of another container.
    let mut log = Log::new();
    log.write("stderr", &["e0 of another", "e1 of another"]);
    positions[0].file = id(&log.path());
    let mut kit = started_with(positions);
    let mut source = log.open(&mut kit);
    out.clear();
    read_all(&mut source, &mut kit, &mut out);
    assert_eq!(texts(&out), ["e0 of another", "e1 of another"]);
}

#[test]
fn a_log_that_was_compressed_while_its_first_line_was_held_is_known_again() {
    let mut out = Vec::new();
    let (mut log, positions) = with_a_held_first_line(&mut out);
    log.rotate_and_compress();
    log.write("stderr", &["e2"]);
    let mut kit = started_with(positions);
    let mut source = log.open(&mut kit);
    read_all(&mut source, &mut kit, &mut out);
    assert_eq!(texts(&out), ["e0", "e1", "o0", "e2"]);
}

#[test]
fn a_log_is_known_again_though_its_inode_went_to_another_container() {
    let mut out = Vec::new();
    let mut log = Log::new();
    log.write("stdout", &["o0", "o1"]);
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    read_all(&mut source, &mut kit, &mut out);
    let (mut saved, _) = source.positions(&mut kit);
    drop(source);
    log.rotate_and_compress();
    // The new log is empty, so that nothing is known of it yet.
    log.write("stdout", &[]);

    let mut another = Log::new();
    another.write("stdout", &["of another"]);
    let mut reused = started_with(vec![Position {
        file: id(&another.path()),
        ..saved.remove(0)
    }]);
    let mut source = another.open(&mut reused);
    read_all(&mut source, &mut reused, &mut Vec::new());
    source.positions(&mut reused);
    let mut source = log.open(&mut reused);
    read_all(&mut source, &mut reused, &mut out);
    assert_eq!(texts(&out), ["o0", "o1"]);
}

#[test]
fn a_compressed_log_is_known_again_while_it_is_renamed() {
    let mut log = Log::new();
    log.write("stdout", &["o0", "o1"]);
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    read_all(&mut source, &mut kit, &mut Vec::new());
    let (positions, _) = source.positions(&mut kit);
    log.rotate_and_compress();
    let mut opened = LogFile::open(&log.rotated("1.gz"), kit.number()).unwrap();
    std::fs::rename(log.rotated("1.gz"), log.rotated("2.gz")).unwrap();
    let known = kit.known(&source.wanted.id, &mut opened).unwrap();
    assert_eq!(known.progress, positions[0].progress);
}

#[test]
fn a_removed_log_ends_only_when_all_of_it_is_read() {
    let mut log = Log::new();
    let texts: Vec<String> = (0..10_000).map(|n| format!("line {n}")).collect();
    log.write("stdout", &texts.iter().map(|text| &**text).collect::<Vec<&str>>());
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    let mut out = Vec::new();
    assert!(source.turn(&mut kit, at(1), &mut out).unwrap());
    std::fs::remove_file(log.path()).unwrap();
    source.is_ending = true;
    // As where a batch is full before a source had its next turn.
    assert!(!source.has_ended(&mut kit, at(1), &mut out).unwrap());
    while source.turn(&mut kit, at(1), &mut out).unwrap() {}
    assert!(source.has_ended(&mut kit, at(1), &mut out).unwrap());
    assert_eq!(
        out.iter()
            .map(|entry| entry.message.clone())
            .collect::<Vec<String>>(),
        texts
    );
}

#[test]
fn a_broken_compressed_log_does_not_keep_what_comes_after_it() {
    let mut log = Log::new();
    let many: Vec<String> = (0..1_000_u64)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    log.write("stdout", &many.iter().map(|text| &**text).collect::<Vec<&str>>());
    log.rotate_and_compress();
    let gz = std::fs::read(log.rotated("1.gz")).unwrap();
    std::fs::write(log.rotated("1.gz"), &gz[..gz.len() / 2]).unwrap();
    log.write("stdout", &["after"]);
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    let mut out = Vec::new();
    read_all(&mut source, &mut kit, &mut out);
    assert!(out.len() > 10, "the half that is there is read: {}", out.len());
    let last = out.last().unwrap();
    assert_eq!((&*last.message, last.marks.has(Marks::LOST)), ("after", true));
    assert!(source.problem.unwrap().contains("1.gz"));
}

#[test]
fn a_file_that_was_read_is_not_forgotten_for_older_ones_that_are_opened_again() {
    let mut log = Log::new();
    for n in (2..=12).rev() {
        log.write("stdout", &[&format!("compressed {n}")]);
        log.compress_as(&format!("{n}.gz"));
    }
    log.write("stdout", &["rotated"]);
    std::fs::rename(log.path(), log.rotated("1")).unwrap();
    // Nothing is in it, so nothing is known of it.
    log.write("stdout", &[]);
    let mut n_entries = Vec::new();
    let mut saved: HashMap<FileId, Position> = HashMap::new();
    for _ in 0..3 {
        let mut kit = started_with(saved.values().cloned().collect());
        let mut source = log.open(&mut kit);
        let mut out = Vec::new();
        read_all(&mut source, &mut kit, &mut out);
        let (positions, gone) = source.positions(&mut kit);
        gone.iter().for_each(|gone| {
            saved.remove(&gone.file);
        });
        saved.extend(positions.into_iter().map(|position| (position.file, position)));
        n_entries.push(out.len());
    }
    assert_eq!(n_entries, [12, 0, 0]);
}

#[test]
fn positions_of_an_absent_source_are_kept_for_a_week_from_when_it_went() {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let mut log = Log::new();
    log.write("stdout", &["one", "two"]);
    let mut kit = started_with(Vec::new());
    let mut source = log.open(&mut kit);
    read_all(&mut source, &mut kit, &mut Vec::new());
    let (saved, _) = source.positions(&mut kit);
    let (absent, gone) = kit.note_absent(5, |_| false);
    assert_eq!((absent[0].gone_ms, gone.len()), (Some(5), 0));
    // A week counts from then on, also after a start; being there again ends it.
    let mut kit = started_with(absent);
    assert_eq!(kit.note_absent(7 * DAY_MS, |_| false), (vec![], vec![]));
    let (there, _) = kit.note_absent(8 * DAY_MS, |_| true);
    assert_eq!(there, saved);
    assert_eq!(
        kit.note_absent(9 * DAY_MS, |_| false).0[0].gone_ms,
        Some(9 * DAY_MS)
    );
    let (_, gone) = kit.note_absent(17 * DAY_MS, |_| false);
    assert_eq!(gone[0].file, saved[0].file);
    assert_eq!(kit.note_absent(18 * DAY_MS, |_| false), (vec![], vec![]));
}
