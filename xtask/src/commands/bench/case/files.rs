//! The cases that read and write files, here or in a store, and those that read nothing.

use super::{Case, Contender, Figure, Input, Place, Program, Target};

const DUCKDB: &str = "DuckDB";
const DUCKDB_TOLD: &str = "DuckDB, told";
const POLARS: &str = "Polars";
const DUCKDB_HTTPFS: &str = "DuckDB 1.5.5 with httpfs";
const TUNDRA_ON_DISK: &str = "Tundra, on disk";
const TUNDRA_NEAR: &str = "Tundra, near";

pub(super) const TUNDRA_CONVERTS: Contender = Contender {
    name: "Tundra",
    program: Program::Tundra,
    args: &["convert", "{input}", "-o", "{output}", "--overwrite", "-q"],
    place: Place::Disk,
};

pub(super) const DUCKDB_CONVERTS_CSV: Contender = Contender {
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

/// With the targets that the issues set.
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
                program: Program::ExtensionsScript("duckdb_httpfs_convert.py"),
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
