//! A file, held against what is known of readers.

use std::collections::HashSet;

use parquet::file::metadata::ParquetMetaData;

use crate::{
    Finding, Reader, Severity,
    engine::check::footer::{FileColumn, Values, columns_of, values},
    readers::{Facts, Kind, RangeFact, Span, TypeFact, Unit, When, codec_fault, name_fault},
};

/// The largest integer up to which doubles hold all of them.
const EXACT: i128 = 1 << 53;

/// Returns what the readers would not take as it is: by reader, and the worst first.
pub(crate) fn findings(footer: &ParquetMetaData, readers: &[Reader]) -> Vec<Finding> {
    let columns = columns_of(footer);
    let mut all = Vec::new();
    for reader in readers {
        let mut judge = Judge { reader: *reader, footer, found: Vec::new() };
        judge.file(&columns);
        judge.names(&columns);
        for column in &columns {
            judge.types(column);
            judge.values(column);
        }
        // Columns stay in their order.
        judge.found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        all.append(&mut judge.found);
    }
    all
}

struct Judge<'a> {
    reader: Reader,
    footer: &'a ParquetMetaData,
    found: Vec<Finding>,
}

impl Judge<'_> {
    fn facts(&self) -> &'static Facts {
        self.reader.facts()
    }

    fn file(&mut self, columns: &[FileColumn]) {
        let Facts { codecs_basis, codecs_source, max_columns, names, .. } = self.facts();
        let chunks = self.footer.row_groups().iter().flat_map(|group| group.columns());
        let codecs: HashSet<String> = chunks
            .map(|chunk| chunk.compression().to_string().to_lowercase())
            .map(|codec| codec.split('(').next().unwrap_or_default().to_owned())
            .collect();
        let mut codecs: Vec<String> = codecs.into_iter().collect();
        codecs.sort_unstable();
        for codec in codecs {
            let Some(reason) = codec_fault(self.reader, &codec) else { continue };
            self.found.push(Finding {
                reader: self.reader,
                severity: Severity::Refuses,
                column: None,
                what: format!("codec {codec}"),
                reason,
                way_out: "write it anew with `tundra convert --compression zstd`".to_owned(),
                basis: *codecs_basis,
                source: (*codecs_source).to_owned(),
            });
        }
        if let Some(most) = max_columns.filter(|most| columns.len() > *most) {
            self.found.push(Finding {
                reader: self.reader,
                severity: Severity::Refuses,
                column: None,
                what: format!("{} columns", columns.len()),
                reason: format!("a table has {most} columns at most"),
                way_out: "write it in several files".to_owned(),
                basis: names.basis,
                source: names.source.to_owned(),
            });
        }
    }

    fn names(&mut self, columns: &[FileColumn]) {
        let names = &self.facts().names;
        let mut taken = HashSet::new();
        for column in columns {
            if let Some(fault) = name_fault(self.reader, &column.name, false) {
                let way = format!(
                    "give it another name with `--rename`; `tundra convert --for {}` does",
                    self.reader
                );
                self.name(Severity::Refuses, &column.name, fault, way);
            }
            let key =
                if names.fold_case { column.name.to_lowercase() } else { column.name.clone() };
            if !taken.insert(key) {
                let fault = "another column has the same name".to_owned();
                let way = "write it anew with `tundra convert`, which tells them apart".to_owned();
                self.name(Severity::Refuses, &column.name, fault, way);
            }
            if let Some((minds, fault)) = names.minded
                && column.name.chars().any(minds)
            {
                let way = "give it another name with `--rename`".to_owned();
                self.name(Severity::Differs, &column.name, fault.to_owned(), way);
            }
            let mut faults = Vec::new();
            column.kind.field_names(&mut |name| {
                if let Some(fault) = name_fault(self.reader, name, true) {
                    faults.push((name.to_owned(), fault));
                }
            });
            for (name, fault) in faults {
                let way = "give the field another name where the data is made".to_owned();
                self.name(Severity::Refuses, &format!("{}.{name}", column.name), fault, way);
            }
        }
    }

    fn name(&mut self, severity: Severity, name: &str, reason: String, way_out: String) {
        let names = &self.facts().names;
        self.found.push(Finding {
            reader: self.reader,
            severity,
            column: Some(name.to_owned()),
            what: "name".to_owned(),
            reason,
            way_out,
            basis: names.basis,
            source: names.source.to_owned(),
        });
    }

    fn types(&mut self, column: &FileColumn) {
        let types = self.facts().types;
        let mut found: Vec<(String, Kind, &TypeFact)> = Vec::new();
        column.kind.walk(&column.name, &mut |path, node| {
            for fact in types.iter().filter(|fact| fact.pattern.is(node.kind)) {
                let leaf =
                    node.leaf.filter(|_| fact.when == When::AboveSigned && column.leaves_known);
                let values =
                    leaf.and_then(|leaf| values(self.footer, column.first_leaf + leaf, false));
                if values.is_some_and(is_within_signed) {
                    continue;
                }
                found.push((path.to_owned(), node.kind.clone(), fact));
            }
        });
        for (path, kind, fact) in found {
            let way_out = match fact.instead {
                Some(instead) => format!(
                    "`tundra convert --for {}` writes it as {}",
                    self.reader,
                    instead.of(&kind)
                ),
                None => fact.way_out.to_owned(),
            };
            self.found.push(Finding {
                reader: self.reader,
                severity: fact.severity,
                column: Some(path),
                what: kind.to_string(),
                reason: fact.reason.to_owned(),
                way_out,
                basis: fact.basis,
                source: fact.source.to_owned(),
            });
        }
    }

    fn values(&mut self, column: &FileColumn) {
        if !column.leaves_known {
            return;
        }
        let ranges = self.facts().ranges;
        let mut found: Vec<(String, String, &RangeFact)> = Vec::new();
        column.kind.walk(&column.name, &mut |path, node| {
            let Some(leaf) = node.leaf else { return };
            let signed = !matches!(node.kind, Kind::Int { signed: false, .. });
            for fact in ranges {
                // Only a column of its own says which of its values are null.
                let is_column = path == column.name && node.leaf == Some(0);
                let Some(unit) = unit_of(fact.span, node.kind, is_column) else { continue };
                let leaf = column.first_leaf + leaf;
                let Some(values) = values(self.footer, leaf, signed) else { continue };
                if let Some(value) = beyond(fact.span, values, unit) {
                    found.push((path.to_owned(), format!("{} {value}", node.kind), fact));
                }
            }
        });
        for (path, what, fact) in found {
            self.found.push(Finding {
                reader: self.reader,
                severity: fact.severity,
                way_out: fact.way_out.replace("COLUMN", &column.name),
                column: Some(path),
                what,
                reason: fact.reason.to_owned(),
                basis: fact.basis,
                source: fact.source.to_owned(),
            });
        }
    }
}

