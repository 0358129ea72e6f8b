//! Following Docker's logs and plain files, on the real binary: what is found, how it is read, and what a rotation,
//! a removal or a crash does to it. B5 and B6 of the contract's faults, each situation by name.

use crate::docker::{Docker, exported, messages, wait_for};
use testkit::Launch;

fn viewer() -> (Launch, Docker) {
    let launch = crate::support::viewer();
    let folder = launch.folder().join("containers");
    let docker = Docker::new(&folder);
    (launch.env("LOG_SOURCES", folder.display()), docker)
}

fn numbered(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("line {n}")).collect()
}

fn write(container: &mut crate::docker::Container, from: usize, to: usize) {
    for line in numbered(from, to) {
        container.line("stdout", &line);
    }
}

#[tokio::test]
async fn a_container_is_found_by_its_description_and_its_lines_are_unescaped() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    // One line is from long ago by its own time.
    let server = launch.env("RETENTION_DAYS", "0").start().await;
    let mut client = server.client();
    web.line(
        "stderr",
        "{\"level\":\"warn\",\"path\":\"C:\\\\x\",\"tab\":\"\\t\"}",
    );
    web.lines(&["2026-01-01 10:00:00 ERROR x", "\u{1b}[31mred\u{1b}[0m \"quoted\""]);
    wait_for(&mut client, "container=web", 3).await;
    let rows = exported(&mut client, "").await;
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row["level"].as_str(), row["message"].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Some("ERROR"), Some("2026-01-01 10:00:00 ERROR x")),
            (
                Some("WARNING"),
                Some("{\"level\":\"warn\",\"path\":\"C:\\\\x\",\"tab\":\"\\t\"}")
            ),
            (Some("INFO"), Some("\u{1b}[31mred\u{1b}[0m \"quoted\"")),
        ]
    );
    assert_eq!(rows[0]["time"], "2026-01-01T10:00:00.000000000Z");
}

#[tokio::test]
async fn only_the_containers_that_are_named_are_followed() {
    let (launch, mut docker) = viewer();
    let server = launch.env("CONTAINERS", "web, shop-*-api").start().await;
    let mut client = server.client();
    for name in ["db", "web", "web2", "shop-eu-api", "shop-api"] {
        docker.run(name).lines(&[name]);
    }
    let mut found = wait_for(&mut client, "", 2).await;
    found.sort();
    assert_eq!(found, ["shop-eu-api", "web"]);
}

#[tokio::test]
async fn a_new_container_is_read_from_its_first_line() {
    let (launch, mut docker) = viewer();
    let server = launch
        .env("TAIL_BUFFER", "1K")
        .env("POLL_INTERVAL", "1h")
        .start()
        .await;
    let mut client = server.client();
    docker.run("first").lines(&["hello"]);
    wait_for(&mut client, "", 1).await;
    let mut big = docker.run("big");
    write(&mut big, 0, 5000);
    assert_eq!(
        wait_for(&mut client, "container=big", 5000).await,
        numbered(0, 5000)
    );
}

#[tokio::test]
async fn of_a_log_older_than_the_first_start_the_tail_is_taken_in_whole_lines() {
    let (launch, mut docker) = viewer();
    let mut old = docker.run("old");
    write(&mut old, 0, 1000);
    let server = launch.env("TAIL_BUFFER", "1K").start().await;
    let mut client = server.client();
    old.lines(&["last"]);
    crate::support::until("the last line is there", async || {
        messages(&mut server.client(), "")
            .await
            .last()
            .is_some_and(|line| line == "last")
    })
    .await;
    let found = messages(&mut client, "").await;
    assert!((5..20).contains(&found.len()), "{found:?}");
    assert_eq!(found[..found.len() - 1], numbered(1001 - found.len(), 1000));
}

#[tokio::test]
async fn of_a_log_older_than_the_first_start_all_is_taken_with_its_rotated_files() {
    let (launch, mut docker) = viewer();
    let mut old = docker.run("old");
    for n in 0..4 {
        write(&mut old, n * 100, n * 100 + 100);
        if n < 3 {
            old.rotate(9);
        }
    }
    old.compress(3);
    old.compress(2);
    let server = launch.env("TAIL_BUFFER", "0").start().await;
    assert_eq!(wait_for(&mut server.client(), "", 400).await, numbered(0, 400));
}

#[tokio::test]
async fn the_rest_of_a_rotated_log_is_read_first() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    let mut client = server.client();
    write(&mut web, 0, 10);
    wait_for(&mut client, "", 10).await;
    // Faster than anybody looks: two rotations at once, each with unread lines.
    write(&mut web, 10, 1000);
    web.rotate(3);
    write(&mut web, 1000, 2000);
    web.rotate(3);
    write(&mut web, 2000, 3000);
    assert_eq!(wait_for(&mut client, "", 3000).await, numbered(0, 3000));
}

