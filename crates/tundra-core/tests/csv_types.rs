//! Delimited text whose values are written in other ways than databases write them: dates, amounts,
//! words for yes and no, words for nulls. What is found in one pass, what needs two, and what stays
//! text with a reason.

use std::fmt::Write as _;

use tundra_core::{BadRowPolicy, ConvertOptions, Error, InspectOptions};

use crate::support::{OUTPUT, Scene, convert, converted, delimited_by, reason};

/// A column of each format, and a null in each.
const FORMATS: &str = "\
day;us;at;named;price;amount;active;instant
28/01/2018;1/28/2018;28/01/2018 10:00;02-Jan-2020;$1,234.50;1.234,50 €;Y;2020-01-28 10:00:00 UTC
;;;;;;;
03/04/2020;12/1/2020;03/04/2020 23:59;28-May-2020;-$0.99;0,99 €;N;2020-01-02 09:30:00 UTC
";

fn format_of<'a>(done: &'a crate::support::Done, name: &str) -> Option<&'a str> {
    let column = done.receipt.plan.columns.iter().find(|column| column.name == name);
    column.unwrap().format.as_deref()
}

fn typed(column: &str, kind: &str, format: Option<&str>) -> ConvertOptions {
    ConvertOptions {
        type_overrides: vec![(column.to_owned(), kind.parse().unwrap())],
        column_formats: format
            .map(|format| (column.to_owned(), format.to_owned()))
            .into_iter()
            .collect(),
        ..ConvertOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_read_in_the_format_of_their_column() {
    let done = convert("a.csv", FORMATS, &delimited_by(";")).await.unwrap();

    let table = &done.table;
    assert_eq!(
        table.types,
        [
            "DATE",
            "DATE",
            "TIMESTAMP",
            "DATE",
            "DECIMAL(18,2)",
            "DECIMAL(18,2)",
            "BOOLEAN",
            "TIMESTAMPTZ",
        ]
    );
    assert_eq!(
        table.row(0),
        [
            Some("2018-01-28"),
            Some("2018-01-28"),
            Some("2018-01-28T10:00:00"),
            Some("2020-01-02"),
            Some("1234.50"),
            Some("1234.50"),
            Some("true"),
            Some("2020-01-28T10:00:00"),
        ]
    );
    assert_eq!(table.row(1), [None; 8]);
    assert_eq!(
        table.row(2),
        [
            Some("2020-04-03"),
            Some("2020-12-01"),
            Some("2020-04-03T23:59:00"),
            Some("2020-05-28"),
            Some("-0.99"),
            Some("0.99"),
            Some("false"),
            Some("2020-01-02T09:30:00"),
        ]
    );
    let formats: Vec<Option<&str>> =
        table.names.iter().map(|name| format_of(&done, name)).collect();
    assert_eq!(
        formats,
        [
            Some("%d/%m/%Y"),
            Some("%-m/%-d/%Y"),
            Some("%d/%m/%Y %H:%M"),
            Some("%d-%b-%Y"),
            Some("$#,##0.00"),
            Some("#.##0,00 €"),
            Some("y/n"),
            Some("%Y-%m-%d %H:%M:%S UTC"),
        ]
    );
    assert_eq!(
        reason(&done.receipt, "day"),
        "all 2 values are dates written as %d/%m/%Y, day first, such as `28/01/2018`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_told_leaves_text_and_can_be_given() {
    let text = "id,day\n1,03/04/2020\n2,12/11/2020\n";
    let done = converted("a.csv", text).await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR"]);
    assert_eq!(done.table.column("day"), [Some("03/04/2020"), Some("12/11/2020")]);
    assert_eq!(
        reason(&done.receipt, "day"),
        "day and month cannot be told apart, as in `03/04/2020`; say which with --type \
         'COLUMN=TYPE', where TYPE is DATE(%d/%m/%Y) or DATE(%m/%d/%Y)"
    );

    for (format, expected) in [
        ("%d/%m/%Y", [Some("2020-04-03"), Some("2020-11-12")]),
        ("%m/%d/%Y", [Some("2020-03-04"), Some("2020-12-11")]),
    ] {
        let done = convert("a.csv", text, &typed("day", "DATE", Some(format))).await.unwrap();
        assert_eq!(done.table.column("day"), expected, "{format}");
        assert_eq!(format_of(&done, "day"), Some(format));
        assert_eq!(reason(&done.receipt, "day"), format!("given, written as {format}"));
    }

    let error = convert("a.csv", text, &typed("day", "DATE", None)).await.err().unwrap();
    let Error::Data { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!((source.record, source.text.as_str()), (1, "03/04/2020"));
    assert!(source.message.contains("give DATE(%d/%m/%Y) or DATE(%m/%d/%Y)"), "{source:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_far_behind_the_sample_decides_the_order() {
    const ROWS: usize = 200_000;
    let mut text = "id,day,same\n".to_owned();
    for n in 0..ROWS {
        let (one, two) = (n % 12 + 1, n / 12 % 12 + 1);
        writeln!(text, "{n},{one:02}/{two:02}/2020,{one:02}.{two:02}.2020").unwrap();
    }
    assert!(text.len() > 4 << 20, "the deciding value must stand behind the sample");
    let undecided = converted("a.csv", text.clone()).await;
    assert_eq!(undecided.table.types, ["BIGINT", "VARCHAR", "VARCHAR"]);

    text.push_str("200000,28/02/2020,01.01.2020\n");
    let done = converted("a.csv", text.clone()).await;
    assert_eq!(done.table.types, ["BIGINT", "DATE", "VARCHAR"]);
    let days = done.table.column("day");
    assert_eq!((days[1], days[ROWS]), (Some("2020-01-02"), Some("2020-02-28")));
    assert!(reason(&done.receipt, "day").ends_with("such as `28/02/2020`"));

    // A column whose type is forced has the same format, from its first value on.
    let forced = convert("a.csv", text.clone(), &typed("day", "TIMESTAMP", None)).await.unwrap();
    assert_eq!(forced.table.type_of("day"), "TIMESTAMP");
    assert_eq!(forced.table.column("day")[1], Some("2020-01-02T00:00:00"));
    assert_eq!(format_of(&forced, "day"), Some("%d/%m/%Y"));

    // And a value that fits no order leaves it text.
    text.push_str("200001,02/28/2020,01.01.2020\n");
    let mixed = converted("a.csv", text).await;
    assert_eq!(mixed.table.types, ["BIGINT", "VARCHAR", "VARCHAR"]);
    assert_eq!(mixed.table.column("day")[ROWS + 1], Some("02/28/2020"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sample_leaves_open_is_decided_by_what_comes_later() {
    const ROWS: usize = 300_000;
    let mut text = "id,late,flag,sparse,amount\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},,N,,\"1,234\"").unwrap();
    }
    assert!(text.len() > 4 << 20, "the deciding values must stand behind the sample");
    text.push_str("300000,17,Y,hello,\"1,234.50\"\n");
    let done = converted("a.csv", text.clone()).await;

    assert_eq!(done.table.types, ["BIGINT", "BIGINT", "BOOLEAN", "VARCHAR", "DECIMAL(18,2)"]);
    assert_eq!(
        done.table.row(ROWS),
        [Some("300000"), Some("17"), Some("true"), Some("hello"), Some("1234.50")]
    );
    assert_eq!(done.table.row(0), [Some("0"), None, Some("false"), None, Some("1234.00")]);

    // One more that is nothing else decides that it is text.
    text.push_str("300001,x,maybe,17,\"1.234,50\"\n");
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.types, ["BIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"]);
    assert_eq!(done.table.row(0)[4], Some("1,234"));
}

#[tokio::test(flavor = "multi_thread")]
async fn inspecting_a_file_and_converting_it_find_the_same() {
    let mut text = "day,price,flag,late\n".to_owned();
    for n in 0..150_000 {
        writeln!(text, "{:02}/{:02}/2020,\"$1,{:03}\",N,", n % 12 + 1, n % 7 + 1, n % 1000)
            .unwrap();
    }
    for end in ["", "28/02/2020,$0.5,Y,1\n"] {
        let scene = Scene::memory();
        scene.put("a.csv", format!("{text}{end}")).await;
        let receipt = scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
        let inspection = scene.inspect("a.csv", &InspectOptions::default()).await.unwrap();
        let found: Vec<_> =
            inspection.columns.iter().map(|column| (&column.column_type, &column.format)).collect();
        let plan = &receipt.plan.columns;
        let planned: Vec<_> =
            plan.iter().map(|column| (&column.column_type, &column.format)).collect();
        assert_eq!(found, planned, "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_in_another_format_behind_the_sample_is_never_read_in_the_first_one() {
    const ROWS: usize = 150_000;
    let mut text = "id,day,price\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},{:02}/06/2020,\"1,234.{:02}\"", n % 28 + 1, n % 100).unwrap();
    }
    assert!(text.len() > 2 << 20, "the contradiction must stand behind the sample");
    for (line, day, price) in [
        ("150000,01/02/2020,1.00\n", "DATE", "DECIMAL(18,2)"),
        ("150000,1/2/2020,1.00\n", "VARCHAR", "DECIMAL(18,2)"),
        ("150000,2020-02-01,1.00\n", "VARCHAR", "DECIMAL(18,2)"),
        ("150000,01/02/2020,1.5\n", "DATE", "DECIMAL(18,2)"),
        ("150000,01/02/2020,1.505\n", "DATE", "DECIMAL(18,3)"),
        ("150000,01/02/2020,1234.00\n", "DATE", "VARCHAR"),
        ("150000,01/02/2020,\"1,5\"\n", "DATE", "VARCHAR"),
        ("150000,01/02/2020,$1.00\n", "DATE", "VARCHAR"),
    ] {
        let done = converted("a.csv", format!("{text}{line}")).await;
        assert_eq!(done.table.types, ["BIGINT", day, price], "{line}");
        assert_eq!(done.table.rows.len(), ROWS + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_only_an_empty_field_without_quotes_is_a_null() {
    let done = converted("a.csv", "id,word,n\n1,NA,1\n2,\"\",\n3,,\"\"\n4,NULL,NA\n").await;

    assert_eq!(done.table.types, ["BIGINT", "VARCHAR", "VARCHAR"]);
    assert_eq!(done.table.column("word"), [Some("NA"), Some(""), None, Some("NULL")]);
    assert_eq!(
        reason(&done.receipt, "n"),
        "record 4 has `NA`, which is no integer; for nulls give --null 'NA'"
    );
    assert!(done.receipt.plan.decisions.iter().all(|decision| decision.what != "nulls"));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_given_are_nulls_unless_they_are_quoted() {
    let options = ConvertOptions {
        null_words: vec!["NA".to_owned(), "\\N".to_owned(), "-999".to_owned()],
        ..ConvertOptions::default()
    };
    let text = "id,n,word,day\n1,NA,NA,28/01/2018\n2,-999,\"NA\",\\N\n3,7,na,NA\n";
    let done = convert("a.csv", text, &options).await.unwrap();

    assert_eq!(done.table.types, ["BIGINT", "BIGINT", "VARCHAR", "DATE"]);
    assert_eq!(done.table.column("n"), [None, None, Some("7")]);
    assert_eq!(done.table.column("word"), [None, Some("NA"), Some("na")]);
    assert_eq!(done.table.column("day"), [Some("2018-01-28"), None, None]);
    let nulls: Vec<Option<u64>> = done.receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [0, 2, 1, 2].map(Some));
    let decision =
        done.receipt.plan.decisions.iter().find(|decision| decision.what == "nulls").unwrap();
    assert_eq!((decision.value.as_str(), decision.reason.as_str()), ("NA, \\N, -999", "given"));

    let inspect = InspectOptions { null_words: options.null_words, ..InspectOptions::default() };
    let inspection = done.scene.inspect("a.csv", &inspect).await.unwrap();
    let types: Vec<&str> =
        inspection.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(types, done.table.types);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_word_fits_a_forced_type_under_every_policy() {
    for on_bad_row in [BadRowPolicy::Fail, BadRowPolicy::Reject, BadRowPolicy::Repair] {
        let options = ConvertOptions {
            null_words: vec!["n/a".to_owned()],
            on_bad_row,
            ..typed("n", "SMALLINT", None)
        };
        let done = convert("a.csv", "id,n\n1,n/a\n2,7\n", &options).await.unwrap();
        assert_eq!(done.table.column("n"), [None, Some("7")], "{on_bad_row:?}");
        assert_eq!((done.receipt.counts.rejected, done.receipt.counts.repaired), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forced_types_take_the_format_of_their_column() {
    let text = "id;price;n\n1;1.234,50;1,234\n2;5,00;1,234,567\n3;1234,5;12\n";
    let options = ConvertOptions {
        text: delimited_by(";").text,
        type_overrides: vec![
            ("price".to_owned(), "DOUBLE".parse().unwrap()),
            ("n".to_owned(), "INTEGER".parse().unwrap()),
        ],
        ..ConvertOptions::default()
    };
    // The third price has no groups: no one format, and none that is sure by itself.
    let error = convert("a.csv", text, &options).await.err().unwrap();
    assert!(matches!(error, Error::Data { .. }), "{error:?}");

    let options = ConvertOptions {
        column_formats: vec![("price".to_owned(), "#.##0,00".to_owned())],
        ..options
    };
    let done = convert("a.csv", text, &options).await.unwrap();
    assert_eq!(done.table.types, ["BIGINT", "DOUBLE", "INTEGER"]);
    assert_eq!(done.table.column("price"), [Some("1234.5"), Some("5.0"), Some("1234.5")]);
    assert_eq!(done.table.column("n"), [Some("1234"), Some("1234567"), Some("12")]);
    assert_eq!(reason(&done.receipt, "n"), "given, written as #,##0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_in_no_format_of_a_forced_column_is_a_bad_one() {
    let options = ConvertOptions {
        on_bad_row: BadRowPolicy::Reject,
        ..typed("day", "DATE", Some("%d/%m/%Y"))
    };
    let text = "id,day\n1,28/01/2018\n2,01/28/2018\n3, 3/4/2020 \n4,2020-01-02\n";
    let done = convert("a.csv", text, &options).await.unwrap();

    assert_eq!(done.table.column("id"), [Some("1"), Some("3")]);
    assert_eq!(done.table.column("day"), [Some("2018-01-28"), Some("2020-04-03")]);
    assert_eq!(done.receipt.counts.rejected, 2);
    let rejects = done.scene.table("rejects.parquet").await;
    assert_eq!(rejects.column("reason")[0], Some("`01/28/2018` is no DATE written as %d/%m/%Y"));
    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT, "rejects.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_is_none_is_refused_before_anything_is_read() {
    for (kind, format) in [
        ("DATE", "%d/%m/%y"),
        ("DATE", "%d/%m/%Y %H:%M"),
        ("DATE", "#,##0"),
        ("DECIMAL(12,2)", "%d/%m/%Y"),
        ("DECIMAL(12,2)", "#,##0,00"),
        ("VARCHAR", "#,##0"),
        ("BOOLEAN", "si/no"),
    ] {
        let options = typed("x", kind, Some(format));
        let error = convert("a.csv", "id,x\n1,2\n", &options).await.err().unwrap();
        assert!(matches!(error, Error::Request { .. }), "{kind}({format}): {error:?}");
        assert!(error.to_string().contains(format), "{error}");
    }
    let options = ConvertOptions {
        column_formats: vec![("x".to_owned(), "%d/%m/%Y".to_owned())],
        ..ConvertOptions::default()
    };
    let error = convert("a.csv", "id,x\n1,2\n", &options).await.err().unwrap();
    assert!(error.to_string().contains("no type"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn quoted_and_escaped_values_count_like_all_others() {
    let text = "id,price,flag\n1,\"$1,234.50\",\"yes\"\n2,\"$5.25\",no\n";
    let done = converted("a.csv", text).await;
    assert_eq!(done.table.types, ["BIGINT", "DECIMAL(18,2)", "BOOLEAN"]);
    assert_eq!(done.table.column("price"), [Some("1234.50"), Some("5.25")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_beside_decimal_commas_is_not_decided_by_habit() {
    let text = "artikel;menge;preis\nA;1.234;12,50\nB;2.500;1.234,75\nC;10.000;0,99\n";
    let done = convert("a.csv", text, &delimited_by(";")).await.unwrap();

    assert_eq!(done.table.types, ["VARCHAR", "VARCHAR", "DECIMAL(18,2)"]);
    assert_eq!(done.table.column("menge")[0], Some("1.234"));
    let reason = reason(&done.receipt, "menge");
    assert!(reason.contains("DECIMAL(18,0,#.##0) or DECIMAL(18,3,0.000)"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_type_means_the_same_wherever_its_values_stand() {
    for (first, last, kind, fits) in [
        ("13/02/2020", "2020-01-01", "DATE", true),
        ("2020-01-01", "13/02/2020", "DATE", true),
        ("13/02/2020", "1/3/2020", "DATE", false),
        ("2020-01-01", "1/3/2020", "DATE", false),
        ("12", "007", "BIGINT", true),
        ("12", "$1,234.00", "DOUBLE", true),
        ("12", "1,234", "BIGINT", false),
    ] {
        for records in [3, 120_000] {
            let mut text = "id,v\n".to_owned();
            for n in 0..records {
                writeln!(text, "{n},{first}").unwrap();
            }
            writeln!(text, "{records},\"{last}\"").unwrap();
            let done = convert("a.csv", text, &typed("v", kind, None)).await;
            assert_eq!(done.is_ok(), fits, "{first} and {last} as {kind}, {records} records");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_column_does_not_have_two_orders_or_two_currencies() {
    for (kind, one, other) in [("DATE", "13/02/2020", "02/14/2020"), ("DOUBLE", "$5", "€7")] {
        for records in [1, 120_000] {
            let mut text = "id,v\n".to_owned();
            for n in 0..records {
                writeln!(text, "{n},{one}").unwrap();
            }
            writeln!(text, "{records},{other}").unwrap();
            let error = convert("a.csv", text, &typed("v", kind, None)).await.err().unwrap();
            assert!(matches!(error, Error::Request { .. }), "{error:?}");
            assert!(
                error.to_string().contains(one) && error.to_string().contains(other),
                "{error}"
            );
        }
    }
}
