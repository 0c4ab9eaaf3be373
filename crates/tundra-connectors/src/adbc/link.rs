//! One connection through a driver, whose calls block and so run on threads that may.
//!
//! It knows statements and texts; what is read and when is the session's business.

use std::{collections::HashSet, sync::Arc, thread, time::Duration};

use adbc_core::{
    Connection, Database, Optionable, Statement,
    error::Status,
    options::{InfoCode, OptionConnection, OptionStatement, OptionValue},
};
use adbc_driver_manager::{ManagedConnection, ManagedStatement};
use arrow_array::{
    Array, Int64Array, LargeStringArray, RecordBatch, RecordBatchReader, StringArray,
    StringViewArray, UInt32Array, UnionArray,
};
use arrow_schema::{ArrowError, Schema};
use tundra_core::{ConnectorError, ErrorKind, ServerFacts};

use super::{
    Place, Target,
    dialect::Dialect,
    driver::{self, Options},
    failure::{failed, refused},
    watch::{Watch, late},
};

const CONNECT: &str = "connect";

/// The mark to which a transaction goes back.
const MARK: &str = "tundra_mark";

/// How often going back is tried: a cancellation that came late may hit it.
const TRIES: usize = 3;

/// The most that a question of ours may be answered with, as it is kept: more than any catalog has.
const ANSWER_BYTES: usize = 64 << 20;

/// How long a driver may take to notice that it was told to cancel. Some cannot be told; then their
/// statement works on, and the connection is lost with it.
const GRACE: Duration = Duration::from_secs(2);

/// Rows that each are read once.
pub(super) type Reader = Box<dyn RecordBatchReader + Send>;

/// A row of texts.
pub(super) type TextRow = Vec<Option<String>>;

/// One connection. Copies are the same one.
#[derive(Clone)]
pub(super) struct Link {
    connection: ManagedConnection,
    pub(super) dialect: Dialect,
    product: String,
    secrets: Arc<Vec<String>>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (dialect, product) = (&self.dialect, &self.product);
        f.debug_struct("Link").field("dialect", dialect).field("product", product).finish()
    }
}

/// A statement and its rows, of which the first need not have arrived yet.
pub(super) struct Running {
    // In this order they are dropped.
    pub(super) reader: Reader,
    _statement: ManagedStatement,
}

impl Link {
    /// Loads the driver, connects, and finds out what is at the other end.
    pub(super) async fn open(target: &Arc<Target>) -> Result<Self, ConnectorError> {
        let options = Options::of(&target.place).await?;
        let target = Arc::clone(target);
        blocking(CONNECT, move || {
            let database = options.open(driver::load(&target.driver)?)?;
            let secrets = Arc::new(options.secrets);
            let connection = database.new_connection();
            let mut connection = connection.map_err(|error| failed(CONNECT, &error, &secrets))?;
            let product = info(&mut connection, InfoCode::VendorName).unwrap_or_default();
            let dialect = match &target.place {
                Place::Known(settings) => Dialect::of(settings.kind),
                Place::Options(_) => None,
            };
            let dialect = dialect.unwrap_or_else(|| Dialect::of_product(&product));
            Ok(Self { connection, dialect, product, secrets })
        })
        .await
    }

    /// Runs this on a thread that may wait. Dropping the future cancels the statement that runs in it;
    /// `keep` is kept until the work is over, whoever waits for it.
    pub(super) async fn run<K: Send + 'static, T: Send + 'static>(
        &self,
        operation: &'static str,
        limit: Option<Duration>,
        keep: K,
        work: impl FnOnce(&Self, &Watch) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let link = self.clone();
        let (watch, _guard) = Watch::new(limit);
        let done = blocking(operation, move || {
            let result = link.marked(&watch, |link| work(link, &watch));
            drop(keep);
            result.map_err(|error| watch.explain(operation, error))
        });
        let Some(limit) = limit else { return done.await };
        match tokio::time::timeout(limit + GRACE, done).await {
            Ok(result) => result,
            Err(_) => Err(late(operation, limit)),
        }
    }

    /// Does the work, and goes back to where the transaction was before when that fails. The watch is over
    /// then.
    pub(super) fn marked<T>(
        &self,
        watch: &Watch,
        work: impl FnOnce(&Self) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let marks = self.dialect.has_marks();
        if marks {
            self.execute("mark the transaction", &format!("SAVEPOINT {MARK}"))?;
        }
        let result = work(self);
        watch.over();
        if marks {
            let back = format!("ROLLBACK TO SAVEPOINT {MARK}");
            let release = format!("RELEASE SAVEPOINT {MARK}");
            let mut undone = Ok(());
            for _ in 0..TRIES {
                undone = self
                    .execute("go on in the transaction", &back)
                    .and_then(|()| self.execute("go on in the transaction", &release));
                if undone.is_ok() {
                    break;
                }
            }
            // What the work said is more to the point.
            if result.is_ok() {
                undone?;
            }
        }
        result
    }

