//! The table of strings of an xlsx workbook, which its cells point into.
//!
//! Start at [`Strings`]. It is held as a whole, since any cell may point to any string: one buffer of
//! text, and where each string begins. Every batch of rows refers to that buffer, so that a string is
//! copied by nobody.

use arrow::{array::make_view, buffer::Buffer};

use super::{
    fault::Fault,
    package::Package,
    pieces::Pieces,
    xml::{Mark, Xml, string_into},
};

/// Arrow counts the bytes of a buffer of text with 31 bits.
pub(super) const MAX_TEXT: usize = i32::MAX as usize;

/// The strings of a workbook.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: Option<Buffer>,
    /// Where each string begins, and where the last one ends.
    starts: Vec<u32>,
}

impl Strings {
    /// Reads the part of this name, in no more memory than `limit`.
    pub(super) fn read(package: &Package, name: &str, limit: u64) -> Result<Self, Fault> {
        let part = package.needed(name)?;
        let within = |fault| match fault {
            Fault::Damaged(what) => Fault::Damaged(format!("in `{name}`: {what}")),
            fault => fault,
        };
        let (mut pieces, _) =
            Pieces::open(package.read(part)?, "sst", "si", false).map_err(within)?;
        let mut text = String::new();
        let mut starts = Vec::new();
        while let Some(piece) = pieces.next().map_err(within)? {
            collect(&piece, &mut text, &mut starts).map_err(within)?;
            let held = text.len() + 4 * starts.len();
            if text.len() > MAX_TEXT || held as u64 > limit {
                return Err(Fault::TooLarge(format!(
                    "its table of strings takes more than {} bytes of memory",
                    limit.min(MAX_TEXT as u64)
                )));
            }
        }
        Ok(Self::of(text, starts))
    }

    /// Takes strings that stand one behind the other, each of which begins at one of `starts`.
    pub(super) fn of(text: String, mut starts: Vec<u32>) -> Self {
        starts.push(offset(&text));
        Self { text: Some(Buffer::from_vec(text.into_bytes())), starts }
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Returns the string of this number.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let (start, end) = self.range(number)?;
        // The text was made of strings.
        std::str::from_utf8(&self.text.as_ref()?.as_slice()[start..end]).ok()
    }

    /// Returns whether the string of this number is empty; `None` when there is none.
    #[inline]
    pub(super) fn is_empty(&self, number: u32) -> Option<bool> {
        self.range(number).map(|(start, end)| start == end)
    }

    /// Returns the string of this number as a view into [`Self::buffer`], which has the number 0.
    #[inline]
    pub(super) fn view(&self, number: u32) -> Option<u128> {
        let (start, end) = self.range(number)?;
        let text = self.text.as_ref()?.as_slice();
        Some(make_view(&text[start..end], 0, u32::try_from(start).ok()?))
    }

    /// Returns the text of all strings.
    pub(super) fn buffer(&self) -> Buffer {
        self.text.clone().unwrap_or_else(|| Buffer::from_vec(Vec::<u8>::new()))
    }

    #[inline]
    fn range(&self, number: u32) -> Option<(usize, usize)> {
        let number = number as usize;
        Some((*self.starts.get(number)? as usize, *self.starts.get(number + 1)? as usize))
    }
}

fn offset(text: &str) -> u32 {
    // Checked against `MAX_TEXT` behind every piece, which has far less than the other half.
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn collect(piece: &[u8], text: &mut String, starts: &mut Vec<u32>) -> Result<(), Fault> {
    let mut xml = Xml::new(piece);
    loop {
        match xml.next()? {
            (_, Mark::Open(b"si")) => {
                starts.push(offset(text));
                if !xml.is_empty()? {
                    string(&mut xml, b"si", text)?;
                }
            }
            (_, Mark::End) => return Ok(()),
            _ => {}
        }
    }
}

/// Appends the text of a string up to its end tag: that of its runs, without what is only said how it
/// is pronounced.
pub(super) fn string(xml: &mut Xml<'_>, end: &[u8], out: &mut String) -> Result<(), Fault> {
    let mut in_text = false;
    let mut pronounced = 0_u32;
    loop {
        let (text, mark) = xml.next()?;
        if in_text && pronounced == 0 && !text.is_empty() {
            let text = simdutf8::basic::from_utf8(text)
                .map_err(|_| Fault::damaged("its XML is not text in UTF-8"))?;
            string_into(text, out)?;
        }
        match mark {
            Mark::Open(b"t") => in_text = !xml.is_empty()?,
            Mark::Close(b"t") => in_text = false,
            Mark::Open(b"rPh") if !xml.is_empty()? => pronounced += 1,
            Mark::Close(b"rPh") => pronounced = pronounced.saturating_sub(1),
            Mark::Close(name) if name == end => return Ok(()),
            Mark::End => return Err(Fault::damaged("its XML is cut off")),
            _ => {}
        }
    }
}
