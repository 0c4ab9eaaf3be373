//! A folder, the engine with the local store, and PyArrow.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use tundra_core::{
    Cancel, Control, ConvertOptions, Error, IfExists, Input, Output, Receipt, Resources, Silent,
    engine,
};
use tundra_tests::parquet::{self, Contents};

/// A folder that ends with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns every name in the folder, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Makes the file `name` and converts it into `out.parquet`.
    pub(crate) async fn convert_bytes(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        options: &ConvertOptions,
    ) -> Result<Receipt, Error> {
        fs::write(self.path(name), bytes).unwrap();
        convert(&self.path(name), &self.path("out.parquet"), options).await
    }
}

/// Converts one file into another, both on the disk.
pub(crate) async fn convert(
    input: &Path,
    output: &Path,
    options: &ConvertOptions,
) -> Result<Receipt, Error> {
    let spill = TempDir::new().unwrap();
    let (storage, path) = tundra_storage::resolve(input).unwrap();
    let input = Input { storage, path };
    let (storage, path) = tundra_storage::resolve(output).unwrap();
    let output = Output { storage, path, if_exists: IfExists::Fail };
    let resources = Resources {
        threads: 2,
        memory: 1 << 30,
        temp_directory: spill.path().to_owned(),
        max_temp_size: 1 << 30,
    };
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    engine::convert(&input, &output, options, &resources, &control).await
}

/// Converts bytes and reads the output with PyArrow.
pub(crate) async fn converted(
    name: &str,
    bytes: impl AsRef<[u8]>,
    options: &ConvertOptions,
) -> (Receipt, Contents) {
    let folder = Folder::new();
    let receipt = folder.convert_bytes(name, bytes, options).await.unwrap();
    assert_eq!(folder.names(), [name, "out.parquet"]);
    let contents = parquet::read(&folder.path("out.parquet")).unwrap();
    let counts = receipt.counts;
    assert_eq!(counts.records, counts.skipped + counts.rejected + counts.written, "{counts:?}");
    assert_eq!(counts.written, contents.rows.len() as u64);
    for (column, counted) in receipt.columns.iter().enumerate() {
        let nulls = contents.rows.iter().filter(|row| row[column].is_none()).count();
        assert_eq!(counted.nulls, Some(nulls as u64), "nulls of `{}`", counted.name);
    }
    (receipt, contents)
}
