//! A store with an input, the engine, and the output read back.

use std::{fs, path::Path, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType},
    util::display::{ArrayFormatter, FormatOptions},
};
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    encryption::decrypt::FileDecryptionProperties,
    errors::ParquetError,
    file::metadata::ParquetMetaData,
};
use tempfile::TempDir;
use tundra_core::{
    Cancel, ColumnType, Control, ConvertOptions, EncryptionKey, Error, IfExists, Input,
    InspectOptions, Inspection, ManyInputs, ObjectPath, Output, Reader, Receipt, Reporter,
    Resources, Silent, Stage, Storage, TextHints, WriteOptions,
    engine::{self, Checked, Diff, DiffOptions, Head, InputColumns, Prepared, QueryOutput, Rows},
};
use tundra_storage::{LocalStorage, MemoryStorage};

/// What every output is called.
pub(crate) const OUTPUT: &str = "out.parquet";

/// Options that say how the output is written, and nothing else.
pub(crate) fn writing(writing: WriteOptions) -> ConvertOptions {
    ConvertOptions { writing, ..ConvertOptions::default() }
}

/// A store, and everything else that a run needs.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) control: Control,
    pub(crate) if_exists: IfExists,
    pub(crate) threads: usize,
    /// Bytes that a run may take.
    pub(crate) memory: u64,
    pub(crate) max_temp_size: u64,
    pub(crate) folder: Option<TempDir>,
    /// Where the engine spills.
    pub(crate) temp: TempDir,
}

impl Scene {
    /// Makes a store of an empty folder.
    pub(crate) fn local() -> Self {
        let folder = TempDir::new().unwrap();
        let storage = LocalStorage::new(folder.path()).unwrap();
        Self::new(Arc::new(storage), Some(folder))
    }

    /// Makes an empty store in memory.
    pub(crate) fn memory() -> Self {
        Self::new(Arc::new(MemoryStorage::new()), None)
    }

    fn new(storage: Arc<dyn Storage>, folder: Option<TempDir>) -> Self {
        Self {
            storage,
            control: control(),
            if_exists: IfExists::Fail,
            threads: 4,
            memory: 1 << 30,
            max_temp_size: 1 << 30,
            folder,
            temp: TempDir::new().unwrap(),
        }
    }

