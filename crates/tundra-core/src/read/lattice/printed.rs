//! Columns of values that are printed in a random format and must come back equal.

use proptest::prelude::*;

use super::{Evidence, Verdict};
use crate::{
    ColumnType,
    value::{format::ValueFormat, temporal},
};

fn verdict(texts: &[String]) -> Verdict {
    let mut evidence = Evidence::default();
    for (text, record) in texts.iter().zip(1..) {
        evidence.observe(text.as_bytes(), record);
    }
    evidence.verdict()
}

/// A point in time.
#[derive(Debug, Clone, Copy)]
struct Moment {
    year: i32,
    month: i32,
    day: i32,
    /// Since midnight.
    micros: i64,
}

impl Moment {
    fn days(self) -> i32 {
        temporal::days(self.year, self.month, self.day).unwrap()
    }

    /// Prints it by signs of `strftime`, of which `offset` minutes are the zone.
    fn print(self, format: &str, offset: i32) -> String {
        const NAMES: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Self { year, month, day, micros } = self;
        let name = NAMES[usize::try_from(month - 1).unwrap()];
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let half = (hour + 11) % 12 + 1;
        let sign = if offset < 0 { '-' } else { '+' };
        let (zone_hours, zone_minutes) = (offset.abs() / 60, offset.abs() % 60);
        let mut text = format.to_owned();
        for (sign, written) in [
            ("%Y", format!("{year:04}")),
            ("%-m", month.to_string()),
            ("%m", format!("{month:02}")),
            ("%b", name[..3].to_owned()),
            ("%^b", name[..3].to_uppercase()),
            ("%B", name.to_owned()),
            ("%-d", day.to_string()),
            ("%d", format!("{day:02}")),
            ("%-H", hour.to_string()),
            ("%H", format!("{hour:02}")),
            ("%-I", half.to_string()),
            ("%I", format!("{half:02}")),
            ("%M", format!("{minute:02}")),
            ("%S", format!("{second:02}")),
            ("%f", format!("{micros:06}")),
            ("%p", if hour < 12 { "AM" } else { "PM" }.to_owned()),
            ("%:z", format!("{sign}{zone_hours:02}:{zone_minutes:02}")),
            ("%z", format!("{sign}{zone_hours:02}{zone_minutes:02}")),
        ] {
            text = text.replace(sign, &written);
        }
        text
    }
}

fn moment() -> impl Strategy<Value = Moment> {
    (1..=9999, 1..=12, 1..=28, 0..temporal::MICROS_PER_DAY)
        .prop_map(|(year, month, day, micros)| Moment { year, month, day, micros })
}

/// Yields formats, and how far they tell the time: not at all, to the minute, second or microsecond.
fn moment_format() -> impl Strategy<Value = (String, i64)> {
    let dates = prop::sample::select(vec![
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%-d.%-m.%Y",
        "%-m-%-d-%Y",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d %b %Y",
        "%-d-%b-%Y",
        "%d%^b%Y",
        "%B %-d, %Y",
        "%b %d %Y",
        "%-d %B %Y",
        "%Y-%-m-%-d",
    ]);
    let clocks = prop::sample::select(vec![
        ("", temporal::MICROS_PER_DAY),
        (" %H:%M", 60_000_000),
        ("T%H:%M:%S", 1_000_000),
        (" %-H:%M:%S", 1_000_000),
        (" %H:%M:%S.%f", 1),
        (", %-I:%M:%S %p", 1_000_000),
        (" %I:%M%p", 60_000_000),
        (" %I:%M:%S.%f\u{202f}%p", 1),
    ]);
    let zones = prop::sample::select(vec!["", "Z", " UTC", "%:z", " %z"]);
    (dates, clocks, zones).prop_map(|(date, (clock, unit), zone)| {
        let zone = if clock.is_empty() { "" } else { zone };
        (format!("{date}{clock}{zone}"), unit)
    })
}

/// A way to write numbers.
#[derive(Debug, Clone, Copy)]
struct Style {
    group: &'static str,
    point: &'static str,
    before: &'static str,
    behind: &'static str,
    parentheses: bool,
}

