//! Names with `*`, `?`, `[..]` and `**` in them.
//!
//! Start at [`Pattern`]. `*` and `?` stay within one segment, `**` is any number of segments, and a
//! name that begins with a dot is matched by a dot only, as in a shell.

use glob::MatchOptions;

use crate::location::LocationError;

/// How names are matched, on a disk and in a store.
pub(crate) const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A pattern of names.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pattern: glob::Pattern,
    /// The segments before the first one with a special character, joined.
    parent: String,
}

impl Pattern {
    /// Parses a pattern; `shown` is what an error names.
    ///
    /// # Errors
    /// Fails when it makes no sense.
    pub(crate) fn parse(text: &str, shown: &str) -> Result<Self, LocationError> {
        let pattern = glob::Pattern::new(text).map_err(|error| LocationError::Pattern {
            pattern: shown.to_owned(),
            reason: error.msg,
        })?;
        let segments: Vec<&str> = text.split('/').take_while(|it| !is_pattern(it)).collect();
        Ok(Self { pattern, parent: segments.join("/") })
    }

    /// Returns what every name that matches is below of; empty when there is no such thing.
    pub(crate) fn parent(&self) -> &str {
        &self.parent
    }

    /// Returns whether a name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.pattern.matches_with(name, RULES)
    }
}

/// Returns whether a text has a special character.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, parent: &str, yes: &[&str], no: &[&str]) {
        let parsed = Pattern::parse(pattern, pattern).unwrap();
        assert_eq!(parsed.parent(), parent);
        for name in yes {
            assert!(parsed.matches(name), "`{pattern}` should match `{name}`");
        }
        for name in no {
            assert!(!parsed.matches(name), "`{pattern}` should not match `{name}`");
        }
    }

    #[test]
    fn stars_stay_within_a_segment() {
        check("in/*.csv", "in", &["in/a.csv", "in/ä b.csv"], &["in/a/b.csv", "in/.a.csv", "a.csv"]);
        check("*", "", &["a"], &["a/b", ".a"]);
    }

    #[test]
    fn two_stars_are_any_number_of_segments() {
        check("a/**/x.csv", "a", &["a/x.csv", "a/b/x.csv", "a/b/c/x.csv"], &["x.csv", "a/y.csv"]);
        check("a/**", "a", &["a/b/c"], &["b/c"]);
    }

    #[test]
    fn classes_and_single_characters() {
        check("y/20[12]?/*", "y", &["y/201x/a"], &["y/203x/a", "y/20/a"]);
        check("a/[!x]*/b", "a", &["a/y/b"], &["a/x/b"]);
        check("a[*]b", "", &["a*b"], &["axb"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["a/b**", "[a", "***"] {
            let error = Pattern::parse(text, "s3://b/x").unwrap_err();
            assert!(matches!(error, LocationError::Pattern { .. }), "{text}: {error:?}");
        }
    }
}
