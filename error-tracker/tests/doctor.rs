//! `doctor`: what it sees of a healthy tracker, and of each thing that can be wrong; what it says to do.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::time::{Duration, SystemTime};

use testkit::{Launch, Value};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::support::{file, report, tracker};

/// Whether it ends with 0, and the findings.
async fn examine(launch: &Launch) -> (bool, Vec<Value>) {
    let output = launch.command(&["doctor", "--json"]).output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["service"], "error-tracker");
    let findings = report["findings"].as_array().unwrap().clone();
    for finding in &findings {
        assert_eq!(
            finding["grade"] == "well",
            finding["advice"].is_null(),
            "{finding}"
        );
    }
    assert_eq!(output.status.success(), report["verdict"] != "wrong");
    (output.status.success(), findings)
}

/// What it says of one area must have this grade, and hold these words.
async fn says(launch: &Launch, area: &str, grade: &str, words: &str) {
    let (_, findings) = examine(launch).await;
    let is_it = |finding: &&Value| {
        finding["area"] == area
            && finding["grade"] == grade
            && finding["saw"].as_str().unwrap().contains(words)
    };
    assert!(
        findings.iter().any(|finding| is_it(&finding)),
        "{area} {words}: {findings:#?}"
    );
}

#[tokio::test]
async fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let launch = tracker();
    let deep = launch.folder().join("gone/deeper/errors.db");
    let launch = launch.database(deep);
    let (is_sound, findings) = examine(&launch).await;
    assert!(is_sound, "{findings:#?}");
    says(&launch, "database", "well", "is not there yet").await;
    assert!(!launch.database_path().parent().unwrap().exists());
}

#[tokio::test]
async fn a_running_tracker_is_well_and_a_backup_makes_it_better() {
    let launch = tracker();
    let server = launch.start().await;
    let launch = launch.env("LISTEN_ADDR", server.address);
    file(
        &mut server.client(),
        &report("shop", "ValueError", "bad", "no frames"),
    )
    .await;
    says(&launch, "service", "well", "it runs").await;
    says(&launch, "database", "well", "is whole").await;
    says(&launch, "schema", "well", "the newest").await;
    says(&launch, "backup", "doubtful", "no copy was ever made").await;
    let copy = launch.folder().join("copy.db");
    let backup = launch
        .command(&["backup", copy.to_str().unwrap()])
        .output()
        .await
        .unwrap();
    assert!(backup.status.success());
    says(&launch, "backup", "well", "0 hours old").await;

    let text = launch.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.starts_with("ok    disk       ")),
        "{text}"
    );
    // Another service would want the same place.
    let other = tracker().env("LISTEN_ADDR", server.address);
    says(&other, "service", "wrong", "another program answers").await;
}

#[tokio::test]
async fn a_damaged_a_foreign_and_a_newer_database_are_told_apart() {
    let launch = tracker();
    launch.start().await.stop().await;
    let whole = std::fs::read(launch.database_path()).unwrap();

    let mut damaged = whole.clone();
    let half = damaged.len() / 2;
    damaged[half..].fill(0xAA);
    std::fs::write(launch.database_path(), &damaged).unwrap();
    let (is_sound, findings) = examine(&launch).await;
    let first = findings
        .iter()
        .find(|finding| finding["area"] == "database")
        .unwrap();
    assert!(!is_sound && first["grade"] == "wrong", "{findings:#?}");
    assert!(first["advice"].as_str().unwrap().contains("backup"), "{first}");

    std::fs::write(launch.database_path(), "no database at all").unwrap();
    says(&launch, "database", "wrong", "not a database").await;

    // `user_version`: four bytes at 60.
    let mut newer = whole;
    newer[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    std::fs::write(launch.database_path(), &newer).unwrap();
    says(&launch, "schema", "wrong", "the database is at 9999").await;
}

#[tokio::test]
async fn a_clock_behind_the_files_and_open_secrets_are_seen() {
    let launch = tracker();
    launch.start().await.stop().await;
    let database = std::fs::File::options()
        .write(true)
        .open(launch.database_path())
        .unwrap();
    database
        .set_modified(SystemTime::now() + Duration::from_secs(7200))
        .unwrap();
    says(&launch, "clock", "wrong", "the clock went back").await;

    let key = launch.folder().join("key");
    std::fs::write(&key, "hunter2hunter2hunter2").unwrap();
    let open: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    says(
        &launch.env("SESSION_SECRET_FILE", key.display()),
        "secrets",
        "doubtful",
        "/key",
    )
    .await;
}

#[tokio::test]
async fn settings_that_do_not_fit_are_the_only_thing_it_speaks_of() {
    let (is_sound, findings) = examine(&tracker().env("BASE_URL", "mon.example.com")).await;
    assert!(!is_sound);
    assert!(
        findings.iter().all(|finding| finding["area"] == "settings"),
        "{findings:#?}"
    );
    let https = tracker().env("BASE_URL", "https://mon.example.com");
    says(&https, "proxy", "doubtful", "no proxy is trusted").await;
    says(
        &tracker().env("RETENTON_DAYS", 5),
        "settings",
        "doubtful",
        "RETENTION_DAYS",
    )
    .await;
}

#[tokio::test]
async fn mail_is_tried_up_to_the_greeting_and_no_secret_is_shown() {
    let emails = || tracker().env("ALERT_EMAILS", "ops@example.com");
    says(&emails(), "mail", "wrong", "no way out for mail").await;
    let closed = emails()
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", 1)
        .env("SMTP_USERNAME", "ops")
        .env("SMTP_PASSWORD", "hunter2");
    says(&closed, "mail", "wrong", "127.0.0.1:1").await;
    let (_, findings) = examine(&closed).await;
    assert!(
        !findings
            .iter()
            .any(|finding| finding.to_string().contains("hunter2"))
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(greet(listener));
    says(
        &emails().env("SMTP_HOST", "127.0.0.1").env("SMTP_PORT", port),
        "mail",
        "well",
        "lets us in",
    )
    .await;
    let said = server.await.unwrap();
    assert!(!said.iter().any(|line| line.starts_with("MAIL")), "{said:?}");
}

/// A mail server's first words; returns what the other end said.
async fn greet(listener: TcpListener) -> Vec<String> {
    let (stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut said = Vec::new();
    write.write_all(b"220 here\r\n").await.unwrap();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        said.push(line);
        // The other end may be gone already.
        let _ = write.write_all(b"250 fine\r\n").await;
    }
    said
}
