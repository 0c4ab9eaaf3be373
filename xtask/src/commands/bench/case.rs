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
    /// `{input}` and `{output}` stand for the files.
    pub(super) args: &'static [&'static str],
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Tundra,
    /// A script in the folder `python` beside this file. It prints the seconds that it took without
    /// starting Python and importing the peer.
    Script(&'static str),
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

const TUNDRA_CONVERTS: Contender = Contender {
    name: "Tundra",
    program: Program::Tundra,
    args: &["convert", "{input}", "-o", "{output}", "--overwrite", "-q"],
};

const DUCKDB_CONVERTS_CSV: Contender = Contender {
    name: DUCKDB,
    program: Program::Script("duckdb_convert.py"),
    args: &["read_csv", "{input}", "{output}"],
};

const POLARS_CONVERTS_CSV: Contender = Contender {
    name: POLARS,
    program: Program::Script("polars_convert.py"),
    args: &["csv", "{input}", "{output}"],
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
            },
            Contender {
                name: POLARS,
                program: Program::Script("polars_convert.py"),
                args: &["ndjson", "{input}", "{output}"],
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.10 }],
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
        contenders: &[Contender { name: "Tundra", program: Program::Tundra, args: &["--version"] }],
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

    /// Returns whether the contenders write a file.
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
                if let Target::Ratio { peer, .. } = target {
                    let takes_part = case.contenders[1..].iter().any(|other| other.name == *peer);
                    assert!(takes_part, "{}: {peer}", case.name);
                }
            }
        }
    }
}
