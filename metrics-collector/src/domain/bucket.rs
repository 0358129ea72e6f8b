//! The bytes of one bucket of a histogram: sum, least, greatest, last, when that was, and the distribution.

use super::aggregate::Aggregate;
use super::sketch::Sketch;
use super::varint::{self, Reader};

/// A bucket that is not empty.
pub fn encode(bucket: &Aggregate) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    encode_into(bucket, &mut out);
    out
}

/// The same behind what is there.
pub fn encode_into(bucket: &Aggregate, out: &mut Vec<u8>) {
    for number in [bucket.sum, bucket.min, bucket.max, bucket.last] {
        out.extend(number.to_le_bytes());
    }
    varint::write_signed(out, bucket.last_at);
    match &bucket.sketch {
        Some(sketch) => sketch.encode(out),
        None => Sketch::default().encode(out),
    }
}

/// The way back.
pub fn decode(reader: &mut Reader<'_>) -> Option<Aggregate> {
    let mut bucket = Aggregate::default();
    merge_encoded(&mut bucket, reader, 0)?;
    Some(bucket)
}

/// Adds a bucket that is still bytes. Its times count from `start_ms`.
pub fn merge_encoded(bucket: &mut Aggregate, reader: &mut Reader<'_>, start_ms: i64) -> Option<()> {
    let mut plain = read_plain(reader, start_ms)?;
    plain.count = bucket.sketch.get_or_insert_default().merge_encoded(reader)?;
    bucket.merge_plain(&plain);
    Some(())
}

/// The same without the distribution.
pub fn merge_encoded_plain(bucket: &mut Aggregate, reader: &mut Reader<'_>, start_ms: i64) -> Option<()> {
    let mut plain = read_plain(reader, start_ms)?;
    plain.count = Sketch::count_encoded(reader)?;
    bucket.merge_plain(&plain);
    Some(())
}

fn read_plain(reader: &mut Reader<'_>, start_ms: i64) -> Option<Aggregate> {
    Some(Aggregate {
        sum: reader.float()?,
        min: reader.float()?,
        max: reader.float()?,
        last: reader.float()?,
        last_at: reader.signed()?.wrapping_add(start_ms),
        ..Aggregate::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kind::Kind;

    #[test]
    fn a_bucket_comes_back_and_adds_up() {
        let mut bucket = Aggregate::default();
        for value in [0.25, 3., -1., 0.] {
            bucket.add(Kind::Histogram, 5, value, 2);
        }
        let bytes = encode(&bucket);
        assert_eq!(decode(&mut Reader::new(&bytes)).as_ref(), Some(&bucket));
        let mut twice = bucket.clone();
        merge_encoded(&mut twice, &mut Reader::new(&bytes), 0).unwrap();
        bucket.merge(&bucket.clone());
        assert_eq!(twice, bucket);
        assert_eq!(decode(&mut Reader::new(&bytes[..bytes.len() - 1])), None);
    }
}
