//! What is to be followed: containers found in Docker's folder and files found by globs, with what stands in the way.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use glob::Pattern;
use serde::Deserialize;

use crate::jobs::follow::chain;

/// Largest file with a container's description, in bytes.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Most sources that are followed at once.
const MAX_SOURCES: usize = 2_000;

/// One source as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Container id, or path of a plain file.
    pub(super) id: String,
    /// What its entries are found under.
    pub(super) name: Arc<str>,
    pub(super) path: PathBuf,
    pub(super) is_docker: bool,
}

/// Something that cannot be followed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) why: String,
}

/// What a look around gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sources: Vec<Wanted>,
    pub(super) obstacles: Vec<Obstacle>,
    /// Why Docker's folder cannot be listed; nothing is followed there, and nothing ends.
    pub(super) folder_problem: Option<io::Error>,
    /// Containers that `CONTAINERS` leaves out.
    pub(super) n_left_out: usize,
    /// Something is just being made: look again soon.
    pub(super) is_unfinished: bool,
}

/// Looks around, and remembers descriptions that have not changed.
pub(super) struct Lookout {
    folder: PathBuf,
    names: Vec<Pattern>,
    files: Vec<(Option<String>, String)>,
    described: HashMap<String, (SystemTime, Description)>,
}

#[derive(Debug, Clone)]
struct Description {
    name: Arc<str>,
    /// Name of the log's file; none where the container's log driver keeps no file.
    log: Option<String>,
}

/// What we read of `config.v2.json`.
#[derive(Deserialize)]
struct Config {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "LogPath", default)]
    log_path: String,
}

/// What we read of `hostconfig.json`.
#[derive(Deserialize)]
struct HostConfig {
    #[serde(rename = "LogConfig", default)]
    log: LogConfig,
}

#[derive(Deserialize, Default)]
struct LogConfig {
    #[serde(rename = "Type", default)]
    driver: String,
}

impl Lookout {
    /// `names`: patterns of `CONTAINERS`, none means all. `files`: patterns of `LOG_FILES`, each `[name=]glob`.
    pub(super) fn new(folder: PathBuf, names: Vec<Pattern>, files: &[String]) -> Self {
        let files = files.iter().map(|text| match text.split_once('=') {
            Some((name, glob)) if !name.contains('/') => (Some(name.to_owned()), glob.to_owned()),
            _ => (None, text.clone()),
        });
        Self {
            folder,
            names,
            files: files.collect(),
            described: HashMap::new(),
        }
    }

    /// Docker's folder. Joined with an absolute path it is that path.
    pub(super) fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Looks around.
    pub(super) fn look(&mut self) -> Found {
        let mut found = Found::default();
        if let Err(error) = self.containers(&mut found) {
            found.folder_problem = Some(error);
        }
        self.plain_files(&mut found);
        if found.sources.len() > MAX_SOURCES {
            let n_more = found.sources.len() - MAX_SOURCES;
            found.sources.truncate(MAX_SOURCES);
            found.obstacles.push(Obstacle {
                name: format!("{n_more} more"),
                path: self.folder.clone(),
                why: format!("at most {MAX_SOURCES} logs are followed at once"),
            });
        }
        found
    }

    fn containers(&mut self, found: &mut Found) -> io::Result<()> {
        let mut described = HashMap::new();
        for item in std::fs::read_dir(&self.folder)? {
            let item = item?;
            let Ok(id) = item.file_name().into_string() else {
                continue;
            };
            let folder = item.path();
            match self.describe(&id, &folder) {
                Ok((changed, description)) => {
                    self.container(&id, &folder, &description, found);
                    described.insert(id, (changed, description));
                }
                // No container, or one that is just being made.
                Err(error) if is_absent(&error) => found.is_unfinished |= is_new(&folder),
                Err(error) => found.obstacles.push(Obstacle {
                    name: id.chars().take(12).collect(),
                    path: folder.join("config.v2.json"),
                    why: reason(&error),
                }),
            }
        }
        self.described = described;
        Ok(())
    }

