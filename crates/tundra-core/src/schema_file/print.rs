//! A schema as YAML, with comments that say why and how to use it.
//!
//! Written by hand, because comments stand between the lines. The subset of YAML is small: block
//! mappings and sequences, and scalars that are words or stand in double quotes.

use std::fmt::{self, Write as _};

use super::{SCHEMA_FILE_VERSION, SchemaColumn, SchemaFile, TextForm};
use crate::{ColumnInspection, Inspection, JsonHints};

/// How the file is used; what stands below it is its reference.
const HEADING: &str = "\
Edit it, then use it:

    tundra convert --schema THIS_FILE INPUT

An input that does not fit fails, with a list of what is different, unless
`--accept-drift` is given. What is said on the command line goes before what
stands here. The order of the columns is that of the output.

Of each column:
  name      its name in the input
  rename    its name in the output, when that is to be another
  type      its type; found by the values where it is not given
  format    how its values are written where that is not the usual way, such as
            '%d/%m/%Y' or '#.##0,00 €'; where a type is given and no format,
            the usual way is meant: 2024-12-31, 1234.5, true
  nullable  `false` when a null is a difference
  force     `true` to take whatever a person would accept as a value of the
            type, as the option `--type` does: 00713 is 713 then. Without it
            every value must keep every digit and have no other meaning.
`format`, `text` and `json` may be left out; they are found out then.";

/// Returns the schema as YAML. `found` is what it was made of.
pub(super) fn yaml(schema: &SchemaFile, found: Option<&Inspection>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, schema, found);
    text
}

fn write(
    text: &mut String,
    schema: &SchemaFile,
    found: Option<&Inspection>,
) -> Result<(), fmt::Error> {
    if let Some(found) = found {
        heading(text, found)?;
    }
    writeln!(text, "tundra_schema: {SCHEMA_FILE_VERSION}")?;
    if let Some(format) = schema.format {
        writeln!(text, "format: {format}")?;
    }
    text_section(text, &TextForm::of(&schema.text, &schema.null_words), found)?;
    json_section(text, &schema.json)?;
    writeln!(text, "\ncolumns:")?;
    for (index, column) in schema.columns.iter().enumerate() {
        let found = found.map(|found| {
            let found = found.columns.iter().find(|other| other.name == column.name);
            found.map_or_else(String::new, note)
        });
        if let Some(note) = found {
            if index > 0 {
                writeln!(text)?;
            }
            comment(text, "  ", &note)?;
        }
        write_column(text, column)?;
    }
    Ok(())
}

fn heading(text: &mut String, found: &Inspection) -> fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    let all = if found.complete { "all" } else { "the first" };
    let rows = found.rows_inspected;
    let plural = if rows == 1 { "" } else { "s" };
    let about = format!(
        "How `{}` is read, and what its columns become.\nMade by Tundra {version} of {all} {rows} \
         record{plural}.",
        found.source.location
    );
    for line in about.lines().chain([""]).chain(HEADING.lines()) {
        let line = printable(line);
        writeln!(text, "{}", format!("# {line}").trim_end())?;
    }
    writeln!(text)
}

fn text_section(text: &mut String, form: &TextForm, found: Option<&Inspection>) -> fmt::Result {
    let TextForm {
        encoding,
        delimiter,
        quote,
        escape,
        header,
        header_rows,
        preamble,
        footer,
        one_table,
        comment,
        nulls,
    } = form;
    let words: Vec<String> = nulls.iter().map(|word| quoted(word)).collect();
    let keys = [
        ("encoding", encoding.as_deref().map(scalar)),
        ("delimiter", delimiter.as_deref().map(scalar)),
        ("quote", quote.as_deref().map(scalar)),
        ("escape", escape.as_deref().map(scalar)),
        ("header", header.map(|header| header.to_string())),
        ("header_rows", header_rows.map(|rows| rows.to_string())),
        ("preamble", preamble.map(|lines| lines.to_string())),
        ("footer", footer.map(|lines| lines.to_string())),
        ("one_table", one_table.then(|| "true".to_owned())),
        ("comment", comment.as_deref().map(scalar)),
        ("nulls", (!words.is_empty()).then(|| format!("[{}]", words.join(", ")))),
    ];
    let mut begun = false;
    for (key, value) in keys {
        let Some(value) = value else { continue };
        if !std::mem::replace(&mut begun, true) {
            writeln!(text, "\ntext:")?;
        }
        write!(text, "  {key}: {value}")?;
        let decisions = found.iter().flat_map(|found| &found.decisions);
        match decisions.into_iter().find(|decision| decision.what == key) {
            Some(decision) => writeln!(text, "  # {}", printable(&decision.reason))?,
            None => writeln!(text)?,
        }
    }
    Ok(())
}

fn json_section(text: &mut String, json: &JsonHints) -> fmt::Result {
    let JsonHints { records, flatten } = json;
    if records.is_none() && !flatten {
        return Ok(());
    }
    writeln!(text, "\njson:")?;
    if let Some(records) = records {
        writeln!(text, "  records: {}", scalar(&records.to_string()))?;
    }
    if *flatten {
        writeln!(text, "  flatten: true")?;
    }
    Ok(())
}

