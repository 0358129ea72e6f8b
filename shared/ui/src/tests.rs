//! What holds for every page of this crate: text from outside stays text, nothing the policy forbids, no lost asset.

use std::fs;
use std::path::Path;

use askama::Template;
use serde_json::json;

use crate::chart::{Mark, Series};
use crate::{Chart, Docs, ErrorPage, Frame, Login, LoginLink, RangePicker, Service, Sibling, Soon, assets};

const EVIL: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)",
    "javascript:alert(1)",
    "</textarea></title><svg onload=alert(1)>",
    "{{ 7*7 }}",
];

/// A page with what `charts.html` has.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% extends "layout.html" %}{% import "charts.html" as charts %}
{% block head %}{{ charts::head(frame) }}{% endblock %}
{% block main %}{{ charts::range(picker) }}{{ charts::range_error(picker) }}
<form>{{ charts::range_fields(picker) }}</form>{{ charts::chart(chart) }}{% endblock %}"#
)]
struct ChartPage {
    frame: Frame,
    picker: RangePicker,
    chart: Chart,
}

fn chart_page(frame: Frame, text: &str) -> ChartPage {
    let query = [("name", text), ("from", text)];
    ChartPage {
        frame,
        picker: RangePicker::read(query.into_iter(), "6h", 0),
        chart: Chart {
            id: text.to_owned(),
            title: text.to_owned(),
            times: vec![0],
            series: vec![Series {
                name: text.to_owned(),
                values: vec![Some(1.0)],
                ..Series::default()
            }],
            marks: vec![Mark {
                at: 0,
                label: text.to_owned(),
            }],
            ..Chart::default()
        },
    }
}

/// Every page, with `text` wherever text can come from outside.
fn pages(text: &str) -> Vec<String> {
    let some = || Some(text.to_owned());
    let frame = || Frame {
        siblings: vec![Sibling {
            service: Service::Logs,
            url: text.to_owned(),
        }],
        signed_in: some(),
        ..Frame::new(Service::Errors, text, text, 0)
    };
    let document = json!({
        "info": {"title": text, "version": text, "description": text},
        "tags": [{"name": text, "description": text}],
        "paths": {text: {"post": {
            "tags": [text], "summary": text, "description": text,
            "parameters": [{"name": text, "in": text, "description": text, "schema": {"enum": [text]}}],
            "requestBody": {"content": {text: {"schema": {"properties": {text: {"description": text}}}}}},
            "responses": {text: {"description": text}},
        }}},
    });
    let error = ErrorPage {
        frame: frame(),
        status: 500,
        detail: text.to_owned(),
        request_id: some(),
    };
    let login = Login {
        frame: frame(),
        next: text.to_owned(),
        error: some(),
        notice: some(),
    };
    let link = |error| LoginLink {
        frame: frame(),
        token: text.to_owned(),
        next: text.to_owned(),
        error,
    };
    let soon = Soon {
        frame: frame(),
        lead: text.to_owned(),
        coming: vec![text.to_owned()],
    };
    let rendered = [
        error.render(),
        login.render(),
        link(None).render(),
        link(some()).render(),
        soon.render(),
        chart_page(frame(), text).render(),
        Docs::new(frame(), &document, text, "openapi.json").render(),
    ];
    rendered.into_iter().map(|page| page.unwrap()).collect()
}

#[test]
fn hostile_text_stays_text() {
    for evil in EVIL {
        for page in pages(evil) {
            for tag in [
                "<script>",
                "<img src=x",
                "<svg onload",
                "href=\"javascript:",
                "' onfocus='",
            ] {
                assert!(!page.contains(tag), "{tag} in {page}");
            }
        }
    }
}

#[test]
fn every_asset_a_page_asks_for_is_there() {
    for page in pages("x") {
        let asked: Vec<&str> = page
            .split('"')
            .filter(|value| value.ends_with(".css") || value.ends_with(".js") || value.ends_with(".svg"))
            .collect();
        assert!(asked.len() >= 4, "{page}");
        for path in asked {
            assert!(assets::find(path.trim_start_matches("../")).is_some(), "{path}");
        }
    }
}

#[test]
fn every_script_says_what_its_bytes_are() {
    for page in pages("x") {
        let scripts: Vec<&str> = page.split("<script ").skip(1).collect();
        assert!(!scripts.is_empty(), "{page}");
        for script in scripts {
            let path = between(script, "src=\"");
            let asset = assets::find(path.trim_start_matches("../")).unwrap();
            assert_eq!(between(script, "integrity=\""), asset.integrity);
        }
    }
}

/// What stands behind `start`, as far as the next quotation mark.
fn between<'a>(text: &'a str, start: &str) -> &'a str {
    let (_, value) = text.split_once(start).unwrap();
    value.split('"').next().unwrap()
}

/// The policy forbids inline styles, scripts and handlers; escaping must not be turned off.
#[test]
fn no_template_holds_what_the_policy_forbids() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/templates");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for word in [
            "|safe", "| safe", "escape=", " style=", "<style", " onclick", " onload", "<script>",
        ] {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
    }
}
