//! What only happens on a terminal. `script` makes one.

use std::process::Command;

use crate::support::{Ran, Sandbox, TUNDRA, skipped};

/// Runs a command line on a terminal of 80 columns. Returns nothing, after saying why, where there
/// is no `script`. What a terminal shows is in `stdout`.
fn on_terminal(sandbox: &Sandbox, line: &str) -> Option<Ran> {
    if Command::new("script").arg("--version").output().is_err() {
        skipped("there is no `script` to make a terminal");
        return None;
    }
    let line = format!("stty cols 80 rows 24; {}", line.replace("tundra", TUNDRA));
    let mut command = sandbox.command("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
    Some(sandbox.finish(&mut command))
}

fn write_big(sandbox: &Sandbox) {
    let mut csv = String::from("id,amount,text\n");
    for n in 0..2_500_000_u64 {
        csv.push_str(&format!("{n},{}.{:02},row number {n}\n", n % 9999, n % 100));
    }
    sandbox.write("big.csv", csv);
}

#[test]
fn parquet_is_not_written_to_a_terminal() {
    let sandbox = Sandbox::with_sales();
    let Some(ran) = on_terminal(&sandbox, "tundra convert sales.csv -o -") else { return };
    assert_eq!(ran.code, Some(2), "{ran}");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(text.contains("standard output is a terminal"), "{text}");
    assert!(!text.contains("PAR1"), "{text}");
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn a_bar_is_drawn_and_cleared() {
    let sandbox = Sandbox::new();
    write_big(&sandbox);
    let Some(ran) = on_terminal(&sandbox, "tundra convert big.csv --threads 1") else { return };
    assert_eq!(ran.code, Some(0), "{ran}");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    for part in ["converting", "rows", "%", "/s", "left"] {
        assert!(text.contains(part), "`{part}` is missing: {text}");
    }
    let (_, after) = text.rsplit_once("\u{1b}[2K").unwrap_or_default();
    assert!(after.trim_start_matches(['\r', '\u{1b}']).contains("converted big.csv"), "{text:?}");
    assert!(!after.contains("left"), "the bar is gone before the summary: {text:?}");
}

#[test]
fn no_bar_is_drawn_where_it_is_not_wanted() {
    let sandbox = Sandbox::new();
    write_big(&sandbox);
    for line in [
        "tundra convert big.csv --no-progress --overwrite",
        "tundra convert big.csv -q --overwrite",
        "tundra convert big.csv --json --overwrite",
        "CI=true tundra convert big.csv --overwrite",
        "tundra convert big.csv --overwrite 2>&1 | cat",
    ] {
        let Some(ran) = on_terminal(&sandbox, line) else { return };
        assert_eq!(ran.code, Some(0), "{line}: {ran}");
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(!text.contains("\u{1b}[2K") && !text.contains(" left"), "{line}: {text:?}");
    }
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sandbox = Sandbox::new();
    let Some(ran) = on_terminal(&sandbox, "tundra convert missing.csv") else { return };
    assert!(String::from_utf8_lossy(&ran.stdout).contains("\u{1b}[1;31merror:"), "{ran}");
    for line in ["NO_COLOR=1 tundra convert missing.csv", "TERM=dumb tundra convert missing.csv"] {
        let Some(ran) = on_terminal(&sandbox, line) else { return };
        assert!(!String::from_utf8_lossy(&ran.stdout).contains('\u{1b}'), "{line}: {ran}");
    }
}

#[test]
fn tables_fit_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.csv",
        "a_column_with_a_rather_long_name,another_column\n\
         a value that is much longer than anybody would like to see in a table,1\n",
    );
    let Some(ran) = on_terminal(&sandbox, "tundra inspect a.csv") else { return };
    assert_eq!(ran.code, Some(0), "{ran}");
    for line in String::from_utf8_lossy(&ran.stdout).lines() {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
}

#[test]
fn what_was_typed_cannot_drive_the_terminal() {
    let sandbox = Sandbox::new();
    for arguments in ["x 'a\u{7}\u{1b}[35mb'", "x --type 'a\u{7}\u{1b}[35m=WORD'"] {
        let Some(ran) = on_terminal(&sandbox, &format!("NO_COLOR=1 tundra convert {arguments}"))
        else {
            return;
        };
        assert!(ran.stdout().contains("error: "), "{ran}");
        assert!(!ran.stdout().contains(['\u{7}', '\u{1b}']), "{ran}");
    }
}

#[test]
fn rows_fit_the_terminal_and_what_is_cut_is_marked() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..30).map(|number| format!("column{number}")).collect();
    let row = vec!["some words that are long"; 30].join(",");
    sandbox.write("wide.csv", format!("{}\n{row}\n{row}\n", names.join(",")));
    for line in ["tundra head wide.csv", "tundra query 'FROM input' wide.csv"] {
        let Some(ran) = on_terminal(&sandbox, line) else { return };
        assert_eq!(ran.code, Some(0), "{ran}");
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        let table: Vec<&str> = text.lines().filter(|line| line.contains("some w")).collect();
        assert_eq!(table.len(), 2, "{text}");
        assert!(table.iter().all(|line| line.trim_end().ends_with('…')), "{text}");
        assert!(table.iter().all(|line| line.trim_end().chars().count() <= 80), "{text}");
        assert!(text.contains("no room for"), "{text}");
    }
}
