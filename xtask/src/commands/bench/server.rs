//! The server: how soon it answers, what it takes when it does nothing, and how much it does under load.
//!
//! Start at [`run`]. `wrk` asks; everything else is looked at from here.

mod page;
mod wrk;

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context, ensure};
use serde_json::json;
use tempfile::TempDir;

use self::{
    page::{Figure, Page},
    wrk::{Asked, Wrk},
};
use crate::{
    process::Cmd,
    progress::{say, step},
    served::{Isolation, Served},
};

/// What is asked, how, and what it is to reach.
#[derive(Debug, Clone, Copy)]
struct Load {
    isolation: Isolation,
    path: &'static str,
    /// Connections that ask at once, each for the next answer when it has one.
    callers: u32,
    /// Requests a second.
    target: f64,
    /// Whether the slowest of a hundred is held against the median.
    has_tail: bool,
}

const LOADS: [Load; 5] = [
    Load { callers: 64, ..load(Isolation::Process, "/health", 20_000.0, false) },
    load(Isolation::Thread, "/infer/schema", 100.0, true),
    load(Isolation::Thread, "/convert/file", 100.0, true),
    load(Isolation::Process, "/infer/schema", 25.0, true),
    load(Isolation::Process, "/convert/file", 25.0, true),
];

const fn load(isolation: Isolation, path: &'static str, target: f64, has_tail: bool) -> Load {
    Load { isolation, path, callers: 32, target, has_tail }
}

/// How long each load lasts in a round.
const SECONDS: u32 = 10;

/// The size of the file that is sent.
const FILE_BYTES: usize = 10 << 10;

/// How often it is started to see how soon it answers.
const STARTS: usize = 20;

/// How long it does nothing before its memory is looked at.
const IDLE: Duration = Duration::from_secs(3);

/// What an idle server may take, in bytes.
const IDLE_TARGET: f64 = 40e6;

/// What a start may take, in seconds.
const START_TARGET: f64 = 0.1;

/// How much slower than the median the slowest of a hundred may be.
const TAIL_TARGET: f64 = 10.0;

/// Measures and returns the document.
///
/// # Errors
/// When something cannot be started, or a request is not answered as it should be.
pub(super) fn run(tundra: &Path, rounds: u32) -> anyhow::Result<String> {
    let wrk = Wrk::find()?;
    let mut page = Page::new(&Cmd::new(tundra).arg("--version").read()?, &wrk.version(), rounds)?;
    let folder = TempDir::new().context("no room for temporary files")?;
    step("start and idle memory", || at_rest(tundra, folder.path(), &mut page))?;
    for load in LOADS {
        let name = format!("{} {}", load.isolation.name(), load.path);
        step(&name, || under_load(&wrk, tundra, folder.path(), load, rounds, &mut page))?;
    }
    say(page.figures());
    Ok(page.document())
}

/// Starts it again and again, in a directory that is new and in one that is not.
fn at_rest(tundra: &Path, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let (mut first, mut later, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for start in 0..STARTS {
        let directory = folder.join(format!("start-{start}"));
        let served = Served::start(tundra, Isolation::Process, &directory)?;
        first.push(served.first_answer.as_secs_f64());
        served.stop()?;
        let served = Served::start(tundra, Isolation::Process, &directory)?;
        later.push(served.first_answer.as_secs_f64());
        if start < 5 {
            thread::sleep(IDLE);
            memory.push(served.memory()?);
        }
        served.stop()?;
    }
    page.add(Figure::at_most("start to first answer", START_TARGET, median(later), page::time));
    page.add(Figure::at_most(
        "the same, with a directory to make",
        START_TARGET,
        median(first),
        page::time,
    ));
    page.add(Figure::at_most("idle memory", IDLE_TARGET, median(memory), page::megabytes));
    Ok(())
}

fn under_load(
    wrk: &Wrk,
    tundra: &Path,
    folder: &Path,
    load: Load,
    rounds: u32,
    page: &mut Page,
) -> anyhow::Result<()> {
    let Load { isolation, path, callers, target, has_tail } = load;
    let directory = folder.join(format!("load-{}{}", isolation.name(), path.replace('/', "-")));
    let served = Served::start(tundra, isolation, &directory)?;
    let body = match path {
        "/health" => None,
        _ => {
            let source = served.source("orders", "orders.csv", &orders())?;
            Some(json!({ "source_id": source }).to_string())
        }
    };
    let url = format!("http://{}{path}", served.address);
    let mut asked = Vec::new();
    // The first round warms up.
    for round in 0..=rounds {
        let seconds = if round == 0 { SECONDS / 2 } else { SECONDS };
        let one = wrk.ask(&url, body.as_deref(), callers, seconds)?;
        let errors = one.errors;
        ensure!(errors == 0, "`{path}`: {errors} requests were not answered with a 2xx");
        if round > 0 {
            asked.push(one);
        }
    }
    thread::sleep(IDLE);
    let memory = served.memory()?;
    served.stop()?;
    check_versions(&directory, path)?;
    let of = |value: fn(&Asked) -> f64| median(asked.iter().map(value).collect());
    page.load(page::Load {
        name: format!("`{path}`"),
        isolation: isolation.name(),
        callers,
        per_second: of(|it| it.per_second),
        target,
        median: of(|it| it.median),
        slowest_of_100: of(|it| it.p99),
        slowest: of(|it| it.slowest),
        tail: has_tail.then(|| of(|it| it.p99 / it.median)),
        tail_target: TAIL_TARGET,
        memory,
    });
    Ok(())
}

/// Sees to it that what was converted is there.
fn check_versions(directory: &Path, path: &str) -> anyhow::Result<()> {
    if path != "/convert/file" {
        return Ok(());
    }
    let made = fs::read_dir(directory.join("warehouse"))?.count();
    ensure!(made > 0, "nothing was converted");
    Ok(())
}

/// Returns a CSV of orders.
fn orders() -> Vec<u8> {
    let mut text = String::from("id,customer,amount,ordered,paid\n");
    let mut id = 0_u32;
    while text.len() < FILE_BYTES {
        id += 1;
        // Nothing random, so that every run converts the same.
        let (cents, day) = (id * 7919 % 100_000, id % 28 + 1);
        let paid = if id.is_multiple_of(3) { "false" } else { "true" };
        text.push_str(&format!(
            "{id},customer {},{}.{:02},2026-01-{day:02},{paid}\n",
            id * 31 % 500,
            cents / 100,
            cents % 100
        ));
    }
    text.into_bytes()
}

/// Returns the median of figures, of which there is one at least.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() % 2 {
        0 if middle > 0 => (figures[middle - 1] + figures[middle]) / 2.0,
        _ => figures.get(middle).copied().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_its_size_and_one_shape() {
        let data = orders();
        assert!((FILE_BYTES..FILE_BYTES + 100).contains(&data.len()), "{}", data.len());
        let text = String::from_utf8(data).unwrap();
        assert!(text.lines().all(|line| line.split(',').count() == 5));
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
