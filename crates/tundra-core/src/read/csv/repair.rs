//! Records that do not fit the table, made to fit.
//!
//! Start at [`fit`]. A record is taken apart in every way that one slip of a pen explains: a
//! delimiter too many, a delimiter too few, other delimiters in this one record. The way that puts
//! every cell where its like stand is taken, if it is clearly the best. Otherwise the record is
//! padded with nulls, or its last column takes what is left. No character is lost but delimiters.

use crate::read::csv::{
    Dialect,
    marker::Marker,
    shape::Shapes,
    tokenize::{Glue, Record, Span},
};

/// A longer record is not taken apart.
const LONGEST: usize = 64 << 10;

/// A cut must be better than the next by this much.
const CLEARLY: f32 = 0.15;

/// Delimiters that one record may have instead of the others'.
const OTHERS: [&[u8]; 6] = [b",", b";", b"\t", b"|", b":", b" "];

/// Makes the record whose fields begin at `from` as wide as the table.
pub(crate) fn fit(
    spans: &mut Vec<Span>,
    from: usize,
    record: &Record,
    shapes: &Shapes,
    bytes: &[u8],
    dialect: &Dialect,
) {
    let width = shapes.columns.len();
    let found = spans.len() - from;
    if found == width {
        return;
    }
    if let Some(mended) = mended(&spans[from..], record, shapes, bytes, dialect) {
        spans.truncate(from);
        spans.extend(mended);
        return;
    }
    if found < width {
        spans.resize(from + width, Span::MISSING);
        return;
    }
    if spans[from + width..].iter().any(|span| !span.of(bytes).is_empty())
        && let Some(last) = spans.get_mut(from + width - 1)
    {
        *last = last.extended_to(record.end);
    }
    spans.truncate(from + width);
}

/// Puts a record right that has the width of the table by chance: the delimiter in front of a quoted
/// text is missing, and the text holds one. Returns whether it is one.
pub(crate) fn unglue(
    spans: &mut Vec<Span>,
    from: usize,
    shapes: &Shapes,
    bytes: &[u8],
    dialect: &Dialect,
) -> bool {
    let mender = Mender { bytes, shapes, dialect };
    let Some(unglued) = mender.unglued(&spans[from..]) else { return false };
    spans.truncate(from);
    spans.extend(unglued);
    true
}

/// Returns the fields of a record that is too wide or too narrow as one slip of the pen explains
/// them, if one clearly does.
pub(crate) fn mended(
    fields: &[Span],
    record: &Record,
    shapes: &Shapes,
    bytes: &[u8],
    dialect: &Dialect,
) -> Option<Vec<Span>> {
    let (found, width) = (fields.len(), shapes.columns.len());
    if record.end - record.start > LONGEST || width < 2 || found == width {
        return None;
    }
    let mender = Mender { bytes, shapes, dialect };
    if found > width {
        return mender.unglued(fields).or_else(|| mender.without_surplus(fields));
    }
    let other = (found * 2 <= width).then(|| mender.with_other_delimiter(record)).flatten();
    let cut = || (found + 1 == width).then(|| mender.with_a_cut(fields)).flatten();
    other.or_else(cut)
}

struct Mender<'a> {
    bytes: &'a [u8],
    shapes: &'a Shapes,
    dialect: &'a Dialect,
}

