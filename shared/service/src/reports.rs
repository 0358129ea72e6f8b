//! What `backup`, `restore`, `import` and `check-database` print.

use std::fmt::Write;

use sqlite::{BackupReport, IntegrityReport, RestoreReport, TableRows};

use crate::Imported;

/// Tables with rows, size, time: enough to see that the copy is whole.
pub(crate) fn backup(report: &BackupReport) -> String {
    let mut text = format!(
        "{} rows, {} bytes, schema {}, verified, {:.1} s\n",
        report.n_rows(),
        report.bytes,
        report.schema,
        report.took.as_secs_f64()
    );
    list(&mut text, &report.tables);
    text
}

/// What the database holds now, and where the one before it lies.
pub(crate) fn restore(report: &RestoreReport) -> String {
    let n_rows: u64 = report.tables.iter().map(|table| table.n_rows).sum();
    let mut text = format!(
        "restored: {n_rows} rows, {} bytes, schema {}, verified\n",
        report.bytes, report.schema
    );
    if let Some(replaced) = &report.replaced {
        let _ = writeln!(
            text,
            "the database before it is kept as {}; delete it when all is well",
            replaced.display()
        );
    }
    list(&mut text, &report.tables);
    text
}

fn list(text: &mut String, tables: &[TableRows]) {
    for table in tables {
        let _ = writeln!(text, "  {:<24} {:>12}", table.name, table.n_rows);
    }
}

/// A line for each kind of thing.
pub(crate) fn imported(all: &[Imported]) -> String {
    let mut text = String::new();
    for imported in all {
        let _ = writeln!(text, "{:>12} {}", imported.n, imported.what);
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
