//! What is printed and written: one text for the terminal and for the document, in Markdown.

use std::{fs, thread};

use anyhow::Context;

use super::{
    case::{Case, Input, Place, Program, Rows, Server},
    database::Databases,
    measure::Bench,
    summary::{Row, Summary},
};

/// A document, with the cases of which all must have run before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Report {
    /// Files and stores, and the program itself.
    Files,
    /// Compressed files, workbooks and GeoJSON.
    Formats,
    /// Databases.
    Databases,
    /// Databases with ten times the rows.
    Tenfold,
    /// The server, which has no peer and no cases.
    Server,
}

impl Report {
    /// Returns where it stands in the repository.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Files => "docs/BENCHMARKS.md",
            Self::Formats => "docs/BENCHMARKS-FORMATS.md",
            Self::Databases => "docs/BENCHMARKS-DATABASES.md",
            Self::Tenfold => "docs/BENCHMARKS-TENFOLD.md",
            Self::Server => "docs/BENCHMARKS-SERVER.md",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Files => "Benchmarks",
            Self::Formats => "Benchmarks of compressed files, workbooks and GeoJSON",
            Self::Databases => "Benchmarks of databases",
            Self::Tenfold => "Benchmarks of databases with ten times the rows",
            Self::Server => "Benchmarks of the server",
        }
    }

    /// Returns what the figures are of, and what has to be known of them.
    fn notes(self) -> &'static str {
        match self {
            Self::Files => {
                "- Data: TPC-H `lineitem` at scale factor 1, 6,001,215 rows, made by `tpchgen-cli`.\n  \
                 `contradiction` reads it with `00713` as the `l_partkey` of its last row, `memory` the \
                 rows over and over, 4 GB.\n\
                 - Store: Garage on this machine, its objects on disk; `far` reaches it through a proxy \
                 of the tests, which takes a share of the cores.\n\
                 - In `contradiction` DuckDB makes `713` of `00713` and says nothing, so its time is that \
                 for a clean file.\n  \
                 \"DuckDB, told\" is given the type of that column, and keeps the value as Tundra does by \
                 itself.\n"
            }
            Self::Formats => {
                "- Data: TPC-H `lineitem` at scale factor 1 in gzip (level 6); a workbook with integers, \
                 numbers, texts, dates and booleans, written by `xlsxwriter`; points and polygons of up to \
                 20 corners with six properties.\n"
            }
            Self::Databases => {
                "- Data: TPC-H `lineitem` at scale factor 1, 6,001,215 rows, made by `tpchgen-cli`.\n"
            }
            Self::Tenfold => {
                "- Data: TPC-H `lineitem` at scale factor 1, 6,001,215 rows, made by `tpchgen-cli` and \
                 loaded ten times, with other keys.\n"
            }
            Self::Server => "",
        }
    }
}

/// What has to be known of the servers.
const SERVERS: &str = "\
- Databases: on this machine, reached over TCP without encryption; the table has the types and the primary \
key of TPC-H, and all of it is in memory before the first round.\n  \
The servers take a share of the cores, and neither their CPU nor their memory is in the figures.\n  \
MariaDB has a buffer pool of 1 GiB, PostgreSQL what the system caches.\n";

/// Where the figures were taken.
#[derive(Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    memory: String,
    /// How many processes wanted to run before the first measurement, averaged over a minute.
    load: String,
    date: String,
    /// Tundra's, the peers' and the servers' names and versions.
    versions: String,
}

impl Machine {
    /// Looks around.
    ///
    /// # Errors
    /// When a program that takes part does not tell its version.
    pub(super) fn read(bench: &Bench, databases: Option<&Databases>) -> anyhow::Result<Self> {
        let cores = thread::available_parallelism().context("the machine hides its cores")?.get();
        let peers = bench.versions(&NEWEST.map(|(package, _)| package))?;
        let mut versions = format!(
            "{}; {} on Python {}",
            bench.tundra_version()?,
            and(&NEWEST, &peers.packages),
            peers.python
        );
        let packages = WITH_EXTENSIONS.map(|(package, _)| package);
        if let Some(others) = bench.versions_with_extensions(&packages)? {
            let others = and(&WITH_EXTENSIONS, &others.packages);
            versions.push_str(&format!("; {others} for stores, databases, workbooks and GeoJSON"));
        }
        for server in databases.map(Databases::versions).transpose()?.unwrap_or_default() {
            versions.push_str(&format!("; {server}"));
        }
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores,
            memory: memory_of(&field("/proc/meminfo", "MemTotal")),
            load: load_average(),
            date: peers.date,
            versions,
        })
    }
}

/// The peers that run with their newest release: package and name.
const NEWEST: [(&str, &str); 2] = [("duckdb", "DuckDB"), ("polars", "Polars")];

