//! How bad a report is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How bad it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Of interest to developers.
    Debug,
    /// Worth a note.
    Info,
    /// Not yet a failure.
    Warning,
    /// Something failed.
    #[default]
    Error,
    /// The process ended.
    Fatal,
}

impl Level {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// From the names in use, and the numbers of Python's `logging`.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Self::named(name),
            Value::Number(number) => Self::of_number(number.as_f64()?),
            _ => None,
        }
    }

    /// From one of the names in use, or a number as text.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "debug" | "trace" | "log" => Some(Self::Debug),
            "info" | "notice" => Some(Self::Info),
            "warning" | "warn" => Some(Self::Warning),
            "error" | "err" => Some(Self::Error),
            "fatal" | "critical" | "crit" | "emergency" | "alert" => Some(Self::Fatal),
            number => Self::of_number(number.parse().ok()?),
        }
    }

    fn of_number(number: f64) -> Option<Self> {
        Some(match number {
            n if n >= 50. => Self::Fatal,
            n if n >= 40. => Self::Error,
            n if n >= 30. => Self::Warning,
            n if n >= 20. => Self::Info,
            n if n >= 10. => Self::Debug,
            _ => return None,
        })
    }
}
