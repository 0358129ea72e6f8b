//! A chart: what `charts.html` puts into the page for `chart.js` to draw, and the table of the same values.

use serde::Serialize;

use crate::measure::Unit;
use crate::moment::Moment;

/// How the values are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A line for each series.
    #[default]
    Lines,
    /// Bars side by side in time; a bar stands from its time to the next.
    Bars,
    /// Bars on top of one another.
    StackedBars,
    /// Areas on top of one another.
    Stacked,
}

/// A colour that means something; the others are given out in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// What the chart is about.
    Main,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Of no weight, such as the period before.
    Soft,
}

/// Values over time under one name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Series {
    /// As the legend has it.
    pub name: String,
    /// One for each of the chart's times; None where there is nothing.
    pub values: Vec<Option<f64>>,
    /// What its colour means, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
    /// The place of the series whose colour it has, too, such as the same one of the period after; its own if None.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_of: Option<usize>,
    /// Dashed, such as the period before.
    #[serde(skip_serializing_if = "is_false")]
    pub is_dashed: bool,
    /// Low bars behind the lines, of a plain number with an axis of its own at the right. Such come first.
    #[serde(skip_serializing_if = "is_false")]
    pub is_behind: bool,
}

/// Something that happened: a release, an alert.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// When, Unix milliseconds.
    pub at: i64,
    /// What, in a few words.
    pub label: String,
}

/// A value from which on others mean something else: a line behind those of the series.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Threshold {
    /// Where it is.
    pub at: f64,
    /// What is above it.
    pub tone: Tone,
}

/// One chart of a page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Chart {
    /// Unique in the page; by it a live page finds the chart again.
    #[serde(skip)]
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How it is drawn.
    pub kind: Kind,
    /// What the values count.
    pub unit: Unit,
    /// The value axis by powers of ten; what is not above 0 is not drawn then.
    #[serde(skip_serializing_if = "is_false")]
    pub is_log: bool,
    /// The begin and end of what is shown, Unix milliseconds.
    pub from: i64,
    /// See `from`.
    pub to: i64,
    /// From one time to the next, milliseconds.
    pub step: i64,
    /// Unix milliseconds, ascending.
    pub times: Vec<i64>,
    /// At most a few dozen are told apart.
    pub series: Vec<Series>,
    /// What happened meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// The lowest first. The first one is in sight where the values are parts of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// Charts of one group share their cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<&'static str>,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct TableRow {
    /// When.
    pub at: Moment,
    /// The values, in the order of the series.
    pub cells: Vec<String>,
}

/// Rows and columns of a table that is still read; a CSV has the rest.
const MAX_ROWS: usize = 400;
const MAX_COLUMNS: usize = 12;

impl Chart {
    /// What `chart.js` reads. Numbers that JSON does not have are null.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether there is any value to show.
    pub fn is_empty(&self) -> bool {
        !self
            .series
            .iter()
            .any(|series| series.values.iter().any(Option::is_some))
    }

    /// The names above the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.series
            .iter()
            .take(MAX_COLUMNS)
            .map(|series| series.name.as_str())
    }

    /// The table's rows, the newest first, as many as are still read.
    pub fn rows(&self) -> Vec<TableRow> {
        let rows = self.times.iter().enumerate().rev().take(MAX_ROWS);
        rows.map(|(i, at)| TableRow {
            at: Moment::new(*at, self.to),
            cells: self.cells(i),
        })
        .collect()
    }

    fn cells(&self, row: usize) -> Vec<String> {
        let values = self.series.iter().take(MAX_COLUMNS);
        values
            .map(|series| match series.values.get(row).copied().flatten() {
                Some(value) if series.is_behind => Unit::Plain.show(value),
                Some(value) => self.unit.show(value),
                None => "–".to_owned(),
            })
            .collect()
    }

    /// What the table leaves out, in words.
    pub fn left_out(&self) -> Option<String> {
        let n_rows = self.times.len().saturating_sub(MAX_ROWS);
        let n_columns = self.series.len().saturating_sub(MAX_COLUMNS);
        match (n_rows, n_columns) {
            (0, 0) => None,
            (rows, 0) => Some(format!("{rows} earlier rows are not in this table")),
            (0, columns) => Some(format!("{columns} more series are not in this table")),
            (rows, columns) => Some(format!(
                "{rows} earlier rows and {columns} more series are not in this table"
            )),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(n_rows: usize, n_series: usize) -> Chart {
        Chart {
            unit: Unit::Seconds,
            times: (0..n_rows as i64).map(|i| i * 60_000).collect(),
            series: (0..n_series)
                .map(|i| Series {
                    name: format!("s{i}"),
                    values: (0..n_rows).map(|row| (row > 0).then_some(0.25)).collect(),
                    ..Series::default()
                })
                .collect(),
            ..Chart::default()
        }
    }

    #[test]
    fn the_table_says_what_the_lines_do() {
        let chart = chart(2, 1);
        let rows = chart.rows();
        assert_eq!(rows[0].at.iso, "1970-01-01T00:01:00.000Z");
        assert_eq!(
            (rows[0].cells[0].as_str(), rows[1].cells[0].as_str()),
            ("250 ms", "–")
        );
        assert_eq!(chart.left_out(), None);
        assert!(!chart.is_empty() && Chart::default().is_empty());
    }

    #[test]
    fn a_table_has_an_end_and_says_so() {
        let chart = chart(500, 20);
        assert_eq!((chart.rows().len(), chart.columns().count()), (400, 12));
        assert_eq!(
            chart.left_out().unwrap(),
            "100 earlier rows and 8 more series are not in this table"
        );
    }

    #[test]
    fn a_number_that_json_lacks_is_null() {
        let mut chart = chart(1, 1);
        chart.series[0].values = vec![Some(f64::NAN)];
        assert!(chart.json().contains("\"values\":[null]"), "{}", chart.json());
    }
}
