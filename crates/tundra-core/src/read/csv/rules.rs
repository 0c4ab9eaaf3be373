//! Which records a delimited text has, and what becomes of those that do not fit.

use std::collections::BTreeSet;

use crate::{
    BadRowPolicy,
    read::csv::{
        Dialect,
        nulls::NullWords,
        repair,
        shape::Shapes,
        tokenize::{Record, Span},
    },
};

/// What whoever infers types and whoever decodes must agree on.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// How the text is written.
    pub(crate) dialect: Dialect,
    /// What the cells of the columns look like; one for each column.
    pub(crate) shapes: Shapes,
    /// The cells of the header, if it is one record that can be told from the others.
    pub(crate) header: Vec<String>,
    /// Numbers of records that are left out; the first record behind the header is 0.
    pub(crate) skip_rows: BTreeSet<u64>,
    /// What happens to records that do not fit.
    pub(crate) on_bad_row: BadRowPolicy,
    /// Words that stand for nulls.
    pub(crate) null_words: NullWords,
}

impl Rules {
    /// Returns how many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.shapes.columns.len()
    }

    /// Returns whether the record of this number is left out because the options say so.
    #[inline]
    pub(crate) fn skips(&self, number: u64) -> bool {
        !self.skip_rows.is_empty() && self.skip_rows.contains(&number)
    }

    /// Returns whether a record is the header once more, as in files that were put together.
    #[inline]
    pub(crate) fn is_header(&self, fields: &[Span], bytes: &[u8]) -> bool {
        match (self.header.first(), fields.first()) {
            (Some(name), Some(field)) if field.of(bytes) == name.as_bytes() => {
                let names = self.header.iter().map(String::as_bytes);
                fields.len() == self.header.len()
                    && fields.iter().map(|field| field.of(bytes)).eq(names)
            }
            _ => false,
        }
    }

    /// Puts the record whose fields begin at `from` right if it has the width of the table by chance,
    /// and returns whether it did. Only a repair does so: to all other policies its quotes are text.
    #[inline]
    pub(crate) fn unglue(&self, spans: &mut Vec<Span>, from: usize, bytes: &[u8]) -> bool {
        self.on_bad_row == BadRowPolicy::Repair
            && repair::unglue(spans, from, &self.shapes, bytes, &self.dialect)
    }

    /// Makes the record whose fields begin at `from` as wide as the table.
    pub(crate) fn fit(&self, spans: &mut Vec<Span>, from: usize, record: &Record, bytes: &[u8]) {
        repair::fit(spans, from, record, &self.shapes, bytes, &self.dialect);
    }
}
