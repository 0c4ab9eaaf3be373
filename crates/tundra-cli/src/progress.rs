//! Draws the progress of a run on the terminal.
//!
//! Start at [`Bar`]. It only draws: what is counted comes from the engine, whether anything is drawn
//! at all is the printer's decision. A run that is over before a person could read the bar never
//! shows one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tundra_core::{Progress, Reporter, Stage};

use crate::{printer::Printer, render::grouped};

/// A bar younger than this is not shown: it would only flicker.
const SHOW_AFTER: Duration = Duration::from_millis(200);

/// How often the bar is drawn anew. Faster is not readable.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// A progress bar; it disappears when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    printer: Printer,
    began: Instant,
    shown: AtomicBool,
    /// The length that the bar has; 0 for none. Setting it takes a lock, so only when it changes.
    length: AtomicU64,
    records: Arc<AtomicU64>,
}

impl Bar {
    /// Returns a bar that is drawn where the printer says.
    pub(crate) fn new(printer: &Printer) -> Self {
        let records = Arc::new(AtomicU64::new(0));
        let bar = printer.bar().clone();
        bar.set_style(style(UNKNOWN_LENGTH, &records));
        Self {
            bar,
            printer: printer.clone(),
            began: Instant::now(),
            shown: AtomicBool::new(false),
            length: AtomicU64::new(0),
            records,
        }
    }

    /// Says what is being done, in one word.
    pub(crate) fn begin(&self, what: &'static str) {
        tracing::info!(stage = what, "stage begins");
        self.records.store(0, Ordering::Relaxed);
        self.bar.reset();
        self.bar.set_message(what);
        self.show();
    }

    fn show(&self) {
        if self.began.elapsed() >= SHOW_AFTER && !self.shown.swap(true, Ordering::Relaxed) {
            let target = self.printer.draw_target();
            if !target.is_hidden() {
                self.bar.set_draw_target(target);
                self.bar.enable_steady_tick(REDRAW_EVERY);
            }
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Reporter for Bar {
    fn stage(&self, stage: Stage) {
        self.begin(match stage {
            Stage::Inspecting => "inspecting",
            Stage::Inferring => "inferring",
            Stage::Converting => "converting",
            Stage::Verifying => "verifying",
            Stage::Publishing => "publishing",
            Stage::Comparing => "comparing",
            _ => "working",
        });
    }

    fn progress(&self, progress: Progress) {
        let Progress { bytes, total_bytes, records } = progress;
        let length = total_bytes.unwrap_or(0);
        if self.length.swap(length, Ordering::Relaxed) != length {
            if length > 0 {
                self.bar.set_length(length);
                self.bar.set_style(style(KNOWN_LENGTH, &self.records));
            } else {
                self.bar.unset_length();
                self.bar.set_style(style(UNKNOWN_LENGTH, &self.records));
            }
        }
        self.records.store(records, Ordering::Relaxed);
        self.bar.set_position(bytes);
        self.show();
    }
}

const KNOWN_LENGTH: &str = "{msg} {wide_bar} {percent:>3}%  {rows}{bytes} of {total_bytes}  \
                            {binary_bytes_per_sec}  {eta} left";
const UNKNOWN_LENGTH: &str = "{spinner} {msg}  {rows}{bytes}  {binary_bytes_per_sec}";

fn style(template: &str, records: &Arc<AtomicU64>) -> ProgressStyle {
    let records = Arc::clone(records);
    ProgressStyle::with_template(template)
        .expect("the templates are constants of this file and drawn in its tests")
        .progress_chars("━╸─")
        .with_key("rows", move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let records = records.load(Ordering::Relaxed);
            // Before the first record is counted there is nothing to say.
            if records > 0 {
                let _ = write!(text, "{} rows  ", grouped(records));
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_templates() {
        let records = Arc::new(AtomicU64::new(0));
        style(KNOWN_LENGTH, &records);
        style(UNKNOWN_LENGTH, &records);
    }
}
