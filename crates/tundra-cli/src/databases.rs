//! The database of a command, as its URL and the ways to give a password say.
//!
//! Start at [`connector`]. Somebody at a terminal may read every file and reach every network that the
//! process may: what a server has to forbid its callers is allowed here.

use std::{fs, io::IsTerminal, path::Path, sync::Arc};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tundra_connectors::{
    AddressPolicy, AllowedDirectories, ConnectionSettings, KnownHosts, Pem, SshSettings,
    adbc::{AdbcDriver, Wish, choose_engine},
};
use tundra_core::{Connector, Secret};
use tundra_storage::Stores;

use crate::{
    args::{ConnectionArgs, PasswordArgs, ReadingEngine, SshArgs},
    env,
    failure::Failure,
    places,
    printer::Printer,
};

/// Returns the connector to a database; nothing is connected yet.
///
/// # Errors
/// Fails when the URL makes no sense, and when a password cannot be had in the way that was named.
pub(crate) fn connector(
    url: &str,
    connection: &ConnectionArgs,
) -> Result<Arc<dyn Connector>, Failure> {
    Ok(tundra_connectors::connector(settings(url, connection)?)?)
}

/// Returns the connector to a database by the engine that was named, else as the environment says.
///
/// # Errors
/// As [`connector`], and when an ADBC driver was named that cannot be loaded.
pub(crate) async fn with_engine(
    url: &str,
    connection: &ConnectionArgs,
    engine: Option<ReadingEngine>,
    driver: Option<&str>,
    printer: &Printer,
) -> Result<Arc<dyn Connector>, Failure> {
    let wish = match engine {
        Some(ReadingEngine::Native) if driver.is_some() => {
            return Err(Failure::usage(
                "`--engine native` reads without a driver, and `--adbc-driver` names one",
                "leave one of them out",
            ));
        }
        Some(ReadingEngine::Native) => Wish::Native,
        Some(ReadingEngine::Adbc) => Wish::Adbc,
        None if driver.is_some() => Wish::Adbc,
        None if env::wants_adbc()? => Wish::AdbcIfThere,
        None => Wish::Native,
    };
    let settings = settings(url, connection)?;
    let choice = choose_engine(settings, wish, driver.map(AdbcDriver::new)).await;
    let choice = choice.map_err(tundra_core::Error::from)?;
    if let Some(warning) = choice.warning {
        printer.warning(&warning);
    }
    Ok(choice.connector)
}

/// Refuses an output that is a file of the database itself.
///
/// # Errors
/// When it is one.
pub(crate) fn check_output(url: &str, output: &str, stores: &Stores) -> Result<(), Failure> {
    let Some(file) = ConnectionSettings::from_url(url)?.file_path else { return Ok(()) };
    let file = file.to_string_lossy();
    // SQLite's log, its index and its journal belong to the database as well.
    for suffix in ["", "-wal", "-shm", "-journal"] {
        if places::is_same(&format!("{file}{suffix}"), output, stores) {
            return Err(Failure::usage(
                format!("`{output}` is a file of the database itself"),
                "name another file",
            ));
        }
    }
    Ok(())
}

/// Returns where a database is, and who asks.
fn settings(url: &str, connection: &ConnectionArgs) -> Result<ConnectionSettings, Failure> {
    let ConnectionArgs { password, ssh, ask_ssh_passphrase } = connection;
    let mut settings = ConnectionSettings::from_url(url)?;
    settings.addresses = AddressPolicy::PrivateAllowed;
    settings.allowed_directories = AllowedDirectories::Everything;
    settings.sockets_allowed = true;
    let is_given = password.ask_password || password.password_file.is_some();
    if is_given && settings.password.is_some() {
        return Err(Failure::usage(
            "there is a password in the URL, and another one is to be used",
            "leave the one in the URL out",
        ));
    }
    if let Some(given) = given(password, &settings)? {
        settings.password = Some(given);
    }
    if settings.password.is_none() {
        settings.password = env::database_password();
    }
    settings.ssh = tunnel(settings.ssh.take(), ssh, *ask_ssh_passphrase)?;
    Ok(settings)
}

