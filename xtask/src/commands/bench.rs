//! `cargo xtask bench`: Tundra against its peers, whole processes, in turn and in one run.
//!
//! A case is a value in a table of [`case`]: what it reads, who runs, which targets it has. Ratios are
//! taken within a round, so that a machine that slows down slows everybody down; absolute times say
//! nothing about another machine.

mod case;
mod data;
mod database;
mod measure;
mod report;
mod server;
mod store;
mod summary;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::ValueEnum;

pub(crate) use self::report::{field, load_average, megabytes, memory_of, table};
use self::{
    case::{Case, Input, cases},
    data::Data,
    database::Databases,
    measure::{Bench, text},
    report::Report,
    store::Store,
    summary::Summary,
};
use crate::{
    metadata::Metadata,
    progress::{say, step},
    python,
    workspace::Workspace,
};

/// What the peers and the measuring need.
const REQUIREMENTS: &str = "xtask/src/commands/bench/python/requirements.txt";

/// What the peers need that only an older release of DuckDB has, and those that read databases.
const EXTENSIONS_REQUIREMENTS: &str = "xtask/src/commands/bench/python/extensions-requirements.txt";

/// Measures Tundra against its peers and writes docs/BENCHMARKS.md and its neighbours.
///
/// The data (17 GB) is made once and kept in the cache folder. Let the machine do nothing else
/// meanwhile. Each document is written when all of its cases ran on the full data: BENCHMARKS.md for
/// files and stores, BENCHMARKS-FORMATS.md for compressed files, workbooks and GeoJSON,
/// BENCHMARKS-DATABASES.md for databases, BENCHMARKS-TENFOLD.md for those with ten
/// times the rows, which take ten times as long, and BENCHMARKS-SERVER.md for the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often everybody runs, after one round that warms up and does not count.
    ///
    /// [default: 7, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Only this case; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only the cases of this document; may be repeated.
    #[arg(long, value_enum, value_name = "REPORT", conflicts_with = "only")]
    report: Vec<Report>,
    /// The program to measure; built when it is not given.
    #[arg(long, value_name = "FILE")]
    tundra: Option<PathBuf>,
    /// A tenth of the data and few rounds, to see that everything runs.
    #[arg(long)]
    quick: bool,
}

/// Runs the command.
///
/// # Errors
/// When something cannot be built, made or run, or when two contenders wrote a different number of
/// rows. A missed target is reported, and is no error.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { rounds, only, report, tundra, quick } = args;
    let rounds = rounds.unwrap_or(if quick { 3 } else { 7 });
    let mut cases = choose(&only)?;
    cases.retain(|case| report.is_empty() || report.contains(&case.report()));

    let programs = Metadata::read(workspace)?.target_directory.join("release");
    let tundra = match tundra {
        Some(tundra) => tundra,
        None => {
            step("build tundra", || {
                workspace.cargo().args(["build", "--release", "--package", "tundra-cli"]).run()
            })?;
            programs.join("tundra")
        }
    };
    if only.is_empty() && (report.is_empty() || report.contains(&Report::Server)) {
        measure_server(workspace, &tundra, rounds, quick)?;
    }
    if cases.is_empty() {
        return Ok(());
    }
    let python = python::ensure_environment(workspace, "bench", REQUIREMENTS)?;
    let data = Data::new(workspace.cache("bench")?, &python, workspace, quick)?;
    let extensions = match cases.iter().any(|case| case.needs_extensions()) {
        true => Some(python::ensure_environment(
            workspace,
            "bench-extensions",
            EXTENSIONS_REQUIREMENTS,
        )?),
        false => None,
    };
    let store = match cases.iter().any(|case| case.needs_store()) {
        true => Some(step("start a store", || Store::start(workspace, &programs))?),
        false => None,
    };
    let mut databases = start_databases(workspace, &cases)?;
    let bench = Bench::new(workspace, python, extensions, store, tundra, data.folder())?;
    let machine = report::Machine::read(&bench, databases.as_ref())?;

    let mut summaries = Vec::new();
    for case in cases {
        if quick && !case.is_quick {
            say(format_args!("{}: left out, because there is no quick way", case.name));
            continue;
        }
        if let Some(missing) = data.missing_room(case.input)? {
            say(format_args!(
                "{}: left out, because {:.1} GB of disk are missing",
                case.name,
                missing as f64 / 1e9
            ));
            continue;
        }
        let file = data.ensure(case.input)?;
        let input = match (case.input, &mut databases) {
            (Input::Table(server, rows), Some(databases)) => {
                databases.ensure(server, rows, &file)?
            }
            _ => text(&file)?.to_owned(),
        };
        let rounds = case.rounds(rounds);
        let summary = step(case.name, || Summary::of(case, bench.run(case, &input, rounds)?))?;
        say(report::case(&summary));
        summaries.push(summary);
        if let (Input::Table(server, rows), Some(databases)) = (case.input, &mut databases) {
            databases.forget(server, rows)?;
        }
    }
    let of_cases = |report: &Report| *report != Report::Server && !quick;
    for report in Report::value_variants().iter().copied().filter(of_cases) {
        let path = report.path();
        let of_it: Vec<_> = summaries.iter().filter(|it| it.case.report() == report).collect();
        if of_it.is_empty() || of_it.len() < cases_of(report) {
            say(format_args!("{path} is left as it is: not all of it was measured"));
            continue;
        }
        let text = report::document(report, &machine, rounds, &of_it);
        fs::write(workspace.path(path), text)
            .with_context(|| format!("could not write `{path}`"))?;
        say(format_args!("wrote {path}"));
    }
    Ok(())
}

/// Measures the server, and writes its document unless that was quick.
fn measure_server(
    workspace: &Workspace,
    tundra: &Path,
    rounds: u32,
    quick: bool,
) -> anyhow::Result<()> {
    let text = step("server", || server::run(tundra, rounds))?;
    if quick {
        return Ok(());
    }
    let path = Report::Server.path();
    fs::write(workspace.path(path), text).with_context(|| format!("could not write `{path}`"))?;
    say(format_args!("wrote {path}"));
    Ok(())
}

fn cases_of(report: Report) -> usize {
    cases().filter(|case| case.report() == report).count()
}

/// Starts the servers that the cases read from, if any.
fn start_databases(workspace: &Workspace, cases: &[&Case]) -> anyhow::Result<Option<Databases>> {
    let mut servers: Vec<_> = cases.iter().filter_map(|case| case.server()).collect();
    // The cases of a server follow one another.
    servers.dedup();
    if servers.is_empty() {
        return Ok(None);
    }
    step("start databases", || Databases::start(workspace, servers)).map(Some)
}

fn choose(only: &[String]) -> anyhow::Result<Vec<&'static Case>> {
    for name in only {
        if !cases().any(|case| case.name == name) {
            let names: Vec<&str> = cases().map(|case| case.name).collect();
            bail!("no case `{name}`; there are {}", names.join(", "));
        }
    }
    let is_chosen = |case: &&Case| only.is_empty() || only.iter().any(|name| name == case.name);
    Ok(cases().filter(is_chosen).collect())
}
