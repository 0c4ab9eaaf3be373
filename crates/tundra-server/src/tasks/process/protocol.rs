//! What a service and the process of a run say to each other: JSON documents, one a line.
//!
//! The service writes one [`Assignment`] and keeps its end open: that it closes means that the run is to
//! stop. The run writes [`Event`]s, of which the last one is an answer or a failure. Both are of one program
//! file, so that neither has to understand another version.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tundra_core::{Progress, Stage};
use tundra_jobs::stage_name;

use crate::{
    Failure,
    tasks::{Answer, Task},
};

/// The longest line of either side in bytes. Rows of a preview and a schema of thousands of columns have a
/// few megabytes; what is longer is no line of ours.
pub(super) const LONGEST_LINE: usize = 64 << 20;

/// What a run is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Assignment {
    /// What it is to do.
    pub(super) task: Task,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timeout_ms: Option<u64>,
}

/// What a run tells.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// A stage begins, by its name.
    Stage(String),
    /// The stage has come this far.
    Progress(SoFar),
    /// The task is done. Nothing follows.
    Answer(Box<Answer>),
    /// The task has failed, and what it had reserved is ended. Nothing follows.
    Failure(Box<Failure>),
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SoFar {
    bytes: u64,
    total_bytes: Option<u64>,
    records: u64,
}

impl Assignment {
    /// Returns how long the run may take.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(Duration::from_millis)
    }
}

impl Event {
    /// Returns the beginning of a stage.
    pub(super) fn stage(stage: Stage) -> Self {
        Self::Stage(stage_name(stage).to_owned())
    }
}

impl From<Progress> for SoFar {
    fn from(progress: Progress) -> Self {
        let Progress { bytes, total_bytes, records } = progress;
        Self { bytes, total_bytes, records }
    }
}

impl From<SoFar> for Progress {
    fn from(so_far: SoFar) -> Self {
        let SoFar { bytes, total_bytes, records } = so_far;
        Self { bytes, total_bytes, records }
    }
}

/// Returns the stage with this name.
pub(super) fn stage_named(name: &str) -> Option<Stage> {
    const ALL: [Stage; 5] = [
        Stage::Inspecting,
        Stage::Inferring,
        Stage::Converting,
        Stage::Verifying,
        Stage::Publishing,
    ];
    ALL.into_iter().find(|stage| stage_name(*stage) == name)
}

/// Returns a document as a line.
pub(super) fn line(document: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes a document as a line, and sees it through to the other side's pipe.
pub(super) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    document: &impl Serialize,
) -> io::Result<()> {
    let line = line(document)?;
    to.write_all(&line).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_and_comes_back_as_it_was() {
        let events = [
            Event::stage(Stage::Converting),
            Event::Progress(Progress { bytes: 7, total_bytes: Some(9), records: 1 }.into()),
            Event::Failure(Box::new(Failure::invalid("two\nlines"))),
        ];
        for event in events {
            let line = line(&event).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "{event:?}");
            assert_eq!(serde_json::from_slice::<Event>(&line).unwrap(), event);
        }
        let stage = line(&Event::stage(Stage::Converting)).unwrap();
        assert_eq!(String::from_utf8(stage).unwrap(), "{\"stage\":\"converting\"}\n");
    }

    #[test]
    fn every_stage_is_known_by_its_name() {
        for stage in [Stage::Inspecting, Stage::Inferring, Stage::Converting, Stage::Verifying] {
            assert_eq!(stage_named(stage_name(stage)), Some(stage));
        }
        assert_eq!(stage_named("working"), None);
    }
}
