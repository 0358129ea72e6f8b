//! Comparisons of field values: `status:>=500`, `duration:<1.5`.

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Compare {
    /// Takes the sign off the front.
    pub(super) fn read(text: &str) -> Option<(Self, &str)> {
        let signs = [
            (">=", Self::AtLeast),
            ("<=", Self::AtMost),
            (">", Self::More),
            ("<", Self::Less),
        ];
        signs
            .into_iter()
            .find_map(|(sign, compare)| Some((compare, text.strip_prefix(sign)?)))
    }

    pub(super) fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// The number at the start of a value: `12.5ms` is 12.5. None: it doesn't begin with one.
pub(super) fn leading(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || *at == 0 && matches!(c, '-' | '+')))
        .map_or(text.len(), |(at, _)| at);
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_a_unit() {
        assert_eq!(leading("12.5ms"), Some(12.5));
        assert_eq!(leading("-3"), Some(-3.0));
        assert_eq!(leading("500"), Some(500.0));
        assert_eq!(leading("ms"), None);
        assert_eq!(leading("1.2.3"), None);
    }
}
