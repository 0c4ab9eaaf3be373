//! What the program says about itself.

use crate::support::{Sandbox, shows};

#[test]
fn without_arguments_it_prints_its_help_as_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    let bare = sandbox.run(&[]);
    assert_eq!((bare.code, bare.stdout()), (Some(2), ""), "{bare}");
    let asked = sandbox.run(&["-h"]).succeeds();
    assert_eq!(bare.stderr.trim_end(), asked.stdout().trim_end());
    sandbox.run(&["-v"]).fails(2, &["requires a subcommand"]);
    shows!(asked, @"
    exit code: 0
    ----- stdout -----
    Turns files and databases into Parquet that can be trusted

    Usage: tundra [OPTIONS] <COMMAND>

    Commands:
      convert          Convert a file to Parquet, and prove that nothing was lost
      inspect          Show how a file is written and what its columns hold, and why that was concluded
      schema           Show the names and types of the columns of a file
      head             Show the first rows of a file as a table
      query            Ask something of a file in SQL
      check            Say what readers such as Spark or BigQuery would choke on of a Parquet file
      diff             Show how two files differ, or two versions of a source: columns, rows and values
      extract          Read a table or a query of a database into Parquet, and prove that nothing was
                       lost
      dump             Read several tables of a database into a directory, all under one snapshot
      tables           List the tables and views of a database, with their estimated rows and sizes
      test-connection  Connect to a database, and say what it is and what may be read
      connectors       List the kinds of database that can be read
      source           Add, list, show and remove catalogued sources
      versions         List the versions of a source, and what changed with each
      rollback         Make an earlier version of a source the current one
      gc               Remove old versions, and what dead runs left
      serve            Start the HTTP server
      keys             Create, list and revoke the API keys of the server
      doctor           Check the server's configuration and everything that it needs
      health           Ask a server whether it is well
      ls               List the objects below a prefix, in a directory, or matching a pattern
      presign          Sign a URL that lets somebody without credentials read or write one object
      clean            Remove uploads that nobody completed
      completions      Print a script that completes commands and options in a shell
      version          Print the versions of Tundra and of the engine inside it
      help             Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Messages:
      -q, --quiet        Say nothing but errors
      -v, --verbose...   Say what is being done; twice for details
          --no-progress  Draw no progress bar

    Examples:
      tundra convert sales.csv                     write sales.parquet beside it
      tundra convert sales.csv -o out/s.parquet    write somewhere else
      tundra inspect sales.csv                     see how it would be read, and why
      tundra query 'SELECT sum(price) FROM input' sales.csv    ask something of it
      tundra extract sqlite:shop.db --table orders    read a table of a database
      tundra serve                                    do all of this for others, by HTTP

    `tundra help COMMAND` says everything about a command.
    ----- stderr -----
    ");
}

#[test]
fn every_command_prints_short_and_long_help() {
    let sandbox = Sandbox::new();
    for command in [
        "convert",
        "inspect",
        "schema",
        "head",
        "query",
        "check",
        "serve",
        "keys",
        "doctor",
        "health",
        "ls",
        "presign",
        "clean",
        "completions",
        "version",
    ] {
        let short = sandbox.run(&[command, "-h"]).succeeds();
        let long = sandbox.run(&[command, "--help"]).succeeds();
        let by_help = sandbox.run(&["help", command]).succeeds();
        assert!(short.stdout.len() <= long.stdout.len(), "{command}");
        assert_eq!(long.stdout(), by_help.stdout(), "{command}");
        assert!(long.stderr.is_empty(), "{long}");
    }
}