/// The keys that are tried when none is named: those of OpenSSH that need no device.
const DEFAULT_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Returns the SSH server that the options or the URL name, with what OpenSSH would take where nothing is
/// said.
fn tunnel(
    named: Option<SshSettings>,
    args: &SshArgs,
    ask_passphrase: bool,
) -> Result<Option<SshSettings>, Failure> {
    let Some(mut ssh) = with_options(named, args)? else {
        if ask_passphrase {
            return Err(no_server());
        }
        return Ok(None);
    };
    ssh.user = ssh.user.or_else(env::user_name);
    let directory = env::ssh_directory();
    if ssh.known_hosts.is_none() && ssh.host_key.is_none() {
        let file = directory.as_ref().map(|it| it.join("known_hosts"));
        ssh.known_hosts = file.map(KnownHosts::File);
    }
    if let (true, Some(directory)) = (ssh.keys.is_empty(), &directory) {
        let files = DEFAULT_KEYS.map(|name| directory.join(name));
        ssh.keys = files.into_iter().filter(|file| file.is_file()).map(Pem::File).collect();
    }
    if ask_passphrase {
        let prompt = format!("Passphrase of the key for {ssh}: ");
        ssh.passphrase =
            Some(typed(&prompt, "--ask-ssh-passphrase", "give it in TUNDRA_SSH_PASSPHRASE")?);
    } else if ssh.passphrase.is_none() {
        ssh.passphrase = env::ssh_passphrase();
    }
    Ok(Some(ssh))
}

/// Puts what the options say in the place of what the URL says.
fn with_options(
    named: Option<SshSettings>,
    args: &SshArgs,
) -> Result<Option<SshSettings>, Failure> {
    let SshArgs { ssh, ssh_key, ssh_known_hosts } = args;
    let mut ssh = match (named, ssh.as_deref().cloned()) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "there is an SSH server in the URL, and another one is to be used",
                "leave one of them out",
            ));
        }
        (Some(ssh), None) | (None, Some(ssh)) => ssh,
        (None, None) if ssh_key.is_none() && ssh_known_hosts.is_none() => return Ok(None),
        (None, None) => return Err(no_server()),
    };
    if let Some(file) = ssh_key {
        ssh.keys = vec![Pem::File(file.clone())];
    }
    if let Some(file) = ssh_known_hosts {
        ssh.known_hosts = Some(KnownHosts::File(file.clone()));
        ssh.host_key = None;
    }
    Ok(Some(ssh))
}

fn no_server() -> Failure {
    Failure::usage(
        "there are options for an SSH server, and none is named",
        "name it with `--ssh`, or leave them out",
    )
}

/// Returns the URL of a database with the SSH server that the options name, as it is kept for later runs.
///
/// # Errors
/// When the URL names an SSH server as well or is that of a file, or options are given for a server that is
/// not named.
pub(crate) fn with_tunnel(url: &str, args: &SshArgs) -> Result<String, Failure> {
    let SshArgs { ssh, ssh_key, ssh_known_hosts } = args;
    let settings = ConnectionSettings::from_url(url)?;
    let is_file = settings.file_path.is_some();
    if with_options(settings.ssh, args)?.is_some() && is_file {
        return Err(Failure::usage(
            "a file is reached without an SSH server",
            "leave `--ssh` and its options out",
        ));
    }
    let path = |file: &Path| {
        // The next run may be started elsewhere.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        file.to_string_lossy().into_owned()
    };
    let of = |take: fn(&SshSettings) -> Option<String>| ssh.as_deref().and_then(take);
    let settings = [
        ("ssh_host", of(|ssh| Some(ssh.host.clone()))),
        ("ssh_port", of(|ssh| ssh.port.map(|port| port.to_string()))),
        ("ssh_user", of(|ssh| ssh.user.clone())),
        ("ssh_key", ssh_key.as_deref().map(path)),
        ("ssh_known_hosts", ssh_known_hosts.as_deref().map(path)),
    ];
    let mut kept = url.to_owned();
    for (name, value) in settings {
        let Some(value) = value else { continue };
        kept.push(if kept.contains('?') { '&' } else { '?' });
        kept.push_str(name);
        kept.push('=');
        kept.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
    }
    // What makes no sense for this database is said now and not by the next run.
    ConnectionSettings::from_url(&kept)?;
    Ok(kept)
}

/// Returns the password that the options give.
fn given(
    password: &PasswordArgs,
    settings: &ConnectionSettings,
) -> Result<Option<Secret>, Failure> {
    let PasswordArgs { password_file, ask_password } = password;
    if let Some(file) = password_file {
        return in_file(file).map(Some);
    }
    if !ask_password {
        return Ok(None);
    }
    let prompt = format!("Password for {settings}: ");
    let instead = "give the password with `--password-file` or TUNDRA_DATABASE_PASSWORD";
    typed(&prompt, "--ask-password", instead).map(Some)
}

/// Asks for a secret on the terminal.
fn typed(prompt: &str, option: &str, instead: &'static str) -> Result<Secret, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("`{option}` needs a terminal"), instead));
    }
    let typed = rpassword::prompt_password(prompt)
        .map_err(|source| Failure::Password { place: "the terminal".to_owned(), source })?;
    Ok(Secret::new(typed))
}

fn in_file(file: &Path) -> Result<Secret, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|source| Failure::Password { place: format!("`{}`", file.display()), source })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}
