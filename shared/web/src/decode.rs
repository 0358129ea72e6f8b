//! `Content-Encoding` of request bodies, undone with the size limit kept while decoding.
//!
//! A bomb is cut off at the limit: at most `max_bytes + 1` bytes of output ever exist. The windows that brotli
//! and zstd streams ask for, up to 16 MiB and more, are not allocated: what is within the limit needs none
//! larger than the limit.

use std::io::{self, Read};

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
            Self::Brotli => {
                let (first, rest) = wire.split_first().ok_or(DecodeError::Malformed)?;
                let first = [narrowed(*first, max_bytes)];
                let wire = first.as_slice().chain(rest);
                read_limited(brotli_decompressor::Decompressor::new(wire, 4096), max_bytes)
            }
            // In one go the output is the window.
            Self::Zstd => zstd::bulk::decompress(wire, max_bytes).map_err(|cause| {
                // The binding has no error codes; this is the text of ZSTD_error_dstSize_tooSmall.
                if cause.to_string().contains("Destination buffer is too small") {
                    DecodeError::TooLarge
                } else {
                    DecodeError::Malformed
                }
            }),
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

/// The first byte of a brotli stream with a window no larger than `max_bytes` asks for.
///
/// A decoder fills its window before the first byte comes out. A smaller one decodes the same as long as all
/// of the output fits: a window only says how far back a copy may reach, and none reaches back beyond the
/// beginning. Windows from 18 (256 KiB) to 24 have headers of equal length: 1, then three bits of WBITS - 17,
/// low bits first (RFC 7932 §9.1); those below are left as they are.
fn narrowed(first: u8, max_bytes: usize) -> u8 {
    let asked = first >> 1 & 7;
    if first & 1 == 0 || asked == 0 {
        return first;
    }
    let fits = |wanted: &u8| (1 << (17 + wanted)) - 16 > max_bytes;
    let enough = (1..=7).find(fits).unwrap_or(7);
    first & !0b1110 | asked.min(enough) << 1
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
    fn windows_are_no_larger_than_the_limit_asks_for() {
        let check = |first: u8, max_bytes, expected| {
            assert_eq!(narrowed(first, max_bytes), expected, "{first:#b} {max_bytes}");
        };
        // WBITS 24 becomes 18, 19, 20, and stays; the other bits are of the first meta-block.
        check(0b1010_1111, 1000, 0b1010_0011);
        check(0b1010_1111, (1 << 18) - 17, 0b1010_0011);
        check(0b1010_1111, (1 << 18) - 16, 0b1010_0101);
        check(0b1010_1111, 1 << 19, 0b1010_0111);
        check(0b1010_1111, 1 << 30, 0b1010_1111);
        // 18 is not made larger; 16 and 17 are left alone.
        check(0b0011, 1 << 20, 0b0011);
        check(0b1110, 1000, 0b1110);
        check(0b000_0001, 1000, 0b000_0001);
    }

    #[test]
    fn a_narrowed_window_decodes_the_same() {
        // Python: brotli.compress(b'abc' * 30000, lgwin=24), which begins with WBITS 24.
        let wire = include_bytes!("../tests/fixtures/repeated.br");
        assert_eq!(wire[0] & 0b1111, 0b1111);
        assert_eq!(
            Encoding::Brotli.decode(wire, 90_000).unwrap(),
            b"abc".repeat(30_000)
        );
        assert_eq!(Encoding::Brotli.decode(wire, 89_999), Err(DecodeError::TooLarge));
    }

    #[test]
    fn a_zstd_window_of_any_size_costs_nothing() {
        // A frame header that asks for a 128 MiB window (RFC 8878 §3.1.1.1.2), and an empty last block.
        assert_eq!(
            Encoding::Zstd.decode(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 1, 0, 0], 1000),
            Ok(vec![])
        );
    }

    #[test]
    fn the_large_window_extension_of_brotli_is_refused() {
        assert_eq!(
            Encoding::Brotli.decode(&[0x11, 0x0f, 0, 0], 1000),
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
