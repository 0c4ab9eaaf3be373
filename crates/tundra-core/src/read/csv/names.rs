//! Names of columns.

use std::collections::HashSet;

/// Makes names of columns unique, as the engine compares them: without regard to case. Empty names
/// become `column1`, `column2` and so on by their place; a repeated one gets a number behind it.
pub(crate) fn unique_names(names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let written: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let base = match name.trim() {
                "" => format!("column{}", index + 1),
                _ => name.clone(),
            };
            let mut unique = base.clone();
            let mut number = 1;
            while taken.contains(&unique.to_lowercase())
                || (unique != *name && written.contains(&unique.to_lowercase()))
            {
                unique = format!("{base}_{number}");
                number += 1;
            }
            taken.insert(unique.to_lowercase());
            unique
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_unique_without_regard_to_case() {
        let names = ["a", "A", "", "a_1", "a", " "].map(str::to_owned);
        assert_eq!(
            unique_names(&names),
            ["a", "A_2", "column3", "a_1", "a_3", "column6"].map(str::to_owned)
        );
    }
}
