//! One run of one behaviour: its tables, its requests, and how it fails.

use std::{error::Error as StdError, fmt::Display};

use arrow_array::{
    Array, Decimal128Array, Float64Array, Int16Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StringViewArray, UInt32Array, UInt64Array,
};
use futures::{StreamExt, future::join_all};
use uuid::Uuid;

use super::TestDatabase;
use crate::{
    connector::{
        BatchStream, ConnectorError, ExtractRequest, Extraction, Relation, Session, StreamEnd,
        TableName,
    },
    error::{Classify, ErrorKind},
};

/// The bytes of a batch where a behaviour is not about them.
const BATCH_BYTES: usize = 1 << 20;

/// A row, each value as text.
pub(super) type Row = Vec<Option<String>>;

/// One run of one behaviour.
pub(super) struct Test<'a> {
    pub(super) database: &'a dyn TestDatabase,
    behaviour: &'static str,
}

/// What was read.
pub(super) struct Read {
    pub(super) columns: Vec<String>,
    /// The rows of each partition, in the order in which they came.
    pub(super) partitions: Vec<Vec<Row>>,
    pub(super) ends: Vec<StreamEnd>,
}

impl Read {
    /// Returns all rows, sorted by their values as text.
    pub(super) fn sorted(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.partitions.iter().flatten().cloned().collect();
        rows.sort();
        rows
    }
}

impl<'a> Test<'a> {
    pub(super) fn new(database: &'a dyn TestDatabase, behaviour: &'static str) -> Self {
        Self { database, behaviour }
    }

    /// Returns a name that nothing has.
    pub(super) fn name(&self, prefix: &str) -> String {
        format!("{prefix}_{}", Uuid::new_v4().simple())
    }

    /// Makes a table with the columns `id`, `amount` and `label`, and returns its name.
    pub(super) async fn table(&self) -> String {
        let name = self.name("tundra");
        self.execute(&format!(
            "CREATE TABLE {} (id INTEGER PRIMARY KEY, amount BIGINT, label VARCHAR(200))",
            self.database.quote(&name)
        ))
        .await;
        name
    }

    /// Makes such a table with the ids from 1 to `count`, each with 7 times itself and a label.
    pub(super) async fn filled(&self, count: u64) -> String {
        let name = self.table().await;
        let numbers = self.database.numbers(count);
        self.execute(&format!(
            "INSERT INTO {} (id, amount, label) SELECT n, n * 7, 'a label of some length' \
             FROM ({numbers}) AS numbers",
            self.database.quote(&name)
        ))
        .await;
        name
    }

    /// Returns the rows that [`Test::filled`] makes, sorted as [`Read::sorted`] does.
    pub(super) fn expected(count: u64) -> Vec<Row> {
        let mut rows: Vec<Row> = (1..=count)
            .map(|id| {
                let label = "a label of some length".to_owned();
                vec![Some(id.to_string()), Some((id * 7).to_string()), Some(label)]
            })
            .collect();
        rows.sort();
        rows
    }

    pub(super) async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    pub(super) async fn session(&self) -> Box<dyn Session> {
        self.ok("open a session", self.database.connector().session().await)
    }

    /// Reads everything that the request asks for in a session of its own.
    pub(super) async fn read(&self, request: &ExtractRequest) -> Read {
        self.read_in(&mut *self.session().await, request).await
    }

    /// Reads everything that the request asks for, all partitions at once.
    pub(super) async fn read_in(
        &self,
        session: &mut dyn Session,
        request: &ExtractRequest,
    ) -> Read {
        let extraction = self.ok("prepare to read", session.extract(request).await);
        self.finish(extraction).await
    }

    /// Reads all partitions at once.
    pub(super) async fn finish(&self, mut extraction: Box<dyn Extraction>) -> Read {
        let mut streams = Vec::new();
        for partition in 0..extraction.partitions() {
            self.check("no partition is at its end before it began", {
                extraction.end(partition).is_none()
            });
            streams.push(self.ok("start a stream", extraction.stream(partition).await));
        }
        let schema = extraction.schema();
        self.same("the number of plans", &extraction.columns().len(), &schema.fields().len());
        for (plan, field) in extraction.columns().iter().zip(schema.fields()) {
            self.same("the name of a plan", &plan.name, field.name());
            self.check("every plan has a reason", !plan.reason.is_empty());
        }
        let batches = join_all(streams.into_iter().map(|stream| self.drain(stream))).await;
        for batch in batches.iter().flatten() {
            self.same("the schema of a batch", &batch.schema(), &schema);
        }
        let partitions: Vec<Vec<Row>> = batches
            .iter()
            .map(|batches| batches.iter().flat_map(|batch| self.rows(batch)).collect())
            .collect();
        let mut ends = Vec::new();
        for (partition, rows) in partitions.iter().enumerate() {
            let Some(end) = extraction.end(partition) else {
                self.fail(format!("partition {partition} was read and has no end"))
            };
            if let Some(counted) = end.server_rows {
                let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                self.same("the rows that the server counted", &counted, &read);
            }
            ends.push(end);
        }
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        Read { columns, partitions, ends }
    }

