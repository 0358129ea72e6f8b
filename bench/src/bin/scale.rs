//! `scale [EVENTS] [GROUPS] [DATABASE]`: fills a fresh tracker, then asks it for each of its lists and pages, one request at a
//! time, and watches its memory and its file. A database that is there already is only asked.
//! `bench/README.md` says how to read the tables.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use bench::batches::{Batches, Sent, send};
use bench::binaries;
use bench::dice::Dice;
use bench::figures::{busy_seconds, cpu_seconds, memory_mb, percentile, reset_peak};
use bench::load::{self, Connection};
use bench::shop::{ENVIRONMENTS, N_RELEASES, N_USERS, PROJECTS, REGIONS, Shop};
use bench::table::{self, Figure, print_figures};
use serde_json::Value;
use testkit::{Launch, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const N_CONNECTIONS: usize = 4;
const BATCH: u64 = 200;
/// Requests of each question.
const N_ASKED: u64 = 200;
/// Groups of which some requests are about one.
const N_SAMPLED: u64 = 10;
const TARGET_MS: f64 = 50.;
const TARGET_MB: f64 = 40.;

/// On one thread: the server needs the cores more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let plan = Plan::from_arguments()?;
    let tracker = binaries::build()?.join("error-tracker");
    let launch = plan.launch(&tracker);
    let server = launch.start().await;
    let shop = Arc::new(Shop::new(plan.n_groups));

    let load = match plan.is_filled {
        true => None,
        false => Some(fill(&plan, &server, &shop).await?),
    };
    reset_peak(server.pid())?;
    let mut visitor = Visitor::new(&server).await?;
    let (_, first_list_ms) = visitor.get("/api/errors").await?;
    let run = Run {
        known: Known::of(&mut visitor, &plan).await?,
        database: launch.database_path(),
        server: &server,
        plan,
        load,
        first_list_ms,
    };
    let others = OtherPrograms::since_now(&server);
    let mut answers = Vec::new();
    for question in questions(&shop, &run.known) {
        answers.push(ask(&mut visitor, &server, &question).await?);
    }
    print_answers(&mut answers);
    println!("\ncores used by others meanwhile: {:.2}", others.cores(&server));
    print_figures(run.figures());
    let verdict = run.verdict(&answers);
    // A file that is kept is whole without its log.
    server.stop().await;
    verdict
}

struct Plan {
    n_events: u64,
    n_groups: u64,
    /// A file to be left behind, to look into and to ask again; else it is a temporary one.
    database: Option<PathBuf>,
    /// The file is from a run before.
    is_filled: bool,
    /// The tracker's own limit, passed on to it.
    max_database_mb: Option<String>,
}

impl Plan {
    /// `scale [events] [groups] [database]`
    fn from_arguments() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let number =
            |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
        let (n_events, n_groups) = (number(0, 5_000_000)?, number(1, 100_000)?);
        if n_groups == 0 || n_events < n_groups {
            return Err(
                "usage: scale [EVENTS] [GROUPS] [DATABASE], with an event or more for each group".into(),
            );
        }
        let database = arguments.get(2).map(PathBuf::from);
        Ok(Self {
            n_events,
            n_groups,
            is_filled: database.as_ref().is_some_and(|path| path.exists()),
            database,
            max_database_mb: std::env::var("MAX_DATABASE_MB").ok(),
        })
    }

    fn launch(&self, tracker: &Path) -> Launch {
        let mut launch = Launch::new(tracker).env("RATE_LIMIT_KEY", 0);
        if let Some(path) = &self.database {
            launch = launch.database(path);
        }
        match &self.max_database_mb {
            Some(limit) => launch.env("MAX_DATABASE_MB", limit),
            None => launch,
        }
    }
}

/// What was sent.
struct Load {
    sent: Sent,
    /// Reports of the most frequent bug.
    n_hottest: u64,
    /// Resident memory at its peak.
    peak_mb: f64,
}

