//! What the user probably meant: near matches of a mistyped name.

use std::collections::BTreeSet;

use crate::variable::Variable;

/// Most edits between a mistyped name and the name it is taken for.
const MAX_EDITS: usize = 2;

/// One sentence for each of `names` (the environment's) that is no variable of ours but looks like one.
///
/// Short names must match more closely, or `HOME` would be taken for `HOST`.
pub fn near_misses(known: &[Variable], names: impl Iterator<Item = String>) -> Vec<String> {
    let ours: Vec<String> = known
        .iter()
        .flat_map(|variable| [variable.name.to_owned(), format!("{}_FILE", variable.name)])
        .collect();
    let unknown: BTreeSet<String> = names.filter(|name| !ours.contains(name)).collect();
    let sentence = |name: &String| {
        let meant = nearest(name, ours.iter().map(String::as_str))?;
        Some(format!("unknown variable {name}: did you mean {meant}?"))
    };
    unknown.iter().filter_map(sentence).collect()
}

/// The candidate closest to `word`, if one is close enough to be meant. Letter case is no difference.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let close = |candidate: &'a str| {
        // Bounds the work on a name that is pages long.
        if word.len().abs_diff(candidate.len()) > MAX_EDITS {
            return None;
        }
        let n_edits = edits(&word.to_ascii_uppercase(), &candidate.to_ascii_uppercase());
        (n_edits <= MAX_EDITS && n_edits * 3 <= candidate.len()).then_some((n_edits, candidate))
    };
    candidates
        .filter_map(close)
        .min_by_key(|&(n_edits, _)| n_edits)
        .map(|(_, candidate)| candidate)
}

/// Edit distance in bytes; two swapped neighbours count as one edit (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (previous[j] + 1)
                .min(row[j - 1] + 1)
                .min(previous[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variable::Origin;

    fn variable(name: &'static str) -> Variable {
        Variable {
            name,
            default: String::new(),
            meaning: "",
            is_secret: false,
            value: None,
            origin: Origin::Default,
        }
    }

    #[test]
    fn edits_count_a_swap_once() {
        let check = |a, b, expected| assert_eq!(edits(a, b), expected, "{a} {b}");
        check("", "", 0);
        check("abc", "", 3);
        check("", "abc", 3);
        check("PORT", "PROT", 1);
        check("API_KEY", "APIKEY", 1);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn a_mistyped_variable_is_pointed_out_and_others_are_left_alone() {
        let known = ["API_KEY", "API_KEYS_FILE", "HOST", "LOG_LEVEL"].map(variable);
        let check = |name: &str, meant: &str| {
            let expected: Vec<String> = match meant {
                "" => Vec::new(),
                meant => vec![format!("unknown variable {name}: did you mean {meant}?")],
            };
            assert_eq!(near_misses(&known, std::iter::once(name.to_owned())), expected);
        };
        check("API_KYE", "API_KEY");
        check("API_KEYFILE", "API_KEY_FILE");
        check("log_level", "LOG_LEVEL");
        check("LOGLEVEL", "LOG_LEVEL");
        check("HOTS", "HOST");
        for fine in [
            "API_KEY",
            "API_KEY_FILE",
            "API_KEYS_FILE",
            "HOME",
            "PATH",
            "_",
            "",
            "TERM",
            "ÄPI",
        ] {
            check(fine, "");
        }
    }
}
