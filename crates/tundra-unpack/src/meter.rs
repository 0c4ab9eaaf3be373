//! How far a reader has come in what is packed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// How far a reader has come; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    consumed: AtomicU64,
    read: AtomicU64,
    /// All bytes were read.
    ended: AtomicBool,
    /// Reading itself failed, so that it is not what is packed that is at fault.
    failed: AtomicBool,
}

impl Meter {
    /// Returns how many packed bytes were consumed.
    pub fn consumed(&self) -> u64 {
        self.0.consumed.load(Ordering::Relaxed)
    }

    pub(crate) fn consume(&self, bytes: usize) {
        self.0.consumed.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns how many packed bytes were read, of which a decoder may not have taken all.
    pub(crate) fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    pub(crate) fn add_read(&self, bytes: usize) {
        self.0.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self) -> bool {
        self.0.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self) {
        self.0.failed.store(true, Ordering::Relaxed);
    }
}