impl Style {
    fn print(self, unscaled: i64, scale: usize) -> String {
        let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let mut text = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                text.push_str(self.group);
            }
            text.push(digit);
        }
        if scale > 0 {
            text.push_str(self.point);
            text.push_str(fraction);
        }
        let text = format!("{}{text}{}", self.before, self.behind);
        match (unscaled < 0, self.parentheses) {
            (false, _) => text,
            (true, false) => format!("-{text}"),
            (true, true) => format!("({text})"),
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    let groups = prop::sample::select(vec!["", ",", ".", " ", "\u{a0}", "\u{202f}", "'"]);
    let points = prop::sample::select(vec![".", ","]);
    let symbols = prop::sample::select(vec![
        ("", ""),
        ("$", ""),
        ("€ ", ""),
        ("", " €"),
        ("", "\u{a0}zł"),
        ("CHF ", ""),
        ("R$", ""),
    ]);
    (groups, points, symbols, any::<bool>()).prop_filter_map(
        "groups and fractions are set apart by different signs",
        |(group, point, (before, behind), parentheses)| {
            (group != point).then_some(Style { group, point, before, behind, parentheses })
        },
    )
}

proptest! {
    #[test]
    fn moments_come_back_equal(
        moments in prop::collection::vec(moment(), 1..6),
        (format, unit) in moment_format(),
        offset in -900..900,
    ) {
        // One that tells day and month apart.
        let decisive = Moment { year: 2018, month: 1, day: 28, micros: 0 };
        let moments: Vec<Moment> = moments.into_iter().chain([decisive]).collect();
        let offset = if format.contains('z') { offset } else { 0 };
        let texts: Vec<String> = moments.iter().map(|moment| moment.print(&format, offset)).collect();
        let verdict = verdict(&texts);
        let kind = match (unit == temporal::MICROS_PER_DAY, format.contains(['Z', 'U', 'z'])) {
            (true, _) => ColumnType::Date,
            (false, false) => ColumnType::Timestamp,
            (false, true) => ColumnType::TimestampTz,
        };
        prop_assert_eq!(&verdict.column_type, &kind, "{:?}: {}", texts, verdict.reason);
        for (moment, text) in moments.iter().zip(&texts) {
            let expected = i64::from(moment.days()) * temporal::MICROS_PER_DAY
                + moment.micros / unit * unit
                - i64::from(offset) * 60_000_000;
            let read = match verdict.format {
                Some(ValueFormat::Moment(format)) => format.instant(text.as_bytes(), true),
                // Two numbers of two digits in each may be ISO 8601 by chance.
                None => temporal::parse_timestamptz(text.as_bytes())
                    .or_else(|| temporal::parse_timestamp(text.as_bytes()))
                    .or_else(|| {
                        let days = temporal::parse_date(text.as_bytes())?;
                        Some(i64::from(days) * temporal::MICROS_PER_DAY)
                    }),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(read, Some(expected), "{} as {}", text, verdict.reason);
        }
    }

    #[test]
    fn numbers_come_back_equal(
        numbers in prop::collection::vec(any::<i32>(), 1..6),
        scale in 0usize..5,
        style in style(),
    ) {
        // One that tells groups and fractions apart, and one without groups, as codes never have.
        let numbers: Vec<i64> =
            numbers.into_iter().map(i64::from).chain([12_345_678_901, 5]).collect();
        let texts: Vec<String> = numbers.iter().map(|number| style.print(*number, scale)).collect();
        let verdict = verdict(&texts);
        let Some(ValueFormat::Figure(format)) = verdict.format else {
            // Numbers without anything else, of which all is said elsewhere; and integers between
            // parentheses, which may be items of a list.
            prop_assert!(
                matches!(verdict.column_type, ColumnType::BigInt | ColumnType::Double)
                    || (style.parentheses && scale == 0 && style.group.is_empty())
            );
            return Ok(());
        };
        for (number, text) in numbers.iter().zip(&texts) {
            let read = format.read(text.as_bytes(), true).unwrap();
            prop_assert_eq!(read.rescale(18, 4), Some(i128::from(*number) * 10i128.pow(4 - scale as u32)));
        }
        prop_assert_eq!(
            verdict.column_type,
            ColumnType::Decimal { precision: 18, scale: u8::try_from(scale).unwrap() }
        );
    }
}
