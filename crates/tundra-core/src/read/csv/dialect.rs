//! How a delimited text is written.

/// The syntax of one delimited text.
///
/// A record is a line, unless a newline stands between quotes. A quote opens only as the first
/// byte of a field; anywhere else it is text. A lone carriage return ends a record only when
/// [`Dialect::cr_ends_record`]; `\n` and `\r\n` always do. An empty line is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// What stands between two fields; an ASCII character.
    pub(crate) delimiter: u8,
    /// What encloses a field that holds delimiters, newlines or quotes.
    pub(crate) quote: Option<u8>,
    /// What makes a quote inside quotes text: the quote itself when doubled, or another byte that
    /// makes the byte behind it text whatever it is.
    pub(crate) escape: Option<u8>,
    /// Whether a lone carriage return ends a record.
    pub(crate) cr_ends_record: bool,
    /// Lines that begin with this byte are no records.
    pub(crate) comment: Option<u8>,
}

impl Default for Dialect {
    /// Returns the dialect of RFC 4180.
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: Some(b'"'),
            cr_ends_record: false,
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
            if Some(bytes[at]) == escape {
                if at + 1 >= bytes.len() {
                    return QuotedEnd::Open;
                }
                escaped = true;
                at += 2;
                continue;
            }
            match bytes.get(at + 1) {
                None if complete => return QuotedEnd::Closed { at, escaped, stray },
                None => return QuotedEnd::Open,
                Some(&next) if doubles && next == quote => {
                    escaped = true;
                    at += 2;
                }
                Some(&next) if next == self.delimiter || next == b'\n' => {
                    return QuotedEnd::Closed { at, escaped, stray };
                }
                Some(b'\r') if at + 2 == bytes.len() && !complete => return QuotedEnd::Open,
                Some(b'\r') if self.newline_end(bytes, at + 1).is_some() => {
                    return QuotedEnd::Closed { at, escaped, stray };
                }
                Some(_) => {
                    stray = true;
                    at += 1;
                }
            }
        }
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

    /// Returns the offset behind the newline that stands at `at`, or `None` when the byte there
    /// is text. `at` is a `\n` or `\r`.
    #[inline]
    pub(crate) fn newline_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if bytes[at] == b'\n' {
            return Some(at + 1);
        }
        match bytes.get(at + 1) {
            Some(b'\n') => Some(at + 2),
            _ if self.cr_ends_record => Some(at + 1),
            // A carriage return at the very end of the input belongs to a newline that was cut.
            None => Some(at + 1),
            Some(_) => None,
        }
    }
}
