//! Prints how well Tundra reads damaged files, by kind of damage, and which files lose what.
//!
//! ```text
//! cargo run --release -p tundra-tests --example pollution -- [OPTION]...
//!   --table shipments|prices    the table that is damaged; `shipments` when not given
//!   --further                   damage that the benchmark does not have, in place of what it has
//!   --list KIND                 the files of a kind or of a name, with what they lost
//!   --write DIR                 the files as DIR/csv, the tables as DIR/clean; nothing is read
//!   --at-once N                 files that are read at once; 2 when not given
//!   --with-duckdb PYTHON        the same files loaded by DuckDB, with a table of both; PYTHON can
//!                               import `duckdb`, like the one that `cargo xtask bench` makes
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::{collections::HashMap, fs, path::Path, time::Instant};

use anyhow::{Context, bail};
use tundra_tests::{
    pollution::{
        Loaded, Polluted, files_of, further_files_of, load_all, load_all_with_duckdb,
        made_up_by_duckdb, prices, shipments,
    },
    score::{Board, Score},
};

/// Lines that are shown of what a file lost and of what it has too much.
const SHOWN: usize = 3;

/// How DuckDB reads, and what is told it: nothing, and what the benchmark's authors tell it.
const WAYS: [(&str, &[&str]); 2] = [
    ("", &[]),
    (", lenient", &["null_padding = true", "strict_mode = false", "ignore_errors = true"]),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut source = shipments();
    let mut further = false;
    let mut list = None;
    let mut folder = None;
    let mut at_once = 2;
    let mut python = None;
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
            "--with-duckdb" => python = Some(value()?),
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

    let peers = match &python {
        Some(python) => with_duckdb(Path::new(python), &files)?,
        None => Vec::new(),
    };
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
    if !peers.is_empty() {
        println!("\n{}\n", beside(&board, &peers));
    }
    let mut refused: Vec<_> = refused.into_iter().collect();
    refused.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (error, (count, name)) in refused.iter().take(20) {
        println!("refused {count} times, such as {name}: {error}");
    }
    Ok(())
}

/// What DuckDB scored.
struct Peer {
    title: String,
    board: Board,
    /// The same where names that DuckDB made up are no line of the table.
    generous: Board,
    /// By kind, how many files it did not load.
    refused: HashMap<&'static str, usize>,
}

/// Loads the files with DuckDB in each of [`WAYS`] and scores them as Tundra's are scored.
fn with_duckdb(python: &Path, files: &[Polluted]) -> anyhow::Result<Vec<Peer>> {
    WAYS.iter().map(|(name, options)| one_way(python, name, options, files)).collect()
}

fn one_way(
    python: &Path,
    name: &str,
    options: &[&str],
    files: &[Polluted],
) -> anyhow::Result<Peer> {
    let (version, tables) = load_all_with_duckdb(python, options, files)?;
    let mut peer = Peer {
        title: format!("DuckDB {version}{name}"),
        board: Board::default(),
        generous: Board::default(),
        refused: HashMap::new(),
    };
    for (file, loaded) in files.iter().zip(tables) {
        let score = loaded.as_ref().map_or(Score::FAILED, |loaded| loaded.score(file));
        let generous = match &loaded {
            Ok(loaded) if made_up_by_duckdb(&loaded.names) => {
                Score::of(&file.expected.lines(), &loaded.row_slices())
            }
            _ => score,
        };
        if loaded.is_err() {
            *peer.refused.entry(file.kind).or_default() += 1;
        }
        peer.board.add(file.kind, file.weight, &score);
        peer.generous.add(file.kind, file.weight, &generous);
    }
    Ok(peer)
}

/// A table in Markdown of what Tundra and DuckDB scored by kind.
fn beside(ours: &Board, peers: &[Peer]) -> String {
    let mut kinds = ours.kinds();
    kinds.sort_by_key(|kind| kind.kind);
    let mut head = vec!["kind".to_owned(), "files".to_owned(), "Tundra".to_owned()];
    for peer in peers {
        head.extend([peer.title.clone(), "refused".to_owned()]);
    }
    let mut rows = vec![head];
    for kind in &kinds {
        let mut row =
            vec![format!("`{}`", kind.kind), kind.files.to_string(), format!("{:.3}", kind.mean)];
        for peer in peers {
            let theirs = peer.board.kinds().into_iter().find(|theirs| theirs.kind == kind.kind);
            row.push(theirs.map(|theirs| format!("{:.3}", theirs.mean)).unwrap_or_default());
            row.push(peer.refused.get(kind.kind).map(ToString::to_string).unwrap_or_default());
        }
        rows.push(row);
    }
    let files: usize = kinds.iter().map(|kind| kind.files).sum();
    let total = |name: &str, score: fn(&Board) -> f64| {
        let bold = |board: &Board| format!("**{:.3}**", score(board));
        let mut row = vec![format!("**{name}**"), files.to_string(), bold(ours)];
        for peer in peers {
            row.extend([bold(&peer.board), peer.refused.values().sum::<usize>().to_string()]);
        }
        row
    };
    rows.push(total("simple", Board::simple));
    rows.push(total("weighted", Board::weighted));
    let mut text = markdown(&rows);
    for Peer { title, generous, .. } in peers {
        text.push_str(&format!(
            "\n{title}, where names that it made up are no line: simple {:.3}, weighted {:.3}",
            generous.simple(),
            generous.weighted()
        ));
    }
    text
}

/// A table whose columns are as wide as they need to be; the first row is its head.
fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push('|');
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!(" {cell:<width$} |"));
        }
        text.push('\n');
        if index == 0 {
            text.push('|');
            for &width in &widths {
                text.push_str(&format!(" {} |", "-".repeat(width)));
            }
            text.push('\n');
        }
    }
    text
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
