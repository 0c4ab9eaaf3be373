//! Rows of geometries on their way to DuckDB: in which order they are written, and as what.
//!
//! Start at [`Features::of`]. What is asked becomes a query over the rows, and where that needs to know where
//! a row is on a curve, [`Placed`] hands the place on beside its columns.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader, UInt32Array},
    datatypes::{DataType, Field, Float64Type, Schema, SchemaRef},
    error::ArrowError,
};

use crate::{
    Decision, Error, GeometryEncoding, GeometryFacts, GeometryOptions, Result,
    engine::{geo, hilbert::Curve, run::Feed, sql},
    geometry::GeometryDetails,
};

/// Rows with a column of geometries of which something is asked.
#[derive(Debug)]
pub(crate) struct Features {
    names: Vec<String>,
    /// The column of geometries, by its place.
    geometry: usize,
    /// The geometries get a type of their own: with this reference system, or with the one of longitudes and
    /// latitudes that needs not be named.
    native: Option<Option<String>>,
    along: Option<Along>,
}

/// A curve along which rows are sorted.
#[derive(Debug, Clone, Copy)]
struct Along {
    curve: Curve,
    /// The column of the boxes around the geometries, by its place.
    boxes: usize,
}

impl Features {
    /// Puts together what is asked of rows with this schema, of which all were looked at when they are to be
    /// sorted. Returns nothing when nothing is asked.
    ///
    /// # Errors
    /// Fails when the geometries cannot be written as they are to be.
    pub(crate) fn of(schema: &Schema, options: GeometryOptions) -> Result<Option<Self>> {
        if options == GeometryOptions::default() {
            return Ok(None);
        }
        let fields = schema.fields().iter().enumerate();
        let mut found = fields.filter_map(|(at, it)| Some((at, it, GeometryFacts::of(it)?)));
        let Some((geometry, field, facts)) = found.next() else {
            return Err(Error::Internal("features have no column of geometries".to_owned()));
        };
        let native = match options.encoding {
            GeometryEncoding::Native => Some(geo::native_system(field.name(), &facts)?),
            GeometryEncoding::Wkb => None,
        };
        let along = match options.hilbert {
            true => Some(Along::boxes_of(&GeometryDetails::of(field), schema)?),
            false => None,
        };
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        Ok(Some(Self { names, geometry, native, along }))
    }

    /// Returns what is told of it.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        let given = |what: &str, value: String| Decision {
            what: what.to_owned(),
            value,
            confidence: 1.0,
            reason: "given".to_owned(),
        };
        let native = self.native.as_ref().map(|_| given("geometry_type", "GEOMETRY".to_owned()));
        let order = self.along.map(|_| {
            let geometry = &self.names[self.geometry];
            given("order", format!("`{geometry}` along a Hilbert curve"))
        });
        native.into_iter().chain(order).collect()
    }

    /// Makes rows for DuckDB of the rows that were read.
    pub(crate) fn feed(&self, rows: Box<dyn RecordBatchReader + Send>) -> Feed<'static> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let native = self.native.as_ref().map(|system| (self.geometry, system.as_deref()));
        let select = sql::select_features(&names, native, self.along.is_some());
        let rows: Box<dyn RecordBatchReader + Send> = match self.along {
            Some(along) => Box::new(Placed::new(rows, along)),
            None => rows,
        };
        Feed::Selected { rows, select, sorts: self.along.is_some() }
    }
}

impl Along {
    fn boxes_of(details: &GeometryDetails, schema: &Schema) -> Result<Self> {
        let boxes = details.covering.as_deref().and_then(|name| schema.index_of(name).ok());
        let boxes = boxes
            .ok_or_else(|| Error::Internal("geometries have no column of boxes".to_owned()))?;
        // Without any box around them no row is on the curve.
        let bounds = details.bounds.as_deref().unwrap_or(&[0.0; 4]);
        let (least, greatest) = bounds.split_at(bounds.len() / 2);
        let corner = |of: &[f64]| match of {
            [x, y, ..] => Ok([*x, *y]),
            _ => Err(Error::Internal("a box has no corners".to_owned())),
        };
        Ok(Self { curve: Curve::through(corner(least)?, corner(greatest)?), boxes })
    }

    /// Returns where each row is on the curve.
    fn places(&self, batch: &RecordBatch) -> Option<UInt32Array> {
        let boxes = batch.column(self.boxes).as_struct_opt()?;
        let side = |name| boxes.column_by_name(name)?.as_primitive_opt::<Float64Type>();
        let [left, lower, right, upper] =
            [side("xmin")?, side("ymin")?, side("xmax")?, side("ymax")?];
        let places = (0..batch.num_rows()).map(|row| {
            let is_somewhere = boxes.is_valid(row) && left.is_valid(row);
            is_somewhere.then(|| {
                let least = [left.value(row), lower.value(row)];
                self.curve.place(least, [right.value(row), upper.value(row)])
            })
        });
        Some(places.collect())
    }
}

/// Rows with one more column, which says where each is on the curve.
struct Placed {
    rows: Box<dyn RecordBatchReader + Send>,
    along: Along,
    schema: SchemaRef,
}

impl Placed {
    fn new(rows: Box<dyn RecordBatchReader + Send>, along: Along) -> Self {
        let mut fields = rows.schema().fields().to_vec();
        // A name that no column has; the query knows it by its place.
        let longest = fields.iter().map(|field| field.name().len()).max().unwrap_or(0);
        fields.push(Arc::new(Field::new("x".repeat(longest + 1), DataType::UInt32, true)));
        Self { rows, along, schema: Arc::new(Schema::new(fields)) }
    }

    fn placed(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let places = self.along.places(batch).ok_or_else(|| {
            let error = Error::Internal("the boxes around geometries are none".to_owned());
            ArrowError::ExternalError(Box::new(error))
        })?;
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(places));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl Iterator for Placed {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rows.next()?;
        Some(batch.and_then(|batch| self.placed(&batch)))
    }
}

impl RecordBatchReader for Placed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
