//! Tables in Markdown, on standard output.
#![expect(clippy::print_stdout, reason = "tables are what the programs are for")]

/// Prints rows below a head, after an empty line.
pub fn print(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    println!("\n| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// One figure: what it is, how it came out, what it should be.
pub type Figure = (&'static str, String, String);

/// Prints figures beside their targets.
pub fn print_figures(figures: impl IntoIterator<Item = Figure>) {
    let rows = figures
        .into_iter()
        .map(|(what, measured, target)| vec![what.to_owned(), measured, target]);
    print(&["", "measured", "target"], rows);
}
