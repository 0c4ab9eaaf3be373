//! Which names of columns and which codecs a reader takes.

use std::collections::HashSet;

use crate::readers::{Facts, Reader};

/// Returns why the reader does not take a codec, which is called as Parquet does in lower case.
pub(crate) fn codec_fault(reader: Reader, codec: &str) -> Option<String> {
    let Facts { title, codecs, .. } = reader.facts();
    (!codecs.contains(&codec)).then(|| format!("{title} reads {}", codecs.join(", ")))
}

/// Returns why the reader does not take a name of a column, or of a field within one.
pub(crate) fn name_fault(reader: Reader, name: &str, is_field: bool) -> Option<String> {
    let Facts { title, names, .. } = reader.facts();
    if name.is_empty() {
        return (!names.may_be_empty).then(|| format!("{title} takes no empty name"));
    }
    if let Some(longest) = names.longest.filter(|longest| name.len() > *longest) {
        return Some(format!("{title} takes names of up to {longest} bytes"));
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if names.words_only && (!name.bytes().all(is_word) || name.as_bytes()[0].is_ascii_digit()) {
        return Some(format!(
            "{title} takes letters of ASCII, digits and underscores, and no digit at the beginning"
        ));
    }
    if is_field
        && names.fields_words_only
        && !name.bytes().all(|byte| is_word(byte) || byte == b'.')
    {
        return Some(format!(
            "{title} takes letters of ASCII, digits, underscores and dots in names within a column"
        ));
    }
    let upper = name.to_ascii_uppercase();
    let reserved = names.reserved.iter().find(|reserved| upper.starts_with(**reserved))?;
    Some(format!("{title} keeps names that begin with `{reserved}` for itself"))
}

/// Returns a name that all of the readers take, as like the given one as can be, and that is not among
/// `taken`, whose names are in lower case.
pub(crate) fn usable_for(readers: &[Reader], name: &str, taken: &HashSet<String>) -> String {
    let mut usable = name.to_owned();
    let facts = || readers.iter().map(|reader| reader.facts());
    if facts().any(|facts| facts.names.words_only) {
        usable = usable
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
            .collect();
        if usable.starts_with(|letter: char| letter.is_ascii_digit()) {
            usable.insert(0, '_');
        }
    }
    let upper = usable.to_ascii_uppercase();
    let mut reserved = facts().flat_map(|facts| facts.names.reserved);
    if usable.is_empty() || reserved.any(|reserved| upper.starts_with(reserved)) {
        usable.insert_str(0, "column");
    }
    let longest = facts().filter_map(|facts| facts.names.longest).min().unwrap_or(usize::MAX);
    let cut = |text: &str, suffix: &str| {
        let mut end = text.len().min(longest.saturating_sub(suffix.len()));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        format!("{}{suffix}", &text[..end])
    };
    let mut candidate = cut(&usable, "");
    let mut number = 0_u64;
    while taken.contains(&candidate.to_lowercase()) {
        number += 1;
        candidate = cut(&usable, &format!("_{number}"));
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let readers = [Reader::BigQuery];
        let usable = usable_for(&readers, name, &HashSet::from(["a_b".to_owned()]));
        assert_eq!(usable, expected);
        assert_eq!(name_fault(Reader::BigQuery, &usable, false), None);
    }

    #[test]
    fn a_name_is_changed_as_little_as_can_be() {
        check("a", "a");
        check("größe in cm", "gr__e_in_cm");
        check("1st", "_1st");
        check("a b", "a_b_1");
        check("A.B", "A_B_1");
        check("_table_x", "column_table_x");
        check("", "column");
        check(&"x".repeat(301), &"x".repeat(300));
    }

    #[test]
    fn what_is_cut_off_stays_text_and_stays_unique() {
        let long = "ä".repeat(200);
        let taken = HashSet::from(["ä".repeat(127)]);
        let usable = usable_for(&[Reader::Athena], &long, &taken);
        assert_eq!(usable, format!("{}_1", "ä".repeat(126)));
        assert_eq!(name_fault(Reader::Athena, &usable, false), None);
    }

    #[test]
    fn readers_say_what_they_mind() {
        assert!(name_fault(Reader::BigQuery, "a b", false).unwrap().contains("BigQuery"));
        assert!(
            name_fault(Reader::BigQuery, "_PARTITIONTIME", false).unwrap().contains("_PARTITION")
        );
        assert_eq!(name_fault(Reader::Athena, "a b", false), None);
        assert!(name_fault(Reader::Athena, "a b", true).is_some());
        for reader in Reader::ALL {
            assert_eq!(name_fault(reader, "customer_id", false), None, "{reader}");
            assert_eq!(codec_fault(reader, "zstd"), None, "{reader}");
            assert!(codec_fault(reader, "lzw").is_some(), "{reader}");
        }
    }
}
