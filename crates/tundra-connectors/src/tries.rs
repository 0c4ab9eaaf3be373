//! How often a connection is tried, and how long is waited in between.

use std::time::Duration;

use backon::ExponentialBuilder;

/// Returns the waits between the tries: five tries within about three seconds, with jitter, so that many
/// who were turned away do not come back together.
pub(crate) fn waits() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(4)
}
