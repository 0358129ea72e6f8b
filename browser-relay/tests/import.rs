//! `import`: a database made by the original relay's schema.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use rusqlite::Connection;

use crate::support::{KEY, get_json, relay};

/// As the original makes it.
const SCHEMA: &str = "
    create table _meta (key text primary key, value text not null);
    create table dsn_keys (
        id integer primary key autoincrement, public_key varchar(32) not null unique, project varchar(100) not null,
        created_at datetime not null, active boolean not null default 1
    );
    create table source_maps (
        id integer primary key autoincrement, project varchar(100) not null, release varchar(100) not null,
        file_url varchar(500) not null, map_content text not null, uploaded_at datetime not null,
        unique (project, release, file_url)
    );
";

#[tokio::test]
async fn keys_and_maps_come_and_what_is_here_stays() {
    let launch = relay();
    let path = launch.folder().join("browser-relay.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(SCHEMA).unwrap();
    for (key, project, is_active) in [
        (KEY, "other", true),
        ("aaaa", "shop", true),
        ("bbbb", "old shop", false),
    ] {
        database
            .execute(
                "insert into dsn_keys (public_key, project, created_at, active) values (?1, ?2, '2026-01-02T03:04:05Z', ?3)",
                (key, project, is_active),
            )
            .unwrap();
    }
    let map = r#"{"version": 3, "sources": ["cart.ts"], "names": [], "mappings": "AAAA"}"#;
    for (url, content) in [("/app.min.js", map), ("/bad.min.js", "no map")] {
        database
            .execute(
                "insert into source_maps (project, release, file_url, map_content, uploaded_at)
                 values ('shop', '1.0', ?1, ?2, '2026-11-20T03:04:05Z')",
                (url, content),
            )
            .unwrap();
    }
    // The relay has one of these keys already, of another project.
    launch.start().await.stop().await;
    for expected in [
        ["2 keys", "1 source maps\n", "1 source maps that"],
        ["0 keys", "0 source maps\n", "0 source maps that"],
    ] {
        let output = launch
            .command(&["import", path.to_str().unwrap()])
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && expected.iter().all(|words| said.contains(words)),
            "{said}"
        );
    }

    let server = launch.start().await;
    let mut client = server.client();
    let keys = get_json(&mut client, "/api/dsn-keys").await;
    let rows: Vec<_> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| {
            (
                key["public_key"].as_str().unwrap(),
                key["project"].as_str().unwrap(),
                key["active"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (KEY, "web", true),
            ("aaaa", "shop", true),
            ("bbbb", "old shop", false)
        ]
    );
    assert_eq!(keys["keys"][1]["created_at"], "2026-01-02T03:04:05.000Z");
    let maps = get_json(&mut client, "/api/source-maps").await;
    assert_eq!(maps["total"], 1);
    let first = &maps["source_maps"][0];
    assert_eq!(
        (&first["file_url"], &first["uploaded_at"]),
        (&"/app.min.js".into(), &"2026-11-20T03:04:05.000Z".into())
    );
    let body = r#"{"type": "E", "message": "m", "stack": "t"}"#;
    let with_key = async |key: &str| {
        let mut page = server.stranger().with_header("X-Monlight-Key", key);
        page.post("/api/browser/errors", body).await.status.as_u16()
    };
    assert_ne!(with_key("aaaa").await, 401);
    assert_eq!(with_key("bbbb").await, 401, "a key that was off stays off");
}
