//! Whatever comes in, a reader turns it into a table or refuses it: never a panic, an end of the
//! process, a hang, or a loss that nothing tells of.
//!
//! Each target reads the files of its folder in `corpus/`, and damaged forms of them. The engines
//! that watch which code an input reaches (libFuzzer, AFL) need instrumented builds, which would
//! compile DuckDB anew; so the damage is random, and the corpus is what knows the formats.

mod csv;
mod dialects;
mod geojson;
mod json;
mod memory;
mod mutate;
mod packed;
mod parquet;
mod run;
mod target;
mod workbook;
