//! What was seen of the geometries of some records.

use super::{column::GeometryShape, facts::Bounds, geometry::Geometry};

/// What was seen of geometries.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GeometriesSeen {
    /// Their kinds, and what they have beside coordinates.
    pub(crate) shape: GeometryShape,
    /// The box around all of them.
    pub(crate) bounds: Bounds,
    /// Geometries that were looked at.
    pub(crate) count: u64,
    /// Of those, how many have a coordinate with more digits than a double holds.
    pub(crate) rounded: u64,
}

impl GeometriesSeen {
    /// Takes a geometry into account.
    pub(crate) fn see(&mut self, geometry: &Geometry) {
        self.shape.kinds.insert(geometry.kinds);
        self.shape.traits.insert(geometry.traits);
        self.bounds.insert(&geometry.bounds);
        self.count += 1;
        self.rounded += u64::from(geometry.traits.rounded);
    }

    /// Takes into account what was seen in another part of the input.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.shape.kinds.insert(other.shape.kinds);
        self.shape.traits.insert(other.shape.traits);
        self.bounds.insert(&other.bounds);
        self.count += other.count;
        self.rounded += other.rounded;
    }
}
