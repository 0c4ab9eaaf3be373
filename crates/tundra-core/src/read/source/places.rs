//! Where in the object a byte of the decoded text stands.
//!
//! Start at [`Places`]. Readers count bytes of the text as UTF-8, which are others than those of an
//! object in another encoding. A pass leaves a mark at a line's end every few hundred kilobytes; a
//! place is found by decoding once more from the mark before it, when somebody asks.

use std::{
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use super::{
    TextSource,
    decoding::{Decoding, LEAST_ROOM},
};

/// Bytes that are decoded at a time on the way to a place.
const BLOCK: usize = 64 << 10;

/// A place that is known in the text and in the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    text: u64,
    object: u64,
}

/// Places that are known, in order: one for about 256 KiB, so 16 MB are enough for a file of 256 GB.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Vec<Mark>>);

impl Marks {
    /// Remembers a place, unless later ones are known already.
    pub(super) fn add(&self, text: u64, object: u64) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.last().is_none_or(|last| last.text < text) {
            marks.push(Mark { text, object });
        }
    }

    /// Returns the last known place that is not behind this one.
    fn before(&self, text: u64) -> Option<Mark> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = marks.partition_point(|mark| mark.text <= text);
        behind.checked_sub(1).and_then(|last| marks.get(last)).copied()
    }
}

/// Finds places. Those that are asked for in their order are found in one pass.
pub(super) struct Places {
    source: TextSource,
    walk: Option<Walk>,
}

/// On the way through the text.
struct Walk {
    decoding: Decoding,
    /// Bytes of text behind it.
    text: u64,
    output: Vec<u8>,
}

impl Places {
    /// Finds places in this source.
    pub(super) fn new(source: TextSource) -> Self {
        Self { source, walk: None }
    }

    /// Returns the source.
    pub(super) fn source(&self) -> &TextSource {
        &self.source
    }

    /// Returns the offset in the object of an offset in the text, as splitters count it: from the
    /// object's first byte, byte-order mark included.
    ///
    /// # Errors
    /// Fails when the object cannot be read again.
    pub(super) fn find(&mut self, byte: u64) -> io::Result<u64> {
        if !self.source.is_transcoded() {
            return Ok(byte);
        }
        let mark = self.source.mark();
        let Some(text) = byte.checked_sub(mark) else { return Ok(byte) };
        let known = self.source.marks().before(text).unwrap_or(Mark { text: 0, object: mark });
        let walk = match self.walk.take() {
            Some(walk) if (known.text..=text).contains(&walk.text) => walk,
            _ => Walk {
                decoding: self.source.decoding(known.object, BLOCK)?,
                text: known.text,
                output: vec![0; BLOCK],
            },
        };
        let walk = self.walk.insert(walk);
        walk.walk_to(text)?;
        Ok(walk.decoding.source())
    }

    /// Reads bytes of the object.
    ///
    /// # Errors
    /// Fails when the object cannot be read again.
    pub(super) fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let raw = self.source.open_blocks(start, BLOCK)?;
        raw.take(end.saturating_sub(start)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Walk {
    /// Decodes up to this offset in the text, which is that of a character.
    fn walk_to(&mut self, text: u64) -> io::Result<()> {
        while self.text < text && !self.decoding.ended() {
            let left = usize::try_from(text - self.text).unwrap_or(usize::MAX);
            // The last bit is walked byte by byte, so that the walk ends just there.
            let (room, most) = match left {
                ..=LEAST_ROOM => (LEAST_ROOM, 1),
                _ => (left.min(self.output.len()), usize::MAX),
            };
            let step = self.decoding.step(&mut self.output[..room], most)?;
            self.text += step.written as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write, ops::Range, sync::Arc};

    use bytes::Bytes;
    use encoding_rs::{EUC_JP, Encoding, GB18030, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16LE};

    use super::*;
    use crate::{ObjectInfo, ObjectReader, StorageError};

    #[derive(Debug)]
    struct LocalFile {
        info: ObjectInfo,
        file: File,
    }

    #[async_trait::async_trait]
    impl ObjectReader for LocalFile {
        fn info(&self) -> &ObjectInfo {
            &self.info
        }

        async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
            unreachable!("{range:?}: the file is read as one")
        }

        fn as_file(&self) -> Option<&File> {
            Some(&self.file)
        }

        async fn check_unchanged(&self) -> Result<(), StorageError> {
            Ok(())
        }
    }

    fn source(bytes: &[u8], encoding: &'static Encoding, mark: u64) -> TextSource {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let info = ObjectInfo {
            path: "in.csv".parse().unwrap(),
            size: bytes.len() as u64,
            etag: None,
            modified: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let object = Arc::new(LocalFile { info, file });
        TextSource::new(object, "in.csv".to_owned(), runtime.handle().clone(), encoding, mark)
    }

    #[test]
    fn every_character_is_found_where_it_stands() {
        for encoding in [UTF_8, UTF_16LE, SHIFT_JIS, EUC_JP, GB18030, ISO_2022_JP] {
            let mark: &[u8] = if encoding == UTF_16LE { b"\xff\xfe" } else { b"" };
            let mut bytes = mark.to_vec();
            // The first bytes of records, in the text and in the object.
            let mut places = Vec::new();
            let mut text = mark.len() as u64;
            for number in 0..60_000 {
                places.push((text, bytes.len() as u64));
                let record = format!("{number},東京ｱ{}\n", "町".repeat(number % 7));
                text += record.len() as u64;
                if encoding == UTF_16LE {
                    bytes.extend(record.encode_utf16().flat_map(u16::to_le_bytes));
                } else {
                    let record =
                        record.replace('ｱ', if encoding == ISO_2022_JP { "ア" } else { "ｱ" });
                    bytes.extend_from_slice(&encoding.encode(&record).0);
                }
            }
            places.push((text, bytes.len() as u64));
            let source = source(&bytes, encoding, mark.len() as u64);
            io::copy(&mut source.open().unwrap(), &mut io::sink()).unwrap();
            let has_marks = source.marks().before(u64::MAX).is_some();
            assert_eq!(has_marks, ![UTF_8, ISO_2022_JP].contains(&encoding), "{}", encoding.name());

            let mut found = Places::new(source);
            let forwards = places.iter().step_by(97);
            let jumps = (0..20).map(|n| &places[n * 7919 % places.len()]);
            for &(text, object) in forwards.chain(jumps).chain(places.last()) {
                assert_eq!(found.find(text).unwrap(), object, "{}", encoding.name());
            }
            let (start, end) = (places[5].1, places[6].1);
            let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
            assert_eq!(found.read(start, end).unwrap(), bytes[range]);
        }
    }
}
