//! What stands around the features of a collection: its other members, and the reference system that one
//! of them may name, as the GeoJSON of 2008 had it.
//!
//! Start at [`Surroundings`]. The members are no columns; they are told as decisions, and so they stand in
//! the receipt.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::{DataError, Decision, Error, ReferenceSystem};

/// Bytes of a member that are kept.
const MOST_BYTES: usize = 64 << 10;

/// Members that are kept.
const MOST_MEMBERS: usize = 1000;

/// Where coordinates are where nothing is said, by RFC 7946.
const DEFAULT: &str = "OGC:CRS84";

/// Members that a splitter comes by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(Arc<Mutex<Vec<Member>>>);

/// A member of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    /// Its value as it is written.
    text: Vec<u8>,
}

/// What stands around features.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Surroundings {
    members: Vec<Member>,
    /// The reference system that is named, if one is: nothing in it says that none is known.
    named: Option<Option<String>>,
}

impl Surroundings {
    /// Returns whether both say alike where coordinates are.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.named == other.named
    }
}

impl Members {
    /// Bytes of a value that are worth to be kept.
    pub(crate) const BYTES: usize = MOST_BYTES;

    /// Adds a member, unless it is what each collection has.
    pub(crate) fn add(&self, name: &str, text: Vec<u8>) {
        if name == "type" && text == b"\"FeatureCollection\"" {
            return;
        }
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let member = Member { name: name.to_owned(), text };
        // One collection may follow the other, and say the same.
        if members.len() < MOST_MEMBERS && !members.contains(&member) {
            members.push(member);
        }
    }

    /// Returns what the members that were met so far say. `input` is the name of the input.
    ///
    /// # Errors
    /// Fails when they name a reference system that is not known, or several.
    pub(super) fn surroundings(&self, input: &str) -> Result<Surroundings, Error> {
        let members = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut named: Option<Option<String>> = None;
        for member in members.iter().filter(|member| member.name == "crs") {
            let system = system(&member.text).ok_or_else(|| unknown(member, input))?;
            if named.as_ref().is_some_and(|other| *other != system) {
                return Err(Error::Request {
                    message: format!("the collections of `{input}` have several reference systems"),
                    hint: Some("convert each of them by itself".to_owned()),
                });
            }
            named = Some(system);
        }
        Ok(Surroundings { members, named })
    }
}

impl Surroundings {
    /// Returns the reference system of the coordinates, if one is known.
    pub(super) fn crs(&self) -> Option<ReferenceSystem> {
        let name = self.named.clone().unwrap_or_else(|| Some(DEFAULT.to_owned()));
        name.map(ReferenceSystem::Authority)
    }

    /// Returns what is told of the members.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let told = self.members.iter().map(|member| Decision {
            what: "collection_member".to_owned(),
            value: format!("{}: {}", member.name, String::from_utf8_lossy(&member.text)),
            confidence: 1.0,
            reason: match member.name.as_str() {
                "crs" => "it says where the coordinates are".to_owned(),
                _ => "it stands beside the features and is in no column".to_owned(),
            },
        });
        told.collect()
    }
}

/// Returns the reference system that a member says: nothing within when it says that none is known, and
/// nothing at all when it is not understood.
fn system(text: &[u8]) -> Option<Option<String>> {
    let crs: Value = serde_json::from_slice(text).ok()?;
    if crs.is_null() {
        return Some(None);
    }
    if crs["type"] == "name" {
        return authority_code(crs["properties"]["name"].as_str()?).map(Some);
    }
    // The GeoJSON before that of 2008.
    if crs["type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("epsg")) {
        return authority_code(&format!("EPSG:{}", crs["properties"]["code"])).map(Some);
    }
    None
}

