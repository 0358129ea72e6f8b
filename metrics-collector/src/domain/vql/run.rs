//! A query at work: rows go in one by one, its answer comes out. Rows, groups and values in memory are bounded.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::Refusal;
use super::cell::Cell;
use super::query::{Expression, Function, Query};
use crate::domain::vantage::rows::Row;

/// Groups at once.
const MAX_GROUPS: usize = 10_000;
/// Values kept for percentiles, of all groups together.
const MAX_VALUES: usize = 1_000_000;
/// Bytes of rows that are kept.
const MAX_BYTES: usize = 64 << 20;

type Line = Vec<Cell<'static>>;

/// A query that is being answered.
pub struct Run<'q> {
    query: &'q Query,
    lines: Vec<Line>,
    n_bytes: usize,
    groups: HashMap<Line, Vec<Figure>>,
    n_values: usize,
    refusal: Option<Refusal>,
}

/// What is known of an item of a group.
#[derive(Debug, Clone)]
enum Figure {
    /// Of which column of the group's key.
    Key(usize),
    Count(u64),
    Sum {
        n: u64,
        sum: f64,
        is_mean: bool,
    },
    Bound {
        best: Cell<'static>,
        wanted: Ordering,
    },
    Values {
        values: Vec<f64>,
        part: f64,
    },
}

impl<'q> Run<'q> {
    /// Nothing was read yet.
    pub fn new(query: &'q Query) -> Self {
        Self {
            query,
            lines: Vec::new(),
            n_bytes: 0,
            groups: HashMap::new(),
            n_values: 0,
            refusal: None,
        }
    }

    /// Takes a row. `Break`: more are not needed, or there are too many.
    pub fn add(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        let is_enough =
            !self.query.is_grouped && self.query.order_by.is_empty() && self.lines.len() >= self.query.limit;
        if is_enough || self.query.limit == 0 {
            return ControlFlow::Break(());
        }
        if !self.query.matches(row) {
            return ControlFlow::Continue(());
        }
        let added = match self.query.is_grouped {
            true => self.add_to_group(row),
            false => self.add_line(row),
        };
        match added {
            Ok(()) => ControlFlow::Continue(()),
            Err(refusal) => {
                self.refusal = Some(refusal);
                ControlFlow::Break(())
            }
        }
    }

    fn add_line(&mut self, row: &Row<'_>) -> Result<(), Refusal> {
        let cells = self.query.items.iter().map(|item| match &item.expression {
            Expression::Column(column) => column.of(row).into_owned(),
            Expression::CountAll | Expression::Aggregate(..) => Cell::Null,
        });
        let line: Line = cells.collect();
        self.n_bytes += n_bytes(&line);
        self.lines.push(line);
        let is_ordered = !self.query.order_by.is_empty();
        if is_ordered && (self.lines.len() >= self.query.limit * 2 + 100 || self.n_bytes > MAX_BYTES) {
            self.keep_first();
        }
        match self.n_bytes > MAX_BYTES {
            true => Err(Refusal::faulty(
                "the rows are too large together: name fewer columns, or a smaller LIMIT",
            )),
            false => Ok(()),
        }
    }

    fn keep_first(&mut self) {
        let query = self.query;
        self.lines.sort_by(|a, b| order(query, a, b));
        self.lines.truncate(query.limit);
        self.n_bytes = self.lines.iter().map(|line| n_bytes(line)).sum();
    }

    fn add_to_group(&mut self, row: &Row<'_>) -> Result<(), Refusal> {
        let query = self.query;
        let key = query.group_by.iter().map(|column| column.of(row).into_owned());
        let key: Line = key.collect();
        if !self.groups.contains_key(&key) {
            self.n_bytes += n_bytes(&key);
            if self.groups.len() >= MAX_GROUPS || self.n_bytes > MAX_BYTES {
                return Err(Refusal::faulty(format!(
                    "there are more than {MAX_GROUPS} groups: ask for less time, or group by less"
                )));
            }
        }
        let figures = self.groups.entry(key).or_insert_with(|| figures(query));
        for (figure, item) in figures.iter_mut().zip(&query.items) {
            match &item.expression {
                Expression::Column(_) => {}
                Expression::CountAll => figure.count(),
                Expression::Aggregate(_, column) => self.n_values += figure.add(column.of(row)),
            }
        }
        match self.n_values > MAX_VALUES {
            true => Err(Refusal::faulty(format!(
                "a percentile is told of at most {MAX_VALUES} values: ask for less time"
            ))),
            false => Ok(()),
        }
    }

