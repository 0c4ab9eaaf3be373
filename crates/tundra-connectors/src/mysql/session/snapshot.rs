//! One snapshot on several connections.
//!
//! Start at [`take`]. A snapshot of InnoDB cannot be handed from one connection to another, so all of
//! them are taken while nothing is committed, or shown to be equal afterwards:
//!
//! 1. While commits wait, for as long as it takes to start transactions that are connected already. On
//!    MariaDB from 10.4 on by `BACKUP STAGE BLOCK_COMMIT`, which waits for nobody who reads; else by `FLUSH
//!    TABLES WITH READ LOCK`. Either is given up when it is not had within [`LOCK_SECONDS`].
//! 2. On MariaDB with a binary log, without a lock: the server tells for each snapshot the place in the
//!    log up to which it sees commits (`Binlog_snapshot_position`), and that place and the snapshot are
//!    taken under one mutex. Equal places are equal snapshots, of everything that is logged.
//! 3. Else there is one connection. MySQL tells no such place. What it does tell, `gtid_executed` and
//!    the end of the log, proves nothing when it is the same before and after: a commit is in the log
//!    before it is in InnoDB, and in `gtid_executed` after it, so that one between two snapshots can
//!    leave both as they were.

use futures::future::try_join_all;

use crate::{
    mysql::{
        connect::{self, Connection},
        failure::Failure,
    },
    route::Route,
};

/// How long we wait for the lock. Everybody who writes waits behind us meanwhile, and somebody else's
/// long statement may hold it up.
const LOCK_SECONDS: u32 = 3;

/// How often snapshots without a lock are tried: on a busy server, connections that start within a
/// millisecond see the same state in some of the tries only.
const TRIES: usize = 20;

const START: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// A snapshot, and what is known of it.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) connections: Vec<Connection>,
    /// The place in the server's log, with its kind before it.
    pub(super) position: Option<String>,
    /// Why there is one connection.
    pub(super) single: Option<String>,
    /// How the snapshots were made one.
    pub(super) how: &'static str,
}

/// Takes a snapshot on all of these connections, or on one of them where they cannot share it.
pub(super) async fn take(
    settings: &Route,
    mut connections: Vec<Connection>,
) -> Result<Snapshot, Failure> {
    if connections.len() > 1 {
        let staged = staged(settings, &mut connections).await?;
        let refused = match staged {
            Staged::Taken(position) => {
                let how = "taken while commits waited";
                return Ok(Snapshot { connections, position, single: None, how });
            }
            Staged::Refused(refused) => refused,
            Staged::Unknown => match locked(&mut connections).await? {
                Ok(position) => {
                    let how = "taken under a read lock";
                    return Ok(Snapshot { connections, position, single: None, how });
                }
                Err(refused) => refused,
            },
        };
        match logged(&mut connections).await? {
            Ok(position) => {
                let how = "shown equal by the binary log, in all that is logged";
                return Ok(Snapshot { connections, position: Some(position), single: None, how });
            }
            Err(unproved) => {
                let mut connection = reduce(connections).await?;
                connection.run(START).await?;
                let position = binlog_snapshot(&mut connection).await?;
                let single = format!(
                    "several connections cannot share a snapshot here: there is no read lock \
                     ({refused}), and without it {unproved}"
                );
                return Ok(Snapshot {
                    connections: vec![connection],
                    position,
                    single: Some(single),
                    how: "of one connection",
                });
            }
        }
    }
    let mut connection = reduce(connections).await?;
    connection.run(START).await?;
    let position = binlog_snapshot(&mut connection).await?;
    let how = "of one connection";
    Ok(Snapshot { connections: vec![connection], position, single: None, how })
}

/// Keeps one connection and ends the others.
async fn reduce(mut connections: Vec<Connection>) -> Result<Connection, Failure> {
    let first = connections.pop().ok_or(Failure::NoConnection)?;
    for connection in connections {
        connection.quit().await;
    }
    Ok(first)
}

/// What came of the stages of a backup.
enum Staged {
    /// All transactions are started, at this place of the log.
    Taken(Option<String>),
    /// There is no lock, and why.
    Refused(String),
    /// The server does not know them.
    Unknown,
}

/// Starts all transactions while commits wait.
///
/// The lock has a connection of its own, because its end ends a transaction, too.
async fn staged(settings: &Route, connections: &mut [Connection]) -> Result<Staged, Failure> {
    /// What a server says of a statement that it cannot read.
    const SYNTAX: u16 = 1064;
    let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
    if !first.agreed.is_mariadb {
        return Ok(Staged::Unknown);
    }
    let mut locker = match connect::connect(settings).await {
        Ok(locker) => locker,
        Err(failure) => return Ok(Staged::Refused(failure.to_string())),
    };
    let waiting = format!("SET SESSION lock_wait_timeout = {LOCK_SECONDS}");
    for statement in [waiting.as_str(), "BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"] {
        match locker.run(statement).await {
            Ok(_) => {}
            Err(Failure::Server(error)) => {
                // The end of the connection ends a stage that was reached.
                locker.quit().await;
                return Ok(match error.code {
                    SYNTAX => Staged::Unknown,
                    _ => Staged::Refused(error.to_string()),
                });
            }
            Err(failure) => return Err(failure),
        }
    }
    let started = start_all(connections).await;
    // Whatever happened, nobody waits for us any longer.
    locker.run("BACKUP STAGE END").await?;
    locker.quit().await;
    started?;
    let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
    // The place is that of the transaction, not of this moment.
    Ok(Staged::Taken(binlog_snapshot(first).await?))
}

