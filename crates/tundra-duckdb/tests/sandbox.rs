//! What SQL cannot reach: the machine's files, the network, settings, secrets, other code.
//!
//! Every statement here would do harm, or tell something, on a DuckDB that is not sandboxed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tundra_duckdb::{Class, Database, Error, Options, quote_literal};

use crate::support::{Event, MemoryFiles, integers, open, options, texts};

/// What stands in the files that nobody may read.
const SECRET: &str = "correct horse battery staple";

/// A machine with something to find, and a database that must not find it.
struct Machine {
    directory: TempDir,
    files: MemoryFiles,
    database: Database,
}

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["secret.csv", "secret.txt", "secret.json", "secret.parquet", "secret.duckdb"] {
            fs::write(directory.path().join(name), SECRET).unwrap();
        }
        let spill = directory.path().join("spill");
        fs::create_dir(&spill).unwrap();
        fs::write(spill.join("secret.csv"), SECRET).unwrap();

        let files = MemoryFiles::default();
        files.put("allowed.csv", "a\n1\n");
        let options = Options {
            temp_directory: Some(spill),
            max_temp_size: 1 << 30,
            memory_limit: 64 << 20,
            ..options()
        };
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        Self { directory, files, database }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a statement that must fail, and returns what was said.
    #[track_caller]
    fn refuses(&self, sql: &str) -> String {
        let error = match self.database.query(sql) {
            // Names under `tundra://` may be asked for. Nothing is there, and globs are no error.
            Ok(rows) if sql.contains("('tundra://") && rows.iter().all(|b| b.num_rows() == 0) => {
                return String::new();
            }
            Ok(rows) => panic!("not refused: {sql}\n{rows:?}"),
            Err(error) => error,
        };
        let message = error.to_string();
        assert!(!message.contains(SECRET), "{sql} tells: {message}");
        assert!(
            matches!(
                error.class(),
                Class::Permission | Class::Sql | Class::Unsupported | Class::Io
            ),
            "{sql} failed for another reason: {error:?}"
        );
        message
    }

    /// Checks that the files on disk are as they were made.
    fn check_untouched(&self) {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let made =
            ["secret.csv", "secret.duckdb", "secret.json", "secret.parquet", "secret.txt", "spill"];
        assert_eq!(names, made);
    }
}

/// Returns every way of writing a local path that DuckDB might understand.
fn spellings(path: &Path) -> Vec<String> {
    let absolute = path.to_str().unwrap().to_owned();
    let traversal = format!("tundra://../../../../../../../..{absolute}");
    vec![
        format!("file://{absolute}"),
        format!("file:{absolute}"),
        format!("file://localhost{absolute}"),
        format!("{}/../{absolute}", absolute.rsplit_once('/').unwrap().0),
        absolute.replace("/secret", "/*ecret"),
        traversal,
        format!("tundra:///{absolute}"),
        format!("TUNDRA://{absolute}"),
        format!("//{absolute}"),
        absolute,
    ]
}

#[test]
fn local_files_cannot_be_read() {
    let machine = Machine::new();
    for (function, name) in [
        ("read_csv", "secret.csv"),
        ("read_csv_auto", "secret.csv"),
        ("sniff_csv", "secret.csv"),
        ("read_text", "secret.txt"),
        ("read_blob", "secret.txt"),
        ("read_json", "secret.json"),
        ("read_json_auto", "secret.json"),
        ("read_json_objects", "secret.json"),
        ("read_ndjson", "secret.json"),
        ("read_ndjson_objects", "secret.json"),
        ("read_parquet", "secret.parquet"),
        ("parquet_scan", "secret.parquet"),
        ("parquet_metadata", "secret.parquet"),
        ("parquet_schema", "secret.parquet"),
        ("parquet_file_metadata", "secret.parquet"),
        ("parquet_kv_metadata", "secret.parquet"),
        ("parquet_full_metadata", "secret.parquet"),
        ("read_duckdb", "secret.duckdb"),
        ("glob", "secret.txt"),
    ] {
        for path in spellings(&machine.path(name)) {
            machine.refuses(&format!("SELECT * FROM {function}({})", quote_literal(&path)));
        }
    }
    machine.check_untouched();
}

