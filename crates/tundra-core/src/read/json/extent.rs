//! How far a value extends, found by its quotes and brackets alone.
//!
//! Start at [`Extent`]. It does not check the grammar: the splitter uses it to find where a record
//! ends, and the decoder to pass over a record that it could not read, so that both agree on what
//! a record is. It can stop at the end of what has been read and go on when there is more.
//!
//! Brackets and quotes are found 64 bytes at a time, as bit masks (Langdale and Lemire, "Parsing
//! Gigabytes of JSON per Second", 2019).

use wide::u8x16;

use crate::read::json::brackets::{Bracket, Brackets};

/// The search for the end of one value.
#[derive(Debug)]
pub(super) enum Extent {
    /// An object or an array.
    Container(Container),
    /// A string, with the offset behind its opening quote still to be passed or not.
    Text {
        /// Whether the opening quote has been passed.
        opened: bool,
    },
    /// Anything else: it ends where something begins that cannot belong to a number or a word.
    Word,
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The value ends in front of this offset.
    End(usize),
    /// It does not end in these bytes; go on from this offset when there are more.
    More(usize),
    /// At this offset a bracket closes that is not the one that is open.
    Mismatch(usize),
    /// At this offset it is nested too deep.
    TooDeep(usize),
}

impl Extent {
    /// Begins the search at a value whose first byte is this one; `None` when no value and nothing
    /// like one begins with it.
    pub(super) fn of(first: u8) -> Option<Self> {
        match first {
            b'{' | b'[' => Some(Self::Container(Container::new())),
            b'"' => Some(Self::Text { opened: false }),
            byte if ends_word(byte) => None,
            _ => Some(Self::Word),
        }
    }

    /// Searches from `at`, which is the value's first byte or what [`Reach::More`] said. With
    /// `complete` no bytes will follow.
    pub(super) fn search(&mut self, bytes: &[u8], at: usize, complete: bool) -> Reach {
        match self {
            Self::Container(container) => container.search(bytes, at, complete),
            Self::Text { opened } => {
                let start = if *opened { at } else { at + 1 };
                *opened = true;
                string_end(bytes, start)
            }
            Self::Word => match bytes[at..].iter().position(|byte| ends_word(*byte)) {
                Some(length) => Reach::End(at + length),
                None if complete => Reach::End(bytes.len()),
                None => Reach::More(bytes.len()),
            },
        }
    }

    /// Returns the offset behind the value at `at` of bytes that are all there is. A value that
    /// does not end extends to their end.
    pub(super) fn end(bytes: &[u8], at: usize) -> usize {
        let Some(mut extent) = bytes.get(at).and_then(|first| Self::of(*first)) else {
            return bytes.len().min(at + 1);
        };
        match extent.search(bytes, at, true) {
            Reach::End(end) => end,
            Reach::More(_) | Reach::Mismatch(_) | Reach::TooDeep(_) => bytes.len(),
        }
    }
}

/// Returns whether a number or a word ends in front of this byte.
#[inline]
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'"' | b'[' | b']' | b'{' | b'}')
}

fn string_end(bytes: &[u8], mut at: usize) -> Reach {
    while let Some(offset) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += offset;
        if bytes[at] == b'"' {
            return Reach::End(at + 1);
        }
        if at + 1 == bytes.len() {
            // What is escaped is not known yet.
            return Reach::More(at);
        }
        at += 2;
    }
    Reach::More(at.max(bytes.len()))
}

/// The search for the bracket that closes an object or an array.
#[derive(Debug)]
pub(super) struct Container {
    open: Brackets,
    /// All ones inside a string.
    in_string: u64,
    /// 1 when the next byte is escaped.
    escaped: u64,
}

/// What stands in a block of 64 bytes, a bit for each byte.
struct Block {
    quotes: u64,
    backslashes: u64,
    brackets: u64,
}

impl Container {
    fn new() -> Self {
        Self { open: Brackets::new(), in_string: 0, escaped: 0 }
    }

    fn search(&mut self, bytes: &[u8], mut at: usize, complete: bool) -> Reach {
        while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<64>()) {
            if let Some(reach) = self.block(block, at) {
                return reach;
            }
            at += 64;
        }
        if !complete {
            return Reach::More(at);
        }
        // A zero is neither quote nor bracket, so the padding is invisible.
        let mut padded = [0; 64];
        let rest = bytes.get(at..).unwrap_or_default();
        padded[..rest.len()].copy_from_slice(rest);
        self.block(&padded, at).unwrap_or(Reach::More(bytes.len()))
    }

    #[inline]
    fn block(&mut self, bytes: &[u8; 64], at: usize) -> Option<Reach> {
        let block = Block::of(bytes);
        let quotes = block.quotes & !self.escaped_bytes(block.backslashes);
        let strings = prefix_xor(quotes) ^ self.in_string;
        self.in_string = (strings.cast_signed() >> 63).cast_unsigned();
        let mut brackets = block.brackets & !strings;
        while brackets != 0 {
            let offset = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            let opened = match bytes[offset] {
                b'{' => self.open.open(Bracket::Object),
                b'[' => self.open.open(Bracket::Array),
                closing => {
                    let bracket = if closing == b'}' { Bracket::Object } else { Bracket::Array };
                    if self.open.innermost() != Some(bracket) {
                        return Some(Reach::Mismatch(at + offset));
                    }
                    self.open.close();
                    if self.open.depth() == 0 {
                        return Some(Reach::End(at + offset + 1));
                    }
                    continue;
                }
            };
            if !opened {
                return Some(Reach::TooDeep(at + offset));
            }
        }
        None
    }

    /// Returns a bit for each byte that is escaped by the backslash in front of it, which is one
    /// behind an odd number of backslashes.
    #[inline]
    fn escaped_bytes(&mut self, backslashes: u64) -> u64 {
        if backslashes | self.escaped == 0 {
            return 0;
        }
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslashes = backslashes & !self.escaped;
        let behind = (backslashes << 1) | self.escaped;
        // Adding a run's first bit to the run carries to the bit behind it; where that lies on the
        // other parity than the run's first bit, the run is odd.
        let odd_starts = backslashes & !EVEN & !behind;
        let (even_sequences, overflow) = odd_starts.overflowing_add(backslashes);
        self.escaped = u64::from(overflow);
        (EVEN ^ (even_sequences << 1)) & behind
    }
}

