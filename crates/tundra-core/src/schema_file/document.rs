//! The document that a schema file is, and what it must hold.

use std::collections::HashMap;

use serde::Deserialize;

use super::{SCHEMA_FILE_VERSION, SchemaColumn, SchemaFile, TextForm};
use crate::{
    JsonHints, RecordsPath, TextHints,
    error::{Classify, ErrorKind, Retry},
};

/// Why a text is no schema file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*.line, *.character))]
pub struct SchemaFileError {
    /// The line, counted from 1, when it is about one.
    pub line: Option<u64>,
    /// The character in the line, counted from 1.
    pub character: Option<u64>,
    /// What is wrong, naming key or column.
    pub message: String,
}

fn place(line: Option<u64>, character: Option<u64>) -> String {
    match (line, character) {
        (Some(line), Some(character)) => format!("line {line}, character {character}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

impl Classify for SchemaFileError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidRequest
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        vec!["`tundra inspect INPUT -o schema.yaml` writes one that is right".to_owned()]
    }
}

/// The document as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tundra_schema: u32,
    format: Option<String>,
    text: Option<TextForm>,
    json: Option<JsonForm>,
    columns: Vec<Column>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonForm {
    records: Option<String>,
    #[serde(default)]
    flatten: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    rename: Option<String>,
    #[serde(rename = "type")]
    column_type: Option<String>,
    format: Option<String>,
    #[serde(default = "yes")]
    nullable: bool,
    #[serde(default)]
    force: bool,
}

fn yes() -> bool {
    true
}

/// Reads a schema file.
pub(super) fn parse(text: &str) -> Result<SchemaFile, SchemaFileError> {
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        // The text around the place helps on a terminal only; the place is told by its numbers.
        let message = error.without_snippet().to_string();
        SchemaFileError {
            line: location.map(|location| location.line()),
            character: location.map(|location| location.column()),
            message: explained(&message),
        }
    })?;
    document.check()
}

/// Returns what is wrong in words of our own: those of the library are about its types and options,
/// and not about the file. The place is told elsewhere.
fn explained(message: &str) -> String {
    let line = message.lines().next().unwrap_or(message);
    let line = line.split(" at line ").next().unwrap_or(line);
    let between = |from: &str, to: &str| {
        let rest = line.split_once(from)?.1;
        Some(rest.split_once(to).map_or(rest, |(found, _)| found).to_owned())
    };
    if let Some(key) = between("unknown field `", "`") {
        let known = line.split_once("expected ").map_or("", |(_, known)| known);
        let known = known.strip_prefix("one of ").unwrap_or(known);
        return format!("there is no key `{key}` here, only {known}");
    }
    if let Some(key) = between("missing field `", "`") {
        return format!("the key `{key}` is missing");
    }
    if line.contains("duplicate") {
        return match between("`", "`").or_else(|| between(": ", ",")) {
            Some(key) => format!("the key `{key}` stands twice"),
            None => "a key stands twice".to_owned(),
        };
    }
    if let Some((found, expected)) = line.split_once(", expected ")
        && let Some(found) = found.split_once("invalid type: ").map(|(_, found)| found)
    {
        return format!("this is {found}, and must be {}", in_words(expected));
    }
    if line.to_ascii_lowercase().contains("boolean") || line.contains("bool") {
        return "this must be `true` or `false`".to_owned();
    }
    if line.contains("budget") || line.contains("limit") || line.contains("depth") {
        return "the file is nested too deeply, or has too many aliases".to_owned();
    }
    format!("this is no YAML as a schema file has it: {line}")
}

/// Names what a key holds as people do.
fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "u32" | "u64" | "an integer" => "a whole number",
        expected if expected.contains("struct ") || expected.contains("map") => {
            "keys with values, such as `name: id`"
        }
        expected => expected,
    }
}

