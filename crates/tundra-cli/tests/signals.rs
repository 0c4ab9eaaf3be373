//! Ctrl-C and SIGTERM.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Ran, Sandbox};

/// A stopped run may take this long. One second is what is promised.
const PROMISED: Duration = Duration::from_secs(1);

fn send(signal: &str, child: &Child) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", child.id())])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Starts the program and returns it when its log says that a stage begins.
fn start(command: &mut Command, stage: &str) -> (Child, BufReader<impl Read + use<>>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(&format!("stage=\"{stage}\"")) {
        line.clear();
        let read = log.read_line(&mut line).unwrap();
        assert_ne!(read, 0, "the program ended before the stage `{stage}`");
    }
    (child, log)
}

fn wait(sandbox: &Sandbox, child: Child, mut log: BufReader<impl Read>) -> Ran {
    let mut stderr = Vec::new();
    log.read_to_end(&mut stderr).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr = stderr;
    sandbox.ran(output)
}

#[test]
fn ctrl_c_stops_a_conversion_within_a_second_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    for (signal, code, says) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        let mut command = sandbox.tundra(&["-v", "convert", "big.csv", "--threads", "1"]);
        let (child, log) = start(&mut command, "converting");
        let sent = Instant::now();
        send(signal, &child);
        let ran = wait(&sandbox, child, log);
        let took = sent.elapsed();
        assert_eq!(ran.code, Some(code), "{ran}");
        assert!(ran.stderr.contains(&format!("error: {says}; no output was written\n")), "{ran}");
        assert!(took < PROMISED, "{took:?}");
        sandbox.holds_only(&["big.csv"]);
    }
}

#[test]
fn ctrl_c_keeps_the_output_that_would_have_been_replaced() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    sandbox.write("big.parquet", "precious");
    let mut command =
        sandbox.tundra(&["-v", "convert", "big.csv", "--threads", "1", "--overwrite"]);
    let (child, log) = start(&mut command, "converting");
    send("INT", &child);
    assert_eq!(wait(&sandbox, child, log).code, Some(130));
    assert_eq!(sandbox.read("big.parquet"), "precious");
    sandbox.holds_only(&["big.csv", "big.parquet"]);
}

#[test]
fn ctrl_c_stops_waiting_for_standard_input() {
    let sandbox = Sandbox::new();
    for command in ["convert", "inspect"] {
        let mut command = sandbox.tundra(&["-v", command, "-"]);
        // The pipe stays open and empty.
        let (mut child, log) = start(command.stdin(Stdio::piped()), "reading");
        let stdin = child.stdin.take();
        let sent = Instant::now();
        send("INT", &child);
        let ran = wait(&sandbox, child, log);
        let took = sent.elapsed();
        drop(stdin);
        assert_eq!(ran.code, Some(130), "{ran}");
        assert!(took < PROMISED, "{took:?}");
        sandbox.holds_only(&[]);
    }
}

/// Starts a conversion to standard output, which nobody reads on behind its first byte.
fn start_without_a_reader(sandbox: &Sandbox) -> (Child, BufReader<impl Read + use<>>, ChildStdout) {
    // More Parquet than a pipe holds, so that writing it waits.
    let rows: String =
        (0..200_000_u64).map(|n| format!("{}\n", n.wrapping_mul(n) % 999_983)).collect();
    sandbox.write("a.csv", format!("n\n{rows}"));
    let mut command = sandbox.tundra(&["-v", "convert", "a.csv", "-o", "-"]);
    let (mut child, log) = start(&mut command, "publishing");
    let mut stdout = child.stdout.take().unwrap();
    // It says that it is being written now.
    stdout.read_exact(&mut [0]).unwrap();
    (child, log, stdout)
}

#[test]
fn ctrl_c_stops_waiting_for_the_reader_of_standard_output() {
    let sandbox = Sandbox::new();
    let (child, log, stdout) = start_without_a_reader(&sandbox);
    let sent = Instant::now();
    send("INT", &child);
    let ran = wait(&sandbox, child, log);
    let took = sent.elapsed();
    drop(stdout);
    assert_eq!(ran.code, Some(130), "{ran}");
    assert!(took < PROMISED, "{took:?}");
    sandbox.holds_only(&["a.csv"]);
}

#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let sandbox = Sandbox::new();
    let (child, log, stdout) = start_without_a_reader(&sandbox);
    // Writing to a pipe that nobody reads goes on for a while after the first one. Two signals that
    // come before the first is heard are one, so there are some more, from one shell.
    let again =
        format!("for n in 1 2 3 4 5 6 7 8; do kill -INT {} || :; sleep 0.01; done", child.id());
    assert!(Command::new("sh").args(["-c", &again]).status().unwrap().success());
    let ran = wait(&sandbox, child, log);
    drop(stdout);
    assert_eq!((ran.code, ran.signal), (None, Some(2)), "{ran}");
    sandbox.holds_only(&["a.csv"]);
}

#[test]
fn ctrl_c_stops_a_comparison_within_a_second() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let arguments = ["-v", "diff", "big.csv", "big.csv", "--key", "text", "--threads", "1"];
    for stage in ["converting", "comparing"] {
        let (child, log) = start(&mut sandbox.tundra(&arguments), stage);
        let sent = Instant::now();
        send("INT", &child);
        let ran = wait(&sandbox, child, log);
        let took = sent.elapsed();
        assert_eq!(ran.code, Some(130), "{ran}");
        assert!(took < PROMISED, "{took:?}");
        sandbox.holds_only(&["big.csv"]);
    }
}
