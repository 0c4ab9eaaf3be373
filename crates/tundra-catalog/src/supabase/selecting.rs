//! Which version readers see, on purpose, and the end of those that they do not see.
//!
//! What is selected stands with the source, and what is active with the version, and no request
//! changes both. So whoever selects looks at the version once more when it is done, and whoever
//! retires at the source: when both meet, at least one gives way, and neither is left half done.

use serde_json::{Value, json};
use tundra_core::{Source, SourceId, Version, VersionNumber, VersionStatus};
use uuid::Uuid;

use super::{
    SupabaseCatalog,
    client::{Changed, Row},
    columns,
    failure::Problem,
    sources::{SOURCES, missing},
    versions::{Found, ended, failed_with, gone},
};

impl SupabaseCatalog {
    /// Selects the version and returns the source as it is now.
    pub(super) async fn make_current(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Source, Problem> {
        let chosen = self.version_by_number(source.id, number).await?;
        if chosen.status != VersionStatus::Active {
            return Err(ended(&chosen));
        }
        // Before, so that none is made that is not recorded.
        let record = self.record_selection(source, number, reason).await?;
        let selected = self.set_current(source.id, source.current_version, number).await;
        let refused = match selected {
            Ok(Some(now)) => match self.look(&chosen).await? {
                Found::Row(version) if version.status == VersionStatus::Active => return Ok(now),
                // It was retired between the two.
                Found::Row(version) => {
                    self.unset_current(source, number).await?;
                    ended(&version)
                }
                Found::Gone => gone(&chosen),
            },
            Ok(None) => match self.find_source(source.id).await? {
                None => missing(source.id),
                // Somebody on the way sent the request twice, or somebody else wants the same.
                Some(now) if now.current_version == Some(number) => return Ok(now),
                Some(_) => {
                    let seen =
                        source.current_version.map_or("none".to_owned(), |it| it.to_string());
                    Problem::conflict(format!("the current version is no longer {seen}"))
                        .with_hint("look at the source again, and choose again")
                }
            },
            // It may have been made: then the record is true.
            Err(problem) => return Err(problem),
        };
        if let Some(record) = record {
            self.remove_record(record).await?;
        }
        Err(refused)
    }

    /// Sets the current version if it is the one that was seen. Returns nothing when it is not.
    async fn set_current(
        &self,
        id: SourceId,
        seen: Option<VersionNumber>,
        number: VersionNumber,
    ) -> Result<Option<Source>, Problem> {
        let row = json!({ "current_version": number.get() }).to_string();
        let request = self.client.table(SOURCES).update(row).eq("id", id.to_string());
        let request = match seen {
            Some(seen) => request.eq("current_version", seen.get().to_string()),
            None => request.or("current_version.is.null,current_version.eq.0"),
        };
        let look = async || {
            let now = self.find_source(id).await?;
            let current = now.as_ref().and_then(|source| source.current_version);
            let is_open = now.is_some() && current == seen && seen != Some(number);
            Ok((!is_open).then_some(now.filter(|_| current == Some(number))))
        };
        Ok(match self.client.change(request, Some(id.as_uuid()), look).await? {
            Changed::Answered(rows) => rows.first().map(|row| self.source_of(row)).transpose()?,
            Changed::Found(found) => found,
        })
    }

    /// Takes a selection back.
    async fn unset_current(&self, source: &Source, number: VersionNumber) -> Result<(), Problem> {
        let row =
            json!({ "current_version": source.current_version.map_or(0, VersionNumber::get) });
        let request = self.client.table(SOURCES).update(row.to_string());
        let request = request.select("id").eq("id", source.id.to_string());
        let request = request.eq("current_version", number.get().to_string());
        let is_done = async || {
            let now = self.find_source(source.id).await?;
            Ok(now.is_none_or(|now| now.current_version != Some(number)).then_some(()))
        };
        self.client.change(request, Some(source.id.as_uuid()), is_done).await?;
        Ok(())
    }

    /// Records a selection and returns the record's id; nothing where none are kept.
    async fn record_selection(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Option<Uuid>, Problem> {
        if !self.columns.has(columns::SELECTIONS) {
            tracing::warn!(source = %source.id, version = %number, reason, "selected a version; the catalog keeps no record of it");
            return Ok(None);
        }
        let id = Uuid::new_v4();
        let row = json!({
            "id": id,
            "source_id": source.id.to_string(),
            "from_version": source.current_version.map(VersionNumber::get),
            "to_version": number.get(),
            "reason": Version::message(reason),
        });
        let request = self.client.table(columns::SELECTIONS).insert(row.to_string()).select("id");
        match self.client.change(request, Some(id), || self.find_record(id)).await {
            Ok(_) => Ok(Some(id)),
            Err(problem) if has_no_table(&problem) => {
                self.columns.lacks(columns::SELECTIONS);
                Box::pin(self.record_selection(source, number, reason)).await
            }
            Err(problem) if problem.code() == Some("23503") => Err(missing(source.id)),
            // Somebody on the way sent the request twice: nobody else knows the id.
            Err(problem) if problem.code() == Some("23505") => Ok(Some(id)),
            Err(problem) => Err(problem),
        }
    }

    async fn find_record(&self, id: Uuid) -> Result<Option<()>, Problem> {
        let request = self.client.table(columns::SELECTIONS).select("id").eq("id", id.to_string());
        match self.client.read(request, Some(id)).await.map_err(Problem::from) {
            Ok(page) => Ok(page.rows.first().map(|_| ())),
            Err(problem) if has_no_table(&problem) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn remove_record(&self, id: Uuid) -> Result<(), Problem> {
        let request = self.client.table(columns::SELECTIONS).delete().select("id");
        let is_done = async || Ok(self.find_record(id).await?.is_none().then_some(()));
        self.client.change(request.eq("id", id.to_string()), Some(id), is_done).await?;
        Ok(())
    }

    pub(super) async fn make_retired(
        &self,
        version: &Version,
        message: &str,
    ) -> Result<(), Problem> {
        let is_current = || {
            let reason = format!("the version {} is the current one", version.number);
            Problem::conflict(reason).with_hint("select another version first")
        };
        self.not_current(version).await?.then_some(()).ok_or_else(is_current)?;
        let row = failed_with(message);
        let kept = Version::message(message);
        let is_done = |now: &Version| {
            now.status == VersionStatus::Error && now.error_message.as_deref() == Some(&*kept)
        };
        let retired = {
            let request = self.version_change(version, VersionStatus::Active, &row);
            let look = || self.look_for(version, VersionStatus::Active, is_done);
            self.client.change(request, Some(version.id), look).await?
        };
        let found = match retired {
            Changed::Answered(rows) if !rows.is_empty() => None,
            // Somebody on the way may have sent the request twice.
            Changed::Answered(_) => Some(self.look(version).await?),
            Changed::Found(found) => Some(found),
        };
        match found {
            Some(Found::Row(now)) if !is_done(&now) => return Err(ended(&now)),
            Some(Found::Gone) => return Err(gone(version)),
            Some(Found::Row(_)) | None => {}
        }
        if self.not_current(version).await? {
            return Ok(());
        }
        // It was selected between the two.
        let row = Row::from_iter([
            ("status".to_owned(), json!(VersionStatus::Active.name())),
            ("error_message".to_owned(), Value::Null),
        ]);
        let look = || {
            self.look_for(version, VersionStatus::Error, |now| now.status == VersionStatus::Active)
        };
        self.change_version(version, VersionStatus::Error, &row, look).await?;
        Err(is_current())
    }

    /// Returns whether readers see another version.
    async fn not_current(&self, version: &Version) -> Result<bool, Problem> {
        let source = self.find_source(version.source).await?.ok_or_else(|| gone(version))?;
        Ok(source.current_version != Some(version.number))
    }
}

fn has_no_table(problem: &Problem) -> bool {
    matches!(problem.code(), Some("PGRST205" | "42P01"))
}
