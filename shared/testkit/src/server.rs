//! A real binary, started for one test.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::own_port::own_address;

/// The key of every server that a test starts.
const KEY: &str = "mk_test_0123456789abcdefghijklmnopqrstuvwxyz";
/// Longest time to the `listening on` line; only a hang ever takes it.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// What to start, and how.
#[derive(Clone)]
pub struct Launch {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    folder: Arc<TempDir>,
    database: PathBuf,
}

impl Launch {
    /// `binary` is `env!("CARGO_BIN_EXE_…")`. The folder for its database goes with the last handle on it.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = folder.path().join("test.db");
        Self {
            binary: binary.into(),
            variables: Vec::new(),
            folder: Arc::new(folder),
            database,
        }
    }

    /// Sets an environment variable; the process gets no others but `PATH` and ours.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same on a port that it keeps over several lives.
    pub fn on_its_own_port(self) -> Self {
        self.env("LISTEN_ADDR", own_address())
    }

    /// Puts the database elsewhere: on a small or failing file system.
    pub fn database(mut self, path: impl Into<PathBuf>) -> Self {
        self.database = path.into();
        self
    }

    /// Where the database is.
    pub fn database_path(&self) -> &Path {
        &self.database
    }

    /// The folder that goes with the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process, not started: for commands such as `backup`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("DATABASE_PATH", &self.database)
            .env("API_KEY", KEY)
            .env("ADMIN_API_KEY", KEY)
            .env("RATE_LIMIT", "0")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true);
        command
    }

    /// Starts it and waits until it listens. Panics with its log if it does not.
    pub async fn start(&self) -> Server {
        match self.try_start().await {
            Ok(server) => server,
            Err((status, log)) => panic!("it ended before it listened ({status:?}):\n{log}"),
        }
    }

    /// The same; `Err` holds how it ended, and its log.
    pub async fn try_start(&self) -> Result<Server, (Option<ExitStatus>, String)> {
        let mut command = self.command(&[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|cause| panic!("{}: {cause}", self.binary.display()));
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = oneshot::channel();
        let stdout = follow(child.stdout.take().expect("it is piped"), log.clone(), None);
        let stderr = follow(
            child.stderr.take().expect("it is piped"),
            log.clone(),
            Some(found),
        );
        match tokio::time::timeout(START_TIMEOUT, address).await {
            Ok(Ok(address)) => Ok(Server {
                address,
                child,
                log,
                followers: [stdout, stderr],
                _folder: self.folder.clone(),
            }),
            _ => {
                let _ = child.start_kill();
                let status = child.wait().await.ok();
                Err((status, log.lock().expect("no reader panics").clone()))
            }
        }
    }
}

/// Collects what the process prints; tells the address of its `listening on` line.
fn follow(
    output: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    log: Arc<Mutex<String>>,
    mut found: Option<oneshot::Sender<SocketAddr>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let address = line.split_once("listening on http://").and_then(|(_, rest)| {
                let end = rest
                    .find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)))
                    .unwrap_or(rest.len());
                rest[..end].parse().ok()
            });
            log.lock()
                .expect("no reader panics")
                .extend([line.as_str(), "\n"]);
            if let Some((found, address)) = address.and_then(|address| Some((found.take()?, address))) {
                let _ = found.send(address);
            }
        }
    })
}

/// A running binary; dropped, it is killed.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    /// Those who read what it prints, until it has ended.
    followers: [JoinHandle<()>; 2],
    _folder: Arc<TempDir>,
}

impl Server {
    /// The key with all rights.
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it was not waited for yet")
    }

    /// A client with the key.
    pub fn client(&self) -> Client {
        Client::new(self.address).with_header("x-api-key", KEY)
    }

    /// A client without.
    pub fn stranger(&self) -> Client {
        Client::new(self.address)
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or("0 kB");
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .unwrap_or(0)
            * 1024
    }

    /// Sends a signal by name, `TERM` for one.
    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name} works");
    }

    /// `SIGKILL`, and waits for the end.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// `SIGTERM`, and waits for the end. Returns how it ended, and its log.
    pub async fn stop(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.ended().await
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let status = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it did not end:\n{}", self.log()));
        for follower in &mut self.followers {
            let _ = follower.await;
        }
        (status.expect("a child can be waited for"), self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(
                std::io::stderr(),
                "--- log of {} ---\n{}",
                self.address,
                self.log()
            );
        }
    }
}
