//! Geometries of GeoJSON (RFC 7946) as Well-Known Binary (ISO 13249-3).
//!
//! Start at [`Geometry::read`]. It reads the text of one geometry of a padded text and refuses what is
//! none: a ring that is not closed, a position with too few numbers or too many, positions of which some
//! have a height and others not. It changes nothing: coordinates keep their order, and rings the way
//! that they run.

use super::facts::{Bounds, Kind, Kinds, Traits};
use crate::{
    DataCode, DataError,
    read::json::{
        fault::{Fault, Parsed},
        number,
        token::{self, Space},
        unescape::{key_name, unescape},
    },
    value::double,
};

/// Collections of geometries within each other that are read.
const MAX_NESTING: usize = 32;

/// What is added to the code of a kind whose positions have a height.
const ISO_Z: u32 = 1000;

/// A geometry that was read last. It is used again and again, for its memory.
#[derive(Debug, Default)]
pub(crate) struct Geometry {
    /// The geometry as Well-Known Binary.
    pub(crate) wkb: Vec<u8>,
    pub(crate) kinds: Kinds,
    pub(crate) bounds: Bounds,
    pub(crate) traits: Traits,
    /// Whether positions have a height; not known before the first of them.
    z: Option<bool>,
    /// Where codes of kinds stand.
    codes: Vec<(usize, Kind)>,
    /// Where points end that have no position.
    empty_points: Vec<usize>,
    scratch: String,
}

/// A text in which geometries stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The text, with its padding.
    pub(crate) text: &'a str,
    pub(crate) space: Space,
}

