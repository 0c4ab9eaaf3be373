//! The arguments of `tundra extract`.

use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use tundra_connectors::parse_table;
use tundra_core::{
    ExtractRequest, IdempotencyKey, OnLossy, Reader, Relation, TableName, Window, WriteOptions,
};

use crate::{
    args::{CatalogArgs, ConnectionArgs, ResourceArgs, WritingArgs, values},
    failure::Failure,
};

/// Read a table or a query of a database into Parquet, and prove that nothing was lost
///
/// The database is only read, under one snapshot: also on several connections, the output is what the
/// table was at one moment. Every column gets a type that holds what the database's type holds;
/// docs/TYPES.md lists them. The output appears under its name complete and checked, or not at all.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("relation").required(true).args(["table", "query", "query_file"]),
    after_long_help = "\
Examples:
  Write orders.parquet:
      tundra extract postgresql://reader@db.example.com/shop --table orders

  A query, and where to write:
      tundra extract mysql://reader@db/shop --query 'SELECT id, total FROM orders' -o totals.parquet

  A file of SQLite:
      tundra extract sqlite:shop.db --table orders

  A name that is not plain stands in quotes of its own:
      tundra extract sqlite:shop.db --table '\"Order lines\"'

  Through an SSH server, as which 127.0.0.1 is meant:
      tundra extract postgresql://reader@127.0.0.1/shop --table orders --ssh me@bastion.example.com

  On four connections, split by a column:
      tundra extract postgresql://reader@db/shop --table orders --partitions 4 --partition-column id

  Make the next version of a catalogued source, of what changed since the last one:
      tundra source add orders postgresql://reader@db.example.com/shop
      tundra extract --source orders --table orders --since-column updated_at"
)]
pub(crate) struct ExtractArgs {
    /// The database: postgresql://, redshift://, mysql:// or mariadb:// with user@host:port/database, or
    /// sqlite:FILE
    ///
    /// What is special in a URL is written as `%` and two digits: `%40` is an `@`. Behind a `?` may stand
    /// sslmode, sslrootcert, sslcert, sslkey, connect_timeout, ssh_host, ssh_port, ssh_user, ssh_key,
    /// ssh_known_hosts and ssh_host_key. A source has it already.
    #[arg(value_name = "URL", required_unless_present = "source")]
    url: Option<String>,

    /// The table or view, such as orders or sales.orders
    #[arg(short, long, value_name = "TABLE", value_parser = table)]
    table: Option<TableName>,

    /// The query, in the database's own SQL; it must only read
    #[arg(long, value_name = "SQL")]
    query: Option<String>,

    /// Read the query from this file, or from standard input with `-`
    #[arg(long, value_name = "FILE")]
    query_file: Option<String>,

    /// Where to write, or `-` for standard output [default: TABLE.parquet]
    ///
    /// The directory must exist. A query needs it said.
    #[arg(short, long, value_name = "OUTPUT", conflicts_with = "source")]
    output: Option<String>,

    /// Replace the output if it exists
    #[arg(long, conflicts_with = "source")]
    overwrite: bool,

    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', help_heading = READING)]
    columns: Vec<String>,

    /// At most so many rows, whichever come first
    #[arg(long, value_name = "ROWS", help_heading = READING)]
    limit: Option<u64>,

    /// On how many connections a table is read, 1 to 16 [default: by its size and the processors]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u8).range(1..=16),
        help_heading = READING
    )]
    partitions: Option<u8>,

    /// The column by whose values the table is split [default: found out]
    #[arg(long, value_name = "COLUMN", help_heading = READING)]
    partition_column: Option<String>,

    /// Only rows whose value in this column is larger than at the last run
    ///
    /// The column must only grow, as a number or a time of change that is set anew does; `xmin` stands for
    /// the transaction that wrote a row, with tables of PostgreSQL. With `--source` the last run is that of
    /// the current version; else `--since` says where to begin. docs/DATABASES.md says what is seen.
    #[arg(
        long,
        value_name = "COLUMN",
        conflicts_with_all = ["query", "query_file", "limit"],
        help_heading = READING
    )]
    since_column: Option<String>,

    /// Where `--since-column` begins: the `until` of an earlier receipt, or a value as the database prints it
    #[arg(
        long,
        value_name = "VALUE",
        requires = "since_column",
        allow_hyphen_values = true,
        help_heading = READING
    )]
    since: Option<String>,

    /// What happens to a value that no type holds, such as the date 0000-00-00
    #[arg(long, value_name = "POLICY", value_enum, default_value_t, help_heading = READING)]
    on_lossy: Lossy,

    /// How long the database may work on one statement, such as 10m [default: as it is set up]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = READING)]
    statement_timeout: Option<Duration>,

    #[command(flatten)]
    writing: WritingArgs,

    /// Keep to what this reader of Parquet takes; repeat it for more
    ///
    /// Types and names that one of them does not take become such that hold the same and that all of them
    /// take. docs/READERS.md says what is known of each.
    #[arg(
        long = "for",
        value_name = "READER",
        value_parser = values::reader(),
        ignore_case = true,
        help_heading = WRITING
    )]
    readers: Vec<Reader>,

    /// Write the receipt to this file as JSON, after the data
    #[arg(long, value_name = "FILE", conflicts_with = "source", help_heading = WRITING)]
    receipt: Option<String>,

    /// Print the receipt as JSON on standard output instead of the summary
    #[arg(long, help_heading = WRITING)]
    pub(crate) json: bool,

    /// Make the next version of this catalogued source, by its name or its id
    ///
    /// The version goes to the warehouse with its receipt beside it, and readers see it when all of it is
    /// complete.
    #[arg(long, value_name = "SOURCE", help_heading = VERSIONS)]
    source: Option<String>,

    /// A name for this request: another run with the same key makes no second version
    #[arg(long, value_name = "KEY", requires = "source", help_heading = VERSIONS)]
    idempotency_key: Option<IdempotencyKey>,

    /// Read PostgreSQL and Redshift with Tundra itself, or with an ADBC driver [default: native]
    ///
    /// With `USE_ADBC_DRIVER=true` the default is the driver where one is installed, and Tundra itself,
    /// with a warning, where none is.
    #[arg(long, value_name = "ENGINE", value_enum, help_heading = READING)]
    engine: Option<ReadingEngine>,

    /// The ADBC driver: the name under which it is installed, or the path of its library or manifest
    #[arg(long, value_name = "DRIVER", help_heading = READING)]
    adbc_driver: Option<String>,

    #[command(flatten)]
    catalog: CatalogArgs,

    #[command(flatten)]
    connection: ConnectionArgs,

    #[command(flatten)]
    resources: ResourceArgs,
}

