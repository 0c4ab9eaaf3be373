//! How a delimited text is written, found out from its beginning.
//!
//! Start at [`detect`]. The score of a dialect is that of van den Burg, Nazábal and Sutton
//! ("Wrangling messy CSV files by detecting row and type patterns", 2019): rows should have the
//! same number of cells, and cells should look like values. Where the table stands in the text is
//! found by [`structure`].

use std::collections::BTreeMap;

use crate::{
    Decision, Error, TextHints,
    read::{
        csv::{
            Dialect,
            marker::Marker,
            shape::Shapes,
            structure::{self, End, Structure},
            tokenize::{Span, Tokenizer},
        },
        lattice::Evidence,
    },
};

/// Delimiters that are tried, the likelier first. Of two that split equally well the first is taken,
/// and of `, ` and `,` the longer one is right when every comma has a blank behind it.
const DELIMITERS: [&str; 16] = [
    ", ", "; ", " | ", ",", ";", "\t", "|", "||", "::", "\t\t", "|~|", ":", "^", "~", "\u{1}", " ",
];

/// Quotes that are tried, the likelier first.
const QUOTES: [Option<u8>; 3] = [Some(b'"'), Some(b'\''), None];

/// What comments begin with, where there are any.
const COMMENTS: [&str; 4] = ["#", "//", "%", "--"];

/// Records that are scored: enough to see a pattern, few enough to try every dialect.
const SCORED_RECORDS: usize = 500;

/// What was found out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detected {
    /// How the text is written.
    pub(crate) dialect: Dialect,
    /// Where the table stands in it.
    pub(crate) structure: Structure,
    /// What was decided, for the receipt.
    pub(crate) decisions: Vec<Decision>,
}

/// Finds out how `sample` is written. `complete` says that it is the whole text; otherwise its
/// last, cut record is not looked at. With `mend` a damaged header is mended. `tail` are
/// the last lines of a text that is longer than the sample, and where they begin in it.
///
/// # Errors
/// Fails when a hint cannot be followed.
pub(crate) fn detect(
    sample: &[u8],
    complete: bool,
    hints: &TextHints,
    default_delimiter: Option<&str>,
    mend: bool,
    tail: Option<(usize, Vec<u8>)>,
) -> Result<Detected, Error> {
    let newlines = Newlines::count(sample);
    let base = Dialect {
        cr_ends_record: newlines.lone_cr > 0 && newlines.lf == 0,
        comment: match &hints.comment {
            Some(Some(text)) => Some(marker("--comment", text)?),
            _ => None,
        },
        ..Dialect::default()
    };
    let candidates = candidates(sample, &base, hints, default_delimiter, &newlines)?;
    let Best { mut dialect, width, confidence } = best(sample, complete, &base, &candidates);
    let sample = if complete { sample } else { whole_lines(sample, &dialect) };
    if hints.comment.is_none() {
        dialect.comment = comment(sample, &dialect, width);
    }
    let mut structure = structure::find(sample, complete, &dialect, hints, mend);
    if structure.end.is_none()
        && !hints.one_table
        && let Some((offset, tail)) = tail
    {
        let columns = Shapes::learn(&sample[structure.body..], &dialect, structure.names.len());
        let end = structure::find_footer(&tail, &dialect, &columns.columns, hints);
        structure.end = end.map(|end| End { at: offset + end.at, ..end });
    }
    let decisions = decisions(&dialect, &structure, width, confidence, &newlines, hints);
    Ok(Detected { dialect, structure, decisions })
}

