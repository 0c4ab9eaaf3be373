//! How a delimited text is written, found out from its beginning.
//!
//! Start at [`detect`]. The score of a dialect is that of van den Burg, Nazábal and Sutton
//! ("Wrangling messy CSV files by detecting row and type patterns", 2019): rows should have the
//! same number of cells, and cells should look like values.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    BadRowPolicy, Decision, Error, TextHints,
    read::{
        csv::{
            Dialect,
            infer::CsvObservation,
            tokenize::{Span, Tokenizer, unescape},
        },
        lattice::Evidence,
    },
};

/// Delimiters that are tried, the likelier first.
const DELIMITERS: [u8; 7] = [b',', b';', b'\t', b'|', b'^', b'~', b' '];

/// Quotes that are tried, the likelier first.
const QUOTES: [Option<u8>; 3] = [Some(b'"'), Some(b'\''), None];

/// Records that are scored: enough to see a pattern, few enough to try every dialect.
const SCORED_RECORDS: usize = 500;

/// What was found out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detected {
    /// How the text is written.
    pub(crate) dialect: Dialect,
    /// Whether the first record names the columns.
    pub(crate) header: bool,
    /// The names of the columns as they are written; empty ones and repeated ones included.
    pub(crate) names: Vec<String>,
    /// Bytes before the first record behind the header.
    pub(crate) body: usize,
    /// Newlines before the first record behind the header.
    pub(crate) body_lines: u64,
    /// What was decided, for the receipt.
    pub(crate) decisions: Vec<Decision>,
}

/// Finds out how `sample` is written. `complete` says that it is the whole text; otherwise its
/// last, cut record is not looked at.
///
/// # Errors
/// Fails when a hint cannot be followed.
pub(crate) fn detect(
    sample: &[u8],
    complete: bool,
    hints: &TextHints,
    default_delimiter: Option<u8>,
) -> Result<Detected, Error> {
    let mut decisions = Vec::new();
    let newlines = Newlines::count(sample);
    let base = Dialect {
        cr_ends_record: newlines.lone_cr > 0 && newlines.lf == 0,
        comment: match &hints.comment {
            Some(Some(text)) => Some(one_byte("--comment", text)?),
            _ => None,
        },
        ..Dialect::default()
    };
    let sample = if complete { sample } else { whole_lines(sample, &base) };
    let (dialect, width, confidence) = best_dialect(sample, &base, hints, default_delimiter)?;
    let given = |is_given: bool| if is_given { "given" } else { "best score" };
    let sure = |is_given: bool| if is_given { 1.0 } else { confidence };
    decisions.push(Decision {
        what: "delimiter".to_owned(),
        value: show_byte(dialect.delimiter),
        confidence: sure(hints.delimiter.is_some()),
        reason: match (hints.delimiter.is_some(), width) {
            (true, _) => "given".to_owned(),
            (false, 1) => "no delimiter splits the records: there is one column".to_owned(),
            (false, _) => format!("{width} fields in most records"),
        },
    });
    decisions.push(Decision {
        what: "quote".to_owned(),
        value: dialect.quote.map_or_else(|| "none".to_owned(), show_byte),
        confidence: sure(hints.quote.is_some()),
        reason: given(hints.quote.is_some()).to_owned(),
    });
    decisions.push(Decision {
        what: "escape".to_owned(),
        value: match dialect.escape {
            None => "none".to_owned(),
            escape if escape == dialect.quote => "doubled quote".to_owned(),
            Some(byte) => show_byte(byte),
        },
        confidence: sure(hints.escape.is_some()),
        reason: given(hints.escape.is_some()).to_owned(),
    });
    decisions.push(Decision {
        what: "newline".to_owned(),
        value: newlines.name().to_owned(),
        confidence: 1.0,
        reason: format!(
            "{} \\n, {} \\r\\n and {} \\r in the sample",
            newlines.lf - newlines.crlf,
            newlines.crlf,
            newlines.lone_cr
        ),
    });

    let first = first_record(sample, &dialect);
    let (header, confidence, reason) = match hints.header {
        Some(header) => (header, 1.0, "given".to_owned()),
        None => has_header(&first.fields, &sample[first.end..], &dialect),
    };
    decisions.push(Decision {
        what: "header".to_owned(),
        value: if header { "first record" } else { "none" }.to_owned(),
        confidence,
        reason,
    });
    let (names, body, body_lines) = if header {
        (first.fields, first.end, first.lines)
    } else {
        (vec![String::new(); width.max(first.fields.len())], 0, 0)
    };
    Ok(Detected { dialect, header, names, body, body_lines, decisions })
}