#[test]
fn well_known_files_cannot_be_read() {
    let machine = Machine::new();
    for path in [
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/stdin",
        "Cargo.toml",
        "./Cargo.toml",
        "src/lib.rs",
        "~/.bashrc",
        "",
        ".",
        "/",
    ] {
        for function in ["read_text", "read_blob", "read_csv"] {
            machine.refuses(&format!("SELECT * FROM {function}({})", quote_literal(path)));
        }
    }
}

#[test]
fn a_home_directory_is_not_told() {
    let machine = Machine::new();
    let message = machine.refuses("SELECT * FROM read_text('~/nothing')");
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    assert!(!message.contains(&home), "{message}");
}

#[test]
fn files_are_not_tables() {
    let machine = Machine::new();
    for name in ["secret.csv", "secret.json", "secret.parquet", "secret.duckdb", "secret.txt"] {
        for path in spellings(&machine.path(name)) {
            machine.refuses(&format!("FROM {}", quote_literal(&path)));
            machine.refuses(&format!("FROM \"{path}\""));
        }
    }
    machine.refuses("FROM '/proc/self/environ'");
}

#[test]
fn addresses_cannot_be_read() {
    let machine = Machine::new();
    for scheme in ["http", "https", "s3", "s3a", "gcs", "gs", "r2", "hf", "az", "abfss", "ftp"] {
        let url = format!("{scheme}://127.0.0.1:9/data.csv");
        machine.refuses(&format!("SELECT * FROM read_csv('{url}')"));
        machine.refuses(&format!("SELECT * FROM read_parquet('{url}')"));
        machine.refuses(&format!("FROM '{url}'"));
        machine.refuses(&format!("COPY (SELECT 1) TO '{url}'"));
    }
}

#[test]
fn nothing_is_written_elsewhere() {
    let machine = Machine::new();
    for format in ["csv", "json", "parquet", "blob"] {
        for path in spellings(&machine.path("secret.csv")) {
            if path.starts_with("tundra://") {
                continue;
            }
            let path = quote_literal(&path);
            machine.refuses(&format!("COPY (SELECT 'x'::BLOB) TO {path} (FORMAT {format})"));
        }
        let new = machine.path("new");
        let new = quote_literal(new.to_str().unwrap());
        machine.refuses(&format!("COPY (SELECT 'x'::BLOB) TO {new} (FORMAT {format})"));
        machine.refuses(&format!("COPY (SELECT 'x'::BLOB) TO '/dev/stdout' (FORMAT {format})"));
    }
    let new = machine.path("new");
    let new = quote_literal(new.to_str().unwrap());
    for sql in [
        format!("COPY (SELECT 1 AS a) TO {new} (FORMAT csv, PARTITION_BY (a))"),
        format!("COPY (SELECT 1 AS a) TO {new} (FORMAT csv, PER_THREAD_OUTPUT true)"),
        format!("COPY (SELECT 1 AS a) TO {new} (FORMAT parquet, FILE_SIZE_BYTES 1)"),
        format!("EXPORT DATABASE {new}"),
        format!("EXPORT DATABASE {new} (FORMAT parquet)"),
        format!("IMPORT DATABASE {new}"),
        "EXPORT DATABASE 'tundra://export'".to_owned(),
        "IMPORT DATABASE 'tundra://export'".to_owned(),
    ] {
        machine.refuses(&sql);
    }
    machine.check_untouched();
    assert_eq!(machine.files.events(), []);
}

