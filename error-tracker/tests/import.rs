//! `import`: a database made by the original tracker's schema, with what it holds after a while.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::path::{Path, PathBuf};
use std::process::Output;

use rusqlite::Connection;
use testkit::Launch;

use crate::support::{column, file, get_json, report, tracker};

/// As the original makes it.
const SCHEMA: &str = "
    create table _meta (key text primary key, value text not null);
    insert into _meta values ('schema_version', '3');
    create table errors (
        id integer primary key autoincrement, fingerprint varchar(32) not null, project varchar(100) not null,
        exception_type varchar(200) not null, message text not null, traceback text not null,
        count integer not null default 1, first_seen datetime not null, last_seen datetime not null,
        resolved boolean not null default 0, resolved_at datetime
    );
    create index idx_errors_fingerprint on errors (fingerprint, resolved);
    create table error_occurrences (
        id integer primary key autoincrement,
        error_id integer not null references errors (id) on delete cascade, timestamp datetime not null,
        request_url varchar(500), request_method varchar(10), request_headers text, user_id varchar(100),
        extra text, traceback text
    );
";

/// A trace whose function, and so whose group, is told by `name`.
fn trace(name: &str) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"/srv/shop/{name}.py\", line 7, in {name}\n    go()\nKeyError: 'jam'"
    )
}

fn original(folder: &Path) -> (PathBuf, Connection) {
    let path = folder.join("errors.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch("pragma journal_mode = wal").unwrap();
    database.execute_batch(SCHEMA).unwrap();
    (path, database)
}

fn add_group(
    database: &Connection,
    trace: &str,
    count: i64,
    times: [&str; 2],
    resolved_at: Option<&str>,
) -> i64 {
    database
        .execute(
            "insert into errors (fingerprint, project, exception_type, message, traceback, count, first_seen, last_seen,
                                 resolved, resolved_at)
             values ('f', 'shop', 'KeyError', '''jam''', ?1, ?2, ?3, ?4, ?5 is not null, ?5)",
            rusqlite::params![trace, count, times[0], times[1], resolved_at],
        )
        .unwrap();
    database.last_insert_rowid()
}

fn add_occurrence(database: &Connection, group: i64, time: &str, trace: &str, extra: &str) {
    database
        .execute(
            "insert into error_occurrences (error_id, timestamp, request_url, request_method, request_headers, user_id,
                                            extra, traceback)
             values (?1, ?2, 'http://shop.example/cart', 'GET', '{\"Authorization\": \"Bearer hunter2hunter2\"}', '42',
                     ?3, ?4)",
            rusqlite::params![group, time, extra, trace],
        )
        .unwrap();
}

async fn import(launch: &Launch, path: &Path) -> Output {
    launch
        .command(&["import", path.to_str().unwrap()])
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn groups_come_with_counts_times_states_and_kept_reports_and_only_once() {
    let launch = tracker()
        .env("ALERT_EMAILS", "ops@example.com")
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", 1);
    let (path, database) = original(launch.folder());
    // Two of the original that differ by a line number only are one group here.
    for line in ["line 7", "line 9"] {
        let trace = trace("total").replace("line 7", line);
        let id = add_group(
            &database,
            &trace,
            40,
            ["2026-03-01T10:00:00Z", "2026-05-01T10:00:00Z"],
            None,
        );
        for day in 1..=5 {
            let extra = r#"{"session_id": "s1", "cart": {"items": 2}}"#;
            add_occurrence(&database, id, &format!("2026-04-0{day}T10:00:00Z"), &trace, extra);
        }
    }
    let times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    add_group(&database, &trace("done"), 3, times, Some("2026-11-20T00:00:00Z"));

    let output = import(&launch, &path).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "3 groups of the original",
            "2 groups here",
            "11 kept reports",
            "0 reports that could not be read"
        ]
    );

    let server = launch.start().await;
    let mut client = server.client();
    let open = get_json(&mut client, "/api/errors").await;
    assert_eq!(column(&open, "count"), [80]);
    assert_eq!(column(&open, "first_seen"), ["2026-03-01T10:00:00.000Z"]);
    assert_eq!(column(&open, "last_seen"), ["2026-05-01T10:00:00.000Z"]);
    let id = column(&open, "id")[0].as_i64().unwrap();
    let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
    let newest = &group["occurrences"][0];
    assert_eq!(newest["timestamp"], "2026-04-05T10:00:00.000Z");
    assert_eq!(newest["request_url"], "http://shop.example/cart");
    assert_eq!(
        (&newest["user_id"], &newest["extra"]["cart"]["items"]),
        (&"42".into(), &2.into())
    );
    assert!(
        !newest["request_headers"].to_string().contains("hunter2"),
        "{newest}"
    );

    let done = get_json(&mut client, "/api/errors?resolved=true").await;
    assert_eq!(column(&done, "count"), [3]);
    let id = column(&done, "id")[0].as_i64().unwrap();
    let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
    assert_eq!(group["resolved_at"], "2026-11-20T00:00:00.000Z");
    let found = get_json(&mut client, "/api/errors?search=jam&state=all").await;
    assert_eq!(found["total"], 2, "what came is searched");
    let told = get_json(&mut client, "/api/deliveries").await;
    assert!(
        told["deliveries"].as_array().unwrap().is_empty(),
        "nobody is told of what is old: {told}"
    );

    // A report of today belongs to the same group, and the import goes on where it stopped.
    let fresh = report("shop", "KeyError", "'jam'", &trace("total"));
    file(&mut client, &fresh).await;
    assert_eq!(column(&get_json(&mut client, "/api/errors").await, "count"), [81]);
    drop(client);
    server.stop().await;
    add_group(&database, &trace("later"), 1, times, None);
    let output = import(&launch, &path).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("1 groups of the original"), "{said}");
    let server = launch.start().await;
    let all = get_json(&mut server.client(), "/api/errors?state=all").await;
    let mut counts: Vec<_> = column(&all, "count")
        .iter()
        .map(|count| count.as_i64().unwrap())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 3, 81]);
}

#[tokio::test]
async fn another_file_and_a_running_tracker_are_refused() {
    let launch = tracker();
    let other = launch.folder().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("create table t (id)")
        .unwrap();
    let refused = async |launch: &Launch, path: &Path, words: &str| {
        let output = import(launch, path).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    };
    refused(&launch, &other, "has no table 'errors'").await;
    refused(&launch, &launch.folder().join("absent.db"), "cannot be read").await;
    let (path, _database) = original(launch.folder());
    let server = launch.start().await;
    refused(&launch, &path, "stop that one first").await;
    drop(server);
}
