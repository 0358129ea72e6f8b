//! A collector that knows Malti's clients, and what they send.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use testkit::{Client, Launch, Server, Value, json};

/// What `malti.toml` says where a test does not change it.
pub(crate) const CONFIG: &str = r#"
[services.shop-api]
api_key = "svc-key-123"
description = "The shop"
[services."Café & <Söhne>"]
api_key = "svc-key-456"
[services.other]
api_key = "key-of-other"
[services.without-key]
[users.ann]
api_key = "user-key-1"
username = "somebody else"
[users.both]
api_key = "svc-key-123"
[dashboard.thresholds]
error_rate_success = 0.5
error_rate_warning = 1.0
latency_success = 300
latency_warning = 800
"#;

/// With [`CONFIG`].
pub(crate) fn launch() -> Launch {
    let launch = super::launch();
    let path = launch.folder().join("malti.toml");
    std::fs::write(&path, CONFIG).unwrap();
    launch.env("MALTI_CONFIG_PATH", path.display())
}

/// The service `shop-api`.
pub(crate) fn service(server: &Server) -> Client {
    with_key(server, "svc-key-123")
}

/// The user `ann`.
pub(crate) fn user(server: &Server) -> Client {
    with_key(server, "user-key-1")
}

/// Whoever has a key.
pub(crate) fn with_key(server: &Server, key: &str) -> Client {
    server.stranger().with_header("x-api-key", key)
}

/// A record of `shop-api` with some fields changed.
pub(crate) fn record(changes: Value) -> Value {
    let mut record = json!({
        "service": "shop-api", "method": "GET", "endpoint": "/users/{id}", "status": 200,
        "response_time": 12, "consumer": "mobile", "node": "node-1", "context": null,
    });
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (field, value) in changes {
        record[field] = value;
    }
    record
}

/// The body of a batch.
pub(crate) fn batch(records: &[Value]) -> String {
    json!({ "requests": records }).to_string()
}