fn decisions(
    dialect: &Dialect,
    structure: &Structure,
    width: usize,
    confidence: f64,
    newlines: &Newlines,
    hints: &TextHints,
) -> Vec<Decision> {
    let decision = |what: &str, value: String, confidence: f64, reason: &str| Decision {
        what: what.to_owned(),
        value,
        confidence,
        reason: reason.to_owned(),
    };
    let found = |is_given: bool, reason: &'static str| {
        if is_given { (1.0, "given") } else { (confidence, reason) }
    };
    let fields = format!("{width} fields in most records");
    let (sure, reason) = match (hints.delimiter.is_some(), width) {
        (true, _) => (1.0, "given"),
        (false, 1) => (confidence, "no delimiter splits the records: there is one column"),
        (false, _) => (confidence, fields.as_str()),
    };
    let mut decisions = vec![decision("delimiter", dialect.delimiter.to_string(), sure, reason)];
    let (sure, reason) = found(hints.quote.is_some(), "best score");
    let quote = dialect.quote.map_or_else(|| "none".to_owned(), shown);
    decisions.push(decision("quote", quote, sure, reason));
    let (sure, reason) = found(hints.escape.is_some(), "best score");
    let escape = match dialect.escape {
        None => "none".to_owned(),
        escape if escape == dialect.quote => "doubled quote".to_owned(),
        Some(byte) => shown(byte),
    };
    decisions.push(decision("escape", escape, sure, reason));
    let counts = format!(
        "{} \\n, {} \\r\\n and {} \\r in the sample",
        newlines.lf - newlines.crlf,
        newlines.crlf,
        newlines.lone_cr
    );
    decisions.push(decision("newline", newlines.name(dialect).to_owned(), 1.0, &counts));
    if let Some(comment) = dialect.comment {
        let (sure, reason) = match hints.comment {
            Some(_) => (1.0, "given"),
            None => (0.9, "lines that begin with it are not split like the others"),
        };
        decisions.push(decision("comment", comment.to_string(), sure, reason));
    }
    if structure.preamble_lines > 0 {
        let (sure, reason) = match hints.preamble {
            Some(_) => (1.0, "given"),
            None => (0.9, "what stands there is no row of the table"),
        };
        let lines = structure.preamble_lines;
        let value = format!("{lines} line{}", if lines == 1 { "" } else { "s" });
        decisions.push(decision("preamble", value, sure, reason));
    }
    let header = match structure.header_rows {
        0 => "none".to_owned(),
        1 => "first record".to_owned(),
        rows => format!("first {rows} records"),
    };
    decisions.push(decision(
        "header",
        header,
        structure.header_confidence,
        &structure.header_reason,
    ));
    if let Some(end) = &structure.end {
        let (sure, reason) = match (hints.footer, end.what) {
            (Some(_), _) => (1.0, "given"),
            (None, structure::Behind::Table) => (0.8, "another table begins there"),
            (None, structure::Behind::Footer) => (0.8, "what stands there is no row of the table"),
        };
        let value = match end.line {
            0 => format!("before byte {}", end.at),
            line => format!("before line {line}"),
        };
        decisions.push(decision("end", value, sure, reason));
    }
    decisions
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

    fn name(&self, dialect: &Dialect) -> &'static str {
        match (self.lf - self.crlf, self.crlf, self.lone_cr) {
            (0, 0, 0) => "none",
            (_, 0, 0) => "\\n",
            (0, _, 0) => "\\r\\n",
            (0, 0, _) => "\\r",
            _ if dialect.cr_ends_record => "mixed, \\r included",
            _ => "mixed",
        }
    }
}

/// Cuts the last line off, which may not be whole.
fn whole_lines<'a>(sample: &'a [u8], dialect: &Dialect) -> &'a [u8] {
    let last = match dialect.cr_ends_record {
        true => memchr::memrchr2(b'\r', b'\n', sample),
        false => memchr::memrchr(b'\n', sample),
    };
    last.map_or(sample, |at| &sample[..=at])
}

