//! Several inputs that are read as one table.
//!
//! Start at [`ManyInputs`]. Which objects a pattern or a prefix stands for is the business of whoever lists
//! them; which members of an archive and which sheets of a workbook are meant is found out when those are
//! opened.

use std::{fmt, str::FromStr};

use crate::{error::Error, format::UnknownName, options::Input};

/// Several inputs that are read as one table, whose columns are united by their names.
#[derive(Debug, Clone)]
pub struct ManyInputs {
    /// The inputs, in the order of their rows in the output.
    pub inputs: Vec<Input>,
    /// What messages and the receipt call all of them together.
    pub name: String,
    /// The members of archives that are inputs; each input is an archive then.
    pub members: Option<NamePattern>,
    /// The visible sheets that are inputs; each input is a workbook then.
    pub sheets: Option<NamePattern>,
    /// The column that says from which input a row is.
    pub file_column: Option<String>,
    /// The column that says from which sheet a row is.
    pub sheet_column: Option<String>,
    /// Directories such as `year=2024` are columns.
    pub hive: bool,
    /// What happens to an input that cannot be read.
    pub on_bad_file: BadFilePolicy,
}

impl ManyInputs {
    /// Takes inputs, and asks for nothing else.
    pub fn new(name: impl Into<String>, inputs: Vec<Input>) -> Self {
        Self {
            inputs,
            name: name.into(),
            members: None,
            sheets: None,
            file_column: None,
            sheet_column: None,
            hive: false,
            on_bad_file: BadFilePolicy::Fail,
        }
    }
}

/// What happens to one of several inputs that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadFilePolicy {
    /// The run fails and names it.
    #[default]
    Fail,
    /// It is left out as a whole, and told. A store that fails still fails the run.
    Reject,
}

impl BadFilePolicy {
    /// The names of all.
    pub const NAMES: &'static [&'static str] = &["fail", "reject"];

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for BadFilePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BadFilePolicy {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fail" => Ok(Self::Fail),
            "reject" => Ok(Self::Reject),
            _ => Err(UnknownName {
                text: text.to_owned(),
                what: "way to treat bad files",
                known: Self::NAMES,
            }),
        }
    }
}

/// A pattern of names: `*` and `?` stay between two `/` where names have directories, `**` is any number of
/// those, and `[..]` is one of some characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(glob::Pattern);

impl NamePattern {
    /// Returns whether a text has a character that makes it a pattern.
    pub fn is_one(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Returns whether a name matches that has no directories, as that of a sheet: there a `/` and a dot in front
    /// are characters like any other.
    pub fn matches_label(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// Returns whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        let rules = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        self.0.matches_with(name, rules)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for NamePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pattern = glob::Pattern::new(text).map_err(|error| Error::Request {
            message: format!("`{text}` is no pattern of names: {}", error.msg),
            hint: Some(
                "`*` and `?` stand for any characters of a name, `**` for directories".to_owned(),
            ),
        })?;
        Ok(Self(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_directory_and_two_of_them_do_not() {
        for (pattern, yes, no) in [
            ("*.csv", "a.csv", "x/a.csv"),
            ("**/*.csv", "x/y/a.csv", "x/a.json"),
            ("2024/[ab]?.csv", "2024/a1.csv", "2024/c1.csv"),
            ("*", "a", ".a"),
        ] {
            let pattern: NamePattern = pattern.parse().unwrap();
            assert!(pattern.matches(yes) && !pattern.matches(no), "{pattern}");
        }
        let all: NamePattern = "*".parse().unwrap();
        assert!([".a", "2024/01", ""].iter().all(|name| all.matches_label(name)));
        assert!("[".parse::<NamePattern>().is_err());
        assert!(NamePattern::is_one("a?") && !NamePattern::is_one("a.csv"));
    }
}
