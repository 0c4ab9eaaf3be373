//! What is on one page of a table, and what has no room on it.

use rusqlite::Statement;
use tundra_core::ConnectorError;

use super::{
    super::{
        failure::failed,
        record::{self, Field, Header, Shape, varint},
    },
    Slot, StoredColumn, Want, wrong_page,
};

/// The kinds of pages of a table.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// The bytes of the file's header, on the first page.
const FILE_HEADER: usize = 100;

/// A page of the tree, and the rowids that can be below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) page: u32,
    /// They are greater.
    pub(super) above: Option<i64>,
    /// They are at most this.
    pub(super) last: i64,
}

impl Child {
    pub(super) const fn root(page: u32) -> Self {
        Self { page, above: None, last: i64::MAX }
    }
}

/// A page of a tree, without what is reserved at its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) is_leaf: bool,
    /// How many cells it has.
    pub(super) cells: usize,
    /// Where the places of its cells stand.
    pub(super) places: usize,
    /// The page behind its last cell, where it is no leaf.
    pub(super) right: u32,
}

impl<'a> Page<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], number: u32, usable: usize) -> Option<Self> {
        let bytes = bytes.get(..usable)?;
        let header = if number == 1 { FILE_HEADER } else { 0 };
        let is_leaf = match *bytes.get(header)? {
            INTERIOR => false,
            LEAF => true,
            _ => return None,
        };
        let cells = usize::from(u16::from_be_bytes(array(bytes, header + 3)?));
        let right = if is_leaf { 0 } else { u32::from_be_bytes(array(bytes, header + 8)?) };
        let places = header + if is_leaf { 8 } else { 12 };
        (places + 2 * cells <= usable).then_some(Self { bytes, is_leaf, cells, places, right })
    }

    /// Returns what begins at the place of a cell.
    #[inline]
    pub(super) fn cell(&self, at: usize) -> Option<&'a [u8]> {
        let place = usize::from(u16::from_be_bytes(array(self.bytes, self.places + 2 * at)?));
        self.bytes.get(place..).filter(|_| place >= self.places + 2 * self.cells)
    }

    /// Returns the pages below; `None` when their keys are not in order.
    pub(super) fn children(&self, this: Child) -> Option<Vec<Child>> {
        let mut children = Vec::with_capacity(self.cells + 1);
        let mut above = this.above;
        for at in 0..self.cells {
            let cell = self.cell(at)?;
            let page = u32::from_be_bytes(array(cell, 0)?);
            let (key, _) = varint(cell.get(4..)?)?;
            let last = key.cast_signed();
            if Some(last) <= above || last > this.last {
                return None;
            }
            children.push(Child { page, above, last });
            above = Some(last);
        }
        children.push(Child { page: self.right, above, last: this.last });
        Some(children)
    }
}

/// A cell of a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) rowid: i64,
    /// The bytes of the whole record.
    pub(super) size: u64,
    /// Those that are on this page.
    pub(super) local: &'a [u8],
    /// Where the others begin, if there are any.
    pub(super) overflow: Option<u32>,
}

impl<'a> Cell<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8], usable: usize) -> Option<Self> {
        let (size, first) = varint(bytes)?;
        let bytes = &bytes[first..];
        let (rowid, second) = varint(bytes)?;
        let bytes = &bytes[second..];
        let rowid = rowid.cast_signed();
        let most = usable - 35;
        if size <= most as u64 {
            let local = bytes.get(..usize::try_from(size).ok()?)?;
            return Some(Self { rowid, size, local, overflow: None });
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let rest = (size - least as u64) % (usable as u64 - 4);
        let kept = least + usize::try_from(rest).ok()?;
        let kept = if kept <= most { kept } else { least };
        let local = bytes.get(..kept)?;
        let overflow = Some(u32::from_be_bytes(array(bytes, kept)?));
        Some(Self { rowid, size, local, overflow })
    }
}

/// Reads what has no room on the page of its cell.
#[derive(Debug)]
pub(super) struct Overflow<'c> {
    pub(super) operation: &'static str,
    pub(super) pages: Statement<'c>,
    pub(super) usable: usize,
    /// No record can be larger than all pages.
    pub(super) largest: u64,
    /// The beginning of one record.
    pub(super) bytes: Vec<u8>,
}

impl Overflow<'_> {
    /// Reads the fields of a record and returns as many of its bytes as they need; `None` where it is
    /// malformed.
    #[inline]
    pub(super) fn record<'a>(
        &'a mut self,
        cell: &Cell<'a>,
        columns: &[StoredColumn],
        wanted: usize,
        want: Want,
        fields: &mut Vec<Field>,
    ) -> Result<Option<&'a [u8]>, ConnectorError> {
        if cell.overflow.is_none() {
            let header = record::fields(cell.local, cell.local.len(), wanted, fields);
            return Ok((header == Some(Header::Read)).then_some(cell.local));
        }
        self.long_record(cell, columns, wanted, want, fields)
    }

    fn long_record<'a>(
        &'a mut self,
        cell: &Cell<'a>,
        columns: &[StoredColumn],
        wanted: usize,
        want: Want,
        fields: &mut Vec<Field>,
    ) -> Result<Option<&'a [u8]>, ConnectorError> {
        let Ok(total) = usize::try_from(cell.size) else { return Ok(None) };
        if cell.size > self.largest {
            return Ok(None);
        }
        let mut has = cell.local.len();
        match record::fields(cell.local, total, wanted, fields) {
            Some(Header::Read) => {}
            Some(Header::Needs(length)) => {
                has = length;
                self.load(cell, has)?;
                if record::fields(&self.bytes, total, wanted, fields) != Some(Header::Read) {
                    return Ok(None);
                }
            }
            None => return Ok(None),
        }
        let mut needs = 0;
        for column in columns {
            let Slot::Field { at, .. } = column.slot else { continue };
            if let Some(field) = fields.get(at)
                && (want == Want::Values || column.is_date || field.shape() == Shape::LongInteger)
            {
                needs = needs.max(field.end().unwrap_or(usize::MAX));
            }
        }
        if needs > total {
            return Ok(None);
        }
        if needs > has {
            self.load(cell, needs)?;
            has = needs;
        }
        Ok(Some(if has > cell.local.len() { &self.bytes } else { cell.local }))
    }

    /// Loads the first `needs` bytes of a record, and no page behind them.
    fn load(&mut self, cell: &Cell<'_>, needs: usize) -> Result<(), ConnectorError> {
        let unread = |error| failed(self.operation, error);
        self.bytes.clear();
        // What one large record took is not kept for all the others.
        self.bytes.shrink_to(1 << 20);
        self.bytes.extend_from_slice(cell.local);
        let mut next = cell.overflow.unwrap_or(0);
        while self.bytes.len() < needs {
            let wrong = |what| wrong_page(self.operation, next, what);
            let mut found = self.pages.query([next]).map_err(unread)?;
            let row = found.next().map_err(unread)?.ok_or_else(|| wrong("is not there"))?;
            let page = row.get_ref(0).map_err(unread)?.as_blob().unwrap_or_default();
            let page = page.get(..self.usable).ok_or_else(|| wrong("is too short"))?;
            let take = (needs - self.bytes.len()).min(page.len() - 4);
            self.bytes.extend_from_slice(&page[4..4 + take]);
            next = array(page, 0).map_or(0, u32::from_be_bytes);
        }
        Ok(())
    }
}

/// Returns the bytes at a place.
#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
