//! What an API key looks like: [`ApiKey`], its [`KeyId`] and what is kept of its secret.
//!
//! A key is `tnd_<id>_<secret><check>`: 12, 32 and 6 characters, each a digit or a letter of ASCII. The
//! id finds it and is no secret. The secret has 190 bits. The check code is the CRC-32C of all before it,
//! so that a typing error is told from a key that is not known, and a scanner for secrets can tell a key
//! from what looks like one: `tnd_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}`.

use std::{fmt, str::FromStr};

use ring::{
    digest::{SHA256, SHA256_OUTPUT_LEN, digest},
    rand::{SecureRandom, SystemRandom},
};
use subtle::ConstantTimeEq;
use tundra_core::Secret;

/// How every key begins.
pub(crate) const PREFIX: &str = "tnd_";

const ID_LENGTH: usize = 12;
/// 62 to the 32nd is more than 2 to the 190th.
const SECRET_LENGTH: usize = 32;
/// 62 to the 6th is more than 2 to the 32nd.
const CHECK_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + ID_LENGTH + 1 + SECRET_LENGTH + CHECK_LENGTH;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key, with its secret. It is shown once, when it is made, and is not kept anywhere.
///
/// # Examples
/// ```
/// use tundra_access::ApiKey;
///
/// let key = ApiKey::generate()?;
/// let text = key.reveal();
/// let again: ApiKey = text.expose().parse()?;
/// assert_eq!(again.id(), key.id());
/// assert!(key.digest().is_of(&again));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ApiKey {
    id: KeyId,
    secret: Secret,
}

/// The id of an API key: 12 digits and letters. No secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// What is kept of a key's secret: its SHA-256.
///
/// A slow hash guards passwords, which can be guessed. The secret of a key is 190 random bits, of which
/// no guess finds one however fast it is, and a key is checked with every request.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; SHA256_OUTPUT_LEN]);

/// Why a text is no API key. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyFault {
    /// It is something else, or its beginning is missing.
    #[error("it does not begin with `{PREFIX}`")]
    Beginning,
    /// Something is missing or too much.
    #[error("it has {found} characters instead of {LENGTH}, so a part is missing or too much")]
    Length {
        /// How many characters it has.
        found: usize,
    },
    /// It has a character that no key has, or none of the marks between its parts.
    #[error("it is not written as keys are: `{PREFIX}`, 12 letters and digits, `_`, and 38 more")]
    Form,
    /// It is a typing error, and no key at all.
    #[error("its check code does not fit, so at least one character of it is wrong")]
    CheckCode,
}

/// The system has no random bytes to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

impl ApiKey {
    /// Makes a key that nobody has had before.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let id = KeyId(random_text(ID_LENGTH)?);
        Ok(Self { id, secret: Secret::new(random_text(SECRET_LENGTH)?) })
    }

    /// Returns its id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the whole key, for the one time that it is shown.
    pub fn reveal(&self) -> Secret {
        // Of the right size at once, so that no half of it is left behind in memory.
        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        text.push_str(&self.id.0);
        text.push('_');
        text.push_str(self.secret.expose());
        let check = check_code(&text);
        text.push_str(&check);
        Secret::new(text)
    }

    /// Returns what is kept of it.
    pub fn digest(&self) -> KeyDigest {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, self.secret.expose().as_bytes()).as_ref());
        KeyDigest(bytes)
    }

    /// Returns whether the text is meant to be a key, with or without errors.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(PREFIX).ok_or(ApiKeyFault::Beginning)?;
        let found = text.chars().count();
        if found != LENGTH {
            return Err(ApiKeyFault::Length { found });
        }
        let (id, rest) = rest.split_once('_').ok_or(ApiKeyFault::Form)?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if id.len() != ID_LENGTH || !is_plain(id) || !is_plain(rest) {
            return Err(ApiKeyFault::Form);
        }
        // All of it is ASCII, and of the right length.
        let (checked, check) = text.split_at(LENGTH - CHECK_LENGTH);
        if check_code(checked) != check {
            return Err(ApiKeyFault::CheckCode);
        }
        let secret = &rest[..SECRET_LENGTH];
        Ok(Self { id: KeyId(id.to_owned()), secret: Secret::new(secret) })
    }
}

impl KeyId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = ApiKeyFault;

    /// Reads an id with or without what a whole key has before it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text.strip_prefix(PREFIX).unwrap_or(text);
        if id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(id.to_owned()));
        }
        Err(ApiKeyFault::Form)
    }
}

