//! Texts and JSON as errors really carry them: what must go, and what must stay untouched.

#![allow(clippy::unwrap_used, reason = "a failed test")]

use std::borrow::Cow;

use scrub::Scrubber;

/// In each pair: the text, and what is left of it.
fn check_text(cases: &[(&str, &str)]) {
    let scrubber = Scrubber::default();
    let wrong = cases.iter().filter_map(|(text, expected)| {
        let scrubbed = scrubber.text(text);
        (scrubbed != *expected).then(|| format!("{text}\n  gives    {scrubbed}\n  not      {expected}"))
    });
    report(wrong.collect());
    // The same texts as strings in JSON, with everything escaped that can be.
    let wrong = cases.iter().filter_map(|(text, expected)| {
        let json = serde_json::to_string(&[text]).unwrap();
        let scrubbed = scrubber.json(&json).into_owned();
        let found: Vec<String> = serde_json::from_str(&scrubbed).unwrap();
        (found[0] != *expected).then(|| format!("{json}\n  gives    {scrubbed}\n  not      {expected}"))
    });
    report(wrong.collect());
}

fn check_json(cases: &[(&str, &str)]) {
    let scrubber = Scrubber::default();
    let wrong = cases.iter().filter_map(|(json, expected)| {
        let scrubbed = scrubber.json(json);
        (scrubbed != *expected).then(|| format!("{json}\n  gives    {scrubbed}\n  not      {expected}"))
    });
    report(wrong.collect());
}

