//! A few bytes that mean something: a delimiter, what a comment begins with.

use std::fmt;

/// One to eight bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    bytes: [u8; Self::MOST],
    length: u8,
}

impl Marker {
    /// The most bytes that a marker has.
    pub(crate) const MOST: usize = 8;

    /// Makes a marker of one byte.
    pub(crate) const fn byte(byte: u8) -> Self {
        let mut bytes = [0; Self::MOST];
        bytes[0] = byte;
        Self { bytes, length: 1 }
    }

    /// Makes a marker of a text; `None` when it is empty, too long or holds a line break.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::MOST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let fits = !text.is_empty() && !text.contains(['\n', '\r']);
        fits.then_some(Self { bytes, length: text.len() as u8 })
    }

    /// Returns the bytes.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Returns the first byte.
    #[inline]
    pub(crate) fn first(self) -> u8 {
        self.bytes[0]
    }

    /// Returns how many bytes there are.
    #[inline]
    pub(crate) fn len(self) -> usize {
        usize::from(self.length)
    }

    /// Returns whether the marker stands at `at`, where its first byte is known to stand.
    #[inline]
    pub(crate) fn continues(&self, bytes: &[u8], at: usize) -> bool {
        self.length == 1 || bytes[at..].starts_with(self.as_bytes())
    }

    /// Returns whether the marker stands at `at`.
    #[inline]
    pub(crate) fn stands(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(self.as_bytes()))
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl fmt::Display for Marker {
    /// Writes it as a person would name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_bytes() {
            b" " => f.write_str("space"),
            bytes => f.write_str(&String::from_utf8_lossy(bytes).replace('\t', "\\t")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_few_bytes_of_one_line() {
        assert_eq!(Marker::new(", ").unwrap().as_bytes(), b", ");
        assert_eq!(Marker::new("").map(Marker::len), None);
        assert_eq!(Marker::new("a\n"), None);
        assert_eq!(Marker::new("123456789"), None);
        assert_eq!(Marker::byte(b'\t').to_string(), "\\t");
        assert!(Marker::byte(b',').stands(b"a,", 1));
        assert!(!Marker::new(",,").unwrap().stands(b"a,", 1));
    }
}
