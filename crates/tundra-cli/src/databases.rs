//! The database of a command, as its URL and the ways to give a password say.
//!
//! Start at [`connector`]. Somebody at a terminal may read every file and reach every network that the
//! process may: what a server has to forbid its callers is allowed here.

use std::{fs, io::IsTerminal, path::Path, sync::Arc};

use tundra_connectors::{
    AddressPolicy, AllowedDirectories, ConnectionSettings,
    adbc::{AdbcDriver, Wish, choose_engine},
};
use tundra_core::{Connector, Secret};
use tundra_storage::Stores;

use crate::{
    args::{PasswordArgs, ReadingEngine},
    env,
    failure::Failure,
    places,
    printer::Printer,
};

/// Returns the connector to a database; nothing is connected yet.
///
/// # Errors
/// Fails when the URL makes no sense, and when a password cannot be had in the way that was named.
pub(crate) fn connector(url: &str, password: &PasswordArgs) -> Result<Arc<dyn Connector>, Failure> {
    Ok(tundra_connectors::connector(settings(url, password)?)?)
}

/// Returns the connector to a database by the engine that was named, else as the environment says.
///
/// # Errors
/// As [`connector`], and when an ADBC driver was named that cannot be loaded.
pub(crate) async fn with_engine(
    url: &str,
    password: &PasswordArgs,
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
    let settings = settings(url, password)?;
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
fn settings(url: &str, password: &PasswordArgs) -> Result<ConnectionSettings, Failure> {
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
    Ok(settings)
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
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "`--ask-password` needs a terminal",
            "give the password with `--password-file` or TUNDRA_DATABASE_PASSWORD",
        ));
    }
    let typed = rpassword::prompt_password(format!("Password for {settings}: "))
        .map_err(|source| Failure::Password { place: "the terminal".to_owned(), source })?;
    Ok(Some(Secret::new(typed)))
}

fn in_file(file: &Path) -> Result<Secret, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|source| Failure::Password { place: format!("`{}`", file.display()), source })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}
