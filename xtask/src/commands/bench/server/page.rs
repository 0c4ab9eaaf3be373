//! What is printed and written of the server.

use std::thread;

use anyhow::Context;

use super::super::report::{field, load_average, memory_of, table};
use crate::process::Cmd;

pub(super) use super::super::report::{megabytes, time};

/// A figure with what it is to be.
#[derive(Debug)]
pub(super) struct Figure {
    target: String,
    measured: String,
    is_met: bool,
}

/// What came of a load.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) name: String,
    pub(super) isolation: &'static str,
    pub(super) callers: u32,
    pub(super) per_second: f64,
    pub(super) target: f64,
    /// Seconds, as are the two that follow.
    pub(super) median: f64,
    pub(super) slowest_of_100: f64,
    pub(super) slowest: f64,
    /// How many medians the slowest of a hundred took, where that is held against something.
    pub(super) tail: Option<f64>,
    pub(super) tail_target: f64,
    /// Bytes of the server afterwards.
    pub(super) memory: f64,
}

/// The document as far as it is known.
#[derive(Debug)]
pub(super) struct Page {
    head: String,
    loads: Vec<Vec<String>>,
    figures: Vec<Figure>,
}

impl Figure {
    /// A figure that is to be at most so much.
    pub(super) fn at_most(what: &str, most: f64, measured: f64, show: fn(f64) -> String) -> Self {
        Self {
            target: format!("{what} under {}", show(most)),
            measured: show(measured),
            is_met: measured < most,
        }
    }
}

impl Page {
    pub(super) fn new(tundra: &str, wrk: &str, rounds: u32) -> anyhow::Result<Self> {
        let cores = thread::available_parallelism().context("the machine hides its cores")?;
        let date = Cmd::new("date").args(["-u", "+%F"]).read()?;
        let head = format!(
            "# Benchmarks of the server\n\
             \n\
             Written by `cargo xtask bench --report server`; do not edit.\n\
             Figures do not carry over to another machine: whoever asks runs on the same one.\n\
             \n\
             - Machine: {}, {cores} cores, {} of memory; load before the run {}.\n\
             - Date: {}.\n\
             - Versions: {}; {wrk}.\n\
             - `wrk` asks from one thread, each caller again as soon as it has its answer; {rounds} rounds \
             of 10 seconds after one that warms up, figures are medians.\n  \
               A single answer that is no success fails the run.\n\
             - The file is a CSV of 10 KB with five columns; the catalog is a file and the warehouse a \
             directory of the same disk, and every version is on the disk before it is told.\n\
             - No rates; everything else as it is without configuration.\n\
             - Start is from the start of the process to the first answer of `/health`.\n\
             - Memory is the resident set of the server, without its runs.\n",
            field("/proc/cpuinfo", "model name"),
            memory_of(&field("/proc/meminfo", "MemTotal")),
            load_average(),
            date.trim(),
            tundra.trim(),
        );
        Ok(Self { head, loads: Vec::new(), figures: Vec::new() })
    }

    pub(super) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    pub(super) fn load(&mut self, load: Load) {
        let Load { name, isolation, callers, per_second, target, .. } = &load;
        self.figures.push(Figure {
            target: format!("{name}, `{isolation}`: at least {target:.0} a second"),
            measured: format!("{per_second:.0}"),
            is_met: per_second >= target,
        });
        if let Some(tail) = load.tail {
            let most = load.tail_target;
            self.figures.push(Figure {
                target: format!("{name}, `{isolation}`: p99 under {most:.0} times the median"),
                measured: format!("{tail:.1}"),
                is_met: tail < most,
            });
        }
        self.loads.push(vec![
            name.clone(),
            (*isolation).to_owned(),
            callers.to_string(),
            format!("{per_second:.0}"),
            time(load.median),
            time(load.slowest_of_100),
            time(load.slowest),
            megabytes(load.memory),
        ]);
    }

    /// Returns the tables.
    pub(super) fn figures(&self) -> String {
        let cells = |row: [&str; 8]| row.map(ToOwned::to_owned).to_vec();
        let mut loads = vec![cells([
            "request",
            "isolation",
            "callers",
            "a second",
            "median",
            "p99",
            "slowest",
            "memory afterwards",
        ])];
        loads.extend(self.loads.iter().cloned());
        let mut targets = vec![["target", "measured", ""].map(ToOwned::to_owned).to_vec()];
        for figure in &self.figures {
            let word = if figure.is_met { "met" } else { "missed" };
            targets.push(vec![figure.target.clone(), figure.measured.clone(), word.to_owned()]);
        }
        format!("## Requests\n\n{}\n## Targets\n\n{}", table(&loads), table(&targets))
    }

    pub(super) fn document(&self) -> String {
        format!("{}\n{}", self.head, self.figures())
    }
}