    fn describe(&self, id: &str, folder: &Path) -> io::Result<(SystemTime, Description)> {
        let path = folder.join("config.v2.json");
        let metadata = std::fs::metadata(&path)?;
        let changed = metadata.modified()?;
        if let Some((known, description)) = self.described.get(id)
            && *known == changed
            && description.log.is_some()
        {
            return Ok((changed, description.clone()));
        }
        if metadata.len() > MAX_CONFIG_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "config.v2.json is too large",
            ));
        }
        let text = std::fs::read(&path)?;
        let config: Config = serde_json::from_slice(&text).map_err(io::Error::from)?;
        let name = config.name.trim_start_matches('/');
        let log = Path::new(&config.log_path).file_name();
        let log = log.and_then(|name| name.to_str()).map(str::to_owned);
        // Before its first start a container has no log path; its log will be at the usual place.
        let usual = format!("{id}-json.log");
        let log = log.or_else(|| folder.join(&usual).exists().then_some(usual));
        Ok((
            changed,
            Description {
                name: if name.is_empty() { id.into() } else { name.into() },
                log,
            },
        ))
    }

    fn container(&self, id: &str, folder: &Path, description: &Description, found: &mut Found) {
        let Description { name, log } = description;
        if !self.names.is_empty() && !self.names.iter().any(|pattern| pattern.matches(name)) {
            found.n_left_out += 1;
            return;
        }
        let path = log.as_ref().map(|log| folder.join(log));
        if let Some(path) = path.filter(|path| is_there(path)) {
            return found.sources.push(Wanted {
                id: id.to_owned(),
                name: name.clone(),
                path,
                is_docker: true,
            });
        }
        found.is_unfinished |= is_new(folder);
        if let Some(driver) = other_driver(folder) {
            found.obstacles.push(Obstacle {
                name: name.to_string(),
                path: folder.to_owned(),
                why: format!("its log driver is \"{driver}\", which keeps no json-file log"),
            });
        }
    }

    fn plain_files(&self, found: &mut Found) {
        for (name, pattern) in &self.files {
            let Ok(paths) = glob::glob(pattern) else {
                continue;
            };
            for path in paths {
                match path {
                    Ok(path) if path.is_file() && !chain::is_rotated(&path) => {
                        plain_file(name.as_deref(), path, found)
                    }
                    Ok(_) => {}
                    Err(error) => found.obstacles.push(Obstacle {
                        name: name.clone().unwrap_or_else(|| pattern.clone()),
                        path: error.path().to_owned(),
                        why: reason(error.error()),
                    }),
                }
            }
        }
    }
}

fn plain_file(name: Option<&str>, path: PathBuf, found: &mut Found) {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let id = path.to_string_lossy().into_owned();
    if found.sources.iter().any(|known| known.id == id) {
        return;
    }
    found.sources.push(Wanted {
        name: name.map_or_else(|| stem.unwrap_or_else(|| id.clone()).into(), Into::into),
        id,
        path,
        is_docker: false,
    });
}

/// A log that may not be read is there all the same: opening it says why not.
fn is_there(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !is_absent(&error),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Made within the last minute.
fn is_new(folder: &Path) -> bool {
    let changed = std::fs::metadata(folder).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age.as_secs() < 60))
}

/// The container's log driver, if it is known to be another than json-file.
fn other_driver(folder: &Path) -> Option<String> {
    let text = std::fs::read(folder.join("hostconfig.json")).ok()?;
    let config: HostConfig = serde_json::from_slice(&text).ok()?;
    let driver = config.log.driver;
    (!driver.is_empty() && driver != "json-file").then_some(driver)
}

/// What an operator can act on.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "permission denied: the log viewer's user may not read it".to_owned()
        }
        _ if error.raw_os_error() == Some(24) => {
            "too many open files: raise the limit of open files (ulimit -n)".to_owned()
        }
        _ => error.to_string(),
    }
}