    /// Reads a stream to its end.
    pub(super) async fn drain(&self, mut stream: BatchStream) -> Vec<RecordBatch> {
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            batches.push(self.ok("read a batch", batch));
        }
        batches
    }

    /// Returns the error of a request, wherever it shows: when it is prepared, or in a stream.
    pub(super) async fn refused(&self, what: &str, request: &ExtractRequest) -> ConnectorError {
        let mut session = self.session().await;
        let mut extraction = match session.extract(request).await {
            Ok(extraction) => extraction,
            Err(error) => return error,
        };
        for partition in 0..extraction.partitions() {
            let mut stream = match extraction.stream(partition).await {
                Ok(stream) => stream,
                Err(error) => return error,
            };
            while let Some(batch) = stream.next().await {
                if let Err(error) = batch {
                    return error;
                }
            }
        }
        self.fail(format!("{what} is not refused"))
    }

    /// Fails unless the request is refused with such an error, and returns it.
    pub(super) async fn refused_as(
        &self,
        what: &str,
        kind: ErrorKind,
        request: &ExtractRequest,
    ) -> ConnectorError {
        let error = self.refused(what, request).await;
        if error.kind() != kind {
            self.fail(format!("{what} is `{}` and not `{kind}`: {}", error.kind(), chain(&error)));
        }
        error
    }

    /// Returns the values of a batch as text.
    pub(super) fn rows(&self, batch: &RecordBatch) -> Vec<Row> {
        (0..batch.num_rows())
            .map(|row| batch.columns().iter().map(|column| self.value(column, row)).collect())
            .collect()
    }

    fn value(&self, column: &dyn Array, row: usize) -> Option<String> {
        if column.is_null(row) {
            return None;
        }
        let any = column.as_any();
        macro_rules! one_of {
            ($to_text:ident: $($kind:ty),*) => {
                $(if let Some(values) = any.downcast_ref::<$kind>() {
                    return Some(values.value(row).$to_text());
                })*
            };
        }
        one_of!(to_string: Int16Array, Int32Array, Int64Array, UInt32Array, UInt64Array);
        one_of!(to_string: Float64Array);
        one_of!(to_owned: StringArray, StringViewArray);
        if let Some(values) = any.downcast_ref::<Decimal128Array>() {
            return Some(values.value_as_string(row));
        }
        self.fail(format!("a column is {}, which is no number or text", column.data_type()))
    }

    #[track_caller]
    pub(super) fn ok<T>(&self, what: &str, result: Result<T, ConnectorError>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => self.fail(format!("could not {what}: {}", chain(&error))),
        }
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, got: &T, expected: &T) {
        if got != expected {
            self.fail(format!("{what} is {got:?} and not {expected:?}"));
        }
    }

    /// Fails unless the rows are the same, and shows the first that is not.
    #[track_caller]
    pub(super) fn same_rows(&self, what: &str, got: &[Row], expected: &[Row]) {
        if let Some(at) =
            (0..got.len().max(expected.len())).find(|&at| got.get(at) != expected.get(at))
        {
            self.fail(format!(
                "{what}: there are {} rows and not {}; row {at} is {:?} and not {:?}",
                got.len(),
                expected.len(),
                got.get(at),
                expected.get(at)
            ));
        }
    }

    #[track_caller]
    pub(super) fn check(&self, what: &str, holds: bool) {
        if !holds {
            self.fail(format!("it does not hold that {what}"));
        }
    }

    #[track_caller]
    pub(super) fn fail(&self, what: impl Display) -> ! {
        panic!("connector conformance, `{}`: {what}", self.behaviour)
    }
}

/// Returns a request for a whole table.
pub(super) fn of_table(name: &str) -> ExtractRequest {
    request(Relation::Table(TableName { schema: None, name: name.to_owned() }))
}

/// Returns a request for a whole query.
pub(super) fn of_query(sql: impl Into<String>) -> ExtractRequest {
    request(Relation::Query(sql.into()))
}

fn request(relation: Relation) -> ExtractRequest {
    ExtractRequest { batch_bytes: BATCH_BYTES, ..ExtractRequest::new(relation) }
}

/// Returns an error with its causes.
pub(super) fn chain(error: &ConnectorError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Returns a row of texts.
pub(super) fn row(values: &[Option<&str>]) -> Row {
    values.iter().map(|value| value.map(ToOwned::to_owned)).collect()
}