impl KeyDigest {
    /// Takes back what a store kept.
    pub const fn from_bytes(bytes: [u8; SHA256_OUTPUT_LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes for a store to keep.
    pub const fn as_bytes(&self) -> &[u8; SHA256_OUTPUT_LEN] {
        &self.0
    }

    /// Returns whether it is of this key. It takes the same time whatever the answer is.
    pub fn is_of(&self, key: &ApiKey) -> bool {
        *self == key.digest()
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyDigest {}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(***)")
    }
}

/// Returns random digits and letters, each as likely as any other.
fn random_text(length: usize) -> Result<String, NoRandomness> {
    let random = SystemRandom::new();
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        // Of the 64 values of six bits two are left out, rather than made more likely.
        let digits = bytes.iter().filter_map(|byte| DIGITS.get(usize::from(byte & 63)));
        text.extend(digits.take(length - text.len()).map(|digit| char::from(*digit)));
    }
    Ok(text)
}

/// Returns the check code of what stands before it.
fn check_code(text: &str) -> String {
    let mut rest = crc32c::crc32c(text.as_bytes()) as usize;
    let mut code = [b'0'; CHECK_LENGTH];
    for digit in code.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    code.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Not of a random key, so that what was shown once stays valid for ever.
    const SAMPLE: &str = "tnd_0123456789AB_abcdefghijklmnopqrstuvwxyz0123453higGn";

    fn fault(text: &str) -> ApiKeyFault {
        text.parse::<ApiKey>().unwrap_err()
    }

    #[test]
    fn a_key_of_long_ago_is_read() {
        let key: ApiKey = SAMPLE.parse().unwrap();
        assert_eq!(key.id().as_str(), "0123456789AB");
        assert_eq!(key.reveal().expose(), SAMPLE);
        // SHA-256 of `abcdefghijklmnopqrstuvwxyz012345`, by another program.
        let kept: String = key.digest().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(kept, "653bb1245e828fcda4fa53fcd5a3def5bd7654e651f54b4132b73d74e64435c4");
    }

    #[test]
    fn keys_are_all_different_and_look_alike() {
        let keys: Vec<ApiKey> = (0..100).map(|_| ApiKey::generate().unwrap()).collect();
        for (number, key) in keys.iter().enumerate() {
            let text = key.reveal();
            assert_eq!(text.expose().len(), LENGTH);
            let again: ApiKey = text.expose().parse().unwrap();
            assert!(key.digest().is_of(&again));
            for other in &keys[..number] {
                assert!(other.id() != key.id() && !other.digest().is_of(key));
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_is_said_without_repeating_it() {
        assert_eq!(fault(""), ApiKeyFault::Beginning);
        assert_eq!(fault(&SAMPLE[1..]), ApiKeyFault::Beginning);
        assert_eq!(fault(&SAMPLE.to_uppercase()), ApiKeyFault::Beginning);
        assert_eq!(fault("tnd_"), ApiKeyFault::Length { found: 4 });
        assert_eq!(fault(&SAMPLE[..LENGTH - 1]), ApiKeyFault::Length { found: LENGTH - 1 });
        assert_eq!(fault(&format!("{SAMPLE} ")), ApiKeyFault::Length { found: LENGTH + 1 });
        assert_eq!(fault(&SAMPLE.replacen("_a", "aa", 1)), ApiKeyFault::Form);
        assert_eq!(fault(&SAMPLE.replacen("xyz", "äöü", 1)), ApiKeyFault::Form);
        assert_eq!(fault(&SAMPLE.replacen('0', "1", 1)), ApiKeyFault::CheckCode);
        let said = format!("{0} {0:?}", fault(&SAMPLE.replacen("abc", "acb", 1)));
        assert!(said.contains("check code") && !said.contains("defghijk"), "{said}");
    }

    #[test]
    fn a_key_does_not_print() {
        let key: ApiKey = SAMPLE.parse().unwrap();
        let printed = format!("{key:?} {:?} {}", key.digest(), key.reveal());
        assert!(!printed.contains("abcdef") && printed.contains("0123456789AB"), "{printed}");
    }

    #[test]
    fn an_id_is_read_as_it_stands_in_a_key() {
        for text in ["0123456789AB", "tnd_0123456789AB"] {
            assert_eq!(text.parse::<KeyId>().unwrap().as_str(), "0123456789AB");
        }
        for text in ["", "tnd_", "0123456789A", "0123456789A-", SAMPLE] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_wrong_character_is_found(place in 0..LENGTH, to in 0..DIGITS.len()) {
            let mut text = SAMPLE.as_bytes().to_vec();
            prop_assume!(text[place] != DIGITS[to]);
            text[place] = DIGITS[to];
            let text = String::from_utf8(text).unwrap();
            prop_assert!(text.parse::<ApiKey>().is_err());
        }

        #[test]
        fn no_text_breaks_the_reader(text in "(tnd_)?\\PC{0,60}") {
            prop_assert!(text.parse::<ApiKey>().is_err());
        }
    }
}