#[test]
fn convert_help_lists_the_options() {
    shows!(Sandbox::new().run(&["convert", "-h"]), @r"
    exit code: 0
    ----- stdout -----
    Convert a file to Parquet, and prove that nothing was lost

    Usage: tundra convert [OPTIONS] [INPUT]...

    Arguments:
      [INPUT]...  The file, or `-` for standard input; several files, patterns and directories become
                  one table

    Options:
      -o, --output <OUTPUT>  Where to write, or `-` for standard output [default: beside the input]
          --to <FORMAT>      Write another format than Parquet: csv, json, ndjson or arrow [default: by
                             the extension]
          --overwrite        Replace the output if it exists
      -h, --help             Print help (see more with '--help')

    Reading:
          --format <FORMAT>      The format of the input [default: found out] [possible values: csv,
                                 tsv, json, ndjson, geojson, parquet, excel]
          --member <NAME>        The member of an archive, as its name stands there [default: the only
                                 one that holds data]
          --skip-rows <N,...>    Leave out these records, such as 0,3; the first one behind the header
                                 is 0
          --on-bad-row <POLICY>  What happens to a record that cannot be read, or a value that does not
                                 fit `--type` [default: fail] [possible values: fail, reject, repair]
          --max-rejects <N|P%>   Fail nevertheless when more are rejected: a count, or a share such as
                                 0.5%

    Columns:
          --rename <OLD=NEW>    Give a column another name; may be repeated
          --type <COLUMN=TYPE>  Give a column this type, such as price=DECIMAL(12,2); may be repeated
          --types <HOW>         How the other columns get their types [default: infer] [possible values:
                                infer, text]
          --schema <FILE>       Expect what this schema file says, and fail with the differences
                                otherwise
          --accept-drift        Take an input that is not as the schema says

    Several inputs:
          --file-column <NAME>    Add a column of this name that says from which file a row is
          --sheet-column <NAME>   Add a column of this name that says from which sheet a row is
          --hive                  Make columns of directories such as year=2024
          --on-bad-file <POLICY>  What happens to a file that cannot be read: fail or reject [default:
                                  fail]
          --each-sheet            Write a file for each visible sheet of a workbook: sales.xlsx becomes
                                  sales.NAME.parquet

    Writing:
          --compression <CODEC>         How the output is compressed: zstd, zstd:LEVEL, snappy, gzip,
                                        brotli, lz4 or none [default: zstd]
          --row-group-size <ROWS>       Rows in a row group [default: by the width of the rows]
          --row-group-bytes <SIZE>      Bytes in a row group, such as 64MiB [default: only its rows
                                        count]
          --sort-by <COLUMN>            Sort the rows by a column of the output; repeat it for the next
                                        column
          --dictionary-values <N>       Different values up to which a column has a dictionary [default:
                                        a fifth of the rows]
          --bloom-filters <SHARE>       How often bloom filters may err, as a share such as 0.01, or
                                        `off` for none [default: 0.01]
          --metadata <KEY=VALUE>        Put a key and a value into the metadata of the file; repeat it
                                        for more
          --encryption-key-file <FILE>  Encrypt the file with the key in this file: 16 or 32 bytes, as
                                        hexadecimal digits or in base64
          --max-file-size <SIZE>        Write several files where there is more than fits into one of
                                        this size, such as 256MiB
          --partition-by <COLUMN>       Write a directory with a part for each value of a column; repeat
                                        it for parts of parts
          --max-partitions <N>          How many partitions there may be [default: 1000]
          --for <READER>                Keep to what this reader of Parquet takes; repeat it for more
                                        [possible values: spark, bigquery, snowflake, athena,
                                        clickhouse, polars, pandas]
          --receipt <FILE>              Write the receipt to this file as JSON, after the data
          --json                        Print the receipt as JSON on standard output instead of the
                                        summary

    Versions:
          --source <SOURCE>        Make the next version of this catalogued source, by its name or its
                                   id
          --idempotency-key <KEY>  A name for this request: another run with the same key makes no
                                   second version
          --remove-upload          Remove the upload when it is archived and the version is there

    Catalog:
          --catalog <FILE|supabase>  The catalog: a file of SQLite, or `supabase` [default: a file of
                                     your own]
          --warehouse <PLACE>        Where the objects of sources are: a directory, or r2://, s3://,
                                     gs:// or az:// for a bucket per organisation [default: a directory
                                     beside the catalog]
          --org <ORG>                Only the sources of this organisation [default: all of them]

    Reading text:
      -d, --delimiter <TEXT>  What stands between two fields [default: found out]
          --encoding <LABEL>  The encoding, such as windows-1252 or utf-16le [default: found out]
          --quote <CHAR>      The quote around fields: one character, or `none` [default: found out]
          --escape <CHAR>     What makes a quote inside a quoted field an ordinary character [default:
                              found out]
          --header            The first record names the columns [default: found out]
          --no-header         There is no header: the columns are named column1, column2, ...
          --header-rows <N>   How many records the header has, 0 for none [default: found out]
          --preamble <LINES>  Lines before the header that belong to no table [default: found out]
          --footer <LINES>    Lines at the end that belong to no table, 0 for none [default: found out]
          --one-table         Take everything behind the header for one table
          --comment <TEXT>    Lines that begin with this are comments, or `none` for no comments
                              [default: found out]
          --null <WORD>       This word stands for a null, such as NA or '\N'; may be repeated

    Reading JSON:
          --records <PATH>  Where in a document its records are, such as data.items [default: the
                            document itself]
          --flatten         Make columns of the fields of nested objects, named like user.address.city

    Reading workbooks:
          --sheet <SHEET>        The sheet, by its name or its number from 1 on [default: the first
                                 visible one with cells]
          --range <RANGE>        The cells to read: A1:F100, A:F, Sheet2!B3:H, or the name of a range or
                                 of a table
          --fill-merged          Give every one of merged cells the value that they show [default: the
                                 first one only]
          --skip-hidden          Leave out rows and columns that the workbook hides
          --on-error-cell <HOW>  What becomes of cells that show an error such as #N/A: text, null or
                                 fail [default: text]

    Writing geometries:
          --geometry <TYPE>  What geometries are in the file: wkb or native [default: wkb]
          --hilbert          Sort the rows along a Hilbert curve: what is near is near in the file

    Unpacking:
          --max-unpacked <SIZE>  Bytes that may come out of a compressed file or an archive, such as
                                 100GiB [default: what is likely for a table]

    Resources:
          --threads <N>           Threads that compute [default: as many as the process may use]
          --memory <SIZE>         Memory of the whole process, such as 512MiB or 4GB [default: by the
                                  machine]
          --temp-dir <DIR>        Where to keep what does not fit into memory [default: the system's
                                  directory]
          --max-temp-size <SIZE>  Bytes that may be kept there at most, such as 20GiB [default: by the
                                  machine]
          --timeout <TIME>        Stop when it takes longer, such as 90s, 10m or 1h30m [default: never]

    Messages:
      -q, --quiet        Say nothing but errors
      -v, --verbose...   Say what is being done; twice for details
          --no-progress  Draw no progress bar
    ----- stderr -----
    ");
}