#[tokio::test]
async fn what_was_rotated_and_compressed_while_it_was_stopped_is_read() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    write(&mut web, 0, 500);
    wait_for(&mut server.client(), "", 500).await;
    server.kill().await;
    write(&mut web, 500, 600);
    web.rotate(5);
    write(&mut web, 600, 700);
    web.rotate(5);
    web.compress(2);
    write(&mut web, 700, 800);
    let server = launch.start().await;
    assert_eq!(wait_for(&mut server.client(), "", 800).await, numbered(0, 800));
}

#[tokio::test]
async fn half_a_line_waits_for_its_end() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    let mut client = server.client();
    let first = web.record("stdout", "first\n");
    let record = web.record("stdout", "whole\n");
    let (half, rest) = record.split_at(20);
    web.raw(first.as_bytes());
    web.raw(half.as_bytes());
    assert_eq!(wait_for(&mut client, "", 1).await, ["first"]);
    web.raw(rest.as_bytes());
    web.lines(&["last"]);
    assert_eq!(wait_for(&mut client, "", 3).await, ["first", "whole", "last"]);
}

#[tokio::test]
async fn a_line_of_many_megabytes_is_cut_and_costs_no_other() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch
        .env("MAX_LINE_BYTES", "64K")
        .env("TAIL_BUFFER", "0")
        .start()
        .await;
    let mut client = server.client();
    web.lines(&["before"]);
    web.line("stdout", &"p".repeat(20_000));
    web.line("stdout", &"x".repeat(3 << 20));
    let one_record = web.record("stdout", &format!("{}\n", "y".repeat(3 << 20)));
    web.raw(one_record.as_bytes());
    web.lines(&["after"]);
    wait_for(&mut client, "", 5).await;
    let rows = exported(&mut client, "").await;
    let sizes: Vec<usize> = rows
        .iter()
        .map(|row| row["message"].as_str().unwrap().len())
        .collect();
    assert_eq!(sizes, [6, 20_000, 64 << 10, 64 << 10, 5]);
    let marks: Vec<bool> = rows
        .iter()
        .map(|row| row["marks"].to_string().contains("cut"))
        .collect();
    assert_eq!(marks, [false, false, true, true, false]);
}

#[tokio::test]
async fn a_log_that_was_copied_and_cut_off_is_read_on_in_the_copy() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    let mut client = server.client();
    write(&mut web, 0, 100);
    wait_for(&mut client, "", 100).await;
    write(&mut web, 100, 200);
    web.copytruncate(|_| {});
    // Past the old position, so that the size alone does not tell.
    write(&mut web, 200, 700);
    assert_eq!(wait_for(&mut client, "", 700).await, numbered(0, 700));
    let rows = exported(&mut client, "").await;
    let marked: Vec<&str> = rows
        .iter()
        .filter(|row| row["marks"].to_string().contains("lost"))
        .map(|row| row["message"].as_str().unwrap())
        .collect();
    assert_eq!(marked, ["line 200"], "what was written after the copy is unknown");
}

#[tokio::test]
async fn a_log_that_was_emptied_is_read_from_its_start_and_marked() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    let mut client = server.client();
    write(&mut web, 0, 100);
    wait_for(&mut client, "", 100).await;
    std::fs::write(&web.log, "").unwrap();
    write(&mut web, 100, 400);
    assert_eq!(wait_for(&mut client, "", 400).await, numbered(0, 400));
    let rows = exported(&mut client, "").await;
    assert!(rows[100]["marks"].to_string().contains("lost"), "{}", rows[100]);
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_where_it_was() {
    let (launch, mut docker) = viewer();
    let launch = launch.env("TAIL_BUFFER", "0");
    let mut web = docker.run("web");
    for round in 0..4 {
        write(&mut web, round * 5000, round * 5000 + 5000);
        let server = launch.start().await;
        wait_for(&mut server.client(), "", round * 5000 + 1).await;
        server.kill().await;
    }
    let server = launch.start().await;
    assert_eq!(
        wait_for(&mut server.client(), "", 20_000).await,
        numbered(0, 20_000)
    );
}

