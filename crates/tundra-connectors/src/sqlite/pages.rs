//! The rows of a table from the pages of the file, which SQLite hands out.
//!
//! Start at [`Walk`]. The pages come from `sqlite_dbpage`, inside the read transaction of the
//! connection, so that locks, the write-ahead log and the cache are SQLite's business; only what is on
//! a page is read here, which takes a fraction of the time of asking for every cell. Where SQLite was
//! built without that table, and where a table is of another sort, rows are asked for instead; see
//! [`Stored`].
//!
//! A page may hold anything: everything is checked, and what is wrong ends the walk with the number of
//! the page. Rowids must ascend and lie between the keys above them, so that no page is met twice and no
//! row is lost between two ranges. The format is <https://www.sqlite.org/fileformat2.html>.

mod page;

use std::ops::{ControlFlow, Range, RangeInclusive};

use rusqlite::{
    Connection, Statement,
    types::{Value, ValueRef},
};
use tundra_core::ConnectorError;

use self::page::{Cell, Child, Overflow, Page};
use super::{
    failure::{failed, malformed},
    record::Field,
    watch::Watch,
};

/// How deep a tree is at most, as in SQLite.
const DEEPEST: usize = 20;

/// A table whose pages can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// The page at the top of its tree.
    pub(super) root: u32,
    /// The columns that are wanted, in their order.
    pub(super) columns: Vec<StoredColumn>,
}

/// A column of such a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredColumn {
    pub(super) slot: Slot,
    /// Whether its texts are looked at before they are wanted, because they may be dates.
    pub(super) is_date: bool,
    /// The SQL that reads this column between two rowids, for rows that are older than the column.
    pub(super) sql: String,
}

/// Where the value of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// It is the rowid.
    Rowid,
    /// It is the record's value of that number, in a column for floating point or in another.
    Field { at: usize, is_real: bool },
}

/// What is wanted of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// What the types tell, integers of 8 bytes, and what may be dates.
    Shapes,
    /// The values.
    Values,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) rowid: i64,
    columns: &'a [StoredColumn],
    defaults: &'a [Option<Value>],
    fields: &'a [Field],
    /// The record as far as it was wanted.
    pub(super) bytes: &'a [u8],
}

/// What a row has in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// The record's value of that number; of a column for floating point if `is_real`, so that an integer is the
    /// stored form of a double.
    Field { at: usize, field: Field, is_real: bool },
    /// A value that is known otherwise.
    Value(ValueRef<'a>),
}

impl<'a> Record<'a> {
    /// Returns what it has in its columns. Of [`Want::Shapes`], no values may be read but those that it names.
    #[inline]
    pub(super) fn contents(self) -> impl Iterator<Item = Content<'a>> {
        self.columns.iter().zip(self.defaults).map(move |(column, default)| {
            let Slot::Field { at, is_real } = column.slot else {
                return Content::Value(ValueRef::Integer(self.rowid));
            };
            match self.fields.get(at) {
                Some(&field) => Content::Field { at, field, is_real },
                None => Content::Value(default.as_ref().map_or(ValueRef::Null, ValueRef::from)),
            }
        })
    }

    /// Returns the value of that number if it is a text, and UTF-8. It is looked through together with
    /// the texts behind it, because a long text takes hardly more time than a short one.
    #[inline]
    pub(super) fn text(&self, at: usize, texts: &mut Texts<'a>) -> Option<&'a str> {
        let (field, behind) = self.fields.get(at..)?.split_first()?;
        let bytes = field.text_range()?;
        texts.get(&bytes).or_else(|| {
            let end = behind.iter().map_while(|field| field.text_range()).last();
            let end = end.map_or(bytes.end, |it| it.end).min(self.bytes.len());
            let all = self.bytes.get(bytes.start..end)?;
            let valid = str::from_utf8(all)
                .unwrap_or_else(|_| all.utf8_chunks().next().map_or("", |chunk| chunk.valid()));
            *texts = Texts { from: bytes.start, valid };
            texts.get(&bytes)
        })
    }
}

