//! The bytes of a workbook, wherever they are: read here and there, or in order.
//!
//! Start at [`Source`]. A local file is read without a copy of it; an object of a store by ranges, of
//! which the last few are kept, because the directory of an archive is read in small steps.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::fault::{Fault, OfFile};
use crate::{ObjectReader, read::source::ahead_of};

/// Bytes of a block of an object of a store.
const STORE_BLOCK: u64 = 1 << 20;

/// Bytes of a block of a file.
const FILE_BLOCK: u64 = 64 << 10;

/// Blocks that are kept.
const BLOCKS: usize = 8;

/// Where the bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
}

impl Source {
    /// Reads this object. The runtime must be another thread's, which this one may wait for.
    pub(crate) fn new(object: Arc<dyn ObjectReader>, runtime: Handle) -> Self {
        Self { object, runtime }
    }

    /// Returns how many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.object.info().size
    }

    /// Reads the first bytes.
    pub(super) fn head(&self) -> Result<Vec<u8>, Fault> {
        const HEAD: u64 = 64 << 10;
        let mut head = Vec::new();
        self.cursor().take(HEAD).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Begins to read here and there.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { source: self.clone(), at: 0, blocks: VecDeque::with_capacity(BLOCKS) }
    }

    /// Begins to read so many bytes in order.
    pub(super) fn stream(&self, at: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self.object.as_file() {
            Some(file) => {
                let file = file.try_clone().map_err(of_file)?;
                Box::new(FileBytes { file, at }.take(length))
            }
            None => {
                Box::new(ahead_of(Arc::clone(&self.object), self.runtime.clone(), at).take(length))
            }
        })
    }

    fn block_bytes(&self) -> u64 {
        if self.object.as_file().is_some() { FILE_BLOCK } else { STORE_BLOCK }
    }

    fn read_block(&self, number: u64) -> io::Result<Bytes> {
        let start = number * self.block_bytes();
        let end = self.size().min(start + self.block_bytes());
        let Some(file) = self.object.as_file() else {
            return self.runtime.block_on(self.object.read(start..end)).map_err(io::Error::other);
        };
        let mut block = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(&mut block, start).map_err(of_file)?;
        Ok(block.into())
    }
}

/// Says that the file failed, and not what is in it.
fn of_file(error: io::Error) -> io::Error {
    io::Error::other(OfFile(error))
}

/// A local file, read without moving its cursor.
struct FileBytes {
    file: File,
    at: u64,
}

impl Read for FileBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at).map_err(of_file)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A place in the bytes.
#[derive(Debug)]
pub(super) struct Cursor {
    source: Source,
    at: u64,
    /// The blocks that were read last, the latest first.
    blocks: VecDeque<(u64, Bytes)>,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.source.size() || buffer.is_empty() {
            return Ok(0);
        }
        let size = self.source.block_bytes();
        let number = self.at / size;
        match self.blocks.iter().position(|(held, _)| *held == number) {
            Some(0) => {}
            Some(place) => {
                let block = self.blocks.remove(place);
                self.blocks.extend(block);
                self.blocks.rotate_right(1);
            }
            None => {
                let block = self.source.read_block(number)?;
                self.blocks.truncate(BLOCKS - 1);
                self.blocks.push_front((number, block));
            }
        }
        let Some((_, block)) = self.blocks.front() else { return Ok(0) };
        let from = usize::try_from(self.at - number * size).unwrap_or(usize::MAX).min(block.len());
        let count = buffer.len().min(block.len() - from);
        buffer[..count].copy_from_slice(&block[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
