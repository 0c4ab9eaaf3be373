//! What the footer of a file says of its columns.

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical},
    file::{metadata::ParquetMetaData, statistics::Statistics},
    schema::types::Type,
};

use crate::readers::{Kind, Unit};

/// Groups within groups that are followed; a file with more is no table that somebody reads.
const DEEPEST: usize = 64;

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The number of its first leaf.
    pub(crate) first_leaf: usize,
    /// Whether its leaves are as many as its type says, so that they can be told apart.
    pub(crate) leaves_known: bool,
}

/// What the statistics of all row groups say of the values of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    /// The smallest and the largest integer; `None` when there is no value at all.
    pub(super) extremes: Option<(i128, i128)>,
    /// The nulls, where all row groups tell them.
    pub(super) nulls: Option<u64>,
}

/// Returns the columns of a file.
pub(crate) fn columns_of(footer: &ParquetMetaData) -> Vec<FileColumn> {
    let root = footer.file_metadata().schema_descr().root_schema();
    let mut leaf = 0;
    let mut columns = Vec::with_capacity(root.get_fields().len());
    for field in root.get_fields() {
        let first_leaf = leaf;
        leaf += leaves(field);
        let kind = column_kind(field, 0);
        let mut counted = 0;
        kind.walk("", &mut |_, node| counted += usize::from(node.leaf.is_some()));
        columns.push(FileColumn {
            name: field.name().to_owned(),
            kind,
            first_leaf,
            leaves_known: counted == leaf - first_leaf,
        });
    }
    columns
}

/// Returns what the file says of the values of a leaf, where every row group says it.
pub(super) fn values(footer: &ParquetMetaData, leaf: usize, signed: bool) -> Option<Values> {
    let mut values = Values { extremes: None, nulls: Some(0) };
    for group in footer.row_groups().iter().filter(|group| group.num_rows() > 0) {
        let chunk = group.columns().get(leaf)?;
        let statistics = chunk.statistics()?;
        let nulls = statistics.null_count_opt();
        values.nulls = values.nulls.zip(nulls).map(|(sum, nulls)| sum + nulls);
        let extremes = match statistics {
            Statistics::Int32(found) => {
                found.min_opt().zip(found.max_opt()).map(|(least, most)| {
                    (integer(i64::from(*least), 32, signed), integer(i64::from(*most), 32, signed))
                })
            }
            Statistics::Int64(found) => found
                .min_opt()
                .zip(found.max_opt())
                .map(|(least, most)| (integer(*least, 64, signed), integer(*most, 64, signed))),
            _ => None,
        };
        // The old fields have the order of signed integers.
        let extremes = extremes.filter(|_| signed || !statistics.is_min_max_deprecated());
        match extremes {
            Some((least, most)) => {
                let (smallest, largest) = values.extremes.unwrap_or((least, most));
                values.extremes = Some((smallest.min(least), largest.max(most)));
            }
            // Nothing but nulls has no extremes.
            None if nulls == u64::try_from(chunk.num_values()).ok() => {}
            None => return None,
        }
    }
    Some(values)
}

/// Returns an integer as it is meant.
fn integer(value: i64, bits: u32, signed: bool) -> i128 {
    if signed {
        return i128::from(value);
    }
    i128::from(value.cast_unsigned() & (u64::MAX >> (64 - bits)))
}

fn leaves(field: &Type) -> usize {
    match field {
        Type::PrimitiveType { .. } => 1,
        Type::GroupType { fields, .. } => fields.iter().map(|field| leaves(field)).sum(),
    }
}

/// Returns the kind of a field, which is a list of it where it is repeated without saying so.
fn column_kind(field: &Type, depth: usize) -> Kind {
    let kind = kind(field, depth);
    let info = field.get_basic_info();
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return Kind::List(Box::new(kind));
    }
    kind
}

fn kind(field: &Type, depth: usize) -> Kind {
    match field {
        _ if depth > DEEPEST => Kind::Unknown,
        Type::PrimitiveType { physical_type, precision, scale, .. } => {
            let decimal = Kind::Decimal {
                // What makes no sense is more than anybody reads.
                precision: u32::try_from(*precision).unwrap_or(u32::MAX),
                scale: u32::try_from(*scale).unwrap_or(u32::MAX),
            };
            leaf(field, *physical_type, decimal)
        }
        Type::GroupType { basic_info, fields } => {
            let inner = |index: usize| fields.get(index).map(|field| column_kind(field, depth + 1));
            match (basic_info.logical_type_ref(), basic_info.converted_type()) {
                (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => {
                    let item = fields.first().map_or(Kind::Unknown, |it| element(it, field, depth));
                    Kind::List(Box::new(item))
                }
                (Some(LogicalType::Map), _)
                | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
                    let pair = fields.first().filter(|pair| pair.is_group());
                    let part = |index: usize| {
                        let part = pair.and_then(|pair| pair.get_fields().get(index));
                        part.map_or(Kind::Null, |part| column_kind(part, depth + 1))
                    };
                    Kind::Map(Box::new(part(0)), Box::new(part(1)))
                }
                (Some(LogicalType::Variant(_)), _) => Kind::Variant,
                _ => Kind::Struct(
                    (0..fields.len())
                        .filter_map(|index| Some((fields[index].name().to_owned(), inner(index)?)))
                        .collect(),
                ),
            }
        }
    }
}

