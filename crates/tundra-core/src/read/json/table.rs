//! A JSON text as a table.

use std::{
    io::{self, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow::datatypes::SchemaRef;

use crate::{
    ColumnPlan, ConvertOptions, Decision, Error, Format, RecordsPath, TextHints,
    read::{
        chunk::{Decode, DecodeError, Split},
        json::{
            Framing, JsonDecode, JsonDecodeOptions, JsonInfer, JsonLayout, JsonObservation,
            JsonSchema, JsonSchemaOptions, JsonSplit, detect,
        },
        pipeline,
        source::TextSource,
        table::{Batches, ColumnOptions, Found, ReadContext, Table, wanted_types},
        unite::{Seen, United},
    },
};

/// A JSON text whose layout and columns are known.
#[derive(Debug)]
pub(crate) struct JsonTable {
    source: TextSource,
    context: ReadContext,
    options: ConvertOptions,
    layout: JsonLayout,
    records: Option<RecordsPath>,
    decisions: Vec<Decision>,
    columns: Vec<ColumnPlan>,
    found: Vec<Found>,
    decode: Arc<JsonDecode>,
    observed: JsonObservation,
    complete: bool,
    row_bytes: u64,
    chunk_bytes: usize,
}

/// What the records of an input become.
pub(super) struct Plan {
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) found: Vec<Found>,
    pub(super) decode: JsonDecode,
    pub(super) row_bytes: u64,
    pub(super) chunk_bytes: usize,
}

impl JsonTable {
    /// Looks at the beginning of the text. `sample` is its first bytes, and all of them when
    /// `whole`.
    ///
    /// # Errors
    /// Fails when the beginning cannot be read, when there are no records, and when an option
    /// names a column that no record has.
    pub(crate) fn open(
        source: TextSource,
        sample: &[u8],
        whole: bool,
        options: &ConvertOptions,
        context: ReadContext,
    ) -> Result<Self, Error> {
        let records = options.json.records.clone();
        let (layout, mut decisions) = find_layout(sample, options.format, records.as_ref());
        if options.json.flatten {
            decisions.push(given("flatten", "nested objects become columns".to_owned()));
        }
        let infer = infer(layout, records.as_ref(), options);
        let name = &context.name;
        let in_sample =
            |reader| JsonSplit::new(reader, layout, records.clone(), name.to_owned(), 0);
        let mut observed = observe_sample(sample, whole, in_sample, &infer, name)?;
        let mut complete = whole;
        if observed.records + observed.faulty == 0 && !whole {
            // The first record is longer than the sample.
            (observed, complete) =
                observe_first_chunk(split(&source, layout, records.clone(), name)?, &infer, name)?;
        }
        let plan = match make_plan(&observed, complete, layout, records.as_ref(), options, name) {
            // A record behind the sample may have the column.
            Err(Error::UnknownColumn { .. }) if !complete => {
                let split = split(&source, layout, records.clone(), name)?;
                observed = observe_whole(Box::new(split), infer, &context)?;
                complete = true;
                make_plan(&observed, complete, layout, records.as_ref(), options, name)?
            }
            plan => plan?,
        };
        if records.is_none() && complete {
            decisions.extend(observed.records_inside());
        }
        Ok(Self {
            source,
            options: options.clone(),
            layout,
            records,
            decisions,
            columns: plan.columns,
            found: plan.found,
            decode: Arc::new(plan.decode),
            observed,
            complete,
            row_bytes: plan.row_bytes,
            chunk_bytes: plan.chunk_bytes,
            context,
        })
    }

    fn split(&self) -> Result<JsonSplit, Error> {
        let split = split(&self.source, self.layout, self.records.clone(), &self.context.name)?;
        Ok(split.with_chunk_bytes(self.chunk_bytes))
    }
}

impl Table for JsonTable {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn hints(&self) -> TextHints {
        TextHints::default()
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.columns
    }

    fn found(&self) -> &[Found] {
        &self.found
    }

    fn schema(&self) -> SchemaRef {
        self.decode.schema()
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        let records = self.records.as_ref();
        let infer = infer(self.layout, records, &self.options);
        let observed = observe_whole(Box::new(self.split()?), infer, &self.context)?;
        let name = &self.context.name;
        let plan = make_plan(&observed, true, self.layout, records, &self.options, name)?;
        self.columns = plan.columns;
        self.found = plan.found;
        self.decode = Arc::new(plan.decode);
        self.row_bytes = plan.row_bytes;
        self.chunk_bytes = plan.chunk_bytes;
        self.observed = observed;
        self.complete = true;
        Ok(())
    }

    fn rows(&self) -> Result<Batches, Error> {
        let context = &self.context;
        let rows = pipeline::run(
            Box::new(self.split()?),
            Arc::clone(&self.decode),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        Ok(Box::new(rows))
    }

    fn take_seen(&mut self) -> Seen {
        Seen::Json { observed: Box::new(std::mem::take(&mut self.observed)) }
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        let schema = united.json_schema()?;
        self.columns = united.columns.clone();
        self.row_bytes = schema.row_bytes;
        self.chunk_bytes = schema.chunk_bytes();
        let options = JsonDecodeOptions {
            framing: Framing::of(self.layout, self.records.as_ref()),
            skip_rows: self.options.skip_rows.clone(),
            on_bad_row: self.options.on_bad_row,
        };
        self.decode = Arc::new(JsonDecode::new(schema, options));
        Ok(())
    }
}

/// Finds the layout, and says why it is that and where the records are.
fn find_layout(
    sample: &[u8],
    format: Option<Format>,
    records: Option<&RecordsPath>,
) -> (JsonLayout, Vec<Decision>) {
    let (layout, confidence, reason) = match (format, detect(sample)) {
        (Some(Format::Ndjson), _) => (JsonLayout::Ndjson, 1.0, "given"),
        (_, Some(layout)) => (layout, 0.95, "the brackets and newlines of the sample"),
        // Numbers, strings and words are records only when they are lines.
        (_, None) => (JsonLayout::Ndjson, 0.5, "the sample begins with no object and no array"),
    };
    if let Some(records) = records {
        let reason = "given; of what lies beside it only brackets and quotes are looked at";
        let reason = reason.to_owned();
        return (layout, vec![Decision { reason, ..given("records", records.to_string()) }]);
    }
    let decision = Decision {
        what: "layout".to_owned(),
        value: layout.as_str().to_owned(),
        confidence,
        reason: reason.to_owned(),
    };
    (layout, vec![decision])
}

fn given(what: &str, value: String) -> Decision {
    Decision { what: what.to_owned(), value, confidence: 1.0, reason: "given".to_owned() }
}

fn infer(layout: JsonLayout, records: Option<&RecordsPath>, options: &ConvertOptions) -> JsonInfer {
    let framing = Framing::of(layout, records);
    JsonInfer::new(framing, options.skip_rows.clone(), options.on_bad_row)
}

fn split(
    source: &TextSource,
    layout: JsonLayout,
    records: Option<RecordsPath>,
    name: &str,
) -> Result<JsonSplit, Error> {
    Ok(JsonSplit::new(source.open()?, layout, records, name.to_owned(), source.mark()))
}

/// Decides what each column becomes.
fn make_plan(
    observed: &JsonObservation,
    complete: bool,
    layout: JsonLayout,
    records: Option<&RecordsPath>,
    options: &ConvertOptions,
    name: &str,
) -> Result<Plan, Error> {
    let schema_options = JsonSchemaOptions {
        types: options.types,
        wanted: wanted_types(options)?,
        flatten: options.json.flatten,
    };
    let schema = observed.finish(&schema_options, complete);
    if schema.columns.is_empty() {
        // What the options say of columns is wrong then, too.
        ColumnOptions::new(options, &[], name)?;
        return Err(no_records(layout, records, options, name));
    }
    plan_of(schema, Framing::of(layout, records), options, name)
}

/// Decides under which names the columns of a schema are written.
pub(super) fn plan_of(
    mut schema: JsonSchema,
    framing: Framing,
    options: &ConvertOptions,
    name: &str,
) -> Result<Plan, Error> {
    let columns = name_columns(&mut schema, options, name)?;
    let found = schema.columns.iter().map(|column| column.found.clone()).collect();
    let (row_bytes, chunk_bytes) = (schema.row_bytes, schema.chunk_bytes());
    let decode_options = JsonDecodeOptions {
        framing,
        skip_rows: options.skip_rows.clone(),
        on_bad_row: options.on_bad_row,
    };
    let decode = JsonDecode::new(Arc::new(schema), decode_options);
    Ok(Plan { columns, found, decode, row_bytes, chunk_bytes })
}

/// Gives the columns of a schema the names that they have in the output.
pub(crate) fn name_columns(
    schema: &mut JsonSchema,
    options: &ConvertOptions,
    name: &str,
) -> Result<Vec<ColumnPlan>, Error> {
    let names: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
    let column_options = ColumnOptions::new(options, &names, name)?;
    let mut columns = Vec::with_capacity(names.len());
    for column in &mut schema.columns {
        let format = column_options.wanted(&column.name).and_then(|wanted| wanted.format);
        column.name = column_options.name_of(&column.name).to_owned();
        columns.push(ColumnPlan {
            name: column.name.clone(),
            source_name: column.source_name.clone(),
            column_type: column.column_type.to_string(),
            format: format.map(|format| format.to_string()),
            reason: column.reason.clone(),
        });
    }
    Ok(columns)
}

/// Returns the error of an input whose text has no record.
fn no_records(
    layout: JsonLayout,
    records: Option<&RecordsPath>,
    options: &ConvertOptions,
    name: &str,
) -> Error {
    let input = name.to_owned();
    let what = match (records, layout) {
        _ if !options.skip_rows.is_empty() => "`--skip-rows` leaves none of them".to_owned(),
        (Some(path), _) => format!("what `--records {path}` leads to is empty"),
        (None, JsonLayout::Array) => "it is an empty list".to_owned(),
        // Blanks only, and more of them than were looked at.
        (None, JsonLayout::Ndjson | JsonLayout::Concatenated) => {
            return Error::EmptyInput { input };
        }
    };
    Error::NoRecords { input, what }
}

/// Observes the whole records of a sample.
pub(super) fn observe_sample(
    sample: &[u8],
    whole: bool,
    split: impl FnOnce(Box<dyn Read + Send>) -> JsonSplit,
    infer: &JsonInfer,
    name: &str,
) -> Result<JsonObservation, Error> {
    /// What is in the last chunk of a sample is not looked at, so it should be little.
    const CHUNK_BYTES: usize = 64 << 10;
    let cut_off = Arc::new(AtomicBool::new(false));
    let reader =
        Sample { bytes: Cursor::new(sample.to_vec()), whole, cut_off: Arc::clone(&cut_off) };
    let mut split = split(Box::new(reader)).with_chunk_bytes(CHUNK_BYTES);
    let mut observed = JsonObservation::default();
    loop {
        match split.next_chunk() {
            Ok(Some(chunk)) => {
                observed.merge(infer.decode(chunk).map_err(|error| failure(error, name))?);
            }
            Ok(None) => return Ok(observed),
            Err(_) if cut_off.load(Ordering::Relaxed) => return Ok(observed),
            Err(error) => return Err(error),
        }
    }
}

/// Observes the first chunk, and says whether there is no other.
pub(super) fn observe_first_chunk(
    mut split: JsonSplit,
    infer: &JsonInfer,
    name: &str,
) -> Result<(JsonObservation, bool), Error> {
    let Some(chunk) = split.next_chunk()? else {
        return Ok((JsonObservation::default(), true));
    };
    let observed = infer.decode(chunk).map_err(|error| failure(error, name))?;
    Ok((observed, split.next_chunk()?.is_none()))
}

/// Observes every record.
pub(super) fn observe_whole(
    split: Box<JsonSplit>,
    infer: JsonInfer,
    context: &ReadContext,
) -> Result<JsonObservation, Error> {
    let parts = pipeline::run(
        split,
        Arc::new(infer),
        context.threads,
        context.cancel.clone(),
        Arc::clone(&context.reporter),
        context.total_bytes,
    )?;
    let mut observed = JsonObservation::default();
    for part in parts {
        observed.merge(part.map_err(|error| failure(error, &context.name))?);
    }
    Ok(observed)
}

fn failure(error: DecodeError, name: &str) -> Error {
    match error {
        DecodeError::Other(error) => error,
        DecodeError::Data(source) | DecodeError::Contradiction(source) => {
            Error::Data { input: name.to_owned(), source }
        }
    }
}

/// The beginning of a text, which fails where it was cut off.
struct Sample {
    bytes: Cursor<Vec<u8>>,
    whole: bool,
    cut_off: Arc<AtomicBool>,
}

impl Read for Sample {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 && !self.whole {
            self.cut_off.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, UTF_8, UTF_16LE};

    use super::*;
    use crate::{ColumnType, read::json::harness::text_source};

    /// Opens a text of which the first `sample` bytes are looked at.
    fn open(
        text: &str,
        encoding: &'static Encoding,
        sample: usize,
        options: &ConvertOptions,
    ) -> Result<JsonTable, Error> {
        let bytes = if encoding == UTF_16LE {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            text.as_bytes().to_vec()
        };
        let (source, context) = text_source(&bytes, encoding);
        let sample = &text[..sample.min(text.len())];
        JsonTable::open(source, sample.as_bytes(), sample.len() == text.len(), options, context)
    }

    fn names_and_types(table: &JsonTable) -> Vec<String> {
        let columns = table.columns().iter();
        columns.map(|column| format!("{} {}", column.name, column.column_type)).collect()
    }

    /// Returns the number of rows, or that a record contradicts the sample.
    fn rows(table: &JsonTable) -> Result<usize, String> {
        let mut rows = 0;
        for batch in table.rows().unwrap() {
            match batch {
                Ok(decoded) => rows += decoded.batch.num_rows(),
                Err(DecodeError::Contradiction(error)) => return Err(error.to_string()),
                Err(other) => panic!("{other:?}"),
            }
        }
        Ok(rows)
    }

    /// More records than are in a sample of the tests.
    fn many(record: &str) -> String {
        format!("{record}\n").repeat(20_000)
    }

    const SAMPLE: usize = 200_000;

    #[test]
    fn a_sample_decides_until_a_record_contradicts_it() {
        let good = many("{\"a\":1,\"b\":\"x\"}");
        let options = ConvertOptions::default();
        let table = open(&good, UTF_8, SAMPLE, &options).unwrap();
        assert!(!table.is_complete());
        assert_eq!(names_and_types(&table), ["a BIGINT", "b VARCHAR"]);
        assert_eq!(rows(&table), Ok(20_000));

        let text = good + "{\"a\":1.5,\"b\":\"x\",\"c\":true}\n";
        let mut table = open(&text, UTF_8, SAMPLE, &options).unwrap();
        let contradiction = rows(&table).unwrap_err();
        assert!(contradiction.starts_with("line 20001 (byte 320000, record 20001), column `a`"));
        table.infer_whole().unwrap();
        assert!(table.is_complete());
        assert_eq!(names_and_types(&table), ["a DOUBLE", "b VARCHAR", "c BOOLEAN"]);
        assert_eq!(rows(&table), Ok(20_001));
    }

    #[test]
    fn an_option_may_name_a_column_that_comes_behind_the_sample() {
        let text = many("{\"a\":1}") + "{\"late\":\"7\"}\n";
        let options = ConvertOptions {
            type_overrides: vec![("late".to_owned(), ColumnType::SmallInt)],
            column_mapping: vec![("a".to_owned(), "first".to_owned())],
            ..ConvertOptions::default()
        };
        let table = open(&text, UTF_8, 50_000, &options).unwrap();
        assert!(table.is_complete());
        assert_eq!(names_and_types(&table), ["first BIGINT", "late SMALLINT"]);
        assert_eq!(table.schema().field(0).name(), "first");
        assert_eq!(rows(&table), Ok(20_001));
        let options = ConvertOptions {
            type_overrides: vec![("nowhere".to_owned(), ColumnType::SmallInt)],
            ..ConvertOptions::default()
        };
        let error = open(&text, UTF_8, 50_000, &options).unwrap_err();
        assert!(matches!(error, Error::UnknownColumn { known, .. } if known == ["a", "late"]));
    }

    #[test]
    fn a_record_may_be_longer_than_the_sample() {
        let text = format!("{{\"items\":[{}0]}}", "1,".repeat(100_000));
        let table = open(&text, UTF_8, 1000, &ConvertOptions::default()).unwrap();
        assert!(table.is_complete());
        assert_eq!(names_and_types(&table), ["items BIGINT[]"]);
        assert_eq!(rows(&table), Ok(1));
    }

    #[test]
    fn every_layout_is_found_and_named() {
        for (text, layout) in [
            ("{\"a\":1}\n{\"a\":2}\n", "one record a line"),
            ("[{\"a\":1},{\"a\":2}]", "an array of records"),
            ("{\n\"a\":1}{\"a\":2}", "one document or several"),
            ("1\n2\n", "one record a line"),
        ] {
            let table = open(text, UTF_8, SAMPLE, &ConvertOptions::default()).unwrap();
            assert!(table.is_complete());
            assert_eq!(table.decisions()[0].value, layout);
            assert_eq!(rows(&table), Ok(2), "{text}");
        }
    }

    #[test]
    fn other_encodings_are_read_too() {
        let text = many("{\"a\":\"é你𝄞\"}");
        let table = open(&text, UTF_16LE, 15_000, &ConvertOptions::default()).unwrap();
        assert_eq!(rows(&table), Ok(20_000));
    }

    #[test]
    fn an_array_without_elements_has_no_records() {
        for text in ["[]", " [ ] \n"] {
            let error = open(text, UTF_8, SAMPLE, &ConvertOptions::default()).unwrap_err();
            assert!(matches!(error, Error::NoRecords { .. }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_sample_is_reported_at_once() {
        for text in [many("{\"a\":1}") + "{\"a\":", "{\"a\":1}\n{\"a\":tru}\n".to_owned()] {
            let whole = text.len();
            let error = open(&text, UTF_8, whole, &ConvertOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Data { .. }), "{error}");
        }
        // Where the sample is cut off, nothing is wrong.
        let text = many("{\"a\":1}");
        for sample in [65_536, 65_537, 70_000, 70_003] {
            assert!(open(&text, UTF_8, sample, &ConvertOptions::default()).is_ok());
        }
    }
}