#[test]
fn a_traversal_is_only_a_name() {
    let machine = Machine::new();
    let target = machine.path("new").to_str().unwrap().to_owned();
    let sql = format!("COPY (SELECT 1 AS a) TO 'tundra://../..{target}' (FORMAT csv)");
    machine.database.execute(&sql).unwrap();
    // It went to the file system that was given, under the name as written.
    assert!(machine.files.get(&format!("../..{target}")).is_some());
    machine.check_untouched();
}

#[test]
fn nothing_is_copied_from_elsewhere() {
    let machine = Machine::new();
    machine.database.execute("CREATE TABLE t (line VARCHAR)").unwrap();
    for path in spellings(&machine.path("secret.csv")) {
        machine.refuses(&format!("COPY t FROM {}", quote_literal(&path)));
    }
    let rows = machine.database.query("SELECT count(*) FROM t").unwrap();
    assert_eq!(integers(&rows), [0]);
}

#[test]
fn no_database_is_attached() {
    let machine = Machine::new();
    let path = machine.path("secret.duckdb");
    let path = quote_literal(path.to_str().unwrap());
    for sql in [
        format!("ATTACH {path} AS other"),
        format!("ATTACH {path} AS other (READ_ONLY)"),
        "ATTACH 'tundra://allowed.csv' AS other".to_owned(),
        // Harmless, but not needed either.
        "ATTACH ':memory:' AS other".to_owned(),
        "ATTACH 'postgres:host=127.0.0.1' AS other".to_owned(),
        "DETACH memory".to_owned(),
        "COPY FROM DATABASE memory TO system".to_owned(),
        "USE system".to_owned(),
        "CHECKPOINT".to_owned(),
        "VACUUM".to_owned(),
    ] {
        machine.refuses(&sql);
    }
    machine.check_untouched();
}

#[test]
fn no_code_is_loaded() {
    let machine = Machine::new();
    let path = machine.path("secret.txt");
    let path = quote_literal(path.to_str().unwrap());
    for sql in [
        "INSTALL httpfs".to_owned(),
        "FORCE INSTALL httpfs".to_owned(),
        "INSTALL httpfs FROM community".to_owned(),
        "LOAD httpfs".to_owned(),
        "LOAD icu".to_owned(),
        format!("LOAD {path}"),
        format!("INSTALL {path}"),
        "UPDATE EXTENSIONS".to_owned(),
        "SELECT * FROM st_read('x')".to_owned(),
        "SELECT * FROM read_xlsx('x')".to_owned(),
        "SELECT st_point(1, 2)".to_owned(),
        "SELECT * FROM postgres_scan('', '', '')".to_owned(),
        "SELECT * FROM sqlite_scan('', '')".to_owned(),
        "SELECT * FROM iceberg_scan('x')".to_owned(),
        "COPY (SELECT 1) TO 'tundra://x.xlsx' (FORMAT xlsx)".to_owned(),
        "SELECT * FROM duckdb_extensions()".to_owned(),
        "SELECT * FROM duckdb_extension_repositories()".to_owned(),
        "SELECT * FROM create_external_resource('x')".to_owned(),
        "SELECT * FROM register_external_resource('x')".to_owned(),
    ] {
        machine.refuses(&sql);
    }
    machine.check_untouched();
}