/// Starts all transactions under a read lock, or says why there is none.
async fn locked(connections: &mut [Connection]) -> Result<Result<Option<String>, String>, Failure> {
    let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
    first.run(&format!("SET SESSION lock_wait_timeout = {LOCK_SECONDS}")).await?;
    let lock = first.run("FLUSH TABLES WITH READ LOCK").await;
    first.run("SET SESSION lock_wait_timeout = DEFAULT").await?;
    match lock {
        Ok(_) => {}
        Err(Failure::Server(error)) => return Ok(Err(error.to_string())),
        Err(failure) => return Err(failure),
    }
    // Whatever happens, nobody waits for us any longer than that; dropping the connection unlocks too.
    let result = start_all(connections).await;
    let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
    let position = match &result {
        Ok(()) => locked_position(first).await,
        Err(_) => Ok(None),
    };
    first.run("UNLOCK TABLES").await?;
    result?;
    Ok(Ok(position?))
}

async fn start_all(connections: &mut [Connection]) -> Result<(), Failure> {
    try_join_all(connections.iter_mut().map(|connection| connection.run(START))).await?;
    Ok(())
}

/// Returns the place in the log while nothing is committed.
async fn locked_position(connection: &mut Connection) -> Result<Option<String>, Failure> {
    if connection.agreed.is_mariadb {
        return binlog_snapshot(connection).await;
    }
    let gtids = optional(connection.value("SELECT @@GLOBAL.gtid_executed").await)?.flatten();
    if let Some(gtids) = gtids.filter(|gtids| !gtids.is_empty()) {
        let joined: String = gtids.chars().filter(|it| !it.is_whitespace()).collect();
        return Ok(Some(format!("gtid {joined}")));
    }
    // The older statement is gone from 8.4, and the newer one is not in 8.0.
    for statement in ["SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"] {
        let rows = optional(connection.rows(statement).await)?.unwrap_or_default();
        if let Some([Some(file), Some(place), ..]) = rows.first().map(Vec::as_slice) {
            return Ok(Some(format!("binlog {file}:{place}")));
        }
    }
    Ok(None)
}

/// Starts all transactions until the binary log shows that they see the same, or says why it cannot.
async fn logged(connections: &mut [Connection]) -> Result<Result<String, String>, Failure> {
    let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
    if !first.agreed.is_mariadb {
        return Ok(Err("MySQL does not tell what a snapshot sees".to_owned()));
    }
    let logs = first.rows("SELECT @@GLOBAL.log_bin, @@GLOBAL.log_slave_updates").await?;
    let is_on = |at: usize| {
        logs.first().and_then(|row| row.get(at)).is_some_and(|it| it.as_deref() == Some("1"))
    };
    if !is_on(0) {
        return Ok(Err("equality is shown by the binary log, which is off".to_owned()));
    }
    let replicas = first.rows("SHOW GLOBAL STATUS LIKE 'Slaves_running'").await?;
    let replicating = replicas
        .first()
        .and_then(|row| row.get(1))
        .is_some_and(|it| it.as_deref().is_some_and(|count| count != "0"));
    if replicating && !is_on(1) {
        return Ok(Err("what is replicated is not in the binary log".to_owned()));
    }
    for _ in 0..TRIES {
        start_all(connections).await?;
        let mut places = Vec::with_capacity(connections.len());
        for connection in connections.iter_mut() {
            places.push(snapshot_place(connection).await?);
        }
        let Some(Some((file, place))) = places.first().cloned() else {
            return Ok(Err("the server does not tell the place of a snapshot".to_owned()));
        };
        if places.windows(2).all(|pair| pair.first() == pair.last()) {
            let Some(first) = connections.first_mut() else { return Err(Failure::NoConnection) };
            return Ok(Ok(named(first, &file, &place).await?));
        }
        try_join_all(connections.iter_mut().map(|it| it.run("ROLLBACK"))).await?;
    }
    Ok(Err(format!("something was committed between the snapshots in each of {TRIES} tries")))
}

/// Returns the place that a transaction of MariaDB sees, named.
async fn binlog_snapshot(connection: &mut Connection) -> Result<Option<String>, Failure> {
    if !connection.agreed.is_mariadb {
        return Ok(None);
    }
    match snapshot_place(connection).await? {
        Some((file, place)) => Ok(Some(named(connection, &file, &place).await?)),
        None => Ok(None),
    }
}

/// Returns file and place in it, if there is a binary log.
async fn snapshot_place(connection: &mut Connection) -> Result<Option<(String, String)>, Failure> {
    let rows = connection.rows("SHOW STATUS LIKE 'Binlog\\_snapshot\\_%'").await?;
    let get = |name: &str| {
        rows.iter()
            .find(|row| {
                row.first()
                    .and_then(Option::as_deref)
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
            })
            .and_then(|row| row.get(1).cloned().flatten())
            .filter(|value| !value.is_empty())
    };
    Ok(get("Binlog_snapshot_file").zip(get("Binlog_snapshot_position")))
}

/// Names a place by its GTID where the server knows it.
async fn named(connection: &mut Connection, file: &str, place: &str) -> Result<String, Failure> {
    let number: u64 = place.parse().unwrap_or_default();
    let file_literal = crate::mysql::relation::text_literal(file);
    let sql = format!("SELECT BINLOG_GTID_POS({file_literal}, {number})");
    let gtid = optional(connection.value(&sql).await)?.flatten();
    Ok(match gtid.filter(|gtid| !gtid.is_empty()) {
        Some(gtid) => format!("gtid {gtid}"),
        None => format!("binlog {file}:{place}"),
    })
}

/// Takes the server's refusal for the absence of what was asked.
fn optional<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Server(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}
