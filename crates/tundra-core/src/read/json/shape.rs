//! What values are read as.

use crate::{
    ColumnType,
    read::{json::geojson::GeometryShape, names::unique_names},
    value::{
        asked::{Asked, Manner},
        format::ValueFormat,
    },
};

/// How the values of one place in the records are read.
///
/// It knows more than a [`ColumnType`]: which values it stands for when it is text, and how names
/// are written in the input. A value that does not fit is a contradiction, so that a schema made
/// from a sample never holds what one made from the whole input would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nulls only.
    Null,
    Boolean,
    BigInt,
    UBigInt,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Double,
    /// Numbers, kept as they are written.
    Number,
    Date,
    Timestamp,
    TimestampTz,
    /// Strings.
    Text,
    /// Everything but objects and arrays, as text without quotes.
    Scalar,
    /// Everything, as it is written.
    Json,
    /// Objects without fields, as they are written: there is no empty STRUCT in Parquet.
    EmptyObject,
    List(Box<Self>),
    Struct(Vec<Member>),
    /// Geometries of GeoJSON, as Well-Known Binary. The boxes around them are another column.
    Geometry(GeometryShape),
    /// What was asked for; no list and no struct.
    Forced(Forced),
}

/// A type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forced {
    pub(super) kind: ColumnType,
    /// How values are written, if that was said.
    pub(super) format: Option<ValueFormat>,
    /// A value must keep every digit, and its meaning.
    pub(super) exact: bool,
}

impl Forced {
    /// Returns how values are read.
    pub(super) fn asked(&self) -> Asked<'_> {
        let manner = if self.exact { Manner::Exact } else { Manner::Free };
        Asked { kind: &self.kind, format: self.format, manner }
    }
}

/// A field of a [`Shape::Struct`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The name in the input.
    pub(super) source: String,
    /// The name in the output.
    pub(super) name: String,
    pub(super) shape: Shape,
}

impl Shape {
    /// Returns the type in the output.
    pub(super) fn column_type(&self) -> ColumnType {
        match self {
            Self::Null | Self::Number | Self::Text | Self::Scalar => ColumnType::Varchar,
            Self::Boolean => ColumnType::Boolean,
            Self::BigInt => ColumnType::BigInt,
            Self::UBigInt => ColumnType::UBigInt,
            Self::Decimal { precision, scale } => {
                ColumnType::Decimal { precision: *precision, scale: *scale }
            }
            Self::Double => ColumnType::Double,
            Self::Date => ColumnType::Date,
            Self::Timestamp => ColumnType::Timestamp,
            Self::TimestampTz => ColumnType::TimestampTz,
            Self::Json | Self::EmptyObject => ColumnType::Json,
            Self::List(items) => ColumnType::List(Box::new(items.column_type())),
            Self::Struct(members) => ColumnType::Struct(
                members
                    .iter()
                    .map(|member| (member.name.clone(), member.shape.column_type()))
                    .collect(),
            ),
            Self::Geometry(_) => ColumnType::Blob,
            Self::Forced(forced) => forced.kind.clone(),
        }
    }

    /// Returns the bytes that a row takes without its texts and its items.
    pub(super) fn row_bytes(&self) -> u64 {
        match self {
            Self::Boolean => 1,
            Self::Date => 4,
            Self::BigInt | Self::UBigInt | Self::Double | Self::Timestamp | Self::TimestampTz => 8,
            Self::List(_) => 4,
            Self::Struct(members) => members.iter().map(|member| member.shape.row_bytes()).sum(),
            _ => 16,
        }
    }

    /// Returns the shape of a type that was asked for. With `exact` a value must keep every digit and
    /// its meaning.
    pub(super) fn forced(kind: &ColumnType, format: Option<ValueFormat>, exact: bool) -> Self {
        match kind {
            ColumnType::List(item) => Self::List(Box::new(Self::forced(item, None, exact))),
            ColumnType::Struct(fields) => {
                let names = unique_names(fields.iter().map(|field| field.0.as_str()));
                let members = fields.iter().zip(names).map(|((source, kind), name)| Member {
                    source: source.clone(),
                    name,
                    shape: Self::forced(kind, None, exact),
                });
                Self::Struct(members.collect())
            }
            scalar => Self::Forced(Forced { kind: scalar.clone(), format, exact }),
        }
    }
}
