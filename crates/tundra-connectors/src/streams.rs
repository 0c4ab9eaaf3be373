//! Into how many streams a relation may be split, and how that is told.

use tundra_core::{Decision, ExtractRequest};

/// The most streams that there are, each of which is a connection to the server.
pub(crate) const MOST: usize = ExtractRequest::MAX_PARTITIONS;

/// Returns the decision for so many streams.
pub(crate) fn decided(streams: usize, reason: impl Into<String>) -> Decision {
    Decision {
        what: "partitions".to_owned(),
        value: streams.to_string(),
        confidence: 1.0,
        reason: reason.into(),
    }
}
