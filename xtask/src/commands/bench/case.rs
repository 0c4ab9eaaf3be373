//! What is measured. To add a case, add a value to [`CASES`].

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
}

/// A program that takes part.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) program: Program,
    /// `{input}` and `{output}` stand for the files or objects.
    pub(super) args: &'static [&'static str],
    pub(super) place: Place,
}

/// Where a contender reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
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
    /// The same with the release of DuckDB that has its extension for stores among the packages.
    HttpfsScript(&'static str),
}

/// What a case must reach.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The median of Tundra's figure divided by the peer's.
    Ratio { of: Figure, peer: &'static str, at_most: f64 },
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

const DUCKDB: &str = "DuckDB";
const DUCKDB_TOLD: &str = "DuckDB, told";
const POLARS: &str = "Polars";
const DUCKDB_HTTPFS: &str = "DuckDB 1.5.5 with httpfs";
const TUNDRA_ON_DISK: &str = "Tundra, on disk";
const TUNDRA_NEAR: &str = "Tundra, near";

const TUNDRA_CONVERTS: Contender = Contender {
    name: "Tundra",
    program: Program::Tundra,
    args: &["convert", "{input}", "-o", "{output}", "--overwrite", "-q"],
    place: Place::Disk,
};

const DUCKDB_CONVERTS_CSV: Contender = Contender {
    name: DUCKDB,
    program: Program::Script("duckdb_convert.py"),
    args: &["read_csv", "{input}", "{output}"],
    place: Place::Disk,
};

const POLARS_CONVERTS_CSV: Contender = Contender {
    name: POLARS,
    program: Program::Script("polars_convert.py"),
    args: &["csv", "{input}", "{output}"],
    place: Place::Disk,
};

/// All cases, with the targets that the issues set.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "csv",
        title: "CSV to zstd Parquet, order kept",
        input: Input::Csv,
        contenders: &[TUNDRA_CONVERTS, DUCKDB_CONVERTS_CSV, POLARS_CONVERTS_CSV],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[
            Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.05 },
            Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.15 },
            Target::Ratio { of: Figure::Size, peer: DUCKDB, at_most: 1.0 },
            Target::Ratio { of: Figure::Memory, peer: DUCKDB, at_most: 1.0 },
        ],
    },
    Case {
        name: "contradiction",
        title: "the same CSV with `00713` for an integer in its last row",
        input: Input::ContradictedCsv,
        contenders: &[
            TUNDRA_CONVERTS,
            // It reads the zeros away, so its time is that for a clean file.
            DUCKDB_CONVERTS_CSV,
            // What a user writes who knows of the value, and what then keeps it.
            Contender {
                name: DUCKDB_TOLD,
                program: Program::Script("duckdb_convert.py"),
                args: &["read_csv", "{input}", "{output}", "types={'l_partkey': 'VARCHAR'}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 2.2 }],
    },
    Case {
        name: "memory",
        title: "4 GB of CSV with `--memory 512MiB`",
        input: Input::LargeCsv,
        contenders: &[Contender {
            name: "Tundra",
            program: Program::Tundra,
            args: &[
                "convert",
                "{input}",
                "-o",
                "{output}",
                "--overwrite",
                "-q",
                "--memory",
                "512MiB",
            ],
            place: Place::Disk,
        }],
        runs_in_round: 1,
        max_rounds: Some(2),
        is_quick: false,
        targets: &[Target::Megabytes { at_most: 700.0 }],
    },
    Case {
        name: "ndjson",
        title: "NDJSON to zstd Parquet, order kept",
        input: Input::Ndjson,
        contenders: &[
            TUNDRA_CONVERTS,
            Contender {
                name: DUCKDB,
                program: Program::Script("duckdb_convert.py"),
                args: &["read_ndjson", "{input}", "{output}"],
                place: Place::Disk,
            },
            Contender {
                name: POLARS,
                program: Program::Script("polars_convert.py"),
                args: &["ndjson", "{input}", "{output}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.10 }],
    },
    Case {
        name: "store",
        title: "CSV to zstd Parquet, from and to an S3 server on this machine",
        input: Input::Csv,
        contenders: &[
            Contender { place: Place::Store, ..TUNDRA_CONVERTS },
            Contender {
                name: DUCKDB_HTTPFS,
                program: Program::HttpfsScript("duckdb_httpfs_convert.py"),
                args: &["{input}", "{output}"],
                place: Place::Store,
            },
            Contender { place: Place::Store, ..POLARS_CONVERTS_CSV },
            Contender { name: TUNDRA_ON_DISK, ..TUNDRA_CONVERTS },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[
            Target::Ratio { of: Figure::Time, peer: DUCKDB_HTTPFS, at_most: 0.85 },
            Target::Ratio { of: Figure::Time, peer: POLARS, at_most: 1.0 },
            Target::MoreMegabytes { peer: TUNDRA_ON_DISK, at_most: 128.0 },
        ],
    },
    Case {
        name: "far",
        title: "the same, 30 ms away and at 60 MB/s for each connection",
        input: Input::Csv,
        contenders: &[
            Contender { place: Place::FarStore, ..TUNDRA_CONVERTS },
            Contender { name: TUNDRA_NEAR, place: Place::Store, ..TUNDRA_CONVERTS },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: TUNDRA_NEAR, at_most: 1.3 }],
    },
    Case {
        name: "small",
        title: "A CSV file of 10 KB",
        input: Input::SmallCsv,
        contenders: &[TUNDRA_CONVERTS, DUCKDB_CONVERTS_CSV, POLARS_CONVERTS_CSV],
        runs_in_round: 5,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Milliseconds { below: 40.0 }],
    },
    Case {
        name: "version",
        title: "`tundra --version`",
        input: Input::Nothing,
        contenders: &[Contender {
            name: "Tundra",
            program: Program::Tundra,
            args: &["--version"],
            place: Place::Disk,
        }],
        runs_in_round: 10,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Milliseconds { below: 10.0 }],
    },
];

impl Case {
    /// Returns how many rounds there are when `wanted` are asked for.
    pub(super) fn rounds(&self, wanted: u32) -> u32 {
        self.max_rounds.map_or(wanted, |most| most.min(wanted))
    }

    /// Returns whether a contender reads from and writes to a store.
    pub(super) fn needs_store(&self) -> bool {
        self.contenders.iter().any(|contender| contender.place != Place::Disk)
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
        for (index, case) in CASES.iter().enumerate() {
            assert_eq!(case.contenders[0].program, Program::Tundra, "{}", case.name);
            assert!(CASES[..index].iter().all(|other| other.name != case.name), "{}", case.name);
        }
    }

    #[test]
    fn targets_name_peers_that_take_part() {
        for case in CASES {
            for target in case.targets {
                if let Target::Ratio { peer, .. } | Target::MoreMegabytes { peer, .. } = target {
                    let takes_part = case.contenders[1..].iter().any(|other| other.name == *peer);
                    assert!(takes_part, "{}: {peer}", case.name);
                }
            }
        }
    }
}
