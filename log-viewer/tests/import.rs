//! `import`: a database made by the original log viewer's schema.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use rusqlite::Connection;

use crate::support::{messages, viewer};

/// As the original makes it.
const SCHEMA: &str = "
    create table _meta (key text primary key, value text not null);
    create table log_entries (
        id integer primary key autoincrement, timestamp datetime not null, container varchar(100) not null,
        stream varchar(10) not null, level varchar(10) not null, message text not null, raw text
    );
    create virtual table log_entries_fts using fts5 (message, content=log_entries, content_rowid=id);
    create trigger log_entries_ai after insert on log_entries begin
        insert into log_entries_fts (rowid, message) values (new.id, new.message);
    end;
    create table cursors (
        id integer primary key, container_id varchar(100) unique, file_path text, position integer, inode integer,
        updated_at datetime
    );
";

#[tokio::test]
async fn entries_come_in_order_as_they_were_written_and_only_once() {
    let launch = viewer().env("RETENTION_DAYS", 0);
    let path = launch.folder().join("logs.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(SCHEMA).unwrap();
    let add = |second: u32, stream: &str, message: &str| {
        database
            .execute(
                "insert into log_entries (timestamp, container, stream, level, message) values (?1, 'web', ?2, 'INFO', ?3)",
                (format!("2026-11-20T10:{:02}:{:02}Z", second / 60, second % 60), stream, message),
            )
            .unwrap();
    };
    // As Docker had escaped it: the original keeps it so, and takes such a line for INFO.
    add(1, "stdout", r#"{\"level\":\"warning\",\"msg\":\"low on jam\"}"#);
    add(
        2,
        "stderr",
        "Traceback (most recent call last):\n  File \\\"cart.py\\\", line 9",
    );
    (3..1203).for_each(|n| add(n, "stdout", &format!("request {n}")));

    let import = async || {
        let output = launch
            .command(&["import", path.to_str().unwrap()])
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let said = import().await;
    assert!(said.contains("1202 entries\n"), "{said}");
    assert!(import().await.contains(" 0 entries\n"));

    let server = launch.start().await;
    let mut client = server.client();
    let mut get = async |path: &str| client.get(path).await.json();
    assert_eq!(get("/api/logs?container=web").await["total"], 1202);
    let newest = messages(&get("/api/logs?limit=2").await);
    assert_eq!(newest, ["request 1202", "request 1201"]);
    let warning = get("/api/logs?level=WARNING").await;
    assert_eq!(messages(&warning), [r#"{"level":"warning","msg":"low on jam"}"#]);
    assert_eq!(warning["logs"][0]["timestamp"], "2026-11-20T10:00:01Z");
    let trace = get("/api/logs?level=ERROR").await;
    assert_eq!(
        messages(&trace),
        ["Traceback (most recent call last):\n  File \"cart.py\", line 9"]
    );
    assert_eq!(get("/api/logs?search=jam").await["total"], 1);
}
