//! Progress as events.
//!
//! The engine reports through [`Reporter`]; who draws bars, updates a job or counts metrics
//! implements it. Nothing here knows a terminal.

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Looking at the input: encoding, dialect, types.
    Inspecting,
    /// Looking at the whole input once more, because a value contradicted the sampled types.
    Inferring,
    /// Reading and writing.
    Converting,
    /// Comparing what was written with what was read.
    Verifying,
    /// Making the output visible.
    Publishing,
    /// Comparing one input with another.
    Comparing,
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that have been read.
    pub bytes: u64,
    /// Bytes of the whole input, when they are known.
    pub total_bytes: Option<u64>,
    /// Records that have been read.
    pub records: u64,
}

/// Hears what a run is doing.
///
/// # Contract
/// Called from any thread, often; it must return at once and must not panic.
pub trait Reporter: Send + Sync + 'static {
    /// A stage begins; the one before has ended.
    fn stage(&self, stage: Stage);

    /// The stage has come this far.
    fn progress(&self, progress: Progress);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn stage(&self, _stage: Stage) {}

    fn progress(&self, _progress: Progress) {}
}
