//! Samples as a scrape of many hosts gives them, all decided by numbers, in the form each server takes: JSON of ours,
//! JSON lines of VictoriaMetrics, protobuf of Prometheus' remote write.

use std::io::Write;
use std::ops::Range;

use crate::dice::scramble;

/// Between two scrapes.
pub const TICK_MS: i64 = 15_000;
/// Bounds of the histogram that the rivals get, in seconds; the last bucket has none.
pub const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 5., 10.];

/// Series with a value at every tick. Every other one is a counter.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// How many series.
    pub n_series: u64,
    /// How many of them have one name.
    pub per_name: u64,
    /// When the first tick is.
    pub start_ms: i64,
}

impl Feed {
    /// The name of a series: `app_requests_0`, `app_load_1`, …
    pub fn name(&self, series: u64) -> String {
        let number = series / self.per_name;
        let what = if self.is_counter(series) {
            "requests"
        } else {
            "load"
        };
        format!("app_{what}_{number}")
    }

    /// Whether it only grows.
    pub fn is_counter(&self, series: u64) -> bool {
        (series / self.per_name).is_multiple_of(2)
    }

    /// All series of a scrape have the same time, and no scrape is quite on time.
    pub fn at_ms(&self, tick: u64) -> i64 {
        self.start_ms + tick as i64 * TICK_MS + (scramble(tick) % 40) as i64
    }

    fn labels(&self, series: u64) -> [(&'static str, String); 4] {
        [
            ("host", format!("host-{}", series % self.per_name)),
            ("job", "app".to_owned()),
            (
                "region",
                ["eu-west-1", "us-east-1", "ap-south-1"][(series % 3) as usize].to_owned(),
            ),
            ("service", format!("svc-{}", series % 20)),
        ]
    }

    /// Counters in whole numbers, others in hundredths.
    pub fn value(&self, series: u64, tick: u64) -> f64 {
        let dust = scramble(series << 32 | tick);
        if self.is_counter(series) {
            let rate = 20 + series % 50;
            return (1_000 * series + rate * tick + dust % rate) as f64;
        }
        let wave = (f64::from(tick as u32) / 240. + series as f64).sin() * 20.;
        ((50. + wave) * 100. + (dust % 100) as f64).round() / 100.
    }

    /// A request of ours.
    pub fn write_ours(&self, series: Range<u64>, tick: u64, out: &mut Vec<u8>) {
        let mut before = '[';
        for id in series {
            let kind = if self.is_counter(id) {
                "cumulative"
            } else {
                "gauge"
            };
            let [a, b, c, d] = self.labels(id);
            let _ = write!(
                out,
                r#"{before}{{"name":"{}","type":"{kind}","value":{},"timestamp":{},"labels":{{"{}":"{}","{}":"{}","{}":"{}","{}":"{}"}}}}"#,
                self.name(id),
                self.value(id, tick),
                self.at_ms(tick),
                a.0,
                a.1,
                b.0,
                b.1,
                c.0,
                c.1,
                d.0,
                d.1
            );
            before = ',';
        }
        out.push(b']');
    }

    /// A request of `/api/v1/import`.
    pub fn write_lines(&self, series: Range<u64>, tick: u64, out: &mut Vec<u8>) {
        for id in series {
            let [a, b, c, d] = self.labels(id);
            let _ = writeln!(
                out,
                r#"{{"metric":{{"__name__":"{}","{}":"{}","{}":"{}","{}":"{}","{}":"{}"}},"values":[{}],"timestamps":[{}]}}"#,
                self.name(id),
                a.0,
                a.1,
                b.0,
                b.1,
                c.0,
                c.1,
                d.0,
                d.1,
                self.value(id, tick),
                self.at_ms(tick)
            );
        }
    }

    /// A `WriteRequest`, not compressed.
    pub fn write_protobuf(&self, series: Range<u64>, tick: u64, out: &mut Vec<u8>) {
        for id in series {
            let name = self.name(id);
            let mut labels = vec![("__name__", name)];
            labels.extend(self.labels(id));
            write_series(out, &labels, self.value(id, tick), self.at_ms(tick));
        }
    }
}

/// One `TimeSeries` of one sample: <https://prometheus.io/docs/specs/prw/remote_write_spec/>.
pub fn write_series(out: &mut Vec<u8>, labels: &[(&str, String)], value: f64, at_ms: i64) {
    let mut series = Vec::with_capacity(128);
    for (key, text) in labels {
        let mut label = Vec::with_capacity(64);
        write_bytes(&mut label, 1, key.as_bytes());
        write_bytes(&mut label, 2, text.as_bytes());
        write_bytes(&mut series, 1, &label);
    }
    let mut sample = vec![1 << 3 | 1];
    sample.extend(value.to_le_bytes());
    sample.push(2 << 3);
    write_varint(&mut sample, at_ms as u64);
    write_bytes(&mut series, 2, &sample);
    write_bytes(out, 1, &series);
}

fn write_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    write_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Snappy's block format with nothing compressed, which costs the reader least:
/// <https://github.com/google/snappy/blob/main/format_description.txt>.
pub fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    write_varint(&mut out, bytes.len() as u64);
    for piece in bytes.chunks(1 << 16) {
        out.push(61 << 2);
        out.extend(((piece.len() - 1) as u16).to_le_bytes());
        out.extend(piece);
    }
    out
}

/// A latency in seconds: most are some ten milliseconds, a few take seconds.
pub fn latency(number: u64) -> f64 {
    let share = (scramble(number) >> 11) as f64 / (1_u64 << 53) as f64;
    let ms = (20. * (3. * share * share).exp() + 3000. * share.powi(60)).round();
    ms / 1000.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_and_times_are_in_order() {
        let feed = Feed {
            n_series: 40,
            per_name: 10,
            start_ms: 0,
        };
        for tick in 1..100 {
            assert!(feed.value(3, tick) > feed.value(3, tick - 1) && feed.at_ms(tick) > feed.at_ms(tick - 1));
        }
        assert_eq!(
            (feed.name(3), feed.name(13)),
            ("app_requests_0".into(), "app_load_1".into())
        );
    }

    #[test]
    fn requests_hold_what_they_say() {
        let feed = Feed {
            n_series: 40,
            per_name: 10,
            start_ms: 0,
        };
        let (mut ours, mut lines, mut protobuf) = (Vec::new(), Vec::new(), Vec::new());
        feed.write_ours(0..20, 3, &mut ours);
        feed.write_lines(0..20, 3, &mut lines);
        feed.write_protobuf(0..20, 3, &mut protobuf);
        let items: Vec<serde_json::Value> = serde_json::from_slice(&ours).unwrap();
        assert_eq!(
            (items.len(), &items[12]["type"]),
            (20, &serde_json::json!("gauge"))
        );
        assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 20);
        assert!(snappy(&protobuf).len() > protobuf.len());
    }
}
