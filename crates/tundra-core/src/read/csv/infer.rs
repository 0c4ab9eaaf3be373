//! What the columns of a delimited text hold, found out over all records.

use std::sync::Arc;

use crate::{
    BadRowPolicy,
    read::{
        chunk::{Chunk, Decode, DecodeError},
        csv::{
            rules::Rules,
            tokenize::{Span, Tokenizer, unescape},
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
    pub(crate) fn observe(&mut self, bytes: &[u8], rules: &Rules, record: u64) {
        let mut tokenizer = Tokenizer::new(bytes, &rules.dialect);
        let mut spans: Vec<Span> = Vec::new();
        let mut unescaped = Vec::new();
        let mut number = record;
        loop {
            spans.clear();
            let Some(found) = tokenizer.next_record(&mut spans) else { break };
            let is_skipped = rules.skips(number);
            number += 1;
            self.records += 1;
            if is_skipped || rules.is_header(&spans, bytes) {
                continue;
            }
            if spans.len() != self.columns.len() || found.fault.is_some() {
                if rules.on_bad_row != BadRowPolicy::Repair {
                    continue;
                }
                rules.fit(&mut spans, 0, &found, bytes);
            } else {
                rules.unglue(&mut spans, 0, bytes);
            }
            for (column, span) in self.columns.iter_mut().zip(&spans) {
                let text = span.of(bytes);
                if text.is_empty() || rules.null_words.has(*span, bytes) {
                    // A null says nothing about a type.
                } else if span.is_escaped() {
                    unescaped.clear();
                    unescape(text, &rules.dialect, &mut unescaped);
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
    /// Which records there are.
    pub(crate) rules: Arc<Rules>,
}

impl Decode for CsvInfer {
    type Output = CsvObservation;

    fn decode(&self, chunk: Chunk) -> Result<CsvObservation, DecodeError> {
        let mut observation = CsvObservation::new(self.rules.width());
        observation.observe(&chunk.bytes, &self.rules, chunk.record);
        Ok(observation)
    }
}
