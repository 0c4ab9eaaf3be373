//! `cargo xtask soak`: wears servers for some minutes, and then looks whether all that they were asked for is
//! there, and nothing else.
//!
//! Two servers run side by side, one for each isolation. [`callers`] ask them for everything at once, the broken
//! and the cancelled too, and note what they were told; [`proof`] holds that against the catalog, the outputs and
//! what is left on the machine.

mod callers;
mod page;
mod proof;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

use self::{
    callers::{Callers, Notes},
    page::Page,
    proof::Proof,
};
use crate::{
    commands::test::REQUIREMENTS,
    metadata::Metadata,
    process::Cmd,
    progress::{say, step},
    python,
    served::{Isolation, Served},
    workspace::Workspace,
};

const DOCUMENT: &str = "docs/SOAK.md";

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a soak is whose document is kept.
const WHOLE: u64 = 10;

/// Wears two servers, one for each isolation, and looks whether anything was lost or left behind.
///
/// They are asked to convert files and a database, at once and as jobs, to infer, to show rows and to cancel,
/// and are given inputs that cannot be read and clients that go away. Every version is then read back with
/// PyArrow and compared with what was sent. Let the machine do nothing else meanwhile; from 10 minutes on
/// docs/SOAK.md is written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long.
    #[arg(long, value_name = "N", default_value_t = WHOLE, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// The program to wear; built when it is not given.
    #[arg(long, value_name = "FILE")]
    tundra: Option<PathBuf>,
}

/// What is left of a server when it has ended.
#[derive(Debug)]
struct Worn {
    isolation: Isolation,
    /// Resident memory in bytes, in the order in which it was looked at.
    memory: Vec<f64>,
    notes: Notes,
    proof: Proof,
}

/// Runs the command.
///
/// # Errors
/// When something cannot be built or started, or anything is wrong with what came of it.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { minutes, tundra } = args;
    let tundra = match tundra {
        Some(tundra) => tundra,
        None => {
            step("build tundra", || {
                workspace.cargo().args(["build", "--release", "--package", "tundra-cli"]).run()
            })?;
            Metadata::read(workspace)?.target_directory.join("release/tundra")
        }
    };
    let python = python::ensure_environment(workspace, "tests", REQUIREMENTS)?;
    let page = Page::new(&Cmd::new(&tundra).arg("--version").read()?, minutes)?;
    let folder = TempDir::new().context("no room for temporary files")?;
    let time = Duration::from_secs(60 * minutes);
    let worn = step("wear", || {
        thread::scope(|scope| {
            let wear = |isolation| {
                let (tundra, folder, python) = (&tundra, folder.path(), &python);
                scope.spawn(move || wear(tundra, isolation, folder, time, python))
            };
            let both = [wear(Isolation::Thread), wear(Isolation::Process)];
            let ended = both.map(|it| it.join().unwrap_or_else(|_| bail!("a caller panicked")));
            ended.into_iter().collect::<anyhow::Result<Vec<_>>>()
        })
    })?;
    let text = page.document(&worn);
    say(&text);
    let faults: Vec<String> = worn.iter().flat_map(Worn::faults).collect();
    if !faults.is_empty() {
        bail!("{} faults:\n{}", faults.len(), faults.join("\n"));
    }
    if minutes >= WHOLE {
        fs::write(workspace.path(DOCUMENT), text)
            .with_context(|| format!("could not write `{DOCUMENT}`"))?;
        say(format_args!("wrote {DOCUMENT}"));
    }
    Ok(())
}

fn wear(
    tundra: &Path,
    isolation: Isolation,
    folder: &Path,
    time: Duration,
    python: &Path,
) -> anyhow::Result<Worn> {
    let directory = folder.join(isolation.name());
    callers::add_database(tundra, &directory)?;
    let served = Arc::new(Served::start(tundra, isolation, &directory)?);
    let callers = Callers::new(Arc::clone(&served))?;
    let (ends, is_over) = (Instant::now() + time, AtomicBool::new(false));
    let mut memory = Vec::new();
    let notes = thread::scope(|scope| {
        let asking = scope.spawn(|| callers.ask(&is_over));
        while Instant::now() < ends && !asking.is_finished() {
            thread::sleep(LOOK);
            memory.extend(served.memory());
        }
        is_over.store(true, Ordering::Relaxed);
        asking.join().unwrap_or_else(|_| bail!("a caller panicked"))
    })?;
    let mut proof = Proof::of(&served, &callers.sources(), &notes)?;
    drop(callers);
    let served = Arc::into_inner(served).context("somebody still asks the server")?;
    served.stop()?;
    proof.read_back(python, &notes)?;
    proof.look_for_remains(&directory)?;
    Ok(Worn { isolation, memory, notes, proof })
}

impl Worn {
    /// Returns everything that is wrong.
    fn faults(&self) -> Vec<String> {
        let mut faults = self.notes.faults.clone();
        faults.extend(self.proof.faults.iter().cloned());
        let (early, late) = self.levels();
        if late > most_later(early) {
            let (early, late) = (early / 1e6, late / 1e6);
            faults.push(format!("memory grew from {early:.1} to {late:.1} MB"));
        }
        faults.into_iter().map(|fault| format!("{}: {fault}", self.isolation.name())).collect()
    }

    /// Returns the median of memory in the second fifth of the time, when all is warm, and in the last one.
    fn levels(&self) -> (f64, f64) {
        let fifth = (self.memory.len() / 5).max(1);
        let of = |from: usize| {
            let mut part: Vec<f64> = self.memory.iter().skip(from).take(fifth).copied().collect();
            part.sort_by(f64::total_cmp);
            part.get(part.len() / 2).copied().unwrap_or_default()
        };
        (of(fifth), of(self.memory.len().saturating_sub(fifth)))
    }
}

/// Returns how much memory is no growth: a tenth more, and what an allocator keeps or gives back by chance.
fn most_later(early: f64) -> f64 {
    1.1 * early + 16e6
}
