//! Versions in the tables: reserved, ended and listed.

use std::time::SystemTime;

use serde_json::{Value, json};
use tundra_core::{
    ErrorKind, IdempotencyKey, Reserved, Scope, Source, SourceId, TableColumn, TableSchema,
    Version, VersionFacts, VersionNumber, VersionStatus,
};
use uuid::Uuid;

use super::{
    SupabaseCatalog,
    client::{Changed, Row, id_of},
    columns,
    failure::Problem,
    rows,
    sources::{SOURCES, missing, not_shown},
};

pub(super) const VERSIONS: &str = "source_versions";

/// A version with the current one of its source.
const WITH_CURRENT: &str = "*,sources(current_version)";

/// How many numbers to try for. Of so many that reserve at once for one source, the last one is as often
/// too late.
const NUMBERS: usize = 64;

/// What a change comes to that could not be made.
pub(super) enum Found {
    /// The row, as it is now.
    Row(Version),
    /// There is none any more.
    Gone,
}

impl SupabaseCatalog {
    pub(super) async fn insert_version(
        &self,
        source: &Source,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reserved, Problem> {
        let mut number = next_after(source.current_version, source.id)?;
        let fresh = Uuid::new_v4();
        let mut tried = 0;
        while tried < NUMBERS {
            let has_keys = self.columns.has(columns::KEY);
            // Without a column for it the key is in the id, which there cannot be two of.
            let named = key.filter(|_| !has_keys).map(|key| id_of_key(source.id, key));
            let id = named.unwrap_or(fresh);
            let mut row = Row::from_iter([
                ("id".to_owned(), json!(id)),
                ("source_id".to_owned(), json!(source.id.to_string())),
                ("version".to_owned(), json!(number.get())),
                ("status".to_owned(), json!(VersionStatus::Pending.name())),
            ]);
            let request = key.and_then(IdempotencyKey::request);
            row.extend(self.columns.kept([
                (columns::KEY, key.map(|key| json!(key.as_str()))),
                (columns::REQUEST, request.map(|request| json!(request.as_str()))),
            ]));
            let request = self.client.table(VERSIONS).insert(json!(row).to_string());
            let with_source = self.columns.has(columns::FOREIGN_KEY);
            let request = if with_source { request.select(WITH_CURRENT) } else { request };
            match self.client.change(request, Some(id), || self.find_version(id)).await {
                Ok(Changed::Answered(rows)) => {
                    let mut row = rows.into_iter().next().ok_or_else(|| not_shown("version"))?;
                    let current = rows::current_version(row.remove(SOURCES).as_ref());
                    let version = self.version_of(&row)?;
                    return self.lift(version, current).await.map(Reserved::New);
                }
                // Whose it is does not show: it may be that of the same request, made before.
                Ok(Changed::Found(found)) if named.is_some() => {
                    return Ok(Reserved::Earlier(found));
                }
                Ok(Changed::Found(found)) => return Ok(Reserved::New(found)),
                Err(problem) if self.columns.learn_from(&problem, &row, columns::OF_VERSIONS) => {}
                Err(problem) if with_source && problem.code() == Some("PGRST200") => {
                    self.columns.lacks(columns::FOREIGN_KEY);
                }
                Err(problem) if problem.code() == Some("23503") => return Err(missing(source.id)),
                Err(problem) if problem.code() == Some("23505") => {
                    tried += 1;
                    match self.find_reserved(source.id, key, named).await? {
                        Some((own, _)) if own.id == fresh => return Ok(Reserved::New(own)),
                        Some((earlier, kept)) => {
                            let is_same = key.is_none_or(|key| key.may_be_of(kept.as_deref()));
                            return Ok(match is_same {
                                true => Reserved::Earlier(earlier),
                                false => Reserved::OtherRequest(earlier),
                            });
                        }
                        None => {}
                    }
                    match self.newest_or_own(source.id, fresh).await? {
                        // Somebody on the way sent the request twice, and we got the second answer.
                        Some(newest) if newest.id == fresh => return Ok(Reserved::New(newest)),
                        newest => number = next_after(newest.map(|it| it.number), source.id)?,
                    }
                }
                Err(problem) => return Err(problem),
            }
        }
        Err(too_many())
    }

    /// Gives a new version a number behind the current one. It has a lower one when its caller saw the
    /// source a long time ago, and the row that had that number then has been removed since. Readers
    /// would never see it.
    async fn lift(
        &self,
        mut version: Version,
        current: Option<VersionNumber>,
    ) -> Result<Version, Problem> {
        for _ in 0..NUMBERS {
            if current.is_none_or(|current| current < version.number) {
                return Ok(version);
            }
            let newest = self.newest_or_own(version.source, Uuid::nil()).await?;
            let highest = newest.map(|newest| newest.number).max(current);
            let number = next_after(highest, version.source)?;
            let row = Row::from_iter([("version".to_owned(), json!(number.get()))]);
            let look =
                || self.look_for(&version, VersionStatus::Pending, |now| now.number == number);
            match self.change_version(&version, VersionStatus::Pending, &row, look).await {
                Ok(Found::Row(now)) => version = now,
                Ok(Found::Gone) => return Err(gone(&version)),
                Err(problem) if problem.code() == Some("23505") => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(too_many())
    }

    /// Reads the version that a key was used for before, and the digest of what was asked for then.
    async fn find_reserved(
        &self,
        source: SourceId,
        key: Option<&IdempotencyKey>,
        named: Option<Uuid>,
    ) -> Result<Option<(Version, Option<String>)>, Problem> {
        let request = self.client.table(VERSIONS).select("*");
        let page = match (key, named) {
            (None, _) => return Ok(None),
            (Some(_), Some(id)) => {
                self.client.read(request.eq("id", id.to_string()), Some(id)).await?
            }
            (Some(key), None) => {
                let request = request.eq("source_id", source.to_string());
                self.client.read(request.eq(columns::KEY, key.as_str()), None).await?
            }
        };
        let Some(row) = page.rows.first() else { return Ok(None) };
        let digest = row.get(columns::REQUEST).and_then(Value::as_str).map(str::to_owned);
        Ok(Some((self.version_of(row)?, digest)))
    }

    /// Reads the version of a key from where it was put when it was reserved.
    pub(super) async fn version_with_key(
        &self,
        source: SourceId,
        key: &IdempotencyKey,
    ) -> Result<Option<Version>, Problem> {
        if self.columns.has(columns::KEY) {
            match self.find_reserved(source, Some(key), None).await {
                Err(problem) if problem.code() == Some("42703") => self.columns.lacks(columns::KEY),
                found => return Ok(found?.map(|(version, _)| version)),
            }
        }
        self.find_version(id_of_key(source, key)).await
    }

    /// Reads the newest version, or the one with this id when it is among the newest.
    async fn newest_or_own(&self, source: SourceId, own: Uuid) -> Result<Option<Version>, Problem> {
        /// Without what may be long.
        const SHORT: &str = "id,source_id,version,status,error_message,created_at";
        let request = self.client.table(VERSIONS).select(SHORT);
        let request = request.eq("source_id", source.to_string()).order("version.desc");
        let rows = self.client.read(request.limit(NUMBERS), None).await?.rows;
        let row = rows.iter().find(|row| id_of(row) == Some(own)).or_else(|| rows.first());
        row.map(rows::version).transpose()
    }

    pub(super) async fn pending(&self, version: &Version) -> Result<(), Problem> {
        match self.look(version).await? {
            Found::Row(now) if now.status == VersionStatus::Pending => Ok(()),
            Found::Row(now) => Err(ended(&now)),
            Found::Gone => {
                Err(Problem::conflict(format!("the version {} was removed", version.number)))
            }
        }
    }

    pub(super) async fn make_active(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, Problem> {
        let active = self.record_facts(version, facts).await?;
        self.move_forward(&active, facts.extraction_query.as_deref()).await?;
        Ok(active)
    }

    async fn record_facts(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, Problem> {
        if !facts.seconds.is_finite() {
            let reason = format!("a run that took {} seconds was none", facts.seconds);
            return Err(Problem::stated(ErrorKind::InvalidRequest, reason));
        }
        loop {
            let mut row = Row::from_iter([
                ("status".to_owned(), json!(VersionStatus::Active.name())),
                ("row_count".to_owned(), json!(facts.rows)),
                ("column_count".to_owned(), json!(facts.columns)),
                ("file_size_bytes".to_owned(), json!(facts.size_bytes)),
                ("processing_time_seconds".to_owned(), json!(facts.seconds)),
            ]);
            row.extend(self.columns.kept([
                (columns::RECEIPT, facts.receipt_sha256.as_ref().map(|digest| json!(digest))),
                (columns::SCHEMA, facts.schema.as_ref().map(schema_written)),
            ]));
            let look = || self.look_for(version, VersionStatus::Pending, |now| is_ours(now, facts));
            match self.change_version(version, VersionStatus::Pending, &row, look).await {
                Ok(Found::Row(now)) if is_ours(&now, facts) => return Ok(now),
                Ok(Found::Row(now)) => return Err(ended(&now)),
                Ok(Found::Gone) => return Err(gone(version)),
                Err(problem) if self.columns.learn_from(&problem, &row, columns::OF_VERSIONS) => {}
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Makes a version the current one if it is newer; nothing happens otherwise.
    async fn move_forward(&self, version: &Version, query: Option<&str>) -> Result<(), Problem> {
        let (id, number) = (version.source, version.number);
        let mut row = Row::from_iter([("current_version".to_owned(), json!(number.get()))]);
        if let Some(query) = query {
            row.insert("extraction_query".to_owned(), json!(rows::without_nul(query)));
        }
        let is_older = format!("current_version.is.null,current_version.lt.{}", number.get());
        let request = self.client.table(SOURCES).update(json!(row).to_string());
        let request = request.select("id,current_version").eq("id", id.to_string()).or(is_older);
        let is_done = async || {
            let now = self.find_source(id).await?;
            let is_done = now.is_none_or(|source| source.current_version >= Some(number));
            Ok(is_done.then_some(()))
        };
        self.client.change(request, Some(id.as_uuid()), is_done).await?;
        Ok(())
    }

    pub(super) async fn make_failed(
        &self,
        version: &Version,
        message: &str,
    ) -> Result<(), Problem> {
        let row = failed_with(message);
        let is_done = |now: &Version| now.status == VersionStatus::Error;
        let look = || self.look_for(version, VersionStatus::Pending, is_done);
        match self.change_version(version, VersionStatus::Pending, &row, look).await? {
            Found::Row(now) if now.status == VersionStatus::Error => Ok(()),
            Found::Row(now) => Err(ended(&now)),
            Found::Gone => Err(gone(version)),
        }
    }

    pub(super) async fn version_by_number(
        &self,
        source: SourceId,
        number: VersionNumber,
    ) -> Result<Version, Problem> {
        let request = self.client.table(VERSIONS).select("*").eq("source_id", source.to_string());
        let request = request.eq("version", number.get().to_string());
        let page = self.client.read(request, None).await?;
        let row = page.rows.first().ok_or_else(|| {
            Problem::not_found(format!("the source `{source}` has no version {number}"))
        })?;
        self.version_of(row)
    }

    /// Reads a version and then its source, because not every catalog can join them.
    pub(super) async fn version_with_source(
        &self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<(Source, Version), Problem> {
        let nobody = || Problem::not_found(format!("there is no version `{id}`"));
        let request = self.client.table(VERSIONS).select("*").eq("id", id.to_string());
        let page = self.client.read(request, Some(id)).await?;
        let row = page.rows.first().ok_or_else(nobody)?;
        // Whose it is comes first: what is wrong with somebody else's row is nobody else's business.
        let of = row.get("source_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let source = match of {
            Some(of) => self.find_source(of).await?,
            None => None,
        };
        match source {
            Some(source) if scope.includes(&source.tenant) => Ok((source, self.version_of(row)?)),
            _ => Err(nobody()),
        }
    }

    pub(super) async fn list_versions(
        &self,
        source: SourceId,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<Version>, Problem> {
        let before = before.map(|number| u64::from(number.get()));
        self.list(
            limit,
            |last, _| {
                let last = last.and_then(|row| row.get("version")?.as_u64());
                let request = self.client.table(VERSIONS).select("*");
                let request = request.eq("source_id", source.to_string()).order("version.desc");
                match last.or(before) {
                    Some(before) => (request.lt("version", before.to_string()), 0),
                    None => (request, 0),
                }
            },
            |row| self.version_of(row),
        )
        .await
    }

    pub(super) async fn list_stale(
        &self,
        before: SystemTime,
        limit: usize,
    ) -> Result<Vec<(Source, Version)>, Problem> {
        let before = rows::written(before);
        let mut found = self
            .list(
                limit,
                |_, seen| {
                    let request = self.client.table(VERSIONS).select("*,sources!inner(*)");
                    let request = request.eq("status", VersionStatus::Pending.name());
                    (request.lt("created_at", &before).order("created_at.asc,id.asc"), seen)
                },
                |row| {
                    let mut row = row.clone();
                    let Some(Value::Object(source)) = row.remove(SOURCES) else {
                        let reason = "a row of a version came without its source";
                        return Err(Problem::stated(ErrorKind::InvalidData, reason));
                    };
                    Ok((self.source_of(&source)?, self.version_of(&row)?))
                },
            )
            .await?;
        // The order is asked for, and Postrust loses it where PostgreSQL joins the sources by a hash.
        found.sort_by_key(|(_, version)| (version.created_at, version.id));
        Ok(found)
    }

    pub(super) async fn delete_version(&self, version: &Version) -> Result<(), Problem> {
        let request = self.client.table(VERSIONS).delete().select("id");
        let request = request.eq("id", version.id.to_string());
        let request = request.eq("status", VersionStatus::Error.name());
        let look = || self.look_for(version, VersionStatus::Error, |_| false);
        let found = match self.client.change(request, Some(version.id), look).await? {
            Changed::Answered(rows) if !rows.is_empty() => return Ok(()),
            Changed::Answered(_) => self.look(version).await?,
            Changed::Found(found) => found,
        };
        match found {
            Found::Gone => Ok(()),
            Found::Row(now) => Err(ended(&now)),
        }
    }

    /// Changes a version's row if it has this status. Returns it as it is then, changed or not.
    pub(super) async fn change_version<F>(
        &self,
        version: &Version,
        from: VersionStatus,
        row: &Row,
        look: impl Fn() -> F,
    ) -> Result<Found, Problem>
    where
        F: Future<Output = Result<Option<Found>, Problem>>,
    {
        let request = self.version_change(version, from, row);
        match self.client.change(request, Some(version.id), look).await? {
            Changed::Answered(rows) => match rows.first() {
                Some(row) => self.version_of(row).map(Found::Row),
                None => self.look(version).await,
            },
            Changed::Found(found) => Ok(found),
        }
    }

    pub(super) fn version_change(
        &self,
        version: &Version,
        from: VersionStatus,
        row: &Row,
    ) -> postgrest::Builder {
        let request = self.client.table(VERSIONS).update(json!(row).to_string());
        request.eq("id", version.id.to_string()).eq("status", from.name())
    }

    /// Looks what became of a change of a row with this status: the row as it is now, when it is done
    /// or cannot be any more.
    pub(super) async fn look_for(
        &self,
        version: &Version,
        from: VersionStatus,
        is_done: impl Fn(&Version) -> bool,
    ) -> Result<Option<Found>, Problem> {
        let found = self.look(version).await?;
        let is_open = match &found {
            Found::Row(now) => now.status == from && !is_done(now),
            Found::Gone => false,
        };
        Ok((!is_open).then_some(found))
    }

    pub(super) async fn look(&self, version: &Version) -> Result<Found, Problem> {
        Ok(self.find_version(version.id).await?.map_or(Found::Gone, Found::Row))
    }

    async fn find_version(&self, id: Uuid) -> Result<Option<Version>, Problem> {
        let request = self.client.table(VERSIONS).select("*").eq("id", id.to_string());
        let page = self.client.read(request, Some(id)).await?;
        page.rows.first().map(|row| self.version_of(row)).transpose()
    }

    /// Reads a version from a row with all its columns.
    pub(super) fn version_of(&self, row: &Row) -> Result<Version, Problem> {
        self.columns.learn(row, columns::OF_VERSIONS);
        rows::version(row)
    }

    pub(super) async fn answer(&self) -> Result<(), Problem> {
        self.client.read(self.client.table(SOURCES).select("id").limit(1), None).await?;
        Ok(())
    }
}

fn too_many() -> Problem {
    let reason = format!("{NUMBERS} numbers in a row were taken by others");
    Problem::conflict(reason).with_hint("let fewer runs of the source begin at once")
}

fn next_after(number: Option<VersionNumber>, source: SourceId) -> Result<VersionNumber, Problem> {
    number.map_or(Some(VersionNumber::FIRST), VersionNumber::next).ok_or_else(|| {
        let reason = format!("the source `{source}` has no number left for a version");
        Problem::stated(ErrorKind::LimitExceeded, reason)
    })
}

/// Returns the id of the version that a key of a source stands for.
fn id_of_key(source: SourceId, key: &IdempotencyKey) -> Uuid {
    Uuid::new_v5(&source.as_uuid(), key.as_str().as_bytes())
}

/// Returns whether a version was activated with these facts, and so by the run that it belongs to:
/// nobody else has the row. What a catalog rounds or does not keep is not compared.
fn is_ours(now: &Version, facts: &VersionFacts) -> bool {
    now.status == VersionStatus::Active
        && now.facts.as_ref().is_some_and(|kept| {
            (kept.rows, kept.columns, kept.size_bytes)
                == (facts.rows, facts.columns, facts.size_bytes)
        })
}

pub(super) fn failed_with(message: &str) -> Row {
    Row::from_iter([
        ("status".to_owned(), json!(VersionStatus::Error.name())),
        ("error_message".to_owned(), json!(Version::message(message))),
    ])
}

/// Returns a schema as JSON that PostgreSQL takes.
fn schema_written(schema: &TableSchema) -> Value {
    let columns = schema.columns.iter().map(|column| TableColumn {
        name: rows::without_nul(&column.name),
        column_type: rows::without_nul(&column.column_type),
    });
    json!(TableSchema { columns: columns.collect() })
}

/// The refusal of whoever comes too late.
pub(super) fn ended(now: &Version) -> Problem {
    let state = match now.status {
        VersionStatus::Pending => "pending",
        VersionStatus::Active => "active",
        VersionStatus::Error => "failed",
    };
    Problem::conflict(format!("the version {} is {state}", now.number))
}

pub(super) fn gone(version: &Version) -> Problem {
    let reason = format!("the version {} of `{}` was removed", version.number, version.source);
    Problem::not_found(reason)
}
