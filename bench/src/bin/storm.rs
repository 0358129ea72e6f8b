//! What a storm costs whom it wakes: one bug many times, then many bugs at once, with a mail server that counts.
//! `bench/README.md` says how to read the table.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::batches::{Batches, Sent, send};
use bench::binaries;
use bench::figures::memory_mb;
use bench::shop::Shop;
use bench::smtp_sink::SmtpSink;
use bench::table::print_figures;
use testkit::{Launch, Server, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Reports of the one bug, a storm's seconds, and bugs of the second storm.
const N_REPORTS: u64 = 50_000;
const SECONDS: u64 = 10;
const N_BUGS: u64 = 5000;
const BATCH: u64 = 100;
const N_CONNECTIONS: usize = 4;
/// No mail for so long: there will be none.
const QUIET: Duration = Duration::from_secs(15);
const MAX_WAIT: Duration = Duration::from_secs(120);
const N_SHOWN_SUBJECTS: usize = 5;

/// On one thread: the server needs the cores more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let tracker = binaries::build()?.join("error-tracker");
    let sink = SmtpSink::start().await?;
    let server = launch(&tracker, &sink).start().await;
    let resident = || memory_mb(server.pid(), "VmRSS");

    let before = resident();
    let one = Storm::blow(&server, &sink, N_REPORTS, |_| 0).await?;
    let after_one = resident();
    let many = Storm::blow(&server, &sink, N_BUGS, |number| number + 1).await?;
    let after_many = resident();
    one.print_subjects("one bug");
    many.print_subjects("many bugs");

    let (count, n_groups) = counted(&server).await?;
    let none = || "none".to_owned();
    let memory = |what, mb: f64| (what, format!("{mb:.1} MB"), none());
    print_figures([
        ("mails of one bug", one.subjects.len().to_string(), "1".to_owned()),
        (
            "mails of many bugs",
            many.subjects.len().to_string(),
            "1, a digest".to_owned(),
        ),
        (
            "from the storm's end to the last mail, one bug",
            one.mailing(),
            none(),
        ),
        (
            "from the storm's end to the last mail, many bugs",
            many.mailing(),
            none(),
        ),
        (
            "reports/s of one bug",
            format!("{:.0}", one.sent.rate()),
            (N_REPORTS / SECONDS).to_string(),
        ),
        (
            "reports/s of many bugs",
            format!("{:.0}", many.sent.rate()),
            (N_BUGS / SECONDS).to_string(),
        ),
        (
            "reports refused",
            (one.sent.n_refused + many.sent.n_refused).to_string(),
            "0".to_owned(),
        ),
        ("count of the one bug", count.to_string(), N_REPORTS.to_string()),
        ("groups", n_groups.to_string(), (N_BUGS + 1).to_string()),
        memory("resident memory, before", before),
        memory("resident memory, after one bug", after_one),
        memory("resident memory, after many bugs", after_many),
        memory("resident memory, peak", memory_mb(server.pid(), "VmHWM")),
    ]);
    Ok(())
}

fn launch(tracker: &std::path::Path, sink: &SmtpSink) -> Launch {
    Launch::new(tracker)
        .env("RATE_LIMIT_KEY", 0)
        .env("ALERT_EMAILS", "ops@example.com")
        .env("SMTP_HOST", sink.address.ip())
        .env("SMTP_PORT", sink.address.port())
        .env("SMTP_TLS", "none")
}

/// Reports that came, and the mails that they made.
struct Storm {
    sent: Sent,
    /// In the order of the mails.
    subjects: Vec<String>,
    /// From the last report to the last mail; none if that was sooner.
    mailed_after: Option<Duration>,
    /// Mails still came when we gave up waiting.
    is_cut: bool,
}

impl Storm {
    /// Sends reports over some seconds, then waits until no more mails come.
    async fn blow(
        server: &Server,
        sink: &SmtpSink,
        n_reports: u64,
        bug_of: impl Fn(u64) -> u64 + Send + Sync + 'static,
    ) -> Result<Self> {
        let n_before = sink.n_mails();
        let shop = Shop::new(N_BUGS + 1);
        let sent = send(&Batches {
            address: server.address,
            key: server.key(),
            n_reports,
            batch: BATCH,
            n_connections: N_CONNECTIONS,
            rate: Some(n_reports / SECONDS),
            write: Arc::new(move |number, out| shop.write(bug_of(number), number, out)),
        })
        .await?;
        let ended = Instant::now();
        let is_cut = !quiet(sink, ended).await;
        Ok(Self {
            sent,
            subjects: sink.subjects(n_before),
            mailed_after: sink
                .newest()
                .and_then(|newest| newest.checked_duration_since(ended)),
            is_cut,
        })
    }

    fn mailing(&self) -> String {
        match (self.mailed_after, self.is_cut) {
            (_, true) => format!("> {} s", MAX_WAIT.as_secs()),
            (Some(after), false) => format!("{:.1} s", after.as_secs_f64()),
            (None, false) => "0 s".to_owned(),
        }
    }

    fn print_subjects(&self, name: &str) {
        println!("\nmails of {name}: {}", self.subjects.len());
        for subject in self.subjects.iter().take(N_SHOWN_SUBJECTS) {
            println!("- {subject}");
        }
    }
}

/// Waits until no mail has come for a while. False if they still come at the end of our patience.
async fn quiet(sink: &SmtpSink, ended: Instant) -> bool {
    let patience_ends = ended + MAX_WAIT;
    loop {
        let quiet_at = sink.newest().map_or(ended, |newest| newest.max(ended)) + QUIET;
        if quiet_at <= Instant::now() {
            return true;
        }
        if patience_ends <= Instant::now() {
            return false;
        }
        tokio::time::sleep_until(quiet_at.min(patience_ends).into()).await;
    }
}

/// What the tracker says: reports of the most frequent group, and groups.
async fn counted(server: &Server) -> Result<(u64, u64)> {
    let path = "/api/errors?sort=count&limit=1&resolved=all";
    let answer = server.client().try_send("GET".parse()?, path, &[], "").await;
    let answer = answer.map_err(|cause| cause.to_string())?;
    let list: Value = serde_json::from_slice(&answer.body)?;
    let number = |value: &Value| value.as_u64().ok_or("a list has counts");
    Ok((number(&list["errors"][0]["count"])?, number(&list["total"])?))
}
