//! Databases through the drivers that the Python of the tests has.

mod postgresql;
#[cfg(feature = "sqlite")]
mod sqlite;

use arrow_array::RecordBatch;
use futures::StreamExt;
use tundra_connectors::adbc::AdbcDriver;
use tundra_core::{Connector, ConnectorError, ExtractRequest, Extraction, Relation};
use tundra_test_services::env;

/// Returns a driver by the path of its library.
fn driver(name: &str) -> AdbcDriver {
    AdbcDriver::new(env::adbc_driver(name).unwrap().to_str().unwrap())
}

fn query(sql: impl Into<String>) -> ExtractRequest {
    ExtractRequest::new(Relation::Query(sql.into()))
}

/// Reads everything that is asked for.
async fn read(
    connector: &dyn Connector,
    request: &ExtractRequest,
) -> Result<(Box<dyn Extraction>, Vec<RecordBatch>), ConnectorError> {
    let mut session = connector.session().await?;
    let mut extraction = session.extract(request).await?;
    let mut stream = extraction.stream(0).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok((extraction, batches))
}
