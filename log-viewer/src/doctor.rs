//! What `doctor` looks at here: whether the logs that are to be followed can be read.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use service::Finding;

use crate::settings::Settings;

/// Files of one pattern that are tried.
const MAX_TRIED: usize = 1000;

pub(crate) fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<Finding> = settings.log_files.iter().map(|text| files(text)).collect();
    findings.push(docker(&settings.log_sources, settings.log_files.is_empty()));
    findings
}

/// Docker's folder; `is_alone`: no other logs are named.
fn docker(folder: &Path, is_alone: bool) -> Finding {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound && !is_alone => {
            return Finding::well("logs", format!("there is no Docker at {}", folder.display()));
        }
        Err(cause) => {
            let saw = format!("{} cannot be listed: {cause}", folder.display());
            let advice = match cause.kind() {
                ErrorKind::NotFound => "mount Docker's folder, or set LOG_SOURCES or LOG_FILES",
                _ => {
                    "run the log viewer as root, or give its user the right: setfacl -R -m u:USER:rX -m d:u:USER:rX FOLDER"
                }
            };
            return Finding::doubtful("logs", saw, advice);
        }
    };
    let logs = entries.flatten().map(|entry| {
        let id = entry.file_name();
        entry.path().join(format!("{}-json.log", id.to_string_lossy()))
    });
    let logs: Vec<_> = logs.filter(|log| log.exists()).take(MAX_TRIED).collect();
    match logs.iter().find(|log| File::open(log).is_err()) {
        Some(log) => Finding::wrong(
            "logs",
            format!("{} cannot be read", log.display()),
            "run the log viewer as a user who may: root, or one with the right by setfacl",
        ),
        None => Finding::well(
            "logs",
            format!("{} containers' logs in {}", logs.len(), folder.display()),
        ),
    }
}

/// One item of `LOG_FILES`.
fn files(text: &str) -> Finding {
    let pattern = text.split_once('=').map_or(text, |(_, pattern)| pattern);
    let found: Vec<_> = glob::glob(pattern)
        .map(|paths| paths.flatten().take(MAX_TRIED).collect())
        .unwrap_or_default();
    if found.is_empty() {
        return Finding::doubtful(
            "logs",
            format!("no file is like {pattern}"),
            "correct LOG_FILES, or wait for the first line",
        );
    }
    match found.iter().find(|path| File::open(path).is_err()) {
        Some(path) => Finding::wrong(
            "logs",
            format!("{} cannot be read", path.display()),
            "give the service's user the right: usermod -aG adm USER, or setfacl -m u:USER:r FILE",
        ),
        None => Finding::well("logs", format!("{} files are like {pattern}", found.len())),
    }
}
