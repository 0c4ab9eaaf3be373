//! Values of Arrow as PostgreSQL prints them, written anew here so that a fault of the decoder is not
//! repeated.

use arrow_array::{
    Array,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
        Time64MicrosecondType, TimestampMicrosecondType, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Returns whether a value is the one that the server prints so.
pub(super) fn is_same(column: &dyn Array, row: usize, server: Option<&str>) -> bool {
    let (Some(server), false) = (server, column.is_null(row)) else {
        return server.is_none() && column.is_null(row);
    };
    match column.data_type() {
        // Digits differ between printers; the number may not.
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            let other: f32 = server.parse().expect("the server prints a number");
            value.to_bits() == other.to_bits() || (value.is_nan() && other.is_nan())
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            let other: f64 = server.parse().expect("the server prints a number");
            value.to_bits() == other.to_bits() || (value.is_nan() && other.is_nan())
        }
        DataType::Decimal128(..) => plain(&printed(column, row)) == plain(server),
        DataType::Boolean => (printed(column, row) == "t") == (server == "true"),
        _ => printed(column, row) == server,
    }
}

/// Returns a value that is not null as the server prints it inside of an array.
pub(super) fn printed(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        DataType::Boolean => (if column.as_boolean().value(row) { "t" } else { "f" }).to_owned(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::BinaryView => {
            let bytes = column.as_binary_view().value(row);
            bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
        }
        DataType::Date32 => {
            let (date, era) = date(column.as_primitive::<Date32Type>().value(row).into());
            format!("{date}{era}")
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            time(column.as_primitive::<Time64MicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let (date, era) = date(micros.div_euclid(MICROS_PER_DAY));
            let zone = if zone.is_some() { "+00" } else { "" };
            format!("{date} {}{zone}{era}", time(micros.rem_euclid(MICROS_PER_DAY)))
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|at| item(&items, at)).collect();
            format!("{{{}}}", items.join(","))
        }
        DataType::Struct(_) => {
            let record = column.as_struct();
            let fields: Vec<String> =
                record.columns().iter().map(|values| field(values, row)).collect();
            format!("({})", fields.join(","))
        }
        other => panic!("nothing here prints {other}"),
    }
}

fn item(items: &dyn Array, at: usize) -> String {
    if items.is_null(at) {
        return "NULL".to_owned();
    }
    let text = printed(items, at);
    let nested = matches!(items.data_type(), DataType::List(_));
    let special = |c: char| matches!(c, '{' | '}' | '"' | ',' | '\\') || c.is_ascii_whitespace();
    if !nested && (text.is_empty() || text.contains(special) || text.eq_ignore_ascii_case("null")) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text
}

fn field(values: &dyn Array, row: usize) -> String {
    if values.is_null(row) {
        return String::new();
    }
    let text = printed(values, row);
    let special = |c: char| matches!(c, '(' | ')' | '"' | ',' | '\\') || c.is_ascii_whitespace();
    if text.is_empty() || text.contains(special) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""));
    }
    text
}

/// Returns a number without the zeros that say nothing.
fn plain(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Returns a day of the Gregorian calendar, and its era where that is told.
fn date(days: i64) -> (String, &'static str) {
    // The count of days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let day = day - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!(".{fraction:06}").trim_end_matches('0').to_owned()
    };
    format!("{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}
