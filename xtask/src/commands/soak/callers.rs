//! Those who ask: each does one thing over and over, with a source of its own, and notes what it was told.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::tables::Table;
use crate::{process::Cmd, served::Served};

/// The id of the source that is a database, and the table in it.
const DATABASE: &str = "0199a1c2-7c1e-7c55-9d4b-6f5f0e6c3b12";
const DATABASE_TABLE: Table = Table { seed: 7, rows: 3000 };

/// How often it is looked what became of a job.
const POLL: Duration = Duration::from_millis(20);

/// More faults than this say nothing new.
const MOST_FAULTS: usize = 50;

/// Makes the table that is a database.
const MAKE_DATABASE: &str = "\
import sqlite3, sys
path, seed, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
database = sqlite3.connect(path)
database.execute('CREATE TABLE t (id BIGINT NOT NULL, name TEXT, day DATE)')
rows = ((i, f'n\\u00e4me, \"{(seed * 31 + i * 17) % 1000}\"', f'2026-01-{1 + (seed + i) % 28:02}')
        for i in range(1, rows + 1))
database.executemany('INSERT INTO t VALUES (?, ?, ?)', rows)
database.commit()
";

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Converts CSVs and waits.
    Csv,
    /// The same with JSON by lines.
    Ndjson,
    /// Has conversions done as jobs.
    Jobs,
    /// Cancels them.
    Cancels,
    /// Sends what cannot be read.
    Broken,
    /// Goes away before there is an answer.
    Leaves,
    /// Asks what is in a file.
    Infers,
    /// Asks for the first rows of a version.
    Previews,
    /// Reads a database.
    Database,
}

/// Two who convert, and one of everything else.
const PARTS: [Part; 10] = [
    Part::Csv,
    Part::Csv,
    Part::Ndjson,
    Part::Jobs,
    Part::Cancels,
    Part::Broken,
    Part::Leaves,
    Part::Infers,
    Part::Previews,
    Part::Database,
];

/// A version that somebody was told of.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) source: String,
    pub(super) version: u64,
    pub(super) location: String,
    pub(super) table: Table,
}

/// What callers noted.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) told: Vec<Told>,
    /// How often each part was done.
    pub(super) done: Vec<(Part, u64)>,
    /// Jobs that were cancelled, of all that were to be.
    pub(super) cancelled: u64,
    pub(super) faults: Vec<String>,
}

/// All who ask one server.
#[derive(Debug)]
pub(super) struct Callers {
    served: Arc<Served>,
    callers: Vec<Caller>,
}

#[derive(Debug)]
struct Caller {
    part: Part,
    source: String,
}

/// Puts a source into the catalog that is a database of SQLite, before there is a server.
///
/// # Errors
/// When it cannot be made.
pub(super) fn add_database(tundra: &Path, directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory.join("secrets")).context("no room for temporary files")?;
    let database = directory.join("shop.db");
    let Table { seed, rows } = DATABASE_TABLE;
    Cmd::new("python3")
        .args(["-I", "-c", MAKE_DATABASE])
        .arg(&database)
        .args([seed.to_string(), rows.to_string()])
        .run()?;
    let url = format!("sqlite:{}", database.display());
    fs::write(directory.join("secrets/shop"), &url).context("no room for temporary files")?;
    Cmd::new(tundra)
        .args(["source", "add", "shop", &url, "--id", DATABASE])
        .env("TUNDRA_DATA_DIRECTORY", directory)
        .read()
        .map(drop)
}

impl Callers {
    /// Makes their sources.
    ///
    /// # Errors
    /// When the server does not.
    pub(super) fn new(served: Arc<Served>) -> anyhow::Result<Self> {
        let mut callers = Vec::new();
        for (number, part) in PARTS.into_iter().enumerate() {
            let table = Table::of(number as u64);
            let name = format!("source-{number}");
            let source = match part {
                Part::Database => DATABASE.to_owned(),
                Part::Ndjson => served.source(&name, "data.ndjson", &table.ndjson())?,
                _ => served.source(&name, "data.csv", &table.csv())?,
            };
            callers.push(Caller { part, source });
        }
        Ok(Self { served, callers })
    }

    /// Returns the sources, and whether all active versions of one were told.
    pub(super) fn sources(&self) -> Vec<(String, bool)> {
        let told = |part| part != Part::Leaves;
        self.callers.iter().map(|it| (it.source.clone(), told(it.part))).collect()
    }

