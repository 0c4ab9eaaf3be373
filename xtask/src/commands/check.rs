//! `cargo xtask check`: everything that can be told without running Tundra.
//!
//! All steps run, also after a failed one, so that one run shows everything. Nothing is changed.

mod code;
mod dependencies;
mod layering;
mod links;
mod one_build;
mod tidy;

use anyhow::bail;
use clap::ValueEnum;

use crate::{
    commands::generate,
    metadata::Metadata,
    progress::{Steps, say},
    workspace::Workspace,
};

/// Checks everything but behaviour. Without STEP, all steps run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these steps.
    #[arg(value_name = "STEP")]
    steps: Vec<Step>,
}

/// In the order in which they run: the quick ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// `cargo fmt` would change nothing.
    Format,
    /// The house rules that no other tool knows: module docs, file length, log messages, links, …
    Tidy,
    /// No crate knows what it must not know.
    Layering,
    /// DuckDB is compiled once, whatever is built.
    OneBuild,
    /// Licences, sources, banned crates and advisories.
    Licences,
    /// No dependency is unused, no file is outside its crate.
    Unused,
    /// Clippy has nothing to say.
    Clippy,
    /// The documentation builds without a warning.
    Docs,
    /// The generated files are current.
    Generated,
}

impl Step {
    fn title(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Layering => "layering",
            Self::OneBuild => "one build of DuckDB",
            Self::Licences => "licences, sources and advisories",
            Self::Unused => "unused dependencies",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Generated => "generated files",
        }
    }

    fn run(self, workspace: &Workspace) -> anyhow::Result<()> {
        match self {
            Self::Format => {
                workspace.cargo().args(["fmt", "--all", "--check", "--", "--color", "never"]).run()
            }
            Self::Tidy => {
                let mut faults = tidy::check(&workspace.sources(tidy::ENDINGS)?);
                faults.extend(links::check(workspace)?);
                faults.extend(tidy::check_test_targets(&Metadata::read(workspace)?.packages));
                report(&faults)
            }
            Self::Layering => {
                let packages = Metadata::read(workspace)?.packages;
                let mut faults = layering::check(&packages);
                faults.extend(layering::check_unsafe(&workspace.sources(&[".rs"])?));
                report(&faults)
            }
            Self::OneBuild => report(&one_build::check(workspace)?),
            Self::Licences => dependencies::check_licences(workspace),
            Self::Unused => dependencies::check_unused(workspace),
            // In the release profile as everywhere: another one would compile DuckDB again.
            Self::Clippy => workspace
                .cargo()
                .args(["clippy", "--quiet", "--release", "--workspace", "--all-targets"])
                .args(["--", "--deny", "warnings"])
                .run(),
            Self::Docs => workspace
                .cargo()
                .args(["doc", "--quiet", "--release", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "--deny warnings")
                .run(),
            Self::Generated => generate::check(workspace),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a step found something.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { steps: chosen } = args;
    let mut steps = Steps::default();
    for step in Step::value_variants() {
        if chosen.is_empty() || chosen.contains(step) {
            steps.run(step.title(), || step.run(workspace));
        }
    }
    steps.finish()
}

fn report(faults: &[String]) -> anyhow::Result<()> {
    for fault in faults {
        say(fault);
    }
    match faults.len() {
        0 => Ok(()),
        1 => bail!("1 fault"),
        count => bail!("{count} faults"),
    }
}
