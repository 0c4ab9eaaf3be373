//! Values that no type holds, under each policy.

use arrow_array::{Array, cast::AsArray};
use tundra_core::{ErrorKind, OnLossy};

use crate::mariadb::support::{Server, query, table};

/// A type, a value of it that fits, one that does not, and both as the server prints them.
struct Case(&'static str, [&'static str; 2], [&'static str; 2]);

const CASES: &[Case] = &[
    Case("DATE", ["2024-02-29", "0000-00-00"], ["2024-02-29", "0000-00-00"]),
    Case("DATE", ["2024-02-29", "2023-02-31"], ["2024-02-29", "2023-02-31"]),
    Case("DATE", ["2024-02-29", "2023-00-10"], ["2024-02-29", "2023-00-10"]),
    Case("DATE", ["2024-02-29", "2023-10-00"], ["2024-02-29", "2023-10-00"]),
    Case(
        "DATETIME",
        ["2024-02-29 12:34:56", "0000-00-00"],
        ["2024-02-29 12:34:56", "0000-00-00 00:00:00"],
    ),
    Case(
        "DATETIME(3)",
        ["2024-02-29 12:34:56.7", "2023-04-31 01:02:03.45"],
        ["2024-02-29 12:34:56.700", "2023-04-31 01:02:03.450"],
    ),
    Case(
        "TIMESTAMP(6) NULL",
        ["2024-02-29 12:34:56", "0000-00-00"],
        ["2024-02-29 12:34:56.000000", "0000-00-00 00:00:00.000000"],
    ),
    Case("TIME", ["23:59:59", "24:00:00"], ["23:59:59", "24:00:00"]),
    Case("TIME", ["00:00:00", "-00:00:01"], ["00:00:00", "-00:00:01"]),
    Case("TIME", ["10:00:00", "-838:59:59"], ["10:00:00", "-838:59:59"]),
    Case("TIME(2)", ["10:00:00.5", "838:59:59"], ["10:00:00.50", "838:59:59.00"]),
];

/// Makes a table of a value that fits, one that does not, and a null.
fn fill(server: &Server, case: &Case) {
    let Case(kind, [good, bad], _) = case;
    server.run(&format!(
        "SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES';
         CREATE OR REPLACE TABLE lossy (id INT PRIMARY KEY, c {kind}, d DATE);
         INSERT INTO lossy VALUES (1, '{good}', '2020-01-01'), (2, '{bad}', '2020-01-01'),
             (3, NULL, NULL)"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_fails_and_is_named() {
    let server = Server::create();
    for case @ Case(kind, _, [_, bad]) in CASES {
        fill(&server, case);
        let error = server.refused(&table("lossy")).await;
        assert_eq!(error.kind, ErrorKind::InvalidData, "{kind}: {error}");
        // The server's text, and the decimals that it has.
        let shown = bad.trim_end_matches('0').trim_end_matches('.');
        for part in ["row 2", "column `c`", shown] {
            assert!(error.reason.contains(part), "{kind}: `{}` has no `{part}`", error.reason);
        }
        assert!(error.hints.iter().any(|hint| hint.contains("--on-lossy")), "{:?}", error.hints);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_becomes_null_and_is_counted() {
    let server = Server::create();
    for case @ Case(kind, ..) in CASES {
        fill(&server, case);
        let mut request = table("lossy");
        (request.on_lossy, request.partitions) = (OnLossy::Null, Some(1));
        let read = server.read(&request).await.unwrap();
        let column = read.column("c");
        let nulls: Vec<bool> = (0..3).map(|row| column.is_null(row)).collect();
        assert_eq!(nulls, [false, true, true], "{kind}");
        let [event] = read.ends[0].events.as_slice() else {
            panic!("{kind}: {:?}", read.ends);
        };
        assert_eq!((event.code.as_str(), event.count), ("value_to_null", 1), "{kind}");
        assert_eq!(event.samples[0].column.as_deref(), Some("c"), "{kind}");
        assert_eq!(event.samples[0].record, 2, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_makes_its_column_text_as_the_server_prints_it() {
    let server = Server::create();
    for case @ Case(kind, _, printed) in CASES {
        fill(&server, case);
        let requests = [table("lossy"), query("SELECT * FROM lossy ORDER BY id")];
        for mut request in requests {
            (request.on_lossy, request.partitions) = (OnLossy::Text, Some(1));
            let read = server.read(&request).await.unwrap();
            let column = read.column("c").as_string::<i32>();
            assert_eq!([column.value(0), column.value(1)], *printed, "{kind}");
            assert!(column.is_null(2), "{kind}");
            // The other column holds nothing that does not fit.
            assert_eq!(read.column("d").data_type(), &arrow_schema::DataType::Date32, "{kind}");
        }
    }
}