/// The peers beside them that read stores and databases.
const WITH_EXTENSIONS: [(&str, &str); 3] =
    [("duckdb", "DuckDB"), ("connectorx", "ConnectorX"), ("adbc-driver-postgresql", "ADBC")];

/// Returns names with their versions, as one would list them.
fn and(names: &[(&str, &str)], versions: &[String]) -> String {
    let named: Vec<String> = names
        .iter()
        .zip(versions)
        .map(|((_, name), version)| format!("{name} {version}"))
        .collect();
    match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => named.concat(),
    }
}

/// Returns a value from one of Linux' tables; another system has none.
pub(crate) fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// Returns how many processes wanted to run in the last minute.
pub(crate) fn load_average() -> String {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next().map(ToOwned::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}

pub(crate) fn memory_of(total: &str) -> String {
    let kibibytes = total.strip_suffix(" kB").and_then(|number| number.parse::<f64>().ok());
    kibibytes.map_or_else(
        || total.to_owned(),
        |kibibytes| format!("{:.0} GiB", kibibytes / 1024.0 / 1024.0),
    )
}

/// The document of all of its cases.
pub(super) fn document(
    report: Report,
    machine: &Machine,
    rounds: u32,
    summaries: &[&Summary],
) -> String {
    let Machine { processor, cores, memory, load, date, versions } = machine;
    let fewer: String = summaries
        .iter()
        .filter(|summary| summary.case.rounds(rounds) < rounds)
        .map(|summary| format!(", {} in `{}`", summary.case.rounds(rounds), summary.case.name))
        .collect();
    let title = report.title();
    let servers = match report {
        Report::Files | Report::Formats => "",
        _ => SERVERS,
    };
    let notes = report.notes();
    let mut text = format!(
        "# {title}\n\
         \n\
         Written by `cargo xtask bench`; do not edit.\n\
         Absolute times do not carry over to another machine; ratios taken in one run do.\n\
         \n\
         - Machine: {processor}, {cores} cores, {memory} of memory; load before the run {load}.\n\
         - Date: {date}.\n\
         - Versions: {versions}.\n\
         {notes}{servers}\
         - Everybody runs in turn, {rounds} rounds after one that warms up{fewer}; figures are \
         medians.\n  \
           A ratio is Tundra's figure divided by the peer's in the same round, and again the median.\n\
         - Time is that of the whole process.\n  \
           \"Inside\" is a peer's time without starting Python and importing the peer; the ratio to it \
         sets Tundra's whole process against that.\n\
         - Memory is the peak resident set of the process.\n  \
           The measuring program's own, about 10 MB, is the least that can be seen.\n\
         - Everybody has all cores and, where the [commands](#commands) do not say otherwise, its \
         own defaults.\n"
    );
    for summary in summaries {
        text.push('\n');
        text.push_str(&case(summary));
    }
    text.push_str("\n## Commands\n\n");
    for summary in summaries {
        text.push_str(&commands(summary.case));
    }
    for (index, summary) in summaries.iter().enumerate() {
        // A smaller piece of the same data is no news, nor is what fewer make of it.
        let is_new = summaries[..index].iter().all(|before| !tells_types_of(before, summary));
        if is_new {
            text.push_str(&types(summary));
        }
    }
    text
}

/// What a case came to: a table of the contenders and one of the targets.
pub(super) fn case(summary: &Summary) -> String {
    let mut contenders = vec![
        ["", "time", "inside", "CPU", "peak memory", "output", "time ratio", "ratio to inside"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    contenders.extend(summary.rows.iter().map(cells));
    let mut targets = vec![["target", "measured", ""].map(ToOwned::to_owned).to_vec()];
    for verdict in &summary.verdicts {
        let word = if verdict.is_met { "met" } else { "missed" };
        targets.push(vec![verdict.target.clone(), verdict.measured.clone(), word.to_owned()]);
    }
    format!(
        "## {}: {}\n\n{}\n{}",
        summary.case.name,
        summary.case.title,
        table(&contenders),
        table(&targets)
    )
}

fn cells(row: &Row) -> Vec<String> {
    let none = String::new;
    let sample = &row.median;
    vec![
        row.name.to_owned(),
        time(sample.wall),
        sample.inside.map_or_else(none, time),
        time(sample.cpu),
        megabytes(sample.memory),
        sample.size.map_or_else(none, megabytes),
        format!("{:.3}", row.time_ratio),
        row.inside_ratio.map_or_else(none, |ratio| format!("{ratio:.3}")),
    ]
}

pub(super) fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", 1000.0 * seconds) } else { format!("{seconds:.2} s") }
}

pub(crate) fn megabytes(bytes: f64) -> String {
    if bytes < 1e6 { format!("{:.1} kB", bytes / 1e3) } else { format!("{:.1} MB", bytes / 1e6) }
}

fn commands(case: &Case) -> String {
    let mut text = String::new();
    for contender in case.contenders {
        let program = match contender.program {
            Program::Tundra => "tundra".to_owned(),
            Program::Script(name) | Program::ExtensionsScript(name) => {
                format!("python [{name}](../xtask/src/commands/bench/python/{name})")
            }
        };
        let folder = match contender.place {
            Place::Disk => "",
            Place::Store | Place::FarStore => "s3://tundra/",
        };
        let quoted =
            |arg: &&str| if arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() };
        let args: Vec<String> = contender.args.iter().map(quoted).collect();
        let args = args
            .join(" ")
            .replace("{input}", &format!("{folder}{}", input(case.input)))
            .replace("{output}", &format!("{folder}output.parquet"));
        text.push_str(&match contender.program {
            Program::Tundra => format!("- {}: `{program} {args}`\n", case.name),
            Program::Script(_) | Program::ExtensionsScript(_) => {
                format!("- {}: {program} `{args}`\n", case.name)
            }
        });
    }
    text
}

fn input(input: Input) -> &'static str {
    match input {
        Input::Nothing => "",
        Input::Csv => "lineitem.csv",
        Input::Ndjson => "lineitem.ndjson",
        Input::ContradictedCsv => "lineitem-contradicted.csv",
        Input::LargeCsv => "lineitem-4g.csv",
        Input::SmallCsv => "lineitem-10k.csv",
        Input::Table(Server::Postgresql, _) => "postgres://…",
        Input::Table(Server::Mariadb, _) => "mariadb://…",
        Input::Sqlite(Rows::Once) => "lineitem.db",
        Input::Sqlite(Rows::Tenfold) => "lineitem-10.db",
        Input::GzipCsv => "lineitem.csv.gz",
        Input::ManyCsv => "'many/*.csv'",
        Input::Workbook => "workbook.xlsx",
        Input::GeoJson => "places.geojson",
    }
}

