//! Running the contenders in turn, and what each run took.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{
    case::{Case, Contender, Place, Program},
    store::Store,
};
use crate::{process::Cmd, progress::say, workspace::Workspace};

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// Seconds from start to end of the process.
    pub(super) wall: f64,
    /// Seconds of CPU, of all threads.
    pub(super) cpu: f64,
    /// Peak resident memory in bytes.
    pub(super) memory: f64,
    /// Size of the output in bytes.
    pub(super) size: Option<f64>,
    /// Seconds inside the peer, without starting Python and importing it.
    pub(super) inside: Option<f64>,
}

/// What a contender wrote, as another reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Name and type of each column.
    pub(super) types: Vec<(String, String)>,
}

/// What `versions.py` prints.
#[derive(Debug, Deserialize)]
pub(super) struct Versions {
    pub(super) date: String,
    pub(super) python: String,
    /// In the order in which they were asked for.
    pub(super) packages: Vec<String>,
}

/// All runs of a case.
#[derive(Debug)]
pub(super) struct Measured {
    /// By contender, then by round.
    pub(super) samples: Vec<Vec<Sample>>,
    /// By contender; empty when the case writes nothing.
    pub(super) written: Vec<Written>,
}

/// The programs that take part.
#[derive(Debug)]
pub(super) struct Bench {
    python: PathBuf,
    /// The Python with the release of DuckDB that has extensions, and with the other peers that read
    /// databases.
    extensions: Option<PathBuf>,
    store: Option<Store>,
    tundra: PathBuf,
    scripts: PathBuf,
    output: PathBuf,
}

/// What an output is called in a store.
const OUTPUT: &str = "output.parquet";

/// What `measure.py` prints.
#[derive(Debug, Deserialize)]
struct Taken {
    wall: f64,
    cpu: f64,
    memory: f64,
    status: i32,
    stdout: String,
    stderr: String,
}

/// Returns the path of a script.
pub(super) fn script(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path("xtask/src/commands/bench/python").join(name)
}

impl Bench {
    /// Names the programs, and a folder for what they write.
    ///
    /// # Errors
    /// When Tundra was not built.
    pub(super) fn new(
        workspace: &Workspace,
        python: PathBuf,
        extensions: Option<PathBuf>,
        store: Option<Store>,
        tundra: PathBuf,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        if !tundra.is_file() {
            bail!("no program at `{}`", tundra.display());
        }
        let scripts = script(workspace, "");
        Ok(Self { python, extensions, store, tundra, scripts, output: folder.join(OUTPUT) })
    }

    /// Returns the versions of packages of the newest peers.
    ///
    /// # Errors
    /// When one is missing.
    pub(super) fn versions(&self, packages: &[&str]) -> anyhow::Result<Versions> {
        self.versions_of(&self.python, packages)
    }

    /// Returns the versions of packages beside the DuckDB that has extensions, if there is one.
    ///
    /// # Errors
    /// When one is missing.
    pub(super) fn versions_with_extensions(
        &self,
        packages: &[&str],
    ) -> anyhow::Result<Option<Versions>> {
        let python = self.extensions.as_deref();
        python.map(|python| self.versions_of(python, packages)).transpose()
    }

