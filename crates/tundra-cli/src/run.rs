//! What the program does: one file per command.
//!
//! Start at [`run`], which knows every command and turns whatever comes out into an exit code.

mod check;
mod clean;
mod completions;
mod convert;
mod convert_source;
mod databases;
mod diff;
mod docs;
mod doctor;
mod dump;
mod each_sheet;
mod extract;
mod gc;
mod head;
mod health;
mod inspect;
mod keys;
mod ls;
mod presign;
mod query;
mod run_task;
mod schema;
mod serve;
mod source;
mod version;
mod versions;

use clap::Parser;

use crate::{
    args::{Cli, Command},
    failure::{self, Failure},
    logging,
    printer::Printer,
};

/// Runs the program and returns the code with which it ends.
pub(crate) fn run() -> u8 {
    match Cli::try_parse() {
        Ok(cli) => {
            let printer = Printer::new(cli.console, wants_json(&cli.command));
            finish(dispatch(cli.command, &printer), &printer)
        }
        Err(error) => {
            let json = std::env::args_os().any(|argument| argument == "--json");
            match failure::report_clap(error, json) {
                Ok(code) => code,
                Err(failure) => finish(Err(failure), &Printer::for_errors(json)),
            }
        }
    }
}

fn finish(result: Result<(), Failure>, printer: &Printer) -> u8 {
    match result {
        Ok(()) => 0,
        // What differs was told, and nothing failed.
        Err(failure @ Failure::Different) => failure.exit_code(),
        Err(failure) => {
            failure::report(&failure, printer);
            failure.exit_code()
        }
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Convert(args) => args.json,
        Command::Inspect(args) => args.json,
        Command::Schema(args) => args.json,
        Command::Head(args) => args.json,
        Command::Check(args) => args.json,
        Command::Extract(args) => args.json,
        Command::Dump(args) => args.json,
        Command::Tables(args) => args.json,
        Command::TestConnection(args) => args.json,
        Command::Connectors(args) => args.json,
        Command::Source(args) => args.command.wants_json(),
        Command::Versions(args) => args.json,
        Command::Rollback(args) => args.json,
        Command::Diff(args) => args.json,
        Command::Gc(args) => args.json,
        Command::Keys(args) => args.command.wants_json(),
        Command::Doctor(args) => args.json,
        Command::Ls(args) => args.json,
        Command::Presign(args) => args.json,
        Command::Clean(args) => args.json,
        Command::Version(args) => args.json,
        Command::Query(_)
        | Command::Serve(_)
        | Command::Health(_)
        | Command::RunTask(_)
        | Command::Completions(_)
        | Command::GenerateDocs { .. } => false,
    }
}

fn dispatch(command: Command, printer: &Printer) -> Result<(), Failure> {
    match command {
        Command::Completions(args) => completions::run(args, printer),
        Command::Version(args) => version::run(args, printer),
        Command::GenerateDocs { page } => docs::run(page, printer),
        Command::Convert(args) => {
            logging::set_up(printer)?;
            convert::run(*args, printer)
        }
        Command::Inspect(args) => {
            logging::set_up(printer)?;
            inspect::run(*args, printer)
        }
        Command::Schema(args) => {
            logging::set_up(printer)?;
            schema::run(*args, printer)
        }
        Command::Head(args) => {
            logging::set_up(printer)?;
            head::run(*args, printer)
        }
        Command::Query(args) => {
            logging::set_up(printer)?;
            query::run(*args, printer)
        }
        Command::Check(args) => {
            logging::set_up(printer)?;
            check::run(*args, printer)
        }
        Command::Extract(args) => {
            logging::set_up(printer)?;
            extract::run(*args, printer)
        }
        Command::Dump(args) => {
            logging::set_up(printer)?;
            dump::run(*args, printer)
        }
        Command::Tables(args) => {
            logging::set_up(printer)?;
            databases::tables(args, printer)
        }
        Command::TestConnection(args) => {
            logging::set_up(printer)?;
            databases::test_connection(args, printer)
        }
        Command::Connectors(args) => databases::connectors(args, printer),
        Command::Source(args) => {
            logging::set_up(printer)?;
            source::run(args.command, printer)
        }
        Command::Versions(args) => {
            logging::set_up(printer)?;
            versions::versions(args, printer)
        }
        Command::Rollback(args) => {
            logging::set_up(printer)?;
            versions::rollback(args, printer)
        }
        Command::Diff(args) => {
            logging::set_up(printer)?;
            diff::run(*args, printer)
        }
        Command::Gc(args) => {
            logging::set_up(printer)?;
            gc::run(args, printer)
        }
        Command::Serve(args) => serve::run(*args, printer),
        Command::RunTask(args) => run_task::run(*args, printer),
        Command::Doctor(args) => doctor::run(*args, printer),
        Command::Health(args) => {
            logging::set_up(printer)?;
            health::run(args, printer)
        }
        Command::Keys(args) => {
            logging::set_up(printer)?;
            keys::run(args.command, printer)
        }
        Command::Ls(args) => {
            logging::set_up(printer)?;
            ls::run(args, printer)
        }
        Command::Presign(args) => {
            logging::set_up(printer)?;
            presign::run(args, printer)
        }
        Command::Clean(args) => {
            logging::set_up(printer)?;
            clean::run(args, printer)
        }
    }
}