/// Returns whether no value is larger than signed integers of 64 bits are.
fn is_within_signed(values: Values) -> bool {
    values.extremes.is_none_or(|(_, most)| most <= i128::from(i64::MAX))
}

/// Returns of how many units one of the span is of the kind's, where the span is about the kind at all.
fn unit_of(span: Span, kind: &Kind, is_column: bool) -> Option<Scale> {
    match (span, kind) {
        (Span::Days(..), Kind::Date) => Some(Scale::Same),
        (Span::Micros(..), Kind::Timestamp { unit, .. }) => Some(match unit {
            Unit::Millis => Scale::Times(1000),
            Unit::Micros => Scale::Same,
            Unit::Nanos => Scale::Over(1000),
        }),
        (Span::ExactWithNulls, Kind::Int { bits: 64, .. }) if is_column => Some(Scale::Same),
        _ => None,
    }
}

/// How a value of a file becomes one of a span.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Same,
    Times(i128),
    Over(i128),
}

/// Returns the value that is furthest beyond the span, as it is counted in the file.
fn beyond(span: Span, values: Values, scale: Scale) -> Option<String> {
    let (least, most) = values.extremes?;
    let (first, last) = match span {
        Span::Days(first, last) | Span::Micros(first, last) => {
            (i128::from(first), i128::from(last))
        }
        Span::ExactWithNulls => {
            if values.nulls.is_none_or(|nulls| nulls == 0) {
                return None;
            }
            (-EXACT, EXACT)
        }
    };
    let scaled = |value: i128| match scale {
        Scale::Same => value,
        Scale::Times(by) => value * by,
        Scale::Over(by) => value.div_euclid(by),
    };
    if scaled(least) < first {
        return Some(shown(span, scaled(least)));
    }
    (scaled(most) > last).then(|| shown(span, scaled(most)))
}

/// Returns a value as a person writes it.
fn shown(span: Span, value: i128) -> String {
    const DAY: i128 = 86_400_000_000;
    let days = match span {
        Span::Days(..) => value,
        Span::Micros(..) => value.div_euclid(DAY),
        Span::ExactWithNulls => return value.to_string(),
    };
    civil(days)
}

/// Returns the day so many days after 1970-01-01, by the rule of 400 years
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: i128) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_shown_as_people_write_them() {
        for (days, shown) in [
            (0, "1970-01-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (19_782, "2024-02-29"),
            (-141_428, "1582-10-14"),
            (-719_529, "-001-12-31"),
        ] {
            assert_eq!(civil(days), shown);
        }
    }

    #[test]
    fn only_what_is_beyond_is_told() {
        let of = |least, most| Values { extremes: Some((least, most)), nulls: Some(1) };
        let days = Span::Days(-10, 10);
        assert_eq!(beyond(days, of(-10, 10), Scale::Same), None);
        assert_eq!(beyond(days, of(0, 11), Scale::Same).as_deref(), Some("1970-01-12"));
        assert_eq!(beyond(days, Values { extremes: None, nulls: None }, Scale::Same), None);
        let micros = Span::Micros(0, 2000);
        assert_eq!(beyond(micros, of(0, 2), Scale::Times(1000)), None);
        assert!(beyond(micros, of(-1, 2), Scale::Over(1000)).is_some());
        let exact = Span::ExactWithNulls;
        assert_eq!(beyond(exact, of(0, EXACT), Scale::Same), None);
        assert!(beyond(exact, of(0, EXACT + 1), Scale::Same).is_some());
        let no_nulls = Values { extremes: Some((0, EXACT + 1)), nulls: Some(0) };
        assert_eq!(beyond(exact, no_nulls, Scale::Same), None);
    }
}
