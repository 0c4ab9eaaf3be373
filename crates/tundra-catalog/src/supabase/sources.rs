//! Sources in the tables.

use postgrest::Builder;
use serde_json::json;
use tundra_core::{ErrorKind, NewSource, SchemaRule, Scope, Source, SourceId};

use super::{
    SupabaseCatalog,
    client::{Changed, Row},
    columns,
    failure::{Failure, Problem},
    rows,
};

pub(super) const SOURCES: &str = "sources";

/// As many rows as a PostgREST of Supabase gives at once.
const PAGE: usize = 1000;

impl SupabaseCatalog {
    pub(super) async fn source_by_id(
        &self,
        scope: &Scope,
        id: SourceId,
    ) -> Result<Source, Problem> {
        let found = self.find_source(id).await?.filter(|source| scope.includes(&source.tenant));
        found.ok_or_else(|| missing(id))
    }

    /// Reads a source of whatever tenant.
    pub(super) async fn find_source(&self, id: SourceId) -> Result<Option<Source>, Problem> {
        let request = self.client.table(SOURCES).select("*").eq("id", id.to_string());
        let page = self.client.read(request, Some(id.as_uuid())).await?;
        page.rows.first().map(|row| self.source_of(row)).transpose()
    }

    /// Reads a source from a row with all its columns.
    pub(super) fn source_of(&self, row: &Row) -> Result<Source, Problem> {
        self.columns.learn(row, columns::OF_SOURCES);
        rows::source(row)
    }

