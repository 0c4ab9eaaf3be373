//! Records as SQLite stores them: a header of types, and the values behind it.
//!
//! Nothing here reads a page or knows a table; what does not fit together is `None`, and whoever asked
//! says where it stood. The format is <https://www.sqlite.org/fileformat2.html#record_format>.

use std::ops::Range;

use rusqlite::types::ValueRef;

use super::types::Class;

/// A value of a record, not yet looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// SQLite's number for its class and length.
    kind: u64,
    /// Where it begins in the record.
    at: usize,
}

/// What came of reading a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// The fields are there.
    Read,
    /// So many bytes of the record are needed.
    Needs(usize),
}

/// What the type of a value tells of it, before the value is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    /// A value of the class; an integer that some double is equal to.
    Of(Class),
    /// An integer of 8 bytes, of which the type does not tell whether there is such a double.
    LongInteger,
    /// None that SQLite writes.
    Unknown,
}

/// Reads a number of at most 9 bytes, and returns how many they were.
#[inline]
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    match bytes.first() {
        Some(&first) if first < 0x80 => Some((u64::from(first), 1)),
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().take(8) {
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, at + 1));
        }
    }
    // The ninth byte has all of its bits.
    let &last = bytes.get(8)?;
    Some((value << 8 | u64::from(last), 9))
}

/// Reads the first `wanted` fields of a record of which `bytes` are the beginning and `total` all
/// bytes. There may be fewer of them, where columns were added to the table later.
#[inline]
pub(super) fn fields(
    bytes: &[u8],
    total: usize,
    wanted: usize,
    fields: &mut Vec<Field>,
) -> Option<Header> {
    fields.clear();
    let (length, from) = varint(bytes)?;
    let length =
        usize::try_from(length).ok().filter(|&length| from <= length && length <= total)?;
    let Some(mut kinds) = bytes.get(from..length) else {
        return Some(Header::Needs(length));
    };
    let mut at = length;
    while fields.len() < wanted {
        let kind = match kinds.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                kinds = rest;
                u64::from(first)
            }
            Some(_) => {
                let (kind, read) = varint(kinds)?;
                kinds = &kinds[read..];
                kind
            }
            None => break,
        };
        let field = Field { kind, at };
        at = field.end()?;
        fields.push(field);
    }
    // The last value ends where the record does.
    let fits = if kinds.is_empty() { at == total } else { at <= total };
    fits.then_some(Header::Read)
}

impl Field {
    /// Returns where it ends in the record.
    #[inline]
    pub(super) fn end(self) -> Option<usize> {
        const SIZES: [usize; 12] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
        let size = match SIZES.get(usize::try_from(self.kind).ok()?) {
            Some(&size) => size,
            None => usize::try_from((self.kind - 12) / 2).ok()?,
        };
        self.at.checked_add(size)
    }

    /// Returns what its type tells.
    #[inline]
    pub(super) const fn shape(self) -> Shape {
        match self.kind {
            0 => Shape::Null,
            1..=5 | 8 | 9 => Shape::Of(Class::Integer),
            6 => Shape::LongInteger,
            7 => Shape::Of(Class::Real),
            10 | 11 => Shape::Unknown,
            kind if kind % 2 == 1 => Shape::Of(Class::Text),
            _ => Shape::Of(Class::Blob),
        }
    }

    /// Returns its value if it is an integer.
    #[inline]
    pub(super) fn integer(self, record: &[u8]) -> Option<i64> {
        let bytes = record.get(self.at..)?;
        Some(match self.kind {
            1 => i64::from(bytes.first()?.cast_signed()),
            2 => i64::from(i16::from_be_bytes(*bytes.first_chunk()?)),
            3 => {
                let &[a, b, c] = bytes.first_chunk()?;
                i64::from(i32::from_be_bytes([a, b, c, 0]) >> 8)
            }
            4 => i64::from(i32::from_be_bytes(*bytes.first_chunk()?)),
            5 => {
                let &[a, b, c, d, e, f] = bytes.first_chunk()?;
                i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16
            }
            6 => i64::from_be_bytes(*bytes.first_chunk()?),
            8 => 0,
            9 => 1,
            _ => return None,
        })
    }

