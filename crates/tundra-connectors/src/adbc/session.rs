//! One connection in one transaction, and what a relation looks like in it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tundra_core::{
    ColumnPlan, ColumnType, ConnectorError, ErrorKind, ExtractRequest, Extraction, OnLossy,
    Relation, Session, TableFacts, TableName, TablePattern,
};

use super::{
    dialect::{Dialect, NAMED},
    failure::refused,
    link::Link,
    scan::{is_query, only_statement},
    stream::{AdbcExtraction, Job},
    watch::Watch,
};
use crate::streams::{MOST, decided};

const PREPARE: &str = "prepare to read";

/// A session through a driver.
#[derive(Debug)]
pub(super) struct AdbcSession {
    shared: Arc<Shared>,
    server: String,
    position: Option<String>,
    single: String,
}

/// The connection, and what becomes of it.
#[derive(Debug)]
pub(super) struct Shared {
    link: Arc<Mutex<Link>>,
    /// The streams that are read, each by somebody who has not dropped it.
    pub(super) reading: AtomicUsize,
    /// The transaction is over.
    pub(super) broken: AtomicBool,
}

impl Shared {
    /// Returns the connection once nothing else is done with it.
    pub(super) async fn lease(
        &self,
        operation: &'static str,
    ) -> Result<OwnedMutexGuard<Link>, ConnectorError> {
        if self.reading.load(Ordering::SeqCst) > 0 {
            let reason = "the one connection of this session is being read from";
            let hint = "read that stream to its end, or drop it";
            return Err(refused(operation, ErrorKind::InvalidRequest, reason, &[hint]));
        }
        let link = Arc::clone(&self.link).lock_owned().await;
        if self.broken.load(Ordering::SeqCst) {
            let reason =
                "the transaction ended when a statement failed or was cancelled; begin anew";
            return Err(refused(operation, ErrorKind::Unavailable, reason, &[]));
        }
        Ok(link)
    }

    /// Takes note of a statement that failed or was cancelled.
    pub(super) fn failed(&self, dialect: Dialect) {
        if !dialect.has_marks() {
            self.broken.store(true, Ordering::SeqCst);
        }
    }
}

impl AdbcSession {
    /// Begins the transaction.
    pub(super) async fn begin(link: Link) -> Result<Self, ConnectorError> {
        let begun = super::link::blocking("take a snapshot", move || {
            let mut link = link;
            let (watch, _guard) = Watch::new(None);
            let version = link.version(&watch)?;
            let position = link.begin(&watch)?;
            watch.over();
            Ok((link, version, position))
        });
        let (link, version, position) = begun.await?;
        let server = format!("{} {version}", link.product());
        let single = match link.dialect {
            Dialect::Other => {
                "a driver has one connection for a snapshot, and it is not known what this database \
                 calls one"
            }
            _ => "a driver has one connection for a snapshot",
        };
        let shared = Shared {
            link: Arc::new(Mutex::new(link)),
            reading: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared), server, position, single: single.to_owned() })
    }
}

#[async_trait]
impl Session for AdbcSession {
    fn server(&self) -> &str {
        &self.server
    }

    fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    fn single(&self) -> Option<&str> {
        Some(&self.single)
    }

    async fn tables(&mut self, pattern: &TablePattern) -> Result<Vec<TableFacts>, ConnectorError> {
        const LIST: &str = "list tables";
        let lease = self.shared.lease(LIST).await?;
        let link = lease.clone();
        let sql = link.dialect.tables(pattern);
        let sql = sql.map_err(|reason| refused(LIST, ErrorKind::InvalidRequest, reason, &[]))?;
        let rows =
            link.run(LIST, None, lease, move |link, watch| link.rows(LIST, watch, &sql)).await?;
        let facts = rows.into_iter().filter_map(|row| {
            let [schema, name, kind, estimated] = <[Option<String>; 4]>::try_from(row).ok()?;
            Some(TableFacts {
                name: TableName { schema, name: name? },
                kind: kind?,
                estimated_rows: estimated.and_then(|rows| rows.parse().ok()),
                bytes: None,
            })
        });
        Ok(facts.collect())
    }