/// Returns the kind of the elements of a list, of which `repeated` is the group within, by the rules of the
/// format for lists of three levels and of two.
/// (<https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists>)
fn element(repeated: &Type, list: &Type, depth: usize) -> Kind {
    let is_element = match repeated {
        Type::PrimitiveType { .. } => true,
        Type::GroupType { fields, .. } => {
            let name = repeated.name();
            fields.len() != 1 || name == "array" || name == format!("{}_tuple", list.name())
        }
    };
    match repeated.is_group().then(|| repeated.get_fields().first()).flatten() {
        Some(inner) if !is_element => column_kind(inner, depth + 1),
        _ => kind(repeated, depth + 1),
    }
}

fn leaf(field: &Type, physical: Physical, decimal: Kind) -> Kind {
    let info = field.get_basic_info();
    if let Some(logical) = info.logical_type_ref() {
        match logical {
            LogicalType::String => return Kind::Text,
            LogicalType::Enum => return Kind::Enum,
            LogicalType::Decimal(_) => return decimal,
            LogicalType::Date => return Kind::Date,
            LogicalType::Time(time) => return Kind::Time { unit: unit(&time.unit) },
            LogicalType::Timestamp(moment) => {
                return Kind::Timestamp {
                    unit: unit(&moment.unit),
                    utc: moment.is_adjusted_to_u_t_c,
                };
            }
            LogicalType::Integer(int) => {
                let bits = int.bit_width.unsigned_abs();
                return Kind::Int { bits, signed: int.is_signed };
            }
            LogicalType::Unknown => return Kind::Null,
            LogicalType::Json => return Kind::Json,
            LogicalType::Bson => return Kind::Bson,
            LogicalType::Uuid => return Kind::Uuid,
            LogicalType::Float16 => return Kind::Float16,
            LogicalType::Geometry(_) | LogicalType::Geography(_) => return Kind::Geometry,
            LogicalType::Variant(_) => return Kind::Variant,
            LogicalType::Map | LogicalType::List => {}
            _ => return Kind::Unknown,
        }
    }
    let int = |bits, signed| Kind::Int { bits, signed };
    // Those of before 2018, which know timestamps as instants only.
    let moment = |unit| Kind::Timestamp { unit, utc: true };
    match info.converted_type() {
        ConvertedType::UTF8 => Kind::Text,
        ConvertedType::ENUM => Kind::Enum,
        ConvertedType::DECIMAL => decimal,
        ConvertedType::DATE => Kind::Date,
        ConvertedType::TIME_MILLIS => Kind::Time { unit: Unit::Millis },
        ConvertedType::TIME_MICROS => Kind::Time { unit: Unit::Micros },
        ConvertedType::TIMESTAMP_MILLIS => moment(Unit::Millis),
        ConvertedType::TIMESTAMP_MICROS => moment(Unit::Micros),
        ConvertedType::UINT_8 => int(8, false),
        ConvertedType::UINT_16 => int(16, false),
        ConvertedType::UINT_32 => int(32, false),
        ConvertedType::UINT_64 => int(64, false),
        ConvertedType::INT_8 => int(8, true),
        ConvertedType::INT_16 => int(16, true),
        ConvertedType::INT_32 => int(32, true),
        ConvertedType::INT_64 => int(64, true),
        ConvertedType::JSON => Kind::Json,
        ConvertedType::BSON => Kind::Bson,
        ConvertedType::INTERVAL => Kind::Interval,
        _ => match physical {
            Physical::BOOLEAN => Kind::Boolean,
            Physical::INT32 => int(32, true),
            Physical::INT64 => int(64, true),
            Physical::INT96 => Kind::Int96,
            Physical::FLOAT => Kind::Float,
            Physical::DOUBLE => Kind::Double,
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => Kind::Bytes,
        },
    }
}

fn unit(unit: &TimeUnit) -> Unit {
    match unit {
        TimeUnit::MILLIS => Unit::Millis,
        TimeUnit::MICROS => Unit::Micros,
        TimeUnit::NANOS => Unit::Nanos,
    }
}
