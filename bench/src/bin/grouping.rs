//! `grouping [FOLDER]`: how the rules sort real events into groups, judged by what is known of them and beside two
//! naive rules; and what it costs. `bench/README.md` says how to read the tables.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bench::events::{self, Event, Groups};
use bench::figures::{median, percentile};
use bench::table::{self, print_figures};
use error_tracker::domain::exception::Exception;
use error_tracker::domain::grouping;
use error_tracker::domain::recognition::Recognition;
use error_tracker::domain::report::{self, Report};

/// A time is the median of so many rounds, each this long or longer.
const N_ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(2);
const TYPICAL_FRAMES: u32 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).map(PathBuf::from);
    let Some(folder) = argument.or_else(|| testkit::handbook("data/error-events")) else {
        println!("grouping: there are no events in this checkout; name a folder of them");
        return Ok(());
    };
    let events = events::read(&folder)?;
    let known: Vec<Known<'_>> = events.iter().filter_map(Known::read).collect();
    judge(&events, &known);
    measure(&known)
}

/// An event that was taken in.
struct Known<'a> {
    event: &'a Event,
    report: Report,
    exceptions: Vec<Exception>,
}

impl<'a> Known<'a> {
    /// Says so where it is refused.
    fn read(event: &'a Event) -> Option<Self> {
        let report = report::read(&event.json, None)
            .inspect_err(|refusal| println!("refused: {}: {refusal}", event.name))
            .ok()?;
        Some(Self {
            event,
            exceptions: report.exceptions(),
            report,
        })
    }

    /// As the tracker.
    fn by_the_rules(&self) -> String {
        key(&self.report, &self.exceptions)
    }

    /// Naive: what it is and what it says.
    fn by_message(&self) -> String {
        format!("{}\n{}", self.report.exception_type, self.report.message)
    }

    /// Naive: what it is and the line that raised it.
    fn by_line(&self) -> String {
        let last = self.exceptions.last().and_then(|it| it.frames.last());
        let file = last.and_then(|frame| frame.file.as_ref().or(frame.path.as_ref()));
        let line = last.and_then(|frame| frame.line);
        format!("{}\n{file:?}:{line:?}", self.report.exception_type)
    }
}

fn key(report: &Report, exceptions: &[Exception]) -> String {
    let facts = grouping::Facts {
        exception_type: &report.exception_type,
        message: &report.message,
        exceptions,
        fingerprint: &report.fingerprint,
    };
    grouping::decide(&facts).0.key()
}

