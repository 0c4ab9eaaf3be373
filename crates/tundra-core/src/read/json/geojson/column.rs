//! The columns of geometries while records are read into them.
//!
//! Start at [`Geometries`]: the geometries themselves, the box around each, and where that is needed the
//! text that they are written as.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, PrimitiveArray, StringViewBuilder, StructArray,
        builder::NullBufferBuilder,
    },
    buffer::{NullBuffer, ScalarBuffer},
    datatypes::Float64Type,
    error::ArrowError,
};
use arrow_schema::{DataType, Field, Fields};

use super::{
    facts::{Bounds, Kinds, Traits},
    geometry::{Geometry, Place},
};
use crate::{ColumnType, read::json::fault::Parsed};

/// The names of the sides of a box, and of each its axis and whether it is the greatest coordinate. There
/// are no heights: the validator of those who write the standard wants these four and no other.
pub(crate) const SIDES: [(&str, usize, bool); 4] =
    [("xmin", 0, false), ("ymin", 1, false), ("xmax", 0, true), ("ymax", 1, true)];

/// What is known of the geometries of a column before they are read. What a geometry has beyond it
/// contradicts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct GeometryShape {
    /// The kinds that there are.
    pub(crate) kinds: Kinds,
    /// What else they have.
    pub(crate) traits: Traits,
}

/// Columns of geometries that are being filled.
#[derive(Debug)]
pub(crate) struct Geometries {
    shape: GeometryShape,
    /// The geometry that was read last.
    geometry: Geometry,
    values: BinaryViewBuilder,
    nulls: NullBufferBuilder,
    sides: Vec<Side>,
    written: Option<StringViewBuilder>,
}

/// A side of the boxes.
#[derive(Debug)]
struct Side {
    axis: usize,
    is_greatest: bool,
    values: Vec<f64>,
    nulls: NullBufferBuilder,
}

impl GeometryShape {
    /// Returns whether the text of some geometries is kept, because they hold more than Well-Known Binary
    /// has a place for.
    pub(crate) fn keeps_text(self) -> bool {
        self.traits.members
    }

    /// Returns what of a geometry that was read this does not allow, if there is something.
    fn contradiction(self, geometry: &Geometry) -> Option<&'static str> {
        let Traits { members, crs, rounded, reversed: _ } = geometry.traits;
        if !self.kinds.has(geometry.kinds) {
            Some("is of a kind that was not among those looked at first")
        } else if members && !self.traits.members || crs && !self.traits.crs {
            Some("has members beside its coordinates, and none of those looked at first has")
        } else if rounded && !self.traits.rounded {
            Some("has a coordinate with more digits than a double holds")
        } else {
            None
        }
    }
}

impl Geometries {
    /// Makes columns for about `rows` rows.
    pub(crate) fn new(shape: GeometryShape, rows: usize) -> Self {
        let side = |(_, axis, is_greatest): &(&str, usize, bool)| Side {
            axis: *axis,
            is_greatest: *is_greatest,
            values: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        };
        Self {
            shape,
            geometry: Geometry::default(),
            values: BinaryViewBuilder::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            sides: SIDES.iter().map(side).collect(),
            written: shape.keeps_text().then(StringViewBuilder::new),
        }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Reads the geometry at `at` into a row, and returns where it ends; or why it contradicts what is known,
    /// and then there is no row.
    pub(crate) fn read(
        &mut self,
        place: Place<'_>,
        at: usize,
        depth: usize,
    ) -> Parsed<Result<usize, &'static str>> {
        let end = self.geometry.read(place, at, depth)?;
        if let Some(why) = self.shape.contradiction(&self.geometry) {
            return Ok(Err(why));
        }
        self.values.append_value(&self.geometry.wkb);
        self.nulls.append_non_null();
        let bounds = &self.geometry.bounds;
        self.sides.iter_mut().for_each(|side| side.push(bounds));
        if let Some(written) = &mut self.written {
            written.append_option(self.geometry.traits.members.then(|| &place.text[at..end]));
        }
        Ok(Ok(end))
    }

    /// Appends nulls.
    pub(crate) fn push_nulls(&mut self, count: usize) {
        self.nulls.append_n_nulls(count);
        for _ in 0..count {
            self.values.append_null();
            if let Some(written) = &mut self.written {
                written.append_null();
            }
        }
        for side in &mut self.sides {
            side.values.resize(side.values.len() + count, 0.0);
            side.nulls.append_n_nulls(count);
        }
    }

    /// Appends the arrays: the geometries, the boxes around them, and their texts where those are kept.
    pub(crate) fn finish<'a>(
        mut self,
        types: &mut impl Iterator<Item = &'a DataType>,
        columns: &mut Vec<ArrayRef>,
    ) -> Result<(), ArrowError> {
        let rows = self.len();
        let nulls: Option<NullBuffer> = self.nulls.finish();
        let fields: Fields = SIDES
            .iter()
            .map(|(name, ..)| Field::new(*name, ColumnType::Double.to_arrow(), true))
            .collect();
        let sides = self.sides.into_iter().map(Side::finish).collect();
        let boxes = StructArray::try_new_with_length(fields, sides, nulls, rows)?;
        columns.push(Arc::new(self.values.finish()));
        columns.push(Arc::new(boxes));
        let texts = self.written.map(|mut written| Arc::new(written.finish()) as ArrayRef);
        columns.extend(texts);
        for _ in 0..2 + usize::from(self.shape.keeps_text()) {
            types.next();
        }
        Ok(())
    }
}

impl Side {
    /// Appends the side of a box. That around nothing has none.
    #[inline]
    fn push(&mut self, bounds: &Bounds) {
        match bounds.of(self.axis) {
            Some((least, greatest)) => {
                self.values.push(if self.is_greatest { greatest } else { least });
                self.nulls.append_non_null();
            }
            None => {
                self.values.push(0.0);
                self.nulls.append_null();
            }
        }
    }

    fn finish(mut self) -> ArrayRef {
        let values = ScalarBuffer::from(self.values);
        Arc::new(PrimitiveArray::<Float64Type>::new(values, self.nulls.finish()))
    }
}