    /// Makes the object `name`.
    pub(crate) async fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        let mut writer = self.storage.create(&path(name), IfExists::Replace).await.unwrap();
        writer.write(bytes.into()).await.unwrap();
        writer.publish().await.unwrap();
    }

    /// Returns the bytes of the object `name`.
    pub(crate) async fn get(&self, name: &str) -> Bytes {
        let object = self.storage.open(&path(name)).await.unwrap();
        object.read(0..object.info().size).await.unwrap()
    }

    /// Returns every name in the store, of a folder also those that the store does not list.
    pub(crate) async fn names(&self) -> Vec<String> {
        let mut names = match &self.folder {
            Some(folder) => fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect::<Vec<_>>(),
            None => {
                let objects = self.storage.list(None).await.unwrap();
                objects.iter().map(|object| object.path.as_str().to_owned()).collect()
            }
        };
        names.sort();
        names
    }

    /// Returns the folder of a local store.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().expect("the store is a local one").path()
    }

    /// Returns the object `name` as an input.
    pub(crate) fn input(&self, name: &str) -> Input {
        Input { storage: Arc::clone(&self.storage), path: path(name) }
    }

    fn resources(&self) -> Resources {
        Resources {
            threads: self.threads,
            memory: self.memory,
            temp_directory: self.temp.path().to_owned(),
            max_temp_size: self.max_temp_size,
        }
    }

    /// Converts the object `name` into [`OUTPUT`].
    pub(crate) async fn convert(
        &self,
        name: &str,
        options: &ConvertOptions,
    ) -> Result<Receipt, Error> {
        let output = Output {
            storage: Arc::clone(&self.storage),
            path: path(OUTPUT),
            if_exists: self.if_exists,
        };
        engine::convert(&self.input(name), &output, options, &self.resources(), &self.control).await
    }

    /// Converts several objects into [`OUTPUT`].
    pub(crate) async fn convert_many(
        &self,
        inputs: &ManyInputs,
        options: &ConvertOptions,
    ) -> Result<Receipt, Error> {
        let (output, resources) = (self.output(OUTPUT), self.resources());
        engine::convert_many(inputs, &output, options, &resources, &self.control).await
    }

    /// Converts the object `name` into `output`.
    pub(crate) async fn convert_to(
        &self,
        name: &str,
        output: &str,
        options: &ConvertOptions,
    ) -> Result<Receipt, Error> {
        let output = self.output(output);
        engine::convert(&self.input(name), &output, options, &self.resources(), &self.control).await
    }

    /// Asks something of the object `name`.
    pub(crate) async fn query(
        &self,
        name: &str,
        sql: &str,
        limit: u64,
        options: &ConvertOptions,
    ) -> Result<Rows, Error> {
        let (input, resources) = (self.input(name), self.resources());
        engine::query(&input, sql, limit, options, &resources, &self.control).await
    }

    /// Asks something of the object `name` and writes the answer to `output`.
    pub(crate) async fn query_into(
        &self,
        name: &str,
        sql: &str,
        output: &str,
        options: &ConvertOptions,
    ) -> Result<QueryOutput, Error> {
        let (input, output, resources) = (self.input(name), self.output(output), self.resources());
        engine::query_into(&input, sql, &output, options, &resources, &self.control).await
    }

    /// Compares the objects `a` and `b`.
    pub(crate) async fn diff(
        &self,
        [a, b]: [&str; 2],
        reading: &InspectOptions,
        options: &DiffOptions,
    ) -> Result<Diff, Error> {
        let (a, b) = (self.input(a), self.input(b));
        engine::diff([&a, &b], reading, options, &self.resources(), &self.control).await
    }

    /// Reads the first rows of the object `name`.
    pub(crate) async fn head(&self, name: &str, limit: u64) -> Result<Head, Error> {
        let options = InspectOptions::default();
        engine::head(&self.input(name), &options, limit, &self.resources(), &self.control).await
    }

    /// Finds out the columns of the object `name`.
    pub(crate) async fn columns(
        &self,
        name: &str,
        options: &InspectOptions,
    ) -> Result<InputColumns, Error> {
        engine::columns(&self.input(name), options, &self.resources(), &self.control).await
    }

    /// Asks what readers would choke on of the object `name`.
    pub(crate) async fn check(&self, name: &str, readers: &[Reader]) -> Result<Checked, Error> {
        engine::check(&self.input(name), readers, &self.resources(), &self.control).await
    }

    fn output(&self, name: &str) -> Output {
        Output { storage: Arc::clone(&self.storage), path: path(name), if_exists: self.if_exists }
    }

    /// Converts the object `name` into `output`, up to the last step.
    pub(crate) async fn prepare(&self, name: &str, output: &str) -> Prepared {
        self.prepare_with(name, output, &ConvertOptions::default()).await
    }

    /// Does the same with options.
    pub(crate) async fn prepare_with(
        &self,
        name: &str,
        output: &str,
        options: &ConvertOptions,
    ) -> Prepared {
        let (input, output) = (self.input(name), self.output(output));
        let resources = self.resources();
        let prepared = engine::prepare(&input, &output, options, &resources, &self.control);
        prepared.await.unwrap()
    }

    /// Looks at the object `name`.
    pub(crate) async fn inspect(
        &self,
        name: &str,
        options: &InspectOptions,
    ) -> Result<Inspection, Error> {
        engine::inspect(&self.input(name), options, &self.resources(), &self.control).await
    }

    /// Reads a Parquet object back.
    pub(crate) async fn table(&self, name: &str) -> Table {
        Table::read(self.get(name).await)
    }
}

/// Returns a control that watches nothing and stops nothing.
pub(crate) fn control() -> Control {
    Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None }
}

/// Cancels a run when it comes to a stage.
pub(crate) struct CancelAt {
    pub(crate) stage: Stage,
    pub(crate) cancel: Cancel,
}

impl Reporter for CancelAt {
    fn stage(&self, stage: Stage) {
        if stage == self.stage {
            self.cancel.cancel();
        }
    }

    fn progress(&self, _progress: tundra_core::Progress) {}
}

/// A conversion that succeeded.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    pub(crate) table: Table,
    pub(crate) scene: Scene,
}

/// Converts bytes that stand in a local file called `name`.
pub(crate) async fn convert(
    name: &str,
    bytes: impl Into<Bytes>,
    options: &ConvertOptions,
) -> Result<Done, Error> {
    let scene = Scene::local();
    scene.put(name, bytes).await;
    let receipt = scene.convert(name, options).await?;
    let table = scene.table(OUTPUT).await;
    let counts = receipt.counts;
    assert_eq!(counts.records, counts.skipped + counts.rejected + counts.written, "{counts:?}");
    assert_eq!(counts.written, table.rows.len() as u64);
    Ok(Done { receipt, table, scene })
}

