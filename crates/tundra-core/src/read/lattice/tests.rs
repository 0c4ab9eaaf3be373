//! Tables of values and what becomes of them, wherever the parts were cut.

use proptest::prelude::*;

use super::*;
use crate::value::format::ValueFormat;

fn evidence(values: &[&str]) -> Evidence {
    evidence_from(values, 0)
}

/// Looks at the values behind the first `from`.
fn evidence_from(values: &[&str], from: usize) -> Evidence {
    let mut evidence = Evidence::default();
    for (value, record) in values.iter().zip(1..).skip(from) {
        if !value.is_empty() {
            evidence.observe(value.as_bytes(), record);
        }
    }
    evidence
}

/// Returns the verdict, after making sure that merging parts comes to the same end as looking at
/// the whole.
#[track_caller]
fn verdict(values: &[&str]) -> Verdict {
    let whole = evidence(values).verdict();
    for one in 0..=values.len() {
        for two in one..=values.len() {
            let mut merged = evidence(&values[..one]);
            merged.merge(evidence_from(&values[..two], one));
            merged.merge(evidence_from(values, two));
            assert_eq!(merged.verdict(), whole, "{values:?} cut at {one} and {two}");
        }
    }
    whole
}

#[track_caller]
fn check(values: &[&str], expected: &str) {
    assert_eq!(verdict(values).column_type.to_string(), expected, "{values:?}");
}

#[track_caller]
fn check_format(values: &[&str], expected: &str, format: &str) {
    let verdict = verdict(values);
    assert_eq!(verdict.column_type.to_string(), expected, "{values:?}: {}", verdict.reason);
    let found = verdict.format.map(|format| format.to_string());
    assert_eq!(found.as_deref(), Some(format), "{values:?}");
    // What is printed is what is read, so that it can be given.
    let parsed = ValueFormat::parse(format, &verdict.column_type);
    assert_eq!(parsed.map(|format| format.to_string()).as_deref(), Some(format));
}

#[track_caller]
fn check_reason(values: &[&str], reason: &str) {
    assert_eq!(verdict(values).reason, reason, "{values:?}");
}

#[test]
fn chooses_the_type_that_loses_nothing() {
    check(&["1", "", "-2"], "BIGINT");
    check(&["1", "18446744073709551615"], "UBIGINT");
    check(&["-1", "18446744073709551615"], "DECIMAL(38,0)");
    check(&["123456789012345678901234567890"], "DECIMAL(38,0)");
    check(&[&"9".repeat(39)], "VARCHAR");
    check(&["1", "2.5", ""], "DOUBLE");
    check(&["17.00", "3"], "DOUBLE");
    check(&["1.5", "12345678901234567.5"], "DECIMAL(18,1)");
    check(&["0.12345678901234567891", "1"], "DECIMAL(21,20)");
    check(&["1.5e5", "2"], "DOUBLE");
    check(&["1e-5", "2"], "DOUBLE");
    check(&["1e5", "2.5"], "DOUBLE");
    check(&["-0", "1"], "DOUBLE");
    check(&["9007199254740993", "0.5"], "DECIMAL(17,1)");
    check(&["9007199254740993", "1e5"], "VARCHAR");
    check(&["true", "False"], "BOOLEAN");
    check(&["2020-01-01", ""], "DATE");
    check(&["2020-01-01 10:00:00", "2020-01-01T10:00:00.5"], "TIMESTAMP");
    check(&["2020-01-01T10:00:00Z", "2020-01-01T10:00:00+02:00"], "TIMESTAMPTZ");
    check(&["10:00:00"], "TIME");
    check(&["", ""], "VARCHAR");
    check(&["NaN", "1.5"], "DOUBLE");
    check(&["1", "inf"], "DOUBLE");
}

#[test]
fn keeps_text_what_would_lose_something() {
    for values in [
        ["1", "00713"],
        ["1", "+2"],
        ["1", "x"],
        ["1", "2020-01-01"],
        ["2020-01-01", "2020-01-01 10:00:00"],
        ["2020-01-01 10:00:00", "2020-01-01 10:00:00Z"],
        ["2020-01-01 10:00:00.1234567", "2020-01-01 10:00:00"],
        ["2020-02-30", "2020-01-01"],
        ["true", "1"],
        ["1 ", "2"],
        ["nan", "inf"],
        ["12%", "5%"],
        ["", "12%"],
    ] {
        check(&values, "VARCHAR");
    }
}