async fn fill(plan: &Plan, server: &Server, shop: &Arc<Shop>) -> Result<Load> {
    println!(
        "{} events of {} groups, {BATCH} in a batch, {N_CONNECTIONS} connections",
        plan.n_events, plan.n_groups
    );
    let n_hottest = Arc::new(AtomicU64::new(0));
    let (shop, counter, n_events) = (shop.clone(), n_hottest.clone(), plan.n_events);
    let batches = Batches {
        address: server.address,
        key: server.key(),
        n_reports: n_events,
        batch: BATCH,
        n_connections: N_CONNECTIONS,
        rate: None,
        write: Arc::new(move |number, out| {
            let bug = shop.bug_of(number, n_events);
            counter.fetch_add(u64::from(bug == 0), Relaxed);
            shop.write(bug, number, out);
        }),
    };
    let sent = send(&batches).await?;
    Ok(Load {
        sent,
        n_hottest: n_hottest.load(Relaxed),
        peak_mb: memory_mb(server.pid(), "VmHWM"),
    })
}

/// Who asks: with a key for the API, signed in for the pages, on one connection.
struct Visitor {
    connection: Connection,
    host: String,
    key: &'static str,
    cookie: String,
}

impl Visitor {
    async fn new(server: &Server) -> Result<Self> {
        let origin = format!("http://{}", server.address);
        let form = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
        ];
        let body = format!("key={}&next=", server.key());
        let answer = server
            .stranger()
            .try_send("POST".parse()?, "/login", &form, body)
            .await;
        let answer = answer.map_err(|cause| cause.to_string())?;
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default();
        if cookie.is_empty() {
            return Err(format!("signing in was answered with {}", answer.status).into());
        }
        Ok(Self {
            connection: Connection::open(server.address).await?,
            host: server.address.to_string(),
            key: server.key(),
            cookie: cookie.to_owned(),
        })
    }

    /// Sends it and reads the answer to its end. Returns the status and the time it took in ms.
    async fn get(&mut self, path: &str) -> io::Result<(u16, f64)> {
        let header = match path.starts_with("/api/") {
            true => ("x-api-key", self.key),
            false => ("cookie", self.cookie.as_str()),
        };
        let request = load::get(&self.host, path, header);
        let sent = Instant::now();
        let status = self.connection.exchange(&request).await?;
        Ok((status, sent.elapsed().as_secs_f64() * 1000.))
    }

    async fn json(&mut self, path: &str) -> Result<Value> {
        match self.get(path).await?.0 {
            200 => Ok(serde_json::from_slice(self.connection.body())?),
            status => Err(format!("GET {path} was answered with {status}").into()),
        }
    }
}

/// What the tracker says of what it was sent.
struct Known {
    n_groups: u64,
    hottest_id: u64,
    hottest_count: u64,
    /// Some groups from all over the list.
    ids: Vec<u64>,
    /// When the group in the middle of the list was last seen.
    middle_seen_at: String,
}