/// Makes names of columns unique, as the engine compares them: without regard to case. Empty names
/// become `column1`, `column2` and so on by their place; a repeated one gets a number behind it.
pub(crate) fn unique_names(names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let written: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let base = match name.trim() {
                "" => format!("column{}", index + 1),
                _ => name.clone(),
            };
            let mut unique = base.clone();
            let mut number = 1;
            while taken.contains(&unique.to_lowercase())
                || (unique != *name && written.contains(&unique.to_lowercase()))
            {
                unique = format!("{base}_{number}");
                number += 1;
            }
            taken.insert(unique.to_lowercase());
            unique
        })
        .collect()
}

/// How the lines of a text end.
struct Newlines {
    lf: usize,
    crlf: usize,
    lone_cr: usize,
}

impl Newlines {
    fn count(sample: &[u8]) -> Self {
        let lf = memchr::memchr_iter(b'\n', sample).count();
        let mut crlf = 0;
        let mut lone_cr = 0;
        for at in memchr::memchr_iter(b'\r', sample) {
            match sample.get(at + 1) {
                Some(b'\n') => crlf += 1,
                Some(_) => lone_cr += 1,
                None => {}
            }
        }
        Self { lf, crlf, lone_cr }
    }

    fn name(&self) -> &'static str {
        match (self.lf - self.crlf, self.crlf, self.lone_cr) {
            (0, 0, 0) => "none",
            (_, 0, 0) => "\\n",
            (0, _, 0) => "\\r\\n",
            (0, 0, _) => "\\r",
            _ => "mixed",
        }
    }
}

/// Cuts the last line off, which may not be whole.
fn whole_lines<'a>(sample: &'a [u8], dialect: &Dialect) -> &'a [u8] {
    let newline = if dialect.cr_ends_record { b'\r' } else { b'\n' };
    match memchr::memrchr(newline, sample) {
        Some(at) => &sample[..=at],
        None => sample,
    }
}

fn best_dialect(
    sample: &[u8],
    base: &Dialect,
    hints: &TextHints,
    default_delimiter: Option<u8>,
) -> Result<(Dialect, usize, f64), Error> {
    let delimiters: Vec<u8> = match &hints.delimiter {
        Some(text) => vec![one_byte("--delimiter", text)?],
        None => default_delimiter.into_iter().chain(DELIMITERS).collect(),
    };
    let quotes: Vec<Option<u8>> = match hints.quote {
        Some(quote) => vec![quote.map(|quote| one_char("--quote", quote)).transpose()?],
        None => QUOTES
            .into_iter()
            .filter(|quote| quote.is_none_or(|quote| quote == b'"' || sample.contains(&quote)))
            .collect(),
    };
    let mut scored: Vec<(f64, Dialect, usize)> = Vec::new();
    for &delimiter in &delimiters {
        if hints.delimiter.is_none() && delimiter != b',' && !sample.contains(&delimiter) {
            continue;
        }
        for &quote in &quotes {
            let mut escapes = vec![quote];
            match hints.escape {
                Some(escape) => {
                    escapes = vec![escape.map(|escape| one_char("--escape", escape)).transpose()?];
                }
                None if quote.is_some_and(|quote| has_pair(sample, b'\\', quote)) => {
                    escapes.push(Some(b'\\'));
                }
                None => {}
            }
            for escape in escapes {
                let dialect = Dialect { delimiter, quote, escape, ..base.clone() };
                let (score, width) = score(sample, &dialect);
                // Only a better score replaces a likelier dialect.
                scored.push((score, dialect, width));
            }
        }
    }
    let best = scored.iter().map(|(score, ..)| *score).fold(0.0, f64::max);
    let at = scored.iter().position(|(score, ..)| *score >= best).unwrap_or(0);
    let (score, dialect, width) = scored.get(at).cloned().unwrap_or((0.0, base.clone(), 1));
    let second = scored
        .iter()
        .filter(|(_, other, _)| other.delimiter != dialect.delimiter)
        .map(|(score, ..)| *score)
        .fold(0.0, f64::max);
    let confidence = if score > 0.0 { (1.0 - second / score / 2.0).clamp(0.0, 1.0) } else { 0.0 };
    Ok((dialect, width, (confidence * 100.0).round() / 100.0))
}