    /// Runs a statement without rows.
    pub(super) fn execute(&self, operation: &'static str, sql: &str) -> Result<(), ConnectorError> {
        let mut statement = self.statement(operation, sql)?;
        statement.execute_update().map_err(|error| self.failed(operation, &error))?;
        Ok(())
    }

    /// Starts a statement with rows.
    pub(super) fn query(
        &self,
        operation: &'static str,
        watch: &Watch,
        sql: &str,
        batch_bytes: Option<usize>,
    ) -> Result<Running, ConnectorError> {
        let mut statement = self.statement(operation, sql)?;
        if let Some(bytes) = batch_bytes.filter(|_| self.dialect == Dialect::Postgresql) {
            let hint = OptionStatement::Other("adbc.postgresql.batch_size_hint_bytes".to_owned());
            // As text, which every version of the driver takes.
            let hinted = statement.set_option(hint, OptionValue::String(bytes.max(1).to_string()));
            hinted.map_err(|error| self.failed(operation, &error))?;
        }
        watch.runs(statement.get_cancel_handle());
        let reader = statement.execute().map_err(|error| self.failed(operation, &error))?;
        Ok(Running { reader, _statement: statement })
    }

    /// Returns the columns of a query: by its description where the driver has one that holds, else by
    /// running it, which is given up at its first rows.
    pub(super) fn describe(
        &self,
        operation: &'static str,
        watch: &Watch,
        sql: &str,
    ) -> Result<Schema, ConnectorError> {
        if self.dialect.describes() {
            let mut statement = self.statement(operation, sql)?;
            watch.runs(statement.get_cancel_handle());
            return statement.execute_schema().map_err(|error| self.failed(operation, &error));
        }
        let running = self.query(operation, watch, sql, None)?;
        Ok(running.reader.schema().as_ref().clone())
    }

