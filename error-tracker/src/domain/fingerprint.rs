//! The fingerprint as clients see it: MD5 of `project:exception_type:location`, contract §1.3.
//!
//! MD5 names a group here, it protects nothing. The parts are joined ambiguously (`a:b` + `c` = `a` + `b:c`),
//! so a group is told apart by fingerprint, project and type together.

use std::hash::{DefaultHasher, Hash, Hasher};

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};

use crate::domain::report::Report;

/// 32 lower-case hexadecimal digits.
pub fn of(report: &Report) -> String {
    let mut md5 = Md5::new();
    md5.update(&report.project);
    md5.update(":");
    md5.update(&report.exception_type);
    md5.update(":");
    match stacktrace::location::contract(&report.traceback) {
        Some((file, line)) => {
            md5.update(file);
            md5.update(":");
            md5.update(line);
        }
        None => md5.update(&report.traceback),
    }
    HEXLOWER.encode(&md5.finalize())
}

/// Identity of the texts of a report, to see that an occurrence repeats those of its group.
/// Kept in the database, though a later Rust may hash otherwise: then texts are stored again that need not be.
pub fn text_hash(report: &Report) -> i64 {
    let mut hasher = DefaultHasher::new();
    (&report.message, &report.traceback).hash(&mut hasher);
    hasher.finish().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(project: &str, kind: &str, message: &str, traceback: &str) -> Report {
        let body = serde_json::json!({
            "project": project, "exception_type": kind, "message": message, "traceback": traceback
        });
        crate::domain::report::read(body.to_string().as_bytes(), None).unwrap()
    }

    #[test]
    fn it_is_the_md5_of_project_type_and_the_last_python_frame() {
        let traceback = "Traceback (most recent call last):\n  File \"/a.py\", line 1, in f\n  File \"/b.py\", line 22, in g\nE: x\n";
        // printf 'shop:ValueError:/b.py:22' | md5sum
        assert_eq!(
            of(&report("shop", "ValueError", "x", traceback)),
            "259d1f4c7d622b67ef82d4206e62dedd"
        );
    }

    #[test]
    fn without_a_frame_the_whole_text_counts() {
        // printf 'p:E:no frames here' | md5sum
        assert_eq!(
            of(&report("p", "E", "m", "no frames here")),
            "9803e977e90399d6a02fbdd74df274b1"
        );
    }

    #[test]
    fn messages_and_tracebacks_are_told_apart() {
        let hash = |message, traceback| text_hash(&report("p", "E", message, traceback));
        assert_eq!(hash("a", "b"), hash("a", "b"));
        assert_ne!(hash("a", "b"), hash("b", "a"));
        assert_ne!(hash("ab", ""), hash("a", "b"));
    }
}