fn has_pair(sample: &[u8], first: u8, second: u8) -> bool {
    memchr::memchr_iter(first, sample).any(|at| sample.get(at + 1) == Some(&second))
}

/// Scores a dialect, and returns the number of fields that most records have in it.
fn score(sample: &[u8], dialect: &Dialect) -> (f64, usize) {
    let mut tokenizer = Tokenizer::new(sample, dialect);
    let mut spans: Vec<Span> = Vec::new();
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut cells, mut known, mut faults, mut records) = (0usize, 0usize, 0usize, 0usize);
    // Whether a field that somebody has put between quotes is taken for text.
    let mut misread = false;
    while records < SCORED_RECORDS {
        spans.clear();
        let Some(record) = tokenizer.next_record(&mut spans) else { break };
        records += 1;
        *widths.entry(spans.len()).or_default() += 1;
        faults += usize::from(record.fault.is_some());
        for span in &spans {
            cells += 1;
            let text = span.of(sample);
            known += usize::from(span.is_quoted() || looks_like_a_value(text));
            misread |= !span.is_quoted() && matches!(text, [b'"', .., b'"']);
        }
    }
    if records == 0 || misread {
        return (0.0, 1);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
    let (pattern, types, clean) = {
        let sum: f64 = widths
            .iter()
            .map(|(&width, &count)| count as f64 * (width as f64 - 1.0).max(1e-3) / width as f64)
            .sum();
        let pattern = sum / widths.len() as f64;
        let types = (known as f64 / cells as f64).max(1e-10);
        (pattern, types, 1.0 - faults as f64 / records as f64)
    };
    let width = widths.iter().max_by_key(|&(&width, &count)| (count, width)).map_or(1, |(&w, _)| w);
    (pattern * types * clean, width)
}

/// Returns whether a cell looks like something that people put into cells.
fn looks_like_a_value(cell: &[u8]) -> bool {
    let trimmed = cell.trim_ascii();
    if trimmed.is_empty() {
        return true;
    }
    let mut evidence = Evidence::default();
    evidence.observe(trimmed, 1);
    if evidence.is_typed() {
        return true;
    }
    // Words, codes, names, addresses: what holds another delimiter or a quote is a sign that the
    // text was cut in the wrong places.
    trimmed.iter().all(|&byte| {
        byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || matches!(
                byte,
                b' ' | b'_'
                    | b'-'
                    | b'.'
                    | b'/'
                    | b'@'
                    | b':'
                    | b'%'
                    | b'+'
                    | b'#'
                    | b'&'
                    | b'('
                    | b')'
                    | b'!'
                    | b'?'
                    | b'='
                    | b'$'
                    | b'*'
            )
    })
}

/// The first record of a text.
struct First {
    fields: Vec<String>,
    /// Bytes up to the next record.
    end: usize,
    /// Newlines up to the next record.
    lines: u64,
}

fn first_record(sample: &[u8], dialect: &Dialect) -> First {
    let mut tokenizer = Tokenizer::new(sample, dialect);
    let mut spans = Vec::new();
    if tokenizer.next_record(&mut spans).is_none() {
        return First { fields: Vec::new(), end: sample.len(), lines: 0 };
    }
    let fields = spans
        .iter()
        .map(|span| {
            let mut text = Vec::new();
            if span.is_escaped() {
                unescape(span.of(sample), dialect, &mut text);
            } else {
                text.extend_from_slice(span.of(sample));
            }
            String::from_utf8_lossy(&text).into_owned()
        })
        .collect();
    let end = tokenizer.position();
    let newline = if dialect.cr_ends_record { b'\r' } else { b'\n' };
    let lines = memchr::memchr_iter(newline, &sample[..end]).count() as u64;
    First { fields, end, lines }
}