    pub(super) async fn source_by_name(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<Source, Problem> {
        let nobody = || Problem::not_found(format!("there is no source `{name}`"));
        // PostgreSQL has no text with it.
        if name.contains('\0') {
            return Err(nobody());
        }
        let request = self.client.table(SOURCES).select("*").eq(columns::NAME, name);
        let found = self.client.read(within(request, scope).order("id").limit(2), None).await;
        let rows = match found.map_err(Problem::from) {
            Ok(page) => page.rows,
            Err(problem) if is_no_id(&problem, scope) => return Err(nobody()),
            Err(problem) if problem.code() == Some("42703") => {
                return Err(nobody().with_hint("this catalog keeps no names; give the source's id"));
            }
            Err(problem) => return Err(problem),
        };
        match rows.as_slice() {
            [] => Err(nobody()),
            [row] => self.source_of(row),
            [_, _, ..] => {
                let reason = format!("several organisations have a source `{name}`");
                Err(Problem::conflict(reason)
                    .with_hint("give the source's id, or its organisation"))
            }
        }
    }

    pub(super) async fn list_sources(
        &self,
        scope: &Scope,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<Source>, Problem> {
        let first = after.map(|id| id.to_string());
        let listed = self.list(
            limit,
            |last, _| {
                let last = last.and_then(|row| row.get("id")?.as_str());
                let request = self.client.table(SOURCES).select("*").order("id.asc");
                let request = match last.or(first.as_deref()) {
                    Some(after) => request.gt("id", after),
                    None => request,
                };
                (within(request, scope), 0)
            },
            |row| self.source_of(row),
        );
        match listed.await {
            Err(problem) if is_no_id(&problem, scope) => Ok(Vec::new()),
            listed => listed,
        }
    }

    pub(super) async fn insert_source(&self, new: &NewSource) -> Result<Source, Problem> {
        loop {
            let mut row = Row::from_iter([
                ("id".to_owned(), json!(new.id.to_string())),
                ("org_id".to_owned(), json!(new.tenant.as_str())),
                ("source_type".to_owned(), json!(new.source_type.name())),
                ("connector_type".to_owned(), json!(new.connector_type)),
                ("current_version".to_owned(), json!(0)),
            ]);
            // What is usual needs no column.
            let rule = Some(new.schema_rule).filter(|rule| *rule != SchemaRule::Any);
            row.extend(self.columns.kept([
                (columns::NAME, new.name.as_ref().map(|name| json!(name))),
                (columns::LOCATION, new.location.as_ref().map(|location| json!(location))),
                (columns::SCHEMA_RULE, rule.map(|rule| json!(rule.name()))),
            ]));
            let request = self.client.table(SOURCES).insert(json!(row).to_string());
            let id = new.id.as_uuid();
            match self.client.change(request, Some(id), || self.find_source(new.id)).await {
                Ok(Changed::Answered(rows)) => {
                    let row = rows.first().ok_or_else(|| not_shown("source"))?;
                    return self.source_of(row);
                }
                Ok(Changed::Found(found)) if is_the_same(&found, new) => return Ok(found),
                Ok(Changed::Found(_)) => return Err(taken("id", &new.id.to_string())),
                Err(problem) if self.columns.learn_from(&problem, &row, columns::OF_SOURCES) => {}
                Err(problem) if problem.code() == Some("23505") => {
                    return Err(match &new.name {
                        Some(name) if !is_about_id(&problem) => taken("name", name),
                        _ => taken("id", &new.id.to_string()),
                    });
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    pub(super) async fn delete_source(&self, id: SourceId) -> Result<(), Problem> {
        let text = id.to_string();
        // By hand, because a catalog of Tundra 4.0 may not do it by itself.
        let table = || self.client.table(super::versions::VERSIONS);
        let request = table().delete().select("id").eq("source_id", &text);
        let is_done = async || {
            let left = table().select("id").eq("source_id", &text).limit(1);
            let left = self.client.read(left, None).await?;
            Ok(left.rows.is_empty().then_some(()))
        };
        self.client.change(request, None, is_done).await?;
        let request = self.client.table(SOURCES).delete().select("id").eq("id", &text);
        let is_done = async || Ok(self.find_source(id).await?.is_none().then_some(()));
        self.client.change(request, Some(id.as_uuid()), is_done).await?;
        Ok(())
    }

    /// Reads rows until there are enough that make sense, or no more. `page` makes the request for
    /// those behind the last row, of which so many were read; and says which part of them to ask for.
    pub(super) async fn list<T>(
        &self,
        limit: usize,
        page: impl Fn(Option<&Row>, usize) -> (Builder, usize),
        read: impl Fn(&Row) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        let mut found = Vec::new();
        let (mut last, mut seen) = (None::<Row>, 0);
        while found.len() < limit {
            let wanted = (limit - found.len()).min(PAGE);
            let (request, begin) = page(last.as_ref(), seen);
            // The server may give fewer than are asked for, and says how many there are.
            let request = request.exact_count().range(begin, begin + wanted - 1);
            let answer = self.client.read(request, None).await?;
            let count = answer.rows.len();
            for row in &answer.rows {
                match read(row) {
                    Ok(value) => found.push(value),
                    Err(Problem::Stated { reason, .. }) => {
                        tracing::warn!(reason, "left out a row of the catalog");
                    }
                    Err(problem) => return Err(problem),
                }
            }
            let is_last = answer.total.map_or(count < wanted, |total| begin + count >= total);
            if is_last || count == 0 {
                break;
            }
            seen += count;
            last = answer.rows.into_iter().next_back();
        }
        found.truncate(limit);
        Ok(found)
    }
}

pub(super) fn missing(id: SourceId) -> Problem {
    Problem::not_found(format!("there is no source `{id}`"))
}

/// A row was changed and is not shown: its reader may not see it.
pub(super) fn not_shown(what: &str) -> Problem {
    let reason = format!("the row of the {what} was written but is not shown to this key");
    Problem::stated(ErrorKind::PermissionDenied, reason)
        .with_hint("check the key: it must be a secret key (`sb_secret_…`) or the service role's")
}

fn within(request: Builder, scope: &Scope) -> Builder {
    match scope {
        Scope::Tenant(tenant) => request.eq("org_id", tenant.as_str()),
        Scope::All => request,
    }
}

/// Returns whether the scope's tenant cannot be one of this catalog, where they are UUIDs or numbers.
fn is_no_id(problem: &Problem, scope: &Scope) -> bool {
    matches!(scope, Scope::Tenant(_)) && problem.code() == Some("22P02")
}

fn is_the_same(found: &Source, new: &NewSource) -> bool {
    found.tenant == new.tenant
        && found.source_type == new.source_type
        && found.connector_type == new.connector_type
        && (found.name.is_none() || found.name == new.name)
}

fn is_about_id(problem: &Problem) -> bool {
    let Problem::Failed(Failure::Refused(refusal)) = problem else { return false };
    refusal.words.details.as_ref().is_some_and(|details| details.contains("(id)"))
}

fn taken(what: &str, value: &str) -> Problem {
    let reason = format!("there is a source with the {what} `{value}` already");
    Problem::stated(ErrorKind::AlreadyExists, reason)
}