    async fn extract(
        &mut self,
        request: &ExtractRequest,
    ) -> Result<Box<dyn Extraction>, ConnectorError> {
        let lease = self.shared.lease(PREPARE).await?;
        let link = lease.clone();
        check(link.dialect, request)?;
        let (limit, request) = (request.statement_timeout, request.clone());
        let prepared = link
            .run(PREPARE, limit, lease, move |link, watch| Prepared::find(link, watch, &request))
            .await;
        let prepared = prepared.inspect_err(|_| self.shared.failed(link.dialect))?;
        let Prepared { job, plans } = prepared;
        let decisions = vec![decided(1, self.single.clone())];
        Ok(Box::new(AdbcExtraction::new(Arc::clone(&self.shared), job, plans, decisions)))
    }
}

/// Refuses what makes no sense whatever the database holds.
fn check(dialect: Dialect, request: &ExtractRequest) -> Result<(), ConnectorError> {
    let wrong = |kind, reason: String| Err(refused(PREPARE, kind, reason, &[]));
    if let Some(count) = request.partitions
        && !(1..=MOST).contains(&count)
    {
        let reason = format!("{count} partitions were asked for; from 1 to {MOST} are possible");
        return wrong(ErrorKind::InvalidRequest, reason);
    }
    if let Relation::Table(TableName { schema, name }) = &request.relation {
        let longest = dialect.longest_name();
        for name in [schema.as_deref(), Some(name.as_str())].into_iter().flatten() {
            if name.len() > longest {
                let reason =
                    format!("no table is named `{name}`: names have at most {longest} bytes");
                return wrong(ErrorKind::NotFound, reason);
            }
        }
    }
    Ok(())
}

/// What is known before the first row.
struct Prepared {
    job: Job,
    plans: Vec<ColumnPlan>,
}

impl Prepared {
    fn find(link: &Link, watch: &Watch, request: &ExtractRequest) -> Result<Self, ConnectorError> {
        let dialect = link.dialect;
        let select = |items: &str, source: &str, request: &ExtractRequest| {
            let sql = dialect.select(items, source, request);
            sql.map_err(|reason| refused(PREPARE, ErrorKind::InvalidRequest, reason, &[]))
        };
        if let Some(sql) = dialect.names() {
            take_names(link.value(PREPARE, watch, sql))?;
        }
        let query = match &request.relation {
            Relation::Table(_) => "",
            Relation::Query(sql) => {
                let wrong = |reason| refused(PREPARE, ErrorKind::InvalidRequest, reason, &[]);
                let query = only_statement(sql).map_err(wrong)?;
                if !is_query(query) {
                    return Err(wrong(
                        "it is no query: it begins with none of SELECT, WITH, VALUES, TABLE",
                    ));
                }
                query
            }
        };
        let source = dialect.source(&request.relation, query);
        let names = Names::find(link, watch, &source)?;
        for name in request.columns.iter().flatten().chain(request.partition_column.iter()) {
            names.check(name)?;
        }
        if let Some(window) = &request.window {
            names.check(&window.column)?;
        }
        let items = match &request.columns {
            None => "*".to_owned(),
            Some(columns) => {
                columns.iter().map(|it| dialect.name(it)).collect::<Vec<_>>().join(", ")
            }
        };
        let mut sql = select(&items, &source, request)?;
        let mut columns = columns(&link.describe(PREPARE, watch, &sql)?);
        if columns.iter().any(|column| column.kind.is_none()) {
            let unkept: Vec<_> = columns.iter().filter(|column| column.kind.is_none()).collect();
            if request.on_lossy != OnLossy::Text {
                let Column { name, found, .. } = unkept[0];
                let reason = format!("column `{name}` is {found}, which Tundra does not know");
                let hints =
                    ["read such columns as text with `--on-lossy text`, or cast it in a query"];
                return Err(refused(PREPARE, ErrorKind::Unsupported, reason, &hints));
            }
            let mut items = Vec::with_capacity(columns.len());
            for column in &columns {
                names.check(&column.name)?;
                let name = dialect.name(&column.name);
                items.push(match column.kind {
                    Some(_) => name,
                    None => format!("{} AS {name}", dialect.as_text(&column.name)),
                });
            }
            sql = select(&items.join(", "), &source, request)?;
            let again = link.describe(PREPARE, watch, &sql)?;
            for (column, field) in columns.iter_mut().zip(again.fields()) {
                if column.kind.is_none() {
                    column.reason = format!("as the text of the database, for {}", column.found);
                }
                column.field = plain(field);
                column.kind = ColumnType::from_arrow(field.data_type());
            }
        }
        let watermark = match &request.window {
            None => None,
            Some(window) => {
                let after = ExtractRequest { limit: None, ..request.clone() };
                let items = format!("MAX({})", dialect.name(&window.column));
                let last = select(&format!("{items} AS tundra_last"), &source, &after)?;
                let last = format!(
                    "SELECT {} FROM (\n{last}\n) AS tundra_window",
                    dialect.as_text("tundra_last")
                );
                link.value(PREPARE, watch, &last)?
            }
        };
        let plans = columns.iter().map(|column| ColumnPlan {
            name: column.name.clone(),
            source_name: column.name.clone(),
            column_type: column.kind.as_ref().map_or_else(String::new, ToString::to_string),
            format: None,
            reason: column.reason.clone(),
        });
        let plans = plans.collect();
        let fields: Vec<Field> = columns.into_iter().map(|column| column.field).collect();
        let job = Job {
            sql,
            schema: Arc::new(Schema::new(fields)),
            batch_bytes: request.batch_bytes,
            timeout: request.statement_timeout,
            watermark,
        };
        Ok(Self { job, plans })
    }
}

