//! Everything that is wrong with the configuration, gathered so that one start shows all of it.

/// One or more problems; `Display` puts each on its own line, without a final line end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn new(problems: Vec<String>) -> Problems {
        Problems(problems)
    }

    /// The problems in the order the variables were read.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
