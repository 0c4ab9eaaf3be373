//! A GeoJSON text as a table.

use std::{io::Read, sync::Arc};

use arrow::datatypes::SchemaRef;

use super::{
    Content,
    collection::{Members, Surroundings},
    layout::Form,
    schema::{finish, schema_options},
    sequence::Separators,
};
use crate::{
    ColumnPlan, ConvertOptions, DataCode, DataError, Decision, Error, TextHints,
    read::{
        chunk::{DecodeError, Decoded},
        json::{
            Framing, JsonDecode, JsonDecodeOptions, JsonInfer, JsonObservation, JsonSchema,
            JsonSplit,
            table::{Plan, observe_first_chunk, observe_sample, observe_whole, plan_of},
        },
        pipeline,
        source::TextSource,
        table::{Batches, Found, ReadContext, Table},
        unite::{Seen, United},
    },
};

/// A GeoJSON text whose layout and columns are known.
#[derive(Debug)]
pub(crate) struct GeoJsonTable {
    source: TextSource,
    context: ReadContext,
    options: ConvertOptions,
    form: Form,
    surroundings: Surroundings,
    decisions: Vec<Decision>,
    columns: Vec<ColumnPlan>,
    found: Vec<Found>,
    decode: Arc<JsonDecode>,
    observed: JsonObservation,
    complete: bool,
    row_bytes: u64,
    chunk_bytes: usize,
}

impl GeoJsonTable {
    /// Looks at the beginning of the text. `sample` is its first bytes, and all of them when
    /// `whole`.
    ///
    /// # Errors
    /// Fails when the beginning cannot be read, when there are no features, when it is not understood where
    /// the coordinates are, and when an option names a column that no feature has.
    pub(crate) fn open(
        source: TextSource,
        sample: &[u8],
        whole: bool,
        options: &ConvertOptions,
        context: ReadContext,
    ) -> Result<Self, Error> {
        let form = Form::of(sample);
        let infer = infer(&form, options);
        let name = &context.name;
        let mut members = Members::default();
        let in_sample = |reader| split_of(reader, &form, &members, name, 0);
        let mut observed = observe_sample(sample, whole, in_sample, &infer, name)?;
        let mut complete = whole;
        if observed.records + observed.faulty == 0 && !whole {
            // The first feature is longer than the sample, or stands behind it.
            members = Members::default();
            let split = split(&source, &form, &members, name)?;
            (observed, complete) = observe_first_chunk(split, &infer, name)?;
        }
        let mut surroundings = members.surroundings(name)?;
        let plan = match make_plan(&observed, complete, &form, &surroundings, options, name) {
            // A feature behind the sample may have the column.
            Err(Error::UnknownColumn { .. }) if !complete => {
                members = Members::default();
                let split = split(&source, &form, &members, name)?;
                observed = observe_whole(Box::new(split), infer, &context)?;
                complete = true;
                surroundings = members.surroundings(name)?;
                make_plan(&observed, complete, &form, &surroundings, options, name)?
            }
            plan => plan?,
        };
        let mut table = Self {
            source,
            options: options.clone(),
            form,
            surroundings,
            decisions: Vec::new(),
            columns: plan.columns,
            found: plan.found,
            decode: Arc::new(plan.decode),
            observed,
            complete,
            row_bytes: plan.row_bytes,
            chunk_bytes: plan.chunk_bytes,
            context,
        };
        table.decide();
        Ok(table)
    }

    /// Tells how the text is laid out and what stands around the features.
    fn decide(&mut self) {
        let decision = |what: &str, value: String, confidence, reason: &str| Decision {
            what: what.to_owned(),
            value,
            confidence,
            reason: reason.to_owned(),
        };
        let mut decisions = Vec::new();
        if self.options.format.is_none() {
            let reason = "by its name, or because it begins with features; `--format json` reads it as \
                          plain JSON";
            decisions.push(decision("format", "geojson".to_owned(), 0.95, reason));
        }
        let reason = "the types at the beginning of the text";
        decisions.push(decision("layout", self.form.describe(), 0.95, reason));
        if self.options.json.flatten {
            let value = "nested objects become columns".to_owned();
            decisions.push(decision("flatten", value, 1.0, "given"));
        }
        decisions.extend(self.surroundings.decisions());
        self.decisions = decisions;
    }

    fn split(&self, members: &Members) -> Result<JsonSplit, Error> {
        let split = split(&self.source, &self.form, members, &self.context.name)?;
        Ok(split.with_chunk_bytes(self.chunk_bytes))
    }
}