    /// Returns its value if it is a double, and a number.
    #[inline]
    pub(super) fn real(self, record: &[u8]) -> Option<f64> {
        if self.kind != 7 {
            return None;
        }
        let value = f64::from_be_bytes(*record.get(self.at..)?.first_chunk()?);
        (!value.is_nan()).then_some(value)
    }

    /// Returns where it stands in the record if it is a text.
    #[inline]
    pub(super) fn text_range(self) -> Option<Range<usize>> {
        if self.kind < 13 || self.kind.is_multiple_of(2) {
            return None;
        }
        Some(self.at..self.end()?)
    }

    /// Returns its value if it is a text.
    #[inline]
    pub(super) fn text(self, record: &[u8]) -> Option<&[u8]> {
        record.get(self.text_range()?)
    }

    /// Returns its value.
    pub(super) fn value(self, record: &[u8]) -> Option<ValueRef<'_>> {
        let bytes = record.get(self.at..self.end()?)?;
        Some(match self.shape() {
            Shape::Null => ValueRef::Null,
            Shape::Of(Class::Integer) | Shape::LongInteger => {
                ValueRef::Integer(self.integer(record)?)
            }
            // A double that is no number is nothing: so SQLite reads it, which never writes one.
            Shape::Of(Class::Real) => self.real(record).map_or(ValueRef::Null, ValueRef::Real),
            Shape::Of(Class::Text) => ValueRef::Text(bytes),
            Shape::Of(Class::Blob) => ValueRef::Blob(bytes),
            Shape::Unknown => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_one_to_nine_bytes() {
        for (bytes, expected) in [
            (&[0x00][..], Some((0, 1))),
            (&[0x7f], Some((127, 1))),
            (&[0x81, 0x00], Some((128, 2))),
            (&[0xff, 0x7f], Some((16383, 2))),
            (&[0xff; 9], Some((u64::MAX, 9))),
            (&[0xff; 8], None),
            (&[0x81], None),
            (&[], None),
        ] {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn integers_keep_their_sign() {
        for (kind, bytes, expected) in [
            (1, &[0xff][..], -1),
            (2, &[0x80, 0x00], -32768),
            (3, &[0x7f, 0xff, 0xff], 8_388_607),
            (3, &[0xff, 0xff, 0xfe], -2),
            (4, &[0x80, 0, 0, 0], i64::from(i32::MIN)),
            (5, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xfd], -3),
            (5, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff], (1 << 47) - 1),
            (6, &[0x80, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
            (8, &[], 0),
            (9, &[], 1),
        ] {
            assert_eq!(Field { kind, at: 0 }.integer(bytes), Some(expected));
        }
        assert_eq!(Field { kind: 7, at: 0 }.integer(&[0; 8]), None);
        assert_eq!(Field { kind: 6, at: 0 }.integer(&[0; 7]), None);
    }

    #[test]
    fn a_record_is_read_field_by_field() {
        let record = [5, 1, 0, 19, 9, 42, b'a', b'b', b'c'];
        let mut read = Vec::new();
        assert_eq!(fields(&record, record.len(), 9, &mut read), Some(Header::Read));
        let values: Vec<_> = read.iter().map(|field| field.value(&record)).collect();
        assert_eq!(
            values,
            [
                Some(ValueRef::Integer(42)),
                Some(ValueRef::Null),
                Some(ValueRef::Text(b"abc")),
                Some(ValueRef::Integer(1))
            ]
        );
        assert_eq!(fields(&record, record.len(), 2, &mut read), Some(Header::Read));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn what_does_not_fit_together_is_nothing() {
        let mut read = Vec::new();
        // A header that is longer than the record, or ends before itself, or in a number, or whose
        // values need more than there is, or less.
        for record in [&[9, 1][..], &[0, 1], &[2, 0x81, 1], &[2, 6, 1], &[2, 1, 1, 1], &[]] {
            assert_eq!(fields(record, record.len(), 9, &mut read), None, "{record:?}");
        }
        assert_eq!(fields(&[9, 1], 100, 9, &mut read), Some(Header::Needs(9)));
        let unused = [2, 10];
        assert_eq!(fields(&unused, 2, 9, &mut read), Some(Header::Read));
        assert_eq!((read[0].value(&unused), read[0].shape()), (None, Shape::Unknown));
    }
}
