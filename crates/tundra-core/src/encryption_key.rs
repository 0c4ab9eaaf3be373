//! The key with which an output is encrypted.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// A key of AES with 16 or 32 bytes, which does not print and is wiped when it is dropped.
///
/// # Examples
/// ```
/// use tundra_core::EncryptionKey;
///
/// let key: EncryptionKey = "000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(key.bits(), 128);
/// assert_eq!(key, "AAECAwQFBgcICQoLDA0ODw==".parse()?);
/// # Ok::<(), tundra_core::EncryptionKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey(Zeroizing<Vec<u8>>);

/// A text that says no [`EncryptionKey`]. What it says is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 16 or 32 bytes, as hexadecimal digits or in base64")]
pub struct EncryptionKeyError;

impl EncryptionKey {
    /// Returns its bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns its length in bits.
    pub fn bits(&self) -> usize {
        self.0.len() * 8
    }
}

impl FromStr for EncryptionKey {
    type Err = EncryptionKeyError;

    /// Reads 32 or 64 hexadecimal digits, or base64; white space around it is passed over.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Base64 of so many letters would be keys of other lengths.
        let is_hexadecimal =
            matches!(text.len(), 32 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = if is_hexadecimal {
            let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
            text.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
        } else {
            BASE64_STANDARD.decode(text).map_err(|_| EncryptionKeyError)?
        };
        let bytes = Zeroizing::new(bytes);
        if matches!(bytes.len(), 16 | 32) { Ok(Self(bytes)) } else { Err(EncryptionKeyError) }
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_both_forms() {
        let key = |text: &str| text.parse::<EncryptionKey>();
        let hexadecimal = "00112233445566778899AABBCCDDEEff";
        assert_eq!(key(hexadecimal), key(" ABEiM0RVZneImaq7zN3u/w==\n"));
        assert_eq!(key(hexadecimal).unwrap().expose()[..3], [0, 0x11, 0x22]);
        assert_eq!(key(&hexadecimal.repeat(2)).unwrap().bits(), 256);
        for text in ["", "0", "no key", &hexadecimal[1..], &hexadecimal.repeat(3), "AAECAwQFBg=="] {
            let error = key(text).unwrap_err().to_string();
            assert!(text.is_empty() || text == "0" || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let key: EncryptionKey = "00112233445566778899aabbccddeeff".parse().unwrap();
        assert_eq!(format!("{key:?}"), "EncryptionKey(***)");
    }
}
