//! What loggers call their levels, in words, letters and numbers.

use crate::domain::entry::Level;

/// The longest name, `INFORMATIONAL`.
const MAX_NAME: usize = 13;

/// A level by name, whatever its case: `warn`, `WARNING`, `ERRO`, `Information`, `crit` …
pub(crate) fn named(word: &[u8]) -> Option<Level> {
    if word.len() < 3 || word.len() > MAX_NAME {
        return None;
    }
    let mut lower = [0; MAX_NAME];
    for (to, from) in lower.iter_mut().zip(word) {
        *to = from.to_ascii_lowercase();
    }
    let level = match &lower[..word.len()] {
        b"trace" | b"trc" | b"trce" | b"verbose" | b"verb" | b"vrb" | b"debug" | b"dbg" | b"debu"
        | b"dbug" | b"fine" | b"finer" | b"finest" | b"debug1" | b"debug2" | b"debug3" | b"debug4"
        | b"debug5" | b"silly" => Level::Debug,
        b"info" | b"inf" | b"information" | b"informational" | b"notice" | b"note" | b"config"
        | b"default" | b"success" => Level::Info,
        b"warn" | b"warning" | b"wrn" => Level::Warning,
        b"error" | b"err" | b"eror" | b"erro" | b"fail" | b"failure" | b"severe" => Level::Error,
        b"critical" | b"crit" | b"fatal" | b"fata" | b"ftl" | b"panic" | b"pani" | b"dpanic" | b"emerg"
        | b"emergency" | b"alert" => Level::Critical,
        _ => return None,
    };
    Some(level)
}

/// A level by one letter: klog, Ruby's logger, Jupyter.
pub(crate) fn of_letter(letter: u8) -> Option<Level> {
    match letter {
        b'D' => Some(Level::Debug),
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warning),
        b'E' => Some(Level::Error),
        b'F' | b'C' => Some(Level::Critical),
        _ => None,
    }
}

/// A level by number: syslog's 0 to 7, pino's and bunyan's 10 to 60, Monolog's 100 to 600.
pub(crate) fn numbered(digits: &str) -> Option<Level> {
    let number: i64 = digits.parse().ok()?;
    match number {
        0..=7 => of_syslog(number),
        10..=29 => Some(Level::Debug),
        30..=39 => Some(Level::Info),
        40..=49 => Some(Level::Warning),
        50..=59 => Some(Level::Error),
        60 => Some(Level::Critical),
        100..=199 => Some(Level::Debug),
        200..=299 => Some(Level::Info),
        300..=399 => Some(Level::Warning),
        400..=499 => Some(Level::Error),
        500..=600 => Some(Level::Critical),
        _ => None,
    }
}

/// Python's `levelno`: 10 to 50 by tens.
pub(crate) fn numbered_by_python(digits: &str) -> Option<Level> {
    match digits.parse::<i64>().ok()? {
        1..=19 => Some(Level::Debug),
        20..=29 => Some(Level::Info),
        30..=39 => Some(Level::Warning),
        40..=49 => Some(Level::Error),
        50..=99 => Some(Level::Critical),
        _ => None,
    }
}

/// RFC 5424: 0 emergency to 7 debug.
pub(crate) fn of_syslog(severity: i64) -> Option<Level> {
    match severity {
        0..=2 => Some(Level::Critical),
        3 => Some(Level::Error),
        4 => Some(Level::Warning),
        5 | 6 => Some(Level::Info),
        7 => Some(Level::Debug),
        _ => None,
    }
}
