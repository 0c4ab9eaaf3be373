//! Unpacking in a thread of its own.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tundra_unpack::{Ahead, Error, Limits, Source, Unpacked};

use crate::support::{compress, table};

/// Bytes that count what is read of them.
#[derive(Debug, Clone)]
struct Counting {
    bytes: Arc<Vec<u8>>,
    read: Arc<AtomicU64>,
}

impl Counting {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(bytes), read: Arc::default() }
    }

    fn ahead(&self) -> Ahead {
        let head = &self.bytes[..self.bytes.len().min(100)];
        let found = Unpacked::find(self, head, 100, None, Limits::default());
        let found = found.unwrap().expect("it is packed");
        let source = self.clone();
        self.read.store(0, Ordering::SeqCst);
        Ahead::start(move || found.open(&source)).unwrap()
    }
}

impl Source for Counting {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn open(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        let rest = io::Cursor::new(self.bytes[usize::try_from(at).unwrap()..].to_vec());
        Ok(Box::new(Counted { rest, read: Arc::clone(&self.read) }))
    }

    fn open_few(&self, at: u64) -> io::Result<Box<dyn Read + Send>> {
        self.open(at)
    }
}

struct Counted {
    rest: io::Cursor<Vec<u8>>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }
}

/// Waits until something is so, and fails when that takes too long.
#[track_caller]
fn wait_until(so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it did not come to pass");
        std::thread::yield_now();
    }
}

#[test]
fn all_bytes_come_in_order_and_then_the_end() {
    for rows in [0, 1, 40_000] {
        let data = table(rows);
        let mut ahead = Counting::new(compress("gzip", &data)).ahead();
        let mut read = Vec::new();
        ahead.read_to_end(&mut read).unwrap();
        assert!(read == data, "{rows} rows");
        assert_eq!(ahead.read(&mut [0; 10]).unwrap(), 0, "the end stays the end");
    }
}

#[test]
fn a_failure_is_no_end() {
    let mut packed = compress("gzip", &table(40_000));
    packed.truncate(packed.len() - 1);
    let mut ahead = Counting::new(packed).ahead();
    let failed = io::copy(&mut ahead, &mut io::sink()).unwrap_err();
    assert!(matches!(failed.downcast(), Ok(Error::Truncated { .. })));
    assert!(ahead.read(&mut [0; 10]).is_err(), "nor does the end come behind it");
}

#[test]
fn it_is_only_so_far_ahead_and_ends_when_nobody_reads() {
    // Not made smaller: what is read is what comes out.
    let data: Vec<u8> =
        (0..4_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let counting = Counting::new(compress("lz4", &data));
    let mut ahead = counting.ahead();
    ahead.read_exact(&mut [0; 10]).unwrap();
    wait_until(|| {
        // It has come to a stop.
        let now = counting.read.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        now == counting.read.load(Ordering::SeqCst) && now > 1 << 20
    });
    let read = counting.read.load(Ordering::SeqCst);
    assert!(read < 8 << 20, "{read} bytes were read for 10");
    drop(ahead);
    // The thread has its own hold on the source.
    wait_until(|| Arc::strong_count(&counting.read) == 1);
}
