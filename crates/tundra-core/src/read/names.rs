//! The names under which columns and fields are written.
//!
//! A name is kept as it stands in the input unless the engine could not tell it from another one.

use std::collections::{HashMap, HashSet};

/// Returns the names under which columns or fields are written: as they are, unless there is none, it
/// holds a zero byte, or it differs from another one in case only, which the engine does not see.
///
/// An empty name becomes `column1`, `column2` and so on by its place; a repeated one gets a number
/// behind it.
pub(crate) fn unique_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted: Vec<String> =
        names.into_iter().enumerate().map(|(index, name)| usable_name(name, index)).collect();
    // A name as it is written comes before one that was made up.
    let written: HashSet<String> = wanted.iter().map(|name| name.to_lowercase()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut suffixes: HashMap<String, u64> = HashMap::new();
    let mut unique = Vec::with_capacity(wanted.len());
    for name in wanted {
        let key = name.to_lowercase();
        if taken.insert(key.clone()) {
            unique.push(name);
            continue;
        }
        let suffix = suffixes.entry(key.clone()).or_default();
        loop {
            *suffix += 1;
            let candidate = format!("{key}_{suffix}");
            if !written.contains(&candidate) && taken.insert(candidate) {
                unique.push(format!("{name}_{suffix}"));
                break;
            }
        }
    }
    unique
}

/// Returns the name that the engine can take for the column at `index`, which counts from 0.
pub(crate) fn usable_name(name: &str, index: usize) -> String {
    match name {
        "" => format!("column{}", index + 1),
        // Names are handed over as C strings; this is the symbol for a zero byte.
        name => name.replace('\0', "\u{2400}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(unique_names(names.iter().copied()), expected);
    }

    #[test]
    fn names_stay_as_they_are_when_they_differ() {
        check(&["a", "b c", "é", "è", "_"], &["a", "b c", "é", "è", "_"]);
    }

    #[test]
    fn names_that_differ_in_case_only_get_a_suffix() {
        check(&["id", "ID", "Id"], &["id", "ID_1", "Id_2"]);
        check(&["a", "A", "A_1"], &["a", "A_2", "A_1"]);
        check(&["a", "A", "", "a_1", "a"], &["a", "A_2", "column3", "a_1", "a_3"]);
    }

    #[test]
    fn names_that_cannot_be_written_are_replaced() {
        check(&["", "x", "column1"], &["column1", "x", "column1_1"]);
        check(&["a\0b"], &["a\u{2400}b"]);
    }

    #[test]
    fn ten_thousand_equal_names_do_not_take_forever() {
        let unique = unique_names(vec!["a"; 10_000]);
        assert_eq!(unique.last().map(String::as_str), Some("a_9999"));
    }
}
