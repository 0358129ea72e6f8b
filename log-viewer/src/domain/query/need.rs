//! What the index is asked: words of which some or all must be in a block for a query to match anything in it.

/// A condition on the set of words of a block. It may hold where nothing matches, and holds wherever something does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing is known: every block must be looked at.
    Anything,
    /// This word.
    Word(String),
    /// A word that begins so.
    Prefix(String),
    /// All of these.
    All(Vec<Need>),
    /// One of these.
    Any(Vec<Need>),
}

impl Need {
    /// All of them.
    pub fn all(needs: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for need in needs {
            match need {
                Self::Anything => {}
                Self::All(inner) => all.extend(inner),
                need if all.contains(&need) => {}
                need => all.push(need),
            }
        }
        match all.len() {
            0 => Self::Anything,
            1 => all.swap_remove(0),
            _ => Self::All(all),
        }
    }

    /// One of them.
    pub fn any(needs: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        for need in needs {
            match need {
                Self::Anything => return Self::Anything,
                Self::Any(inner) => any.extend(inner),
                need => any.push(need),
            }
        }
        match any.len() {
            1 => any.swap_remove(0),
            _ => Self::Any(any),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_counts_nothing_in_all_and_everything_in_any() {
        let word = || Need::Word("a".to_owned());
        assert_eq!(Need::all([Need::Anything, word()]), word());
        assert_eq!(Need::any([Need::Anything, word()]), Need::Anything);
        assert_eq!(Need::all([]), Need::Anything);
        assert_eq!(Need::all([word(), word()]), word());
    }
}
