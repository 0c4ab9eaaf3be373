//! `cargo xtask fuzz`: looks for inputs that a reader neither converts nor refuses, for as long as
//! it is told.
//!
//! The targets are tests, which `cargo xtask test` runs for a moment and on the same inputs each
//! time. Here other inputs come each time.

use clap::ValueEnum;

use crate::{
    commands::test::REQUIREMENTS,
    env::{TUNDRA_FUZZ_SECONDS, TUNDRA_TEST_PYTHON},
    process::Cmd,
    progress::{say, step},
    python, tools,
    workspace::Workspace,
};

/// Feeds the readers damaged files and random tables, and the server requests, other ones each time.
///
/// An input that causes a fault is made smaller, shown and kept in `tmp` in the target folder, as
/// `fuzz-NAME-found`. Of a process that died, `fuzz-NAME-last` is the input that it had. Once the
/// fault is mended the file goes into tests/corpus/NAME, which every run of the tests reads.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs; as many at once as there are processors.
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only this target; may be repeated.
    #[arg(long, value_name = "TARGET")]
    only: Vec<Target>,
}

/// What can be fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Delimited text.
    Csv,
    /// JSON documents.
    Json,
    /// JSON by lines.
    Ndjson,
    /// GeoJSON.
    #[value(name = "geojson")]
    GeoJson,
    /// Parquet.
    Parquet,
    /// Workbooks, by their bytes and by what is in them.
    Workbook,
    /// Compressed files and archives.
    Packed,
    /// Tables that are written as delimited text in random dialects, and read back.
    Dialects,
    /// The server, by requests that its description allows and by those that it does not.
    Api,
}

impl Target {
    /// Returns the beginning of the names of its tests, with the modules that they are in.
    fn tests(self) -> &'static str {
        match self {
            Self::Csv => "fuzz::.*::csv_",
            Self::Json => "fuzz::.*::json_",
            Self::Ndjson => "fuzz::.*::ndjson_",
            Self::GeoJson => "fuzz::.*::geojson_",
            Self::Parquet => "fuzz::.*::parquet_",
            Self::Workbook => "fuzz::.*::workbook_",
            Self::Packed => "fuzz::.*::packed_",
            Self::Dialects => "fuzz::.*::dialects_",
            Self::Api => "schemathesis::",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When something cannot be built, or an input causes a fault.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { seconds, only } = args;
    let nextest = tools::NEXTEST.ensure(workspace)?;
    let targets = if only.is_empty() { Target::value_variants() } else { &only };
    let tests: Vec<String> =
        targets.iter().map(|target| format!("test(/^{}/)", target.tests())).collect();
    let python = python::ensure_environment(workspace, "tests", REQUIREMENTS)?;
    if targets.contains(&Target::Api) {
        step("build tundra", || {
            workspace
                .cargo()
                .args(["test", "--quiet", "--release", "--workspace", "--no-run"])
                .run()
        })?;
    }
    say(format_args!("{} targets, {seconds} seconds each", targets.len()));
    step("fuzz", || {
        Cmd::new(&nextest)
            .dir(workspace.root())
            .args(["nextest", "run", "--release", "--package", "tundra-tests"])
            // Without the time limit of a test.
            .args(["--profile", "fuzz", "--filterset", &tests.join(" | ")])
            .env(TUNDRA_FUZZ_SECONDS, seconds.to_string())
            .env(TUNDRA_TEST_PYTHON, &python)
            .run()
    })
}
