//! Several extractions under one snapshot, some of them at once.
//!
//! Start at [`prepare_extractions`]. Each is a run of its own, as in `extract`; here they share the
//! session's connections, the memory and the time.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Cancel, Connector, Control, Error, ExtractRequest, Output, Progress, Reporter, Resources,
    Result, Session, Stage, WriteOptions,
    engine::{
        extract::{OpenRelation, prepare_extraction},
        prepared::Prepared,
    },
};

/// The memory without which a run is not begun beside another: half of it is DuckDB's, and below that it
/// writes small row groups.
const MEMORY_OF_A_RUN: u64 = 160 << 20;

/// Does all of several extractions but the last step, on at most so many connections at once, and returns
/// them in their order; see [`Prepared::publish_all`]. Small relations are read beside each other, large
/// ones on several connections each. `session` is one of `connector`.
///
/// # Errors
/// As [`prepare_extraction`], for the first that fails. The others have ended then, and nothing of them is
/// left behind.
///
/// # Cancellation
/// As [`prepare_extraction`].
pub async fn prepare_extractions(
    (connector, session): (&dyn Connector, &mut dyn Session),
    wanted: Vec<(ExtractRequest, Output)>,
    options: &WriteOptions,
    resources: &Resources,
    control: &Control,
    connections: usize,
) -> Result<Vec<Prepared>> {
    options.files.check_single("the output of each of several relations")?;
    let connections = connections.clamp(1, session.connections().max(1));
    let lanes = lanes(connections, wanted.len(), resources);
    let share = Resources {
        threads: (resources.threads / lanes).max(1),
        memory: resources.memory / lanes as u64,
        max_temp_size: resources.max_temp_size / lanes as u64,
        ..resources.clone()
    };
    let began = Instant::now();
    let sum = Arc::new(Sum::new(Arc::clone(&control.reporter), wanted.len()));
    let cancel = control.cancel.child();
    let permits = Arc::new(Semaphore::new(connections));
    let mut prepared: Vec<Option<Prepared>> = wanted.iter().map(|_| None).collect();
    let mut running = JoinSet::new();
    let mut failure = None;
    for (index, (request, output)) in wanted.into_iter().enumerate() {
        while failure.is_none() && running.len() >= lanes {
            failure = take(&mut running, &mut prepared).await.err();
        }
        if failure.is_some() {
            break;
        }
        let control = Control {
            reporter: Arc::new(Part { sum: Arc::clone(&sum), index }),
            cancel: cancel.clone(),
            timeout: control.timeout.map(|timeout| timeout.saturating_sub(began.elapsed())),
        };
        let relation = match OpenRelation::open(connector, session, &request, &control).await {
            Ok(relation) => relation,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        let (permits, share, options) = (Arc::clone(&permits), share.clone(), options.clone());
        // All at once: two that each have a part of what they need would wait for each other.
        let streams = relation.streams().clamp(1, connections);
        running.spawn(async move {
            let streams = u32::try_from(streams).unwrap_or(u32::MAX);
            let permit = permits.acquire_many_owned(streams).await;
            let done = prepare_extraction(relation, &output, &options, &share).await;
            drop(permit);
            done.map(|done| (index, done))
        });
    }
    while failure.is_none() && !running.is_empty() {
        failure = take(&mut running, &mut prepared).await.err();
    }
    match failure {
        None => Ok(prepared.into_iter().flatten().collect()),
        Some(error) => {
            end(running, &cancel).await;
            Err(error)
        }
    }
}

/// Returns how many relations are read at once.
fn lanes(connections: usize, relations: usize, resources: &Resources) -> usize {
    let fitting = usize::try_from(resources.memory / MEMORY_OF_A_RUN).unwrap_or(usize::MAX);
    connections.min(relations).min(resources.threads).min(fitting).max(1)
}

type Running = JoinSet<Result<(usize, Prepared)>>;

/// Waits for the next that is prepared.
async fn take(running: &mut Running, prepared: &mut [Option<Prepared>]) -> Result<()> {
    let Some(done) = running.join_next().await else { return Ok(()) };
    let (index, done) =
        done.map_err(|error| Error::Internal(format!("a run panicked: {error}")))??;
    prepared[index] = Some(done);
    Ok(())
}

/// Ends all that run, and waits until they have.
async fn end(mut running: Running, cancel: &Cancel) {
    cancel.cancel();
    while running.join_next().await.is_some() {}
}

/// How far all of them are, as one.
struct Sum {
    above: Arc<dyn Reporter>,
    parts: Mutex<Parts>,
}

struct Parts {
    each: Vec<Progress>,
    converting: bool,
}

impl Sum {
    fn new(above: Arc<dyn Reporter>, parts: usize) -> Self {
        let each = vec![Progress::default(); parts];
        Self { above, parts: Mutex::new(Parts { each, converting: false }) }
    }
}

/// One of them.
struct Part {
    sum: Arc<Sum>,
    index: usize,
}

impl Reporter for Part {
    /// They come to their stages one by one: to whoever looks at all of them, they are converted.
    fn stage(&self, stage: Stage) {
        let mut parts = self.sum.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = stage == Stage::Converting && !mem::replace(&mut parts.converting, true);
        drop(parts);
        if is_first {
            self.sum.above.stage(stage);
        }
    }

    fn progress(&self, progress: Progress) {
        let mut parts = self.sum.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.each[self.index] = progress;
        let bytes = parts.each.iter().map(|part| part.bytes).sum();
        let records = parts.each.iter().map(|part| part.records).sum();
        drop(parts);
        self.sum.above.progress(Progress { bytes, total_bytes: None, records });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Reporter for Heard {
        fn stage(&self, stage: Stage) {
            self.0.lock().unwrap().push(format!("{stage:?}"));
        }

        fn progress(&self, Progress { bytes, records, .. }: Progress) {
            self.0.lock().unwrap().push(format!("{bytes}/{records}"));
        }
    }

    #[test]
    fn what_several_report_is_their_sum() {
        let heard = Arc::new(Heard::default());
        let sum = Arc::new(Sum::new(Arc::clone(&heard) as Arc<dyn Reporter>, 2));
        let parts = [0, 1].map(|index| Part { sum: Arc::clone(&sum), index });
        let progress = |bytes, records| Progress { bytes, total_bytes: None, records };
        parts[0].stage(Stage::Inspecting);
        parts[0].stage(Stage::Converting);
        parts[0].progress(progress(10, 1));
        parts[1].stage(Stage::Converting);
        parts[1].progress(progress(5, 2));
        parts[0].progress(progress(20, 3));
        parts[0].stage(Stage::Verifying);
        assert_eq!(*heard.0.lock().unwrap(), ["Converting", "10/1", "15/3", "25/5"]);
    }

    #[test]
    fn as_many_are_read_at_once_as_everything_allows() {
        let resources = |threads, memory| Resources {
            threads,
            memory,
            temp_directory: std::env::temp_dir(),
            max_temp_size: 0,
        };
        assert_eq!(lanes(4, 100, &resources(8, 8 << 30)), 4);
        assert_eq!(lanes(4, 3, &resources(8, 8 << 30)), 3);
        assert_eq!(lanes(4, 100, &resources(2, 8 << 30)), 2);
        assert_eq!(lanes(4, 100, &resources(8, 330 << 20)), 2);
        assert_eq!(lanes(4, 100, &resources(8, 1)), 1);
    }
}