/// Returns the authority and the code of a name: a URN or an address of OGC, or these two alone.
fn authority_code(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_uppercase();
    let urn = ["URN:OGC:DEF:CRS:", "URN:X-OGC:DEF:CRS:"];
    let address = ["HTTP://WWW.OPENGIS.NET/DEF/CRS/", "HTTPS://WWW.OPENGIS.NET/DEF/CRS/"];
    let gml = "HTTP://WWW.OPENGIS.NET/GML/SRS/EPSG.XML#";
    let parts: Vec<&str> = if let Some(rest) = urn.iter().find_map(|it| name.strip_prefix(it)) {
        rest.split(':').collect()
    } else if let Some(rest) = address.iter().find_map(|it| name.strip_prefix(it)) {
        rest.split('/').collect()
    } else if let Some(code) = name.strip_prefix(gml) {
        vec!["EPSG", code]
    } else {
        name.split(':').collect()
    };
    let (authority, code) = match parts.as_slice() {
        // Between them stands the version.
        [authority, code] | [authority, _, code] => (*authority, *code),
        ["CRS84"] => ("OGC", "CRS84"),
        _ => return None,
    };
    match authority {
        "OGC" | "CRS" if matches!(code, "CRS84" | "CRS84H" | "84") => Some(DEFAULT.to_owned()),
        // What this was called before it had a number.
        "EPSG" if code == "900913" => Some("EPSG:3857".to_owned()),
        "EPSG" if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("EPSG:{}", code.trim_start_matches('0')))
        }
        _ => None,
    }
}

fn unknown(member: &Member, input: &str) -> Error {
    Error::Request {
        message: format!(
            "`{input}` says where its coordinates are by what is not understood: `{}`",
            DataError::shorten(&member.text)
        ),
        hint: Some(
            "name it as `urn:ogc:def:crs:EPSG::CODE` in the member `crs`, or leave that out if they are \
             longitudes and latitudes of WGS 84; `--format json --records features` reads the features \
             as plain JSON"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(text: &str) -> Result<Option<ReferenceSystem>, String> {
        let members = Members::default();
        members.add("type", b"\"FeatureCollection\"".to_vec());
        members.add("crs", text.as_bytes().to_vec());
        members.surroundings("x").map(|it| it.crs()).map_err(|error| error.to_string())
    }

    #[test]
    fn reference_systems_are_known_by_their_names() {
        for (name, expected) in [
            ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84"),
            ("urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84"),
            ("OGC:CRS84", "OGC:CRS84"),
            ("CRS84", "OGC:CRS84"),
            ("urn:ogc:def:crs:EPSG::25832", "EPSG:25832"),
            ("urn:ogc:def:crs:EPSG:6.9:25832", "EPSG:25832"),
            ("urn:x-ogc:def:crs:EPSG::4326", "EPSG:4326"),
            ("EPSG:31467", "EPSG:31467"),
            ("epsg:4326", "EPSG:4326"),
            ("EPSG:900913", "EPSG:3857"),
            ("http://www.opengis.net/def/crs/EPSG/0/2056", "EPSG:2056"),
            ("http://www.opengis.net/gml/srs/epsg.xml#4326", "EPSG:4326"),
        ] {
            let text = format!("{{\"type\":\"name\",\"properties\":{{\"name\":\"{name}\"}}}}");
            let expected = ReferenceSystem::Authority(expected.to_owned());
            assert_eq!(crs(&text), Ok(Some(expected)), "{name}");
        }
        assert_eq!(crs("null"), Ok(None));
        let old = "{\"type\":\"EPSG\",\"properties\":{\"code\":4326}}";
        assert_eq!(crs(old), Ok(Some(ReferenceSystem::Authority("EPSG:4326".to_owned()))));
    }

    #[test]
    fn others_are_refused_by_their_names() {
        for text in [
            "1",
            "{}",
            "{\"type\":\"link\",\"properties\":{\"href\":\"http://example.com/crs/42\"}}",
            "{\"type\":\"name\",\"properties\":{\"name\":\"ESRI:102100\"}}",
            "{\"type\":\"name\",\"properties\":{\"name\":\"EPSG:\"}}",
            "{\"type\":\"name\",\"properties\":{\"name\":\"EPSG:x\"}}",
            "{\"type\":\"name\",\"properties\":{\"name\":\"here\"}}",
            "{\"type\":\"name\",\"properties\":null}",
            "{",
        ] {
            assert!(crs(text).unwrap_err().contains("is not understood"), "{text}");
        }
    }
}
