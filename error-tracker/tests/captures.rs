//! Requests that real clients made, sent again as they were.

use crate::support::{get_json, start};
use testkit::{Value, handbook, skip};

#[tokio::test]
async fn reports_of_the_python_client_are_filed() {
    let Some(folder) = handbook("captures") else {
        return skip("captured requests are not in this checkout");
    };
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort_unstable();
    let server = start().await;
    let mut n_filed = 0;
    for body_file in names {
        let name = body_file.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("monlightpy-")
            || !name.ends_with("error.body") && !name.ends_with("minimal.body")
        {
            continue;
        }
        let request: Value =
            serde_json::from_slice(&std::fs::read(body_file.with_extension("json")).unwrap()).unwrap();
        let body = std::fs::read(&body_file).unwrap();
        let sent = request["headers"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let headers: Vec<(String, String)> =
            sent.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        let is_kept =
            |name: &str| !["host", "connection", "x-api-key"].contains(&name.to_ascii_lowercase().as_str());
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let method = request["method"].as_str().unwrap().parse().unwrap();
        let path = request["path"].as_str().unwrap();
        let answer = server.client().send(method, path, &headers, body.clone()).await;
        assert!(
            [200, 201].contains(&answer.status.as_u16()),
            "{name}: {}",
            answer.text()
        );

        // All that was sent can be read again.
        let id = &answer.json()["id"];
        let group = get_json(&mut server.client(), &format!("/api/errors/{id}")).await;
        let report: Value = serde_json::from_slice(&body).unwrap();
        for (field, value) in report.as_object().unwrap() {
            let kept = if ["project", "exception_type"].contains(&field.as_str()) {
                &group[field]
            } else {
                &group["occurrences"][0][field]
            };
            assert_eq!(kept, value, "{name}: {field}");
        }
        n_filed += 1;
    }
    assert_eq!(n_filed, 3);
}
