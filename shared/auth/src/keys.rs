//! All keys of a service: `API_KEY` from the environment, and those of `API_KEYS_FILE`, which may change
//! while the service runs. Asks nothing of the caller but to call [`Keys::reload_if_changed`] now and then.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use subtle::ConditionallySelectable;

use crate::key::{Identity, KeyHash};
use crate::keys_file::{self, Entry};
use crate::scope::Scopes;

/// Largest keys file, in bytes: a thousand keys take about 150 KB.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// What the key of the environment is called.
const API_KEY: &str = "API_KEY";

/// The keys that open this service. Shared between threads; no lock is held while comparing.
pub struct Keys {
    api_key: Option<KeyHash>,
    file: Option<PathBuf>,
    entries: RwLock<Arc<[Entry]>>,
    /// What the file held when last looked at, good or bad.
    seen: Mutex<Option<Seen>>,
}

/// Why keys could not be loaded. Shows no key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Neither `API_KEY` nor a file: nobody could ever get in.
    #[error("no API key is configured")]
    None,
    /// The file cannot be read, or is larger than 1 MiB.
    #[error("cannot read the keys file {path}: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not hold a list of keys.
    #[error("error in the keys file {path}: {problem}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which entry is wrong, and how.
        problem: String,
    },
}

#[derive(PartialEq, Eq)]
enum Seen {
    Content([u8; 32]),
    Unreadable(io::ErrorKind),
}

impl Keys {
    /// The keys of both sources. An empty `api_key` stands for none, which is fine if there is a file.
    pub fn new(api_key: &str, file: Option<&Path>) -> Result<Keys, KeysError> {
        if api_key.is_empty() && file.is_none() {
            return Err(KeysError::None);
        }
        let keys = Keys {
            api_key: (!api_key.is_empty()).then(|| KeyHash::of(api_key)),
            file: file.map(Path::to_owned),
            entries: RwLock::new(Arc::new([])),
            seen: Mutex::new(None),
        };
        keys.replace(None)?;
        keys.reload_if_changed()?;
        Ok(keys)
    }

    /// Whose key this is. The empty key is nobody's.
    pub fn authenticate(&self, presented: &str) -> Option<Identity> {
        if presented.is_empty() {
            return None;
        }
        let hash = KeyHash::of(presented);
        let entries = self.entries();
        // Every entry is compared and the match is picked without a branch, so the time tells nothing.
        let mut found = u64::MAX;
        for (index, entry) in (0..).zip(entries.iter()) {
            found.conditional_assign(&index, entry.hash.matches(&hash));
        }
        let entry = entries.get(usize::try_from(found).ok()?)?;
        Some(entry.identity.clone())
    }

    /// Takes up a changed file: `true` if the keys were replaced. The whole file is compared, so no change is
    /// too quick or too small; call it about once a second. On an error the old keys stay, and the error is
    /// returned once, not again until the file changes again.
    pub fn reload_if_changed(&self) -> Result<bool, KeysError> {
        let Some(path) = &self.file else {
            return Ok(false);
        };
        // Held to the end, so that of two reloads at once the later to read is the later to replace.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read_bounded(path);
        let found = Some(match &read {
            Ok(text) => Seen::Content(Sha256::digest(text).into()),
            Err(error) => Seen::Unreadable(error.kind()),
        });
        if *seen == found {
            return Ok(false);
        }
        *seen = found;
        let text = read.map_err(|source| KeysError::Unreadable {
            path: path.clone(),
            source,
        })?;
        self.replace(Some((path, &text)))?;
        Ok(true)
    }

    /// Whether the key with this id is (still) one of ours.
    pub fn holds(&self, id: u64) -> bool {
        self.scopes(id).is_some()
    }

    /// What the key with this id may do now.
    pub fn scopes(&self, id: u64) -> Option<Scopes> {
        self.entries()
            .iter()
            .find(|entry| entry.identity.id == id)
            .map(|entry| entry.identity.scopes)
    }

    /// The identity of `API_KEY`, if there is one.
    pub fn api_key_identity(&self) -> Option<Identity> {
        self.api_key
            .map(|hash| Entry::new(API_KEY, hash, Scopes::ALL).identity)
    }

