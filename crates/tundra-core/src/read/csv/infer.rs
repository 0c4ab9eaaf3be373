//! What the columns of a delimited text hold, found out over all records.

use std::collections::BTreeSet;

use crate::{
    BadRowPolicy,
    read::{
        chunk::{Chunk, Decode, DecodeError},
        csv::{
            Dialect,
            tokenize::{Span, Tokenizer, fit, unescape},
        },
        lattice::Evidence,
    },
};

/// What was seen of a part of the input, or of all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CsvObservation {
    /// One for each column.
    pub(crate) columns: Vec<Evidence>,
    /// Records that were looked at.
    pub(crate) records: u64,
}

impl CsvObservation {
    /// Begins with nothing seen of `width` columns.
    pub(crate) fn new(width: usize) -> Self {
        Self { columns: vec![Evidence::default(); width], records: 0 }
    }

    /// Takes into account what was seen in a later part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        self.records += later.records;
        for (column, later) in self.columns.iter_mut().zip(later.columns) {
            column.merge(later);
        }
    }

    /// Takes the records of `bytes` into account. `record` is the number of the first, counted from
    /// 0. Records that are left out are no evidence, and neither are bad ones that are not repaired.
    pub(crate) fn observe(
        &mut self,
        bytes: &[u8],
        dialect: &Dialect,
        record: u64,
        skip_rows: &BTreeSet<u64>,
        on_bad_row: BadRowPolicy,
    ) {
        let mut tokenizer = Tokenizer::new(bytes, dialect);
        let mut spans: Vec<Span> = Vec::new();
        let mut unescaped = Vec::new();
        let mut number = record;
        loop {
            spans.clear();
            let Some(found) = tokenizer.next_record(&mut spans) else { break };
            let is_skipped = !skip_rows.is_empty() && skip_rows.contains(&number);
            number += 1;
            self.records += 1;
            if is_skipped {
                continue;
            }
            if spans.len() != self.columns.len() || found.fault.is_some() {
                if on_bad_row != BadRowPolicy::Repair {
                    continue;
                }
                fit(&mut spans, 0, &found, self.columns.len(), bytes);
            }
            for (column, span) in self.columns.iter_mut().zip(&spans) {
                let text = span.of(bytes);
                if text.is_empty() {
                    // A null says nothing about a type.
                } else if span.is_escaped() {
                    unescaped.clear();
                    unescape(text, dialect, &mut unescaped);
                    column.observe(&unescaped, number);
                } else {
                    column.observe(text, number);
                }
            }
        }
    }
}

/// Looks at chunks.
#[derive(Debug, Clone)]
pub(crate) struct CsvInfer {
    /// How the text is written.
    pub(crate) dialect: Dialect,
    /// Columns of the text.
    pub(crate) width: usize,
    /// Records that are left out.
    pub(crate) skip_rows: BTreeSet<u64>,
    /// What becomes of bad records.
    pub(crate) on_bad_row: BadRowPolicy,
}

impl Decode for CsvInfer {
    type Output = CsvObservation;

    fn decode(&self, chunk: Chunk) -> Result<CsvObservation, DecodeError> {
        let mut observation = CsvObservation::new(self.width);
        observation.observe(
            &chunk.bytes,
            &self.dialect,
            chunk.record,
            &self.skip_rows,
            self.on_bad_row,
        );
        Ok(observation)
    }
}
