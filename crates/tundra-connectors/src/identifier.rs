//! Names of tables and columns: how a user writes them and how a database reads them.
//!
//! Start at [`Quoting`]. A name is never pasted into SQL: what a user wrote is read into its parts, and
//! every part is quoted. Names are taken as they are written, in their case.

use tundra_core::TableName;

/// How a database quotes a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// `"name"`: PostgreSQL, Redshift, SQLite.
    #[cfg(any(feature = "postgresql", feature = "sqlite", test))]
    Double,
    /// `` `name` ``: MySQL, MariaDB.
    #[cfg(any(feature = "mysql", test))]
    Backtick,
}

impl Quoting {
    const fn mark(self) -> char {
        match self {
            #[cfg(any(feature = "postgresql", feature = "sqlite", test))]
            Self::Double => '"',
            #[cfg(any(feature = "mysql", test))]
            Self::Backtick => '`',
        }
    }

    /// Returns the name as it stands in SQL.
    pub(crate) fn name(self, name: &str) -> String {
        let mark = self.mark();
        let mut quoted = String::with_capacity(name.len() + 2);
        quoted.push(mark);
        for character in name.chars() {
            if character == mark {
                quoted.push(mark);
            }
            quoted.push(character);
        }
        quoted.push(mark);
        quoted
    }

    /// Returns the table as it stands in SQL.
    #[cfg(any(feature = "mysql", feature = "postgresql", test))]
    pub(crate) fn table(self, table: &TableName) -> String {
        match &table.schema {
            Some(schema) => format!("{}.{}", self.name(schema), self.name(&table.name)),
            None => self.name(&table.name),
        }
    }
}

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no name of a table: it {reason}")]
pub struct NameError {
    text: String,
    reason: &'static str,
}

/// Reads `table`, `schema.table` or a form of it in quotes, `"` or `` ` ``: `"My schema"."a.b"`.
///
/// Without quotes, names are of ASCII letters, digits and `_`; of more than two parts only the last two
/// may be given, as the database is the connection's. A quote inside quotes is doubled.
///
/// # Errors
/// When it is neither.
pub fn parse_table(text: &str) -> Result<TableName, NameError> {
    let fault = |reason| NameError { text: text.to_owned(), reason };
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.chars().next() {
            Some(mark @ ('"' | '`')) => {
                quoted(&rest[1..], mark).ok_or_else(|| fault("has a quote that is not closed"))?
            }
            _ => {
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if part.is_empty() {
            return Err(fault("has an empty part, or a character that needs quotes"));
        }
        if part.contains('\0') {
            return Err(fault("has a zero byte"));
        }
        parts.push(part);
        rest = match after.strip_prefix('.') {
            Some(rest) => rest,
            None if after.is_empty() => break,
            None => {
                return Err(fault(
                    "has a character other than letters, digits, `_` and `.`, and is not in quotes",
                ));
            }
        };
    }
    match (parts.pop(), parts.pop(), parts.is_empty()) {
        (Some(name), schema, true) => Ok(TableName { schema, name }),
        _ => Err(fault("has more than two parts")),
    }
}

/// Returns whether the name is as the pattern says, in which `*` stands for any characters and everything
/// else for itself. For databases whose own patterns have escapes of their own, or none.
#[cfg(any(feature = "postgresql", feature = "sqlite", test))]
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    let mut rest = rest;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Reads up to the closing mark, and returns what is behind it too.
fn quoted(text: &str, mark: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(mark)?;
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix(mark) {
            Some(after) => {
                name.push(mark);
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Option<(Option<String>, String)> {
        parse_table(text).ok().map(|it| (it.schema, it.name))
    }

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, name, expected) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("*", "", true),
            ("*", "orders", true),
            ("ord*", "orders", true),
            ("ord*", "word", false),
            ("*ers", "orders", true),
            ("o*d*s", "orders", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("o_ders", "orders", false),
            ("o%", "orders", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn plain_names_are_read() {
        assert_eq!(of("orders"), Some((None, "orders".to_owned())));
        assert_eq!(of("sales.Orders_2"), Some((Some("sales".to_owned()), "Orders_2".to_owned())));
    }

    #[test]
    fn every_other_name_stands_in_quotes() {
        assert_eq!(of(r#""a.b""#), Some((None, "a.b".to_owned())));
        assert_eq!(of(r#"s."x ""y"" z""#), Some((Some("s".to_owned()), r#"x "y" z"#.to_owned())));
        assert_eq!(of("`a``b`.c"), Some((Some("a`b".to_owned()), "c".to_owned())));
    }

    #[test]
    fn what_could_break_out_is_refused() {
        for text in [
            "users; DROP TABLE users",
            "users--",
            "a..b",
            ".a",
            "a.",
            "",
            "a.b.c",
            r#""a"#,
            r#""a"b"#,
            "a b",
            "tabelle_ü",
            "\"a\0\"",
            r#""""#,
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_name_is_read_back(schema in "[^\0]{1,8}", name in "[^\0]{1,8}") {
            let table = TableName { schema: Some(schema), name };
            for quoting in [Quoting::Double, Quoting::Backtick] {
                prop_assert_eq!(&parse_table(&quoting.table(&table)).unwrap(), &table);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,24}") {
            let _ = parse_table(&text);
        }
    }
}
