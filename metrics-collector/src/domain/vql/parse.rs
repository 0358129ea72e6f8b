//! A VQL text as a [`Query`]. Columns are those of `column`, literals become what their column is, and what is not
//! understood is refused with a sentence.

use super::Refusal;
use super::cell::Cell;
use super::column::{Column, NAMES};
use super::query::{
    Comparison, Condition, DEFAULT_LIMIT, Expression, Function, Item, MAX_LIMIT, Query, Test,
};
use super::token::{self, Kind, Token};

/// Things told, conditions, columns of a group, values of `IN`: more of any is refused.
const MAX_LIST: usize = 100;

type Result<T> = std::result::Result<T, Refusal>;

/// Reads a text. `now_ms` is what `now()` says.
pub fn parse(text: &str, now_ms: i64) -> Result<Query> {
    let tokens = token::read(text)?;
    Parser {
        text,
        tokens: &tokens,
        at: 0,
        now_ms,
    }
    .query()
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    now_ms: i64,
}

impl Parser<'_> {
    fn query(mut self) -> Result<Query> {
        self.keyword("SELECT")?;
        let items = self.items()?;
        self.keyword("FROM")?;
        // Whatever it is called: there is one.
        self.word()?;
        let conditions = match self.has_keyword("WHERE") {
            true => self.list(|parser| parser.condition(), |parser| parser.has_keyword("AND"))?,
            false => Vec::new(),
        };
        let group_by = match self.has_keyword("GROUP") {
            true => {
                self.keyword("BY")?;
                self.list(Self::column, |parser| parser.has_sign(","))?
            }
            false => Vec::new(),
        };
        let is_aggregate = |item: &Item| !matches!(item.expression, Expression::Column(_));
        let mut query = Query {
            is_grouped: !group_by.is_empty() || items.iter().any(is_aggregate),
            n_told: items.len(),
            items,
            conditions,
            group_by,
            order_by: Vec::new(),
            limit: DEFAULT_LIMIT,
        };
        if self.has_keyword("ORDER") {
            self.keyword("BY")?;
            let keys = self.list(Self::order_key, |parser| parser.has_sign(","))?;
            for (name, key, is_descending) in keys {
                let place = place_of(&mut query, name, key);
                query.order_by.push((place, is_descending));
            }
        }
        if self.has_keyword("LIMIT") {
            query.limit = self.limit()?;
        }
        if let Some(token) = self.tokens.get(self.at) {
            let rest: String = self.text[token.place.start..].chars().take(20).collect();
            return Err(Refusal::faulty(format!("'{rest}' is not expected there")));
        }
        check_groups(&query)?;
        Ok(query)
    }

    fn items(&mut self) -> Result<Vec<Item>> {
        if self.has_sign("*") {
            let item = |(place, name): (usize, &&str)| Item {
                name: (*name).to_owned(),
                expression: Expression::Column(Column::Named(place)),
            };
            return Ok(NAMES.iter().enumerate().map(item).collect());
        }
        self.list(Self::item, |parser| parser.has_sign(","))
    }

    fn item(&mut self) -> Result<Item> {
        let (written, expression) = self.expression()?;
        let name = match self.has_keyword("AS") {
            true => self.word()?,
            false => written,
        };
        Ok(Item { name, expression })
    }

    /// As it was written, and what it is.
    fn expression(&mut self) -> Result<(String, Expression)> {
        let first = self.at;
        let word = self.word()?;
        let expression = match self.has_sign("(") {
            true => self.call(&word)?,
            false => Expression::Column(self.column_of(&word)?),
        };
        let start = self.tokens[first].place.start;
        let end = self.tokens[self.at - 1].place.end;
        Ok((self.text[start..end].to_owned(), expression))
    }

    fn call(&mut self, name: &str) -> Result<Expression> {
        let name = name.to_ascii_lowercase();
        if name == "count" && self.has_sign("*") {
            self.sign(")")?;
            return Ok(Expression::CountAll);
        }
        let column = self.column()?;
        let function = match name.as_str() {
            "count" => Function::Count,
            "sum" => Function::Sum,
            "avg" => Function::Avg,
            "min" => Function::Min,
            "max" => Function::Max,
            "percentile" => {
                self.sign(",")?;
                percentile(self.number()?)?
            }
            other => match other.strip_prefix('p').and_then(|part| part.parse().ok()) {
                Some(part) => percentile(part)?,
                None => return Err(Refusal::faulty(format!("there is no function '{other}'"))),
            },
        };
        self.sign(")")?;
        let takes_texts = matches!(function, Function::Count | Function::Min | Function::Max);
        if !takes_texts && !column.is_number() {
            return Err(Refusal::faulty(format!("{name} wants a column of numbers")));
        }
        Ok(Expression::Aggregate(function, column))
    }

    fn condition(&mut self) -> Result<Condition> {
        let column = self.column()?;
        let test = self.test(&column)?;
        Ok(Condition { column, test })
    }

    fn test(&mut self, column: &Column) -> Result<Test> {
        if self.has_keyword("IS") {
            let wanted = !self.has_keyword("NOT");
            self.keyword("NULL")?;
            return Ok(Test::Null(wanted));
        }
        let wanted = !self.has_keyword("NOT");
        if self.has_keyword("IN") {
            self.sign("(")?;
            let literals = self.list(|parser| parser.literal(column), |parser| parser.has_sign(","))?;
            self.sign(")")?;
            return Ok(Test::In(wanted, literals));
        }
        if self.has_keyword("LIKE") {
            return match self.next() {
                Some(Kind::Text(pattern)) => Ok(Test::Like(wanted, pattern)),
                _ => Err(Refusal::faulty("LIKE wants a text")),
            };
        }
        let sign = match self.next() {
            Some(Kind::Sign(sign)) if wanted => Comparison::read(sign),
            _ => None,
        };
        let how = sign.ok_or_else(|| {
            Refusal::faulty("a condition is a column, =, !=, <, <=, >, >=, IN, LIKE or IS, and a value")
        })?;
        Ok(Test::Is(how, self.literal(column)?))
    }

    /// A value, of the column's type.
    fn literal(&mut self, column: &Column) -> Result<Cell<'static>> {
        if self.has_keyword("now") {
            return self.time().map(Cell::Number);
        }
        let sign = self.negative();
        let literal = match self.next() {
            Some(Kind::Number(number)) if column.is_number() => Some(Cell::Number(sign * number)),
            Some(Kind::Number(number)) => Some(Cell::Text((sign * number).to_string().into())),
            Some(Kind::Text(text)) if column.is_number() => {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.map(Cell::Number)
            }
            Some(Kind::Text(text)) => Some(Cell::Text(text.into())),
            _ => None,
        };
        literal.ok_or_else(|| {
            Refusal::faulty(match column.is_number() {
                true => "a number is expected there",
                false => "a text in quotes is expected there",
            })
        })
    }

    fn negative(&mut self) -> f64 {
        match self.has_sign("-") {
            true => -1.,
            false => 1.,
        }
    }

    /// `now()`, `now() - 15m`, `now() - 3600000`, after the word.
    fn time(&mut self) -> Result<f64> {
        self.sign("(")?;
        self.sign(")")?;
        let sign = match (self.has_sign("-"), self.has_sign("+")) {
            (false, false) => return Ok(self.now_ms as f64),
            (true, _) => -1.,
            (false, true) => 1.,
        };
        let n = self.number()?;
        let units = [("ms", 1.), ("s", 1e3), ("m", 6e4), ("h", 3.6e6), ("d", 8.64e7)];
        let unit = units.into_iter().find(|(name, _)| self.has_keyword(name));
        Ok(self.now_ms as f64 + sign * n * unit.map_or(1., |(_, ms)| ms))
    }

    fn order_key(&mut self) -> Result<(String, Option<Expression>, bool)> {
        let before = self.at;
        let (name, key) = match self.expression() {
            Ok((name, expression)) => (name, Some(expression)),
            // Not a column, so perhaps what something that is told was called.
            Err(refusal) => {
                self.at = before;
                let name = self.word()?;
                if self.has_sign("(") || self.has_sign(".") {
                    return Err(refusal);
                }
                (name, None)
            }
        };
        let is_descending = self.has_keyword("DESC");
        if !is_descending {
            self.has_keyword("ASC");
        }
        Ok((name, key, is_descending))
    }

    fn limit(&mut self) -> Result<usize> {
        let limit = self.number()?;
        let is_sound = limit.fract() == 0. && (0. ..=MAX_LIMIT as f64).contains(&limit);
        match is_sound {
            true => Ok(limit as usize),
            false => Err(Refusal::faulty(format!("LIMIT is from 0 to {MAX_LIMIT}"))),
        }
    }

    fn column(&mut self) -> Result<Column> {
        let word = self.word()?;
        self.column_of(&word)
    }

    fn column_of(&mut self, word: &str) -> Result<Column> {
        if word.eq_ignore_ascii_case("tags") && self.has_sign(".") {
            return self.word().map(Column::Tag);
        }
        Column::find(word).ok_or_else(|| {
            let known = NAMES.join(", ");
            Refusal::faulty(format!(
                "there is no column '{word}'; there are {known}, environment and tags.NAME"
            ))
        })
    }

    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T>,
        mut goes_on: impl FnMut(&mut Self) -> bool,
    ) -> Result<Vec<T>> {
        let mut all = vec![one(self)?];
        while goes_on(self) {
            if all.len() == MAX_LIST {
                return Err(Refusal::faulty(format!("at most {MAX_LIST} of a kind are taken")));
            }
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn next(&mut self) -> Option<Kind> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token.kind.clone())
    }

    fn word(&mut self) -> Result<String> {
        match self.next() {
            Some(Kind::Word(word)) => Ok(word),
            _ => Err(Refusal::faulty(
                "a name is expected there: SELECT … FROM metrics WHERE … GROUP BY … ORDER BY … LIMIT …",
            )),
        }
    }

    fn number(&mut self) -> Result<f64> {
        match self.next() {
            Some(Kind::Number(number)) => Ok(number),
            _ => Err(Refusal::faulty("a number is expected there")),
        }
    }

    fn has_keyword(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at).map(|token| &token.kind),
            Some(Kind::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is_it);
        is_it
    }

    fn keyword(&mut self, wanted: &str) -> Result<()> {
        match self.has_keyword(wanted) {
            true => Ok(()),
            false => Err(Refusal::faulty(format!("{wanted} is missing"))),
        }
    }

    fn has_sign(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at).map(|token| &token.kind),
            Some(Kind::Sign(sign)) if *sign == wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn sign(&mut self, wanted: &str) -> Result<()> {
        match self.has_sign(wanted) {
            true => Ok(()),
            false => Err(Refusal::faulty(format!("'{wanted}' is missing"))),
        }
    }
}

