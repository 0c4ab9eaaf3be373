//! Names that stand twice in one object.

use std::collections::{HashMap, HashSet};

use crate::read::json::{
    fault::Parsed,
    token::{self, Space},
    unescape::key_name,
};

/// Returns the offsets of the keys that the same name follows later in the same object, anywhere
/// in the record at `start`: without them, the last of each name is what is kept.
///
/// # Errors
/// Fails when the record is no JSON.
pub(super) fn superseded(space: Space, text: &str, start: usize) -> Parsed<HashSet<usize>> {
    let bytes = text.as_bytes();
    // What follows relies on the grammar.
    let end = token::value(space, bytes, start, 0)?;
    let mut found = HashSet::new();
    let mut objects: Vec<HashMap<String, usize>> = Vec::new();
    let mut scratch = String::new();
    let mut at = start;
    while at < end {
        at = match bytes[at] {
            b'{' => {
                objects.push(HashMap::new());
                at + 1
            }
            b'}' => {
                objects.pop();
                at + 1
            }
            b'"' => {
                let string = token::string(bytes, at + 1)?;
                let behind = space.skip(bytes, string.quote + 1);
                // Only behind a name stands a colon.
                if bytes[behind] == b':'
                    && let Some(names) = objects.last_mut()
                {
                    let written = &text[at + 1..string.quote];
                    let name = key_name(written, string, at, &mut scratch)?;
                    found.extend(names.insert(name.to_owned(), at));
                }
                behind
            }
            _ => at + 1,
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::json::token::PADDING;

    #[test]
    fn finds_all_but_the_last_of_each_name_in_each_object() {
        for (text, expected) in [
            (r#"{"a":1,"b":2}"#, vec![]),
            (r#"{"a":1,"a":2}"#, vec![1]),
            (r#"{"a":1,"\u0061":2,"a":3}"#, vec![1, 7]),
            (r#"{"a":{"a":1},"b":{"a":2}}"#, vec![]),
            (r#"{"x":[{"k":"x","k":"k"},{"k":1}]}"#, vec![7]),
            (r#"{"a" : "a" , "a" :0}"#, vec![1]),
            (r#"["a","a"]"#, vec![]),
        ] {
            let padded = format!("{text}{}", "\0".repeat(PADDING));
            let mut found: Vec<_> =
                superseded(Space::ANY, &padded, 0).unwrap().into_iter().collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
    }
}
