//! Prints how well Tundra reads damaged files, by kind of damage, and which files lose what.
//!
//! ```text
//! cargo run --release -p tundra-tests --example pollution -- [OPTION]...
//!   --table shipments|prices    the table that is damaged; `shipments` when not given
//!   --further                   damage that the benchmark does not have, in place of what it has
//!   --list KIND                 the files of a kind or of a name, with what they lost
//!   --write DIR                 the files as DIR/csv, the tables as DIR/clean; nothing is read
//!   --at-once N                 files that are read at once; 2 when not given
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::{collections::HashMap, fs, path::Path, time::Instant};

use anyhow::{Context, bail};
use tundra_tests::{
    pollution::{Loaded, Polluted, files_of, further_files_of, load_all, prices, shipments},
    score::{Board, Score},
};

/// Lines that are shown of what a file lost and of what it has too much.
const SHOWN: usize = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut source = shipments();
    let mut further = false;
    let mut list = None;
    let mut folder = None;
    let mut at_once = 2;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--table" => {
                source = match value()?.as_str() {
                    "shipments" => shipments(),
                    "prices" => prices(),
                    other => bail!("no table `{other}`; there are `shipments` and `prices`"),
                }
            }
            "--further" => further = true,
            "--list" => list = Some(value()?),
            "--write" => folder = Some(value()?),
            "--at-once" => at_once = value()?.parse()?,
            other => bail!("unknown option `{other}`"),
        }
    }

    let mut files = if further { further_files_of(&source) } else { files_of(&source) };
    if let Some(list) = &list {
        files.retain(|file| file.kind == list || file.name == *list);
    }
    if let Some(folder) = folder {
        return write(&files, Path::new(&folder));
    }

    let started = Instant::now();
    let count = files.len();
    let mut board = Board::default();
    let mut always_named = Board::default();
    let mut refused: HashMap<String, (usize, String)> = HashMap::new();
    for (file, loaded) in load_all(files, at_once).await? {
        let score = loaded.as_ref().map_or(Score::FAILED, |loaded| loaded.score(&file));
        board.add(file.kind, file.weight, &score);
        let named = loaded.as_ref().map_or(Score::FAILED, |loaded| loaded.score_with_names(&file));
        always_named.add(file.kind, file.weight, &named);
        if list.is_some() && score.sum() < 10.0 - 1e-9 {
            show(&file, &loaded, &score);
        }
        if let Err(error) = loaded {
            let reason = refused.entry(format!("{}: {error:#}", file.kind)).or_default();
            reason.0 += 1;
            reason.1 = file.name;
        }
    }

    println!("{board}");
    println!(
        "with names where the file has none: simple {:.4}, weighted {:.4}",
        always_named.simple(),
        always_named.weighted()
    );
    println!("{count} files in {:.1} s", started.elapsed().as_secs_f64());
    let mut refused: Vec<_> = refused.into_iter().collect();
    refused.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (error, (count, name)) in refused.iter().take(20) {
        println!("refused {count} times, such as {name}: {error}");
    }
    Ok(())
}

/// Prints what a file lost.
fn show(file: &Polluted, loaded: &anyhow::Result<Loaded>, score: &Score) {
    println!("{} {:.4}", file.name, score.sum());
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return println!("    refused: {error:#}"),
    };
    let (expected, mut found) = (file.expected.lines(), loaded.row_slices());
    if !file.expected.header.is_empty() {
        found.insert(0, &loaded.names);
    }
    let missing = |from: &[&[String]], other: &[&[String]], sign: char| {
        let mut missing: Vec<_> = from.to_vec();
        for line in other {
            if let Some(index) = missing.iter().position(|candidate| candidate == line) {
                missing.swap_remove(index);
            }
        }
        for line in missing.iter().take(SHOWN) {
            println!("    {sign} {}: {line:?}", line.len());
        }
        if missing.len() > SHOWN {
            println!("    {sign} and {} more", missing.len() - SHOWN);
        }
    };
    missing(&expected, &found, '-');
    missing(&found, &expected, '+');
}

/// Writes the files, and beside them what they should become.
fn write(files: &[Polluted], folder: &Path) -> anyhow::Result<()> {
    for name in ["csv", "clean"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    for file in files {
        fs::write(folder.join("csv").join(&file.name), &file.bytes)?;
        let lines: String = file
            .expected
            .lines()
            .into_iter()
            .map(|line| line.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        fs::write(folder.join("clean").join(&file.name), lines)?;
    }
    println!("{} files in {}", files.len(), folder.display());
    Ok(())
}
