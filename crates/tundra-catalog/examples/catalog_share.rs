//! Measures what a catalog in a file costs each of many conversions: `catalog_share FILE [RUNS]
//! [AT_ONCE] [MILLISECONDS]`. The last is how long each pretends to convert; none is the worst case.

use std::{
    env,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use tundra_catalog::SqliteCatalog;
use tundra_core::{
    Catalog, CatalogError, NewSource, Reserved, SchemaRule, Scope, SourceId, SourceType,
    TableColumn, TableSchema, VersionFacts,
};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("name a file that is not there yet")?;
    let mut number = |otherwise: usize| arguments.next().map_or(Ok(otherwise), |it| it.parse());
    let (runs, at_once, pause) = (number(1000)?, number(16)?, number(0)?);
    let pause = Duration::from_millis(u64::try_from(pause)?);

    let catalog = SqliteCatalog::open(&path).await?;
    let mut ids = Vec::new();
    for _ in 0..at_once {
        ids.push(add(&catalog).await?);
    }
    let began = Instant::now();
    let shares = stream::iter(0..runs)
        .map(|run| share(&catalog, ids[run % at_once], pause))
        .buffer_unordered(at_once);
    let shares: Vec<Result<Duration, CatalogError>> = shares.collect().await;
    let took = began.elapsed();
    let mut shares = shares.into_iter().collect::<Result<Vec<_>, _>>()?;
    shares.sort_unstable();
    let sum: Duration = shares.iter().sum();
    println!(
        "{runs} runs, {at_once} at once, each pausing {pause:?}: {took:?} in all; \
         the catalog's share is {:?} in the mean, {:?} in the median, {:?} at 99 %, {:?} at most",
        sum / u32::try_from(runs)?,
        shares[runs / 2],
        shares[runs * 99 / 100],
        shares[runs - 1],
    );
    Ok(())
}

async fn add(catalog: &dyn Catalog) -> Result<SourceId, CatalogError> {
    let source = NewSource {
        id: SourceId::generate(),
        tenant: "acme".parse().map_err(|_| {
            CatalogError::new("name a tenant", tundra_core::ErrorKind::Internal, "it is no tenant")
        })?,
        name: None,
        source_type: SourceType::File,
        connector_type: "csv".to_owned(),
        location: None,
        schema_rule: SchemaRule::Any,
    };
    Ok(catalog.add_source(&source).await?.id)
}

/// Returns how long the catalog took of one run.
async fn share(
    catalog: &dyn Catalog,
    id: SourceId,
    pause: Duration,
) -> Result<Duration, CatalogError> {
    let began = Instant::now();
    let source = catalog.source(&Scope::All, id).await?;
    let (Reserved::New(version) | Reserved::Earlier(version) | Reserved::OtherRequest(version)) =
        catalog.reserve(&source, None).await?;
    let before = began.elapsed();
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let column = |number| TableColumn {
        name: format!("column {number}"),
        column_type: "VARCHAR".to_owned(),
    };
    let facts = VersionFacts {
        rows: 200,
        columns: 10,
        size_bytes: 10_000,
        seconds: 0.05,
        receipt_sha256: Some("0123456789abcdef".repeat(4)),
        schema: Some(TableSchema { columns: (0..10).map(column).collect() }),
        extraction_query: None,
    };
    let began = Instant::now();
    catalog.check_pending(&version).await?;
    catalog.activate(&version, &facts).await?;
    Ok(before + began.elapsed())
}
