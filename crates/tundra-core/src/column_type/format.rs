//! A column type with the format in which its values are written.

use super::{ColumnType, ColumnTypeError};

impl ColumnType {
    /// Reads a type, and behind it between parentheses the format in which its values are written, if
    /// there is one: `DATE(%d/%m/%Y)`, `BIGINT(#,##0)`, `DECIMAL(12,2,#.##0,00 €)`.
    ///
    /// The format itself is not checked here: whoever reads values knows which formats there are.
    ///
    /// # Errors
    /// Fails when the type is none.
    ///
    /// ```
    /// use tundra_core::ColumnType;
    ///
    /// let (kind, format) = ColumnType::parse_with_format("DATE(%d/%m/%Y)")?;
    /// assert_eq!((kind, format.as_deref()), (ColumnType::Date, Some("%d/%m/%Y")));
    /// # Ok::<(), tundra_core::ColumnTypeError>(())
    /// ```
    pub fn parse_with_format(text: &str) -> Result<(Self, Option<String>), ColumnTypeError> {
        let error = match text.parse() {
            Ok(kind) => return Ok((kind, None)),
            Err(error) => error,
        };
        split(text).ok_or(error)
    }
}

/// Splits a format off.
fn split(text: &str) -> Option<(ColumnType, Option<String>)> {
    let (name, arguments) = text.trim().strip_suffix(')')?.split_once('(')?;
    let (kind, format) = match name.parse().ok()? {
        ColumnType::Decimal { .. } => {
            let mut arguments = arguments.splitn(3, ',');
            let (precision, scale) = (arguments.next()?, arguments.next()?);
            (format!("DECIMAL({precision},{scale})").parse().ok()?, arguments.next()?)
        }
        kind => (kind, arguments),
    };
    (!format.is_empty()).then(|| (kind, Some(format.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: &str, format: Option<&str>) {
        let (found, found_format) = ColumnType::parse_with_format(text).unwrap();
        assert_eq!((found.to_string().as_str(), found_format.as_deref()), (kind, format), "{text}");
    }

    #[test]
    fn a_format_stands_behind_the_type() {
        check("DATE", "DATE", None);
        check("date(%d/%m/%Y)", "DATE", Some("%d/%m/%Y"));
        check("DECIMAL(12, 2)", "DECIMAL(12,2)", None);
        check("DECIMAL(12,2,#.##0,00 €)", "DECIMAL(12,2)", Some("#.##0,00 €"));
        check(
            "NUMERIC(12,2,$#,##0.00;($#,##0.00))",
            "DECIMAL(12,2)",
            Some("$#,##0.00;($#,##0.00)"),
        );
        check("BIGINT(#,##0)", "BIGINT", Some("#,##0"));
        check("TIMESTAMP(%b %d, %Y %I:%M %p)", "TIMESTAMP", Some("%b %d, %Y %I:%M %p"));
        check("BIGINT[]", "BIGINT[]", None);
        check("STRUCT(a BIGINT)", "STRUCT(\"a\" BIGINT)", None);
    }

    #[test]
    fn what_is_no_type_is_refused_with_a_format_too() {
        for text in ["FOO(%d)", "DATE()", "DATE(%d", "DECIMAL(40,2,0.00)", "DECIMAL(12,2,)", "(%d)"]
        {
            assert!(ColumnType::parse_with_format(text).is_err(), "{text}");
        }
    }
}