/// Converts bytes with the default options, which must succeed.
pub(crate) async fn converted(name: &str, bytes: impl Into<Bytes>) -> Done {
    convert(name, bytes, &ConvertOptions::default()).await.unwrap()
}

/// Returns options with one hint for the delimiter.
pub(crate) fn delimited_by(delimiter: &str) -> ConvertOptions {
    let text = TextHints { delimiter: Some(delimiter.to_owned()), ..TextHints::default() };
    ConvertOptions { text, ..ConvertOptions::default() }
}

/// Returns the path that the text is.
pub(crate) fn path(text: &str) -> ObjectPath {
    text.parse().unwrap()
}

/// Returns why the column `name` of the output has its type.
pub(crate) fn reason<'a>(receipt: &'a Receipt, name: &str) -> &'a str {
    let column = receipt.plan.columns.iter().find(|column| column.name == name);
    &column.unwrap_or_else(|| panic!("there is no column `{name}`")).reason
}

/// Everything that a Parquet file holds.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    /// As [`ColumnType`] prints them.
    pub(crate) types: Vec<String>,
    /// Cell by cell, as text; a null is `None`. Timestamps with a zone are in UTC.
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) metadata: Arc<ParquetMetaData>,
}

impl Table {
    pub(crate) fn read(bytes: Bytes) -> Self {
        Self::read_with(bytes, ArrowReaderOptions::new()).unwrap()
    }

    /// Reads a file that is encrypted with this key.
    pub(crate) fn decrypted(bytes: Bytes, key: &EncryptionKey) -> Result<Self, ParquetError> {
        let key = FileDecryptionProperties::builder(key.expose().to_vec()).build()?;
        Self::read_with(bytes, ArrowReaderOptions::new().with_file_decryption_properties(key))
    }

    fn read_with(bytes: Bytes, options: ArrowReaderOptions) -> Result<Self, ParquetError> {
        let options = options.with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)?;
        let metadata = Arc::clone(builder.metadata());
        let schema = Arc::clone(builder.schema());
        let mut rows = Vec::new();
        for batch in builder.build()? {
            let batch = batch?;
            let columns: Vec<ArrayRef> = batch.columns().iter().map(without_zone).collect();
            let format = FormatOptions::default();
            let formatters: Vec<ArrayFormatter<'_>> = columns
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &format).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let cells = columns.iter().zip(&formatters).map(|(column, formatter)| {
                    column.is_valid(row).then(|| formatter.value(row).to_string())
                });
                rows.push(cells.collect());
            }
        }
        let fields = schema.fields();
        Ok(Self {
            names: fields.iter().map(|field| field.name().clone()).collect(),
            types: fields.iter().map(|field| type_name(field.data_type())).collect(),
            rows,
            metadata,
        })
    }

    /// Returns the cells of a row.
    pub(crate) fn row(&self, index: usize) -> Vec<Option<&str>> {
        self.rows[index].iter().map(Option::as_deref).collect()
    }

    /// Returns the cells of a column.
    pub(crate) fn column(&self, name: &str) -> Vec<Option<&str>> {
        let index = self.names.iter().position(|other| other == name);
        let index = index.unwrap_or_else(|| panic!("there is no column `{name}`"));
        self.rows.iter().map(|row| row[index].as_deref()).collect()
    }

    /// Returns the type of a column.
    pub(crate) fn type_of(&self, name: &str) -> &str {
        let index = self.names.iter().position(|other| other == name);
        &self.types[index.unwrap_or_else(|| panic!("there is no column `{name}`"))]
    }

    /// Returns the rows of each row group.
    pub(crate) fn row_groups(&self) -> Vec<i64> {
        self.metadata.row_groups().iter().map(|group| group.num_rows()).collect()
    }

    /// Returns a value of the key-value metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }
}

/// Names of zones other than offsets need a database of zones to be shown.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let column = column.as_primitive::<TimestampMicrosecondType>();
            Arc::new(column.clone().with_timezone_opt::<Arc<str>>(None))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            let column = column.as_primitive::<TimestampNanosecondType>();
            Arc::new(column.clone().with_timezone_opt::<Arc<str>>(None))
        }
        _ => Arc::clone(column),
    }
}

fn type_name(kind: &DataType) -> String {
    match ColumnType::from_arrow(kind) {
        Some(kind) => kind.to_string(),
        None => kind.to_string(),
    }
}
