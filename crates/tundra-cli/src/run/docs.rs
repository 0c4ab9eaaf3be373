//! `tundra generate-docs`: prints the pages of the documentation that the program itself knows best.

use clap::CommandFactory;

use crate::{
    args::{Cli, DocsPage},
    failure::Failure,
    printer::Printer,
    render,
};

/// Prints a page as Markdown.
///
/// # Errors
/// Fails when standard output cannot be written.
pub(crate) fn run(page: DocsPage, printer: &Printer) -> Result<(), Failure> {
    printer.data(&match page {
        DocsPage::CommandLine => render::reference(Cli::command()),
        DocsPage::Types => render::types(),
        DocsPage::Readers => tundra_core::readers_page(),
    })
}
