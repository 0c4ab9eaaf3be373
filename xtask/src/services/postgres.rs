//! PostgreSQL: the package of the system, with a cluster of its own that is gone with it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{
    account::Account,
    certificates::{self, CA, SERVER_CERTIFICATE, SERVER_KEY, certificates},
    random::random_hex,
    server::{End, Server, free_address},
    users::{BY_CERTIFICATE, BY_PLAIN, BY_TLS, USER},
};
use crate::{
    env::{TUNDRA_TEST_POSTGRES_SOCKETS, TUNDRA_TEST_POSTGRES_URL, TUNDRA_TEST_PSQL, Variables},
    process::Cmd,
    workspace::Workspace,
};

pub(super) const NAME: &str = "postgresql";
pub(super) const POSTGIS: &str = "postgis";

/// Where Debian and Ubuntu keep the programs of each version: below, in `15/bin` and the like.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Where they keep its extensions: below, in `15/extension` and the like.
const EXTENSIONS: &str = "/usr/share/postgresql";

/// Whom the server runs as when we are root, which it refuses to be: the first of these that is there.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Nothing outlives the folder, so nothing needs to reach the disk.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // Each test has a database and servers of its own.
    "max_connections=200",
    "shared_buffers=64MB",
    // TLS is there for whoever wants it.
    "ssl=on",
];

/// Starts it with a user who may do everything, and others who get in by one way only.
pub(super) fn start(_: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let programs = find_programs(Path::new(VERSIONS))?;
    let certificates = certificates()?;
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let password = random_hex(16)?;
    let account = Account::ours_or_lesser(&ACCOUNTS)?;
    let mut command = account.command(&programs.join("postgres"))?;
    command.extend(["-D", DATA, "-h", &host, "-p", &port, "-k", SOCKETS].map(str::to_owned));
    // Its current folder is soon that of its data.
    let files =
        [("ssl_ca_file", CA), ("ssl_cert_file", SERVER_CERTIFICATE), ("ssl_key_file", SERVER_KEY)]
            .map(|(name, file)| format!("{name}=../{file}"));
    for setting in SETTINGS.map(str::to_owned).into_iter().chain(files) {
        command.extend(["-c".to_owned(), setting]);
    }
    let (program, args) = command.split_first().context("there is no program")?;
    let mut server = Server::start(NAME, End::Quit, Path::new(program), args, |folder| {
        certificates.write(folder, &account)?;
        make_cluster(folder, &programs, &account, &password)
    })?;
    let psql = programs.join("psql");
    let url = format!("postgres://{USER}:{password}@{address}/postgres");
    let run = |sql: &str| {
        Cmd::new(&psql).args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &url]).read()
    };
    server.wait_until(|| run("SELECT 1"))?;
    run(&users(&password))?;
    let psql = psql.to_str().context("PostgreSQL is in a folder with an odd name")?.to_owned();
    let sockets =
        server.folder().to_str().context("the folder for temporary files has an odd name")?;
    let mut variables = vec![
        (TUNDRA_TEST_POSTGRES_URL, url),
        (TUNDRA_TEST_POSTGRES_SOCKETS, sockets.to_owned()),
        (TUNDRA_TEST_PSQL, psql),
    ];
    variables.extend(certificates::variables(server.folder())?);
    Ok((server, variables))
}

/// Says whether PostGIS is installed beside it, without which tests of geometry have nothing to read.
pub(super) fn find_postgis() -> anyhow::Result<Variables> {
    let programs = find_programs(Path::new(VERSIONS))?;
    let version = programs.parent().and_then(Path::file_name).unwrap_or_default();
    let control = Path::new(EXTENSIONS).join(version).join("extension/postgis.control");
    if !control.is_file() {
        bail!(
            "there is no `{}` (Debian and Ubuntu: `apt-get install postgresql-{}-postgis-3`)",
            control.display(),
            version.display()
        );
    }
    Ok(Variables::new())
}

/// Below the server's folder, which is its current one.
const DATA: &str = "data";

/// Seen from its data: the server's folder.
const SOCKETS: &str = "..";
const PASSWORD: &str = "password";

const PASSWORD_METHOD: &str = "scram-sha-256";

/// Below its data: who gets in, and how.
const ACCESS: &str = "pg_hba.conf";

/// Makes a cluster that lets in nobody without the password.
fn make_cluster(
    folder: &Path,
    programs: &Path,
    account: &Account,
    password: &str,
) -> anyhow::Result<()> {
    account.write(&folder.join(PASSWORD), password)?;
    // The socket is made there.
    account.own(folder)?;
    let command = account.command(&programs.join("initdb"))?;
    let (program, args) = command.split_first().context("there is no program")?;
    Cmd::new(program)
        .dir(folder)
        .args(args)
        .args(["-D", DATA, "-U", USER, "--pwfile", PASSWORD, "--auth", PASSWORD_METHOD])
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"])
        .read()?;
    account.write(&folder.join(DATA).join(ACCESS), &access())
}

/// Returns the rules by which users get in; the first that fits a connection decides.
fn access() -> String {
    let certificate = format!("{PASSWORD_METHOD} clientcert=verify-full");
    let by_one_way = [BY_TLS, BY_CERTIFICATE, BY_PLAIN].join(",");
    let mut rules = format!("local all all {PASSWORD_METHOD}\n");
    for (way, users, method) in [
        ("hostssl", BY_TLS, PASSWORD_METHOD),
        ("hostssl", BY_CERTIFICATE, &certificate),
        ("hostnossl", BY_PLAIN, PASSWORD_METHOD),
        ("host", &by_one_way, "reject"),
        ("host", "all", PASSWORD_METHOD),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(rules, "{way} all {users} all {method}");
    }
    rules
}

/// Returns what makes the users who get in by one way only. They may read everything.
fn users(password: &str) -> String {
    [BY_TLS, BY_CERTIFICATE, BY_PLAIN]
        .map(|user| {
            format!("CREATE ROLE {user} LOGIN PASSWORD '{password}' IN ROLE pg_read_all_data;")
        })
        .concat()
}

/// Returns the folder with the programs of the newest version.
fn find_programs(versions: &Path) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    let newest = entries
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join("initdb").is_file().then_some((version, programs))
        })
        .max();
    let Some((_, programs)) = newest else {
        bail!(
            "it is not below `{}` (Debian and Ubuntu: `apt-get install postgresql`)",
            versions.display()
        );
    };
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_in_by_one_way_is_refused_by_all_others_before_everybody_gets_in() {
        assert_eq!(
            access(),
            "local all all scram-sha-256\n\
             hostssl all tundra_tls all scram-sha-256\n\
             hostssl all tundra_certificate all scram-sha-256 clientcert=verify-full\n\
             hostnossl all tundra_plain all scram-sha-256\n\
             host all tundra_tls,tundra_certificate,tundra_plain all reject\n\
             host all all all scram-sha-256\n"
        );
    }

    #[test]
    fn the_newest_version_that_is_whole_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["9/bin/initdb", "15/bin/initdb", "17/bin/psql", "old/bin/initdb"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(find_programs(folder.path()).unwrap(), folder.path().join("15/bin"));
        let error = find_programs(&folder.path().join("17")).unwrap_err();
        assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
    }
}
