//! `tundra generate-docs`: prints the reference of the command line.

use clap::CommandFactory;

use crate::{args::Cli, failure::Failure, printer::Printer, render::reference};

/// Prints the reference as Markdown.
///
/// # Errors
/// Fails when standard output cannot be written.
pub(crate) fn run(printer: &Printer) -> Result<(), Failure> {
    printer.data(&reference(Cli::command()))
}
