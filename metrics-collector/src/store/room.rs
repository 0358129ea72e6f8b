//! How full the database is.

use rusqlite::Connection;

/// Pages of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    n_pages: u64,
    n_free: u64,
    page_bytes: u64,
}

impl Use {
    /// What is in use, in bytes.
    pub fn bytes(&self) -> u64 {
        self.n_pages.saturating_sub(self.n_free) * self.page_bytes
    }

    /// Size of the file, free pages included.
    pub fn file_bytes(&self) -> u64 {
        self.n_pages * self.page_bytes
    }
}

/// See [`Use`].
pub fn used(connection: &Connection) -> rusqlite::Result<Use> {
    let number =
        |pragma: &str| connection.query_row(&format!("pragma {pragma}"), [], |row| row.get::<_, i64>(0));
    Ok(Use {
        n_pages: number("page_count")?.unsigned_abs(),
        n_free: number("freelist_count")?.unsigned_abs(),
        page_bytes: number("page_size")?.unsigned_abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn what_is_in_use_is_not_more_than_the_file() {
        let used = used(&database()).unwrap();
        assert!(used.bytes() > 0 && used.bytes() <= used.file_bytes());
    }
}