/// 95 and 0.95 are the same.
fn percentile(given: f64) -> Result<Function> {
    match given {
        part if (0. ..=1.).contains(&part) => Ok(Function::Percentile(part)),
        percent if (0. ..=100.).contains(&percent) => Ok(Function::Percentile(percent / 100.)),
        _ => Err(Refusal::faulty("a percentile is from 0 to 100")),
    }
}

/// What an order goes by: something that is told, by its name or by what it is, else something that is told to nobody.
/// A name that nobody knows stays one, and is refused with the groups.
fn place_of(query: &mut Query, name: String, key: Option<Expression>) -> usize {
    let is_it = |item: &Item| item.name.eq_ignore_ascii_case(&name) || key.as_ref() == Some(&item.expression);
    if let Some(place) = query.items.iter().position(is_it) {
        return place;
    }
    let expression = key.unwrap_or(Expression::Column(Column::Named(usize::MAX)));
    query.items.push(Item { name, expression });
    query.items.len() - 1
}

fn check_groups(query: &Query) -> Result<()> {
    for item in &query.items {
        match &item.expression {
            Expression::Column(Column::Named(usize::MAX)) => {
                return Err(Refusal::faulty(format!("ORDER BY: there is no '{}'", item.name)));
            }
            Expression::Column(column) if query.is_grouped && !query.group_by.contains(column) => {
                return Err(Refusal::faulty(format!(
                    "'{}' is neither in GROUP BY nor a figure of a group",
                    item.name
                )));
            }
            Expression::Column(_) => {}
            // An order by a figure of groups that there are not.
            Expression::CountAll | Expression::Aggregate(..) if query.is_grouped => {}
            _ => {
                return Err(Refusal::faulty(format!(
                    "ORDER BY: '{}' needs GROUP BY",
                    item.name
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vql::EXAMPLES;

    const NOW: i64 = 1_795_168_800_000;

    #[test]
    fn a_query_is_understood_as_a_whole() {
        let query = parse(
            "select service_name, p99(duration_ms) as slow from anything where status_code >= '500' and error is not null \
             and timestamp > now() - 15m group by service_name order by slow desc, count(*) limit 7;",
            NOW,
        )
        .unwrap();
        assert_eq!((query.n_told, query.limit, query.is_grouped), (2, 7, true));
        assert_eq!(query.order_by, [(1, true), (2, false)]);
        assert_eq!(
            query.conditions[0].test,
            Test::Is(Comparison::AtLeast, Cell::Number(500.))
        );
        assert_eq!(query.span(), (NOW - 900_000, i64::MAX));
        assert_eq!(query.items[2].expression, Expression::CountAll);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_a_sentence() {
        for (text, expected) in [
            ("", "SELECT is missing"),
            ("SELECT * FROM", "a name is expected"),
            ("SELECT secret FROM metrics", "there is no column 'secret'"),
            ("SELECT * FROM m WHERE value = 'fast'", "a number is expected"),
            ("SELECT * FROM m WHERE value", "a condition is"),
            (
                "SELECT * FROM m WHERE value > 1 OR value < 0",
                "'OR value < 0' is not expected",
            ),
            ("SELECT * FROM m LIMIT 100000", "LIMIT is from"),
            (
                "SELECT * FROM m ORDER BY nothing",
                "ORDER BY: there is no 'nothing'",
            ),
            (
                "SELECT value FROM m ORDER BY max(value)",
                "ORDER BY: 'max(value)' needs",
            ),
            ("SELECT endpoint, count(*) FROM m", "'endpoint' is neither"),
            ("SELECT avg(endpoint) FROM m", "avg wants a column of numbers"),
            ("SELECT median(value) FROM m", "there is no function 'median'"),
            ("SELECT percentile(value, 101) FROM m", "a percentile is from"),
        ] {
            match parse(text, NOW) {
                Err(Refusal::Faulty(found)) => assert!(found.starts_with(expected), "{text}: {found}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn examples_are_queries() {
        for (name, text) in EXAMPLES {
            parse(text, NOW).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        }
    }
}
