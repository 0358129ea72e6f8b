//! `GET /api/errors` and the names to filter it by.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{column, file, get_json, refusal, report, report_with, start, tracker};
use testkit::{Client, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// Files one group for each name: type and traceback are the name.
async fn file_named(client: &mut Client, names: &[&str]) {
    for name in names {
        file(client, &report("p", name, "m", name)).await;
    }
}

/// The types of the groups that `path` lists, in its order, and the total it tells.
async fn types(client: &mut Client, query: &str) -> (Vec<String>, u64) {
    let list = get_json(client, &format!("/api/errors?{query}")).await;
    let types = column(&list, "exception_type").into_iter();
    let types = types.map(|name| name.as_str().unwrap().to_owned()).collect();
    (types, list["total"].as_u64().unwrap())
}

async fn check(client: &mut Client, query: &str, expected: &[&str]) {
    let (mut found, total) = types(client, query).await;
    found.sort_unstable();
    assert_eq!(found, expected, "{query}");
    assert_eq!(total, expected.len() as u64, "{query}");
}

#[tokio::test]
async fn an_empty_list_and_a_row_have_these_fields() {
    let server = start().await;
    let mut client = server.client();
    let empty = get_json(&mut client, "/api/errors").await;
    assert_eq!(empty, json!({"errors": [], "total": 0, "limit": 50, "offset": 0}));

    let traceback = "  File \"/srv/cart.py\", line 7, in pay";
    file(
        &mut client,
        &report_with(&json!({"traceback": traceback, "environment": "prod"})),
    )
    .await;
    let mut list = get_json(&mut client, "/api/errors").await;
    let row = &mut list["errors"][0];
    assert!(row["last_seen"].as_str().unwrap() >= row["first_seen"].as_str().unwrap());
    (row["last_seen"], row["first_seen"]) = (Value::Null, Value::Null);
    let expected = json!({
        "id": 1,
        "fingerprint": "563bc28a3f8d14e2988ad5ded42190d9",
        "project": "shop",
        "environment": "prod",
        "exception_type": "ValueError",
        "message": "bad value",
        "culprit": "cart.py in pay",
        "count": 1,
        "first_seen": null,
        "last_seen": null,
        "resolved": false,
        "state": "open",
        "source": "server",
        "level": "error",
        "release": null,
        "users": 0,
        "first_release": null,
    });
    assert_eq!(*row, expected);
}

#[tokio::test]
async fn any_project_name_can_be_asked_for() {
    let server = start().await;
    let mut client = server.client();
    let names = [
        "",
        "my shop",
        "a&b=c",
        "100%",
        "größe",
        "商店",
        "it's \"x\"",
        "a+b",
        "; drop table groups",
    ];
    for name in names {
        file(&mut client, &report(name, name, "m", "t")).await;
    }
    let asked = [
        ("my%20shop", "my shop"),
        ("my+shop", "my shop"),
        ("a%26b%3Dc", "a&b=c"),
        ("100%25", "100%"),
        ("gr%C3%B6%C3%9Fe", "größe"),
        ("%E5%95%86%E5%BA%97", "商店"),
        ("it%27s%20%22x%22", "it's \"x\""),
        ("a%2Bb", "a+b"),
        ("%3B%20drop%20table%20groups", "; drop table groups"),
    ];
    for (encoded, name) in asked {
        check(&mut client, &format!("project={encoded}"), &[name]).await;
    }
    check(&mut client, "project=My%20shop", &[]).await;
    check(&mut client, "project=%FF", &[]).await;
    // Not given, or the last of several.
    assert_eq!(types(&mut client, "project=").await.1, names.len() as u64);
    check(&mut client, "project=x&project=my+shop", &["my shop"]).await;

    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(
        get_json(&mut client, "/api/projects?x=1").await,
        json!({"projects": sorted})
    );
}

#[tokio::test]
async fn source_and_session_are_filters() {
    let server = start().await;
    let mut client = server.client();
    file_named(&mut client, &["server"]).await;
    let browser = json!({"request_method": "BROWSER", "extra": {"session_id": "s 1&2"}});
    let mut report = report_with(&browser);
    (report["exception_type"], report["traceback"]) = (json!("browser"), json!("b"));
    file(&mut client, &report).await;

    check(&mut client, "source=browser", &["browser"]).await;
    check(&mut client, "source=server", &["server"]).await;
    check(&mut client, "source=mail", &["browser", "server"]).await;
    check(&mut client, "session_id=s+1%262", &["browser"]).await;
    check(&mut client, "session_id=s", &[]).await;
    check(&mut client, "session_id=s+1%262&source=server", &[]).await;
    let list = get_json(&mut client, "/api/errors?source=browser").await;
    assert_eq!(column(&list, "source"), ["browser"]);
}

#[tokio::test]
async fn environments_are_a_filter_and_a_list_of_names() {
    let server = start().await;
    let mut client = server.client();
    for (name, environment) in [("a", "prod"), ("b", "staging 2"), ("a", "dev"), ("c", "")] {
        let mut report = report("p", name, "m", name);
        report["environment"] = json!(environment);
        file(&mut client, &report).await;
    }
    file_named(&mut client, &["d"]).await;
    check(&mut client, "environment=prod", &["a"]).await;
    check(&mut client, "environment=dev", &["a"]).await;
    check(&mut client, "environment=staging+2", &["b"]).await;
    check(&mut client, "environment=none", &[]).await;
    let names = get_json(&mut client, "/api/environments").await;
    assert_eq!(names, json!({"environments": ["dev", "prod", "staging 2"]}));
}

#[tokio::test]
async fn open_resolved_or_all_groups_are_listed() {
    let server = start().await;
    let mut client = server.client();
    file_named(&mut client, &["open", "done"]).await;
    client.post("/api/errors/2/resolve", "").await;
    for query in [
        "",
        "resolved=",
        "resolved=false",
        "resolved=0",
        "resolved=TRUE",
        "resolved=yes",
    ] {
        check(&mut client, query, &["open"]).await;
    }
    for query in ["resolved=true", "resolved=1", "resolved=false&resolved=1"] {
        check(&mut client, query, &["done"]).await;
    }
    check(&mut client, "resolved=all", &["done", "open"]).await;
}

#[tokio::test]
async fn since_compares_times_not_texts() {
    let server = start().await;
    let mut client = server.client();
    file_named(&mut client, &["a"]).await;
    let list = get_json(&mut client, "/api/errors").await;
    let seen = list["errors"][0]["last_seen"].as_str().unwrap();
    let seen = OffsetDateTime::parse(seen, &Rfc3339).unwrap();

    let (just_before, at, after) = (seen - Duration::MILLISECOND, seen, seen + Duration::MILLISECOND);
    for (since, expected) in [(just_before, &["a"][..]), (at, &["a"]), (after, &[])] {
        for hours in [0, 14, -12] {
            let there = since.to_offset(UtcOffset::from_hms(hours, 30 * hours.signum(), 0).unwrap());
            let text = there
                .format(&Rfc3339)
                .unwrap()
                .replace(':', "%3A")
                .replace('+', "%2B");
            check(&mut client, &format!("since={text}"), expected).await;
        }
    }
    // A whole hour ahead, in the form that compares wrongly as text.
    let later = (seen + Duration::minutes(10)).to_offset(UtcOffset::from_hms(-12, 0, 0).unwrap());
    check(
        &mut client,
        &format!("since={}", later.format(&Rfc3339).unwrap()),
        &[],
    )
    .await;

    let today = seen.date();
    check(&mut client, &format!("since={today}"), &["a"]).await;
    check(&mut client, &format!("since={}", today.next_day().unwrap()), &[]).await;
    for no_time in ["yesterday", "12:00", "2026-13-01T00:00:00Z", "1795168800"] {
        let answer = client.get(&format!("/api/errors?since={no_time}")).await;
        let detail = "since must be a time such as 2026-01-31T12:00:00Z";
        assert_eq!(refusal(&answer), (400, detail.to_owned()), "{no_time}");
    }
}

#[tokio::test]
async fn limit_and_offset_cut_pages_and_nonsense_in_them_is_ignored() {
    let server = start().await;
    let mut client = server.client();
    let names: Vec<String> = (0..7).map(|n| format!("E{n}")).collect();
    file_named(&mut client, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (query, limit, offset, n_rows) in [
        ("", 50, 0, 7),
        ("limit=3", 3, 0, 3),
        ("limit=3&offset=6", 3, 6, 1),
        ("offset=7", 50, 7, 0),
        ("limit=0", 50, 0, 7),
        ("limit=200", 200, 0, 7),
        ("limit=201", 200, 0, 7),
        ("limit=18446744073709551615", 200, 0, 7),
        ("limit=18446744073709551616", 50, 0, 7),
        ("limit=-1&offset=-1", 50, 0, 7),
        ("limit=x&offset=y", 50, 0, 7),
        ("limit=&offset=", 50, 0, 7),
        ("limit=1.5", 50, 0, 7),
        ("limit=2&limit=3", 3, 0, 3),
        ("offset=18446744073709551615", 50, u64::MAX, 0),
    ] {
        let list = get_json(&mut client, &format!("/api/errors?{query}")).await;
        assert_eq!(
            (&list["limit"], &list["offset"]),
            (&json!(limit), &json!(offset)),
            "{query}"
        );
        assert_eq!(list["errors"].as_array().unwrap().len(), n_rows, "{query}");
        assert_eq!(list["total"], 7, "{query}");
    }
}

#[tokio::test]
async fn groups_seen_at_the_same_moment_have_one_order_on_all_pages() {
    let launch = tracker();
    let server = launch.start().await;
    let names: Vec<String> = (0..23).map(|n| format!("E{n}")).collect();
    file_named(
        &mut server.client(),
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    server.stop().await;
    let same_moment = "update groups set last_seen_at = 1000 + id / 10";
    rusqlite::Connection::open(launch.database_path())
        .unwrap()
        .execute(same_moment, [])
        .unwrap();

    let server = launch.start().await;
    let mut client = server.client();
    let whole = column(&get_json(&mut client, "/api/errors").await, "id");
    assert_eq!(whole, (1..=23).rev().map(Value::from).collect::<Vec<_>>());
    let mut pages = Vec::new();
    for offset in (0..23).step_by(4) {
        pages.extend(column(
            &get_json(&mut client, &format!("/api/errors?limit=4&offset={offset}")).await,
            "id",
        ));
    }
    assert_eq!(pages, whole);
}

#[tokio::test]
async fn the_newest_report_puts_its_group_first() {
    let launch = tracker();
    let server = launch.start().await;
    file_named(&mut server.client(), &["a", "b"]).await;
    server.stop().await;
    rusqlite::Connection::open(launch.database_path())
        .unwrap()
        .execute("update groups set last_seen_at = id", [])
        .unwrap();
    let server = launch.start().await;
    let mut client = server.client();
    assert_eq!(types(&mut client, "").await.0, ["b", "a"]);
    file_named(&mut client, &["a"]).await;
    assert_eq!(types(&mut client, "").await.0, ["a", "b"]);
}

#[tokio::test]
async fn any_text_can_be_searched_for_and_means_itself() {
    let server = start().await;
    let mut client = server.client();
    for (name, message) in [
        ("ZeroDivisionError", "division by zero in C++"),
        ("Full", "disk at 100% (50_000 files) \"full\""),
        ("Text", "除零错误 naïve O'Brien"),
        ("Path", "cannot open C:\\temp\\a.txt: user@host.example"),
        ("NEAR", "NOT found AND lost*"),
    ] {
        file(&mut client, &report("p", name, message, name)).await;
    }
    for (search, expected) in [
        ("division", &["ZeroDivisionError"][..]),
        ("DIVISION zero", &["ZeroDivisionError"]),
        ("\"division by\"", &["ZeroDivisionError"]),
        ("\"by division\"", &[]),
        ("zerodiv", &["ZeroDivisionError"]),
        ("C++", &["ZeroDivisionError"]),
        ("++", &["ZeroDivisionError"]),
        ("\"", &["Full"]),
        ("100%", &["Full"]),
        ("%", &["Full"]),
        ("0_0", &["Full"]),
        ("_", &["Full"]),
        ("除零", &["Text"]),
        ("除零错误", &["Text"]),
        ("零", &["Text"]),
        ("naïve", &["Text"]),
        ("O'Brien", &["Text"]),
        ("'", &["Text"]),
        ("C:\\temp", &["Path"]),
        ("\\", &["Path"]),
        ("user@host.example", &["Path"]),
        ("NOT found", &["NEAR"]),
        ("lost*", &["NEAR"]),
        ("los*", &[]),
        ("exception_type:NEAR", &[]),
        ("NEAR(a b)", &[]),
        (") OR (", &[]),
        ("-division", &[]),
        ("nothing like it", &[]),
    ] {
        let encoded: String = search.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for name in ["search", "q"] {
            check(&mut client, &format!("{name}={encoded}"), expected).await;
        }
    }
    for blank in ["", "+", "%20%09", "%22%22"] {
        assert_eq!(
            types(&mut client, &format!("search={blank}")).await.1,
            5,
            "{blank}"
        );
    }
    // Long and many-worded texts are a search too, not an error.
    for text in [
        "a+".repeat(2000),
        "%22".repeat(1000),
        "x".repeat(8000),
        "%00%01%EF%BF%BD".to_owned(),
    ] {
        get_json(&mut client, &format!("/api/errors?search={text}")).await;
    }
}

#[tokio::test]
async fn filters_are_joined_and_the_total_counts_what_fits() {
    let server = start().await;
    let mut client = server.client();
    for (project, name, environment) in [
        ("a", "X", "prod"),
        ("a", "Y", "prod"),
        ("a", "Z", "dev"),
        ("b", "X", "prod"),
    ] {
        let mut report = report(project, name, "message", &format!("{project}{name}{environment}"));
        report["environment"] = json!(environment);
        file(&mut client, &report).await;
    }
    check(
        &mut client,
        "project=a&environment=prod&search=message&source=server",
        &["X", "Y"],
    )
    .await;
    check(&mut client, "project=a&environment=prod&search=X", &["X"]).await;
    let page = get_json(&mut client, "/api/errors?project=a&limit=1").await;
    assert_eq!(
        (page["errors"].as_array().unwrap().len(), &page["total"]),
        (1, &json!(3))
    );
}
