//! `malti.toml`: keys of services and users, and the thresholds that colour the page. What else is in it is ignored.

use toml::{Table, Value};

/// What the file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Services with their keys; those without one are left out.
    pub services: Vec<Holder>,
    /// Users with their keys.
    pub users: Vec<Holder>,
    /// From where on something is well, and unwell.
    pub thresholds: Thresholds,
}

/// Who holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The table's name.
    pub name: String,
    /// The key itself.
    pub key: String,
}

/// Up to `…_success` it is green, up to `…_warning` amber, beyond red.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Percent of requests.
    pub error_rate_success: f64,
    /// Percent of requests.
    pub error_rate_warning: f64,
    /// In ms.
    pub latency_success: f64,
    /// In ms.
    pub latency_warning: f64,
}

impl Default for Thresholds {
    /// What Malti's server takes where the file says nothing.
    fn default() -> Self {
        Self {
            error_rate_success: 1.,
            error_rate_warning: 2.,
            latency_success: 300.,
            latency_warning: 600.,
        }
    }
}

/// Reads the file. The error says what is wrong without showing a key.
pub fn parse(text: &str) -> Result<Config, String> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .map_or("", |span| text.get(..span.start).unwrap_or(text));
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    Ok(Config {
        services: holders(&file, "services")?,
        users: holders(&file, "users")?,
        thresholds: thresholds(&file)?,
    })
}

fn holders(file: &Table, kind: &str) -> Result<Vec<Holder>, String> {
    let mut holders = Vec::new();
    for (name, entry) in section(file, kind)? {
        let entry = entry
            .as_table()
            .ok_or_else(|| format!("{kind}.{name} must be a table"))?;
        match entry.get("api_key") {
            None => {}
            Some(Value::String(key)) if key.is_empty() => {}
            Some(Value::String(key)) => holders.push(Holder {
                name: name.clone(),
                key: key.clone(),
            }),
            Some(_) => return Err(format!("{kind}.{name}.api_key must be a text")),
        }
    }
    Ok(holders)
}

fn thresholds(file: &Table) -> Result<Thresholds, String> {
    let mut thresholds = Thresholds::default();
    for (_, dashboard) in section(file, "dashboard")?
        .iter()
        .filter(|(name, _)| *name == "thresholds")
    {
        let given = dashboard
            .as_table()
            .ok_or("dashboard.thresholds must be a table")?;
        for (name, place) in [
            ("error_rate_success", &mut thresholds.error_rate_success),
            ("error_rate_warning", &mut thresholds.error_rate_warning),
            ("latency_success", &mut thresholds.latency_success),
            ("latency_warning", &mut thresholds.latency_warning),
        ] {
            if let Some(value) = given.get(name) {
                *place = number(value)
                    .ok_or_else(|| format!("dashboard.thresholds.{name} must be a number of 0 or more"))?;
            }
        }
    }
    Ok(thresholds)
}

fn number(value: &Value) -> Option<f64> {
    let number = value
        .as_float()
        .or_else(|| value.as_integer().map(|it| it as f64))?;
    (number.is_finite() && number >= 0.).then_some(number)
}

/// A table of the file; empty if it is not there.
fn section<'f>(file: &'f Table, name: &str) -> Result<&'f Table, String> {
    static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);
    match file.get(name) {
        None => Ok(&EMPTY),
        Some(section) => section
            .as_table()
            .ok_or_else(|| format!("{name} must be a table")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(holders: &[Holder]) -> Vec<(&str, &str)> {
        holders
            .iter()
            .map(|it| (it.name.as_str(), it.key.as_str()))
            .collect()
    }

    #[test]
    fn keys_and_thresholds_are_read_and_the_rest_is_ignored() {
        let config = parse(
            "[api]\nport = 1\n[services.shop-api]\napi_key = \"s\"\ndescription = \"x\"\n[services.bare]\n\
             [services.empty]\napi_key = \"\"\n[users.\"ann b\"]\napi_key = \"u\"\nusername = \"other\"\n\
             [dashboard.thresholds]\nerror_rate_success = 0.5\nlatency_warning = 800\n[aggregation]\n",
        )
        .unwrap();
        assert_eq!(names(&config.services), [("shop-api", "s")]);
        assert_eq!(names(&config.users), [("ann b", "u")]);
        let expected = Thresholds {
            error_rate_success: 0.5,
            latency_warning: 800.,
            ..Thresholds::default()
        };
        assert_eq!(config.thresholds, expected);
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_key_shown() {
        let check = |text: &str, expected: &str| {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        };
        check("[services.a]\napi_key = \"secret\n", "line 2");
        check(
            "[services.a]\napi_key = 12\n",
            "services.a.api_key must be a text",
        );
        check("services = \"secret\"\n", "services must be a table");
        check(
            "[dashboard.thresholds]\nlatency_success = \"x\"\n",
            "latency_success must be a number",
        );
        check(
            "[dashboard.thresholds]\nlatency_success = -1\n",
            "latency_success must be a number",
        );
    }
}