impl Known {
    async fn of(visitor: &mut Visitor, plan: &Plan) -> Result<Self> {
        let hottest = visitor
            .json("/api/errors?sort=count&limit=1&resolved=all")
            .await?;
        let n_groups = hottest["total"].as_u64().unwrap_or(0);
        let hottest = &hottest["errors"][0];
        let middle = visitor
            .json(&format!("/api/errors?limit=1&offset={}", n_groups / 2))
            .await?;
        let mut dice = Dice::new(plan.n_events);
        let mut ids = Vec::new();
        while ids.len() < N_ASKED as usize {
            let offset = dice.below(n_groups.saturating_sub(N_SAMPLED).max(1));
            let page = visitor
                .json(&format!("/api/errors?limit={N_SAMPLED}&offset={offset}"))
                .await?;
            let rows = page["errors"].as_array().ok_or("a list has rows")?;
            let found = rows.iter().filter_map(|row| row["id"].as_u64());
            let n_before = ids.len();
            ids.extend(found);
            if ids.len() == n_before {
                return Err("the tracker lists no groups".into());
            }
        }
        Ok(Self {
            n_groups,
            hottest_id: hottest["id"].as_u64().unwrap_or(0),
            hottest_count: hottest["count"].as_u64().unwrap_or(0),
            ids,
            middle_seen_at: middle["errors"][0]["last_seen"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// One kind of request.
struct Question<'a> {
    name: &'static str,
    /// Of the request with this number.
    path: Box<dyn Fn(u64) -> String + 'a>,
}

/// All there are. Names and values change from request to request where there are many.
fn questions<'a>(shop: &'a Shop, known: &'a Known) -> Vec<Question<'a>> {
    fn list<'a>(name: &'static str, query: impl Fn(u64) -> String + 'a) -> Question<'a> {
        at(name, move |n| format!("/api/errors?{}", query(n)))
    }
    fn at<'a>(name: &'static str, path: impl Fn(u64) -> String + 'a) -> Question<'a> {
        let path = Box::new(path);
        Question { name, path }
    }
    fn turn<T>(list: &[T], n: u64) -> &T {
        &list[n as usize % list.len()]
    }
    let deep = known.n_groups * 9 / 10;
    vec![
        at("inbox page", |_| "/".to_owned()),
        list("list", |_| String::new()),
        list("list, a project", |n| format!("project={}", turn(&PROJECTS, n))),
        list("list, an environment", |n| {
            format!("environment={}", turn(&ENVIRONMENTS, n))
        }),
        list("list, a release", |n| format!("release=1.{}.0", n % N_RELEASES)),
        list("list, a level", |n| {
            format!("level={}", turn(&["error", "warning", "fatal"], n))
        }),
        list("list, a user", |n| {
            format!("user=u-{}", Dice::new(n).below(N_USERS))
        }),
        list("list, a tag", |n| format!("tag=region:{}", turn(&REGIONS, n))),
        list("list, from browsers", |_| "source=browser".to_owned()),
        list("list, from servers", |_| "source=server".to_owned()),
        list("list, since the middle of the load", |_| {
            format!("since={}", known.middle_seen_at)
        }),
        list("list, resolved ones (none)", |_| "resolved=true".to_owned()),
        list("list, five filters at once", |n| {
            format!(
                "project={}&environment=staging&release=1.{}.0&level=error&tag=region:us-east",
                turn(&PROJECTS, n),
                n % N_RELEASES
            )
        }),
        list("list, sort=first_seen", |_| "sort=first_seen".to_owned()),
        list("list, sort=count", |_| "sort=count".to_owned()),
        list("list, sort=users", |_| "sort=users".to_owned()),
        list("list, a project, sort=count", |n| {
            format!("sort=count&project={}", turn(&PROJECTS, n))
        }),
        list("list, offset of nine tenths", move |_| format!("offset={deep}")),
        list("list, 200 rows", |_| "limit=200".to_owned()),
        list("search, a rare word", |n| {
            format!("search={}", shop.word(1900 + n % 100))
        }),
        list("search, a common word", |n| {
            format!("search={}", shop.word(n % 5))
        }),
        list("search, two words", |n| {
            format!("search={}+{}", shop.word(n % 5), shop.word(20 + n % 50))
        }),
        list("search, two letters", |n| {
            format!("search={}", &shop.word(n)[..2])
        }),
        at("group, the hottest", |_| {
            format!("/api/errors/{}", known.hottest_id)
        }),
        at("group, any", |n| format!("/api/errors/{}", turn(&known.ids, n))),
        at("group page, the hottest", |_| {
            format!("/errors/{}", known.hottest_id)
        }),
        at("group page, any", |n| format!("/errors/{}", turn(&known.ids, n))),
        at("projects", |_| "/api/projects".to_owned()),
        at("environments", |_| "/api/environments".to_owned()),
    ]
}

/// What became of a question.
struct Answers {
    name: &'static str,
    /// Groups that match the first request, where the answer says so.
    n_found: Option<u64>,
    /// Of each answer, from the first byte sent to the last byte read.
    latency_ms: Vec<f64>,
    /// CPU time of the tracker for each, on average.
    cpu_ms: f64,
    /// Statuses other than 2xx.
    refusals: Vec<u16>,
}

async fn ask(visitor: &mut Visitor, server: &Server, question: &Question<'_>) -> Result<Answers> {
    let mut answers = Answers {
        name: question.name,
        n_found: None,
        latency_ms: Vec::new(),
        cpu_ms: 0.,
        refusals: Vec::new(),
    };
    let cpu_before = cpu_seconds(server.pid());
    for number in 0..N_ASKED {
        let (status, ms) = visitor.get(&(question.path)(number)).await?;
        answers.latency_ms.push(ms);
        if !(200..300).contains(&status) {
            answers.refusals.push(status);
        }
        if number == 0 {
            let body = serde_json::from_slice::<Value>(visitor.connection.body());
            answers.n_found = body.ok().and_then(|body| body["total"].as_u64());
        }
    }
    answers.cpu_ms = (cpu_seconds(server.pid()) - cpu_before) * 1000. / N_ASKED as f64;
    Ok(answers)
}

fn print_answers(answers: &mut [Answers]) {
    let rows = answers.iter_mut().map(|it| {
        let [p50, p95, max] = [0.5, 0.95, 1.].map(|share| percentile(&mut it.latency_ms, share));
        let target = match p95 < TARGET_MS {
            true => format!("< {TARGET_MS} ms"),
            false => format!("< {TARGET_MS} ms, missed"),
        };
        vec![
            it.name.to_owned(),
            it.n_found.map_or(String::new(), |n| n.to_string()),
            format!("{p50:.1}"),
            format!("{p95:.1}"),
            format!("{max:.1}"),
            format!("{:.1}", it.cpu_ms),
            target,
        ]
    });
    table::print(
        &[
            "request",
            "groups found",
            "p50 ms",
            "p95 ms",
            "max ms",
            "CPU ms",
            "target of the p95",
        ],
        rows,
    );
}

/// How much of the machine neither the tracker nor this program had.
struct OtherPrograms {
    started: Instant,
    busy: f64,
    ours: f64,
}

impl OtherPrograms {
    fn since_now(server: &Server) -> Self {
        Self {
            started: Instant::now(),
            busy: busy_seconds(),
            ours: ours(server),
        }
    }

    fn cores(&self, server: &Server) -> f64 {
        let foreign = busy_seconds() - self.busy - (ours(server) - self.ours);
        (foreign / self.started.elapsed().as_secs_f64()).max(0.)
    }
}

fn ours(server: &Server) -> f64 {
    cpu_seconds(server.pid()) + cpu_seconds(std::process::id())
}

/// All there is to tell.
struct Run<'a> {
    plan: Plan,
    server: &'a Server,
    database: &'a Path,
    /// None if the database was full already.
    load: Option<Load>,
    known: Known,
    /// What was taken in is counted before the first list is answered.
    first_list_ms: f64,
}

impl Run<'_> {
    fn figures(&self) -> Vec<Figure> {
        let none = || "none".to_owned();
        let memory = |mb: f64| (format!("{mb:.1} MB"), format!("< {TARGET_MB} MB"));
        let figure = |what, (measured, target)| (what, measured, target);
        let limit = self.plan.max_database_mb.as_ref();
        let known = &self.known;
        let of_load = self.load.iter().flat_map(|load| {
            [
                ("events accepted/s", format!("{:.0}", load.sent.rate()), none()),
                (
                    "bytes of an event, as JSON",
                    (load.sent.n_bytes / self.plan.n_events).to_string(),
                    none(),
                ),
                (
                    "groups",
                    known.n_groups.to_string(),
                    self.plan.n_groups.to_string(),
                ),
                (
                    "count of the hottest group",
                    known.hottest_count.to_string(),
                    load.n_hottest.to_string(),
                ),
                figure("resident memory, peak of the load", memory(load.peak_mb)),
            ]
        });
        let of_asking = [
            ("first list", format!("{:.0} ms", self.first_list_ms), none()),
            figure(
                "resident memory, peak of the requests",
                memory(memory_mb(self.server.pid(), "VmHWM")),
            ),
            (
                "database",
                format!("{:.0} MB", self.file_mb("")),
                limit.map_or_else(none, |limit| format!("<= {limit} MB")),
            ),
            (
                "its write-ahead log",
                format!("{:.0} MB", self.file_mb("-wal")),
                none(),
            ),
        ];
        of_load.chain(of_asking).collect()
    }

    fn file_mb(&self, suffix: &str) -> f64 {
        let path = format!("{}{suffix}", self.database.display());
        std::fs::metadata(path).map_or(0., |file| file.len() as f64 / 1e6)
    }

    /// An error if anything was refused, or lost.
    fn verdict(&self, answers: &[Answers]) -> Result<()> {
        let mut complaints = Vec::new();
        if let Some(load) = &self.load {
            if load.sent.n_refused > 0 {
                complaints.push(format!(
                    "{} events were in batches that were not taken whole",
                    load.sent.n_refused
                ));
            }
            if self.known.hottest_count != load.n_hottest {
                complaints.push(format!(
                    "the hottest group counts {} of {}",
                    self.known.hottest_count, load.n_hottest
                ));
            }
        }
        for answers in answers.iter().filter(|answers| !answers.refusals.is_empty()) {
            let (n, first) = (answers.refusals.len(), answers.refusals[0]);
            complaints.push(format!(
                "{}: {n} answers were not 2xx, the first {first}",
                answers.name
            ));
        }
        match complaints.is_empty() {
            true => Ok(()),
            false => Err(complaints.join("; ").into()),
        }
    }
}