/// Returns whether everybody who wrote something in `summary` wrote the same types in `before`.
fn tells_types_of(before: &Summary, summary: &Summary) -> bool {
    summary.rows.iter().zip(&summary.written).all(|(row, written)| {
        let mut known = before.rows.iter().zip(&before.written);
        known.any(|(other, before)| other.name == row.name && before.types == written.types)
    })
}

/// The types that each contender chose: a fast conversion that loses something is no peer.
fn types(summary: &Summary) -> String {
    let Some(ours) = summary.written.first() else {
        return String::new();
    };
    let mut head = vec!["column".to_owned()];
    head.extend(summary.rows.iter().map(|row| row.name.to_owned()));
    let mut rows = vec![head];
    for (index, (column, _)) in ours.types.iter().enumerate() {
        let mut row = vec![column.clone()];
        for written in &summary.written {
            row.push(written.types.get(index).map(|(_, name)| name.clone()).unwrap_or_default());
        }
        rows.push(row);
    }
    format!(
        "\n## Types written in `{}`\n\n{} rows each.\n\n{}",
        summary.case.name,
        ours.rows,
        table(&rows)
    )
}

/// A Markdown table whose columns are as wide as they need to be. The first row is its head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let Some((head, _)) = rows.split_first() else {
        return String::new();
    };
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push('|');
        for (cell, &width) in row.iter().zip(&widths) {
            text.push_str(&format!(" {cell:<width$} |"));
        }
        text.push('\n');
        if index == 0 {
            text.push('|');
            for &width in &widths {
                text.push_str(&format!(" {} |", "-".repeat(width)));
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_table_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(ToOwned::to_owned).to_vec();
        assert_eq!(
            table(&[row(["", "time"]), row(["Tundra", "1 s"])]),
            "|        | time |\n| ------ | ---- |\n| Tundra | 1 s  |\n"
        );
    }

    #[test]
    fn versions_are_listed_with_their_names() {
        let versions = ["1.5.5", "0.4.6", "1.13.0"].map(ToOwned::to_owned);
        assert_eq!(
            and(&WITH_EXTENSIONS, &versions),
            "DuckDB 1.5.5, ConnectorX 0.4.6 and ADBC 1.13.0"
        );
        assert_eq!(and(&WITH_EXTENSIONS[..1], &versions[..1]), "DuckDB 1.5.5");
    }

    #[test]
    fn figures_have_the_unit_that_suits_them() {
        assert_eq!(time(0.0204), "20.4 ms");
        assert_eq!(time(2.9), "2.90 s");
        assert_eq!(megabytes(4096.0), "4.1 kB");
        assert_eq!(megabytes(146_000_000.0), "146.0 MB");
        assert_eq!(memory_of("24600000 kB"), "23 GiB");
        assert_eq!(memory_of("unknown"), "unknown");
    }
}
