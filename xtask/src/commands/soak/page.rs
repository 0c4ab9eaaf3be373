//! What is printed and written of a soak.

use std::thread;

use anyhow::Context;

use super::{Worn, most_later};
use crate::{
    commands::bench::{field, load_average, megabytes, memory_of, table},
    process::Cmd,
};

/// What was known before it began.
#[derive(Debug)]
pub(super) struct Page {
    head: String,
}

impl Page {
    pub(super) fn new(tundra: &str, minutes: u64) -> anyhow::Result<Self> {
        let cores = thread::available_parallelism().context("the machine hides its cores")?;
        let head = format!(
            "# Soak\n\
             \n\
             Written by `cargo xtask soak`; do not edit.\n\
             Two servers were asked for everything at once for {minutes} min, side by side on one machine.\n\
             \n\
             - Machine: {}, {cores} cores, {} of memory; load before the run {}.\n\
             - Date: {}.\n\
             - Version: {}.\n\
             - Ten callers for each server, each with a source of its own and never waiting but for answers: \
             three convert files, one as jobs, one cancels jobs, one sends records that cannot be read, one \
             goes away before it is answered, one infers, one looks at first rows, one reads a database of \
             SQLite.\n\
             - Then every version that a caller was told of is read back with PyArrow and compared, value by \
             value, with what was sent; the catalog has those versions as active, no others but of callers who \
             went away, and none that is pending; no process, no temporary file and no part of an object is \
             left, and the log has no error.\n\
             - Memory is the resident set of the server, without its runs, once a second: the median of the \
             second fifth of the time, that of the last one, and the highest of all.\n",
            field("/proc/cpuinfo", "model name"),
            memory_of(&field("/proc/meminfo", "MemTotal")),
            load_average(),
            Cmd::new("date").args(["-u", "+%F"]).read()?.trim(),
            tundra.trim(),
        );
        Ok(Self { head })
    }

    pub(super) fn document(&self, worn: &[Worn]) -> String {
        let mut rows = vec![row("", worn, |it| format!("`{}`", it.isolation.name()))];
        let done = |worn: &Worn| worn.notes.done.iter().map(|(_, times)| times).sum::<u64>();
        rows.push(row("things asked for", worn, |it| done(it).to_string()));
        rows.push(row("versions made", worn, |it| it.proof.active.to_string()));
        rows.push(row("versions that failed, as they should", worn, |it| {
            it.proof.failed.to_string()
        }));
        rows.push(row("jobs cancelled", worn, |it| it.notes.cancelled.to_string()));
        rows.push(row("outputs read back", worn, |it| it.proof.read_back.to_string()));
        rows.push(row("memory early", worn, |it| megabytes(it.levels().0)));
        rows.push(row("memory late", worn, |it| megabytes(it.levels().1)));
        let highest = |it: &Worn| it.memory.iter().copied().fold(0.0, f64::max);
        rows.push(row("memory at most", worn, |it| megabytes(highest(it))));
        rows.push(row("memory is flat", worn, |it| {
            let (early, late) = it.levels();
            if late <= most_later(early) { "yes" } else { "no" }.to_owned()
        }));
        rows.push(row("faults", worn, |it| it.faults().len().to_string()));
        format!("{}\n{}", self.head, table(&rows))
    }
}

fn row(name: &str, worn: &[Worn], cell: impl Fn(&Worn) -> String) -> Vec<String> {
    let cells = worn.iter().map(cell);
    std::iter::once(name.to_owned()).chain(cells).collect()
}
