//! Prometheus and VictoriaMetrics as Debian packages them, each in a folder of its own on a free port of loopback.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::{Connection, get};

/// How long one may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running rival; stopped and its folder removed when dropped.
pub struct Rival {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Rival {
    /// Starts Prometheus with its remote-write door open.
    pub async fn prometheus() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let configuration = folder.path().join("prometheus.yml");
        // What is sent second may be older than what was sent first.
        std::fs::write(
            &configuration,
            "storage:\n  tsdb:\n    out_of_order_time_window: 48h\n",
        )?;
        let address = free_address()?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-remote-write-receiver");
        Self::start(command, address, folder, "/-/ready").await
    }

    /// Starts VictoriaMetrics.
    pub async fn victoria() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!(
                "-storageDataPath={}",
                folder.path().join("data").display()
            ))
            .arg(format!("-httpListenAddr={address}"))
            .arg("-retentionPeriod=1")
            .arg("-search.latencyOffset=0s")
            .arg("-search.disableCache");
        Self::start(command, address, folder, "/health").await
    }

    async fn start(
        mut command: Command,
        address: SocketAddr,
        folder: TempDir,
        ready: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let rival = Self {
            address,
            child,
            folder,
        };
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(address).await {
                let request = get(&address.to_string(), ready, ("x", "y"));
                if connection
                    .exchange(&request)
                    .await
                    .is_ok_and(|status| status == 200)
                {
                    return Ok(rival);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("a rival does not answer".into())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of all its files.
    pub fn disk_bytes(&self) -> u64 {
        folder_bytes(self.folder.path())
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Bytes of all files below a folder, as the file system counts them.
pub fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => std::os::unix::fs::MetadataExt::blocks(&metadata) * 512,
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}
