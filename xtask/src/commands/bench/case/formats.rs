//! The cases that read formats in which others can hardly be streamed.

use super::{Case, Contender, Figure, Input, Place, Program, Target, files};

const DUCKDB: &str = "DuckDB";
const DUCKDB_EXCEL: &str = "DuckDB 1.5.5 with excel";
const DUCKDB_SPATIAL: &str = "DuckDB 1.5.5 with spatial";
const POLARS: &str = "Polars";

/// With the targets that the issues set.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "gzip",
        title: "CSV in gzip to zstd Parquet, order kept",
        input: Input::GzipCsv,
        contenders: &[files::TUNDRA_CONVERTS, files::DUCKDB_CONVERTS_CSV],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.05 }],
    },
    Case {
        name: "many",
        title: "A thousand CSV files of 100 KB to one zstd Parquet, order kept",
        input: Input::ManyCsv,
        contenders: &[files::TUNDRA_CONVERTS, files::DUCKDB_CONVERTS_CSV],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Ratio { of: Figure::Time, peer: DUCKDB, at_most: 1.0 }],
    },
    Case {
        name: "excel",
        title: "A workbook (xlsx) of 300,000 rows and 20 columns",
        input: Input::Workbook,
        contenders: &[
            files::TUNDRA_CONVERTS,
            Contender {
                name: DUCKDB_EXCEL,
                program: Program::ExtensionsScript("duckdb_extension_convert.py"),
                args: &["excel", "read_xlsx", "{input}", "{output}"],
                place: Place::Disk,
            },
            Contender {
                name: POLARS,
                program: Program::Script("polars_excel_convert.py"),
                args: &["{input}", "{output}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: Some(3),
        is_quick: true,
        targets: &[
            Target::Ratio { of: Figure::Time, peer: DUCKDB_EXCEL, at_most: 0.5 },
            Target::Ratio { of: Figure::Time, peer: POLARS, at_most: 0.5 },
        ],
    },
    Case {
        name: "geojson",
        title: "500 MB of GeoJSON to GeoParquet",
        input: Input::GeoJson,
        contenders: &[
            files::TUNDRA_CONVERTS,
            Contender {
                name: DUCKDB_SPATIAL,
                program: Program::ExtensionsScript("duckdb_extension_convert.py"),
                args: &["spatial", "ST_Read", "{input}", "{output}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: Some(3),
        is_quick: true,
        targets: &[
            Target::Ratio { of: Figure::Time, peer: DUCKDB_SPATIAL, at_most: 0.7 },
            Target::Megabytes { at_most: 500.0 },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_called_what_the_targets_call_them() {
        assert_eq!(files::DUCKDB_CONVERTS_CSV.name, DUCKDB);
    }
}