#[test]
fn settings_cannot_be_changed() {
    let machine = Machine::new();
    let file = machine.path("new");
    let file = quote_literal(file.to_str().unwrap());
    for sql in [
        "SET memory_limit = '100GB'".to_owned(),
        "SET threads = 64".to_owned(),
        "SET GLOBAL threads = 64".to_owned(),
        "SET SESSION threads = 64".to_owned(),
        format!("SET temp_directory = {file}"),
        "SET max_temp_directory_size = '1TB'".to_owned(),
        "SET enable_external_access = true".to_owned(),
        "SET allowed_directories = ['/']".to_owned(),
        "SET allowed_paths = ['/etc/passwd']".to_owned(),
        "SET disabled_filesystems = ''".to_owned(),
        "SET lock_configuration = false".to_owned(),
        "SET allow_unsigned_extensions = true".to_owned(),
        "SET autoload_known_extensions = true".to_owned(),
        "SET extension_directory = '/tmp'".to_owned(),
        "SET home_directory = '/'".to_owned(),
        "SET secret_directory = '/tmp'".to_owned(),
        "SET file_search_path = '/etc'".to_owned(),
        "SET custom_user_agent = 'x'".to_owned(),
        "SET http_proxy = '127.0.0.1:9'".to_owned(),
        "SET enable_logging = true".to_owned(),
        "SET logging_level = 'trace'".to_owned(),
        format!("SET log_query_path = {file}"),
        "SET logging_storage = 'stdout'".to_owned(),
        format!("SET profiling_output = {file}"),
        "SET enable_profiling = 'json'".to_owned(),
        "SET enable_progress_bar = true".to_owned(),
        "SET search_path = 'x'".to_owned(),
        "SET schema = 'main'".to_owned(),
        "SET VARIABLE a = 1".to_owned(),
        "RESET memory_limit".to_owned(),
        "RESET lock_configuration".to_owned(),
        "RESET VARIABLE a".to_owned(),
        "PRAGMA threads = 64".to_owned(),
        "PRAGMA memory_limit = '100GB'".to_owned(),
        "PRAGMA enable_profiling".to_owned(),
        "PRAGMA enable_profiling = 'json'".to_owned(),
        format!("PRAGMA profiling_output = {file}"),
        format!("PRAGMA log_query_path = {file}"),
        "PRAGMA enable_progress_bar".to_owned(),
        "PRAGMA enable_print_progress_bar".to_owned(),
        "PRAGMA disable_optimizer".to_owned(),
        "PRAGMA force_checkpoint".to_owned(),
        "PRAGMA enable_object_cache".to_owned(),
        "PRAGMA import_database('tundra://x')".to_owned(),
        "PRAGMA copy_database('memory', 'system')".to_owned(),
        "CALL enable_logging()".to_owned(),
        "CALL enable_logging(storage := 'stdout')".to_owned(),
        "CALL enable_profiling()".to_owned(),
        "SELECT * FROM enable_logging('QueryLog')".to_owned(),
        "SELECT * FROM enable_logging(storage := 'file', storage_config := {'path': '/tmp/x'})"
            .to_owned(),
        format!("SELECT * FROM enable_profiling(save_location := {file})"),
        "SELECT * FROM enable_profiling()".to_owned(),
        "SELECT * FROM disable_logging()".to_owned(),
        "SELECT * FROM truncate_duckdb_logs()".to_owned(),
        "SELECT * FROM force_checkpoint()".to_owned(),
        "SELECT write_log('x')".to_owned(),
        "BEGIN".to_owned(),
        "COMMIT".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "EXECUTE p".to_owned(),
        "DEALLOCATE p".to_owned(),
        "ALTER DATABASE memory RENAME TO other".to_owned(),
        "EXPLAIN SET threads = 64".to_owned(),
        "EXPLAIN ANALYZE SET threads = 64".to_owned(),
        "EXPLAIN ANALYZE ATTACH ':memory:' AS other".to_owned(),
        "SELECT set_config('threads', '64')".to_owned(),
    ] {
        machine.refuses(&sql);
    }
    machine.check_untouched();
    let rows = machine.database.query("SELECT 1::BIGINT").unwrap();
    assert_eq!(integers(&rows), [1]);
}

