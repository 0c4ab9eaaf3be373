//! Standard input, standard output, and readers that go away.

use std::{
    io::Read,
    process::{Command, Stdio},
};

use crate::support::{Ran, SALES, Sandbox, rows_of};

#[test]
fn standard_input_becomes_standard_output() {
    let sandbox = Sandbox::new();
    for arguments in [vec!["convert", "-"], vec!["convert", "-", "-o", "-"]] {
        let ran = sandbox.run_with_input(&arguments, SALES.as_bytes()).succeeds();
        assert!(
            ran.stderr.starts_with("converted standard input -> standard output\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(
            rows_of(ran.stdout),
            [
                "{id: 1, name: \"apple\", price: 1.5}",
                "{id: 2, name: \"pear\", price: 2.25}",
                "{id: 3, name: null, price: 0.75}",
            ]
        );
        sandbox.holds_only(&[]);
    }
}

#[test]
fn what_comes_from_a_pipe_is_what_comes_from_a_file() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    sandbox.run_with_input(&["convert", "-", "-o", "piped.parquet"], SALES.as_bytes()).succeeds();
    assert_eq!(sandbox.rows("sales.parquet"), sandbox.rows("piped.parquet"));
    assert_eq!(sandbox.schema("sales.parquet"), sandbox.schema("piped.parquet"));
}

#[test]
fn standard_output_stays_empty_until_the_proof() {
    let sandbox = Sandbox::new();
    let mut csv = String::from("id,name\n");
    csv.push_str(&"1,x\n".repeat(300_000));
    csv.push_str("2,y,z\n");
    sandbox
        .run_with_input(&["convert", "-", "--header", "--delimiter", ","], csv.as_bytes())
        .fails(3, &["line 300002"]);
    sandbox.holds_only(&[]);
}

#[test]
fn waiting_for_standard_input_ends_when_the_time_is_over() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.tundra(&["convert", "-", "--timeout", "50ms", "-o", "x.parquet"]);
    // The pipe stays open and empty.
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let ran = sandbox.ran(child.wait_with_output().unwrap());
    drop(stdin);
    ran.fails(10, &["not finished after 50ms"]);
    sandbox.holds_only(&[]);
}

#[test]
fn a_pipe_with_a_name_is_read_to_its_end() {
    let sandbox = Sandbox::with_sales();
    sandbox.finish(sandbox.command("mkfifo").arg("pipe.csv")).succeeds();
    for command in ["convert", "inspect"] {
        let (pipe, rows) = (sandbox.path("pipe.csv"), SALES.as_bytes());
        let writer = std::thread::spawn(move || std::fs::write(pipe, rows));
        let ran = sandbox.run(&[command, "pipe.csv"]).succeeds();
        writer.join().unwrap().unwrap();
        let said = if command == "convert" { ran.stderr.clone() } else { ran.stdout().to_owned() };
        assert!(said.contains("pipe.csv"), "{ran}");
    }
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    assert_eq!(sandbox.rows("pipe.parquet"), sandbox.rows("sales.parquet"));
    sandbox
        .run(&["convert", "sales.csv", "-o", "pipe.csv"])
        .fails(2, &["`pipe.csv` is a pipe", "`-o -`"]);
    sandbox.holds_only(&["pipe.csv", "pipe.parquet", "sales.csv", "sales.parquet"]);
}

#[test]
fn waiting_for_the_other_end_of_a_pipe_ends_when_the_time_is_over() {
    let sandbox = Sandbox::new();
    sandbox.finish(sandbox.command("mkfifo").arg("pipe.csv")).succeeds();
    sandbox
        .run(&["convert", "pipe.csv", "--timeout", "50ms"])
        .fails(10, &["not finished after 50ms"]);
    sandbox.holds_only(&["pipe.csv"]);
}

#[test]
fn standard_input_can_be_said_as_a_file() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    for name in ["/dev/stdin", "/dev/fd/0"] {
        let arguments = ["convert", name, "-o", "x.parquet", "--overwrite"];
        sandbox.run_with_input(&arguments, SALES.as_bytes()).succeeds();
        assert_eq!(sandbox.rows("x.parquet"), sandbox.rows("sales.parquet"));
    }
    let ran = sandbox.run_with_input(&["convert", "/dev/stdin"], SALES.as_bytes()).succeeds();
    assert_eq!(rows_of(ran.stdout), sandbox.rows("sales.parquet"));
}

#[test]
fn what_a_shell_makes_a_pipe_of_can_be_read() {
    let sandbox = Sandbox::with_sales();
    let convert = |options: &str| {
        let script = format!("\"$0\" convert <(cat sales.csv) {options}");
        sandbox.finish(sandbox.command("bash").args(["-c", &script, crate::support::TUNDRA]))
    };
    convert("-o x.parquet").succeeds();
    assert_eq!(sandbox.rows("x.parquet").len(), 3);
    convert("").fails(2, &["nothing can be written beside", "`-o`"]);
    sandbox.holds_only(&["sales.csv", "x.parquet"]);
}

#[test]
fn two_things_cannot_go_to_standard_output() {
    let sandbox = Sandbox::with_sales();
    sandbox
        .run(&["convert", "sales.csv", "-o", "-", "--on-bad-row", "reject"])
        .fails(2, &["rejects.parquet", "`-o`"]);
    let ran = sandbox.run(&["convert", "sales.csv", "-o", "-", "--json"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.json_error()["hints"][0].as_str().unwrap().contains("--receipt"), "{ran}");
}

/// Runs a command and reads only the first bytes of what it prints.
fn read_first_bytes(sandbox: &Sandbox, command: &mut Command) -> Ran {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 4];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    sandbox.ran(child.wait_with_output().unwrap())
}

#[test]
fn text_whose_reader_went_away_is_a_success() {
    let sandbox = Sandbox::new();
    // More columns than a pipe holds.
    let names: Vec<String> = (0..3000).map(|n| format!("a_rather_long_name_{n}")).collect();
    sandbox.write("wide.csv", format!("{}\n{}\n", names.join(","), vec!["1"; 3000].join(",")));
    for arguments in [vec!["inspect", "wide.csv"], vec!["inspect", "wide.csv", "--json"]] {
        let ran = read_first_bytes(&sandbox, &mut sandbox.tundra(&arguments));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    }
}

#[test]
fn help_whose_reader_went_away_is_a_success() {
    let sandbox = Sandbox::new();
    let ran = sandbox.finish(sandbox.command("bash").args([
        "-c",
        "\"$0\" convert --help | true; echo ${PIPESTATUS[0]}",
        crate::support::TUNDRA,
    ]));
    assert_eq!((ran.stdout(), ran.stderr.as_str()), ("0\n", ""));
}

#[test]
fn parquet_whose_reader_went_away_is_a_failure() {
    let sandbox = Sandbox::new();
    // More Parquet than a pipe holds.
    let rows: String =
        (0..200_000_u64).map(|n| format!("{}\n", n.wrapping_mul(n) % 999_983)).collect();
    sandbox.write("a.csv", format!("n\n{rows}"));
    let ran = read_first_bytes(&sandbox, &mut sandbox.tundra(&["convert", "a.csv", "-o", "-"]));
    assert_eq!(ran.code, Some(141), "{ran}");
    assert!(ran.stderr.starts_with("error: "), "{ran}");
    assert!(ran.stderr.contains("went away"), "{ran}");
    sandbox.holds_only(&["a.csv"]);
}
