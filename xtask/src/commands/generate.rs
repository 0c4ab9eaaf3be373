//! `cargo xtask gen`: the files of the repository that a program writes.
//!
//! A generator is a path and a function that returns what belongs there. To add one, add a line to
//! [`GENERATORS`].

use std::fs;

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::{
    metadata::Metadata,
    process::Cmd,
    progress::{Steps, say},
    workspace::Workspace,
};

/// Writes the generated files of the repository, or checks that they are current.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do with a file that is not current.
    #[arg(long, value_enum, default_value_t = Mode::Write)]
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Write it.
    Write,
    /// Fail, and say where it differs.
    Check,
}

/// A file that a program writes.
struct Generator {
    /// Where the file is in the repository.
    path: &'static str,
    make: fn(&Workspace) -> anyhow::Result<String>,
}

const GENERATORS: &[Generator] = &[
    Generator { path: "docs/CLI.md", make: |workspace| by_program(workspace, "command-line") },
    Generator { path: "docs/TYPES.md", make: |workspace| by_program(workspace, "types") },
    Generator { path: "docs/READERS.md", make: |workspace| by_program(workspace, "readers") },
];

/// Runs the command.
///
/// # Errors
/// When a file cannot be made or written; in the mode `check`, when one is not current.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { mode } = args;
    let mut steps = Steps::default();
    for generator in GENERATORS {
        steps.run(generator.path, || generator.run(mode, workspace));
    }
    steps.finish()
}

/// Checks that the generated files are current.
///
/// # Errors
/// When one is not.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    GENERATORS.iter().try_for_each(|generator| generator.run(Mode::Check, workspace))
}

impl Generator {
    fn run(&self, mode: Mode, workspace: &Workspace) -> anyhow::Result<()> {
        let wanted = (self.make)(workspace)?;
        let path = workspace.path(self.path);
        // A missing file is one that differs.
        let present = fs::read_to_string(&path).unwrap_or_default();
        let Some(line) = first_difference(&present, &wanted) else {
            return Ok(());
        };
        if mode == Mode::Check {
            bail!(
                "`{}` is not current from line {line} on; run `cargo xtask gen --mode write`",
                self.path
            );
        }
        fs::write(&path, wanted).with_context(|| format!("could not write `{}`", self.path))?;
        say(format_args!("wrote {}", self.path));
        Ok(())
    }
}

/// A page that the `tundra` binary itself prints.
fn by_program(workspace: &Workspace, page: &str) -> anyhow::Result<String> {
    // Built with the tests and as the tests are, although only the program is wanted: for another
    // selection cargo unites features otherwise, and compiles half of the dependencies again.
    let build = ["build", "--quiet", "--release", "--workspace", "--all-targets"];
    workspace.cargo().args(build).run()?;
    let program = Metadata::read(workspace)?.target_directory.join("release/tundra");
    Cmd::new(program).args(["generate-docs", page]).read()
}

/// Returns the first line in which two texts differ, counted from one.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let same = left.lines().zip(right.lines()).take_while(|(left, right)| left == right).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(3));
    }
}
