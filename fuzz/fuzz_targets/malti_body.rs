//! What Malti's clients send is taken or refused with reasons; texts that are taken are on one line and not too long.
#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_collector::domain::malti::submission;

const NOW: i64 = 1_795_168_800_000;
/// Longest text that is kept, in characters.
const MAX_CHARS: usize = 500;

fuzz_target!(|body: &[u8]| {
    let submission = match submission::read(body, NOW) {
        Ok(submission) => submission,
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal says why");
            serde_json::to_string(&problems).expect("problems can be told");
            return;
        }
    };
    for record in submission.records {
        let texts = [Some(&record.service), Some(&record.method), Some(&record.endpoint), record.node.as_ref(), Some(&record.consumer)];
        for text in texts.into_iter().flatten() {
            assert!(!text.contains(['\n', '\r', '\0']) && text.chars().count() <= MAX_CHARS, "{text:?}");
        }
    }
});
