//! One run of a source that is a relation of a database.
//!
//! Start at [`Runs::extract`]. A run that reads only what changed goes on where the current version
//! ended: that stands in the version's receipt, so that a rollback takes it back, too.

use std::{sync::Arc, time::Instant};

use tundra_core::{
    Connector, Control, ExtractRequest, IdempotencyKey, Relation, Resources, Scope, Source,
    SourceType, WriteOptions,
    engine::{self, OpenRelation},
};
use tundra_storage::UploadFate;

use crate::{
    RunError, RunResult, Runs,
    owner::{Outcome, Owner, Published},
};

/// What is to be extracted, and how.
#[derive(Debug, Clone)]
pub struct DatabaseRun {
    /// The source, as the catalog has it now.
    pub source: Source,
    /// The database.
    pub connector: Arc<dyn Connector>,
    /// What is read of it. A window that does not say where it begins goes on where the current version
    /// of the source ended.
    pub request: ExtractRequest,
    /// How it is written.
    pub options: WriteOptions,
    /// What the run may use.
    pub resources: Resources,
    /// The caller's name for this request, if it has one.
    pub key: Option<IdempotencyKey>,
}

impl Runs {
    /// Extracts a relation into a new version of a source, and makes that the current one if no newer is.
    ///
    /// Must be called within a Tokio runtime. A run that fails leaves its version with the status
    /// `error` and the message, and no objects.
    ///
    /// # Errors
    /// As [`Runs::convert_file`]; and when the source is none of this kind of database.
    ///
    /// # Cancellation
    /// As [`Runs::convert_file`]. The queries on the server end, too.
    pub async fn extract(&self, run: DatabaseRun, control: &Control) -> RunResult<Outcome> {
        check_source(&run.source, &*run.connector)?;
        run.options.files.check_single("a version of a source")?;
        run.options.check_readable("a version of a source")?;
        let owner = match Owner::reserve(self, &run.source, run.key.as_ref()).await? {
            Ok(owner) => owner,
            Err(earlier) => return Ok(Outcome::Earlier(earlier)),
        };
        let published = match publish(&owner, &run, control).await {
            Ok(published) => published,
            Err(error) => return Err(owner.give_up(error).await),
        };
        owner.settle(published, UploadFate::Keep).await.map(Box::new).map(Outcome::Converted)
    }

    /// Returns where a window goes on: behind the one of the current version. From the beginning where
    /// that has none.
    async fn goes_on_after(
        &self,
        source: &Source,
        connector: &dyn Connector,
        relation: &Relation,
        column: &str,
    ) -> RunResult<Option<String>> {
        // As it is now: another run may have ended since the caller looked.
        let scope = Scope::Tenant(source.tenant.clone());
        let source = self.catalog.source(&scope, source.id).await?;
        let Some(current) = source.current_version else { return Ok(None) };
        let Some(receipt) = self.receipt(&source, current).await? else { return Ok(None) };
        let Some(window) = &receipt.window else { return Ok(None) };
        let other = |what: &'static str| RunError::OtherWindow {
            source_label: source.label(),
            version: current,
            what,
        };
        let read = &receipt.plan.source;
        let database = read.database.as_ref().ok_or_else(|| other("input"))?;
        let is_same = match relation {
            Relation::Table(name) => database.table.as_ref() == Some(&name.to_string()),
            Relation::Query(query) => database.query.as_ref() == Some(query),
        };
        // Where a window ended says nothing of another column, table or database, and is written as
        // one connector writes it.
        if window.column != column {
            return Err(other("column"));
        }
        if !is_same {
            return Err(other("table"));
        }
        if read.location != connector.display() || read.format != connector.name() {
            return Err(other("database"));
        }
        Ok(window.until.clone())
    }
}

/// Checks that the source is what the connector reads.
fn check_source(source: &Source, connector: &dyn Connector) -> RunResult<()> {
    let name = source.connector_type.trim();
    let is_told = !name.is_empty() && !name.eq_ignore_ascii_case("auto");
    if source.source_type != SourceType::Database
        || is_told && !name.eq_ignore_ascii_case(connector.database())
    {
        return Err(RunError::NotThisDatabase {
            source_label: source.label(),
            connector_type: source.connector_type.clone(),
            database: connector.display(),
        });
    }
    Ok(())
}

/// Does everything up to the point where only the catalog has to be told.
async fn publish(owner: &Owner<'_>, run: &DatabaseRun, control: &Control) -> RunResult<Published> {
    let began = Instant::now();
    let DatabaseRun { connector, request, options, resources, .. } = run;
    let mut request = request.clone();
    if let Some(window) = &mut request.window
        && window.after.is_none()
    {
        let (runs, relation) = (owner.runs, &request.relation);
        let after = runs.goes_on_after(owner.source, &**connector, relation, &window.column);
        window.after = after.await?;
    }
    let output = owner.output()?;
    let mut session = engine::open_session(&**connector, control).await?;
    // What is left of the time.
    let timeout = control.timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
    let control = Control { timeout, ..control.clone() };
    let relation = OpenRelation::open(&**connector, &mut *session, &request, &control).await?;
    let prepared = engine::prepare_extraction(relation, &output, options, resources).await?;
    let query = match &request.relation {
        Relation::Table(name) => format!("TABLE {name}"),
        Relation::Query(query) => query.clone(),
    };
    owner.publish(prepared, Some(query), false).await
}