    fn entries(&self) -> Arc<[Entry]> {
        Arc::clone(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts `API_KEY` and the keys of the file, if given, in the place of all former ones.
    fn replace(&self, file: Option<(&Path, &str)>) -> Result<(), KeysError> {
        let own = self.api_key.map(|hash| Entry::new(API_KEY, hash, Scopes::ALL));
        let mut entries: Vec<Entry> = own.into_iter().collect();
        if let Some((path, text)) = file {
            let malformed = |problem| KeysError::Malformed {
                path: path.to_owned(),
                problem,
            };
            let others = keys_file::parse(text).map_err(malformed)?;
            for other in &others {
                keys_file::refuse_twin(other, &entries).map_err(malformed)?;
            }
            entries.extend(others);
        }
        *self.entries.write().unwrap_or_else(PoisonError::into_inner) = entries.into();
        Ok(())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .entries()
            .iter()
            .map(|entry| entry.identity.name.clone())
            .collect();
        f.debug_struct("Keys")
            .field("names", &names)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let n_bytes = File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if n_bytes as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Via;
    use crate::scope::Scope;

    /// A keys file on disk, gone after the test.
    struct KeysFile(tempfile::TempDir);

    impl KeysFile {
        fn new(text: &str) -> KeysFile {
            let file = KeysFile(tempfile::tempdir().unwrap());
            file.write(text);
            file
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("keys.toml")
        }

        fn write(&self, text: &str) {
            std::fs::write(self.path(), text).unwrap();
        }
    }

    fn key(name: &str, key: &str, scopes: &str) -> String {
        format!("[[keys]]\nname = '{name}'\nkey = '{key}'\nscopes = [{scopes}]\n")
    }

    fn names(keys: &Keys, presented: &[&str]) -> Vec<String> {
        let name = |key: &&str| {
            keys.authenticate(key)
                .map_or_else(String::new, |identity| identity.name)
        };
        presented.iter().map(name).collect()
    }

    #[test]
    fn the_api_key_may_do_everything() {
        let keys = Keys::new("abc", None).unwrap();
        let identity = keys.authenticate("abc").unwrap();
        assert_eq!((identity.name.as_str(), identity.via), ("API_KEY", Via::Key));
        assert!(identity.scopes.allow(Scope::Admin));
        assert_eq!(keys.api_key_identity(), Some(identity.clone()));
        assert!(keys.holds(identity.id));
        for wrong in ["", "ab", "abcd", "ABC", " abc", "abc "] {
            assert_eq!(keys.authenticate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_empty_key_opens_nothing() {
        assert!(matches!(Keys::new("", None), Err(KeysError::None)));
        let file = KeysFile::new(&key("ci", "abc", "'read'"));
        let keys = Keys::new("", Some(&file.path())).unwrap();
        assert_eq!(names(&keys, &["", "abc"]), ["", "ci"]);
        assert_eq!(keys.api_key_identity(), None);
    }

    #[test]
    fn keys_of_the_file_have_their_own_scopes_and_ids() {
        let file = KeysFile::new(&(key("ci", "abc", "'ingest'") + &key("board", "def", "'read'")));
        let keys = Keys::new("ghi", Some(&file.path())).unwrap();
        assert_eq!(
            names(&keys, &["abc", "def", "ghi", "jkl"]),
            ["ci", "board", "API_KEY", ""]
        );
        let (ci, board) = (
            keys.authenticate("abc").unwrap(),
            keys.authenticate("def").unwrap(),
        );
        assert_ne!(ci.id, board.id);
        assert_eq!(keys.scopes(ci.id), Some(ci.scopes));
        assert!(!ci.scopes.allow(Scope::Read) && board.scopes.allow(Scope::Read));
    }

    #[test]
    fn a_changed_file_brings_new_keys_and_drops_old_ones() {
        let file = KeysFile::new(&key("ci", "abc", "'read'"));
        let keys = Keys::new("api", Some(&file.path())).unwrap();
        let old = keys.authenticate("abc").unwrap();
        assert!(!keys.reload_if_changed().unwrap());
        file.write(&key("ci", "def", "'read'"));
        assert!(keys.reload_if_changed().unwrap());
        assert_eq!(names(&keys, &["api", "abc", "def"]), ["API_KEY", "", "ci"]);
        assert!(!keys.holds(old.id));
        assert!(!keys.reload_if_changed().unwrap());
    }

    #[test]
    fn a_broken_or_missing_file_keeps_the_old_keys_and_is_told_once() {
        let good = key("ci", "abc", "'read'");
        let file = KeysFile::new(&good);
        let keys = Keys::new("api", Some(&file.path())).unwrap();
        file.write("[[keys");
        assert!(matches!(
            keys.reload_if_changed(),
            Err(KeysError::Malformed { .. })
        ));
        assert!(!keys.reload_if_changed().unwrap());
        std::fs::remove_file(file.path()).unwrap();
        assert!(matches!(
            keys.reload_if_changed(),
            Err(KeysError::Unreadable { .. })
        ));
        assert!(!keys.reload_if_changed().unwrap());
        assert_eq!(names(&keys, &["api", "abc"]), ["API_KEY", "ci"]);
        file.write(&good);
        assert!(keys.reload_if_changed().unwrap());
    }

    #[test]
    fn a_bad_file_is_refused_at_start() {
        let file = KeysFile::new(&key("ci", "api", "'read'"));
        let error = Keys::new("api", Some(&file.path())).unwrap_err().to_string();
        assert!(
            error.ends_with("keys.toml: 'ci' has the same key as 'API_KEY'"),
            "{error}"
        );
        assert!(Keys::new("api", Some(Path::new("/absent/keys.toml"))).is_err());
        assert!(Keys::new("api", Some(Path::new("/dev/zero"))).is_err());
        file.write("");
        assert!(Keys::new("api", Some(&file.path())).is_ok());
    }

    #[test]
    fn formatting_keys_shows_names_only() {
        let shown = format!("{:?}", Keys::new("hunter2", None).unwrap());
        assert_eq!(shown, "Keys { names: [\"API_KEY\"], file: None, .. }");
    }
}
