//! How a delimited text is written, found out from its beginning.
//!
//! Start at [`detect`]. Every dialect that comes into question is scored, see [`score`]. Where the
//! table stands in the text is found by [`structure`].

use crate::{
    Decision, Error, TextHints,
    read::csv::{
        Dialect,
        marker::Marker,
        score::{Look, has_pair},
        shape::Shapes,
        structure::{self, End, Structure},
        tokenize::Tokenizer,
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

/// Delimiters of a single column whose values hold the common ones: text holds none of them.
const NO_DELIMITERS: [u8; 3] = [b',', 0x1F, 0x1E];

/// What a first line begins with that says by which delimiter a spreadsheet program should split.
const SEPARATOR: &[u8] = b"sep=";

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
        cr_repeats: newlines.repeated_cr * 2 > newlines.lf,
        comment: match &hints.comment {
            Some(Some(text)) => Some(marker("--comment", text)?),
            _ => None,
        },
        ..Dialect::default()
    };
    let separator = separator(sample);
    let told = match separator {
        Some(delimiter) if hints.delimiter.is_none() => {
            Some(TextHints { delimiter: Some(delimiter.to_owned()), ..hints.clone() })
        }
        _ => None,
    };
    let given = told.as_ref().unwrap_or(hints);
    let candidates = candidates(sample, &base, given, default_delimiter, &newlines)?;
    let best = best(sample, complete, &base, &candidates, given.delimiter.is_some());
    let mut dialect = best.dialect.clone();
    let sample = if complete { sample } else { whole_lines(sample, &dialect) };
    if hints.comment.is_none() {
        dialect.comment = comment(sample, &dialect, best.width);
    }
    let told_lines = u64::from(separator.is_some());
    let mut structure = structure::find(sample, complete, &dialect, hints, mend, told_lines)?;
    if structure.end.is_none()
        && !hints.one_table
        && let Some((offset, tail)) = tail
    {
        let columns = Shapes::learn(&sample[structure.body..], &dialect, structure.names.len());
        let end = structure::find_footer(&tail, &dialect, &columns, hints, mend)?;
        structure.end = end.map(|end| End { at: offset + end.at, ..end });
    }
    let found = Found { dialect: &dialect, structure: &structure, best: &best };
    let decisions = decisions(&found, &newlines, hints, separator);
    Ok(Detected { dialect, structure, decisions })
}

/// Returns the delimiter that a first line `sep=;` names.
fn separator(sample: &[u8]) -> Option<&str> {
    let end = memchr::memchr2(b'\n', b'\r', sample)?;
    let line = &sample[..end];
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(SEPARATOR.len())?;
    let delimiter = std::str::from_utf8(delimiter).ok()?;
    let is_one = delimiter.len() == 1 && !delimiter.contains(|char: char| char.is_alphanumeric());
    (is_one && word.eq_ignore_ascii_case(SEPARATOR)).then_some(delimiter)
}

/// What was found out, before it is told.
struct Found<'a> {
    dialect: &'a Dialect,
    structure: &'a Structure,
    best: &'a Best,
}

fn decisions(
    found: &Found<'_>,
    newlines: &Newlines,
    hints: &TextHints,
    separator: Option<&str>,
) -> Vec<Decision> {
    let Found { dialect, structure, best: Best { width, confidence, is_one_column, .. } } = *found;
    let confidence = *confidence;
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
    let told = separator.map(|separator| format!("the first line says so: `sep={separator}`"));
    let (sure, reason) = match (&hints.delimiter, &told, width) {
        (Some(_), _, _) => (1.0, "given"),
        (None, Some(told), _) => (1.0, told.as_str()),
        (None, None, _) if *is_one_column => {
            (confidence, "what splits the values does not split their name: there is one column")
        }
        (None, None, 1) => (confidence, "no delimiter splits the records: there is one column"),
        (None, None, _) => (confidence, fields.as_str()),
    };
    let mut decisions = vec![decision("delimiter", shown_delimiter(dialect), sure, reason)];
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
            (None, structure::Behind::Table | structure::Behind::TableAgain) => {
                (0.8, "another table begins there")
            }
            (None, structure::Behind::Footer) => (0.8, "what stands there is no row of the table"),
            (None, structure::Behind::EndMark) => (1.0, "a mark of the end of a file stands there"),
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
    /// Newlines with more than one `\r` before them.
    repeated_cr: usize,
}

