//! Unpacking in a thread of its own, ahead of whoever reads.
//!
//! The thread is never more than [`BLOCKS`] blocks ahead. It ends when nobody reads any more; nobody waits
//! for that, because a store may not answer.

use std::{
    fmt,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

use crate::Stream;

/// Bytes of a block: they fit into a processor's second cache, for the reader to find them there.
const BLOCK_BYTES: usize = 256 << 10;

/// Blocks that wait to be read, at most.
const BLOCKS: usize = 8;

/// What comes out of a stream that another thread reads.
pub struct Ahead {
    full: Receiver<io::Result<Vec<u8>>>,
    /// Takes back blocks that were read.
    empty: Sender<Vec<u8>>,
    held: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Ahead {
    /// Begins to unpack what `open` opens, which happens in the thread.
    ///
    /// # Errors
    /// Fails when the system gives no thread.
    pub fn start(open: impl FnOnce() -> io::Result<Stream> + Send + 'static) -> io::Result<Self> {
        let (sender, full) = sync_channel(BLOCKS);
        let (empty, used) = channel();
        thread::Builder::new().name("tundra-unpack".to_owned()).spawn(move || {
            // A panic is a bug, but it must end the run and not look like the end of the data.
            let ended = catch_unwind(AssertUnwindSafe(|| unpack(open, &sender, &used)));
            let failed = ended.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")));
            if let Err(error) = failed {
                // Nobody may be there to hear it.
                let _ = sender.send(Err(error));
            }
        })?;
        Ok(Self { full, empty, held: Vec::new(), at: 0, ended: false })
    }
}

/// Unpacks until the end, or until nobody reads any more. An empty block is the end.
fn unpack(
    open: impl FnOnce() -> io::Result<Stream>,
    full: &SyncSender<io::Result<Vec<u8>>>,
    used: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut stream = open()?;
    loop {
        let mut block = used.try_recv().unwrap_or_default();
        block.resize(BLOCK_BYTES, 0);
        let count = fill(&mut stream, &mut block)?;
        block.truncate(count);
        if full.send(Ok(block)).is_err() || count == 0 {
            return Ok(());
        }
    }
}

/// Reads as much as there is room for; less only at the end.
fn fill(stream: &mut Stream, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match stream.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.held.len() && !self.ended {
            let block = self.full.recv().unwrap_or_else(|_| {
                Err(io::Error::other("the thread that unpacks has ended before its time"))
            });
            // Whoever reads on behind a failure finds no end there.
            let block = block?;
            self.ended = block.is_empty();
            let used = std::mem::replace(&mut self.held, block);
            self.at = 0;
            // The thread may have ended, which is no matter.
            let _ = self.empty.send(used);
        }
        let count = buffer.len().min(self.held.len() - self.at);
        buffer[..count].copy_from_slice(&self.held[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").finish_non_exhaustive()
    }
}
