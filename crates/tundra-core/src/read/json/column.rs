//! The columns of a batch while records are read into them.
//!
//! Start at [`Column`]. It only keeps values; reading them is the decoder's part. Rows that a
//! record does not mention are filled in late, when a later record does or at the end.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        ArrayRef, ArrowPrimitiveType, BooleanArray, Decimal128Array, ListArray, PrimitiveArray,
        StringViewBuilder, StructArray,
        builder::{ArrayBuilder, BooleanBufferBuilder, NullBufferBuilder},
        new_null_array,
        types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type},
    },
    buffer::{OffsetBuffer, ScalarBuffer},
    datatypes::ArrowNativeType,
    error::ArrowError,
};
use arrow_schema::{DataType, Fields};

use crate::read::json::{
    forced::ForcedColumn,
    geojson::Geometries,
    schema::{Entry, JsonColumn, Slot},
    shape::{Member, Shape},
};

/// A column that is being filled.
#[derive(Debug)]
pub(super) enum Column {
    Null(usize),
    Boolean(Booleans),
    BigInt(Numbers<i64>),
    UBigInt(Numbers<u64>),
    Decimal {
        values: Numbers<i128>,
        precision: u8,
        scale: u8,
    },
    Double(Numbers<f64>),
    Date(Numbers<i32>),
    Timestamp(Numbers<i64>),
    TimestampTz(Numbers<i64>),
    Text {
        values: StringViewBuilder,
        kind: TextKind,
    },
    List(Box<Lists>),
    Struct(Box<Structs>),
    Forced(Box<ForcedColumn>),
    /// Geometries, and the columns that are made of them.
    Geometry(Box<Geometries>),
    /// The member of features that says that they are features. It is only checked, and no column.
    FeatureType(usize),
}

/// What a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Strings.
    Strings,
    /// Numbers as they are written.
    Numbers,
    /// Everything but objects and arrays.
    Scalars,
    /// Everything as it is written.
    Json,
    /// Empty objects.
    EmptyObjects,
}

#[derive(Debug)]
pub(super) struct Numbers<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
pub(super) struct Booleans {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
pub(super) struct Lists {
    pub(super) items: Column,
    /// The number of items behind each list, and 0 in front.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
pub(super) struct Structs {
    pub(super) fields: Vec<FieldColumn>,
    /// What the fields are of.
    pub(super) level: Level,
    index: HashMap<Box<str>, usize>,
    /// For each field, the one that followed it the last time.
    next: Vec<usize>,
    rows: usize,
    nulls: NullBufferBuilder,
}

/// Which objects these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The records, whose fields are columns.
    Records,
    /// Objects in them whose fields are columns too; the number of the group.
    Group(usize),
    /// Objects that are values of a column.
    Values,
}

/// A column with the name that it has in the input.
#[derive(Debug)]
pub(super) struct FieldColumn {
    pub(super) name: Box<str>,
    /// What a value of it is a value of, when that is not what the object is one of.
    pub(super) target: Option<Target>,
    key: Key,
    /// The rows that the column has.
    pub(super) rows: usize,
    pub(super) column: Column,
}

/// What a value is a value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The column of this number.
    Column(usize),
    /// The objects of this number whose fields are columns.
    Group(usize),
}

/// A name in quotes and the colon behind it, as it is nearly always written.
#[derive(Debug)]
struct Key {
    written: Box<[u8]>,
    /// The first 16 bytes, and which of them count.
    head: u128,
    mask: u128,
}

impl<T: ArrowNativeType> Numbers<T> {
    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub(super) fn push(&mut self, value: T) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    fn push_nulls(&mut self, count: usize) {
        self.values.resize(self.values.len() + count, T::default());
        self.nulls.append_n_nulls(count);
    }

    fn finish<P: ArrowPrimitiveType<Native = T>>(mut self) -> PrimitiveArray<P> {
        PrimitiveArray::new(ScalarBuffer::from(self.values), self.nulls.finish())
    }
}

impl Booleans {
    #[inline]
    pub(super) fn push(&mut self, value: bool) {
        self.values.append(value);
        self.nulls.append_non_null();
    }
}

