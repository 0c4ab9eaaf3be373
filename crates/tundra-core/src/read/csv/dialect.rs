//! How a delimited text is written.

use crate::read::csv::marker::Marker;

/// The syntax of one delimited text.
///
/// A record is a line, unless a newline stands between quotes. A quote opens only as the first
/// byte of a field; anywhere else it is text. A lone carriage return ends a record only when
/// [`Dialect::cr_ends_record`]; `\n` and `\r\n` always do. An empty line is no record.
///
/// A quote that opens is taken for text nevertheless when what follows shows that nobody meant it to
/// open anything: see [`QuotedEnd::Literal`]. The rule looks at bytes only, not at what becomes of
/// bad records, so that every reader of a text finds the same records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// What stands between two fields.
    pub(crate) delimiter: Marker,
    /// What encloses a field that holds delimiters, newlines or quotes.
    pub(crate) quote: Option<u8>,
    /// What makes a quote inside quotes text: the quote itself when doubled, or another byte before
    /// it. Before anything but a quote or itself an escape is text. Without one, every quote inside
    /// quotes is text that is not the last byte of its field.
    pub(crate) escape: Option<u8>,
    /// Whether a lone carriage return ends a record.
    pub(crate) cr_ends_record: bool,
    /// Whether several carriage returns before a newline belong to it, as where a text was written
    /// twice by a program that adds one. Not together with [`Dialect::cr_ends_record`].
    pub(crate) cr_repeats: bool,
    /// Lines that begin with this are no records.
    pub(crate) comment: Option<Marker>,
}

impl Default for Dialect {
    /// Returns the dialect of RFC 4180.
    fn default() -> Self {
        Self {
            delimiter: Marker::byte(b','),
            quote: Some(b'"'),
            escape: Some(b'"'),
            cr_ends_record: false,
            cr_repeats: false,
            comment: None,
        }
    }
}

/// What stands behind the closing quote of a field, or instead of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuotedEnd {
    /// The closing quote stands at this offset and the field ends behind it.
    Closed {
        /// The offset of the quote.
        at: usize,
        /// Whether the field holds escapes.
        escaped: bool,
        /// Whether a quote stood inside that neither closes nor is escaped; it is text.
        stray: bool,
    },
    /// The opening quote is text, and so is what follows it up to the next delimiter. Between it and
    /// the next quote that neither closes nor is escaped there is a delimiter right before that
    /// quote, or a newline: the latter opens a field, and the former belongs to none.
    Literal,
    /// The text ends before the field does.
    Open,
}

impl Dialect {
    /// Finds the end of the quoted field whose text begins at `from`, behind its opening quote.
    ///
    /// With `complete` the end of the bytes is the end of the input, and a quote there closes.
    pub(crate) fn quoted_end(
        &self,
        bytes: &[u8],
        from: usize,
        quote: u8,
        complete: bool,
    ) -> QuotedEnd {
        let escape = self.escape.filter(|&escape| escape != quote);
        let doubles = self.escape == Some(quote);
        let (mut at, mut escaped, mut stray) = (from, false, false);
        loop {
            let found = match escape {
                Some(escape) => memchr::memchr2(quote, escape, &bytes[at..]),
                None => memchr::memchr(quote, &bytes[at..]),
            };
            let Some(offset) = found else { return QuotedEnd::Open };
            at += offset;
            let next = bytes.get(at + 1).copied();
            if next.is_none() && !complete {
                return QuotedEnd::Open;
            }
            if Some(bytes[at]) == escape {
                let escapes = next == Some(quote) || next == escape;
                escaped |= escapes;
                at += if escapes { 2 } else { 1 };
                continue;
            }
            match next {
                None => return QuotedEnd::Closed { at, escaped, stray },
                Some(next) if doubles && next == quote => {
                    escaped = true;
                    at += 2;
                    continue;
                }
                Some(b'\n') => return QuotedEnd::Closed { at, escaped, stray },
                Some(b'\r') if !complete && self.returns_end(bytes, at + 1) == bytes.len() => {
                    return QuotedEnd::Open;
                }
                Some(b'\r') if self.newline_end(bytes, at + 1).is_some() => {
                    return QuotedEnd::Closed { at, escaped, stray };
                }
                Some(next) if next == self.delimiter.first() => {
                    if self.delimiter.continues(bytes, at + 1) {
                        return QuotedEnd::Closed { at, escaped, stray };
                    }
                    if at + 1 + self.delimiter.len() > bytes.len() && !complete {
                        return QuotedEnd::Open;
                    }
                }
                Some(_) => {}
            }
            if self.opens_another(bytes, from, at) {
                return QuotedEnd::Literal;
            }
            stray = self.escape.is_some();
            at += 1;
        }
    }

    /// Returns whether the quote at `at` opens a field of its own, which the quote before `from`
    /// then cannot have done.
    fn opens_another(&self, bytes: &[u8], from: usize, at: usize) -> bool {
        let between = &bytes[from..at];
        between.ends_with(self.delimiter.as_bytes())
            || self.escape.is_some() && memchr::memchr2(b'\n', b'\r', between).is_some()
    }

    /// Counts the ends of lines in `bytes`, those between quotes included.
    pub(crate) fn count_lines(&self, bytes: &[u8]) -> u64 {
        let newlines = memchr::memchr_iter(b'\n', bytes).count();
        let lone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
        let returns = match self.cr_ends_record {
            true => memchr::memchr_iter(b'\r', bytes).filter(lone).count(),
            false => 0,
        };
        (newlines + returns) as u64
    }

    /// Counts the lines of `bytes`, which begin with one; the last may have no newline.
    pub(crate) fn count_all_lines(&self, bytes: &[u8]) -> u64 {
        let ends = match bytes.last() {
            None | Some(b'\n') => true,
            Some(b'\r') => self.cr_ends_record,
            Some(_) => false,
        };
        self.count_lines(bytes) + u64::from(!ends)
    }

    /// Returns the offset behind the newline that stands at `at`, or `None` when the byte there
    /// is text. `at` is a `\n` or `\r`.
    #[inline]
    pub(crate) fn newline_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if bytes[at] == b'\n' {
            return Some(at + 1);
        }
        let next = self.returns_end(bytes, at);
        match bytes.get(next) {
            Some(b'\n') => Some(next + 1),
            _ if self.cr_ends_record => Some(next),
            // A carriage return at the very end of the input belongs to a newline that was cut.
            None => Some(next),
            Some(_) => None,
        }
    }

    /// Returns the offset behind the carriage return that stands at `at`, and behind those that
    /// follow if they belong to one newline.
    #[inline]
    fn returns_end(&self, bytes: &[u8], at: usize) -> usize {
        match self.cr_repeats {
            true => at + bytes[at..].iter().take_while(|&&byte| byte == b'\r').count(),
            false => at + 1,
        }
    }

    /// Returns whether the bytes of a line are none but a part of its newline.
    #[inline]
    pub(crate) fn is_blank(&self, line: &[u8]) -> bool {
        match line {
            [] | [b'\r'] => true,
            _ => self.cr_repeats && line.iter().all(|&byte| byte == b'\r'),
        }
    }

    /// Returns whether the line that begins at `at` is a comment.
    #[inline]
    pub(crate) fn is_comment(&self, bytes: &[u8], at: usize) -> bool {
        self.comment.is_some_and(|comment| comment.stands(bytes, at))
    }
}
