//! Stores of secrets: files, the environment, Google Secret Manager, and what combines them.
//!
//! Start at [`SecretSettings::store`], which builds what an environment asks for. A name is 1 to 255
//! ASCII letters, digits, `-` and `_`, in every store, so that none leads anywhere but to a secret;
//! a value is a text of at most 64 KiB, and what it means is its reader's business. Nothing here
//! writes secrets, reads the variables of the process, or lets a value into a log or an error.

mod cached;
mod chain;
mod document;
mod environment;
mod file;
#[cfg(feature = "google")]
mod google;
mod settings;

use std::borrow::Cow;

use tundra_core::{ErrorKind, Retry, Secret, SecretError};
use zeroize::Zeroizing;

#[cfg(feature = "google")]
pub use self::google::{GoogleCredentials, GoogleSecrets, GoogleSettings};
pub use self::{
    cached::CachedSecrets,
    chain::SecretChain,
    environment::EnvironmentSecrets,
    file::{DEFAULT_SECRETS_FILE, FileSecrets},
    settings::SecretSettings,
};

/// The longest value. It is what Google Secret Manager takes, and no credential comes near it.
pub(crate) const LONGEST_VALUE: usize = 64 << 10;

/// The longest name.
const LONGEST_NAME: usize = 255;

/// How much is shown of a name that cannot be one: what was pasted there may be the secret itself.
const SHOWN_OF_NO_NAME: usize = 12;

/// Refuses what cannot be a name.
fn check_name(name: &str) -> Result<(), SecretError> {
    let wrong = name.find(|letter| !is_letter(letter));
    if wrong.is_none() && (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(());
    }
    let mut shown: String =
        name[..wrong.unwrap_or(name.len())].chars().take(SHOWN_OF_NO_NAME).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    let reason = match wrong {
        _ if name.is_empty() => "its name is empty".to_owned(),
        Some(at) => format!("its name has a character that no name may have, the one at byte {at}"),
        None => format!("its name is {} long", name.len()),
    };
    let mut error = failed(&shown, ErrorKind::InvalidRequest, reason);
    error.hints.push(format!(
        "name it with 1 to {LONGEST_NAME} of the letters a to z and A to Z, digits, `-` and `_`"
    ));
    Err(error)
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

/// Takes what a store holds into custody, if it can be a secret.
fn checked(name: &str, value: Zeroizing<Vec<u8>>) -> Result<Secret, SecretError> {
    if value.is_empty() {
        return Err(failed(name, ErrorKind::InvalidData, "it is empty"));
    }
    if value.len() > LONGEST_VALUE {
        return Err(too_long(name));
    }
    let mut value = value;
    // The bytes move into the secret: no copy of them is left behind.
    match String::from_utf8(std::mem::take(&mut *value)) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            drop(Zeroizing::new(error.into_bytes()));
            let reason = format!("it is no text in UTF-8, from byte {at} on");
            Err(failed(name, ErrorKind::InvalidData, reason))
        }
    }
}

fn too_long(name: &str) -> SecretError {
    let reason = format!("it is longer than {} KiB", LONGEST_VALUE >> 10);
    failed(name, ErrorKind::LimitExceeded, reason)
}

/// Returns an error without hints and cause, which trying again does not mend.
fn failed<'a>(name: &str, kind: ErrorKind, reason: impl Into<Cow<'a, str>>) -> SecretError {
    SecretError {
        name: name.to_owned(),
        reason: reason.into().into_owned(),
        kind,
        retry: Retry::Never,
        hints: Vec::new(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use tundra_core::Classify;

    use super::*;

    fn value(bytes: impl Into<Vec<u8>>) -> Result<Secret, SecretError> {
        checked("name", Zeroizing::new(bytes.into()))
    }

    #[test]
    fn says_what_is_wrong_with_a_name_and_little_of_it() {
        let shown = |name: &str| check_name(name).unwrap_err().to_string();
        assert_eq!(shown(""), "could not read the secret ``: its name is empty");
        assert_eq!(
            shown("postgres://user:hunter2@host"),
            "could not read the secret `postgres…`: its name has a character that no name may have, \
             the one at byte 8"
        );
        assert_eq!(
            shown(&"a".repeat(256)),
            "could not read the secret `aaaaaaaaaaaa…`: its name is 256 long"
        );
        assert_eq!(
            check_name("a b").unwrap_err().hints(),
            ["name it with 1 to 255 of the letters a to z and A to Z, digits, `-` and `_`"]
        );
    }

    #[test]
    fn takes_text_up_to_the_limit_and_nothing_else() {
        assert_eq!(value("é").unwrap().expose(), "é");
        assert_eq!(value("x".repeat(LONGEST_VALUE)).unwrap().expose().len(), LONGEST_VALUE);
        let kind = |bytes: Vec<u8>| value(bytes).unwrap_err().kind();
        assert_eq!(kind(vec![]), ErrorKind::InvalidData);
        assert_eq!(kind(vec![b'x'; LONGEST_VALUE + 1]), ErrorKind::LimitExceeded);
        let error = value(b"hunter2\xff".to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "could not read the secret `name`: it is no text in UTF-8, from byte 7 on"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
