//! What is known of geometries beside their bytes: their kinds, the box around them, and what they have
//! that Well-Known Binary has no place for.

/// A kind of geometries; its number is the code in Well-Known Binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Point = 1,
    LineString = 2,
    Polygon = 3,
    MultiPoint = 4,
    MultiLineString = 5,
    MultiPolygon = 6,
    GeometryCollection = 7,
}

/// The names of all kinds, in the order of their codes.
const NAMES: [(&str, Kind); 7] = [
    ("Point", Kind::Point),
    ("LineString", Kind::LineString),
    ("Polygon", Kind::Polygon),
    ("MultiPoint", Kind::MultiPoint),
    ("MultiLineString", Kind::MultiLineString),
    ("MultiPolygon", Kind::MultiPolygon),
    ("GeometryCollection", Kind::GeometryCollection),
];

/// A set of kinds, each with heights or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u16);

/// What stands beside the coordinates of geometries, or in them, that bears on how they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traits {
    /// There are members that Well-Known Binary has no place for.
    pub(crate) members: bool,
    /// One of these is a reference system.
    pub(crate) crs: bool,
    /// A coordinate has more digits than a double holds.
    pub(crate) rounded: bool,
    /// A ring runs against the rule of the right hand.
    pub(crate) reversed: bool,
}

/// The corner with the least coordinates and the one with the greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) least: [f64; 3],
    pub(crate) greatest: [f64; 3],
}

impl Kind {
    /// Returns the kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize - 1].0
    }
}

impl Kinds {
    pub(super) fn of(kind: Kind, z: bool) -> Self {
        Self(1 << ((kind as u16 - 1) * 2 + u16::from(z)))
    }

    pub(crate) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether there are some and all of them have heights.
    pub(crate) fn all_have_heights(self) -> bool {
        const FLAT: u16 = 0x1555;
        self.0 != 0 && self.0 & FLAT == 0
    }

    /// Returns whether there are kinds that may have rings.
    pub(crate) fn may_have_rings(self) -> bool {
        [Kind::Polygon, Kind::MultiPolygon, Kind::GeometryCollection]
            .into_iter()
            .any(|kind| self.has(Self::of(kind, false)) || self.has(Self::of(kind, true)))
    }

    /// Returns the names, with ` Z` behind those that have heights.
    pub(crate) fn names(self) -> Vec<String> {
        let all = NAMES.iter().flat_map(|(name, kind)| [(name, kind, false), (name, kind, true)]);
        let found = all.filter(|(_, kind, z)| self.has(Self::of(**kind, *z)));
        found.map(|(name, _, z)| format!("{name}{}", if z { " Z" } else { "" })).collect()
    }
}

impl Traits {
    pub(crate) fn insert(&mut self, other: Self) {
        self.members |= other.members;
        self.crs |= other.crs;
        self.rounded |= other.rounded;
        self.reversed |= other.reversed;
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { least: [f64::INFINITY; 3], greatest: [f64::NEG_INFINITY; 3] }
    }
}

impl Bounds {
    #[inline]
    pub(super) fn add(&mut self, axis: usize, value: f64) {
        self.least[axis] = self.least[axis].min(value);
        self.greatest[axis] = self.greatest[axis].max(value);
    }

    pub(crate) fn insert(&mut self, other: &Self) {
        for axis in 0..3 {
            self.least[axis] = self.least[axis].min(other.least[axis]);
            self.greatest[axis] = self.greatest[axis].max(other.greatest[axis]);
        }
    }

    /// Returns the least and the greatest coordinate of an axis, unless there is none.
    #[inline]
    pub(crate) fn of(&self, axis: usize) -> Option<(f64, f64)> {
        let (least, greatest) = (self.least[axis], self.greatest[axis]);
        (least <= greatest).then_some((least, greatest))
    }
}
