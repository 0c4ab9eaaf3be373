//! What a user can say about how geometries are written, and how it becomes the engine's options.

use clap::Args;
use tundra_core::{GeometryEncoding, GeometryOptions};

/// How the geometries of GeoJSON are written, and in what order.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing geometries")]
pub(crate) struct GeometryArgs {
    /// What geometries are in the file: wkb or native
    ///
    /// `wkb` is bytes, which the metadata of GeoParquet 1.1 makes geometries. `native` gives them
    /// Parquet's own type GEOMETRY as well, with boxes in the statistics of row groups, which newer
    /// readers know and older ones may refuse. For GeoJSON only.
    #[arg(long, value_name = "TYPE", default_value_t)]
    geometry: GeometryEncoding,

    /// Sort the rows along a Hilbert curve: what is near is near in the file
    ///
    /// By the middle of the box around each geometry; what has none comes last. Readers that look for
    /// a place then find it in few row groups. The input is read twice, and what does not fit into
    /// memory is sorted on disk. For GeoJSON only.
    #[arg(long)]
    hilbert: bool,
}

impl GeometryArgs {
    /// Makes the engine's options of what was typed.
    pub(crate) fn into_options(self) -> GeometryOptions {
        let Self { geometry, hilbert } = self;
        GeometryOptions { encoding: geometry, hilbert }
    }
}
