//! GeoJSON (RFC 7946): features, and geometries as Well-Known Binary.
//!
//! Start at [`GeoJsonTable`]. A feature is a record like any other of JSON, and its properties are read as
//! those are; what is of its own here is the geometry, see [`geometry`], and what stands around the
//! features, see [`collection`]. Coordinates are not changed: nothing is projected, cut, closed, turned
//! round or put in order.

mod collection;
mod column;
mod facts;
mod geometry;
mod layout;
mod observe;
mod schema;
mod seen;
mod sequence;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    collection::Members,
    column::{Geometries, GeometryShape},
    geometry::{Geometry, Place},
    layout::begins_geojson,
    observe::{feature_type, no_feature},
    seen::GeometriesSeen,
    table::{FeaturesSeen, GeoJsonTable},
};

/// What the records of a JSON text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Any values.
    Json,
    /// Features.
    Features,
    /// Geometries by themselves.
    Geometries,
}