impl Lists {
    /// Ends the list that was begun with the items since the last one.
    pub(super) fn push(&mut self) {
        self.close();
        self.nulls.append_non_null();
    }

    fn push_nulls(&mut self, count: usize) {
        for _ in 0..count {
            self.close();
        }
        self.nulls.append_n_nulls(count);
    }

    fn close(&mut self) {
        // A record is shorter than 1 GiB, and an item takes two bytes of it.
        self.offsets.push(i32::try_from(self.items.len()).unwrap_or(i32::MAX));
    }
}

impl Structs {
    /// Makes columns for these members of values.
    fn new(members: &[Member], rows: usize) -> Self {
        let fields = members
            .iter()
            .map(|member| FieldColumn::new(&member.source, None, Column::new(&member.shape, rows)));
        Self::of(fields.collect(), Level::Values, rows)
    }

    /// Makes columns for the fields of records, or of objects in them whose fields are columns too.
    pub(super) fn of_entries(
        entries: &[Entry],
        level: Level,
        columns: &[JsonColumn],
        rows: usize,
    ) -> Self {
        let fields = entries.iter().map(|entry| {
            let (target, column) = match &entry.slot {
                Slot::Column(index) => {
                    let shape = columns.get(*index).map_or(&Shape::Null, |column| &column.shape);
                    (Target::Column(*index), Column::new(shape, rows))
                }
                // No column has this number.
                Slot::FeatureType => (Target::Column(usize::MAX), Column::FeatureType(0)),
                Slot::Group { number, entries } => {
                    let level = Level::Group(*number);
                    let group = Self::of_entries(entries, level, columns, rows);
                    (Target::Group(*number), Column::Struct(Box::new(group)))
                }
            };
            FieldColumn::new(&entry.source, Some(target), column)
        });
        Self::of(fields.collect(), level, rows)
    }

    fn of(fields: Vec<FieldColumn>, level: Level, rows: usize) -> Self {
        Self {
            index: fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect(),
            next: (1..=fields.len()).collect(),
            fields,
            level,
            rows: 0,
            nulls: NullBufferBuilder::new(rows),
        }
    }