    /// The answer: an object for each row or group.
    pub fn finish(mut self) -> Result<Vec<Map<String, Value>>, Refusal> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let query = self.query;
        if query.is_grouped {
            if query.group_by.is_empty() && self.groups.is_empty() && query.limit > 0 {
                self.groups.insert(Vec::new(), figures(query));
            }
            for (key, figures) in std::mem::take(&mut self.groups) {
                self.lines
                    .push(figures.into_iter().map(|figure| figure.finish(&key)).collect());
            }
        }
        if query.is_grouped && query.order_by.is_empty() {
            // Groups have no order of their own.
            self.lines.sort_by(|a, b| by_cells(a, b));
            self.lines.truncate(query.limit);
        } else if !query.order_by.is_empty() {
            self.keep_first();
        }
        let told = |line: Line| {
            let pairs = query.items.iter().zip(&line).take(query.n_told);
            pairs
                .map(|(item, cell)| (item.name.clone(), cell.json()))
                .collect()
        };
        Ok(self.lines.into_iter().map(told).collect())
    }
}

fn n_bytes(line: &[Cell<'_>]) -> usize {
    line.iter().map(Cell::n_bytes).sum::<usize>() + size_of::<Line>()
}

fn order(query: &Query, a: &[Cell<'_>], b: &[Cell<'_>]) -> Ordering {
    let keys = query.order_by.iter().map(|(place, is_descending)| {
        let order = a[*place].order(&b[*place]);
        match is_descending {
            true => order.reverse(),
            false => order,
        }
    });
    keys.fold(Ordering::Equal, Ordering::then)
}

fn by_cells(a: &[Cell<'_>], b: &[Cell<'_>]) -> Ordering {
    a.iter()
        .zip(b)
        .fold(Ordering::Equal, |order, (a, b)| order.then(a.order(b)))
}

fn figures(query: &Query) -> Vec<Figure> {
    let figure = |expression: &Expression| match expression {
        Expression::Column(column) => {
            let place = query.group_by.iter().position(|known| known == column);
            Figure::Key(place.unwrap_or(usize::MAX))
        }
        Expression::CountAll | Expression::Aggregate(Function::Count, _) => Figure::Count(0),
        Expression::Aggregate(Function::Sum, _) => Figure::sum(false),
        Expression::Aggregate(Function::Avg, _) => Figure::sum(true),
        Expression::Aggregate(Function::Min, _) => Figure::bound(Ordering::Less),
        Expression::Aggregate(Function::Max, _) => Figure::bound(Ordering::Greater),
        Expression::Aggregate(Function::Percentile(part), _) => Figure::Values {
            values: Vec::new(),
            part: *part,
        },
    };
    query.items.iter().map(|item| figure(&item.expression)).collect()
}

impl Figure {
    fn sum(is_mean: bool) -> Self {
        Self::Sum {
            n: 0,
            sum: 0.,
            is_mean,
        }
    }

    fn bound(wanted: Ordering) -> Self {
        Self::Bound {
            best: Cell::Null,
            wanted,
        }
    }

    fn count(&mut self) {
        if let Self::Count(n) = self {
            *n += 1;
        }
    }

    /// Adds a value that is not null. Returns how many more values are kept.
    fn add(&mut self, cell: Cell<'_>) -> usize {
        match (self, cell) {
            (_, Cell::Null) | (Self::Key(_), _) => 0,
            (Self::Count(n), _) => {
                *n += 1;
                0
            }
            (Self::Sum { n, sum, .. }, Cell::Number(number)) => {
                (*n, *sum) = (*n + 1, *sum + number);
                0
            }
            (Self::Bound { best, wanted }, cell) => {
                if matches!(best, Cell::Null) || cell.order(best) == *wanted {
                    *best = cell.into_owned();
                }
                0
            }
            (Self::Values { values, .. }, Cell::Number(number)) => {
                values.push(number);
                1
            }
            (Self::Sum { .. } | Self::Values { .. }, Cell::Text(_)) => 0,
        }
    }

    fn finish(self, key: &[Cell<'static>]) -> Cell<'static> {
        match self {
            Self::Key(place) => key.get(place).cloned().unwrap_or(Cell::Null),
            Self::Count(n) => Cell::Number(n as f64),
            Self::Sum { n: 0, .. } => Cell::Null,
            Self::Sum { n, sum, is_mean } => finite(if is_mean { sum / n as f64 } else { sum }),
            Self::Bound { best, .. } => best,
            Self::Values { mut values, part } => {
                let Some(last) = values.len().checked_sub(1) else {
                    return Cell::Null;
                };
                let place = ((values.len() as f64 * part) as usize).min(last);
                Cell::Number(*values.select_nth_unstable_by(place, f64::total_cmp).1)
            }
        }
    }
}

fn finite(number: f64) -> Cell<'static> {
    match number.is_finite() {
        true => Cell::Number(number),
        false => Cell::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::kind::Kind;
    use crate::domain::vql::parse::parse;

    const NOW: i64 = 1_000_000;

    /// Ten rows: a has 200 and 1 to 5 ms, b has 500 to 504 and 10 to 50 ms; the last has no duration.
    fn rows() -> Vec<Row<'static>> {
        let row = |n: u16| Row {
            at_ms: i64::from(n),
            service: if n < 5 { "a" } else { "b" },
            name: "m",
            value: f64::from(n),
            duration_ms: (n < 9).then(|| f64::from(if n < 5 { n + 1 } else { (n - 4) * 10 })),
            status: Some(if n < 5 { 200 } else { 495 + n }),
            endpoint: Some("/x"),
            method: None,
            error: None,
            trace_id: None,
            span_id: None,
            kind: Some(Kind::Histogram),
            tags: Some(r#"{"region": "eu"}"#),
        };
        (0..10).map(row).collect()
    }

    fn check(text: &str, expected: Value) {
        let query = parse(text, NOW).unwrap();
        let mut run = Run::new(&query);
        let _ = rows().iter().try_for_each(|row| run.add(row));
        assert_eq!(json!(run.finish().unwrap()), expected, "{text}");
    }

    #[test]
    fn rows_are_chosen_put_in_order_and_limited() {
        check(
            "SELECT value FROM metrics WHERE status_code >= 503 ORDER BY value DESC",
            json!([{"value": 9}, {"value": 8}]),
        );
        check(
            "SELECT value FROM m WHERE status_code <= 200 AND value >= 3",
            json!([{"value": 3}, {"value": 4}]),
        );
        check(
            "SELECT value FROM m WHERE duration_ms IS NULL",
            json!([{"value": 9}]),
        );
        check(
            "SELECT value FROM m WHERE service_name != 'a' LIMIT 1",
            json!([{"value": 5}]),
        );
        check(
            "SELECT value FROM m WHERE value IN (2, 3) AND tags.region LIKE 'E%'",
            json!([{"value": 2}, {"value": 3}]),
        );
        check(
            "SELECT value FROM m ORDER BY status_code DESC, value LIMIT 2",
            json!([{"value": 9}, {"value": 8}]),
        );
        check("SELECT value FROM m WHERE method = 'GET'", json!([]));
        check("SELECT value FROM m LIMIT 0", json!([]));
    }

    #[test]
    fn groups_have_figures() {
        check(
            "SELECT service_name, count(*), count(duration_ms), sum(value), avg(value), min(value), max(value) \
             FROM m GROUP BY service_name ORDER BY service_name DESC",
            json!([
                {"service_name": "b", "count(*)": 5, "count(duration_ms)": 4, "sum(value)": 35, "avg(value)": 7, "min(value)": 5, "max(value)": 9},
                {"service_name": "a", "count(*)": 5, "count(duration_ms)": 5, "sum(value)": 10, "avg(value)": 2, "min(value)": 0, "max(value)": 4},
            ]),
        );
        // ⌊0.5 × 9⌋ of 1 to 5, 10 to 40.
        check(
            "SELECT percentile(duration_ms, 50) AS p, max(service_name) AS s FROM m",
            json!([{"p": 5, "s": "b"}]),
        );
        check(
            "SELECT count(*), avg(value) FROM m WHERE value > 100",
            json!([{"count(*)": 0, "avg(value)": null}]),
        );
        check(
            "SELECT service_name FROM m GROUP BY service_name ORDER BY max(duration_ms) DESC LIMIT 1",
            json!([{"service_name": "b"}]),
        );
    }
}
