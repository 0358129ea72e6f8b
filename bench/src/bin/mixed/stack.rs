//! The four services, with the defaults of their READMEs, the relay wired to the other three.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;
use testkit::{Launch, Server};

use crate::Result;
use crate::docker::Docker;
use crate::group::Group;

/// In the order in which they are started: the relay is told where the others are.
pub(crate) const SERVICES: [&str; 4] = [
    "error-tracker",
    "log-viewer",
    "metrics-collector",
    "browser-relay",
];
/// What a page of the shop sends with.
pub(crate) const DSN_KEY: &str = "0123456789abcdef0123456789abcdef";
/// Variables of this program that the services get too.
const PASSED_ON: [&str; 3] = ["MALLOC_", "MIMALLOC_", "GLIBC_TUNABLES"];

/// All four, running.
pub(crate) struct Stack {
    servers: Vec<Server>,
    pub(crate) docker: Mutex<Docker>,
    groups: Vec<Group>,
    _folder: TempDir,
}

impl Stack {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let docker = Docker::new(&folder.path().join("containers"))?;
        let mut stack = Self {
            servers: Vec::new(),
            docker: Mutex::new(docker),
            groups: Vec::new(),
            _folder: folder,
        };
        for name in SERVICES {
            let launch = stack.launch(name)?;
            stack.servers.push(launch.start().await);
        }
        Ok(stack)
    }

    fn launch(&mut self, name: &str) -> Result<Launch> {
        let mut launch = Launch::new(self.program(name)?);
        for (variable, value) in std::env::vars() {
            if PASSED_ON.iter().any(|start| variable.starts_with(start)) {
                launch = launch.env(&variable, value);
            }
        }
        if name == "log-viewer" {
            launch = launch.env("LOG_SOURCES", self._folder.path().join("containers").display());
        }
        if name == "browser-relay" {
            launch = launch.env("DSN_KEYS", format!("web:{DSN_KEY}"));
            for (other, server) in SERVICES.iter().zip(&self.servers) {
                let variable = other.to_uppercase().replace('-', "_");
                launch = launch
                    .env(&format!("{variable}_URL"), format!("http://{}", server.address))
                    .env(&format!("{variable}_API_KEY"), server.key());
            }
        }
        Ok(launch)
    }

    /// The binary, or a script that starts it within its limit.
    fn program(&mut self, name: &str) -> Result<PathBuf> {
        let binary = match std::env::var_os("MONLIGHT_BIN") {
            Some(folder) => std::fs::canonicalize(folder)?.join(name),
            None => std::env::current_exe()?.with_file_name(name),
        };
        let Ok(limit_mb) = std::env::var("MEMORY_LIMIT_MB") else {
            return Ok(binary);
        };
        let group = Group::new(name, limit_mb.parse::<u64>()? << 20)?;
        let script = self._folder.path().join(name);
        group.wrap(&binary, &script)?;
        self.groups.push(group);
        Ok(script)
    }

    pub(crate) fn server(&self, service: &str) -> &Server {
        let place = SERVICES.iter().position(|name| *name == service);
        &self.servers[place.expect("it is one of the four")]
    }

    pub(crate) fn address(&self, service: &str) -> SocketAddr {
        self.server(service).address
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.servers.iter().map(Server::pid).collect()
    }

    /// Ends them all, and then the groups that they were in.
    pub(crate) async fn stop(self) {
        for server in self.servers {
            let _ = server.stop().await;
        }
    }

    /// None where there is no limit.
    pub(crate) fn kills_for_memory(&self) -> Option<u64> {
        let is_limited = !self.groups.is_empty();
        is_limited.then(|| self.groups.iter().map(Group::n_kills).sum())
    }
}
