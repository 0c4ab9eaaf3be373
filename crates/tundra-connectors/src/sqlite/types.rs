//! Storage classes, and which type keeps those that a column holds.
//!
//! What a column was declared as is a hint for one without values, and nothing else: SQLite lets a cell
//! hold anything. An integer stays an integer, whether it means a number, a day or yes and no. A date in a
//! text stays text, unless the column was declared for dates and all of its values are dates in the one
//! form that is printed as it was.

use rusqlite::types::ValueRef;
use tundra_core::{ColumnType, ConnectorError, ErrorKind, OnLossy};

use super::{
    date::days,
    failure::refused,
    pages::Content,
    record::Shape,
    relation::{Access, SourceColumn},
};
use crate::types::{Kept, TypeRow, TypeTable};

/// What becomes of the storage classes of SQLite.
pub(crate) const TABLE: TypeTable = TypeTable {
    database: "SQLite",
    notes: "The storage classes of all cells of a column decide, not its declared type.\n\
            Of a column without values, the affinity of the declared type decides.",
    rows: &[
        TypeRow::lossless("`INTEGER`", "BIGINT"),
        TypeRow::lossless("`REAL`", "DOUBLE"),
        TypeRow::lossless("`INTEGER` and `REAL`, all integers exact as doubles", "DOUBLE"),
        TypeRow::lossless("`INTEGER` and `REAL` otherwise", "VARCHAR"),
        TypeRow::policy("`TEXT`", "VARCHAR", "text that is not UTF-8"),
        TypeRow::lossless("`TEXT` declared `DATE`, all of the form `YYYY-MM-DD`", "DATE"),
        TypeRow {
            source: "`TEXT` and `INTEGER` or `REAL`",
            target: "VARCHAR",
            kept: Kept::Policy("text that is not UTF-8; numbers are their shortest text"),
        },
        TypeRow::lossless("`BLOB`", "BLOB"),
        TypeRow::policy("`BLOB` and any other", "VARCHAR", "the blobs, which are `X'…'` as text"),
        TypeRow::lossless("`NULL`", "as the rest of the column"),
    ],
};

/// A storage class other than `NULL`. They are counted in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Integer,
    Real,
    Text,
    Blob,
}

/// The type of a column of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Integer,
    Real,
    Text,
    Bytes,
    Date,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of each class, in its place.
    classes: [Met; 4],
    /// Integers that no double is equal to.
    inexact: Met,
    /// Whether texts may be dates.
    dates: bool,
    /// A text that is no date; not all of them are counted.
    undated: Met,
}

/// How often something was met, and where first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Met {
    count: u64,
    first: i64,
}

/// How a place in the relation is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlaceWord(&'static str);

impl Class {
    /// Returns the class that `STRICT` sees to.
    pub(super) fn of_strict(declared: &str) -> Option<Self> {
        match declared.to_ascii_uppercase().as_str() {
            "INT" | "INTEGER" => Some(Self::Integer),
            "REAL" => Some(Self::Real),
            "TEXT" => Some(Self::Text),
            "BLOB" => Some(Self::Blob),
            _ => None,
        }
    }

    /// Returns SQLite's name of the class of a value.
    pub(super) const fn name(value: ValueRef<'_>) -> &'static str {
        match value {
            ValueRef::Null => "NULL",
            ValueRef::Integer(_) => "INTEGER",
            ValueRef::Real(_) => "REAL",
            ValueRef::Text(_) => "TEXT",
            ValueRef::Blob(_) => "BLOB",
        }
    }

    const fn target(self) -> Target {
        match self {
            Self::Integer => Target::Integer,
            Self::Real => Target::Real,
            Self::Text => Target::Text,
            Self::Blob => Target::Bytes,
        }
    }
}

impl Target {
    pub(super) const fn column_type(self) -> ColumnType {
        match self {
            Self::Integer => ColumnType::BigInt,
            Self::Real => ColumnType::Double,
            Self::Text => ColumnType::Varchar,
            Self::Bytes => ColumnType::Blob,
            Self::Date => ColumnType::Date,
        }
    }

    /// Returns the type of a column without values: that of the affinity which SQLite derives from the
    /// declared type, by its own rules. Affinity `NUMERIC` says too little, so that it is text.
    fn of_affinity(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        if has(&["INT"]) {
            Self::Integer
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Self::Text
        } else if has(&["BLOB"]) {
            Self::Bytes
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Self::Real
        } else {
            Self::Text
        }
    }
}

/// Returns whether a column that was declared so has the affinity `REAL`, so that integers in it are the
/// stored form of doubles.
pub(super) fn is_real(declared: &str) -> bool {
    // Of a column without values, only this affinity becomes the type for doubles.
    Target::of_affinity(declared) == Target::Real
}

impl PlaceWord {
    pub(super) const fn of(access: &Access) -> Self {
        match access {
            Access::Rowid(_) => Self("rowid"),
            Access::Scan | Access::Query(..) => Self("row"),
        }
    }