impl Document {
    fn check(self) -> Result<SchemaFile, SchemaFileError> {
        let Self { tundra_schema, format, text, json, columns } = self;
        if tundra_schema != SCHEMA_FILE_VERSION {
            return Err(wrong(format!(
                "`tundra_schema` is {tundra_schema}, and this version of Tundra reads \
                 {SCHEMA_FILE_VERSION}"
            )));
        }
        if columns.is_empty() {
            return Err(wrong("`columns` is empty"));
        }
        let format = format.map(|format| format.parse()).transpose();
        let format = format.map_err(|error| wrong(format!("`format`: {error}")))?;
        let null_words = text.as_ref().map_or_else(Vec::new, |form| form.nulls.clone());
        if null_words.iter().any(String::is_empty) {
            return Err(wrong("`text`: an empty word in `nulls`, which is a null in any case"));
        }
        let text = match text {
            Some(form) => form.to_hints().map_err(|error| wrong(format!("`text`: {error}")))?,
            None => TextHints::default(),
        };
        let json = match json {
            Some(form) => form.check()?,
            None => JsonHints::default(),
        };
        let columns = columns.into_iter().map(Column::check).collect::<Result<Vec<_>, _>>()?;
        check_names(&columns)?;
        Ok(SchemaFile { format, text, null_words, json, columns })
    }
}

impl JsonForm {
    fn check(self) -> Result<JsonHints, SchemaFileError> {
        let records = self.records.map(|path| path.parse::<RecordsPath>()).transpose();
        let records = records.map_err(|error| wrong(format!("`records`: {error}")))?;
        Ok(JsonHints { records, flatten: self.flatten })
    }
}

impl Column {
    fn check(self) -> Result<SchemaColumn, SchemaFileError> {
        let Self { name, rename, column_type, format, nullable, force } = self;
        if rename.as_deref() == Some("") {
            return Err(wrong(format!("the new name of column `{name}` is empty")));
        }
        // As the option `--type` has it, with the format behind the type.
        let with_format = column_type.as_deref().and_then(type_with_format);
        if let Some((kind, format)) = with_format {
            return Err(wrong(format!(
                "the type of column `{name}` is {kind}; how its values are written stands under a key \
                 of its own: `format: \"{format}\"`"
            )));
        }
        let column_type = column_type.map(|column_type| column_type.parse()).transpose();
        let column_type =
            column_type.map_err(|error| wrong(format!("the type of column `{name}`: {error}")))?;
        if force && column_type.is_none() {
            return Err(wrong(format!("column `{name}` has `force`, and no `type` to be forced")));
        }
        if format.is_some() && column_type.is_none() {
            return Err(wrong(format!("column `{name}` has a `format`, and no `type`")));
        }
        let rename = rename.filter(|new| *new != name);
        Ok(SchemaColumn { name, rename, column_type, format, nullable, force })
    }
}

/// Takes a type with a format in parentheses apart.
fn type_with_format(text: &str) -> Option<(&str, &str)> {
    let (kind, rest) = text.split_once('(')?;
    let inside = rest.trim_end().strip_suffix(')')?;
    let kind = kind.trim_end();
    let is_decimal = ["DECIMAL", "NUMERIC"].iter().any(|name| kind.eq_ignore_ascii_case(name));
    let is_plain = kind.parse::<crate::ColumnType>().is_ok();
    // Behind the precision and the scale of a decimal its format stands.
    let format = if is_decimal { inside.splitn(3, ',').nth(2) } else { Some(inside) };
    (is_decimal || is_plain).then_some((kind, format?.trim()))
}

/// Checks that no column stands twice, and that no two have one name in the output.
fn check_names(columns: &[SchemaColumn]) -> Result<(), SchemaFileError> {
    let mut names = HashMap::new();
    let mut outputs = HashMap::new();
    for column in columns {
        let name = column.name.as_str();
        if names.insert(name, ()).is_some() {
            return Err(wrong(format!("column `{name}` stands twice in `columns`")));
        }
        // The engine compares names without regard to case.
        if let Some(other) = outputs.insert(column.output_name().to_lowercase(), name) {
            let output = column.output_name();
            return Err(wrong(format!(
                "columns `{other}` and `{name}` would both be named `{output}` in the output, where \
                 names are compared without regard to case"
            )));
        }
    }
    Ok(())
}

