//! Any search text finds through the index what looking at every entry finds.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use log_viewer::domain::entry::{Entry, Level, Marks, Stream};
use log_viewer::domain::filter::Filter;
use log_viewer::domain::paging::Paging;
use log_viewer::domain::query::Query;
use log_viewer::domain::view::EntryView;
use log_viewer::store::frame::Frame;
use log_viewer::store::names::Names;
use log_viewer::store::search::Reading;
use log_viewer::store::seal::{self, Sizes};
use log_viewer::store::window::Window;
use log_viewer::store::MIGRATIONS;
use rusqlite::Connection;

/// What is searched: shapes that the search language has names for.
const MESSAGES: &[&str] = &[
    "GET /api/cart 200 in 12 ms", "connection refused by 10.0.0.7:5432", "a b c", "b a", "C++ and foo-bar",
    "{\"level\":\"warn\",\"status\":503,\"req\":{\"path\":\"/a b\"},\"msg\":\"caf\\u00e9 \\\"x\\\"\\nnext\"}",
    "level=info status=200 msg=\"two words\" took=1.5ms", "\u{1b}[31merr\u{1b}[0mor", "用户登录失败", "Größe ÉTÉ",
    "trace=7f3a9c12d4e5f60718293a4b5c6d7e8f", "req1 req12 request", "", "\"", "(", "std::io::Error: x", "key:value",
];

struct Known {
    database: Connection,
    names: Names,
    entries: Vec<Entry>,
}

thread_local! {
    static KNOWN: Known = {
        let database = Connection::open_in_memory().expect("memory is there");
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).expect("migrations run");
        }
        let (names, mut frame, mut entries) = (Names::default(), Frame::default(), Vec::new());
        for (id, message) in (1..).zip(MESSAGES) {
            let entry = Entry {
                time_ns: id as i64,
                container: format!("c{}", id % 3).into(),
                stream: if id % 2 == 0 { Stream::Stdout } else { Stream::Stderr },
                level: Level::ALL[id as usize % Level::COUNT],
                marks: Marks::default(),
                message: (*message).to_owned(),
            };
            frame.push(id, names.number(&entry.container), &entry);
            entries.push(entry);
        }
        names.store(&database).expect("names are stored");
        let sizes = Sizes { max_entries: 3, max_partition: 4, piece_bytes: 64 };
        let sealed = seal::prepare(&[Arc::new(frame)], sizes).expect("blocks are made");
        sealed.store(&database, sizes).expect("blocks are stored");
        Known { database, names, entries }
    };
}

fuzz_target!(|text: &str| {
    let filter = Filter { query: Query::parse(text), ..Filter::default() };
    KNOWN.with(|known| {
        let n_matching = known.entries.iter().filter(|entry| filter.matches(&EntryView::of(entry))).count();
        let window = Window::default();
        let mut reading = Reading::new(&known.database, &window, &known.names).expect("it can be read");
        let page = reading.page(&filter, &Paging::newest(5)).expect("any search is valid");
        let total = page.total.expect("it is counted");
        assert!(total.is_lower_bound || total.n == n_matching as u64, "{total:?} {n_matching}");
    });
});
