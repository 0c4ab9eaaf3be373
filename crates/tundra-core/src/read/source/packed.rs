//! Text that has to be unpacked before it is read.
//!
//! Each pass unpacks anew, in a thread of its own, so that it runs beside the parsing. Whoever asks for a
//! place once more unpacks up to there: offsets are those in what comes out, because nobody finds a line
//! by its place in a compressed file.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::runtime::Handle;
use tundra_unpack::{Ahead, Meter, Source, Stream, Unpacked};

use super::{open_ahead, open_blocks};
use crate::{Cancel, Error, ObjectReader};

/// Bytes of a request for few bytes.
const FEW: usize = 64 << 10;

/// An object as what is packed.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The object.
    pub(crate) object: Arc<dyn ObjectReader>,
    /// Drives its reader.
    pub(crate) runtime: Handle,
    /// Ends the reading when it is cancelled.
    pub(crate) cancel: Cancel,
}

impl Stored {
    fn stoppable(&self, raw: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(Stoppable { raw, cancel: self.cancel.clone() })
    }
}

impl Source for Stored {
    fn size(&self) -> u64 {
        self.object.info().size
    }

    fn open(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(self.stoppable(open_ahead(&self.object, &self.runtime, at)?))
    }

    fn open_few(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(self.stoppable(open_blocks(&self.object, &self.runtime, at, FEW)?))
    }
}

/// A reader that ends when the run is to stop.
struct Stoppable {
    raw: Box<dyn Read + Send>,
    cancel: Cancel,
}

/// The run is to stop.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
struct Stopped;

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other(Stopped));
        }
        self.raw.read(buffer)
    }
}

/// What is packed, and the way to the text within it.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    stored: Stored,
    way: Arc<Unpacked>,
    shared: Arc<Shared>,
}

/// What passes leave behind for each other.
#[derive(Debug, Default)]
struct Shared {
    /// How far the current pass has come.
    meter: Mutex<Meter>,
    /// A reader that somebody has left, and where in the text it is.
    left: Mutex<Option<(u64, Stream)>>,
}

impl Packed {
    pub(super) fn new(stored: Stored, way: Arc<Unpacked>) -> Self {
        Self { stored, way, shared: Arc::default() }
    }

    /// Returns how many packed bytes the current pass has come through.
    pub(super) fn bytes_read(&self) -> u64 {
        lock(&self.shared.meter).consumed()
    }

    /// Begins a pass at an offset in the text.
    pub(super) fn open(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        let Self { stored, way, shared } = self.clone();
        let ahead = Ahead::start(move || {
            let mut stream = way.open(&stored)?;
            *lock(&shared.meter) = stream.meter().clone();
            skip(&mut stream, at)?;
            Ok(stream)
        })?;
        Ok(Box::new(ahead))
    }

    /// Unpacks all of it, and returns the last bytes behind `mark`, as many as are asked for, with the offset
    /// at which they begin.
    pub(super) fn tail(&self, bytes: u64, mark: u64) -> io::Result<(u64, Bytes)> {
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut stream = self.way.open(&self.stored)?;
        skip(&mut stream, mark)?;
        let mut at = mark;
        let mut tail = Vec::new();
        loop {
            let read = (&mut stream).take(bytes).read_to_end(&mut tail)?;
            let surplus = tail.len().saturating_sub(wanted);
            tail.drain(..surplus);
            at += surplus as u64;
            if read == 0 {
                return Ok((at, tail.into()));
            }
        }
    }

    /// Begins to read at an offset in the text that was read before. Those who ask for places in their order
    /// go on where the one before has left.
    pub(super) fn open_again(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        let left = lock(&self.shared.left).take();
        let (behind, mut stream) = match left {
            Some((behind, stream)) if behind <= at => (behind, stream),
            _ => (0, self.way.open(&self.stored)?),
        };
        skip(&mut stream, at - behind)?;
        Ok(Box::new(Again { stream: Some(stream), at, shared: Arc::clone(&self.shared) }))
    }
}

/// A reader that is left for the next one when it is dropped.
struct Again {
    stream: Option<Stream>,
    at: u64,
    shared: Arc<Shared>,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let count = stream.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            *lock(&self.shared.left) = Some((self.at, stream));
        }
    }
}

fn skip(stream: &mut Stream, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut stream.take(count), &mut io::sink())?;
    if skipped < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Returns the error of an input of this name that was not unpacked, or the error itself where it is
/// about something else.
pub(super) fn unpack_error(error: io::Error, name: &str) -> Result<Error, io::Error> {
    match error.downcast::<tundra_unpack::Error>() {
        Ok(source) => Ok(Error::Unpack { input: name.to_owned(), source }),
        Err(other) => other.downcast::<Stopped>().map(|Stopped| Error::Cancelled),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write, ops::Range};

    use tundra_unpack::Limits;

    use super::*;
    use crate::{ObjectInfo, StorageError};

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

    fn packed(text: &[u8], cancel: Cancel) -> Packed {
        let level = flate2::Compression::default();
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
        writer.write_all(text).unwrap();
        let bytes = writer.finish().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let path = "in.csv.gz".parse().unwrap();
        let info = ObjectInfo { path, size: bytes.len() as u64, etag: None, modified: None };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let object = Arc::new(LocalFile { info, file });
        let stored = Stored { object, runtime: runtime.handle().clone(), cancel };
        let way = Unpacked::find(&stored, &bytes, 100, None, Limits::default()).unwrap();
        Packed::new(stored, Arc::new(way.expect("it is packed")))
    }

    fn text() -> Vec<u8> {
        (0..200_000).flat_map(|n: u32| format!("{n}\n").into_bytes()).collect()
    }

    fn next(reader: &mut dyn Read) -> [u8; 8] {
        let mut bytes = [0; 8];
        reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_place_of_the_text_is_found_whatever_was_read_before() {
        let text = text();
        let packed = packed(&text, Cancel::default());
        for at in [0, 5, 700_000, 700_020, 3, 1_000_000, 999_000] {
            let expected = &text[at..at + 8];
            assert_eq!(next(&mut *packed.open(at as u64).unwrap()), expected, "{at}");
            assert_eq!(next(&mut *packed.open_again(at as u64).unwrap()), expected, "{at} again");
        }
        let mut whole = Vec::new();
        packed.open(0).unwrap().read_to_end(&mut whole).unwrap();
        assert!(whole == text);
        assert_eq!(packed.bytes_read(), packed.stored.size());
    }

    #[test]
    fn the_last_bytes_are_those_of_the_text() {
        let text = text();
        let packed = packed(&text, Cancel::default());
        for (bytes, mark) in [(100, 0), (64 << 10, 3), (u64::MAX, 3)] {
            let (at, tail) = packed.tail(bytes, mark).unwrap();
            let start = usize::try_from(at).unwrap();
            assert_eq!(tail, text[start..]);
            let expected = (text.len() as u64).saturating_sub(bytes).max(mark);
            assert_eq!(at, expected, "{bytes} bytes");
        }
    }

    #[test]
    fn a_run_that_stops_reads_nothing_more() {
        let cancel = Cancel::default();
        let packed = packed(&text(), cancel.clone());
        cancel.cancel();
        let mut reader = packed.open(0).unwrap();
        let error = reader.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(unpack_error(error, "x"), Ok(Error::Cancelled)));
    }
}
