//! Environment variables.

use crate::support::Sandbox;

#[test]
fn a_variable_that_makes_no_sense_is_an_error_with_its_name() {
    for (variable, value) in [
        ("DUCKDB_MEMORY_LIMIT", "lots"),
        ("DUCKDB_THREADS", "0"),
        ("DUCKDB_MAX_TEMP_DIR_SIZE", "-1"),
        ("MAX_PROCESSING_TIME_MINUTES", "soon"),
        ("TUNDRA_LOG", "a=b=c"),
        ("TUNDRA_LOG", "!!"),
        ("TUNDRA_LOG", "dbug"),
    ] {
        let sandbox = Sandbox::with_sales();
        let mut command = sandbox.tundra(&["convert", "sales.csv"]);
        sandbox.finish(command.env(variable, value)).fails(2, &[variable, value, "unset it"]);
        sandbox.holds_only(&["sales.csv"]);
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let sandbox = Sandbox::with_sales();
    let mut command = sandbox.tundra(&["convert", "sales.csv"]);
    for variable in ["DUCKDB_MEMORY_LIMIT", "DUCKDB_THREADS", "DUCKDB_TEMP_DIR", "TUNDRA_LOG"] {
        command.env(variable, "");
    }
    sandbox.finish(&mut command).succeeds();
}

#[test]
fn the_names_of_version_4_are_defaults_of_flags() {
    let sandbox = Sandbox::with_sales();
    let mut command = sandbox.tundra(&["convert", "sales.csv"]);
    command
        .env("DUCKDB_MEMORY_LIMIT", "1GB")
        .env("DUCKDB_THREADS", "1")
        .env("DUCKDB_TEMP_DIR", sandbox.temp())
        .env("DUCKDB_MAX_TEMP_DIR_SIZE", "1GB")
        .env("MAX_PROCESSING_TIME_MINUTES", "10");
    sandbox.finish(&mut command).succeeds();
    sandbox.holds_only(&["sales.csv", "sales.parquet"]);
}

#[test]
fn a_flag_wins_over_a_variable() {
    let sandbox = Sandbox::with_sales();
    let temp = sandbox.temp();
    let mut command =
        sandbox.tundra(&["convert", "sales.csv", "--temp-dir", temp.to_str().unwrap()]);
    sandbox.finish(command.env("DUCKDB_TEMP_DIR", "/nowhere")).succeeds();
}

#[test]
fn a_temporary_directory_that_does_not_exist_is_named() {
    let sandbox = Sandbox::with_sales();
    sandbox
        .run(&["convert", "sales.csv", "--temp-dir", "nowhere"])
        .fails(4, &["`nowhere`", "--temp-dir"]);
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn the_log_goes_to_standard_error_when_asked_for() {
    let sandbox = Sandbox::with_sales();
    let mut command = sandbox.tundra(&["convert", "sales.csv", "-q"]);
    let ran = sandbox.finish(command.env("TUNDRA_LOG", "info")).succeeds();
    assert!(ran.stderr.contains("stage=\"converting\""), "{ran}");
    assert!(ran.stdout.is_empty(), "{ran}");
}
