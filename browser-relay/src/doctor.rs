//! What `doctor` looks at here: whether the services behind answer, take our key, and have our time.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_client::{Answer, Base, Client, Limits, Outgoing};
use service::Finding;
use web::Method;
use web::header::{self, HeaderName, HeaderValue};

use crate::domain::backend::Backend;
use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Clocks further apart than this put events at the wrong end of a list.
const MAX_SKEW: Duration = Duration::from_secs(30);

pub(crate) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (backend, base, key) in &settings.backends {
        findings.push(ask(*backend, base, key.expose()).await);
    }
    if settings.backends.is_empty() {
        let advice = "set ERROR_TRACKER_URL and ERROR_TRACKER_API_KEY, and so for the other two";
        findings.push(Finding::wrong(
            "upstream",
            "no service is named to forward to: all that browsers send is dropped",
            advice,
        ));
    }
    findings
}

/// Sends what is no JSON: a service that takes our key answers 400, and stores nothing.
async fn ask(backend: Backend, base: &Base, key: &str) -> Finding {
    let limits = Limits {
        connect: TIMEOUT,
        total: TIMEOUT,
        ..Limits::default()
    };
    let outgoing = Outgoing {
        method: Method::POST,
        path: base.join(backend.path()),
        headers: headers(key),
        body: Bytes::from_static(b"!"),
    };
    let name = backend.name();
    match Client::new(base.clone(), limits).send(outgoing).await {
        Ok(answer) => judge(name, base, &answer, SystemTime::now()),
        Err(failure) => Finding::wrong(
            "upstream",
            format!("the {name} at {base} does not answer: {failure}"),
            format!("start it, or correct its address; until then events wait in the outbox ({name})"),
        ),
    }
}

fn judge(name: &str, base: &Base, answer: &Answer, now: SystemTime) -> Finding {
    let status = answer.status.as_u16();
    match status {
        400 => {}
        401 | 403 => {
            return Finding::wrong(
                "upstream",
                format!("the {name} at {base} refuses our key ({status})"),
                "give the relay a key of that service with the scope ingest",
            );
        }
        _ => {
            return Finding::wrong(
                "upstream",
                format!("the {name} at {base} answers {status}, where it should say 400"),
                "look whether the address leads to that service, and read its log",
            );
        }
    }
    let theirs = answer
        .headers
        .get(header::DATE)
        .and_then(|date| date.to_str().ok());
    let skew = theirs
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .and_then(|theirs| {
            now.duration_since(theirs)
                .or_else(|_| theirs.duration_since(now))
                .ok()
        });
    match skew.filter(|skew| *skew > MAX_SKEW) {
        Some(skew) => Finding::doubtful(
            "upstream",
            format!(
                "the clock of the {name} at {base} is {} s off ours",
                skew.as_secs()
            ),
            "keep the clocks of both machines right: timedatectl set-ntp true",
        ),
        None => Finding::well("upstream", format!("the {name} at {base} takes our key")),
    }
}

fn headers(key: &str) -> Vec<(HeaderName, HeaderValue)> {
    let Ok(mut value) = HeaderValue::try_from(key) else {
        return Vec::new();
    };
    value.set_sensitive(true);
    vec![(HeaderName::from_static("x-api-key"), value)]
}