#[test]
fn dates_have_one_format() {
    check_format(&["28/01/2018", "03/04/2020", ""], "DATE", "%d/%m/%Y");
    check_format(&["03/04/2020", "04/28/2020"], "DATE", "%m/%d/%Y");
    check_format(&["28.1.2018", "3.4.2020"], "DATE", "%-d.%-m.%Y");
    check_format(&["28-01-2018", "03-04-2020"], "DATE", "%d-%m-%Y");
    check_format(&["1/28/2018", "12/11/2020"], "DATE", "%-m/%-d/%Y");
    check_format(&["2020/01/28", "2020/12/01"], "DATE", "%Y/%m/%d");
    check_format(&["2020.12.28"], "DATE", "%Y.%m.%d");
    check_format(&["2020-1-28", "2020-12-11"], "DATE", "%Y-%-m-%-d");
    check_format(&["02-Jan-2020", "28-May-2020"], "DATE", "%d-%b-%Y");
    check_format(&["2 January 2020", "28 May 2020"], "DATE", "%-d %B %Y");
    check_format(&["02JAN2020", "28DEC2020"], "DATE", "%d%^b%Y");
    check_format(&["Jan 2, 2020", "May 28, 2020"], "DATE", "%b %-d, %Y");
    check_format(&["September 30 2020"], "DATE", "%B %d %Y");
}

#[test]
fn timestamps_have_one_format() {
    check_format(&["28/01/2018 10:00", "03/04/2020 23:59"], "TIMESTAMP", "%d/%m/%Y %H:%M");
    check_format(
        &["1/28/2018 9:00:00 AM", "3/4/2020 12:59:59 PM"],
        "TIMESTAMP",
        "%-m/%-d/%Y %-I:%M:%S %p",
    );
    check_format(&["1/28/2018, 09:00 am"], "TIMESTAMP", "%-m/%-d/%Y, %I:%M %P");
    check_format(
        &["2020/01/28 10:00:00", "2020/01/28 10:00:00.25"],
        "TIMESTAMP",
        "%Y/%m/%d %H:%M:%S.%f",
    );
    check_format(
        &["2020-01-28 10:00:00 UTC", "2020-01-02 09:00:00 UTC"],
        "TIMESTAMPTZ",
        "%Y-%m-%d %H:%M:%S UTC",
    );
    check_format(&["2020-01-28 9:05", "2020-11-28 23:05"], "TIMESTAMP", "%Y-%m-%d %-H:%M");
    check_format(
        &["28.01.2018 10:00:00 +0200", "28.01.2018 10:00:00 -0130"],
        "TIMESTAMPTZ",
        "%d.%m.%Y %H:%M:%S %z",
    );
    check_format(&["Jan 2, 2020 10:00:00+02:00"], "TIMESTAMPTZ", "%b %-d, %Y %H:%M:%S%:z");
    check_format(&["28/01/2018T10:00:00Z"], "TIMESTAMPTZ", "%d/%m/%YT%H:%M:%SZ");
    check_format(&["28/01/2018 10:00-08"], "TIMESTAMPTZ", "%d/%m/%Y %H:%M%:::z");
}

#[test]
fn dates_of_two_formats_are_text() {
    for values in [
        &["28/1/2018", "28/01/2018"][..],
        &["28/01/2018", "01/28/2018"],
        &["28/01/2018", "28-01-2018"],
        &["28/01/2018", "2018-01-28"],
        &["28/01/2018", "28/01/2018 10:00"],
        &["28/01/2018 10:00", "28/01/2018 10:00:00"],
        &["28/01/2018 10:00", "28/01/2018 10:00Z"],
        &["28/01/2018 9:00", "28/01/2018 09:00"],
        &["28/01/2018 9:00 AM", "28/01/2018 9:00"],
        &["28/01/18"],
        &["20200128", "2020/01/28"],
        &["31/02/2018"],
        &["29/02/2019", "28/02/2019"],
        &["2 Jan 2020", "2 February 2020"],
        &["2 Jan 2020", "2 FEB 2020"],
        &["2 jan 2020"],
        &["2 Sept 2020"],
        &["28/01/2018 24:00"],
        &["28/01/2018 13:00 PM"],
        &["28/01/2018 10:00:00.1234567"],
        &["28/01/2018 "],
        &["28/01-2018"],
        &["0/01/2018"],
        &["28/01/2018 10:00 +1600"],
        &["2020-1-2", "2020-01-02"],
    ] {
        check(values, "VARCHAR");
    }
}

