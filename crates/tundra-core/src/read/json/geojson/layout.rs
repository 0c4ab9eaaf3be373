//! How the features of a text are laid out, and whether a text is GeoJSON at all.
//!
//! Start at [`Form::of`]. Only the beginning is looked at: the type of the first object, or what it holds
//! when its type stands behind that.

use std::{borrow::Cow, io::Read};

use super::{
    Content,
    facts::Kind,
    sequence::{SEPARATOR, Separators},
};
use crate::{
    RecordsPath,
    read::json::{JsonLayout, detect, layout::value_end},
};

/// How features are laid out.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) layout: JsonLayout,
    /// The way to the features, where they are in collections.
    pub(super) path: Option<RecordsPath>,
    pub(super) content: Content,
    /// Each text begins with a separator.
    pub(super) is_sequence: bool,
}

/// What an object at the beginning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Collection,
    Feature,
    Geometry,
    Other,
}

impl Form {
    /// Finds the form from the first bytes of a text.
    pub(super) fn of(sample: &[u8]) -> Self {
        let is_sequence = sample.trim_ascii_start().first() == Some(&SEPARATOR);
        let sample = without_separators(sample, is_sequence);
        let layout = detect(&sample).unwrap_or(JsonLayout::Ndjson);
        let first = sample.trim_ascii_start();
        let first = match layout {
            JsonLayout::Array => first.get(1..).unwrap_or_default().trim_ascii_start(),
            _ => first,
        };
        let (path, content) = match beginning(first) {
            Beginning::Collection if layout != JsonLayout::Array => {
                (RecordsPath::root().member("features").into(), Content::Features)
            }
            Beginning::Geometry => (None, Content::Geometries),
            // What is no feature is told of each record by itself.
            _ => (None, Content::Features),
        };
        Self { layout, path, content, is_sequence }
    }

    /// Returns how it is told.
    pub(super) fn describe(&self) -> String {
        let what = match self.content {
            Content::Geometries => "geometries",
            _ => "features",
        };
        let layout = match (&self.path, self.layout) {
            (Some(_), _) => "the features of a collection".to_owned(),
            (None, JsonLayout::Ndjson) => format!("{what}, one a line"),
            (None, JsonLayout::Array) => format!("an array of {what}"),
            (None, JsonLayout::Concatenated) => format!("{what}, each a document"),
        };
        if self.is_sequence { format!("{layout}, each text behind a separator") } else { layout }
    }
}

/// Returns whether a text that begins like this is GeoJSON: a collection of features, or features. Geometries
/// by themselves could be anything.
pub(crate) fn begins_geojson(text: &[u8]) -> bool {
    let is_sequence = text.trim_ascii_start().first() == Some(&SEPARATOR);
    let text = without_separators(text, is_sequence);
    match beginning(text.trim_ascii_start()) {
        Beginning::Collection => true,
        Beginning::Feature => {
            // Other things are called features, too.
            let members = Members::of(text.trim_ascii_start());
            members.has_geometry || members.has_properties
        }
        Beginning::Geometry | Beginning::Other => false,
    }
}

fn without_separators(text: &[u8], is_sequence: bool) -> Cow<'_, [u8]> {
    if !is_sequence {
        return Cow::Borrowed(text);
    }
    let mut found = Vec::with_capacity(text.len());
    // Reading from memory does not fail.
    let _: Result<_, _> = Separators::new(text).read_to_end(&mut found);
    Cow::Owned(found)
}

/// The members of an object, as far as they are in a text that may be cut off.
#[derive(Debug, Default)]
struct Members<'a> {
    type_name: Option<&'a [u8]>,
    features: Option<&'a [u8]>,
    has_geometry: bool,
    has_properties: bool,
}

impl<'a> Members<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut members = Self::default();
        let Some(mut rest) = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else {
            return members;
        };
        while rest.first() == Some(&b'"') {
            let Some(end) = value_end(rest) else { break };
            let name = &rest[1..end - 1];
            let Some(value) = rest[end..].trim_ascii_start().strip_prefix(b":") else { break };
            let value = value.trim_ascii_start();
            match name {
                b"features" => members.features = Some(value),
                b"geometry" => members.has_geometry = true,
                b"properties" => members.has_properties = true,
                _ => {}
            }
            let Some(end) = value_end(value) else { break };
            if name == b"type" && value.len() > 1 && value[0] == b'"' {
                members.type_name = Some(&value[1..end - 1]);
            }
            let Some(next) = value[end..].trim_ascii_start().strip_prefix(b",") else { break };
            rest = next.trim_ascii_start();
        }
        members
    }
}

fn beginning(text: &[u8]) -> Beginning {
    let members = Members::of(text);
    match (members.type_name.and_then(|it| std::str::from_utf8(it).ok()), members.features) {
        (Some("FeatureCollection"), _) => Beginning::Collection,
        (Some("Feature"), _) => Beginning::Feature,
        (Some(name), _) if Kind::named(name).is_some() => Beginning::Geometry,
        // Its type may stand behind the features.
        (None, Some(features)) => {
            let first = features.strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
            let is_feature = Members::of(first).type_name == Some(b"Feature");
            if is_feature { Beginning::Collection } else { Beginning::Other }
        }
        _ => Beginning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geojson_is_known_by_its_beginning() {
        for (text, expected) in [
            ("{\"type\":\"FeatureCollection\",\"features\":[", true),
            (" {\n \"name\" : \"x\",\n \"type\" : \"FeatureCollection\"", true),
            ("{\"features\":[{\"type\":\"Feature\",\"geometry\":null", true),
            ("{\"features\":[{\"geometry\":null,\"type\":\"Feature\"}],\"more\":1}", true),
            ("{\"type\":\"Feature\",\"properties\":{}", true),
            ("\u{1e}{\"type\":\"Feature\",\"geometry\":null}\n\u{1e}{", true),
            ("{\"type\":\"Feature\",\"title\":\"a wish\"}", false),
            ("{\"type\":\"Point\",\"coordinates\":[1,2]}", false),
            ("{\"features\":[1,2]}", false),
            ("{\"features\":{}}", false),
            ("{\"type\":\"Topology\",\"objects\":{}}", false),
            ("{\"a\":\"FeatureCollection\"}", false),
            ("[{\"type\":\"Feature\",\"geometry\":null}]", false),
            ("{\"type\":", false),
            ("{\"type\":\"", false),
            ("{\"type\":\"Feature", false),
            ("{\"type\"", false),
            ("{\"", false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(begins_geojson(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn forms_are_found_and_named() {
        for (text, expected) in [
            ("{\"type\":\"FeatureCollection\",\"features\":[]}", "the features of a collection"),
            ("{\"type\":\"Feature\",\"geometry\":null}\n{\"type\":\"F", "features, one a line"),
            ("{\"type\":\"Feature\",\n\"geometry\":null}", "features, each a document"),
            ("[{\"type\":\"Feature\",\"geometry\":null}]", "an array of features"),
            ("{\"type\":\"Point\",\"coordinates\":[1,2]}", "geometries, one a line"),
            ("[{\"type\":\"Point\",\"coordinates\":[1,2]}]", "an array of geometries"),
            (
                "\u{1e}{\"type\":\"Feature\",\"geometry\":null}\n",
                "features, one a line, each text behind a separator",
            ),
        ] {
            assert_eq!(Form::of(text.as_bytes()).describe(), expected, "{text}");
        }
    }
}
