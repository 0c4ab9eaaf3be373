//! Values of options that are more than a number or a word.
//!
//! Each function reads one form and says in its error what the form is; clap puts the option's name
//! before it. Nothing here looks at files or at other options.

use std::{str::FromStr, time::Duration};

use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tundra_core::{ColumnType, Format, OutputFormat, Reader, RejectLimit, UnknownName};

/// A quote, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quote(pub(crate) Option<char>);

/// What makes a quote inside a quoted field an ordinary character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// The quote itself.
    Doubled,
    /// A character before it.
    Character(char),
    /// Nothing does.
    None,
}

/// What comments begin with, or that there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment(pub(crate) Option<String>);

/// Returns the parser of a format's name.
pub(crate) fn format() -> impl TypedValueParser<Value = Format> {
    let names = Format::NAMES.iter().map(|name| match *name {
        "ndjson" => PossibleValue::new("ndjson").alias("jsonl"),
        "excel" => PossibleValue::new("excel").aliases(["xlsx", "xlsm", "xlsb", "xls", "ods"]),
        name => PossibleValue::new(name),
    });
    PossibleValuesParser::new(names).try_map(|name| -> Result<Format, UnknownName> { name.parse() })
}

/// Returns the parser of a reader's name.
pub(crate) fn reader() -> impl TypedValueParser<Value = Reader> {
    PossibleValuesParser::new(Reader::NAMES)
        .try_map(|name| -> Result<Reader, UnknownName> { name.parse() })
}

/// Returns the parser of the name of an output's format.
pub(crate) fn output_format() -> impl TypedValueParser<Value = OutputFormat> {
    let names = OutputFormat::NAMES.iter().map(|name| match *name {
        "ndjson" => PossibleValue::new("ndjson").alias("jsonl"),
        name => PossibleValue::new(name),
    });
    PossibleValuesParser::new(names)
        .try_map(|name| -> Result<OutputFormat, UnknownName> { name.parse() })
}

/// Returns the format of an output: the one that was said, or the one that its name ends with.
pub(crate) fn format_of(said: Option<OutputFormat>, output: Option<&str>) -> Option<OutputFormat> {
    said.or_else(|| {
        let name = output?.split('?').next()?.rsplit('/').next()?;
        OutputFormat::from_extension(name.rsplit_once('.')?.1)
    })
}

/// Reads `OLD=NEW`, split at the first `=` that has no backslash before it.
pub(crate) fn rename(text: &str) -> Result<(String, String), String> {
    let mut old = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            Some('=') => break,
            Some('\\') => match rest.as_str().chars().next() {
                Some(escaped @ ('=' | '\\')) => {
                    rest.next();
                    old.push(escaped);
                }
                _ => old.push('\\'),
            },
            Some(other) => old.push(other),
            None => return Err("it has no `=`; the form is OLD=NEW".to_owned()),
        }
    }
    let new = rest.as_str();
    if new.is_empty() {
        return Err("the new name is empty; the form is OLD=NEW".to_owned());
    }
    Ok((old, new.to_owned()))
}

/// A type that a column is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedColumn {
    /// The column's name in the input.
    pub(crate) name: String,
    /// The type.
    pub(crate) column_type: ColumnType,
    /// How its values are written, if that was said.
    pub(crate) format: Option<String>,
}

/// Reads `COLUMN=TYPE` or `COLUMN=TYPE(FORMAT)`, split at the last `=`, which neither holds.
pub(crate) fn column_type(text: &str) -> Result<TypedColumn, String> {
    let (column, name) =
        text.rsplit_once('=').ok_or("it has no `=`; the form is COLUMN=TYPE, such as id=BIGINT")?;
    let (column_type, format) =
        ColumnType::parse_with_format(name).map_err(|error| error.to_string())?;
    Ok(TypedColumn { name: column.to_owned(), column_type, format })
}

/// Reads a delimiter, by its name or as it is.
pub(crate) fn delimiter(text: &str) -> Result<String, String> {
    let delimiter = match text.to_ascii_lowercase().as_str() {
        "comma" => ",",
        "semicolon" => ";",
        "tab" | "\\t" => "\t",
        "pipe" => "|",
        "space" => " ",
        "" => return Err("a delimiter has at least one character".to_owned()),
        _ if text.contains(['\n', '\r']) => {
            return Err("a line break ends a record and cannot be a delimiter".to_owned());
        }
        _ => text,
    };
    Ok(delimiter.to_owned())
}

/// Reads a quote: one character, or `none`.
pub(crate) fn quote(text: &str) -> Result<Quote, String> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(Quote(None)),
        _ => single(text).map(|character| Quote(Some(character))),
    }
}

/// Reads an escape: one character, `doubled`, `backslash` or `none`.
pub(crate) fn escape(text: &str) -> Result<Escape, String> {
    match text.to_ascii_lowercase().as_str() {
        "doubled" => Ok(Escape::Doubled),
        "backslash" => Ok(Escape::Character('\\')),
        "none" => Ok(Escape::None),
        _ => single(text).map(Escape::Character),
    }
}

/// Reads what comments begin with, or `none`.
pub(crate) fn comment(text: &str) -> Result<Comment, String> {
    match text {
        "" => Err("a comment begins with at least one character".to_owned()),
        "none" => Ok(Comment(None)),
        _ => Ok(Comment(Some(text.to_owned()))),
    }
}

fn single(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if !matches!(character, '\n' | '\r') => Ok(character),
        _ => Err("it must be one character or one of the names that the help lists".to_owned()),
    }
}