#[test]
fn day_and_month_are_told_apart_by_the_values_or_not_at_all() {
    let undecided = verdict(&["03/04/2020", "12/11/2020", "05/05/2020"]);
    assert_eq!(undecided.column_type.to_string(), "VARCHAR");
    assert_eq!(undecided.reason, "day and month cannot be told apart, as in `03/04/2020`");
    assert_eq!(
        undecided.advice.as_deref(),
        Some("say which with --type 'COLUMN=TYPE', where TYPE is DATE(%d/%m/%Y) or DATE(%m/%d/%Y)")
    );
    assert!(undecided.is_open && undecided.is_undecided);
    let mixed = verdict(&["03/04/2020", "28/01/2018", "01/28/2018"]);
    assert_eq!(
        mixed.reason,
        "record 3 has `01/28/2018`, which is no date written like `03/04/2020`"
    );
    assert!(!mixed.is_open && !mixed.is_undecided);
}

#[test]
fn numbers_have_one_format() {
    for (values, expected, format) in [
        (&["$1,234.50", "$0.99", "$12.00"][..], "DECIMAL(18,2)", "$#,##0.00"),
        (&["€ 1.234,50", "€ 5,00"], "DECIMAL(18,2)", "€ #.##0,00"),
        (&["1 234,50", "5,25"], "DECIMAL(18,2)", "# ##0,00"),
        (&["1\u{a0}234,50 €", "5,25 €"], "DECIMAL(18,2)", "#\u{a0}##0,00 €"),
        (&["1\u{202f}234,5", "17"], "DECIMAL(18,1)", "#\u{202f}##0,#"),
        (&["1,234,567", "12", "1,234"], "DECIMAL(18,0)", "#,##0"),
        (&["1,234.5", "12"], "DECIMAL(18,1)", "#,##0.#"),
        (&["1,234", "5.5"], "DECIMAL(18,1)", "#,##0.#"),
        (&["1.234.567", "1.234"], "DECIMAL(18,0)", "#.##0"),
        (&["5,25", "1234,5", "-17"], "DECIMAL(18,2)", "0,##"),
        (&["0,123"], "DECIMAL(18,3)", "0,000"),
        (&["1,2345"], "DECIMAL(18,4)", "0,0000"),
        (&["-$5.00", "$7.25"], "DECIMAL(18,2)", "$0.00"),
        (&["$-5.00", "$7.25"], "DECIMAL(18,2)", "$0.00;$-0.00"),
        (&["($5.00)", "$7.25"], "DECIMAL(18,2)", "$0.00;($0.00)"),
        (&["(1,234.50)", "7.25"], "DECIMAL(18,2)", "#,##0.00;(#,##0.00)"),
        (&["$5", "$17"], "DECIMAL(18,0)", "$0"),
        (&["5 USD", "17 USD"], "DECIMAL(18,0)", "0 USD"),
        (&["1'234.50", "1"], "DECIMAL(18,2)", "#'##0.##"),
        (&["12 345", "7"], "DECIMAL(18,0)", "# ##0"),
        (&["1,234,567,890,123,456,789.25"], "DECIMAL(38,2)", "#,##0.00"),
    ] {
        check_format(values, expected, format);
    }
}

