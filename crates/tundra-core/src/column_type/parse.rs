//! Column types as text: a closed grammar, so that no text of a user ever reaches SQL.

use std::str::FromStr;

use super::{ColumnType, ColumnTypeError, MAX_DECIMAL_PRECISION};

/// Levels of lists and structs. The reader makes no more, and a parser that recurses needs an end.
const MAX_DEPTH: usize = 64;

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ColumnTypeError { text: text.to_owned(), reason };
        let mut parser = Parser { rest: text };
        let kind = parser.kind(0).map_err(error)?;
        parser.skip_blanks();
        if parser.rest.is_empty() { Ok(kind) } else { Err(error("")) }
    }
}

/// What is left of the text.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// Reads a type; an error is the reason, which may be empty.
    fn kind(&mut self, depth: usize) -> Result<ColumnType, &'static str> {
        if depth > MAX_DEPTH {
            return Err(" (it is nested deeper than 64 levels)");
        }
        self.skip_blanks();
        let mut kind = match self.keyword("STRUCT") {
            true => self.members(depth)?,
            false => scalar(self.scalar_text())?,
        };
        let mut lists = 0;
        loop {
            self.skip_blanks();
            let Some(rest) = self.rest.strip_prefix("[]") else { return Ok(kind) };
            lists += 1;
            if depth + lists > MAX_DEPTH {
                return Err(" (it is nested deeper than 64 levels)");
            }
            self.rest = rest;
            kind = ColumnType::List(Box::new(kind));
        }
    }

    /// Reads what stands between the brackets of a `STRUCT`.
    fn members(&mut self, depth: usize) -> Result<ColumnType, &'static str> {
        let mut members: Vec<(String, ColumnType)> = Vec::new();
        self.expect('(')?;
        loop {
            let name = self.name()?;
            if members.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(" (two of its fields have one name)");
            }
            members.push((name, self.kind(depth + 1)?));
            self.skip_blanks();
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        self.expect(')')?;
        Ok(ColumnType::Struct(members))
    }

    /// Reads the name of a field, in quotes or as it is.
    fn name(&mut self) -> Result<String, &'static str> {
        const NO_NAME: &str = " (a field of a STRUCT is a name and a type)";
        self.skip_blanks();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let length = self
                .rest
                .find(|character: char| !(character.is_alphanumeric() || character == '_'))
                .unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(length);
            self.rest = rest;
            return if name.is_empty() { Err(NO_NAME) } else { Ok(name.to_owned()) };
        };
        let mut name = String::new();
        let mut rest = quoted;
        loop {
            let (part, behind) = rest.split_once('"').ok_or(NO_NAME)?;
            name.push_str(part);
            // Two quotes in a row are one of the name.
            match behind.strip_prefix('"') {
                Some(behind) => {
                    name.push('"');
                    rest = behind;
                }
                None => {
                    self.rest = behind;
                    return if name.is_empty() { Err(NO_NAME) } else { Ok(name) };
                }
            }
        }
    }

    /// Takes the text of a type that is no struct and no list, with its arguments.
    fn scalar_text(&mut self) -> &str {
        let mut open = 0;
        let end = self.rest.find(|character| match character {
            '(' => {
                open += 1;
                false
            }
            ')' if open > 0 => {
                open -= 1;
                false
            }
            ')' | '[' => true,
            ',' => open == 0,
            _ => false,
        });
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text
    }

    /// Takes a word off the beginning, in any case, when `(` follows it.
    fn keyword(&mut self, word: &str) -> bool {
        let Some((head, rest)) = self.rest.split_at_checked(word.len()) else { return false };
        let is_there = head.eq_ignore_ascii_case(word) && rest.trim_start().starts_with('(');
        if is_there {
            self.rest = rest;
        }
        is_there
    }

    fn expect(&mut self, character: char) -> Result<(), &'static str> {
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(character).ok_or(" (a bracket is missing)")?;
        Ok(())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Reads a type that is no struct and no list.