#[tokio::test]
async fn a_traceback_in_two_pieces_is_one_entry() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.start().await;
    let mut client = server.client();
    web.line("stderr", "ERROR: payment failed");
    web.line("stderr", "Traceback (most recent call last):");
    web.line("stderr", "  File \"/srv/shop.py\", line 3, in pay");
    // Another stream in between, and seen, before the rest comes.
    web.lines(&["GET / 200", "GET / 200"]);
    wait_for(&mut client, "stream=stdout", 2).await;
    web.line("stderr", "    charge(card)");
    web.line("stderr", "ValueError: bad card");
    let found = wait_for(&mut client, "level=ERROR", 1).await;
    assert!(
        found[0].starts_with("ERROR: payment failed\nTraceback")
            && found[0].ends_with("ValueError: bad card"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_container_made_anew_under_its_name_goes_on() {
    let (launch, mut docker) = viewer();
    let mut web = docker.run("web");
    let server = launch.env("POLL_INTERVAL", "1h").start().await;
    let mut client = server.client();
    write(&mut web, 0, 10);
    wait_for(&mut client, "", 10).await;
    write(&mut web, 10, 500);
    web.remove();
    write(&mut docker.run("web"), 500, 1000);
    assert_eq!(
        wait_for(&mut client, "container=web", 1000).await,
        numbered(0, 1000)
    );
}

#[tokio::test]
async fn an_inode_that_the_next_file_gets_is_another_file() {
    let (launch, mut docker) = viewer();
    let mut first = docker.run("first");
    let server = launch.start().await;
    write(&mut first, 0, 100);
    wait_for(&mut server.client(), "", 100).await;
    server.kill().await;
    first.remove();
    let mut second = docker.run("second");
    write(&mut second, 1000, 1300);
    let server = launch.start().await;
    assert_eq!(
        wait_for(&mut server.client(), "container=second", 300).await,
        numbered(1000, 1300)
    );
}

#[tokio::test]
async fn plain_files_are_followed_through_their_rotation() {
    let launch = crate::support::viewer();
    let folder = launch.folder().join("logs");
    std::fs::create_dir(&folder).unwrap();
    let log = folder.join("shop.log");
    std::fs::write(folder.join("shop.log.1"), "zero\n").unwrap();
    std::fs::write(&log, "one\n").unwrap();
    let launch = launch
        .env("LOG_FILES", format!("{}/*.log*", folder.display()))
        .env("TAIL_BUFFER", "0");
    let server = launch.start().await;
    let mut client = server.client();
    assert_eq!(wait_for(&mut client, "container=shop", 2).await, ["zero", "one"]);
    std::fs::rename(folder.join("shop.log.1"), folder.join("shop.log.2")).unwrap();
    std::fs::rename(&log, folder.join("shop.log.1")).unwrap();
    std::fs::write(&log, "two\n").unwrap();
    assert_eq!(wait_for(&mut client, "", 3).await, ["zero", "one", "two"]);
}

/// A plain log of its own folder, and what is to follow it.
fn plain_log() -> (Launch, std::path::PathBuf) {
    let launch = crate::support::viewer();
    let folder = launch.folder().join("logs");
    std::fs::create_dir(&folder).expect("a launch has a folder of its own");
    let log = folder.join("shop.log");
    (
        launch.env("LOG_FILES", format!("{}/shop.log", folder.display())),
        log,
    )
}

#[tokio::test]
async fn a_log_renamed_while_nobody_followed_is_not_read_again_when_the_next_one_is_made() {
    let (launch, log) = plain_log();
    let launch = launch.env("POLL_INTERVAL", "100ms").env("TAIL_BUFFER", "0");
    let text: String = numbered(0, 100).iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&log, text).unwrap();
    let server = launch.start().await;
    wait_for(&mut server.client(), "", 100).await;
    server.stop().await;
    std::fs::rename(&log, log.with_extension("log.1")).unwrap();
    // The first look finds nothing to follow; the next log is made after it.
    let server = launch.start().await;
    wait_until_followed(&server, 0).await;
    std::fs::write(&log, "line 100\n").unwrap();
    assert_eq!(wait_for(&mut server.client(), "", 101).await, numbered(0, 101));
}

#[tokio::test]
async fn a_container_that_is_away_for_a_moment_goes_on_where_it_was() {
    let (launch, mut docker) = viewer();
    let launch = launch.env("POLL_INTERVAL", "100ms");
    let mut web = docker.run("web");
    let server = launch.start().await;
    write(&mut web, 0, 100);
    wait_for(&mut server.client(), "", 100).await;
    let elsewhere = launch.folder().join("elsewhere");
    // While it is followed.
    std::fs::rename(&web.folder, &elsewhere).unwrap();
    wait_until_followed(&server, 0).await;
    std::fs::rename(&elsewhere, &web.folder).unwrap();
    write(&mut web, 100, 200);
    assert_eq!(wait_for(&mut server.client(), "", 200).await, numbered(0, 200));
    server.stop().await;
    // At the start.
    std::fs::rename(&web.folder, &elsewhere).unwrap();
    let server = launch.start().await;
    wait_until_followed(&server, 0).await;
    std::fs::rename(&elsewhere, &web.folder).unwrap();
    write(&mut web, 200, 300);
    assert_eq!(wait_for(&mut server.client(), "", 300).await, numbered(0, 300));
}

/// Waits until a look around has found so many logs.
async fn wait_until_followed(server: &testkit::Server, n_sources: usize) {
    crate::support::until("so many logs are followed", async || {
        let status = crate::support::get_json(&mut server.client(), "/api/sources").await;
        status["folder"]["state"] != "unknown"
            && status["sources"]
                .as_array()
                .is_some_and(|sources| sources.len() == n_sources)
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_missing_is_no_failure() {
    let (launch, docker) = viewer();
    drop(docker);
    let launch = launch.env("LOG_SOURCES", "/nowhere/at/all");
    let server = launch.start().await;
    assert_eq!(server.client().get("/ready").await.status, 200);
    let (status, log) = server.stop().await;
    assert!(status.success() && !log.contains("ERROR"), "{log}");
}
