//! Who may do what: keys and where they come from, scopes, sessions, and forms of foreign pages.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::{
    browser, cookie_of, file, filled, get_json, method_of, refusal, report, sign_in, start, submit, tracker,
    until,
};
use testkit::{Answer, Client, Server, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

const INGEST: &str = "mk_ingest";
const READ: &str = "mk_read";
const ADMIN: &str = "mk_admin";

fn invalid() -> (u16, String) {
    (401, "Invalid API key".to_owned())
}

/// A file of keys, `(name, key, scope)`, put in place in one step as an editor does.
fn write_keys(path: &Path, keys: &[(&str, &str, &str)]) {
    let entry = |(name, key, scope): &(&str, &str, &str)| {
        format!("[[keys]]\nname = \"{name}\"\nkey = \"{key}\"\nscopes = [\"{scope}\"]\n")
    };
    let draft = path.with_extension("draft");
    std::fs::write(&draft, keys.iter().map(entry).collect::<String>()).unwrap();
    std::fs::rename(draft, path).unwrap();
}

/// A tracker with one key for each scope, and `API_KEY`.
async fn start_with_scopes() -> Server {
    let launch = tracker().env("TRUSTED_PROXIES", "127.0.0.1");
    let keys = launch.folder().join("keys.toml");
    write_keys(
        &keys,
        &[
            ("sdk", INGEST, "ingest"),
            ("wall", READ, "read"),
            ("ops", ADMIN, "admin"),
        ],
    );
    let launch = launch.env("API_KEYS_FILE", keys.display());
    launch.start().await
}

#[tokio::test]
async fn a_key_comes_in_one_of_three_places_and_a_header_decides() {
    let server = start().await;
    let key = server.key();
    let with_query = format!("/api/projects?api_key={key}");
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let with_encoded = format!("/api/projects?api_key={encoded}");
    let bearer = format!("Bearer {key}");
    let shouted = format!("bearer  {key} ");
    let basic = "Basic dXNlcjpwYXNz";
    let plain = "/api/projects";
    for (path, headers, is_in) in [
        (plain, vec![("X-API-KEY", key)], true),
        (plain, vec![("authorization", bearer.as_str())], true),
        (plain, vec![("authorization", shouted.as_str())], true),
        (with_query.as_str(), vec![], true),
        (with_encoded.as_str(), vec![], true),
        // A proxy's own sign-in is no key and decides nothing.
        (with_query.as_str(), vec![("authorization", basic)], true),
        (plain, vec![("authorization", basic)], false),
        (plain, vec![], false),
        (plain, vec![("x-api-key", "")], false),
        (plain, vec![("authorization", "Bearer ")], false),
        ("/api/projects?api_key=", vec![], false),
        (with_query.as_str(), vec![("x-api-key", "wrong")], false),
        (with_query.as_str(), vec![("x-api-key", "")], false),
        (
            with_query.as_str(),
            vec![("authorization", "Bearer wrong")],
            false,
        ),
        (
            plain,
            vec![("x-api-key", "wrong"), ("authorization", bearer.as_str())],
            false,
        ),
        (plain, vec![("x-api-key", &key[..key.len() - 1])], false),
        (plain, vec![("cookie", key)], false),
    ] {
        let answer = server
            .stranger()
            .send("GET".parse().unwrap(), path, &headers, "")
            .await;
        if is_in {
            assert_eq!(answer.status, 200, "{path} {headers:?}");
        } else {
            assert_eq!(refusal(&answer), invalid(), "{path} {headers:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"monlight\"");
        }
    }
}

#[tokio::test]
async fn a_set_but_empty_key_does_not_start() {
    for name in ["API_KEY", "SESSION_SECRET"] {
        let (status, log) = tracker().env(name, "").try_start().await.err().unwrap();
        assert_eq!(status.unwrap().code(), Some(1));
        assert!(
            log.contains(&format!(
                "{name} is set but empty: give it a value or leave it out"
            )),
            "{log}"
        );
    }
}

#[tokio::test]
async fn the_first_start_makes_a_key_and_prints_it_once() {
    let launch = tracker();
    let (mut server, printed) = first_start(&launch).await;
    let key_file = launch.database_path().with_extension("api-key");
    let key = std::fs::read_to_string(&key_file).unwrap().trim().to_owned();
    assert!(key.starts_with("mk_") && key.len() > 40, "{key}");
    assert_eq!(printed.matches(&key).count(), 1, "{printed}");
    assert!(printed.contains(&key_file.display().to_string()), "{printed}");
    for file in [key_file, launch.database_path().with_extension("session-secret")] {
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    let address = address_in(&printed);
    assert_eq!(
        Client::new(address)
            .with_header("x-api-key", &key)
            .get("/api/projects")
            .await
            .status,
        200
    );
    server.kill().await.unwrap();

    // The second start keeps it and keeps quiet.
    let mut command = launch.command(&[]);
    command
        .env_remove("API_KEY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = log.next_line().await.unwrap().unwrap();
        if line.contains("listening on") {
            break address_in(&line);
        }
    };
    assert_eq!(
        Client::new(address)
            .with_header("x-api-key", &key)
            .get("/api/projects")
            .await
            .status,
        200
    );
    child.kill().await.unwrap();
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .await
        .unwrap();
    assert_eq!(printed, "");
}

/// Starts without `API_KEY`; returns the process and what it printed up to its login link.
async fn first_start(launch: &testkit::Launch) -> (tokio::process::Child, String) {
    let mut command = launch.command(&[]);
    let mut child = command
        .env_remove("API_KEY")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        printed.extend([line.as_str(), "\n"]);
        if line.contains("/login/link?token=") {
            return (child, printed);
        }
    }
    panic!("no link: {printed}");
}

fn address_in(text: &str) -> std::net::SocketAddr {
    let (_, rest) = text.split_once("http://").unwrap();
    rest.split(['/', '\n', ' ']).next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_login_link_signs_in_once_and_opening_it_does_not_use_it_up() {
    let launch = tracker();
    let server = launch.start().await;
    let printed = launch.command(&["login-link"]).output().await.unwrap();
    let link = String::from_utf8(printed.stdout).unwrap();
    let (_, token) = link.trim().split_once("/login/link?token=").unwrap();

    for _ in 0..3 {
        let page = server.stranger().get(&format!("/login/link?token={token}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("type=\"submit\"") && page.header("set-cookie").is_empty());
    }
    let form = format!("token={token}&next=errors%2F1");
    let signed_in = submit(&server, "/login/link", None, &form).await;
    assert_eq!(
        (signed_in.status.as_u16(), signed_in.header("location")),
        (303, "../errors/1")
    );
    assert_eq!(
        browser(&server, &cookie_of(&signed_in)).get("/").await.status,
        200
    );

    let again = submit(&server, "/login/link", None, &form).await;
    assert_eq!((again.status.as_u16(), again.header("set-cookie")), (401, ""));
    assert!(again.text().contains("used already"), "{}", again.text());
    let forged = submit(&server, "/login/link", None, "token=forged").await;
    assert_eq!(forged.status, 401);
}

#[tokio::test]
async fn every_operation_of_the_document_asks_for_its_scope() {
    let server = start_with_scopes().await;
    let document = get_json(&mut server.stranger(), "/openapi.json").await;
    let mut n_guarded = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "parameters")
        {
            let scope = operation["security"][0]["apiKey"][0].as_str();
            n_guarded += usize::from(scope.is_some());
            for (who, key) in [
                ("nobody", None),
                ("wrong", Some("mk_wrong")),
                ("ingest", Some(INGEST)),
                ("read", Some(READ)),
                ("admin", Some(ADMIN)),
            ] {
                let mut headers = vec![("x-forwarded-for", "203.0.113.1")];
                headers.extend(key.map(|key| ("x-api-key", key)));
                let method = method_of(path, method).parse().unwrap();
                let address = filled(&mut server.client(), path).await;
                let answer = server.stranger().send(method, &address, &headers, "").await;
                let status = answer.status.as_u16();
                let case = format!("{who}: {} {path}: {status}", operation["operationId"]);
                match scope {
                    None => assert!(![401, 403].contains(&status), "{case}"),
                    Some(_) if key.is_none() => assert_eq!(status, 401, "{case}"),
                    Some(_) if who == "wrong" => assert!([401, 429].contains(&status), "{case}"),
                    Some(scope) if who == scope || who == "admin" => {
                        assert!(![401, 403, 404, 405].contains(&status), "{case}")
                    }
                    Some(_) if address == "/api/live" => assert_eq!(status, 403, "{case}"),
                    Some(scope) => assert_eq!(
                        refusal(&answer),
                        (403, format!("this key lacks the scope '{scope}'")),
                        "{case}"
                    ),
                }
            }
        }
    }
    assert_eq!(
        n_guarded, 33,
        "a new operation is here as soon as it is in the document"
    );
}