fn scalar(text: &str) -> Result<ColumnType, &'static str> {
    let upper = text.trim().to_ascii_uppercase();
    Ok(match upper.as_str() {
        "BOOLEAN" | "BOOL" | "LOGICAL" => ColumnType::Boolean,
        "TINYINT" | "INT1" => ColumnType::TinyInt,
        "SMALLINT" | "INT2" | "SHORT" => ColumnType::SmallInt,
        "INTEGER" | "INT" | "INT4" | "SIGNED" => ColumnType::Integer,
        "BIGINT" | "INT8" | "LONG" => ColumnType::BigInt,
        "UTINYINT" => ColumnType::UTinyInt,
        "USMALLINT" => ColumnType::USmallInt,
        "UINTEGER" => ColumnType::UInteger,
        "UBIGINT" => ColumnType::UBigInt,
        "FLOAT" | "FLOAT4" | "REAL" => ColumnType::Float,
        "DOUBLE" | "FLOAT8" | "DOUBLE PRECISION" => ColumnType::Double,
        "VARCHAR" | "TEXT" | "STRING" | "CHAR" | "BPCHAR" => ColumnType::Varchar,
        "BLOB" | "BYTEA" | "BINARY" | "VARBINARY" => ColumnType::Blob,
        "DATE" => ColumnType::Date,
        "TIME" => ColumnType::Time,
        "TIMESTAMP" | "DATETIME" | "TIMESTAMP_US" => ColumnType::Timestamp,
        "TIMESTAMP_NS" => ColumnType::TimestampNs,
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => ColumnType::TimestampTz,
        "UUID" => ColumnType::Uuid,
        "JSON" => ColumnType::Json,
        "DECIMAL" | "NUMERIC" => ColumnType::Decimal { precision: 18, scale: 3 },
        _ => return decimal(&upper),
    })
}

/// Reads a decimal with its precision and scale.
fn decimal(upper: &str) -> Result<ColumnType, &'static str> {
    let arguments = upper
        .strip_prefix("DECIMAL")
        .or_else(|| upper.strip_prefix("NUMERIC"))
        .map(str::trim)
        .and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'))
        .ok_or("")?;
    let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    let (Ok(precision), Ok(scale)) = (precision.trim().parse::<u8>(), scale.trim().parse::<u8>())
    else {
        return Err("");
    };
    if !(1..=MAX_DECIMAL_PRECISION).contains(&precision) {
        return Err(" (a decimal has 1 to 38 digits)");
    }
    if scale > precision {
        return Err(" (the scale is larger than the precision)");
    }
    Ok(ColumnType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column_type::SCALAR_NAMES;

    #[test]
    fn display_parses_back() {
        for name in SCALAR_NAMES.iter().copied().chain([
            "DECIMAL(38,0)",
            "DECIMAL(12,2)",
            "BIGINT[]",
            "DECIMAL(12,2)[][]",
            "STRUCT(\"a\" BIGINT)",
            "STRUCT(\"a b\" DECIMAL(12,2), \"c\"\"d\" STRUCT(\"É\" VARCHAR[])[])[]",
        ]) {
            assert_eq!(name.parse::<ColumnType>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn people_write_them_otherwise() {
        for (text, expected) in [
            (" decimal( 12 , 2 ) [ ]", None),
            (" decimal( 12 , 2 ) []", Some("DECIMAL(12,2)[]")),
            ("struct ( Name text , n int[] )", Some("STRUCT(\"Name\" VARCHAR, \"n\" INTEGER[])")),
            ("double precision", Some("DOUBLE")),
            ("numeric(5)", Some("DECIMAL(5,0)")),
        ] {
            let kind = text.parse::<ColumnType>().ok().map(|kind| kind.to_string());
            assert_eq!(kind.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_type() {
        let deep = format!("BIGINT{}", "[]".repeat(65));
        let deeper = format!("{}BIGINT{}", "STRUCT(a ".repeat(65), ")".repeat(65));
        for text in [
            "",
            "FOO",
            "DECIMAL(39,0)",
            "DECIMAL(0,0)",
            "DECIMAL(3,4)",
            "DECIMAL(3",
            "INT; DROP",
            "VARCHAR)",
            "[]",
            "DECIMAL(1,2,3)",
            "DECIMAL(-1,2)",
            "STRUCT",
            "STRUCT()",
            "STRUCT(a)",
            "STRUCT(a BIGINT",
            "STRUCT(a BIGINT,)",
            "STRUCT(a BIGINT, A DATE)",
            "STRUCT(\"a BIGINT)",
            "STRUCT(\"\" BIGINT)",
            "STRUCT(a BIGINT) x",
            &deep,
            &deeper,
        ] {
            assert!(text.parse::<ColumnType>().is_err(), "{text}");
        }
        assert!("BIGINT[]".repeat(1000).parse::<ColumnType>().is_err());
        assert!("STRUCT(a ".repeat(100_000).parse::<ColumnType>().is_err());
    }
}
