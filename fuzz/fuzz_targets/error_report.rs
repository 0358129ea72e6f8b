//! Any body is a report within its bounds or a refusal, and what follows from a report never fails.
#![no_main]

use error_tracker::domain::alerting::Kind;
use alerts::domain::quiet_hours::QuietHours;
use error_tracker::domain::recognition::Recognition;
use error_tracker::domain::release::{self, Seen};
use error_tracker::domain::{fingerprint, mail, report, rich};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(report) = report::read(body, None) else { return };
    assert!(report.project.chars().count() <= report::MAX_PROJECT_CHARS);
    assert!(report.exception_type.chars().count() <= rich::MAX_TYPE_CHARS);
    for json in [&report.request_headers, &report.extra].into_iter().flatten() {
        serde_json::from_str::<&serde_json::value::RawValue>(json).expect("kept JSON is JSON");
    }
    assert_eq!(fingerprint::of(&report).len(), 32);
    assert_eq!(Recognition::default().recognise(&report).key.len(), "1:".len() + 32);
    assert!(report.tags.len() <= rich::MAX_TAGS);
    if let Some(packed) = report.packed() {
        assert_eq!(rich::Rich::unpack(&packed), report.rich);
    }
    fingerprint::text_hash(&report);
    report.noise();
    let (a, b) = (Seen { version: &report.message, rank: 1 }, Seen { version: &report.exception_type, rank: 2 });
    assert!(!(release::is_newer(&a, &b) && release::is_newer(&b, &a)));
    if let Ok(quiet) = QuietHours::read(&report.message) {
        assert!(!quiet.is_quiet(quiet.ends_at(0)));
    }
    let facts = mail::Facts {
        id: 1,
        kind: Kind::Created,
        project: &report.project,
        environment: report.environment.as_deref(),
        exception_type: &report.exception_type,
        message: &report.message,
        traceback: &report.traceback,
        request_method: report.request_method.as_deref(),
        request_url: report.request_url.as_deref(),
        n_occurrences: 1,
        url: "http://127.0.0.1:5010/errors/1",
    };
    let text = mail::alert(&facts).expect("a mail can be written of any report");
    assert!(!text.subject.contains(['\r', '\n']));
});
