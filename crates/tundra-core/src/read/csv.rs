//! Delimited text: CSV, TSV and their relatives.
//!
//! Start at [`Dialect`], which says how a file is written; [`detect`] finds it out, [`split`] and
//! [`tokenize`] obey it, [`decode`] makes record batches and [`infer`] finds the types. Where a
//! record ends is decided by one set of rules, written twice on purpose: the splitter's count is
//! what the decoder's is checked against.

pub(crate) mod column;
pub(crate) mod decode;
pub(crate) mod detect;
pub(crate) mod dialect;
pub(crate) mod infer;
pub(crate) mod marker;
pub(crate) mod names;
pub(crate) mod nulls;
pub(crate) mod plan;
pub(crate) mod repair;
pub(crate) mod rules;
pub(crate) mod score;
pub(crate) mod shape;
pub(crate) mod split;
pub(crate) mod structure;
pub(crate) mod table;
pub(crate) mod tokenize;

pub(crate) use self::dialect::Dialect;
