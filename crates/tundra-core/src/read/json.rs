//! JSON: documents, arrays of records, and records that stand one to a line.
//!
//! Start at [`detect`], which says how a text is laid out. [`JsonSplit`] finds where records end,
//! [`JsonInfer`] observes what they hold, [`JsonObservation::finish`] makes a [`JsonSchema`] of
//! it, and [`JsonDecode`] makes record batches; [`JsonTable`] puts them together. Where a record ends is found by brackets, quotes
//! and newlines alone, and what it holds by a parser that checks every byte: the two count on
//! their own.
//!
//! A **record** is a line that is not blank, an element of an array, or one of several documents
//! that follow each other, as the layout says. Nothing here builds a tree of values: numbers and
//! strings go from the bytes to where they are kept.

mod brackets;
mod column;
mod decode;
mod document;
mod duplicates;
mod extent;
mod fault;
mod forced;
mod geojson;
mod infer;
mod layout;
mod lines;
mod number;
mod observation;
mod observer;
mod schema;
mod shape;
mod split;
mod table;
mod text;
mod token;
mod unescape;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    decode::{JsonDecode, JsonDecodeOptions},
    geojson::{FeaturesSeen, GeoJsonTable, begins_geojson},
    infer::JsonInfer,
    layout::{Framing, JsonLayout, detect},
    observation::JsonObservation,
    schema::{JsonSchema, JsonSchemaOptions},
    split::JsonSplit,
    table::{JsonTable, name_columns},
};

/// The longest record that is accepted. A document of 200 MB that is one record fits; what is
/// larger is pointed into with a [`crate::RecordsPath`], and a quote or a bracket that never closes ends
/// here instead of taking in the rest of the input.
pub(crate) const MAX_RECORD_BYTES: usize = 256 << 20;

/// Bytes that a chunk should have. Records of JSON are two to three times as long as the same in
/// CSV, so this is more than there: about as many records, for which handing over costs nothing.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;