#[test]
fn nothing_of_the_configuration_is_told() {
    let machine = Machine::new();
    for sql in [
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT current_setting('http_proxy')",
        "SELECT current_setting('home_directory')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_settings",
        "SELECT * FROM pg_settings",
        "SELECT * FROM pg_catalog.pg_settings",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_secrets(redact := false)",
        "SELECT * FROM which_secret('s3://x', 's3')",
        "SELECT * FROM duckdb_temporary_files()",
        "SELECT * FROM duckdb_memory()",
        "SELECT * FROM duckdb_databases()",
        "SELECT * FROM duckdb_logs()",
        "SELECT * FROM duckdb_logs",
        "SELECT * FROM duckdb_log_contexts()",
        "SELECT * FROM duckdb_variables()",
        "SELECT * FROM duckdb_external_file_cache()",
        "SELECT * FROM duckdb_approx_database_count()",
        "SELECT * FROM duckdb_connection_count()",
        "SELECT * FROM duckdb_prepared_statements()",
        "SELECT * FROM pragma_user_agent()",
        "SELECT * FROM pragma_platform()",
        "SELECT * FROM pragma_version()",
        "SELECT * FROM pragma_database_size()",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_storage_info('x')",
        "PRAGMA database_list",
        "PRAGMA database_size",
        "PRAGMA platform",
        "PRAGMA user_agent",
        "PRAGMA show_databases",
        "PRAGMA temp_directory",
        "SHOW DATABASES",
        "SHOW temp_directory",
        "SHOW lock_configuration",
        "SHOW VARIABLES",
        "SHOW ALL",
    ] {
        let message = machine.refuses(sql);
        let directory = machine.directory.path().to_str().unwrap();
        assert!(!message.contains(directory), "{sql} tells: {message}");
    }
}

#[test]
fn no_secret_is_made() {
    let machine = Machine::new();
    for sql in [
        "CREATE SECRET s (TYPE http, BEARER_TOKEN 'x')",
        "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
        "CREATE TEMPORARY SECRET s (TYPE http, BEARER_TOKEN 'x')",
        "CREATE OR REPLACE SECRET s (TYPE http, BEARER_TOKEN 'x')",
        "DROP SECRET s",
        "DROP PERSISTENT SECRET s",
    ] {
        machine.refuses(sql);
    }
}

#[test]
fn the_spill_directory_is_not_open_to_queries() {
    let machine = Machine::new();
    // Something must be spilled for the directory to be in use.
    machine
        .database
        .execute("CREATE TABLE big AS SELECT i, hash(i) AS h FROM range(6000000) t(i)")
        .unwrap();
    assert!(machine.database.spilled() > 0, "nothing was spilled");

    let directory = machine.path("spill");
    // The name that DuckDB has for it, had somebody guessed it.
    let hash = directory.to_str().unwrap().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut spilled = false;
    for entry in fs::read_dir(&directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = quote_literal(&format!("tundra-spill://{hash}/{name}"));
        let message = machine.refuses(&format!("SELECT * FROM read_blob({path})"));
        assert!(message.contains("is not open to queries"), "{message}");
        spilled |= name.starts_with("duckdb_temp");
    }
    assert!(spilled);
    for path in [
        directory.join("secret.csv").to_str().unwrap().to_owned(),
        directory.join("*").to_str().unwrap().to_owned(),
        format!("tundra-spill://{hash}"),
        format!("tundra-spill://{hash}/"),
        format!("tundra-spill://{hash}/*"),
        format!("tundra-spill://{hash}/new"),
        format!("tundra-spill://{hash}/../secret.csv"),
        "tundra-spill://0/secret.csv".to_owned(),
    ] {
        for function in ["read_csv", "read_blob", "read_text", "glob"] {
            machine.refuses(&format!("SELECT * FROM {function}({})", quote_literal(&path)));
        }
        let path = quote_literal(&path);
        machine.refuses(&format!("COPY (SELECT 1) TO {path} (FORMAT csv)"));
        machine.refuses(&format!("COPY (SELECT 1) TO {path} (FORMAT parquet, USE_TMP_FILE false)"));
    }
    assert_eq!(fs::read_to_string(directory.join("secret.csv")).unwrap(), SECRET);
}

