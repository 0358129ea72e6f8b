//! Where the database lies: room on the disk, rights, secrets beside it, and whether the clock agrees with the files.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use config::{Origin, Variable};

use super::Finding;
use crate::settings::CommonSettings;

/// Less room than this and the next burst may fill the disk, in bytes.
const LITTLE_ROOM: u64 = 1 << 30;
/// Less than this and SQLite's own log may not fit, in bytes.
const NO_ROOM: u64 = 64 << 20;
/// 2026-01-01: no clock that is right says less.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
/// Files written later than this from now were written by a clock that went ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// Room for the database, and for its folder's next files.
pub(super) fn disk(database: &Path) -> Vec<Finding> {
    let place = existing(database);
    let stat = match rustix::fs::statvfs(&place) {
        Ok(stat) => stat,
        Err(cause) => {
            let saw = format!("{} cannot be looked at: {cause}", place.display());
            return vec![Finding::wrong("disk", saw, "mount it, or change DATABASE_PATH")];
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let whole = stat.f_blocks.saturating_mul(stat.f_frsize);
    let saw = format!(
        "{} MB of {} MB free at {}",
        free >> 20,
        whole >> 20,
        place.display()
    );
    let advice =
        "make room, or lower RETENTION_DAYS or MAX_DATABASE_MB; writes are refused with 507 until there is";
    let room = match free {
        free if free < NO_ROOM => Finding::wrong("disk", saw, advice),
        free if free < LITTLE_ROOM => Finding::doubtful("disk", saw, advice),
        _ => Finding::well("disk", saw),
    };
    // Some file systems have no table of files, and say 0.
    let is_out_of_files = stat.f_files > 0 && stat.f_favail < 100;
    let files = is_out_of_files.then(|| {
        let saw = format!("only {} more files fit at {}", stat.f_favail, place.display());
        Finding::wrong("disk", saw, "delete files that nobody needs")
    });
    [Some(room), files].into_iter().flatten().collect()
}

/// Whether a file can be made where the database is: what SQLite does at every start.
pub(super) fn folder(database: &Path) -> Finding {
    let folder = existing(database);
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let tried = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&probe);
    // It may be gone already; it holds nothing.
    let _ = fs::remove_file(&probe);
    if let Err(cause) = tried {
        let advice = match cause.kind() {
            io::ErrorKind::ReadOnlyFilesystem => "mount it writable, or mount a volume there".to_owned(),
            io::ErrorKind::StorageFull => "make room".to_owned(),
            _ => format!(
                "run the doctor as the service's user; then: chown -R USER {}",
                folder.display()
            ),
        };
        let saw = format!("nothing can be written in {}: {cause}", folder.display());
        return Finding::wrong("folder", saw, advice);
    }
    let is_there = database.parent().is_none_or(|parent| parent == folder);
    let word = if is_there {
        ""
    } else {
        "; the rest is made at the first start"
    };
    Finding::well("folder", format!("{} can be written{word}", folder.display()))
}

/// Whether others can read what is secret: the database, the keys beside it, the files that variables name.
pub(super) fn secrets(common: &CommonSettings, variables: &[Variable]) -> Finding {
    let beside = ["api-key", "session-secret"].map(|what| common.database_path.with_extension(what));
    let named = variables
        .iter()
        .filter(|variable| variable.is_secret)
        .filter_map(|variable| match &variable.origin {
            Origin::File(path) => Some(path.clone()),
            Origin::Default | Origin::Environment => None,
        });
    let files = [common.database_path.clone()]
        .into_iter()
        .chain(beside)
        .chain(common.api_keys_file.clone())
        .chain(named);
    let open: Vec<String> = files
        .filter(|path| is_open_to_others(path))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        return Finding::well("secrets", "no other user can read the database or a key");
    }
    let saw = format!("every user of this machine can read {}", open.join(", "));
    Finding::doubtful("secrets", saw, format!("chmod o-rwx {}", open.join(" ")))
}

fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

/// Whether the clock can be right: after this program was written, and not before its own files.
pub(super) fn clock(database: &Path, now: SystemTime) -> Finding {
    let advice = "set the clock and keep it right: timedatectl set-ntp true";
    if now < UNIX_EPOCH + EARLIEST {
        return Finding::wrong("clock", "it says a time before 2026", advice);
    }
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    let written = [database.to_path_buf(), PathBuf::from(wal)]
        .iter()
        .filter_map(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
        .max();
    let ahead = written.and_then(|written| written.duration_since(now).ok());
    if let Some(ahead) = ahead.filter(|ahead| *ahead > AHEAD) {
        let saw = format!(
            "the database was written {} s from now: the clock went back",
            ahead.as_secs()
        );
        return Finding::wrong("clock", saw, advice);
    }
    match Path::new("/run/systemd/timesync/synchronized").exists() {
        true => Finding::well("clock", "kept right by systemd-timesyncd"),
        false => Finding::well("clock", "not before the newest file"),
    }
}

/// The folder of the database, or the nearest above it that is there.
fn existing(database: &Path) -> PathBuf {
    let folders = database
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty());
    folders
        .into_iter()
        .find(|folder| folder.is_dir())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_is_there_is_looked_at() {
        assert_eq!(existing(Path::new("/no/such/folder/x.db")), Path::new("/"));
        assert_eq!(existing(Path::new("x.db")), Path::new("."));
    }

    #[test]
    fn a_clock_behind_its_own_files_is_wrong() {
        let this_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let written = fs::metadata(&this_file).and_then(|metadata| metadata.modified());
        let Ok(written) = written else { return };
        let check = |now, expected: &str| {
            let saw = clock(&this_file, now).saw;
            assert!(saw.contains(expected), "{saw}");
        };
        check(UNIX_EPOCH, "before 2026");
        check(written - Duration::from_secs(3600), "3600 s from now");
        assert_eq!(clock(&this_file, written).advice, None);
    }
}
