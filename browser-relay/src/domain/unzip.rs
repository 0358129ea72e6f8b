//! zstd for many small things, one after another: what it needs to work with is made once.

use zstd::bulk::Decompressor;

/// Unpacks what [`zstd::bulk::compress`] packed.
#[derive(Default)]
pub struct Unzip {
    decompressor: Option<Decompressor<'static>>,
}

impl Unzip {
    /// The bytes again, at most `max` of them; `None` if there are more, or they are damaged.
    pub fn unpack(&mut self, packed: &[u8], max: usize) -> Option<Vec<u8>> {
        if self.decompressor.is_none() {
            self.decompressor = Decompressor::new().ok();
        }
        self.decompressor.as_mut()?.decompress(packed, max).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_another_and_none_too_large() {
        let mut unzip = Unzip::default();
        let pack = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
        assert_eq!(unzip.unpack(&pack(b"first"), 5).as_deref(), Some(&b"first"[..]));
        assert_eq!(unzip.unpack(&pack(b"second"), 5), None);
        assert_eq!(unzip.unpack(b"no zstd", 99), None);
        assert_eq!(unzip.unpack(&pack(b""), 0).as_deref(), Some(&b""[..]));
    }
}