#[test]
fn pointers_cannot_be_made_up() {
    let machine = Machine::new();
    for sql in [
        "SELECT 1::POINTER",
        "SELECT CAST(140000000000 AS POINTER)",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)",
        "SELECT * FROM arrow_scan()",
        "SELECT * FROM arrow_scan_dumb()",
        "SELECT * FROM arrow_scan_dumb(1, 2, 3)",
        "SELECT * FROM tundra_stream()",
        "SELECT * FROM tundra_stream('input')",
        "SELECT * FROM pandas_scan(1)",
        "SELECT * FROM python_map_function(1)",
        "CALL arrow_scan(1, 2, 3)",
        "CREATE VIEW v AS SELECT * FROM tundra_stream()",
    ] {
        machine.refuses(sql);
    }
}

#[test]
fn internal_functions_cannot_be_replaced() {
    let machine = Machine::new();
    for sql in ["DROP FUNCTION read_csv", "DROP MACRO TABLE read_csv", "DROP VIEW duckdb_tables"] {
        machine.refuses(sql);
    }
}

#[test]
fn statements_come_one_at_a_time() {
    let database = open(&MemoryFiles::default());
    for sql in ["", ";", "SELECT 1; SELECT 2", "SELECT 1; ATTACH ':memory:' AS x", "-- nothing"] {
        let error = database.query(sql).unwrap_err();
        assert_eq!(error.class(), Class::InvalidInput, "{sql}: {error:?}");
    }
}

#[test]
fn what_conversions_need_still_works() {
    let machine = Machine::new();
    let database = &machine.database;
    let rows = database.query("SELECT a::BIGINT FROM read_csv('tundra://allowed.csv')").unwrap();
    assert_eq!(integers(&rows), [1]);
    for sql in [
        "DESCRIBE SELECT * FROM read_csv('tundra://allowed.csv')",
        "SUMMARIZE SELECT * FROM read_csv('tundra://allowed.csv')",
        "SELECT * FROM sniff_csv('tundra://allowed.csv')",
        "SELECT content FROM read_text('tundra://allowed.csv')",
        "SELECT * FROM 'tundra://allowed.csv'",
        "EXPLAIN SELECT 1",
        "SELECT unnest([1, 2, 3])",
        "SELECT * FROM unnest([1, 2, 3])",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT regexp_replace('a', 'a', 'b'), strftime(DATE '2020-01-01', '%Y')",
        "SELECT json_extract('{\"a\": 1}', '$.a'), from_json('{\"a\": 1}', '{\"a\": \"INTEGER\"}')",
        "SELECT list_transform([1, 2], lambda x: x + 1)",
        "SELECT max(a), min(a), approx_count_distinct(a), count(*) FROM (VALUES (1), (2)) t(a)",
        "PIVOT (SELECT 1 AS a, 'x' AS b) ON b USING sum(a)",
        "SELECT a, row_number() OVER () FROM (VALUES (1), (2)) t(a) ORDER BY a",
    ] {
        if let Err(error) = database.query(sql) {
            panic!("{sql}: {error:?}");
        }
    }
    database.execute("CREATE TABLE t AS SELECT 1 AS a").unwrap();
    database.execute("INSERT INTO t VALUES (2)").unwrap();
    database.execute("CREATE TEMP TABLE u (a INTEGER)").unwrap();
    database.execute("CREATE MACRO twice(a) AS a * 2").unwrap();
    assert_eq!(database.execute("UPDATE t SET a = twice(a)").unwrap(), 2);
    assert_eq!(database.execute("DELETE FROM t").unwrap(), 2);
    database.execute("DROP TABLE t").unwrap();
    let version = texts(&database.query("SELECT version()").unwrap());
    assert_eq!(version, [Database::duckdb_version()]);
    assert_eq!(
        machine.files.events().iter().filter(|event| !matches!(event, Event::Opened(_))).count(),
        0
    );
}

#[test]
fn a_refusal_says_so() {
    let machine = Machine::new();
    let error = machine.database.execute("ATTACH 'x.duckdb' AS x").unwrap_err();
    let Error::Query { class: Class::Permission, message } = &error else { panic!("{error:?}") };
    assert!(message.contains("not allowed here"), "{message}");
}
