//! From the command line to an exit code.

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auth::{Attempts, Keys, Sessions};
use config::cli::{self, Command};
use config::{Problems, Reader, Variable};
use prometheus_client::registry::Registry;
use rate_limit::{DEFAULT_CAPACITY, Limiter, Quota};
use sqlite::{Options, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::address::TrustedProxies;
use web::assets::Assets;
use web::gate::unix_now;
use web::metrics::HttpMetrics;
use web::{Gate, ServerOptions, Service};

use crate::common::Common;
use crate::original::Original;
use crate::process_metrics::ProcessMetrics;
use crate::program::{Built, Imported, Program};
use crate::readiness::Readiness;
use crate::secrets::Secrets;
use crate::settings::CommonSettings;
use crate::store_metrics::StoreMetrics;
use crate::tasks::{Ending, Tasks};
use crate::{allocator, doctor, health_check, log, reports, routes, signals};

/// What ends a process early: a sentence for the operator.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How often `API_KEYS_FILE` is looked at: a revoked key is dead within this time.
const KEYS_INTERVAL: Duration = Duration::from_secs(1);
/// Wrong tries a minute from one address.
const MAX_WRONG_TRIES: usize = 10;
/// Threads for requests: more than this gains nothing beside one writer.
const MAX_WORKERS: usize = 4;

/// `main` of a service. Exit codes: 0 all is well, 1 it failed, 2 it was asked for something it does not know.
pub fn main<P: Program>() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(sentence) => {
            say_error(&format!("{}: {sentence}", P::NAME));
            return ExitCode::from(2);
        }
    };
    match execute::<P>(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say_error(&format!("{}: {failure}", P::NAME));
            ExitCode::FAILURE
        }
    }
}

fn execute<P: Program>(command: Command) -> Result<(), Failure> {
    match command {
        Command::Help => {
            let mut reader = Reader::describe();
            read_all::<P>(&mut reader);
            say(&format!(
                "{}\n{}",
                cli::usage(P::NAME),
                config::help_table(&reader.finish()?)
            ));
        }
        Command::Version => say(&format!("{} {}", P::NAME, P::VERSION)),
        Command::CheckConfig => say(&config::check_table(&settings::<P>()?.2)),
        Command::Healthcheck => health_check::ask(settings::<P>()?.0.listen_addr, "/health")?,
        Command::Ready => health_check::ask(settings::<P>()?.0.listen_addr, "/ready")?,
        Command::Backup { file } => say(&reports::backup(&sqlite::backup(
            &settings::<P>()?.0.database_path,
            &file,
        )?)),
        Command::Restore { file } => say(&reports::restore(&sqlite::restore(
            &file,
            &settings::<P>()?.0.database_path,
            P::MIGRATIONS,
        )?)),
        Command::CheckDatabase => {
            let report = sqlite::check(&settings::<P>()?.0.database_path)?;
            say(&reports::integrity(&report));
            if !report.is_whole() {
                return Err("the database is damaged: restore a backup".into());
            }
        }
        Command::LoginLink => {
            let common = settings::<P>()?.0;
            let sessions = Sessions::new(Secrets::session_secret(&common)?.as_bytes(), P::NAME);
            say(&login_link(&common.base_url(), &sessions));
        }
        Command::Import { file } => {
            let (common, own, _) = settings::<P>()?;
            log::start(common.log_level, common.log_format);
            let original = Original::open(&file, P::ORIGINAL_TABLES)?;
            let import = import::<P>(common, own, original);
            say(&reports::imported(&runtime()?.block_on(import)?));
        }
        Command::Doctor { json } => doctor::<P>(json)?,
        Command::Serve => {
            allocator::limit_arenas();
            serve::<P>()?;
        }
    }
    Ok(())
}

fn read_all<P: Program>(reader: &mut Reader<'_>) -> (CommonSettings, P::Settings) {
    let common = CommonSettings::read::<P>(reader);
    let own = P::settings(reader, &common);
    (common, own)
}

