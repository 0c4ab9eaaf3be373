//! PostgreSQL: the package of the system, with a cluster of its own that is gone with it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{
    random::random_hex,
    server::{End, Server, free_address},
};
use crate::{
    env::{TUNDRA_TEST_POSTGRES_URL, TUNDRA_TEST_PSQL, Variables},
    process::Cmd,
    workspace::Workspace,
};

pub(super) const NAME: &str = "postgresql";

/// Where Debian and Ubuntu keep the programs of each version: below, in `15/bin` and the like.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user who may do everything.
const USER: &str = "tundra";

/// Whom the server runs as when we are root, which it refuses to be: the first of these that is there.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Nothing outlives the folder, so nothing needs to reach the disk.
const SETTINGS: [&str; 5] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // Each test has a database and servers of its own.
    "max_connections=200",
    "shared_buffers=64MB",
];

/// Starts it with a user who may do everything.
pub(super) fn start(_: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let programs = find_programs(Path::new(VERSIONS))?;
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let password = random_hex(16)?;
    let account = Account::ours_or_lesser()?;
    let mut command = account.command(&programs.join("postgres"))?;
    command.extend(["-D", DATA, "-h", &host, "-p", &port, "-k", SOCKETS].map(str::to_owned));
    command.extend(SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
    let (program, args) = command.split_first().context("there is no program")?;
    let mut server = Server::start(NAME, End::Quit, Path::new(program), args, |folder| {
        make_cluster(folder, &programs, &account, &password)
    })?;
    let psql = programs.join("psql");
    let url = format!("postgres://{USER}:{password}@{address}/postgres");
    server.wait_until(|| Cmd::new(&psql).args(["-X", "-q", "-c", "SELECT 1", &url]).read())?;
    let psql = psql.to_str().context("PostgreSQL is in a folder with an odd name")?.to_owned();
    Ok((server, vec![(TUNDRA_TEST_POSTGRES_URL, url), (TUNDRA_TEST_PSQL, psql)]))
}

/// Below the server's folder, which is its current one.
const DATA: &str = "data";
const SOCKETS: &str = ".";
const PASSWORD: &str = "password";

/// Makes a cluster that lets in nobody without the password.
fn make_cluster(
    folder: &Path,
    programs: &Path,
    account: &Account,
    password: &str,
) -> anyhow::Result<()> {
    let written = fs::write(folder.join(PASSWORD), password);
    written.context("could not write the password")?;
    account.own(&folder.join(PASSWORD))?;
    // The socket is made there.
    account.own(folder)?;
    let command = account.command(&programs.join("initdb"))?;
    let (program, args) = command.split_first().context("there is no program")?;
    Cmd::new(program)
        .dir(folder)
        .args(args)
        .args(["-D", DATA, "-U", USER, "--pwfile", PASSWORD, "--auth", "scram-sha-256"])
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"])
        .read()?;
    Ok(())
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

/// Whom the server runs as.
#[derive(Debug)]
enum Account {
    /// Who we are.
    Ours,
    /// Somebody who may do less than root, which we are.
    Lesser { user: u32, group: u32 },
}

impl Account {
    fn ours_or_lesser() -> anyhow::Result<Self> {
        let process = fs::metadata("/proc/self").context("could not see who this process is")?;
        if process.uid() != 0 {
            return Ok(Self::Ours);
        }
        let id = |option, account| -> Option<u32> {
            Cmd::new("id").args([option, account]).read().ok()?.trim().parse().ok()
        };
        ACCOUNTS
            .iter()
            .find_map(|account| {
                let (user, group) = (id("-u", account)?, id("-g", account)?);
                Some(Self::Lesser { user, group })
            })
            .with_context(|| format!("there is no user of {}", ACCOUNTS.join(", ")))
    }

    /// Gives it a file or a folder, which nobody else may read.
    fn own(&self, path: &Path) -> anyhow::Result<()> {
        if let Self::Lesser { user, group } = self {
            let given = chown(path, Some(*user), Some(*group));
            given.with_context(|| format!("could not give away `{}`", path.display()))?;
        }
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        set.with_context(|| format!("could not protect `{}`", path.display()))
    }

    /// Returns what runs a program as this one.
    fn command(&self, program: &Path) -> anyhow::Result<Vec<String>> {
        let program = program.to_str().context("PostgreSQL is in a folder with an odd name")?;
        Ok(match self {
            Self::Ours => vec![program.to_owned()],
            Self::Lesser { user, group } => vec![
                "setpriv".to_owned(),
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
                program.to_owned(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
