//! Counts and sizes as pages show them.

/// A count in two forms: short to be seen, exact on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The number itself.
    pub value: u64,
    /// At most four characters and a unit: `999`, `12.3k`, `4.5M`. Cut, never rounded up.
    pub short: String,
    /// All digits, in threes: `12,345`.
    pub exact: String,
}

impl Count {
    /// Both forms of `value`.
    pub fn new(value: u64) -> Count {
        Count {
            value,
            short: short(value),
            exact: exact(value),
        }
    }

    /// The ending of a noun after this count: nothing for one, `s` otherwise.
    pub fn s(&self) -> &'static str {
        if self.value == 1 { "" } else { "s" }
    }
}

fn short(value: u64) -> String {
    let (unit, letter) = match value {
        ..1_000 => return value.to_string(),
        1_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'G'),
    };
    let tenths = value / (unit / 10);
    match tenths {
        ..1_000 if !tenths.is_multiple_of(10) => format!("{}.{}{letter}", tenths / 10, tenths % 10),
        _ => format!("{}{letter}", tenths / 10),
    }
}

fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in bytes as people read it: `812 B`, `250 kB`, `1.5 MB`.
pub fn bytes(n: usize) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", n / 1_000),
        _ => format!("{}.{} MB", n / 1_000_000, n / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_and_exact() {
        let check = |value: u64, short: &str, exact: &str| {
            let count = Count::new(value);
            assert_eq!((count.short.as_str(), count.exact.as_str()), (short, exact));
        };
        check(0, "0", "0");
        check(999, "999", "999");
        check(1_000, "1k", "1,000");
        check(1_999, "1.9k", "1,999");
        check(12_345, "12.3k", "12,345");
        check(123_456, "123k", "123,456");
        check(999_999, "999k", "999,999");
        check(4_560_000, "4.5M", "4,560,000");
        check(u64::MAX, "18446744073G", "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(250_000), "250 kB");
        assert_eq!(bytes(1_560_000), "1.5 MB");
    }
}
