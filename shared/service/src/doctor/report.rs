//! All findings as lines for people, or as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::{Finding, Grade};

/// What was found in one service.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    service: &'static str,
    version: &'static str,
    /// The worst of the grades.
    verdict: Grade,
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(service: &'static str, version: &'static str, findings: Vec<Finding>) -> Self {
        Self {
            service,
            version,
            verdict: findings
                .iter()
                .map(|finding| finding.grade)
                .max()
                .unwrap_or(Grade::Well),
            findings,
        }
    }

    /// Whether nothing is wrong; what is only doubtful does not count.
    pub(crate) fn is_sound(&self) -> bool {
        self.verdict != Grade::Wrong
    }

    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// A line for each finding, with what to do below it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.service, self.version);
        for finding in &self.findings {
            let word = match finding.grade {
                Grade::Well => "ok",
                Grade::Doubtful => "look",
                Grade::Wrong => "WRONG",
            };
            let saw = finding.saw.replace(char::is_control, " ");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{word:<6}{:<10} {saw}", finding.area);
            if let Some(advice) = &finding.advice {
                let _ = writeln!(text, "{:17}→ {advice}", "");
            }
        }
        let n_of = |grade| {
            self.findings
                .iter()
                .filter(|finding| finding.grade == grade)
                .count()
        };
        let _ = match (n_of(Grade::Wrong), n_of(Grade::Doubtful)) {
            (0, 0) => writeln!(text, "All is well."),
            (0, n_doubtful) => writeln!(text, "Nothing is wrong; {n_doubtful} to look at."),
            (n_wrong, n_doubtful) => writeln!(text, "{n_wrong} wrong, {n_doubtful} to look at."),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_to_do_and_ends_with_the_verdict() {
        let findings = vec![
            Finding::well("disk", "9 GB free"),
            Finding::doubtful("backup", "there is none", "make one"),
        ];
        let report = Report::new("error-tracker", "1.2", findings.clone());
        let expected = "error-tracker 1.2\n\
             ok    disk       9 GB free\n\
             look  backup     there is none\n                 → make one\n\
             Nothing is wrong; 1 to look at.\n";
        assert_eq!(report.text(), expected);
        assert!(report.is_sound());
        let wrong = Finding::wrong("mail", "a\u{1b}[31m", "start it");
        let report = Report::new("error-tracker", "1.2", [findings, vec![wrong]].concat());
        assert!(!report.is_sound());
        assert!(
            report.text().ends_with("1 wrong, 1 to look at.\n"),
            "{}",
            report.text()
        );
        assert!(!report.text().contains('\u{1b}'));
    }
}