/// A part of a record that is UTF-8.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Texts<'a> {
    from: usize,
    valid: &'a str,
}

impl<'a> Texts<'a> {
    #[inline]
    fn get(&self, bytes: &Range<usize>) -> Option<&'a str> {
        let from = bytes.start.checked_sub(self.from)?;
        self.valid.get(from..bytes.end - self.from)
    }
}

/// Walks through a table.
#[derive(Debug)]
pub(super) struct Walk<'c> {
    connection: &'c Connection,
    table: &'c Stored,
    want: Want,
    operation: &'static str,
    tree: Statement<'c>,
    overflow: Overflow<'c>,
    fields: Vec<Field>,
    /// The fields of a record up to the last that is wanted.
    wanted: usize,
    /// Of each column, what rows have that are older than it; `None` until one is met.
    defaults: Vec<Option<Value>>,
}

impl<'c> Walk<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        table: &'c Stored,
        want: Want,
        operation: &'static str,
    ) -> Result<Self, ConnectorError> {
        let unread = |error| failed(operation, error);
        let page = || connection.prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?1");
        let mut overflow = page().map_err(unread)?;
        let reserved =
            overflow.query_row([1], |row| Ok(row.get_ref(0)?.as_blob()?.get(20).copied()));
        let (size, pages): (u32, u32) = connection
            .query_row("SELECT * FROM pragma_page_size, pragma_page_count", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(unread)?;
        let reserved = reserved.map_err(unread)?.unwrap_or(0);
        let usable = size.saturating_sub(u32::from(reserved));
        // SQLite opens no file with less.
        if usable < 480 {
            return Err(wrong_page(operation, 1, "has no room"));
        }
        let wanted = |column: &StoredColumn| match column.slot {
            Slot::Rowid => 0,
            Slot::Field { at, .. } => at + 1,
        };
        Ok(Self {
            connection,
            table,
            want,
            operation,
            tree: page().map_err(unread)?,
            overflow: Overflow {
                operation,
                pages: overflow,
                usable: usable as usize,
                largest: u64::from(pages) * u64::from(usable),
                bytes: Vec::new(),
            },
            fields: Vec::new(),
            wanted: table.columns.iter().map(wanted).max().unwrap_or(0),
            defaults: vec![None; table.columns.len()],
        })
    }

    /// Shows the rows between two rowids, in their order, until one is enough.
    pub(super) fn rows(
        &mut self,
        rowids: &RangeInclusive<i64>,
        watch: &Watch,
        mut each: impl FnMut(Record<'_>) -> Result<ControlFlow<()>, ConnectorError>,
    ) -> Result<(), ConnectorError> {
        let operation = self.operation;
        let unread = |error| failed(operation, error);
        let mut levels = vec![vec![Child::root(self.table.root)].into_iter()];
        let mut before = None;
        while let Some(level) = levels.last_mut() {
            let Some(child) = level.next() else {
                levels.pop();
                continue;
            };
            watch.stop(operation)?;
            let wrong = |what| wrong_page(operation, child.page, what);
            let mut found = self.tree.query([child.page]).map_err(unread)?;
            let row = found.next().map_err(unread)?.ok_or_else(|| wrong("is not there"))?;
            let bytes = row.get_ref(0).map_err(unread)?.as_blob().unwrap_or_default();
            let page = Page::new(bytes, child.page, self.overflow.usable)
                .ok_or_else(|| wrong("is no page of a table"))?;
            if page.cells == 0 && levels.len() > 1 {
                return Err(wrong("is empty"));
            }
            if !page.is_leaf {
                if levels.len() > DEEPEST {
                    return Err(wrong("is too deep in its tree"));
                }
                let mut children =
                    page.children(child).ok_or_else(|| wrong("has keys out of order"))?;
                children.retain(|it| {
                    it.last >= *rowids.start() && it.above.is_none_or(|it| it < *rowids.end())
                });
                levels.push(children.into_iter());
                continue;
            }
            before = before.max(child.above);
            for at in 0..page.cells {
                let cell = page.cell(at).and_then(|bytes| Cell::read(bytes, page.bytes.len()));
                let cell = cell.ok_or_else(|| wrong("has a cell out of its bounds"))?;
                if Some(cell.rowid) <= before || cell.rowid > child.last {
                    return Err(wrong("has rowids out of order"));
                }
                before = Some(cell.rowid);
                if cell.rowid < *rowids.start() {
                    continue;
                }
                if cell.rowid > *rowids.end() {
                    return Ok(());
                }
                let bytes = if self.wanted == 0 {
                    self.fields.clear();
                    cell.local
                } else {
                    self.overflow
                        .record(
                            &cell,
                            &self.table.columns,
                            self.wanted,
                            self.want,
                            &mut self.fields,
                        )?
                        .ok_or_else(|| wrong("has a malformed record"))?
                };
                if self.fields.len() < self.wanted {
                    defaults(
                        self.connection,
                        &self.table.columns,
                        self.fields.len(),
                        cell.rowid,
                        &mut self.defaults,
                    )
                    .map_err(unread)?;
                }
                let record = Record {
                    rowid: cell.rowid,
                    columns: &self.table.columns,
                    defaults: &self.defaults,
                    fields: &self.fields,
                    bytes,
                };
                if each(record)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns rowids that cut the table into parts of about equally many pages, at most `count`.
    pub(super) fn cuts(&mut self, count: usize, watch: &Watch) -> Result<Vec<i64>, ConnectorError> {
        let mut level = vec![Child::root(self.table.root)];
        // Two levels have thousands of pages; a third would take long to read.
        for _ in 0..2 {
            if level.len() >= count {
                break;
            }
            let mut below = Vec::new();
            for child in &level {
                watch.stop(self.operation)?;
                match self.children(*child)? {
                    Some(children) => below.extend(children),
                    None => return Ok(spread(&level, count)),
                }
            }
            level = below;
        }
        Ok(spread(&level, count))
    }

    /// Returns the pages below; `None` below a leaf.
    fn children(&mut self, child: Child) -> Result<Option<Vec<Child>>, ConnectorError> {
        let unread = |error| failed(self.operation, error);
        let wrong = |what| wrong_page(self.operation, child.page, what);
        let mut found = self.tree.query([child.page]).map_err(unread)?;
        let row = found.next().map_err(unread)?.ok_or_else(|| wrong("is not there"))?;
        let bytes = row.get_ref(0).map_err(unread)?.as_blob().unwrap_or_default();
        let page = Page::new(bytes, child.page, self.overflow.usable)
            .ok_or_else(|| wrong("is no page of a table"))?;
        if page.is_leaf {
            return Ok(None);
        }
        page.children(child).map(Some).ok_or_else(|| wrong("has keys out of order"))
    }
}

/// Returns the last rowids of at most `count - 1` of these pages, at even distances.
fn spread(level: &[Child], count: usize) -> Vec<i64> {
    let count = count.min(level.len());
    (1..count).map(|at| level[at * level.len() / count - 1].last).collect()
}

/// Asks SQLite for what a row has in columns that are newer than it: the same for all such rows.
#[cold]
fn defaults(
    connection: &Connection,
    columns: &[StoredColumn],
    stored: usize,
    rowid: i64,
    defaults: &mut [Option<Value>],
) -> rusqlite::Result<()> {
    for (column, default) in columns.iter().zip(defaults) {
        let Slot::Field { at, .. } = column.slot else { continue };
        if at >= stored && default.is_none() {
            *default = Some(connection.query_row(&column.sql, [rowid, rowid], |row| row.get(0))?);
        }
    }
    Ok(())
}

/// Returns the error of a page that is not as it must be.
#[cold]
fn wrong_page(operation: &'static str, page: u32, what: &str) -> ConnectorError {
    malformed(operation, format_args!("page {page} {what}"))
}
