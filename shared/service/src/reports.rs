//! What `backup` and `check-database` print.

use std::fmt::Write;

use sqlite::{BackupReport, IntegrityReport};

/// Tables with rows, size, time: enough to see that the copy is whole.
pub(crate) fn backup(report: &BackupReport) -> String {
    let mut text = format!(
        "{} rows, {} bytes, schema {}, verified, {:.1} s\n",
        report.n_rows(),
        report.bytes,
        report.schema,
        report.took.as_secs_f64()
    );
    for table in &report.tables {
        let _ = writeln!(text, "  {:<24} {:>12}", table.name, table.n_rows);
    }
    text
}

/// One line if all is well, else each problem.
pub(crate) fn integrity(report: &IntegrityReport) -> String {
    if report.is_whole() {
        return format!("the database is whole, schema {}", report.schema);
    }
    let problems = report.problems.iter().chain(&report.orphans).map(String::as_str);
    problems.collect::<Vec<_>>().join("\n")
}
