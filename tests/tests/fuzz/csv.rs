//! Delimited text, with everything about it found out.

use tundra_core::{BadRowPolicy, ConvertOptions, Format, InspectOptions, Receipt, TypePolicy};

use super::{
    run::{Done, Fault, POLICIES, convert, inspect, must},
    target::Target,
};

const TARGET: Target = Target {
    name: "csv",
    words: &[
        b",",
        b";",
        b"\t",
        b"|",
        b" ",
        b":",
        b", ",
        b"||",
        b"\"",
        b"\"\"",
        b"'",
        b"\\",
        b"\\\"",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\",\"",
        b"\"\n\"",
        b",\"",
        b"\",",
        b"\"\n",
        b"\n\"",
        b"#",
        b"//",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc3",
        b"\xe2\x82\xac",
        b"id,name\n",
        b"Total",
        b"1",
        b"-0",
        b"00",
        b"+1",
        b"1e999",
        b"9223372036854775808",
        b"0.1",
        b"1,5",
        b"nan",
        b"true",
        b"NULL",
        b"2024-02-29",
        b"2024-01-01 10:00:00",
        b"10:00:00",
        b"\x01",
        b"a",
    ],
    inputs: 30,
    ways: POLICIES.len(),
    check,
};

#[test]
fn csv_of_the_corpus_is_converted_or_refused() {
    TARGET.replay();
}

#[test]
fn csv_that_is_damaged_is_converted_or_refused() {
    TARGET.fuzz();
}

fn check(bytes: &[u8], way: usize) -> Result<(), Fault> {
    let (on_bad_row, types) = POLICIES[way];
    let options = ConvertOptions {
        format: Some(Format::Csv),
        on_bad_row,
        types,
        ..ConvertOptions::default()
    };
    let converted = convert(bytes, &options)?;
    let clean = converted.as_ref().ok().filter(|_| on_bad_row == BadRowPolicy::Fail);
    let options = InspectOptions { format: Some(Format::Csv), types, ..InspectOptions::default() };
    inspect(bytes, &options, clean)?;
    let Ok(done) = converted else { return Ok(()) };
    if decided(&done.receipt, "encoding") == "UTF-8" {
        nothing_is_lost(bytes, &done, on_bad_row, types)?;
    }
    Ok(())
}

/// Checks that rejects are kept as they are, and that every other character of the input is in the
/// output and in its place, but for those that are syntax.
fn nothing_is_lost(
    bytes: &[u8],
    done: &Done,
    on_bad_row: BadRowPolicy,
    types: TypePolicy,
) -> Result<(), Fault> {
    let receipt = &done.receipt;
    let mut bytes = bytes.to_vec();
    for (range, raw) in rejects(done).into_iter().rev() {
        let there = bytes.get(range.clone());
        must!(there.is_some(), "a reject is at {range:?} of {} bytes", bytes.len());
        let there = there.unwrap_or_default();
        if let Some(raw) = raw {
            must!(raw.as_bytes() == there, "{raw:?} was rejected and {there:?} is in its place");
        }
        bytes.drain(range);
    }
    let told = receipt
        .events
        .iter()
        .any(|event| event.code.starts_with("left_out") || event.code.starts_with("skipped"));
    if told || types != TypePolicy::Text {
        return Ok(());
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Ok(text) = str::from_utf8(text) else {
        return Err(format!("bytes that are no text were converted: {}", text.escape_ascii()));
    };
    let syntax = syntax(receipt, on_bad_row == BadRowPolicy::Repair);
    let is_value = |character: &char| !syntax.contains(*character);
    let written: String = text.chars().filter(is_value).collect();
    let cells: String = cells(done).chars().filter(is_value).collect();
    let Some(header) = written.strip_suffix(&cells) else {
        return Err(format!("the output is not what was written:\n{written:?}\n{cells:?}"));
    };
    // Names are made unique and put together; blank ones are made up, byte-order marks go, and a zero
    // byte is its symbol.
    let names: String = receipt.plan.columns.iter().map(|column| &*column.source_name).collect();
    let mut names = names.chars();
    let mut header =
        header.chars().filter(|one| !one.is_whitespace() && *one != '\u{feff}').peekable();
    let is_header = header.peek().is_some();
    let symbol = |one: char| if one == '\0' { '\u{2400}' } else { one };
    let missing = header.find(|&one| !names.any(|other| other == symbol(one)));
    must!(missing.is_none(), "{missing:?} is in no name and no cell:\n{written:?}\n{cells:?}");
    must!(
        !is_header || decided(receipt, "header") != "none",
        "there is no header, and text is in no cell:\n{written:?}\n{cells:?}"
    );
    Ok(())
}

/// Returns which bytes were rejected, in order, and their text, if it is text.
fn rejects(done: &Done) -> Vec<(std::ops::Range<usize>, Option<String>)> {
    let Some(table) = &done.rejects else { return Vec::new() };
    let place = |name: &str| table.names.iter().position(|other| other == name).unwrap();
    let number = |name: &str| &table.numbers[&place(name)];
    let ranges = number("byte_start").iter().zip(number("byte_end"));
    ranges
        .zip(&table.text[&place("raw")])
        .map(|((&start, &end), raw)| {
            (usize::try_from(start).unwrap()..usize::try_from(end).unwrap(), raw.clone())
        })
        .collect()
}

fn cells(done: &Done) -> String {
    let columns: Vec<_> = done.table.text.values().collect();
    let row = |row: usize| columns.iter().filter_map(move |column| column[row].as_deref());
    (0..done.table.rows).flat_map(row).collect()
}

fn syntax(receipt: &Receipt, repaired: bool) -> String {
    let delimiter = match decided(receipt, "delimiter") {
        "space" => " ",
        "\\t" => "\t",
        other => other,
    };
    let escape = match decided(receipt, "escape") {
        "none" | "doubled quote" => "",
        other => other,
    };
    let quote = match decided(receipt, "quote") {
        "none" => "",
        other => other,
    };
    // A repair may take out delimiters that a record should not have, and splits at other ones.
    let repair = if repaired { ",;\t|: " } else { "" };
    [delimiter, quote, escape, repair, "\r\n"].concat()
}

fn decided<'a>(receipt: &'a Receipt, what: &str) -> &'a str {
    let decision = receipt.plan.decisions.iter().find(|decision| decision.what == what);
    &decision.unwrap_or_else(|| panic!("nothing is decided about the {what}")).value
}
