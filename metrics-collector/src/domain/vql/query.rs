//! A query, as it is understood: typed, with nothing in it that was not looked at.

use std::cmp::Ordering;

use super::cell::{Cell, is_like};
use super::column::{Column, TIMESTAMP};
use crate::domain::vantage::rows::Row;

/// Rows of an answer.
pub const MAX_LIMIT: usize = 10_000;
/// Where none is given.
pub const DEFAULT_LIMIT: usize = 1_000;

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is told, and after it what only the order needs.
    pub items: Vec<Item>,
    /// How many of them are told.
    pub n_told: usize,
    /// All must be met.
    pub conditions: Vec<Condition>,
    /// What makes a group.
    pub group_by: Vec<Column>,
    /// Whether there are groups: `GROUP BY`, or an aggregate, which makes one of all.
    pub is_grouped: bool,
    /// Which items, and whether the greatest comes first.
    pub order_by: Vec<(usize, bool)>,
    /// Rows of the answer.
    pub limit: usize,
}

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub expression: Expression,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A column.
    Column(Column),
    /// `count(*)`
    CountAll,
    /// A figure of a column over a group.
    Aggregate(Function, Column),
}

/// How a group's values become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// How many are not null.
    Count,
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The least, of texts too.
    Min,
    /// The greatest, of texts too.
    Max,
    /// The value at ⌊part × n⌋ of all in order, as in health scores; 0 to 1.
    Percentile(f64),
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Of which.
    pub column: Column,
    /// What must be.
    pub test: Test,
}

/// What must be of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Compared with a literal of the column's type.
    Is(Comparison, Cell<'static>),
    /// One of these, or none if the flag is false.
    In(bool, Vec<Cell<'static>>),
    /// Like a pattern, or not.
    Like(bool, String),
    /// Null, or not.
    Null(bool),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`, `<>`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Query {
    /// Whether a row is meant.
    pub fn matches(&self, row: &Row<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.is_met(row))
    }

    /// The times that conditions leave: from, and up to but not including; Unix milliseconds.
    pub fn span(&self) -> (i64, i64) {
        let (mut from, mut to) = (i64::MIN, i64::MAX);
        for condition in &self.conditions {
            let (Column::Named(TIMESTAMP), Test::Is(how, Cell::Number(ms))) =
                (&condition.column, &condition.test)
            else {
                continue;
            };
            // Floats turn into the nearest whole number that there is.
            let (least, most) = (ms.ceil() as i64, ms.floor() as i64);
            match how {
                Comparison::AtLeast | Comparison::Greater => from = from.max(least),
                Comparison::AtMost | Comparison::Less => to = to.min(most.saturating_add(1)),
                Comparison::Equal => (from, to) = (from.max(least), to.min(most.saturating_add(1))),
                Comparison::Unequal => {}
            }
        }
        (from, to)
    }
}

impl Condition {
    fn is_met(&self, row: &Row<'_>) -> bool {
        let cell = self.column.of(row);
        match (&self.test, &cell) {
            (Test::Null(wanted), cell) => *wanted == matches!(cell, Cell::Null),
            (_, Cell::Null) => false,
            (Test::Is(how, literal), cell) => how.is_met(cell.order(literal)),
            (Test::In(wanted, literals), cell) => {
                *wanted
                    == literals
                        .iter()
                        .any(|literal| cell.order(literal) == Ordering::Equal)
            }
            (Test::Like(wanted, pattern), Cell::Text(text)) => *wanted == is_like(text, pattern),
            (Test::Like(..), Cell::Number(_)) => false,
        }
    }
}

impl Comparison {
    /// By its sign.
    pub fn read(sign: &str) -> Option<Self> {
        match sign {
            "=" => Some(Self::Equal),
            "!=" => Some(Self::Unequal),
            "<" => Some(Self::Less),
            "<=" => Some(Self::AtMost),
            ">" => Some(Self::Greater),
            ">=" => Some(Self::AtLeast),
            _ => None,
        }
    }

    fn is_met(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}
