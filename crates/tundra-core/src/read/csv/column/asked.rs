//! Whether a value fits a column whose type somebody asked for, and why not.

use super::Reading;
use crate::{
    ColumnType,
    read::csv::decode::CsvColumn,
    value::{exact, figure::FigureFormat, forced, format::ValueFormat},
};

/// Returns whether the text is a value of a column whose type was asked for.
pub(crate) fn fits(text: &[u8], column: &CsvColumn) -> bool {
    let kind = &column.column_type;
    let exactly = column.reading != Reading::Forced;
    match column.format {
        Some(ValueFormat::Figure(format)) => return fits_figure(text, kind, format, exactly),
        Some(ValueFormat::Moment(format)) => {
            return format.instant(trimmed(text, exactly), exactly).is_some();
        }
        Some(ValueFormat::Words(pair)) => return pair.read(text).is_some(),
        None => {}
    }
    if exactly && !exact::keeps(text, kind) {
        return false;
    }
    match kind {
        ColumnType::Boolean => forced::boolean(text).is_some(),
        ColumnType::TinyInt => forced::integer::<i8>(text).is_some(),
        ColumnType::SmallInt => forced::integer::<i16>(text).is_some(),
        ColumnType::Integer => forced::integer::<i32>(text).is_some(),
        ColumnType::BigInt => forced::integer::<i64>(text).is_some(),
        ColumnType::UTinyInt => forced::integer::<u8>(text).is_some(),
        ColumnType::USmallInt => forced::integer::<u16>(text).is_some(),
        ColumnType::UInteger => forced::integer::<u32>(text).is_some(),
        ColumnType::UBigInt => forced::integer::<u64>(text).is_some(),
        ColumnType::Float => forced::float(text).is_some(),
        ColumnType::Double => forced::double(text).is_some(),
        ColumnType::Decimal { precision, scale } => {
            forced::decimal(text, *precision, *scale).is_some()
        }
        ColumnType::Date => forced::date(text).is_some(),
        ColumnType::Time => forced::time(text).is_some(),
        ColumnType::Timestamp => forced::timestamp(text).is_some(),
        ColumnType::TimestampNs => forced::timestamp_ns(text).is_some(),
        ColumnType::TimestampTz => forced::timestamptz(text).is_some(),
        ColumnType::Uuid => forced::uuid(text).is_some(),
        ColumnType::Json => forced::is_json(text),
        ColumnType::Blob => forced::blob(text).is_some(),
        ColumnType::Varchar => true,
        ColumnType::List(_) | ColumnType::Struct(_) => false,
    }
}

fn fits_figure(text: &[u8], kind: &ColumnType, format: FigureFormat, exactly: bool) -> bool {
    let Some(value) = format.read(trimmed(text, exactly), exactly) else { return false };
    match kind {
        ColumnType::TinyInt => forced::whole::<i8>(value).is_some(),
        ColumnType::SmallInt => forced::whole::<i16>(value).is_some(),
        ColumnType::Integer => forced::whole::<i32>(value).is_some(),
        ColumnType::BigInt => forced::whole::<i64>(value).is_some(),
        ColumnType::UTinyInt => forced::whole::<u8>(value).is_some(),
        ColumnType::USmallInt => forced::whole::<u16>(value).is_some(),
        ColumnType::UInteger => forced::whole::<u32>(value).is_some(),
        ColumnType::UBigInt => forced::whole::<u64>(value).is_some(),
        ColumnType::Decimal { precision, scale } => value.rescale(*precision, *scale).is_some(),
        _ => true,
    }
}

/// Returns why the text is no value of the column, as a sentence fragment.
pub(crate) fn why_not(text: &[u8], column: &CsvColumn) -> String {
    match column.format {
        Some(format) => format!("no {} written as {format}", column.column_type),
        None => forced::why_not(text, &column.column_type),
    }
}

/// Takes the blanks around a value away, unless it is read exactly.
pub(super) fn trimmed(text: &[u8], exactly: bool) -> &[u8] {
    if exactly { text } else { text.trim_ascii() }
}