/// Returns the dialects that come into question, the likelier first.
fn candidates(
    sample: &[u8],
    base: &Dialect,
    hints: &TextHints,
    default_delimiter: Option<&str>,
    newlines: &Newlines,
) -> Result<Vec<Dialect>, Error> {
    let delimiters: Vec<Marker> = match &hints.delimiter {
        Some(text) => vec![marker("--delimiter", text)?],
        None => default_delimiter
            .into_iter()
            .chain(DELIMITERS)
            .filter_map(Marker::new)
            .filter(|delimiter| {
                *delimiter == Marker::byte(b',')
                    || memchr::memmem::find(sample, delimiter.as_bytes()).is_some()
            })
            .collect(),
    };
    let quotes: Vec<Option<u8>> = match hints.quote {
        Some(quote) => vec![quote.map(|quote| one_byte("--quote", quote)).transpose()?],
        None => QUOTES
            .into_iter()
            .filter(|quote| quote.is_none_or(|quote| quote == b'"' || sample.contains(&quote)))
            .collect(),
    };
    let mut candidates = Vec::new();
    for &delimiter in &delimiters {
        for &quote in &quotes {
            let mut escapes = vec![quote];
            match hints.escape {
                Some(escape) => {
                    escapes = vec![escape.map(|escape| one_byte("--escape", escape)).transpose()?];
                }
                None => {
                    let pair = |escape: u8, quote: u8| has_pair(sample, escape, quote);
                    if quote.is_some_and(|quote| pair(b'\\', quote)) {
                        escapes.push(Some(b'\\'));
                    }
                    if quote == Some(b'\'') && pair(b'"', b'"') {
                        escapes.push(Some(b'"'));
                    }
                    if quote.is_some() {
                        escapes.push(None);
                    }
                }
            }
            for escape in escapes {
                let dialect = Dialect { delimiter, quote, escape, ..base.clone() };
                candidates.push(dialect.clone());
                if newlines.lone_cr > 0 && newlines.lf > 0 {
                    candidates.push(Dialect { cr_ends_record: true, ..dialect });
                }
            }
        }
    }
    Ok(candidates)
}

/// The dialect that explains a text best.
struct Best {
    dialect: Dialect,
    /// The number of fields that most records have.
    width: usize,
    /// How far the next delimiter is behind, from 0 to 1.
    confidence: f64,
}

fn best(sample: &[u8], complete: bool, base: &Dialect, candidates: &[Dialect]) -> Best {
    let scored: Vec<(f64, &Dialect, usize)> = candidates
        .iter()
        .map(|dialect| {
            let sample = if complete { sample } else { whole_lines(sample, dialect) };
            let (score, width) = score(sample, dialect);
            (score, dialect, width)
        })
        .collect();
    // Only a better score replaces a likelier dialect; sums of fractions differ in their last bits.
    let best = scored.iter().map(|(score, ..)| *score).fold(0.0, f64::max) * (1.0 - 1e-9);
    let Some(&(score, dialect, width)) = scored.iter().find(|(score, ..)| *score >= best) else {
        return Best { dialect: base.clone(), width: 1, confidence: 0.0 };
    };
    let second = scored
        .iter()
        .filter(|(_, other, _)| other.delimiter.first() != dialect.delimiter.first())
        .map(|(score, ..)| *score)
        .fold(0.0, f64::max);
    let confidence = if score > 0.0 { (1.0 - second / score / 2.0).clamp(0.0, 1.0) } else { 0.0 };
    Best { dialect: dialect.clone(), width, confidence: (confidence * 100.0).round() / 100.0 }
}

fn has_pair(sample: &[u8], first: u8, second: u8) -> bool {
    memchr::memchr_iter(first, sample).any(|at| sample.get(at + 1) == Some(&second))
}

/// Returns what comments begin with: lines that begin with it are there, and none of them is split
/// like the records.
fn comment(sample: &[u8], dialect: &Dialect, width: usize) -> Option<Marker> {
    if width < 2 {
        return None;
    }
    COMMENTS.into_iter().filter_map(Marker::new).find(|marker| {
        let mut tokenizer = Tokenizer::new(sample, dialect);
        let mut spans = Vec::new();
        let mut comments = 0;
        loop {
            spans.clear();
            let Some(record) = tokenizer.next_record(&mut spans) else { return comments > 0 };
            if marker.stands(sample, record.start) {
                if spans.len() == width {
                    return false;
                }
                comments += 1;
            }
        }
    })
}

