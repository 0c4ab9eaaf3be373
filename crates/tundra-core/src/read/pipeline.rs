//! Decoding in parallel, in order, in bounded memory.
//!
//! Start at [`run`]. The workers take turns at the splitter, decode what they took on their own,
//! and hand the outputs over in the order of the input. A worker waits when the outputs that
//! nobody has taken yet are as many as allowed, so a slow consumer slows the reading. [`in_order`] does
//! the same with pieces that are no chunks of one input.

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use crate::{
    Cancel, Error, Progress, Reporter,
    read::chunk::{Decode, DecodeError, Split},
};

/// The outputs of the decoders, in the order of the input.
///
/// Dropping it stops the workers and waits for them.
pub(crate) struct Ordered<T> {
    shared: Arc<Shared<T>>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    cancel: Cancel,
    in_flight: u64,
}

struct State<T> {
    /// The number of the next chunk to be split off.
    assigned: u64,
    /// The number of the next output to be taken.
    taken: u64,
    /// Outputs that wait for their turn.
    outputs: BTreeMap<u64, Result<T, DecodeError>>,
    /// No chunk will follow, and no worker needs to begin another.
    ended: bool,
}

/// Yields the pieces that are to be worked on; one worker at a time calls it.
type Pieces<P> = Box<dyn FnMut() -> Result<Option<P>, Error> + Send>;

/// Starts `threads` workers that decode what the splitter yields.
///
/// # Errors
/// Fails when the system gives no thread.
pub(crate) fn run<D: Decode + 'static>(
    mut splitter: Box<dyn Split>,
    decoder: Arc<D>,
    threads: usize,
    cancel: Cancel,
    reporter: Arc<dyn Reporter>,
    total_bytes: Option<u64>,
) -> Result<Ordered<D::Output>, Error> {
    let mut records = 0;
    let pieces = move || {
        let Some(chunk) = splitter.next_chunk()? else { return Ok(None) };
        records += chunk.records;
        Ok(Some((chunk, Progress { bytes: splitter.bytes_read(), total_bytes, records })))
    };
    let work = move |(chunk, progress)| {
        reporter.progress(progress);
        decoder.decode(chunk)
    };
    in_order(Box::new(pieces), Arc::new(work), threads, cancel)
}

/// Starts `threads` workers that do `work` with each of the pieces.
///
/// # Errors
/// Fails when the system gives no thread.
pub(crate) fn in_order<P, T>(
    pieces: Pieces<P>,
    work: Arc<dyn Fn(P) -> Result<T, DecodeError> + Send + Sync>,
    threads: usize,
    cancel: Cancel,
) -> Result<Ordered<T>, Error>
where
    P: Send + 'static,
    T: Send + 'static,
{
    let threads = threads.max(1);
    let shared = Arc::new(Shared {
        state: Mutex::new(State { assigned: 0, taken: 0, outputs: BTreeMap::new(), ended: false }),
        changed: Condvar::new(),
        cancel,
        // Each worker may be one chunk ahead of the one that is being taken.
        in_flight: 2 * threads as u64,
    });
    let pieces = Arc::new(Mutex::new(pieces));
    let mut ordered = Ordered { shared: Arc::clone(&shared), workers: Vec::new() };
    for number in 0..threads {
        let (shared, pieces, work) = (Arc::clone(&shared), Arc::clone(&pieces), Arc::clone(&work));
        let worker = std::thread::Builder::new()
            .name(format!("tundra-read-{number}"))
            .spawn(move || {
                // A panic is a bug, but it must end the run and not hang the consumer.
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    work_on(&shared, &pieces, work.as_ref());
                }));
                if ended.is_err() {
                    shared.fail(Error::Internal("a reader thread panicked".to_owned()));
                }
            })
            .map_err(|error| Error::Internal(format!("could not start a thread: {error}")))?;
        ordered.workers.push(worker);
    }
    Ok(ordered)
}

fn work_on<P, T>(
    shared: &Shared<T>,
    pieces: &Mutex<Pieces<P>>,
    work: &(dyn Fn(P) -> Result<T, DecodeError> + Send + Sync),
) {
    loop {
        // Held while reading: the order in which chunks are numbered is the order of the input.
        let mut pieces = lock(pieces);
        let Some(number) = shared.wait_for_turn() else { return };
        let piece = match pieces() {
            Ok(Some(piece)) => piece,
            Ok(None) => return shared.end_before(number),
            Err(error) => {
                shared.put(number, Err(DecodeError::Other(error)));
                return shared.end();
            }
        };
        drop(pieces);
        let output = work(piece);
        let failed = output.is_err();
        shared.put(number, output);
        if failed {
            return shared.end();
        }
    }
}

impl<T> Shared<T> {
    /// Waits until another chunk may be begun and returns its number; `None` to stop.
    fn wait_for_turn(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        loop {
            if state.ended || self.cancel.is_cancelled() {
                state.ended = true;
                self.changed.notify_all();
                return None;
            }
            if state.assigned - state.taken < self.in_flight {
                let number = state.assigned;
                state.assigned += 1;
                return Some(number);
            }
            state = self.wait(state);
        }
    }

    /// Hands over the output of chunk `number`.
    fn put(&self, number: u64, output: Result<T, DecodeError>) {
        lock(&self.state).outputs.insert(number, output);
        self.changed.notify_all();
    }

    /// Says that chunk `number` and all behind it do not exist.
    fn end_before(&self, number: u64) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.assigned = number;
        self.changed.notify_all();
    }

    /// Says that no chunk follows those that were begun.
    fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// Says that nothing follows at all, because of an error of no chunk in particular.
    fn fail(&self, error: Error) {
        let mut state = lock(&self.state);
        state.ended = true;
        let number = state.taken;
        state.assigned = state.assigned.max(number + 1);
        state.outputs.insert(number, Err(DecodeError::Other(error)));
        self.changed.notify_all();
    }

    /// Waits for a change, looking up from time to time because cancelling wakes nobody.
    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        const LOOK_UP: std::time::Duration = std::time::Duration::from_millis(50);
        self.changed.wait_timeout(state, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl<T> Iterator for Ordered<T> {
    type Item = Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let shared = &self.shared;
        let mut state = lock(&shared.state);
        loop {
            let number = state.taken;
            if let Some(output) = state.outputs.remove(&number) {
                state.taken += 1;
                if output.is_err() {
                    // Nobody wants what stands behind a failure.
                    state.ended = true;
                    state.assigned = state.taken;
                }
                shared.changed.notify_all();
                return Some(output);
            }
            if state.ended && number >= state.assigned {
                return None;
            }
            if shared.cancel.is_cancelled() {
                state.ended = true;
                state.assigned = state.taken;
                shared.changed.notify_all();
                return Some(Err(DecodeError::Other(Error::Cancelled)));
            }
            state = shared.wait(state);
        }
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.shared.end();
        for worker in self.workers.drain(..) {
            // A panic of a worker has been reported as an output.
            drop(worker.join());
        }
    }
}

impl<T> fmt::Debug for Ordered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

/// Locks; a poisoned lock is taken as it is, since whoever panicked ends the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
