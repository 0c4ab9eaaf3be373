//! What a column of a Parquet file is to whoever reads it.

use std::fmt;

use crate::column_type::ColumnType;

/// The type of a column, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Int {
        bits: u8,
        signed: bool,
    },
    Float16,
    Float,
    Double,
    Decimal {
        precision: u32,
        scale: u32,
    },
    Text,
    /// One of a few texts.
    Enum,
    Json,
    Bson,
    /// Bytes, of one length or of many.
    Bytes,
    Uuid,
    Interval,
    Date,
    Time {
        unit: Unit,
    },
    Timestamp {
        unit: Unit,
        /// Whether it is an instant.
        utc: bool,
    },
    Int96,
    /// A geometry or a geography by Parquet's own types.
    Geometry,
    Variant,
    /// Nothing but nulls.
    Null,
    /// A type that nobody knew when this was written.
    Unknown,
    List(Box<Self>),
    Map(Box<Self>, Box<Self>),
    Struct(Vec<(String, Self)>),
}

/// The unit in which times are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Millis => "MILLIS",
            Self::Micros => "MICROS",
            Self::Nanos => "NANOS",
        }
    }
}

/// A column or a part of one, on the way through a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) kind: &'a Kind,
    /// The number of the leaf in the file, counted from that of the column's first.
    pub(crate) leaf: Option<usize>,
}

impl Kind {
    /// Returns what is written of a column whose values are handed to the engine by us: UUIDs and JSON are
    /// text then.
    pub(crate) fn of_stream(column_type: &ColumnType) -> Self {
        match column_type {
            ColumnType::Uuid | ColumnType::Json => Self::Text,
            ColumnType::List(item) => Self::List(Box::new(Self::of_stream(item))),
            ColumnType::Struct(fields) => Self::Struct(
                fields.iter().map(|(name, kind)| (name.clone(), Self::of_stream(kind))).collect(),
            ),
            other => Self::of_engine(other),
        }
    }

    /// Returns what is written of a column that has this type in the engine.
    pub(crate) fn of_engine(column_type: &ColumnType) -> Self {
        let int = |bits, signed| Self::Int { bits, signed };
        let moment = |unit, utc| Self::Timestamp { unit, utc };
        match column_type {
            ColumnType::Boolean => Self::Boolean,
            ColumnType::TinyInt => int(8, true),
            ColumnType::SmallInt => int(16, true),
            ColumnType::Integer => int(32, true),
            ColumnType::BigInt => int(64, true),
            ColumnType::UTinyInt => int(8, false),
            ColumnType::USmallInt => int(16, false),
            ColumnType::UInteger => int(32, false),
            ColumnType::UBigInt => int(64, false),
            ColumnType::Float => Self::Float,
            ColumnType::Double => Self::Double,
            ColumnType::Decimal { precision, scale } => {
                Self::Decimal { precision: u32::from(*precision), scale: u32::from(*scale) }
            }
            ColumnType::Varchar => Self::Text,
            ColumnType::Blob => Self::Bytes,
            ColumnType::Date => Self::Date,
            ColumnType::Time => Self::Time { unit: Unit::Micros },
            ColumnType::Timestamp => moment(Unit::Micros, false),
            ColumnType::TimestampNs => moment(Unit::Nanos, false),
            ColumnType::TimestampTz => moment(Unit::Micros, true),
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Json => Self::Json,
            ColumnType::List(item) => Self::List(Box::new(Self::of_engine(item))),
            ColumnType::Struct(fields) => Self::Struct(
                fields.iter().map(|(name, kind)| (name.clone(), Self::of_engine(kind))).collect(),
            ),
        }
    }

    /// Returns what DuckDB makes of a column of this type when it reads and writes it: what it has no type
    /// for becomes the next that holds it.
    pub(crate) fn rewritten(&self) -> Self {
        match self {
            Self::Float16 => Self::Float,
            Self::Bson => Self::Bytes,
            Self::Null => Self::Int { bits: 32, signed: true },
            Self::Int96 => Self::Timestamp { unit: Unit::Micros, utc: false },
            Self::Time { unit: Unit::Millis } => Self::Time { unit: Unit::Micros },
            Self::Timestamp { unit: Unit::Millis, utc } => {
                Self::Timestamp { unit: Unit::Micros, utc: *utc }
            }
            Self::List(item) => Self::List(Box::new(item.rewritten())),
            Self::Map(key, value) => {
                Self::Map(Box::new(key.rewritten()), Box::new(value.rewritten()))
            }
            Self::Struct(fields) => Self::Struct(
                fields.iter().map(|(name, kind)| (name.clone(), kind.rewritten())).collect(),
            ),
            other => other.clone(),
        }
    }

    /// Returns the type in the words of DuckDB, where it has one that is written as this.
    pub(crate) fn sql(&self) -> Option<String> {
        Some(match self {
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Int { bits, signed } => {
                let name = match bits {
                    8 => "TINYINT",
                    16 => "SMALLINT",
                    32 => "INTEGER",
                    64 => "BIGINT",
                    _ => return None,
                };
                format!("{}{name}", if *signed { "" } else { "U" })
            }
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::Text | Self::Enum => "VARCHAR".to_owned(),
            Self::Json => "JSON".to_owned(),
            Self::Bytes => "BLOB".to_owned(),
            Self::Uuid => "UUID".to_owned(),
            Self::Interval => "INTERVAL".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Time { unit: Unit::Micros } => "TIME".to_owned(),
            Self::Time { unit: Unit::Nanos } => "TIME_NS".to_owned(),
            Self::Timestamp { unit, utc: false } => match unit {
                Unit::Millis => "TIMESTAMP_MS".to_owned(),
                Unit::Micros => "TIMESTAMP".to_owned(),
                Unit::Nanos => "TIMESTAMP_NS".to_owned(),
            },
            Self::Timestamp { unit: Unit::Micros, utc: true } => "TIMESTAMPTZ".to_owned(),
            Self::Timestamp { unit: Unit::Nanos, utc: true } => "TIMESTAMPTZ_NS".to_owned(),
            Self::List(item) => format!("{}[]", item.sql()?),
            Self::Map(key, value) => format!("MAP({}, {})", key.sql()?, value.sql()?),
            Self::Struct(fields) => {
                let mut parts = Vec::with_capacity(fields.len());
                for (name, kind) in fields {
                    parts.push(format!("\"{}\" {}", name.replace('"', "\"\""), kind.sql()?));
                }
                format!("STRUCT({})", parts.join(", "))
            }
            _ => return None,
        })
    }

