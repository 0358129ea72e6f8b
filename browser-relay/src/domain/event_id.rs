//! Ids by which a backend knows what it had before: 32 lower-case hexadecimal digits, ascending with time.

use data_encoding::HEXLOWER;

/// An id of its own for something that came at `now` (Unix milliseconds), from ten random bytes.
pub fn of(now: i64, random: [u8; 10]) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    HEXLOWER.encode(&bytes)
}

/// The client's own id, where it has one, so that what it sends twice counts once.
pub fn read(text: &str) -> Option<String> {
    super::source_map::debug_id(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_with_time_and_those_of_clients_have_one_form() {
        assert!(of(1_795_168_800_123, [255; 10]) < of(1_795_168_800_124, [0; 10]));
        assert_eq!(of(0, [1; 10]).len(), 32);
        assert_eq!(read(&"A".repeat(32)), Some("a".repeat(32)));
        assert_eq!(read("x"), None);
    }
}