#[test]
fn inspect_help_lists_the_options() {
    shows!(Sandbox::new().run(&["inspect", "-h"]), @r"
    exit code: 0
    ----- stdout -----
    Show how a file is written and what its columns hold, and why that was concluded

    Usage: tundra inspect [OPTIONS] <INPUT>

    Arguments:
      <INPUT>  The file, or `-` for standard input

    Options:
      -o, --output <FILE>    Write a schema file instead of the report, or print it with `-`
          --overwrite        Replace the schema file if it exists, with everything that was edited in it
          --sample-size <N>  Look at the first N records only [default: at all of them]
          --json             Print everything as a JSON object
          --format <FORMAT>  The format of the input [default: found out] [possible values: csv, tsv,
                             json, ndjson, geojson, parquet, excel]
          --member <NAME>    The member of an archive, as its name stands there [default: the only one
                             that holds data]
          --types <HOW>      How columns get their types [default: infer]
      -h, --help             Print help (see more with '--help')

    Reading text:
      -d, --delimiter <TEXT>  What stands between two fields [default: found out]
          --encoding <LABEL>  The encoding, such as windows-1252 or utf-16le [default: found out]
          --quote <CHAR>      The quote around fields: one character, or `none` [default: found out]
          --escape <CHAR>     What makes a quote inside a quoted field an ordinary character [default:
                              found out]
          --header            The first record names the columns [default: found out]
          --no-header         There is no header: the columns are named column1, column2, ...
          --header-rows <N>   How many records the header has, 0 for none [default: found out]
          --preamble <LINES>  Lines before the header that belong to no table [default: found out]
          --footer <LINES>    Lines at the end that belong to no table, 0 for none [default: found out]
          --one-table         Take everything behind the header for one table
          --comment <TEXT>    Lines that begin with this are comments, or `none` for no comments
                              [default: found out]
          --null <WORD>       This word stands for a null, such as NA or '\N'; may be repeated

    Reading JSON:
          --records <PATH>  Where in a document its records are, such as data.items [default: the
                            document itself]
          --flatten         Make columns of the fields of nested objects, named like user.address.city

    Reading workbooks:
          --sheet <SHEET>        The sheet, by its name or its number from 1 on [default: the first
                                 visible one with cells]
          --range <RANGE>        The cells to read: A1:F100, A:F, Sheet2!B3:H, or the name of a range or
                                 of a table
          --fill-merged          Give every one of merged cells the value that they show [default: the
                                 first one only]
          --skip-hidden          Leave out rows and columns that the workbook hides
          --on-error-cell <HOW>  What becomes of cells that show an error such as #N/A: text, null or
                                 fail [default: text]

    Unpacking:
          --max-unpacked <SIZE>  Bytes that may come out of a compressed file or an archive, such as
                                 100GiB [default: what is likely for a table]

    Resources:
          --threads <N>           Threads that compute [default: as many as the process may use]
          --memory <SIZE>         Memory of the whole process, such as 512MiB or 4GB [default: by the
                                  machine]
          --temp-dir <DIR>        Where to keep what does not fit into memory [default: the system's
                                  directory]
          --max-temp-size <SIZE>  Bytes that may be kept there at most, such as 20GiB [default: by the
                                  machine]
          --timeout <TIME>        Stop when it takes longer, such as 90s, 10m or 1h30m [default: never]

    Messages:
      -q, --quiet        Say nothing but errors
      -v, --verbose...   Say what is being done; twice for details
          --no-progress  Draw no progress bar

    Examples:
      tundra inspect sales.csv
      tundra inspect sales.parquet
      tundra inspect sales.csv -o schema.yaml          write a schema to edit and to convert with
      tundra inspect export.zip --member 2024/sales.csv
      tundra inspect response.json --records data.items --flatten
      tundra inspect budget.xlsx --sheet 2024
      tundra inspect --json sales.csv | jq '.columns[] | {name, type, reason}'
      head -c 1M huge.csv | tundra inspect -
    ----- stderr -----
    ");
}

#[test]
fn the_version_is_one_line() {
    let sandbox = Sandbox::new();
    for flag in ["-V", "--version"] {
        assert_eq!(sandbox.run(&[flag]).succeeds().stdout(), "tundra 5.0.0\n");
    }
}

#[test]
fn the_version_command_names_the_engine() {
    let sandbox = Sandbox::new();
    let text = sandbox.run(&["version"]).succeeds();
    assert_eq!(text.stdout(), "tundra 5.0.0\nduckdb 2.0.0\n");
    let json = sandbox.run(&["version", "--json"]).succeeds().json();
    assert_eq!(json["tundra"], "5.0.0");
    assert_eq!(json["duckdb"], "2.0.0");
}

#[test]
fn the_pages_in_the_repository_are_the_present_ones() {
    for (page, file) in
        [("command-line", "CLI.md"), ("types", "TYPES.md"), ("readers", "READERS.md")]
    {
        let path = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
        let written = std::fs::read_to_string(path).expect("the page is in the repository");
        let generated = Sandbox::new().run(&["generate-docs", page]).succeeds();
        assert!(
            written == generated.stdout(),
            "docs/{file} is out of date: write the output of `tundra generate-docs {page}` to it"
        );
    }
}

#[test]
fn the_reference_lists_every_exit_code_once() {
    let reference = Sandbox::new().run(&["generate-docs", "command-line"]).succeeds();
    let (_, table) = reference.stdout().split_once("## Exit codes").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut codes: Vec<u8> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let kinds = tundra_core::ErrorKind::ALL.map(tundra_core::ErrorKind::exit_code);
    let mut expected: Vec<u8> = kinds.into_iter().chain([0, 141, 143]).collect();
    codes.sort_unstable();
    expected.sort_unstable();
    assert_eq!(codes, expected);
}