/// Refuses a database to which `"` is around a text, by its answer to [`Dialect::names`].
fn take_names(answer: Result<Option<String>, ConnectorError>) -> Result<(), ConnectorError> {
    let reason = match answer {
        Ok(Some(answer)) if answer == NAMED => return Ok(()),
        Ok(_) => "this database takes what stands in `\"` for a text and not for a name".to_owned(),
        // It may be another fault than that of the question.
        Err(error)
            if matches!(
                error.kind,
                ErrorKind::Unavailable
                    | ErrorKind::Timeout
                    | ErrorKind::Cancelled
                    | ErrorKind::PermissionDenied
            ) =>
        {
            return Err(error);
        }
        Err(error) => format!("this database takes no names in `\"`: {}", error.reason),
    };
    Err(refused(PREPARE, ErrorKind::Unsupported, reason, &[]))
}

/// The names of a relation's columns.
struct Names(Vec<String>);

impl Names {
    fn find(link: &Link, watch: &Watch, source: &str) -> Result<Self, ConnectorError> {
        let schema =
            link.describe(PREPARE, watch, &format!("SELECT * FROM {source} WHERE 1 = 0"))?;
        Ok(Self(schema.fields().iter().map(|field| field.name().clone()).collect()))
    }

    /// Refuses a name that is not there or stands for several columns. SQLite would take the former for a
    /// text.
    fn check(&self, name: &str) -> Result<(), ConnectorError> {
        let reason = match self.0.iter().filter(|it| *it == name).count() {
            1 => return Ok(()),
            0 => format!("there is no column `{name}`"),
            count => format!("{count} columns are named `{name}`"),
        };
        Err(refused(PREPARE, ErrorKind::InvalidRequest, reason, &[]))
    }
}

/// A column as the driver hands it out.
struct Column {
    name: String,
    /// What it is, for people.
    found: String,
    field: Field,
    /// `None` for what has to be text.
    kind: Option<ColumnType>,
    reason: String,
}

fn columns(schema: &Schema) -> Vec<Column> {
    let columns = schema.fields().iter().map(|field| {
        let said = field.metadata().get("ADBC:postgresql:typname");
        let found = said.map_or_else(
            || format!("of Arrow's type {}", field.data_type()),
            |name| format!("`{name}`"),
        );
        // Bytes of a protocol are no value of the user's.
        let is_opaque = field.metadata().get("ARROW:extension:name").map(String::as_str)
            == Some("arrow.opaque")
            && !is_text(field.data_type());
        let kind = ColumnType::from_arrow(field.data_type()).filter(|_| !is_opaque);
        Column {
            name: field.name().clone(),
            reason: format!("the driver hands out {}", field.data_type()),
            found,
            field: plain(field),
            kind,
        }
    });
    columns.collect()
}

/// Returns the field without what the driver notes of it, which would be taken for more than a note.
fn plain(field: &Field) -> Field {
    Field::new(field.name(), field.data_type().clone(), true)
}

const fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_takes_names_for_texts_is_refused() {
        assert!(take_names(Ok(Some(NAMED.to_owned()))).is_ok());
        for (answer, kind) in [
            // What MySQL says: the text itself.
            (Ok(Some("x".to_owned())), ErrorKind::Unsupported),
            (Ok(None), ErrorKind::Unsupported),
            (Err(refused(PREPARE, ErrorKind::InvalidRequest, "no", &[])), ErrorKind::Unsupported),
            (Err(refused(PREPARE, ErrorKind::Timeout, "late", &[])), ErrorKind::Timeout),
        ] {
            assert_eq!(take_names(answer).expect_err("it is not certain").kind, kind);
        }
    }
}
