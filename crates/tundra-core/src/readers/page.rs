//! The page of the documentation about readers, made of what is known of them.

use std::fmt::Write;

use crate::readers::{
    Reader,
    facts::{Facts, RangeFact, TypeFact, When},
};

const HEAD: &str = "\
# Readers of Parquet

What those who read Parquet take, and what becomes of the rest.
This page is made by `tundra generate-docs readers`; do not edit it.

## Checking a file

```console
$ tundra check sales.parquet --for spark --for bigquery
```

says what of the file these readers refuse, lose or take differently, and what can be done about it; without `--for` it is about all of them.
Of the file the footer is read and nothing else: types, names, codecs, and the smallest and largest values where they stand there.
A value that is too large in a file that does not tell its largest is not found.

- **refuses**: the file, the column or a value is not read at all.
- **loses**: values arrive as others.
- **differs**: every value arrives, as another type than one may expect or after a setting.

The command ends with 0 when nothing is refused or lost, and with 3 otherwise.
`--json` prints the findings for programs, each with the address of where it is from.

## Writing for a reader

```console
$ tundra convert sales.csv --for bigquery --for athena
$ tundra extract sqlite:shop.db --table orders --for spark
```

keeps to what all of the named readers take:

- A type that one of them minds becomes one that holds the same values: the column \"written instead\" below. The engine proves it value by value, and a value that would change ends the run.
- A column with a name that one of them refuses gets the nearest name that all of them take: other letters become underscores, and a number behind it keeps it apart from others. Fields within a column are not renamed: then the run fails.
- What was said is not changed: a type by `--type` or by a schema, a name by `--rename`, and `--compression` fail the run where a reader does not take them.
- Before the output is published its footer is checked as `tundra check` does it. A value beyond a reader's range, such as a date of the year 12000, fails the run.

What was changed stands in the [receipt](RECEIPT.md), as the decisions `readers`, `type` and `name`.

## How it is known

- **tested**: the tests of Tundra run the reader.
- **run**: the reader was run when this was written down, and the tests do not run it.
- **documented**: as the reader's documentation was known when this was written; nobody tried it here, and where the linked page says otherwise by now, the page is right.

What is not in these tables is taken as it is, as far as is known here.
";

/// Returns the page as Markdown.
pub fn readers_page() -> String {
    let mut page = HEAD.to_owned();
    for reader in Reader::ALL {
        section(&mut page, reader.facts());
    }
    page
}

fn section(page: &mut String, facts: &Facts) {
    let Facts { reader, title, meant, codecs, codecs_basis, codecs_source, .. } = facts;
    // Writing into a string cannot fail.
    let _ = write!(
        page,
        "\n## {title}\n\n`--for {reader}`: {meant}.\n\n\
         - Codecs: {} ([{}]({codecs_source})).\n",
        codecs.join(", "),
        codecs_basis.name(),
    );
    names(page, facts);
    if let Some(most) = facts.max_columns {
        let _ = writeln!(page, "- Columns: {most} at most.");
    }
    if facts.types.is_empty() && facts.ranges.is_empty() {
        return;
    }
    page.push_str("\n| what | | why | written instead, or the way out | known |\n| --- | --- | --- | --- | --- |\n");
    for fact in facts.types {
        page.push_str(&type_row(fact));
    }
    for fact in facts.ranges {
        page.push_str(&range_row(fact));
    }
}

fn names(page: &mut String, facts: &Facts) {
    let names = &facts.names;
    let mut rules = Vec::new();
    if !names.may_be_empty {
        rules.push("not empty".to_owned());
    }
    if names.words_only {
        rules.push("letters of ASCII, digits and underscores, and no digit first".to_owned());
    } else if names.fields_words_only {
        rules.push("letters of ASCII, digits, underscores and dots within a column".to_owned());
    }
    rules.extend(names.longest.map(|longest| format!("{longest} bytes at most")));
    if !names.reserved.is_empty() {
        let reserved: Vec<String> = names.reserved.iter().map(|it| format!("`{it}`")).collect();
        rules.push(format!("none that begins with {}", reserved.join(", ")));
    }
    rules.push(match names.fold_case {
        true => "no two that differ in case only".to_owned(),
        false => "no two that are equal".to_owned(),
    });
    rules.extend(names.minded.map(|(_, minded)| minded.to_owned()));
    let _ = writeln!(
        page,
        "- Names: {} ([{}]({})).",
        escaped(&rules.join("; ")),
        names.basis.name(),
        names.source
    );
}

fn type_row(fact: &TypeFact) -> String {
    let TypeFact { pattern, severity, when, reason, way_out, instead, basis, source } = fact;
    let what = match when {
        When::Always => pattern.title(),
        When::AboveSigned => format!("{} above 9223372036854775807", pattern.title()),
    };
    let way = instead.map_or(*way_out, |instead| instead.title());
    row(&what, severity.name(), reason, way, basis.name(), source)
}

fn range_row(fact: &RangeFact) -> String {
    let RangeFact { span, severity, reason, way_out, basis, source } = fact;
    row(span.title(), severity.name(), reason, way_out, basis.name(), source)
}

fn row(what: &str, severity: &str, reason: &str, way: &str, basis: &str, source: &str) -> String {
    let [reason, way] = [reason, way].map(escaped);
    format!("| {what} | {severity} | {reason} | {way} | [{basis}]({source}) |\n")
}

/// Returns a text without what would end a cell or a line of Markdown.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_has_a_section_and_every_row_its_cells() {
        let page = readers_page();
        for reader in Reader::ALL {
            assert!(
                page.contains(&format!("\n## {}\n\n`--for {reader}`", reader.title())),
                "{reader}"
            );
        }
        for line in page.lines().filter(|line| line.starts_with("| ")) {
            assert_eq!(line.matches('|').count(), 6, "{line}");
            assert!(!line.contains("|  |"), "{line}");
        }
    }
}