impl Newlines {
    fn count(sample: &[u8]) -> Self {
        let lf = memchr::memchr_iter(b'\n', sample).count();
        let mut crlf = 0;
        let (mut lone_cr, mut repeated_cr) = (0, 0);
        for at in memchr::memchr_iter(b'\r', sample) {
            match sample.get(at + 1) {
                Some(b'\n') => {
                    crlf += 1;
                    repeated_cr += usize::from(at > 0 && sample[at - 1] == b'\r');
                }
                Some(_) => lone_cr += 1,
                None => {}
            }
        }
        Self { lf, crlf, lone_cr, repeated_cr }
    }

    fn name(&self, dialect: &Dialect) -> &'static str {
        match (self.lf - self.crlf, self.crlf, self.lone_cr) {
            (0, 0, 0) => "none",
            (_, 0, 0) => "\\n",
            (0, _, 0) => "\\r\\n",
            (0, 0, _) => "\\r",
            _ if dialect.cr_repeats => "\\r\\r\\n",
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
    let is_meant_otherwise = |byte: u8| {
        let is_it = |mark: Option<Option<char>>| mark.flatten() == Some(char::from(byte));
        is_it(hints.quote) || is_it(hints.escape)
    };
    let delimiters: Vec<Marker> = match &hints.delimiter {
        Some(text) => vec![marker("--delimiter", text)?],
        None => default_delimiter
            .into_iter()
            .chain(DELIMITERS)
            .filter_map(Marker::new)
            .filter(|delimiter| {
                let stands = memchr::memmem::find(sample, delimiter.as_bytes()).is_some();
                (*delimiter == Marker::byte(b',') || stands)
                    && !is_meant_otherwise(delimiter.first())
            })
            .collect(),
    };
    let quotes: Vec<Option<u8>> = match hints.quote {
        Some(quote) => vec![quote.map(|quote| one_byte("--quote", quote)).transpose()?],
        None => QUOTES
            .into_iter()
            .filter(|quote| quote.is_none_or(|quote| quote == b'"' || sample.contains(&quote)))
            .filter(|quote| delimiters.iter().all(|delimiter| Some(delimiter.first()) != *quote))
            .collect(),
    };
    // Where the text has no double quote, that quote and none are the same.
    let is_none_apart = sample.contains(&b'"') || !quotes.contains(&Some(b'"'));
    let mut dialects = Vec::new();
    for &quote in quotes.iter().filter(|quote| quote.is_some() || is_none_apart) {
        let escapes = match hints.escape {
            Some(escape) => {
                vec![escape.map(|escape| one_byte("--escape", escape)).transpose()?]
            }
            None => escapes(sample, quote),
        };
        dialects.extend(escapes.into_iter().map(|escape| (quote, escape)));
    }
    let mut candidates = Vec::new();
    for &delimiter in &delimiters {
        for &(quote, escape) in &dialects {
            let dialect = Dialect { delimiter, quote, escape, ..base.clone() };
            candidates.push(dialect.clone());
            if newlines.lone_cr > 0 && newlines.lf > 0 && !base.cr_repeats {
                candidates.push(Dialect { cr_ends_record: true, ..dialect });
            }
        }
    }
    Ok(candidates)
}

/// Returns what may escape a quote in a text, the likelier first.
fn escapes(sample: &[u8], quote: Option<u8>) -> Vec<Option<u8>> {
    let mut escapes = vec![quote];
    let Some(quote) = quote else { return escapes };
    if has_pair(sample, b'\\', quote) {
        escapes.push(Some(b'\\'));
    }
    if quote == b'\'' && has_pair(sample, b'"', b'"') {
        escapes.push(Some(b'"'));
    }
    // Where no quote is doubled, doubled ones and none are the same.
    if has_pair(sample, quote, quote) {
        escapes.push(None);
    }
    escapes
}

/// The dialect that explains a text best.
struct Best {
    dialect: Dialect,
    /// The number of fields that most records have.
    width: usize,
    /// How far the next delimiter is behind, from 0 to 1.
    confidence: f64,
    /// Whether the values of a single column hold what would split them.
    is_one_column: bool,
}

fn first_line(sample: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'\n', b'\r', sample).unwrap_or(sample.len());
    &sample[..end]
}