/// Decides whether the first record names the columns.
fn has_header(first: &[String], rest: &[u8], dialect: &Dialect) -> (bool, f64, String) {
    let mut evidence = vec![Evidence::default(); first.len()];
    for (column, cell) in evidence.iter_mut().zip(first) {
        if !cell.trim().is_empty() {
            column.observe(cell.trim().as_bytes(), 1);
        }
    }
    let named = first.iter().filter(|cell| !cell.trim().is_empty()).count();
    if named == 0 {
        return (false, 1.0, "the first record is empty".to_owned());
    }
    if let Some(index) = evidence.iter().position(Evidence::is_typed) {
        let reason = format!("`{}` in the first record is a value, not a name", first[index]);
        return (false, 0.9, reason);
    }
    let mut body = CsvObservation::new(first.len());
    body.observe(rest, dialect, 0, &BTreeSet::new(), BadRowPolicy::Reject);
    if body.records == 0 {
        return (true, 0.8, "there is one record, and it holds no values but names".to_owned());
    }
    let typed = body.columns.iter().filter(|column| column.is_typed()).count();
    if typed > 0 {
        let columns = if typed == 1 { "a column that is" } else { "columns that are" };
        let reason = format!("the first record is text above {columns} not");
        return (true, 1.0, reason);
    }
    let distinct: HashSet<&String> = first.iter().collect();
    if distinct.len() == first.len() && named == first.len() {
        return (true, 0.6, "every field of the first record is text that differs".to_owned());
    }
    (false, 0.6, "the first record has empty or repeated fields, like the others".to_owned())
}

/// Shows a byte as a person would write it.
fn show_byte(byte: u8) -> String {
    match byte {
        b'\t' => "\\t".to_owned(),
        b' ' => "space".to_owned(),
        byte => char::from(byte).to_string(),
    }
}

fn one_byte(option: &'static str, text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        &[byte] if byte.is_ascii() && byte != b'\n' && byte != b'\r' => Ok(byte),
        _ => Err(Error::Request {
            message: format!("`{option} {text}` is not one ASCII character"),
            hint: None,
        }),
    }
}

fn one_char(option: &'static str, character: char) -> Result<u8, Error> {
    one_byte(option, character.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Detected {
        detect(text.as_bytes(), true, &TextHints::default(), None).unwrap()
    }

    #[track_caller]
    fn check(text: &str, delimiter: u8, quote: Option<u8>, header: bool, width: usize) {
        let found = find(text);
        assert_eq!(char::from(found.dialect.delimiter), char::from(delimiter), "{text:?}");
        assert_eq!(found.names.len(), width, "{text:?}");
        assert_eq!(found.header, header, "{text:?}");
        if quote.is_some() {
            assert_eq!(found.dialect.quote, quote, "{text:?}");
        }
    }

    #[test]
    fn finds_common_dialects() {
        check("a,b\n1,2\n3,4\n", b',', None, true, 2);
        check("a;b\n1,5;2\n3,5;4\n", b';', None, true, 2);
        check("a\tb\nx y\tz\n", b'\t', None, true, 2);
        check("a|b\n1|2\n", b'|', None, true, 2);
        check("1,2\n3,4\n", b',', None, false, 2);
        check("name\nx\ny\n", b',', None, true, 1);
        check("a,b\n\"x,y\",1\n\"z\",2\n", b',', Some(b'"'), true, 2);
        check("a,b\n'x,y',1\n'z,w',2\n", b',', Some(b'\''), true, 2);
        check("id,name\r\n1,Ann\r\n2,Bob\r\n", b',', None, true, 2);
        check("id,name\r1,Ann\r2,Bob\r", b',', None, true, 2);
        check("a,b,c\n", b',', None, true, 3);
    }

    #[test]
    fn finds_backslash_escapes() {
        let found = find("a,b\n\"x\\\"y, z\",1\n\"w\\\", v\",2\n");
        assert_eq!(found.dialect.escape, Some(b'\\'));
    }

    #[test]
    fn obeys_hints() {
        let hints = TextHints {
            delimiter: Some(";".to_owned()),
            header: Some(false),
            quote: Some(None),
            ..TextHints::default()
        };
        let found = detect(b"a,b\n1,2\n", true, &hints, None).unwrap();
        assert_eq!(found.dialect.delimiter, b';');
        assert_eq!((found.header, found.dialect.quote, found.names.len()), (false, None, 1));
        let hints = TextHints { delimiter: Some("\n".to_owned()), ..TextHints::default() };
        assert!(detect(b"a", true, &hints, None).is_err());
    }

    #[test]
    fn names_become_unique_without_regard_to_case() {
        let names = ["a", "A", "", "a_1", "a", " "].map(str::to_owned);
        assert_eq!(
            unique_names(&names),
            ["a", "A_2", "column3", "a_1", "a_3", "column6"].map(str::to_owned)
        );
    }
}
