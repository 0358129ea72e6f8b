//! Any search text is a valid search in real SQLite.
#![no_main]

use error_tracker::domain::search_query;
use error_tracker::store::MIGRATIONS;
use error_tracker::store::groups::Filter;
use error_tracker::store::listing::{self, Start};
use libfuzzer_sys::fuzz_target;
use rusqlite::Connection;

thread_local! {
    static DATABASE: Connection = {
        let database = Connection::open_in_memory().expect("memory is there");
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).expect("migrations run");
        }
        database
    };
}

fuzz_target!(|text: &str| {
    let (rest, fields) = search_query::split_fields(text);
    assert!(rest.len() + fields.iter().map(|(_, value)| value.len()).sum::<usize>() <= text.len());
    let Some(query) = search_query::parse(text) else { return };
    let filter = Filter { search: Some(query), ..Filter::default() };
    DATABASE.with(|database| listing::list(database, &filter, 50, Start::Offset(0)).expect("any search is valid"));
});
