//! Many extractions of a table between whose rows amounts are moved all the time: the sum is exact in
//! every one, on several connections too, and over several tables between which they are moved.

mod mariadb;
mod postgresql;
mod sqlite;

use std::sync::Arc;

use arrow_array::{cast::AsArray, types::Int64Type};
use bytes::Bytes;
use futures::{StreamExt, stream};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;
use tundra_connectors::ConnectionSettings;
use tundra_core::{
    Cancel, Connector, Control, ExtractRequest, IfExists, Output, Relation, Resources, Silent,
    Storage, TableName, WriteOptions,
    engine::{self, Prepared},
};
use tundra_storage::MemoryStorage;

/// The accounts, with their first amounts.
const ACCOUNTS: u64 = 500;
const AMOUNT: i64 = 1000;

/// Returns the connector of a URL, which may lead to this machine.
fn connector(url: &str) -> Arc<dyn Connector> {
    let mut settings = ConnectionSettings::from_url(url).unwrap();
    settings.addresses = tundra_connectors::AddressPolicy::PrivateAllowed;
    settings.allowed_directories = tundra_connectors::AllowedDirectories::Everything;
    tundra_connectors::connector(settings).unwrap()
}

/// The tables between which amounts are moved, `account_1` and so on, each with all accounts.
const TABLES: usize = 4;

fn resources(spill: &TempDir) -> Resources {
    Resources {
        threads: 2,
        memory: 1 << 29,
        temp_directory: spill.path().to_owned(),
        max_temp_size: 1 << 30,
    }
}

/// Reads all tables so many times, each time under one snapshot and several of them at once, and checks
/// the sum over all of them.
async fn sums_over_tables_are_exact(connector: &dyn Connector, dumps: usize) {
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let spill = tempfile::tempdir().unwrap();
    let (mut differences, mut before) = (0, None);
    for count in 0..dumps {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let wanted = (1..=TABLES).map(|number| {
            let name = format!("account_{number}");
            let path = format!("{name}.parquet").parse().unwrap();
            let output = Output { storage: storage.clone(), path, if_exists: IfExists::Fail };
            let table = Relation::Table(TableName { schema: None, name });
            let partitions = Some(1 + (count + number) % 3);
            (ExtractRequest { partitions, ..ExtractRequest::new(table) }, output)
        });
        let wanted: Vec<_> = wanted.collect();
        let outputs: Vec<Output> = wanted.iter().map(|(_, output)| output.clone()).collect();
        let mut session = engine::open_session(connector, &control).await.unwrap();
        let (from, options) = ((connector, &mut *session), WriteOptions::default());
        let prepared =
            engine::prepare_extractions(from, wanted, &options, &resources(&spill), &control, 4)
                .await
                .unwrap();
        let receipts = Prepared::publish_all(prepared).await.unwrap();
        let mut sums = Vec::new();
        for (receipt, output) in receipts.iter().zip(&outputs) {
            assert_eq!(receipt.counts.written, ACCOUNTS, "dump {count}");
            let object = storage.open(&output.path).await.unwrap();
            sums.push(sum(object.read(0..object.info().size).await.unwrap()).0);
        }
        let all = AMOUNT * i64::try_from(ACCOUNTS).unwrap() * i64::try_from(TABLES).unwrap();
        assert_eq!(sums.iter().sum::<i64>(), all, "dump {count}");
        differences += usize::from(before.is_some_and(|before| before != sums));
        before = Some(sums);
    }
    // Else nothing was moved meanwhile, and this would have shown nothing.
    assert!(differences > dumps / 10, "the sums differed {differences} times only");
}

/// How many extractions are under way at a time: they wait for the server more than they compute.
const AT_ONCE: usize = 4;

/// Reads the table `account` so many times, and checks every output.
async fn sums_are_exact(connector: &dyn Connector, extractions: usize) {
    let spill = tempfile::tempdir().unwrap();
    let resources = resources(&spill);
    let all = stream::iter(0..extractions)
        .map(|count| extraction(connector, &resources, count))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let several = all.iter().filter(|(streams, _)| *streams > 1).count();
    // On one connection every database is exact.
    assert!(several > extractions / 3, "there were several streams {several} times only");
    let differences = all.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    // Else nothing was moved meanwhile, and this would have shown nothing.
    assert!(differences > extractions / 10, "the amounts differed {differences} times only");
}

/// Reads the table once, in one to three streams, and returns in how many and every amount.
async fn extraction(
    connector: &dyn Connector,
    resources: &Resources,
    count: usize,
) -> (u64, Vec<i64>) {
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let table = TableName { schema: None, name: "account".to_owned() };
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let path = "account.parquet".parse().unwrap();
    let output = Output { storage: storage.clone(), path, if_exists: IfExists::Fail };
    let request = ExtractRequest {
        partitions: Some(1 + count % 3),
        ..ExtractRequest::new(Relation::Table(table))
    };
    let mut session = engine::open_session(connector, &control).await.unwrap();
    let from = (connector, &mut *session);
    let options = WriteOptions::default();
    let receipt =
        engine::extract(from, &request, &output, &options, resources, &control).await.unwrap();
    assert_eq!(receipt.counts.written, ACCOUNTS, "extraction {count}");
    let object = storage.open(&output.path).await.unwrap();
    let (sum, amounts) = sum(object.read(0..object.info().size).await.unwrap());
    assert_eq!(sum, AMOUNT * i64::try_from(ACCOUNTS).unwrap(), "extraction {count}");
    (receipt.plan.source.database.unwrap().streams, amounts)
}

/// Returns the sum of all amounts and each of them by its account.
fn sum(bytes: Bytes) -> (i64, Vec<i64>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let mut amounts = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let ids = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>();
        let values = batch.column_by_name("amount").unwrap().as_primitive::<Int64Type>();
        amounts.extend(ids.values().iter().copied().zip(values.values().iter().copied()));
    }
    amounts.sort_unstable();
    (amounts.iter().map(|(_, amount)| amount).sum(), amounts.iter().map(|it| it.1).collect())
}