fn check_clean(texts: &[&str]) {
    let scrubber = Scrubber::default();
    let wrong = texts.iter().filter_map(|text| {
        let scrubbed = scrubber.text(text);
        let is_untouched = matches!(scrubbed, Cow::Borrowed(_)) && scrubbed == *text;
        (!is_untouched).then(|| format!("{text}\n  gives    {scrubbed}"))
    });
    report(wrong.collect());
    let wrong = texts.iter().filter_map(|text| {
        let json = serde_json::json!({"extra": {"note": text}}).to_string();
        let scrubbed = scrubber.json(&json);
        (!matches!(scrubbed, Cow::Borrowed(_))).then(|| format!("{json}\n  gives    {scrubbed}"))
    });
    report(wrong.collect());
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn values_under_names_in_text() {
    check_text(&[
        ("password=hunter2", "password=[Filtered]"),
        ("password: hunter2", "password: [Filtered]"),
        ("Password = hunter2", "Password = [Filtered]"),
        ("PASSWORD=hunter2 USER=ann", "PASSWORD=[Filtered] USER=ann"),
        (
            "user=ann password=hunter2, host=db",
            "user=ann password=[Filtered], host=db",
        ),
        (
            "host=db,password=hunter2,port=5432",
            "host=db,password=[Filtered],port=5432",
        ),
        (
            "Server=db;Password=hunter2;Timeout=3",
            "Server=db;Password=[Filtered];Timeout=3",
        ),
        ("Connect(password=hunter2)", "Connect(password=[Filtered])"),
        (
            "login failed with password=hunter2.",
            "login failed with password=[Filtered].",
        ),
        (r#"{"password": "hunter2"}"#, r#"{"password": "[Filtered]"}"#),
        (
            r#"{"password":"hunter2","a":1}"#,
            r#"{"password":"[Filtered]","a":1}"#,
        ),
        (
            "{'password': 'hunter2', 'a': 1}",
            "{'password': '[Filtered]', 'a': 1}",
        ),
        (
            r#"{"password": "hun\"ter2", "a": 1}"#,
            r#"{"password": "[Filtered]", "a": 1}"#,
        ),
        (
            r#"{"password": "hunter2\\", "a": 1}"#,
            r#"{"password": "[Filtered]", "a": 1}"#,
        ),
        (
            r#"body: {\"password\": \"hunter2\", \"a\": 1}"#,
            r#"body: {\"password\": \"[Filtered]\", \"a\": 1}"#,
        ),
        (
            r#"{\\\"password\\\":\\\"hunter2\\\"}"#,
            r#"{\\\"password\\\":\\\"[Filtered]\\\"}"#,
        ),
        (
            r#"{\"pwd\": \"a\\\"b\", \"c\": 1}"#,
            r#"{\"pwd\": \"[Filtered]\", \"c\": 1}"#,
        ),
        (
            r#"{"password": 12345678, "a": 1}"#,
            r#"{"password": [Filtered], "a": 1}"#,
        ),
        (r#"{"cvv":123}"#, r#"{"cvv":[Filtered]}"#),
        (
            r#"{"credentials": {"user": "ann", "key": "k"}, "a": 1}"#,
            r#"{"credentials": [Filtered], "a": 1}"#,
        ),
        (r#"{"secrets": ["one", "two"]}"#, r#"{"secrets": [Filtered]}"#),
        (
            r#"User { name: "ann", password: "hunter2" }"#,
            r#"User { name: "ann", password: "[Filtered]" }"#,
        ),
        (
            r#"Login { token: Some("abc def") }"#,
            r#"Login { token: Some("[Filtered]") }"#,
        ),
        (
            "Login(token=SecretStr('abc def'))",
            "Login(token=SecretStr('[Filtered]'))",
        ),
        ("password=b'hunter2'", "password=b'[Filtered]'"),
        (
            "password = \"\"\"two\nlines\"\"\"",
            "password = \"\"\"[Filtered]\"\"\"",
        ),
        ("password='hun ter2' rest", "password='[Filtered]' rest"),
        ("password=`hunter2`", "password=`[Filtered]`"),
        ("password='cut off\nnext line", "password='[Filtered]\nnext line"),
        (
            "{:password=>\"hunter2\", :id=>1}",
            "{:password=>\"[Filtered]\", :id=>1}",
        ),
        ("{\"password\"=>\"hunter2\"}", "{\"password\"=>\"[Filtered]\"}"),
        (
            "array ( 'password' => 'hunter2', )",
            "array ( 'password' => '[Filtered]', )",
        ),
        (
            "headers[\"X-Api-Key\"] = \"abcdef\"",
            "headers[\"X-Api-Key\"] = \"[Filtered]\"",
        ),
        (
            "user[password]=hunter2&user[name]=ann",
            "user[password]=[Filtered]&user[name]=ann",
        ),
        (
            "user%5Bpassword%5D=hunter2&x=1",
            "user%5Bpassword%5D=[Filtered]&x=1",
        ),
        (
            "next=%2Fa%3Ftoken%3Dabc123%26b%3D1",
            "next=%2Fa%3Ftoken%3D[Filtered]%26b%3D1",
        ),
        (
            "mysql --password=hunter2 -u root",
            "mysql --password=[Filtered] -u root",
        ),
        ("assert password == 'hunter2'", "assert password == '[Filtered]'"),
        (
            "line one\\npassword=hunter2\\nline three",
            "line one\\npassword=[Filtered]\\nline three",
        ),
        ("**password**: hunter2", "**password**: [Filtered]"),
        ("API key: abcdef123", "API key: [Filtered]"),
        ("card number: 12 is", "card number: [Filtered] is"),
        ("api_key=abc", "api_key=[Filtered]"),
        ("apikey: abc", "apikey: [Filtered]"),
        ("x-api-key: abc", "x-api-key: [Filtered]"),
        ("X-Api-Key: 12ab", "X-Api-Key: [Filtered]"),
        ("client_secret=abc", "client_secret=[Filtered]"),
        ("access_token=abc&expires=3", "access_token=[Filtered]&expires=3"),
        ("refresh_token: 'abc'", "refresh_token: '[Filtered]'"),
        ("token: abc123def", "token: [Filtered]"),
        ("token: 'abc'", "token: '[Filtered]'"),
        ("token=abc", "token=[Filtered]"),
        ("csrfmiddlewaretoken=abc", "csrfmiddlewaretoken=[Filtered]"),
        ("X-CSRF-Token: abc", "X-CSRF-Token: [Filtered]"),
        ("passphrase: abc", "passphrase: [Filtered]"),
        ("DB_PASS=abc", "DB_PASS=[Filtered]"),
        (
            "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
            "AWS_SECRET_ACCESS_KEY=[Filtered]",
        ),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MD",
            "aws_secret_access_key = [Filtered]",
        ),
        ("SECRET_KEY_BASE: 0a1b2c", "SECRET_KEY_BASE: [Filtered]"),
        ("private_key: abc", "private_key: [Filtered]"),
        ("password=пароль да", "password=[Filtered] да"),
        ("password=a,b)c]d}e'f\"g ok", "password=[Filtered] ok"),
        ("password=ab&cd ok", "password=[Filtered] ok"),
        ("DSN=root:pw@/db", "DSN=[Filtered]"),
        ("password=[Filtered] ok", "password=[Filtered] ok"),
    ]);
}

#[test]
fn headers_in_text() {
    check_text(&[
        ("Authorization: Bearer abc", "Authorization: Bearer [Filtered]"),
        (
            "Authorization: Bearer abc123.def-ghi_j~k+l/==",
            "Authorization: Bearer [Filtered]",
        ),
        (
            "authorization: bearer abc123def",
            "authorization: bearer [Filtered]",
        ),
        (
            "Authorization: Basic dXNlcjpwYXNz",
            "Authorization: Basic [Filtered]",
        ),
        ("Authorization: Basic Zm9v", "Authorization: Basic [Filtered]"),
        (
            "Authorization: Token 9944b09199c62bcf9418",
            "Authorization: Token [Filtered]",
        ),
        ("Authorization: ApiKey Abc", "Authorization: ApiKey [Filtered]"),
        (
            "Authorization: Digest username=\"a\", response=\"b\"\nHost: x",
            "Authorization: Digest [Filtered]\nHost: x",
        ),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AK/2026, Signature=ab\n",
            "Authorization: AWS4-HMAC-SHA256 [Filtered]\n",
        ),
        ("Authorization: abc123def", "Authorization: [Filtered]"),
        (
            "Proxy-Authorization: Basic dXNlcjpwYXNz",
            "Proxy-Authorization: Basic [Filtered]",
        ),
        (
            "{'Authorization': 'Bearer abc', 'Host': 'x'}",
            "{'Authorization': '[Filtered]', 'Host': 'x'}",
        ),
        (
            "curl -H \"Authorization: Bearer abc123\" http://x/",
            "curl -H \"Authorization: Bearer [Filtered]\" http://x/",
        ),
        (
            "curl -H 'Cookie: a=b; c=d' http://x/",
            "curl -H 'Cookie: [Filtered]' http://x/",
        ),
        ("Cookie: a=b; c=d\r\nHost: x", "Cookie: [Filtered]\r\nHost: x"),
        (
            "Set-Cookie: sid=abc; Path=/; HttpOnly\nX: y",
            "Set-Cookie: [Filtered]\nX: y",
        ),
        (
            "'cookie': 'a=b; c=d', 'host': 'x'",
            "'cookie': '[Filtered]', 'host': 'x'",
        ),
        ("PHPSESSID=abcdef; lang=de", "PHPSESSID=[Filtered]; lang=de"),
        ("connect.sid=s%3Aabc.def; a=b", "connect.sid=[Filtered]; a=b"),
        ("JSESSIONID=ABC; a=b", "JSESSIONID=[Filtered]; a=b"),
        (
            "[('Cookie', 'a=b'), ('Host', 'x')]",
            "[('Cookie', '[Filtered]'), ('Host', 'x')]",
        ),
        (
            "[(b'cookie', b'a=b'), (b'host', b'x')]",
            "[(b'cookie', b'[Filtered]'), (b'host', b'x')]",
        ),
        (
            r#"[["Cookie","a=b"],["Host","x"]]"#,
            r#"[["Cookie","[Filtered]"],["Host","x"]]"#,
        ),
        ("sent Bearer abc123def456 to api", "sent Bearer [Filtered] to api"),
        ("Bearer AbCdEfGh", "Bearer [Filtered]"),
        (
            "header Basic dXNlcjpwYXNz was refused",
            "header Basic [Filtered] was refused",
        ),
        ("x=Bearer%20abc123def456&y=1", "x=Bearer%20[Filtered]&y=1"),
    ]);
}

#[test]
fn tokens_by_their_looks() {
    check_text(&[
        (
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P here",
            "jwt [Filtered] here",
        ),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", "[Filtered]"),
        ("(eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc).", "([Filtered])."),
        (
            "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc.",
            "token [Filtered].",
        ),
        ("key AKIAIOSFODNN7EXAMPLE denied", "key [Filtered] denied"),
        ("ASIAIOSFODNN7EXAMPLE", "[Filtered]"),
        ("id=AKIAIOSFODNN7EXAMPLE&x", "id=[Filtered]&x"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[Filtered]"),
        ("gho_16C7e42F292c6912E7710c838347Ae178B4a!", "[Filtered]!"),
        ("ghs_16C7e42F292c6912E7710c838347Ae178B4a", "[Filtered]"),
        (
            "https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@github.com/a",
            "https://[Filtered]@github.com/a",
        ),
        ("github_pat_11ABCDEFG0123456789012_abcdefghijklmnop", "[Filtered]"),
        ("glpat-AbCdEfGhIjKlMnOpQrSt", "[Filtered]"),
        ("xoxb-123456789012-abcdefABCDEF", "[Filtered]"),
        ("xoxp-1234567890-abc", "[Filtered]"),
        ("xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTA", "[Filtered]"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[Filtered]"),
        ("rk_live_4eC39HqLyjWDarjtT1zdp7dc,", "[Filtered],"),
        (
            "Invalid API Key provided: sk_test_4eC39HqLyjWDarjt",
            "Invalid API Key provided: [Filtered]",
        ),
        ("AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe", "[Filtered]"),
        (
            "?k=AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe&y=1",
            "?k=[Filtered]&y=1",
        ),
        ("sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx", "[Filtered]"),
        ("sk-proj-AbCdEfGhIjKlMnOpQrStUvWx", "[Filtered]"),
        ("npm_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "[Filtered]"),
        ("whsec_AbCdEfGhIjKlMnOpQrSt", "[Filtered]"),
        (
            "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",
            "[Filtered]",
        ),
        ("shpat_0123456789abcdef0123456789abcdef", "[Filtered]"),
        ("mk_test_0123456789abcdefghijklmnopqrstuvwxyz", "[Filtered]"),
        (
            "key mk_Xr3_9QmZ0aYpVbT-hC1sWnEoLdKfGjUuIiOoPp12345 leaked",
            "key [Filtered] leaked",
        ),
        ("a%20ghp_16C7e42F292c6912E7710c838347Ae178B4a", "a%20[Filtered]"),
        ("a\\nghp_16C7e42F292c6912E7710c838347Ae178B4a", "a\\n[Filtered]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nab==\n-----END RSA PRIVATE KEY-----\nafter",
            "[Filtered]\nafter",
        ),
        (
            "a -----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n",
            "a [Filtered]\\n",
        ),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl cut off", "[Filtered]"),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----",
            "[Filtered]",
        ),
        (
            "private_key=\"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n\"",
            "private_key=\"[Filtered]\n\"",
        ),
    ]);
}

#[test]
fn urls() {
    check_text(&[
        ("postgres://u:pw@host", "postgres://u:[Filtered]@host"),
        (
            "postgresql+psycopg://app:p%40ss@db:5432/x?a=1",
            "postgresql+psycopg://app:[Filtered]@db:5432/x?a=1",
        ),
        ("redis://:pw@host:6379/0", "redis://:[Filtered]@host:6379/0"),
        ("mongodb+srv://u:p:w@a,b/db", "mongodb+srv://u:[Filtered]@a,b/db"),
        (
            "amqp://guest:guest@mq// refused",
            "amqp://guest:[Filtered]@mq// refused",
        ),
        ("mysql://u:p/w@host/db", "mysql://u:[Filtered]@host/db"),
        ("mysql://u:p@w@host/db", "mysql://u:[Filtered]@host/db"),
        (
            r"postgres:\/\/u:pw@host\/db",
            r"postgres:\/\/u:[Filtered]@host\/db",
        ),
        (
            "DATABASE_URL=postgres://u:pw@host/db",
            "DATABASE_URL=postgres://u:[Filtered]@host/db",
        ),
        ("root:pw@tcp(db:3306)/x", "root:[Filtered]@tcp(db:3306)/x"),
        (
            "https://u:pw@host/a and http://v:qw@h/b",
            "https://u:[Filtered]@host/a and http://v:[Filtered]@h/b",
        ),
        (
            "https://x/?api_key=abc&token=def&q=1",
            "https://x/?api_key=[Filtered]&token=[Filtered]&q=1",
        ),
        (
            "GET /a?access_token=abc HTTP/1.1",
            "GET /a?access_token=[Filtered] HTTP/1.1",
        ),
        (
            "/cb#access_token=abc&token_type=bearer",
            "/cb#access_token=[Filtered]&token_type=bearer",
        ),
        (
            "/a?x=1&amp;token=abc&amp;y=2",
            "/a?x=1&amp;token=[Filtered]&amp;y=2",
        ),
        (
            "\"/reset?token=abc\" not found",
            "\"/reset?token=[Filtered]\" not found",
        ),
        (
            "https://s3/x?X-Amz-Signature=ab12&X-Amz-Date=3",
            "https://s3/x?X-Amz-Signature=[Filtered]&X-Amz-Date=3",
        ),
        (
            "https://h/?password=p&debug",
            "https://h/?password=[Filtered]&debug",
        ),
        ("<a href='/x?token=abc'>", "<a href='/x?token=[Filtered]'>"),
    ]);
}

#[test]
fn card_numbers() {
    check_text(&[
        ("card 4111111111111111 declined", "card [Filtered] declined"),
        ("card 4111 1111 1111 1111 declined", "card [Filtered] declined"),
        ("card 4111-1111-1111-1111.", "card [Filtered]."),
        ("4222222222222", "[Filtered]"),
        ("5555555555554444", "[Filtered]"),
        ("2223003122003222", "[Filtered]"),
        ("378282246310005", "[Filtered]"),
        ("3782 822463 10005", "[Filtered]"),
        ("6011111111111117", "[Filtered]"),
        ("30569309025904", "[Filtered]"),
        ("3056 930902 5904", "[Filtered]"),
        ("3530111333300000", "[Filtered]"),
        ("6200000000000005", "[Filtered]"),
        ("pan=4111111111111111&x=1", "pan=[Filtered]&x=1"),
        ("(4111111111111111)", "([Filtered])"),
        ("4111111111111111 12/26 123", "[Filtered] 12/26 123"),
        ("4111 1111 1111 1111 12/26", "[Filtered] 12/26"),
        ("1700000000000 4111111111111111", "1700000000000 [Filtered]"),
        ("order-4111111111111111", "order-[Filtered]"),
        ("4111111111111111,5555555555554444", "[Filtered],[Filtered]"),
    ]);
}

#[test]
fn names_and_strings_in_json() {
    check_json(&[
        (r#"{"password":"x"}"#, r#"{"password":"[Filtered]"}"#),
        (
            "{ \"a\" : 1 ,\n\t\"Password\" : \"x\" }",
            "{ \"a\" : 1 ,\n\t\"Password\" : \"[Filtered]\" }",
        ),
        (r#"{"password":123}"#, r#"{"password":"[Filtered]"}"#),
        (
            r#"{"password":-1.5e9,"a":1}"#,
            r#"{"password":"[Filtered]","a":1}"#,
        ),
        (
            r#"{"auth":{"user":"a","password":null}}"#,
            r#"{"auth":"[Filtered]"}"#,
        ),
        (
            r#"{"cookies":{"a":"b"},"c":[]}"#,
            r#"{"cookies":"[Filtered]","c":[]}"#,
        ),
        (
            r#"{"secrets":["a",["b"]] , "c":1}"#,
            r#"{"secrets":"[Filtered]" , "c":1}"#,
        ),
        (
            r#"{"password":null,"token":true,"secret":false,"auth":""}"#,
            r#"{"password":null,"token":true,"secret":false,"auth":""}"#,
        ),
        (r#"{"password":"[Filtered]"}"#, r#"{"password":"[Filtered]"}"#),
        (
            r#"{"a":{"b":[{"api_key":"k"}]}}"#,
            r#"{"a":{"b":[{"api_key":"[Filtered]"}]}}"#,
        ),
        (
            r#"{"Authorization":"Bearer abc","Host":"x"}"#,
            r#"{"Authorization":"[Filtered]","Host":"x"}"#,
        ),
        (
            r#"[["Cookie","x"],["a","b"]]"#,
            r#"[["Cookie","[Filtered]"],["a","b"]]"#,
        ),
        (
            r#"[ [ "X-Api-Key" , ["a","b"] ] ]"#,
            r#"[ [ "X-Api-Key" , "[Filtered]" ] ]"#,
        ),
        (
            r#"{"headers":[["set-cookie","a=b"],["set-cookie",null]]}"#,
            r#"{"headers":[["set-cookie","[Filtered]"],["set-cookie",null]]}"#,
        ),
        (
            r#"[["password","b","c"],["password"],"password","x"]"#,
            r#"[["password","b","c"],["password"],"password","x"]"#,
        ),
        (
            r#"{"required":["password","email"]}"#,
            r#"{"required":["password","email"]}"#,
        ),
        (
            r#"[{"name":"Cookie","value":"a=b"}]"#,
            r#"[{"name":"Cookie","value":"[Filtered]"}]"#,
        ),
        (
            r#"{"key":"api_key","value":{"stringValue":"k"}}"#,
            r#"{"key":"api_key","value":"[Filtered]"}"#,
        ),
        (
            r#"{"name":"password_resets","type":"counter","value":1}"#,
            r#"{"name":"password_resets","type":"counter","value":1}"#,
        ),
        (
            r#"[{"key":"token","value":-1.5},{"key":"token","value":"1"}]"#,
            r#"[{"key":"token","value":-1.5},{"key":"token","value":"[Filtered]"}]"#,
        ),
        (
            r#"{"name":"colour","value":"red"}"#,
            r#"{"name":"colour","value":"red"}"#,
        ),
        (r#""password=x y""#, r#""password=[Filtered] y""#),
        (r#"["postgres://u:pw@h"]"#, r#"["postgres://u:[Filtered]@h"]"#),
        (
            r#"{"url":"/?token=abc\u0026b=1"}"#,
            r#"{"url":"/?token=[Filtered]\u0026b=1"}"#,
        ),
        (
            r#"{"m":"caf\u00e9 \"password\": \"a\\\"b\" \ud83d\udca5\/"}"#,
            r#"{"m":"caf\u00e9 \"password\": \"[Filtered]\" \ud83d\udca5\/"}"#,
        ),
        (r#"{"dsn":"postgres:\/\/u:pw@h\/db"}"#, r#"{"dsn":"[Filtered]"}"#),
        (
            r#"{"m":"postgres:\/\/u:p\u0040w@h\/db"}"#,
            r#"{"m":"postgres:\/\/u:[Filtered]@h\/db"}"#,
        ),
        (
            r#"{"body":"{\"password\":\"x\",\"in\":\"{\\\"token\\\":\\\"y\\\"}\"}"}"#,
            r#"{"body":"{\"password\":\"[Filtered]\",\"in\":\"{\\\"token\\\":\\\"[Filtered]\\\"}\"}"}"#,
        ),
        (r#"{"pass\u0077ord":"x"}"#, r#"{"pass\u0077ord":"[Filtered]"}"#),
        (
            r#"{"session_id":"abc","sessionid":"x","token_count":3}"#,
            r#"{"session_id":"abc","sessionid":"x","token_count":3}"#,
        ),
        (
            r#"{"id":4111111111111111,"note":"4111111111111111"}"#,
            r#"{"id":4111111111111111,"note":"[Filtered]"}"#,
        ),
        (r#"{"password":"a\"b\\"}"#, r#"{"password":"[Filtered]"}"#),
        (" null ", " null "),
        ("\"\"", "\"\""),
        ("[]", "[]"),
        // Not JSON: as text.
        (r#"{"password":"x""#, r#"{"password":"[Filtered]""#),
        (r#"password=x"#, r#"password=[Filtered]"#),
        (r#"{"password":"x\"#, r#"{"password":"[Filtered]"#),
    ]);
}

#[test]
fn the_setting_adds_and_takes_out() {
    let fields = ["pin", "IBAN", "!token", "geheim-wort"].map(String::from);
    let scrubber = Scrubber::new(&fields);
    let json = r#"{"user_pin":1,"iban":"DE1","token":"t","access_token":"a","geheimWort":"g","spinning":2}"#;
    let expected = r#"{"user_pin":"[Filtered]","iban":"[Filtered]","token":"t","access_token":"[Filtered]","geheimWort":"[Filtered]","spinning":2}"#;
    assert_eq!(scrubber.json(json), expected);
    assert_eq!(
        scrubber.text("?pin=1234&token=t&opinion=o"),
        "?pin=[Filtered]&token=t&opinion=o"
    );
}

#[test]
fn nesting_has_a_limit_but_no_bottom() {
    let scrubber = Scrubber::default();
    let deep = format!("{}{{\"password\":\"x1\"}}{}", "[".repeat(120), "]".repeat(120));
    assert!(!scrubber.json(&deep).contains("x1"));
    let too_deep = format!(
        "{}{{\"password\":\"x1\"}}{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(!scrubber.json(&too_deep).contains("x1"));
    let pairs = format!("{}1{}", "[\"token\",".repeat(120), "]".repeat(120));
    assert_eq!(scrubber.json(&pairs), "[\"token\",[\"token\",\"[Filtered]\"]]");
}

#[test]
fn clean_code_and_stack_traces() {
    check_clean(&[
        "Traceback (most recent call last):\n  File \"/app/auth.py\", line 12, in login\n    user = authenticate(name, password)\nValueError: bad",
        "    token = get_token(request)",
        "    token = request.headers[\"Authorization\"]",
        "    password = os.environ[\"DB_PASSWORD\"]",
        "    password = request.form.get('password')",
        "    self.password = password",
        "    self.api_key = settings.API_KEY",
        "    client = Client(api_key=api_key, secret=self.secret)",
        "    def login(self, user: str, password: str) -> bool:",
        "    def login(self, password: Optional[str] = None):",
        "    if token is None or token == other:",
        "    if (token === null) return",
        "    const token = await fetchToken();",
        "    const { token } = props;",
        "    let password: String = input.password;",
        "    pub token: Option<String>,",
        "    fn check(token: &str, password: &str)",
        "    auth: AuthService,",
        "    token: string;",
        "at Parser.unexpectedToken (/app/node_modules/parser/token.js:12:3)",
        "at token (webpack-internal:///./src/token.ts:4:5)",
        "at async login (http://localhost:5173/node_modules/@vite/client.js:12:3)",
        "token@http://localhost:8080/app.js:1:2",
        "auth::token::parse",
        "File \"/app/password/views.py\", line 3, in reset_password",
        "com.example.auth.TokenFilter.doFilter(TokenFilter.java:33)",
        "goroutine 1 [running]:\nmain.auth(0xc000012345, 0x4111111111111111)\n\t/app/main.go:12 +0x1b",
        "thread 'main' panicked at src/token.rs:12:5:",
        "SELECT * FROM users WHERE token = $1 AND password = ?",
        "WHERE token = %s AND password = %(password)s",
        "password=${DB_PASSWORD} token={token} api_key=<api_key>",
        "password=*** token=******",
        "password=\"\" token=''",
        "password=None, token=null, secret=undefined, auth=true",
        "password != confirmation",
        "password >= 8 characters",
        "`password` and `token` are needed",
    ]);
}

#[test]
fn clean_sentences() {
    check_clean(&[
        "SyntaxError: Unexpected token < in JSON at position 0",
        "Unexpected token: punc (;)",
        "Unexpected token: '<'",
        "expected token: ')' at line 3",
        "Invalid token: unexpected end of input",
        "auth: failed",
        "Authorization: Bearer token is missing",
        "Authorization: Basic required",
        "Authorization: required",
        "cookie: not found",
        "password: must not be empty",
        "password: This field is required",
        "Password: required",
        "Bearer token required",
        "Bearer authentication failed",
        "WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"",
        "Basic authentication is off",
        "basic training, basic understanding",
        "The bearer of this message",
        "the password has expired",
        "author: Ann, authority: none",
        "token_count=12 max_tokens=4096 tokens: 33",
        "password_changed_at=2026-11-20 is_authenticated=True",
        "session_id=abc123 sessionid: 9f8e7d",
        "keyboard=qwerty passport_country=DE",
        "token_type=bearer&expires_in=3600",
        "csrf_enabled: 12",
        "no secrets here, only the word secret",
        "Note: see RFC 6750 (Bearer) and RFC 7617 (Basic)",
        "12:30:45 INFO auth ok in 12ms",
        "key: value, name=thing",
        "C:\\new\\token\\readme.txt",
        "error: invalid primary key: 12",
        "phone number: 12",
        "",
        " ",
        "é💥 ünïcode",
    ]);
}

#[test]
fn clean_numbers_ids_and_urls() {
    check_clean(&[
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000-4111-1111-1111-111111111111",
        "41111111-1111-1111-1111-111111111111",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "4111111111111111abcdef0123456789abcdef01",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256:4111111111111111411111111111111141111111111111114111111111111111",
        "ts=1763668800000",
        "1763668800123456 us, 1763668800123456789 ns",
        "order 4111111111111112",
        "order 1234567890123456",
        "order 9876543210987654",
        "invoice 2026-1120-0000-0001",
        "+49 170 1234567 or 0049-30-1234567",
        "4512 4233 4455 6677 8899 3323",
        "0.4111111111111111 and 3.4111111111111111",
        "4111111111111111.5",
        "41111111111111111111111111",
        "id_4111111111111111",
        "0x4111111111111111",
        "beef-4111111111111111",
        "4111111111111111-dead-beef",
        "2026-11-20T19:57:06.411111111111Z",
        "192.168.100.200:5432",
        "978-3-16-148410-0",
        "https://example.com:8080/a/b?x=1&y=2#z",
        "http://localhost:5173/@fs/app/src/main.ts:12:3",
        "https://unpkg.com/@scope/pkg@1.2.3/dist/index.js",
        "https://abc123@sentry.example.com/1",
        "ssh://git@github.com:22/a/b.git",
        "git@github.com:owner/repo.git",
        "mailto:ann@example.com",
        "http://[::1]:8080/",
        "file:///app/src/token.rs",
        "AKIA is a prefix, AKIAIOSFODNN7EXAMPLEX1 is too long",
        "eyJ is base64 for {\" and eyJhbGciOiJIUzI1NiJ9 alone is a header",
        "ghp_short mk_ingest sk_live_ xoxb- AIza",
        "mk_connection_pool_from_settings()",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIC\n-----END PUBLIC KEY-----",
        "----- BEGIN of report -----",
        "pk_live_4eC39HqLyjWDarjtT1zdp7dc",
    ]);
}