    pub(super) fn at(self, place: i64) -> String {
        format!("{} {place}", self.0)
    }
}

/// Returns whether a double is equal to the integer.
#[inline]
pub(super) fn is_exact(value: i64) -> bool {
    value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS
        // No double is equal to the largest integer, and no integer of 128 bits hides that.
        || value as f64 as i128 == i128::from(value)
}

impl Met {
    #[inline]
    fn add(&mut self, place: i64) {
        if self.count == 0 {
            self.first = place;
        }
        self.count += 1;
    }

    fn merge(&mut self, later: Self) {
        if self.count == 0 {
            self.first = later.first;
        }
        self.count += later.count;
    }
}

impl Seen {
    /// Returns what is known of a column before its first cell.
    pub(super) fn new(column: &SourceColumn) -> Self {
        Self { dates: column.is_date(), ..Self::default() }
    }
    /// Counts a cell at a place.
    #[inline]
    pub(super) fn add(&mut self, value: ValueRef<'_>, place: i64) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(value) => {
                self.add_class(Class::Integer, place);
                if !is_exact(value) {
                    self.inexact.add(place);
                }
            }
            ValueRef::Real(_) => self.add_class(Class::Real, place),
            ValueRef::Text(value) => {
                self.add_class(Class::Text, place);
                if self.dates && self.undated.count == 0 && days(value).is_none() {
                    self.undated.add(place);
                }
            }
            ValueRef::Blob(_) => self.add_class(Class::Blob, place),
        }
    }

    /// Counts a cell at a place by what its type tells; `None` when SQLite writes none such.
    #[inline]
    pub(super) fn add_content(
        &mut self,
        content: Content<'_>,
        record: &[u8],
        place: i64,
    ) -> Option<()> {
        let (field, is_real) = match content {
            Content::Field { field, is_real, .. } => (field, is_real),
            Content::Value(value) => {
                self.add(value, place);
                return Some(());
            }
        };
        match field.shape() {
            Shape::Null => {}
            Shape::Of(Class::Integer) | Shape::LongInteger if is_real => {
                self.add_class(Class::Real, place);
            }
            Shape::Of(Class::Text) if self.dates => {
                self.add(ValueRef::Text(field.text(record)?), place);
            }
            Shape::Of(class) => self.add_class(class, place),
            Shape::LongInteger => self.add(ValueRef::Integer(field.integer(record)?), place),
            Shape::Unknown => return None,
        }
        Some(())
    }

    #[inline]
    fn add_class(&mut self, class: Class, place: i64) {
        self.classes[class as usize].add(place);
    }

    const fn of(&self, class: Class) -> Met {
        self.classes[class as usize]
    }

    /// Adds what was seen behind it.
    pub(super) fn merge(&mut self, later: &Self) {
        for (met, later) in self.classes.iter_mut().zip(later.classes) {
            met.merge(later);
        }
        self.inexact.merge(later.inexact);
        self.undated.merge(later.undated);
    }

    /// Returns the type that keeps all of it, and why.
    pub(super) fn decide(
        &self,
        column: &SourceColumn,
        on_lossy: OnLossy,
        word: PlaceWord,
    ) -> Result<(Target, String), ConnectorError> {
        if let Some(class) = column.certain {
            let reason = format!("declared {}, which SQLite keeps to", column.declared);
            return Ok((class.target(), reason));
        }
        let [integers, reals, texts, blobs] = self.classes.map(|met| met.count);
        let others = integers + reals + texts;
        if others + blobs == 0 {
            let target =
                if self.dates { Target::Date } else { Target::of_affinity(&column.declared) };
            let reason = if column.declared.is_empty() {
                "it has no values and no declared type".to_owned()
            } else {
                format!("it has no values; declared {}", column.declared)
            };
            return Ok((target, reason));
        }
        if others == 0 {
            return Ok((Target::Bytes, self.census(word)));
        }
        if blobs > 0 {
            match on_lossy {
                OnLossy::Fail => return Err(self.mixed_blobs(column, word)),
                OnLossy::Text => return Ok((Target::Text, self.census(word))),
                OnLossy::Null => {}
            }
        }
        if self.dates && others == texts && self.undated.count == 0 {
            return Ok((Target::Date, format!("{}, all of them dates", self.census(word))));
        }
        let target = match (texts > 0, reals > 0) {
            (true, _) => Target::Text,
            (false, true) if self.inexact.count > 0 => {
                let place = word.at(self.inexact.first);
                let reason =
                    format!("{}; no double is equal to the integer at {place}", self.census(word));
                return Ok((Target::Text, reason));
            }
            (false, true) => Target::Real,
            (false, false) => Target::Integer,
        };
        Ok((target, self.census(word)))
    }

    /// Returns what was met, the most frequent first, and where the rarer ones were met first.
    fn census(&self, word: PlaceWord) -> String {
        let mut classes = [
            (self.of(Class::Integer), "INTEGER"),
            (self.of(Class::Real), "REAL"),
            (self.of(Class::Text), "TEXT"),
            (self.of(Class::Blob), "BLOB"),
        ];
        classes.sort_by_key(|(met, _)| std::cmp::Reverse(met.count));
        let mut text = String::new();
        for (at, (met, name)) in classes.iter().filter(|(met, _)| met.count > 0).enumerate() {
            if at == 0 {
                text = format!("{} values are {name}", met.count);
            } else {
                let place = word.at(met.first);
                text.push_str(&format!(", {} {name}, the first at {place}", met.count));
            }
        }
        text
    }

    fn mixed_blobs(&self, column: &SourceColumn, word: PlaceWord) -> ConnectorError {
        refused(
            "find a type",
            ErrorKind::InvalidData,
            format!("no type keeps all of column `{}`: {}", column.name, self.census(word)),
            &[
                "`--on-lossy text` writes blobs as `X'…'`, and `--on-lossy null` leaves them out and \
                 counts them",
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWID: PlaceWord = PlaceWord("rowid");

    fn column(declared: &str) -> SourceColumn {
        SourceColumn::new("c".to_owned(), declared.to_owned())
    }

    fn seen(values: &[ValueRef<'_>]) -> Seen {
        let mut seen = Seen::new(&column(""));
        for (place, value) in (1..).zip(values) {
            seen.add(*value, place);
        }
        seen
    }

    #[track_caller]
    fn check(values: &[ValueRef<'_>], target: Target, reason: &str) {
        let decided = seen(values).decide(&column(""), OnLossy::Fail, ROWID).expect("a type");
        assert_eq!(decided, (target, reason.to_owned()));
    }

    #[test]
    fn the_narrowest_type_that_keeps_all_cells() {
        use ValueRef::{Integer, Null, Real, Text};
        check(&[Integer(1), Null], Target::Integer, "1 values are INTEGER");
        check(
            &[Integer(1), Real(0.5), Integer(2)],
            Target::Real,
            "2 values are INTEGER, 1 REAL, the first at rowid 2",
        );
        check(
            &[Real(0.5), Real(0.5), Integer((1 << 53) + 1)],
            Target::Text,
            "2 values are REAL, 1 INTEGER, the first at rowid 3; no double is equal to the integer \
             at rowid 3",
        );
        check(
            &[Integer(1), Integer(2), Text(b"x")],
            Target::Text,
            "2 values are INTEGER, 1 TEXT, the first at rowid 3",
        );
        check(&[ValueRef::Blob(b"x")], Target::Bytes, "1 values are BLOB");
    }

    #[test]
    fn blobs_among_others_follow_the_policy() {
        let seen = seen(&[ValueRef::Integer(1), ValueRef::Blob(b"x")]);
        let error = seen.decide(&column(""), OnLossy::Fail, ROWID).expect_err("no type keeps both");
        assert!(error.reason.contains("1 BLOB, the first at rowid 2"), "{error}");
        let text = seen.decide(&column(""), OnLossy::Text, ROWID).expect("text does");
        assert_eq!(text.0, Target::Text);
        let null = seen.decide(&column(""), OnLossy::Null, ROWID).expect("without the blobs");
        assert_eq!(null.0, Target::Integer);
    }

    #[test]
    fn dates_are_dates_where_all_are_and_were_declared_so() {
        let decide = |declared: &str, texts: &[&str]| {
            let column = column(declared);
            let mut seen = Seen::new(&column);
            for (place, text) in (1..).zip(texts) {
                seen.add(ValueRef::Text(text.as_bytes()), place);
            }
            seen.decide(&column, OnLossy::Fail, ROWID).expect("a type")
        };
        let (target, reason) = decide("Date", &["2024-01-31", "0001-01-01"]);
        assert_eq!(
            (target, reason.as_str()),
            (Target::Date, "2 values are TEXT, all of them dates")
        );
        assert_eq!(decide("DATE", &["2024-01-31", "2024-1-31"]).0, Target::Text);
        assert_eq!(decide("TEXT", &["2024-01-31"]).0, Target::Text);
    }

    #[test]
    fn declared_types_are_for_columns_without_values() {
        for (declared, target) in [
            ("", Target::Text),
            ("BIGINT", Target::Integer),
            ("CHARINT", Target::Integer),
            ("varchar(20)", Target::Text),
            ("double precision", Target::Real),
            ("BLOB", Target::Bytes),
            ("DECIMAL(15,2)", Target::Text),
            ("DATE", Target::Date),
            ("DATETIME", Target::Text),
            ("REALTEXT", Target::Text),
            ("FLOAT BLOB", Target::Bytes),
        ] {
            let column = column(declared);
            let decided = Seen::new(&column).decide(&column, OnLossy::Fail, ROWID);
            assert_eq!(decided.expect("a type").0, target, "{declared}");
        }
    }

    #[test]
    fn integers_that_are_doubles_are_known() {
        for (value, expected) in [
            (0, true),
            (1 << 53, true),
            ((1 << 53) + 1, false),
            ((1 << 53) + 2, true),
            (i64::MIN, true),
            (i64::MAX, false),
        ] {
            assert_eq!(is_exact(value), expected, "{value}");
        }
    }
}
