//! Texts that are damaged end in an error, in rejects or in rows, and in nothing else.

use proptest::prelude::*;

use super::{open, policy};
use crate::{
    BadRowPolicy, Error,
    read::{chunk::DecodeError, table::Table},
};

const TEXTS: [&str; 4] = [
    r#"{"type":"FeatureCollection","name":"x","crs":{"type":"name","properties":{"name":"EPSG:25832"}},
"features":[{"type":"Feature","id":1,"properties":{"a":1,"b":"é"},"geometry":{"type":"Polygon",
"coordinates":[[[0,0],[4,0],[4,4.5],[0,0]],[[1,1],[2,2],[2,1],[1,1]]]}},
{"type":"Feature","properties":null,"geometry":null,"bbox":[1,2]}],"more":{"x":[1]}}"#,
    "\u{1e}{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2,3]},\
     \"properties\":{\"a\":[1,{\"b\":2}]}}\n\u{1e}{\"type\":\"Feature\",\"geometry\":{\"type\":\
     \"GeometryCollection\",\"geometries\":[{\"type\":\"MultiPoint\",\"coordinates\":[[1,2],[3,4]]}]},\
     \"properties\":{}}\n",
    "{\"type\":\"Point\",\"coordinates\":[1e5,-0.5]}\n{\"coordinates\":[],\"type\":\"Point\"}\nnull\n",
    "[{\"type\":\"Feature\",\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]],\
     \"crs\":1},\"properties\":{\"a\":\"2024-01-01\"}}]",
];

/// Ways in which a text can be read: by each policy, and with all of it as a sample or a part.
const WAYS: usize = 6;

/// Reads a text in one of the ways. What goes wrong must be told as what is wrong with the text.
fn survives(text: &[u8], way: usize) {
    let policies = [BadRowPolicy::Fail, BadRowPolicy::Reject, BadRowPolicy::Repair];
    let samples = [usize::MAX, text.len() / 2];
    let options = policy(policies[way % 3]);
    let mut table = match open(text, samples[way / 3 % 2], &options) {
        Ok(table) => table,
        Err(error) => {
            assert!(!matches!(error, Error::Internal(_)), "{error}");
            return;
        }
    };
    for _ in 0..2 {
        let failed = table.rows().unwrap().find_map(|decoded| match decoded {
            Ok(decoded) => {
                assert_eq!(decoded.counted, decoded.decoded);
                None
            }
            Err(error) => Some(error),
        });
        match failed {
            Some(DecodeError::Other(error)) => {
                assert!(!matches!(error, Error::Internal(_)), "{error}");
            }
            Some(DecodeError::Contradiction(error)) => {
                assert!(!table.is_complete(), "{error}");
                if table.infer_whole().is_ok() {
                    continue;
                }
            }
            Some(DecodeError::Data(_)) | None => {}
        }
        break;
    }
}

#[test]
fn every_beginning_of_a_text_is_survived() {
    for text in TEXTS {
        for length in 1..=text.len() {
            survives(&text.as_bytes()[..length], length % WAYS);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_bytes_are_survived(
        text in 0..TEXTS.len(),
        way in 0..WAYS,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..4),
    ) {
        let mut bytes = TEXTS[text].as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes[at] = b"{}[],:\"0-e.nt \n\x1e"[usize::from(byte) % 16],
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}[],:\"0-e.nt \n\x1e"[usize::from(byte) % 16]),
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
        survives(&bytes, way);
    }
}
