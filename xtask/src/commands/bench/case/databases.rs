//! The cases that read tables and queries of databases.

use super::{Case, Contender, Figure, Input, Place, Program, Rows, Server, Target};

const DUCKDB_POSTGRES: &str = "DuckDB 1.5.5 with postgres_scanner";
const DUCKDB_MYSQL: &str = "DuckDB 1.5.5 with mysql_scanner";
const DUCKDB_SQLITE: &str = "DuckDB 1.5.5 with sqlite_scanner";
const CONNECTORX: &str = "ConnectorX";
const CONNECTORX_ON_FOUR: &str = "ConnectorX on 4 partitions";
const ADBC: &str = "ADBC";

/// What a process that reads from a database may take, in megabytes, however many rows there are.
const DATABASE_MEMORY: Target = Target::Megabytes { at_most: 300.0 };

/// It cannot be split, and all rows of the table fit.
const QUERY: &str = "SELECT * FROM lineitem WHERE l_quantity > 0";

const TUNDRA_EXTRACTS: Contender = Contender {
    name: "Tundra",
    program: Program::Tundra,
    args: &["extract", "{input}", "--table", "lineitem", "-o", "{output}", "--overwrite", "-q"],
    place: Place::Disk,
};

const TUNDRA_EXTRACTS_TENFOLD: Contender = Contender {
    args: &["extract", "{input}", "--table", "lineitem_10", "-o", "{output}", "--overwrite", "-q"],
    ..TUNDRA_EXTRACTS
};

const TUNDRA_EXTRACTS_SQLITE: Contender = Contender {
    args: &[
        "extract",
        "sqlite:{input}",
        "--table",
        "lineitem",
        "-o",
        "{output}",
        "--overwrite",
        "-q",
    ],
    ..TUNDRA_EXTRACTS
};

const CONNECTORX_EXTRACTS: Contender = Contender {
    name: CONNECTORX,
    program: Program::ExtensionsScript("connectorx_convert.py"),
    args: &["{input}", "lineitem", "1", "l_orderkey", "{output}"],
    place: Place::Disk,
};

const CONNECTORX_EXTRACTS_ON_FOUR: Contender = Contender {
    name: CONNECTORX_ON_FOUR,
    args: &["{input}", "lineitem", "4", "l_orderkey", "{output}"],
    ..CONNECTORX_EXTRACTS
};

/// With the targets that the issue sets.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "postgresql",
        title: "a table of PostgreSQL to zstd Parquet",
        input: Input::Table(Server::Postgresql, Rows::Once),
        contenders: &[
            TUNDRA_EXTRACTS,
            Contender {
                name: DUCKDB_POSTGRES,
                program: Program::ExtensionsScript("duckdb_database_convert.py"),
                args: &["postgres_scanner", "{input}", "table", "lineitem", "{output}"],
                place: Place::Disk,
            },
            CONNECTORX_EXTRACTS,
            CONNECTORX_EXTRACTS_ON_FOUR,
            Contender {
                name: ADBC,
                program: Program::ExtensionsScript("adbc_convert.py"),
                args: &["{input}", "lineitem", "{output}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Fastest { at_most: 1.0 }, DATABASE_MEMORY],
    },
    Case {
        name: "postgresql-query",
        title: "a query of PostgreSQL that cannot be split",
        input: Input::Table(Server::Postgresql, Rows::Once),
        contenders: &[
            Contender {
                args: &[
                    "extract",
                    "{input}",
                    "--query",
                    QUERY,
                    "-o",
                    "{output}",
                    "--overwrite",
                    "-q",
                ],
                ..TUNDRA_EXTRACTS
            },
            Contender {
                name: DUCKDB_POSTGRES,
                program: Program::ExtensionsScript("duckdb_database_convert.py"),
                args: &["postgres_scanner", "{input}", "query", QUERY, "{output}"],
                place: Place::Disk,
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[
            Target::Ratio { of: Figure::Time, peer: DUCKDB_POSTGRES, at_most: 0.9 },
            DATABASE_MEMORY,
        ],
    },
    Case {
        name: "postgresql-tenfold",
        title: "a table of PostgreSQL with ten times the rows",
        input: Input::Table(Server::Postgresql, Rows::Tenfold),
        contenders: &[TUNDRA_EXTRACTS_TENFOLD],
        runs_in_round: 1,
        max_rounds: Some(1),
        is_quick: true,
        targets: &[DATABASE_MEMORY],
    },
    Case {
        name: "mariadb",
        title: "a table of MariaDB to zstd Parquet",
        input: Input::Table(Server::Mariadb, Rows::Once),
        contenders: &[
            TUNDRA_EXTRACTS,
            Contender {
                name: DUCKDB_MYSQL,
                program: Program::ExtensionsScript("duckdb_database_convert.py"),
                args: &["mysql_scanner", "{input}", "table", "lineitem", "{output}"],
                place: Place::Disk,
            },
            CONNECTORX_EXTRACTS,
            CONNECTORX_EXTRACTS_ON_FOUR,
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Fastest { at_most: 0.75 }, DATABASE_MEMORY],
    },
    Case {
        name: "mariadb-tenfold",
        title: "a table of MariaDB with ten times the rows",
        input: Input::Table(Server::Mariadb, Rows::Tenfold),
        contenders: &[TUNDRA_EXTRACTS_TENFOLD],
        runs_in_round: 1,
        max_rounds: Some(1),
        is_quick: true,
        targets: &[DATABASE_MEMORY],
    },
    Case {
        name: "sqlite",
        title: "a table of SQLite to zstd Parquet",
        input: Input::Sqlite(Rows::Once),
        contenders: &[
            TUNDRA_EXTRACTS_SQLITE,
            Contender {
                name: DUCKDB_SQLITE,
                program: Program::ExtensionsScript("duckdb_database_convert.py"),
                args: &["sqlite_scanner", "{input}", "table", "lineitem", "{output}"],
                place: Place::Disk,
            },
            Contender {
                args: &["sqlite://{input}", "lineitem", "1", "l_orderkey", "{output}"],
                ..CONNECTORX_EXTRACTS
            },
            Contender {
                args: &["sqlite://{input}", "lineitem", "4", "l_orderkey", "{output}"],
                ..CONNECTORX_EXTRACTS_ON_FOUR
            },
        ],
        runs_in_round: 1,
        max_rounds: None,
        is_quick: true,
        targets: &[Target::Fastest { at_most: 0.75 }, DATABASE_MEMORY],
    },
    Case {
        name: "sqlite-tenfold",
        title: "a table of SQLite with ten times the rows",
        input: Input::Sqlite(Rows::Tenfold),
        contenders: &[TUNDRA_EXTRACTS_SQLITE],
        runs_in_round: 1,
        max_rounds: Some(1),
        is_quick: true,
        targets: &[DATABASE_MEMORY],
    },
];