fn judge<'a>(events: &[Event], known: &[Known<'a>]) {
    let by = |rule: fn(&Known<'a>) -> String| Groups::by(known.iter().map(|it| (rule(it), it.event)));
    let rules = [
        ("the tracker's rules", by(Known::by_the_rules)),
        ("naive: type and message", by(Known::by_message)),
        ("naive: type, file and line of the last frame", by(Known::by_line)),
    ];
    let n_labelled = known.iter().filter(|it| it.event.label.is_some()).count();
    println!(
        "{} events, {} of them refused, {n_labelled} labelled",
        events.len(),
        events.len() - known.len()
    );
    let rows = rules.iter().map(|(name, groups)| {
        let n_merges = groups.merges().len();
        let counts = [
            groups.n_groups(),
            n_merges,
            groups.wrong_merges().len(),
            groups.splits().len(),
        ];
        let counts = counts.map(|count| count.to_string());
        [&[(*name).to_owned()][..], &counts].concat()
    });
    table::print(
        &[
            "rule",
            "groups",
            "groups of more than one event",
            "groups of more than one label (target 0)",
            "labels in more than one group",
        ],
        rows,
    );
    for (name, groups) in &rules {
        print_members(name, groups, name == &rules[0].0);
    }
}

/// Which events; all groups of more than one for our own rules, of the others what the labels say.
fn print_members(name: &str, groups: &Groups<'_>, with_merges: bool) {
    println!("\n{name}:");
    for labels in groups.wrong_merges() {
        println!("- wrong merge: {labels:?}");
    }
    for (label, parts) in groups.splits() {
        let parts: Vec<String> = parts.iter().map(|names| names.join(", ")).collect();
        println!("- split: {label}: {}", parts.join(" | "));
    }
    for names in groups.merges().iter().filter(|_| with_merges) {
        println!("- merged: {}", names.join(", "));
    }
}

fn measure(known: &[Known<'_>]) -> Result<(), Box<dyn Error>> {
    let mut reading: Vec<f64> = known.iter().map(|it| reading_us(&it.event.json)).collect();
    let mut deciding: Vec<f64> = known.iter().map(|it| grouping_us(&it.report)).collect();
    let rows = [
        ("reading its JSON", spread(&mut reading)),
        ("grouping: exceptions, rules, key", spread(&mut deciding)),
    ];
    let rows = rows.map(|(what, spread)| [&[what.to_owned()][..], &spread].concat());
    table::print(&["µs an event, over all events", "median", "p95", "max"], rows);

    let json = typical();
    let report = report::read(&json, None)?;
    let recognition = Recognition::default();
    let remembered = micros(|| {
        black_box(recognition.recognise(black_box(&report)));
    });
    let us = |us: f64| format!("{us:.1} µs");
    print_figures([
        (
            "typical event: reading its JSON",
            us(reading_us(&json)),
            "none".to_owned(),
        ),
        (
            "typical event: grouping",
            us(grouping_us(&report)),
            "< 50 µs".to_owned(),
        ),
        (
            "typical event: grouping, its trace seen before",
            us(remembered),
            "none".to_owned(),
        ),
    ]);
    println!(
        "\ntypical: a Python traceback of {TYPICAL_FRAMES} frames as text, {} bytes of JSON",
        json.len()
    );
    Ok(())
}

fn spread(values: &mut [f64]) -> [String; 3] {
    [0.5, 0.95, 1.].map(|share| format!("{:.1}", percentile(values, share)))
}

fn reading_us(json: &[u8]) -> f64 {
    micros(|| {
        let _ = black_box(report::read(black_box(json), None));
    })
}

fn grouping_us(report: &Report) -> f64 {
    micros(|| {
        let report = black_box(report);
        black_box(key(report, &report.exceptions()));
    })
}

/// Microseconds of one call.
fn micros(mut call: impl FnMut()) -> f64 {
    call();
    let mut round = || {
        let (started, mut n_calls) = (Instant::now(), 0);
        while started.elapsed() < ROUND {
            (0..8).for_each(|_| call());
            n_calls += 8;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(n_calls)
    };
    median((0..N_ROUNDS).map(|_| round()))
}

/// What the Python client sends of a failed web request: four frames of a library, the others of the app.
fn typical() -> Vec<u8> {
    let mut traceback = "Traceback (most recent call last):\n".to_owned();
    for number in 1..=TYPICAL_FRAMES {
        let (file, source) = match number {
            1..=4 => (
                "/srv/.venv/lib/python3.13/site-packages/django/core/handlers/base.py",
                "response = get_response(request)",
            ),
            _ => (
                "/srv/shop/checkout/views.py",
                "total = price(order, customer=request.user)",
            ),
        };
        let (line, name) = (number * 17, (b'a' + number as u8) as char);
        traceback += &format!("  File \"{file}\", line {line}, in step_{name}\n    {source}\n");
    }
    traceback += "ValueError: no such order: 4711\n";
    let body = serde_json::json!({
        "project": "shop",
        "exception_type": "ValueError",
        "message": "no such order: 4711",
        "traceback": traceback,
        "environment": "production",
        "request_url": "https://shop.example.com/checkout?step=3",
        "request_method": "POST",
        "request_headers": {"user-agent": "python-httpx/0.28.1", "accept": "*/*", "content-type": "application/json"},
        "user_id": "4711",
        "extra": {"session_id": "s-4711", "cart": {"items": 3, "total": 59.90}},
    });
    body.to_string().into_bytes()
}