impl Mender<'_> {
    fn fit_of(&self, column: usize, span: Span) -> f32 {
        self.shapes.columns.get(column).map_or(0.0, |shape| shape.fit(span.of(self.bytes)))
    }

    /// Returns how well the fields fit the columns from `column` on, for every number of fields
    /// from the left.
    fn sums(&self, fields: &[Span], column: usize) -> Vec<f32> {
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        for (index, span) in fields.iter().enumerate() {
            sum += self.fit_of(column + index, *span);
            sums.push(sum);
        }
        sums
    }

    /// Takes a field apart from the quoted one behind it, whose delimiters have cut it because its
    /// quote was not seen: `Sofa"Soft, grey"`. It must clearly fit better than as it stands.
    fn unglued(&self, fields: &[Span]) -> Option<Vec<Span>> {
        let quote = self.dialect.quote?;
        let Glue { first, opening, last } = Glue::find(fields, self.bytes, quote)?;
        let width = self.shapes.columns.len();
        if fields.len() + 1 != width + last - first {
            return None;
        }
        let end = fields[last].start() as usize + fields[last].of(self.bytes).len() - 1;
        let start = opening + 1;
        let inside = self.bytes.get(start..end)?;
        // Quotes in it are in pairs, or it is not one text.
        let (mut at, mut is_escaped) = (0, false);
        while let Some(offset) = memchr::memchr(quote, &inside[at..]) {
            at += offset + 1;
            if inside.get(at) != Some(&quote) {
                return None;
            }
            (at, is_escaped) = (at + 1, true);
        }
        let glued = [
            Span::plain(fields[first].start() as usize, opening),
            Span::quoted(start, end, is_escaped),
        ];
        let mut unglued = fields.to_vec();
        unglued.splice(first..=last, glued);
        let sum = |fields: &[Span]| self.sums(&fields[..width], 0)[width];
        (sum(&unglued) >= sum(fields) + CLEARLY).then_some(unglued)
    }

    /// Takes empty fields out, the ones without which the others fit best.
    fn without_surplus(&self, fields: &[Span]) -> Option<Vec<Span>> {
        let width = self.shapes.columns.len();
        let mut fields = fields.to_vec();
        while fields.len() > width {
            let before = self.sums(&fields, 0);
            // The fields from an index on, one column further left.
            let mut behind = vec![0.0; fields.len() + 1];
            for index in (1..fields.len()).rev() {
                behind[index] = behind[index + 1] + self.fit_of(index - 1, fields[index]);
            }
            let surplus = (0..fields.len())
                .filter(|&index| {
                    !fields[index].is_quoted() && fields[index].of(self.bytes).is_empty()
                })
                .max_by(|&one, &other| {
                    let score = |index: usize| before[index] + behind[index + 1];
                    score(one).total_cmp(&score(other))
                })?;
            fields.remove(surplus);
        }
        Some(fields)
    }

    /// Cuts one field into two.
    fn with_a_cut(&self, fields: &[Span]) -> Option<Vec<Span>> {
        let before = self.sums(fields, 0);
        let mut behind = vec![0.0; fields.len() + 1];
        for index in (0..fields.len()).rev() {
            behind[index] = behind[index + 1] + self.fit_of(index + 1, fields[index]);
        }
        let mut best: Option<(f32, usize, Span, Span)> = None;
        let mut second = 0.0_f32;
        for (index, field) in fields.iter().enumerate() {
            for (left, right, bonus) in self.cuts(*field) {
                let score = before[index]
                    + self.fit_of(index, left)
                    + self.fit_of(index + 1, right)
                    + behind[index + 1]
                    + bonus;
                match best {
                    Some((most, ..)) if score <= most => second = second.max(score),
                    _ => {
                        second = best.map_or(0.0, |(most, ..)| most);
                        best = Some((score, index, left, right));
                    }
                }
            }
        }
        // The other explanation: the record ends too early.
        let padded = before[fields.len()] + self.fit_of(fields.len(), Span::MISSING);
        let (score, index, left, right) = best?;
        if score < second + CLEARLY || score < padded + CLEARLY {
            return None;
        }
        let mut mended = fields.to_vec();
        mended.splice(index..=index, [left, right]);
        Some(mended)
    }

    /// Returns the ways to cut a field into two that are not empty, each with what speaks for it
    /// beside the shapes.
    fn cuts(&self, field: Span) -> Vec<(Span, Span, f32)> {
        /// A quote in the middle of a field is where a field began or ended.
        const AT_A_QUOTE: f32 = 0.5;
        let text = field.of(self.bytes);
        let start = field.start() as usize;
        let end = start + text.len();
        let quote = self.dialect.quote;
        let is_quote = |at: usize| quote.is_some() && self.bytes.get(at).copied() == quote;
        let mut cuts = Vec::new();
        for at in start + 1..end {
            let is_boundary = self.bytes[at] & 0xC0 != 0x80;
            if !is_boundary {
                continue;
            }
            match (field.is_quoted(), is_quote(at)) {
                // `"one""two"`: a closing and an opening quote.
                (true, true) if is_quote(at + 1) && at + 2 < end => cuts.push((
                    Span::quoted(start, at, field.is_escaped()),
                    Span::quoted(at + 2, end, field.is_escaped()),
                    AT_A_QUOTE,
                )),
                // `"one"two`, whose last quote the field has lost already.
                (true, true) => {}
                (true, false) if is_quote(end) => {}
                // `one"two"`
                (false, true) if is_quote(end - 1) && at + 1 < end => cuts.push((
                    Span::plain(start, at),
                    Span::quoted(at + 1, end - 1, false),
                    AT_A_QUOTE,
                )),
                (false, true) => {}
                (_, false) => {
                    cuts.push((Span::plain(start, at), Span::plain(at, end), 0.0));
                }
            }
        }
        cuts
    }

    /// Takes the record apart with another delimiter, whose pieces are put together again so that
    /// they fit the columns best.
    fn with_other_delimiter(&self, record: &Record) -> Option<Vec<Span>> {
        let width = self.shapes.columns.len();
        let least = 0.7 * width as f32;
        OTHERS
            .iter()
            .filter(|other| **other != self.dialect.delimiter.as_bytes())
            .filter_map(|other| Marker::new(std::str::from_utf8(other).ok()?))
            .filter_map(|other| self.grouped(&self.pieces(record, other)))
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .filter(|(score, _)| *score >= least)
            .map(|(_, fields)| fields)
    }

    /// Returns the pieces of a record between delimiters.
    fn pieces(&self, record: &Record, delimiter: Marker) -> Vec<Span> {
        let dialect = Dialect { delimiter, ..self.dialect.clone() };
        let text = &self.bytes[..record.end];
        let mut pieces = Vec::new();
        let mut at = record.start;
        loop {
            if dialect.quote.is_some()
                && text.get(at).copied() == dialect.quote
                && let Some(quote) = dialect.quote
                && let crate::read::csv::dialect::QuotedEnd::Closed { at: close, escaped, .. } =
                    dialect.quoted_end(text, at + 1, quote, true)
            {
                pieces.push(Span::quoted(at + 1, close, escaped));
                if close + 1 >= text.len() {
                    return pieces;
                }
                at = close + 2;
                if at >= text.len() {
                    pieces.push(Span::plain(text.len(), text.len()));
                    return pieces;
                }
                continue;
            }
            let rest = &text[at.min(text.len())..];
            let Some(offset) = memchr::memchr(delimiter.first(), rest) else {
                pieces.push(Span::plain(at, text.len()));
                return pieces;
            };
            pieces.push(Span::plain(at, at + offset));
            at += offset + 1;
        }
    }

    /// Puts runs of pieces together into as many fields as there are columns, so that they fit
    /// best, and returns how well they do. A quoted piece is a field of its own.
    fn grouped(&self, pieces: &[Span]) -> Option<(f32, Vec<Span>)> {
        const MOST_PIECES: usize = 400;
        let width = self.shapes.columns.len();
        if pieces.len() < width || pieces.len() > MOST_PIECES || width > MOST_PIECES {
            return None;
        }
        let joined = |from: usize, to: usize| -> Option<Span> {
            if to - from == 1 {
                return Some(pieces[from]);
            }
            if pieces[from..to].iter().any(|piece| piece.is_quoted()) {
                return None;
            }
            let last = pieces[to - 1];
            let end = last.start() as usize + last.of(self.bytes).len();
            Some(Span::plain(pieces[from].start() as usize, end))
        };
        // For each number of pieces: how well they fill the columns so far, and the last begin.
        let mut best: Vec<Vec<Option<(f32, usize)>>> =
            vec![vec![None; pieces.len() + 1]; width + 1];
        best[0][0] = Some((0.0, 0));
        for column in 0..width {
            for from in 0..pieces.len() {
                let Some((score, _)) = best[column][from] else { continue };
                // As many pieces must be left as there are columns.
                let furthest = pieces.len() - (width - column - 1);
                let places = best[column + 1].iter_mut().enumerate().take(furthest + 1);
                for (to, place) in places.skip(from + 1) {
                    let Some(span) = joined(from, to) else { break };
                    let score = score + self.fit_of(column, span);
                    if place.is_none_or(|(most, _)| score > most) {
                        *place = Some((score, from));
                    }
                }
            }
        }
        let (score, _) = best[width][pieces.len()]?;
        let mut fields = Vec::with_capacity(width);
        let mut to = pieces.len();
        for column in (1..=width).rev() {
            let (_, from) = best[column][to]?;
            fields.push(joined(from, to)?);
            to = from;
        }
        fields.reverse();
        Some((score, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::csv::tokenize::Tokenizer;

    const TABLE: &str = "28/01/2018,00:15,2,MG-8769,Leather Sofa,\"Our long, soft one\",\n\
        01/02/2019,10:30,11,AB-1234,Desk,\"A desk, of oak\",\n\
        13/07/2018,23:59,1,XY-9999,Red Chair,\"Chair, in red\",\n";

    #[track_caller]
    fn check(line: &str, expected: [&str; 7]) {
        let dialect = Dialect::default();
        let shapes = Shapes::learn(TABLE.as_bytes(), &dialect, 7);
        let bytes = line.as_bytes();
        let mut spans = Vec::new();
        let record = Tokenizer::new(bytes, &dialect).next_record(&mut spans).unwrap();
        fit(&mut spans, 0, &record, &shapes, bytes, &dialect);
        let cells: Vec<&str> =
            spans.iter().map(|span| std::str::from_utf8(span.of(bytes)).unwrap()).collect();
        assert_eq!(cells, expected, "{line}");
    }

    const ROW: [&str; 7] = ["05/05/2020", "12:00", "3", "QQ-1111", "Blue Table", "Table, blue", ""];

    #[test]
    fn a_delimiter_too_many_is_taken_out() {
        for line in [
            ",05/05/2020,12:00,3,QQ-1111,Blue Table,\"Table, blue\",",
            "05/05/2020,12:00,,3,QQ-1111,Blue Table,\"Table, blue\",",
            "05/05/2020,12:00,3,QQ-1111,Blue Table,,\"Table, blue\",",
            "05/05/2020,12:00,3,QQ-1111,Blue Table,\"Table, blue\",,",
        ] {
            check(line, ROW);
        }
    }

    #[test]
    fn a_delimiter_too_few_is_put_back() {
        for line in [
            "05/05/202012:00,3,QQ-1111,Blue Table,\"Table, blue\",",
            "05/05/2020,12:00,3QQ-1111,Blue Table,\"Table, blue\",",
            "05/05/2020,12:00,3,QQ-1111,Blue Table,\"Table, blue\"",
        ] {
            check(line, ROW);
        }
        check(
            "05/05/2020,12:00,3,QQ-1111,Blue Table\"Table in blue\",",
            ["05/05/2020", "12:00", "3", "QQ-1111", "Blue Table", "Table in blue", ""],
        );
    }

    #[test]
    fn a_quoted_text_that_is_glued_to_the_field_before_it_is_taken_apart() {
        const TABLE: &str = "Sofa,\"Our long, soft one\",1\nDesk,\"A desk, of oak\",2\n\
                             Chair,\"Chair, in red\",3\n";
        let dialect = Dialect::default();
        let shapes = Shapes::learn(TABLE.as_bytes(), &dialect, 3);
        for (line, expected) in [
            ("Table\"Table, in blue\",4", ["Table", "Table, in blue", "4"]),
            ("Table\"Table, blue, \"\"new\"\"\",4", ["Table", "Table, blue, \"\"new\"\"", "4"]),
            // These have the quotes of one text nowhere.
            ("5\" Table,\"Table, 5\"\"\",4", ["5\" Table", "Table, 5\"\"", "4"]),
            ("5\" Table,7\",4", ["5\" Table", "7\"", "4"]),
        ] {
            let bytes = line.as_bytes();
            let mut spans = Vec::new();
            let record = Tokenizer::new(bytes, &dialect).next_record(&mut spans).unwrap();
            if !unglue(&mut spans, 0, &shapes, bytes, &dialect) {
                fit(&mut spans, 0, &record, &shapes, bytes, &dialect);
            }
            let cells: Vec<&str> =
                spans.iter().map(|span| std::str::from_utf8(span.of(bytes)).unwrap()).collect();
            assert_eq!(cells, expected, "{line}");
        }
    }

    #[test]
    fn other_delimiters_in_one_record_are_understood() {
        check("05/05/2020 12:00 3 QQ-1111 Blue Table \"Table, blue\" ", ROW);
        check("05/05/2020;12:00;3;QQ-1111;Blue Table;\"Table, blue\";", ROW);
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        check("what is this", ["what is this", "", "", "", "", "", ""]);
        check("a,b,c,d,e,f,g,h", ["a", "b", "c", "d", "e", "f", "g,h"]);
    }
}
