//! Asks each target of `SCRAPE_TARGETS` for its metrics, on an interval, over a connection that is kept. Beside what
//! it answers, `up`, `scrape_duration_seconds` and `scrape_samples_scraped` are stored of it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_client::{Client, Limits, Outgoing};
use service::{Ending, Tasks, unix_ms};
use web::Method;
use web::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};

use crate::app::App;
use crate::domain::exposition;
use crate::domain::kind::Kind;
use crate::domain::scraped::{Memory, Scraped};
use crate::intake::Observation;
use crate::scrapes::Outcome;
use crate::settings::ScrapeSettings;
use crate::target::Target;

/// The formats that `domain/exposition` reads.
const ACCEPTED: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.9,*/*;q=0.1";
const OPENMETRICS: &str = "application/openmetrics-text";

/// Starts a job for each target.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    for (place, (target, _)) in app.scrapes.all().into_iter().enumerate() {
        let app = app.clone();
        tasks.spawn("scrape", move |ending| {
            watch(app.clone(), place, target.clone(), ending)
        });
    }
}

async fn watch(app: Arc<App>, place: usize, target: Target, mut ending: Ending) {
    let every = app.settings.scrape.every;
    let client = client(&app.settings.scrape, &target);
    let mut memory = Memory::default();
    let mut was_down = false;
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + first(&target, every), every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while ending.unless(ticks.tick()).await.is_some() {
        let Some(outcome) = ending.unless(scrape(&app, &client, &target, &mut memory)).await else {
            return;
        };
        // Told once, not four times a minute.
        let is_down = outcome.taken.is_err();
        if let Err(problem) = &outcome.taken
            && !was_down
        {
            tracing::warn!(
                job = target.job,
                instance = target.instance,
                "scrape failed: {problem}"
            );
        }
        was_down = is_down;
        app.scrapes.note(place, outcome);
    }
}

/// When a target is asked first: at once by people's measure, but not all of them in one moment.
fn first(target: &Target, every: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (&target.instance, target.url.path_and_query()).hash(&mut hasher);
    every
        .min(Duration::from_secs(2))
        .mul_f64((hasher.finish() % 1000) as f64 / 1000.0)
}

/// Asks once; `Err` says why it would not be scraped.
pub(crate) async fn look(settings: &ScrapeSettings, target: &Target) -> Result<(), String> {
    ask(settings, &client(settings, target), target).await.map(drop)
}

fn client(settings: &ScrapeSettings, target: &Target) -> Client {
    let limits = Limits {
        total: settings.timeout,
        max_answer_bytes: settings.max_body_bytes,
        max_idle: 1,
        ..Limits::default()
    };
    Client::new(target.url.clone(), limits)
}

async fn scrape(app: &App, client: &Client, target: &Target, memory: &mut Memory) -> Outcome {
    let (at_ms, begun) = (unix_ms(), Instant::now());
    let answer = ask(&app.settings.scrape, client, target).await;
    let seconds = begun.elapsed().as_secs_f64();
    let own = [
        ("job", target.job.as_str()),
        ("instance", target.instance.as_str()),
    ];
    let mut found = match &answer {
        Ok((text, is_openmetrics)) => memory.take(exposition::parse(text, *is_openmetrics), &own, at_ms),
        Err(_) => Vec::new(),
    };
    let n_found = found.len();
    let gauge = |name: &str, value: f64| Scraped {
        name: name.to_owned(),
        kind: Kind::Gauge,
        labels: own
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        at_ms,
        value,
        n: 1,
    };
    found.push(gauge("up", f64::from(u8::from(answer.is_ok()))));
    found.push(gauge("scrape_duration_seconds", seconds));
    found.push(gauge("scrape_samples_scraped", n_found as f64));
    let kept = keep(app, found).await;
    Outcome {
        at_ms,
        seconds,
        taken: answer.and(kept.map_err(|error| error.detail.into_owned())),
    }
}

/// What the target answers, and whether it is OpenMetrics.
async fn ask(settings: &ScrapeSettings, client: &Client, target: &Target) -> Result<(String, bool), String> {
    let outgoing = Outgoing {
        method: Method::GET,
        path: target.url.path_and_query().to_owned(),
        headers: headers(settings),
        body: Default::default(),
    };
    let answer = client
        .send(outgoing)
        .await
        .map_err(|failure| failure.to_string())?;
    if answer.status != 200 {
        return Err(format!("{} answered {}", target.url, answer.status));
    }
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_openmetrics = content_type.is_some_and(|it| it.trim_start().starts_with(OPENMETRICS));
    Ok((String::from_utf8_lossy(&answer.body).into_owned(), is_openmetrics))
}

fn headers(settings: &ScrapeSettings) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![(ACCEPT, HeaderValue::from_static(ACCEPTED))];
    if let Some(token) = &settings.token
        && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.expose()))
    {
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    headers
}

/// Stores them like those that are sent in. Returns how many were.
async fn keep(app: &App, found: Vec<Scraped>) -> web::Result<u64> {
    let observations = found.into_iter().map(|scraped| Observation {
        name: scraped.name,
        kind: scraped.kind,
        project: None,
        labels: scraped.labels,
        at_ms: scraped.at_ms,
        value: scraped.value,
        n: usize::try_from(scraped.n).unwrap_or(usize::MAX),
    });
    Ok(app.observe(observations.collect()).await?.n_taken)
}