/// Scores a dialect, and returns the number of fields that most records have in it.
fn score(sample: &[u8], dialect: &Dialect) -> (f64, usize) {
    let mut tokenizer = Tokenizer::new(sample, dialect);
    let mut spans: Vec<Span> = Vec::new();
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut cells, mut known, mut faults, mut records) = (0usize, 0usize, 0usize, 0usize);
    // Whether a field that somebody has put between quotes is taken for text.
    let mut misread = 0usize;
    // Whether a field between two of the others is filled.
    let mut between = false;
    while records < SCORED_RECORDS {
        spans.clear();
        let Some(record) = tokenizer.next_record(&mut spans) else { break };
        records += 1;
        *widths.entry(spans.len()).or_default() += 1;
        let mut is_faulty = record.fault.is_some();
        between |= spans.iter().skip(1).step_by(2).any(|span| !span.of(sample).is_empty());
        for span in &spans {
            cells += 1;
            let text = span.of(sample);
            let is_apart = text.len() > 1 && matches!(text, [b'\'', .., b'\'']);
            known += usize::from(span.is_quoted() || looks_like_a_value(text) && !is_apart);
            misread += usize::from(!span.is_quoted() && matches!(text, [b'"', .., b'"']));
            // Without an escape a doubled quote is one too many.
            is_faulty |= dialect.escape.is_none()
                && span.is_quoted()
                && dialect.quote.is_some_and(|quote| has_pair(text, quote, quote));
        }
        faults += usize::from(is_faulty);
    }
    let delimiter = dialect.delimiter.to_string();
    let is_doubled = !between
        && dialect.delimiter.len() == 1
        && DELIMITERS.contains(&delimiter.repeat(2).replace("\\t", "\t").as_str())
        && widths.keys().all(|width| width % 2 == 1)
        && widths.keys().any(|width| *width > 1);
    if records == 0 || misread * 10 > records || is_doubled {
        return (0.0, 1);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
    let (pattern, types, clean) = {
        // One record that was damaged must not weigh as much as all others.
        let pattern: f64 = widths
            .iter()
            .map(|(&width, &count)| {
                let share = count as f64 / records as f64;
                share * count as f64 * (width as f64 - 1.0).max(1e-3) / width as f64
            })
            .sum();
        let types = (known as f64 / cells as f64).max(1e-10);
        (pattern, types, 1.0 - faults as f64 / records as f64)
    };
    let width = widths.iter().max_by_key(|&(&width, &count)| (count, width)).map_or(1, |(&w, _)| w);
    (pattern * types * clean.max(1e-3), width)
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
                    | b'\''
            )
    })
}

/// Shows a byte as a person would write it.
fn shown(byte: u8) -> String {
    Marker::byte(byte).to_string()
}

fn marker(option: &'static str, text: &str) -> Result<Marker, Error> {
    Marker::new(text).ok_or_else(|| Error::Request {
        message: format!("`{option} {text}` is not one to {} bytes of one line", Marker::MOST),
        hint: None,
    })
}

fn one_byte(option: &'static str, character: char) -> Result<u8, Error> {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && byte != b'\n' && byte != b'\r' => Ok(byte),
        _ => Err(Error::Request {
            message: format!("`{option} {character}` is not one ASCII character"),
            hint: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Detected {
        detect(text.as_bytes(), true, &TextHints::default(), None, false, None).unwrap()
    }

    #[track_caller]
    fn check(text: &str, delimiter: u8, quote: Option<u8>, header: bool, width: usize) {
        let found = find(text);
        assert_eq!(found.dialect.delimiter, Marker::byte(delimiter), "{text:?}");
        assert_eq!(found.structure.names.len(), width, "{text:?}");
        assert_eq!(found.structure.header_rows, usize::from(header), "{text:?}");
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
        let found = detect(b"a,b\n1,2\n", true, &hints, None, false, None).unwrap();
        assert_eq!(found.dialect.delimiter, Marker::byte(b';'));
        assert_eq!(
            (found.structure.header_rows, found.dialect.quote, found.structure.names.len()),
            (0, None, 1)
        );
        let hints = TextHints { delimiter: Some("\n".to_owned()), ..TextHints::default() };
        assert!(detect(b"a", true, &hints, None, false, None).is_err());
    }
}
