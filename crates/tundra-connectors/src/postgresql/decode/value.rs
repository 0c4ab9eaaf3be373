//! One value from its binary form into a builder.

use arrow_array::builder::BooleanBuilder;

use crate::{
    batch::{Builder, ListBuilder, StructBuilder},
    calendar,
    postgresql::{
        decode::{
            Unfit,
            numeric::{self, Numeric},
        },
        types::Kind,
        wire::Body,
    },
};

/// The days from 1970 to 2000, where PostgreSQL counts from.
pub(super) const DAYS_TO_2000: i32 = 10_957;

/// The microseconds between the same two.
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// The microseconds of a day.
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The server refuses arrays of more dimensions.
const MAX_DIMENSIONS: usize = 6;

pub(super) const MALFORMED: Unfit = Unfit::Malformed("is not in the binary form of its type");
pub(super) const MISMATCH: Unfit = Unfit::Malformed("has a builder of another type");
pub(super) const TOO_LARGE: Unfit = Unfit::Malformed("does not fit into a batch");
pub(super) const NOT_UTF8: Unfit = Unfit::Malformed("is not UTF-8");

/// Appends a value that is not null.
#[inline]
pub(super) fn append(kind: &Kind, builder: &mut Builder, bytes: &[u8]) -> Result<(), Unfit> {
    match (kind, builder) {
        (Kind::Bool, Builder::Boolean(values)) => boolean(values, bytes)?,
        (Kind::Int16, Builder::Int16(values)) => {
            values.append_value(i16::from_be_bytes(fixed(bytes)?));
        }
        (Kind::Int32, Builder::Int32(values)) => {
            values.append_value(i32::from_be_bytes(fixed(bytes)?));
        }
        (Kind::Int64, Builder::Int64(values)) => {
            values.append_value(i64::from_be_bytes(fixed(bytes)?));
        }
        (Kind::UInt32, Builder::UInt32(values)) => {
            values.append_value(u32::from_be_bytes(fixed(bytes)?));
        }
        (Kind::UInt64, Builder::UInt64(values)) => {
            values.append_value(u64::from_be_bytes(fixed(bytes)?));
        }
        (Kind::Float32, Builder::Float32(values)) => {
            values.append_value(f32::from_be_bytes(fixed(bytes)?));
        }
        (Kind::Float64, Builder::Float64(values)) => {
            values.append_value(f64::from_be_bytes(fixed(bytes)?));
        }
        (Kind::Decimal { precision, scale }, Builder::Decimal(values)) => {
            match numeric::short(bytes, *precision, *scale) {
                Some(value) => values.append_value(value),
                None => values.append_value(any_decimal(bytes, *precision, *scale)?),
            }
        }
        (Kind::Money { .. }, Builder::Decimal(values)) => {
            values.append_value(i128::from(i64::from_be_bytes(fixed(bytes)?)));
        }
        (Kind::Text | Kind::Json, Builder::Text(values)) => {
            values.push_bytes(bytes).map_err(|_| TOO_LARGE)?;
        }
        (Kind::Jsonb, Builder::Text(values)) => match bytes.split_first() {
            Some((1, text)) => values.push_bytes(text).map_err(|_| TOO_LARGE)?,
            _ => return Err(MALFORMED),
        },
        (Kind::Char, Builder::Text(values)) => match fixed(bytes)? {
            // The server prints it as nothing, and bytes that are no character by their number.
            [0] => values.push("").map_err(|_| TOO_LARGE)?,
            [byte @ 1..=127] => {
                values.push(char::from(byte).encode_utf8(&mut [0; 4])).map_err(|_| TOO_LARGE)?;
            }
            [byte] => values.push(&format!("\\{byte:03o}")).map_err(|_| TOO_LARGE)?,
        },
        (Kind::Bytes | Kind::Wkb { .. }, Builder::Bytes(values)) => {
            values.push(bytes).map_err(|_| TOO_LARGE)?
        }
        (Kind::Uuid, Builder::Text(values)) => {
            let text = uuid(fixed(bytes)?);
            values.push(utf8(&text)?).map_err(|_| TOO_LARGE)?;
        }
        (Kind::Bits, Builder::Text(values)) => {
            values.push(&bits(bytes)?).map_err(|_| TOO_LARGE)?;
        }
        (Kind::Date, Builder::Date(values)) => {
            values.append_value(date(i32::from_be_bytes(fixed(bytes)?))?);
        }
        (Kind::Time, Builder::Time(values)) => match i64::from_be_bytes(fixed(bytes)?) {
            micros @ 0..MICROS_PER_DAY => values.append_value(micros),
            MICROS_PER_DAY => {
                return Err(Unfit::Lossy {
                    value: "24:00:00".to_owned(),
                    reason: "no time of a day is",
                });
            }
            _ => return Err(MALFORMED),
        },
        (Kind::Timestamp { .. }, Builder::Timestamp(values)) => {
            values.append_value(timestamp(i64::from_be_bytes(fixed(bytes)?))?);
        }
        (Kind::List { item, depth }, Builder::List(values)) => array(item, *depth, values, bytes)?,
        (Kind::Struct(fields), Builder::Struct(values)) => composite(fields, values, bytes)?,
        _ => return Err(MISMATCH),
    }
    Ok(())
}

#[inline]
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unfit> {
    bytes.try_into().map_err(|_| MALFORMED)
}

#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Unfit> {
    std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)
}

#[cold]
fn any_decimal(bytes: &[u8], precision: u8, scale: u8) -> Result<i128, Unfit> {
    let number = Numeric::parse(bytes).ok_or(MALFORMED)?;
    number.to_decimal(precision, scale).ok_or_else(|| Unfit::Lossy {
        value: number.to_string(),
        reason: "the column's decimal type does not hold",
    })
}

