//! Looking at features: what their members hold, and what their geometries are.

use super::{facts::Kind, geometry::Place, seen::GeometriesSeen};
use crate::{
    DataCode, DataError,
    read::json::{
        JsonObservation,
        fault::{Fault, Parsed},
        observer::Observer,
        token,
        unescape::{key_name, unescape},
    },
};

/// The type of a feature, as it is nearly always written.
const FEATURE: &[u8] = b"\"Feature\"";

impl Observer<'_> {
    /// Takes the feature at `start` into account and returns where it ends.
    pub(in crate::read::json) fn feature(
        &mut self,
        observation: &mut JsonObservation,
        start: usize,
    ) -> Parsed<usize> {
        let text = self.text;
        let bytes = text.as_bytes();
        if bytes[start] != b'{' {
            token::value(self.space, bytes, start, 0)?;
            return Err(Fault::data(DataCode::NotAnObject, start, "a record is no object"));
        }
        let (mut has_type, mut has_geometry) = (false, false);
        let mut at = self.space.skip(bytes, start + 1);
        let mut is_first = true;
        while bytes[at] != b'}' || !is_first {
            is_first = false;
            let (end, value) = token::key(self.space, bytes, at)?;
            let name = key_name(&text[at + 1..end.quote], end, at, &mut self.scratch)?;
            at = match name {
                "type" => {
                    has_type = true;
                    feature_type(text, value)?
                }
                "geometry" => {
                    if has_geometry && self.refuses_halves {
                        // Such a record is set aside, so that it must not decide what there is.
                        let message = "the name `geometry` stands twice in one object";
                        return Err(Fault::data(DataCode::DuplicateKey, at, message));
                    }
                    has_geometry = true;
                    self.geometry(&mut observation.geometries, value, 1)?
                }
                name => {
                    if name == "properties" && !matches!(bytes[value], b'{' | b'n') {
                        token::value(self.space, bytes, value, 1)?;
                        let message = "the properties of a feature are no object";
                        return Err(Fault::data(DataCode::NotAFeature, value, message));
                    }
                    let objects = observation.root.objects.get_or_insert_default();
                    match objects.field(name, 0, self.record, &mut self.room) {
                        Some(index) => self.value(&mut objects.fields[index].node, value, 1)?,
                        None => {
                            let message = "features have too many members of different names";
                            return Err(Fault::data(DataCode::NotAFeature, at, message));
                        }
                    }
                }
            };
            at = self.space.skip(bytes, at);
            match bytes[at] {
                b',' => at = self.space.skip(bytes, at + 1),
                b'}' => break,
                _ => return Err(token::no_member_end(bytes, at)),
            }
        }
        if has_type { Ok(at + 1) } else { Err(no_feature(start)) }
    }

    /// Takes the geometry at `at`, around which `depth` brackets are open, into account and returns where it
    /// ends.
    pub(in crate::read::json) fn geometry(
        &mut self,
        seen: &mut GeometriesSeen,
        at: usize,
        depth: usize,
    ) -> Parsed<usize> {
        let bytes = self.text.as_bytes();
        if bytes[at] == b'n' {
            return token::literal(bytes, at);
        }
        let place = Place { text: self.text, space: self.space };
        let end = self.geometry.read(place, at, depth)?;
        seen.see(&self.geometry);
        Ok(end)
    }
}

/// Checks that the type of a feature stands at `at`, and returns where it ends.
#[inline]
pub(crate) fn feature_type(text: &str, at: usize) -> Parsed<usize> {
    let bytes = text.as_bytes();
    if bytes[at..].starts_with(FEATURE) { Ok(at + FEATURE.len()) } else { other_type(text, at) }
}

#[cold]
fn other_type(text: &str, at: usize) -> Parsed<usize> {
    let bytes = text.as_bytes();
    let message = match bytes[at] {
        b'"' => {
            let end = token::string(bytes, at + 1)?;
            let mut name = String::new();
            // What half of a surrogate pair is left out of is no type either.
            let _: Result<_, _> = unescape(&text[at + 1..end.quote], &mut name);
            let shown = DataError::shorten(name.as_bytes());
            match name.as_str() {
                "Feature" => return Ok(end.quote + 1),
                name if Kind::named(name).is_some() => {
                    format!("a geometry, `{shown}`, stands where features are")
                }
                "FeatureCollection" => "a collection stands where features are".to_owned(),
                _ => format!("`{shown}` is not the type of a feature"),
            }
        }
        _ => "the type of a feature is no string".to_owned(),
    };
    Err(Fault::data(DataCode::NotAFeature, at, message))
}

/// The fault of an object that does not say that it is a feature.
#[cold]
pub(crate) fn no_feature(start: usize) -> Box<Fault> {
    Fault::data(DataCode::NotAFeature, start, "an object has no `type`, so it is no feature")
}
