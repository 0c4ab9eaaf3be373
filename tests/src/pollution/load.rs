//! What Tundra makes of a damaged file: everything found out, all columns text, bad rows repaired.
//!
//! Bytes go in and Parquet comes out in memory, and the `parquet` crate reads it.

use std::{panic, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use parquet::{
    file::reader::{ChunkReader, FileReader, SerializedFileReader},
    record::{Field, Row},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tundra_core::{
    BadRowPolicy, Cancel, Compression, Control, ConvertOptions, IfExists, Input, ObjectPath,
    Output, Resources, Silent, Storage, TypePolicy, WriteOptions, engine,
};
use tundra_storage::MemoryStorage;

use crate::{pollution::Polluted, score::Score};

/// A file of 20 kB that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A table as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The names of the columns.
    pub names: Vec<String>,
    /// The rows; a null is an empty cell.
    pub rows: Vec<Vec<String>>,
}

impl Loaded {
    /// Compares the table with what the file should become.
    ///
    /// Where the file names its columns, names that were made up are wrong names. Where it does not,
    /// the names are none of what was loaded, and a row that became names is lost.
    #[must_use]
    pub fn score(&self, file: &Polluted) -> Score {
        match file.expected.header.is_empty() {
            true => Score::of(&file.expected.lines(), &self.row_slices()),
            false => self.score_with_names(file),
        }
    }

    /// Compares the table with what the file should become, as if the names were a line of it
    /// wherever they come from: so the benchmark sees what a program writes that always writes names.
    #[must_use]
    pub fn score_with_names(&self, file: &Polluted) -> Score {
        let mut lines = self.row_slices();
        lines.insert(0, &self.names);
        Score::of(&file.expected.lines(), &lines)
    }

    /// Returns the rows.
    #[must_use]
    pub fn row_slices(&self) -> Vec<&[String]> {
        self.rows.iter().map(Vec::as_slice).collect()
    }
}

/// Loads every file, several at once, and returns them with their tables in the given order.
///
/// # Errors
/// When there is no folder to spill into. That a file cannot be loaded is a result, and so is a panic.
pub async fn load_all(
    files: Vec<Polluted>,
    at_once: usize,
) -> anyhow::Result<Vec<(Polluted, anyhow::Result<Loaded>)>> {
    let spill = Arc::new(TempDir::new().context("no folder to spill into")?);
    let mut results = Vec::new();
    let mut tasks = JoinSet::new();
    let mut waiting = files.into_iter().enumerate();
    loop {
        while tasks.len() < at_once
            && let Some((index, file)) = waiting.next()
        {
            let spill = Arc::clone(&spill);
            tasks.spawn(async move {
                let bytes = file.bytes.clone();
                // A task of its own, so that a panic is the result of its file.
                let loaded = tokio::spawn(async move { load(bytes, spill.path()).await });
                let loaded = loaded.await.unwrap_or_else(|error| Err(error.into()));
                (index, file, loaded)
            });
        }
        match tasks.join_next().await {
            None => break,
            Some(Ok(result)) => results.push(result),
            Some(Err(error)) => panic::resume_unwind(error.into_panic()),
        }
    }
    results.sort_by_key(|(index, ..)| *index);
    Ok(results.into_iter().map(|(_, file, loaded)| (file, loaded)).collect())
}

/// Loads a file. `spill` is a folder for what does not fit into memory.
///
/// # Errors
/// When Tundra refuses the file, or wrote what cannot be read.
pub async fn load(bytes: Vec<u8>, spill: &Path) -> anyhow::Result<Loaded> {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let path: ObjectPath = "table.csv".parse()?;
    let mut writer = storage.create(&path, IfExists::Fail).await?;
    writer.write(bytes.into()).await?;
    writer.publish().await?;

    let input = Input { storage: Arc::clone(&storage), path };
    let path: ObjectPath = "table.parquet".parse()?;
    let output =
        Output { storage: Arc::clone(&storage), path: path.clone(), if_exists: IfExists::Fail };
    let options = ConvertOptions {
        types: TypePolicy::Text,
        on_bad_row: BadRowPolicy::Repair,
        writing: WriteOptions { compression: Compression::None, ..WriteOptions::default() },
        ..ConvertOptions::default()
    };
    let resources = Resources {
        threads: 1,
        memory: 1 << 30,
        temp_directory: spill.to_owned(),
        max_temp_size: 1 << 30,
    };
    let control =
        Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: Some(TIMEOUT) };
    engine::convert(&input, &output, &options, &resources, &control).await?;

    let object = storage.open(&path).await?;
    read_parquet(object.read(0..object.info().size).await?)
}

/// Returns the table of a Parquet file.
pub(super) fn read_parquet(file: impl ChunkReader + 'static) -> anyhow::Result<Loaded> {
    let reader = SerializedFileReader::new(file)?;
    let columns = reader.metadata().file_metadata().schema().get_fields().to_vec();
    let rows: Result<Vec<_>, _> = reader.get_row_iter(None)?.map(|row| row.map(cells)).collect();
    Ok(Loaded {
        names: columns.iter().map(|column| column.name().to_owned()).collect(),
        rows: rows?,
    })
}

fn cells(row: Row) -> Vec<String> {
    row.into_columns()
        .into_iter()
        .map(|(_, cell)| match cell {
            Field::Null => String::new(),
            Field::Str(text) => text,
            other => other.to_string(),
        })
        .collect()
}
