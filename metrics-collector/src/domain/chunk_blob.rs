//! A chunk as it lies in the database: what a cumulative series stood at before, when its samples were (or where that
//! is kept for many series), and what they were.

use super::varint::{self, Reader};

/// When the samples were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times<'a> {
    /// Here.
    Own(&'a [u8]),
    /// Under this number in `times`, for the same window.
    Shared(u32),
}

/// Its parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkBlob<'a> {
    /// Of a cumulative series, if anything was before.
    pub total_before: Option<f64>,
    /// See [`Times`].
    pub times: Times<'a>,
    /// See `chunk::Columns::encode_values`.
    pub values: &'a [u8],
}

const HAS_TOTAL: u8 = 1;
const HAS_SHARED: u8 = 2;

impl<'a> ChunkBlob<'a> {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let shared = if matches!(self.times, Times::Shared(_)) {
            HAS_SHARED
        } else {
            0
        };
        let mut out = Vec::with_capacity(self.values.len() + 32);
        out.push(shared | self.total_before.map_or(0, |_| HAS_TOTAL));
        out.extend(self.total_before.into_iter().flat_map(f64::to_le_bytes));
        match self.times {
            Times::Own(times) => {
                varint::write(&mut out, times.len() as u64);
                out.extend_from_slice(times);
            }
            Times::Shared(number) => varint::write(&mut out, u64::from(number)),
        }
        out.extend_from_slice(self.values);
        out
    }

    /// The way back.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        let total_before = if flags & HAS_TOTAL != 0 {
            Some(reader.float()?)
        } else {
            None
        };
        let times = if flags & HAS_SHARED != 0 {
            Times::Shared(u32::try_from(reader.number()?).ok()?)
        } else {
            let length = reader.count(1)?;
            Times::Own(reader.take(length)?)
        };
        Some(Self {
            total_before,
            times,
            values: reader.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for total_before in [None, Some(2.5)] {
            for times in [Times::Own(b"when"), Times::Own(b""), Times::Shared(300)] {
                let blob = ChunkBlob {
                    total_before,
                    times,
                    values: b"what",
                };
                assert_eq!(ChunkBlob::decode(&blob.encode()), Some(blob));
            }
        }
        assert_eq!(ChunkBlob::decode(b""), None);
        assert_eq!(ChunkBlob::decode(&[0, 9, 1]), None);
    }
}
