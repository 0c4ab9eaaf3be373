//! Small damage to bytes: what an input becomes on its way from a good file to a bad one.

use std::ops::Range;

use proptest::{collection::vec, prelude::*, sample::Index};

/// Larger inputs cost time and show nothing more.
const LARGEST: usize = 64 << 10;

/// One change.
#[derive(Debug, Clone)]
enum Mutation {
    Remove(Index, usize),
    Replace(Index, u8),
    FlipBit(Index, u8),
    /// A word of the format, by its place among the words, so many times.
    Insert(Index, Index, usize),
    /// What stands there once more, so many times.
    Repeat(Index, usize, usize),
    /// What stands at one place goes to another as well.
    Copy(Index, usize, Index),
    /// A part of another file of the corpus.
    Splice(Index, Index, usize, Index),
    Truncate(Index),
}

/// Returns a strategy for damaged files of a corpus. `words` are what the format is made of.
pub(crate) fn damaged(
    corpus: Vec<Vec<u8>>,
    words: &'static [&'static [u8]],
) -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), vec(mutation(), 1..8)).prop_map(move |(seed, mutations)| {
        let mut bytes = seed.get(&corpus).clone();
        for mutation in mutations {
            apply(&mut bytes, mutation, &corpus, words);
            bytes.truncate(LARGEST);
        }
        bytes
    })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let length = || prop_oneof![4 => 1..4_usize, 2 => 4..40_usize, 1 => 40..4000_usize];
    let times = || prop_oneof![8 => Just(1_usize), 2 => 2..5_usize, 1 => 5..600_usize];
    prop_oneof![
        3 => (at(), length()).prop_map(|(at, length)| Mutation::Remove(at, length)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        1 => (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        6 => (at(), at(), times()).prop_map(|(at, word, times)| Mutation::Insert(at, word, times)),
        2 => (at(), length(), times())
            .prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        2 => (at(), length(), at()).prop_map(|(from, length, to)| Mutation::Copy(from, length, to)),
        1 => (at(), at(), length(), at())
            .prop_map(|(file, from, length, to)| Mutation::Splice(file, from, length, to)),
        1 => at().prop_map(Mutation::Truncate),
    ]
}

fn apply(bytes: &mut Vec<u8>, mutation: Mutation, corpus: &[Vec<u8>], words: &[&[u8]]) {
    match mutation {
        Mutation::Remove(at, length) => {
            bytes.drain(range(bytes, at, length));
        }
        Mutation::Replace(at, byte) if !bytes.is_empty() => *at.get_mut(bytes) = byte,
        Mutation::FlipBit(at, bit) if !bytes.is_empty() => *at.get_mut(bytes) ^= 1 << bit,
        Mutation::Replace(..) | Mutation::FlipBit(..) => {}
        Mutation::Insert(at, word, times) => {
            let word = word.get(words);
            insert(bytes, at, &word.repeat(times.min(LARGEST / word.len())));
        }
        Mutation::Repeat(at, length, times) => {
            let part = range(bytes, at, length);
            let end = part.end;
            let more = bytes[part.clone()].repeat(times.min(LARGEST / part.len().max(1)));
            bytes.splice(end..end, more);
        }
        Mutation::Copy(from, length, to) => {
            let part = bytes[range(bytes, from, length)].to_vec();
            insert(bytes, to, &part);
        }
        Mutation::Splice(file, from, length, to) => {
            let other = file.get(corpus);
            insert(bytes, to, &other[range(other, from, length)]);
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: Index, part: &[u8]) {
    let at = at.index(bytes.len() + 1);
    bytes.splice(at..at, part.iter().copied());
}

fn range(bytes: &[u8], at: Index, length: usize) -> Range<usize> {
    let start = at.index(bytes.len() + 1);
    start..(start + length).min(bytes.len())
}
