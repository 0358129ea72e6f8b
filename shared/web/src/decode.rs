//! `Content-Encoding` of request bodies, undone with the size limit kept while decoding.
//!
//! A bomb is cut off at the limit: at most `max_bytes + 1` bytes of output ever exist. Window sizes are
//! capped too, since brotli and zstd allocate them before the first byte comes out.

use std::io::{self, Read};

/// Largest zstd window accepted, as a power of two: 8 MiB, what level 19 uses.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Largest brotli window accepted, as a power of two: 4 MiB, the default of the encoders in use.
const MAX_BROTLI_WINDOW_LOG: u32 = 22;

/// A coding of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Why a body could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    TooLarge,
    Malformed,
}

impl Encoding {
    /// `Ok(None)` for no coding; `Err` for one that we don't know, or several on top of each other.
    pub(crate) fn parse(header: Option<&str>) -> Result<Option<Self>, ()> {
        match header.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(None),
            Some("gzip" | "x-gzip") => Ok(Some(Self::Gzip)),
            Some("deflate") => Ok(Some(Self::Deflate)),
            Some("br") => Ok(Some(Self::Brotli)),
            Some("zstd") => Ok(Some(Self::Zstd)),
            Some(_) => Err(()),
        }
    }

    /// Decodes `wire` into at most `max_bytes`.
    pub(crate) fn decode(self, wire: &[u8], max_bytes: usize) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Gzip => read_limited(flate2::read::MultiGzDecoder::new(wire), max_bytes),
            Self::Deflate if has_zlib_header(wire) => {
                read_limited(flate2::read::ZlibDecoder::new(wire), max_bytes)
            }
            Self::Deflate => read_limited(flate2::read::DeflateDecoder::new(wire), max_bytes),
            Self::Brotli if brotli_window_log(wire) > MAX_BROTLI_WINDOW_LOG => Err(DecodeError::Malformed),
            Self::Brotli => read_limited(brotli_decompressor::Decompressor::new(wire, 4096), max_bytes),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(wire).map_err(malformed)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG).map_err(malformed)?;
                read_limited(decoder, max_bytes)
            }
        }
    }
}

fn read_limited(decoder: impl Read, max_bytes: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::new();
    decoder
        .take(max_bytes as u64 + 1)
        .read_to_end(&mut decoded)
        .map_err(malformed)?;
    if decoded.len() > max_bytes {
        return Err(DecodeError::TooLarge);
    }
    Ok(decoded)
}

fn malformed(_: io::Error) -> DecodeError {
    DecodeError::Malformed
}

/// RFC 1950 §2.2. Some clients send raw deflate under the same name.
fn has_zlib_header(wire: &[u8]) -> bool {
    matches!(wire, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

/// WBITS of RFC 7932 §9.1, from the first byte of the stream. The large-window extension reads as 63.
fn brotli_window_log(wire: &[u8]) -> u32 {
    let first = u32::from(wire.first().copied().unwrap_or(0));
    match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => 16,
        (_, 0, 0) => 17,
        (_, 0, 1) => 63,
        (_, 0, n) => 8 + n,
        (_, n, _) => 17 + n,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"{\"project\":\"shop\"}";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// An uncompressed meta-block: RFC 7932 §9.2, window 16, 18 bytes, then an empty last block.
    fn brotli(bytes: &[u8]) -> Vec<u8> {
        assert!(bytes.len() <= 1 << 16);
        // 1 bit WBITS=0, ISLAST=0, MNIBBLES=00, 16 bits length-1, ISUNCOMPRESSED=1.
        let header = (bytes.len() as u32 - 1) << 4 | 1 << 20;
        let mut wire = header.to_le_bytes()[..3].to_vec();
        wire.extend_from_slice(bytes);
        wire.push(3);
        wire
    }

    #[test]
    fn every_encoding_round_trips() {
        let check = |encoding: Encoding, wire: &[u8]| {
            assert_eq!(encoding.decode(wire, 100).unwrap(), TEXT, "{encoding:?}")
        };
        check(Encoding::Gzip, &gzip(TEXT));
        check(Encoding::Deflate, &zlib(TEXT));
        check(Encoding::Deflate, &zlib(TEXT)[2..]);
        check(Encoding::Brotli, &brotli(TEXT));
        check(Encoding::Zstd, &zstd::encode_all(TEXT, 1).unwrap());
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![0; 10 << 20];
        for (encoding, wire) in [
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Deflate, zlib(&zeros)),
            (Encoding::Zstd, zstd::encode_all(&zeros[..], 1).unwrap()),
        ] {
            assert!(wire.len() < 20_000);
            assert_eq!(
                encoding.decode(&wire, 1000),
                Err(DecodeError::TooLarge),
                "{encoding:?}"
            );
        }
        assert_eq!(
            Encoding::Brotli.decode(&brotli(&[7; 2000]), 1000),
            Err(DecodeError::TooLarge)
        );
    }

    #[test]
    fn oversized_windows_are_refused_before_they_are_allocated() {
        // First byte 0x0f: WBITS 24.
        assert_eq!(
            Encoding::Brotli.decode(&[0x0f, 0, 0], 1000),
            Err(DecodeError::Malformed)
        );
        assert_eq!(brotli_window_log(&[0x11]), 63);
        // A zstd frame header that asks for a 128 MiB window (RFC 8878 §3.1.1.1.2).
        assert_eq!(
            Encoding::Zstd.decode(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 1, 0, 0], 1000),
            Err(DecodeError::Malformed)
        );
    }

    #[test]
    fn noise_is_malformed() {
        for encoding in [
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Brotli,
            Encoding::Zstd,
        ] {
            assert_eq!(
                encoding.decode(&[0xff; 64], 1000),
                Err(DecodeError::Malformed),
                "{encoding:?}"
            );
        }
        assert_eq!(Encoding::parse(Some("gzip, gzip")), Err(()));
        assert_eq!(Encoding::parse(Some("GZIP")), Ok(Some(Encoding::Gzip)));
    }
}
