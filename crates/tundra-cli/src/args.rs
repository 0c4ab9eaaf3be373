//! What can be said on the command line.
//!
//! Start at [`Cli`]. Every doc comment in here is help text that users read. The structs hold what
//! was typed and nothing else: each command takes its struct apart once and makes the engine's
//! options of it.

mod catalog;
mod check;
mod clean;
mod completions;
mod convert;
mod database;
mod databases;
mod diff;
mod extract;
mod geometry;
mod head;
mod health;
mod inspect;
mod json;
mod keys;
mod ls;
mod many;
mod nulls;
mod presign;
mod query;
mod reading;
mod resources;
mod run_task;
mod schema;
mod serve;
mod source;
mod text;
mod unpacking;
pub(crate) mod values;
mod version;
mod versions;
mod workbook;
mod writing;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    catalog::{CatalogArgs, PlaceArgs},
    check::CheckArgs,
    clean::CleanArgs,
    completions::CompletionsArgs,
    convert::{ConvertArgs, ConvertRequest, SchemaRequest, VersionRequest},
    database::{ConnectionArgs, PasswordArgs, SshArgs},
    databases::{ConnectorsArgs, DumpArgs, TablesArgs, TestConnectionArgs},
    diff::DiffArgs,
    extract::{ExtractArgs, ExtractCommand, ReadingEngine, SourceVersion, Wanted},
    geometry::GeometryArgs,
    head::HeadArgs,
    health::HealthArgs,
    inspect::InspectArgs,
    json::JsonArgs,
    keys::{
        CreateKeyArgs, KeyStoreArgs, KeysArgs, KeysCommand, ListKeysArgs, RevokeKeyArgs,
        WebhookKeyArgs,
    },
    ls::LsArgs,
    many::{ManyArgs, ManyRequest},
    nulls::NullArgs,
    presign::PresignArgs,
    query::{Answer, QueryArgs},
    reading::ReadingArgs,
    resources::ResourceArgs,
    run_task::RunTaskArgs,
    schema::SchemaArgs,
    serve::{DoctorArgs, Isolation, RunLimitArgs, ServeArgs, ServiceArgs, Switch},
    source::{
        AddSourceArgs, ListSourcesArgs, RemoveSourceArgs, ShowSourceArgs, SourceArgs, SourceCommand,
    },
    text::TextArgs,
    unpacking::UnpackingArgs,
    version::VersionArgs,
    versions::{GcArgs, RollbackArgs, VersionsArgs},
    workbook::WorkbookArgs,
    writing::WritingArgs,
};

/// Turns files and databases into Parquet that can be trusted
///
/// Tundra reads CSV, TSV, JSON, NDJSON and Parquet, and tables of databases, gives every column a type that holds all of its
/// values, and writes one Parquet file. A run ends either with Parquet that provably holds what the
/// input held, or with an error that says what is wrong and where. Nothing is lost silently.
#[derive(Debug, Parser)]
#[command(
    name = "tundra",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  tundra convert sales.csv                     write sales.parquet beside it
  tundra convert sales.csv -o out/s.parquet    write somewhere else
  tundra inspect sales.csv                     see how it would be read, and why
  tundra query 'SELECT sum(price) FROM input' sales.csv    ask something of it
  tundra extract sqlite:shop.db --table orders    read a table of a database
  tundra serve                                    do all of this for others, by HTTP

`tundra help COMMAND` says everything about a command.",
    after_long_help = "\
Examples:
  Write sales.parquet beside sales.csv:
      tundra convert sales.csv

  See how a file would be read, column by column, and why:
      tundra inspect sales.csv

  See its columns, its first rows, and ask something of it:
      tundra schema sales.csv
      tundra head sales.csv
      tundra query 'SELECT name, sum(price) FROM input GROUP BY name' sales.csv

  See how two files differ, and which rows changed:
      tundra diff sales-1.csv sales-2.csv --key id

  Read a table of a database:
      tundra extract postgresql://reader@db.example.com/shop --table orders

  Do all of this for others, by HTTP:
      tundra serve

  Convert in a pipe:
      curl -s https://example.org/sales.csv | tundra convert - > sales.parquet

`tundra help COMMAND` says everything about a command.
Exit codes and environment variables are listed in docs/CLI.md."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) console: ConsoleArgs,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `tundra` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Convert(Box<ConvertArgs>),
    Inspect(Box<InspectArgs>),
    Schema(Box<SchemaArgs>),
    Head(Box<HeadArgs>),
    Query(Box<QueryArgs>),
    Check(Box<CheckArgs>),
    Diff(Box<DiffArgs>),
    Extract(Box<ExtractArgs>),
    Dump(Box<DumpArgs>),
    Tables(TablesArgs),
    TestConnection(TestConnectionArgs),
    Connectors(ConnectorsArgs),
    Source(Box<SourceArgs>),
    Versions(VersionsArgs),
    Rollback(RollbackArgs),
    Gc(GcArgs),
    Serve(Box<ServeArgs>),
    Keys(Box<KeysArgs>),
    Doctor(Box<DoctorArgs>),
    Health(HealthArgs),
    #[command(hide = true)]
    RunTask(Box<RunTaskArgs>),
    Ls(LsArgs),
    Presign(PresignArgs),
    Clean(CleanArgs),
    Completions(CompletionsArgs),
    Version(VersionArgs),
    /// Print a page of the documentation as Markdown
    #[command(hide = true)]
    GenerateDocs {
        /// Which page
        #[arg(value_enum)]
        page: DocsPage,
    },
}

/// A page that the program itself knows best.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DocsPage {
    /// The reference of the command line
    CommandLine,
    /// What becomes of every type of a database
    Types,
    /// What readers of Parquet take
    Readers,
}

/// How much the program says.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct ConsoleArgs {
    /// Say nothing but errors
    ///
    /// No progress, no summary, no warnings. Data that was asked for, such as that of `--json`, is
    /// still printed.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say what is being done; twice for details
    ///
    /// Writes the log to standard error instead of the progress bar: `-v` what is being done, `-vv`
    /// with details. The variable TUNDRA_LOG chooses more finely.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Draw no progress bar
    ///
    /// By default there is one when standard error is a terminal, unless `--quiet`, `--verbose` or
    /// `--json` is given or the variable CI is set.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}
