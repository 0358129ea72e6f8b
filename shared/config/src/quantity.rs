//! Text to durations, byte counts, addresses and networks, and back to text for tables and problems.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

/// What a duration without a unit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `m`
    Minutes,
    /// `h`
    Hours,
    /// `d`
    Days,
}

/// Every unit, largest first.
const UNITS: [Unit; 5] = [
    Unit::Days,
    Unit::Hours,
    Unit::Minutes,
    Unit::Seconds,
    Unit::Milliseconds,
];

impl Unit {
    fn millis(self) -> u64 {
        match self {
            Unit::Milliseconds => 1,
            Unit::Seconds => 1_000,
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
            Unit::Days => 86_400_000,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Minutes => "m",
            Unit::Hours => "h",
            Unit::Days => "d",
        }
    }

    /// Its name in a sentence.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Unit::Milliseconds => "milliseconds",
            Unit::Seconds => "seconds",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Days => "days",
        }
    }
}

/// `5`, `5s`, `250ms`, `2m`, `1h`, `30d`; a bare number counts in `bare`.
pub(crate) fn duration(text: &str, bare: Unit) -> Option<Duration> {
    let (digits, suffix) = split_number(text);
    let unit = match suffix {
        "" => bare,
        suffix => UNITS
            .into_iter()
            .find(|unit| unit.suffix().eq_ignore_ascii_case(suffix))?,
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(unit.millis())
        .map(Duration::from_millis)
}

/// The shortest whole form: `90m`, `30d`, `250ms`.
pub(crate) fn duration_text(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |unit: &Unit| millis > 0 && millis.is_multiple_of(unit.millis());
    let unit = UNITS.into_iter().find(fits).unwrap_or(Unit::Seconds);
    format!("{}{}", millis / unit.millis(), unit.suffix())
}

/// `1048576`, `64K`, `50MB`, `1GiB`; every unit is a power of 1024.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (digits, suffix) = split_number(text);
    let factor = match suffix.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The shortest whole form: `64K`, `50M`, `1000`.
pub(crate) fn bytes_text(n_bytes: u64) -> String {
    let units = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let fits = |&(size, _): &(u64, &str)| n_bytes > 0 && n_bytes.is_multiple_of(size);
    let (size, suffix) = units.into_iter().find(fits).unwrap_or((1, ""));
    format!("{}{suffix}", n_bytes / size)
}

/// `127.0.0.1:5010`, `[::1]:5010`, `localhost:5010`, `:5010` (all IPv4 interfaces), `5010` (loopback only).
pub(crate) fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let ip = match host {
        "" => Ipv4Addr::UNSPECIFIED,
        "localhost" => Ipv4Addr::LOCALHOST,
        _ => return None,
    };
    // `u16::from_str` would accept "+80".
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then(|| port.parse().ok())
        .flatten()
        .map(|port: u16| SocketAddr::from((ip, port)))
}

/// `10.0.0.0/8`, `fd00::/8`, or one address. Bits beyond the prefix are cleared.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(network) => Some(network.trunc()),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

/// Leading digits, then the unit; one may leave a space between.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_a_unit_or_the_callers() {
        let check = |text: &str, bare, millis: Option<u64>| {
            assert_eq!(duration(text, bare), millis.map(Duration::from_millis), "{text}");
        };
        check("5", Unit::Seconds, Some(5_000));
        check("5", Unit::Days, Some(5 * 86_400_000));
        check("5s", Unit::Days, Some(5_000));
        check("250ms", Unit::Seconds, Some(250));
        check("2m", Unit::Seconds, Some(120_000));
        check("1h", Unit::Seconds, Some(3_600_000));
        check("30 D", Unit::Seconds, Some(30 * 86_400_000));
        check("0", Unit::Hours, Some(0));
        for bad in [
            "",
            "s",
            "-5",
            "+5",
            "1.5h",
            "5 weeks",
            "1h30m",
            "99999999999999999999",
            "213503982335d",
        ] {
            check(bad, Unit::Seconds, None);
        }
    }

    #[test]
    fn durations_are_written_in_their_largest_whole_unit() {
        let check = |millis, expected: &str| {
            let text = duration_text(Duration::from_millis(millis));
            assert_eq!(text, expected);
            assert_eq!(duration(&text, Unit::Days), Some(Duration::from_millis(millis)));
        };
        check(0, "0s");
        check(250, "250ms");
        check(5_000, "5s");
        check(5_400_000, "90m");
        check(86_400_000, "1d");
    }

    #[test]
    fn bytes_count_in_powers_of_1024() {
        let check = |text: &str, expected| assert_eq!(bytes(text), expected, "{text}");
        check("1048576", Some(1_048_576));
        check("64K", Some(65_536));
        check("50MB", Some(50 << 20));
        check("1 gib", Some(1 << 30));
        check("7b", Some(7));
        for bad in ["", "K", "-1", "1.5M", "64 kilo", "99999999999G"] {
            check(bad, None);
        }
        for (n_bytes, text) in [
            (0, "0"),
            (1000, "1000"),
            (65_536, "64K"),
            (50 << 20, "50M"),
            (1 << 30, "1G"),
        ] {
            assert_eq!(bytes_text(n_bytes), text);
        }
    }

    #[test]
    fn addresses_may_leave_out_the_host() {
        let check = |text: &str, expected: &str| assert_eq!(address(text), expected.parse().ok(), "{text}");
        check("127.0.0.1:5010", "127.0.0.1:5010");
        check("[::1]:5010", "[::1]:5010");
        check("localhost:0", "127.0.0.1:0");
        check(":5010", "0.0.0.0:5010");
        check("5010", "127.0.0.1:5010");
        for bad in [
            "",
            ":",
            "65536",
            "+80",
            ":-1",
            "example.com:80",
            "127.0.0.1",
            "::1",
            "::1:5010:x",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks_may_be_single_addresses() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                network(text).map(|net| net.to_string()).unwrap_or_default(),
                expected,
                "{text}"
            );
        };
        check("10.0.0.0/8", "10.0.0.0/8");
        check("10.1.2.3/8", "10.0.0.0/8");
        check("192.168.1.7", "192.168.1.7/32");
        check("fd00::1", "fd00::1/128");
        check("10.0.0.0/33", "");
        check("proxy", "");
    }
}