#[test]
fn numbers_of_two_formats_are_text() {
    for values in [
        &["$5.00", "5.00"][..],
        &["$5.00", "€5.00"],
        &["$5.00", "5.00$"],
        &["$ 5.00", "$5.00"],
        &["1,234.5", "1234.5"],
        &["1,234.5", "1.234,5"],
        &["1,234,567", "1234567"],
        &["1 234,5", "1\u{a0}234,5"],
        &["1,23,456.00"],
        &["1,2345.00"],
        &["12,34,567"],
        &["01,234.00"],
        &["-$5.00", "($5.00)"],
        &["-$0.00", "$1.00"],
        &["(1)", "(2)"],
        &["$1,234.50", "+$1.00"],
        &["5.00 ABC"],
        &["$"],
        &["1,234."],
        &[",50"],
        &["1,,234"],
        &["12.5%", "1,234.5%"],
        &["1,234,567,890,123,456,789,012,345,678,901,234,567,890"],
    ] {
        check(values, "VARCHAR");
    }
}

#[test]
fn identifiers_that_look_like_numbers_or_dates_are_text() {
    for (values, advised) in [
        (&["192.168.100.101", "10.0.0.1"][..], None),
        (&["192.168.100.101", "172.160.200.250"], Some("DECIMAL(18,0,#.##0)")),
        (&["1.100.200", "2.300.100"], Some("DECIMAL(18,0,#.##0)")),
        (&["600 123 456", "601 222 333"], Some("DECIMAL(18,0,# ##0)")),
        (&["560 001", "560 002"], Some("DECIMAL(18,0,# ##0)")),
        (&["600'123", "601'222"], Some("DECIMAL(18,0,#'##0)")),
        (&["TRY 1", "TRY 2"], Some("DECIMAL(18,0,TRY 0)")),
        (&["6Ft", "5Ft"], Some("DECIMAL(18,0,0Ft)")),
        (&["2023.1.10", "2024.12.3"], Some("DATE(%Y.%-m.%-d)")),
        (&["1234", "5e10", "77e1"], Some("DOUBLE")),
    ] {
        let verdict = verdict(values);
        assert_eq!(verdict.column_type.to_string(), "VARCHAR", "{values:?}: {}", verdict.reason);
        let advice = verdict.advice.unwrap_or_default();
        assert_eq!(advised.is_some(), advice.contains("--type"), "{values:?}: {advice}");
        assert!(advice.contains(advised.unwrap_or_default()), "{values:?}: {advice}");
    }
    // What only numbers have.
    check_format(&["1 234 567", "12 345"], "DECIMAL(18,0)", "# ##0");
    check_format(&["600 123,50", "601 222,25"], "DECIMAL(18,2)", "# ##0,00");
    check_format(&["6,50 Ft", "5,25 Ft"], "DECIMAL(18,2)", "0,00 Ft");
    check_format(&["1,234,567", "2,345,678"], "DECIMAL(18,0)", "#,##0");
    check_format(&["36\u{a0}000", "37\u{a0}000"], "DECIMAL(18,0)", "#\u{a0}##0");
}

#[test]
fn beside_decimal_commas_a_point_before_three_digits_is_undecided() {
    let values = ["1.234", "2.500", "10.000"];
    check(&values, "DOUBLE");
    let verdict = evidence(&values).beside_commas().verdict();
    assert_eq!(verdict.column_type.to_string(), "VARCHAR");
    assert_eq!(
        verdict.reason,
        "it cannot be told whether thousands or a fraction are set apart in `1.234`, because other \
         columns have decimal commas"
    );
    assert!(verdict.is_undecided);
    // These are decided by themselves.
    for values in [&["1.234", "2.5"][..], &["12", "7"], &["0.123"]] {
        let whole = evidence(values);
        assert_eq!(whole.beside_commas().verdict().column_type, whole.verdict().column_type);
    }
}

#[test]
fn both_readings_are_advised_where_some_numbers_have_no_groups() {
    let advice = verdict(&["1,000", "2000", "1,500"]).advice.unwrap();
    assert!(advice.contains("DECIMAL(18,0,#,##0) or DECIMAL(18,3,0,###)"), "{advice}");
}

