//! How far a job is.

use tundra_core::{Progress, Stage};

/// How far a run is, as it was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// What it is doing; `None` before it said so.
    pub stage: Option<Stage>,
    /// Records that were read in this stage.
    pub rows: u64,
    /// Bytes of the input that were read in this stage.
    pub bytes: u64,
    /// Bytes of the whole input, when they are known.
    pub total_bytes: Option<u64>,
}

impl JobProgress {
    /// Returns the progress of a stage.
    pub const fn of(stage: Option<Stage>, progress: Progress) -> Self {
        Self {
            stage,
            rows: progress.records,
            bytes: progress.bytes,
            total_bytes: progress.total_bytes,
        }
    }
}

const STAGES: [(Stage, &str); 5] = [
    (Stage::Inspecting, "inspecting"),
    (Stage::Inferring, "inferring"),
    (Stage::Converting, "converting"),
    (Stage::Verifying, "verifying"),
    (Stage::Publishing, "publishing"),
];

/// Returns the name of a stage that programs see; stable.
pub fn stage_name(stage: Stage) -> &'static str {
    STAGES.iter().find(|(known, _)| *known == stage).map_or("working", |(_, name)| name)
}

/// Returns the stage with this name; `None` for one of another version of Tundra.
#[cfg(feature = "sqlite")]
pub(crate) fn stage_named(name: &str) -> Option<Stage> {
    STAGES.iter().find(|(_, known)| *known == name).map(|(stage, _)| *stage)
}
