//! The binary from outside: commands, configuration, start and stop, copies of the database.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeMap;
use std::process::Output;

use crate::support::{column, file, get_json, report, start, tracker, until};
use testkit::{Client, Launch, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn run(launch: &Launch, arguments: &[&str]) -> Output {
    launch.command(arguments).output().await.unwrap()
}

/// The first word of every line of `check-config`, and the rest of the line.
async fn configuration(launch: &Launch) -> BTreeMap<String, String> {
    let output = run(launch, &["check-config"]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let lines = text.lines().map(|line| line.split_once(' ').unwrap());
    lines
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect()
}

#[tokio::test]
async fn help_names_every_variable_and_every_command() {
    let launch = tracker();
    let help = stdout(&run(&launch, &["--help"]).await);
    for name in configuration(&launch).await.keys() {
        assert!(
            help.contains(&format!("\n  {name} ")) || help.contains(&format!("\n  {name}\n")),
            "{name}: {help}"
        );
    }
    for command in [
        "serve",
        "healthcheck",
        "check-config",
        "backup FILE",
        "ready",
        "restore FILE",
        "check-database",
        "login-link",
    ] {
        assert!(help.contains(command), "{command}: {help}");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[tokio::test]
async fn version_is_one_line_and_unknown_words_exit_with_2() {
    let launch = tracker();
    let version = run(&launch, &["--version"]).await;
    assert_eq!(
        stdout(&version),
        format!("error-tracker {}\n", env!("CARGO_PKG_VERSION"))
    );
    for (arguments, sentence) in [
        (
            &["--halthcheck"][..],
            "error-tracker: unknown argument '--halthcheck': did you mean --healthcheck?\n",
        ),
        (
            &["frobnicate"],
            "error-tracker: unknown argument 'frobnicate': see --help\n",
        ),
        (
            &["backup"],
            "error-tracker: backup needs the file to write: backup FILE\n",
        ),
        (
            &["serve", "now"],
            "error-tracker: unexpected argument 'now' after serve\n",
        ),
    ] {
        let output = run(&launch, arguments).await;
        assert_eq!(
            (output.status.code(), stderr(&output).as_str()),
            (Some(2), sentence)
        );
        assert_eq!(stdout(&output), "");
    }
}

#[tokio::test]
async fn check_config_shows_origins_and_hides_secrets() {
    let launch = tracker();
    let password = launch.folder().join("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    let launch = launch
        .env("SMTP_HOST", "mail.example.com")
        .env("SMTP_USERNAME", "ops")
        .env("SMTP_PASSWORD_FILE", password.display())
        .env("BASE_URL", "https://ann:pw@mon.example.com/")
        .env("SESSION_SECRET", "hunter3");
    let shown = configuration(&launch).await;
    let is_masked = |name: &str| shown[name].ends_with("***");
    assert!(
        is_masked("API_KEY") && is_masked("SESSION_SECRET") && is_masked("SMTP_PASSWORD"),
        "{shown:?}"
    );
    assert!(
        shown["SMTP_PASSWORD"].starts_with(&format!("file {}", password.display())),
        "{shown:?}"
    );
    assert!(shown["SMTP_HOST"].starts_with("environment "), "{shown:?}");
    assert!(
        shown["RETENTION_DAYS"].starts_with("default ") && shown["RETENTION_DAYS"].ends_with(" 90"),
        "{shown:?}"
    );
    let all = format!("{shown:?}");
    for secret in ["hunter2", "hunter3", "ann:pw", "mk_test"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_the_configuration_is_said_at_once() {
    let launch = tracker()
        .env("API_KEY", "")
        .env("RETENTION_DAYS", "-1")
        .env("MAX_BODY_BYTES", "lots")
        .env("LISTEN_ADDR", "everywhere")
        .env("TRUSTED_PROXIES", "10.0.0.0/99")
        .env("BASE_URL", "mon.example.com")
        .env("SYNCHRONOUS", "never")
        .env("SMTP_FROM", "nobody")
        .env("SMTP_USERNAME", "ops")
        .env("ALERT_EMAILS", "ops@example.com, ops")
        .env("SESSION_SECRET_FILE", "/no/such/file");
    let names = [
        "API_KEY",
        "RETENTION_DAYS",
        "MAX_BODY_BYTES",
        "LISTEN_ADDR",
        "TRUSTED_PROXIES",
        "BASE_URL",
        "SYNCHRONOUS",
        "SMTP_FROM",
        "SMTP_PASSWORD",
        "ALERT_EMAILS",
        "SESSION_SECRET",
    ];
    for arguments in [&["check-config"][..], &[]] {
        let output = run(&launch, arguments).await;
        assert!(!output.status.success());
        let said = stderr(&output);
        for name in names {
            assert!(said.contains(name), "{name}: {said}");
        }
    }
    assert!(!launch.database_path().exists(), "nothing was opened");
}

#[tokio::test]
async fn a_variable_may_come_from_a_file_but_not_from_both() {
    let launch = tracker();
    let key_file = launch.folder().join("key");
    std::fs::write(&key_file, "mk_from_file\n").unwrap();
    let mut command = launch.command(&["check-config"]);
    command.env_remove("API_KEY").env("API_KEY_FILE", &key_file);
    let output = command.output().await.unwrap();
    assert!(
        stdout(&output).contains(&format!("file {}", key_file.display())),
        "{}",
        stderr(&output)
    );

    let launch = launch.env("API_KEY_FILE", key_file.display());
    let (status, log) = launch.try_start().await.err().unwrap();
    assert!(!status.unwrap().success());
    assert!(
        log.contains("API_KEY") && log.contains("API_KEY_FILE") && !log.contains("mk_"),
        "{log}"
    );
}

#[tokio::test]
async fn the_health_check_tells_a_running_service_from_a_stopped_one() {
    let server = start().await;
    let ask_for = async |command, address: String| {
        tracker()
            .command(&[command])
            .env("LISTEN_ADDR", address)
            .output()
            .await
            .unwrap()
    };
    let ask = async |address| ask_for("--healthcheck", address).await;
    let ready = ask_for("ready", server.address.to_string()).await;
    assert_eq!((ready.status.code(), stderr(&ready)), (Some(0), String::new()));
    let (address, everywhere) = (
        server.address.to_string(),
        format!("0.0.0.0:{}", server.address.port()),
    );
    for address in [address.clone(), everywhere] {
        let well = ask(address).await;
        assert_eq!((well.status.code(), stderr(&well)), (Some(0), String::new()));
    }
    server.stop().await;
    let gone = ask(address.clone()).await;
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        stderr(&gone).starts_with(&format!("error-tracker: no answer from {address}: ")),
        "{}",
        stderr(&gone)
    );
}

#[tokio::test]
async fn a_second_instance_on_the_same_database_is_refused() {
    let launch = tracker();
    let server = launch.start().await;
    let (status, log) = launch.try_start().await.err().unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
    assert!(
        log.contains("is in use by another process: stop that one first"),
        "{log}"
    );
    crate::support::assert_alive(&server).await;
}

#[tokio::test]
#[cfg(target_env = "gnu")]
async fn all_threads_have_one_heap_unless_the_environment_says_another_number() {
    let arenas = async |launch: Launch| {
        let server = launch.start().await;
        let bytes = std::fs::read(format!("/proc/{}/environ", server.pid())).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let mut variables = text.split('\0');
        variables.find_map(|line| Some(line.strip_prefix("MALLOC_ARENA_MAX=")?.to_owned()))
    };
    assert_eq!(arenas(tracker()).await.as_deref(), Some("1"));
    let told = tracker().env("MALLOC_ARENA_MAX", 3);
    assert_eq!(arenas(told).await.as_deref(), Some("3"));
}

#[tokio::test]
async fn a_secret_that_cannot_be_kept_is_named_once() {
    let launch = tracker();
    let file = launch.database_path().with_extension("session-secret");
    std::fs::create_dir(&file).unwrap();
    let (status, log) = launch.try_start().await.err().unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
    let sentence = format!(
        "error-tracker: cannot keep a secret in {}: it is no file\n",
        file.display()
    );
    assert!(log.ends_with(&sentence), "{log}");
}

#[tokio::test]
async fn a_taken_port_is_refused() {
    let server = start().await;
    let (status, log) = tracker()
        .env("LISTEN_ADDR", server.address)
        .try_start()
        .await
        .err()
        .unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
    assert!(
        log.contains(&format!("cannot listen on {}: ", server.address)),
        "{log}"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let launch = tracker();
    launch.start().await.stop().await;
    let connection = rusqlite::Connection::open(launch.database_path()).unwrap();
    connection.pragma_update(None, "user_version", 1000).unwrap();
    let (status, log) = launch.try_start().await.err().unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
    assert!(log.contains("1000") && log.contains("newer"), "{log}");
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1000);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let launch = tracker();
    let text = "these are my notes, not a database\n".repeat(100);
    std::fs::write(launch.database_path(), &text).unwrap();
    let (status, log) = launch.try_start().await.err().unwrap();
    assert_eq!(status.unwrap().code(), Some(1));
    assert!(log.contains("is not a SQLite database"), "{log}");
    assert_eq!(std::fs::read_to_string(launch.database_path()).unwrap(), text);
}

#[tokio::test]
async fn asked_to_stop_it_answers_what_runs_and_keeps_what_it_acknowledged() {
    let launch = tracker();
    let server = launch.start().await;
    let mut waiting = Vec::new();
    for n in 0..20 {
        let body = report("p", &format!("Waiting{n}"), "m", "t").to_string();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            server.key(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        waiting.push((stream, body));
    }
    let (acknowledged, mut enough) = tokio::sync::mpsc::unbounded_channel();
    let mut senders = JoinSet::new();
    for sender in 0..8 {
        let (mut client, acknowledged) = (server.client(), acknowledged.clone());
        senders.spawn(async move {
            let body = report("p", &format!("Hasty{sender}"), "m", "t").to_string();
            let mut n_acknowledged = 0_u64;
            while let Ok(answer) = client
                .try_send("POST".parse().unwrap(), "/api/errors", &[], body.clone())
                .await
            {
                if answer.status.is_success() {
                    n_acknowledged += 1;
                    let _ = acknowledged.send(());
                } else {
                    assert_eq!(answer.status, 503, "{}", answer.text());
                }
            }
            n_acknowledged
        });
    }
    for _ in 0..100 {
        enough.recv().await.unwrap();
    }
    server.signal("TERM");
    let n_acknowledged: u64 = senders.join_all().await.into_iter().sum();
    assert!(n_acknowledged >= 100);
    // By now it takes no new connections; those whose body it waits for are still served.
    for (stream, body) in &mut waiting {
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    until("it says that it stopped", async || {
        server.log().ends_with("stopped\n")
    })
    .await;
    assert!(
        server.log().contains("SIGTERM: finishing what runs"),
        "{}",
        server.log()
    );
    assert_eq!(server.ended().await.0.code(), Some(0));

    let server = launch.start().await;
    let list = get_json(&mut server.client(), "/api/errors?search=waiting").await;
    assert_eq!(list["total"], 20);
    let list = get_json(&mut server.client(), "/api/errors?search=hasty").await;
    let n_stored: u64 = column(&list, "count").iter().filter_map(Value::as_u64).sum();
    assert!(
        (n_acknowledged..=n_acknowledged + 8).contains(&n_stored),
        "{n_acknowledged} {n_stored}"
    );
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_cut_off() {
    let server = tracker().env("SHUTDOWN_TIMEOUT", "100ms").start().await;
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
        server.key()
    );
    stuck.write_all(head.as_bytes()).await.unwrap();
    stuck.read_exact(&mut [0; 25]).await.unwrap();
    server.signal("TERM");
    until("it says so", async || {
        server.log().contains("1 connections did not finish in time")
    })
    .await;
    assert_eq!(server.ended().await.0.code(), Some(0));
}

/// Everything that the API tells of a server's groups.
async fn content(client: &mut Client) -> Vec<Value> {
    let list = get_json(client, "/api/errors?resolved=all&limit=200").await;
    let ids = column(&list, "id");
    let mut all = vec![
        list,
        get_json(client, "/api/projects").await,
        get_json(client, "/api/environments").await,
    ];
    for id in ids {
        all.push(get_json(client, &format!("/api/errors/{id}")).await);
    }
    all
}

#[tokio::test]
async fn a_backup_of_the_running_service_serves_the_same() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    for n in 0..30 {
        let mut report = report(&format!("p{}", n % 3), "E", "message", &format!("t{}", n % 10));
        report["environment"] = format!("env {}", n % 2).into();
        file(&mut client, &report).await;
    }
    client.post("/api/errors/3/resolve", "").await;
    let copy = launch.folder().join("copy.db");
    let backup = run(&launch, &["backup", copy.to_str().unwrap()]).await;
    assert!(backup.status.success(), "{}", stderr(&backup));
    assert!(
        stdout(&backup).contains("verified") && stdout(&backup).contains("groups"),
        "{}",
        stdout(&backup)
    );

    let restored = tracker().database(&copy).start().await;
    assert_eq!(content(&mut restored.client()).await, content(&mut client).await);
    crate::support::assert_alive(&restored).await;
    crate::support::assert_alive(&server).await;

    // An earlier copy is never written over.
    let again = run(&launch, &["backup", copy.to_str().unwrap()]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("already exists"), "{}", stderr(&again));

    // Nor a database that is in use. (The copy is one as well by now.)
    let second = launch.folder().join("second.db");
    let backup = run(&launch, &["backup", second.to_str().unwrap()]).await;
    assert!(backup.status.success(), "{}", stderr(&backup));
    let then = content(&mut client).await;
    file(&mut client, &report("later", "E", "message", "t")).await;
    let restore = ["restore", second.to_str().unwrap()];
    let refused = run(&launch, &restore).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("in use by another process"),
        "{}",
        stderr(&refused)
    );
    drop(client);
    server.stop().await;
    let done = run(&launch, &restore).await;
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stdout(&done).starts_with("restored: "), "{}", stdout(&done));
    let back = launch.start().await;
    assert_eq!(content(&mut back.client()).await, then);
}

#[tokio::test]
async fn check_database_finds_a_damaged_page() {
    let launch = tracker();
    let server = launch.start().await;
    for n in 0..50 {
        file(
            &mut server.client(),
            &report("p", &format!("E{n}"), &"m".repeat(3000), "t"),
        )
        .await;
    }
    let whole = run(&launch, &["check-database"]).await;
    assert!(whole.status.success(), "while it runs: {}", stderr(&whole));
    server.stop().await;
    let whole = run(&launch, &["check-database"]).await;
    assert!(
        stdout(&whole).starts_with("the database is whole, schema "),
        "{}",
        stderr(&whole)
    );

    let mut bytes = std::fs::read(launch.database_path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x5a);
    std::fs::write(launch.database_path(), bytes).unwrap();
    let damaged = run(&launch, &["check-database"]).await;
    assert_eq!(damaged.status.code(), Some(1));
    assert!(!stderr(&damaged).is_empty(), "{}", stdout(&damaged));
}

#[tokio::test]
async fn the_log_is_one_json_object_a_line_if_asked_for() {
    let server = tracker()
        .env("LOG_FORMAT", "json")
        .env("LOG_LEVEL", "trace")
        .start()
        .await;
    let mut client = server.client();
    let hostile = "a\n{\"level\":\"ERROR\"}\r\n\u{1b}[31m";
    file(&mut client, &report(hostile, hostile, hostile, hostile)).await;
    client.get("/nothing%0a%0dx").await;
    server
        .stranger()
        .with_header("x-api-key", "wrong")
        .get("/api/errors")
        .await;
    let (_, log) = server.stop().await;
    assert!(log.lines().count() > 4, "{log}");
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {line}"));
        for field in ["timestamp", "level", "target"] {
            assert!(event[field].is_string(), "{line}");
        }
    }
}
