//! The separators of RFC 8142, by which each text of a sequence begins with a byte of its own.
//!
//! Start at [`Separators`]. It makes them blanks, so that nobody else needs to know of them; the bytes stay
//! where they are. One in the middle of a text is left there, where it is no JSON.

use std::io::{self, Read};

/// The byte that begins a text.
pub(super) const SEPARATOR: u8 = 0x1e;

/// A reader that makes blanks of separators.
pub(super) struct Separators<R> {
    reader: R,
    /// What was read ends between two texts, as far as its last byte that is not blank tells.
    between: bool,
}

impl<R> Separators<R> {
    /// Reads from the beginning.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, between: true }
    }

    fn replace(&mut self, bytes: &mut [u8]) {
        let mut from = 0;
        while let Some(length) = memchr::memchr(SEPARATOR, &bytes[from..]) {
            let at = from + length;
            if self.is_between(&bytes[from..at]) {
                bytes[at] = b' ';
                self.between = true;
            } else {
                self.between = false;
            }
            from = at + 1;
        }
        self.between = self.is_between(&bytes[from..]);
    }

    /// Returns whether a text may begin behind these bytes, which follow those that were looked at.
    fn is_between(&self, bytes: &[u8]) -> bool {
        let last = bytes.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        last.map_or(self.between, |last| matches!(last, b'\n' | b'}'))
    }
}

impl<R: Read> Read for Separators<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.replace(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_become_blanks_however_they_are_read() {
        let text = b"\x1e{\"a\":1}\n\x1e{\"b\":\"\x1e\"}\r\n \x1e\x1e{}\x1e{}\n";
        let expected = b" {\"a\":1}\n {\"b\":\"\x1e\"}\r\n   {} {}\n";
        for step in 1..text.len() {
            let mut reader = Separators::new(text.as_slice());
            let mut found = Vec::new();
            let mut buffer = vec![0; step];
            loop {
                let count = reader.read(&mut buffer).unwrap();
                if count == 0 {
                    break;
                }
                found.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(found, expected, "{step}");
        }
    }
}