    /// Begins a row.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.rows += 1;
        self.nulls.append_non_null();
    }

    /// Returns the number of rows, the one that was begun included.
    #[inline]
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the field whose key stands at `at` the way it is nearly always written, and the
    /// offset behind its colon. `previous` is the field in front of it.
    #[inline]
    pub(super) fn expect(
        &self,
        bytes: &[u8],
        at: usize,
        previous: Option<usize>,
    ) -> Option<(usize, usize)> {
        let likely = match previous {
            Some(previous) => self.next[previous],
            None => 0,
        };
        if let Some(behind) = self.fields.get(likely).and_then(|field| field.key.read(bytes, at)) {
            return Some((likely, behind));
        }
        // A field or two that are left out are the likeliest reason for another one to stand here.
        const LEFT_OUT: usize = 3;
        let start = previous.map_or(0, |previous| previous + 1);
        let end = self.fields.len().min(start + LEFT_OUT);
        let mut candidates = (start..end).filter(|index| *index != likely);
        candidates.find_map(|index| Some((index, self.fields[index].key.read(bytes, at)?)))
    }

    /// Returns the field of this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Remembers that one field followed another.
    pub(super) fn learn(&mut self, previous: Option<usize>, index: usize) {
        if let Some(previous) = previous {
            self.next[previous] = index;
        }
    }

    fn push_nulls(&mut self, count: usize) {
        self.rows += count;
        self.nulls.append_n_nulls(count);
    }

    /// Makes the columns equally long and appends them, those of objects whose fields are columns
    /// in their place. A field of an object that is not there is null.
    pub(super) fn finish_columns<'a>(
        self,
        types: &mut impl Iterator<Item = &'a DataType>,
        columns: &mut Vec<ArrayRef>,
    ) -> Result<(), ArrowError> {
        let rows = self.rows;
        for mut field in self.fields {
            field.column.push_nulls(rows.saturating_sub(field.rows));
            match field.column {
                Column::Struct(structs) if matches!(structs.level, Level::Group(_)) => {
                    structs.finish_columns(types, columns)?;
                }
                Column::Geometry(geometries) => geometries.finish(types, columns)?,
                Column::FeatureType(_) => {}
                column => {
                    let Some(kind) = types.next() else { return Err(unlike(&DataType::Null)) };
                    columns.push(column.finish(kind)?);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, fields: &Fields) -> Result<StructArray, ArrowError> {
        let nulls = self.nulls.finish();
        let rows = self.rows;
        let mut columns = Vec::with_capacity(fields.len());
        self.finish_columns(&mut fields.iter().map(|field| field.data_type()), &mut columns)?;
        StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)
    }
}

impl FieldColumn {
    fn new(name: &str, target: Option<Target>, column: Column) -> Self {
        Self { name: name.into(), target, key: Key::new(name), rows: 0, column }
    }

    /// Fills the column up to `rows` rows.
    #[inline]
    pub(super) fn fill(&mut self, rows: usize) {
        if self.rows < rows {
            self.column.push_nulls(rows - self.rows);
            self.rows = rows;
        }
    }
}

impl Key {
    fn new(name: &str) -> Self {
        // A name with one of these is not written as it is.
        if name.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            return Self { written: Box::default(), head: 1, mask: 0 };
        }
        let written = format!("\"{name}\":").into_bytes().into_boxed_slice();
        let mut head = [0; 16];
        let length = written.len().min(16);
        head[..length].copy_from_slice(&written[..length]);
        let mask = u128::MAX.checked_shr(128 - 8 * length as u32).unwrap_or(0);
        Self { written, head: u128::from_le_bytes(head), mask }
    }

    /// Returns the offset behind it when it stands at `at`.
    #[inline(always)]
    fn read(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let window: [u8; 16] = bytes[at..at + 16].try_into().unwrap_or([0; 16]);
        if u128::from_le_bytes(window) & self.mask != self.head {
            return None;
        }
        if self.written.len() > 16 && !bytes[at + 16..].starts_with(&self.written[16..]) {
            return None;
        }
        Some(at + self.written.len())
    }
}