const READING: &str = "Reading";
const WRITING: &str = "Writing";
const VERSIONS: &str = "Versions";

/// What reads a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadingEngine {
    /// Tundra itself
    Native,
    /// An ADBC driver, and nothing else if it cannot be loaded
    Adbc,
}

/// What happens to values that no type holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lossy {
    /// The run fails and names the column and the row
    #[default]
    Fail,
    /// The column becomes text, as the database prints it
    Text,
    /// The value becomes null, and is counted
    Null,
}

impl From<Lossy> for OnLossy {
    fn from(policy: Lossy) -> Self {
        match policy {
            Lossy::Fail => Self::Fail,
            Lossy::Text => Self::Text,
            Lossy::Null => Self::Null,
        }
    }
}

fn table(text: &str) -> Result<TableName, String> {
    parse_table(text).map_err(|error| error.to_string())
}

/// What `tundra extract` was asked.
#[derive(Debug)]
pub(crate) struct ExtractCommand {
    /// The database as typed; a source has its own.
    pub(crate) url: Option<String>,
    /// The relation, or where its query is.
    pub(crate) relation: Wanted,
    /// How it is read; its relation is that of a query that is not read yet where there is one.
    pub(crate) request: ExtractRequest,
    pub(crate) options: WriteOptions,
    pub(crate) output: Option<String>,
    pub(crate) overwrite: bool,
    pub(crate) receipt: Option<String>,
    pub(crate) json: bool,
    /// The source whose version is to be made.
    pub(crate) version: Option<SourceVersion>,
    pub(crate) engine: Option<ReadingEngine>,
    pub(crate) adbc_driver: Option<String>,
    pub(crate) connection: ConnectionArgs,
    pub(crate) resources: ResourceArgs,
}

/// What is to be read.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// What was typed.
    Relation(Relation),
    /// The query in a file.
    QueryIn(String),
}

/// A version that is to be made.
#[derive(Debug)]
pub(crate) struct SourceVersion {
    pub(crate) source: String,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) catalog: CatalogArgs,
}

impl ExtractArgs {
    /// Takes the arguments apart.
    ///
    /// # Errors
    /// Fails when they do not fit together.
    pub(crate) fn into_command(self) -> Result<ExtractCommand, Failure> {
        let Self {
            url,
            table,
            query,
            query_file,
            output,
            overwrite,
            columns,
            limit,
            partitions,
            partition_column,
            since_column,
            since,
            on_lossy,
            statement_timeout,
            writing,
            readers,
            receipt,
            json,
            source,
            idempotency_key,
            engine,
            adbc_driver,
            catalog,
            connection,
            resources,
        } = self;
        let relation = match (table, query, query_file) {
            (Some(table), ..) => Wanted::Relation(Relation::Table(table)),
            (_, Some(query), _) => Wanted::Relation(Relation::Query(query)),
            (.., Some(file)) => Wanted::QueryIn(file),
            (None, None, None) => {
                return Err(Failure::usage("nothing is to be read", "name it with `--table`"));
            }
        };
        let known = match &relation {
            Wanted::Relation(relation) => relation.clone(),
            Wanted::QueryIn(_) => Relation::Query(String::new()),
        };
        let request = ExtractRequest {
            columns: (!columns.is_empty()).then_some(columns),
            limit,
            partitions: partitions.map(usize::from),
            partition_column,
            window: since_column.map(|column| Window { column, after: since }),
            on_lossy: on_lossy.into(),
            statement_timeout,
            ..ExtractRequest::new(known)
        };
        let version = source.map(|source| SourceVersion { source, key: idempotency_key, catalog });
        Ok(ExtractCommand {
            url,
            relation,
            request,
            options: WriteOptions { readers, ..writing.into_options(output.as_deref())? },
            output,
            overwrite,
            receipt,
            json,
            version,
            engine,
            adbc_driver,
            connection,
            resources,
        })
    }
}