    /// Returns the same with another kind in place of each part, those within first.
    pub(crate) fn mapped(&self, change: &mut impl FnMut(Self) -> Self) -> Self {
        let inner = match self {
            Self::List(item) => Self::List(Box::new(item.mapped(change))),
            Self::Map(key, value) => {
                Self::Map(Box::new(key.mapped(change)), Box::new(value.mapped(change)))
            }
            Self::Struct(fields) => Self::Struct(
                fields.iter().map(|(name, kind)| (name.clone(), kind.mapped(change))).collect(),
            ),
            leaf => leaf.clone(),
        };
        change(inner)
    }

    /// Shows the column `name` and every part of it, each with the names that lead there.
    pub(crate) fn walk(&self, name: &str, see: &mut impl FnMut(&str, Node<'_>)) {
        let mut leaves = 0;
        self.walk_from(name, &mut leaves, see);
    }

    fn walk_from(&self, path: &str, leaves: &mut usize, see: &mut impl FnMut(&str, Node<'_>)) {
        let is_leaf = !matches!(self, Self::List(_) | Self::Map(..) | Self::Struct(_));
        see(path, Node { kind: self, leaf: is_leaf.then_some(*leaves) });
        match self {
            Self::List(item) => item.walk_from(path, leaves, see),
            Self::Map(key, value) => {
                key.walk_from(&format!("{path}.key"), leaves, see);
                value.walk_from(&format!("{path}.value"), leaves, see);
            }
            Self::Struct(fields) => {
                for (name, kind) in fields {
                    kind.walk_from(&format!("{path}.{name}"), leaves, see);
                }
            }
            // Three columns in the file, of which none is looked at.
            Self::Variant => *leaves += 2,
            _ => *leaves += 1,
        }
    }

    /// Shows the names of all fields within.
    pub(crate) fn field_names(&self, see: &mut impl FnMut(&str)) {
        match self {
            Self::List(item) => item.field_names(see),
            Self::Map(key, value) => {
                key.field_names(see);
                value.field_names(see);
            }
            Self::Struct(fields) => {
                for (name, kind) in fields {
                    see(name);
                    kind.field_names(see);
                }
            }
            _ => {}
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Boolean => "BOOLEAN",
            Self::Int { bits, signed } => {
                return write!(f, "{}INT_{bits}", if *signed { "" } else { "U" });
            }
            Self::Float16 => "FLOAT16",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal { precision, scale } => return write!(f, "DECIMAL({precision},{scale})"),
            Self::Text => "STRING",
            Self::Enum => "ENUM",
            Self::Json => "JSON",
            Self::Bson => "BSON",
            Self::Bytes => "BYTE_ARRAY",
            Self::Uuid => "UUID",
            Self::Interval => "INTERVAL",
            Self::Date => "DATE",
            Self::Time { unit } => return write!(f, "TIME({})", unit.name()),
            Self::Timestamp { unit, utc } => {
                let zone = if *utc { ", UTC" } else { "" };
                return write!(f, "TIMESTAMP({}{zone})", unit.name());
            }
            Self::Int96 => "INT96",
            Self::Geometry => "GEOMETRY",
            Self::Variant => "VARIANT",
            Self::Null => "NULL",
            Self::Unknown => "an unknown type",
            Self::List(_) => "LIST",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "a group",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        Kind::of_engine(&text.parse().unwrap())
    }

    #[test]
    fn the_words_of_the_engine_are_those_of_column_types() {
        for text in ["UBIGINT", "DECIMAL(12,2)", "TIMESTAMP_NS", "UUID", "TIME", "JSON"] {
            assert_eq!(kind(text).sql().as_deref(), Some(text));
        }
        let nested = kind("STRUCT(a UTINYINT, \"b c\" TIME[])[]");
        assert_eq!(nested.sql().unwrap(), "STRUCT(\"a\" UTINYINT, \"b c\" TIME[])[]");
        assert_eq!(Kind::Int96.sql(), None);
    }

    #[test]
    fn a_walk_counts_leaves_as_the_file_does() {
        let mut seen = Vec::new();
        kind("STRUCT(a INTEGER, b STRUCT(c DATE, d TIME)[])").walk("x", &mut |path, node| {
            seen.push(format!("{path} {} {:?}", node.kind, node.leaf));
        });
        assert_eq!(
            seen,
            [
                "x a group None",
                "x.a INT_32 Some(0)",
                "x.b LIST None",
                "x.b a group None",
                "x.b.c DATE Some(1)",
                "x.b.d TIME(MICROS) Some(2)",
            ]
        );
    }

    #[test]
    fn what_we_hand_over_as_text_is_text() {
        let column_type = "STRUCT(a UUID, b JSON[])".parse().unwrap();
        assert_eq!(
            Kind::of_stream(&column_type).sql().unwrap(),
            "STRUCT(\"a\" VARCHAR, \"b\" VARCHAR[])"
        );
    }
}