    /// Returns the rows of a small query, as texts.
    pub(super) fn rows(
        &self,
        operation: &'static str,
        watch: &Watch,
        sql: &str,
    ) -> Result<Vec<TextRow>, ConnectorError> {
        let running = self.query(operation, watch, sql, None)?;
        let mut rows = Vec::new();
        let mut left = ANSWER_BYTES;
        for batch in running.reader {
            let batch = batch.map_err(|error| self.unread(operation, &error))?;
            for row in 0..batch.num_rows() {
                let row = text_row(operation, &batch, row)?;
                let texts: usize = row.iter().flatten().map(String::len).sum();
                let kept = texts + size_of::<TextRow>() + size_of_val(row.as_slice());
                left = left.checked_sub(kept).ok_or_else(|| {
                    let reason =
                        "more than 64 MiB came in answer to a question with a small answer";
                    refused(operation, ErrorKind::LimitExceeded, reason, &[])
                })?;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Returns the first value of the first row.
    pub(super) fn value(
        &self,
        operation: &'static str,
        watch: &Watch,
        sql: &str,
    ) -> Result<Option<String>, ConnectorError> {
        let rows = self.rows(operation, watch, sql)?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// Begins a transaction that reads one state, and returns where that is in the server's log. Says as an
    /// error what a database does not do of it, where it is one that should.
    pub(super) fn begin(&mut self, watch: &Watch) -> Result<Option<String>, ConnectorError> {
        const BEGIN: &str = "take a snapshot";
        let position = match self.dialect.position() {
            // Not everybody may ask, and a replica need not have one.
            Some(sql) => self.value(BEGIN, watch, sql).ok().flatten(),
            None => None,
        };
        if matches!(self.dialect, Dialect::Sqlite | Dialect::Other) {
            // The driver begins it, as it would end one that it does not know of. What it can do, it does;
            // what it cannot, the session says.
            let no = OptionValue::String("false".to_owned());
            let begun = self.connection.set_option(OptionConnection::AutoCommit, no);
            let yes = OptionValue::String("true".to_owned());
            let read_only = self.connection.set_option(OptionConnection::ReadOnly, yes);
            for (what, set) in [("a transaction", begun), ("read-only", read_only)] {
                if let Err(error) = set {
                    tracing::debug!(what, error = %error.message, "the driver cannot do this");
                }
            }
        }
        for sql in self.dialect.begin() {
            if sql.starts_with("SELECT") {
                // Read to its end, or a driver may not run it at all.
                for batch in self.query(BEGIN, watch, sql, None)?.reader {
                    batch.map_err(|error| self.unread(BEGIN, &error))?;
                }
            } else {
                self.execute(BEGIN, sql)?;
            }
        }
        Ok(position)
    }

    /// Returns what is at the other end, without the time that it takes.
    pub(super) async fn facts(&mut self) -> Result<ServerFacts, ConnectorError> {
        let mut link = self.clone();
        blocking(CONNECT, move || {
            let (watch, _guard) = Watch::new(None);
            let version = link.version(&watch)?;
            let tls = match link.dialect.tls() {
                Some(sql) => link.value(CONNECT, &watch, sql)?,
                None => None,
            };
            watch.over();
            Ok(ServerFacts {
                tunnel: None,
                product: link.product().to_owned(),
                version,
                latency: Duration::ZERO,
                tls,
                read_only: link.dialect != Dialect::Other,
            })
        })
        .await
    }

    /// Returns the product's name.
    pub(super) fn product(&self) -> &str {
        match self.dialect {
            Dialect::Postgresql => "PostgreSQL",
            Dialect::Redshift => "Amazon Redshift",
            Dialect::Sqlite => "SQLite",
            Dialect::Other if self.product.is_empty() => "a database without a name",
            Dialect::Other => &self.product,
        }
    }

    /// Returns the product's version.
    pub(super) fn version(&mut self, watch: &Watch) -> Result<String, ConnectorError> {
        let version = match self.dialect.version() {
            Some(sql) => self.value(CONNECT, watch, sql)?,
            None => info(&mut self.connection, InfoCode::VendorVersion),
        };
        Ok(version.unwrap_or_else(|| "of unknown version".to_owned()))
    }

    /// Returns the error of rows that cannot be read.
    pub(super) fn unread(&self, operation: &'static str, error: &ArrowError) -> ConnectorError {
        // Through the interface of Arrow a driver says no more than this; its state and status are lost.
        let words = match error {
            ArrowError::CDataInterface(words) => words.clone(),
            other => other.to_string(),
        };
        let error = adbc_core::error::Error::with_message_and_status(words, Status::IO);
        self.failed(operation, &error)
    }

    fn statement(
        &self,
        operation: &'static str,
        sql: &str,
    ) -> Result<ManagedStatement, ConnectorError> {
        let mut connection = self.connection.clone();
        let statement = connection.new_statement();
        let mut statement = statement.map_err(|error| self.failed(operation, &error))?;
        if sql.contains('\0') {
            let reason = "a name or a query has a zero byte";
            return Err(refused(operation, ErrorKind::InvalidRequest, reason, &[]));
        }
        statement.set_sql_query(sql).map_err(|error| self.failed(operation, &error))?;
        Ok(statement)
    }

    fn failed(&self, operation: &'static str, error: &adbc_core::error::Error) -> ConnectorError {
        failed(operation, error, &self.secrets)
    }
}

/// Runs this on a thread of its own, which may wait. A runtime would wait for threads of its own when it
/// ends, and no driver is to hold up the end of a program.
pub(super) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, ConnectorError> {
    let (sender, done) = tokio::sync::oneshot::channel();
    spawn(operation, move || {
        // Nobody may be waiting any more.
        let _ = sender.send(work());
    })?;
    done.await.unwrap_or_else(|_| {
        Err(refused(operation, ErrorKind::Internal, "its thread was lost", &[]))
    })
}

/// As [`blocking`], without an answer.
pub(super) fn spawn(
    operation: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), ConnectorError> {
    match thread::Builder::new().name("tundra-adbc".to_owned()).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(ConnectorError {
            source: Some(Box::new(error)),
            ..refused(operation, ErrorKind::LimitExceeded, "there is no thread for it", &[])
        }),
    }
}

/// Returns what the driver says of itself or of the database, where it says that.
fn info(connection: &mut ManagedConnection, code: InfoCode) -> Option<String> {
    let mut reader = connection.get_info(Some(HashSet::from([code]))).ok()?;
    let batch = reader.next()?.ok()?;
    let codes = batch.column(0).as_any().downcast_ref::<UInt32Array>()?;
    let values = batch.column(1).as_any().downcast_ref::<UnionArray>()?;
    let row = codes.iter().position(|it| it == Some(u32::from(&code)))?;
    let value = values.value(row);
    value.as_any().downcast_ref::<StringArray>().map(|text| text.value(0).to_owned())
}

/// Returns a row as texts; of the types that we ask for and no others.
fn text_row(
    operation: &'static str,
    batch: &RecordBatch,
    row: usize,
) -> Result<TextRow, ConnectorError> {
    let text = |column: &dyn Array| -> Option<Option<String>> {
        if column.is_null(row) || column.data_type().is_null() {
            return Some(None);
        }
        let any = column.as_any();
        let text = None
            .or_else(|| any.downcast_ref::<StringArray>().map(|it| it.value(row).to_owned()))
            .or_else(|| any.downcast_ref::<LargeStringArray>().map(|it| it.value(row).to_owned()))
            .or_else(|| any.downcast_ref::<StringViewArray>().map(|it| it.value(row).to_owned()))
            .or_else(|| any.downcast_ref::<Int64Array>().map(|it| it.value(row).to_string()))?;
        Some(Some(text))
    };
    batch
        .columns()
        .iter()
        .map(|column| {
            text(column).ok_or_else(|| {
                let reason = format!("text was asked for, and {} came", column.data_type());
                refused(operation, ErrorKind::Unsupported, reason, &[])
            })
        })
        .collect()
}
