//! The columns and the first rows of an input.

use tundra_core::{ConvertOptions, InspectOptions, OutputFormat};

use crate::support::Scene;

const SALES: &str = "id,name,price\n1,apple,1.50\n2,,2.25\n3,\"\",0.75\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_of_every_format_are_shown() {
    let scene = Scene::local();
    scene.put("a.csv", SALES).await;
    scene.convert_to("a.csv", "a.parquet", &ConvertOptions::default()).await.unwrap();
    let ndjson =
        ConvertOptions { output_format: OutputFormat::Ndjson, ..ConvertOptions::default() };
    scene.convert_to("a.csv", "a.ndjson", &ndjson).await.unwrap();
    for input in ["a.csv", "a.parquet", "a.ndjson"] {
        let head = scene.head(input, 2).await.unwrap();
        assert_eq!(head.rows.shown(), 2, "{input}");
        assert!(head.rows.more(), "{input}");
        assert_eq!(head.left_out, 0);
        let cells = head.rows.cells();
        assert_eq!(cells[0][1].as_deref(), Some("apple"));
        assert_eq!(cells[1][1], None);
        let lines = String::from_utf8(head.rows.encode(OutputFormat::Ndjson).unwrap()).unwrap();
        assert_eq!(
            lines,
            "{\"id\":1,\"name\":\"apple\",\"price\":1.5}\n{\"id\":2,\"name\":null,\"price\":2.25}\n"
        );
        let all = scene.head(input, 100).await.unwrap();
        assert_eq!((all.rows.shown(), all.rows.more()), (3, false), "{input}");
        let none = scene.head(input, 0).await.unwrap();
        assert_eq!((none.rows.shown(), none.rows.more()), (0, true), "{input}");
        assert_eq!(none.rows.columns().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_those_of_a_conversion_and_a_beginning_is_said_to_be_one() {
    let mut csv = String::from("a,b\n");
    for number in 0..300_000 {
        csv.push_str(&format!("{number},{number}\n"));
    }
    csv.push_str("last,0\n");
    let scene = Scene::local();
    scene.put("a.csv", csv).await;
    let all = scene.columns("a.csv", &InspectOptions::default()).await.unwrap();
    assert!(all.complete);
    assert_eq!(all.columns[0].column_type, "VARCHAR");
    let quick = InspectOptions { sample_size: Some(1), ..InspectOptions::default() };
    let quick = scene.columns("a.csv", &quick).await.unwrap();
    assert!(!quick.complete);
    assert_eq!(quick.columns[0].column_type, "BIGINT");
    // Rows before and behind the value that contradicts the beginning.
    let few = scene.head("a.csv", 3).await.unwrap();
    assert_eq!(few.rows.cells()[2], [Some("2".to_owned()), Some("2".to_owned())]);
    let many = scene.head("a.csv", 1_000_000).await.unwrap();
    assert_eq!(many.rows.shown(), 300_001);
    assert_eq!(many.rows.cells()[300_000][0].as_deref(), Some("last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_read_are_counted_where_rows_are_shown() {
    let scene = Scene::local();
    scene.put("a.csv", "a,b\n1,2\n3,4,5,6\n7,8\n9,10\n11,12,13,14\n").await;
    let head = scene.head("a.csv", 2).await.unwrap();
    assert_eq!(head.left_out, 1);
    assert_eq!(head.rows.cells()[1][0].as_deref(), Some("7"));
}