    /// Asks until it is over.
    ///
    /// # Errors
    /// When somebody cannot begin.
    pub(super) fn ask(&self, is_over: &AtomicBool) -> anyhow::Result<Notes> {
        let noted = thread::scope(|scope| {
            let begin = |caller| scope.spawn(move || self.repeat(caller, is_over));
            let asking: Vec<_> = self.callers.iter().enumerate().map(begin).collect();
            let join = |it: thread::ScopedJoinHandle<'_, _>| {
                it.join().unwrap_or_else(|_| bail!("a caller panicked"))
            };
            asking.into_iter().map(join).collect::<anyhow::Result<Vec<Notes>>>()
        })?;
        let mut all = Notes::default();
        for notes in noted {
            all.told.extend(notes.told);
            all.done.extend(notes.done);
            all.cancelled += notes.cancelled;
            all.faults.extend(notes.faults);
        }
        Ok(all)
    }

    fn repeat(
        &self,
        (number, caller): (usize, &Caller),
        is_over: &AtomicBool,
    ) -> anyhow::Result<Notes> {
        let mut notes = Notes::default();
        let mut times = 0;
        // What is looked at again and again is there once.
        if caller.part == Part::Previews {
            self.convert(caller, Table::of(number as u64), &mut notes)?;
        }
        while !is_over.load(Ordering::Relaxed) && notes.faults.len() < MOST_FAULTS {
            times += 1;
            let table = Table::of(times * PARTS.len() as u64 + number as u64);
            if let Err(error) = self.once(caller, number, table, &mut notes) {
                notes.faults.push(format!("{:?} {times}: {error:#}", caller.part));
            }
        }
        notes.done.push((caller.part, times));
        Ok(notes)
    }

    fn once(
        &self,
        caller: &Caller,
        number: usize,
        table: Table,
        notes: &mut Notes,
    ) -> anyhow::Result<()> {
        let Caller { part, source } = caller;
        let served = &self.served;
        let request = json!({ "source_id": source });
        match part {
            Part::Csv => {
                served.upload(source, "data.csv", &table.csv())?;
                self.convert(caller, table, notes)
            }
            Part::Ndjson => {
                served.upload(source, "data.ndjson", &table.ndjson())?;
                self.convert(caller, table, notes)
            }
            Part::Jobs | Part::Cancels => {
                served.upload(source, "data.csv", &table.csv())?;
                let asked =
                    served.post_with("/convert/file", "Prefer: respond-async\r\n", &request)?;
                let job = asked.json(202)?;
                let path = format!("/jobs/{}", text(&job["id"])?);
                if *part == Part::Cancels {
                    // Sometimes at once, sometimes in the middle, sometimes too late.
                    thread::sleep(Duration::from_millis(table.seed % 120));
                    let status = served.delete(&path)?.status;
                    ensure!(matches!(status, 200 | 202), "{status} for `DELETE {path}`");
                }
                self.wait_for(&path, caller, table, notes)
            }
            Part::Broken => {
                served.upload(source, "data.csv", &table.broken())?;
                let refused = served.post("/convert/file", &request)?.json(400)?;
                ensure!(refused["code"] == "invalid_data", "refused with {refused}");
                Ok(())
            }
            Part::Leaves => {
                let body = request.to_string();
                let mut stream = TcpStream::connect(&served.address)?;
                write!(
                    stream,
                    "POST /convert/file HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    served.address,
                    body.len()
                )?;
                stream.set_read_timeout(Some(Duration::from_millis(1 + table.seed % 60)))?;
                // Whatever it says by then.
                let _ = stream.read(&mut [0]);
                Ok(())
            }
            Part::Infers => {
                let found = served.post("/infer/schema", &request)?.json(200)?;
                let rows = Table::of(number as u64).rows;
                ensure!(found["schema"]["total_rows"] == json!(rows), "found {}", found["schema"]);
                ensure!(found["schema"]["columns"][2]["inferred_type"] == "DATE", "no date");
                Ok(())
            }
            Part::Previews => {
                let path = format!("/sources/{source}/versions/current/preview?limit=10");
                let shown = served.get(&path)?.json(200)?;
                let total = Table::of(number as u64).rows;
                ensure!(shown["total_rows"] == json!(total), "of {} rows", shown["total_rows"]);
                ensure!(shown["rows"][0]["id"] == 1, "showed {}", shown["rows"]);
                Ok(())
            }
            Part::Database => {
                let request = json!({
                    "source_id": source, "credentials_id": "shop", "table_name": "t"
                });
                let made = served.post("/convert/database", &request)?.json(200)?;
                note(&made, source, DATABASE_TABLE, notes)
            }
        }
    }

    fn convert(&self, caller: &Caller, table: Table, notes: &mut Notes) -> anyhow::Result<()> {
        let request = json!({ "source_id": caller.source });
        let made = self.served.post("/convert/file", &request)?.json(200)?;
        note(&made, &caller.source, table, notes)
    }

    /// Waits until a job has ended as it should.
    fn wait_for(
        &self,
        path: &str,
        caller: &Caller,
        table: Table,
        notes: &mut Notes,
    ) -> anyhow::Result<()> {
        loop {
            let job = self.served.get(path)?.json(200)?;
            match text(&job["status"])? {
                "queued" | "running" => thread::sleep(POLL),
                "done" => return note(&job["result"], &caller.source, table, notes),
                "cancelled" if caller.part == Part::Cancels => {
                    notes.cancelled += 1;
                    return Ok(());
                }
                _ => bail!("the job ended so: {job}"),
            }
        }
    }
}

fn note(made: &Value, source: &str, table: Table, notes: &mut Notes) -> anyhow::Result<()> {
    let metadata = &made["metadata"];
    ensure!(metadata["rows"] == json!(table.rows), "{} of {} rows", metadata["rows"], table.rows);
    notes.told.push(Told {
        source: source.to_owned(),
        version: metadata["version"].as_u64().context("no version")?,
        location: text(&metadata["location"])?.to_owned(),
        table,
    });
    Ok(())
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("`{value}` is no text"))
}