fn best(
    sample: &[u8],
    complete: bool,
    base: &Dialect,
    candidates: &[Dialect],
    given: bool,
) -> Best {
    let looks: Vec<(&Dialect, Look)> = candidates
        .iter()
        .map(|dialect| {
            let sample = if complete { sample } else { whole_lines(sample, dialect) };
            (dialect, Look::at(sample, dialect))
        })
        .collect();
    // Only a better score replaces a likelier dialect; sums of fractions differ in their last bits.
    let best_of = |looks: &[&(&Dialect, Look)]| {
        let best = looks.iter().map(|(_, look)| look.score).fold(0.0, f64::max) * (1.0 - 1e-9);
        looks.iter().position(|(_, look)| look.score >= best).filter(|_| best > 0.0)
    };
    let all: Vec<&(&Dialect, Look)> = looks.iter().collect();
    let Some(mut found) = best_of(&all).map(|at| all[at]) else {
        // Nothing looks like a table; what was told holds all the same.
        let dialect = candidates.first().unwrap_or(base).clone();
        return Best { dialect, width: 1, confidence: 0.0, is_one_column: false };
    };
    let is_doubtful = found.1.first == 1 && found.1.width > 1 && !given;
    if is_doubtful {
        // The first line is one field, and the others are not: there is a delimiter that splits it as
        // well, or it names the only column, or stands above the table.
        let even: Vec<&(&Dialect, Look)> =
            all.iter().copied().filter(|(_, look)| look.is_even()).collect();
        if let Some(at) = best_of(&even).filter(|_| !found.1.is_introduced) {
            found = even[at];
        }
    }
    let (dialect, look) = (found.0, &found.1);
    if !given
        && look.is_one_column(dialect.delimiter)
        && structure::of_another_sort(first_line(sample), dialect, look.width).is_none()
    {
        let delimiter = NO_DELIMITERS
            .into_iter()
            .find(|byte| !sample.contains(byte))
            .map_or(base.delimiter, Marker::byte);
        let (quote, escape) = candidates
            .first()
            .map_or((base.quote, base.escape), |first| (first.quote, first.escape));
        let dialect = Dialect { delimiter, quote, escape, ..dialect.clone() };
        return Best { dialect, width: 1, confidence: 0.5, is_one_column: true };
    }
    let second = looks
        .iter()
        .filter(|(other, _)| other.delimiter.first() != dialect.delimiter.first())
        .map(|(_, look)| look.score)
        .fold(0.0, f64::max);
    let mut confidence = (1.0 - second / look.score / 2.0).clamp(0.0, 1.0);
    if look.first == 1 && look.width > 1 && !look.is_introduced {
        // One column explains the text as well.
        confidence = confidence.min(0.5);
    }
    let confidence = (confidence * 100.0).round() / 100.0;
    Best { dialect: dialect.clone(), width: look.width, confidence, is_one_column: false }
}

/// Returns what comments begin with: lines that begin with it are there, and most of them are not
/// split like the records. Those that are must begin like remarks, with a blank behind the mark.
fn comment(sample: &[u8], dialect: &Dialect, width: usize) -> Option<Marker> {
    if width < 2 {
        return None;
    }
    let markers = COMMENTS.into_iter().filter_map(Marker::new);
    markers.filter(|marker| begins_a_line(sample, *marker)).find(|marker| {
        let mut tokenizer = Tokenizer::new(sample, dialect);
        let mut spans = Vec::new();
        let (mut comments, mut alike) = (0_usize, 0_usize);
        loop {
            spans.clear();
            let Some(record) = tokenizer.next_record(&mut spans) else {
                return comments > 0 && alike * 2 < comments;
            };
            if marker.stands(sample, record.start) {
                comments += 1;
                if spans.len() == width {
                    alike += 1;
                    if sample.get(record.start + marker.len()) != Some(&b' ') {
                        return false;
                    }
                }
            }
        }
    })
}

/// Returns whether a line begins with a marker, be it within quotes.
fn begins_a_line(sample: &[u8], marker: Marker) -> bool {
    memchr::memmem::find_iter(sample, marker.as_bytes())
        .any(|at| at == 0 || matches!(sample[at - 1], b'\n' | b'\r'))
}

/// Shows the delimiter; a character that text does not hold stands for none.
fn shown_delimiter(dialect: &Dialect) -> String {
    match dialect.delimiter.as_bytes() {
        [byte] if NO_DELIMITERS[1..].contains(byte) => "none".to_owned(),
        _ => dialect.delimiter.to_string(),
    }
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
