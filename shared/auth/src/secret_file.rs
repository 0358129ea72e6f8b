//! A secret that a service makes for itself at first start and keeps in a file only it may read.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use crate::key::{generate_key, random_bytes};

/// Owner reads and writes, nobody else does anything.
const PRIVATE: u32 = 0o600;
/// What group and others may do; for a secret, nothing.
const OTHERS: u32 = 0o077;
/// Longest secret, in bytes. Ours have 46.
const MAX_BYTES: u64 = 4096;

/// A secret and how its file was found. `Debug` does not show it.
pub struct StoredSecret {
    /// The secret, without the line end of the file.
    pub value: String,
    /// What happened to the file.
    pub state: SecretState,
}

/// What happened to the file of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// There was none; now there is.
    Created,
    /// It was there.
    Found,
    /// It was there and others could open it. That is mended, but they may have read it: warn.
    Mended {
        /// The former permissions, e.g. `0o644`.
        mode: u32,
    },
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSecret")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The secret in the file at `path`, which is created (mode 0600, durably, all or nothing) if absent.
/// Processes that start together get the same secret. Errors name the file; an empty file is one.
pub fn load_or_create_secret(path: &Path) -> io::Result<StoredSecret> {
    let in_context = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot keep a secret in {}: {error}", path.display()),
        )
    };
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        loaded => return loaded.map_err(in_context),
    }
    let state = match create(path) {
        Ok(()) => SecretState::Created,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => SecretState::Found,
        Err(error) => return Err(in_context(error)),
    };
    let loaded = load(path).map_err(in_context)?;
    Ok(StoredSecret { state, ..loaded })
}

fn load(path: &Path) -> io::Result<StoredSecret> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mode = metadata.permissions().mode() & 0o777;
    let is_open_to_others = mode & OTHERS != 0;
    if is_open_to_others {
        let refusal = |error: io::Error| {
            let text = format!("others may read it (mode {mode:03o}) and that cannot be changed: {error}");
            io::Error::new(error.kind(), text)
        };
        file.set_permissions(Permissions::from_mode(PRIVATE))
            .map_err(refusal)?;
    }
    let mut text = String::new();
    let n_bytes = (&mut file).take(MAX_BYTES + 1).read_to_string(&mut text)?;
    let value = text.trim();
    if value.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is empty; delete it to have a new one made",
        ));
    }
    if n_bytes as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 4 KiB",
        ));
    }
    let state = if is_open_to_others {
        SecretState::Mended { mode }
    } else {
        SecretState::Found
    };
    Ok(StoredSecret {
        value: value.to_owned(),
        state,
    })
}

/// Fails with `AlreadyExists` if somebody else was faster.
fn create(path: &Path) -> io::Result<()> {
    let draft = draft_path(path);
    let written = write_private(&draft, &generate_key());
    // A link, unlike a rename, never replaces a secret that appeared meanwhile, and the file is never seen half
    // written. The draft goes in any case; one that stays behind is no danger.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    linked?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn write_private(path: &Path, secret: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// A name beside `path` that nobody else uses.
fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", HEXLOWER.encode(&random_bytes::<8>())));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session-secret");
        let created = load_or_create_secret(&path).unwrap();
        assert_eq!(created.state, SecretState::Created);
        assert!(created.value.starts_with("mk_"));
        assert_eq!(mode(&path), 0o600);
        let found = load_or_create_secret(&path).unwrap();
        assert_eq!((found.state, &found.value), (SecretState::Found, &created.value));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft stays behind"
        );
        assert!(!format!("{created:?}").contains(&created.value));
    }

    #[test]
    fn processes_that_start_together_get_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session-secret");
        let secrets: Vec<StoredSecret> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| load_or_create_secret(&path).unwrap()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| secret.value == secrets[0].value));
        assert_eq!(
            secrets
                .iter()
                .filter(|secret| secret.state == SecretState::Created)
                .count(),
            1
        );
    }

    #[test]
    fn a_file_others_can_read_is_mended_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session-secret");
        fs::write(&path, "by hand\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let secret = load_or_create_secret(&path).unwrap();
        assert_eq!(
            (secret.value.as_str(), secret.state),
            ("by hand", SecretState::Mended { mode: 0o640 })
        );
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn an_unusable_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let check = |path: &Path, expected: &str| {
            let error = load_or_create_secret(path).unwrap_err().to_string();
            let prefix = format!("cannot keep a secret in {}: ", path.display());
            assert!(
                error
                    .strip_prefix(&prefix)
                    .is_some_and(|rest| rest.contains(expected)),
                "{error}"
            );
        };
        let empty = folder.path().join("empty");
        fs::write(&empty, "\n").unwrap();
        check(&empty, "it is empty; delete it to have a new one made");
        let large = folder.path().join("large");
        fs::write(&large, "x".repeat(5000)).unwrap();
        check(&large, "it is larger than 4 KiB");
        check(&folder.path().join("absent/secret"), "No such file");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        check(folder.path(), "it is no file");
        assert_eq!(mode(folder.path()), 0o755, "a folder is left alone");
    }
}
