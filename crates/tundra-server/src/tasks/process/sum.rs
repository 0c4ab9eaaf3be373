//! The memory of all processes of runs: [`Sum`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::tasks::Processes;

/// The sum over all processes. Clones are the same sum.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    number: AtomicUsize,
    resident: AtomicU64,
}

/// The part of one process, which ends with it.
#[derive(Debug)]
pub(super) struct Part {
    sum: Sum,
    resident: u64,
}

impl Sum {
    /// Adds a process.
    pub(super) fn add(&self) -> Part {
        self.0.number.fetch_add(1, Ordering::Relaxed);
        Part { sum: self.clone(), resident: 0 }
    }

    /// Returns what all of them take.
    pub(super) fn processes(&self) -> Processes {
        Processes {
            number: self.0.number.load(Ordering::Relaxed),
            resident_memory: self.0.resident.load(Ordering::Relaxed),
        }
    }
}

impl Part {
    /// Notes what the process takes now, in bytes.
    pub(super) fn takes(&mut self, resident: u64) {
        let all = &self.sum.0.resident;
        // Added first, so that the sum is never below nothing.
        all.fetch_add(resident, Ordering::Relaxed);
        all.fetch_sub(self.resident, Ordering::Relaxed);
        self.resident = resident;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.takes(0);
        self.sum.0.number.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_processes_that_there_are() {
        let sum = Sum::default();
        let (mut one, mut other) = (sum.add(), sum.add());
        one.takes(5);
        other.takes(7);
        one.takes(3);
        assert_eq!(sum.processes(), Processes { number: 2, resident_memory: 10 });
        drop(other);
        assert_eq!(sum.processes(), Processes { number: 1, resident_memory: 3 });
        drop(one);
        assert_eq!(sum.processes(), Processes::default());
    }
}
