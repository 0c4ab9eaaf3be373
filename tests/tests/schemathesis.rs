//! The server held to its own description by schemathesis: no failure of its own, whatever is asked, no answer
//! that the description does not have, and nothing accepted that it does not allow.
//!
//! `drive.py` says what is asked. The requests are the same each time; `cargo xtask fuzz --only api` makes others.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use tundra_tests::{env::fuzz_time, python};

use crate::support::Folder;

const DRIVE: &str = include_str!("schemathesis/drive.py");

/// A name for the database among the sources.
const DATABASE: &str = "0199a1c2-7c1e-7c55-9d4b-6f5f0e6c3b12";

#[test]
fn the_server_answers_what_it_says_that_it_answers() {
    let folder = Folder::new();
    let database = folder.path("shop.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch("CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'Ann')")
        .unwrap();
    drop(connection);
    let url = format!("sqlite:{}", database.display());
    fs::create_dir_all(folder.path("data/secrets")).unwrap();
    fs::write(folder.path("data/secrets/shop"), &url).unwrap();
    let added =
        tundra(&folder).args(["source", "add", "shop", &url, "--id", DATABASE]).output().unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));

    let server = Server::start(&folder);
    let mut arguments = vec![server.address.clone(), DATABASE.to_owned()];
    arguments.extend(fuzz_time().map(|time| time.as_secs().to_string()));
    let asked = python::run(DRIVE, arguments);
    let log = server.stop();
    // What it calls an error is a fault of its own.
    let faults: Vec<_> =
        log.lines().filter(|line| line.contains("\"severity\":\"ERROR\"")).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    if let Err(error) = asked {
        panic!("{error}\n{log}");
    }
}

/// The program as it was built with the tests.
fn program() -> PathBuf {
    let mut path = env::current_exe().unwrap();
    // Out of `deps`.
    path.pop();
    path.pop();
    path.join("tundra")
}

fn tundra(folder: &Folder) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("TUNDRA_DATA_DIRECTORY", folder.path("data"))
        .env("TUNDRA_DATABASE_DIRECTORIES", folder.path(""))
        .env("TMPDIR", folder.path(""));
    command
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
    log: Option<JoinHandle<String>>,
}

impl Server {
    fn start(folder: &Folder) -> Self {
        let mut child = tundra(folder)
            // A crash is to end it, so that it is seen.
            .args(["serve", "--port", "0", "--isolation", "thread"])
            .env("TUNDRA_RATE_CONVERT", "0")
            .env("TUNDRA_RATE_INFER", "0")
            .env("TUNDRA_RATE_TEST_CONNECTION", "0")
            .env("TUNDRA_LOG", "warn")
            .env("TUNDRA_LOG_FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{}`: {error}", program().display()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        let address = first.strip_prefix("listening on ").map(str::to_owned);
        let log = thread::spawn(move || lines.map(|line| line + "\n").collect());
        let server = Self { child, address: address.unwrap_or_default(), log: Some(log) };
        assert!(!server.address.is_empty(), "it said `{first}`");
        server
    }

    /// Ends it, which it does in order unless it crashed, and returns what it wrote.
    fn stop(mut self) -> String {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &process]).status().unwrap();
        let status = self.child.wait().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
