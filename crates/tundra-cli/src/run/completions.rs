//! `tundra completions`: prints a completion script.

use clap::CommandFactory;

use crate::{
    args::{Cli, CompletionsArgs},
    failure::Failure,
    printer::Printer,
};

/// Prints the script of a shell.
///
/// # Errors
/// Fails when standard output cannot be written.
pub(crate) fn run(args: CompletionsArgs, printer: &Printer) -> Result<(), Failure> {
    let CompletionsArgs { shell } = args;
    // Into memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tundra", &mut script);
    printer.data(&String::from_utf8_lossy(&script))
}
