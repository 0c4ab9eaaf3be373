//! MariaDB: the package of the system, with data of its own that is gone with it.
//!
//! Debian's package may have started a server when it was installed. It is left alone: this one has
//! another port, another socket and another folder, and reads none of its configuration.

use std::{fmt::Write as _, path::Path};

use anyhow::Context;

use super::{
    account::Account,
    certificates::{self, CA, SERVER_CERTIFICATE, SERVER_KEY, certificates},
    program,
    random::random_hex,
    server::{End, Server, free_address},
    users::{BY_CERTIFICATE, BY_TLS, USER},
};
use crate::{
    env::{
        TUNDRA_TEST_MARIADB_CLIENT, TUNDRA_TEST_MARIADB_SOCKET, TUNDRA_TEST_MARIADB_URL, Variables,
    },
    process::Cmd,
    workspace::Workspace,
};

pub(super) const NAME: &str = "mariadb";

/// The package of Debian that has it.
const PACKAGE: &str = "mariadb-server";

/// Whom the server runs as when we are root: the first of these that is there.
const ACCOUNTS: [&str; 2] = ["mysql", "nobody"];

/// Below the server's folder, which is its current one.
const CONFIG: &str = "mariadb.cnf";
const DATA: &str = "data";
const SOCKET: &str = "mariadb.sock";
const INIT: &str = "init.sql";

/// How the data is made; as small as it may be.
const INSTALL: [&str; 6] = [
    "--no-defaults",
    "--skip-test-db",
    "--skip-name-resolve",
    // Root gets in by being root on this machine and by nothing else, which nobody is for this server.
    "--auth-root-authentication-method=socket",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=32M",
];

/// Nothing outlives the folder, so nothing needs to reach the disk.
const SETTINGS: &str = "\
innodb_flush_log_at_trx_commit = 0
innodb_doublewrite = OFF
sync_binlog = 0
innodb_buffer_pool_size = 128M
innodb_log_file_size = 64M
aria_pagecache_buffer_size = 8M
key_buffer_size = 1M
# A consistent snapshot on several connections is proven by its place in this log.
log_bin = binlog
binlog_format = ROW
server_id = 1
# As Debian configures it.
character_set_server = utf8mb4
collation_server = utf8mb4_general_ci
# Each test has connections of its own, some of them sixteen.
max_connections = 300
max_allowed_packet = 256M
skip_name_resolve
";

/// Starts it with a user who may do everything.
pub(super) fn start(_: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let install = program::find("mariadb-install-db", PACKAGE)?;
    let program = program::find("mariadbd", PACKAGE)?;
    let client = program::find("mariadb", PACKAGE)?;
    let certificates = certificates()?;
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let password = random_hex(16)?;
    let account = Account::ours_or_lesser(&ACCOUNTS)?;
    let mut command = account.command(&program)?;
    command.push(format!("--defaults-file={CONFIG}"));
    let (program, args) = command.split_first().context("there is no program")?;
    let mut server = Server::start(NAME, End::Kill, Path::new(program), args, |folder| {
        certificates.write(folder, &account)?;
        account.write(&folder.join(CONFIG), &configuration(folder, &host, &port))?;
        account.write(&folder.join(INIT), &users(&password))?;
        make_data(folder, &install, &account)
    })?;
    server.wait_until(|| {
        Cmd::new(&client)
            .args(["--no-defaults", "--protocol=tcp", "-h", &host, "-P", &port, "-u", USER])
            .args(["-e", "SELECT 1"])
            .env("MYSQL_PWD", &password)
            .read()
    })?;
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).context("MariaDB is in a folder with an odd name")
    };
    let mut variables = vec![
        (TUNDRA_TEST_MARIADB_URL, format!("mariadb://{USER}:{password}@{address}")),
        (TUNDRA_TEST_MARIADB_SOCKET, text(&server.folder().join(SOCKET))?),
        (TUNDRA_TEST_MARIADB_CLIENT, text(&client)?),
    ];
    variables.extend(certificates::variables(server.folder())?);
    Ok((server, variables))
}

/// Returns the server's configuration. It takes no relative path for its data.
fn configuration(folder: &Path, host: &str, port: &str) -> String {
    let path = |name| folder.join(name).display().to_string();
    format!(
        "[mariadbd]\nbind_address = {host}\nport = {port}\n\
         datadir = {}\nsocket = {}\ninit_file = {}\n\
         ssl_ca = {}\nssl_cert = {}\nssl_key = {}\n{SETTINGS}",
        path(DATA),
        path(SOCKET),
        path(INIT),
        path(CA),
        path(SERVER_CERTIFICATE),
        path(SERVER_KEY),
    )
}

/// Returns what the server runs before it lets anybody in; a statement a line. Who gets in by one way
/// only may read everything.
fn users(password: &str) -> String {
    let mut statements = String::new();
    for (user, condition, rights) in [
        (USER, "NONE", "ALL"),
        (BY_TLS, "SSL", "SELECT, SHOW VIEW"),
        (BY_CERTIFICATE, "X509", "SELECT, SHOW VIEW"),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(
            statements,
            "CREATE USER '{user}'@'%' IDENTIFIED BY '{password}' REQUIRE {condition};\n\
             GRANT {rights} ON *.* TO '{user}'@'%'{};",
            if user == USER { " WITH GRANT OPTION" } else { "" }
        );
    }
    statements
}

/// Makes data that lets in nobody yet.
fn make_data(folder: &Path, install: &Path, account: &Account) -> anyhow::Result<()> {
    // The data and the socket are made there.
    account.own(folder)?;
    let data = folder.join(DATA);
    let data = data.to_str().context("the folder for temporary files has an odd name")?;
    let command = account.command(install)?;
    let (program, args) = command.split_first().context("there is no program")?;
    Cmd::new(program)
        .dir(folder)
        .args(args)
        .args(INSTALL)
        .arg(format!("--datadir={data}"))
        .read()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_made_by_lines_of_one_statement() {
        let statements = users("0123");
        assert!(statements.lines().all(|line| line.ends_with(';')), "{statements}");
        assert!(statements.contains("'tundra_certificate'@'%' IDENTIFIED BY '0123' REQUIRE X509"));
    }
}
