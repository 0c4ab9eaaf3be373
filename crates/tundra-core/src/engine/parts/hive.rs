//! The names of the directories of partitions, as Hive writes them: `country=DE/year=2024/`.
//!
//! A name that a reader would take for another value is refused, and none leads out of its directory: each
//! begins with the name of a column and has no `/`.

use std::fmt::Write as _;

use crate::{Error, Result};

/// What stands for a null.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Characters that are written as `%` and two digits, besides control characters: those of Hive and Spark.
const ESCAPED: &str = "\"#%'*/:=?\\{[]^";

/// The longest name of a directory in common file systems, in bytes.
const LONGEST: usize = 255;

/// Returns the directories of a partition, each with a `/` behind it; nothing when there are no columns.
///
/// # Errors
/// Fails when a value makes no name.
pub(super) fn directories(columns: &[String], values: &[Option<String>]) -> Result<String> {
    let mut directories = String::new();
    for (column, value) in columns.iter().zip(values) {
        directories.push_str(&directory(column, value.as_deref())?);
        directories.push('/');
    }
    Ok(directories)
}

fn directory(column: &str, value: Option<&str>) -> Result<String> {
    let refuse = |what: String| {
        Err(Error::Request {
            message: format!("column `{column}` makes no partitions: {what}"),
            hint: Some("partition by another column".to_owned()),
        })
    };
    let value = match value {
        None => NULL.to_owned(),
        Some("") => {
            return refuse("it has an empty text, which readers take for a null or refuse".into());
        }
        Some(NULL) => return refuse(format!("it has the text `{NULL}`, which means a null")),
        Some(value) => escaped(value),
    };
    let name = format!("{}={value}", escaped(column));
    if let Some(character) = name.chars().find(|character| character.is_control()) {
        let code = u32::from(character);
        return refuse(format!("a value has the control character U+{code:04X}"));
    }
    if name.len() > LONGEST {
        let length = name.len();
        return refuse(format!(
            "the name of a directory would have {length} bytes, and may have {LONGEST}"
        ));
    }
    Ok(name)
}

fn escaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_control() || ESCAPED.contains(character) {
            // Writing to a `String` does not fail.
            let _ = write!(name, "%{:02X}", u32::from(character));
        } else {
            name.push(character);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[Option<&str>]) -> Result<String> {
        let columns: Vec<String> = (0..values.len()).map(|index| format!("c{index}")).collect();
        let values: Vec<_> = values.iter().map(|value| value.map(str::to_owned)).collect();
        directories(&columns, &values)
    }

    #[test]
    fn values_stand_behind_the_names_of_their_columns() {
        assert_eq!(named(&[Some("DE"), Some("2024")]).unwrap(), "c0=DE/c1=2024/");
        assert_eq!(named(&[None]).unwrap(), "c0=__HIVE_DEFAULT_PARTITION__/");
        assert_eq!(named(&[]).unwrap(), "");
    }

    #[test]
    fn what_could_mean_something_in_a_path_is_escaped() {
        for (value, name) in [
            ("../../etc", "..%2F..%2Fetc"),
            ("..", ".."),
            ("a=b", "a%3Db"),
            ("100%", "100%25"),
            ("12:30", "12%3A30"),
            ("a\\b", "a%5Cb"),
            ("tab\there", "tab%09here"),
            ("\0\u{7f}", "%00%7F"),
            ("größe ü", "größe ü"),
        ] {
            assert_eq!(named(&[Some(value)]).unwrap(), format!("c0={name}/"));
        }
        assert_eq!(directory("a/b=c", Some("x")).unwrap(), "a%2Fb%3Dc=x");
    }

    #[test]
    fn what_a_reader_would_take_for_something_else_is_refused() {
        for value in ["", NULL, "\u{85}", &"x".repeat(300)] {
            let error = named(&[Some(value)]).unwrap_err().to_string();
            assert!(error.contains("`c0`"), "{error}");
        }
    }
}
