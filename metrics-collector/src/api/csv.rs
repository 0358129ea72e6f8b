//! `GET /api/metrics/csv`: the answer of `/api/metrics` as a table for a spreadsheet.

use std::fmt::Write;
use std::sync::Arc;

use ui::moment::rfc3339;
use web::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::select_query;
use crate::app::App;
use crate::domain::select::{Answer, Point};

/// `GET /api/metrics/csv`: a row for each bucket of each line.
pub(crate) async fn export(app: Arc<App>, request: Request) -> Result<Response> {
    let (select, _) = select_query::read(request.query())?;
    let answer = app.select(select).await?;
    let mut response = Response::text(StatusCode::OK, table(&answer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"metrics.csv\""),
    );
    Ok(response)
}

/// Lines end as RFC 4180 has it.
fn table(answer: &Answer) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in answer.series.iter().flat_map(|line| &line.labels) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let mut text = String::from("time");
    for key in &keys {
        text.push(',');
        text.push_str(&cell(key));
    }
    text.push_str(",count,sum,min,max,avg,last,p50,p95,p99,value\r\n");
    for line in &answer.series {
        for point in &line.points {
            text.push_str(&rfc3339(point.at_ms));
            for key in &keys {
                let value = line.labels.iter().find(|(own, _)| own == key);
                text.push(',');
                text.push_str(&cell(value.map_or("", |(_, value)| value)));
            }
            numbers(point, &mut text);
        }
    }
    text
}

fn numbers(point: &Point, text: &mut String) {
    let Point {
        count,
        sum,
        min,
        max,
        avg,
        last,
        ..
    } = point;
    // Writing to a text does not fail.
    let _ = write!(text, ",{count},{sum},{min},{max},{avg},{last}");
    for value in [point.p50, point.p95, point.p99, point.value] {
        text.push(',');
        if let Some(value) = value {
            let _ = write!(text, "{value}");
        }
    }
    text.push_str("\r\n");
}

/// A text as a cell: in quotes where it must be, and never one that a spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{guard}{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let check = |text: &str, expected: &str| assert_eq!(cell(text), expected);
        check("GET", "GET");
        check("/a,b", "\"/a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("=1+1", "\"'=1+1\"");
        check("@x", "\"'@x\"");
    }
}
