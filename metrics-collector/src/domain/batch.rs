//! The samples of one request, ready to be kept, and their bytes in the journal: about 3 a sample.
//!
//! One sample: varint of units · 8 + 4 if it is of the next series at the same time + how the value is told (0 whole,
//! 1 in hundredths, 2 in 10⁻⁴, 3 raw), then the change of series and of time unless it is the next one, then a raw value.

use super::decimal;
use super::varint::{self, Reader};

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Id of the series.
    pub series: u32,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// What.
    pub value: f64,
}

/// A session that was on a page, to be counted once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Visit {
    /// When, in whole hours since 1970.
    pub hour: i64,
    /// Whose page.
    pub project: Option<Box<str>>,
    /// The page's path.
    pub page: Box<str>,
    /// A hash of the session.
    pub session: u64,
}

/// What a request brings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// In the order of the request.
    pub samples: Vec<Sample>,
    /// Sessions of browsers.
    pub visits: Vec<Visit>,
}

const SCALES: [u8; 3] = [0, 2, 4];
const RAW: u64 = 3;
const IS_NEXT: u64 = 4;
/// Units of more than this take eight bytes and more, so that raw is as short.
const MAX_UNITS: u64 = 1 << 46;

impl Batch {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.samples.len() * 5);
        varint::write(&mut out, self.samples.len() as u64);
        let (mut series, mut at) = (0_u32, 0_i64);
        for sample in &self.samples {
            let is_next = sample.series == series.wrapping_add(1) && sample.at_ms == at;
            let next = if is_next { IS_NEXT } else { 0 };
            let (units, how) = told(sample.value);
            varint::write(&mut out, units << 3 | next | how);
            if !is_next {
                varint::write_signed(&mut out, i64::from(sample.series) - i64::from(series));
                varint::write_signed(&mut out, sample.at_ms.wrapping_sub(at));
            }
            if how == RAW {
                out.extend(sample.value.to_le_bytes());
            }
            (series, at) = (sample.series, sample.at_ms);
        }
        self.encode_visits(&mut out);
        out
    }

    fn encode_visits(&self, out: &mut Vec<u8>) {
        varint::write(out, self.visits.len() as u64);
        for visit in &self.visits {
            varint::write_signed(out, visit.hour);
            let project = visit.project.as_deref();
            varint::write(out, project.map_or(0, |project| project.len() as u64 + 1));
            out.extend(project.unwrap_or_default().as_bytes());
            varint::write(out, visit.page.len() as u64);
            out.extend(visit.page.as_bytes());
            out.extend(visit.session.to_le_bytes());
        }
    }

    /// The way back; `None` for bytes that [`Batch::encode`] did not write.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let n = reader.count(1)?;
        let mut samples = Vec::with_capacity(n);
        let (mut series, mut at_ms) = (0_u32, 0_i64);
        for _ in 0..n {
            let head = reader.number()?;
            if head & IS_NEXT != 0 {
                series = series.checked_add(1)?;
            } else {
                series = u32::try_from(i64::from(series).checked_add(reader.signed()?)?).ok()?;
                at_ms = at_ms.wrapping_add(reader.signed()?);
            }
            let value = match head & 3 {
                RAW => reader.float()?,
                how => decimal::unscaled(varint::unzigzag(head >> 3), SCALES[how as usize]),
            };
            samples.push(Sample { series, at_ms, value });
        }
        let visits = decode_visits(&mut reader)?;
        reader.is_at_end().then_some(Self { samples, visits })
    }
}

/// Units in zigzag and how they are to be read.
fn told(value: f64) -> (u64, u64) {
    for (how, scale) in (0..).zip(SCALES) {
        let units = decimal::scaled(value, scale).map(varint::zigzag);
        if let Some(units) = units.filter(|units| *units < MAX_UNITS) {
            return (units, how);
        }
    }
    (0, RAW)
}

fn decode_visits(reader: &mut Reader<'_>) -> Option<Vec<Visit>> {
    let n = reader.count(11)?;
    let text = |bytes: &[u8]| Some(std::str::from_utf8(bytes).ok()?.into());
    let mut visits = Vec::with_capacity(n);
    for _ in 0..n {
        let hour = reader.signed()?;
        let project = match reader.number()? {
            0 => None,
            n => Some(text(reader.take(usize::try_from(n - 1).ok()?)?)?),
        };
        let n = usize::try_from(reader.number()?).ok()?;
        let page = text(reader.take(n)?)?;
        let session = u64::from_le_bytes(reader.take(8)?.try_into().ok()?);
        visits.push(Visit {
            hour,
            project,
            page,
            session,
        });
    }
    Some(visits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let value = prop_oneof![
            any::<f64>(),
            (-1_000_000_i64..1_000_000).prop_map(|n| n as f64 / 100.)
        ];
        (0..u32::MAX, any::<i64>(), value).prop_map(|(series, at_ms, value)| Sample { series, at_ms, value })
    }

    fn visit() -> impl Strategy<Value = Visit> {
        (
            any::<i64>(),
            prop::option::of("\\PC{0,9}"),
            "\\PC{0,9}",
            any::<u64>(),
        )
            .prop_map(|(hour, project, page, session)| Visit {
                hour,
                project: project.map(Into::into),
                page: page.into(),
                session,
            })
    }

    proptest! {
        #[test]
        fn a_batch_comes_back(samples in prop::collection::vec(sample(), 0..60), visits in prop::collection::vec(visit(), 0..5)) {
            let batch = Batch { samples, visits };
            let back = Batch::decode(&batch.encode()).unwrap();
            let bits = |batch: &Batch| batch.samples.iter().map(|s| (s.series, s.at_ms, s.value.to_bits())).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&batch));
            prop_assert_eq!(back.visits, batch.visits);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Batch::decode(&bytes);
        }
    }

    #[test]
    fn a_scrape_takes_three_bytes_a_sample() {
        let samples = (0..1000).map(|n| Sample {
            series: n,
            at_ms: 1_795_168_800_123,
            value: f64::from(n * 7 % 1000) / 100.,
        });
        let batch = Batch {
            samples: samples.collect(),
            visits: Vec::new(),
        };
        let n = batch.encode().len();
        assert!(n < 3_100, "{n}");
    }
}