impl Table for GeoJsonTable {
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
        let members = Members::default();
        let infer = infer(&self.form, &self.options);
        let observed = observe_whole(Box::new(self.split(&members)?), infer, &self.context)?;
        let name = &self.context.name;
        let surroundings = members.surroundings(name)?;
        let plan = make_plan(&observed, true, &self.form, &surroundings, &self.options, name)?;
        self.surroundings = surroundings;
        self.columns = plan.columns;
        self.found = plan.found;
        self.decode = Arc::new(plan.decode);
        self.row_bytes = plan.row_bytes;
        self.chunk_bytes = plan.chunk_bytes;
        self.observed = observed;
        self.complete = true;
        self.decide();
        Ok(())
    }

    fn rows(&self) -> Result<Batches, Error> {
        let context = &self.context;
        let members = Members::default();
        let batches = pipeline::run(
            Box::new(self.split(&members)?),
            Arc::clone(&self.decode),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        Ok(Box::new(Rows {
            batches: Box::new(batches),
            members,
            known: self.surroundings.clone(),
            name: context.name.clone(),
            ended: false,
        }))
    }

    fn take_seen(&mut self) -> Seen {
        Seen::Geo {
            features: FeaturesSeen {
                content: self.form.content,
                surroundings: self.surroundings.clone(),
            },
            observed: Box::new(std::mem::take(&mut self.observed)),
        }
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        let schema = united.json_schema()?;
        self.columns = united.columns.clone();
        self.row_bytes = schema.row_bytes;
        self.chunk_bytes = schema.chunk_bytes();
        let options = JsonDecodeOptions {
            framing: Framing::of(self.form.layout, self.form.path.as_ref()),
            skip_rows: self.options.skip_rows.clone(),
            on_bad_row: self.options.on_bad_row,
        };
        self.decode = Arc::new(JsonDecode::new(schema, options));
        Ok(())
    }
}

/// What tells features of one sort from those of another.
#[derive(Debug, Clone)]
pub(crate) struct FeaturesSeen {
    content: Content,
    surroundings: Surroundings,
}

impl FeaturesSeen {
    /// Returns whether they can be in one table: they are of one sort, and where their coordinates are is said
    /// alike.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.content == other.content && self.surroundings.is_alike(&other.surroundings)
    }

    /// Decides what each column becomes.
    ///
    /// # Errors
    /// As [`GeoJsonTable::open`].
    pub(crate) fn schema(
        &self,
        observed: &JsonObservation,
        options: &ConvertOptions,
        complete: bool,
    ) -> Result<JsonSchema, Error> {
        finish(observed, self.content, &self.surroundings, &schema_options(options)?, complete)
    }
}

/// The rows, and at their end whether something stands behind the features that was not known.
struct Rows {
    batches: Batches,
    members: Members,
    known: Surroundings,
    name: String,
    ended: bool,
}

impl Iterator for Rows {
    type Item = Result<Decoded, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(batch) = self.batches.next() {
            // A failure is the end.
            self.ended |= batch.is_err();
            return Some(batch);
        }
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        match self.members.surroundings(&self.name) {
            Ok(found) if found == self.known => None,
            // What is known goes into the output before the first row, so it is read again.
            Ok(_) => Some(Err(DecodeError::Contradiction(Box::new(DataError {
                code: DataCode::BadDocument,
                record: 0,
                line: 0,
                byte: 0,
                column: None,
                text: String::new(),
                message: "members of the collection stand behind the features".to_owned(),
            })))),
            Err(error) => Some(Err(DecodeError::Other(error))),
        }
    }
}

fn infer(form: &Form, options: &ConvertOptions) -> JsonInfer {
    let framing = Framing::of(form.layout, form.path.as_ref());
    JsonInfer::new(framing, options.skip_rows.clone(), options.on_bad_row)
        .with_content(form.content)
}

fn split(
    source: &TextSource,
    form: &Form,
    members: &Members,
    name: &str,
) -> Result<JsonSplit, Error> {
    Ok(split_of(Box::new(source.open()?), form, members, name, source.mark()))
}

fn split_of(
    reader: Box<dyn Read + Send>,
    form: &Form,
    members: &Members,
    name: &str,
    byte: u64,
) -> JsonSplit {
    let reader = if form.is_sequence { Box::new(Separators::new(reader)) } else { reader };
    JsonSplit::new(reader, form.layout, form.path.clone(), name.to_owned(), byte)
        .with_members(members.clone())
}

/// Decides what each column becomes.
fn make_plan(
    observed: &JsonObservation,
    complete: bool,
    form: &Form,
    surroundings: &Surroundings,
    options: &ConvertOptions,
    name: &str,
) -> Result<Plan, Error> {
    if observed.records + observed.faulty == 0 {
        let what = match (form.content, &form.path) {
            _ if !options.skip_rows.is_empty() => "`--skip-rows` leaves none of them",
            (Content::Geometries, _) => "it has no geometries",
            (_, Some(_)) => "its collection has no features",
            _ => "it has no features",
        };
        return Err(Error::NoRecords { input: name.to_owned(), what: what.to_owned() });
    }
    let wanted = schema_options(options)?;
    let schema = finish(observed, form.content, surroundings, &wanted, complete)?;
    plan_of(schema, Framing::of(form.layout, form.path.as_ref()), options, name)
}