    /// Returns what Tundra says of its version.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn tundra_version(&self) -> anyhow::Result<String> {
        Ok(Cmd::new(&self.tundra).arg("--version").read()?.trim().to_owned())
    }

    /// Runs all contenders of a case in turn: once to warm up, then `rounds` times. The input is a file
    /// or the URL of a database.
    ///
    /// # Errors
    /// When one fails, or when two of them wrote a different number of rows.
    pub(super) fn run(&self, case: &Case, input: &str, rounds: u32) -> anyhow::Result<Measured> {
        if case.needs_store() {
            self.upload(input)?;
        }
        let mut written = Vec::new();
        for contender in case.contenders {
            self.run_once(contender, input)?;
            if case.has_output() {
                written.push(self.describe(contender.place)?);
            }
        }
        same_rows(case, &written)?;

        let mut samples = vec![Vec::new(); case.contenders.len()];
        for round in 1..=rounds {
            for _ in 0..case.runs_in_round {
                for (index, (contender, samples)) in
                    case.contenders.iter().zip(&mut samples).enumerate()
                {
                    let mut sample = self.run_once(contender, input)?;
                    // What is in a store was measured once.
                    let described = written.get(index).map(|written| written.bytes as f64);
                    sample.size = sample.size.or(described);
                    samples.push(sample);
                }
            }
            say(round_line(round, case, &samples));
        }
        remove(&self.output)?;
        Ok(Measured { samples, written })
    }

    fn run_once(&self, contender: &Contender, input: &str) -> anyhow::Result<Sample> {
        remove(&self.output)?;
        let mut command = self.script("measure.py");
        command = match contender.program {
            Program::Tundra => command.arg(&self.tundra),
            Program::Script(name) => {
                command.arg(&self.python).arg("-I").arg(self.scripts.join(name))
            }
            Program::ExtensionsScript(name) => {
                command.arg(self.extensions()?).arg("-I").arg(self.scripts.join(name))
            }
        };
        let (input, output) = match contender.place {
            Place::Disk => (input.to_owned(), text(&self.output)?.to_owned()),
            Place::Store | Place::FarStore => {
                (self.store()?.url(&name_of(input))?, self.store()?.url(OUTPUT)?)
            }
        };
        for arg in contender.args {
            command = command.arg(arg.replace("{input}", &input).replace("{output}", &output));
        }
        let json = self.with_store(command, contender.place)?.read()?;
        let taken: Taken =
            serde_json::from_str(&json).context("`measure.py` printed no such JSON")?;
        if taken.status != 0 {
            bail!("{} failed ({}):\n{}", contender.name, taken.status, taken.stderr.trim_end());
        }
        let inside = match contender.program {
            Program::Tundra => None,
            Program::Script(name) | Program::ExtensionsScript(name) => Some(
                taken.stdout.trim().parse().with_context(|| format!("`{name}` printed no time"))?,
            ),
        };
        // A contender without an output has no size, and one in a store is seen by who describes it.
        let size = fs::metadata(&self.output).ok().map(|metadata| metadata.len() as f64);
        Ok(Sample { wall: taken.wall, cpu: taken.cpu, memory: taken.memory, size, inside })
    }

    fn versions_of(&self, python: &Path, packages: &[&str]) -> anyhow::Result<Versions> {
        let script = self.scripts.join("versions.py");
        let json = Cmd::new(python).arg("-I").arg(script).args(packages).read()?;
        serde_json::from_str(&json).context("`versions.py` printed no such JSON")
    }

    fn upload(&self, input: &str) -> anyhow::Result<()> {
        let url = self.store()?.url(&name_of(input))?;
        let command = self.script("upload.py").arg(input).arg(url);
        self.with_store(command, Place::Store)?.read().map(drop)
    }

    fn describe(&self, place: Place) -> anyhow::Result<Written> {
        let command = self.script("describe.py");
        let command = match place {
            Place::Disk => command.arg(&self.output),
            Place::Store | Place::FarStore => command.arg(self.store()?.url(OUTPUT)?),
        };
        let json = self.with_store(command, place)?.read()?;
        serde_json::from_str(&json).context("`describe.py` printed no such JSON")
    }

    fn with_store(&self, mut command: Cmd, place: Place) -> anyhow::Result<Cmd> {
        if place != Place::Disk {
            for (name, value) in self.store()?.variables(place)? {
                command = command.env(name, value);
            }
        }
        Ok(command)
    }

    fn store(&self) -> anyhow::Result<&Store> {
        self.store.as_ref().context("there is no store")
    }

    fn extensions(&self) -> anyhow::Result<&Path> {
        self.extensions.as_deref().context("there is no DuckDB with extensions")
    }

    fn script(&self, name: &str) -> Cmd {
        Cmd::new(&self.python).arg("-I").arg(self.scripts.join(name))
    }
}

fn name_of(file: &str) -> String {
    Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns a path as an argument of programs that take URLs in its place.
///
/// # Errors
/// When it is not UTF-8.
pub(super) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("`{}` has an odd name", path.display()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Speed says nothing about a contender that leaves rows out.
fn same_rows(case: &Case, written: &[Written]) -> anyhow::Result<()> {
    for (contender, found) in case.contenders.iter().zip(written) {
        if found.rows != written[0].rows {
            bail!(
                "{} wrote {} rows and {} wrote {}",
                case.contenders[0].name,
                written[0].rows,
                contender.name,
                found.rows
            );
        }
    }
    Ok(())
}

fn round_line(round: u32, case: &Case, samples: &[Vec<Sample>]) -> String {
    let mut line = format!("round {round}:");
    for (contender, samples) in case.contenders.iter().zip(samples) {
        if let Some(last) = samples.last() {
            line.push_str(&format!("  {} {:.3} s", contender.name, last.wall));
        }
    }
    line
}