#[test]
fn values_that_contradict_each_other_are_found_among_any_others() {
    for (values, kind, says) in [
        (
            &["13/02/2020", "2020-01-01", "x", "02/14/2020"][..],
            "DATE",
            "`02/14/2020` in record 4 has the month first, and `13/02/2020` in record 1 the day first",
        ),
        (
            &["$5", "5", "€7.50"],
            "DOUBLE",
            "`$5` in record 1 is in one currency, and `€7.50` in record 3 in another",
        ),
    ] {
        let kind = kind.parse().unwrap();
        let clashes = verdict(values).clashes;
        let clash = clashes.iter().find(|clash| clash.is_of(&kind)).expect("they contradict");
        assert_eq!(clash.to_string(), says);
    }
    assert_eq!(verdict(&["13/02/2020", "2020-01-01", "05/05/2020", "$5", "x"]).clashes, []);
}

#[test]
fn instants_are_within_the_years_that_can_be_printed() {
    check(&["0001-01-01T00:00:00+02:00"], "VARCHAR");
    check(&["31/12/9999 23:00 -0200"], "VARCHAR");
    check(&["2020-01-01 10:00:00 Z", "2020-01-02 10:00:00 Z"], "TIMESTAMPTZ");
    check(&["2020-01-01 10:00:00.1230000"], "TIMESTAMP");
}

#[test]
fn a_comma_before_three_digits_is_decided_by_other_values_or_not_at_all() {
    let alone = verdict(&["1,234", "5,678"]);
    assert_eq!(alone.column_type.to_string(), "VARCHAR");
    assert_eq!(
        alone.reason,
        "it cannot be told whether thousands or a fraction are set apart in `1,234`"
    );
    assert_eq!(
        alone.advice.as_deref(),
        Some(
            "say which with --type 'COLUMN=TYPE', where TYPE is DECIMAL(18,0,#,##0) or \
             DECIMAL(18,3,0,000)"
        )
    );
    assert!(alone.is_open && alone.is_undecided);
    check(&["1234", "1,234"], "VARCHAR");
    check(&["$1,234", "$999"], "VARCHAR");
    check(&["1,234", "5.678"], "VARCHAR");
    check_format(&["1234", "1,234", "5,67"], "DECIMAL(18,3)", "0,###");
    // A point alone is what it is everywhere.
    check(&["1.234", "5.678"], "DOUBLE");
}

#[test]
fn words_for_yes_and_no_come_in_pairs() {
    check_format(&["yes", "no", "Yes"], "BOOLEAN", "yes/no");
    check_format(&["N", "Y"], "BOOLEAN", "y/n");
    check_format(&["t", "f"], "BOOLEAN", "t/f");
    check_format(&["OFF", "ON"], "BOOLEAN", "on/off");
    for values in [&["N", "N"][..], &["yes", "n"], &["t", "false"], &["Y", "1"], &["y", "no"]] {
        check(values, "VARCHAR");
    }
    check(&["0", "1"], "BIGINT");
    check_reason(&["N", "n"], "the values are `N` only, not both `y` and `n`");
    assert!(verdict(&["N"]).is_open);
}

#[test]
fn words_that_are_usually_nulls_are_text_and_the_way_out_is_told() {
    let verdict = verdict(&["1", "NA", "2", "-", "NA"]);
    assert_eq!(verdict.column_type.to_string(), "VARCHAR");
    assert_eq!(verdict.reason, "record 2 has `NA`, which is no integer");
    assert_eq!(verdict.advice.as_deref(), Some("for nulls give --null 'NA' --null '-'"));
    assert!(!verdict.is_open);
    check_reason(&["NULL", "NULL"], "record 1 has `NULL`");
    check_reason(&["1", "NA", "x"], "record 3 has `x`, which is no integer");
    check_reason(&["$5", "n/a"], "record 2 has `n/a`, which is no number written like `$5`");
}

