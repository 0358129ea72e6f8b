//! Log lines as four kinds of services write them: nginx, Java with traces, Python, JSON. The same in every run.
//! About a third carries an id of its own, which is what makes an index large.

use std::fmt::Write as _;

use crate::dice::Dice;

/// When the first line was written: 2026-11-01T00:00:00Z.
const START_S: u64 = 1_793_491_200;
/// Lines in a second, all services together.
pub const LINES_PER_SECOND: u64 = 1_000;

const CONTAINERS: [&str; 8] = [
    "nginx-1", "nginx-2", "orders", "billing", "worker-1", "worker-2", "gateway", "search",
];
const PATHS: [&str; 12] = [
    "/",
    "/api/cart",
    "/api/orders",
    "/login",
    "/static/app.js",
    "/static/site.css",
    "/api/search",
    "/health",
    "/images/logo.png",
    "/api/users",
    "/checkout",
    "/api/stock",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "curl/8.9.1",
    "kube-probe/1.31",
];
const CLASSES: [&str; 10] = [
    "OrderService",
    "PaymentClient",
    "StockRepository",
    "CartController",
    "InvoiceMailer",
    "SessionStore",
    "PriceCalculator",
    "ShipmentPlanner",
    "TaxTable",
    "AuditTrail",
];
const DOINGS: [&str; 12] = [
    "reserved stock for order",
    "payment accepted for order",
    "cache miss for key",
    "sent invoice to customer",
    "retrying request after timeout",
    "connection refused by upstream",
    "loaded price list",
    "session expired for user",
    "slow query on table orders",
    "queue length is",
    "finished batch of",
    "rejected voucher",
];

/// One entry of a log: where, when, and its lines.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Which of [`containers`].
    pub container: usize,
    /// Unix time in nanoseconds.
    pub time_ns: u64,
    /// Whether it goes to stderr.
    pub is_stderr: bool,
    /// One line, or a trace of many.
    pub lines: Vec<String>,
}

/// Names of the containers.
pub fn containers() -> &'static [&'static str] {
    &CONTAINERS
}

/// The `n`th entry of all.
pub fn entry(n: u64) -> LogEntry {
    let mut dice = Dice::new(n);
    let container = dice.zipf(CONTAINERS.len() as u64) as usize;
    let time_ns = START_S * 1_000_000_000
        + n * (1_000_000_000 / LINES_PER_SECOND)
        + dice.below(1_000_000_000 / LINES_PER_SECOND);
    let lines = match container {
        0 | 1 => vec![nginx(&mut dice, time_ns)],
        2 | 3 => java(&mut dice, time_ns),
        4 | 5 => python(&mut dice, time_ns),
        _ => vec![json(&mut dice, time_ns)],
    };
    LogEntry {
        container,
        time_ns,
        is_stderr: (2..6).contains(&container) && dice.below(10) == 0,
        lines,
    }
}

/// A 128-bit id in hexadecimal.
fn id(dice: &mut Dice) -> String {
    format!("{:016x}{:016x}", dice.below(u64::MAX), dice.below(u64::MAX))
}

fn clock(time_ns: u64) -> (u64, u64, u64, u64, u64) {
    let s = time_ns / 1_000_000_000;
    let day = (s - START_S) / 86_400 + 1;
    (
        day,
        s / 3_600 % 24,
        s / 60 % 60,
        s % 60,
        time_ns / 1_000_000 % 1_000,
    )
}

fn nginx(dice: &mut Dice, time_ns: u64) -> String {
    let (day, hour, minute, second, _) = clock(time_ns);
    let path = PATHS[dice.zipf(PATHS.len() as u64) as usize];
    let status = ["200", "200", "200", "304", "404", "500", "502"][dice.zipf(7) as usize];
    let query = match dice.below(4) {
        0 => format!("?id={}", id(dice)),
        1 => format!("?page={}", dice.below(50)),
        _ => String::new(),
    };
    format!(
        "{}.{}.{}.{} - - [{day:02}/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {path}{query} HTTP/1.1\" {status} {} \"-\" \"{}\" {}.{:03}",
        dice.below(223) + 1,
        dice.below(256),
        dice.below(256),
        dice.below(256),
        dice.below(50_000),
        AGENTS[dice.zipf(4) as usize],
        dice.below(2),
        dice.below(1_000),
    )
}

fn java(dice: &mut Dice, time_ns: u64) -> Vec<String> {
    let (day, hour, minute, second, ms) = clock(time_ns);
    let level = ["INFO", "INFO", "DEBUG", "WARN", "ERROR"][dice.zipf(5) as usize];
    let class = dice.one_of(&CLASSES);
    let doing = DOINGS[dice.zipf(12) as usize];
    let mut lines = vec![format!(
        "2026-11-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03} [http-nio-8080-exec-{}] {level:5} com.shop.{class} - {doing} {} trace={}",
        dice.below(32),
        dice.below(1_000_000),
        id(dice),
    )];
    if level == "ERROR" && dice.below(3) == 0 {
        lines.push(format!(
            "java.lang.IllegalStateException: {doing} {}",
            dice.below(100)
        ));
        for _ in 0..dice.below(12) + 3 {
            lines.push(format!(
                "\tat com.shop.{}.handle({}.java:{})",
                dice.one_of(&CLASSES),
                dice.one_of(&CLASSES),
                dice.below(400)
            ));
        }
    }
    lines
}

fn python(dice: &mut Dice, time_ns: u64) -> Vec<String> {
    let (day, hour, minute, second, ms) = clock(time_ns);
    let level = ["INFO", "DEBUG", "WARNING", "ERROR"][dice.zipf(4) as usize];
    let doing = match dice.below(20_000) {
        0 => "quokka seen at",
        _ => DOINGS[dice.zipf(12) as usize],
    };
    let mut lines = vec![format!(
        "2026-11-{day:02} {hour:02}:{minute:02}:{second:02},{ms:03} {level} worker.tasks[{}] {doing} {} in {} ms",
        dice.below(30_000),
        dice.below(1_000_000),
        dice.below(3_000),
    )];
    if level == "ERROR" {
        lines.push("Traceback (most recent call last):".to_owned());
        for _ in 0..dice.below(5) + 1 {
            lines.push(format!(
                "  File \"/app/worker/tasks.py\", line {}, in run",
                dice.below(900)
            ));
            lines.push("    result = self.handle(job)".to_owned());
        }
        lines.push(format!("ValueError: {doing}"));
    }
    lines
}

fn json(dice: &mut Dice, time_ns: u64) -> String {
    let (day, hour, minute, second, ms) = clock(time_ns);
    let level = ["info", "debug", "warn", "error"][dice.zipf(4) as usize];
    let mut line = format!(
        "{{\"time\":\"2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z\",\"level\":\"{level}\",\"msg\":\"{}\",\"path\":\"{}\",\"status\":{},\"duration_ms\":{},\"user\":{}",
        DOINGS[dice.zipf(12) as usize],
        PATHS[dice.zipf(12) as usize],
        [200, 200, 201, 404, 500][dice.zipf(5) as usize],
        dice.below(2_000),
        dice.zipf(100_000),
    );
    if dice.below(2) == 0 {
        let _ = write!(line, ",\"request_id\":\"{}\"", id(dice));
    }
    line.push('}');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same_entry() {
        assert_eq!(entry(7).lines, entry(7).lines);
        assert_ne!(entry(7).lines, entry(8).lines);
        let longest = (0..2_000).map(|n| entry(n).lines.len()).max();
        assert!(longest > Some(4));
    }
}