/// Reads a whole number that may be zero.
pub(crate) fn from_zero<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| not_from(text, 0))
}

/// Reads a whole number that is not zero, as its type says.
pub(crate) fn from_one<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| not_from(text, 1))
}

fn not_from(text: &str, least: u8) -> String {
    let is_zero = text.bytes().all(|byte| byte == b'0');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !is_zero {
        "it is too large a number".to_owned()
    } else {
        format!("it must be a whole number from {least} on")
    }
}

/// Reads how many rejects are too many.
pub(crate) fn reject_limit(text: &str) -> Result<RejectLimit, String> {
    text.parse().map_err(|_| {
        "it must be a number of records from 0 on, such as 10, or a percentage from 0% to 100%, such \
         as 0.5%"
            .to_owned()
    })
}

/// Reads `KEY=VALUE`, split at the first `=`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`; the form is KEY=VALUE")?;
    if key.is_empty() {
        return Err("the key is empty; the form is KEY=VALUE".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads a number of bytes, such as `512MiB`, `4GB` or `1000000`; at least one.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(ByteSize(0)) => Err("it must be more than nothing".to_owned()),
        Ok(ByteSize(bytes)) => Ok(bytes),
        Err(_) => Err("it must be a number with a unit, such as 512MiB or 4GB".to_owned()),
    }
}

/// Reads a time such as `90s`, `10m`, `1h30m`, `7d` or `250ms`; more than nothing.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a time with a unit, such as 90s, 10m or 1h30m".to_owned();
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part = match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" | "min" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            "d" => number.checked_mul(86_400).map(Duration::from_secs),
            _ => None,
        };
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = tail.trim_start();
    }
    if total.is_zero() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn renames(text: &str, old: &str, new: &str) {
        assert_eq!(rename(text), Ok((old.to_owned(), new.to_owned())), "{text}");
    }

    #[test]
    fn a_rename_ends_the_old_name_at_the_first_equals_sign() {
        renames("a=b", "a", "b");
        renames("a=b=c", "a", "b=c");
        renames(r"a\=b=c", "a=b", "c");
        renames(r"a\\=b", r"a\", "b");
        renames(r"C:\dir=d", r"C:\dir", "d");
        renames("=id", "", "id");
        renames(r"x=\=", "x", r"\=");
        assert!(rename("a").is_err());
        assert!(rename("a=").is_err());
        assert!(rename(r"a\=b").is_err());
    }

    #[test]
    fn a_type_ends_the_column_at_the_last_equals_sign() {
        let typed = column_type("a=b=DECIMAL(12, 2)").unwrap();
        assert_eq!(typed.name, "a=b");
        assert_eq!(typed.column_type, ColumnType::Decimal { precision: 12, scale: 2 });
        assert_eq!(typed.format, None);
        let typed = column_type("day=DATE(%d/%m/%Y)").unwrap();
        assert_eq!(typed.column_type, ColumnType::Date);
        assert_eq!(typed.format.as_deref(), Some("%d/%m/%Y"));
        assert!(column_type("a").unwrap_err().contains("COLUMN=TYPE"));
        assert!(column_type("a=WHATEVER").unwrap_err().contains("`WHATEVER`"));
    }

    #[test]
    fn delimiters_have_names() {
        for (text, expected) in
            [("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), ("Comma", ","), (", ", ", "), ("||", "||")]
        {
            assert_eq!(delimiter(text).as_deref(), Ok(expected), "{text:?}");
        }
        assert!(delimiter("").is_err());
        assert!(delimiter("\n").is_err());
    }

    #[test]
    fn quotes_and_escapes_are_one_character_or_a_name() {
        assert_eq!(quote("none"), Ok(Quote(None)));
        assert_eq!(quote("'"), Ok(Quote(Some('\''))));
        assert_eq!(escape("doubled"), Ok(Escape::Doubled));
        assert_eq!(escape("\\"), Ok(Escape::Character('\\')));
        assert_eq!(escape("backslash"), Ok(Escape::Character('\\')));
        for text in ["", "ab", "\n"] {
            assert!(quote(text).is_err(), "{text:?}");
            assert!(escape(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn numbers_say_where_they_begin() {
        assert_eq!(from_zero("0"), Ok(0_u64));
        assert_eq!(from_one("1"), Ok(std::num::NonZeroU64::MIN));
        let from_zero = |text| from_zero::<u32>(text).unwrap_err();
        for text in ["", "x", "-1", "1.5"] {
            assert_eq!(from_zero(text), "it must be a whole number from 0 on", "{text}");
        }
        assert_eq!(from_zero("4294967296"), "it is too large a number");
        for text in ["0", "00", "-1", "two"] {
            let error = from_one::<std::num::NonZeroUsize>(text).unwrap_err();
            assert_eq!(error, "it must be a whole number from 1 on", "{text}");
        }
        assert!(reject_limit("-1").unwrap_err().contains("from 0 on"));
    }

    #[test]
    fn pairs_are_split_once() {
        let pair_of = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(pair("owner=acme"), pair_of("owner", "acme"));
        assert_eq!(pair("a=b=c"), pair_of("a", "b=c"));
        assert_eq!(pair("a="), pair_of("a", ""));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }

    #[test]
    fn sizes_need_no_unit_but_know_them() {
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(size("6GB"), Ok(6_000_000_000));
        assert_eq!(size("512"), Ok(512));
        for text in ["", "0", "x", "-1GB", "1 parsec"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_need_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for text in ["", "10", "m", "0s", "1y", "5 parsecs", "-1s", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
