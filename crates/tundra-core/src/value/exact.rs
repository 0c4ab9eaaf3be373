//! Whether a value of a type that was asked for keeps everything that its text says.
//!
//! [`super::forced`] takes what a person would accept. A schema asks for more: whoever wrote it saw
//! the values of one file, and in the next one `00713` must not become 713 unseen.

use crate::{
    ColumnType,
    value::{decimal, double},
};

/// Returns whether a text that [`super::forced`] takes as a value of the type loses no digit, no
/// sign and no needless zero in it. A `FLOAT` is the nearest one in any case, since no text asks
/// for one.
pub(crate) fn keeps(text: &[u8], kind: &ColumnType) -> bool {
    match kind {
        ColumnType::TinyInt
        | ColumnType::SmallInt
        | ColumnType::Integer
        | ColumnType::BigInt
        | ColumnType::UTinyInt
        | ColumnType::USmallInt
        | ColumnType::UInteger
        | ColumnType::UBigInt
        | ColumnType::Decimal { .. } => decimal::parse(text).is_some(),
        ColumnType::Double => {
            double::parse_exact(text).or_else(|| double::parse_special(text)).is_some()
        }
        ColumnType::Float => {
            double::parse_nearest(text).or_else(|| double::parse_special(text)).is_some()
        }
        _ => true,
    }
}

/// Returns whether [`keeps`] can say no to a value of the type.
pub(crate) fn matters(kind: &ColumnType) -> bool {
    !matches!(
        kind,
        ColumnType::Boolean
            | ColumnType::Varchar
            | ColumnType::Blob
            | ColumnType::Date
            | ColumnType::Time
            | ColumnType::Timestamp
            | ColumnType::TimestampNs
            | ColumnType::TimestampTz
            | ColumnType::Uuid
            | ColumnType::Json
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_mean_something_is_kept() {
        for (kind, text, kept) in [
            ("BIGINT", "713", true),
            ("BIGINT", "-713", true),
            ("BIGINT", "713.00", true),
            ("BIGINT", "00713", false),
            ("BIGINT", "+713", false),
            ("BIGINT", " 713", false),
            ("BIGINT", "-0", false),
            ("DECIMAL(12,2)", "1.5", true),
            ("DECIMAL(12,2)", "01.5", false),
            ("DOUBLE", "0.1", true),
            ("DOUBLE", "NaN", true),
            ("DOUBLE", "9007199254740993", false),
            ("FLOAT", "0.1", true),
            ("FLOAT", "00.1", false),
            ("VARCHAR", "00713", true),
            ("BOOLEAN", "yes", true),
        ] {
            let kind: ColumnType = kind.parse().unwrap();
            assert_eq!(keeps(text.as_bytes(), &kind), kept, "{text} as {kind}");
            assert!(kept || matters(&kind));
        }
    }
}