fn settings<P: Program>() -> Result<(CommonSettings, P::Settings, Vec<Variable>), Problems> {
    let mut reader = Reader::new(&config::process::variable, &config::process::file);
    let (common, own) = read_all::<P>(&mut reader);
    Ok((common, own, reader.finish()?))
}

fn doctor<P: Program>(json: bool) -> Result<(), Failure> {
    let report = match settings::<P>() {
        Ok((common, own, variables)) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(doctor::examine::<P>(&common, &own, &variables)),
        Err(problems) => doctor::misconfigured::<P>(&problems),
    };
    say(&if json { report.json()? } else { report.text() });
    match report.is_sound() {
        true => Ok(()),
        false => Err("something is wrong: see above".into()),
    }
}

fn serve<P: Program>() -> Result<(), Failure> {
    let (common, own, variables) = settings::<P>()?;
    log::start(common.log_level, common.log_format);
    for warning in config::near_misses(&variables, config::process::names()) {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(run::<P>(common, own))
}

/// Serves as the binary does, with what `variable` gives in place of the environment, and without a log; comes back
/// only at the end of the service. For what asks a service from within its process, as `fuzz/` does.
pub fn serve_with<P: Program>(variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Failure> {
    let mut reader = Reader::new(variable, &config::process::file);
    let (common, own) = read_all::<P>(&mut reader);
    reader.finish()?;
    runtime()?.block_on(run::<P>(common, own))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_WORKERS);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
}

/// Opens, listens, serves, and closes in the reverse order.
async fn run<P: Program>(mut settings: CommonSettings, own: P::Settings) -> Result<(), Failure> {
    let stop = signals::asked_to_stop()?;
    let store = open::<P>(&settings).await?;
    let secrets = Secrets::load(&settings)?;
    let listener = TcpListener::bind(settings.listen_addr)
        .await
        .map_err(|cause| format!("cannot listen on {}: {cause}", settings.listen_addr))?;
    let address = listener.local_addr()?;
    settings.listen_addr = address;

    let common = Arc::new(common::<P>(settings, store.clone(), &secrets)?);
    let gate = common.gate.clone();
    let http_metrics = {
        let mut registry = common.registry.lock().unwrap_or_else(PoisonError::into_inner);
        HttpMetrics::register(&mut registry)
    };
    let (end, is_ending) = watch::channel(false);
    let mut tasks = Tasks::new(is_ending);
    let keys = gate.keys.clone();
    tasks.spawn("keys", move |ending| watch_keys(keys.clone(), ending));
    let Built { app, routes } = P::build(own, common.clone(), &mut tasks);
    P::prepare(app.clone()).await?;
    let for_errors = common.clone();
    let error_page: web::ErrorPage =
        Box::new(move |error, path, visitor| routes::error_page(&for_errors, error, path, visitor));
    let service = Service::new(
        app,
        routes.and(routes::common::<P>(&common)),
        gate,
        http_metrics,
        error_page,
    );

    tracing::info!("{} {} listening on http://{address}", P::NAME, P::VERSION);
    if let Some(file) = &secrets.made_key {
        greet(&common, file, &secrets.api_key);
    }
    let options = ServerOptions {
        max_connections: common.settings.max_connections,
        max_connections_per_address: common.settings.max_connections_per_address,
        drain_timeout: common.settings.shutdown_timeout,
        ..ServerOptions::default()
    };
    let failure = Arc::new(Mutex::new(None));
    let noted = failure.clone();
    let failing = store.clone();
    let shutdown = async move {
        tokio::select! {
            signal = stop => tracing::info!("{signal}: finishing what runs"),
            reason = failing.failed() => {
                tracing::error!("storage failed: {reason}");
                noted.lock().unwrap_or_else(PoisonError::into_inner).replace(reason.to_string());
            }
        }
    };
    let n_cut = web::server::serve(listener, Arc::new(service), options, shutdown).await;
    if n_cut > 0 {
        tracing::warn!("{n_cut} connections did not finish in time");
    }
    let _ = end.send(true);
    tasks.ended().await;
    store.close().await;
    tracing::info!("stopped");
    let failed = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failed.map_or(Ok(()), |reason| Err(format!("storage failed: {reason}").into()))
}

async fn open<P: Program>(settings: &CommonSettings) -> Result<Store, Failure> {
    let mut options = Options::new(&settings.database_path, P::MIGRATIONS);
    options.synchronous = settings.synchronous;
    options.max_batch = settings.max_batch;
    Ok(tokio::task::spawn_blocking(move || Store::open(options)).await??)
}

fn common<P: Program>(settings: CommonSettings, store: Store, secrets: &Secrets) -> Result<Common, Failure> {
    let mut registry = Registry::with_prefix("monlight");
    registry.register_collector(Box::new(StoreMetrics(store.clone())));
    registry.register_collector(Box::new(ProcessMetrics::new()));
    Ok(Common {
        name: P::NAME,
        service: P::SERVICE,
        gate: Arc::new(gate::<P>(&settings, secrets)?),
        settings,
        store,
        registry: Mutex::new(registry),
        assets: Assets::new(Common::files()),
        openapi: P::OPENAPI,
        readiness: Readiness::default(),
    })
}

/// Opens the database as the service does, which must not run meanwhile, and has the service take over the original.
async fn import<P: Program>(
    settings: CommonSettings,
    own: P::Settings,
    original: Original,
) -> Result<Vec<Imported>, Failure> {
    let store = open::<P>(&settings).await?;
    let secrets = Secrets::load(&settings)?;
    let common = Arc::new(common::<P>(settings, store.clone(), &secrets)?);
    let (end, is_ending) = watch::channel(false);
    let mut tasks = Tasks::new(is_ending);
    let imported = P::import(own, common, &mut tasks, original).await;
    let _ = end.send(true);
    tasks.ended().await;
    store.close().await;
    Ok(imported?)
}

fn gate<P: Program>(settings: &CommonSettings, secrets: &Secrets) -> Result<Gate, Failure> {
    let quota = |per_minute| {
        Limiter::new(
            Quota {
                per_minute,
                burst: per_minute,
            },
            DEFAULT_CAPACITY,
        )
    };
    let base_url = settings.base_url();
    let own_host = base_url
        .split_once("://")
        .map(|(_, rest)| rest.split('/').next().unwrap_or("").to_owned());
    Ok(Gate {
        keys: Arc::new(Keys::new(&secrets.api_key, settings.api_keys_file.as_deref())?),
        sessions: Arc::new(Sessions::new(secrets.session_secret.as_bytes(), P::NAME)),
        attempts: Attempts::new(MAX_WRONG_TRIES),
        keyed: quota(settings.rate_limit_key),
        anonymous: quota(settings.rate_limit),
        proxies: TrustedProxies::new(settings.trusted_proxies.clone()),
        own_host,
        started: Instant::now(),
    })
}

async fn watch_keys(keys: Arc<Keys>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(KEYS_INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        match keys.reload_if_changed() {
            Ok(false) => {}
            Ok(true) => tracing::info!("API_KEYS_FILE was read again"),
            Err(cause) => tracing::error!("API_KEYS_FILE is not usable, the old keys stay: {cause}"),
        }
    }
}

fn login_link(base_url: &str, sessions: &Sessions) -> String {
    format!(
        "{base_url}/login/link?token={}",
        sessions.login_link_token(unix_now())
    )
}

/// The only time that a key is shown: at its making, to whoever started the service.
fn greet(common: &Common, file: &std::path::Path, key: &str) {
    let link = login_link(&common.settings.base_url(), &common.gate.sessions);
    say(&format!(
        "\nThis is the first start, so an API key was made and kept in {}:\n\n    {key}\n\n\
         Sign in with it, or once within the hour by this link:\n\n    {link}\n",
        file.display()
    ));
}

/// Standard output is for whoever called a command; the log goes to standard error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'));
}

fn say_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
