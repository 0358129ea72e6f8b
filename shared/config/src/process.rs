//! The two functions a service hands to [`crate::Reader::new`] in earnest; tests hand it maps instead.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file a `NAME_FILE` variable may name, in bytes. A key is 46 bytes, a long list a few thousand.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A variable of this process. Bytes that are not UTF-8 become `U+FFFD`, so such a value is reported, not lost.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The names of all variables of this process, for [`crate::near_misses`].
pub fn names() -> impl Iterator<Item = String> {
    std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())
}

/// A small text file, whole. Fails on more than 64 KiB and on bytes that are not UTF-8.
pub fn file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let n_bytes = File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if n_bytes as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 KiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_but_not_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "abc\n").unwrap();
        assert_eq!(file(&path).unwrap(), "abc\n");
        assert!(file(Path::new("/dev/zero")).is_err());
        assert!(file(&folder.path().join("absent")).is_err());
    }
}
