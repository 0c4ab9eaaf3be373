//! When two values are equal, type by type.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, ListArray},
    datatypes::Float64Type,
};
use tundra_core::{ConvertOptions, InspectOptions, engine::ColumnChange};

use super::{by, changes, compare, csv, keyed, parquet, whole};
use crate::support::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn nulls_nans_and_both_zeros_are_equal() {
    let scene = Scene::local();
    let file = |values: [Option<f64>; 5]| {
        let ids: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3), Some(4), None]));
        let lists = values.map(|value| Some(vec![value, None]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists));
        let values: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        parquet(vec![("id", ids), ("x", values), ("list", lists)])
    };
    let nan = f64::from_bits(0xfff8_0000_0000_0001);
    scene.put("a.parquet", file([Some(f64::NAN), Some(0.0), None, None, Some(1.0)])).await;
    scene.put("b.parquet", file([Some(nan), Some(-0.0), None, Some(0.0), Some(1.0)])).await;
    let names = ["a.parquet", "b.parquet"];
    let diff = scene.diff(names, &InspectOptions::default(), &by(&["id"])).await.unwrap();
    let rows = keyed(&diff);
    assert_eq!((rows.same, rows.changed, rows.removed, rows.added), (4, 1, 0, 0));
    assert_eq!(changes(rows), ["4 x - 0.0", "4 list [null,null] [0.0,null]"]);
    let diff = scene.diff(names, &InspectOptions::default(), &by(&[])).await.unwrap();
    assert_eq!((whole(&diff).same, whole(&diff).removed, whole(&diff).added), (4, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_compared_by_their_bytes() {
    let a = "id,text\n1,a\n2,Ä\n3,\"\"\n4,é\n5,x y\n6,same\n";
    let b = "id,text\n1,A\n2,ä\n3,\n4,e\u{301}\n5,x\u{a0}y\n6,same\n";
    let diff = csv(a, b, &["id"]).await;
    assert_eq!(keyed(&diff).changed, 5);
    assert!(changes(keyed(&diff)).contains(&"3 text  -".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_different_types_are_compared_as_numbers() {
    // Integers and floating point: exact beyond what floating point holds.
    let a = "id,n\n1,1\n2,9007199254740993\n3,0\n4,7\n";
    let b = "id,n\n1,1.0\n2,9007199254740992.0\n3,-0.0\n4,1e300\n";
    let diff = csv(a, b, &["id"]).await;
    let [ColumnChange::Retyped { compared_as, .. }] = &diff.columns[..] else {
        panic!("{:?}", diff.columns)
    };
    assert_eq!(compared_as, "numbers");
    let rows = keyed(&diff);
    let changed: Vec<String> =
        rows.changes.iter().map(|change| change.key[0].clone().unwrap()).collect();
    assert_eq!(changed, ["2", "4"]);
    let diff = csv(b, a, &["id"]).await;
    assert_eq!(keyed(&diff).changed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_of_different_types_are_compared_as_numbers() {
    let scene = Scene::local();
    scene.put("a.csv", "id,n\n1,1.50\n2,2.25\n3,-3.00\n").await;
    scene.put("b.csv", "id,n\n1,1.5\n2,2.26\n3,-3\n").await;
    for (kind, name) in [("DECIMAL(12,4)", "a.parquet"), ("DECIMAL(5,2)", "b.parquet")] {
        let options = ConvertOptions {
            type_overrides: vec![("n".to_owned(), kind.parse().unwrap())],
            ..ConvertOptions::default()
        };
        scene.convert_to(&name.replace("parquet", "csv"), name, &options).await.unwrap();
    }
    for names in [["a.parquet", "b.parquet"], ["a.parquet", "b.csv"], ["a.csv", "b.parquet"]] {
        let diff = scene.diff(names, &InspectOptions::default(), &by(&["id"])).await.unwrap();
        assert_eq!(keyed(&diff).changed, 1, "{names:?}: {diff:?}");
        assert_eq!(keyed(&diff).changes[0].key, [Some("2".to_owned())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_type_in_common_is_compared_as_text() {
    let a = "id,zip,day\n1,100,2024-01-01\n2,200,2024-01-02\n3,300,2024-01-03\n";
    let b = "id,zip,day\n1,100,2024-01-01\n2,0200,on Monday\n3,300,2024-01-03\n";
    let diff = csv(a, b, &["id"]).await;
    let compared: Vec<&str> = diff
        .columns
        .iter()
        .map(|it| match it {
            ColumnChange::Retyped { compared_as, .. } => compared_as.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(compared, ["text", "text"]);
    assert_eq!(changes(keyed(&diff)), ["2 zip 200 0200", "2 day 2024-01-02 on Monday"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_values_are_compared() {
    let a = "{\"id\":1,\"who\":{\"name\":\"Ada\",\"tags\":[1,2]}}\n{\"id\":2,\"who\":{\"name\":null,\"tags\":[]}}\n";
    let b = "{\"id\":1,\"who\":{\"name\":\"Ada\",\"tags\":[2,1]}}\n{\"id\":2,\"who\":{\"name\":null,\"tags\":[]}}\n";
    let diff = compare(("a.ndjson", a), ("b.ndjson", b), &by(&["id"])).await.unwrap();
    assert_eq!(keyed(&diff).changed, 1, "{diff:?}");
    assert_eq!(keyed(&diff).changes[0].values[0].column, "who");
    let scene = Scene::local();
    scene.put("a.ndjson", a).await;
    scene.convert_to("a.ndjson", "a.parquet", &ConvertOptions::default()).await.unwrap();
    let names = ["a.ndjson", "a.parquet"];
    let diff = scene.diff(names, &InspectOptions::default(), &by(&["id"])).await.unwrap();
    assert!(diff.is_same(), "{diff:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_the_same_as_itself_in_parquet() {
    let text = "id,b,i,d,f,day,at,tz,t,u,j,x\n\
                1,true,-5,1.25,1e300,2024-02-29,2024-01-01T00:00:00.000001,2024-01-01T00:00:00Z,23:59:59,\
                0188a5eb-5a6c-7b2e-8f3a-1c2d3e4f5a6b,\"{\"\"a\"\": [1]}\",été\n\
                2,,,,,,,,,,,\n";
    let scene = Scene::local();
    scene.put("a.csv", text).await;
    let options = ConvertOptions {
        type_overrides: [("j", "JSON"), ("u", "UUID"), ("d", "DECIMAL(9,4)")]
            .map(|(name, kind)| (name.to_owned(), kind.parse().unwrap()))
            .into(),
        ..ConvertOptions::default()
    };
    scene.convert_to("a.csv", "a.parquet", &options).await.unwrap();
    for names in [["a.csv", "a.parquet"], ["a.parquet", "a.csv"], ["a.parquet", "a.parquet"]] {
        for key in [&["id"][..], &["u", "j", "tz", "d", "x"], &[]] {
            let diff = scene.diff(names, &InspectOptions::default(), &by(key)).await.unwrap();
            assert!(diff.rows.is_same(), "{names:?} {key:?}: {diff:?}");
        }
    }
}
