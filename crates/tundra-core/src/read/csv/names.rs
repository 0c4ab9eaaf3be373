//! Names of the columns of delimited text.

use crate::read::names::unique_names;

/// Returns the names under which the columns are written: those of the header, where one of blanks
/// is none.
pub(crate) fn column_names(names: &[String]) -> Vec<String> {
    unique_names(names.iter().map(|name| if name.trim().is_empty() { "" } else { name.as_str() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_blanks_is_none() {
        let names = ["a", "", " ", "\u{a0}"].map(str::to_owned);
        assert_eq!(column_names(&names), ["a", "column2", "column3", "column4"]);
    }
}