#[inline]
fn boolean(values: &mut BooleanBuilder, bytes: &[u8]) -> Result<(), Unfit> {
    let [byte] = fixed(bytes)?;
    values.append_value(byte != 0);
    Ok(())
}

pub(super) fn date(days: i32) -> Result<i32, Unfit> {
    let lossy = |value: &str| Unfit::Lossy { value: value.to_owned(), reason: "is no day" };
    match days {
        i32::MAX => Err(lossy("infinity")),
        i32::MIN => Err(lossy("-infinity")),
        _ => days.checked_add(DAYS_TO_2000).ok_or(MALFORMED),
    }
}

fn timestamp(micros: i64) -> Result<i64, Unfit> {
    let lossy = |value: String, reason| Unfit::Lossy { value, reason };
    match micros {
        i64::MAX => Err(lossy("infinity".to_owned(), "is no time")),
        i64::MIN => Err(lossy("-infinity".to_owned(), "is no time")),
        // The last value is what the engine takes for infinity.
        _ => match micros.checked_add(MICROS_TO_2000) {
            Some(micros) if micros < i64::MAX => Ok(micros),
            _ => {
                Err(lossy(printed(micros), "is after what 64 bits of microseconds since 1970 hold"))
            }
        },
    }
}

/// Returns a time in microseconds after 2000 as the server prints it.
fn printed(micros: i64) -> String {
    let days = micros.div_euclid(MICROS_PER_DAY) + i64::from(DAYS_TO_2000);
    let (year, month, day) = calendar::date(days);
    let (second, fraction) = {
        let micros = micros.rem_euclid(MICROS_PER_DAY);
        (micros / 1_000_000, micros % 1_000_000)
    };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if fraction == 0 {
        return text;
    }
    format!("{text}.{fraction:06}").trim_end_matches('0').to_owned()
}

fn uuid(bytes: [u8; 16]) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

fn bits(bytes: &[u8]) -> Result<String, Unfit> {
    let mut body = Body(bytes);
    let count = body.i32().ok().and_then(|it| usize::try_from(it).ok()).ok_or(MALFORMED)?;
    if body.0.len() != count.div_ceil(8) {
        return Err(MALFORMED);
    }
    let bit = |at: usize| body.0[at / 8] >> (7 - at % 8) & 1 == 1;
    Ok((0..count).map(|at| if bit(at) { '1' } else { '0' }).collect())
}

/// An array: its number of dimensions, whether it has nulls, the type of its elements, the length and
/// the first index of each dimension, and the elements row by row.
fn array(item: &Kind, depth: u8, list: &mut ListBuilder, bytes: &[u8]) -> Result<(), Unfit> {
    let mut body = Body(bytes);
    let mut number = || body.i32().map_err(|_| MALFORMED);
    let dimensions = usize::try_from(number()?).map_err(|_| MALFORMED)?;
    let (_has_nulls, _element) = (number()?, number()?);
    if dimensions > MAX_DIMENSIONS {
        return Err(MALFORMED);
    }
    // An empty array has no dimensions, whatever the others have.
    if dimensions == 0 {
        return list.end().map_err(|_| TOO_LARGE);
    }
    if dimensions != usize::from(depth) {
        return Err(Unfit::Lossy {
            value: format!("an array of {dimensions} dimensions"),
            reason: "is not of the depth of the column",
        });
    }
    let mut lengths = [0; MAX_DIMENSIONS];
    for length in &mut lengths[..dimensions] {
        *length = usize::try_from(number()?).map_err(|_| MALFORMED)?;
        let first = number()?;
        if first != 1 {
            return Err(Unfit::Lossy {
                value: format!("an array whose first index is {first}"),
                reason: "a list does not keep",
            });
        }
    }
    // Every element has four bytes at least; more of them than there can be are not begun.
    let claimed = lengths[..dimensions]
        .iter()
        .try_fold(1_usize, |claimed, length| claimed.checked_mul((*length).max(1)));
    if claimed.is_none_or(|claimed| claimed > (body.0.len() / 4).max(1)) {
        return Err(MALFORMED);
    }
    lists(item, list, &lengths[..dimensions], &mut body)?;
    if body.0.is_empty() { Ok(()) } else { Err(MALFORMED) }
}

fn lists(
    item: &Kind,
    list: &mut ListBuilder,
    lengths: &[usize],
    body: &mut Body<'_>,
) -> Result<(), Unfit> {
    let Some((length, inner)) = lengths.split_first() else { return Err(MALFORMED) };
    for _ in 0..*length {
        match (&mut *list.items, inner.is_empty()) {
            (items, true) => match body.value().map_err(|_| MALFORMED)? {
                Some(bytes) => append(item, items, bytes)?,
                None => items.null(),
            },
            (Builder::List(items), false) => lists(item, items, inner, body)?,
            _ => return Err(MISMATCH),
        }
    }
    list.end().map_err(|_| TOO_LARGE)
}

/// A composite: the number of its fields, and for each its type and its value.
fn composite(
    fields: &[(String, Kind)],
    record: &mut StructBuilder,
    bytes: &[u8],
) -> Result<(), Unfit> {
    let mut body = Body(bytes);
    let count = body.i32().map_err(|_| MALFORMED)?;
    if usize::try_from(count) != Ok(fields.len()) {
        return Err(Unfit::Malformed("has other fields than its type had when the run began"));
    }
    for ((_, kind), builder) in fields.iter().zip(&mut record.values) {
        let _type = body.i32().map_err(|_| MALFORMED)?;
        match body.value().map_err(|_| MALFORMED)? {
            Some(bytes) => append(kind, builder, bytes)?,
            None => builder.null(),
        }
    }
    record.end();
    if body.0.is_empty() { Ok(()) } else { Err(MALFORMED) }
}