/// Says why a column is what it is.
fn note(column: &ColumnInspection) -> String {
    let nulls = match column.null_count {
        Some(0) => "; no nulls".to_owned(),
        Some(1) => "; 1 null".to_owned(),
        Some(nulls) => format!("; {nulls} nulls"),
        None => String::new(),
    };
    let unnamed = if column.column_type.parse::<crate::ColumnType>().is_err() {
        format!("; its type {} has no name here", column.column_type)
    } else {
        String::new()
    };
    format!("{}{nulls}{unnamed}", column.reason)
}

fn write_column(text: &mut String, column: &SchemaColumn) -> fmt::Result {
    let SchemaColumn { name, rename, column_type, format, nullable, force } = column;
    writeln!(text, "  - name: {}", scalar(name))?;
    if let Some(rename) = rename {
        writeln!(text, "    rename: {}", scalar(rename))?;
    }
    if let Some(column_type) = column_type {
        writeln!(text, "    type: {}", scalar(&column_type.to_string()))?;
    }
    if let Some(format) = format {
        writeln!(text, "    format: {}", scalar(format))?;
    }
    if !nullable {
        writeln!(text, "    nullable: false")?;
    }
    if *force {
        writeln!(text, "    force: true")?;
    }
    Ok(())
}

/// Writes a comment in as many lines as it needs.
fn comment(text: &mut String, indent: &str, comment: &str) -> fmt::Result {
    /// Lines of a file that is read in an editor.
    const WIDTH: usize = 96;
    let comment = printable(comment);
    let mut line = String::new();
    for word in comment.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(text, "{indent}# {line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() { Ok(()) } else { writeln!(text, "{indent}# {line}") }
}

/// Returns the text on one line: what a comment holds must not end it.
fn printable(text: &str) -> String {
    text.chars().map(|character| if is_unprintable(character) { ' ' } else { character }).collect()
}

/// Returns a scalar that is read back as this text, whatever the text is.
fn scalar(text: &str) -> String {
    if is_word(text) {
        return text.to_owned();
    }
    if text.contains(['"', '\\']) && !text.contains('\'') && !text.contains(is_unprintable) {
        // Between these quotes there are no escapes, which is easier to read.
        return format!("'{text}'");
    }
    quoted(text)
}

/// Returns a text between double quotes, where everything can be written.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            character if is_unprintable(character) => {
                // The form for every character there is.
                let _ = write!(quoted, "\\U{:08X}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns whether YAML forbids the character in a text, takes it for a line break, or nobody sees
/// it.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{a0}'
        )
}

/// Returns whether a text can stand without quotes, in every version of YAML: it begins with a
/// letter, holds nothing that means something, and is none of the words for booleans and nulls.
fn is_word(text: &str) -> bool {
    const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let mut characters = text.chars();
    let begins = characters.next().is_some_and(|first| first.is_alphabetic() || first == '_');
    begins
        && !text.ends_with(' ')
        && characters.all(|character| {
            character.is_alphanumeric()
                || matches!(character, '_' | '-' | ' ' | '.' | '(' | ')' | '[' | ']' | ',')
        })
        && !RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RecordsPath, TextHints};

    #[test]
    fn words_stand_as_they_are_and_everything_else_in_quotes() {
        for (text, written) in [
            ("id", "id"),
            ("Order ID", "Order ID"),
            ("größe", "größe"),
            ("user.name", "user.name"),
            ("DECIMAL(12,2)", "DECIMAL(12,2)"),
            ("BIGINT[]", "BIGINT[]"),
            ("none", "none"),
            ("no", "\"no\""),
            ("TRUE", "\"TRUE\""),
            ("1", "\"1\""),
            ("1e3", "\"1e3\""),
            (".inf", "\".inf\""),
            ("", "\"\""),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("a\"b\\c\n", "\"a\\\"b\\\\c\\n\""),
            ("a\"b\\c", "'a\"b\\c'"),
            ("it's", "\"it's\""),
            ("\"", "'\"'"),
            ("\u{85}\u{0}", "\"\\U00000085\\U00000000\""),
        ] {
            assert_eq!(scalar(text), written, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_name_survives_the_trip(
            names in proptest::collection::hash_set("\\PC{0,12}|[ -~\\n\\t\u{0}-\u{9f}]{0,8}|(?i)null|yes|~|0x1|1_000|<<|=|!a|&a|\\*a", 1..6),
            delimiter in "[!-\\[\\]-~]{1,3}",
            words in proptest::collection::vec("\\PC{1,6}|[ -~]{1,6}", 0..3),
        ) {
            let mut seen = std::collections::HashSet::new();
            let columns: Vec<SchemaColumn> = names
                .iter()
                .filter(|name| seen.insert(name.to_lowercase()))
                .map(SchemaColumn::new)
                .collect();
            let schema = SchemaFile {
                format: None,
                text: TextHints {
                    delimiter: Some(delimiter),
                    header: Some(true),
                    ..TextHints::default()
                },
                null_words: words,
                json: JsonHints { records: "a.b".parse::<RecordsPath>().ok(), flatten: true },
                columns,
            };
            let text = schema.to_string();
            let read = text.parse::<SchemaFile>();
            prop_assert_eq!(read.as_ref(), Ok(&schema), "{}", text);
        }
    }
}
