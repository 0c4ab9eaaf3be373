//! What is measured. To add a case, add a value to one of the tables
//! [`files::CASES`], [`formats::CASES`] and [`databases::CASES`].

mod databases;
mod files;
mod formats;

use super::report::Report;

/// Something that all contenders do, each in its own way.
#[derive(Debug)]
pub(super) struct Case {
    /// As one names it on the command line.
    pub(super) name: &'static str,
    /// As the report introduces it.
    pub(super) title: &'static str,
    pub(super) input: Input,
    /// Tundra first: ratios are Tundra's figure divided by the other's.
    pub(super) contenders: &'static [Contender],
    /// How often each runs in a round. Short processes need more runs for a steady median.
    pub(super) runs_in_round: u32,
    /// How many rounds there are at most, for a case that takes minutes and hardly varies.
    pub(super) max_rounds: Option<u32>,
    /// Whether it runs with `--quick`.
    pub(super) is_quick: bool,
    pub(super) targets: &'static [Target],
}

/// What a case reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Nothing,
    /// TPC-H `lineitem` as CSV with a header.
    Csv,
    /// The same rows as NDJSON.
    Ndjson,
    /// The CSV file with one value in its last row that its sample does not let expect: `00713` in
    /// the column `l_partkey`, which holds integers otherwise.
    ContradictedCsv,
    /// The rows of the CSV file over and over: 4 GB.
    LargeCsv,
    /// The first 10 KB of the CSV file, in whole lines.
    SmallCsv,
    /// The CSV file, compressed with gzip.
    GzipCsv,
    /// The first rows of the CSV file as a thousand files of 100 KB, each with the header.
    ManyCsv,
    /// A workbook (xlsx) of 20 columns.
    Workbook,
    /// A FeatureCollection of points and polygons.
    GeoJson,
    /// The rows of the CSV file as a table of a server: `lineitem`, or `lineitem_10` of ten times the
    /// rows.
    Table(Server, Rows),
    /// The same as the table `lineitem` of a file of SQLite.
    Sqlite(Rows),
}

/// A server of databases on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Postgresql,
    Mariadb,
}

/// How many rows a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Those of the CSV file.
    Once,
    /// Ten times as many, each with a key of its own.
    Tenfold,
}

/// A program that takes part.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) program: Program,
    /// `{input}` and `{output}` stand for the files or objects; of a server, `{input}` is its URL.
    pub(super) args: &'static [&'static str],
    pub(super) place: Place,
}

/// Where a contender reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Or a server of databases.
    Disk,
    /// An S3 server on this machine.
    Store,
    /// The same server, behind the latency and the bandwidth of a network.
    FarStore,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Tundra,
    /// A script in the folder `python` beside this file. It prints the seconds that it took without
    /// starting Python and importing the peer.
    Script(&'static str),
    /// The same with the release of DuckDB that has its extensions among the packages, and with the
    /// peers that read databases.
    ExtensionsScript(&'static str),
}

/// What a case must reach.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The median of Tundra's figure divided by the peer's.
    Ratio { of: Figure, peer: &'static str, at_most: f64 },
    /// The median of Tundra's time divided by the peer's, of the peer that is the fastest.
    Fastest { at_most: f64 },
    /// The median of Tundra's own time, in milliseconds.
    Milliseconds { below: f64 },
    /// The most of Tundra's own peak memory that any run took, in megabytes.
    Megabytes { at_most: f64 },
    /// The median of the megabytes of peak memory that Tundra takes more than the peer.
    MoreMegabytes { peer: &'static str, at_most: f64 },
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// From start to end of the process.
    Time,
    /// Peak resident memory.
    Memory,
    /// Size of the output.
    Size,
}

/// Returns all cases, in the order in which they run.
pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    files::CASES.iter().chain(formats::CASES).chain(databases::CASES)
}

impl Case {
    /// Returns the document that its figures stand in.
    pub(super) fn report(&self) -> Report {
        match self.input {
            Input::Table(_, Rows::Once) | Input::Sqlite(Rows::Once) => Report::Databases,
            Input::Table(_, Rows::Tenfold) | Input::Sqlite(Rows::Tenfold) => Report::Tenfold,
            Input::GzipCsv | Input::ManyCsv | Input::Workbook | Input::GeoJson => Report::Formats,
            _ => Report::Files,
        }
    }

    /// Returns how many rounds there are when `wanted` are asked for.
    pub(super) fn rounds(&self, wanted: u32) -> u32 {
        self.max_rounds.map_or(wanted, |most| most.min(wanted))
    }

    /// Returns whether a contender reads from and writes to a store.
    pub(super) fn needs_store(&self) -> bool {
        self.contenders.iter().any(|contender| contender.place != Place::Disk)
    }

    /// Returns whether a contender runs with the release of DuckDB that has extensions.
    pub(super) fn needs_extensions(&self) -> bool {
        let is_one =
            |contender: &Contender| matches!(contender.program, Program::ExtensionsScript(_));
        self.contenders.iter().any(is_one)
    }

    /// Returns the server whose table is read.
    pub(super) fn server(&self) -> Option<Server> {
        match self.input {
            Input::Table(server, _) => Some(server),
            _ => None,
        }
    }

    /// Returns whether the contenders write something.
    pub(super) fn has_output(&self) -> bool {
        self.contenders.iter().any(|contender| contender.args.contains(&"{output}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_tundra_comes_first() {
        for (index, case) in cases().enumerate() {
            assert_eq!(case.contenders[0].program, Program::Tundra, "{}", case.name);
            assert!(cases().take(index).all(|other| other.name != case.name), "{}", case.name);
        }
    }

    #[test]
    fn targets_name_peers_that_take_part() {
        for case in cases() {
            for target in case.targets {
                if let Target::Ratio { peer, .. } | Target::MoreMegabytes { peer, .. } = target {
                    let takes_part = case.contenders[1..].iter().any(|other| other.name == *peer);
                    assert!(takes_part, "{}: {peer}", case.name);
                }
            }
        }
    }
}