#[test]
fn says_which_value_stopped_it() {
    check_reason(&["1", "2", "00713"], "record 3 has `00713`, which is no integer");
    check_reason(&["abc", "2"], "record 1 has `abc`");
    check_reason(&["1"], "the only value is one of the integers of 64 bits");
    check_reason(&["true"], "the only value is true or false");
    check_reason(&["1", "2"], "all 2 values are integers of 64 bits");
    check_reason(&["1", "2", "3", "00713", "x"], "record 4 has `00713`, which is no integer");
    check_reason(
        &["1", "2.5", "2020-01-01", "x"],
        "record 3 has `2020-01-01`, which is no number that is kept without loss",
    );
    check_reason(&["x", "1"], "record 1 has `x`");
    check_reason(
        &["03/04/2020", "28/01/2018", "05/05/2020"],
        "all 3 values are dates written as %d/%m/%Y, day first, such as `28/01/2018`",
    );
    check_reason(
        &["5.00", "1,234.50"],
        "all 2 values are numbers written as #,##0.00, such as `1,234.50`",
    );
    check_reason(&["yes", "no"], "all 2 values are `yes` or `no`");
    check_reason(
        &["1,234.50", "1234"],
        "record 2 has `1234`, which is no number written like `1,234.50`",
    );
    check_reason(&["y", "n", "maybe"], "record 3 has `maybe`, which is no `y` or `n`");
}

/// Values that meet and part in many ways.
fn any_value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "0",
        "1",
        "-1",
        "7",
        "12",
        "123",
        "1234",
        "-1234",
        "12345",
        "1.5",
        "1.234",
        "1234.5",
        "-0.25",
        "0.123",
        ".5",
        "5.",
        "1e5",
        "-0",
        "9007199254740993",
        "18446744073709551615",
        "1,234",
        "1,234.5",
        "1.234,5",
        "1,234,567",
        "1 234",
        "1 234,5",
        "5,67",
        "0,123",
        "$5",
        "$1,234",
        "$1,234.50",
        "-$5",
        "($5)",
        "(5)",
        "(1,234)",
        "5 €",
        "1.234 €",
        "1'234",
        "NaN",
        "inf",
        "true",
        "False",
        "yes",
        "no",
        "Y",
        "N",
        "t",
        "f",
        "x",
        "NA",
        "-",
        "NULL",
        "2020-01-02",
        "2020-11-12",
        "2020-1-2",
        "2020-1-12",
        "2020/01/02",
        "2020/1/2",
        "28/01/2018",
        "01/28/2018",
        "03/04/2020",
        "3/4/2020",
        "12/11/2020",
        "2 Jan 2020",
        "02 Jan 2020",
        "May 2, 2020",
        "2020-01-02 03:04:05",
        "2020-11-12 13:14:15",
        "2020-11-12 13:14",
        "2020-11-12 3:14",
        "2020-11-12T13:14:15.5",
        "2020-01-02T03:04:05Z",
        "2020-01-02 03:04:05 UTC",
        "28/01/2018 10:00",
        "03/04/2020 9:00",
        "10:00:00",
        "00713",
    ])
}

proptest! {
    #[test]
    fn parts_come_to_the_same_end_as_the_whole(
        values in prop::collection::vec(any_value(), 0..7)
    ) {
        verdict(&values);
    }

    /// The type that was chosen reads every value, and a value that it cannot read would not have
    /// left it standing.
    #[test]
    fn what_was_seen_is_read_and_what_is_read_was_seen(
        values in prop::collection::vec(any_value(), 1..5),
        other in any_value(),
    ) {
        let seen: Vec<&str> = values.iter().copied().filter(|value| !value.is_empty()).collect();
        let verdict = evidence(&seen).verdict();
        let Some(format) = verdict.format else { return Ok(()) };
        for value in &seen {
            prop_assert!(reads(&format, value, &verdict), "{value} as {format} of {seen:?}");
        }
        if !other.is_empty() && reads(&format, other, &verdict) {
            let mut more = seen.clone();
            more.push(other);
            let again = evidence(&more).verdict();
            prop_assert_eq!(again.format, Some(format), "{} of {:?}", other, seen);
            prop_assert_eq!(again.column_type, verdict.column_type);
        }
    }
}

fn reads(format: &ValueFormat, value: &str, verdict: &Verdict) -> bool {
    let text = value.as_bytes();
    match (format, &verdict.column_type) {
        (ValueFormat::Moment(format), _) => format.instant(text, true).is_some(),
        (ValueFormat::Words(pair), _) => pair.read(text).is_some(),
        (ValueFormat::Figure(format), crate::ColumnType::Decimal { precision, scale }) => {
            format.read(text, true).and_then(|value| value.rescale(*precision, *scale)).is_some()
        }
        _ => false,
    }
}
