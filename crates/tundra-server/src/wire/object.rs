//! What is an object and nothing else: [`Object`].

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

/// A value that is written as an object. Without this an array would do as well, with the values of the fields
/// in the order in which the code has them.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

/// Reads a field that is an object or null, which is as good as not there.
pub(crate) fn object_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    object(deserializer).map(Option::unwrap_or_default)
}

/// Reads a field that is an object, if it is there.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        a: Option<u32>,
        b: Vec<u32>,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Outer {
        #[serde(deserialize_with = "object_or_default")]
        inner: Inner,
        #[serde(deserialize_with = "object")]
        other: Option<Inner>,
    }

    fn read(text: &str) -> Result<Outer, String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = serde_path_to_error::deserialize::<_, Object<Outer>>(&mut deserializer);
        read.map(|Object(outer)| outer).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_may_be_null_and_is_no_array() {
        let inner = Inner { a: Some(1), b: vec![2] };
        let text = r#"{"inner": {"a": 1, "b": [2], "c": 3}, "other": null}"#;
        assert_eq!(read(text), Ok(Outer { inner, other: None }));
        for text in ["{}", r#"{"inner": null}"#] {
            assert_eq!(read(text), Ok(Outer::default()));
        }
        for (text, path) in [
            ("[]", "invalid type"),
            ("[null, null]", "invalid type"),
            (r#"{"inner": []}"#, "inner: "),
            (r#"{"other": [1, [2]]}"#, "other: "),
            (r#"{"inner": {"a": 1, "b": [2, "x"]}}"#, "inner.b[1]: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(path), "{text}: {error}");
        }
    }
}
