//! An object of a store, read in order with several ranges on their way at once.
//!
//! One request after the other would leave the link idle for a round trip each time, and one
//! connection may be slower than the link. How many are on their way follows from what is seen: twice
//! as many each time that somebody has to wait, up to [`MOST_RANGES`]. It does not retry; a range that
//! fails here has failed for good.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::Arc,
};

use bytes::Bytes;
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{ObjectReader, StorageError};

/// Bytes that one request asks for. At 60 MB/s and 30 ms of latency, which is usual between a
/// machine and a store of one region, two thirds of the time are transfer.
const RANGE_BYTES: u64 = 4 << 20;

/// Ranges that are on their way or waiting to be read, at most: 32 MiB. At 60 MB/s and 30 ms for
/// each, they bring 320 MB/s, about what two cores parse.
const MOST_RANGES: usize = 8;

/// Ranges that are on their way in the beginning.
const FIRST_RANGES: usize = 2;

/// Bytes from one offset to the end of an object.
pub(super) struct ReadAhead {
    object: Arc<dyn ObjectReader>,
    runtime: Handle,
    /// Where the next range to ask for begins.
    next: u64,
    /// Those that were asked for, in order.
    ranges: VecDeque<JoinHandle<Result<Bytes, StorageError>>>,
    /// How many are asked for at once.
    wanted: usize,
    /// What has come and was not read yet.
    held: Bytes,
}

impl ReadAhead {
    pub(super) fn new(object: Arc<dyn ObjectReader>, runtime: Handle, at: u64) -> Self {
        Self {
            object,
            runtime,
            next: at,
            ranges: VecDeque::with_capacity(MOST_RANGES),
            wanted: FIRST_RANGES,
            held: Bytes::new(),
        }
    }

    fn ask(&mut self) {
        let size = self.object.info().size;
        while self.ranges.len() < self.wanted && self.next < size {
            let range = self.next..size.min(self.next + RANGE_BYTES);
            self.next = range.end;
            let object = Arc::clone(&self.object);
            self.ranges.push_back(self.runtime.spawn(async move { object.read(range).await }));
        }
    }

    /// Waits for the next range; `None` at the end of the object.
    fn wait(&mut self) -> io::Result<Option<Bytes>> {
        self.ask();
        if self.ranges.front().is_some_and(|range| !range.is_finished()) {
            self.wanted = MOST_RANGES.min(self.wanted * 2);
            self.ask();
        }
        let Some(range) = self.ranges.front_mut() else { return Ok(None) };
        let read = self.runtime.block_on(range);
        self.ranges.pop_front();
        match read {
            Ok(read) => read.map(Some).map_err(io::Error::other),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => Err(io::Error::other(error)),
            },
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            match self.wait()? {
                Some(bytes) => self.held = bytes,
                None => return Ok(0),
            }
            self.ask();
        }
        let count = buffer.len().min(self.held.len());
        buffer[..count].copy_from_slice(&self.held.split_to(count));
        Ok(count)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // A reader that is given up asks for nothing more.
        for range in &self.ranges {
            range.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        ops::Range,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use async_trait::async_trait;
    use tokio::{runtime::Runtime, sync::Semaphore};

    use super::*;
    use crate::ObjectInfo;

    /// An object whose byte at `n` is `n % 251`, and which answers a request when there is a permit.
    #[derive(Debug)]
    struct Gated {
        info: ObjectInfo,
        pattern: Bytes,
        permits: Semaphore,
        waiting: AtomicUsize,
        most: AtomicUsize,
        asked: Mutex<Vec<Range<u64>>>,
    }

    impl Gated {
        fn new(size: u64, permits: usize) -> Arc<Self> {
            let path = "a".parse().expect("a valid object path");
            Arc::new(Self {
                info: ObjectInfo { path, size, etag: None, modified: None },
                pattern: (0..=250).cycle().take(RANGE_BYTES as usize + 251).collect(),
                permits: Semaphore::new(permits),
                waiting: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
                asked: Mutex::default(),
            })
        }
    }

    #[async_trait]
    impl ObjectReader for Gated {
        fn info(&self) -> &ObjectInfo {
            &self.info
        }

        async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
            self.asked.lock().expect("no panic").push(range.clone());
            let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(waiting, Ordering::SeqCst);
            // Let the others come, as a round trip does.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let permit = self.permits.acquire().await;
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
            let start = (range.start % 251) as usize;
            Ok(self.pattern.slice(start..start + (range.end - range.start) as usize))
        }

        fn as_file(&self) -> Option<&File> {
            None
        }

        async fn check_unchanged(&self) -> Result<(), StorageError> {
            Ok(())
        }
    }

    #[test]
    fn all_bytes_come_in_order_with_several_requests_at_once() {
        let runtime = Runtime::new().expect("a runtime");
        for (size, at) in [(0, 0), (10, 3), (RANGE_BYTES, 0), (20 * RANGE_BYTES + 7, 5)] {
            let object = Gated::new(size, 100);
            let shared = Arc::clone(&object) as Arc<dyn ObjectReader>;
            let mut read = Vec::new();
            ReadAhead::new(shared, runtime.handle().clone(), at)
                .read_to_end(&mut read)
                .expect("an object that can be read");
            assert_eq!(read.len() as u64, size - at);
            assert!(read.iter().zip(at..).all(|(&byte, at)| u64::from(byte) == at % 251));

            let most = object.most.load(Ordering::SeqCst);
            assert!(most <= MOST_RANGES, "{most} at once");
            assert!(size < 20 * RANGE_BYTES || most > FIRST_RANGES, "{most} at once");
        }
    }

    #[test]
    fn a_reader_that_is_given_up_asks_for_nothing_more() {
        let runtime = Runtime::new().expect("a runtime");
        let object = Gated::new(100 * RANGE_BYTES, 2);
        let shared = Arc::clone(&object) as Arc<dyn ObjectReader>;
        let mut reader = ReadAhead::new(shared, runtime.handle().clone(), 0);
        reader.read_exact(&mut [0; 10]).expect("the first range");
        drop(reader);
        // Ends only when no task of the reader is left.
        drop(runtime);
        assert!(object.asked.lock().expect("no panic").len() <= MOST_RANGES + 1);
        assert_eq!(Arc::strong_count(&object), 1);
    }
}