impl Column {
    /// Makes a column for about `rows` rows.
    pub(super) fn new(shape: &Shape, rows: usize) -> Self {
        let text = |kind| Self::Text { values: StringViewBuilder::with_capacity(rows), kind };
        match shape {
            Shape::Null => Self::Null(0),
            Shape::Boolean => Self::Boolean(Booleans {
                values: BooleanBufferBuilder::new(rows),
                nulls: NullBufferBuilder::new(rows),
            }),
            Shape::BigInt => Self::BigInt(Numbers::with_capacity(rows)),
            Shape::UBigInt => Self::UBigInt(Numbers::with_capacity(rows)),
            Shape::Decimal { precision, scale } => Self::Decimal {
                values: Numbers::with_capacity(rows),
                precision: *precision,
                scale: *scale,
            },
            Shape::Double => Self::Double(Numbers::with_capacity(rows)),
            Shape::Date => Self::Date(Numbers::with_capacity(rows)),
            Shape::Timestamp => Self::Timestamp(Numbers::with_capacity(rows)),
            Shape::TimestampTz => Self::TimestampTz(Numbers::with_capacity(rows)),
            Shape::Number => text(TextKind::Numbers),
            Shape::Text => text(TextKind::Strings),
            Shape::Scalar => text(TextKind::Scalars),
            Shape::Json => text(TextKind::Json),
            Shape::EmptyObject => text(TextKind::EmptyObjects),
            Shape::List(items) => {
                let mut offsets = Vec::with_capacity(rows + 1);
                offsets.push(0);
                let items = Self::new(items, rows);
                Self::List(Box::new(Lists { items, offsets, nulls: NullBufferBuilder::new(rows) }))
            }
            Shape::Struct(members) => Self::Struct(Box::new(Structs::new(members, rows))),
            Shape::Geometry(shape) => Self::Geometry(Box::new(Geometries::new(*shape, rows))),
            Shape::Forced(wanted) => Self::Forced(Box::new(ForcedColumn::new(wanted, rows))),
        }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Null(rows) | Self::FeatureType(rows) => *rows,
            Self::Boolean(values) => values.values.len(),
            Self::BigInt(values) | Self::Timestamp(values) | Self::TimestampTz(values) => {
                values.values.len()
            }
            Self::UBigInt(values) => values.values.len(),
            Self::Decimal { values, .. } => values.values.len(),
            Self::Double(values) => values.values.len(),
            Self::Date(values) => values.values.len(),
            Self::Text { values, .. } => values.len(),
            Self::List(lists) => lists.offsets.len() - 1,
            Self::Struct(structs) => structs.rows,
            Self::Forced(forced) => forced.len(),
            Self::Geometry(geometries) => geometries.len(),
        }
    }

    /// Appends nulls.
    pub(super) fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Null(rows) | Self::FeatureType(rows) => *rows += count,
            Self::Boolean(values) => {
                values.values.append_n(count, false);
                values.nulls.append_n_nulls(count);
            }
            Self::BigInt(values) | Self::Timestamp(values) | Self::TimestampTz(values) => {
                values.push_nulls(count);
            }
            Self::UBigInt(values) => values.push_nulls(count),
            Self::Decimal { values, .. } => values.push_nulls(count),
            Self::Double(values) => values.push_nulls(count),
            Self::Date(values) => values.push_nulls(count),
            Self::Text { values, .. } => (0..count).for_each(|_| values.append_null()),
            Self::List(lists) => lists.push_nulls(count),
            Self::Struct(structs) => structs.push_nulls(count),
            Self::Forced(forced) => forced.push_nulls(count),
            Self::Geometry(geometries) => geometries.push_nulls(count),
        }
    }

    /// Returns the array, which is of this type.
    pub(super) fn finish(self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Null(rows) => new_null_array(kind, rows),
            Self::Boolean(Booleans { mut values, mut nulls }) => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
            Self::BigInt(values) => Arc::new(values.finish::<Int64Type>()),
            Self::UBigInt(values) => Arc::new(values.finish::<UInt64Type>()),
            Self::Decimal { values, precision, scale } => {
                let array: Decimal128Array = values.finish();
                Arc::new(array.with_precision_and_scale(precision, scale.cast_signed())?)
            }
            Self::Double(values) => Arc::new(values.finish::<Float64Type>()),
            Self::Date(values) => Arc::new(values.finish::<Date32Type>()),
            Self::Timestamp(values) => Arc::new(values.finish::<TimestampMicrosecondType>()),
            Self::TimestampTz(values) => {
                Arc::new(values.finish::<TimestampMicrosecondType>().with_timezone("UTC"))
            }
            Self::Text { mut values, .. } => Arc::new(values.finish()),
            Self::List(lists) => {
                let DataType::List(field) = kind else { return Err(unlike(kind)) };
                let Lists { items, offsets, mut nulls } = *lists;
                let items = items.finish(field.data_type())?;
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, nulls.finish())?)
            }
            Self::Struct(structs) => {
                let DataType::Struct(fields) = kind else { return Err(unlike(kind)) };
                Arc::new(structs.finish(fields)?)
            }
            Self::Forced(forced) => forced.finish(kind)?,
            // Those are no array, or more than one, and stand where columns do.
            Self::Geometry(_) | Self::FeatureType(_) => return Err(unlike(kind)),
        })
    }
}

fn unlike(kind: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a column is not of its type {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_only_themselves() {
        let names = [
            "",
            "a",
            "thirteen_char",
            "fourteen_chars",
            "fifteen_charact",
            "a_name_longer_than_16",
        ];
        for name in names {
            let key = Key::new(name);
            for other in names {
                let text = format!("\"{other}\":1{}", "\0".repeat(64));
                let expected = (name == other).then_some(name.len() + 3);
                assert_eq!(key.read(text.as_bytes(), 0), expected, "{name} {other}");
            }
        }
        let bytes = [b"\"a\\\"b\":1".as_slice(), &[0; 64]].concat();
        assert_eq!(Key::new("a\"b").read(&bytes, 0), None, "it is not written like this");
    }
}
