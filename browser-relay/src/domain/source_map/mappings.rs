//! The `mappings` text as tokens in the order of generated code.
//!
//! Strict in what it reports, lenient in what it uses: a segment that points nowhere loses its source, one that has
//! the wrong number of fields is left out, and only what makes all that follows meaningless ends the reading.

use super::vlq::{self, BadVlq};
use super::{Original, Position, Problem, Token, note};

/// Tokens of one line that are put in order where they come out of order; more are taken as they come, without those
/// that go back.
const MAX_SORTED: usize = 1 << 18;

/// How many there are of what segments point to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) n_sources: usize,
    pub(super) n_names: usize,
}

/// Values that segments give the difference to.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    column: i64,
    source: i64,
    line: i64,
    original_column: i64,
    name: i64,
}

/// Gives each token to `take`. Lines count from 0.
pub(super) fn read(mappings: &str, bounds: Bounds, problems: &mut Vec<Problem>, mut take: impl FnMut(Token)) {
    let mut state = State::default();
    for (number, line) in mappings.split(';').enumerate() {
        if line.is_empty() {
            continue;
        }
        let Ok(number) = u32::try_from(number) else { return };
        state.column = 0;
        let is_whole = if is_in_order(line, state) {
            read_line(line, number, bounds, &mut state, problems, &mut take)
        } else {
            let mut newest = Position::default();
            let mut tokens = Vec::new();
            let is_whole = read_line(line, number, bounds, &mut state, problems, &mut |token| {
                if tokens.len() < MAX_SORTED {
                    tokens.push(token);
                }
            });
            tokens.sort_by_key(|token: &Token| token.at);
            for token in tokens {
                newest = newest.max(token.at);
                take(Token { at: newest, ..token });
            }
            is_whole
        };
        if !is_whole {
            return;
        }
    }
}

/// Whether the columns of a line only rise, as nearly all do.
fn is_in_order(line: &str, state: State) -> bool {
    let mut column = state.column;
    line.split(',').all(|segment| {
        let delta = vlq::read(&mut segment.as_bytes()).ok().flatten().unwrap_or(0);
        column += i64::from(delta);
        delta >= 0
    })
}

/// False where nothing that follows can be trusted.
fn read_line(
    line: &str,
    number: u32,
    bounds: Bounds,
    state: &mut State,
    problems: &mut Vec<Problem>,
    take: &mut impl FnMut(Token),
) -> bool {
    for segment in line.split(',') {
        let fields = match fields(segment.as_bytes()) {
            Ok(fields) => fields,
            Err(BadVlq::Character) => {
                note(problems, || {
                    format!("mappings: line {number} has a character that is no base64 digit")
                });
                return false;
            }
            Err(BadVlq::Unfinished) => {
                note(problems, || {
                    format!("mappings: line {number} has a number without an end")
                });
                return false;
            }
        };
        match token(&fields, number, bounds, state) {
            Ok(token) => take(token),
            Err((problem, token)) => {
                note(problems, || format!("mappings: line {number} has {problem}"));
                token.into_iter().for_each(&mut *take);
            }
        }
    }
    true
}

/// The numbers of a segment: at most six, since more than five are wrong already.
#[derive(Debug, Default)]
struct Fields {
    n: usize,
    values: [i32; 5],
    is_beyond: bool,
}

fn fields(mut segment: &[u8]) -> Result<Fields, BadVlq> {
    let mut fields = Fields::default();
    while !segment.is_empty() {
        let number = vlq::read(&mut segment)?;
        fields.is_beyond |= number.is_none();
        if let Some(place) = fields.values.get_mut(fields.n) {
            *place = number.unwrap_or(0);
        }
        fields.n += 1;
    }
    Ok(fields)
}

/// A token; or what is wrong with it, and what of it can be used.
fn token(
    fields: &Fields,
    line: u32,
    bounds: Bounds,
    state: &mut State,
) -> Result<Token, (&'static str, Option<Token>)> {
    if !matches!(fields.n, 1 | 4 | 5) {
        return Err(("a segment that has neither 1, 4 nor 5 fields", None));
    }
    let [column, source, original_line, original_column, name] = fields.values.map(i64::from);
    state.column += column;
    if fields.n >= 4 {
        state.source += source;
        state.line += original_line;
        state.original_column += original_column;
    }
    if fields.n == 5 {
        state.name += name;
    }
    let number = |value: i64| i32::try_from(value).ok().and_then(|it| u32::try_from(it).ok());
    let Some(column) = number(state.column) else {
        return Err(("a column that is negative or beyond 32 bits", None));
    };
    let at = Position { line, column };
    if fields.is_beyond {
        return Err(("a number beyond 32 bits", None));
    }
    if fields.n == 1 {
        return Ok(Token { at, original: None });
    }
    let within = |value: i64, n: usize| number(value).filter(|index| (*index as usize) < n);
    let nowhere = |problem| Err((problem, Some(Token { at, original: None })));
    let Some(source) = within(state.source, bounds.n_sources) else {
        return nowhere("a source that does not exist");
    };
    let (Some(line), Some(column)) = (number(state.line), number(state.original_column)) else {
        return nowhere("an original position that is negative or beyond 32 bits");
    };
    let original = |name| {
        Some(Original {
            source,
            at: Position { line, column },
            name,
        })
    };
    if fields.n == 4 {
        return Ok(Token {
            at,
            original: original(None),
        });
    }
    match within(state.name, bounds.n_names) {
        Some(name) => Ok(Token {
            at,
            original: original(Some(name)),
        }),
        None => Err((
            "a name that does not exist",
            Some(Token {
                at,
                original: original(None),
            }),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mappings: &str, expected_problems: &[&str]) -> Vec<(u32, u32)> {
        let mut problems = Vec::new();
        let mut tokens = Vec::new();
        let bounds = Bounds {
            n_sources: 2,
            n_names: 1,
        };
        read(mappings, bounds, &mut problems, |token| tokens.push(token));
        assert_eq!(problems, expected_problems, "{mappings}");
        tokens
            .iter()
            .map(|token| (token.at.line, token.at.column))
            .collect()
    }

    #[test]
    fn tokens_come_in_order_even_where_the_map_has_them_out_of_order() {
        assert_eq!(check("AAAA,IACCA;;E", &[]), [(0, 0), (0, 4), (2, 2)]);
        assert_eq!(check("IAAA,FAAA;A", &[]), [(0, 2), (0, 4), (1, 0)]);
        assert_eq!(check("", &[]), []);
        assert_eq!(check(&";".repeat(100_000), &[]), []);
    }

    #[test]
    fn what_is_wrong_is_told_and_the_rest_is_used() {
        let told = |what: &str| format!("mappings: line 0 has {what}");
        let one = |mappings: &str, what: &str| check(mappings, &[&told(what)]);
        assert_eq!(
            one("AA,C", "a segment that has neither 1, 4 nor 5 fields"),
            [(0, 1)]
        );
        assert_eq!(one("C,!,C", "a character that is no base64 digit"), [(0, 1)]);
        assert_eq!(one("C,g", "a number without an end"), [(0, 1)]);
        assert_eq!(one("AEAA", "a source that does not exist"), [(0, 0)]);
        assert_eq!(one("AAAAC", "a name that does not exist"), [(0, 0)]);
        assert_eq!(
            one("AADA", "an original position that is negative or beyond 32 bits"),
            [(0, 0)]
        );
        assert_eq!(
            one("D,C", "a column that is negative or beyond 32 bits"),
            [(0, 0)]
        );
    }
}