impl Block {
    #[inline]
    fn of(bytes: &[u8; 64]) -> Self {
        let mut block = Self { quotes: 0, backslashes: 0, brackets: 0 };
        for (index, lane) in bytes.chunks_exact(16).enumerate() {
            let lane = u8x16::new(lane.try_into().unwrap_or([0; 16]));
            // `[` and `{`, and `]` and `}`, differ in this bit alone.
            let folded = lane | u8x16::splat(0x20);
            let brackets = folded.simd_eq(u8x16::splat(b'{')) | folded.simd_eq(u8x16::splat(b'}'));
            let shift = 16 * index;
            block.quotes |= u64::from(lane.simd_eq(u8x16::splat(b'"')).to_bitmask()) << shift;
            block.backslashes |= u64::from(lane.simd_eq(u8x16::splat(b'\\')).to_bitmask()) << shift;
            block.brackets |= u64::from(brackets.to_bitmask()) << shift;
        }
        block
    }
}

/// Returns a mask whose bit is set where an odd number of bits is set up to and including it.
#[inline]
fn prefix_xor(mut mask: u64) -> u64 {
    mask ^= mask << 1;
    mask ^= mask << 2;
    mask ^= mask << 4;
    mask ^= mask << 8;
    mask ^= mask << 16;
    mask ^ (mask << 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Says the same byte by byte.
    fn plain(bytes: &[u8]) -> Reach {
        let mut open = Brackets::new();
        let (mut in_string, mut at) = (false, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 1,
                b'"' => in_string = !in_string,
                byte @ (b'{' | b'[') if !in_string => {
                    let bracket = if byte == b'{' { Bracket::Object } else { Bracket::Array };
                    if !open.open(bracket) {
                        return Reach::TooDeep(at);
                    }
                }
                byte @ (b'}' | b']') if !in_string => {
                    let bracket = if byte == b'}' { Bracket::Object } else { Bracket::Array };
                    if open.innermost() != Some(bracket) {
                        return Reach::Mismatch(at);
                    }
                    open.close();
                    if open.depth() == 0 {
                        return Reach::End(at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Reach::More(bytes.len())
    }

    /// Searches in pieces of this size.
    fn in_pieces(bytes: &[u8], size: usize) -> Reach {
        let mut extent = Extent::of(bytes[0]).expect("a value");
        let (mut at, mut have) = (0, size.min(bytes.len()));
        loop {
            match extent.search(&bytes[..have], at, have == bytes.len()) {
                Reach::More(next) if have < bytes.len() => {
                    at = next;
                    have = (have + size).min(bytes.len());
                }
                reach => return reach,
            }
        }
    }

    #[test]
    fn finds_the_end_of_each_kind_of_value() {
        for (text, length) in [
            ("{} {}", 2),
            ("[1,[2],{\"a\":3}],4", 15),
            ("\"a\\\"]\",1", 6),
            ("12.5,", 4),
            ("true", 4),
            ("nul\"x\"", 3),
            ("{\"}\":\"\\\\\"}}", 10),
        ] {
            assert_eq!(Extent::end(text.as_bytes(), 0), length, "{text}");
        }
    }

    #[test]
    fn notices_what_does_not_fit() {
        assert_eq!(in_pieces(b"[{]}", 64), Reach::Mismatch(2));
        assert_eq!(in_pieces("[".repeat(600).as_bytes(), 64), Reach::TooDeep(512));
        assert_eq!(in_pieces(b"[\"]", 64), Reach::More(3));
        assert_eq!(in_pieces(b"\"\\", 64), Reach::More(1));
        assert!(Extent::of(b',').is_none());
        assert!(Extent::of(b'}').is_none());
    }

    proptest! {
        #[test]
        fn blocks_and_pieces_change_nothing(
            content in "[\\[\\]{}\"\\\\a ]{0,300}",
            size in 1usize..200,
        ) {
            let text = format!("[{content}");
            prop_assert_eq!(in_pieces(text.as_bytes(), size), in_pieces(text.as_bytes(), 1000));
            let inside_strings_only = !has_backslash_outside(text.as_bytes());
            if inside_strings_only {
                prop_assert_eq!(in_pieces(text.as_bytes(), 1000), plain(text.as_bytes()));
            }
        }
    }

    /// A backslash outside of a string escapes a quote for the masks, and so it does in `plain`,
    /// but not a bracket.
    fn has_backslash_outside(bytes: &[u8]) -> bool {
        let (mut in_string, mut at) = (false, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'\\' if !in_string => return true,
                b'\\' => at += 1,
                b'"' => in_string = !in_string,
                _ => {}
            }
            at += 1;
        }
        false
    }
}
