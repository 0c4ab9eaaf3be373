//! Inputs as record batches: splitting, decoding, inferring.
//!
//! Start at [`chunk`], the values that pass between the parts, and [`pipeline`], which runs them.
//! Nothing here knows DuckDB, a store or an output.

pub(crate) mod arrange;
pub(crate) mod chunk;
pub(crate) mod csv;
pub(crate) mod encoding;
pub(crate) mod json;
pub(crate) mod lattice;
pub(crate) mod located;
pub(crate) mod names;
pub(crate) mod pipeline;
pub(crate) mod source;
pub(crate) mod table;
pub(crate) mod unite;
pub(crate) mod unpack;
pub(crate) mod widen;
pub(crate) mod workbook;