#[tokio::test]
async fn a_session_may_do_what_its_key_may() {
    let server = start_with_scopes().await;
    file(&mut server.client(), &report("p", "E", "m", "t")).await;
    for (key, page, resolve) in [(INGEST, 403, 403), (READ, 200, 403), (ADMIN, 200, 303)] {
        let cookie = sign_in(&server, key).await;
        assert_eq!(
            browser(&server, &cookie).get("/errors/1").await.status,
            page,
            "{key}"
        );
        let answer = submit(&server, "/errors/1/resolve", Some(&cookie), "").await;
        assert_eq!(answer.status, resolve, "{key}");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_restart_and_sessions_die_with_their_key() {
    let launch = tracker();
    let keys = launch.folder().join("keys.toml");
    write_keys(&keys, &[("old", "mk_old", "admin")]);
    let server = launch.env("API_KEYS_FILE", keys.display()).start().await;
    let works = async |key: &str| {
        let mut client = server.stranger().with_header("x-api-key", key);
        client.get("/api/projects").await.status == 200
    };
    assert!(works("mk_old").await);
    let cookie = sign_in(&server, "mk_old").await;
    assert_eq!(browser(&server, &cookie).get("/").await.status, 200);

    write_keys(&keys, &[("old", "mk_old", "admin"), ("new", "mk_new", "admin")]);
    until("the new key works", async || works("mk_new").await).await;
    assert!(works("mk_old").await);

    write_keys(&keys, &[("new", "mk_new", "admin")]);
    until("the old key is dead", async || !works("mk_old").await).await;
    assert!(works("mk_new").await);
    let page = browser(&server, &cookie).get("/").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "login"));
    assert_eq!(browser(&server, &cookie).get("/api/projects").await.status, 401);

    // A file that cannot be used leaves the keys as they are, and says so without showing one.
    std::fs::write(&keys, "[[keys]]\nname = 'x'\nkey = mk_marker\n").unwrap();
    until("the log says so", async || {
        server.log().contains("the old keys stay")
    })
    .await;
    assert!(works("mk_new").await && works(server.key()).await);
    assert!(!server.log().contains("mk_"), "{}", server.log());
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_foreign_forms() {
    let server = start_with_scopes().await;
    let plain = submit(&server, "/login", None, &format!("key={READ}")).await;
    let attributes = plain.header("set-cookie").split_once(';').unwrap().1;
    assert!(plain.header("set-cookie").starts_with("monlight="));
    assert_eq!(attributes, " Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    assert_eq!(plain.header("strict-transport-security"), "");

    let mut headers = crate::support::own_form(&server);
    headers.push(("x-forwarded-proto", "https".to_owned()));
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let form = format!("key={READ}");
    let mut tls = server.stranger();
    let tls = tls.send("POST".parse().unwrap(), "/login", &headers, form).await;
    assert!(tls.header("set-cookie").starts_with("__Host-monlight="));
    let attributes = tls.header("set-cookie").split_once(';').unwrap().1;
    assert_eq!(
        attributes,
        " Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(tls.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(browser(&server, &cookie_of(&tls)).get("/").await.status, 200);
}

#[tokio::test]
async fn services_that_share_a_secret_share_one_sign_in() {
    let secret = "a secret of two services";
    let one = tracker().env("SESSION_SECRET", secret).start().await;
    let two = tracker().env("SESSION_SECRET", secret).start().await;
    let stranger = tracker().env("SESSION_SECRET", "another").start().await;
    let cookie = sign_in(&one, one.key()).await;
    assert_eq!(browser(&two, &cookie).get("/").await.status, 200);
    assert_eq!(browser(&stranger, &cookie).get("/").await.status, 303);
}

#[tokio::test]
async fn signing_out_ends_the_session_also_for_who_copied_the_cookie() {
    let server = start().await;
    let cookie = sign_in(&server, server.key()).await;
    let other = sign_in(&server, server.key()).await;
    let answer = submit(&server, "/logout", Some(&cookie), "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "login")
    );
    let dropped: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert!(
        dropped
            .iter()
            .any(|it| it.to_str().unwrap().starts_with("monlight=; Path=/; Max-Age=0;")),
        "{dropped:?}"
    );
    assert_eq!(browser(&server, &cookie).get("/").await.status, 303);
    assert_eq!(browser(&server, &other).get("/").await.status, 200);
}

#[tokio::test]
async fn tampered_cookies_are_nobodys() {
    let server = start().await;
    let cookie = sign_in(&server, server.key()).await;
    let mut flipped = cookie.clone();
    let last = flipped.pop().unwrap();
    flipped.push(if last == 'A' { 'B' } else { 'A' });
    for cookie in [
        &cookie[..cookie.len() - 1],
        &format!("{cookie}x"),
        "monlight=",
        "monlight=x.y",
        "monlight=é",
    ] {
        assert_eq!(browser(&server, cookie).get("/").await.status, 303, "{cookie}");
    }
    assert_eq!(browser(&server, &flipped).get("/").await.status, 303);
    assert_eq!(
        browser(&server, &format!("a=1; {cookie}; b=2"))
            .get("/")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn foreign_pages_cannot_change_anything() {
    let server = start().await;
    file(&mut server.client(), &report("p", "E", "m", "t")).await;
    let cookie = sign_in(&server, server.key()).await;
    let own = format!("http://{}", server.address);
    let foreign: &[&[(&str, &str)]] = &[
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("referer", &own)],
    ];
    let form = format!("key={}", server.key());
    let doors = [
        ("/errors/1/resolve", ""),
        ("/errors/1/reopen", ""),
        ("/api/errors/1/resolve", ""),
        ("/api/errors", "{}"),
        ("/logout", ""),
        ("/login", &form),
    ];
    for (path, body) in doors {
        for headers in foreign {
            let mut client = browser(&server, &cookie);
            let answer = client
                .send("POST".parse().unwrap(), path, headers, body.to_owned())
                .await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    let group = get_json(&mut server.client(), "/api/errors/1").await;
    assert_eq!((&group["resolved"], &group["count"]), (&json!(false), &json!(1)));
    assert_eq!(
        browser(&server, &cookie).get("/").await.status,
        200,
        "still signed in"
    );

    let own: &[&[(&str, &str)]] = &[&[("sec-fetch-site", "same-origin")], &[("origin", &own)]];
    for (headers, verb) in own.iter().zip(["resolve", "reopen"]) {
        let mut client = browser(&server, &cookie);
        let path = format!("/errors/1/{verb}");
        let answer = client.send("POST".parse().unwrap(), &path, headers, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "../1"),
            "{headers:?}"
        );
    }
    // A key is no cookie: no browser adds it by itself.
    let headers = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];
    let answer = server
        .client()
        .send("POST".parse().unwrap(), "/api/errors/1/resolve", &headers, "")
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn visitors_are_led_to_the_login_page_and_back() {
    let server = start().await;
    let mut stranger = server.stranger();
    for (path, location) in [
        ("/", "login"),
        ("/?project=a+b", "login?next=%3Fproject%3Da%2Bb"),
        (
            "/errors/7?occurrence=1",
            "../login?next=errors/7%3Foccurrence%3D1",
        ),
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, location)
        );
    }
    // A key in the URL opens no page: it would stay in the browser's history.
    let with_key = stranger.get(&format!("/?api_key={}", server.key())).await;
    assert_eq!(with_key.status, 303);

    for (next, location) in [
        ("errors/7", "errors/7"),
        ("%3Fproject%3Da", "./?project=a"),
        ("", "./"),
        ("%2F%2Fevil.example", "./"),
        ("https%3A%2F%2Fevil.example", "./"),
        ("javascript%3Aalert(1)", "./"),
        ("..%2F..%2Fevil", "./"),
        ("%5C%5Cevil.example", "./"),
        ("%2Flogin", "./"),
        ("x%0D%0Aset-cookie%3A+a%3Db", "./"),
        ("%09%2F%2Fevil.example", "./"),
    ] {
        let answer = submit(
            &server,
            "/login",
            None,
            &format!("key={}&next={next}", server.key()),
        )
        .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, location),
            "{next}"
        );
        let mut signed_in = browser(&server, &cookie_of(&answer));
        let answer = signed_in.get(&format!("/login?next={next}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, location),
            "{next}"
        );
    }
}

#[tokio::test]
async fn ten_wrong_keys_are_enough() {
    let server = tracker().env("TRUSTED_PROXIES", "127.0.0.1").start().await;
    let attempt = async |address: &'static str, key: &str| -> Answer {
        let mut headers = crate::support::own_form(&server);
        headers.push(("x-forwarded-for", address.to_owned()));
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        server
            .stranger()
            .send("POST".parse().unwrap(), "/login", &headers, format!("key={key}"))
            .await
    };
    for _ in 0..10 {
        let wrong = attempt("203.0.113.1", "wrong").await;
        assert_eq!((wrong.status.as_u16(), wrong.header("set-cookie")), (401, ""));
        assert!(wrong.text().contains("That is not a valid key."));
    }
    let blocked = attempt("203.0.113.1", "wrong").await;
    assert_eq!(blocked.status, 429);
    let seconds: u64 = blocked.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(
        attempt("203.0.113.1", server.key()).await.status,
        429,
        "so that guesses tell nothing"
    );
    assert_eq!(
        attempt("203.0.113.2", server.key()).await.status,
        303,
        "another address is free"
    );
}
