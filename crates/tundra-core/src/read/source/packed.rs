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
