//! Keys and passwords appear nowhere: not in the log, not in answers, not in the process list.

use crate::support::{browser, cookie_of, file, report, sign_in, submit, tracker};
use testkit::Answer;

/// In every secret of this test, and in nothing else.
const MARKER: &str = "m4rk3r";

#[tokio::test]
async fn no_secret_reaches_the_log_an_answer_or_the_process_list() {
    let launch = tracker();
    let keys = launch.folder().join("keys.toml");
    let key = format!("mk_file_{MARKER}");
    std::fs::write(
        &keys,
        format!("[[keys]]\nname = 'sdk'\nkey = '{key}'\nscopes = ['read']\n"),
    )
    .unwrap();
    let server = launch
        .env("API_KEYS_FILE", keys.display())
        .env("SESSION_SECRET", format!("secret {MARKER}"))
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", 1)
        .env("SMTP_USERNAME", "ops")
        .env("SMTP_PASSWORD", format!("password {MARKER}"))
        .env("ALERT_EMAILS", "ops@example.com")
        .env("LOG_LEVEL", "trace")
        .start()
        .await;
    let wrong = format!("wrong_{MARKER}");
    let mut answers: Vec<Answer> = Vec::new();

    let mut app = server.client();
    file(&mut app, &report("p", "E", "m", "t")).await;
    answers.push(app.post("/api/test-alert", "").await);
    answers.push(app.get("/metrics").await);
    for key in [&key, &wrong] {
        let bearer = format!("Bearer {key}");
        for (path, headers) in [
            ("/api/errors".to_owned(), vec![("x-api-key", key.as_str())]),
            ("/api/errors".to_owned(), vec![("authorization", &bearer)]),
            (format!("/api/errors?api_key={key}"), vec![]),
            (format!("/api/nothing?api_key={key}"), vec![]),
            (format!("/nothing?api_key={key}"), vec![("accept", "text/html")]),
            ("/".to_owned(), vec![("cookie", key.as_str())]),
        ] {
            answers.push(
                server
                    .stranger()
                    .send("GET".parse().unwrap(), &path, &headers, "")
                    .await,
            );
        }
        answers.push(submit(&server, "/login", None, &format!("key={key}")).await);
        answers.push(submit(&server, "/login/link", None, &format!("token=x&key={key}")).await);
    }
    let cookie = sign_in(&server, &key).await;
    for path in ["/", "/errors/1", "/docs", "/login", "/errors/99"] {
        answers.push(browser(&server, &cookie).get(path).await);
    }
    answers.push(submit(&server, "/logout", Some(&cookie), "").await);

    let session = cookie.split_once('=').unwrap().1;
    for answer in &answers {
        let all = format!("{:?}\n{}", answer.headers, answer.text());
        assert!(!all.contains(MARKER) && !all.contains(server.key()), "{all}");
        let is_its_own = !answer.header("set-cookie").is_empty() && cookie_of(answer) == cookie;
        assert!(is_its_own || !all.contains(session), "{all}");
    }
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap();
    let api_key = server.key();
    crate::support::until("the mail was tried", async || {
        server.log().contains("was not delivered")
    })
    .await;
    let (_, log) = server.stop().await;
    assert!(log.contains("DEBUG"), "the log is as wordy as it gets");
    for secret in [MARKER, api_key, session] {
        assert!(!log.contains(secret) && !command_line.contains(secret), "{log}");
    }
}