impl Geometry {
    /// Reads the geometry at `at`, around which `depth` brackets are open, and returns where it ends.
    pub(crate) fn read(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<usize> {
        self.wkb.clear();
        self.codes.clear();
        self.empty_points.clear();
        self.bounds = Bounds::default();
        self.traits = Traits::default();
        self.z = None;
        let (kind, end) = self.geometry(place, at, depth, 0)?;
        let z = self.z == Some(true);
        for (at, kind) in &self.codes {
            let code = u32::from(*kind as u8) + if z { ISO_Z } else { 0 };
            self.wkb[*at..*at + 4].copy_from_slice(&code.to_le_bytes());
        }
        if z {
            for at in self.empty_points.iter().rev() {
                self.wkb.splice(*at..*at, f64::NAN.to_le_bytes());
            }
        }
        self.kinds = Kinds::of(kind, z);
        Ok(end)
    }

    fn geometry(
        &mut self,
        place: Place<'_>,
        start: usize,
        depth: usize,
        nesting: usize,
    ) -> Parsed<(Kind, usize)> {
        let bytes = place.text.as_bytes();
        if bytes[start] != b'{' {
            return Err(place.unexpected(start, depth, "a geometry, which is an object"));
        }
        if nesting >= MAX_NESTING {
            return Err(token::too_deep(start));
        }
        let header = self.header();
        let mut kind = None;
        // Where the members stand that were met before it was known whether they count.
        let (mut coordinates, mut geometries) = (None, None);
        let mut is_read = false;
        let mut at = place.space.skip(bytes, start + 1);
        while bytes[at] != b'}' {
            let (end, value) = token::key(place.space, bytes, at)?;
            let name = key_name(&place.text[at + 1..end.quote], end, at, &mut self.scratch)?;
            let is_twice = match name {
                "type" => kind.is_some(),
                "coordinates" => coordinates.is_some(),
                "geometries" => geometries.is_some(),
                _ => false,
            };
            if is_twice {
                let message = format!("the name `{name}` stands twice in one geometry");
                return Err(Fault::data(DataCode::DuplicateKey, at, message));
            }
            at = match name {
                "type" => {
                    let (found, end) = self.kind(place, value, depth)?;
                    kind = Some(found);
                    end
                }
                "coordinates" => {
                    coordinates = Some(value);
                    match kind {
                        Some(kind) if kind != Kind::GeometryCollection => {
                            is_read = true;
                            self.coordinates(place, kind, value, depth + 1)?
                        }
                        _ => token::value(place.space, bytes, value, depth + 1)?,
                    }
                }
                "geometries" => {
                    geometries = Some(value);
                    if kind == Some(Kind::GeometryCollection) {
                        is_read = true;
                        self.geometries(place, value, depth + 1, nesting)?
                    } else {
                        token::value(place.space, bytes, value, depth + 1)?
                    }
                }
                name => {
                    self.traits.members = true;
                    self.traits.crs |= name == "crs";
                    token::value(place.space, bytes, value, depth + 1)?
                }
            };
            at = place.space.skip(bytes, at);
            match bytes[at] {
                b',' => {
                    at = place.space.skip(bytes, at + 1);
                    if bytes[at] == b'}' {
                        return Err(token::no_key(bytes, at));
                    }
                }
                b'}' => {}
                _ => return Err(token::no_member_end(bytes, at)),
            }
        }
        let Some(kind) = kind else {
            return Err(bad(start, "a geometry has no `type`"));
        };
        self.codes.push((header, kind));
        let is_collection = kind == Kind::GeometryCollection;
        let (needed, other, name) = match is_collection {
            true => (geometries, coordinates, "geometries"),
            false => (coordinates, geometries, "coordinates"),
        };
        self.traits.members |= other.is_some();
        let Some(needed) = needed else {
            return Err(bad(start, format!("a {} has no `{name}`", kind.name())));
        };
        if !is_read && is_collection {
            self.geometries(place, needed, depth + 1, nesting)?;
        } else if !is_read {
            self.coordinates(place, kind, needed, depth + 1)?;
        }
        Ok((kind, at + 1))
    }

    /// Reads the name of a kind.
    fn kind(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<(Kind, usize)> {
        let bytes = place.text.as_bytes();
        if bytes[at] != b'"' {
            return Err(place.unexpected(at, depth, "the type of a geometry"));
        }
        let end = token::string(bytes, at + 1)?;
        let mut name = &place.text[at + 1..end.quote];
        if end.escaped {
            self.scratch.clear();
            // What half of a surrogate pair is left out of is no kind either.
            let _: Result<_, _> = unescape(name, &mut self.scratch);
            name = &self.scratch;
        }
        match Kind::named(name) {
            Some(kind) => Ok((kind, end.quote + 1)),
            None => {
                let shown = DataError::shorten(name.as_bytes());
                Err(bad(at, format!("`{shown}` is no type of a geometry")))
            }
        }
    }

    fn coordinates(
        &mut self,
        place: Place<'_>,
        kind: Kind,
        at: usize,
        depth: usize,
    ) -> Parsed<usize> {
        match kind {
            Kind::Point => self.point(place, at, depth),
            Kind::LineString => self.line(place, at, depth),
            Kind::Polygon => self.polygon(place, at, depth),
            Kind::MultiPoint => self.parts(place, at, depth, |this, at| {
                this.part(Kind::Point);
                this.position(place, at, depth + 1).map(|(_, end)| end)
            }),
            Kind::MultiLineString => self.parts(place, at, depth, |this, at| {
                this.part(Kind::LineString);
                this.line(place, at, depth + 1)
            }),
            Kind::MultiPolygon => self.parts(place, at, depth, |this, at| {
                this.part(Kind::Polygon);
                this.polygon(place, at, depth + 1)
            }),
            // Its parts are no coordinates.
            Kind::GeometryCollection => Ok(at),
        }
    }

    fn geometries(
        &mut self,
        place: Place<'_>,
        at: usize,
        depth: usize,
        nesting: usize,
    ) -> Parsed<usize> {
        self.parts(place, at, depth, |this, at| {
            this.geometry(place, at, depth + 1, nesting + 1).map(|(_, end)| end)
        })
    }

    fn point(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<usize> {
        let bytes = place.text.as_bytes();
        if bytes[at] == b'[' {
            let end = place.space.skip(bytes, at + 1);
            if bytes[end] == b']' {
                // This is how Well-Known Binary writes that there is none.
                self.put(f64::NAN);
                self.put(f64::NAN);
                self.empty_points.push(self.wkb.len());
                return Ok(end + 1);
            }
        }
        self.position(place, at, depth).map(|(_, end)| end)
    }

    fn line(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<usize> {
        let (end, count) = self.list(place, at, depth, |this, at| {
            this.position(place, at, depth + 1).map(|(_, end)| end)
        })?;
        if count == 1 {
            return Err(bad(at, "a line has one position, and 2 are the fewest"));
        }
        Ok(end)
    }

    fn polygon(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<usize> {
        let mut is_outer = true;
        self.parts(place, at, depth, |this, at| {
            let area = this.ring(place, at, depth + 1)?;
            let reversed = if is_outer { area.1 < 0.0 } else { area.1 > 0.0 };
            this.traits.reversed |= reversed;
            is_outer = false;
            Ok(area.0)
        })
    }

    /// Reads a ring, and returns twice its area, which is positive when it runs counterclockwise.
    fn ring(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<(usize, f64)> {
        let mut ends: Option<([f64; 3], [f64; 3])> = None;
        let mut area = 0.0;
        let (end, count) = self.list(place, at, depth, |this, at| {
            let (position, end) = this.position(place, at, depth + 1)?;
            match &mut ends {
                None => ends = Some((position, position)),
                Some((first, last)) => {
                    // Relative to the first position, so that the sum loses few digits.
                    area += (last[0] - first[0]) * (position[1] - first[1])
                        - (position[0] - first[0]) * (last[1] - first[1]);
                    *last = position;
                }
            }
            Ok(end)
        })?;
        if count < 4 {
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("a ring has {count} position{plural}, and 4 are the fewest");
            return Err(bad(at, message));
        }
        if ends.is_some_and(|(first, last)| first != last) {
            return Err(bad(at, "a ring is not closed: its last position is not its first"));
        }
        Ok((end, area))
    }

    /// Reads a list of parts, of which there may be none.
    fn parts(
        &mut self,
        place: Place<'_>,
        at: usize,
        depth: usize,
        each: impl FnMut(&mut Self, usize) -> Parsed<usize>,
    ) -> Parsed<usize> {
        self.list(place, at, depth, each).map(|(end, _)| end)
    }

    /// Reads a list, writes how many there are, and returns where it ends.
    fn list(
        &mut self,
        place: Place<'_>,
        at: usize,
        depth: usize,
        mut each: impl FnMut(&mut Self, usize) -> Parsed<usize>,
    ) -> Parsed<(usize, u32)> {
        let bytes = place.text.as_bytes();
        if bytes[at] != b'[' {
            return Err(place.unexpected(at, depth, "an array of coordinates"));
        }
        let counted_at = self.wkb.len();
        self.wkb.extend_from_slice(&[0; 4]);
        let mut count: u32 = 0;
        let mut at = place.space.skip(bytes, at + 1);
        if bytes[at] == b']' {
            return Ok((at + 1, 0));
        }
        loop {
            at = each(self, at)?;
            // A record is shorter than 1 GiB, and a part takes two bytes of it.
            count += 1;
            at = place.space.skip(bytes, at);
            match bytes[at] {
                b',' => at = token::next_element(place.space, bytes, at + 1)?,
                b']' => break,
                _ => return Err(token::no_element_end(bytes, at)),
            }
        }
        self.wkb[counted_at..counted_at + 4].copy_from_slice(&count.to_le_bytes());
        Ok((at + 1, count))
    }

    /// Reads a position. The height is 0 where there is none.
    #[inline]
    fn position(
        &mut self,
        place: Place<'_>,
        start: usize,
        depth: usize,
    ) -> Parsed<([f64; 3], usize)> {
        let bytes = place.text.as_bytes();
        if bytes[start] != b'[' {
            return Err(place.unexpected(start, depth, "a position, which is an array of numbers"));
        }
        let mut position = [0.0; 3];
        let mut count = 0;
        let mut at = place.space.skip(bytes, start + 1);
        if bytes[at] == b']' {
            return Err(bad(start, "a position has no numbers"));
        }
        loop {
            let (value, end) = self.number(place, at, depth + 1)?;
            if count == 3 {
                let message = "a position has more than 3 numbers, for which there is no place";
                return Err(bad(start, message));
            }
            position[count] = value;
            self.bounds.add(count, value);
            self.put(value);
            count += 1;
            at = place.space.skip(bytes, end);
            match bytes[at] {
                b',' => at = token::next_element(place.space, bytes, at + 1)?,
                b']' => break,
                _ => return Err(token::no_element_end(bytes, at)),
            }
        }
        if count < 2 {
            return Err(bad(start, "a position has one number, and 2 are the fewest"));
        }
        let z = count == 3;
        if *self.z.get_or_insert(z) != z {
            let message = "a position has a height and another of the geometry has none";
            return Err(bad(start, message));
        }
        Ok((position, at + 1))
    }

    #[inline]
    fn number(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<(f64, usize)> {
        let bytes = place.text.as_bytes();
        match number::double(bytes, at) {
            Some(read) => Ok(read),
            None => self.long_number(place, at, depth),
        }
    }

    fn long_number(&mut self, place: Place<'_>, at: usize, depth: usize) -> Parsed<(f64, usize)> {
        let bytes = place.text.as_bytes();
        if !matches!(bytes[at], b'-' | b'0'..=b'9') {
            return Err(place.unexpected(at, depth, "a number"));
        }
        let end = token::number(bytes, at)?.end;
        let written = &bytes[at..end];
        if let Some(value) = double::parse_exact(written) {
            return Ok((value, end));
        }
        self.traits.rounded = true;
        let shown = || DataError::shorten(&written[..written.len().min(100)]);
        let value = double::parse_nearest(written);
        let value = value.ok_or_else(|| bad(at, format!("no double is near `{}`", shown())))?;
        Ok((value, end))
    }

    #[inline]
    fn put(&mut self, value: f64) {
        self.wkb.extend_from_slice(&value.to_le_bytes());
    }

    /// Begins a geometry, and returns where the code of its kind is to stand.
    fn header(&mut self) -> usize {
        // Little endian.
        self.wkb.push(1);
        let at = self.wkb.len();
        self.wkb.extend_from_slice(&[0; 4]);
        at
    }

    /// Begins a part of this kind.
    fn part(&mut self, kind: Kind) {
        let at = self.header();
        self.codes.push((at, kind));
    }
}

impl Place<'_> {
    /// The fault of a value that is not what has to stand there; or what is wrong with it as JSON.
    #[cold]
    fn unexpected(self, at: usize, depth: usize, expected: &str) -> Box<Fault> {
        let bytes = self.text.as_bytes();
        match token::value(self.space, bytes, at, depth) {
            Err(fault) => fault,
            Ok(end) => {
                let shown = DataError::shorten(&bytes[at..end.min(at + 100)]);
                bad(at, format!("expected {expected}, found `{shown}`"))
            }
        }
    }
}

#[cold]
fn bad(at: usize, message: impl Into<String>) -> Box<Fault> {
    Fault::data(DataCode::BadGeometry, at, message)
}
