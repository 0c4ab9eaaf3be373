//! Values as errors and receipts show them.

/// The characters of a value that are shown.
pub(crate) const SHOWN: usize = 64;

/// Returns the beginning of a value, which may be as long as it likes.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_long_value_is_shown() {
        assert_eq!(shortened("größe"), "größe");
        let long = shortened(&"ß".repeat(SHOWN + 1));
        assert_eq!(long, format!("{}…", "ß".repeat(SHOWN)));
        assert_eq!(shortened(&"x".repeat(SHOWN)).len(), SHOWN);
    }
}