fn wrong(message: impl Into<String>) -> SchemaFileError {
    SchemaFileError { line: None, character: None, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn a_person_may_write_less() {
        let schema =
            parse("columns: [{name: a}, {name: NO, type: decimal(12, 2)}]\ntundra_schema: 1");
        let schema = schema.expect_err("a bracket of flow style ends the type");
        assert!(schema.line.is_some(), "{schema}");
        let schema = parse(
            "tundra_schema: 1\ncolumns:\n- name: a\n- name: NO\n  type: decimal(12, 2)\n  nullable: false\n- {name: 1}\n- {name: 'null', rename: b, type: \"STRUCT(x INT)\"}\n",
        )
        .unwrap();
        assert_eq!(schema.format, None);
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a", "NO", "1", "null"]);
        assert_eq!(schema.columns[1].column_type, "DECIMAL(12,2)".parse().ok());
        assert!(!schema.columns[1].nullable && schema.columns[0].nullable);
        assert_eq!(schema.columns[3].output_name(), "b");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let error =
            parse("tundra_schema: 1\ncolumns:\n  - name: a\n    typ: BIGINT\n").unwrap_err();
        assert_eq!(error.line, Some(4), "{error}");
        assert!(error.to_string().contains("typ"), "{error}");
        for (text, says) in [
            ("", "line 1"),
            ("just words", "line 1"),
            ("a: [", "line"),
            ("columns: []", "tundra_schema"),
            ("tundra_schema: 1\ncolumns: []", "`columns` is empty"),
            ("tundra_schema: 2\ncolumns: [{name: a}]", "`tundra_schema` is 2"),
            ("tundra_schema: 1\nformat: xml\ncolumns: [{name: a}]", "`format`: `xml`"),
            (
                "tundra_schema: 1\ntext: {quote: ab}\ncolumns: [{name: a}]",
                "`text`: `quote` is `ab`",
            ),
            ("tundra_schema: 1\njson: {records: a..b}\ncolumns: [{name: a}]", "`records`: `a..b`"),
            (
                "tundra_schema: 1\ncolumns: [{name: a, type: FOO}]",
                "column `a`: there is no type `FOO`",
            ),
            ("tundra_schema: 1\ncolumns: [{name: a}, {name: a}]", "`a` stands twice"),
            ("tundra_schema: 1\ncolumns: [{name: a}, {name: b, rename: A}]", "both be named `A`"),
            ("tundra_schema: 1\ncolumns: [{name: a, rename: ''}]", "the new name of column `a`"),
            ("tundra_schema: 1\ncolumns: [{name: a, force: true}]", "no `type` to be forced"),
            ("tundra_schema: 1\ncolumns: [{name: a, format: '%d'}]", "a `format`, and no `type`"),
            ("tundra_schema: 1\ntext: {nulls: ['']}\ncolumns: [{name: a}]", "an empty word"),
            ("tundra_schema: 1\ncolumns: [{name: a, nullable: maybe}]", "line 2"),
            ("tundra_schema: 1\ntundra_schema: 1\ncolumns: [{name: a}]", "line 2"),
            ("tundra_schema: 1\ncolumns: [{naem: a}]", "there is no key `naem` here"),
            ("tundra_schema: 1\n", "the key `columns` is missing"),
            (
                "tundra_schema: 1\ncolumns: [{name: a, type: DATE(%d/%m/%Y)}]",
                "under a key of its own: `format: \"%d/%m/%Y\"`",
            ),
            (
                "tundra_schema: 1\ncolumns:\n- name: a\n  type: 'DECIMAL(18,2,#.##0,00 €)'",
                "under a key of its own: `format: \"#.##0,00 €\"`",
            ),
            (
                "tundra_schema: 1\ntext: {footer: 0, one_table: true}\ncolumns: [{name: a}]",
                "`one_table` is `true`",
            ),
        ] {
            let error = refused(text);
            assert!(error.contains(says), "{text}: {error}");
            // Words of the library, which nobody can follow.
            for word in ["DuplicateKeyPolicy", "Options", "serde", "struct ", "u32", "enum"] {
                assert!(!error.contains(word), "{text}: {error}");
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_at_once() {
        let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (one, other) in
            ["a", "b", "c", "d", "e", "f", "g", "h"].windows(2).map(|w| (w[0], w[1]))
        {
            let inner = vec![format!("*{one}"); 9].join(", ");
            text.push_str(&format!("{other}: &{other} [{inner}]\n"));
        }
        assert!(parse(&text).is_err());
        assert!(parse(&"[".repeat(1_000_000)).is_err());
    }
}
